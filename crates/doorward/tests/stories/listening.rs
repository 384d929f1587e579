//! A verifier as a story needs it: the codec over the house's router, its own position, and nothing that a real one has
//! beside that.

use std::time::Duration;

use axum::body::Body;
use doorward_core::secret::SecretKind;
use doorward_core::{Lifetime, Marks, Position, Revocations, Timestamp};
use doorward_verify::feed::{Cutter, Echo, Event, Instance, Need, Ping, Place, Range, Snapshot, StreamId, StreamKey};
use http_body_util::BodyExt;
use tower::ServiceExt;

use super::house::{Answer, Ask, House};

/// Generous, for busy machines.
const PATIENCE: Duration = Duration::from_secs(30);

/// One running copy of a verifier.
pub(crate) struct Listener {
    secret: String,
    pub(crate) instance: Instance,
    key: StreamKey,
    pings: u64,
    pub(crate) applied: Position,
    pub(crate) index: Revocations,
    pub(crate) lease: i64,
    pub(crate) grace: i64,
    pub(crate) stream: Option<StreamId>,
}

/// A stream that is open.
pub(crate) struct Open {
    body: Body,
    cutter: Cutter,
    key: StreamKey,
    place: Place,
    pub(crate) head: Position,
}

impl Listener {
    pub(crate) fn new(secret: &str, number: u8) -> Self {
        let instance = Instance([number; 16]);
        let hash = SecretKind::Verifier.parse(secret).expect("a secret").hash();
        Self {
            secret: secret.to_owned(),
            instance,
            key: StreamKey::new(&hash.0, &instance),
            pings: 0,
            applied: Position::START,
            index: Revocations::new(),
            lease: 3000,
            grace: 0,
            stream: None,
        }
    }

    pub(crate) fn asking(&self, ask: Ask) -> Ask {
        ask.bearer(&self.secret)
    }

    fn path(&self) -> String {
        format!("/v1/feed?instance={}&lease={}&grace={}", self.instance, self.lease, self.grace)
    }

    /// Asks for the stream; a no is given back as it is.
    pub(crate) async fn try_open(&mut self, house: &House, from: Option<Position>) -> Result<Open, Answer> {
        let mut ask = self.asking(Ask::get(&self.path()));
        if let Some(from) = from {
            ask = ask.header("last-event-id", &from.to_string());
        }
        let response = house.router.clone().oneshot(ask.request()).await.expect("an answer");
        if response.status() != 200 {
            return Err(Answer::read(response).await);
        }
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        let body = response.into_body();
        let (cutter, key) = (Cutter::new(), self.key.clone());
        let mut open = Open { body, cutter, key, place: Place::Stream(0), head: Position::START };
        let Event::Hello(hello) = open.next().await else { panic!("no hello") };
        assert_eq!((hello.version, hello.lease.millis()), (1, self.lease));
        open.head = hello.head;
        self.stream = Some(hello.stream);
        Ok(open)
    }

    pub(crate) async fn open(&mut self, house: &House, from: Option<Position>) -> Open {
        match self.try_open(house, from).await {
            Ok(open) => open,
            Err(answer) => panic!("{answer:?}"),
        }
    }

    /// Opens a stream as one does that knows nothing: with the snapshot.
    pub(crate) async fn begin(&mut self, house: &House) -> Open {
        let mut open = self.open(house, None).await;
        let Event::Need(Need::Snapshot { head }) = open.next().await else { panic!("it knows nothing") };
        assert_eq!(head, open.head);
        self.fetch(house).await;
        open
    }

    /// Gets the snapshot.
    pub(crate) async fn fetch(&mut self, house: &House) -> Snapshot {
        // It may be a second old.
        house.advance(Lifetime::from_secs(1));
        let answer = house.send(self.asking(Ask::get("/v1/feed/snapshot"))).await.ok();
        let keys = house.door.keys();
        let issuer = super::house::ISSUER;
        let mut bytes = answer.bytes;
        let snapshot = Snapshot::read(&mut bytes, keys.verifying(), issuer, house.door.now()).expect("a snapshot");
        for entry in &snapshot.entries {
            self.index.learn(entry, snapshot.statement.to);
        }
        self.applied = self.applied.max(snapshot.statement.to);
        snapshot
    }

    pub(crate) fn take(&mut self, range: &Range) {
        for entry in &range.entries {
            self.index.learn(entry, range.end());
        }
        self.index.forget(range.gc_through);
        if range.generation == self.applied.generation && range.from <= self.applied.seq {
            self.applied = self.applied.max(range.end());
        }
    }

    fn draft(&mut self) -> Ping {
        self.pings += 1;
        Ping {
            instance: self.instance,
            stream: self.stream,
            n: self.pings,
            applied: self.applied,
            lease: Lifetime::from_millis(self.lease),
            grace: Lifetime::from_millis(self.grace),
            seen: Vec::new(),
            leaving: false,
            keys: None,
        }
    }

    /// Pings, and reads what comes back without taking it in.
    pub(crate) async fn ask(&mut self, house: &House, with: impl FnOnce(&mut Ping)) -> Result<Vec<Event>, Answer> {
        let mut ping = self.draft();
        with(&mut ping);
        let mut body = Vec::new();
        ping.write(&mut body);
        let answer = house.send(self.asking(Ask::post("/v1/feed/ping")).raw(body)).await;
        if answer.status != 200 {
            return Err(answer);
        }
        let mut cutter = Cutter::new();
        cutter.push(&answer.bytes);
        let mut place = Place::Ping { ping: ping.n, number: 0 };
        let mut events = Vec::new();
        while let Some(sealed) = cutter.next().expect("events") {
            events.push(sealed.open(&self.key, place).expect("ours"));
            place = place.next();
        }
        Ok(events)
    }

    /// Pings and takes in what was missed; gives the echo, which must be the last.
    pub(crate) async fn ping(&mut self, house: &House) -> Echo {
        let events = self.ask(house, |_| {}).await.expect("an answer");
        for event in &events {
            if let Event::Range(range) = event {
                self.take(range);
            }
        }
        match events.last() {
            Some(Event::Echo(echo)) => *echo,
            other => panic!("{other:?}"),
        }
    }

    /// Would it refuse this?
    pub(crate) fn refuses(&self, marks: &Marks) -> bool {
        self.index.check(marks).is_err()
    }
}

impl Open {
    /// The next event; the test fails if there is none in good time.
    pub(crate) async fn next(&mut self) -> Event {
        self.try_next().await.expect("another event")
    }

    /// The next event; `None` if the stream is over.
    pub(crate) async fn try_next(&mut self) -> Option<Event> {
        loop {
            if let Some(sealed) = self.cutter.next().expect("events") {
                let event = sealed.open(&self.key, self.place).expect("ours");
                self.place = self.place.next();
                return Some(event);
            }
            let frame = tokio::time::timeout(PATIENCE, self.body.frame()).await.expect("in good time")?;
            self.cutter.push(&frame.expect("a piece").into_data().expect("data"));
        }
    }

    /// The next range; anything else fails.
    pub(crate) async fn range(&mut self) -> Range {
        match self.next().await {
            Event::Range(range) => range,
            other => panic!("{other:?} is no range"),
        }
    }
}

/// Nothing is said for a while.
pub(crate) async fn is_silent(open: &mut Open) -> bool {
    tokio::time::timeout(Duration::from_millis(100), open.try_next()).await.is_err()
}

/// A long time ago, for a clock that somebody lost.
pub(crate) const LONG_AGO: Timestamp = Timestamp::from_secs(1);
