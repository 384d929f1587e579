//! Makes histories: a server, a network, and a verifier at the end of it, moved by dice.

use std::collections::{HashMap, VecDeque};

use doorward_verify::feed::{Bump, Echo, Event, Hello, Need, Range, Statement, StreamId};
use doorward_verify::{
    Cut, Entry, Freshness, Judgement, Key, Lifetime, Marks, Moment, Policy, Position, Replica, Scope, Strength,
    Timestamp, Todo,
};
use serde_json::{Value, json};

use super::{GRACE, INSTANCE, LEASE, code, event_json, lines_of, marks_json, policy_json, todo_json};

/// The longest life of a token here, and how long entries are kept: short, so that forgetting happens.
const LONGEST: i64 = 12_000;
const RETENTION: i64 = 14_000;
/// The wall clock at the start.
const WALL: i64 = 1_800_000_000_000;

/// What has been seen of each kind, over all histories.
#[derive(Default)]
pub(crate) struct Seen(HashMap<&'static str, usize>);

impl Seen {
    /// Is everything there that can happen?
    pub(crate) fn check(&self) {
        println!("{:?}", self.0);
        for code in [
            "accepted",
            "token_revoked",
            "token_stale",
            "revocation_unknown",
            "introspect",
            "wait",
            "restart",
            "cut",
            "snapshot",
            "forgotten",
            "gap",
            "strict yes",
            "wall jump",
            "behind",
            "keys",
        ] {
            assert!(self.0.get(code).is_some_and(|count| *count >= 10), "{code}: {:?}", self.0.get(code));
        }
    }

    fn note(&mut self, code: &'static str) {
        *self.0.entry(code).or_default() += 1;
    }
}

/// Dice that always fall alike (splitmix64).
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % limit
    }

    fn one_in(&mut self, limit: u64) -> bool {
        self.below(limit) == 0
    }
}

struct Line {
    entry: Entry,
    place: Position,
    at: i64,
}

impl Line {
    /// The rule, word for word, without an index.
    fn hits(&self, marks: &Marks) -> bool {
        let entry = &self.entry;
        let is_dead = entry.scope.is_exact() && entry.strength == Strength::Terminal;
        let is_older = entry.min_rv.is_none_or(|min_rv| marks.at.is_none_or(|at| at < min_rv));
        marks.key(entry.scope) == Some(entry.key) && (is_dead || is_older)
    }
}

struct Credential {
    marks: Marks,
    minted: i64,
}

pub(crate) struct Maker<'s> {
    dice: Dice,
    seen: &'s mut Seen,
    steps: Vec<Value>,
    /// True time, which the running clock shows, and by how much the wall clock is off.
    now: i64,
    wall_off: i64,
    told: Option<(i64, i64)>,
    generation: u64,
    seq: u64,
    log: Vec<Line>,
    stream: VecDeque<Event>,
    answers: VecDeque<Event>,
    snapshot: Option<(Position, Position, Vec<Entry>)>,
    open: Option<StreamId>,
    streams: u8,
    /// When each ping was sent.
    sent: HashMap<u64, i64>,
    credentials: Vec<Credential>,
    wants_snapshot: bool,
    replica: Replica,
}

pub(crate) fn statement(to: Position, gc_through: Position) -> Statement {
    Statement {
        issuer: String::new(),
        issued_at: Timestamp::MIN,
        expires_at: Timestamp::MAX,
        to,
        gc_through,
        count: 0,
        sha256: [0; 32],
    }
}

fn key(number: u64) -> Key {
    Key([number as u8 + 1; 16])
}

fn hello(stream: StreamId, head: Position, time: i64) -> Event {
    Event::Hello(Hello {
        version: 1,
        stream,
        head,
        lease: LEASE,
        grace: GRACE,
        retention: Lifetime::from_millis(RETENTION),
        longest_token: Lifetime::from_millis(LONGEST),
        time: Timestamp::from_millis(WALL + time),
    })
}

/// One event of each kind.
pub(crate) fn samples() -> Vec<Event> {
    let (head, stream) = (Position { generation: 10, seq: 12 }, StreamId([3; 16]));
    let entry =
        |scope, strength, min_rv| Entry { scope, key: key(1), strength, min_rv, ttl: Lifetime::from_secs(11) };
    let entries = vec![
        entry(Scope::Session, Strength::Terminal, None),
        entry(Scope::Subject, Strength::RefreshRequired, Some(head)),
    ];
    let gc_through = Position { generation: 10, seq: 1 };
    vec![
        hello(stream, head, 1),
        Event::Range(Range { generation: 10, from: 10, to: 12, gc_through, entries, mac: "m".to_owned() }),
        Event::Echo(Echo { n: 1, stream: Some(stream), head, time: Timestamp::from_millis(WALL) }),
        Event::Echo(Echo { n: 12, stream: None, head, time: Timestamp::from_millis(WALL) }),
        Event::Need(Need::Ping),
        Event::Need(Need::Keys),
        Event::Need(Need::Snapshot { head }),
        Event::Bump(Bump { head, reason: "restart".to_owned() }),
        Event::Bump(Bump { head, reason: "behind".to_owned() }),
    ]
}

