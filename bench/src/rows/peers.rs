//! Other people's programs at the same work, in the same run, by the same load: what a session check, a verification, a
//! refresh and an introspection cost with them, and with us.

mod checks;
mod tokens;
mod turning;

use std::fs;
use std::path::{Path, PathBuf};

use super::{CONNECTIONS, line, note, tell, wait_for_calm};
use crate::Trouble;
use crate::child::Started;
use crate::comparison::{Facts, Way};
use crate::figures::median;
use crate::load::{Asks, EXPECTED, Errand, Outcome, REQUEST};
use crate::options::Options;
use crate::peers::{Parts, Peer};
use crate::report::{Line, Row};

/// What the row is called.
const TITLE: &str = "Beside other people's programs";

/// How much of everything.
struct Extent {
    /// Sessions that are checked, where filling is cheap.
    many: u64,
    /// Sessions, where it is not.
    few: u64,
    rounds: usize,
    seconds: f64,
    /// Whether a minute may be waited for.
    patient: bool,
}

impl Extent {
    fn of(options: &Options) -> Self {
        let (many, few) = if options.quick { (2_000, 500) } else { (100_000, 10_000) };
        let seconds = options.seconds.unwrap_or(if options.quick { 0.5 } else { 2.0 });
        let rounds = options.rounds.unwrap_or(if options.quick { 2 } else { 5 }).max(1);
        Self { many, few, rounds, seconds, patient: !options.quick }
    }
}

/// Measures; gives what is to be read as a row, and what the comparisons are made of. Whatever breaks here is told in the
/// row, and takes no other row with it.
pub(super) fn measured(options: &Options, folder: &Path, parts: &Parts) -> (Row, Option<Facts>) {
    match measure(options, folder, parts) {
        Ok((row, facts)) => (row, Some(facts)),
        Err(trouble) => {
            let mut row = Row { title: String::from(TITLE), ..Row::default() };
            left_out("everybody", Err(trouble), &mut row);
            row.verdicts.push(checks::unmeasured());
            (row, None)
        }
    }
}

fn measure(options: &Options, folder: &Path, parts: &Parts) -> Result<(Row, Facts), Trouble> {
    let extent = Extent::of(options);
    let folder = folder.join("peers");
    fs::create_dir(&folder)?;
    let mut row = Row { title: String::from(TITLE), ..Row::default() };
    let mut facts = Facts::new([extent.many, extent.few, turning::CHAINS], options.core_hour);
    about(options, parts, &extent, &mut row)?;
    let mut checks = checks::Checks::set_up(options, &extent, &folder, parts, &mut row)?;
    checks.rounds(&extent, &mut row)?;
    tokens::measure(&extent, &folder, parts, &mut row, &mut facts)?;
    let turned = turning::measure(&extent, &folder, parts, &mut row, &mut facts);
    left_out("refreshing beside oidc-provider", turned, &mut row);
    checks.end(&extent, &mut row, &mut facts)?;
    Ok((row, facts))
}

/// Who is measured, and who is not and why.
fn about(options: &Options, parts: &Parts, extent: &Extent, row: &mut Row) -> Result<(), Trouble> {
    for &peer in &options.peers {
        match parts.of(peer) {
            Some(Err(why)) => row.notes.push(format!("{peer:?}: not measured: {why}")),
            _ => row.notes.push(format!("{peer:?}: {}", peer.made_of()?)),
        }
    }
    if let Some(node) = &parts.node {
        row.notes.push(format!("Node {node}, NODE_ENV=production, one process each: its one thread answers"));
    }
    row.notes.push(format!(
        "{} rounds of {} s, interleaved; everything warm; {} random sessions behind a check, {} with better-auth; {} \
         turn",
        extent.rounds,
        extent.seconds,
        extent.many,
        extent.few,
        turning::CHAINS
    ));
    Ok(())
}

/// One who fails is left out, and the others are measured; the row says so.
fn left_out(who: &str, done: Result<(), Trouble>, row: &mut Row) {
    if let Err(trouble) = done {
        tell(&format!("peers: {who} is left out: {trouble}"));
        row.notes.push(format!("{who}: not measured: {trouble}"));
    }
}

/// Somebody who is asked over HTTP, and the load that asks.
struct Asked {
    process: u32,
    port: u16,
    connections: usize,
    load: Started,
    asks: Asks,
    line: Line,
    /// CPU of the store for each request, in microseconds.
    store: Vec<f64>,
}

impl Asked {
    /// A process at a port.
    fn new(name: &str, (process, port): (u32, u16), load: Started, asks: Asks) -> Self {
        Self { process, port, connections: CONNECTIONS, load, asks, line: line(name), store: Vec::new() }
    }

    fn ask(&mut self, seconds: f64) -> Result<Outcome, Trouble> {
        let Self { process, port, connections, asks, .. } = *self;
        self.load.ask(&Errand { port, process, connections, seconds, asks })
    }

    fn turn(&mut self, seconds: f64) -> Result<(), Trouble> {
        let outcome = self.ask(seconds)?;
        let store = outcome.store_cpu.map(|cpu| cpu as f64 / outcome.requests.max(1) as f64);
        self.store.extend(store);
        note(&mut self.line, &outcome, outcome.cpu_each() + store.unwrap_or_default())
    }

    /// What it came to.
    fn way(&self) -> Way {
        way(&self.line, &self.store)
    }

    /// The lines of the report: all of it, and what of it is the store's.
    fn lines(self) -> Vec<Line> {
        let store = Line { name: format!("— of it the store of {}", self.line.name), cpu: self.store, ..line("") };
        let has_store = !store.cpu.is_empty();
        [Some(self.line), has_store.then_some(store)].into_iter().flatten().collect()
    }
}

fn way(line: &Line, store: &[f64]) -> Way {
    Way {
        name: line.name.clone(),
        cpu: median(&line.cpu),
        store: (!store.is_empty()).then(|| median(store)),
        rate: median(&line.rate),
        p50: median(&line.p50),
        p99: median(&line.p99),
    }
}

/// Writes what the load sends to a port, and starts it. `request` has holes; an answer must say `expected`.
fn load(folder: &Path, request: &str, expected: &str) -> Result<Started, Trouble> {
    fs::write(folder.join(REQUEST), request)?;
    fs::write(folder.join(EXPECTED), expected)?;
    Started::start(&["load", text(folder)?])
}

fn made(folder: &Path, name: &str) -> Result<PathBuf, Trouble> {
    let made = folder.join(name);
    fs::create_dir(&made)?;
    Ok(made)
}

fn text(path: &Path) -> Result<&str, Trouble> {
    Ok(path.to_str().ok_or("a strange folder")?)
}

/// Is somebody wanted, and here?
fn is_here(parts: &Parts, peer: Peer) -> bool {
    matches!(parts.of(peer), Some(Ok(_)))
}
