//! One verifier, one server, a network that delays, loses and cuts: all that can happen in a few seconds, tried out. The
//! verifier is the real one. Twice it must hold: a revoked session is refused once a lease has passed since the
//! revocation was committed (the bound), and at once when the server has said that all have heard of it (the barrier).
//!
//! Two mistakes are kept beside it, and must be found: heartbeats that are timed when they arrive, and a server that
//! forgets at its start that somebody may still trust what it wrote before.
#![expect(
    clippy::disallowed_methods,
    reason = "a slow proof hears from the environment whether it may take its time"
)]

use std::collections::{HashMap, VecDeque};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use doorward_verify::feed::{Bump, Echo, Event, Hello, Instance, Need, Ping, Range, Snapshot, Statement, StreamId};
use doorward_verify::{
    Cut, Entry, Freshness, Judgement, Key, Lifetime, Marks, Moment, Policy, Position, Replica, Scope, Strength,
    Timestamp,
};

/// In ticks of a second. The lease is used a thousandth shorter, so it lasts two ticks and is over at the second.
const LEASE: i64 = 2;
const SESSION: Key = Key([5; 16]);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Timing {
    /// From when the ping was sent: the real lease.
    Sent,
    /// From when a heartbeat arrives: as many do it.
    Arrival,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Start {
    /// A start of the server counts as a ping of everybody.
    CountsAsPing,
    /// A start knows of nobody.
    KnowsNobody,
}

#[derive(Clone, Copy)]
struct World {
    timing: Timing,
    start: Start,
    ticks: i64,
    restarts: u64,
    streams: u8,
    pings: usize,
}

#[derive(Clone)]
struct State {
    now: i64,
    /// When the session was revoked, and where.
    revoked: Option<(i64, Position)>,
    barrier: bool,
    generation: u64,
    head: u64,
    /// What is under way, each in order: the stream, the answers, the pings, one snapshot.
    stream: VecDeque<Event>,
    answers: VecDeque<Event>,
    pings: VecDeque<Ping>,
    snapshot: Option<Snapshot>,
    /// The stream that the server has open.
    open: Option<StreamId>,
    streams: u8,
    pinged: bool,
    /// What the server knows of the verifier: when its last ping came (or it started), and what that acknowledged.
    last_ping: Option<i64>,
    acked: bool,
    replica: Replica,
    /// For the mistake: fresh until then.
    fresh_until: i64,
}

fn moment(now: i64) -> Moment {
    Moment { running: Lifetime::from_secs(now), wall: Timestamp::from_secs(now) }
}

impl State {
    fn begin() -> Self {
        Self {
            now: 0,
            revoked: None,
            barrier: false,
            generation: 1,
            head: 0,
            stream: VecDeque::new(),
            answers: VecDeque::new(),
            pings: VecDeque::new(),
            snapshot: None,
            open: None,
            streams: 0,
            pinged: false,
            last_ping: None,
            acked: false,
            replica: Replica::new(Instance([0; 16]), Lifetime::from_secs(LEASE), Lifetime::ZERO),
            fresh_until: 0,
        }
    }

    /// 128 bits that stand for all of it.
    fn print(&self) -> u128 {
        let replica = &self.replica;
        let way = (&self.stream, &self.answers, &self.pings, &self.snapshot);
        let verifier =
            (replica.lease(), replica.applied(), replica.generation(), replica.stream(), replica.index().len());
        let server = (self.generation, self.head, self.open, self.streams, self.last_ping, self.acked);
        let all = (self.now, self.revoked, self.barrier, self.pinged, self.fresh_until, way, verifier, server);
        let half = |salt: u8| {
            let mut hasher = DefaultHasher::new();
            (salt, &all).hash(&mut hasher);
            hasher.finish()
        };
        u128::from(half(0)) << 64 | u128::from(half(1))
    }

    fn head(&self) -> Position {
        Position { generation: self.generation, seq: self.head }
    }

    fn entry(&self) -> Option<Entry> {
        self.revoked.map(|_| Entry {
            scope: Scope::Session,
            key: SESSION,
            strength: Strength::Terminal,
            min_rv: None,
            ttl: Lifetime::from_mins(60),
        })
    }

    fn range(&self, from: u64) -> Event {
        // The only line of the log is the revocation, in the generation it was made in.
        let place = self.revoked.map(|(_, place)| place);
        let within = place.is_some_and(|place| place.generation == self.generation && place.seq > from);
        let entries = self.entry().filter(|_| within).into_iter().collect();
        Event::Range(Range {
            generation: self.generation,
            from,
            to: self.head,
            gc_through: Position::START,
            entries,
            mac: String::new(),
        })
    }

    /// What gets somebody from a cursor to the head.
    fn catch_up(&self, cursor: Position) -> Vec<Event> {
        let mut events = Vec::new();
        if cursor.generation != self.generation {
            events.push(Event::Bump(Bump { head: self.head(), reason: "restart".to_owned() }));
            events.push(Event::Need(Need::Snapshot { head: self.head() }));
        } else if cursor.seq < self.head {
            events.push(self.range(cursor.seq));
        }
        events
    }

    fn accepts(&self, world: World) -> bool {
        let marks = Marks { session: Some(SESSION), at: Some(Position::START), ..Marks::default() };
        let policy = Policy { freshness: Freshness::Bounded, cut: Cut::Deny };
        match world.timing {
            Timing::Sent => self.replica.judge(&marks, policy, None, moment(self.now)) == Judgement::Accept,
            Timing::Arrival => self.now < self.fresh_until && self.replica.index().check(&marks).is_ok(),
        }
    }

    /// The verifier takes an event.
    fn take(&mut self, event: &Event, world: World) {
        let todo = self.replica.receive(event, moment(self.now));
        if let (Timing::Arrival, Event::Echo(echo)) = (world.timing, event)
            && self.replica.applied() >= echo.head
        {
            self.fresh_until = self.fresh_until.max(self.now + LEASE);
        }
        if todo.reconnect {
            self.cut();
        }
    }

    fn cut(&mut self) {
        (self.stream, self.answers, self.pings, self.snapshot, self.open) = Default::default();
        self.replica.close();
    }
}

/// Everything that can happen next.
struct Steps<'s> {
    state: &'s State,
    next: Vec<(State, &'static str)>,
}

impl Steps<'_> {
    fn when(&mut self, possible: bool, what: &'static str, change: impl FnOnce(&mut State)) {
        if possible {
            let mut after = self.state.clone();
            change(&mut after);
            self.next.push((after, what));
        }
    }
}

