//! The budget of the feed, held against a real index: whatever happens, it is kept, and nothing that was revoked passes.

use std::collections::BTreeMap;

use doorward_core::budget::{Budget, LEAST, MOST, SESSIONS_OF_ONE, SESSIONS_OF_ONE_IF_TIGHT};
use doorward_core::feed::{Draft, Line, Register};
use doorward_core::id::{ClientId, SessionId};
use doorward_core::spread::BUCKETS;
use doorward_core::{Key, Lifetime, Marks, Position, Rejection, Revocations, Scope, Strength, Timestamp};
use proptest::prelude::*;

/// A feed as a store keeps it: a later epoch over the same thing replaces the earlier.
struct Feed {
    budget: Budget,
    lines: BTreeMap<Position, Line>,
    registers: BTreeMap<Register, Position>,
    head: Position,
}

impl Feed {
    fn new(most: usize) -> Self {
        let head = Position { generation: 1, seq: 0 };
        Self { budget: Budget::new(most), lines: BTreeMap::new(), registers: BTreeMap::new(), head }
    }

    /// Writes drafts as one change does; gives what became of them.
    fn write(&mut self, mut drafts: Vec<Draft>) -> Vec<Draft> {
        self.budget.settle(drafts.iter_mut());
        for draft in &drafts {
            self.head.seq += 1;
            let line = Line::written(*draft, self.head, Timestamp::MIN);
            if let Some(register) = line.register()
                && let Some(before) = self.registers.insert(register, self.head)
            {
                self.lines.remove(&before);
            }
            self.lines.insert(self.head, line);
            self.budget.written(&line);
        }
        drafts
    }

    /// Forgets as the watermark moves.
    fn forget(&mut self, through: Position) {
        let later = self.lines.split_off(&Position { seq: through.seq + 1, ..through });
        for line in std::mem::replace(&mut self.lines, later).into_values() {
            if let Some(register) = line.register() {
                self.registers.remove(&register);
            }
            self.budget.forgotten(&line);
        }
    }

    fn index(&self) -> Revocations {
        let mut index = Revocations::new();
        for line in self.lines.values() {
            index.learn(&line.entry, line.place);
        }
        index
    }
}

fn session(number: u32) -> SessionId {
    let mut id = [0x5a; 16];
    // Scattered over the buckets as drawn ids are.
    id[..4].copy_from_slice(&number.wrapping_mul(0x9e37_79b1).to_be_bytes());
    id[4..8].copy_from_slice(&number.to_be_bytes());
    SessionId::from_bytes(id)
}

const fn person(number: u32) -> Key {
    let [a, b, c, d] = number.to_be_bytes();
    Key([0x11, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, a, b, c, d])
}

fn end(number: u32, of: u32) -> Draft {
    Draft::session(session(number)).of(Some(person(of)))
}

fn marks(number: u32, of: u32, at: Position) -> Marks {
    Marks { session: Some(session(number).key()), subject: Some(person(of)), at: Some(at), ..Marks::default() }
}

#[test]
fn the_1025th_session_of_one_person_is_said_of_the_whole_person_and_the_millionth_too() {
    let mut feed = Feed::new(1_000_000);
    let before = feed.head;
    for number in 0..1_000_000 {
        let written = feed.write(vec![end(number, 1)]);
        let exact = number < SESSIONS_OF_ONE;
        let expected = if exact { end(number, 1) } else { Draft::subject(person(1), Strength::RefreshRequired) };
        assert_eq!(written, [expected], "number {number}");
    }
    assert_eq!(feed.lines.len(), SESSIONS_OF_ONE as usize + 1);
    let index = feed.index();
    assert_eq!(index.check(&marks(5, 1, before)), Err(Rejection::TokenRevoked));
    assert_eq!(index.check(&marks(999_999, 1, before)), Err(Rejection::TokenStale));
    assert_eq!(index.check(&marks(2_000_000, 1, feed.head)), Ok(()), "who has renewed is not asked again");
    assert_eq!(index.check(&marks(2_000_000, 2, before)), Ok(()), "nor is anybody else");
}

#[test]
fn where_half_of_the_room_is_taken_it_is_the_33rd() {
    let mut feed = Feed::new(LEAST);
    let half = (LEAST - usize::from(BUCKETS) - 1) as u32 / 2;
    // Guests' ends, which are nobody's.
    feed.write((0..half - SESSIONS_OF_ONE_IF_TIGHT - 2).map(|number| Draft::session(session(number))).collect());
    for number in 0..SESSIONS_OF_ONE_IF_TIGHT + 2 {
        let written = feed.write(vec![end(half + number, 1)])[0].scope;
        assert_eq!(written, Scope::Session, "the first half, number {number}");
    }
    assert_eq!(feed.write(vec![end(2 * half, 1)])[0].scope, Scope::Subject, "one of many of theirs");
    assert_eq!(feed.write(vec![end(2 * half, 2)])[0].scope, Scope::Session, "the first of somebody else");
}

