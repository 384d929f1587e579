//! `POST /oauth2/introspect` for every request, as a service does that cannot judge tokens by itself.

use std::fs;
use std::path::Path;

use super::drive::Script;
use crate::Trouble;
use crate::seed::{ACCESS, VERIFIER};

/// Questions about tokens, in turn.
pub(super) struct Introspections {
    questions: Vec<Vec<u8>>,
    next: usize,
}

impl Introspections {
    /// About the access tokens of a file.
    pub(super) fn read(port: u16, folder: &Path) -> Result<Self, Trouble> {
        let (secret, tokens) = (fs::read_to_string(folder.join(VERIFIER))?, fs::read_to_string(folder.join(ACCESS))?);
        let question = |token: &str| {
            let head = format!(
                "POST /oauth2/introspect HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\nuser-agent: doorward-bench\r\naccept: \
                 application/json\r\nauthorization: Bearer {secret}\r\ncontent-type: \
                 application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\ntoken={token}",
                "token=".len() + token.len()
            );
            head.into_bytes()
        };
        let questions: Vec<Vec<u8>> = tokens.lines().map(question).collect();
        if questions.is_empty() { Err("no tokens to ask about".into()) } else { Ok(Self { questions, next: 0 }) }
    }
}

impl Script for Introspections {
    fn request(&mut self, _: usize, out: &mut Vec<u8>) -> bool {
        out.extend_from_slice(&self.questions[self.next]);
        self.next = (self.next + 1) % self.questions.len();
        true
    }

    fn answer(&mut self, _: usize, body: &[u8]) -> Result<(), Trouble> {
        let active = memchr::memmem::find(body, br#""active":true"#).is_some();
        if active { Ok(()) } else { Err("a good token is not active".into()) }
    }
}