fn steps(state: &State, world: World) -> Vec<(State, &'static str)> {
    let mut steps = Steps { state, next: Vec::new() };
    steps.when(state.now < world.ticks, "tick", |after| {
        after.now += 1;
        after.pinged = false;
    });
    at_the_verifier(&mut steps, world);
    at_the_server(&mut steps, world);
    let is_connected = state.open.is_some() || !state.pings.is_empty() || !state.answers.is_empty();
    steps.when(is_connected, "cut", State::cut);
    steps.next
}

fn at_the_verifier(steps: &mut Steps<'_>, world: World) {
    let state = steps.state;
    steps.when(!state.pinged && state.pings.len() < world.pings, "ping", |after| {
        after.pinged = true;
        let ping = after.replica.ping(moment(after.now), Vec::new(), false);
        after.pings.push_back(ping);
    });
    steps.when(!state.stream.is_empty(), "an event of the stream arrives", |after| {
        let event = after.stream.pop_front().unwrap();
        after.take(&event, world);
    });
    steps.when(!state.answers.is_empty(), "an event of an answer arrives", |after| {
        let event = after.answers.pop_front().unwrap();
        after.take(&event, world);
    });
    steps.when(state.snapshot.is_some(), "the snapshot arrives", |after| {
        let snapshot = after.snapshot.take().unwrap();
        after.replica.restore(&snapshot);
    });
}

fn at_the_server(steps: &mut Steps<'_>, world: World) {
    let state = steps.state;
    steps.when(state.revoked.is_none() && state.now > 0, "revoke", |after| {
        after.head += 1;
        after.revoked = Some((after.now, after.head()));
        if after.open.is_some() {
            let range = after.range(after.head - 1);
            after.stream.push_back(range);
        }
    });
    let has_room = state.answers.len() < 3 && state.stream.len() < 4;
    steps.when(!state.pings.is_empty() && has_room, "the ping arrives", server_takes_ping);
    let wants_one = state.replica.applied().generation < state.replica.generation();
    steps.when(state.snapshot.is_none() && wants_one, "a snapshot is made", server_makes_snapshot);
    steps.when(state.open.is_none() && state.streams < world.streams, "connect", server_opens_stream);
    steps.when(state.generation <= world.restarts, "the server restarts", |after| {
        after.cut();
        after.generation += 1;
        after.head = 0;
        after.acked = false;
        after.last_ping = (world.start == Start::CountsAsPing).then_some(after.now);
    });
    let has_run_out = state.last_ping.is_none_or(|at| state.now >= at + LEASE);
    let may_return = state.revoked.is_some() && !state.barrier && (state.acked || has_run_out);
    steps.when(may_return, "the barrier returns", |after| after.barrier = true);
}

