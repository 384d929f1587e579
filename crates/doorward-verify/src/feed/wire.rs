//! Events as server-sent events: written once for everybody and sealed for each, cut out of a stream as bytes arrive.

use core::str;

use super::tag::sha256;
use super::{Broken, Event, Place, StreamKey};

/// How many bytes an event may have on the wire. A range of 4,096 entries has about 300 KiB.
pub const LONGEST_EVENT: usize = 1024 * 1024;

/// An event as it is written, but for the tag: the same bytes for every connection.
#[derive(Clone, Debug)]
pub struct Written {
    name: &'static str,
    id: String,
    digest: [u8; 32],
    shared: Vec<u8>,
}

impl Written {
    /// Writes an event.
    pub fn of(event: &Event) -> Self {
        let (name, id) = (event.name(), event.id().map(|id| id.to_string()).unwrap_or_default());
        let mut shared = Vec::with_capacity(256);
        if !id.is_empty() {
            shared.extend_from_slice(format!("id: {id}\n").as_bytes());
        }
        shared.extend_from_slice(format!("event: {name}\ndata: ").as_bytes());
        let start = shared.len();
        event.write(&mut shared);
        let digest = sha256(&shared[start..]);
        shared.push(b'\n');
        Self { name, id, digest, shared }
    }

    /// The bytes that are the same everywhere; [`Self::seal`] gives those that follow them.
    pub fn shared(&self) -> &[u8] {
        &self.shared
    }

    /// Appends to `out` the end of the event at one place of one connection: its tag, and the blank line.
    pub fn seal(&self, key: &StreamKey, place: Place, out: &mut Vec<u8>) {
        out.extend_from_slice(b"data: ");
        out.extend_from_slice(&key.tag(place, self.name, &self.id, &self.digest));
        out.extend_from_slice(b"\n\n");
    }
}

/// An event as it was cut out of a stream; not yet known to be genuine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sealed {
    name: String,
    id: String,
    json: Vec<u8>,
    tag: String,
    /// How many data lines there were.
    lines: usize,
}

impl Sealed {
    /// Checks the tag, and only then reads the event.
    ///
    /// # Errors
    /// [`Broken::Forged`], [`Broken::Malformed`].
    pub fn open(mut self, key: &StreamKey, due: Place) -> Result<Event, Broken> {
        if self.lines != 2 {
            return Err(Broken::Malformed);
        }
        key.check(due, &self.name, &self.id, &self.json, &self.tag)?;
        Event::read(&self.name, &mut self.json)
    }

    fn is_empty(&self) -> bool {
        self.lines == 0 && self.name.is_empty() && self.id.is_empty()
    }

    fn take(&mut self, line: &str) -> Result<(), Broken> {
        let (field, text) = match line.split_once(':') {
            Some((field, text)) => (field, text.strip_prefix(' ').unwrap_or(text)),
            None => (line, ""),
        };
        match field {
            "event" => text.clone_into(&mut self.name),
            "id" => text.clone_into(&mut self.id),
            "data" => {
                match self.lines {
                    0 => self.json = text.as_bytes().to_vec(),
                    1 => text.clone_into(&mut self.tag),
                    _ => return Err(Broken::Malformed),
                }
                self.lines += 1;
            }
            // A comment (no field's name) or a field that is for browsers.
            _ => {}
        }
        Ok(())
    }
}

/// Cuts a stream into events as its bytes arrive. Lines end with LF or CRLF.
#[derive(Debug, Default)]
pub struct Cutter {
    held: Vec<u8>,
    /// Up to where `held` has been cut.
    cut: usize,
    /// Up to where `held` has been searched for the end of a line.
    searched: usize,
    draft: Sealed,
    /// Bytes of the lines in the draft.
    size: usize,
}

impl Cutter {
    /// Begins before the first event.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes what arrived; then [`Self::next`] until it gives no more.
    pub fn push(&mut self, bytes: &[u8]) {
        self.held.drain(..self.cut);
        self.searched -= self.cut;
        self.cut = 0;
        self.held.extend_from_slice(bytes);
    }

    /// The next whole event, if there is one.
    ///
    /// # Errors
    /// [`Broken::TooLarge`], [`Broken::Malformed`]; then the stream is of no more use.
    #[expect(clippy::should_implement_trait, reason = "that no event is whole yet is not the end of the stream")]
    pub fn next(&mut self) -> Result<Option<Sealed>, Broken> {
        while let Some(length) = self.held[self.searched..].iter().position(|&byte| byte == b'\n') {
            let end = self.searched + length;
            let line = &self.held[self.cut..end];
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            self.size += line.len();
            (self.cut, self.searched) = (end + 1, end + 1);
            if self.size > LONGEST_EVENT {
                return Err(Broken::TooLarge);
            }
            if !line.is_empty() {
                let line = str::from_utf8(line).map_err(|_| Broken::Malformed)?;
                self.draft.take(line)?;
                continue;
            }
            self.size = 0;
            if !self.draft.is_empty() {
                return Ok(Some(core::mem::take(&mut self.draft)));
            }
        }
        self.searched = self.held.len();
        if self.size + self.held.len() - self.cut > LONGEST_EVENT { Err(Broken::TooLarge) } else { Ok(None) }
    }
}
