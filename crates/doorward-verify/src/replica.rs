//! One verifier's copy of what is revoked: the index, how far it goes, and whether it may be trusted now.
//!
//! Pure: events, snapshots and moments come in, and out comes what to do next ([`Todo`]) and how to judge a credential
//! ([`Judgement`]). Whoever has sockets and clocks ([`follow`](crate) with its feature on) does the rest.

use crate::feed::{Bump, Echo, Event, Hello, Need, Ping, Range, Snapshot, StreamId, VERSION};
use crate::feed::{Instance, SetId, Statement};
use crate::lease::{Lease, Moment};
use crate::{Entry, Key, Lifetime, Marks, Position, Rejection, Revocations, Scope, Timestamp};

/// Why a server says that the order of before is no longer: it knows less than we do.
const BEHIND: &str = "behind";

/// How fresh the index must be for a credential to be accepted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Freshness {
    /// However old, once it was whole: for what may be shown a little longer.
    Eventual,
    /// Within the lease.
    #[default]
    Bounded,
    /// As of after the request came: nothing that was committed before it is missed.
    Strict,
}

/// What is answered while the index is not fresh enough.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Cut {
    /// That it cannot be said, and to ask again: 503, never 401, which would sign people out.
    #[default]
    Deny,
    /// What the server says when asked about this one token.
    Introspect,
    /// As if it were fresh, for so much longer; no more than the declared grace.
    Grace(Lifetime),
}

/// What a route asks of the index.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Policy {
    /// How fresh it must be.
    pub freshness: Freshness,
    /// What is done while it is not.
    pub cut: Cut,
}

/// What the index says of a credential whose signature, claims and times hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Judgement {
    /// It may be used.
    Accept,
    /// It is revoked, or must be renewed.
    Reject(Rejection),
    /// The index is not fresh enough to say: 503.
    Unknown,
    /// The same, and the route wants the server asked.
    Introspect,
    /// Only an echo of a ping that is sent now can say: send one, and judge again when that has counted.
    Wait,
}

/// What is to be done next. Several things may be due at once; none is urgent enough to be done twice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Todo {
    /// Send a ping now.
    pub ping: bool,
    /// Get a snapshot.
    pub snapshot: bool,
    /// Drop this connection, wait, connect again.
    pub reconnect: bool,
    /// Get the set of signing keys.
    pub keys: bool,
}

impl Todo {
    const NOTHING: Self = Self { ping: false, snapshot: false, reconnect: false, keys: false };
    const PING: Self = Self { ping: true, ..Self::NOTHING };
    const SNAPSHOT: Self = Self { snapshot: true, ..Self::NOTHING };
    const RECONNECT: Self = Self { reconnect: true, ..Self::NOTHING };
    const KEYS: Self = Self { keys: true, ..Self::NOTHING };

    /// Both.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self {
            ping: self.ping || other.ping,
            snapshot: self.snapshot || other.snapshot,
            reconnect: self.reconnect || other.reconnect,
            keys: self.keys || other.keys,
        }
    }
}

/// The copy.
#[derive(Clone, Debug)]
pub struct Replica {
    instance: Instance,
    index: Revocations,
    /// Everything up to here is in the index.
    applied: Position,
    /// The newest generation we heard of. While `applied` is of an older one, a snapshot is due.
    generation: u64,
    /// The furthest head that was heard of.
    head: Position,
    /// What is in the index beyond a gap: everything in `(from, to]` of `generation`.
    beyond: Option<(u64, u64)>,
    /// The stream that is open.
    stream: Option<StreamId>,
    lease: Lease,
    /// What was declared: lease, and grace.
    asked: (Lifetime, Lifetime),
    /// What was agreed of the latter.
    grace: Lifetime,
    /// Has a snapshot been asked for that has not come yet?
    lacks: bool,
    longest_token: Option<Lifetime>,
    /// When the last ping was sent.
    pinged: Option<Moment>,
    /// The server's wall clock, and when we heard it.
    heard: Option<(Timestamp, Moment)>,
    /// Was the index ever whole?
    was_whole: bool,
    /// The set of signing keys that is held.
    keys: Option<SetId>,
}

