//! Pings: three times a lease, and whenever somebody wants one. Their answers alone keep a follower fresh and whole.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::time::{sleep, timeout};

use super::client::{Call, CallError};
use super::clock;
use super::shared::Shared;
use super::stream::{Events, Halt};
use crate::feed::{Ping, Place};
use crate::{Lifetime, Moment};

/// How long a lag that a token told of may last before it is asked about: the stream may be about to bring it.
const LAG: Duration = Duration::from_millis(20);

/// What a server answers that never sent what a ping acknowledges: 409 `applied_ahead`.
const APPLIED_AHEAD: u16 = 409;

/// Pings until the follower stops.
pub(super) async fn run(shared: Arc<Shared>) {
    let every = part(shared.settings.lease, 3);
    loop {
        let server = shared.client.current();
        tokio::select! {
            result = ping(&shared, false) => if let Err(halt) = result {
                shared.counters.record(halt);
                shared.counters.pings_failed.fetch_add(1, Ordering::Relaxed);
                shared.client.rotate(server);
            },
            () = shared.stopped() => break,
        }
        tokio::select! {
            () = sleep(every) => {}
            () = shared.ping.notified() => {}
            () = lagging(&shared) => {}
            () = shared.stopped() => break,
        }
    }
    // The last word: nobody has to wait for us any more. Whoever verifies is told so before that.
    let _ = ping(&shared, true).await;
}

/// One of so many equal parts of a lease.
const fn part(lease: Lifetime, parts: u64) -> Duration {
    Duration::from_millis(lease.millis().unsigned_abs() / parts)
}

/// Waits for a lag that lasts.
async fn lagging(shared: &Shared) {
    loop {
        shared.ahead.notified().await;
        let before = shared.read().applied();
        sleep(LAG).await;
        if shared.read().applied() == before {
            return;
        }
    }
}

/// Sends one ping and takes its answer in. What it reports and nobody answers is reported again.
async fn ping(shared: &Shared, leaving: bool) -> Result<(), Halt> {
    let now = clock::now();
    let seen = shared.sessions.seen();
    let ping = shared.write().ping(now, seen, leaving);
    let answered = send(shared, &ping, now).await;
    if answered.is_err() {
        shared.sessions.report_again(ping.seen);
    }
    answered
}

async fn send(shared: &Shared, ping: &Ping, now: Moment) -> Result<(), Halt> {
    shared.counters.pings.fetch_add(1, Ordering::Relaxed);
    let mut body = Vec::with_capacity(256);
    ping.write(&mut body);
    let call = Call::post("/v1/feed/ping", "text/event-stream", "application/json", body);
    let first = Place::Ping { ping: ping.n, number: 0 };
    // Half a lease: so there is time for another server before the lease runs out.
    let half = part(shared.settings.lease, 2);
    let late = |_| Halt::Call(CallError::TimedOut);
    let opened = timeout(half, Events::open(shared, &call, first)).await.map_err(late)?;
    if matches!(opened, Err(Halt::Refused(APPLIED_AHEAD))) {
        // It knows less than we acknowledge: as if we had come for the first time, but for the entries.
        let todo = shared.write().give_up_place();
        shared.wake(todo);
        shared.reconnect.notify_one();
    }
    let mut events = opened?;
    while let Some(event) = timeout(half, events.next()).await.map_err(late)?? {
        if shared.take(event) {
            // A server of an older generation; the stream may be with it too.
            shared.reconnect.notify_one();
            return Err(Halt::Refused(0));
        }
    }
    shared.client.keep(events.finish());
    let took = clock::now().running_since(now).max(Lifetime::ZERO);
    shared.counters.round_trip.store(took.millis().unsigned_abs(), Ordering::Relaxed);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feed::{Echo, Event};
    use crate::follow::shared::tests::{following, head, hello};

    #[test]
    fn a_lease_has_three_pings_and_two_halves() {
        let lease = Lifetime::from_millis(3001);
        assert_eq!((part(lease, 3), part(lease, 2)), (Duration::from_millis(1000), Duration::from_millis(1500)));
    }

    #[tokio::test]
    async fn a_lag_is_asked_about_when_it_lasts_and_not_before() {
        let shared = following();
        let wait = Duration::from_millis(200);
        assert!(timeout(wait, lagging(&shared)).await.is_err(), "nobody told of any");
        shared.ahead.notify_one();
        assert!(timeout(Duration::from_secs(20), lagging(&shared)).await.is_ok());
        shared.ahead.notify_one();
        let brought = async {
            shared.take(Event::Hello(hello()));
            shared.write().finish(&crate::follow::shared::tests::statement());
            assert_eq!(shared.read().applied(), head());
            shared.take(Event::Echo(Echo { n: 0, stream: None, head: head(), time: clock::now().wall }));
        };
        let (lagged, ()) = tokio::join!(timeout(wait, lagging(&shared)), brought);
        assert!(lagged.is_err(), "the stream has brought it");
    }
}
