//! When entries may leave: not one by one, but by the slice they came in, which costs two bytes an entry.
//!
//! A slice knows the furthest place and the latest time of everything it ever held, so it is over when all of that is.
//! Entries are put into the one slice that is open; it is closed when it holds a sixty-fourth of all.

use crate::{Position, Timestamp};

/// The name of a slice. Two bytes without alignment: it lies beside every key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SliceId([u8; 2]);

impl SliceId {
    const fn place(self) -> usize {
        u16::from_le_bytes(self.0) as usize
    }
}

/// A slice below this many entries is not closed.
const SMALLEST: usize = 1024;
/// Into how many slices the index falls, about.
const SLICES: usize = 64;
/// How many there can be at all; then the open one stays open.
const MOST: usize = 1 << 16;

#[derive(Clone, Copy, Debug)]
struct Slice {
    /// The furthest place of an entry.
    place: Position,
    /// The latest time of an entry.
    until: Timestamp,
    /// How many entries came into it.
    taken: usize,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Held,
    /// Its entries are leaving.
    Due,
    /// Nothing has its name.
    Free,
}

/// All slices, and how far the world has come.
#[derive(Clone, Debug)]
pub(super) struct Slices {
    slices: Vec<Slice>,
    free: Vec<SliceId>,
    open: Option<SliceId>,
    passed: Position,
    clock: Timestamp,
}

impl Default for Slices {
    fn default() -> Self {
        let (passed, clock) = (Position::START, Timestamp::MIN);
        Self { slices: Vec::new(), free: Vec::new(), open: None, passed, clock }
    }
}

impl Slices {
    /// Up to where everything may be forgotten.
    pub(super) const fn passed(&self) -> Position {
        self.passed
    }

    /// Everything up to `place` may be forgotten. It never goes back.
    pub(super) fn pass(&mut self, place: Position) {
        self.passed = self.passed.max(place);
    }

    /// Everything before `now` may be forgotten. It never goes back.
    pub(super) fn tick(&mut self, now: Timestamp) {
        self.clock = self.clock.max(now);
    }

    /// The slice for an entry that must stay until a place and a time, of `live` entries there are. `old` is where it is
    /// now, if it is known: it stays there if that lasts long enough, and else takes along what the old slice promised.
    pub(super) fn enter(&mut self, old: Option<SliceId>, place: Position, until: Timestamp, live: usize) -> SliceId {
        let (mut place, mut until) = (place, until);
        if let Some(old) = old {
            let known = &self.slices[old.place()];
            if known.state == State::Held && known.place >= place && known.until >= until {
                return old;
            }
            // What is due has kept its promise; it takes nothing along.
            if known.state == State::Held {
                (place, until) = (place.max(known.place), until.max(known.until));
            }
        }
        let id = self.opened(live);
        let slice = &mut self.slices[id.place()];
        slice.place = slice.place.max(place);
        slice.until = slice.until.max(until);
        slice.taken += 1;
        id
    }

    fn opened(&mut self, live: usize) -> SliceId {
        let full = |slice: &Slice| slice.state != State::Held || slice.taken >= SMALLEST.max(live / SLICES);
        match self.open {
            Some(open) if !full(&self.slices[open.place()]) => return open,
            // There is no other name left: better too long than not at all.
            Some(open) if self.slices[open.place()].state == State::Held && self.is_crowded() => return open,
            _ => {}
        }
        let fresh = Slice { place: Position::START, until: Timestamp::MIN, taken: 0, state: State::Held };
        let id = match self.free.pop() {
            Some(id) => {
                self.slices[id.place()] = fresh;
                id
            }
            None => {
                self.slices.push(fresh);
                SliceId(((self.slices.len() - 1) as u16).to_le_bytes())
            }
        };
        self.open = Some(id);
        id
    }

    /// Are all names but one taken? That one is for the case that the open slice is on its way out.
    const fn is_crowded(&self) -> bool {
        self.free.len() + MOST - self.slices.len() <= 1
    }

    /// Marks what is over; says whether anything is.
    pub(super) fn mark(&mut self) -> bool {
        let (passed, clock) = (self.passed, self.clock);
        let mut any = false;
        for slice in &mut self.slices {
            if slice.state == State::Held && slice.place <= passed && slice.until <= clock {
                slice.state = State::Due;
                any = true;
            }
        }
        any
    }

