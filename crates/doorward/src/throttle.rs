//! Who tried how often: the bounded memory behind the rules of `doorward_core::throttle`.
//!
//! Failures are kept in the store, so that a restart forgives nobody; networks live in this process alone. Where it is full, what weighs least is forgotten first: an account with
//! one failure before one with fifty, a network with nearly all its allowance before one without any; a try that is
//! under way last. So a flood of made-up addresses cannot wash out an account that is being guessed at.

use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use doorward_core::change::SessionChange;
use doorward_core::throttle::{Delays, Failures, Network, Rate, Stop, Tally, Whose};
use doorward_core::{Lifetime, Timestamp};
use doorward_store::cached::Cached;
use tokio::sync::Semaphore;

/// What an operator settled about guessing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// For each account.
    pub delays: Delays,
    /// For each network, and for each [`Purpose`] apart.
    pub rate: Rate,
}

/// What a network asks for. Each has an allowance of its own, so that an application with a dead token keeps nobody
/// behind the same address from signing in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Purpose {
    /// To have a password weighed.
    SignIn,
    /// To get an account.
    SignUp,
    /// To refresh, with a token that is none of ours.
    Refresh,
    /// To open a session without being anybody: it costs no hash, but a row for weeks and a link of the audit log.
    Guest,
}

/// Which limit was met.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum By {
    /// The account's.
    Account,
    /// The network's.
    Address,
}

/// Not now, and how much is allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Throttled {
    /// Which limit was met.
    pub by: By,
    /// How many are allowed in a row.
    pub quota: u32,
    /// How long until a used-up quota is whole again.
    pub window: Lifetime,
    /// How long until the next is let in.
    pub wait: Lifetime,
}

/// The most accounts that are remembered: about 16 MB.
pub const ACCOUNTS: usize = 100_000;
/// The most networks that are remembered.
pub const NETWORKS: usize = 100_000;
/// How many may wait for the outcome of others who try the same account.
pub const PENDING: usize = 256;
/// So many accounts go into one change: a slice of the writer's time that others hardly notice.
const BATCH: usize = 500;
/// They look again after so long,
const PENDING_AGAIN: Duration = Duration::from_millis(50);
/// and so often: two seconds, as long as a full hash queue takes.
const PENDING_LOOKS: usize = 40;

/// The memory.
#[derive(Debug)]
pub struct Throttle {
    limits: Limits,
    accounts: Mutex<Ledger<Whose, Tally>>,
    networks: Mutex<Ledger<(Purpose, Network), Timestamp>>,
    pending: Semaphore,
    /// What the store does not know yet. Locked inside `accounts` only, so that the last word on an account stays.
    unwritten: Mutex<HashMap<Whose, Option<Failures>>>,
    writing: tokio::sync::Mutex<()>,
}

