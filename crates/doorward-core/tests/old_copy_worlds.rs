//! An old copy of the database is put back, on every history of a small world: one session, one verifier with the real
//! lease, a file, a copy of it, and the mark beside it. What was ended stays ended, for ever and everywhere: the server mints
//! nothing for it, and the verifier accepts nothing of it once a lease has passed.
//!
//! Each rule is also left out once, and then there is a history in which the dead come back.

use std::collections::{HashSet, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};

use doorward_core::cursor::{Bounds, Standing, standing};
use doorward_core::generation::{self, Begun};
use doorward_core::{Lifetime, Position, Timestamp};
use doorward_verify::lease::{Lease, Moment};

/// A step of time, and the lease in it (used a thousandth shorter).
const TICK: i64 = 1000;
const LEASE: Lifetime = Lifetime::from_millis(2 * TICK);
const TICKS: i64 = 3;
const PINGS: u64 = 2;
const STARTS: u8 = 2;
/// Where the session was born.
const BORN: Position = Position { generation: 1, seq: 0 };

/// Which rules hold.
#[derive(Clone, Copy, Debug)]
struct Rules {
    /// A file that ends before the mark ends everybody.
    mark_ends_everybody: bool,
    /// A new generation is newer than the mark's, too.
    generations_go_on: bool,
}

const ALL: Rules = Rules { mark_ends_everybody: true, generations_go_on: true };

/// What stands in the file: how far the feed goes, and the lines that there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct File {
    head: Position,
    end: Option<Position>,
    everybody: Option<Position>,
}

/// The answer to a ping, under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Answer {
    n: u64,
    head: Position,
    /// Does it go on from where the verifier stood, or is it all there is?
    whole: bool,
    end: bool,
    everybody: Option<Position>,
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Tick,
    Mint,
    End,
    /// Somebody else's session ends.
    Other,
    Copy,
    /// The server starts, over the file that is there or over the copy.
    Start {
        old: bool,
    },
    Ping,
    Take(u8),
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct World {
    now: i64,
    file: File,
    copy: Option<File>,
    mark: Position,
    starts: u8,
    other: bool,
    /// Since when the session is dead.
    dead: Option<i64>,
    tokens: Vec<Position>,
    revived: bool,
    answers: Vec<Answer>,
    // The verifier.
    applied: Position,
    generation: u64,
    end: bool,
    everybody: Option<Position>,
    lease: Lease,
}

const fn moment(now: i64) -> Moment {
    Moment { running: Lifetime::from_millis(1_000_000 + now), wall: Timestamp::from_millis(1_000_000 + now) }
}

impl World {
    fn new() -> Self {
        Self {
            now: 0,
            file: File { head: BORN, end: None, everybody: None },
            copy: None,
            mark: BORN,
            starts: 0,
            other: false,
            dead: None,
            tokens: Vec::new(),
            revived: false,
            answers: Vec::new(),
            applied: BORN,
            generation: BORN.generation,
            end: false,
            everybody: None,
            lease: Lease::new(LEASE),
        }
    }

    fn accepts(&self) -> bool {
        let fresh = self.lease.is_fresh(moment(self.now));
        self.tokens.iter().any(|at| {
            fresh
                && at.generation <= self.generation
                && !self.end
                && self.everybody.is_none_or(|everybody| *at >= everybody)
        })
    }

