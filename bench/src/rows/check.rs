//! `GET /v1/session` by cookie over loopback, against bare hyper and bare axum that answer with the same bytes.
//!
//! Three states of a session are told apart, because they cost differently: its record is at hand and it was used within
//! the last minute (judged); it is at hand, and this is its first use in a minute, which is written down behind the answer; it
//! was not used since the start, so that it is loaded from SQLite.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use super::{CONNECTIONS, line, note, ratios, tell, wait_for_calm};
use crate::child::Started;
use crate::figures::median;
use crate::load::{Asks, Errand, Outcome};
use crate::options::Options;
use crate::report::{Line, Row, Verdict};
use crate::seed::{self, DATABASE, secret_text};
use crate::servers::{Canned, Ready};
use crate::{Trouble, process};

/// What a check may cost, as a multiple of bare hyper.
const GOAL: f64 = 1.35;
/// What it may cost among all sessions, as a multiple of what it costs among few.
const GROWTH: f64 = 1.25;
/// How few those are.
const FEW: u64 = 10_000;
/// Connections of a crowd.
const CROWD: usize = 256;
/// How long 99 of 100 checks of a crowd may take, as a multiple of bare hyper's.
const CROWDED: f64 = 1.5;
/// What a session at hand may take, in bytes, without the texts that are only told: its device, its person. Counted is what
/// the process grows by when every session has been asked for once, less what a server grows by that keeps no records.
const HOT: f64 = 200.0;
/// So many sessions at most are asked for in the rounds: more cannot all be used within a minute. They lie anywhere among all.
const BUSY: u64 = 1_000_000;
/// Folders beside the database: its copy, and the database of few.
const FORGETFUL: &str = "forgetful";
const SMALL: &str = "few";
/// A use is written down once in so long.
const MINUTE: Duration = Duration::from_secs(60);

/// Measures.
pub(super) fn measure(options: &Options, folder: &Path) -> Result<Row, Trouble> {
    let folder = place(options, folder)?;
    let filling = fill(options, &folder)?;
    let besides = besides_records(options, &folder)?;
    let mut bench = Bench::start(options, &folder)?;
    let empty = process::resident(bench.doorward.id)?;
    tell("check: every session once, from SQLite");
    wait_for_calm();
    bench.walk(options.sessions(), true)?;
    let full = process::resident(bench.doorward.id)?;
    for round in 0..options.rounds() {
        tell(&format!("check: round {} of {}", round + 1, options.rounds()));
        bench.round(round as u64)?;
    }
    let Bench { lines, stale, seconds, .. } = bench;
    let sessions = options.sessions() as f64;
    let [hyper, axum, kept, first, cold, few, crowd, crowded] = &lines;
    let grown = full.saturating_sub(empty);
    let each = grown.saturating_sub(besides) as f64 / sessions;
    let told = seed::told(options.sessions());
    let to_hyper = |line: &Line| median(&line.cpu) / median(&hyper.cpu);
    let mut notes = vec![
        format!("axum is {:.2} × hyper", median(&ratios(&axum.cpu, &hyper.cpu))),
        format!("a cold id is {:.2} × hyper, the later write of its use included", to_hyper(cold)),
        format!("requests per second: {:.2} of hyper's", median(&kept.rate) / median(&hyper.rate)),
        format!("opening the filled database and listening took {seconds:.2} s"),
        format!(
            "memory of its own: {:.0} MiB at the start, {:.0} MiB with every record at hand: {:.0} bytes a session",
            empty as f64 / 1048576.0,
            full as f64 / 1048576.0,
            grown as f64 / sessions,
        ),
        format!(
            "requests like these take {:.0} MiB of a server that keeps no records (pages of the database, at most 80 MiB of \
             them, and uses that wait to be written down): {each:.0} bytes a session are the records, with their tables \
             and all that lies idle between them",
            besides as f64 / 1048576.0,
        ),
        format!("of these, {told:.0} bytes are the texts that are only told: device, address, e-mail address, name"),
    ];
    if let Some(filling) = filling {
        let rate = sessions / filling;
        notes.push(format!(
            "filling through the store's own changes took {filling:.1} s ({rate:.0} sessions a second)"
        ));
    }
    if !first.cpu.is_empty() {
        notes.push(format!("the first use in a minute is {:.2} × hyper, its later write included", to_hyper(first)));
    }
    if stale {
        notes.push(String::from(
            "in some rounds the minute was over before the end: some uses were written there too",
        ));
    }
    let judged = |figure: &str, over: &[f64], under: &[f64], goal| {
        Verdict::at_most(figure, median(&ratios(over, under)), goal)
    };
    let verdicts = vec![
        judged("CPU per check / CPU per request of bare hyper", &kept.cpu, &hyper.cpu, GOAL),
        judged(&format!("CPU per check / the same among {FEW} sessions"), &kept.cpu, &few.cpu, GROWTH),
        judged(&format!("p99 at {CROWD} connections / bare hyper's"), &crowded.p99, &crowd.p99, CROWDED),
        Verdict::at_most("memory of a session at hand without texts that are only told, bytes", each - told, HOT),
    ];
    let (all, busy) = (options.sessions(), busy(options.sessions()));
    let asked = if busy < all { format!(", of which {busy} anywhere among them are busy") } else { String::new() };
    let title = format!("GET /v1/session by cookie, random ids of {all} live sessions{asked}");
    let lines = lines.into_iter().filter(|line| !line.cpu.is_empty()).collect();
    Ok(Row { title, notes, lines, verdicts, ..Row::default() })
}