impl Replica {
    /// An empty copy of a verifier that declares this lease and grace.
    pub fn new(instance: Instance, lease: Lifetime, grace: Lifetime) -> Self {
        Self {
            instance,
            index: Revocations::new(),
            applied: Position::START,
            generation: 0,
            head: Position::START,
            beyond: None,
            stream: None,
            lease: Lease::new(lease),
            asked: (lease, grace),
            grace,
            lacks: false,
            longest_token: None,
            pinged: None,
            heard: None,
            was_whole: false,
            keys: None,
        }
    }

    /// Takes an event, of the stream or of the answer to a ping.
    pub fn receive(&mut self, event: &Event, now: Moment) -> Todo {
        self.head = self.head.max(match event {
            Event::Hello(hello) => hello.head,
            Event::Range(range) => range.end(),
            Event::Echo(echo) => echo.head,
            Event::Need(Need::Snapshot { head }) | Event::Bump(Bump { head, .. }) => *head,
            Event::Need(Need::Ping | Need::Keys | Need::Unknown) | Event::Unknown => Position::START,
        });
        match event {
            Event::Hello(hello) => self.open(hello, now),
            Event::Range(range) => self.extend(range),
            Event::Echo(echo) => self.echo(echo, now),
            Event::Need(Need::Ping) => Todo::PING,
            Event::Need(Need::Keys) => Todo::KEYS,
            Event::Need(Need::Snapshot { head }) => {
                let wanted = self.applied < *head;
                self.renew(head.generation).and(self.want(wanted))
            }
            Event::Bump(Bump { head, reason }) => {
                let todo = self.renew(head.generation);
                let is_ahead = self.applied.generation == head.generation && *head < self.applied;
                if reason == BEHIND && is_ahead { todo.and(self.give_up_place()) } else { todo }
            }
            Event::Need(Need::Unknown) | Event::Unknown => Todo::default(),
        }
    }

    /// A stream begins.
    fn open(&mut self, hello: &Hello, now: Moment) -> Todo {
        if hello.version != VERSION || hello.head.generation < self.generation {
            self.stream = None;
            return Todo::RECONNECT;
        }
        self.stream = Some(hello.stream);
        // Never longer than what this instance has declared, whatever it is told.
        self.lease.set_length(hello.lease.min(self.asked.0));
        self.grace = hello.grace.min(self.asked.1);
        self.longest_token = Some(hello.longest_token);
        self.hear(hello.time, now);
        self.renew(hello.head.generation).and(Todo::PING)
    }

    /// The stream has ended. The lease runs on: what was proven stays so.
    pub const fn close(&mut self) {
        self.stream = None;
    }

    /// A generation was named. Of a newer one the order of entries is another: what is missing of the old one is only in
    /// a snapshot, so nothing is trusted before that. The entries themselves stay.
    fn renew(&mut self, generation: u64) -> Todo {
        if generation < self.generation {
            return Todo::RECONNECT;
        }
        if generation > self.generation {
            self.generation = generation;
            self.beyond = None;
            self.lease.drop_it();
        }
        self.want(self.applied.generation < generation)
    }

    /// The server says that we hold more of its generation than there is, by a `bump` or by refusing a ping (409). One of
    /// us is wrong, and it is the server that says what is revoked: nothing is trusted until a snapshot has told again how
    /// far we are. The entries themselves stay.
    pub fn give_up_place(&mut self) -> Todo {
        self.applied = Position::START;
        self.beyond = None;
        self.lease.drop_it();
        self.want(true)
    }

    /// Asks for a snapshot, if one is wanted.
    fn want(&mut self, wanted: bool) -> Todo {
        self.lacks |= wanted;
        if wanted { Todo::SNAPSHOT } else { Todo::default() }
    }

    /// Asks for what lies between us and something that came, unless a snapshot is on its way, which has it.
    const fn ask(&self) -> Todo {
        if self.lacks { Todo::SNAPSHOT } else { Todo::PING }
    }

