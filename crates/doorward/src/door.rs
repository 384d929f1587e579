//! Everything wired together, and the only home of the clock and the dice.

use std::net::IpAddr;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use doorward_core::audit::{Actor, Event, Kind};
use doorward_core::client::Client;
use doorward_core::cursor::Bounds;
use doorward_core::id::{ClientId, EventId, SessionId};
use doorward_core::key::{Masters, Private};
use doorward_core::policy::{RefreshPolicy, SKEW};
use doorward_core::watermark::{Moment, Watermark};
use doorward_core::{Lifetime, Position, Timestamp, TokenType, Verifier};
use doorward_store::cached::Cached;
use doorward_store::{StoreError, Stores};

use crate::agent::Agent;
use crate::config::cidr::Cidr;
use crate::flows::Stopped;
use crate::hashing::Hashing;
use crate::http::pages::look::Look;
use crate::hub::{self, FeedSettings, Hub};
use crate::keys::Keys;
use crate::metrics::Metrics;
use crate::ring::Ring;
use crate::throttle::{ACCOUNTS, Limits, Throttle};
use crate::uses::Uses;
use crate::watch::Watch;

/// Tells the time.
pub trait Clock: Send + Sync {
    /// The time now, as the wall has it: it may jump either way.
    fn now(&self) -> Timestamp;

    /// For how long the machine has been up, its sleep included. Nobody can set it, and it never goes back.
    fn up(&self) -> Lifetime;
}

/// Measures how long something takes. It tells no time of day, and nothing is decided by it.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch(std::time::Instant);

impl Stopwatch {
    /// Begins now.
    #[expect(clippy::disallowed_methods, reason = "the one home of the clock")]
    pub fn start() -> Self {
        Self(std::time::Instant::now())
    }

    /// How long it has been.
    pub fn elapsed(&self) -> std::time::Duration {
        self.0.elapsed()
    }
}

/// Draws.
pub trait Dice: Send + Sync {
    /// Fills the slice with bytes nobody can foresee. `false` if there are none to be had.
    fn fill(&self, bytes: &mut [u8]) -> bool;

    /// Draws an RSA pair of 3072 bits as PKCS#8. It takes about a second: for the hash pool. `None` if there is none to be
    /// had.
    fn rsa_pair(&self) -> Option<Private>;
}

/// The machine's clock.
#[derive(Debug)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one home of the clock")]
    fn now(&self) -> Timestamp {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }

    fn up(&self) -> Lifetime {
        // Linux stops CLOCK_MONOTONIC while the machine sleeps, Apple does not.
        #[cfg(any(target_os = "linux", target_os = "android"))]
        let clock = rustix::time::ClockId::Boottime;
        #[cfg(not(any(target_os = "linux", target_os = "android")))]
        let clock = rustix::time::ClockId::Monotonic;
        let up = rustix::time::clock_gettime(clock);
        Lifetime::from_millis(up.tv_sec.saturating_mul(1000).saturating_add(up.tv_nsec / 1_000_000))
    }
}

/// The machine's entropy.
#[derive(Debug)]
pub struct SystemDice;

impl Dice for SystemDice {
    #[expect(clippy::disallowed_methods, reason = "the one home of the dice")]
    fn fill(&self, bytes: &mut [u8]) -> bool {
        getrandom::fill(bytes).is_ok()
    }

    fn rsa_pair(&self) -> Option<Private> {
        let pair = KeyPair::generate(KeySize::Rsa3072).ok()?;
        let document: Pkcs8V1Der<'static> = pair.as_der().ok()?;
        Some(Private::new(document.as_ref().to_vec()))
    }
}

