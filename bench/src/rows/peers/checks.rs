//! Who am I, by cookie over HTTP. Everybody gives Doorward's answer, with its headers and as many bytes, where the program
//! lets them: a user's id from the session goes into a text that is the same for all.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use super::{Asked, CONNECTIONS, Extent, is_here, left_out, line, load, made, tell, text, wait_for_calm, way};
use crate::Trouble;
use crate::child::Started;
use crate::comparison::Facts;
use crate::figures::median;
use crate::load::{Asks, Errand, HELD, HOLE, Outcome};
use crate::options::Options;
use crate::peers::{Parts, Peer};
use crate::process;
use crate::redis::Redis;
use crate::report::{Line, Row, Verdict};
use crate::rows::{check, note, ratios};
use crate::seed::secret_text;
use crate::servers::Ready;

/// Whom the goal is about.
const EXPRESS: &str = "express-session + connect-redis";
/// The same with whatever express adds if nobody changes it.
const WRITTEN: &str = "the same with express's own headers and ETag";
/// What a check may cost, as a part of what it costs there.
const GOAL: f64 = 0.04;
/// A use is written down once in so long.
const MINUTE: Duration = Duration::from_secs(60);

/// Everybody who takes turns.
pub(super) struct Checks {
    doorward: Asked,
    /// When its sessions were last walked over.
    walked: Instant,
    first: Line,
    /// Bytes of memory a session takes, ours and Redis's.
    held: Vec<(String, f64)>,
    /// Bytes of the cookie of the judged one.
    cookie: Option<usize>,
    others: Vec<Asked>,
    look_up: Option<Asked>,
    sessions: u64,
    /// All servers; they end before the Redis that they ask.
    servers: Vec<Started>,
    redis: Option<Redis>,
}

/// What is needed to set somebody up.
struct Scene<'a> {
    parts: &'a Parts,
    folder: &'a Path,
    reply: PathBuf,
    servers: Vec<Started>,
    asked: Vec<Asked>,
}

impl Checks {
    /// Starts and fills all that can be.
    pub(super) fn set_up(
        options: &Options,
        extent: &Extent,
        folder: &Path,
        parts: &Parts,
        row: &mut Row,
    ) -> Result<Self, Trouble> {
        tell("peers: filling Doorward");
        let door = made(folder, "doorward")?;
        let sessions = extent.many.to_string();
        let filled = ["serve-doorward", text(&door)?, "--sessions", &sessions];
        let mut filler = Started::start(&[&filled[..], &["--only-fill"]].concat())?;
        filler.hear::<Ready>()?;
        filler.end()?;
        let mut server = Started::start(&filled)?;
        let ready: Ready = server.hear()?;
        let (process, port) = (server.id(), ready.port);
        let empty = process::resident(process)?;
        let reply = folder.join("reply.json");
        fs::write(&reply, serde_json::to_vec(&check::real_reply(port)?)?)?;
        let asks = Asks::Random { sessions: extent.many, busy: extent.many, seed: 0x5eed };
        let load = Started::start(&["load", text(folder)?])?;
        let doorward = Asked::new("Doorward, session at hand", (process, port), load, asks);
        let mut scene = Scene { parts, folder, reply, servers: vec![server], asked: Vec::new() };
        let mut held = Vec::new();
        let redis = scene.everybody(options, extent, &mut held, row)?;
        let cookie = scene.cookie();
        let Scene { servers, asked: others, .. } = scene;
        let mut checks = Self {
            doorward,
            walked: Instant::now(),
            first: line("Doorward, first use in a minute, its write included"),
            held,
            cookie,
            others,
            look_up: redis.as_ref().map(look_up).transpose()?,
            redis,
            sessions: extent.many,
            servers,
        };
        checks.walk()?;
        let full = process::resident(process)?;
        let each = full.saturating_sub(empty) as f64 / extent.many as f64;
        checks.held.insert(0, (String::from("Doorward"), each));
        Ok(checks)
    }

    /// Interleaved rounds.
    pub(super) fn rounds(&mut self, extent: &Extent, row: &mut Row) -> Result<(), Trouble> {
        tell("peers: warming up");
        self.each(row, |asked| {
            let outcome = asked.ask(extent.seconds.min(2.0))?;
            note(&mut line(&asked.line.name), &outcome, 0.0)
        });
        for round in 0..extent.rounds {
            tell(&format!("peers: checks, round {} of {}", round + 1, extent.rounds));
            wait_for_calm();
            // So that none is used for the first time in its minute while it counts; nothing is waited for in between.
            self.walk()?;
            self.doorward.turn(extent.seconds)?;
            self.each(row, |asked| asked.turn(extent.seconds));
            if let Some(asked) = &mut self.look_up {
                asked.turn(extent.seconds)?;
            }
        }
        Ok(())
    }

