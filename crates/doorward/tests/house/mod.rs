//! A whole server in process: real router, real rules, a store, a clock that is moved by hand.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use axum::Router;
use axum::body::Body;
use doorward::door::{Dice, Door, ManualClock, Settings, SystemDice};
use doorward::flows::clients::{self, Edit};
use doorward::flows::register::{Registration, register};
use doorward::hashing::Hashing;
use doorward::http::routes::router;
use doorward::wiring::{Wiring, wire};
use doorward_core::audit::Actor;
use doorward_core::client::{Client, Strategy, Transport};
use doorward_core::feed::Draft;
use doorward_core::id::{ClientId, SessionId, UserId};
use doorward_core::key::{Masters, Private};
use doorward_core::password::Cost;
use doorward_core::policy::RefreshPolicy;
use doorward_core::secret::Secret;
use doorward_core::user::Email;
use doorward_core::{Algorithm, Lifetime, Timestamp};
use doorward_store::memory::Memory;
use doorward_store::sqlite::Sqlite;
use doorward_store::{Opening, Origin, Stores};
use http::{Method, Request, StatusCode, header};
use serde_json::Value;
use tower::ServiceExt;

pub(crate) const ISSUER: &str = "http://localhost:8420";
pub(crate) const ADA: &str = "ada@example.test";
pub(crate) const PASSWORD: &str = "copper-lantern-41";
/// Cheap, for tests alone: what a hash costs is not what these are about.
pub(crate) const CHEAP: Cost = Cost { memory_kib: 8, passes: 1, lanes: 1 };

/// A server in process.
pub(crate) struct House {
    pub(crate) door: Door,
    pub(crate) router: Router,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) ada: UserId,
    /// Has the machine no entropy left?
    pub(crate) dry: Arc<AtomicBool>,
    folder: Option<tempfile::TempDir>,
    memory: Option<Arc<Memory>>,
}

/// Which store a house stands on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ground {
    Memory,
    Sqlite,
}

impl House {
    pub(crate) async fn memory() -> Self {
        Self::on(Ground::Memory).await
    }

    /// Where nobody signs up by themselves.
    pub(crate) async fn closed() -> Self {
        Self::set_up(Ground::Memory, CHEAP, |settings| settings.signup_open = false).await
    }

    pub(crate) async fn on(ground: Ground) -> Self {
        Self::set_up(ground, CHEAP, |_| {}).await
    }

    /// A house whose clients sign with an algorithm.
    pub(crate) async fn signing(ground: Ground, algorithm: Algorithm) -> Self {
        let house = Self::on(ground).await;
        for strategy in Strategy::ALL {
            house.set_algorithm(&format!("demo-{}", strategy.name()), algorithm).await;
        }
        house
    }

    /// A house of its own kind: what a hash costs, and what an operator set.
    pub(crate) async fn set_up(ground: Ground, cost: Cost, set: impl FnOnce(&mut Settings)) -> Self {
        let now = Timestamp::from_secs(1_790_000_000);
        let opening = Opening { now, database: [7; 16], origin: Origin::Serve };
        let (stores, folder, memory) = match ground {
            Ground::Memory => {
                let memory = Arc::new(Memory::open(opening));
                (Stores { sessions: memory.clone(), directory: memory.clone() }, None, Some(memory))
            }
            Ground::Sqlite => {
                let folder = tempfile::tempdir().expect("a folder");
                let store = Sqlite::open(folder.path(), opening).expect("a database");
                (Stores::of(store), Some(folder), None)
            }
        };
        let clock = Arc::new(ManualClock::starting_at(now));
        let mut settings = Settings {
            issuer: ISSUER.to_owned(),
            signup_open: true,
            refresh: RefreshPolicy::default(),
            cache_records: 10_000,
            throttle: Default::default(),
            trusted_proxies: Vec::new(),
            feed: Default::default(),
            rotate_every: None,
            feed_only: Vec::new(),
        };
        set(&mut settings);
        let dry = Arc::new(AtomicBool::new(false));
        let door = door_over(stores, settings, cost, &clock, &dry).await;
        for strategy in Strategy::ALL {
            let id = ClientId::parse(&format!("demo-{}", strategy.name())).expect("an id");
            add_client(
                &door,
                Client { transports: Transport::ALL.to_vec(), ..Client::first_party(id, strategy, now) },
            )
            .await;
        }
        let registration = Registration {
            email: Email::parse(ADA).expect("an address"),
            password: PASSWORD.to_owned().into(),
            name: None,
            roles: Default::default(),
        };
        let ada = register(&door, registration, Actor::Operator, &doorward::door::Origin::default()).await;
        let ada = ada.expect("an account").id;
        Self { router: router(door.clone()), door, clock, ada, dry, folder, memory }
    }