#[test]
fn many_sessions_in_one_change_are_counted_one_by_one() {
    let mut feed = Feed::new(LEAST);
    let written = feed.write((0..SESSIONS_OF_ONE + 8).map(|number| end(number, 1)).collect());
    let named = written.iter().filter(|draft| draft.scope == Scope::Session).count();
    assert_eq!(named, SESSIONS_OF_ONE as usize);
    assert_eq!(feed.lines.len(), named + 1);
    let guests = (0..1_100).map(|number| Draft::session(session(10_000 + number))).collect();
    assert!(feed.write(guests).iter().all(|draft| draft.scope == Scope::Session), "guests are nobody's");
}

#[test]
fn once_lines_are_forgotten_things_are_named_again() {
    let mut feed = Feed::new(LEAST);
    for number in 0..SESSIONS_OF_ONE + 8 {
        feed.write(vec![end(number, 1)]);
    }
    assert_eq!(feed.write(vec![end(2_000, 1)])[0].scope, Scope::Subject);
    feed.forget(Position { seq: 10, ..feed.head });
    assert_eq!(feed.write(vec![end(2_001, 1)])[0].scope, Scope::Session);
    feed.forget(feed.head);
    assert_eq!((feed.budget.lines(), feed.lines.len()), (0, 0));
}

#[test]
fn beyond_the_budget_sessions_become_buckets_and_persons_everybody() {
    let mut feed = Feed::new(LEAST);
    let before = feed.head;
    for number in 0..20_000 {
        feed.write(vec![end(number, number)]);
        assert!(feed.lines.len() <= LEAST);
    }
    let named = feed.lines.values().filter(|line| line.entry.scope == Scope::Session).count();
    assert_eq!(named, (LEAST - usize::from(BUCKETS) - 1) / 8 * 7, "none of them was dropped for another");
    assert_eq!(feed.write(vec![Draft::subject(person(7), Strength::Terminal)])[0].scope, Scope::Subject);
    for number in 0..20_000 {
        feed.write(vec![Draft::subject(person(100_000 + number), Strength::Terminal)]);
        assert!(feed.lines.len() <= LEAST);
    }
    assert_eq!(feed.write(vec![Draft::subject(person(0x00ff_ffff), Strength::Terminal)])[0].scope, Scope::Realm);
    assert_eq!(
        feed.write(vec![Draft::subject(person(7), Strength::Terminal)])[0].scope,
        Scope::Subject,
        "it is there"
    );
    let client = Draft::client(&ClientId::account(), Strength::Terminal);
    assert_eq!(feed.write(vec![client]), [client], "there are never many of those");
    let index = feed.index();
    for number in [0, 1, 5_000, 19_999] {
        assert!(index.check(&marks(number, number, before)).is_err(), "session {number}");
        assert!(index.check(&marks(500_000, 100_000 + number, before)).is_err(), "person {number}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever is ended, by whatever mixture of ends, is hit by what is live; and the promise is kept at every step.
    #[test]
    fn nothing_that_was_revoked_passes_and_the_budget_holds(
        steps in prop::collection::vec((0..8_u8, 0..4_000_u32, 0..60_u32), 1..120),
    ) {
        let mut feed = Feed::new(LEAST);
        // So full that everything may become coarse at any moment.
        for number in 0..5_160 {
            feed.write(vec![end(100_000 + number, 100_000 + number)]);
        }
        let mut ended: Vec<(Marks, Position)> = Vec::new();
        for (verb, number, of) in steps {
            let before = feed.head;
            match verb {
                0 => {
                    feed.write(vec![Draft::subject(person(of), Strength::Terminal)]);
                    ended.push((marks(900_000, of, before), feed.head));
                }
                1 => {
                    let through = Position { seq: feed.head.seq.saturating_sub(u64::from(number)), ..feed.head };
                    feed.forget(through);
                    ended.retain(|(_, place)| *place > through);
                }
                many => {
                    let sessions: Vec<_> = (0..u32::from(many)).map(|more| number * 8 + more).collect();
                    feed.write(sessions.iter().map(|number| end(*number, of)).collect());
                    let first = feed.head.seq - sessions.len() as u64;
                    ended.extend(sessions.iter().zip(1..).map(|(number, step)| {
                        (marks(*number, of, before), Position { seq: first + step, ..feed.head })
                    }));
                }
            }
            prop_assert!(feed.lines.len() <= LEAST);
            prop_assert_eq!(feed.budget.lines(), feed.lines.len());
        }
        let index = feed.index();
        for (marks, place) in ended {
            prop_assert!(index.check(&marks).is_err(), "{:?} was ended at {}", marks, place);
        }
    }
}

#[test]
fn what_fits_into_the_largest_budget_fits_into_a_snapshot() {
    let entry = doorward_verify::Entry {
        scope: Scope::Subject,
        key: Key([255; 16]),
        strength: Strength::RefreshRequired,
        min_rv: Some(Position { generation: 9_999_999_999, seq: 999_999_999_999 }),
        ttl: Lifetime::from_hours(1),
    };
    let mut line = Vec::new();
    doorward_verify::feed::write_entry(&entry, &mut line);
    assert!(MOST * (line.len() + 1) < doorward_verify::feed::LONGEST_SNAPSHOT, "{} bytes each", line.len());
}
