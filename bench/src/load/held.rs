//! Requests to other people's servers, written by a text with holes: what each session's holder shows goes into one, and
//! the length of the body into the other. The text, what is shown, and what a good answer must say lie in the load's folder.

use std::fs;
use std::path::Path;

use super::chains::Chains;
use super::drive::Script;
use super::lines;
use crate::Trouble;
use crate::seed::Choice;

/// The request, with holes.
pub(crate) const REQUEST: &str = "request.http";
/// What goes into the hole, a line for each session.
pub(crate) const HELD: &str = "held.txt";
/// What every good answer says.
pub(crate) const EXPECTED: &str = "expected.txt";
/// The holes.
pub(crate) const HOLE: &str = "{held}";
/// How long the body is.
pub(crate) const LENGTH: &str = "{length}";

/// A request with its holes.
struct Template {
    /// Until the length, and from there until the hole; all in the second if there is no length.
    pieces: [Vec<u8>; 2],
    after: Vec<u8>,
    /// Bytes of the body beside what is shown; `None` if there is no body.
    body: Option<usize>,
}

impl Template {
    fn read(folder: &Path) -> Result<Self, Trouble> {
        Self::of(&fs::read_to_string(folder.join(REQUEST))?)
    }

    fn of(text: &str) -> Result<Self, Trouble> {
        let (before, after) = text.split_once(HOLE).ok_or("a request without a hole")?;
        let (first, second) = before.split_once(LENGTH).unwrap_or(("", before));
        let body = text.split_once("\r\n\r\n").map(|(_, body)| body.len()).ok_or("a request without an end")?;
        Ok(Self {
            body: (!first.is_empty()).then(|| body.saturating_sub(HOLE.len())),
            pieces: [first, second].map(|piece| piece.as_bytes().to_vec()),
            after: after.as_bytes().to_vec(),
        })
    }

    fn write(&self, held: &[u8], out: &mut Vec<u8>) {
        out.extend_from_slice(&self.pieces[0]);
        if let Some(body) = self.body {
            out.extend_from_slice((body + held.len()).to_string().as_bytes());
        }
        out.extend_from_slice(&self.pieces[1]);
        out.extend_from_slice(held);
        out.extend_from_slice(&self.after);
    }
}

/// Of random sessions.
pub(super) struct Held {
    template: Template,
    held: Vec<Box<[u8]>>,
    expected: Vec<u8>,
    choice: Choice,
}

impl Held {
    /// Those of a folder.
    pub(super) fn read(folder: &Path, seed: u64) -> Result<Self, Trouble> {
        let held = lines(&fs::read_to_string(folder.join(HELD))?);
        if held.is_empty() {
            return Err("nobody has a session".into());
        }
        let expected = fs::read(folder.join(EXPECTED))?;
        Ok(Self { template: Template::read(folder)?, held, expected, choice: Choice::seeded(seed) })
    }
}

impl Script for Held {
    fn request(&mut self, _: usize, out: &mut Vec<u8>) -> bool {
        let place = self.choice.below(self.held.len() as u64) as usize;
        self.template.write(&self.held[place], out);
        true
    }

    fn answer(&mut self, _: usize, body: &[u8]) -> Result<(), Trouble> {
        match memchr::memmem::find(body, &self.expected) {
            Some(_) => Ok(()),
            None => Err(format!("not what is expected: {}", String::from_utf8_lossy(body)).into()),
        }
    }
}

/// Refresh tokens that turn: each connection in turn over chains of its own, as our own clients do.
pub(super) struct Turns {
    template: Template,
    chains: Chains,
}

impl Turns {
    /// Reads the first tokens of a file.
    pub(super) fn read(folder: &Path, connections: usize) -> Result<Self, Trouble> {
        Ok(Self { template: Template::read(folder)?, chains: Chains::read(folder, connections)? })
    }
}

impl Script for Turns {
    fn request(&mut self, connection: usize, out: &mut Vec<u8>) -> bool {
        self.template.write(self.chains.held(connection), out);
        true
    }

    fn answer(&mut self, connection: usize, body: &[u8]) -> Result<(), Trouble> {
        self.chains.turn(connection, body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str, held: &str) -> String {
        let mut out = Vec::new();
        Template::of(text).expect("a template").write(held.as_bytes(), &mut out);
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn what_is_shown_goes_into_its_hole_and_the_length_is_that_of_the_body() {
        assert_eq!(
            written("GET / HTTP/1.1\r\ncookie: {held}\r\n\r\n", "a=b"),
            "GET / HTTP/1.1\r\ncookie: a=b\r\n\r\n"
        );
        assert_eq!(
            written("POST / HTTP/1.1\r\ncontent-length: {length}\r\n\r\ntoken={held}&x=1", "abcd"),
            "POST / HTTP/1.1\r\ncontent-length: 14\r\n\r\ntoken=abcd&x=1"
        );
        assert!(Template::of("GET / HTTP/1.1\r\n\r\n").is_err());
    }
}
