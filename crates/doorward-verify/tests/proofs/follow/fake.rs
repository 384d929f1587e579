//! A server that does what a test wants: it speaks the feed over plain TCP, and can be silent, wrong, or gone.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use doorward_verify::feed::{
    Bump, Echo, Event, Hello, Instance, Need, Ping, Place, Range, Snapshot, Statement, StreamId, StreamKey, Written,
};
use doorward_verify::follow::{Follower, Settings};
use doorward_verify::token::header_json;
use doorward_verify::{Algorithm, Claims, Entry, Key, Lifetime, Position, Scope, Strength, Timestamp, base64url};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use crate::signer::{AUDIENCE, ED, ISSUER, World, claims, sign_with};

/// As short as a lease can be, twice; tests wait for it to run out.
pub(crate) const LEASE: Lifetime = Lifetime::from_millis(1000);
const SECRET: [u8; 32] = [9; 32];

/// How it behaves.
pub(crate) struct State {
    pub(crate) generation: u64,
    /// The log of this generation.
    pub(crate) log: Vec<Entry>,
    /// What was revoked in earlier generations.
    pub(crate) before: Vec<Entry>,
    pub(crate) streams: Vec<Stream>,
    pub(crate) pings: Vec<Ping>,
    /// Requests by path, without what is behind the third slash.
    pub(crate) requests: HashMap<String, usize>,
    pub(crate) jwks: Vec<u8>,
    pub(crate) sessions: HashMap<String, String>,
    pub(crate) introspect: Option<bool>,
    /// Answers every connection by closing it.
    pub(crate) is_gone: bool,
    /// Refuses to stream.
    pub(crate) no_stream: bool,
    /// Holds the answers of pings back for so long.
    pub(crate) slow_pings: Duration,
    /// Does not write entries into streams.
    pub(crate) withhold: bool,
    /// Does not write echoes into streams.
    pub(crate) is_mute: bool,
    /// When streams were asked for, and from where on.
    pub(crate) asked: Vec<(Timestamp, Option<Position>)>,
    /// Seals with another key.
    pub(crate) forge: bool,
    pub(crate) version: u64,
    /// Asks everybody who pings to fetch the keys.
    pub(crate) needs_keys: bool,
    /// How long records are kept.
    pub(crate) keep_ms: i64,
    /// How long sessions may yet lie unused.
    pub(crate) idle_ms: i64,
    /// How much it says that nobody wants to know.
    pub(crate) chatter: usize,
}

pub(crate) struct Stream {
    id: StreamId,
    key: StreamKey,
    next: Place,
    out: UnboundedSender<Vec<u8>>,
}

impl Stream {
    fn send(&mut self, event: &Event) {
        let written = Written::of(event);
        let mut bytes = written.shared().to_vec();
        written.seal(&self.key, self.next, &mut bytes);
        self.next = self.next.next();
        let _ = self.out.send(bytes);
    }
}

#[derive(Clone)]
pub(crate) struct Fake {
    state: Arc<Mutex<State>>,
    pub(crate) world: Arc<World>,
    pub(crate) url: String,
}

pub(crate) fn now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    Timestamp::from_millis(since.as_millis() as i64)
}

pub(crate) fn session_entry(session: &str) -> Entry {
    let key = Key::of(session);
    Entry { scope: Scope::Session, key, strength: Strength::Terminal, min_rv: None, ttl: Lifetime::from_mins(62) }
}

impl Fake {
    pub(crate) async fn start() -> Self {
        Self::start_with(Arc::new(World::new())).await
    }

