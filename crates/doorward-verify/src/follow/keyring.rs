//! The issuer's keys: fetched, kept while they cannot be fetched, fetched again when a token names one we do not know.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use hyper::header::CACHE_CONTROL;
use tokio::sync::{Notify, watch};
use tokio::time::sleep;

use super::client::{Answer, Call};
use super::clock;
use super::shared::Shared;
use super::stream::Pause;
use crate::feed::SetId;
use crate::keys::LONGEST_SET;
use crate::{KeySet, Lifetime, Moment};

/// How often an unknown key may cause a fetch.
const COOLDOWN: Lifetime = Lifetime::from_secs(30);
/// How often the server may cause one.
const AGAIN: Lifetime = Lifetime::from_secs(1);
/// How long a set is used where the server does not say.
const USUAL: u64 = 300;
/// Bounds of what it may say, in seconds.
const SHORTEST: u64 = 30;
const LONGEST: u64 = 3600;
const WITHIN: Duration = Duration::from_secs(5);

/// The keys.
pub(super) struct Keyring {
    set: RwLock<Arc<KeySet>>,
    is_loaded: watch::Sender<bool>,
    wanted: Notify,
    is_fetching: AtomicBool,
    /// When the last fetch began, by the running clock.
    fetched: AtomicI64,
}

impl Default for Keyring {
    fn default() -> Self {
        Self {
            set: RwLock::default(),
            is_loaded: watch::Sender::new(false),
            wanted: Notify::new(),
            is_fetching: AtomicBool::new(true),
            fetched: AtomicI64::new(i64::MIN / 2),
        }
    }
}

