//! Up to which place the feed may be forgotten.
//!
//! A line must be remembered until every token that it could kill has expired. How long that is, is measured on a clock
//! that nobody can set and that runs while the machine sleeps; the clock on the wall has a veto and nothing more: if it
//! was ahead when tokens were minted and is right again now, their end is further away than it was meant to be. A server
//! that has just started does not know how old the lines are that it finds, so they live once more from there.

use std::collections::VecDeque;

use doorward_verify::{Lifetime, Position, Timestamp};

use crate::policy::{ACCESS_LONGEST, RETENTION, SKEW};

/// Marks are at least so far apart: their number is bounded, and nothing lives longer by more than that.
const EVERY: Lifetime = Lifetime::from_secs(1);

/// A moment, on both clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// For how long the machine has been up, its sleep included.
    pub up: Lifetime,
    /// The latest time that the clock on the wall has ever told.
    pub latest: Timestamp,
}

/// Everything up to a place was there at a moment.
#[derive(Clone, Copy, Debug)]
struct Mark {
    through: Position,
    began: Lifetime,
    at: Moment,
}

/// The watermark of a running server.
#[derive(Clone, Debug)]
pub struct Watermark {
    marks: VecDeque<Mark>,
    through: Position,
}

impl Watermark {
    /// Of a server that starts now and finds lines up to `head`.
    pub fn begin(head: Position, now: Moment) -> Self {
        let first = Mark { through: head, began: now.up, at: now };
        Self { marks: VecDeque::from([first]), through: Position::START }
    }

    /// Everything up to `head` is there by now.
    pub fn note(&mut self, head: Position, now: Moment) {
        match self.marks.back_mut() {
            Some(last) if last.through >= head => {}
            Some(last) if now.up.millis() - last.began.millis() < EVERY.millis() => {
                *last = Mark { through: head, began: last.began, at: now };
            }
            _ => self.marks.push_back(Mark { through: head, began: now.up, at: now }),
        }
    }

    /// Moves on to where it may be at a moment; `wall` is what the clock on the wall says then. Gives the place: whatever
    /// stands up to it may be forgotten.
    pub fn advance(&mut self, up: Lifetime, wall: Timestamp) -> Position {
        while let Some(mark) = self.marks.front().filter(|mark| mark.is_over(up, wall)) {
            self.through = mark.through;
            self.marks.pop_front();
        }
        self.through
    }

    /// Where it is.
    pub const fn through(&self) -> Position {
        self.through
    }
}

impl Mark {
    fn is_over(&self, up: Lifetime, wall: Timestamp) -> bool {
        let old = up.millis() - self.at.up.millis() >= RETENTION.millis();
        old && wall >= self.at.latest + ACCESS_LONGEST + SKEW
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOON: Timestamp = Timestamp::from_secs(1_790_000_000);

    fn moment(secs: i64) -> Moment {
        Moment { up: Lifetime::from_secs(secs), latest: NOON + Lifetime::from_secs(secs) }
    }

    fn place(seq: u64) -> Position {
        Position { generation: 7, seq }
    }

    #[test]
    fn what_a_start_finds_lives_one_full_retention_more() {
        let mut mark = Watermark::begin(place(9), moment(100));
        let due = Lifetime::from_secs(100) + RETENTION;
        let before = Lifetime::from_millis(due.millis() - 1);
        assert_eq!(mark.advance(before, Timestamp::MAX), Position::START);
        assert_eq!(mark.advance(due, Timestamp::MAX), place(9));
        assert_eq!(mark.through(), place(9));
    }

    #[test]
    fn a_wall_clock_that_was_ahead_keeps_lines_until_it_has_caught_up() {
        let mut mark = Watermark::begin(place(0), moment(0));
        let ahead = Moment { latest: NOON + Lifetime::from_hours(5), ..moment(10) };
        mark.note(place(1), ahead);
        let up = Lifetime::from_hours(3);
        assert_eq!(mark.advance(up, NOON + up), place(0), "its tokens live for hours yet");
        let caught_up = ahead.latest + ACCESS_LONGEST + SKEW;
        assert_eq!(mark.advance(up, caught_up - Lifetime::from_millis(1)), place(0));
        assert_eq!(mark.advance(up, caught_up), place(1));
    }

    #[test]
    fn a_wall_clock_that_jumps_forward_forgets_nothing() {
        let mut mark = Watermark::begin(place(0), moment(0));
        mark.note(place(1), moment(1));
        assert_eq!(mark.advance(Lifetime::from_mins(5), Timestamp::MAX), Position::START);
    }

    proptest! {
        #[test]
        fn no_line_goes_before_its_retention_and_all_go_soon_after(gaps in prop::collection::vec(0..5_000_i64, 1..200)) {
            let mut mark = Watermark::begin(place(0), moment(0));
            let mut written = Vec::new();
            let mut at = 0;
            for (seq, gap) in gaps.iter().enumerate() {
                at += gap;
                let up = Lifetime::from_millis(at);
                mark.note(place(seq as u64 + 1), Moment { up, latest: NOON + up });
                written.push(at);
            }
            prop_assert!(mark.marks.len() as i64 <= at / 1_000 + 2);
            for millis in (0..at + RETENTION.millis() + 2_000).step_by(777) {
                let up = Lifetime::from_millis(millis);
                let through = mark.clone().advance(up, NOON + up + Lifetime::from_hours(1));
                for (seq, written) in written.iter().enumerate() {
                    let age = millis - written;
                    let gone = place(seq as u64 + 1) <= through;
                    prop_assert!(!gone || age >= RETENTION.millis(), "{seq} is {age} old");
                    prop_assert!(gone || age < RETENTION.millis() + 1_000, "{seq} is {age} old and still here");
                }
            }
        }
    }
}
