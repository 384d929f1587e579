//! How much may be revoked before it is said more coarsely.
//!
//! Verifiers hold the whole feed in memory, so its size is promised. A live line is never thrown away for that: what comes
//! beyond the promise is written as an epoch over something larger, which asks for a renewal and which the next one
//! replaces. Whatever it hits too much renews its token and goes on; what was to end cannot.
//!
//! One session → everything of its person, from the 1,025th of that person on, and once half of the room is taken from the
//! 33rd on → one part in 4,096 of all sessions. A person → everybody. Clients and keys stay as they are: there are never
//! many.

use std::collections::HashMap;

use doorward_verify::{Key, Position, Scope, Strength};

use crate::feed::{Draft, Line, Register};
use crate::spread::BUCKETS;

/// So many sessions of one person are named one by one: who cannot renew a token pays for what is said of the whole person
/// with their sign-in, so it is said of nobody who lives as people do.
pub const SESSIONS_OF_ONE: u32 = 1_024;
/// As many where half of the room is taken.
pub const SESSIONS_OF_ONE_IF_TIGHT: u32 = 32;
/// The least that can be promised: room for every bucket, and some for what is exact.
pub const LEAST: usize = 10_000;
/// The most room there is: what a verifier takes in as one snapshot.
pub const MOST: usize = 1_500_000;
/// What is kept free for buckets and the realm.
const COARSE: usize = BUCKETS as usize + 1;

/// What is live in the feed, counted.
#[derive(Clone, Debug)]
pub struct Budget {
    most: usize,
    lines: usize,
    /// As many of them are about a bucket or everybody; their room is kept for them.
    coarse: usize,
    /// Sessions that are named one by one, by the handle of their person.
    named: HashMap<Key, u32>,
    /// The latest epoch of each thing.
    epochs: HashMap<Register, Position>,
}

impl Budget {
    /// Room for `most` lines, [`LEAST`] at least.
    pub fn new(most: usize) -> Self {
        Self { most: most.max(LEAST), lines: 0, coarse: 0, named: HashMap::new(), epochs: HashMap::new() }
    }

    /// How many lines are live.
    pub const fn lines(&self) -> usize {
        self.lines
    }

    /// A line was written.
    pub fn written(&mut self, line: &Line) {
        if let Some(register) = line.register() {
            let new = self.epochs.insert(register, line.place).is_none();
            self.lines += usize::from(new);
            self.coarse += usize::from(new && is_coarse(register.scope));
        } else {
            self.lines += 1;
            if let Some(subject) = line.of {
                *self.named.entry(subject).or_default() += 1;
            }
        }
    }

    /// A line was forgotten: the watermark is past it.
    pub fn forgotten(&mut self, line: &Line) {
        if let Some(register) = line.register() {
            if self.epochs.get(&register) == Some(&line.place) {
                self.epochs.remove(&register);
                self.lines -= 1;
                self.coarse -= usize::from(is_coarse(register.scope));
            }
        } else {
            self.lines = self.lines.saturating_sub(1);
            if let Some(subject) = line.of
                && let Some(named) = self.named.get_mut(&subject)
            {
                *named = named.saturating_sub(1);
                if *named == 0 {
                    self.named.remove(&subject);
                }
            }
        }
    }

    /// Makes the drafts of one change as coarse as they have to be.
    pub fn settle<'a>(&self, drafts: impl IntoIterator<Item = &'a mut Draft>) {
        let mut more_of: HashMap<Key, u32> = HashMap::new();
        for (more, draft) in drafts.into_iter().enumerate() {
            let settled = match draft.scope {
                Scope::Session if !draft.epoch => {
                    let of = draft.of.map(|subject| {
                        let named = more_of.entry(subject).or_default();
                        *named += 1;
                        (subject, self.named.get(&subject).copied().unwrap_or(0) + *named)
                    });
                    self.session(*draft, of, more)
                }
                Scope::Subject if !self.fits(draft, self.exact(), more) => Draft::realm(Strength::RefreshRequired),
                _ => *draft,
            };
            *draft = settled;
        }
    }

    /// A session, exactly or more coarsely; `of` is its person and how many of theirs are named with this one.
    fn session(&self, draft: Draft, of: Option<(Key, u32)>, more: usize) -> Draft {
        // Persons come later than sessions to where it gets tight: everybody is a dear replacement for one of them.
        let room = self.exact() / 8 * 7;
        let whole = of.map(|(subject, _)| Draft::subject(subject, Strength::RefreshRequired));
        let is_tight = self.lines - self.coarse + more >= self.exact() / 2;
        let most = if is_tight { SESSIONS_OF_ONE_IF_TIGHT } else { SESSIONS_OF_ONE };
        let few = of.is_none_or(|(_, named)| named <= most);
        let candidates = [Some(draft).filter(|_| few), whole];
        let fitting = candidates.into_iter().flatten().find(|candidate| self.fits(candidate, room, more));
        fitting.unwrap_or_else(|| Draft::bucket(Key::bucket_of(draft.key), Strength::RefreshRequired))
    }

    /// Room for lines that name one thing.
    const fn exact(&self) -> usize {
        self.most - COARSE
    }

    /// Is there room, or would it replace what is there?
    fn fits(&self, draft: &Draft, room: usize, more: usize) -> bool {
        let register = Register { scope: draft.scope, key: draft.key, strength: draft.strength };
        self.lines - self.coarse + more < room || (draft.epoch && self.epochs.contains_key(&register))
    }
}

const fn is_coarse(scope: Scope) -> bool {
    matches!(scope, Scope::Bucket | Scope::Realm)
}
