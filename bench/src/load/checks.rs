//! `GET /v1/session` by cookie.

use super::drive::Script;
use crate::Trouble;
use crate::seed::{Choice, Shuffle, secret_text};

/// A request with a hole where the secret goes.
struct Template {
    text: Vec<u8>,
    hole: usize,
}

impl Template {
    fn new(port: u16) -> Self {
        let head = format!(
            "GET /v1/session HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\nuser-agent: doorward-bench\r\naccept: */*\r\ncookie: \
             __Host-Http-dw_session="
        );
        let hole = head.len();
        let mut text = head.into_bytes();
        text.extend_from_slice(b"\r\n\r\n");
        Self { text, hole }
    }

    fn write(&self, session: u64, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.text[..self.hole]);
        out.extend_from_slice(secret_text(session).as_bytes());
        out.extend_from_slice(&self.text[self.hole..]);
    }
}

/// Of random busy sessions.
pub(super) struct Random {
    template: Template,
    shuffle: Shuffle,
    busy: u64,
    choice: Choice,
}

impl Random {
    /// Among so many, so many of them busy.
    pub(super) fn new(port: u16, (sessions, busy): (u64, u64), seed: u64) -> Self {
        Self { template: Template::new(port), shuffle: Shuffle::of(sessions), busy, choice: Choice::seeded(seed) }
    }
}

impl Script for Random {
    fn request(&mut self, _: usize, out: &mut Vec<u8>) -> bool {
        self.template.write(self.shuffle.at(self.choice.below(self.busy)), out);
        true
    }

    fn answer(&mut self, _: usize, _: &[u8]) -> Result<(), Trouble> {
        Ok(())
    }
}

/// Of every busy session once.
pub(super) struct Each {
    template: Template,
    shuffle: Shuffle,
    busy: u64,
    next: u64,
}

impl Each {
    /// Among so many, so many of them busy.
    pub(super) fn new(port: u16, (sessions, busy): (u64, u64)) -> Self {
        Self { template: Template::new(port), shuffle: Shuffle::of(sessions), busy, next: 0 }
    }
}

impl Script for Each {
    fn request(&mut self, _: usize, out: &mut Vec<u8>) -> bool {
        if self.next == self.busy {
            return false;
        }
        self.template.write(self.shuffle.at(self.next), out);
        self.next += 1;
        true
    }

    fn answer(&mut self, _: usize, _: &[u8]) -> Result<(), Trouble> {
        Ok(())
    }

    fn ends(&self) -> bool {
        true
    }
}