    /// Does something with all others; whoever fails is out.
    fn each(&mut self, row: &mut Row, mut work: impl FnMut(&mut Asked) -> Result<(), Trouble>) {
        self.others.retain_mut(|asked| {
            let done = work(asked);
            let is_good = done.is_ok();
            left_out(&asked.line.name, done, row);
            is_good
        });
    }

    /// Uses every session once; gives what that cost until the server is quiet again.
    fn walk(&mut self) -> Result<(Outcome, f64), Trouble> {
        let (process, port) = (self.doorward.process, self.doorward.port);
        let before = process::cpu(process)?;
        self.walked = Instant::now();
        let asks = Asks::Each { sessions: self.sessions, busy: self.sessions };
        let errand = Errand { port, process, connections: CONNECTIONS, seconds: f64::MAX, asks };
        let outcome: Outcome = self.doorward.load.ask(&errand)?;
        let spent = process::quiet(process)? - before;
        let each = spent as f64 / outcome.requests.max(1) as f64;
        Ok((outcome, each))
    }

    /// What it came to.
    pub(super) fn end(mut self, extent: &Extent, row: &mut Row, facts: &mut Facts) -> Result<(), Trouble> {
        if extent.patient {
            thread::sleep((MINUTE + Duration::from_secs(2)).saturating_sub(self.walked.elapsed()));
            wait_for_calm();
            let (outcome, each) = self.walk()?;
            note(&mut self.first, &outcome, each)?;
        }
        let find = |name: &str| self.others.iter().find(|asked| asked.line.name == name);
        let express = find(EXPRESS);
        row.verdicts.push(match express {
            Some(express) => Verdict::at_most(
                &format!("CPU per check / {EXPRESS}, server and Redis"),
                median(&ratios(&self.doorward.line.cpu, &express.line.cpu)),
                GOAL,
            ),
            None => unmeasured(),
        });
        if let (Some(express), Some(plain), Some(hyper)) = (express, find("express alone"), find("bare hyper")) {
            row.notes.push(format!(
                "of {EXPRESS}'s CPU express itself takes {:.2}; without what giving the same answer takes anyway, a check \
                 costs {:.1} µs there and {:.1} at Doorward",
                median(&plain.line.cpu) / median(&express.line.cpu),
                median(&express.line.cpu) - median(&plain.line.cpu),
                median(&self.doorward.line.cpu) - median(&hyper.line.cpu),
            ));
        }
        for (whose, each) in &self.held {
            row.notes.push(format!("memory of a session: {each:.0} bytes ({whose})"));
        }
        if let Some(redis) = &self.redis {
            row.notes.push(format!("{}: nothing is written to the disk, as is cheapest", redis.version));
        }
        self.servers.clear();
        facts.checks.push(self.doorward.way());
        facts.checks.extend((!self.first.cpu.is_empty()).then(|| way(&self.first, &[])));
        facts.checks.extend(self.others.iter().map(Asked::way));
        facts.look_up = self.look_up.as_ref().map(Asked::way);
        facts.held = self.held;
        facts.cookies = (secret_text(0).len(), self.cookie);
        row.lines.extend(self.doorward.lines());
        row.lines.extend((!self.first.cpu.is_empty()).then_some(self.first));
        row.lines.extend(self.others.into_iter().chain(self.look_up).flat_map(Asked::lines));
        Ok(())
    }
}

/// The goal where nobody is to be held against.
pub(super) fn unmeasured() -> Verdict {
    Verdict::at_most(&format!("CPU per check / {EXPRESS}: not measured"), f64::NAN, GOAL)
}

/// A look-up in Redis and nothing else, one at a time.
fn look_up(redis: &Redis) -> Result<Asked, Trouble> {
    let name = format!("a GET from {}, one at a time", redis.version);
    let load = Started::start(&["load", "."])?;
    Ok(Asked { connections: 1, ..Asked::new(&name, (redis.id(), redis.port), load, Asks::LookUp) })
}

/// A server that says when it listens, and the folder in which its load finds what to show.
struct Begun {
    server: Started,
    folder: PathBuf,
}

