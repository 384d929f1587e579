//! The index is the union of its entries, its verdict the OR over scopes, and it forgets nothing early.

use doorward_verify::{Entry, Key, Lifetime, Marks, Position, Rejection, Revocations, Scope, Strength, Timestamp};
use proptest::prelude::*;

const START: Timestamp = Timestamp::from_secs(1_800_000_000);
const SESSION: Key = Key([0x12; 16]);

pub(crate) fn place(seq: u64) -> Position {
    Position { generation: 1, seq }
}

/// Marks under which every scope applies.
pub(crate) fn marks(at: Option<Position>) -> Marks {
    let [token, subject, client, device, organization, signing_key] = [2, 3, 4, 5, 6, 7].map(|n| Some(Key([n; 16])));
    Marks { session: Some(SESSION), token, subject, client, device, organization, signing_key, at }
}

pub(crate) fn entry(scope: Scope, strength: Strength, min_rv: Option<Position>) -> Entry {
    let key = marks(None).key(scope).unwrap();
    Entry { scope, key, strength, min_rv, ttl: Lifetime::from_mins(62) }
}

/// The rule, word for word, without an index.
pub(crate) fn rule(entries: &[Entry], marks: &Marks) -> Result<(), Rejection> {
    let hits = |strength: Strength| {
        entries.iter().any(|entry| {
            let applies = entry.strength == strength && marks.key(entry.scope) == Some(entry.key);
            let dead = entry.scope.is_exact() && strength == Strength::Terminal;
            applies && (dead || entry.min_rv.is_none_or(|min_rv| marks.at.is_none_or(|at| at < min_rv)))
        })
    };
    if hits(Strength::Terminal) {
        Err(Rejection::TokenRevoked)
    } else if hits(Strength::RefreshRequired) {
        Err(Rejection::TokenStale)
    } else {
        Ok(())
    }
}

fn index_of(entries: &[Entry]) -> Revocations {
    let mut index = Revocations::new();
    for entry in entries {
        index.apply(entry, START);
    }
    index
}

#[test]
fn any_scope_that_says_no_is_enough() {
    // All 3^9 combinations of nothing, terminal and refresh-required over the nine scopes.
    for mut world in 0..3_u32.pow(9) {
        let mut entries = Vec::new();
        for scope in Scope::ALL {
            match world % 3 {
                1 => entries.push(entry(scope, Strength::Terminal, Some(place(5)))),
                2 => entries.push(entry(scope, Strength::RefreshRequired, Some(place(5)))),
                _ => {}
            }
            world /= 3;
        }
        let index = index_of(&entries);
        assert_eq!(index.len(), entries.len());
        for at in [None, Some(place(4)), Some(place(5))] {
            assert_eq!(index.check(&marks(at)), rule(&entries, &marks(at)), "{entries:?} {at:?}");
        }
        assert_eq!(
            index.check(&Marks { at: Some(place(9)), ..Marks::default() }),
            Ok(()),
            "nothing but an old realm"
        );
    }
}

#[test]
fn an_exact_terminal_entry_kills_whatever_the_position() {
    for scope in [Scope::Session, Scope::Token, Scope::SigningKey] {
        for min_rv in [None, Some(place(5))] {
            let index = index_of(&[entry(scope, Strength::Terminal, min_rv)]);
            assert_eq!(index.check(&marks(Some(place(9)))), Err(Rejection::TokenRevoked), "{scope:?}");
        }
        let stale = index_of(&[entry(scope, Strength::RefreshRequired, Some(place(5)))]);
        assert_eq!(stale.check(&marks(Some(place(4)))), Err(Rejection::TokenStale), "{scope:?}");
        assert_eq!(stale.check(&marks(Some(place(5)))), Ok(()), "a refreshed token of the same session lives");
    }
}

