//! One history: a server, eight verifiers, a network between them, and everything that may go wrong.

use std::collections::BTreeMap;

use doorward_core::audit::Kind;
use doorward_core::change::DirectoryChange;
use doorward_core::feed::Line;
use doorward_core::policy::ACCESS_LONGEST;
use doorward_core::session::Session;
use doorward_core::{Lifetime, Position};
use doorward_store::memory::{Fault as StoreFault, Memory};
use doorward_store::suite::cast;
use doorward_store::{Committed, Directory as _, Opening, Origin, Sessions as _};
use doorward_verify::feed::{Event, Ping, Place, Snapshot, Written};
use doorward_verify::kept::{Kept, Verdict};
use doorward_verify::{Moment, Todo};

use super::chance::{Chance, Clock};
use super::node::Node;
use super::server::{MINUTE, Server};
use super::truth::{Dead, Life, Token, Truth};
use super::{Fault, Parcel, signer};

mod chaos;

pub(crate) const NODES: usize = 8;
/// So many steps a history has, but for the healing.
const STEPS: u64 = 160;
const USERS: u8 = 4;

/// What happens next.
enum Step {
    /// A verifier looks at its clock.
    Tick(Run),
    PingComes(Run, Ping),
    AnswerComes(Run, u64, Option<Vec<Parcel>>),
    /// A verifier wants a stream.
    Call(Run, u64, Option<Position>),
    /// What the stream of a number brings: its event of a number.
    Bring(Run, u64, u64, Parcel),
    /// The server's end of a stream is gone.
    Gone(Run, u64),
    /// The verifier's is.
    Hung(u64),
    WantSnapshot(Run),
    SnapshotComes(Run, Option<(Snapshot, Vec<u8>)>),
    /// A verifier asks for the record of a session; the server reads the head, and then the session.
    WantRecord(Run, usize, Moment),
    ReadRecord(Run, usize, Moment, u64, Position),
    RecordComes(Run, usize, Option<Kept>),
    Pump,
    Send(u64),
    /// A minute has passed since the last sweep of this start, or an operator wants one.
    Sweep(Option<u64>),
    /// Somebody looks whether a wait is over.
    Look,
    /// A token of a session is about to be minted; what was read first.
    Mint(usize, u64, Position, Option<Session>),
    /// The server comes up again.
    Up {
        old_copy: Option<usize>,
        reboots: bool,
    },
    /// By now a death must be known everywhere.
    Deadline,
    Chaos,
}

/// A verifier, and which run of it.
type Run = (usize, u64);

/// What the network does to one verifier, and until when.
#[derive(Clone, Copy, Default)]
struct Way {
    up_cut: i64,
    down_cut: i64,
    buffered: i64,
    slow: i64,
    /// When the last event of its stream comes.
    last: i64,
}

/// See the head of this file.
pub(crate) struct World {
    pub(crate) truth: Truth,
    chance: Chance,
    fault: Fault,
    now: i64,
    next: u64,
    queue: BTreeMap<(i64, u64), Step>,
    server: Option<Server>,
    /// The file, while nobody has it open.
    disk: Option<Memory>,
    copies: Vec<Memory>,
    marked: Position,
    server_clock: Clock,
    starts: u64,
    nodes: Vec<Node>,
    runs: [u64; NODES],
    lines: [Way; NODES],
    lease: Lifetime,
    conns: u64,
    is_quiet: bool,
    /// Events go as bytes.
    wire: bool,
}

