//! Doing a thing once for everybody who wants it now, and not at all while it keeps failing.

use std::collections::HashMap;
use std::future::Future;
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OnceCell;

use crate::{Lifetime, Moment};

/// What is under way, by a hash that names it.
pub(super) struct Flights<T>(Mutex<HashMap<[u8; 32], Arc<OnceCell<T>>>>);

impl<T> Default for Flights<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T: Clone> Flights<T> {
    /// Does it, or waits for whoever is doing it. If the one who does it goes away, another one goes on.
    pub(super) async fn once<F: Future<Output = T>>(&self, name: [u8; 32], work: impl FnOnce() -> F) -> T {
        let seat = Seat { flights: self, name, cell: Arc::clone(self.lock().entry(name).or_default()) };
        seat.cell.get_or_init(work).await.clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<[u8; 32], Arc<OnceCell<T>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One of those who wait.
struct Seat<'f, T> {
    flights: &'f Flights<T>,
    name: [u8; 32],
    cell: Arc<OnceCell<T>>,
}

impl<T> Drop for Seat<'_, T> {
    fn drop(&mut self) {
        let mut flights = self.flights.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_ours = flights.get(&self.name).is_some_and(|known| Arc::ptr_eq(known, &self.cell));
        // Once it is done, whoever comes wants it done anew; and if all have gone away, nothing of it stays.
        if is_ours && (self.cell.initialized() || Arc::strong_count(&self.cell) <= 2) {
            flights.remove(&self.name);
        }
    }
}

/// After so many failures in a row…
const FAILURES: u32 = 3;
/// …nothing is tried for so long; then one failure is enough for the next pause.
const PAUSE: Lifetime = Lifetime::from_secs(2);

/// Keeps requests from a server that does not answer them.
#[derive(Default)]
pub(super) struct Breaker {
    failures: AtomicU32,
    /// Until when, by the running clock.
    open_until: AtomicI64,
}

impl Breaker {
    /// May it be tried now?
    pub(super) fn lets_through(&self, now: Moment) -> bool {
        now.running.millis() >= self.open_until.load(Ordering::Relaxed)
    }

    /// It worked, or it did not.
    pub(super) fn record(&self, worked: bool, now: Moment) {
        if worked {
            self.failures.store(0, Ordering::Relaxed);
        } else if self.failures.fetch_add(1, Ordering::Relaxed) + 1 >= FAILURES {
            self.open_until.store((now.running + PAUSE).millis(), Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;
    use crate::Timestamp;

    #[test]
    fn a_breaker_pauses_after_three_failures_in_a_row() {
        let at = |millis: i64| Moment { running: Lifetime::from_millis(millis), wall: Timestamp::MIN };
        let breaker = Breaker::default();
        for worked in [false, false, true, false, false] {
            breaker.record(worked, at(0));
            assert!(breaker.lets_through(at(0)));
        }
        breaker.record(false, at(10));
        assert!(!breaker.lets_through(at(2009)) && breaker.lets_through(at(2010)));
        breaker.record(false, at(2010));
        assert!(!breaker.lets_through(at(4009)), "one more is enough");
        breaker.record(true, at(4010));
        breaker.record(false, at(4010));
        assert!(breaker.lets_through(at(4010)));
    }

    #[tokio::test]
    async fn many_who_want_the_same_cause_it_once() {
        let (flights, count) = (Arc::new(Flights::default()), Arc::new(AtomicUsize::new(0)));
        let tasks: Vec<_> = (0..20_u8)
            .map(|number| {
                let (flights, count) = (Arc::clone(&flights), Arc::clone(&count));
                tokio::spawn(async move {
                    let work = || async {
                        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                        count.fetch_add(1, Ordering::Relaxed)
                    };
                    flights.once([number % 2; 32], work).await
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(count.load(Ordering::Relaxed), 2, "two names");
        flights.once([0; 32], || async { count.fetch_add(1, Ordering::Relaxed) }).await;
        assert_eq!(count.load(Ordering::Relaxed), 3, "later it is done anew");
    }
}
