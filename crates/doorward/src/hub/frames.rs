//! Events that everybody is sent, written once and kept for those who are a little behind.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use doorward_core::Position;
use doorward_core::feed::Line;
use doorward_store::feed::Lines;
use doorward_verify::feed::{Event, Range, Written};

use crate::door::Door;

/// So many entries are kept written out …
const ENTRIES: usize = 4096;
/// … and so many bytes.
const BYTES: usize = 256 * 1024;

/// A range, written.
#[derive(Debug)]
pub(crate) struct Frame {
    from: Position,
    pub(crate) to: Position,
    pub(crate) entries: usize,
    pub(crate) written: Written,
    /// The part that is the same for everybody.
    pub(crate) shared: Bytes,
}

impl Frame {
    /// Writes what stands behind `from`.
    pub(crate) fn write(door: &Door, from: Position, lines: &Lines) -> Self {
        let event = range(door, from, lines);
        let written = Written::of(&event);
        let shared = Bytes::copy_from_slice(written.shared());
        Self { from, to: lines.to, entries: lines.lines.len(), written, shared }
    }
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

/// The events that are kept, one behind the other.
#[derive(Debug, Default)]
pub(crate) struct Frames {
    kept: VecDeque<Arc<Frame>>,
    entries: usize,
    bytes: usize,
}

impl Frames {
    /// Keeps one more; it begins where the last one ended.
    pub(crate) fn push(&mut self, frame: Frame) {
        self.entries += frame.entries;
        self.bytes += frame.shared.len();
        self.kept.push_back(Arc::new(frame));
        while self.kept.len() > 1 && (self.entries > ENTRIES || self.bytes > BYTES) {
            if let Some(oldest) = self.kept.pop_front() {
                self.entries -= oldest.entries;
                self.bytes -= oldest.shared.len();
            }
        }
    }

    /// Forgets all.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    /// The next event behind a cursor; `None` if that is gone.
    pub(crate) fn next(&self, cursor: Position) -> Option<Arc<Frame>> {
        let place = self.kept.partition_point(|frame| frame.to <= cursor);
        self.kept.get(place).filter(|frame| frame.from <= cursor).cloned()
    }
}