    pub(crate) async fn start_with(world: Arc<World>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let mut jwks = Vec::new();
        world.keys.write(&mut jwks);
        let state = State {
            generation: 1_800_000_000,
            log: Vec::new(),
            before: Vec::new(),
            streams: Vec::new(),
            pings: Vec::new(),
            requests: HashMap::new(),
            jwks,
            sessions: HashMap::new(),
            introspect: None,
            is_gone: false,
            no_stream: false,
            slow_pings: Duration::ZERO,
            withhold: false,
            is_mute: false,
            asked: Vec::new(),
            forge: false,
            version: 1,
            needs_keys: false,
            keep_ms: 60_000,
            idle_ms: 3_600_000,
            chatter: 0,
        };
        let fake = Self { state: Arc::new(Mutex::new(state)), world, url };
        let serving = fake.clone();
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let fake = serving.clone();
                tokio::spawn(async move {
                    let _ = fake.serve(socket).await;
                });
            }
        });
        fake
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub(crate) fn settings(&self) -> Settings {
        let secret = format!("dwv_{}abcdef", base64url::encode(&SECRET));
        let mut settings = Settings::new(ISSUER, AUDIENCE, &secret);
        settings.servers = vec![self.url.clone()];
        settings.lease = LEASE;
        settings
    }

    pub(crate) async fn follower(&self) -> Follower {
        let follower = Follower::start(self.settings()).unwrap();
        assert!(follower.ready(Duration::from_secs(20)).await, "{:?}", follower.metrics());
        follower
    }

    /// A token of a session, minted now at the head.
    pub(crate) fn token(&self, session: &str) -> String {
        let head = self.state().head();
        self.token_at(session, head)
    }

    pub(crate) fn token_at(&self, session: &str, rv: Position) -> String {
        let now = now();
        let claims = Claims {
            session_id: Some(session),
            issued_at: now,
            expires_at: now + Lifetime::from_mins(10),
            not_before: None,
            rv: Some(rv),
            ..claims()
        };
        self.world.mint(Algorithm::EdDsa, &claims)
    }

    pub(crate) fn count(&self, path: &str) -> usize {
        self.state().requests.get(path).copied().unwrap_or(0)
    }

    /// Starts anew: another generation, and everybody is cut off.
    pub(crate) fn restart(&self) {
        let mut state = self.state();
        let log = std::mem::take(&mut state.log);
        state.before.extend(log);
        state.generation += 1;
        state.streams.clear();
    }

    pub(crate) fn set_gone(&self, is_gone: bool) {
        let mut state = self.state();
        state.is_gone = is_gone;
        if is_gone {
            state.streams.clear();
        }
    }

    async fn serve(&self, mut socket: TcpStream) -> std::io::Result<()> {
        let mut held = Vec::new();
        loop {
            let Some((head, body)) = read_request(&mut socket, &mut held).await? else { return Ok(()) };
            if self.state().is_gone {
                return Ok(());
            }
            let first = head.lines().next().unwrap_or_default();
            let target = first.split(' ').nth(1).unwrap_or_default().to_owned();
            let path = target.split('?').next().unwrap_or_default();
            let name = path.split('/').take(4).collect::<Vec<_>>().join("/");
            *self.state().requests.entry(name.clone()).or_default() += 1;
            if path == "/v1/feed" {
                return self.stream(socket, &head, &target).await;
            }
            let (status, kind, body) = match name.as_str() {
                "/v1/feed/ping" => {
                    let wait = self.state().slow_pings;
                    let answer = self.ping(body);
                    tokio::time::sleep(wait).await;
                    answer.map_or((409, "application/problem+json", Vec::new()), |answer| {
                        (200, "text/event-stream", answer)
                    })
                }
                "/v1/feed/snapshot" => (200, "application/vnd.doorward.snapshot", self.snapshot()),
                "/.well-known/jwks.json" => (200, "application/json", self.state().jwks.clone()),
                "/v1/feed/sessions" => self.session(path),
                "/oauth2/introspect" => {
                    let (said, length) = {
                        let state = self.state();
                        (state.introspect, state.chatter)
                    };
                    let chatter = "x".repeat(length);
                    match said {
                        Some(active) => {
                            let json = format!(r#"{{"active":{active},"chatter":"{chatter}"}}"#);
                            (200, "application/json", json.into_bytes())
                        }
                        None => (503, "text/plain", Vec::new()),
                    }
                }
                _ => (404, "text/plain", Vec::new()),
            };
            let head =
                format!("HTTP/1.1 {status} X\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\r\n", body.len());
            socket.write_all(head.as_bytes()).await?;
            socket.write_all(&body).await?;
        }
    }

    fn session(&self, path: &str) -> (u16, &'static str, Vec<u8>) {
        let hash = path.rsplit('/').next().unwrap_or_default();
        let state = self.state();
        match state.sessions.get(hash) {
            None => (404, "application/problem+json", Vec::new()),
            Some(session) => {
                let head = state.head();
                let end = now() + Lifetime::from_mins(60);
                let json = format!(
                    r#"{{"session":{{"id":"{session}","auth_time":"2027-01-15T08:00:00Z","amr":["pwd"]}},"user":{{"id":"usr_x"}},"sid":"{session}","client_id":"web","rh":null,"rv":"{head}","expires_at":{end},"idle_expires_at":{idle},"keep_ms":{},"chatter":"{}"}}"#,
                    state.keep_ms,
                    "x".repeat(state.chatter),
                    idle = (now() + Lifetime::from_millis(state.idle_ms)).millis(),
                    end = end.millis()
                );
                (200, "application/json", json.into_bytes())
            }
        }
    }

    async fn stream(&self, mut socket: TcpStream, head: &str, target: &str) -> std::io::Result<()> {
        if self.state().no_stream {
            return socket.write_all(b"HTTP/1.1 503 X\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").await;
        }
        socket.write_all(b"HTTP/1.1 200 X\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n").await?;
        let instance = target.split("instance=").nth(1).and_then(|rest| rest.split('&').next()).unwrap_or_default();
        let cursor = head.lines().find_map(|line| line.strip_prefix("last-event-id: "));
        let cursor: Option<Position> = cursor.map(|cursor| cursor.parse().unwrap());
        let (out, mut events) = unbounded_channel();
        {
            let mut state = self.state();
            state.asked.push((now(), cursor));
            let id = StreamId([state.requests["/v1/feed"] as u8; 16]);
            let key = state.key(instance.parse().unwrap());
            let mut stream = Stream { id, key, next: Place::Stream(0), out };
            stream.send(&Event::Hello(state.hello(id)));
            for event in state.catch_up(cursor.unwrap_or(Position::START)) {
                stream.send(&event);
            }
            state.streams.push(stream);
        }
        // Ends when the state drops the stream.
        while let Some(bytes) = events.recv().await {
            socket.write_all(&bytes).await?;
        }
        Ok(())
    }

    /// `None` if it acknowledges more of this generation than there is.
    fn ping(&self, mut body: Vec<u8>) -> Option<Vec<u8>> {
        let ping = Ping::read(&mut body).unwrap();
        let mut state = self.state();
        if state.is_behind(ping.applied) {
            state.streams.clear();
            return None;
        }
        let echo = Event::Echo(Echo { n: ping.n, stream: ping.stream, head: state.head(), time: now() });
        let mut events = state.catch_up(ping.applied);
        if state.needs_keys {
            events.push(Event::Need(Need::Keys));
        }
        events.push(echo.clone());
        let is_mute = state.is_mute;
        let mut streams = state.streams.iter_mut().filter(|_| !is_mute);
        if let Some(stream) = streams.find(|stream| Some(stream.id) == ping.stream) {
            stream.send(&echo);
        }
        let (key, mut place, mut answer) =
            (state.key(ping.instance), Place::Ping { ping: ping.n, number: 0 }, Vec::new());
        for event in &events {
            let written = Written::of(event);
            answer.extend_from_slice(written.shared());
            written.seal(&key, place, &mut answer);
            place = place.next();
        }
        state.pings.push(ping);
        Some(answer)
    }

    fn snapshot(&self) -> Vec<u8> {
        let state = self.state();
        let mut lines = Vec::new();
        let (count, sha256) = Snapshot::write_lines(state.before.iter().chain(&state.log), &mut lines);
        let statement = Statement {
            issuer: ISSUER.to_owned(),
            issued_at: now(),
            expires_at: now() + Lifetime::from_mins(1),
            to: state.head(),
            gc_through: Position::START,
            count,
            sha256,
        };
        let mut json = Vec::new();
        statement.write(&mut json);
        let header = base64url::encode(&header_json(Algorithm::EdDsa, ED, "dw-rvsnap+jwt"));
        let first = sign_with(&self.world.ed, &header, &base64url::encode(&json));
        [first.as_bytes(), b"\n", &lines].concat()
    }
}