    /// The same house over another door, as after a restart.
    pub(crate) fn over(&self, door: Door) -> Self {
        let (clock, dry, memory) = (self.clock.clone(), self.dry.clone(), self.memory.clone());
        Self { router: router(door.clone()), door, clock, ada: self.ada, dry, folder: None, memory }
    }

    /// Another server over the same store, by the same clock, with caches of its own; `seen` is what it sees of the store.
    pub(crate) async fn beside(&self, seen: impl FnOnce(Stores) -> Stores) -> Self {
        let stores = seen(self.door.cached().stores().clone());
        self.over(door_over(stores, self.door.settings().clone(), CHEAP, &self.clock, &self.dry).await)
    }

    /// The same store under a server that has just started, with what an operator has set meanwhile.
    pub(crate) async fn restarted_with(&self, set: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = self.door.settings().clone();
        set(&mut settings);
        self.over(door_over(self.door.cached().stores().clone(), settings, CHEAP, &self.clock, &self.dry).await)
    }

    /// A store that can be made to fail.
    pub(crate) fn store(&self) -> &Memory {
        self.memory.as_deref().expect("a store in memory")
    }

    /// The bytes of every file the store has written.
    pub(crate) fn files(&self) -> Vec<Vec<u8>> {
        let folder = self.folder.as_ref().expect("a store in files");
        let entries = std::fs::read_dir(folder.path()).expect("a folder");
        entries.map(|entry| std::fs::read(entry.expect("an entry").path()).expect("a file")).collect()
    }

    pub(crate) fn advance(&self, span: Lifetime) {
        self.clock.advance(span);
    }

    /// Calls and reads the whole answer.
    pub(crate) async fn call(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.expect("the router always answers");
        Answer::read(response).await
    }

    pub(crate) async fn send(&self, ask: Ask) -> Answer {
        self.call(ask.request()).await
    }

    /// Signs Ada in; the answer must be 201.
    pub(crate) async fn sign_in(&self, client: &str, transport: &str) -> Answer {
        let body = serde_json::json!({
            "email": ADA, "password": PASSWORD, "client_id": client, "transport": transport,
        });
        let answer = self.send(Ask::post("/v1/sessions").json(&body)).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
        answer
    }

    /// Sets what a client's tokens are signed with, as an operator does.
    pub(crate) async fn set_algorithm(&self, client: &str, algorithm: Algorithm) {
        let id = ClientId::parse(client).expect("an id");
        let edit = Edit { algorithm: Some(algorithm), ..Edit::default() };
        clients::set(&self.door, &id, &edit, Actor::Operator, &Default::default()).await.expect("a change");
    }

    /// Registers a verifier; gives its secret.
    pub(crate) async fn add_verifier(&self, name: &str) -> String {
        use doorward::flows::verifiers::add;
        let added = add(&self.door, name.to_owned(), Vec::new(), Actor::Operator, &Default::default()).await;
        doorward_core::secret::SecretKind::Verifier.text(&added.expect("a verifier").1)
    }

    /// Strikes a verifier off.
    pub(crate) async fn remove_verifier(&self, name: &str) {
        let all = self.door.directory().verifiers().await.expect("verifiers");
        let id = all.iter().find(|one| one.name == name).expect("a verifier").id;
        let from = Default::default();
        doorward::flows::verifiers::remove(&self.door, id, Actor::Operator, &from).await.expect("struck off");
    }

