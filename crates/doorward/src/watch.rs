//! What is noticed about abuse: always counted, and told to the audit log at most once a minute for each cause, so that
//! a flood cannot fill it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use doorward_core::id::{UserId, VerifierId};
use doorward_core::{Lifetime, Timestamp};

use crate::throttle::{By, Ledger};

/// So many failed sign-ins of all accounts together in a minute are remarkable.
const SPIKE: u64 = 100;
const MINUTE: Lifetime = Lifetime::from_mins(1);
/// The most causes that are remembered; the one told longest ago is forgotten first.
const CAUSES: usize = 10_000;

/// What is told at most once a minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Cause {
    Failing,
    Refused(By),
    NewDevice(UserId),
    Ahead(VerifierId),
}

/// How often what was noticed since the process began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Passwords that were wrong.
    pub failed: u64,
    /// Tries that an account's limit refused.
    pub refused_by_account: u64,
    /// Calls that a network's limit refused.
    pub refused_by_address: u64,
    /// Sign-ins of people on a browser that was not known to be theirs.
    pub new_devices: u64,
    /// Minutes in which remarkably many sign-ins failed.
    pub spikes: u64,
}

/// The watch.
#[derive(Debug)]
pub struct Watch {
    failed: AtomicU64,
    refused_by_account: AtomicU64,
    refused_by_address: AtomicU64,
    new_devices: AtomicU64,
    spikes: AtomicU64,
    /// When the present minute began, and how many failed in it.
    minute: Mutex<(Timestamp, u64)>,
    told: Mutex<Ledger<Cause, Timestamp>>,
}

impl Default for Watch {
    fn default() -> Self {
        Self {
            failed: AtomicU64::new(0),
            refused_by_account: AtomicU64::new(0),
            refused_by_address: AtomicU64::new(0),
            new_devices: AtomicU64::new(0),
            spikes: AtomicU64::new(0),
            minute: Mutex::new((Timestamp::MIN, 0)),
            told: Mutex::new(Ledger::new(CAUSES)),
        }
    }
}

impl Watch {
    /// A password was wrong. Gives how many were in this minute, if that is to be told.
    pub fn failed(&self, now: Timestamp) -> Option<u64> {
        self.failed.fetch_add(1, Ordering::Relaxed);
        let failed = {
            let mut minute = self.minute.lock().unwrap_or_else(PoisonError::into_inner);
            if is_past(minute.0, now) {
                *minute = (now, 0);
            }
            minute.1 += 1;
            minute.1
        };
        let is_spike = failed >= SPIKE && self.is_due(Cause::Failing, now);
        if is_spike {
            self.spikes.fetch_add(1, Ordering::Relaxed);
        }
        is_spike.then_some(failed)
    }

    /// A limit refused somebody. Gives how often this limit did since the process began, if that is to be told.
    pub fn refused(&self, by: By, now: Timestamp) -> Option<u64> {
        let count = match by {
            By::Account => &self.refused_by_account,
            By::Address => &self.refused_by_address,
        };
        let refused = count.fetch_add(1, Ordering::Relaxed) + 1;
        self.is_due(Cause::Refused(by), now).then_some(refused)
    }

    /// A person signed in on a browser that was not known to be theirs. Is it to be told?
    pub fn new_device(&self, user: UserId, now: Timestamp) -> bool {
        self.new_devices.fetch_add(1, Ordering::Relaxed);
        self.is_due(Cause::NewDevice(user), now)
    }

    /// A verifier says that it knows more than there is. Is it to be told?
    pub fn ahead(&self, verifier: VerifierId, now: Timestamp) -> bool {
        self.is_due(Cause::Ahead(verifier), now)
    }

    /// The counts, for whoever shows them.
    pub fn counts(&self) -> Counts {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Counts {
            failed: read(&self.failed),
            refused_by_account: read(&self.refused_by_account),
            refused_by_address: read(&self.refused_by_address),
            new_devices: read(&self.new_devices),
            spikes: read(&self.spikes),
        }
    }

    fn is_due(&self, cause: Cause, now: Timestamp) -> bool {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let due = told.find(&cause).is_none_or(|at| is_past(at, now));
        if due {
            told.put(cause, now);
        }
        due
    }
}

/// Is the minute that began then over? Also if the clock went back by one.
fn is_past(began: Timestamp, now: Timestamp) -> bool {
    now - began >= MINUTE || began - now >= MINUTE
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: Timestamp = Timestamp::from_secs(1_790_000_000);

    #[test]
    fn a_spike_is_told_once_a_minute_and_scattered_failures_never() {
        let watch = Watch::default();
        let told: Vec<_> = (0..250).filter_map(|_| watch.failed(NOON)).collect();
        assert_eq!(told, [100]);
        let next = NOON + MINUTE;
        let told: Vec<_> = (0..250).filter_map(|_| watch.failed(next)).collect();
        assert_eq!(told, [100]);
        let scattered = (1..250).filter_map(|minute| watch.failed(next + Lifetime::from_secs(minute)));
        assert_eq!(scattered.count(), 0);
        assert_eq!((watch.counts().failed, watch.counts().spikes), (250 + 250 + 249, 2));
    }

    #[test]
    fn each_cause_is_told_once_a_minute_and_all_are_counted() {
        let watch = Watch::default();
        let ada = UserId::from_bytes([1; 16]);
        for round in 1..4_u64 {
            let now = NOON + Lifetime::from_mins(round as i64);
            let told: Vec<_> = (0..1000).filter_map(|_| watch.refused(By::Account, now)).collect();
            assert_eq!(told, [(round - 1) * 1000 + 1]);
            assert!(watch.refused(By::Address, now).is_some(), "another cause");
            assert!(watch.new_device(ada, now) && !watch.new_device(ada, now));
            assert!(watch.new_device(UserId::from_bytes([2; 16]), now), "another person");
        }
        let counts = watch.counts();
        assert_eq!((counts.refused_by_account, counts.refused_by_address, counts.new_devices), (3000, 3, 9));
    }
}