/// What an operator settled; see `config`.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Who mints: `iss`, and the default audience.
    pub issuer: String,
    /// May anybody sign up?
    pub signup_open: bool,
    /// Windows of the refresh rule.
    pub refresh: RefreshPolicy,
    /// The most session records kept in memory.
    pub cache_records: usize,
    /// Limits against guessing.
    pub throttle: Limits,
    /// The proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<Cidr>,
    /// How long a key is in use before the next one takes over by itself; `None` is for ever.
    pub rotate_every: Option<Lifetime>,
    /// What verifiers are granted.
    pub feed: FeedSettings,
    /// The audiences all of whose verifiers follow the feed.
    pub feed_only: Vec<String>,
}

impl Settings {
    /// Are people and programs always to come by https?
    pub fn is_https(&self) -> bool {
        self.issuer.starts_with("https://")
    }
}

/// The parts a door is made of.
pub struct Parts {
    /// The backend.
    pub stores: Stores,
    /// Settings.
    pub settings: Settings,
    /// The opened keys.
    pub keys: Keys,
    /// What they are sealed under.
    pub masters: Masters,
    /// The hash pool.
    pub hashing: Hashing,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// The dice.
    pub dice: Arc<dyn Dice>,
}

impl std::fmt::Debug for Parts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Parts")
    }
}

/// The door: cheap to clone, shared by HTTP, CLI, jobs and tests.
#[derive(Clone)]
pub struct Door(Arc<Inner>);

struct Inner {
    cached: Arc<Cached>,
    settings: Settings,
    ring: Ring,
    look: RwLock<Look>,
    hashing: Hashing,
    throttle: Throttle,
    watch: Watch,
    metrics: Metrics,
    clock: Arc<dyn Clock>,
    dice: Arc<dyn Dice>,
    /// The latest time ever told, in milliseconds.
    latest: AtomicI64,
    requests: crate::requests::Requests,
    uses: Uses,
    verifier: Verifier,
    resumed_from: Position,
    watermark: Mutex<Watermark>,
    /// The latest time that was told before this start, as far as is known.
    told: Timestamp,
    hub: Hub,
    draining: std::sync::atomic::AtomicBool,
}

impl std::fmt::Debug for Door {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Door({})", self.0.settings.issuer)
    }
}

/// So many passwords tell which schemes there are, and how often.
pub const SCHEMES_SAMPLE: u32 = 10_000;
/// How often the latest time is written down; a crash may lose as much of it.
pub const SWEPT_EVERY: Lifetime = Lifetime::from_secs(60);

impl Door {
    /// Wires the parts.
    ///
    /// # Errors
    /// [`StoreError`] if the store cannot be read.
    pub async fn open(parts: Parts) -> Result<Self, StoreError> {
        let Parts { stores, settings, keys, masters, hashing, clock, dice } = parts;
        let now = clock.now();
        let cached = Cached::open(stores, settings.cache_records, settings.feed.budget).await?;
        hashing.resemble(&cached.stores().directory.password_schemes(SCHEMES_SAMPLE).await?);
        let realm = cached.stores().directory.realm().await?;
        let told = cached.feed().latest().max(realm.latest + SWEPT_EVERY);
        let began = Moment { up: clock.up(), latest: now.max(told) };
        let watermark = Watermark::begin(cached.head(), began);
        let resumed_from = cached.stores().directory.resumed_from().await?;
        let throttle = Throttle::new(settings.throttle);
        throttle.restore(cached.stores().sessions.failures(ACCOUNTS as u32).await?);
        let terms = realm.terms.max(settings.feed.terms());
        let hub = Hub::begin(began.up, cached.has_verifiers().then_some(terms));
        let mut first = [0; 8];
        dice.fill(&mut first);
        Ok(Self(Arc::new(Inner {
            cached,
            verifier: Verifier::new(&settings.issuer, &settings.issuer, TokenType::AccessToken),
            throttle,
            watch: Watch::default(),
            metrics: Metrics::new(now),
            settings,
            ring: Ring::new(keys, masters),
            look: RwLock::new(Look::ours()),
            hashing,
            clock,
            dice,
            latest: AtomicI64::new(now.millis()),
            requests: u64::from_be_bytes(first).into(),
            uses: Uses::default(),
            resumed_from,
            watermark: Mutex::new(watermark),
            told,
            hub,
            draining: std::sync::atomic::AtomicBool::new(false),
        })))
    }