    /// Sets a client's strategy, as an operator does.
    pub(crate) async fn set_strategy(&self, client: &str, strategy: Strategy) {
        let now = self.door.now();
        let set = |client: &mut Client| (client.strategy, client.strategy_since) = (strategy, now);
        self.change_client(client, set).await;
    }

    /// Changes a client, as an operator does.
    pub(crate) async fn change_client(&self, client: &str, change: impl FnOnce(&mut Client)) {
        self.change_client_and(client, change, Vec::new()).await;
    }

    /// The feed of a house of the least budget has half of its room taken, by ends that concern nobody.
    pub(crate) async fn crowd_the_feed(&self) {
        let half = (doorward_core::budget::LEAST - usize::from(doorward_core::spread::BUCKETS)) / 2;
        let id = |number: usize| SessionId::from_bytes(((number as u128) << 96 | 7).to_be_bytes());
        let drafts = (0..half).map(|number| Draft::session(id(number))).collect();
        self.change_client_and("demo-session", |_| {}, drafts).await;
    }

    async fn change_client_and(&self, client: &str, change: impl FnOnce(&mut Client), drafts: Vec<Draft>) {
        use doorward_core::change::{DirectoryChange, SetClient};
        let id = ClientId::parse(client).expect("an id");
        let found = self.door.client(&id).expect("a client");
        let mut set = Client::clone(&found);
        change(&mut set);
        let event = self.door.event(doorward_core::audit::Kind::ClientChanged, Actor::Operator, &Default::default());
        let change = SetClient { client: set, from: found.version, drafts };
        self.door
            .cached()
            .commit_durable(DirectoryChange::SetClient(Box::new(change)), event.expect("an event"))
            .await
            .expect("a commit");
    }
}

/// The machine's dice, with a stock of RSA pairs: making one takes a second, and these tests want dozens. They may run dry.
#[derive(Debug)]
struct StockedDice(Arc<AtomicBool>);

impl Dice for StockedDice {
    fn fill(&self, bytes: &mut [u8]) -> bool {
        !self.0.load(Ordering::SeqCst) && SystemDice.fill(bytes)
    }

    fn rsa_pair(&self) -> Option<Private> {
        static STOCK: OnceLock<[Vec<u8>; 2]> = OnceLock::new();
        static TAKEN: AtomicUsize = AtomicUsize::new(0);
        let draw = || SystemDice.rsa_pair().expect("a pair").expose().to_vec();
        let stock = STOCK.get_or_init(|| [draw(), draw()]);
        Some(Private::new(stock[TAKEN.fetch_add(1, Ordering::Relaxed) % stock.len()].clone()))
    }
}

async fn door_over(
    stores: Stores,
    settings: Settings,
    cost: Cost,
    clock: &Arc<ManualClock>,
    dry: &Arc<AtomicBool>,
) -> Door {
    let wiring = Wiring {
        stores,
        settings,
        masters: Masters::only(Secret::from_bytes([5; 32])),
        hashing: Hashing::start(2, cost).expect("threads"),
        clock: clock.clone(),
        dice: Arc::new(StockedDice(dry.clone())),
    };
    wire(wiring).await.expect("a door")
}

pub(crate) async fn add_client(door: &Door, client: Client) {
    use doorward_core::change::DirectoryChange;
    let event = door.event(doorward_core::audit::Kind::ClientCreated, Actor::Operator, &Default::default());
    let change = DirectoryChange::AddClient(Box::new(client));
    door.cached().commit_durable(change, event.expect("an event")).await.expect("a commit");
}

/// A request in the making.
pub(crate) struct Ask {
    builder: http::request::Builder,
    body: Body,
}

impl Ask {
    pub(crate) fn new(method: Method, path: &str) -> Self {
        Self {
            builder: Request::builder().method(method).uri(path).header(header::HOST, "localhost:8420"),
            body: Body::empty(),
        }
    }

    pub(crate) fn get(path: &str) -> Self {
        Self::new(Method::GET, path)
    }

    pub(crate) fn post(path: &str) -> Self {
        Self::new(Method::POST, path)
    }

    pub(crate) fn put(path: &str) -> Self {
        Self::new(Method::PUT, path)
    }