impl Throttle {
    /// An empty one.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            accounts: Mutex::new(Ledger::new(ACCOUNTS)),
            networks: Mutex::new(Ledger::new(NETWORKS)),
            pending: Semaphore::new(PENDING),
            unwritten: Mutex::default(),
            writing: tokio::sync::Mutex::default(),
        }
    }

    /// Takes up what was kept before this process.
    pub fn restore(&self, kept: Vec<(Whose, Failures)>) {
        let mut accounts = lock(&self.accounts);
        for (whose, failures) in kept {
            accounts.put(whose, Tally::restored(failures));
        }
    }

    /// Writes down what the store does not know yet. Whoever comes while another is at it finds their own written
    /// already, or writes for everybody who came in between: however many fail, one change is on its way at a time.
    pub async fn settle(&self, cached: &Arc<Cached>) {
        let _turn = self.writing.lock().await;
        let waiting: Vec<_> = lock(&self.unwritten).iter().map(|(whose, failures)| (*whose, *failures)).collect();
        for batch in waiting.chunks(BATCH) {
            if let Err(error) = cached.commit(SessionChange::Tally(batch.to_vec())).await {
                tracing::warn!(%error, "failed sign-ins could not be written down yet");
                return;
            }
            let mut unwritten = lock(&self.unwritten);
            for (whose, written) in batch {
                // What came while it was written is another word, and still to be written.
                if unwritten.get(whose) == Some(written) {
                    unwritten.remove(whose);
                }
            }
        }
    }

    /// Is there something that the store does not know?
    pub fn is_settled(&self) -> bool {
        lock(&self.unwritten).is_empty()
    }

    fn note(&self, whose: Whose, tally: Tally) {
        lock(&self.unwritten).insert(whose, tally.failures());
    }

    /// One more call from an address; where none is known, as on the operators' socket, there is no limit.
    ///
    /// # Errors
    /// [`Throttled`] if the network's allowance is used up; nothing more is used then.
    pub fn ask(&self, purpose: Purpose, address: Option<IpAddr>, now: Timestamp) -> Result<(), Throttled> {
        let Some(address) = address else { return Ok(()) };
        let place = (purpose, Network::of(address));
        let rate = self.limits.rate;
        let mut networks = lock(&self.networks);
        let whole_at = rate.ask(networks.find(&place), now).map_err(|wait| Throttled {
            by: By::Address,
            quota: rate.burst,
            window: rate.window(),
            wait,
        })?;
        networks.put(place, whole_at);
        Ok(())
    }

    /// Lets a try at an account in, and counts it before its outcome is known. While others try the same account and
    /// might all fail, it waits for them; the outcome of a try must be told, or it counts as failed.
    ///
    /// # Errors
    /// [`Throttled`]: then nothing is to be hashed.
    pub async fn admit(&self, whose: Whose, clock: impl Fn() -> Timestamp) -> Result<Try<'_>, Throttled> {
        let mut place = None;
        for _ in 0..PENDING_LOOKS {
            let now = clock();
            match self.try_admit(whose, now) {
                Ok(()) => return Ok(Try { throttle: self, whose, at: now, told: false }),
                Err(Stop::Wait(wait)) => return Err(self.throttled(wait)),
                Err(Stop::Pending) => {}
            }
            if place.is_none() {
                let free = self.pending.try_acquire().map_err(|_| self.throttled(self.limits.delays.first))?;
                place = Some(free);
            }
            tokio::time::sleep(PENDING_AGAIN).await;
        }
        Err(self.throttled(self.limits.delays.first))
    }

    fn try_admit(&self, whose: Whose, now: Timestamp) -> Result<(), Stop> {
        let mut accounts = lock(&self.accounts);
        let before = accounts.find(&whose).unwrap_or(Tally::BLANK);
        let tally = before.admit(&self.limits.delays, now)?;
        if before.failures() != tally.failures() {
            self.note(whose, tally);
        }
        if let Some((gone, last)) = accounts.put(whose, tally)
            && last.failures().is_some()
        {
            self.note(gone, Tally::BLANK);
        }
        Ok(())
    }

    fn throttled(&self, wait: Lifetime) -> Throttled {
        let Delays { free, forgets, .. } = self.limits.delays;
        Throttled { by: By::Account, quota: free, window: forgets, wait }
    }

    /// Forgets the failures of an account: an operator says it is all right.
    pub fn forgive(&self, whose: Whose) {
        self.change(whose, |tally| Tally { failures: 0, ..tally });
    }

    /// Forgets everything that says nothing any more.
    pub fn forget(&self, now: Timestamp) {
        let delays = self.limits.delays;
        let mut accounts = lock(&self.accounts);
        for gone in accounts.retain(|tally| !tally.at(&delays, now).is_blank()) {
            self.note(gone, Tally::BLANK);
        }
        drop(accounts);
        drop(lock(&self.networks).retain(|whole_at| *whole_at > now));
    }

    fn change(&self, whose: Whose, change: impl FnOnce(Tally) -> Tally) {
        let mut accounts = lock(&self.accounts);
        let before = accounts.find(&whose).unwrap_or(Tally::BLANK);
        let changed = change(before);
        if before.failures() != changed.failures() {
            self.note(whose, changed);
        }
        if changed.is_blank() {
            accounts.remove(&whose);
        } else {
            // It was in there a moment ago, so nobody has to leave for it, unless it had to itself.
            if let Some((gone, _)) = accounts.put(whose, changed) {
                self.note(gone, Tally::BLANK);
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A try that was let in. A caller who goes away before it is weighed has failed: guessing and hanging up gains nothing.
#[derive(Debug)]
pub struct Try<'a> {
    throttle: &'a Throttle,
    whose: Whose,
    at: Timestamp,
    told: bool,
}

impl Try<'_> {
    /// It was wrong.
    pub fn failed(mut self, now: Timestamp) {
        self.at = now;
    }

    /// It was right.
    pub fn succeeded(mut self) {
        self.told = true;
        self.throttle.change(self.whose, Tally::succeeded);
    }

    /// It was never weighed.
    pub fn withdrawn(mut self) {
        self.told = true;
        self.throttle.change(self.whose, Tally::withdrawn);
    }
}

impl Drop for Try<'_> {
    fn drop(&mut self) {
        if !self.told {
            self.throttle.change(self.whose, |tally| tally.failed(self.at));
        }
    }
}

/// At most so many values, each under its key; the least is forgotten first.
#[derive(Debug)]
pub(crate) struct Ledger<K, V> {
    most: usize,
    kept: HashMap<K, V>,
    order: BTreeSet<(V, K)>,
}

impl<K: Copy + Eq + Hash + Ord, V: Copy + Ord> Ledger<K, V> {
    pub(crate) fn new(most: usize) -> Self {
        Self { most, kept: HashMap::new(), order: BTreeSet::new() }
    }

    pub(crate) fn find(&self, key: &K) -> Option<V> {
        self.kept.get(key).copied()
    }

    /// Puts a value in; gives what had to leave for it.
    pub(crate) fn put(&mut self, key: K, value: V) -> Option<(K, V)> {
        self.remove(&key);
        let gone = if self.kept.len() >= self.most { self.order.pop_first() } else { None };
        if let Some((_, least)) = gone {
            self.kept.remove(&least);
        }
        self.kept.insert(key, value);
        self.order.insert((value, key));
        gone.map(|(value, key)| (key, value))
    }

