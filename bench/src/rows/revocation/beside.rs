//! What others do instead, in the same run: ask the server about every token, ask Redis about every token, or let tokens
//! run out. What a request costs with each, and for how long a revoked token is still good.

use std::fs;
use std::thread;
use std::time::Duration;

use super::hearing::Window;
use super::{Extent, Scene, line, tell, wait_for_calm};
use crate::Trouble;
use crate::caller::Line as Caller;
use crate::child::Started;
use crate::figures::{median, quantile};
use crate::fleet::{Cost, Order, ticks};
use crate::load::{Asks, Errand, Outcome};
use crate::options::Options;
use crate::redis::{Redis, Wire};
use crate::report::{Line, Row, Sheet, figure};
use crate::rows::{CONNECTIONS, note};
use crate::seed::ACCESS;

/// Verifiers that follow meanwhile.
const VERIFIERS: usize = 8;
/// Tokens that are asked about.
const TOKENS: usize = 256;
/// Revocations whose end is watched from outside.
const WATCHED: usize = 60;
/// How often everything is asked.
const ROUNDS: usize = 3;
/// The life of a token that is good until it runs out, in milliseconds.
const EXPIRY: f64 = 60_000.0;

/// What a request costs, in microseconds: at the service, at the server it asks.
struct Price {
    name: String,
    service: f64,
    server: f64,
    /// How long a revoked token stays good, in milliseconds.
    window: Window,
    most: &'static str,
}

impl Price {
    fn of(name: &str, [service, server]: [f64; 2], window: Window, most: &'static str) -> Self {
        Self { name: name.to_owned(), service, server, window, most }
    }
}

/// Measures. `heard` is the window of a hundred verifiers, `alone` what verifying costs.
pub(super) fn measure(
    options: &Options,
    scene: &mut Scene,
    extent: &Extent,
    heard: &Window,
    alone: f64,
    row: &mut Row,
) -> Result<(), Trouble> {
    scene.obeyed(&Order::Scatter)?;
    scene.gather(VERIFIERS)?;
    let tokens = scene.tokens(TOKENS)?;
    fs::write(scene.folder.join(ACCESS), tokens.join("\n"))?;
    tell("revocation: beside it, introspection, Redis and expiry");
    wait_for_calm();
    let cost: Cost = scene.order(&Order::Cost { tokens, seconds: extent.seconds / 15.0 })?;
    let folder = scene.folder.to_str().ok_or("a strange folder")?.to_owned();
    let mut load = Started::start(&["load", &folder])?;
    let seconds = extent.seconds / 15.0;
    let mut ask = |name: &str, errand: Errand, row: &mut Row| -> Result<[f64; 2], Trouble> {
        let (mut asked, mut own) = (line(name), Vec::new());
        for _ in 0..ROUNDS {
            wait_for_calm();
            let outcome: Outcome = load.ask(&errand)?;
            own.push(outcome.own_cpu as f64 / outcome.requests.max(1) as f64);
            note(&mut asked, &outcome, outcome.cpu_each())?;
        }
        let price = [median(&own), median(&asked.cpu)];
        row.lines.push(Line { name: format!("{name}, at the server"), ..asked });
        Ok(price)
    };
    let errand = |port, process, connections, asks| Errand { port, process, connections, seconds, asks };
    let (port, server) = (scene.port, scene.server.id());
    let asking = ask("introspection, 64 connections", errand(port, server, CONNECTIONS, Asks::Introspect), row)?;
    let within = "lease (3 s) + grace; 0 after a barrier";
    let mut prices = vec![
        Price::of("Doorward: verify and the index, token seen before", [cost.again, 0.0], *heard, within),
        Price::of("Doorward: the same, token never seen", [cost.again + alone, 0.0], *heard, within),
        Price::of(
            "RFC 7662: ask the server about every token",
            asking,
            by_introspection(scene)?,
            "0 after the answer",
        ),
    ];
    match Redis::start(options, &scene.folder)? {
        Some(redis) => prices.extend(looked_up(&redis, errand, &mut ask, row)?),
        None => row.notes.push(String::from("no Redis and no Valkey on this machine: its rows are missing")),
    }
    let expiry = Window { p50: EXPIRY * 500.0, p99: EXPIRY * 990.0 };
    let most = "60 s, and the leeway of clocks";
    prices.push(Price::of("a token that runs out after 60 s: verify alone", [alone, 0.0], expiry, most));
    row.notes.push(format!(
        "the comparison: {} entries in the verifiers' indexes; the asking side of introspection and Redis is our own load \
         program, which no client library undercuts; 64 questions to Redis travel together, the cheapest there is, and one at a \
         time is the dearest; a service that looks into Redis verifies the token as well",
        cost.entries
    ));
    row.sheets.push(sheet(&prices));
    Ok(())
}

