//! `POST /v1/session/refresh`: every connection is a client of its own, which keeps rule 1 of the protocol. It draws an
//! attempt key, sends it with the token it holds, and holds the successor.
//!
//! One session may turn sixteen times in ten seconds and no more (429 `refresh_busy`), so a client that never rests has
//! many sessions and takes them in turn.

use std::path::Path;

use super::chains::Chains;
use super::drive::Script;
use crate::Trouble;
use crate::seed::HYBRID;

/// All clients.
pub(super) struct Refreshes {
    chains: Chains,
    /// How many turns each has made.
    turned: Vec<usize>,
    attempts: u64,
    head: String,
    /// Is every chain to be turned once, and no more?
    once: bool,
}

impl Refreshes {
    /// Reads the first tokens.
    pub(super) fn read(folder: &Path, connections: usize) -> Result<Self, Trouble> {
        let chains = Chains::read(folder, connections)?;
        Ok(Self { chains, turned: vec![0; connections], attempts: 0, head: String::new(), once: false })
    }

    /// Asks this port from now on, without an end or each chain once.
    pub(super) fn aim(&mut self, port: u16, once: bool) {
        self.once = once;
        self.turned.fill(0);
        self.head = format!(
            "POST /v1/session/refresh HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\nuser-agent: doorward-bench\r\naccept: \
             */*\r\ncontent-type: application/json\r\ncontent-length: "
        );
    }
}

impl Script for Refreshes {
    fn request(&mut self, connection: usize, out: &mut Vec<u8>) -> bool {
        if self.once && self.turned[connection] == self.chains.len(connection) {
            return false;
        }
        self.attempts += 1;
        // Unlike any other; that it can be guessed harms nobody here.
        let key = format!("bench-attempt-{:018}", self.attempts);
        let (before, between, after) =
            (r#"{"refresh_token":""#, format!(r#"","client_id":"{HYBRID}","attempt":""#), r#""}"#);
        let token = self.chains.held(connection);
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
        self.chains.turn(connection, body)?;
        self.turned[connection] += 1;
        Ok(())
    }

    fn ends(&self) -> bool {
        self.once
    }
}