    pub(crate) fn delete(path: &str) -> Self {
        Self::new(Method::DELETE, path)
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.builder = self.builder.header(name, value);
        self
    }

    /// Over a connection from this address; without it the call comes from nowhere.
    pub(crate) fn from(mut self, address: &str) -> Self {
        let peer = std::net::SocketAddr::new(address.parse().expect("an address"), 4711);
        self.builder = self.builder.extension(doorward::http::extract::Peer(peer));
        self
    }

    pub(crate) fn bearer(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    pub(crate) fn jar(self, jar: &Jar) -> Self {
        let line = jar.line();
        if line.is_empty() { self } else { self.header("cookie", &line) }
    }

    pub(crate) fn json(self, body: &Value) -> Self {
        self.raw(body.to_string())
    }

    pub(crate) fn raw(mut self, body: impl Into<Body>) -> Self {
        self.builder = self.builder.header(header::CONTENT_TYPE, "application/json");
        self.body = body.into();
        self
    }

    /// The fields of a form, as a browser sends them.
    pub(crate) fn form(mut self, fields: &[(&str, &str)]) -> Self {
        let escape = |text: &str| text.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>();
        let pairs = fields.iter().map(|(name, value)| format!("{}={}", escape(name), escape(value)));
        self.body = Body::from(pairs.collect::<Vec<_>>().join("&"));
        self.header("content-type", "application/x-www-form-urlencoded")
    }

    pub(crate) fn request(self) -> Request<Body> {
        self.builder.body(self.body).expect("a request")
    }
}

/// An answer, read whole.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: http::HeaderMap,
    pub(crate) bytes: Vec<u8>,
    pub(crate) body: Value,
}

impl Answer {
    pub(crate) async fn read(response: axum::response::Response) -> Self {
        use http_body_util::BodyExt;
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.expect("a body").to_bytes().to_vec();
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Self { status: parts.status, headers: parts.headers, bytes, body }
    }

    /// The code of a problem, or the empty string.
    pub(crate) fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }

    /// A text member; the test fails if it is not there.
    #[track_caller]
    pub(crate) fn text(&self, name: &str) -> String {
        self.body[name].as_str().unwrap_or_else(|| panic!("no {name} in {self:?}")).to_owned()
    }

    #[track_caller]
    /// What its access token says, not verified.
    pub(crate) fn claims(&self) -> Value {
        let token = self.text("access_token");
        let claims = token.split('.').nth(1).and_then(doorward_core::base64url::decode).expect("claims");
        serde_json::from_slice(&claims).expect("JSON")
    }

    pub(crate) fn session_id(&self) -> String {
        self.body["session"]["id"].as_str().unwrap_or_else(|| panic!("no session in {self:?}")).to_owned()
    }

    #[track_caller]
    pub(crate) fn expect(self, status: u16, code: &str) -> Self {
        assert_eq!((self.status.as_u16(), self.code()), (status, code), "{self:?}");
        self
    }

    #[track_caller]
    pub(crate) fn ok(self) -> Self {
        assert!(self.status.is_success(), "{self:?}");
        self
    }
}

/// A browser's cookies for this one host, whatever their path.
#[derive(Clone, Debug, Default)]
pub(crate) struct Jar(pub(crate) BTreeMap<String, String>);

impl Jar {
    /// Keeps and drops what an answer says.
    pub(crate) fn keep(&mut self, answer: &Answer) {
        for line in answer.headers.get_all(header::SET_COOKIE) {
            let line = line.to_str().expect("text");
            let (pair, attributes) = line.split_once(';').expect("attributes");
            let (name, value) = pair.split_once('=').expect("a pair");
            if attributes.contains("Max-Age=0") {
                self.0.remove(name);
            } else {
                self.0.insert(name.to_owned(), value.to_owned());
            }
        }
    }

    /// The names of what opens something; being a known device opens nothing.
    pub(crate) fn credentials(&self) -> Vec<&str> {
        self.0.keys().map(String::as_str).filter(|name| *name != doorward::http::cookie::DEVICE).collect()
    }

    pub(crate) fn line(&self) -> String {
        self.0.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
    }
}