    /// What must never be, in words.
    fn broken(&self) -> Option<&'static str> {
        if self.revived {
            return Some("a token is minted for the dead");
        }
        let late = self.dead.is_some_and(|at| self.now >= at + LEASE.millis());
        (late && self.accepts()).then_some("the dead are accepted")
    }

    fn steps(&self) -> Vec<Step> {
        let may = [
            (self.now < TICKS * TICK, Step::Tick),
            (self.tokens.len() < 2, Step::Mint),
            (self.file.end.is_none() && self.dead.is_none(), Step::End),
            (!self.other, Step::Other),
            (self.copy.is_none(), Step::Copy),
            (self.starts < STARTS, Step::Start { old: false }),
            (self.starts < STARTS && self.copy.is_some(), Step::Start { old: true }),
            (self.lease.last() < PINGS && self.answers.len() < 2, Step::Ping),
        ];
        let takes = (0..self.answers.len()).map(|place| Step::Take(place as u8));
        may.into_iter().filter(|(may, _)| *may).map(|(_, step)| step).chain(takes).collect()
    }

    fn after(&self, step: Step, rules: Rules) -> Self {
        let mut world = self.clone();
        match step {
            Step::Tick => world.now += TICK,
            Step::Mint => world.mint(),
            Step::End => {
                world.file.head.seq += 1;
                world.file.end = Some(world.file.head);
                world.mark = world.mark.max(world.file.head);
                world.dead = Some(world.now);
            }
            Step::Other => {
                world.file.head.seq += 1;
                world.mark = world.mark.max(world.file.head);
                world.other = true;
            }
            Step::Copy => world.copy = Some(world.file),
            Step::Start { old } => world.start(old, rules),
            Step::Ping => world.ping(),
            Step::Take(place) => world.take(usize::from(place)),
        }
        world
    }

    /// The server goes by the row that it has, and by the realm's epoch.
    fn mint(&mut self) {
        let alive = self.file.end.is_none() && self.file.everybody.is_none_or(|everybody| BORN >= everybody);
        self.revived |= alive && self.dead.is_some();
        if alive && !self.tokens.contains(&self.file.head) {
            self.tokens.push(self.file.head);
            self.tokens.sort_unstable();
        }
    }

    fn start(&mut self, old: bool, rules: Rules) {
        if old {
            self.file = self.copy.expect("there is one");
        }
        let marked = if rules.generations_go_on { self.mark } else { Position::START };
        // The clock on the wall stands still: nothing but the numbers makes a generation newer.
        let Begun { head, .. } = generation::begin(self.file.head, marked, Timestamp::from_secs(0));
        let lost = generation::begin(self.file.head, self.mark, Timestamp::from_secs(0)).lost;
        self.file.head = head;
        if lost.is_some() && rules.mark_ends_everybody {
            self.file.head.seq += 1;
            self.file.everybody = Some(self.file.head);
            self.dead = self.dead.or(Some(self.now));
        }
        self.mark = self.mark.max(self.file.head);
        self.starts += 1;
    }

    fn ping(&mut self) {
        let n = self.lease.ping(None, moment(self.now));
        let File { head, end, everybody } = self.file;
        // What a verifier is told of the generation that it knows is a word to the operator, and changes nothing here.
        let bounds = Bounds { resumed_from: head, watermark: Position::START, head };
        let whole = standing(Some(self.applied), bounds) != Standing::Behind;
        // (Who acknowledges more than there is gets no answer.)
        if standing(Some(self.applied), bounds) == Standing::Ahead {
            return;
        }
        let told = |line: Option<Position>| line.filter(|place| whole || *place > self.applied);
        self.answers.push(Answer { n, head, whole, end: told(end).is_some(), everybody: told(everybody) });
    }

    fn take(&mut self, place: usize) {
        let Answer { n, head, whole, end, everybody } = self.answers.remove(place);
        self.end |= end;
        self.everybody = self.everybody.max(everybody);
        if head.generation < self.generation {
            return;
        }
        if head.generation > self.generation {
            self.generation = head.generation;
            self.lease.drop_it();
        }
        if whole || self.applied.generation == head.generation {
            self.applied = self.applied.max(head);
        }
        self.lease.echo(n, None, head);
        self.lease.applied(self.applied);
    }
}

/// Walks through every history; gives how many worlds there are, or what is wrong in the first one that must not be, and
/// the way there.
fn explore(rules: Rules) -> Result<usize, (&'static str, Vec<String>)> {
    let (mut seen, mut came) = (HashSet::new(), vec![(0_usize, Step::Tick)]);
    let mut queue = VecDeque::from([(0_usize, World::new())]);
    while let Some((mut number, world)) = queue.pop_front() {
        if let Some(what) = world.broken() {
            let mut way = Vec::new();
            while number > 0 {
                way.push(format!("{:?}", came[number].1));
                number = came[number].0;
            }
            way.reverse();
            return Err((what, way));
        }
        for step in world.steps() {
            let next = world.after(step, rules);
            let mut hasher = DefaultHasher::new();
            next.hash(&mut hasher);
            if seen.insert(hasher.finish()) {
                queue.push_back((came.len(), next));
                came.push((number, step));
            }
        }
    }
    Ok(came.len())
}

#[track_caller]
fn lies(rules: Rules, expect: &str) {
    match explore(rules) {
        Ok(worlds) => panic!("nothing is wrong in {worlds} worlds without this rule: it proves nothing"),
        Err((what, way)) => {
            println!("{what}:\n  {}", way.join("\n  "));
            assert_eq!(what, expect, "{way:?}");
        }
    }
}

#[test]
fn what_was_ended_stays_ended_whatever_file_is_put_back() {
    match explore(ALL) {
        Ok(worlds) => assert!(worlds > 50_000, "{worlds} worlds are too few to mean anything"),
        Err((what, way)) => panic!("{what}:\n  {}", way.join("\n  ")),
    }
}

#[test]
fn without_the_mark_an_old_copy_brings_the_dead_back() {
    lies(Rules { mark_ends_everybody: false, ..ALL }, "a token is minted for the dead");
}

#[test]
fn a_generation_that_is_used_twice_hides_the_end_of_everybody() {
    lies(Rules { generations_go_on: false, ..ALL }, "the dead are accepted");
}
