//! Many honest clients, a bad network, and a few thieves, over the whole server in process.
//!
//! Eight tabs of a browser share a jar under a Web Lock; the workers of a native application share one stored record
//! that is replaced by compare-and-set (design section 4, rule 1). Requests and replies are lost, delayed beyond W, and
//! reordered; clients go offline for a weekend; the server's clock is the simulation's. An honest client must never be
//! signed out, and a stolen token must end its session. The seed is printed and decides everything.

#[expect(dead_code, reason = "the simulation uses a part of it")]
mod house;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use doorward_core::Lifetime;
use house::{Ask, Ground, House, Jar};
use http::StatusCode;
use serde_json::json;

/// A small generator (splitmix64): the same seed, the same world.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }

    fn below(&mut self, most: u64) -> u64 {
        self.next() % most
    }

    fn percent(&mut self, chance: u64) -> bool {
        self.below(100) < chance
    }

    fn key(&mut self) -> String {
        format!("{:016x}{:016x}", self.next(), self.next())
    }

    /// Mostly milliseconds, sometimes beyond W, rarely beyond a minute.
    fn delay(&mut self) -> i64 {
        match self.below(100) {
            0..85 => 1 + self.below(400) as i64,
            85..97 => 1_000 + self.below(14_000) as i64,
            _ => 15_000 + self.below(60_000) as i64,
        }
    }
}

const TABS: usize = 8;
/// A client gives up on a reply after so long; in a browser that aborts the fetch, and no cookie of it is kept.
const PATIENCE: i64 = 30_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Cookies under a Web Lock.
    Browser,
    /// A stored record under compare-and-set.
    Native,
}

/// One application of one user on one device.
struct Client {
    kind: Kind,
    jar: Jar,
    /// The record: token and pending key. In a browser only the key.
    token: String,
    pending: Option<String>,
    /// Which request holds the Web Lock.
    lock: Option<u64>,
    /// The session a thief copied the token of.
    robbed: bool,
    session: String,
    signed_in_at: i64,
    refreshed: u64,
}

/// A request that is about.
struct Flight {
    client: usize,
    token: String,
    jar: Jar,
    key: String,
    thief: bool,
    session: String,
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Wants(usize),
    Arrives(u64),
    Answered(u64, usize),
    GivesUp(u64),
}

struct World {
    house: House,
    chance: Chance,
    now: i64,
    queue: BinaryHeap<Reverse<(i64, u64, Event)>>,
    clients: Vec<Client>,
    flights: BTreeMap<u64, Flight>,
    answers: Vec<Option<house::Answer>>,
    next: u64,
    /// Sessions a thief came to with a copied token.
    visited: Vec<(usize, String)>,
    tally: Tally,
}

#[derive(Debug, Default)]
struct Tally {
    refreshed: u64,
    repeated_sign_ins: u64,
    superseded: u64,
    busy: u64,
    thefts: u64,
    caught: u64,
    lost: u64,
}

impl World {
    async fn new(ground: Ground, seed: u64, clients: usize) -> Self {
        let house = House::on(ground).await;
        let mut world = Self {
            house,
            chance: Chance(seed),
            now: 0,
            queue: BinaryHeap::new(),
            clients: Vec::new(),
            flights: BTreeMap::new(),
            answers: Vec::new(),
            next: 0,
            visited: Vec::new(),
            tally: Tally::default(),
        };
        for number in 0..clients {
            let kind = if number % 2 == 0 { Kind::Browser } else { Kind::Native };
            world.clients.push(Client {
                kind,
                jar: Jar::default(),
                token: String::new(),
                pending: None,
                lock: None,
                robbed: false,
                session: String::new(),
                signed_in_at: 0,
                refreshed: 0,
            });
            world.sign_in(number).await;
            for _ in 0..TABS {
                let first = world.chance.below(900_000) as i64;
                world.at(first, Event::Wants(number));
            }
        }
        world
    }

    fn at(&mut self, after: i64, event: Event) {
        self.next += 1;
        self.queue.push(Reverse((self.now + after, self.next, event)));
    }

    async fn sign_in(&mut self, number: usize) {
        let transport = match self.clients[number].kind {
            Kind::Browser => "cookie",
            Kind::Native => "body",
        };
        let answer = self.house.sign_in("demo-hybrid", transport).await;
        let client = &mut self.clients[number];
        client.jar = Jar::default();
        client.jar.keep(&answer);
        client.token = answer.body["refresh_token"].as_str().unwrap_or_default().to_owned();
        client.pending = None;
        client.session = answer.session_id();
        client.robbed = false;
        client.signed_in_at = self.now;
    }