#[test]
fn an_epoch_spares_what_was_minted_at_it_or_after_it() {
    for scope in Scope::ALL.into_iter().filter(|scope| !scope.is_exact()) {
        for (strength, refusal) in
            [(Strength::Terminal, Rejection::TokenRevoked), (Strength::RefreshRequired, Rejection::TokenStale)]
        {
            let index = index_of(&[entry(scope, strength, Some(place(5)))]);
            let far = Position { generation: 2, seq: 0 };
            let old = Position { generation: 0, seq: u64::MAX };
            for (at, expect) in [
                (Some(place(5)), Ok(())),
                (Some(place(6)), Ok(())),
                (Some(far), Ok(())),
                (Some(place(4)), Err(refusal)),
                (Some(old), Err(refusal)),
                (Some(Position::START), Err(refusal)),
                (None, Err(refusal)),
            ] {
                assert_eq!(index.check(&marks(at)), expect, "{scope:?} {at:?}");
            }
            let all = index_of(&[entry(scope, strength, Some(place(5))), entry(scope, strength, None)]);
            let last = Position { generation: u64::MAX, seq: u64::MAX };
            assert_eq!(all.check(&marks(Some(last))), Err(refusal), "{scope:?} without min_rv");
        }
    }
}

#[test]
fn a_bucket_holds_the_sessions_of_its_number() {
    let mut index = Revocations::new();
    let bucket = Entry { key: Key::bucket(0x1212 % 4096), ..entry(Scope::Bucket, Strength::RefreshRequired, None) };
    index.apply(&bucket, START);
    let of = |session: Option<[u8; 16]>| Marks { session: session.map(Key), ..Marks::default() };
    let mut neighbour = SESSION.0;
    assert_eq!(index.check(&of(Some(neighbour))), Err(Rejection::TokenStale));
    neighbour[0] = 0xf2;
    assert_eq!(index.check(&of(Some(neighbour))), Err(Rejection::TokenStale), "the same number modulo 4096");
    neighbour[1] = 0x13;
    assert_eq!(index.check(&of(Some(neighbour))), Ok(()));
    assert_eq!(index.check(&of(None)), Ok(()), "no session, no bucket");
}

#[test]
fn a_realm_entry_counts_whatever_its_key() {
    let stray = Entry { key: Key([9; 16]), ..entry(Scope::Realm, Strength::Terminal, None) };
    assert_eq!(index_of(&[stray]).check(&Marks::default()), Err(Rejection::TokenRevoked));
}

#[test]
fn an_entry_leaves_at_its_expiry_and_may_only_be_extended() {
    let moment = Lifetime::from_millis(1);
    for scope in Scope::ALL {
        for strength in [Strength::Terminal, Strength::RefreshRequired] {
            let long = entry(scope, strength, None);
            let short = Entry { ttl: Lifetime::from_secs(1), ..long };
            for order in [[long, short], [short, long]] {
                let mut index = index_of(&order);
                let end = START + long.ttl;
                assert_eq!((index.expire(end - moment), index.len()), (0, 1), "{scope:?}");
                assert!(index.check(&marks(None)).is_err());
                assert_eq!((index.expire(end), index.is_empty()), (1, true), "{scope:?}");
                assert_eq!(index.check(&marks(None)), Ok(()));
                assert_eq!(index.expire(Timestamp::MAX), 0);
            }
            let mut index = index_of(&[long]);
            index.apply(&long, START + Lifetime::from_mins(1));
            assert_eq!(index.expire(START + long.ttl), 0, "extended");
            assert_eq!(index.expire(START + long.ttl + Lifetime::from_mins(1)), 1);
        }
    }
    let mut index =
        index_of(&[Entry { ttl: Lifetime::from_millis(i64::MAX), ..entry(Scope::Realm, Strength::Terminal, None) }]);
    assert_eq!(index.expire(START + Lifetime::from_days(100_000)), 0, "no overflow");
}

