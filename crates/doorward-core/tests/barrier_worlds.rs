//! The wait for all verifiers, on every history of a small world: one server that may restart, one verifier with the real
//! lease, messages that are late, lost and out of order. After the wait nobody accepts what was revoked, ever; and it takes
//! no longer than lease and grace.
//!
//! Each rule is also left out once, and then there is a history in which the wait lies.

use std::collections::{HashSet, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};

use doorward_core::barrier::{Barrier, Pinged, Wait, Who};
use doorward_core::id::VerifierId;
use doorward_core::{Lifetime, Position, Timestamp};
use doorward_verify::feed::Instance;
use doorward_verify::lease::{Lease, Moment};

/// A step of time.
const TICK: i64 = 1000;
/// So many of them there are.
const TICKS: i64 = 5;
const LEASE: Lifetime = Lifetime::from_millis(TICK);
/// So many pings there are.
const PINGS: u64 = 2;
const GRACE: Lifetime = Lifetime::from_millis(2 * TICK);
/// The most messages on their way in one direction.
const WIRE: usize = 2;
const WHO: Who = Who { verifier: VerifierId::from_bytes([1; 16]), instance: Instance([1; 16]) };
/// What is revoked stands there.
const PLACE: Position = Position { generation: 1, seq: 1 };
const BEFORE: Position = Position { generation: 1, seq: 0 };

/// Which rules hold.
#[derive(Clone, Copy, Debug)]
struct Rules {
    /// A start counts as a ping of everybody.
    start_counts: bool,
    /// A ping is on record before the head of its echo is read.
    record_first: bool,
    /// What is waited for is published before the wait begins.
    publish_first: bool,
    /// The grace of routes counts.
    grace_counts: bool,
    /// The verifier may leave. Not a rule, but room for more histories.
    leaving: bool,
}

const ALL: Rules =
    Rules { start_counts: true, record_first: true, publish_first: true, grace_counts: true, leaving: true };

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct PingOut {
    n: u64,
    applied: Position,
    leaving: bool,
    /// Half dealt with: what the first of the server's two steps did.
    half: bool,
    head: Position,
}

/// What comes back: an echo with all that was missed, or the revocation alone, by the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Back {
    Answer { n: u64, head: Position },
    Range,
}

/// What may happen. A number says which of the messages on their way is meant.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// Time passes.
    Tick,
    /// The verifier pings.
    Ping,
    /// The verifier says that it goes.
    Leave,
    /// A ping arrives, or is dealt with.
    Receive(u8),
    /// Something arrives at the verifier.
    Take(u8),
    /// The revocation is committed and published.
    Commit,
    /// The wait begins.
    Begin,
    /// The server starts anew.
    Restart,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct World {
    now: i64,
    // The server.
    head: Position,
    barrier: Barrier,
    wait: Option<Wait>,
    waited_since: i64,
    over: bool,
    committed: Option<i64>,
    restarts: u8,
    // The wire.
    pings: Vec<PingOut>,
    backs: Vec<Back>,
    // The verifier.
    lease: Lease,
    applied: Position,
    pinged: bool,
    left: bool,
}

impl World {
    fn new(rules: Rules) -> Self {
        let start = rules.start_counts.then(|| terms(rules));
        Self {
            now: 0,
            head: BEFORE,
            // Long after the first start.
            barrier: Barrier::begin(up(-100 * TICK), start),
            wait: None,
            waited_since: 0,
            over: false,
            committed: None,
            restarts: 0,
            pings: Vec::new(),
            backs: Vec::new(),
            lease: Lease::new(LEASE),
            applied: BEFORE,
            pinged: false,
            left: false,
        }
    }

    fn accepts(&self) -> bool {
        self.applied < PLACE && !self.left && self.lease.is_fresh_with(GRACE, moment(self.now))
    }

