//! What each listener of the feed is sent next: events that are written once and kept for all, and what is said to one
//! alone.
//!
//! A listener has no queue of the feed but a cursor. It takes the next event behind that while it is kept; who is so slow
//! that it is gone gets what it lacks in one piece. What must stand behind a place waits until the cursor is there.

use std::collections::VecDeque;
use std::sync::Arc;

use doorward_verify::feed::{Event, Need};
use doorward_verify::{Lifetime, Position};

/// The most that waits to be said to one listener before the oldest of it is dropped; an echo that is lost is made up for
/// by the next.
pub const MOST_NOTES: usize = 16;

/// Everything behind a place, up to another, written out.
#[derive(Debug)]
pub struct Frame<T> {
    /// What it goes on from.
    pub from: Position,
    /// Up to where it is all there is.
    pub to: Position,
    /// How many entries there are.
    pub entries: usize,
    /// How many bytes they are.
    pub bytes: usize,
    /// As it is sent.
    pub written: T,
}

/// Frames that are kept for everybody, one behind the other.
#[derive(Debug)]
pub struct Frames<T> {
    kept: VecDeque<Arc<Frame<T>>>,
    entries: usize,
    bytes: usize,
    most_entries: usize,
    most_bytes: usize,
}

impl<T> Frames<T> {
    /// None yet; of those to come the newest, so many entries and bytes of them, and always the last one.
    pub const fn new(most_entries: usize, most_bytes: usize) -> Self {
        Self { kept: VecDeque::new(), entries: 0, bytes: 0, most_entries, most_bytes }
    }

    /// Keeps one more; it begins where the last one ended.
    pub fn push(&mut self, frame: Frame<T>) {
        self.entries += frame.entries;
        self.bytes += frame.bytes;
        self.kept.push_back(Arc::new(frame));
        while self.kept.len() > 1 && (self.entries > self.most_entries || self.bytes > self.most_bytes) {
            if let Some(oldest) = self.kept.pop_front() {
                self.entries -= oldest.entries;
                self.bytes -= oldest.bytes;
            }
        }
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        self.kept.clear();
        (self.entries, self.bytes) = (0, 0);
    }

    /// The next one behind a cursor; `None` if that is gone.
    pub fn next(&self, cursor: Position) -> Option<Arc<Frame<T>>> {
        let place = self.kept.partition_point(|frame| frame.to <= cursor);
        self.kept.get(place).filter(|frame| frame.from <= cursor).cloned()
    }
}

/// An event that must stand behind everything up to a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// The place.
    pub behind: Position,
    /// The event.
    pub event: Event,
}

/// What waits to be said to one listener.
#[derive(Clone, Debug, Default)]
pub struct Notes {
    waiting: VecDeque<Note>,
    /// When its instance pinged last over this stream.
    pub pinged: Lifetime,
    /// Is nothing more to be said?
    pub over: bool,
}

impl Notes {
    /// Nothing yet, of a stream that was opened at a moment.
    pub fn since(opened: Lifetime) -> Self {
        Self { pinged: opened, ..Self::default() }
    }

    /// Adds one.
    pub fn add(&mut self, note: Note) {
        // To be asked for a ping twice is to be asked once, for the later place.
        if matches!(note.event, Event::Need(Need::Ping)) {
            self.waiting.retain(|other| !matches!(other.event, Event::Need(Need::Ping)));
        }
        if self.waiting.len() == MOST_NOTES {
            self.waiting.pop_front();
        }
        self.waiting.push_back(note);
    }

    /// Takes what may be said to whom has been sent everything up to `cursor`.
    pub fn due(&mut self, cursor: Position) -> VecDeque<Note> {
        let (due, wait) = self.waiting.drain(..).partition(|note| note.behind <= cursor);
        self.waiting = wait;
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use doorward_verify::Timestamp;
    use doorward_verify::feed::Echo;

    fn place(seq: u64) -> Position {
        Position { generation: 5, seq }
    }

    fn frame(from: u64, to: u64, entries: usize) -> Frame<u64> {
        Frame { from: place(from), to: place(to), entries, bytes: 10 * entries, written: to }
    }

    #[test]
    fn a_cursor_is_given_what_goes_on_from_it_or_learns_that_it_is_gone() {
        let mut frames = Frames::new(4, 1000);
        for (from, to) in [(3, 4), (4, 6), (6, 7), (7, 9)] {
            frames.push(frame(from, to, (to - from) as usize));
        }
        let next = |seq: u64| frames.next(place(seq)).map(|frame| frame.written);
        let all: Vec<_> = (0..11).map(next).collect();
        let gone = None;
        let kept = [gone, gone, gone, gone, gone, gone, Some(7), Some(9), Some(9), None, None];
        assert_eq!(all, kept, "four entries are kept; who stands within a frame may have it whole");
    }

    #[test]
    fn the_last_frame_stays_however_large_it_is() {
        let mut frames = Frames::new(4, 1000);
        frames.push(frame(0, 1, 1));
        frames.push(frame(1, 9, 800));
        assert!(frames.next(place(0)).is_none() && frames.next(place(1)).is_some());
        frames.push(frame(9, 10, 1));
        assert!(frames.next(place(1)).is_none(), "its bytes are counted");
        frames.clear();
        assert!(frames.next(place(9)).is_none());
    }

    #[test]
    fn what_stands_behind_a_place_waits_for_it_and_the_oldest_gives_way() {
        let echo = |n: u64| Event::Echo(Echo { n, stream: None, head: place(n), time: Timestamp::MIN });
        let mut notes = Notes::default();
        for n in 1..=20 {
            notes.add(Note { behind: place(n), event: echo(n) });
            notes.add(Note { behind: place(n), event: Event::Need(Need::Ping) });
        }
        let due = |notes: &mut Notes, seq: u64| notes.due(place(seq)).into_iter().map(|note| note.behind.seq);
        assert_eq!(due(&mut notes, 5).count(), 0, "sixteen are kept, and the oldest of them is echo 6");
        assert_eq!(due(&mut notes, 7).collect::<Vec<_>>(), [6, 7]);
        assert_eq!(due(&mut notes, 20).collect::<Vec<_>>(), [8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 20]);
    }
}
