//! Session records by the name they are asked for: many readers, a bound, and no look further than one needs to.
//!
//! Parts of a hash map, each behind its own lock, with a second chance for what was used since it was last considered.
//! The hash of a secret is a SHA-256 of drawn bits, and a session's id is drawn, so their own bits serve as the hash of
//! the map: whoever wants collisions would have to be given names that collide. The map holds nothing but places, four
//! bytes each: the names are in the records. At a million records, a look-up is little more than waiting for memory, two
//! or three times; a general cache that keeps its entries in lists waits twice as often.

use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use doorward_core::id::SessionId;
use doorward_core::secret::SecretHash;
use hashbrown::HashTable;

use crate::packed::{self, Packed};
use crate::slots::{Place, Slots};

/// As many parts; two threads meet in one of them rarely.
const PARTS: usize = 64;
/// A record up to this length is read from a copy that takes no allocation.
const SHORT: usize = 384;

/// What a record is kept under and asked for by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Name {
    /// The hash of the session's secret.
    Secret(SecretHash),
    /// The session's id, which a refresh token names.
    Session(SessionId),
}

/// The records.
pub(crate) struct Records {
    parts: Vec<Part>,
    /// The most records of a part.
    most: usize,
}

/// A part of the records. On cache lines of its own, so that locking one does not disturb its neighbours.
#[derive(Default)]
#[repr(align(128))]
struct Part(RwLock<Shelf>);

#[derive(Default)]
struct Shelf {
    by_secret: HashTable<Place>,
    by_session: HashTable<Place>,
    slots: Slots,
}

impl Records {
    /// Room for `capacity` records; taken as they come.
    pub(crate) fn new(capacity: usize) -> Self {
        let parts = (0..PARTS).map(|_| Part::default()).collect();
        Self { parts, most: capacity.div_ceil(PARTS).max(1) }
    }

    /// Reads the record of a name, from a copy: nobody who wants to write waits for the reader.
    pub(crate) fn read<T>(&self, name: &Name, read: impl FnOnce(&[u8]) -> T) -> Option<T> {
        let mut short = [0; SHORT];
        let long;
        let shelf = self.part(name).read();
        let place = shelf.find(name)?;
        shelf.slots.note_use(place);
        let kept = shelf.slots.at(place);
        let copy = match short.get_mut(..kept.len()) {
            Some(room) => {
                room.copy_from_slice(kept);
                &*room
            }
            None => {
                long = kept.to_vec();
                &long
            }
        };
        drop(shelf);
        Some(read(copy))
    }

    /// Is there one?
    pub(crate) fn has(&self, name: &Name) -> bool {
        self.part(name).read().find(name).is_some()
    }

    /// Keeps a record under its name; in place of the one that was there, or of one that nobody asked for.
    pub(crate) fn keep(&self, name: &Name, record: &Packed) {
        let mut shelf = self.part(name).write();
        if let Some(place) = shelf.find(name) {
            if shelf.slots.put_over(place, record.bytes()) {
                return;
            }
            shelf.remove(place);
        }
        while shelf.len() >= self.most && shelf.drop_one() {}
        shelf.add(name, record);
    }

    /// Forgets a record.
    pub(crate) fn forget(&self, name: &Name) {
        let mut shelf = self.part(name).write();
        if let Some(place) = shelf.find(name) {
            shelf.remove(place);
        }
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.parts.iter().map(|part| part.read().len()).sum()
    }

    fn part(&self, name: &Name) -> &Part {
        // Other bits than those that place an entry in its part.
        let last = match name {
            Name::Secret(hash) => hash.0[31],
            Name::Session(id) => id.bytes()[15],
        };
        &self.parts[usize::from(last) % PARTS]
    }
}

impl Part {
    fn read(&self) -> RwLockReadGuard<'_, Shelf> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Shelf> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shelf {
    fn find(&self, name: &Name) -> Option<Place> {
        let is = |place: &Place| packed::is(self.slots.at(*place), name);
        let table = match name {
            Name::Secret(_) => &self.by_secret,
            Name::Session(_) => &self.by_session,
        };
        table.find(name.mark(), is).copied()
    }

    fn len(&self) -> usize {
        self.by_secret.len() + self.by_session.len()
    }