    /// The store behind its caches.
    pub fn cached(&self) -> &Arc<Cached> {
        &self.0.cached
    }

    /// The backend's hot part, for reads.
    pub fn sessions(&self) -> &dyn doorward_store::Sessions {
        &*self.0.cached.stores().sessions
    }

    /// The backend's durable part, for reads.
    pub fn directory(&self) -> &dyn doorward_store::Directory {
        &*self.0.cached.stores().directory
    }

    /// What the operator settled.
    pub fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// The keys in use.
    pub fn keys(&self) -> Arc<Keys> {
        self.0.ring.keys()
    }

    /// The keys, for whoever turns them or speaks of people.
    pub(crate) fn ring(&self) -> &Ring {
        &self.0.ring
    }

    /// What pages look like.
    pub fn look(&self) -> Look {
        self.0.look.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Pages look like this from now on.
    pub fn set_look(&self, look: Look) {
        *self.0.look.write().unwrap_or_else(PoisonError::into_inner) = look;
    }

    /// What our own door asks of an access token: of this issuer, for this issuer.
    pub fn verifier(&self) -> &Verifier {
        &self.0.verifier
    }

    /// The hash pool.
    pub fn hashing(&self) -> &Hashing {
        &self.0.hashing
    }

    /// Who tried how often.
    pub fn throttle(&self) -> &Throttle {
        &self.0.throttle
    }

    /// What is noticed about abuse.
    pub fn watch(&self) -> &Watch {
        &self.0.watch
    }

    /// What is counted.
    pub fn metrics(&self) -> &Metrics {
        &self.0.metrics
    }

    /// The time.
    pub fn now(&self) -> Timestamp {
        let now = self.0.clock.now();
        if now.millis() > self.0.latest.load(Ordering::Relaxed) {
            self.0.latest.fetch_max(now.millis(), Ordering::Relaxed);
        }
        now
    }

    /// The latest time ever told here. It is written down by the minute, for starts whose clock was set back.
    pub fn latest(&self) -> Timestamp {
        Timestamp::from_millis(self.0.latest.load(Ordering::Relaxed))
    }

    /// Who listens to the feed.
    pub fn hub(&self) -> &Hub {
        &self.0.hub
    }

    /// What the feed counts.
    pub fn feed_counts(&self) -> hub::Counts {
        self.0.hub.counts(self.0.cached.feed().live(), self.up())
    }

    /// For how long the machine has been up: what leases and retention are measured by.
    pub fn up(&self) -> Lifetime {
        self.0.clock.up()
    }

    /// Moves the feed's watermark on; gives the place up to which everything may be forgotten.
    pub fn move_watermark(&self) -> Position {
        let head = self.0.cached.head();
        let now = self.now();
        let up = self.up();
        // Not to mint by: a clock that was wrong by a year before would stop that for a year.
        let latest = self.latest().max(self.0.told);
        let mut watermark = self.0.watermark.lock().unwrap_or_else(PoisonError::into_inner);
        watermark.note(head, Moment { up, latest });
        watermark.advance(up, now)
    }

    /// Where the feed's watermark is.
    pub fn watermark(&self) -> Position {
        self.0.watermark.lock().unwrap_or_else(PoisonError::into_inner).through()
    }

    /// The places between which the feed moves that ends at this head.
    pub fn bounds(&self, head: Position) -> Bounds {
        Bounds { resumed_from: self.0.resumed_from, watermark: self.watermark(), head }
    }

    /// The time, for minting and opening.
    ///
    /// # Errors
    /// [`Stopped::Clock`] if the clock is more than a minute behind what it has told already: then what we minted would
    /// live too long, and nothing is minted (design section 5).
    pub fn now_to_mint(&self) -> Result<Timestamp, Stopped> {
        let now = self.now();
        let latest = self.latest();
        if latest - now > SKEW { Err(Stopped::Clock) } else { Ok(now) }
    }

    /// Draws bytes.
    ///
    /// # Errors
    /// [`Stopped::NoEntropy`]; nothing predictable is ever used instead.
    pub fn draw<const N: usize>(&self) -> Result<[u8; N], Stopped> {
        let mut bytes = [0; N];
        if self.0.dice.fill(&mut bytes) { Ok(bytes) } else { Err(Stopped::NoEntropy) }
    }

    /// The dice, for who draws elsewhere than here.
    pub fn dice(&self) -> &Arc<dyn Dice> {
        &self.0.dice
    }

    /// The same by the text of its id.
    pub fn client_called(&self, id: &str) -> Option<Arc<Client>> {
        self.0.cached.client_called(id).filter(|client| client.disabled_at.is_none())
    }

    /// A client that exists and is not switched off.
    pub fn client(&self, id: &ClientId) -> Option<Arc<Client>> {
        self.client_called(id.as_str())
    }

    /// A name for a request, to find its traces by. Not secret, not guessable from outside.
    pub fn request_id(&self) -> String {
        self.0.requests.name()
    }

    /// Notes that a session is in use; written soon, off the request path. False if too many wait: the next use tells it.
    pub fn touch(&self, session: SessionId, at: Timestamp) -> bool {
        self.0.uses.note(session, at)
    }

    /// The uses that wait to be written down.
    pub fn uses(&self) -> &Uses {
        &self.0.uses
    }

    /// An event of the audit log.
    ///
    /// # Errors
    /// [`Stopped::NoEntropy`].
    pub fn event(&self, kind: Kind, by: Actor, from: &Origin) -> Result<Event, Stopped> {
        Ok(Event {
            id: EventId::from_bytes(self.draw()?),
            kind,
            by,
            who: None,
            session: None,
            client: None,
            address: from.address.map(|address| address.to_string()),
            request: from.request.clone(),
            detail: None,
            at: self.now(),
        })
    }

    /// From now on, readiness says no: the process is on its way out.
    pub fn drain(&self) {
        self.0.draining.store(true, Ordering::Relaxed);
        self.0.hub.close();
    }

    /// Is the process on its way out?
    pub fn is_draining(&self) -> bool {
        self.0.draining.load(Ordering::Relaxed)
    }

    /// Can requests be served?
    pub fn is_ready(&self) -> bool {
        !self.is_draining() && self.directory().is_writable() && !self.cached().is_behind()
    }
}

/// Where a request came from.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    /// The address of the caller.
    pub address: Option<IpAddr>,
    /// The request's name.
    pub request: Option<String>,
    /// What the caller calls itself.
    pub agent: Agent,
}

/// A clock that stands still until it is moved: for tests and simulations.
#[derive(Debug)]
pub struct ManualClock {
    wall: AtomicI64,
    up: AtomicI64,
}

impl ManualClock {
    /// Starts at a time.
    pub const fn starting_at(now: Timestamp) -> Self {
        Self { wall: AtomicI64::new(now.millis()), up: AtomicI64::new(0) }
    }

    /// Time passes. If `span` is negative, somebody sets the clock on the wall back.
    pub fn advance(&self, span: Lifetime) {
        self.set_wall(span);
        self.up.fetch_add(span.millis().max(0), Ordering::SeqCst);
    }

    /// Somebody sets the clock on the wall: forward, or back if `span` is negative. No time passes.
    pub fn set_wall(&self, span: Lifetime) {
        self.wall.fetch_add(span.millis(), Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.wall.load(Ordering::SeqCst))
    }

    fn up(&self) -> Lifetime {
        Lifetime::from_millis(self.up.load(Ordering::SeqCst))
    }
}
