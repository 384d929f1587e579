//! The index forgets by the server's word alone: never early, whatever the order, and in the end everything.

use doorward_verify::{Entry, Key, Lifetime, Marks, Position, Rejection, Revocations, Scope, Strength, Timestamp};
use proptest::prelude::*;

use crate::revocations::{any_entry, any_marks, entry, marks, place, rule, severity};

/// What a range brings: its entries, its end, and how far things may be forgotten.
#[derive(Clone, Debug)]
struct Frame {
    entries: Vec<Entry>,
    end: Position,
    gc_through: Position,
}

impl Frame {
    fn play(&self, index: &mut Revocations) {
        for entry in &self.entries {
            index.learn(entry, self.end);
        }
        index.forget(self.gc_through);
    }
}

/// A feed as a server would write it: places rise, and what may be forgotten lies behind them and rises too.
fn any_feed() -> impl Strategy<Value = Vec<Frame>> {
    let frame = (prop::collection::vec(any_entry(), 0..4), 1..9_u64, 0..9_u64);
    prop::collection::vec(frame, 1..12).prop_map(|drafts| {
        let (mut end, mut through) = (0, 0);
        let frame = |(entries, step, pass): (Vec<Entry>, u64, u64)| {
            end += step;
            through = (through + pass).min(end - 1);
            Frame { entries, end: place(end), gc_through: place(through) }
        };
        drafts.into_iter().map(frame).collect()
    })
}

#[test]
fn what_was_passed_is_gone_and_nothing_else() {
    for scope in Scope::ALL {
        for strength in [Strength::Terminal, Strength::RefreshRequired] {
            let one = entry(scope, strength, None);
            for order in [[3, 5], [5, 3]] {
                let mut index = Revocations::new();
                order.iter().for_each(|seq| index.learn(&one, place(*seq)));
                assert_eq!((index.forget(place(4)), index.len()), (0, 1), "{scope:?}");
                assert!(index.check(&marks(None)).is_err());
                assert_eq!(index.expire(Timestamp::MAX), 0, "no clock makes it forget");
                assert_eq!((index.forget(place(5)), index.is_empty()), (1, true), "{scope:?}");
                assert_eq!(index.check(&marks(None)), Ok(()));
                index.learn(&one, place(5));
                assert!(index.is_empty(), "what is played again stays forgotten");
                index.learn(&one, Position { generation: 2, seq: 0 });
                assert_eq!((index.forget(place(u64::MAX)), index.len()), (0, 1), "of a later generation");
            }
        }
    }
}

#[test]
fn a_flood_leaves_by_the_slice_and_piecemeal() {
    let session = |number: u64| {
        let key =
            Key((u128::from(number) << 64 | u128::from(number.wrapping_mul(0x9e37_79b9_7f4a_7c15))).to_le_bytes());
        (
            Marks { session: Some(key), ..Marks::default() },
            Entry { key, ..entry(Scope::Session, Strength::Terminal, None) },
        )
    };
    let mut index = Revocations::new();
    let count = 200_000;
    for number in 1..=count {
        index.learn(&session(number).1, place(number));
    }
    assert_eq!(index.len() as u64, count);
    for through in [count / 2, count - 1, count] {
        index.pass(place(through));
        let (mut steps, before) = (0, index.len());
        let mut most = 0;
        while {
            let left = index.len();
            let more = index.sweep();
            most = most.max(left - index.len());
            more
        } {
            steps += 1;
        }
        assert!(steps > 8 && most < before / 5, "in {steps} steps of at most {most} of {before}");
        for number in (1..=count).step_by(97) {
            let verdict = index.check(&session(number).0);
            assert!(number <= through || verdict == Err(Rejection::TokenRevoked), "{number} left early");
        }
        let slack = count / 64 + 4096;
        assert!(index.len() as u64 <= count - through + slack, "{} stay of {}", index.len(), count - through);
    }
    assert!(index.is_empty());
}

#[test]
fn a_million_ended_sessions_cost_at_most_forty_bytes_each() {
    for count in [1_000_000_u64, 1_300_000] {
        let mut index = None;
        let made = allocation_counter::measure(|| {
            let mut filled = Revocations::new();
            for number in 0..count {
                let key =
                    Key((u128::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835)).to_le_bytes());
                filled.learn(&Entry { key, ..entry(Scope::Session, Strength::Terminal, None) }, place(number + 1));
            }
            index = Some(filled);
        });
        let index = index.unwrap();
        assert_eq!(index.len() as u64, count);
        let each = made.bytes_current as f64 / count as f64;
        println!("{each:.1} bytes an entry at {count}");
        assert!(each <= 40.0, "{each} bytes an entry");
    }
}

