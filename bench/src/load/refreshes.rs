//! `POST /v1/session/refresh`: every connection is a client of its own, which keeps rule 1 of the protocol. It draws an
//! attempt key, sends it with the token it holds, and holds the successor.
//!
//! One session may turn sixteen times in ten seconds and no more (429 `refresh_busy`), so a client that never rests has
//! many sessions and takes them in turn.

use std::fs;
use std::path::Path;

use super::drive::Script;
use crate::Trouble;
use crate::seed::{HYBRID, Shuffle, TOKENS};

/// The chains of all connections.
pub(super) struct Chains {
    tokens: Vec<Box<[u8]>>,
    clients: Vec<Client>,
    attempts: u64,
    head: String,
    /// Is every chain to be turned once, and no more?
    once: bool,
}

/// The chains of one connection: every so many-th of the shuffled order.
struct Client {
    chains: Vec<usize>,
    next: usize,
    turned: usize,
}

impl Chains {
    /// Reads the first tokens.
    pub(super) fn read(folder: &Path, connections: usize) -> Result<Self, Trouble> {
        let text = fs::read_to_string(folder.join(TOKENS))?;
        let tokens: Vec<Box<[u8]>> = text.lines().map(|line| line.as_bytes().into()).collect();
        if tokens.len() < connections {
            return Err("fewer chains than connections".into());
        }
        let shuffle = Shuffle::of(tokens.len() as u64);
        let chains = |client: usize| {
            let places = (client..tokens.len()).step_by(connections);
            places.map(|place| shuffle.at(place as u64) as usize).collect()
        };
        let clients = (0..connections).map(|client| Client { chains: chains(client), next: 0, turned: 0 }).collect();
        Ok(Self { tokens, clients, attempts: 0, head: String::new(), once: false })
    }

    /// Asks this port from now on, without an end or each chain once.
    pub(super) fn aim(&mut self, port: u16, once: bool) {
        self.once = once;
        for client in &mut self.clients {
            client.turned = 0;
        }
        self.head = format!(
            "POST /v1/session/refresh HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\nuser-agent: doorward-bench\r\naccept: \
             */*\r\ncontent-type: application/json\r\ncontent-length: "
        );
    }
}

impl Script for Chains {
    fn request(&mut self, connection: usize, out: &mut Vec<u8>) -> bool {
        let client = &mut self.clients[connection];
        if self.once && client.turned == client.chains.len() {
            return false;
        }
        let chain = client.chains[client.next];
        self.attempts += 1;
        // Unlike any other; that it can be guessed harms nobody here.
        let key = format!("bench-attempt-{:018}", self.attempts);
        let (before, between, after) =
            (r#"{"refresh_token":""#, format!(r#"","client_id":"{HYBRID}","attempt":""#), r#""}"#);
        let token = &self.tokens[chain];
        let length = before.len() + token.len() + between.len() + key.len() + after.len();
        out.extend_from_slice(self.head.as_bytes());
        out.extend_from_slice(format!("{length}\r\n\r\n{before}").as_bytes());
        out.extend_from_slice(token);
        out.extend_from_slice(between.as_bytes());
        out.extend_from_slice(key.as_bytes());
        out.extend_from_slice(after.as_bytes());
        true
    }

    fn answer(&mut self, connection: usize, body: &[u8]) -> Result<(), Trouble> {
        let client = &mut self.clients[connection];
        let name = br#""refresh_token":""#;
        let at = memchr::memmem::find(body, name).ok_or("an answer without a refresh token")? + name.len();
        let length = memchr::memchr(b'"', &body[at..]).ok_or("a refresh token without an end")?;
        self.tokens[client.chains[client.next]] = body[at..at + length].into();
        client.next = (client.next + 1) % client.chains.len();
        client.turned += 1;
        Ok(())
    }

    fn ends(&self) -> bool {
        self.once
    }
}