    fn remove(&mut self, key: &K) {
        if let Some(value) = self.kept.remove(key) {
            self.order.remove(&(value, *key));
        }
    }

    /// Keeps some; gives the keys of the others.
    fn retain(&mut self, keep: impl Fn(&V) -> bool) -> Vec<K> {
        self.kept.retain(|_, value| keep(value));
        self.order.extract_if(.., |(value, _)| !keep(value)).map(|(_, key)| key).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: Timestamp = Timestamp::from_secs(1_790_000_000);

    fn whose(number: u8) -> Whose {
        Whose([number; 16])
    }

    async fn fail(throttle: &Throttle, whose: Whose) -> Result<(), Throttled> {
        throttle.admit(whose, || NOON).await.map(|tried| tried.failed(NOON))
    }

    #[tokio::test]
    async fn a_caller_who_hangs_up_has_failed() {
        let throttle = Throttle::new(Limits::default());
        for _ in 0..5 {
            drop(throttle.admit(whose(1), || NOON).await.expect("free"));
        }
        let throttled = throttle.admit(whose(1), || NOON).await.expect_err("the sixth waits");
        assert_eq!((throttled.by, throttled.wait), (By::Account, Lifetime::from_secs(1)));
    }

    #[tokio::test]
    async fn what_was_never_weighed_is_not_counted_and_an_operator_forgives() {
        let throttle = Throttle::new(Limits::default());
        for _ in 0..50 {
            throttle.admit(whose(1), || NOON).await.expect("free").withdrawn();
        }
        for _ in 0..5 {
            fail(&throttle, whose(1)).await.expect("free");
        }
        fail(&throttle, whose(1)).await.expect_err("not free");
        throttle.forgive(whose(1));
        fail(&throttle, whose(1)).await.expect("forgiven");
    }

    #[tokio::test]
    async fn who_waits_for_others_goes_on_when_one_of_them_was_right() {
        let throttle = Throttle::new(Limits::default());
        let mut first = Vec::new();
        for _ in 0..5 {
            first.push(throttle.admit(whose(1), || NOON).await.expect("free"));
        }
        let (sixth, ()) = tokio::join!(throttle.admit(whose(1), || NOON), async {
            tokio::time::sleep(Duration::from_millis(300)).await;
            first.pop().expect("five").succeeded();
        });
        sixth.expect("let in").withdrawn();
        assert_eq!(first.len(), 4);
    }

    #[test]
    fn a_full_ledger_forgets_the_least_first() {
        let mut ledger = Ledger::new(3);
        for (key, value) in [(1, 50), (2, 1), (3, 7), (4, 2), (5, 1), (6, 1)] {
            ledger.put(key, value);
        }
        let kept: Vec<_> = (1..=6).map(|key| ledger.find(&key)).collect();
        assert_eq!(kept, [Some(50), None, Some(7), None, None, Some(1)]);
        ledger.put(3, 9);
        assert_eq!((ledger.kept.len(), ledger.order.len(), ledger.find(&3)), (3, 3, Some(9)));
        ledger.retain(|value| *value > 8);
        assert_eq!((ledger.kept.len(), ledger.order.len()), (2, 2));
    }

    #[tokio::test]
    async fn a_flood_of_made_up_accounts_does_not_wash_out_one_that_is_guessed_at() {
        let mut throttle = Throttle::new(Limits::default());
        throttle.accounts = Mutex::new(Ledger::new(10));
        for _ in 0..5 {
            fail(&throttle, whose(0)).await.expect("free");
        }
        for other in 1..=255 {
            for _ in 0..3 {
                fail(&throttle, whose(other)).await.expect("free");
            }
        }
        fail(&throttle, whose(0)).await.expect_err("remembered");
        assert!(lock(&throttle.accounts).kept.len() <= 10);
    }

    #[test]
    fn purposes_and_networks_have_allowances_of_their_own() {
        let limits = Limits { rate: Rate { burst: 2, every: Lifetime::from_secs(1) }, ..Limits::default() };
        let throttle = Throttle::new(limits);
        let one: IpAddr = "2001:db8::1".parse().expect("an address");
        let same: IpAddr = "2001:db8::2".parse().expect("an address");
        let other: IpAddr = "2001:db8:0:1::1".parse().expect("an address");
        throttle.ask(Purpose::SignIn, Some(one), NOON).expect("room");
        throttle.ask(Purpose::SignIn, Some(same), NOON).expect("room");
        let full = throttle.ask(Purpose::SignIn, Some(one), NOON).expect_err("no room");
        assert_eq!((full.by, full.quota, full.wait), (By::Address, 2, Lifetime::from_secs(1)));
        throttle.ask(Purpose::SignUp, Some(one), NOON).expect("another purpose");
        throttle.ask(Purpose::SignIn, Some(other), NOON).expect("another network");
        throttle.ask(Purpose::SignIn, None, NOON).expect("no network, no limit");
        throttle.forget(NOON + Lifetime::from_secs(2));
        assert!(lock(&throttle.networks).kept.is_empty());
    }
}