    /// Takes entries of a range or snapshot that ends at `end`. They may be taken before the rest, in any order: for a
    /// long one, piece by piece, so that nobody waits; then the range without them goes to [`Self::receive`].
    pub fn learn(&mut self, entries: &[Entry], end: Position) {
        for entry in entries {
            self.index.learn(entry, end);
        }
    }

    fn extend(&mut self, range: &Range) -> Todo {
        self.learn(&range.entries, range.end());
        let todo = self.renew(range.generation);
        if todo.reconnect {
            return todo;
        }
        // What may be forgotten lies behind us; anything else would make us deaf to what is to come.
        if range.gc_through <= range.end() {
            self.index.pass(range.gc_through);
        }
        if self.applied.generation == range.generation && range.from <= self.applied.seq {
            self.advance(range.end());
            return todo;
        }
        self.beyond = Some(match self.beyond {
            Some((from, to)) if range.from <= to && from <= range.to => (from.min(range.from), to.max(range.to)),
            _ => (range.from, range.to),
        });
        todo.and(self.ask())
    }

    /// Everything up to `to` is in the index, and with it what lies beyond the gap that this may have closed.
    fn advance(&mut self, to: Position) {
        self.applied = self.applied.max(to);
        if let Some((_, end)) = self.beyond.filter(|(from, _)| *from <= self.applied.seq) {
            self.applied.seq = self.applied.seq.max(end);
            self.beyond = None;
        }
        self.settle();
    }

    fn settle(&mut self) {
        if self.applied.generation == self.generation && self.lease.applied(self.applied) {
            self.was_whole = true;
        }
    }

    fn echo(&mut self, echo: &Echo, now: Moment) -> Todo {
        let todo = self.renew(echo.head.generation);
        if todo.reconnect {
            return todo;
        }
        self.hear(echo.time, now);
        self.lease.echo(echo.n, echo.stream, echo.head);
        self.settle();
        if self.applied < echo.head { todo.and(self.ask()) } else { todo }
    }

    fn hear(&mut self, time: Timestamp, now: Moment) {
        if self.floor(now).is_none_or(|floor| time > floor) {
            self.heard = Some((time, now));
        }
    }

    fn floor(&self, now: Moment) -> Option<Timestamp> {
        self.heard.map(|(time, at)| time + now.running_since(at))
    }

    /// The time to judge `exp` by: our wall clock, but never before what the server's must show by now.
    pub fn time(&self, now: Moment) -> Timestamp {
        self.floor(now).map_or(now.wall, |floor| floor.max(now.wall))
    }

    /// A snapshot was taken in: its entries by [`Self::learn`], this is the rest.
    pub fn finish(&mut self, statement: &Statement) -> Todo {
        let todo = self.renew(statement.to.generation);
        if todo.reconnect {
            // An older one is no harm, and no help.
            return Todo::default();
        }
        if statement.gc_through <= statement.to {
            self.index.pass(statement.gc_through);
        }
        self.lacks = false;
        self.advance(statement.to);
        Todo::PING
    }

    /// Takes a whole snapshot at once.
    pub fn restore(&mut self, snapshot: &Snapshot) -> Todo {
        self.learn(&snapshot.entries, snapshot.statement.to);
        self.finish(&snapshot.statement)
    }

    /// Forgets a part of what may be forgotten; `false` if there is nothing more.
    pub fn sweep(&mut self) -> bool {
        self.index.sweep()
    }

    /// What is due by the clock alone: a ping each third of the lease.
    pub fn tick(&self, now: Moment) -> Todo {
        let every = Lifetime::from_millis(self.lease.length().millis() / 3);
        if self.pinged.is_none_or(|at| now.since(at) >= every) { Todo::PING } else { Todo::default() }
    }

    /// A set of signing keys was got. The server is told, if it is another one: a new key may be waiting for that.
    pub fn hold_keys(&mut self, keys: SetId) -> Todo {
        if self.keys.replace(keys) == Some(keys) { Todo::default() } else { Todo::PING }
    }

