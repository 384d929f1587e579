//! Events that everybody is sent, written once and kept for those who are a little behind.

use bytes::Bytes;
use doorward_core::Position;
use doorward_core::feed::Line;
use doorward_core::relay::{Frame, Frames};
use doorward_store::feed::Lines;
use doorward_verify::feed::{Event, Range, Written};

use crate::door::Door;

/// So many entries are kept written out …
const ENTRIES: usize = 4096;
/// … and so many bytes.
const BYTES: usize = 256 * 1024;

/// A range, as it is sent.
#[derive(Debug)]
pub(crate) struct Sent {
    pub(crate) written: Written,
    /// The part that is the same for everybody.
    pub(crate) shared: Bytes,
}

/// None yet.
pub(crate) const fn none() -> Frames<Sent> {
    Frames::new(ENTRIES, BYTES)
}

/// Writes what stands behind `from`.
pub(crate) fn write(door: &Door, from: Position, lines: &Lines) -> Frame<Sent> {
    let written = Written::of(&range(door, from, lines));
    let shared = Bytes::copy_from_slice(written.shared());
    Frame { from, to: lines.to, entries: lines.lines.len(), bytes: shared.len(), written: Sent { written, shared } }
}

/// The range behind a place, with the mark by which servers know it for their own.
pub(crate) fn range(door: &Door, from: Position, lines: &Lines) -> Event {
    let mut range = Range {
        generation: lines.to.generation,
        from: from.seq,
        to: lines.to.seq,
        gc_through: door.watermark(),
        entries: lines.lines.iter().map(|line: &Line| line.entry).collect(),
        mac: String::new(),
    };
    let mut text = Vec::with_capacity(128 + 80 * range.entries.len());
    let unmarked = Event::Range(range.clone());
    unmarked.write(&mut text);
    range.mac = door.keys().range_mac(&text);
    Event::Range(range)
}