impl State {
    pub(crate) fn head(&self) -> Position {
        Position { generation: self.generation, seq: self.log.len() as u64 }
    }

    /// Writes a line of the log, and to all streams.
    pub(crate) fn revoke(&mut self, entry: Entry) {
        let from = self.log.len() as u64;
        self.log.push(entry);
        let range = self.range(from);
        if !self.withhold {
            self.streams.iter_mut().for_each(|stream| stream.send(&range));
        }
    }

    fn key(&self, instance: Instance) -> StreamKey {
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &SECRET);
        let mut hash: [u8; 32] = digest.as_ref().try_into().unwrap();
        hash[0] ^= u8::from(self.forge);
        StreamKey::new(&hash, &instance)
    }

    fn hello(&self, stream: StreamId) -> Hello {
        Hello {
            version: self.version,
            stream,
            head: self.head(),
            lease: LEASE,
            grace: Lifetime::from_secs(60),
            retention: Lifetime::from_mins(62),
            longest_token: Lifetime::from_mins(60),
            time: now(),
        }
    }

    fn range(&self, from: u64) -> Event {
        Event::Range(Range {
            generation: self.generation,
            from,
            to: self.log.len() as u64,
            gc_through: Position::START,
            entries: self.log[from as usize..].to_vec(),
            mac: String::new(),
        })
    }

    fn is_behind(&self, cursor: Position) -> bool {
        cursor.generation == self.generation && cursor > self.head()
    }

    fn catch_up(&self, cursor: Position) -> Vec<Event> {
        let head = self.head();
        if self.is_behind(cursor) {
            let bump = Event::Bump(Bump { head, reason: "behind".to_owned() });
            return vec![bump, Event::Need(Need::Snapshot { head })];
        }
        if cursor.generation != self.generation {
            let bump = Event::Bump(Bump { head, reason: "restart".to_owned() });
            return vec![bump, Event::Need(Need::Snapshot { head })];
        }
        vec![self.range(cursor.seq)]
    }
}

async fn read_request(socket: &mut TcpStream, held: &mut Vec<u8>) -> std::io::Result<Option<(String, Vec<u8>)>> {
    loop {
        if let Some(end) = held.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = String::from_utf8(held[..end].to_vec()).unwrap();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            let length: usize = length.map_or(0, |length| length.parse().unwrap());
            if held.len() >= end + 4 + length {
                let body = held[end + 4..end + 4 + length].to_vec();
                held.drain(..end + 4 + length);
                return Ok(Some((head, body)));
            }
        }
        if socket.read_buf(held).await? == 0 {
            return Ok(None);
        }
    }
}
