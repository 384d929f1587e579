//! Doing a thing once for everybody who wants it now, and not at all while it keeps failing.

use std::collections::HashMap;
use std::future::Future;
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Mutex as AsyncMutex, OnceCell};

use crate::{Lifetime, Moment};

/// What is under way, by a hash that names it.
pub(super) struct Flights<T>(Mutex<HashMap<[u8; 32], Arc<Line<T>>>>);

/// Those who want one thing: one is doing it, and whoever comes meanwhile waits for the next time together. What the one
/// under way hears may have been said before they came, and have become untrue in between.
struct Line<T> {
    turn: AsyncMutex<()>,
    next: Mutex<Arc<OnceCell<T>>>,
}

impl<T> Default for Flights<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T: Clone> Flights<T> {
    /// Does it, or waits for whoever begins to do it from now on. If the one who does it goes away, another one goes on.
    pub(super) async fn once<F: Future<Output = T>>(&self, name: [u8; 32], work: impl FnOnce() -> F) -> T {
        let new = || Arc::new(Line { turn: AsyncMutex::default(), next: Mutex::default() });
        let line = Arc::clone(self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(name).or_insert_with(new));
        let seat = Seat { flights: self, name, line };
        let ours = Arc::clone(&*seat.line.next());
        let _turn = seat.line.turn.lock().await;
        if let Some(done) = ours.get() {
            return done.clone();
        }
        {
            let mut next = seat.line.next();
            // (Unless somebody had begun with us and went away.)
            if Arc::ptr_eq(&next, &ours) {
                *next = Arc::default();
            }
        }
        ours.get_or_init(work).await.clone()
    }
}

impl<T> Line<T> {
    fn next(&self) -> MutexGuard<'_, Arc<OnceCell<T>>> {
        self.next.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One of those who wait.
struct Seat<'f, T> {
    flights: &'f Flights<T>,
    name: [u8; 32],
    line: Arc<Line<T>>,
}

impl<T> Drop for Seat<'_, T> {
    fn drop(&mut self) {
        let mut flights = self.flights.0.lock().unwrap_or_else(PoisonError::into_inner);
        // The last one leaves nothing behind: there is the map, and us.
        if Arc::strong_count(&self.line) <= 2 {
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
    async fn many_who_want_the_same_cause_it_once_or_twice() {
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
        assert_eq!(count.load(Ordering::Relaxed), 4, "of two names, by who came first and for all the others");
        flights.once([0; 32], || async { count.fetch_add(1, Ordering::Relaxed) }).await;
        assert_eq!(count.load(Ordering::Relaxed), 5, "later it is done anew");
        assert!(flights.0.lock().unwrap().is_empty(), "and nothing of it stays");
    }

    #[tokio::test]
    async fn nobody_is_told_what_may_have_been_said_before_they_came() {
        let (flights, truth) = (Flights::default(), AtomicUsize::new(1));
        let (answered, held) = (tokio::sync::Notify::new(), tokio::sync::Notify::new());
        let slow = flights.once([0; 32], || async {
            let heard = truth.load(Ordering::Relaxed);
            answered.notify_one();
            held.notified().await;
            heard
        });
        let later = async {
            answered.notified().await;
            truth.store(2, Ordering::Relaxed);
            let ask = || async { truth.load(Ordering::Relaxed) };
            let both = async { tokio::join!(flights.once([0; 32], ask), flights.once([0; 32], ask)) };
            let release = async { held.notify_one() };
            tokio::join!(both, release).0
        };
        assert_eq!(tokio::join!(slow, later), (1, (2, 2)), "the answer was on its way when the truth changed");
    }

    #[tokio::test]
    async fn where_the_one_who_does_it_goes_away_another_one_goes_on() {
        let flights = Flights::default();
        let lost = flights.once([0; 32], std::future::pending::<u32>);
        let other = async {
            tokio::task::yield_now().await;
            flights.once([0; 32], || async { 7 }).await
        };
        let gone = tokio::time::timeout(std::time::Duration::from_millis(5), lost);
        let (gone, other) = tokio::join!(gone, other);
        assert!(gone.is_err() && other == 7);
        assert!(flights.0.lock().unwrap().is_empty());
    }
}
