//! The wait after which a revocation is true everywhere.
//!
//! A verifier accepts by what it knows for as long as its lease runs, and its routes may add a grace. It can have a lease
//! only from an echo to a ping, and the echo to a ping that came after a revocation was published counts only for who
//! holds that revocation. So whoever waits, waits for those whose last ping came before: until each has acknowledged, has
//! left, or can no longer have a lease. What comes later needs no waiting for, and can hold nobody up.
//!
//! A server that has just started does not know who pinged before. It counts its start as a ping of everybody who might
//! exist, with the longest terms there may be; without that, the first wait after a start lies.

use std::collections::BTreeMap;

use doorward_verify::feed::{Instance, SetId};
use doorward_verify::{Lifetime, Position};

use crate::id::VerifierId;

/// One running copy of a verifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Who {
    /// Which verifier.
    pub verifier: VerifierId,
    /// Which copy of it.
    pub instance: Instance,
}

/// A ping, as far as it matters here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pinged {
    /// Whose.
    pub who: Who,
    /// How long it may accept by what it knows: lease and grace.
    pub terms: Lifetime,
    /// Up to where it holds everything. A place of another generation acknowledges nothing.
    pub applied: Position,
    /// Does it trust what it knows no longer?
    pub leaving: bool,
    /// The set of signing keys that it holds, if it says so.
    pub keys: Option<SetId>,
}

/// What is known of an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Seen {
    /// From then on it has no lease, by all pings so far.
    until: Lifetime,
    applied: Position,
    /// As of its last ping.
    keys: Option<SetId>,
}

/// Everybody who may have a lease. Moments are those of a clock that runs through suspend and cannot be set.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Barrier {
    /// From then on nobody has a lease that was got before the start; `None` if nobody can have one.
    start: Option<Lifetime>,
    instances: BTreeMap<Who, Seen>,
}

impl Barrier {
    /// Of a server that starts now. `most` is the longest that any verifier may ever have been granted, `None` if there
    /// never was a verifier.
    pub fn begin(now: Lifetime, most: Option<Lifetime>) -> Self {
        Self { start: most.map(|most| end(now, most)), instances: BTreeMap::new() }
    }

    /// A ping arrived. To be called *before* the head is read that its echo will speak of.
    pub fn ping(&mut self, ping: Pinged, now: Lifetime) {
        if ping.leaving {
            self.instances.remove(&ping.who);
            return;
        }
        let until = end(now, ping.terms);
        let seen = self.instances.entry(ping.who).or_insert(Seen { until, applied: ping.applied, keys: None });
        // Shorter terms count once the longer ones have run out; a late ping takes back no acknowledgement.
        seen.until = seen.until.max(until);
        seen.applied = seen.applied.max(ping.applied);
        seen.keys = ping.keys;
    }

    /// Who may have a lease and has not said that it holds this set of signing keys.
    pub fn without(&self, keys: SetId, now: Lifetime) -> impl Iterator<Item = Who> {
        let lacks = move |seen: &Seen| now < seen.until && seen.keys != Some(keys);
        self.instances.iter().filter(move |(_, seen)| lacks(seen)).map(|(who, _)| *who)
    }

    /// Does everybody who may have a lease hold this set of signing keys? Who had one before the start may have another.
    pub fn all_hold(&self, keys: SetId, now: Lifetime) -> bool {
        self.start.is_none_or(|start| now >= start) && self.without(keys, now).next().is_none()
    }

    /// The next moment at which that may be so even if nobody says anything.
    pub fn next_holding(&self, keys: SetId, now: Lifetime) -> Option<Lifetime> {
        let lacking = self.instances.values().filter(|seen| now < seen.until && seen.keys != Some(keys));
        lacking.map(|seen| seen.until).chain(self.start.filter(|start| now < *start)).min()
    }

    /// Begins to wait for a place. To be called *after* the place was published.
    pub fn wait(&self, place: Position, now: Lifetime) -> Wait {
        let pending = self.instances.iter().filter(|(_, seen)| now < seen.until);
        let pending = pending.map(|(who, seen)| (*who, seen.until)).collect();
        let start = self.start.filter(|start| now < *start);
        let mut wait = Wait { place, since: now, start, pending, applied: 0, expired: Vec::new() };
        wait.look(self, now);
        wait
    }

    /// Forgets those that have no lease any more; gives how many are left.
    pub fn forget(&mut self, now: Lifetime) -> usize {
        self.instances.retain(|_, seen| now < seen.until);
        self.instances.len()
    }

    /// How many instances of a verifier there are.
    pub fn copies(&self, verifier: VerifierId) -> usize {
        self.instances.keys().filter(|who| who.verifier == verifier).count()
    }

    /// Is this one among them?
    pub fn knows(&self, who: Who) -> bool {
        self.instances.contains_key(&who)
    }
}

/// The moment from which terms that were granted by a ping at `now` are over: theirs, and what two clocks may drift apart
/// in them.
fn end(now: Lifetime, terms: Lifetime) -> Lifetime {
    now + terms + Lifetime::from_millis(terms.millis() / 1000 + 1)
}

/// A wait for a place.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Wait {
    place: Position,
    since: Lifetime,
    start: Option<Lifetime>,
    /// Who is waited for, and until when at most: by the pings that came before the wait began.
    pending: BTreeMap<Who, Lifetime>,
    applied: usize,
    expired: Vec<Who>,
}

impl Wait {
    /// Looks again.
    pub fn look(&mut self, barrier: &Barrier, now: Lifetime) {
        self.start = self.start.filter(|start| now < *start);
        let place = self.place;
        let (mut applied, mut expired) = (0, Vec::new());
        self.pending.retain(|who, until| match barrier.instances.get(who) {
            Some(seen) if seen.applied >= place && seen.applied.generation == place.generation => {
                applied += 1;
                false
            }
            _ if now >= *until => {
                expired.push(*who);
                false
            }
            Some(_) => true,
            // It left.
            None => false,
        });
        self.applied += applied;
        self.expired.append(&mut expired);
    }

    /// Is it over? Then nobody accepts what was revoked up to the place, ever.
    pub fn is_over(&self) -> bool {
        self.start.is_none() && self.pending.is_empty()
    }

    /// The place that is waited for.
    pub const fn place(&self) -> Position {
        self.place
    }

    /// Is this one still waited for?
    pub fn is_for(&self, who: Who) -> bool {
        self.pending.contains_key(&who)
    }

    /// How many have acknowledged.
    pub const fn applied(&self) -> usize {
        self.applied
    }

    /// Whose leases ran out while they were waited for.
    pub fn expired(&self) -> &[Who] {
        &self.expired
    }

    /// For how long it has been waited.
    pub fn waited(&self, now: Lifetime) -> Lifetime {
        Lifetime::from_millis((now.millis() - self.since.millis()).max(0))
    }

    /// The moment at which it looks different even if nobody says anything.
    pub fn next(&self) -> Option<Lifetime> {
        self.pending.values().copied().chain(self.start).min()
    }
}
