//! The server: the real store with its caches, the real rules of the feed, and what of its wiring is not worth a socket.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use doorward_core::barrier::{Barrier, Pinged, Wait, Who};
use doorward_core::change::{DirectoryChange, SessionChange, Sweep, TrimFeed};
use doorward_core::cursor::{Bounds, Standing, acknowledged, lost, standing};
use doorward_core::policy::{ACCESS_LONGEST, RETENTION, SKEW};
use doorward_core::relay::{Frame, Frames, Note, Notes};
use doorward_core::watermark::{Moment, Watermark};
use doorward_core::{Lifetime, Position, Timestamp};
use doorward_store::cached::Cached;
use doorward_store::feed::Lines;
use doorward_store::memory::Memory;
use doorward_store::suite::cast::event;
use doorward_store::{Directory as _, Stores};
use doorward_verify::feed::{Echo, Event, Hello, Need, Ping, Range, Snapshot, Statement, StreamId, VERSION};

use super::chance::Clock;
use super::{Fault, ISSUER};

/// The longest terms that a verifier may be granted.
pub(crate) const TERMS: Lifetime = Lifetime::from_millis(3_000 + 2_000);
/// Small, so that they are reached: what is kept written out, and what is sent at once.
const KEPT: usize = 4;
const AT_ONCE: usize = 6;
/// How often the server sweeps.
pub(crate) const MINUTE: Lifetime = Lifetime::from_secs(60);
/// How long the mistake keeps entries that forgets them early.
const EARLY: i64 = 60_000;

/// A stream as the server sees it.
#[derive(Debug)]
pub(crate) struct Out {
    pub(crate) who: Who,
    /// Whose, and which run of it.
    pub(crate) node: (usize, u64),
    pub(crate) id: StreamId,
    pub(crate) next: u64,
    cursor: Position,
    notes: Notes,
}

/// See the head of this file.
pub(crate) struct Server {
    pub(crate) memory: Arc<Memory>,
    pub(crate) cached: Arc<Cached>,
    pub(crate) clock: Clock,
    pub(crate) streams: BTreeMap<u64, Out>,
    pub(crate) waits: Vec<Wait>,
    barrier: Barrier,
    watermark: Watermark,
    /// The latest time that was told since the start, and before it.
    latest: Timestamp,
    told: Timestamp,
    frames: Frames<Event>,
    resumed_from: Position,
    written: Position,
    shelf: Option<(Snapshot, Lifetime)>,
    fault: Fault,
    /// For the mistake: where the head was when.
    heads: VecDeque<(Lifetime, Position)>,
    early: Position,
}

impl Server {
    pub(crate) async fn start(memory: Memory, clock: Clock, fault: Fault, now: i64) -> Self {
        let memory = Arc::new(memory);
        let stores = Stores { sessions: Arc::clone(&memory) as _, directory: Arc::clone(&memory) as _ };
        let cached = Cached::open(stores, 4, 10_000).await.expect("a store");
        let (up, wall) = (clock.up(now), clock.wall(now));
        let realm = memory.realm().await.expect("a store");
        let told = cached.feed().latest().max(realm.latest + MINUTE);
        let told = if fault == Fault::StartForgetsTheTime { wall } else { wall.max(told) };
        let most = Some(TERMS).filter(|_| fault != Fault::StartKnowsNobody);
        Self {
            barrier: Barrier::begin(up, most),
            watermark: Watermark::begin(cached.head(), Moment { up, latest: told }),
            resumed_from: memory.resumed_from().await.expect("a store"),
            written: cached.head(),
            frames: Frames::new(KEPT, 100_000),
            streams: BTreeMap::new(),
            waits: Vec::new(),
            shelf: None,
            heads: VecDeque::new(),
            early: Position::START,
            memory,
            cached,
            clock,
            latest: wall,
            told,
            fault,
        }
    }

    pub(crate) fn head(&self) -> Position {
        self.cached.head()
    }

    /// The time on its wall.
    pub(crate) fn time(&mut self, now: i64) -> Timestamp {
        let wall = self.clock.wall(now);
        self.latest = self.latest.max(wall);
        wall
    }

