//! `GET /v1/session` by cookie over loopback, against bare hyper and bare axum that answer with the same bytes.
//!
//! Three states of a session are told apart, because they cost differently: its record is at hand and it was used within
//! the last minute (judged); it is at hand, and this is its first use in a minute, which is written down behind the answer; it
//! was not used since the start, so that it is loaded from SQLite.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use super::{CONNECTIONS, line, note, ratios, tell, wait_for_calm};
use crate::child::Started;
use crate::figures::median;
use crate::load::{Asks, Errand, Outcome};
use crate::options::Options;
use crate::report::{Line, Row, Verdict};
use crate::seed::secret_text;
use crate::servers::{Canned, Ready};
use crate::{Trouble, process};

/// What a check may cost, as a multiple of bare hyper.
const GOAL: f64 = 1.35;
/// A use is written down once in so long.
const MINUTE: Duration = Duration::from_secs(60);

/// Measures.
pub(super) fn measure(options: &Options, folder: &Path) -> Result<Row, Trouble> {
    let folder = folder.join("check");
    fs::create_dir(&folder)?;
    let filling = fill(options, &folder)?;
    let mut bench = Bench::start(options, &folder)?;
    let empty = process::resident(bench.doorward.id)?;
    tell("check: every session once, from SQLite");
    wait_for_calm();
    bench.walk(true)?;
    let full = process::resident(bench.doorward.id)?;
    for round in 0..options.rounds() {
        tell(&format!("check: round {} of {}", round + 1, options.rounds()));
        bench.round(round as u64)?;
    }
    let Bench { lines, stale, seconds, .. } = bench;
    let sessions = options.sessions() as f64;
    let [hyper, axum, kept, first, cold] = &lines;
    let to_hyper = |line: &Line| median(&line.cpu) / median(&hyper.cpu);
    let mut notes = vec![
        format!("axum is {:.2} × hyper", median(&ratios(&axum.cpu, &hyper.cpu))),
        format!("a cold id is {:.2} × hyper, the later write of its use included", to_hyper(cold)),
        format!("requests per second: {:.2} of hyper's", median(&kept.rate) / median(&hyper.rate)),
        format!(
            "filling through the store's own changes took {filling:.1} s ({:.0} sessions a second)",
            sessions / filling
        ),
        format!("opening the filled database and listening took {seconds:.2} s"),
        format!(
            "memory of its own: {:.0} MiB at the start, {:.0} MiB with every record at hand: {:.0} bytes a session",
            empty as f64 / 1048576.0,
            full as f64 / 1048576.0,
            full.saturating_sub(empty) as f64 / sessions,
        ),
    ];
    if !first.cpu.is_empty() {
        notes.push(format!("the first use in a minute is {:.2} × hyper, its later write included", to_hyper(first)));
    }
    if stale {
        notes.push(String::from(
            "in some rounds the minute was over before the end: some uses were written there too",
        ));
    }
    let verdict = Verdict::at_most(
        "CPU per check / CPU per request of bare hyper",
        median(&ratios(&kept.cpu, &hyper.cpu)),
        GOAL,
    );
    let title = format!("GET /v1/session by cookie, random ids of {} live sessions", options.sessions());
    let lines = lines.into_iter().filter(|line| !line.cpu.is_empty()).collect();
    Ok(Row { title, notes, lines, verdicts: vec![verdict] })
}

/// Makes the database, in a process that ends with it: memory of the filling is nobody's memory.
fn fill(options: &Options, folder: &Path) -> Result<f64, Trouble> {
    tell(&format!("check: filling a database with {} sessions", options.sessions()));
    let mut filler = serve_doorward(options, folder, &["--only-fill"])?;
    let ready: Ready = filler.hear()?;
    filler.end()?;
    Ok(ready.filling)
}

fn serve_doorward(options: &Options, folder: &Path, more: &[&str]) -> Result<Started, Trouble> {
    let sessions = options.sessions().to_string();
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
    hyper: Server,
    axum: Server,
    load: Started,
    /// Hyper, axum, at hand, first use in a minute, cold.
    lines: [Line; 5],
    walked: (Instant, Instant),
    stale: bool,
    seconds: f64,
}

impl Bench {
    fn start(options: &Options, folder: &Path) -> Result<Self, Trouble> {
        let since = Instant::now();
        let doorward = Server::start(serve_doorward(options, folder, &[])?)?;
        let seconds = since.elapsed().as_secs_f64();
        let reply = folder.join("reply.json");
        fs::write(&reply, serde_json::to_vec(&real_reply(doorward.port)?)?)?;
        let path = reply.to_str().ok_or("a strange folder")?;
        let names =
            ["bare hyper", "bare axum", "doorward, at hand", "doorward, first use in a minute", "doorward, cold"];
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
            seconds,
        })
    }

    /// Everything once.
    fn round(&mut self, round: u64) -> Result<(), Trouble> {
        if self.walked.0.elapsed() + Duration::from_secs_f64(self.run + 2.0) > MINUTE {
            thread::sleep((MINUTE + Duration::from_secs(1)).saturating_sub(self.walked.1.elapsed()));
            wait_for_calm();
            self.walk(false)?;
        }
        wait_for_calm();
        let seed = 0x5eed + round;
        for (place, port, process) in [
            (2, self.doorward.port, self.doorward.id),
            (0, self.hyper.port, self.hyper.id),
            (1, self.axum.port, self.axum.id),
        ] {
            let asks = Asks::Random { sessions: self.sessions, seed };
            let errand = Errand { port, process, connections: CONNECTIONS, seconds: self.run, asks };
            let outcome: Outcome = self.load.ask(&errand)?;
            note(&mut self.lines[place], &outcome, outcome.cpu_each())?;
            if place == 2 {
                self.stale |= self.walked.0.elapsed() > MINUTE;
            }
        }
        Ok(())
    }

    /// Uses every session once, and counts what that costs until the server is quiet again: the use of each is written
    /// down behind the answer.
    fn walk(&mut self, cold: bool) -> Result<(), Trouble> {
        let (port, process) = (self.doorward.port, self.doorward.id);
        let before = process::cpu(process)?;
        let began = Instant::now();
        let asks = Asks::Each { sessions: self.sessions };
        let errand = Errand { port, process, connections: CONNECTIONS, seconds: f64::MAX, asks };
        let outcome: Outcome = self.load.ask(&errand)?;
        self.walked = (began, Instant::now());
        let spent = process::quiet(process)? - before;
        note(&mut self.lines[if cold { 4 } else { 3 }], &outcome, spent as f64 / outcome.requests as f64)
    }
}

/// What Doorward answers to the holder of the first session.
fn real_reply(port: u16) -> Result<Canned, Trouble> {
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