    /// What must never be; in words.
    fn broken(&self) -> Option<&'static str> {
        let bound = LEASE.millis() + GRACE.millis();
        if self.over && self.accepts() {
            return Some("accepted after the wait was over");
        }
        if self.accepts() && self.committed.is_some_and(|at| self.now >= at + bound) {
            return Some("accepted later than commit, lease and grace");
        }
        // Clocks may drift, so that a wait may take a little longer: in this world, one tick.
        let since = self.committed.map(|at| at.max(self.waited_since));
        if self.wait.is_some() && since.is_some_and(|since| self.now > since + bound + TICK) {
            return Some("the wait is endless");
        }
        None
    }

    /// What may happen next. What is on its way may stay there for ever: that is how a message is lost.
    fn steps(&self, rules: Rules) -> Vec<Step> {
        let committed = self.head == PLACE;
        let may_ping = !self.pinged && self.pings.len() < WIRE && self.lease.last() < PINGS;
        let place = |place: usize| place as u8;
        let may = [
            (self.now < TICKS * TICK, Step::Tick),
            (may_ping, Step::Ping),
            (may_ping && rules.leaving && !self.left && self.now > 0, Step::Leave),
            (!committed && (rules.publish_first || self.wait.is_some()), Step::Commit),
            (self.wait.is_none() && !self.over && committed == rules.publish_first, Step::Begin),
            (self.restarts == 0 && !self.over, Step::Restart),
        ];
        let mut steps: Vec<_> = may.into_iter().filter(|(may, _)| *may).map(|(_, step)| step).collect();
        steps.extend((0..self.pings.len()).map(|ping| Step::Receive(place(ping))));
        steps.extend((0..self.backs.len()).map(|back| Step::Take(place(back))));
        steps
    }

    fn after(&self, step: Step, rules: Rules) -> Self {
        let mut world = self.clone();
        match step {
            Step::Tick => {
                world.now += TICK;
                world.pinged = false;
                world.look();
            }
            Step::Ping => world.send(false),
            Step::Leave => world.send(true),
            Step::Receive(place) => world.receive(usize::from(place), rules),
            Step::Take(place) => world.take(usize::from(place)),
            Step::Commit => {
                world.head = PLACE;
                world.committed = Some(world.now);
                world.backs.push(Back::Range);
                world.look();
            }
            Step::Begin => {
                world.wait = Some(world.barrier.wait(PLACE, up(world.now)));
                world.waited_since = world.now;
                world.look();
            }
            Step::Restart => {
                world.barrier = Barrier::begin(up(world.now), rules.start_counts.then(|| terms(rules)));
                world.wait = None;
                world.restarts += 1;
                world.pings.retain(|ping| !ping.half);
            }
        }
        // In which order they lie on the wire is nothing, because any may be next.
        world.pings.sort_by_key(|ping| ping.n);
        world.backs.sort_by_key(|back| match back {
            Back::Answer { n, .. } => *n,
            Back::Range => 0,
        });
        world
    }

    fn send(&mut self, leaving: bool) {
        let n = self.lease.ping(None, moment(self.now));
        self.pings.push(PingOut { n, applied: self.applied, leaving, half: false, head: BEFORE });
        self.pinged = true;
        self.left |= leaving;
    }

    /// The server's two steps with a ping; anything may come between them.
    fn receive(&mut self, place: usize, rules: Rules) {
        let ping = self.pings[place];
        let record = |world: &mut Self| {
            let applied = ping.applied;
            let pinged = Pinged { who: WHO, terms: terms(rules), applied, leaving: ping.leaving, keys: None };
            world.barrier.ping(pinged, up(world.now));
            world.look();
        };
        match (ping.half, rules.record_first) {
            (false, true) => {
                record(self);
                self.pings[place].half = true;
            }
            (false, false) => {
                self.pings[place].head = self.head;
                self.pings[place].half = true;
            }
            (true, record_first) => {
                let head = if record_first { self.head } else { ping.head };
                if !record_first {
                    record(self);
                }
                self.pings.remove(place);
                self.backs.push(Back::Answer { n: ping.n, head });
            }
        }
    }

    fn take(&mut self, place: usize) {
        match self.backs.remove(place) {
            Back::Range => self.applied = PLACE,
            Back::Answer { n, head } => {
                // What it lacked comes with the answer, in front of the echo.
                self.applied = self.applied.max(head);
                self.lease.echo(n, None, head);
                self.lease.applied(self.applied);
            }
        }
    }

    /// The server looks whether the wait is over; not before what is waited for is there.
    fn look(&mut self) {
        let Some(wait) = &mut self.wait else { return };
        wait.look(&self.barrier, up(self.now));
        if wait.is_over() && self.head == PLACE {
            self.wait = None;
            self.over = true;
        }
    }
}

