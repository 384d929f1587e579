//! `DELETE /v1/session` by the session's secret, every session once.

use super::drive::Script;
use crate::Trouble;
use crate::seed::secret_text;

/// Sessions of one stretch of numbers.
pub(super) struct SignOuts {
    head: String,
    next: u64,
    end: u64,
}

impl SignOuts {
    /// From a number on, so many.
    pub(super) fn new(port: u16, first: u64, count: u64) -> Self {
        let head = format!(
            "DELETE /v1/session HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\nuser-agent: doorward-bench\r\naccept: \
             */*\r\nauthorization: Bearer "
        );
        Self { head, next: first, end: first + count }
    }
}

impl Script for SignOuts {
    fn request(&mut self, _: usize, out: &mut Vec<u8>) -> bool {
        if self.next == self.end {
            return false;
        }
        out.extend_from_slice(self.head.as_bytes());
        out.extend_from_slice(secret_text(self.next).as_bytes());
        out.extend_from_slice(b"\r\n\r\n");
        self.next += 1;
        true
    }

    fn answer(&mut self, _: usize, _: &[u8]) -> Result<(), Trouble> {
        Ok(())
    }
}