    /// Runs until so many refreshes succeeded.
    async fn run(&mut self, refreshes: u64) {
        while self.tally.refreshed < refreshes {
            let Some(Reverse((time, _, event))) = self.queue.pop() else { break };
            self.house.advance(Lifetime::from_millis(time - self.now));
            self.now = time;
            match event {
                Event::Wants(client) => self.wants(client).await,
                Event::Arrives(flight) => self.arrives(flight).await,
                Event::Answered(flight, answer) => self.answered(flight, answer).await,
                Event::GivesUp(flight) => self.gives_up(flight),
            }
        }
    }

    /// A tab or worker needs a fresh access token.
    async fn wants(&mut self, number: usize) {
        let again = match self.chance.below(1000) {
            // A weekend offline.
            0..3 => 2 * 86_400_000 + self.chance.below(86_400_000) as i64,
            // Several at once, as after a wake-up.
            3..300 => self.chance.below(20_000) as i64,
            _ => 600_000 + self.chance.below(600_000) as i64,
        };
        self.at(again, Event::Wants(number));
        let day = 86_400_000;
        let old = self.now - self.clients[number].signed_in_at > 28 * day;
        if old && self.clients[number].lock.is_none() {
            self.sign_in(number).await;
            self.tally.repeated_sign_ins += 1;
        }
        let drawn = self.chance.key();
        let client = &mut self.clients[number];
        if client.kind == Kind::Browser && client.lock.is_some() {
            return;
        }
        let key = client.pending.get_or_insert(drawn).clone();
        let session = client.session.clone();
        let flight = Flight {
            client: number,
            token: client.token.clone(),
            jar: client.jar.clone(),
            key,
            thief: false,
            session,
        };
        self.depart(flight);
        if self.chance.below(400) == 0 && !self.clients[number].robbed {
            self.rob(number);
        }
    }

    /// A thief copies what the client holds, without the key of an attempt, and uses it soon.
    fn rob(&mut self, number: usize) {
        self.clients[number].robbed = true;
        self.tally.thefts += 1;
        let key = self.chance.key();
        let client = &self.clients[number];
        let session = client.session.clone();
        let flight = Flight {
            client: number,
            token: client.token.clone(),
            jar: client.jar.clone(),
            key,
            thief: true,
            session,
        };
        let after = self.chance.below(1_200_000) as i64;
        self.next += 1;
        let id = self.next;
        self.flights.insert(id, flight);
        self.at(after, Event::Arrives(id));
    }

    fn depart(&mut self, flight: Flight) {
        self.next += 1;
        let id = self.next;
        if self.clients[flight.client].kind == Kind::Browser {
            self.clients[flight.client].lock = Some(id);
        }
        self.flights.insert(id, flight);
        self.at(PATIENCE, Event::GivesUp(id));
        if self.chance.percent(8) {
            self.tally.lost += 1;
        } else {
            let delay = self.chance.delay();
            self.at(delay, Event::Arrives(id));
        }
    }

    async fn arrives(&mut self, id: u64) {
        let Some(flight) = self.flights.get(&id) else { return };
        let ask = Ask::post("/v1/session/refresh");
        let ask = match self.clients[flight.client].kind {
            Kind::Browser => ask.jar(&flight.jar).json(&json!({ "attempt": flight.key })),
            Kind::Native => ask.json(&json!({ "refresh_token": flight.token, "attempt": flight.key })),
        };
        let answer = self.house.send(ask).await;
        if self.chance.percent(8) && !flight.thief {
            self.tally.lost += 1;
            return;
        }
        self.answers.push(Some(answer));
        let place = self.answers.len() - 1;
        let delay = self.chance.delay();
        self.at(delay, Event::Answered(id, place));
    }

    /// Nobody waits any longer: the lock is free, the key stays pending.
    fn gives_up(&mut self, id: u64) {
        let Some(flight) = self.flights.get(&id) else { return };
        let client = &mut self.clients[flight.client];
        if client.kind == Kind::Browser {
            // The fetch is aborted: whatever comes of it is nobody's.
            if client.lock == Some(id) {
                client.lock = None;
            }
            self.flights.remove(&id);
        }
    }