fn server_takes_ping(after: &mut State) {
    let ping = after.pings.pop_front().unwrap();
    after.last_ping = Some(after.now);
    if let Some((_, place)) = after.revoked {
        after.acked |= ping.applied >= place;
    }
    let echo =
        Event::Echo(Echo { n: ping.n, stream: ping.stream, head: after.head(), time: Timestamp::from_secs(0) });
    after.answers.extend(after.catch_up(ping.applied));
    after.answers.push_back(echo.clone());
    if ping.stream.is_some() && ping.stream == after.open {
        after.stream.push_back(echo);
    }
}

fn server_makes_snapshot(after: &mut State) {
    let entries: Vec<Entry> = after.entry().into_iter().collect();
    let statement = Statement {
        issuer: String::new(),
        issued_at: Timestamp::from_secs(0),
        expires_at: Timestamp::MAX,
        to: after.head(),
        gc_through: Position::START,
        count: entries.len() as u64,
        sha256: [0; 32],
    };
    after.snapshot = Some(Snapshot { statement, entries });
}

fn server_opens_stream(after: &mut State) {
    after.streams += 1;
    let stream = StreamId([after.streams; 16]);
    after.open = Some(stream);
    after.stream.push_back(Event::Hello(Hello {
        version: 1,
        stream,
        head: after.head(),
        lease: Lifetime::from_secs(LEASE),
        grace: Lifetime::ZERO,
        retention: Lifetime::from_mins(62),
        longest_token: Lifetime::from_mins(60),
        time: Timestamp::from_secs(0),
    }));
    let events = after.catch_up(after.replica.applied());
    after.stream.extend(events);
}

/// What goes wrong first, by the shortest way there; or how many states there are in which nothing does, and whether the
/// verifier ever accepted anything after a restart.
fn explore(world: World) -> Result<(usize, bool), (&'static str, Vec<&'static str>)> {
    let mut seen: HashMap<u128, Option<(u128, &'static str)>> = HashMap::new();
    let begin = State::begin();
    seen.insert(begin.print(), None);
    let mut queue = VecDeque::from([begin]);
    let mut accepted_again = false;
    while let Some(state) = queue.pop_front() {
        let print = state.print();
        if state.accepts(world) {
            let broken = match state.revoked {
                Some((at, _)) if state.now >= at + LEASE => Some("the bound"),
                _ if state.barrier => Some("the barrier"),
                _ => None,
            };
            if let Some(broken) = broken {
                return Err((broken, way(&seen, print)));
            }
            accepted_again |= state.generation > 1;
        }
        for (after, what) in steps(&state, world) {
            seen.entry(after.print()).or_insert_with(|| {
                queue.push_back(after);
                Some((print, what))
            });
        }
    }
    Ok((seen.len(), accepted_again))
}

fn way(seen: &HashMap<u128, Option<(u128, &'static str)>>, mut at: u128) -> Vec<&'static str> {
    let mut way = Vec::new();
    while let Some((before, what)) = seen[&at] {
        way.push(what);
        at = before;
    }
    way.reverse();
    way
}

const REAL: World =
    World { timing: Timing::Sent, start: Start::CountsAsPing, ticks: 3, restarts: 0, streams: 1, pings: 1 };

fn check(world: World, fewest: usize) {
    let (states, accepted_again) = explore(world).unwrap();
    assert!(states >= fewest, "{states} states");
    assert!(accepted_again || world.restarts == 0, "it comes back after a restart");
}

#[test]
fn bound_and_barrier_hold_whatever_the_network_does() {
    check(REAL, 400_000);
}

#[test]
fn they_hold_without_any_stream_across_a_restart() {
    check(World { ticks: 4, restarts: 1, streams: 0, ..REAL }, 250_000);
}

#[test]
fn heartbeats_timed_on_arrival_break_the_bound() {
    let (broken, way) = explore(World { timing: Timing::Arrival, ticks: 5, ..REAL }).unwrap_err();
    assert_eq!(broken, "the bound", "{way:?}");
}

#[test]
fn a_start_that_knows_of_nobody_breaks_the_barrier() {
    let (broken, way) = explore(World { start: Start::KnowsNobody, restarts: 1, ticks: 5, ..REAL }).unwrap_err();
    assert_eq!(broken, "the barrier", "{way:?}");
    assert!(way.contains(&"the server restarts"), "{way:?}");
}

mod slow {
    use super::*;

    #[test]
    fn bound_and_barrier_hold_across_a_restart_with_a_stream() {
        check(World { restarts: 1, ..REAL }, 1_400_000);
    }

    #[test]
    fn bound_and_barrier_hold_in_larger_worlds() {
        if std::env::var_os("DOORWARD_LONG").is_none_or(|word| word != "1") {
            return;
        }
        check(World { ticks: 4, ..REAL }, 1_500_000);
        check(World { streams: 2, ..REAL }, 1_000_000);
        check(World { pings: 2, ..REAL }, 600_000);
    }
}
