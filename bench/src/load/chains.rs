//! Refresh tokens that turn: every connection is a client of its own, with sessions of its own that it takes in turn.

use std::fs;
use std::path::Path;

use crate::Trouble;
use crate::seed::{Shuffle, TOKENS};

/// What all clients hold.
pub(super) struct Chains {
    tokens: Vec<Box<[u8]>>,
    clients: Vec<Client>,
}

/// The chains of one connection: every so many-th of the shuffled order.
struct Client {
    chains: Vec<usize>,
    next: usize,
}

impl Chains {
    /// Reads the first tokens.
    pub(super) fn read(folder: &Path, connections: usize) -> Result<Self, Trouble> {
        let tokens = super::lines(&fs::read_to_string(folder.join(TOKENS))?);
        if tokens.len() < connections {
            return Err("fewer chains than connections".into());
        }
        let shuffle = Shuffle::of(tokens.len() as u64);
        let chains = |client: usize| {
            let places = (client..tokens.len()).step_by(connections);
            places.map(|place| shuffle.at(place as u64) as usize).collect()
        };
        let clients = (0..connections).map(|client| Client { chains: chains(client), next: 0 }).collect();
        Ok(Self { tokens, clients })
    }

    /// How many chains a connection has.
    pub(super) fn len(&self, connection: usize) -> usize {
        self.clients[connection].chains.len()
    }

    /// What a connection shows next.
    pub(super) fn held(&self, connection: usize) -> &[u8] {
        let client = &self.clients[connection];
        &self.tokens[client.chains[client.next]]
    }

    /// Takes the successor from an answer, and goes on to the connection's next chain.
    pub(super) fn turn(&mut self, connection: usize, body: &[u8]) -> Result<(), Trouble> {
        let client = &mut self.clients[connection];
        let name = br#""refresh_token":""#;
        let at = memchr::memmem::find(body, name).ok_or("an answer without a refresh token")? + name.len();
        let length = memchr::memchr(b'"', &body[at..]).ok_or("a refresh token without an end")?;
        self.tokens[client.chains[client.next]] = body[at..at + length].into();
        client.next = (client.next + 1) % client.chains.len();
        Ok(())
    }
}