#[test]
fn what_is_minted_after_an_epoch_passes_it_in_every_scope() {
    for scope in Scope::ALL.into_iter().filter(|scope| !scope.is_exact()) {
        for strength in [Strength::Terminal, Strength::RefreshRequired] {
            for at in 1..20 {
                let mut index = Revocations::new();
                index.learn(&entry(scope, strength, Some(place(at))), place(at));
                for minted in 0..20 {
                    let verdict = index.check(&marks(Some(place(minted))));
                    assert_eq!(verdict.is_ok(), minted >= at, "{scope:?} at {at}, minted at {minted}");
                }
            }
        }
    }
}

#[test]
fn no_entry_leaves_before_every_token_it_can_kill_is_dead_under_every_permitted_clock() {
    // In units of ten seconds: the longest token, and what a server adds to it.
    const LONGEST: i64 = 36;
    const RETENTION: i64 = LONGEST + 6 + 6;
    let leeway = 3;
    let secs = |units: i64| Timestamp::from_secs(units * 10);
    for committed in 0..4 {
        for slow in -6..=6 {
            for minted in 0..=committed {
                for life in [1, LONGEST / 2, LONGEST] {
                    let mut index = Revocations::new();
                    index.learn(&entry(Scope::Session, Strength::Terminal, None), place(1));
                    for now in committed..committed + RETENTION + 12 {
                        if now >= committed + RETENTION {
                            index.forget(place(1));
                        }
                        // The minting clock may be a minute off to one side, the verifier's to the other.
                        let dead = secs(now + slow) >= secs(minted + life) + Lifetime::from_secs(leeway * 10);
                        assert!(
                            dead || index.check(&marks(None)).is_err(),
                            "{committed} {slow} {minted} {life} {now}"
                        );
                    }
                    assert!(index.is_empty());
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn frames_in_any_order_cut_or_repeated_give_the_same_index(
        (feed, played) in any_feed().prop_flat_map(|feed| {
            // Each entry by itself, and the whole, twice.
            let cut = feed.iter().flat_map(|frame| {
                frame.entries.iter().map(|entry| Frame { entries: vec![*entry], ..frame.clone() }).collect::<Vec<_>>()
            });
            let twice: Vec<Frame> = feed.iter().cloned().chain(cut).chain(feed.iter().cloned()).collect();
            (Just(feed), Just(twice).prop_shuffle())
        }),
        shown in prop::collection::vec(any_marks(), 12),
    ) {
        let (mut once, mut again) = (Revocations::new(), Revocations::new());
        feed.iter().for_each(|frame| frame.play(&mut once));
        played.iter().for_each(|frame| frame.play(&mut again));
        let passed = feed.iter().map(|frame| frame.gc_through).max().unwrap();
        let entries = |live: bool| -> Vec<Entry> {
            let frames = feed.iter().filter(|frame| !live || frame.end > passed);
            frames.flat_map(|frame| frame.entries.clone()).collect()
        };
        let (live, all) = (entries(true), entries(false));
        for index in [&once, &again] {
            for marks in &shown {
                let verdict = index.check(marks);
                prop_assert!(severity(verdict) >= severity(rule(&live, marks)), "forgotten early");
                prop_assert!(severity(verdict) <= severity(rule(&all, marks)), "never told");
            }
        }
        for index in [&mut once, &mut again] {
            index.forget(feed.last().unwrap().end);
            prop_assert!(index.is_empty());
        }
    }

    #[test]
    fn without_forgetting_the_same_frames_give_the_very_same_verdicts(
        (feed, played) in any_feed().prop_flat_map(|feed| {
            let twice = [feed.clone(), feed.clone()].concat();
            (Just(feed), Just(twice).prop_shuffle())
        }),
        shown in prop::collection::vec(any_marks(), 12),
    ) {
        let all: Vec<Entry> = feed.iter().flat_map(|frame| frame.entries.clone()).collect();
        let (mut once, mut again) = (Revocations::new(), Revocations::new());
        for (frames, index) in [(&feed, &mut once), (&played, &mut again)] {
            for frame in frames {
                frame.entries.iter().for_each(|entry| index.learn(entry, frame.end));
            }
        }
        prop_assert_eq!(once.len(), again.len());
        for marks in &shown {
            prop_assert_eq!(once.check(marks), rule(&all, marks));
            prop_assert_eq!(again.check(marks), rule(&all, marks));
        }
    }
}