#[test]
fn codes_are_read_as_they_are_written() {
    for scope in Scope::ALL {
        assert_eq!(Scope::from_code(scope.code()), Some(scope));
    }
    for strength in [Strength::Terminal, Strength::RefreshRequired] {
        assert_eq!(Strength::from_code(strength.code()), Some(strength));
    }
    for other in ["", "SID", "sid ", "grant", "t", "TR"] {
        assert_eq!((Scope::from_code(other), Strength::from_code(other)), (None, None), "{other}");
    }
}

pub(crate) fn any_entry() -> impl Strategy<Value = Entry> {
    let scope = prop::sample::select(&Scope::ALL[..]);
    let strength = prop_oneof![Just(Strength::Terminal), Just(Strength::RefreshRequired)];
    let min_rv = prop::option::weighted(0.9, (0..3_u64, 0..4_u64));
    (scope, 0..3_u8, strength, min_rv, 1..100_i64).prop_map(|(scope, key, strength, min_rv, secs)| Entry {
        scope,
        key: match scope {
            Scope::Realm => Key::REALM,
            Scope::Bucket => Key::bucket(u16::from(key) << 8 | u16::from(key)),
            _ => Key([key; 16]),
        },
        strength,
        min_rv: min_rv.map(|(generation, seq)| Position { generation, seq }),
        ttl: Lifetime::from_secs(secs),
    })
}

pub(crate) fn any_marks() -> impl Strategy<Value = Marks> {
    let keys = prop::array::uniform7(prop::option::of((0..3_u8).prop_map(|key| Key([key; 16]))));
    (keys, prop::option::of((0..3_u64, 0..4_u64))).prop_map(|(keys, at)| {
        let [session, token, subject, client, device, organization, signing_key] = keys;
        let at = at.map(|(generation, seq)| Position { generation, seq });
        Marks { session, token, subject, client, device, organization, signing_key, at }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn order_and_repetition_change_nothing(
        (entries, played) in prop::collection::vec(any_entry(), 1..12).prop_flat_map(|entries| {
            let twice = [entries.clone(), entries.clone()].concat();
            (Just(entries), Just(twice).prop_shuffle())
        }),
        shown in prop::collection::vec(any_marks(), 20),
    ) {
        let (once, again) = (index_of(&entries), index_of(&played));
        prop_assert_eq!(once.len(), again.len());
        for marks in &shown {
            prop_assert_eq!(once.check(marks), rule(&entries, marks));
            prop_assert_eq!(again.check(marks), rule(&entries, marks));
        }
    }

    #[test]
    fn no_entry_leaves_before_its_expiry(
        played in prop::collection::vec((any_entry(), 0..30_i64), 1..20),
        shown in prop::collection::vec(any_marks(), 10),
    ) {
        // Entries come at rising times, and the index is asked to forget after each.
        let (mut index, mut now, mut told) = (Revocations::new(), START, Vec::new());
        for (entry, pause) in played {
            now = now + Lifetime::from_secs(pause);
            index.apply(&entry, now);
            told.push((entry, now + entry.ttl));
            let (before, gone) = (index.len(), index.expire(now));
            prop_assert_eq!(index.len(), before - gone);
            let live: Vec<_> = told.iter().filter(|(_, until)| *until > now).map(|(entry, _)| *entry).collect();
            let all: Vec<_> = told.iter().map(|(entry, _)| *entry).collect();
            for marks in &shown {
                let verdict = index.check(marks);
                // At least as strict as the live entries ask for, and no stricter than all there ever were.
                prop_assert!(severity(verdict) >= severity(rule(&live, marks)));
                prop_assert!(severity(verdict) <= severity(rule(&all, marks)));
            }
        }
        index.expire(now + Lifetime::from_secs(100));
        prop_assert!(index.is_empty());
    }
}

pub(crate) fn severity(verdict: Result<(), Rejection>) -> u8 {
    match verdict {
        Ok(()) => 0,
        Err(Rejection::TokenStale) => 1,
        Err(_) => 2,
    }
}