/// How many of so many sessions are asked for in the rounds.
fn busy(sessions: u64) -> u64 {
    sessions.min(BUSY)
}

/// Where the database is, or will be, without what an earlier run made beside it.
fn place(options: &Options, folder: &Path) -> Result<PathBuf, Trouble> {
    let folder = options.keep.clone().unwrap_or_else(|| folder.join("check"));
    fs::create_dir_all(&folder)?;
    for of_before in [FORGETFUL, SMALL] {
        drop(fs::remove_dir_all(folder.join(of_before)));
    }
    Ok(folder)
}

/// Makes the database, in a process that ends with it: memory of the filling is nobody's memory. How long it took, in
/// seconds; nothing if another run has made it.
fn fill(options: &Options, folder: &Path) -> Result<Option<f64>, Trouble> {
    tell(&format!("check: filling a database with {} sessions", options.sessions()));
    let mut filler = serve_doorward(options.sessions(), folder, &["--only-fill"])?;
    let ready: Ready = filler.hear()?;
    filler.end()?;
    Ok(ready.filling)
}

/// What it takes of a server to be asked by every session once, besides the records that it keeps: the same on a copy of
/// the database, by a server that keeps none.
fn besides_records(options: &Options, folder: &Path) -> Result<u64, Trouble> {
    tell("check: a million sessions at most once, of a server that keeps no records");
    let copy = folder.join(FORGETFUL);
    fs::create_dir(&copy)?;
    fs::copy(folder.join(DATABASE), copy.join(DATABASE))?;
    let server = Server::start(serve_doorward(options.sessions(), &copy, &["--forgetful"])?)?;
    let mut load = Started::start(&["load", copy.to_str().ok_or("a strange folder")?])?;
    let empty = process::resident(server.id)?;
    // What they take is pages of the database, which are bounded; so this many are enough.
    let asks = Asks::Each { sessions: options.sessions(), busy: busy(options.sessions()) };
    let (port, process) = (server.port, server.id);
    load.ask::<_, Outcome>(&Errand { port, process, connections: CONNECTIONS, seconds: f64::MAX, asks })?;
    process::quiet(process)?;
    let full = process::resident(process)?;
    drop(server);
    fs::remove_dir_all(&copy)?;
    Ok(full.saturating_sub(empty))
}

fn serve_doorward(sessions: u64, folder: &Path, more: &[&str]) -> Result<Started, Trouble> {
    let sessions = sessions.to_string();
    let mut args = vec!["serve-doorward", folder.to_str().ok_or("a strange folder")?, "--sessions", &sessions];
    args.extend(more);
    Started::start(&args)
}

/// A server that runs.
struct Server {
    _process: Started,
    id: u32,
    port: u16,
}

impl Server {
    fn start(mut process: Started) -> Result<Self, Trouble> {
        let ready: Ready = process.hear()?;
        Ok(Self { id: process.id(), port: ready.port, _process: process })
    }
}

struct Bench {
    sessions: u64,
    run: f64,
    doorward: Server,
    /// Another Doorward, with few sessions.
    small: Server,
    hyper: Server,
    axum: Server,
    load: Started,
    /// Hyper, axum, at hand, first use in a minute, cold; at hand among few; hyper and Doorward in a crowd.
    lines: [Line; 8],
    walked: (Instant, Instant),
    stale: bool,
    seconds: f64,
}