impl Scene<'_> {
    /// Sets up whoever is wanted and here; gives the Redis they ask.
    fn everybody(
        &mut self,
        options: &Options,
        extent: &Extent,
        held: &mut Vec<(String, f64)>,
        row: &mut Row,
    ) -> Result<Option<Redis>, Trouble> {
        self.hyper()?;
        let many = extent.many.to_string();
        let wants_redis = [Peer::ExpressSession, Peer::TowerSessions].map(|peer| is_here(self.parts, peer));
        let redis = if wants_redis.contains(&true) { Redis::start_forgetful(options, self.folder)? } else { None };
        if redis.is_none() && wants_redis.contains(&true) {
            row.notes.push(format!(
                "{EXPRESS}, and tower-sessions in Redis: not measured: no redis-server or valkey-server in PATH \
                 (`apt-get install redis-server`, or --redis FILE)"
            ));
        }
        if let (Some(redis), true) = (&redis, wants_redis[0]) {
            let done = self.express(redis, &many).map(|bytes| {
                held.push((format!("connect-redis in {}", redis.version), bytes as f64 / extent.many as f64));
            });
            left_out(EXPRESS, done, row);
        }
        if wants_redis[1] {
            let (peer, program) = (Peer::TowerSessions, "tower-sessions-peer");
            let memory = "tower-sessions, in memory";
            let begun = self.begin(peer, program, "tower-memory", &[&many, "memory"]);
            let done = begun.and_then(|begun| self.add(memory, begun, None, "/v1/session").map(drop));
            left_out(memory, done, row);
            if let Some(redis) = &redis {
                let begun = self.begin(peer, program, "tower-redis", &[&many, &redis.port.to_string()]);
                let (name, store) = ("tower-sessions, in Redis", Some(redis.id()));
                let done = begun.and_then(|begun| self.add(name, begun, store, "/v1/session").map(drop));
                left_out(name, done, row);
            }
        }
        if is_here(self.parts, Peer::BetterAuth) {
            let few = extent.few.to_string();
            for (name, mode) in [("better-auth, SQLite", "store"), ("better-auth, its cookie cache", "cache")] {
                let begun = self.begin(Peer::BetterAuth, "server.mjs", mode, &[&few, mode]);
                let done = begun.and_then(|begun| self.add(name, begun, None, "/api/auth/get-session").map(drop));
                left_out(name, done, row);
            }
        }
        Ok(redis)
    }

    /// The article's code, in three ways to answer; gives what its sessions take of Redis's memory.
    fn express(&mut self, redis: &Redis, many: &str) -> Result<u64, Trouble> {
        let (before, port) = (process::resident(redis.id())?, redis.port.to_string());
        let begun = self.begin(Peer::ExpressSession, "server.mjs", "express", &[many, &port])?;
        let folder = begun.folder.clone();
        let at = self.add(EXPRESS, begun, Some(redis.id()), "/v1/session")?;
        let held = process::resident(redis.id())?.saturating_sub(before);
        // The same server: with all that express adds, and without asking for the session.
        for (name, path, store) in [(WRITTEN, "as-written", Some(redis.id())), ("express alone", "plain", None)] {
            let beside = made(self.folder, path)?;
            fs::copy(folder.join(HELD), beside.join(HELD))?;
            self.ask(name, &beside, at, store, &format!("/{path}"))?;
        }
        Ok(held)
    }

    /// The bare limit, which answers whoever comes.
    fn hyper(&mut self) -> Result<(), Trouble> {
        let folder = made(self.folder, "hyper")?;
        let shown: Vec<String> =
            (0..1000).map(|number| format!("__Host-Http-dw_session={}", secret_text(number))).collect();
        fs::write(folder.join(HELD), shown.join("\n"))?;
        let server = Started::start(&["serve-hyper", text(&self.reply)?])?;
        self.add("bare hyper", Begun { server, folder }, None, "/v1/session").map(drop)
    }

    /// Starts a peer with a folder of its own, which has the answer that it gives.
    fn begin(&self, peer: Peer, what: &str, name: &str, words: &[&str]) -> Result<Begun, Trouble> {
        tell(&format!("peers: filling {peer:?}, {name}"));
        let folder = made(self.folder, name)?;
        fs::copy(&self.reply, folder.join("reply.json"))?;
        let words: Vec<&str> = [text(&folder)?].into_iter().chain(words.iter().copied()).collect();
        let server = self.parts.start(peer, what, &words)?;
        Ok(Begun { server, folder })
    }

    /// Waits until it listens; gives its process and its port.
    fn add(&mut self, name: &str, begun: Begun, store: Option<u32>, path: &str) -> Result<(u32, u16), Trouble> {
        let Begun { mut server, folder } = begun;
        let ready: Ready = server.hear().map_err(|trouble| format!("{name}: {trouble}"))?;
        let at = (server.id(), ready.port);
        self.servers.push(server);
        self.ask(name, &folder, at, store, path)?;
        Ok(at)
    }

    /// Has a load ask it.
    fn ask(
        &mut self,
        name: &str,
        folder: &Path,
        at: (u32, u16),
        store: Option<u32>,
        path: &str,
    ) -> Result<(), Trouble> {
        let request = format!(
            "GET {path} HTTP/1.1\r\nhost: 127.0.0.1:{}\r\nuser-agent: doorward-bench\r\naccept: */*\r\ncookie: \
             {HOLE}\r\n\r\n",
            at.1
        );
        // A user's id: whoever was not recognised does not get one.
        let load = load(folder, &request, "usr_")?;
        self.asked.push(Asked::new(name, at, load, Asks::Held { seed: 0x5eed, store }));
        Ok(())
    }

    /// How many bytes the value of express-session's cookie has.
    fn cookie(&self) -> Option<usize> {
        let held = fs::read_to_string(self.folder.join("express").join(HELD)).ok()?;
        held.lines().next()?.split_once('=').map(|(_, value)| value.len())
    }
}
