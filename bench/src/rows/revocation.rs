//! From a revocation to the last verifier's refusal: how long that takes, what it costs, and whether anybody accepts what
//! they must not; and beside it, in the same run, what others do instead.
//!
//! Server, verifiers and caller are processes of their own on the same cores. Calls are made at fixed times, and what one
//! took counts from the time at which it was due until the last verifier has refused a real token.

mod barrier;
mod beside;
mod hearing;
mod look_up;
mod sustained;

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde::de::DeserializeOwned;

use super::{line, tell, wait_for_calm};
use crate::caller::{Call, Line as Caller};
use crate::child::Started;
use crate::fleet::{Done, Order, Server};
use crate::options::Options;
use crate::report::{Line, Row};
use crate::seed::{HYBRID, TOKENS, VERIFIER};
use crate::servers::Ready;
use crate::{Trouble, process};

/// Sessions whose tokens are revoked.
const SESSIONS: u64 = 4_000;
/// The lease that verifiers ask for: what is usual. No route has a grace.
const LEASE: Duration = Duration::from_secs(3);

/// How much of everything.
struct Extent {
    few: usize,
    many: usize,
    seconds: f64,
    idle: f64,
    silences: usize,
    signing_out: u64,
}

impl Extent {
    fn of(options: &Options) -> Self {
        if options.quick {
            return Self { few: 10, many: 40, seconds: 2.0, idle: 1.0, silences: 1, signing_out: 30_000 };
        }
        // The rest of the options are those of other rows: a percentile of few calls says little.
        let seconds = if options.full { 25.0 } else { 45.0 };
        Self { few: 100, many: 1_000, seconds, idle: 10.0, silences: 8, signing_out: 200_000 }
    }
}

/// Measures.
pub(super) fn measure(options: &Options, folder: &Path) -> Result<Row, Trouble> {
    let extent = Extent::of(options);
    allow_files(4 * extent.many as u64 + 1_000)?;
    let mut row = Row {
        title: format!("From a revocation to the last verifier's refusal, of {} and of {}", extent.few, extent.many),
        notes: vec![
            format!(
                "server, verifiers and caller: a process each; the verifiers are real followers, two threads for all; lease {} s, no grace",
                LEASE.as_secs()
            ),
            String::from(
                "open loop: what a call took counts from when it was due, until verify has said no at the last verifier",
            ),
            String::from("SQLite, synchronous=FULL: a revocation is on the disk before anybody hears of it"),
            String::from(
                "CPU of a delivery: of server and verifiers together beyond what both take while nothing is revoked",
            ),
        ],
        ..Row::default()
    };
    let alone = look_up::measure(options, &mut row)?;
    let mut scene = Scene::set_up(folder, "revocation", SESSIONS, &["--hybrid"])?;
    let heard = hearing::measure(&mut scene, &extent, extent.few, &mut row)?;
    hearing::measure(&mut scene, &extent, extent.many, &mut row)?;
    barrier::measure(&mut scene, &extent, &mut row)?;
    beside::measure(options, &mut scene, &extent, &heard, alone, &mut row)?;
    scene.end()?;
    sustained::measure(folder, &extent, &mut row)?;
    Ok(row)
}

/// A server, and the process of the verifiers.
struct Scene {
    server: Started,
    port: u16,
    folder: PathBuf,
    secret: String,
    fleet: Started,
    /// How many sessions' tokens have been given out.
    used: usize,
}

impl Scene {
    fn set_up(folder: &Path, name: &str, sessions: u64, more: &[&str]) -> Result<Self, Trouble> {
        tell(&format!("revocation: filling a database with {sessions} sessions"));
        let folder = folder.join(name);
        fs::create_dir(&folder)?;
        let sessions = sessions.to_string();
        let text = folder.to_str().ok_or("a strange folder")?;
        let mut server =
            Started::start(&[&["serve-doorward", text, "--sessions", &sessions, "--verifier"], more].concat())?;
        let ready: Ready = server.hear()?;
        let secret = fs::read_to_string(folder.join(VERIFIER))?;
        Ok(Self { server, port: ready.port, folder, secret, fleet: Started::start(&["fleet"])?, used: 0 })
    }

    fn end(self) -> Result<(), Trouble> {
        self.fleet.end()?;
        self.server.end()
    }

    fn order<T: DeserializeOwned>(&mut self, order: &Order) -> Result<T, Trouble> {
        self.fleet.ask(order)
    }

    fn obeyed(&mut self, order: &Order) -> Result<Done, Trouble> {
        self.order(order)
    }

    fn address(&self) -> Server {
        Server { port: self.port, secret: self.secret.clone() }
    }

    fn gather(&mut self, verifiers: usize) -> Result<(), Trouble> {
        tell(&format!("revocation: {verifiers} verifiers begin to follow"));
        let (server, lease_ms) = (self.address(), i64::try_from(LEASE.as_millis())?);
        self.obeyed(&Order::Gather { server, verifiers, lease_ms })?;
        Ok(())
    }

    /// Access tokens of so many sessions that nobody has had a token of before.
    fn tokens(&mut self, count: usize) -> Result<Vec<String>, Trouble> {
        let text = fs::read_to_string(self.folder.join(TOKENS))?;
        let refresh: Vec<&str> = text.lines().skip(self.used).take(count).collect();
        if refresh.len() < count {
            return Err("all sessions are used up".into());
        }
        let (first, mut caller) = (self.used, Caller::open(self.port)?);
        self.used += count;
        let mint = |(number, token): (usize, &&str)| {
            let attempt = format!("bench-attempt-{:018}", first + number);
            let body = format!(r#"{{"refresh_token":"{token}","client_id":"{HYBRID}","attempt":"{attempt}"}}"#);
            let answer = caller.ask("POST", "/v1/session/refresh", "", &[("application/json", &body)])?;
            answer["access_token"].as_str().map(str::to_owned).ok_or_else(|| "an answer without a token".into())
        };
        refresh.iter().enumerate().map(mint).collect()
    }

    /// CPU time so far, in microseconds: of the server, of the verifiers.
    fn cpu(&self) -> Result<[u64; 2], Trouble> {
        Ok([process::cpu(self.server.id())?, process::cpu(self.fleet.id())?])
    }

    /// What both take in a second while nobody asks for anything.
    fn idle(&self, seconds: f64) -> Result<[f64; 2], Trouble> {
        let (before, since) = (self.cpu()?, Instant::now());
        thread::sleep(Duration::from_secs_f64(seconds));
        let (after, seconds) = (self.cpu()?, since.elapsed().as_secs_f64());
        Ok([0, 1].map(|which| (after[which] - before[which]) as f64 / seconds))
    }
}

/// A line of latencies.
fn latencies(name: &str, values: &[f64], per_second: f64) -> Line {
    let at = |share| vec![crate::figures::quantile(values, share)];
    Line { rate: vec![per_second], p50: at(0.5), p99: at(0.99), ..line(name) }
}

/// Microseconds from when a call was due.
fn since_due(call: &Call, at: u64) -> f64 {
    at.saturating_sub(call.due) as f64 / 1000.0
}

/// A thousand verifiers have two thousand connections, and children inherit what we may open.
fn allow_files(many: u64) -> Result<(), Trouble> {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current.is_some_and(|current| current < many) {
        setrlimit(Resource::Nofile, Rlimit { current: Some(many), maximum })?;
    }
    Ok(())
}
