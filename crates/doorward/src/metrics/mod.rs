//! What is counted while serving, and told on the management port in the text format of Prometheus.
//!
//! Every label is a word of a closed set, so the number of series is fixed by the program and not by those who call it
//! (`docs/decisions/0016-metrics-are-counters-of-our-own.md`). Counting takes no lock and no memory. What the store, the
//! hash pool and the watch count by themselves is read when somebody asks for the [`page`].

pub(crate) mod answers;
pub(crate) mod cells;
pub mod page;
pub mod pool;
pub mod words;

use std::time::Duration;

use doorward_core::{Algorithm, Timestamp};

use self::answers::Answers;
use self::cells::{Family, Histogram, QUICK, SLOW, Sharded};
use self::words::{CheckEnd, Credential, Found, Port, RefreshEnd, SignInEnd, Who};
use crate::door::{Door, Stopwatch};
use crate::flows::Stopped;

/// The counts of a process.
#[derive(Debug)]
pub struct Metrics {
    began: Timestamp,
    sign_ins: Family<Who, SignInEnd>,
    sign_in_time: Histogram,
    refreshes: Family<RefreshEnd>,
    refresh_time: Histogram,
    checks: Family<Credential, CheckEnd>,
    secret_time: Histogram,
    token_time: Histogram,
    /// Checks by a secret that were good and at hand, and were answered in front of the router.
    short: Sharded,
    records: Family<Found>,
    minted: Family<Algorithm>,
    mint_time: Histogram,
    opened: Family<Port>,
    closed: Family<Port>,
    pub(crate) answers: Answers,
}

impl Metrics {
    /// Everything at zero.
    pub fn new(began: Timestamp) -> Self {
        Self {
            began,
            sign_ins: Family::default(),
            sign_in_time: Histogram::new(SLOW),
            refreshes: Family::default(),
            refresh_time: Histogram::new(SLOW),
            checks: Family::default(),
            secret_time: Histogram::new(QUICK),
            token_time: Histogram::new(QUICK),
            short: Sharded::default(),
            records: Family::default(),
            minted: Family::default(),
            mint_time: Histogram::new(QUICK),
            opened: Family::default(),
            closed: Family::default(),
            answers: Answers::default(),
        }
    }

    /// A sign-in ended.
    pub fn signed_in<T>(&self, who: Who, ended: &Result<T, Stopped>, took: Duration) {
        self.sign_ins.add(who, ended.as_ref().map_or_else(SignInEnd::of, |_| SignInEnd::SignedIn));
        self.sign_in_time.record(took);
    }

    /// A refresh went well, in one of its ways.
    pub fn refreshed(&self, how: RefreshEnd) {
        self.refreshes.add(how, ());
    }

    /// A refresh ended; where it went well, its way is told apart by [`refreshed`](Self::refreshed).
    pub fn refresh_ended<T>(&self, ended: &Result<T, Stopped>, took: Duration) {
        if let Err(stopped) = ended {
            self.refreshes.add(RefreshEnd::of(stopped), ());
        }
        self.refresh_time.record(took);
    }

    /// A credential was checked.
    pub fn checked<T>(&self, credential: Credential, ended: &Result<T, Stopped>, took: Duration) {
        self.checks.add(credential, ended.as_ref().map_or_else(CheckEnd::of, |_| CheckEnd::Good));
        self.check_time(credential).record(took);
    }

    fn check_time(&self, credential: Credential) -> &Histogram {
        match credential {
            Credential::Secret => &self.secret_time,
            Credential::AccessToken => &self.token_time,
        }
    }

    /// A session's record was looked for.
    pub fn looked(&self, found: Found) {
        self.records.add(found, ());
    }

    /// To be called before a check in front of the router. Reading the clock costs more than all other counting, so it
    /// is read for one in [`MEASURED`].
    pub fn begin_short(&self) -> Option<Stopwatch> {
        self.short.is_turn(MEASURED).then(Stopwatch::start)
    }

    /// The check is over, and was good.
    pub fn end_short(&self, began: Option<Stopwatch>) {
        if let Some(began) = began {
            self.secret_time.record(began.elapsed());
        }
        self.short.add();
    }

    /// An access token was minted.
    pub fn minted(&self, algorithm: Algorithm, took: Duration) {
        self.minted.add(algorithm, ());
        self.mint_time.record(took);
    }
}

/// One in so many of the quickest checks is measured.
pub const MEASURED: u64 = 64;

/// An open connection, counted until this is dropped.
#[derive(Debug)]
pub struct Connected(Door, Port);

impl Connected {
    /// One more on a port.
    pub fn on(door: &Door, port: Port) -> Self {
        door.metrics().opened.add(port, ());
        Self(door.clone(), port)
    }
}

impl Drop for Connected {
    fn drop(&mut self) {
        self.0.metrics().closed.add(self.1, ());
    }
}