    /// Was it over when [`Self::mark`] looked?
    pub(super) fn is_due(&self, id: SliceId) -> bool {
        self.slices[id.place()].state == State::Due
    }

    /// Takes back the names of what was marked, once nothing has them any more.
    pub(super) fn free(&mut self) {
        for (place, slice) in self.slices.iter_mut().enumerate() {
            if slice.state == State::Due {
                slice.state = State::Free;
                self.free.push(SliceId((place as u16).to_le_bytes()));
            }
        }
        if self.open.is_some_and(|open| self.slices[open.place()].state == State::Free) {
            self.open = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(seq: u64) -> Position {
        Position { generation: 1, seq }
    }

    #[test]
    fn names_never_run_out() {
        let mut slices = Slices::default();
        let mut last = None;
        for seq in 0..(MOST * SMALLEST) as u64 + 5000 {
            last = Some(slices.enter(None, place(seq), Timestamp::MIN, 0));
        }
        assert_eq!(slices.slices.len(), MOST - 1, "one is kept back");
        // Everything becomes due, and while it leaves, something new comes.
        for round in 1..4 {
            slices.pass(place(round << 40));
            assert!(slices.mark());
            assert!(last.is_some_and(|last| slices.is_due(last)));
            last = Some(slices.enter(last, place((round << 40) + 1), Timestamp::MIN, 0));
            assert!(last.is_some_and(|last| !slices.is_due(last)));
            slices.free();
            assert!(slices.slices.len() <= MOST);
        }
    }

    #[test]
    fn an_entry_takes_along_what_its_slice_promised() {
        let mut slices = Slices::default();
        let far = slices.enter(None, place(9), Timestamp::from_secs(9), 0);
        for _ in 0..SMALLEST {
            slices.enter(None, place(1), Timestamp::MIN, 0);
        }
        let moved = slices.enter(Some(far), place(1), Timestamp::from_secs(10), 0);
        assert_ne!(moved, far);
        let mut soon = slices.clone();
        soon.pass(place(8));
        soon.tick(Timestamp::MAX);
        soon.mark();
        assert!(!soon.is_due(moved), "it was promised until place 9");
        assert_eq!(slices.enter(Some(moved), place(9), Timestamp::from_secs(10), 0), moved, "it lasts long enough");
        slices.pass(place(8));
        slices.tick(Timestamp::MAX);
        slices.mark();
        assert!(!slices.is_due(moved), "until place 9");
    }

    #[test]
    fn an_entry_that_comes_again_while_its_slice_is_leaving_does_not_leave_with_it() {
        let mut slices = Slices::default();
        let old = slices.enter(None, place(5), Timestamp::MIN, 0);
        slices.pass(place(5));
        assert!(slices.mark() && slices.is_due(old));
        let again = slices.enter(Some(old), place(5), Timestamp::MIN, 0);
        assert!(again != old && !slices.is_due(again));
    }

    #[test]
    fn a_slice_is_closed_when_it_holds_a_sixty_fourth_of_all_and_no_fewer_than_1024() {
        for (live, holds) in [(0, 1024), (64 * 1024, 1024), (64 * 3000 + 63, 3000)] {
            let mut slices = Slices::default();
            let first = slices.enter(None, place(1), Timestamp::MIN, live);
            for _ in 1..holds {
                assert_eq!(slices.enter(None, place(1), Timestamp::MIN, live), first);
            }
            assert_ne!(slices.enter(None, place(1), Timestamp::MIN, live), first, "{live}");
        }
    }

    #[test]
    fn the_name_of_a_slice_that_has_left_is_given_again_and_the_open_one_stays_open() {
        let mut slices = Slices::default();
        let early = slices.enter(None, place(1), Timestamp::MIN, 0);
        for _ in 1..SMALLEST {
            slices.enter(None, place(1), Timestamp::MIN, 0);
        }
        let open = slices.enter(None, place(9), Timestamp::MIN, 0);
        slices.pass(place(5));
        assert!(slices.mark());
        slices.free();
        assert_eq!(slices.enter(None, place(9), Timestamp::MIN, 0), open);
        for _ in 2..SMALLEST {
            slices.enter(None, place(9), Timestamp::MIN, 0);
        }
        assert_eq!(slices.enter(None, place(9), Timestamp::MIN, 0), early);
        assert_eq!(slices.slices.len(), 2);
    }
}