impl Bench {
    fn start(options: &Options, folder: &Path) -> Result<Self, Trouble> {
        let since = Instant::now();
        let doorward = Server::start(serve_doorward(options.sessions(), folder, &[])?)?;
        let seconds = since.elapsed().as_secs_f64();
        let few = folder.join(SMALL);
        fs::create_dir(&few)?;
        let small = Server::start(serve_doorward(FEW, &few, &[])?)?;
        let reply = folder.join("reply.json");
        fs::write(&reply, serde_json::to_vec(&real_reply(doorward.port)?)?)?;
        let path = reply.to_str().ok_or("a strange folder")?;
        let names = [
            "bare hyper",
            "bare axum",
            "doorward, at hand",
            "doorward, first use in a minute",
            "doorward, cold",
            &format!("doorward, at hand among {FEW}"),
            &format!("bare hyper, {CROWD} connections"),
            &format!("doorward, {CROWD} connections"),
        ];
        Ok(Self {
            sessions: options.sessions(),
            run: options.seconds(),
            hyper: Server::start(Started::start(&["serve-hyper", path])?)?,
            axum: Server::start(Started::start(&["serve-axum", path])?)?,
            load: Started::start(&["load", folder.to_str().ok_or("a strange folder")?])?,
            lines: names.map(line),
            walked: (since, since),
            stale: false,
            doorward,
            small,
            seconds,
        })
    }

    /// Everything once.
    fn round(&mut self, round: u64) -> Result<(), Trouble> {
        // What is judged among all sessions comes first, while the minute lasts.
        if self.walked.0.elapsed() + Duration::from_secs_f64(2.0 * self.run + 4.0) > MINUTE {
            thread::sleep((MINUTE + Duration::from_secs(1)).saturating_sub(self.walked.1.elapsed()));
            wait_for_calm();
            self.walk(busy(self.sessions), false)?;
        }
        wait_for_calm();
        let seed = 0x5eed + round;
        let (doorward, hyper, all) = (&self.doorward, &self.hyper, (self.sessions, busy(self.sessions)));
        for (place, server, connections, (sessions, busy)) in [
            (2, doorward, CONNECTIONS, all),
            (7, doorward, CROWD, all),
            (0, hyper, CONNECTIONS, all),
            (6, hyper, CROWD, all),
            (1, &self.axum, CONNECTIONS, all),
            (5, &self.small, CONNECTIONS, (FEW, FEW)),
        ] {
            let Server { port, id: process, .. } = *server;
            if place == 5 {
                // So that none is used for the first time in its minute.
                let asks = Asks::Each { sessions, busy };
                let walk = Errand { port, process, connections, seconds: f64::MAX, asks };
                self.load.ask::<_, Outcome>(&walk)?;
                process::quiet(process)?;
            }
            let asks = Asks::Random { sessions, busy, seed };
            let errand = Errand { port, process, connections, seconds: self.run, asks };
            let outcome: Outcome = self.load.ask(&errand)?;
            note(&mut self.lines[place], &outcome, outcome.cpu_each())?;
            if [2, 7].contains(&place) {
                self.stale |= self.walked.0.elapsed() > MINUTE;
            }
        }
        Ok(())
    }

    /// Uses so many sessions once, and counts what that costs until the server is quiet again: the use of each is written
    /// down behind the answer.
    fn walk(&mut self, busy: u64, cold: bool) -> Result<(), Trouble> {
        let (port, process) = (self.doorward.port, self.doorward.id);
        let before = process::cpu(process)?;
        let began = Instant::now();
        let asks = Asks::Each { sessions: self.sessions, busy };
        let errand = Errand { port, process, connections: CONNECTIONS, seconds: f64::MAX, asks };
        let outcome: Outcome = self.load.ask(&errand)?;
        let spent = process::quiet(process)? - before;
        if !cold {
            // So many uses at once do not all fit where they wait to be written down; those that did not are noted now.
            self.load.ask::<_, Outcome>(&errand)?;
            process::quiet(process)?;
        }
        self.walked = (began, Instant::now());
        note(&mut self.lines[if cold { 4 } else { 3 }], &outcome, spent as f64 / outcome.requests as f64)
    }
}

/// What Doorward answers to the holder of the first session.
pub(super) fn real_reply(port: u16) -> Result<Canned, Trouble> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    let secret = secret_text(0);
    let request = format!(
        "GET /v1/session HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\nconnection: close\r\ncookie: \
         __Host-Http-dw_session={secret}\r\n\r\n"
    );
    // Twice: the first answer loads the record and goes through the router, the second is the one that is measured.
    let mut answer = String::new();
    for _ in 0..2 {
        answer.clear();
        stream.write_all(request.as_bytes())?;
        stream.read_to_string(&mut answer)?;
        stream = TcpStream::connect(("127.0.0.1", port))?;
    }
    Canned::of(&answer)
}