    /// Adds a record; one that is longer than any that belongs here is not kept.
    fn add(&mut self, name: &Name, record: &Packed) {
        let Some(place) = self.slots.put(record.bytes()) else { return };
        let Self { by_secret, by_session, slots } = self;
        match name {
            Name::Secret(_) => {
                by_secret.insert_unique(name.mark(), place, |place| mark(packed::secret(slots.at(*place))));
            }
            Name::Session(_) => {
                by_session.insert_unique(name.mark(), place, |place| mark(packed::session(slots.at(*place))));
            }
        }
    }

    fn remove(&mut self, place: Place) {
        let record = self.slots.at(place);
        let (secret, session) = (mark(packed::secret(record)), mark(packed::session(record)));
        for (table, mark) in [(&mut self.by_secret, secret), (&mut self.by_session, session)] {
            if let Ok(entry) = table.find_entry(mark, |one| *one == place) {
                entry.remove();
            }
        }
        self.slots.remove(place);
    }

    /// Drops a record that was not used since it was last considered; `false` if there is none at all.
    fn drop_one(&mut self) -> bool {
        let Some(place) = self.slots.next_unused() else { return false };
        self.remove(place);
        true
    }
}

impl Name {
    fn mark(&self) -> u64 {
        match self {
            Self::Secret(hash) => mark(&hash.0),
            Self::Session(id) => mark(&id.bytes()),
        }
    }
}

/// The start of a name.
fn mark(name: &[u8]) -> u64 {
    name.first_chunk().map_or(0, |first| u64::from_le_bytes(*first))
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use doorward_core::session::{AttemptHash, Epochs, Generation, Retired, Ring};
    use doorward_core::{Position, Timestamp};
    use proptest::prelude::*;

    use super::*;
    use crate::cached::Record;
    use crate::suite::cast::{NOON, secret, session, session_id};

    /// The record of a session that has turned so often; longer the more it has.
    fn record(number: u8, turns: u32) -> Packed {
        let retired = |generation| Retired {
            generation: Generation(generation),
            attempt: Some(AttemptHash([number; 16])),
            at: NOON,
            displaced: false,
        };
        let mut session = session(number, None, Position::START);
        session.generation = Generation(turns);
        session.ring = Ring::from_rows((0..turns.min(16)).map(retired).collect());
        Packed::of(&Record::new(session, None, None, Epochs::default(), (Position::START, NOON)))
    }

    fn turns(record: &[u8]) -> Option<u32> {
        packed::unpacked(record).map(|record| record.session.generation.0)
    }

    proptest! {
        #[test]
        fn what_is_kept_is_found_by_its_name_until_it_is_forgotten(
            steps in prop::collection::vec((any::<bool>(), 0..40_u8, 0..20_u32, 0..4_u8), 1..300),
        ) {
            let records = Records::new(100_000);
            let mut model = HashMap::new();
            for (by_secret, number, turned, verb) in steps {
                let name = if by_secret { Name::Secret(secret(number)) } else { Name::Session(session_id(number)) };
                if verb == 0 {
                    records.forget(&name);
                    model.remove(&(by_secret, number));
                } else {
                    records.keep(&name, &record(number, turned));
                    model.insert((by_secret, number), turned);
                }
            }
            for number in 0..=u8::MAX {
                for (by_secret, name) in [(true, Name::Secret(secret(number))), (false, Name::Session(session_id(number)))] {
                    prop_assert_eq!(records.read(&name, turns), model.get(&(by_secret, number)).map(|turns| Some(*turns)));
                    prop_assert_eq!(records.has(&name), model.contains_key(&(by_secret, number)));
                }
            }
            prop_assert_eq!(records.len(), model.len());
        }
    }

    #[test]
    fn a_bound_holds_and_what_is_asked_for_outlives_what_is_not() {
        let records = Records::new(4 * PARTS);
        // All in one part, by the last byte of their names.
        let name = |number: u32| {
            let mut hash = [0; 32];
            hash[..4].copy_from_slice(&number.to_be_bytes());
            Name::Secret(SecretHash(hash))
        };
        let keep = |number: u32| {
            let mut session = session(1, None, Position::START);
            let Name::Secret(hash) = name(number) else { return };
            session.secret = Some(hash);
            let at: Timestamp = session.created_at;
            let record = Record::new(session, None, None, Epochs::default(), (Position::START, at));
            records.keep(&name(number), &Packed::of(&record));
        };
        keep(0);
        for number in 1..1_000 {
            keep(number);
            assert!(records.read(&name(0), |_| ()).is_some(), "asked for all the time, and dropped for {number}");
            assert!(records.has(&name(number)), "the newest");
            assert!(records.len() <= 4, "{} at {number}", records.len());
        }
    }
}
