//! `kill -9` at random points under load, with a ledger at the clients: nothing acknowledged is lost, nothing ended
//! comes back.
//!
//! Each client writes down what the server acknowledged. After every kill the server is started again over the same
//! folder and asked about everything in the ledgers. What was under way at the kill may have happened or not; the same
//! attempt is made again and must succeed.

#![expect(dead_code, reason = "what tests share has more than this one uses")]

mod outside;

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use outside::{Reply, Server};
use serde_json::{Value, json};

/// What one session's client knows for certain.
#[derive(Clone, Debug)]
struct Entry {
    secret: Option<String>,
    access: Option<String>,
    refresh: Option<String>,
    /// The attempt that was under way at the kill.
    pending: Option<String>,
    /// The last value that was acknowledged, and the one under way.
    value: Option<u64>,
    trying: Option<u64>,
    ended: bool,
    ending: bool,
}

struct Chance(u64);

impl Chance {
    fn below(&mut self, most: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % most
    }

    fn key(&mut self) -> String {
        format!("crash-{:016x}", self.below(u64::MAX))
    }
}

const CLIENTS: usize = 6;

impl Entry {
    fn of(reply: &Reply) -> Self {
        let text = |name: &str| reply.body[name].as_str().map(str::to_owned);
        Self {
            secret: text("session_token"),
            access: text("access_token"),
            refresh: text("refresh_token"),
            pending: None,
            value: None,
            trying: None,
            ended: false,
            ending: false,
        }
    }

    fn bearer(&self) -> &str {
        self.secret.as_deref().or(self.access.as_deref()).unwrap_or_default()
    }
}

/// One client's work until the connection breaks: signs in, refreshes, puts data, signs out.
fn work(
    address: &str,
    (client, ledger): (usize, &Mutex<Vec<Entry>>),
    chance: &mut Chance,
    stop: &AtomicBool,
) -> Option<()> {
    let mut line = outside::Line::open(address)?;
    let mut known = HashSet::new();
    while !stop.load(Ordering::Relaxed) {
        let count = ledger.lock().expect("a ledger").len();
        let pick = chance.below(20);
        if count == 0 || pick == 0 {
            let through = ["demo-session", "demo-hybrid", "demo-hybrid"][chance.below(3) as usize];
            // A person has a hundred sessions at most: nobody may be crowded out here.
            let email = format!("person-{client}-{}@example.test", count / 50);
            let password = "copper-lantern-41";
            let body = json!({ "email": email, "password": password, "client_id": through, "transport": "body" });
            if known.insert(email.clone()) {
                let account = json!({ "email": email, "password": password });
                let reply = line.call("POST", "/v1/users", None, Some(&account))?;
                assert!([201, 409].contains(&reply.status), "{reply:?}");
            }
            let reply = line.call("POST", "/v1/sessions", None, Some(&body))?;
            // A password that a kill kept from being found right is a guess until one is; a slow machine has many of them.
            if reply.status == 429 {
                continue;
            }
            assert_eq!(reply.status, 201, "{reply:?}");
            ledger.lock().expect("a ledger").push(Entry::of(&reply));
            continue;
        }
        let place = chance.below(count as u64) as usize;
        let entry = ledger.lock().expect("a ledger")[place].clone();
        if entry.ended || entry.ending {
            continue;
        }
        let note = |change: &dyn Fn(&mut Entry)| change(&mut ledger.lock().expect("a ledger")[place]);
        if pick == 1 {
            note(&|entry| entry.ending = true);
            let mut signed_out = entry.clone();
            let reply = sign_out(&mut line, &mut signed_out, chance, note)?;
            let over = reply.status == 200;
            // A session that turned too often just now is ended another time.
            assert!(over || reply.status == 429, "{reply:?}");
            note(&|entry| (entry.ended, entry.ending) = (over, over));
        } else if entry.refresh.is_some() {
            let key = entry.pending.clone().unwrap_or_else(|| chance.key());
            note(&|entry| entry.pending = Some(key.clone()));
            let reply = turn(&mut line, &entry, &key)?;
            // Sixteen turns in ten seconds are enough for one session.
            assert!([200, 429].contains(&reply.status), "{reply:?}");
            note(&|entry| settle(entry, &reply));
        } else {
            let value = entry.value.unwrap_or(0) + 1;
            note(&|entry| entry.trying = Some(value));
            let reply = line.call("PUT", "/v1/session/data/count", entry.secret.as_deref(), Some(&json!(value)))?;
            assert!(reply.status == 200 || reply.status == 201, "{reply:?}");
            note(&|entry| entry.value = Some(value));
        }
    }
    Some(())
}

/// Signs out. Where many sessions of one person ended, the feed says so in one line, and the access tokens of those that
/// live have to be renewed first.
fn sign_out(
    line: &mut outside::Line,
    entry: &mut Entry,
    chance: &mut Chance,
    note: impl Fn(&dyn Fn(&mut Entry)),
) -> Option<Reply> {
    loop {
        let reply = line.call("DELETE", "/v1/session", Some(entry.bearer()), None)?;
        if reply.body["reason"] != "token_stale" {
            return Some(reply);
        }
        let key = entry.pending.clone().unwrap_or_else(|| chance.key());
        note(&|entry| entry.pending = Some(key.clone()));
        let turned = turn(line, entry, &key)?;
        // Sixteen turns in ten seconds are enough for one session, which bounds this; and an end that was under way
        // before may have happened after all.
        if turned.status != 200 {
            return Some(turned);
        }
        settle(entry, &turned);
        note(&|entry| settle(entry, &turned));
    }
}