impl Maker<'_> {
    /// Makes the history of a number, always the same one.
    pub(crate) fn make(id: u64, seen: &mut Seen) -> Value {
        let mut maker = Maker {
            dice: Dice(id.wrapping_mul(0xd134_2543_de82_ef95)),
            seen,
            steps: Vec::new(),
            now: 1000,
            wall_off: 0,
            told: None,
            generation: 10,
            seq: 0,
            log: Vec::new(),
            stream: VecDeque::new(),
            answers: VecDeque::new(),
            snapshot: None,
            open: None,
            streams: 0,
            sent: HashMap::new(),
            credentials: Vec::new(),
            wants_snapshot: false,
            replica: Replica::new(INSTANCE, LEASE, GRACE),
        };
        // Most begin well; how they go on is left to the dice.
        if maker.dice.one_in(8) {
            maker.restart();
        } else {
            maker.begin_well();
        }
        let length = 11 + maker.dice.below(9) as usize;
        while maker.steps.len() < length {
            maker.step();
        }
        json!({ "id": id, "lease": LEASE.millis(), "grace": GRACE.millis(), "steps": maker.steps })
    }

    fn begin_well(&mut self) {
        self.mint();
        if self.dice.one_in(2) {
            self.revoke();
        }
        self.mint();
        self.connect();
        while !self.stream.is_empty() {
            self.deliver_stream();
        }
        self.make_snapshot();
        self.deliver_snapshot();
        self.ping();
        while !self.answers.is_empty() {
            self.deliver_answer();
        }
    }

    fn step(&mut self) {
        match self.dice.below(40) {
            0..6 => self.wait(),
            6..9 => self.revoke(),
            9..11 => self.mint(),
            11..17 if !self.stream.is_empty() => self.deliver_stream(),
            17..20 if !self.answers.is_empty() => self.deliver_answer(),
            20..23 => {
                self.ping();
            }
            23 if self.open.is_some() => self.cut(),
            24..27 if self.open.is_none() => self.connect(),
            27 if self.generation < 12 => self.restart(),
            28..31 if self.wants_snapshot && self.snapshot.is_none() => self.make_snapshot(),
            28..31 if self.snapshot.is_some() => self.deliver_snapshot(),
            31 | 32 => self.disturb(),
            33 if self.seq > 1 && self.dice.one_in(2) => self.fall_behind(),
            _ => self.judge(),
        }
    }

    fn moment(&self) -> Moment {
        let wall = Timestamp::from_millis(WALL + self.now + self.wall_off);
        Moment { running: Lifetime::from_millis(self.now), wall }
    }

    /// Adds a step, with the time if that has changed.
    fn tell(&mut self, mut step: Value) {
        let clocks = (self.now, WALL + self.now + self.wall_off);
        if self.told != Some(clocks) {
            step["at"] = json!([clocks.0, clocks.1]);
            self.told = Some(clocks);
        }
        self.steps.push(step);
    }

    fn wait(&mut self) {
        self.now += match self.dice.below(10) {
            0..6 => 50 + self.dice.below(900) as i64,
            6..8 => 1000 + self.dice.below(2500) as i64,
            _ => 5000 + self.dice.below(12_000) as i64,
        };
        if self.dice.one_in(12) {
            self.seen.note("wall jump");
            self.wall_off = [0, 3_600_000, -3_600_000, 1500][self.dice.below(4) as usize];
        }
    }

    fn head(&self) -> Position {
        Position { generation: self.generation, seq: self.seq }
    }

    fn revoke(&mut self) {
        // A number that was lost is not given again while somebody may hold it: a server that starts with fewer lines than
        // it had takes another generation, and what it cannot notice by itself it is told by the first ping.
        if self.is_behind() {
            return;
        }
        self.seq += 1;
        let scope = match self.dice.below(12) {
            0..5 => Scope::Session,
            5..7 => Scope::Subject,
            place => Scope::ALL[place as usize - 3],
        };
        let strength = if self.dice.one_in(3) { Strength::RefreshRequired } else { Strength::Terminal };
        let is_dead = scope.is_exact() && strength == Strength::Terminal;
        let key = match scope {
            Scope::Realm => Key::REALM,
            Scope::Bucket => Key::bucket_of(key(self.dice.below(6))),
            _ => key(self.dice.below(6)),
        };
        let place = self.head();
        let ttl = Lifetime::from_millis(RETENTION);
        let entry = Entry { scope, key, strength, min_rv: (!is_dead).then_some(place), ttl };
        self.log.push(Line { entry, place, at: self.now });
        if self.open.is_some() {
            let range = self.range(self.seq - 1);
            self.stream.push_back(range);
        }
    }

    /// Mints a credential, as a server does: never for what is revoked already.
    fn mint(&mut self) {
        loop {
            let marks = self.drawn_marks();
            if !self.log.iter().any(|line| line.hits(&marks)) {
                self.credentials.push(Credential { marks, minted: self.now });
                return;
            }
        }
    }

    fn drawn_marks(&mut self) -> Marks {
        let dice = &mut self.dice;
        let mut at = Some(Position { generation: self.generation, seq: self.seq }).filter(|_| !dice.one_in(20));
        // Now and then a server that is a generation ahead has minted it.
        if dice.one_in(25) {
            at = at.map(|at| Position { generation: at.generation + 1, seq: 0 });
        }
        let mut number = |often: u64| if dice.one_in(often) { Some(key(dice.below(6))) } else { None };
        Marks {
            session: number(1),
            subject: number(2),
            client: number(4),
            token: number(4),
            device: number(8),
            organization: number(8),
            signing_key: number(4),
            at,
        }
    }

    fn gc_through(&self) -> Position {
        let old = self.log.iter().take_while(|line| line.at + RETENTION <= self.now);
        old.last().map_or(Position::START, |line| line.place)
    }

    fn range(&self, from: u64) -> Event {
        let ours = self.log.iter().filter(|line| line.place.generation == self.generation && line.place.seq > from);
        Event::Range(Range {
            generation: self.generation,
            from,
            to: self.seq,
            gc_through: self.gc_through().min(self.head()),
            entries: ours.map(|line| line.entry).collect(),
            mac: String::new(),
        })
    }

    fn catch_up(&self, cursor: Position) -> Vec<Event> {
        let head = self.head();
        let reason = match cursor.generation == self.generation {
            true if cursor.seq <= head.seq => return vec![self.range(cursor.seq)],
            true => "behind",
            false => "restart",
        };
        vec![Event::Bump(Bump { head, reason: reason.to_owned() }), Event::Need(Need::Snapshot { head })]
    }

    fn connect(&mut self) {
        self.streams += 1;
        let stream = StreamId([self.streams; 16]);
        self.open = Some(stream);
        self.stream = VecDeque::from([hello(stream, self.head(), self.now)]);
        let events = self.catch_up(self.replica.applied());
        self.stream.extend(events);
    }

    fn cut(&mut self) {
        self.seen.note("cut");
        (self.stream, self.answers, self.snapshot, self.open) = Default::default();
        self.replica.close();
        self.tell(json!({ "closed": true }));
    }

    fn restart(&mut self) {
        self.seen.note("restart");
        self.cut();
        self.generation += 1;
        self.seq = 0;
    }

    /// Does the verifier hold more of this generation than there is?
    fn is_behind(&self) -> bool {
        let applied = self.replica.applied();
        applied.generation == self.generation && applied > self.head()
    }

    /// The server has lost its last lines and does not know it, so the generation stays: what verifiers hold is more than
    /// there is. What it had minted meanwhile is lost as well.
    fn fall_behind(&mut self) {
        self.seen.note("behind");
        self.cut();
        self.seq -= 1 + self.dice.below(self.seq - 1);
        let head = self.head();
        self.log.retain(|line| line.place <= head);
        self.credentials.retain(|credential| credential.marks.at.is_none_or(|at| at <= head));
    }

    /// The network plays with what is under way.
    fn disturb(&mut self) {
        let count = self.stream.len() as u64;
        if count >= 2 && self.dice.one_in(2) {
            let [one, other] = [self.dice.below(count), self.dice.below(count)].map(|place| place as usize);
            self.stream.swap(one, other);
        } else if count >= 1 {
            let one = self.dice.below(count) as usize;
            let again = self.stream[one].clone();
            if self.dice.one_in(2) { self.stream.push_back(again) } else { drop(self.stream.remove(one)) }
        }
    }

    fn deliver_stream(&mut self) {
        let event = self.stream.pop_front();
        event.into_iter().for_each(|event| self.receive(&event));
    }

    fn deliver_answer(&mut self) {
        let event = self.answers.pop_front();
        event.into_iter().for_each(|event| self.receive(&event));
    }

    fn receive(&mut self, event: &Event) {
        let before = self.replica.applied();
        let todo = self.replica.receive(event, self.moment());
        if let Event::Range(range) = event
            && range.from > before.seq
        {
            self.seen.note("gap");
        }
        self.follow(todo);
        self.tell(json!({ "event": event.name(), "json": event_json(event), "todo": todo_json(todo) }));
        let held = self.replica.index().len();
        while self.replica.sweep() {}
        if self.replica.index().len() < held {
            self.seen.note("forgotten");
        }
        if todo.reconnect && self.open.is_some() {
            self.cut();
        }
    }

    fn follow(&mut self, todo: Todo) {
        self.wants_snapshot |= todo.snapshot;
    }

    fn make_snapshot(&mut self) {
        let through = self.gc_through().min(self.head());
        let live = self.log.iter().filter(|line| line.place > through).map(|line| line.entry).collect();
        self.snapshot = Some((self.head(), through, live));
    }

    fn deliver_snapshot(&mut self) {
        let Some((to, gc_through, entries)) = self.snapshot.take() else { return };
        self.seen.note("snapshot");
        self.wants_snapshot = false;
        self.replica.learn(&entries, to);
        let todo = self.replica.finish(&statement(to, gc_through));
        self.follow(todo);
        self.tell(json!({
            "snapshot": lines_of(&entries), "gen": to.generation, "to": to.seq, "gc_through": gc_through.to_string(),
            "todo": todo_json(todo),
        }));
        while self.replica.sweep() {}
    }

    /// A ping, and what the server says to it; that comes later, or never.
    fn ping(&mut self) -> u64 {
        let ping = self.replica.ping(self.moment(), Vec::new(), false);
        let stream = ping.stream.map(|stream| stream.to_string());
        self.tell(json!({ "ping": { "n": ping.n, "applied": ping.applied.to_string(), "stream": stream } }));
        self.sent.insert(ping.n, self.now);
        if !self.dice.one_in(6) {
            // It is a while under way; what is committed meanwhile is in the answer.
            if self.dice.one_in(4) {
                self.revoke();
            }
            let time = Timestamp::from_millis(WALL + self.now);
            let echo = Event::Echo(Echo { n: ping.n, stream: ping.stream, head: self.head(), time });
            if self.dice.one_in(9) {
                self.seen.note("keys");
                self.answers.push_back(Event::Need(Need::Keys));
            }
            self.answers.extend(self.catch_up(ping.applied));
            // Who knows more than there is gets no echo.
            if self.is_behind() {
                return ping.n;
            }
            self.answers.push_back(echo.clone());
            if self.open.is_some() && self.open == ping.stream {
                self.stream.push_back(echo);
            }
        }
        ping.n
    }

    fn judge(&mut self) {
        // Nobody asks about what has expired.
        self.credentials.retain(|credential| credential.minted + LONGEST > self.now);
        if self.credentials.is_empty() {
            self.mint();
        }
        let place = self.dice.below(self.credentials.len() as u64) as usize;
        let freshness = match self.dice.below(8) {
            0 => Freshness::Eventual,
            1 | 2 => Freshness::Strict,
            _ => Freshness::Bounded,
        };
        let cut = match self.dice.below(6) {
            0 => Cut::Introspect,
            1 => Cut::Grace(Lifetime::from_millis(1000 * (1 + self.dice.below(9) as i64))),
            _ => Cut::Deny,
        };
        let policy = Policy { freshness, cut };
        let mut asked = None;
        if freshness == Freshness::Strict && self.dice.one_in(2) {
            let n = self.ping();
            asked = Some(n);
            while !self.answers.is_empty() && !self.dice.one_in(9) {
                self.deliver_answer();
            }
        }
        let marks = self.credentials[place].marks;
        let judgement = self.replica.judge(&marks, policy, asked, self.moment());
        self.look(&marks, policy, asked, judgement);
        self.seen.note(code(judgement));
        let (freshness, cut) = policy_json(policy);
        let mut step = json!({
            "judge": marks_json(&marks), "freshness": freshness, "cut": cut, "expect": code(judgement),
        });
        if let Some(asked) = asked {
            step["asked"] = asked.into();
        }
        self.tell(step);
    }

    /// The oracle: what was accepted must not have been revoked for so long that the policy rules it out.
    fn look(&mut self, marks: &Marks, policy: Policy, asked: Option<u64>, judgement: Judgement) {
        if judgement != Judgement::Accept {
            return;
        }
        let until = match (policy.freshness, policy.cut, asked) {
            (Freshness::Eventual, ..) => return,
            (Freshness::Strict, _, Some(asked)) => {
                self.seen.note("strict yes");
                self.sent[&asked]
            }
            (Freshness::Strict, ..) => panic!("a strict yes without a ping"),
            (Freshness::Bounded, Cut::Grace(more), _) => self.now - LEASE.millis() - more.min(GRACE).millis(),
            (Freshness::Bounded, ..) => self.now - LEASE.millis(),
        };
        let broken = self.log.iter().filter(|line| line.at <= until).find(|line| line.hits(marks));
        assert!(broken.is_none(), "accepted after {until}: {:?}\n{:#?}", broken.map(|line| line.place), self.steps);
    }
}