    /// The same for minting; `None` while the clock is behind what it has told.
    pub(crate) fn time_to_mint(&mut self, now: i64) -> Option<Timestamp> {
        let wall = self.time(now);
        (self.latest - wall <= SKEW).then_some(wall)
    }

    fn bounds(&self, head: Position) -> Bounds {
        Bounds { resumed_from: self.resumed_from, watermark: self.through(), head }
    }

    fn through(&self) -> Position {
        if self.fault == Fault::ForgetsEarly { self.early } else { self.watermark.through() }
    }

    /// Forgets what the watermark has passed, and writes down what time it is.
    pub(crate) async fn sweep(&mut self, now: i64) {
        let (up, wall, head) = (self.clock.up(now), self.time(now), self.head());
        self.watermark.note(head, Moment { up, latest: self.latest.max(self.told) });
        self.watermark.advance(up, wall);
        self.heads.push_back((up, head));
        while let Some((_, head)) = self.heads.front().filter(|(at, _)| up.millis() - at.millis() >= EARLY) {
            self.early = *head;
            self.heads.pop_front();
        }
        let through = self.through();
        self.cached.forget_feed(through).await.expect("a store");
        let note = Sweep { before: Timestamp::MIN, limit: 0, latest: self.latest };
        drop(self.cached.commit(SessionChange::Sweep(note)).await.expect("a store"));
        let trim = DirectoryChange::TrimFeed(TrimFeed { through, limit: 1000 });
        let trimmed = self.cached.commit_durable(trim, event(doorward_core::audit::Kind::FeedTrimmed, wall)).await;
        drop(trimmed.expect("a store"));
    }

    /// Opens a stream: its first events, behind which it goes on by [`Self::send`].
    pub(crate) fn listen(
        &mut self,
        conn: u64,
        (who, node): (Who, (usize, u64)),
        (lease, grace): (Lifetime, Lifetime),
        cursor: Option<Position>,
        now: i64,
    ) -> Vec<Event> {
        let (id, head) = (stream_id(conn), self.head());
        if self.streams.is_empty() {
            // Whoever was there before has what was kept; for the first one it is written from here on.
            self.frames.clear();
            self.written = head;
        }
        let time = self.time(now);
        let hello = Hello {
            version: VERSION,
            stream: id,
            head,
            lease,
            grace,
            retention: RETENTION,
            longest_token: ACCESS_LONGEST,
            time,
        };
        let mut out = Out { who, node, id, next: 0, cursor: head, notes: Notes::since(self.clock.up(now)) };
        let mut events = vec![Event::Hello(hello)];
        match standing(cursor, self.bounds(head)) {
            Standing::Behind => out.cursor = cursor.unwrap_or(head),
            other => events.extend(lost(other, head)),
        }
        self.streams.insert(conn, out);
        events
    }

    /// Answers a ping; `None` if it acknowledges what was never sent.
    pub(crate) async fn ping(&mut self, who: Who, ping: &Ping, now: i64) -> Option<Vec<Event>> {
        let published = self.head();
        let stands = standing(Some(ping.applied), self.bounds(published));
        if stands == Standing::Ahead {
            self.streams.retain(|_, out| out.who != who);
            return None;
        }
        let (applied, up) = (acknowledged(ping.applied, published), self.clock.up(now));
        let terms = ping.lease + ping.grace;
        self.barrier.ping(Pinged { who, terms, applied, leaving: ping.leaving, keys: ping.keys }, up);
        // From here on the head is read: after the ping is on record.
        let lines = match stands {
            Standing::Behind => self.cached.lines(ping.applied, AT_ONCE).await.expect("a store"),
            _ => None,
        };
        let (mut events, head) = match &lines {
            Some(lines) => (vec![self.range(ping.applied, lines)], lines.to),
            None => (lost(stands, self.head()), self.head()),
        };
        let echo = Event::Echo(Echo { n: ping.n, stream: ping.stream, head, time: self.time(now) });
        if let Some(out) = self.streams.values_mut().find(|out| Some(out.id) == ping.stream && out.who == who) {
            out.notes.pinged = up;
            out.notes.add(Note { behind: head, event: echo.clone() });
        }
        events.push(echo);
        Some(events)
    }

