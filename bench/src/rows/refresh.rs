//! `POST /v1/session/refresh` over loopback, each on the disk before its answer, against the bare UPDATE; and against the
//! floor, a server that does what cannot be left out and nothing else.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};

use super::{CONNECTIONS, line, note, ratios, tell, wait_for_calm};
use crate::Trouble;
use crate::child::Started;
use crate::figures::median;
use crate::load::{Asks, Errand, Outcome};
use crate::options::Options;
use crate::report::{Line, Row, Verdict};
use crate::seed::{HYBRID, TOKENS};
use crate::servers::{Canned, Ready, Spell, Turned};

/// What part of the bare rate there shall be.
const RATE: f64 = 0.6;
/// What a refresh may cost, in microseconds of CPU time.
const COST: f64 = 100.0;

/// Measures.
pub(super) fn measure(options: &Options, folder: &Path) -> Result<Row, Trouble> {
    let mut bench = Bench::set_up(options, folder)?;
    bench.first_turns()?;
    for round in 0..options.rounds() {
        tell(&format!("refresh: round {} of {}", round + 1, options.rounds()));
        bench.round(options.seconds())?;
    }
    Ok(bench.judged(options.chains()))
}

/// A server and the load that asks it.
struct Asked {
    server: Started,
    port: u16,
    load: Started,
    line: Line,
    /// CPU time of the load for each request, in microseconds.
    own: Vec<f64>,
}

impl Asked {
    fn ask(&mut self, seconds: f64, once: bool) -> Result<Outcome, Trouble> {
        let (port, process) = (self.port, self.server.id());
        let asks = Asks::Refresh { once };
        self.load.ask(&Errand { port, process, connections: CONNECTIONS, seconds, asks })
    }

    fn turn(&mut self, seconds: f64) -> Result<(), Trouble> {
        let outcome = self.ask(seconds, false)?;
        self.own.push(outcome.own_cpu as f64 / outcome.requests.max(1) as f64);
        note(&mut self.line, &outcome, outcome.cpu_each())
    }
}

/// Everything that takes turns.
struct Bench {
    update: Started,
    bare: Line,
    floor: Asked,
    doorward: Asked,
    first: Line,
}

impl Bench {
    fn set_up(options: &Options, folder: &Path) -> Result<Self, Trouble> {
        let chains = options.chains().to_string();
        tell(&format!("refresh: filling a database with {chains} sessions"));
        let door = made(folder, "refresh")?;
        let filled = ["serve-doorward", &door, "--sessions", &chains, "--hybrid"];
        let mut filler = Started::start(&[&filled[..], &["--only-fill"]].concat())?;
        filler.hear::<Ready>()?;
        filler.end()?;
        // Each works on the same rows, and none knows what the others have made of them.
        let (bare, floor) = (copied(&door, folder, "bare")?, copied(&door, folder, "floor")?);
        let update = Started::start(&["bare-update", &bare])?;
        let doorward = asked("doorward, 64 clients", &filled, &door)?;
        let reply = folder.join("refresh-reply.json");
        fs::write(&reply, serde_json::to_vec(&real_reply(doorward.port, Path::new(&door))?)?)?;
        let reply = reply.to_str().ok_or("a strange folder")?;
        let floor = asked("the floor: POST, signature and UPDATE", &["serve-floor", &floor, reply], &floor)?;
        let first = line("doorward, first turn of a session here");
        Ok(Self { update, bare: line("bare UPDATE, 64 a transaction"), floor, doorward, first })
    }

    /// Turns every session once: nothing is remembered of it yet.
    fn first_turns(&mut self) -> Result<(), Trouble> {
        tell("refresh: the first turn of every session");
        wait_for_calm();
        let outcome = self.doorward.ask(f64::MAX, true)?;
        note(&mut self.first, &outcome, outcome.cpu_each())
    }

