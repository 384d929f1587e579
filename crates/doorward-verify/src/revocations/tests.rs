//! What the index holds and gives back, by its own numbers.

use super::*;

fn place(seq: u64) -> Position {
    Position { generation: 1, seq }
}

/// A key with this number.
fn key(number: u128) -> Key {
    Key(number.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835).to_be_bytes())
}

fn learn(index: &mut Revocations, scope: Scope, key: Key, seq: u64) {
    let min_rv = Some(place(1));
    index.learn(&Entry { scope, key, strength: Strength::Terminal, min_rv, ttl: Lifetime::ZERO }, place(seq));
}

#[test]
fn terminal_sessions_and_tokens_take_a_grave_and_no_epoch() {
    let mut index = Revocations::new();
    assert!(index.is_empty() && Scope::ALL.iter().all(|scope| index.holds_none(*scope)));
    learn(&mut index, Scope::Session, key(1), 5);
    learn(&mut index, Scope::Token, key(2), 5);
    assert!(index.sessions.contains(key(1)) && index.tokens.contains(key(2)));
    assert!(index.epochs.iter().all(HashMap::is_empty));
    assert_eq!((index.len(), index.is_empty()), (2, false));
}

#[test]
fn what_leaves_is_counted_and_what_stays_too() {
    let kinds = [Scope::Subject, Scope::SigningKey, Scope::Bucket, Scope::Session, Scope::Token];
    let mut index = Revocations::new();
    learn(&mut index, Scope::Realm, Key::REALM, 1);
    for scope in kinds {
        (1..=3).for_each(|number| learn(&mut index, scope, Key::bucket(number), 1));
    }
    // So many that the next entries come into another slice.
    (0..2000).for_each(|number| learn(&mut index, Scope::Client, key(number), 1));
    for scope in kinds {
        (4..=5).for_each(|number| learn(&mut index, scope, Key::bucket(number), 9));
    }
    assert_eq!(index.len(), 1 + 5 * 3 + 2000 + 5 * 2);
    let left = index.forget(place(5));
    assert_eq!(index.len(), 2016 + 10 - left);
    assert!(left >= 1 + 5 * 3 + 1024 - 16, "{left}");
    assert!(index.realm.is_none() && index.bucket_count == 2);
    assert_eq!(index.forget(place(9)), index.count + 2026 - left);
    assert!(index.is_empty() && index.bucket_count == 0);
    assert!(Scope::ALL.iter().all(|scope| index.holds_none(*scope)));
}

/// How many epochs of people there is room for when so many of 4096 have stayed, before and after.
fn room_after_a_flood(stay: impl FnOnce(usize) -> usize) -> (usize, usize) {
    let mut index = Revocations::new();
    (0..4096).for_each(|number| learn(&mut index, Scope::Subject, key(number), 1));
    let before = index.epochs[hashed(Scope::Subject)].capacity();
    let stay = stay(before);
    (0..stay as u128).for_each(|number| learn(&mut index, Scope::Subject, key(number), 9));
    assert_eq!((index.forget(place(5)), index.len()), (4096 - stay, stay));
    (before, index.epochs[hashed(Scope::Subject)].capacity())
}

#[test]
fn memory_is_given_back_after_a_flood_but_not_as_soon_as_there_is_some() {
    let (before, after) = room_after_a_flood(|room| room / 4);
    assert!(after * 4 > before * 3, "a quarter is used: {before}, {after}");
    let (_, after) = room_after_a_flood(|_| 20);
    assert!((40..100).contains(&after), "room for {after}");
}