    async fn answered(&mut self, id: u64, place: usize) {
        let answer = self.answers[place].take().expect("answered once");
        let Some(flight) = self.flights.remove(&id) else { return };
        let number = flight.client;
        let ended = matches!(answer.code(), "refresh_reused" | "session_ended");
        if flight.thief {
            if ended || answer.status.is_success() {
                self.visited.push((number, flight.session));
            }
            return;
        }
        if self.clients[number].lock == Some(id) {
            self.clients[number].lock = None;
        }
        let current = match self.clients[number].kind {
            Kind::Browser => true,
            Kind::Native => self.clients[number].token == flight.token,
        };
        let client = &mut self.clients[number];
        match (answer.status, answer.code()) {
            (StatusCode::OK, _) => {
                self.tally.refreshed += 1;
                client.refreshed += 1;
                if current {
                    client.jar.keep(&answer);
                    client.token = answer.body["refresh_token"].as_str().unwrap_or_default().to_owned();
                    // Now and then the page dies between the cookie and the end of its script.
                    if client.kind == Kind::Native || !self.chance.percent(2) {
                        client.pending = None;
                    }
                }
            }
            (StatusCode::CONFLICT, "refresh_superseded") => {
                self.tally.superseded += 1;
                if current && client.kind == Kind::Browser {
                    client.pending = None;
                }
                assert!(
                    !current || client.kind == Kind::Browser,
                    "a superseded answer to the current token: {answer:?}"
                );
            }
            (StatusCode::TOO_MANY_REQUESTS, "refresh_busy") => self.tally.busy += 1,
            _ if ended && client.robbed => {
                if current {
                    self.sign_in(number).await;
                    self.tally.repeated_sign_ins += 1;
                }
            }
            // An answer to a token of a session that a theft ended, and that was left behind since.
            _ if ended && !current => {}
            _ => panic!("an honest client was signed out at {} ms: {answer:?}", self.now),
        }
    }

    /// Every session that a thief came to is over at the latest when its honest client comes the next time.
    async fn all_thefts_are_caught(&mut self) {
        for (number, text) in std::mem::take(&mut self.visited) {
            let id = doorward_core::id::SessionId::parse(&text).expect("an id");
            let client = &self.clients[number];
            if client.session == text {
                let ask = Ask::post("/v1/session/refresh");
                let key = client.pending.clone().unwrap_or_else(|| String::from("the-honest-clients-last"));
                let ask = match client.kind {
                    Kind::Browser => ask.jar(&client.jar).json(&json!({ "attempt": key })),
                    Kind::Native => ask.json(&json!({ "refresh_token": client.token, "attempt": key })),
                };
                self.house.send(ask).await;
            }
            let session = self.house.door.sessions().session(id).await.expect("a store");
            assert!(session.is_none_or(|session| session.ended.is_some()), "a theft of {text} was not caught");
            self.tally.caught += 1;
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "a test may be told to run longer")]
fn is_long() -> bool {
    std::env::args().any(|argument| argument == "--long") || std::env::var_os("DOORWARD_LONG").is_some()
}

async fn simulate(ground: Ground, seed: u64, refreshes: u64) {
    let refreshes = if is_long() { refreshes * 10 } else { refreshes };
    println!("seed {seed}, {ground:?}");
    let mut world = World::new(ground, seed, 40).await;
    world.run(refreshes).await;
    world.all_thefts_are_caught().await;
    println!("{:?}", world.tally);
    // An honest client that is signed out ends the simulation where it happens.
    println!("assure: honest clients signed out, {ground:?} = 0");
    println!("assure: refreshes, {ground:?} = {}", world.tally.refreshed);
    println!("assure: requests and replies lost, {ground:?} = {}", world.tally.lost);
    // Of the last thieves some are still on their way when the simulation ends.
    println!("assure: thieves that came and were caught, {ground:?} = {0} of {0}", world.tally.caught);
    assert!(world.tally.refreshed >= refreshes);
    assert!(world.tally.caught > 0);
    assert!(world.tally.lost > refreshes / 20, "the network was not bad enough to mean anything");
}

mod slow {
    use super::{Ground, simulate};

    #[tokio::test]
    async fn no_honest_client_is_signed_out_over_memory() {
        simulate(Ground::Memory, 1, 100_000).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn no_honest_client_is_signed_out_over_sqlite() {
        simulate(Ground::Sqlite, 2, 100_000).await;
    }
}
