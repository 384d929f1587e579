//! `POST /v1/sessions` with right passwords, 64 at a time, against bare Argon2id; and session checks at a fixed rate
//! beside it, which must not notice.

use std::fs;
use std::path::Path;
use std::thread;

use super::{CONNECTIONS, line, note, ratios, tell, wait_for_calm};
use crate::child::Started;
use crate::figures::median;
use crate::load::{Asks, Errand, Outcome};
use crate::options::Options;
use crate::report::{Row, Verdict};
use crate::servers::{Ready, Spell, Turned, WORKERS};
use crate::{Trouble, process};

/// Checks a second beside the flood.
const CHECKS: u32 = 1_000;
/// Sessions that are checked, and people who sign in.
const SESSIONS: u64 = 10_000;
const PEOPLE: u64 = 2_048;
/// What a sign-in may cost, as a multiple of the hash.
const COST: f64 = 1.08;
/// 99 of 100 checks are answered within so many microseconds.
const P99: f64 = 80_000.0;
/// What the server may hold, beside the memory of its hashing threads.
const MEMORY: f64 = 128.0;
/// The memory of a hash, in MiB.
const ARENA: f64 = 19.0;

/// Measures.
pub(super) fn measure(options: &Options, folder: &Path) -> Result<Row, Trouble> {
    let folder = folder.join("flood");
    fs::create_dir(&folder)?;
    let folder = folder.to_str().ok_or("a strange folder")?;
    tell("flood: filling a database");
    let (sessions, people) = (SESSIONS.to_string(), PEOPLE.to_string());
    let mut server = Started::start(&["serve-doorward", folder, "--sessions", &sessions, "--people", &people])?;
    let ready: Ready = server.hear()?;
    let mut bare = Started::start(&["bare-hash"])?;
    let (mut flood, mut steady) = (Started::start(&["load", folder])?, Started::start(&["load", folder])?);
    let errand =
        |connections, seconds, asks| Errand { port: ready.port, process: server.id(), connections, seconds, asks };
    let seconds = options.seconds();
    let checks = Asks::Steady { sessions: SESSIONS, per_second: CHECKS };
    let [mut hash, mut calm, mut beside, mut sign_in] =
        ["bare Argon2id", "checks alone", "checks beside the flood", "sign-ins, 64 at a time"].map(line);
    let mut resident: f64 = 0.0;
    for round in 0..options.rounds() {
        tell(&format!("flood: round {} of {}", round + 1, options.rounds()));
        wait_for_calm();
        let turned: Turned = bare.ask(&Spell(seconds))?;
        hash.cpu.push(turned.cpu as f64 / turned.turns as f64);
        hash.rate.push(turned.turns as f64 / turned.seconds);
        let alone: Outcome = steady.ask(&errand(32, seconds, checks))?;
        note(&mut calm, &alone, alone.cpu_each())?;
        // The checks run in the middle of the flood, so that all of it is beside them.
        let (during, flooded) = thread::scope(|threads| {
            let steady = &mut steady;
            let during = threads.spawn(move || {
                thread::sleep(std::time::Duration::from_millis(500));
                steady.ask::<_, Outcome>(&errand(32, seconds, checks))
            });
            let asks = Asks::SignIn { people: PEOPLE };
            let flooded = flood.ask::<_, Outcome>(&errand(CONNECTIONS, seconds + 0.5, asks));
            Ok::<_, Trouble>((during.join().map_err(|_| "a thread panicked")??, flooded?))
        })?;
        resident = resident.max(process::resident(server.id())? as f64 / 1048576.0);
        // The server's time in the flood, without what the checks took of it: by what they take alone.
        let checked = median(&calm.cpu) * f64::from(CHECKS) * flooded.seconds;
        note(&mut sign_in, &flooded, (flooded.cpu as f64 - checked) / flooded.requests.max(1) as f64)?;
        note(&mut beside, &during, f64::NAN)?;
    }
    beside.cpu.clear();
    let arenas = ARENA * WORKERS as f64;
    Ok(Row {
        title: String::from("POST /v1/sessions, 64 at a time, Argon2id of 19 MiB and two passes"),
        verdicts: vec![
            Verdict::at_most("CPU per sign-in / CPU per bare hash", median(&ratios(&sign_in.cpu, &hash.cpu)), COST),
            Verdict::at_most("p99 of checks at 1,000 a second beside the flood, µs", median(&beside.p99), P99),
            Verdict::at_most("memory of its own beyond the hashing threads', MiB", resident - arenas, MEMORY),
        ],
        notes: vec![
            format!("the bare hash: {WORKERS} threads, each with memory that it keeps, at the same cost"),
            String::from("checks: open loop, latency from the time at which each was due, 32 connections"),
            format!("CPU of a sign-in: the server's in the flood, less {CHECKS} checks a second at their cost alone"),
            format!("resident: {resident:.0} MiB, of which {arenas:.0} MiB belong to the hashing threads"),
        ],
        lines: vec![hash, sign_in, calm, beside],
        ..Row::default()
    })
}
