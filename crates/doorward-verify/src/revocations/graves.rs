//! What is dead whatever the position: a set of keys, each with the slice it leaves by.
//!
//! Eight tables of unequal share, so that no two of them grow at once: memory follows the number of entries closely, and
//! neither growing nor forgetting ever touches more than a sixth of them at a time.

use core::hash::BuildHasher as _;
use core::hash::BuildHasherDefault;

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

use super::Key;
use super::key::KeyHasher;
use super::slices::{SliceId, Slices};

/// How many tables there are.
pub(super) const SHARDS: usize = 8;

/// What part of all, in 256ths, each table holds: every one 2^(1/8) of the one before it.
const SHARES: [usize; SHARDS] = [23, 25, 28, 30, 33, 36, 39, 42];

/// The table of each value of one byte of the hash.
const SHARD_OF: [u8; 256] = {
    let mut table = [0; 256];
    let (mut shard, mut left, mut value) = (0, SHARES[0], 0);
    while value < 256 {
        if left == 0 {
            shard += 1;
            left = SHARES[shard];
        }
        table[value] = shard as u8;
        left -= 1;
        value += 1;
    }
    table
};

/// A key and its slice: 18 bytes.
#[derive(Clone, Copy, Debug)]
struct Grave {
    key: Key,
    slice: SliceId,
}

/// The set.
#[derive(Clone, Debug, Default)]
pub(super) struct Graves {
    shards: [HashTable<Grave>; SHARDS],
    count: usize,
}

fn hash(key: Key) -> u64 {
    BuildHasherDefault::<KeyHasher>::default().hash_one(key)
}

/// A byte that the tables themselves make no use of: they take the top seven bits, and the low ones.
const fn shard(hash: u64) -> usize {
    SHARD_OF[(hash >> 48) as u8 as usize] as usize
}

impl Graves {
    pub(super) const fn is_empty(&self) -> bool {
        self.count == 0
    }

    pub(super) fn contains(&self, key: Key) -> bool {
        let hash = hash(key);
        self.shards[shard(hash)].find(hash, |grave| grave.key == key).is_some()
    }

    /// Puts a key in; `slice` says by which slice it leaves, given the one it has now. Says whether the key is new.
    pub(super) fn bury(&mut self, key: Key, slice: impl FnOnce(Option<SliceId>) -> SliceId) -> bool {
        let hashed = hash(key);
        match self.shards[shard(hashed)].entry(hashed, |grave| grave.key == key, |grave| hash(grave.key)) {
            Entry::Occupied(mut known) => {
                let grave = known.get_mut();
                grave.slice = slice(Some(grave.slice));
                false
            }
            Entry::Vacant(vacant) => {
                vacant.insert(Grave { key, slice: slice(None) });
                self.count += 1;
                true
            }
        }
    }

    /// Drops from one table what is due; gives how many.
    pub(super) fn sweep(&mut self, part: usize, slices: &Slices) -> usize {
        let shard = &mut self.shards[part];
        let before = shard.len();
        shard.retain(|grave| !slices.is_due(grave.slice));
        let gone = before - shard.len();
        // Memory is given back after a flood, but not so eagerly that the next key must make the table grow again.
        if shard.len() < shard.capacity() / 8 {
            shard.shrink_to(shard.len() * 2, |grave| hash(grave.key));
        }
        self.count -= gone;
        gone
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Position, Timestamp};

    /// How many keys the fullest table has room for when so many of its keys have stayed, before and after.
    fn room_after_a_flood(stay: impl FnOnce(usize) -> usize) -> (usize, usize) {
        let place = |seq| Position { generation: 1, seq };
        let mut slices = Slices::default();
        // So many that what stays is in another slice.
        let early = (0..1024).map(|_| slices.enter(None, place(1), Timestamp::MIN, 0)).last().unwrap();
        let late = slices.enter(None, place(9), Timestamp::MIN, 0);
        let mut graves = Graves::default();
        let mut keys: Vec<Key> = (0..4096_u128)
            .map(|number| Key(number.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835).to_be_bytes()))
            .collect();
        for key in &keys {
            assert!(graves.bury(*key, |_| early));
        }
        let fullest = SHARDS - 1;
        let before = graves.shards[fullest].capacity();
        let stay = stay(before);
        keys.retain(|key| shard(hash(*key)) == fullest);
        for key in &keys[..stay] {
            assert!(!graves.bury(*key, |_| late));
        }
        slices.pass(place(5));
        assert!(slices.mark());
        assert_eq!(graves.sweep(fullest, &slices), keys.len() - stay);
        let others: usize = (0..fullest).map(|part| graves.sweep(part, &slices)).sum();
        assert_eq!((others, graves.count, graves.is_empty()), (4096 - keys.len(), stay, stay == 0));
        assert_eq!(keys.iter().filter(|key| graves.contains(**key)).count(), stay);
        (before, graves.shards[fullest].capacity())
    }

    #[test]
    fn memory_is_given_back_after_a_flood_but_not_as_soon_as_there_is_some() {
        let (before, after) = room_after_a_flood(|room| room / 4);
        assert!(after * 4 > before * 3, "a quarter is used: {before}, {after}");
        let (_, after) = room_after_a_flood(|_| 10);
        assert!((20..50).contains(&after), "room for {after}");
        room_after_a_flood(|_| 0);
    }
}