fn terms(rules: Rules) -> Lifetime {
    if rules.grace_counts { LEASE + GRACE } else { LEASE }
}

const fn up(now: i64) -> Lifetime {
    // Far enough from the beginning for everything to have happened before.
    Lifetime::from_millis(1_000_000 + now)
}

fn moment(now: i64) -> Moment {
    Moment { running: up(now), wall: Timestamp::from_millis(1_000_000 + now) }
}

/// What was found, and by which steps.
struct Lie {
    what: &'static str,
    history: Vec<String>,
}

/// Walks through every history; gives how many worlds there are, or the shortest way to one that must not be. Of a world
/// that was seen its hash is kept, and by which step from which other it came about.
fn explore(rules: Rules) -> Result<usize, Lie> {
    let mut seen: HashSet<u64> = HashSet::new();
    let mut came: Vec<(u32, Step)> = vec![(0, Step::Tick)];
    let mut queue = VecDeque::from([(0_u32, World::new(rules))]);
    while let Some((number, world)) = queue.pop_front() {
        if let Some(what) = world.broken() {
            return Err(Lie { what, history: told(&came, number) });
        }
        // Nothing that matters can happen any more.
        if world.over && world.applied == PLACE {
            continue;
        }
        for step in world.steps(rules) {
            let next = world.after(step, rules);
            if seen.insert(hash(&next)) {
                queue.push_back((u32::try_from(came.len()).expect("a small world"), next));
                came.push((number, step));
            }
        }
    }
    Ok(came.len())
}

fn hash(world: &World) -> u64 {
    let mut hasher = DefaultHasher::new();
    world.hash(&mut hasher);
    hasher.finish()
}

fn told(came: &[(u32, Step)], mut number: u32) -> Vec<String> {
    let mut history = Vec::new();
    while number > 0 {
        let (from, step) = came[number as usize];
        history.push(format!("{step:?}"));
        number = from;
    }
    history.reverse();
    history
}

#[track_caller]
fn lies(rules: Rules, expect: &str) {
    match explore(rules) {
        Ok(worlds) => panic!("no lie in {worlds} worlds without this rule: it proves nothing"),
        Err(lie) => {
            println!("{}:\n  {}", lie.what, lie.history.join("\n  "));
            assert_eq!(lie.what, expect, "{:#?}", lie.history);
        }
    }
}

const LIE: &str = "accepted after the wait was over";

#[test]
fn after_the_wait_nobody_accepts_what_was_revoked_in_any_history() {
    match explore(ALL) {
        Ok(worlds) => assert!(worlds > 10_000, "{worlds} worlds are too few to mean anything"),
        Err(lie) => panic!("{}:\n  {}", lie.what, lie.history.join("\n  ")),
    }
}

#[test]
fn a_wait_straight_after_a_start_lies_unless_the_start_counts_as_a_ping() {
    lies(Rules { start_counts: false, ..ALL }, LIE);
}

#[test]
fn a_head_that_is_read_before_the_ping_is_on_record_makes_the_wait_lie() {
    lies(Rules { record_first: false, ..ALL }, LIE);
}

#[test]
fn a_wait_that_begins_before_what_it_waits_for_is_published_lies() {
    lies(Rules { publish_first: false, ..ALL }, LIE);
}

#[test]
fn a_wait_that_forgets_the_grace_of_routes_lies() {
    lies(Rules { grace_counts: false, ..ALL }, LIE);
}