impl World {
    /// `base` is a file with an application and its users.
    pub(crate) async fn new(seed: u64, fault: Fault, base: &Memory) -> Self {
        let mut chance = Chance(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let memory = base.copied().expect("a store");
        let server_clock = Clock::drawn(&mut chance, 0);
        let lease = Lifetime::from_millis(chance.one_of(&[500, 1_000, 3_000, 3_000]));
        let mut world = Self {
            truth: Truth::default(),
            fault,
            now: 0,
            next: 0,
            queue: BTreeMap::new(),
            server: None,
            disk: None,
            copies: Vec::new(),
            marked: Position::START,
            server_clock,
            starts: 1,
            nodes: Vec::new(),
            runs: [0; NODES],
            lines: [Way::default(); NODES],
            lease,
            conns: 0,
            is_quiet: false,
            wire: seed % 16 == 3,
            chance,
        };
        world.truth.tally.histories = 1;
        // Long after the first start, or just then.
        let server = Server::start(memory, server_clock, Fault::None, -1_000_000).await;
        world.server = Some(server);
        for node in 0..NODES {
            let clock = Clock::drawn(&mut world.chance, 0);
            let grace = Lifetime::from_millis(world.chance.one_of(&[0, 0, 2_000]));
            world.nodes.push(Node::new(node as u8 + 1, 0, (lease, grace), clock, 0));
        }
        for _ in 0..3 {
            world.open_session().await;
        }
        for node in 0..NODES {
            world.begin_well((node, 0)).await;
        }
        world.after(0, Step::Sweep(Some(1)));
        let first = world.chance.between(1, 60);
        world.after(first, Step::Chaos);
        world
    }

    /// A verifier that is up and fresh, without a network in between.
    async fn begin_well(&mut self, run: Run) {
        let ticks = self.chance.between(1, self.lease.millis() / 3);
        self.after(ticks, Step::Tick(run));
        if self.chance.percent(12) {
            return;
        }
        let (now, conn) = (self.now, self.conns + 1);
        self.conns = conn;
        let node = &mut self.nodes[run.0];
        let server = self.server.as_mut().expect("it is up");
        let events = server.listen(conn, (node.who, run), (node.lease, node.grace), None, now);
        node.open(conn, now);
        for (number, parcel) in sealed(&events, node, Place::Stream(0), self.wire).into_iter().enumerate() {
            node.hear(number as u64, parcel, now);
        }
        server.streams.get_mut(&conn).expect("it is open").next = events.len() as u64;
        let snapshot = server.snapshot(now).await;
        node.restore(None, Some(snapshot), now);
        let ping = node.ping(false, now);
        let answer = server.ping(node.who, &ping, now).await.expect("it is behind");
        let parcels = sealed(&answer, node, Place::Ping { ping: ping.n, number: 0 }, self.wire);
        node.answer(ping.n, Some(parcels), now);
    }

    /// Runs the history to its end.
    ///
    /// # Errors
    /// What must not be, in words.
    pub(crate) async fn run(&mut self) -> Result<(), String> {
        self.go_on(STEPS).await?;
        if self.chance.percent(1) {
            self.heal().await?;
        }
        Ok(())
    }

    async fn go_on(&mut self, steps: u64) -> Result<(), String> {
        for step in 0..steps {
            let Some(((at, _), next)) = self.queue.pop_first() else { break };
            self.now = self.now.max(at);
            self.truth.tally.steps += 1;
            let touched = self.take(next).await?;
            if let Some(node) = touched {
                self.truth.check(&self.nodes[node], self.fault, self.now)?;
            } else if step.is_multiple_of(16) {
                self.check_all()?;
            }
        }
        self.check_all()
    }

    fn check_all(&mut self) -> Result<(), String> {
        for node in &self.nodes {
            self.truth.check(node, self.fault, self.now)?;
        }
        self.check_door()
    }

    /// The server's own door refuses at once, and nobody else.
    fn check_door(&mut self) -> Result<(), String> {
        let Some(server) = &mut self.server else { return Ok(()) };
        let wall = server.time(self.now);
        for token in self.truth.tokens.iter().filter(|token| wall < token.expires) {
            let (life, verdict) = (&self.truth.lives[token.life], server.cached.check(&token.marks));
            let dead = self.truth.death(life, token.marks.at).is_some();
            if life.lost {
                continue;
            }
            if verdict.is_ok() && dead && self.fault != Fault::ForgetsEarly {
                return Err(format!("the door accepts session {}", life.number));
            }
            if verdict == Err(doorward_core::Rejection::TokenRevoked) && !dead {
                return Err(format!("the door sends session {} away", life.number));
            }
        }
        Ok(())
    }

    /// Everything is well again: whoever is up must be fresh soon, and accept the living.
    async fn heal(&mut self) -> Result<(), String> {
        self.is_quiet = true;
        self.lines = [Way::default(); NODES];
        for node in &mut self.nodes {
            node.clock.wall_off = 0;
        }
        self.server_clock.wall_off = 0;
        if let Some(server) = &mut self.server {
            server.clock.wall_off = 0;
        }
        let until = self.now + 12_000 + 3 * self.lease.millis();
        while let Some(first) = self.queue.first_key_value().map(|((at, _), _)| *at) {
            if first > until {
                break;
            }
            self.go_on(1).await?;
        }
        self.now = self.now.max(until);
        if self.server.is_none() {
            return Err(String::from("the server never came up again"));
        }
        let moment = |node: &Node| node.clock.moment(self.now);
        let stuck = self.nodes.iter().find(|node| !node.has_left && !node.replica.lease().is_fresh(moment(node)));
        self.truth.tally.healed += 1;
        match stuck {
            Some(node) => Err(format!("{} is not fresh although all is well: {:?}", node.who.instance, node.replica)),
            None => Ok(()),
        }
    }

    fn after(&mut self, delay: i64, step: Step) {
        self.next += 1;
        self.queue.insert((self.now + delay.max(0), self.next), step);
    }

    fn is_current(&self, run: Run) -> bool {
        self.runs[run.0] == run.1
    }

    /// Does one thing; gives the verifier that it happened to.
    async fn take(&mut self, step: Step) -> Result<Option<usize>, String> {
        match step {
            Step::Tick(run) if self.is_current(run) => return Ok(self.tick(run)),
            Step::AnswerComes(run, n, parcels) if self.is_current(run) => {
                let todo = self.nodes[run.0].answer(n, parcels, self.now);
                self.follow(run, todo);
                return Ok(Some(run.0));
            }
            Step::Bring(run, conn, number, parcel) if self.is_current(run) => {
                return Ok(self.bring(run, conn, number, parcel));
            }
            Step::Gone(run, conn) if self.is_current(run) => self.hang_up(run, conn),
            Step::SnapshotComes(run, snapshot) if self.is_current(run) => return Ok(self.restore(run, snapshot)),
            Step::RecordComes(run, life, kept) if self.is_current(run) => {
                let records = &mut self.nodes[run.0].kept;
                records.retain(|(other, _)| *other != life);
                records.extend(kept.map(|kept| (life, kept)));
                return Ok(Some(run.0));
            }
            Step::Tick(_) | Step::AnswerComes(..) | Step::Bring(..) | Step::Gone(..) => {}
            Step::SnapshotComes(..) | Step::RecordComes(..) => {}
            Step::Chaos => self.chaos().await?,
            Step::Deadline => self.check_all()?,
            Step::Up { old_copy, reboots } => self.come_up(old_copy, reboots).await?,
            other => self.serve(other).await?,
        }
        Ok(None)
    }

    // What a verifier does.

    fn tick(&mut self, run: Run) -> Option<usize> {
        let (node, now) = (&mut self.nodes[run.0], self.now);
        if node.has_left {
            return None;
        }
        let moment = node.clock.moment(now);
        let mut todo = node.replica.tick(moment);
        todo.snapshot = node.replica.wants_snapshot();
        let silent = now - node.heard > 2 * node.lease.millis();
        if let Some(conn) = node.stream.as_ref().filter(|_| silent).map(|stream| stream.conn) {
            self.hang_up(run, conn);
        }
        let node = &mut self.nodes[run.0];
        node.kept
            .retain(|(_, kept)| kept.judge(&node.replica, Default::default(), None, moment) != Verdict::FetchAgain);
        if node.stream.is_none() && (node.calls.is_none() || silent) && (self.is_quiet || self.chance.percent(50)) {
            self.conns += 1;
            let applied = self.nodes[run.0].replica.applied();
            let cursor = (applied.generation > 0).then_some(applied);
            self.nodes[run.0].calls = Some(self.conns);
            self.up(run, Step::Call(run, self.conns, cursor));
        }
        self.follow(run, todo);
        let third = self.lease.millis() / 3;
        self.after(third, Step::Tick(run));
        Some(run.0)
    }

    /// Does what is due.
    fn follow(&mut self, run: Run, todo: Todo) {
        if todo.reconnect
            && let Some(stream) = &self.nodes[run.0].stream
        {
            let conn = stream.conn;
            self.hang_up(run, conn);
        }
        if todo.snapshot && !self.nodes[run.0].fetches {
            self.nodes[run.0].fetches = true;
            self.up(run, Step::WantSnapshot(run));
            // Who hears nothing asks again.
            self.after(2_500, Step::SnapshotComes(run, None));
        }
        if todo.ping && !self.nodes[run.0].has_left {
            self.ping(run, false);
        }
    }

    fn ping(&mut self, run: Run, leaving: bool) {
        let ping = self.nodes[run.0].ping(leaving, self.now);
        if self.chance.percent(3) {
            self.up(run, Step::PingComes(run, ping.clone()));
        }
        self.up(run, Step::PingComes(run, ping));
    }

    fn bring(&mut self, run: Run, conn: u64, number: u64, parcel: Parcel) -> Option<usize> {
        let node = &mut self.nodes[run.0];
        if node.calls == Some(conn) && number == 0 {
            node.open(conn, self.now);
        }
        if node.stream.as_ref().is_none_or(|stream| stream.conn != conn) {
            return None;
        }
        let todo = node.hear(number, parcel, self.now);
        self.truth.tally.broken += u64::from(todo.reconnect);
        self.follow(run, todo);
        Some(run.0)
    }

    fn restore(&mut self, run: Run, snapshot: Option<(Snapshot, Vec<u8>)>) -> Option<usize> {
        let node = &mut self.nodes[run.0];
        node.fetches = false;
        let (snapshot, bytes) = snapshot?;
        self.truth.tally.snapshots += 1;
        let todo = match self.wire {
            true => node.restore(Some((bytes, signer::keys())), None, self.now),
            false => node.restore(None, Some(snapshot), self.now),
        };
        self.follow(run, todo);
        Some(run.0)
    }

    fn hang_up(&mut self, run: Run, conn: u64) {
        let node = &mut self.nodes[run.0];
        if node.stream.as_ref().is_some_and(|stream| stream.conn == conn) {
            node.close();
            self.up(run, Step::Hung(conn));
        }
    }

    // The network.

    /// Towards the server.
    fn up(&mut self, run: Run, step: Step) {
        if self.lines[run.0].up_cut > self.now || (!self.is_quiet && self.chance.percent(4)) {
            return;
        }
        let delay = if self.is_quiet { 3 } else { self.chance.delay() };
        self.after(delay, step);
    }

    /// Towards a verifier, each message by itself.
    fn down(&mut self, run: Run, step: Step) {
        let line = self.lines[run.0];
        if line.down_cut > self.now || (!self.is_quiet && self.chance.percent(4)) {
            return;
        }
        let delay = if self.is_quiet { 3 } else { self.chance.delay() };
        self.after(delay.max(line.buffered - self.now), step);
    }

    /// Towards a verifier, in order, as a connection does it; unless something on the way is broken.
    fn along(&mut self, run: Run, conn: u64, number: u64, parcel: Parcel) {
        let line = &mut self.lines[run.0];
        if line.down_cut > self.now {
            return;
        }
        let delay = if self.is_quiet { 2 } else { self.chance.between(1, 40) };
        let at = (self.now + delay).max(line.buffered).max(line.last);
        line.last = at;
        let odd = if self.is_quiet { 99 } else { self.chance.below(100) };
        if odd == 0 {
            self.after(at - self.now + 25, Step::Bring(run, conn, number, parcel.clone()));
        }
        // (Of two at the same time the first that was sent comes first; one that is held up comes after later ones.)
        let held = if odd == 1 { 60 } else { 0 };
        self.after(at - self.now + held, Step::Bring(run, conn, number, parcel));
    }

    // What the server does.

    async fn serve(&mut self, step: Step) -> Result<(), String> {
        let now = self.now;
        let Some(server) = &mut self.server else { return Ok(()) };
        match step {
            Step::PingComes(run, ping) => {
                let node = &self.nodes[run.0];
                // What a run of before has sent is answered, and nobody is there to read it.
                let who = if self.runs[run.0] == run.1 { node.who } else { who_was(node, &ping) };
                let answer = server.ping(who, &ping, now).await;
                let place = Place::Ping { ping: ping.n, number: 0 };
                let is_current = self.runs[run.0] == run.1;
                let parcels = answer.filter(|_| is_current).map(|events| sealed(&events, node, place, self.wire));
                if is_current {
                    self.down(run, Step::AnswerComes(run, ping.n, parcels));
                }
                self.look()?;
                self.send_soon();
            }
            Step::Call(run, conn, cursor) if self.runs[run.0] == run.1 => self.call(run, conn, cursor),
            Step::Hung(conn) => drop(server.streams.remove(&conn)),
            Step::WantSnapshot(run) => {
                let snapshot = server.snapshot(now).await;
                let bytes = if self.wire { signer::snapshot(&snapshot) } else { Vec::new() };
                self.down(run, Step::SnapshotComes(run, Some((snapshot, bytes))));
            }
            Step::WantRecord(run, life, read) => {
                let (head, starts) = (server.head(), self.starts);
                let pause = self.chance.between(0, 120);
                self.after(pause, Step::ReadRecord(run, life, read, starts, head));
            }
            Step::ReadRecord(run, life, read, starts, rv) if starts == self.starts => {
                let session = alive(server, self.truth.lives[life].number, now).await;
                let kept = session.map(|session| Kept {
                    marks: session.marks(session.user.map(cast::handle_of), rv),
                    read,
                    keep: ACCESS_LONGEST.min(session.expires_at - server.clock.wall(now)),
                    expires_at: session.expires_at,
                    idle_expires_at: session.idle_expires_at(),
                });
                self.down(run, Step::RecordComes(run, life, kept));
            }
            Step::Pump => {
                server.pump();
                self.send_soon();
            }
            Step::Send(conn) => self.send(conn).await,
            Step::Sweep(start) if start.is_none_or(|start| start == self.starts) => {
                let before = server.cached.with_index(doorward_core::Revocations::len);
                server.sweep(now).await;
                let after = server.cached.with_index(doorward_core::Revocations::len);
                self.truth.tally.forgotten += (before - after) as u64;
                if let Some(start) = start {
                    self.after(MINUTE.millis() - 5_000, Step::Sweep(Some(start)));
                }
            }
            Step::Look => self.look()?,
            Step::Mint(life, starts, head, session) if starts == self.starts => self.mint(life, head, session).await,
            _ => {}
        }
        Ok(())
    }

    fn call(&mut self, run: Run, conn: u64, cursor: Option<Position>) {
        let (Some(server), node) = (&mut self.server, &self.nodes[run.0]) else { return };
        let events = server.listen(conn, (node.who, run), (node.lease, node.grace), cursor, self.now);
        let parcels = sealed(&events, node, Place::Stream(0), self.wire);
        server.streams.get_mut(&conn).expect("it is open").next = parcels.len() as u64;
        for (number, parcel) in parcels.into_iter().enumerate() {
            self.along(run, conn, number as u64, parcel);
        }
        self.after(5, Step::Send(conn));
    }

    fn look(&mut self) -> Result<(), String> {
        let now = self.now;
        let Some(server) = &mut self.server else { return Ok(()) };
        let over = server.look(now);
        let next = server.next_look(now);
        for wait in &over {
            self.truth.tally.expired += wait.expired().len() as u64;
            self.truth.seal(wait.place());
        }
        if let Some(next) = next {
            self.after(next, Step::Look);
        }
        if over.is_empty() { Ok(()) } else { self.check_all() }
    }

    /// Every stream that has something to say says it when its socket has room.
    fn send_soon(&mut self) {
        let Some(server) = &self.server else { return };
        let conns: Vec<_> = server.streams.iter().map(|(conn, out)| (*conn, out.node.0)).collect();
        for (conn, node) in conns {
            let slow = self.lines[node].slow - self.now;
            let delay = if slow > 0 { slow } else { 1 };
            self.after(delay, Step::Send(conn));
        }
    }

    async fn send(&mut self, conn: u64) {
        let Some(server) = &mut self.server else { return };
        let (events, is_gone) = server.send(conn).await;
        self.truth.tally.conflated += u64::from(is_gone);
        let Some(out) = server.streams.get_mut(&conn).filter(|_| !events.is_empty()) else { return };
        let (run, first) = (out.node, out.next);
        out.next += events.len() as u64;
        if self.runs[run.0] != run.1 {
            return;
        }
        let parcels = sealed(&events, &self.nodes[run.0], Place::Stream(first), self.wire);
        for (number, parcel) in (first..).zip(parcels) {
            self.along(run, conn, number, parcel);
        }
        self.after(1, Step::Send(conn));
    }

    /// Commits, tells what is so from now on, and gives the place; `None` if the caller is told of no success.
    async fn commit(&mut self, change: DirectoryChange, kind: Kind, faulty: bool) -> Option<Position> {
        let now = self.now;
        let server = self.server.as_mut()?;
        let (before, wall) = (server.head(), server.time(now));
        let fault = if faulty { self.chance.below(40) } else { 99 };
        let fault = match fault {
            0 => Some(StoreFault::Lost),
            1 => Some(StoreFault::ReplyLost),
            _ => None,
        };
        server.memory.fail_next(fault).expect("a store");
        let committed = server.cached.commit_durable(change, cast::event(kind, wall)).await;
        self.settle(before).await;
        match committed {
            Ok(Committed::Done(receipt)) => Some(receipt.head),
            Ok(Committed::Conflict) | Err(_) => None,
        }
    }

    /// Looks at what the store says now.
    async fn settle(&mut self, before: Position) {
        let now = self.now;
        let Some(server) = &mut self.server else { return };
        let lines = server.memory.feed_after(before, 1_000).await.expect("a store");
        let user_of = |line: &Line| (1..=USERS).find(|user| cast::handle(*user) == line.entry.key);
        self.truth.learn(&lines, user_of, now);
        let head = server.memory.head().await.expect("a store");
        self.marked = self.marked.max(head);
        let mut died = false;
        for life in self.truth.lives.iter_mut().filter(|life| life.dead.is_none() && !life.lost) {
            match lives(server, life.number).await {
                Some(true) => {}
                Some(false) => {
                    life.dead = Some(Dead { at: now, place: head, sealed: false });
                    died = true;
                }
                None => life.lost = true,
            }
        }
        if head > before {
            let pause = self.chance.between(0, 3);
            self.after(pause, Step::Pump);
        }
        if died {
            for bound in [self.lease, self.lease + Lifetime::from_millis(2_000)] {
                self.after(bound.millis(), Step::Deadline);
            }
        }
    }

    async fn mint(&mut self, life: usize, head: Position, read: Option<Session>) {
        let (now, number) = (self.now, self.truth.lives[life].number);
        let Some(server) = &mut self.server else { return };
        let Some(time) = server.time_to_mint(now) else {
            self.truth.tally.unminted += 1;
            return;
        };
        let (session, rv) = match self.fault {
            Fault::HeadAfterSession => (read, server.head()),
            _ => (alive(server, number, now).await, head),
        };
        let Some(session) = session else { return };
        let life_ms = self.chance.one_of(&[60_000, 900_000, ACCESS_LONGEST.millis()]);
        let marks = session.marks(session.user.map(cast::handle_of), rv);
        let expires = time + Lifetime::from_millis(life_ms);
        self.truth.tokens.retain(|token| token.expires + ACCESS_LONGEST + ACCESS_LONGEST > time);
        if self.truth.tokens.len() < 14 {
            self.truth.tokens.push(Token { life, marks, expires });
        }
    }

    async fn begin_mint(&mut self, life: usize) {
        let Some(server) = &mut self.server else { return };
        let (now, head) = (self.now, server.head());
        let read = match self.fault {
            Fault::HeadAfterSession => alive(server, self.truth.lives[life].number, now).await,
            _ => None,
        };
        let pause = self.chance.one_of(&[0, 0, 3, 90]);
        self.after(pause, Step::Mint(life, self.starts, head, read));
    }

    async fn open_session(&mut self) {
        let now = self.now;
        let number = self.truth.lives.len() as u8 + 1;
        let Some(server) = self.server.as_mut().filter(|_| number < 120) else { return };
        let (born, time, user) = (server.head(), server.time(now), self.chance.between(1, i64::from(USERS)) as u8);
        let session = Session {
            idle: Lifetime::from_days(14),
            expires_at: time + Lifetime::from_days(30),
            last_seen_at: time,
            created_at: time,
            ..cast::session(number, Some(user), born)
        };
        let opened = server.cached.commit(cast::open(session)).await.expect("a store");
        assert!(matches!(opened, Committed::Done(_)), "nobody has that number");
        let life = self.truth.lives.len();
        self.truth.lives.push(Life { number, user, dead: None, lost: false });
        self.settle(born).await;
        self.begin_mint(life).await;
    }

    async fn come_up(&mut self, old_copy: Option<usize>, reboots: bool) -> Result<(), String> {
        if self.server.is_some() {
            return Ok(());
        }
        let disk = self.disk.take().expect("it is down");
        if reboots {
            self.server_clock = self.server_clock.rebooted(self.now);
        }
        let wall = self.server_clock.wall(self.now);
        let file = match old_copy {
            Some(copy) => self.copies[copy].copied(),
            None => Ok(disk),
        };
        let memory = file.and_then(|file| file.reopened(wall, self.marked)).expect("a store");
        let before = memory.head().await.expect("a store");
        self.starts += 1;
        self.after(0, Step::Sweep(Some(self.starts)));
        self.truth.tally.restarts += 1;
        self.truth.tally.put_back += u64::from(old_copy.is_some());
        self.server = Some(Server::start(memory, self.server_clock, self.fault, self.now).await);
        self.settle(Position { seq: before.seq.saturating_sub(1), ..before }).await;
        self.check_all()
    }

    fn go_down(&mut self) {
        let Some(server) = self.server.take() else { return };
        self.disk = Some(server.memory.copied().expect("a store"));
        for (conn, out) in &server.streams {
            let (conn, run) = (*conn, out.node);
            self.down(run, Step::Gone(run, conn));
        }
    }
}

/// A file with an application and its users.
pub(crate) async fn base() -> Memory {
    let memory = Memory::open(Opening { now: cast::NOON, database: [1; 16], origin: Origin::Serve });
    let add = cast::add_client(cast::client(1));
    memory.commit_durable(add, cast::event(Kind::ClientCreated, cast::NOON)).await.expect("a store");
    for user in 1..=USERS {
        let add = cast::add_user(cast::user(user));
        memory.commit_durable(add, cast::event(Kind::UserCreated, cast::NOON)).await.expect("a store");
    }
    memory
}

/// Which instance of before has sent a ping.
fn who_was(node: &Node, ping: &Ping) -> doorward_core::barrier::Who {
    doorward_core::barrier::Who { instance: ping.instance, ..node.who }
}

/// Events as they are under way to a verifier.
fn sealed(events: &[Event], node: &Node, mut place: Place, wire: bool) -> Vec<Parcel> {
    let mut parcels = Vec::with_capacity(events.len());
    for event in events {
        parcels.push(match wire {
            false => Parcel::Event(event.clone()),
            true => {
                let written = Written::of(event);
                let mut bytes = written.shared().to_vec();
                written.seal(node.key(), place, &mut bytes);
                Parcel::Bytes(bytes)
            }
        });
        place = place.next();
    }
    parcels
}

/// The session of a number, if it may be used: as the server's flows look at it.
async fn alive(server: &mut Server, number: u8, now: i64) -> Option<Session> {
    let time = server.time(now);
    let session = server.memory.session(cast::session_id(number)).await.expect("a store")?;
    let epochs = server.memory.epochs(session.user, &session.client).await.expect("a store");
    session.check(epochs, time).is_ok().then_some(session)
}

/// Is it neither ended nor cut off, whatever the time? `None` if the file does not know it.
async fn lives(server: &Server, number: u8) -> Option<bool> {
    let session = server.memory.session(cast::session_id(number)).await.expect("a store")?;
    let epochs = server.memory.epochs(session.user, &session.client).await.expect("a store");
    Some(session.ended.is_none() && session.born >= epochs.terminal)
}