/// The rows of Redis.
fn looked_up(
    redis: &Redis,
    errand: impl Fn(u16, u32, usize, Asks) -> Errand,
    ask: &mut impl FnMut(&str, Errand, &mut Row) -> Result<[f64; 2], Trouble>,
    row: &mut Row,
) -> Result<Vec<Price>, Trouble> {
    let window = by_redis(redis)?;
    row.notes.push(format!(
        "{}: a list of revoked sessions, appendfsync always, as durable as ours; one connection that all requests share",
        redis.version
    ));
    let mut prices = Vec::new();
    for together in [64, 1] {
        let name = format!("{} GET, {together} at a time", redis.version);
        let cost = ask(&name, errand(redis.port, redis.id(), together, Asks::LookUp), row)?;
        let most = "0 after the answer, while it is there";
        prices.push(Price::of(&format!("{name}, beside verifying"), cost, window, most));
    }
    Ok(prices)
}

/// How long introspection says that a revoked token is good, asked again and again.
fn by_introspection(scene: &mut Scene) -> Result<Window, Trouble> {
    let tokens = scene.tokens(WATCHED)?;
    let (mut asks, mut revokes) = (Caller::open(scene.port)?, Caller::open(scene.port)?);
    let secret = scene.secret.clone();
    let mut windows = Vec::new();
    for token in &tokens {
        let body = format!("token={token}");
        let mut is_active = || {
            let form = [("application/x-www-form-urlencoded", body.as_str())];
            asks.ask("POST", "/oauth2/introspect", &secret, &form).map(|answer| answer["active"] == true)
        };
        windows.push(watched(&mut is_active, || revokes.revoke(token, "durable", ticks()).map(drop))?);
    }
    Ok(window(&windows))
}

/// The same of a list in Redis.
fn by_redis(redis: &Redis) -> Result<Window, Trouble> {
    let (mut asks, mut revokes) = (Wire::open(redis.port)?, Wire::open(redis.port)?);
    let mut windows = Vec::new();
    for session in 0..WATCHED as u64 {
        let mut is_active = || {
            asks.get(session);
            asks.flush()?;
            Ok(asks.receive()? == [false])
        };
        let revoke = || {
            revokes.set(session);
            revokes.flush()?;
            revokes.receive().map(drop)
        };
        windows.push(watched(&mut is_active, revoke)?);
    }
    Ok(window(&windows))
}

/// Microseconds from when a revocation is sent until whoever asks again and again is first told so.
fn watched(
    is_active: &mut impl FnMut() -> Result<bool, Trouble>,
    revoke: impl FnOnce() -> Result<(), Trouble> + Send,
) -> Result<f64, Trouble> {
    if !is_active()? {
        return Err("a good token is not active".into());
    }
    thread::scope(|threads| {
        let revoking = threads.spawn(move || {
            thread::sleep(Duration::from_millis(5));
            let sent = ticks();
            revoke().map(|()| sent)
        });
        while is_active()? {}
        let told = ticks();
        let sent = revoking.join().map_err(|_| "a thread panicked")??;
        Ok(told.saturating_sub(sent) as f64 / 1000.0)
    })
}

fn window(windows: &[f64]) -> Window {
    Window { p50: quantile(windows, 0.5), p99: quantile(windows, 0.99) }
}

fn sheet(prices: &[Price]) -> Sheet {
    let cells = prices.iter().map(|price| {
        let Window { p50, p99 } = price.window;
        vec![
            price.name.clone(),
            figure(price.service),
            figure(price.server),
            figure(price.service + price.server),
            figure(p50 / 1000.0),
            figure(p99 / 1000.0),
            price.most.to_owned(),
        ]
    });
    let columns = [
        "how a request is checked",
        "CPU at the service, µs",
        "at the server, µs",
        "both, µs",
        "window p50, ms",
        "p99, ms",
        "at most",
    ];
    Sheet {
        title: String::from("What a request costs, and for how long a revoked token is good"),
        columns: columns.map(String::from).into(),
        cells: cells.collect(),
    }
}