    /// Writes an event of what was published since the last one.
    pub(crate) fn pump(&mut self) {
        match self.cached.feed().recent(self.written) {
            Some(lines) if lines.to > self.written => {
                let written = self.range(self.written, &lines);
                let entries = lines.lines.len();
                self.frames.push(Frame { from: self.written, to: lines.to, entries, bytes: 80 * entries, written });
                self.written = lines.to;
            }
            Some(_) => {}
            None => {
                self.frames.clear();
                self.written = self.head();
            }
        }
    }

    /// One step of a stream: what it is sent now; and whether it could not go on by what was kept.
    pub(crate) async fn send(&mut self, conn: u64) -> (Vec<Event>, bool) {
        let Some(out) = self.streams.get(&conn) else { return (Vec::new(), false) };
        let cursor = out.cursor;
        if cursor >= self.written {
            let out = self.streams.get_mut(&conn).expect("it is there");
            return (out.notes.due(cursor).into_iter().map(|note| note.event).collect(), false);
        }
        let kept = self.frames.next(cursor);
        let is_gone = kept.is_none();
        let (event, to) = match kept {
            Some(frame) => (frame.written.clone(), frame.to),
            None => match self.cached.lines(cursor, AT_ONCE).await.expect("a store") {
                Some(lines) => (self.range(cursor, &lines), lines.to),
                None => (Event::Need(Need::Snapshot { head: self.head() }), self.head()),
            },
        };
        let out = self.streams.get_mut(&conn).expect("it is there");
        out.cursor = out.cursor.max(to);
        (vec![event], is_gone)
    }

    fn range(&self, from: Position, lines: &Lines) -> Event {
        Event::Range(Range {
            generation: lines.to.generation,
            from: from.seq,
            to: lines.to.seq,
            gc_through: self.through(),
            entries: lines.lines.iter().map(|line| line.entry).collect(),
            mac: String::new(),
        })
    }

    /// The snapshot, of now or of a moment ago.
    pub(crate) async fn snapshot(&mut self, now: i64) -> Snapshot {
        let up = self.clock.up(now);
        if let Some((made, at)) = &self.shelf {
            let age = up.millis() - at.millis();
            if age < 1_000 || (age < 300_000 && made.statement.to == self.head()) {
                return made.clone();
            }
        }
        let (to, gc_through) = (self.head(), self.through());
        let lines = self.memory.feed_after(gc_through, 10_000).await.expect("a store");
        let entries: Vec<_> = lines.iter().map(|line| line.entry).collect();
        let (count, sha256) = Snapshot::write_lines(entries.iter(), &mut Vec::new());
        let issued_at = self.time(now);
        let expires_at = issued_at + Lifetime::from_mins(15);
        let statement = Statement { issuer: ISSUER.to_owned(), issued_at, expires_at, to, gc_through, count, sha256 };
        let made = Snapshot { statement, entries };
        self.shelf = Some((made.clone(), up));
        made
    }

    /// Begins to wait for everybody, and asks those who have not said so.
    pub(crate) fn wait(&mut self, place: Position, now: i64) {
        let up = self.clock.up(now);
        self.barrier.forget(up);
        let wait = self.barrier.wait(place, up);
        for out in self.streams.values_mut().filter(|out| wait.is_for(out.who)) {
            out.notes.add(Note { behind: place, event: Event::Need(Need::Ping) });
        }
        self.waits.push(wait);
    }

    /// Looks at what is waited for; gives those waits that are over.
    pub(crate) fn look(&mut self, now: i64) -> Vec<Wait> {
        let up = self.clock.up(now);
        for wait in &mut self.waits {
            wait.look(&self.barrier, up);
        }
        self.waits.extract_if(.., |wait| wait.is_over()).collect()
    }

    /// How long it is until a wait looks different by itself.
    pub(crate) fn next_look(&self, now: i64) -> Option<i64> {
        let up = self.clock.up(now);
        self.waits.iter().filter_map(Wait::next).min().map(|at| (at.millis() - up.millis()).max(0) + 1)
    }
}

fn stream_id(conn: u64) -> StreamId {
    let mut id = [7; 16];
    id[8..].copy_from_slice(&conn.to_be_bytes());
    StreamId(id)
}