    /// The ping to send now.
    pub fn ping(&mut self, now: Moment, seen: Vec<(String, Timestamp)>, leaving: bool) -> Ping {
        self.pinged = Some(now);
        Ping {
            instance: self.instance,
            stream: self.stream,
            n: self.lease.ping(self.stream, now),
            applied: self.applied,
            lease: self.asked.0,
            grace: self.asked.1,
            seen,
            leaving,
            keys: self.keys,
        }
    }

    /// Judges a credential. For [`Freshness::Strict`] `asked` is the number of a ping that was sent after the request had
    /// come; without one, the answer is [`Judgement::Wait`], unless it is a rejection already.
    pub fn judge(&self, marks: &Marks, policy: Policy, asked: Option<u64>, now: Moment) -> Judgement {
        self.judge_lazily(marks.at, |scope| marks.key(scope), policy, asked, now)
    }

    /// The same for a credential whose keys have yet to be made; see [`Revocations::check_lazily`].
    pub(crate) fn judge_lazily(
        &self,
        at: Option<Position>,
        key: impl Fn(Scope) -> Option<Key>,
        policy: Policy,
        asked: Option<u64>,
        now: Moment,
    ) -> Judgement {
        match self.index.check_lazily(at, key) {
            Err(rejection) => Judgement::Reject(rejection),
            Ok(()) => self.judge_freshness(at, policy, asked, now),
        }
    }

    fn judge_freshness(&self, at: Option<Position>, policy: Policy, asked: Option<u64>, now: Moment) -> Judgement {
        let fresh = self.lease.is_fresh(now);
        let known = at.is_none_or(|at| at.generation <= self.generation);
        let enough = known
            && match policy.freshness {
                Freshness::Eventual => self.was_whole,
                Freshness::Bounded => fresh,
                Freshness::Strict => fresh && asked.is_some_and(|asked| self.lease.proven() >= asked),
            };
        if enough {
            return Judgement::Accept;
        }
        match policy.cut {
            _ if policy.freshness == Freshness::Strict && asked.is_none() => Judgement::Wait,
            Cut::Introspect => Judgement::Introspect,
            // (A strict route has no use for what was whole some time ago.)
            Cut::Grace(more)
                if policy.freshness != Freshness::Strict && self.lease.is_fresh_with(more.min(self.grace), now) =>
            {
                Judgement::Accept
            }
            Cut::Deny | Cut::Grace(_) => Judgement::Unknown,
        }
    }

    /// Does a good token that was minted at `at` tell that we lag?
    pub fn lags(&self, at: Option<Position>) -> bool {
        at.is_some_and(|at| at > self.applied)
    }

    /// A good token was minted at `at`. If that is of a newer generation than ours, the lease is dropped; if it is
    /// ahead of us, there is something to ask for.
    pub fn notice(&mut self, at: Position) -> Todo {
        if at.generation > self.generation {
            self.renew(at.generation).and(Todo::PING)
        } else if self.lags(Some(at)) {
            self.ask()
        } else {
            Todo::default()
        }
    }

    /// Everything up to here is in the index.
    pub const fn applied(&self) -> Position {
        self.applied
    }

    /// How many places it is behind the furthest head that was heard of; `None` if that is of another generation.
    pub fn behind(&self) -> Option<u64> {
        let is_same = self.head.generation == self.applied.generation;
        is_same.then(|| self.head.seq.saturating_sub(self.applied.seq))
    }

    /// The newest generation we heard of.
    pub const fn generation(&self) -> u64 {
        self.generation
    }

    /// The index.
    pub const fn index(&self) -> &Revocations {
        &self.index
    }

    /// The lease.
    pub const fn lease(&self) -> &Lease {
        &self.lease
    }

    /// The grace that was agreed.
    pub const fn grace(&self) -> Lifetime {
        self.grace
    }

    /// The stream that is open.
    pub const fn stream(&self) -> Option<StreamId> {
        self.stream
    }

    /// How long access tokens may live, as the server says.
    pub const fn longest_token(&self) -> Option<Lifetime> {
        self.longest_token
    }

    /// Has a snapshot been asked for that has not come yet?
    pub const fn wants_snapshot(&self) -> bool {
        self.lacks
    }

    /// Was the index ever whole?
    pub const fn was_whole(&self) -> bool {
        self.was_whole
    }
}