impl Keyring {
    /// The keys as they were fetched last.
    pub(super) fn keys(&self) -> Arc<KeySet> {
        Arc::clone(&self.set.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Waits until there are any.
    pub(super) async fn loaded(&self) {
        drop(self.is_loaded.subscribe().wait_for(|loaded| *loaded).await);
    }

    /// A token or a snapshot named a key that we do not know. Says whether that may still change: a fetch is under way,
    /// or this caused one. One in thirty seconds is caused; in between, an unknown key is unknown.
    pub(super) fn miss(&self, now: Moment) -> bool {
        if self.is_fetching.load(Ordering::Acquire) {
            return true;
        }
        let last = self.fetched.load(Ordering::Relaxed);
        let is_due = now.running.millis().saturating_sub(last) >= COOLDOWN.millis();
        if is_due && !self.is_fetching.swap(true, Ordering::AcqRel) {
            self.wanted.notify_one();
        }
        is_due
    }

    /// The server asks for its set to be fetched. Not more often than once a second: it asks again.
    pub(super) fn renew(&self, now: Moment) {
        let passed = now.running.millis().saturating_sub(self.fetched.load(Ordering::Relaxed));
        if passed >= AGAIN.millis() && !self.is_fetching.swap(true, Ordering::AcqRel) {
            self.wanted.notify_one();
        }
    }

    fn replace(&self, keys: KeySet) {
        *self.set.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(keys);
        self.is_loaded.send_replace(true);
    }
}

/// Keeps the keys up to date until the follower stops.
pub(super) async fn run(shared: Arc<Shared>) {
    let keyring = &shared.keyring;
    let mut pause = Pause::default();
    loop {
        keyring.is_fetching.store(true, Ordering::Release);
        keyring.fetched.store(clock::now().running.millis(), Ordering::Relaxed);
        let server = shared.client.current();
        let next = tokio::select! {
            fetched = fetch(&shared) => match fetched {
                Some((keys, id, seconds)) => {
                    keyring.replace(keys);
                    let todo = shared.write().hold_keys(id);
                    shared.wake(todo);
                    pause.reset();
                    Duration::from_secs(seconds)
                }
                None => {
                    // What we have goes on being used.
                    shared.counters.keys_failed.fetch_add(1, Ordering::Relaxed);
                    shared.client.rotate(server);
                    pause.next()
                }
            },
            () = shared.stopped() => return,
        };
        shared.counters.keys_fetched.fetch_add(1, Ordering::Relaxed);
        let is_loaded = *keyring.is_loaded.borrow();
        keyring.is_fetching.store(!is_loaded, Ordering::Release);
        tokio::select! {
            () = sleep(next) => {}
            () = keyring.wanted.notified() => {}
            () = shared.stopped() => return,
        }
    }
}

/// Fetches a set; gives it, its name, and for how many seconds it may be used. Garbage, and a set without keys, are none.
async fn fetch(shared: &Shared) -> Option<(KeySet, SetId, u64)> {
    let call = Call::get("/.well-known/jwks.json", "application/json");
    let answer = shared.client.call(&call, LONGEST_SET, WITHIN).await.ok()?;
    if answer.head.status.as_u16() != 200 {
        return None;
    }
    let keys = KeySet::parse(&answer.body).ok().filter(|keys| !keys.is_empty())?;
    let id = SetId::of(&answer.body);
    Some((keys, id, max_age(&answer).unwrap_or(USUAL).clamp(SHORTEST, LONGEST)))
}

fn max_age(answer: &Answer) -> Option<u64> {
    let text = answer.head.headers.get(CACHE_CONTROL)?.to_str().ok()?;
    text.split(',').find_map(|part| part.trim().strip_prefix("max-age=")?.parse().ok())
}

#[cfg(test)]
pub(super) mod tests {
    use std::pin::pin;
    use std::task::{Context, Waker};

    use super::*;
    use crate::Timestamp;

    fn at(millis: i64) -> Moment {
        Moment { running: Lifetime::from_millis(millis), wall: Timestamp::from_secs(1_800_000_000) }
    }

    /// Keys that were fetched at a moment.
    pub(in super::super) fn fetched_at(millis: i64) -> Keyring {
        let keyring = Keyring::default();
        keyring.fetched.store(millis, Ordering::Relaxed);
        keyring.is_fetching.store(false, Ordering::Release);
        keyring
    }

    /// Was a fetch asked for since this was asked last?
    pub(in super::super) fn is_wanted(keyring: &Keyring) -> bool {
        pin!(keyring.wanted.notified()).poll(&mut Context::from_waker(Waker::noop())).is_ready()
    }

    #[test]
    fn an_unknown_key_causes_a_fetch_once_in_thirty_seconds() {
        let keyring = fetched_at(1000);
        assert!(!keyring.miss(at(30_999)) && !is_wanted(&keyring), "it is unknown");
        assert!(keyring.miss(at(31_000)) && is_wanted(&keyring));
        assert!(keyring.miss(at(31_000)), "a fetch is under way");
        assert!(!is_wanted(&keyring), "one is enough");
        assert!(Keyring::default().miss(at(0)), "nothing was fetched yet");
    }

    #[test]
    fn the_server_causes_a_fetch_once_a_second() {
        let keyring = fetched_at(1000);
        keyring.renew(at(1999));
        assert!(!is_wanted(&keyring));
        keyring.renew(at(2000));
        assert!(is_wanted(&keyring));
        keyring.renew(at(9000));
        assert!(!is_wanted(&keyring), "a fetch is under way");
    }

    #[test]
    fn a_set_is_used_for_as_long_as_the_server_says() {
        let said = |value: Option<&str>| {
            let mut response = hyper::Response::builder();
            if let Some(value) = value {
                response = response.header(CACHE_CONTROL, value);
            }
            max_age(&Answer { head: response.body(()).unwrap().into_parts().0, body: Vec::new() })
        };
        assert_eq!(said(Some("public, max-age=120")), Some(120));
        assert_eq!(said(Some("max-age=7,must-revalidate")), Some(7));
        for other in [None, Some("no-store"), Some("max-age=soon"), Some("s-maxage=9")] {
            assert_eq!(said(other), None, "{other:?}");
        }
    }

    #[test]
    fn who_waits_for_keys_waits_until_there_are_some() {
        let keyring = Keyring::default();
        let mut waiting = pin!(keyring.loaded());
        let mut context = Context::from_waker(Waker::noop());
        assert!(waiting.as_mut().poll(&mut context).is_pending());
        keyring.replace(KeySet::default());
        assert!(waiting.as_mut().poll(&mut context).is_ready());
        assert!(pin!(keyring.loaded()).poll(&mut context).is_ready());
    }
}
