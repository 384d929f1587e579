//! The stream: opened, read, applied as it comes, and opened again after a pause.

use core::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::time::{sleep, timeout};

use super::client::{Call, CallError, Exchange};
use super::clock::below;
use super::shared::Shared;
use crate::feed::{Broken, Cutter, Event, Place, StreamKey};

/// Pauses between attempts: doubled each time, half of each by chance, so that a thousand verifiers do not come at once.
#[derive(Default)]
pub(super) struct Pause(u32);

impl Pause {
    const FIRST: u64 = 250;
    const LONGEST: u64 = 10_000;

    /// It worked: the next pause is short again.
    pub(super) const fn reset(&mut self) {
        self.0 = 0;
    }

    pub(super) fn next(&mut self) -> Duration {
        let whole = (Self::FIRST << self.0.min(16)).min(Self::LONGEST);
        self.0 += 1;
        Duration::from_millis(whole / 2 + below(whole / 2))
    }
}

/// Events of a stream or an answer, each checked to be genuine and the one that is due.
pub(super) struct Events {
    exchange: Exchange,
    cutter: Cutter,
    due: Place,
    key: StreamKey,
}

/// Why there are no more events.
#[derive(Clone, Copy, Debug)]
pub(super) enum Halt {
    /// What came was not ours.
    Broken(Broken),
    /// The connection.
    Call(CallError),
    /// The server said no.
    Refused(u16),
}

impl fmt::Display for Halt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Broken(broken) => broken.fmt(f),
            Self::Call(CallError::Unreachable) => f.write_str("no server can be reached"),
            Self::Call(CallError::TimedOut) => f.write_str("the server is silent"),
            Self::Call(CallError::TooLarge) => f.write_str("the server says too much"),
            Self::Refused(0) => f.write_str("the server is of another version or an older generation"),
            Self::Refused(400) => {
                f.write_str("the server refuses with 400: lease or grace may be longer than it grants")
            }
            Self::Refused(401) => f.write_str("the server refuses with 401: it does not know this secret"),
            Self::Refused(status) => write!(f, "the server refuses with {status}"),
        }
    }
}

impl Events {
    /// Opens a call that is answered with events.
    pub(super) async fn open(shared: &Shared, call: &Call, first: Place) -> Result<Self, Halt> {
        let exchange = shared.client.open(call).await.map_err(Halt::Call)?;
        if exchange.head.status.as_u16() != 200 {
            return Err(Halt::Refused(exchange.head.status.as_u16()));
        }
        Ok(Self { exchange, cutter: Cutter::new(), due: first, key: shared.key.clone() })
    }

    /// The next event; `None` at the end.
    pub(super) async fn next(&mut self) -> Result<Option<Event>, Halt> {
        loop {
            if let Some(sealed) = self.cutter.next().map_err(Halt::Broken)? {
                let event = sealed.open(&self.key, self.due).map_err(Halt::Broken)?;
                self.due = self.due.next();
                return Ok(Some(event));
            }
            match self.exchange.next().await.map_err(Halt::Call)? {
                Some(bytes) => self.cutter.push(&bytes),
                None => return Ok(None),
            }
        }
    }

    /// The connection, once all was read.
    pub(super) fn finish(self) -> Exchange {
        self.exchange
    }
}

/// Follows the stream until the follower stops.
pub(super) async fn run(shared: Arc<Shared>) {
    let mut pause = Pause::default();
    loop {
        let server = shared.client.current();
        let halt = tokio::select! {
            halt = follow(&shared, &mut pause) => halt,
            () = shared.reconnect.notified() => None,
            () = shared.stopped() => return,
        };
        shared.write().close();
        shared.counters.reconnects.fetch_add(1, Ordering::Relaxed);
        if let Some(halt) = halt {
            shared.counters.record(halt);
            shared.client.rotate(server);
        }
        tokio::select! {
            () = sleep(pause.next()) => {}
            () = shared.stopped() => return,
        }
    }
}

/// Reads one stream to its end; gives why it ended, if that is a reason to try another server.
async fn follow(shared: &Shared, pause: &mut Pause) -> Option<Halt> {
    let (lease, applied) = {
        let replica = shared.read();
        (shared.settings.lease, replica.applied())
    };
    let query = format!(
        "/v1/feed?instance={}&lease={}&grace={}",
        shared.instance,
        lease.millis(),
        shared.settings.grace.millis()
    );
    let mut call = Call::get(query, "text/event-stream");
    call.cursor = (applied.generation > 0).then(|| applied.to_string());
    // Each ping is echoed into the stream, three times a lease: two leases of silence are a dead connection.
    let silence = Duration::from_millis(lease.millis().unsigned_abs() * 2);
    let mut events = match timeout(silence, Events::open(shared, &call, Place::Stream(0))).await {
        Ok(Ok(events)) => events,
        Ok(Err(halt)) => return Some(halt),
        Err(_) => return Some(Halt::Call(CallError::TimedOut)),
    };
    let mut is_first = true;
    loop {
        let event = match timeout(silence, events.next()).await {
            Ok(Ok(Some(event))) => event,
            Ok(Ok(None)) => return None,
            Ok(Err(halt)) => return Some(halt),
            Err(_) => return Some(Halt::Call(CallError::TimedOut)),
        };
        if is_first != matches!(event, Event::Hello(_)) {
            return Some(Halt::Broken(Broken::Malformed));
        }
        is_first = false;
        if shared.take(event) {
            // It is of an older generation, or of a version that we do not understand.
            return Some(Halt::Refused(0));
        }
        pause.reset();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_ten_seconds_and_half_of_each_is_by_chance() {
        let millis = |turn: usize| {
            let mut pause = Pause::default();
            for _ in 0..turn {
                pause.next();
            }
            u64::try_from(pause.next().as_millis()).unwrap()
        };
        for (turn, whole) in [250, 500, 1000, 2000, 4000, 8000, 10_000, 10_000].into_iter().enumerate() {
            let drawn: Vec<u64> = (0..200).map(|_| millis(turn)).collect();
            assert!(drawn.iter().all(|millis| (whole / 2..=whole).contains(millis)), "{whole}: {drawn:?}");
            let (least, most) = (drawn.iter().min().unwrap(), drawn.iter().max().unwrap());
            assert!(most - least > whole / 4, "{whole}: {least} to {most}");
        }
        assert!((5000..=10_000).contains(&millis(1000)));
    }

    #[test]
    fn after_a_success_the_next_pause_is_short_again() {
        let mut pause = Pause::default();
        for _ in 0..5 {
            pause.next();
        }
        pause.reset();
        assert!(pause.next() <= Duration::from_millis(Pause::FIRST));
    }
}
