//! Uses of sessions that wait to be written down: those that this door saw, and those that verifiers report.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use doorward_core::Timestamp;
use doorward_core::id::{SessionId, VerifierId};

/// The most that wait of those that were seen here, and as many of those that one verifier reports; more are left to the
/// next use of their sessions.
pub const MOST: usize = 100_000;

/// Uses that wait. What one verifier says crowds out neither ours nor another's.
#[derive(Debug, Default)]
pub struct Uses(Mutex<Waiting>);

#[derive(Debug, Default)]
struct Waiting {
    own: Vec<(SessionId, Timestamp)>,
    reported: HashMap<VerifierId, Vec<(SessionId, Timestamp)>>,
}

/// Some that are written down together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// Which sessions, and when.
    pub seen: Vec<(SessionId, Timestamp)>,
    /// Who says so; `None` for what was seen here.
    pub by: Option<VerifierId>,
}

impl Uses {
    /// A session was used here. `false` if too many wait.
    pub fn note(&self, session: SessionId, at: Timestamp) -> bool {
        let own = &mut self.lock().own;
        let fits = own.len() < MOST;
        own.extend(fits.then_some((session, at)));
        fits
    }

    /// A verifier says that sessions were used. Whether they are its business is asked when it is written down.
    pub fn report(&self, by: VerifierId, seen: impl Iterator<Item = (SessionId, Timestamp)>) {
        let mut waiting = self.lock();
        let mut seen = seen.peekable();
        if seen.peek().is_some() {
            let reported = waiting.reported.entry(by).or_default();
            reported.extend(seen.take(MOST - reported.len()));
        }
    }

    /// Takes at most `most` that belong together; `None` if none wait.
    pub fn take(&self, most: usize) -> Option<Batch> {
        let mut waiting = self.lock();
        if !waiting.own.is_empty() {
            return Some(Batch { seen: last(&mut waiting.own, most), by: None });
        }
        let by = *waiting.reported.keys().next()?;
        let reported = waiting.reported.get_mut(&by)?;
        let seen = last(reported, most);
        if reported.is_empty() {
            waiting.reported.remove(&by);
        }
        Some(Batch { seen, by: Some(by) })
    }

    /// Puts back what could not be written down.
    pub fn put_back(&self, Batch { seen, by }: Batch) {
        match by {
            Some(by) => self.report(by, seen.into_iter()),
            None => {
                for (session, at) in seen {
                    self.note(session, at);
                }
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn last(waiting: &mut Vec<(SessionId, Timestamp)>, most: usize) -> Vec<(SessionId, Timestamp)> {
    waiting.split_off(waiting.len().saturating_sub(most))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some(count: usize) -> impl Iterator<Item = (SessionId, Timestamp)> {
        (0..count).map(|number| {
            let mut id = [0; 16];
            id[..8].copy_from_slice(&(number as u64).to_be_bytes());
            (SessionId::from_bytes(id), Timestamp::from_secs(1000))
        })
    }

    #[test]
    fn nobodys_reports_crowd_out_anybody_elses_and_each_is_written_with_its_own() {
        let uses = Uses::default();
        let [one, other] = [1, 2].map(|number| VerifierId::from_bytes([number; 16]));
        uses.report(one, some(MOST - 1));
        uses.report(one, some(7));
        uses.report(other, some(3));
        uses.report(other, some(0));
        assert!(some(MOST).all(|(session, at)| uses.note(session, at)));
        let (session, at) = some(1).next().expect("one");
        assert!(!uses.note(session, at), "one too many");
        let mut taken = HashMap::<_, usize>::new();
        while let Some(batch) = uses.take(500) {
            assert!((1..=500).contains(&batch.seen.len()));
            *taken.entry(batch.by).or_default() += batch.seen.len();
        }
        assert_eq!(taken, HashMap::from([(None, MOST), (Some(one), MOST), (Some(other), 3)]));
        assert!(uses.lock().reported.is_empty(), "who has nothing more to say is forgotten");
    }

    #[test]
    fn what_could_not_be_written_waits_again_where_it_was() {
        let uses = Uses::default();
        let verifier = VerifierId::from_bytes([1; 16]);
        for by in [None, Some(verifier)] {
            let batch = Batch { seen: some(3).collect(), by };
            uses.put_back(batch.clone());
            assert_eq!(uses.take(3), Some(batch));
            assert_eq!(uses.take(3), None);
        }
    }
}