fn turn(line: &mut outside::Line, entry: &Entry, key: &str) -> Option<Reply> {
    let body = json!({ "refresh_token": entry.refresh, "attempt": key });
    line.call("POST", "/v1/session/refresh", None, Some(&body))
}

fn settle(entry: &mut Entry, reply: &Reply) {
    if reply.status != 200 {
        return;
    }
    entry.refresh = reply.body["refresh_token"].as_str().map(str::to_owned);
    entry.access = reply.body["access_token"].as_str().map(str::to_owned);
    entry.pending = None;
}

/// Asks about everything that was acknowledged.
fn audit(address: &str, ledger: &mut [Entry], chance: &mut Chance, seen: &mut Seen) {
    let mut line = outside::Line::open(address).expect("a server");
    for entry in ledger.iter_mut().filter(|entry| !entry.ended) {
        if entry.ending {
            // The end was under way: it may have happened. Ended again, it must be over.
            let mut signed_out = entry.clone();
            let settled = std::cell::RefCell::new(&mut *entry);
            let note = |change: &dyn Fn(&mut Entry)| change(&mut settled.borrow_mut());
            let reply = sign_out(&mut line, &mut signed_out, chance, note).expect("a reply");
            assert!([200, 401, 429].contains(&reply.status), "{reply:?}");
            entry.ended = reply.status != 429;
            continue;
        }
        if entry.refresh.is_some() {
            let key = entry.pending.clone().unwrap_or_else(|| String::from("after-the-crash-0001"));
            let reply = turn(&mut line, entry, &key).expect("a reply");
            assert!([200, 429].contains(&reply.status), "an acknowledged refresh token was lost: {reply:?}");
            settle(entry, &reply);
        } else {
            let reply = line.call("GET", "/v1/session", entry.secret.as_deref(), None).expect("a reply");
            assert_eq!(reply.status, 200, "an acknowledged session was lost: {reply:?}");
            let reply = line.call("GET", "/v1/session/data/count", entry.secret.as_deref(), None).expect("a reply");
            let found = if reply.status == 404 { None } else { reply.body.as_u64() };
            assert!(found == entry.value || found == entry.trying, "acknowledged {entry:?}, found {reply:?}");
            entry.value = found;
        }
        seen.alive += 1;
    }
    for entry in ledger.iter().filter(|entry| entry.ended) {
        let reply = line.call("GET", "/v1/session", Some(entry.bearer()), None).expect("a reply");
        assert_eq!(reply.status, 401, "an ended session is alive: {reply:?}");
        if let Some(token) = &entry.refresh {
            let body: Value = json!({ "refresh_token": token, "attempt": "after-the-crash-0002" });
            let reply = line.call("POST", "/v1/session/refresh", None, Some(&body)).expect("a reply");
            assert_eq!(reply.status, 401, "an ended session refreshes: {reply:?}");
        }
        seen.ended += 1;
    }
}

#[derive(Debug, Default)]
struct Seen {
    alive: usize,
    ended: usize,
}

mod slow {
    use super::*;

    #[test]
    fn nothing_acknowledged_is_lost_and_nothing_ended_is_alive_after_twenty_kills() {
        let kills = if outside::is_long() { 200 } else { 20 };
        let folder = tempfile::tempdir().expect("a folder");
        let ledgers: Vec<_> = (0..CLIENTS).map(|_| Arc::new(Mutex::new(Vec::new()))).collect();
        let mut chance = Chance(0x5eed_0001);
        let mut seen = Seen::default();
        println!("seed {:#x}", chance.0);
        for _ in 0..kills {
            let mut server = Server::start(folder.path());
            for ledger in &ledgers {
                audit(&server.address, &mut ledger.lock().expect("a ledger"), &mut chance, &mut seen);
            }
            let stop = Arc::new(AtomicBool::new(false));
            let workers: Vec<_> = ledgers
                .iter()
                .enumerate()
                .map(|(client, ledger)| {
                    let (ledger, stop, address) = (ledger.clone(), stop.clone(), server.address.clone());
                    let mut chance = Chance(chance.below(u64::MAX - 1) + 1);
                    std::thread::spawn(move || work(&address, (client, &ledger), &mut chance, &stop))
                })
                .collect();
            std::thread::sleep(Duration::from_millis(60 + chance.below(500)));
            server.kill();
            stop.store(true, Ordering::Relaxed);
            for worker in workers {
                worker.join().expect("a worker found something wrong");
            }
        }
        let server = Server::start(folder.path());
        for ledger in &ledgers {
            audit(&server.address, &mut ledger.lock().expect("a ledger"), &mut chance, &mut seen);
        }
        println!("assure: kills = {kills}");
        println!("assure: living sessions asked after = {}", seen.alive);
        println!("assure: ended sessions asked after = {}", seen.ended);
        println!("assure: lost or revived = 0");
        assert!(seen.alive > kills && seen.ended > kills, "too little happened to mean anything: {seen:?}");
    }
}