    fn round(&mut self, seconds: f64) -> Result<(), Trouble> {
        wait_for_calm();
        let turned: Turned = self.update.ask(&Spell(seconds))?;
        self.bare.cpu.push(turned.cpu as f64 / turned.turns as f64);
        self.bare.rate.push(turned.turns as f64 / turned.seconds);
        self.floor.turn(seconds)?;
        self.doorward.turn(seconds)
    }

    fn judged(self, chains: u64) -> Row {
        let Self { bare, floor, doorward, first, .. } = self;
        let ratio = |over: &[f64], under: &[f64]| median(&ratios(over, under));
        let rate = ratio(&doorward.line.rate, &bare.rate);
        let verdicts = vec![
            Verdict::at_least("refreshes per second / bare UPDATEs per second", rate, RATE),
            Verdict::at_most("CPU per refresh, µs", median(&doorward.line.cpu), COST),
        ];
        let notes = vec![
            format!(
                "the floor takes the request, signs once, turns the row and gives a canned answer: {:.2} of the bare \
                 UPDATE's rate, and no server that signs and writes before it answers can have more of these cores",
                ratio(&floor.line.rate, &bare.rate)
            ),
            format!(
                "of the floor's rate Doorward reaches {:.2}, for {:.2} × its CPU time",
                ratio(&doorward.line.rate, &floor.line.rate),
                ratio(&doorward.line.cpu, &floor.line.cpu)
            ),
            format!(
                "the load itself takes {:.1} µs of CPU time for each answer of the floor's and {:.1} for each of Doorward's",
                median(&floor.own),
                median(&doorward.own)
            ),
            String::from("transport body, attempt keys, full history of 16 turns in every row, before and behind"),
            String::from(
                "each client turns its own chains one after the other: a chain may turn 16 times in 10 seconds",
            ),
            String::from("the bare UPDATE is the store's own, on a database that the store made, in one thread"),
        ];
        Row {
            title: format!("POST /v1/session/refresh, {chains} hybrid sessions, synchronous=FULL, ES256"),
            notes,
            lines: vec![bare, floor.line, first, doorward.line],
            verdicts,
            ..Row::default()
        }
    }
}

/// Starts a server, and a load with the tokens of a folder.
fn asked(name: &str, server: &[&str], folder: &str) -> Result<Asked, Trouble> {
    let mut server = Started::start(server)?;
    let ready: Ready = server.hear()?;
    let load = Started::start(&["load", folder])?;
    Ok(Asked { server, port: ready.port, load, line: line(name), own: Vec::new() })
}

fn made(folder: &Path, name: &str) -> Result<String, Trouble> {
    let made: PathBuf = folder.join(name);
    fs::create_dir(&made)?;
    Ok(made.to_str().ok_or("a strange folder")?.to_owned())
}

fn copied(from: &str, folder: &Path, name: &str) -> Result<String, Trouble> {
    let to = made(folder, name)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        fs::copy(entry.path(), Path::new(&to).join(entry.file_name()))?;
    }
    Ok(to)
}

/// What Doorward answers to a refresh. The token that is turned for it is replaced by its successor in the load's list.
fn real_reply(port: u16, folder: &Path) -> Result<Canned, Trouble> {
    let list = folder.join(TOKENS);
    let tokens = fs::read_to_string(&list)?;
    let (first, others) = tokens.split_once('\n').ok_or("no tokens")?;
    let body =
        format!(r#"{{"refresh_token":"{first}","client_id":"{HYBRID}","attempt":"bench-attempt-before-all"}}"#);
    let request = format!(
        "POST /v1/session/refresh HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\nconnection: close\r\ncontent-type: \
         application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.write_all(request.as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let reply = Canned::of(&answer)?;
    let read: serde_json::Value = serde_json::from_str(&reply.body)?;
    let next = read["refresh_token"].as_str().ok_or("an answer without a refresh token")?;
    fs::write(&list, format!("{next}\n{others}"))?;
    Ok(reply)
}
