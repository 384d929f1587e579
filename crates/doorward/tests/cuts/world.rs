//! The server, everybody who verifies beside it, and the people whose sessions are ended.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustix::process::{Pid, Resource, Signal, getrlimit, kill_process};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use super::oracle::{At, Board, Case, Count, Told};
use super::outside::Line;
use super::probe::Prober;
use super::relay::Relay;
use super::support::{Server, allow_files, program, run};
use super::verifiers::{Fleet, Process, Terms, start_api};
use super::wire::{APART, Wire};

pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
pub(crate) const ISSUER: &str = "http://localhost:8420";
const PASSWORD: &str = "quiet-harbour-92";
/// A relay holds two sockets for each of its connections, and a follower has up to three of these.
const FILES: u64 = 16_384;
pub(crate) const GRACE: Duration = Duration::from_millis(500);

/// How much is done.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scale {
    pub(crate) followers: usize,
    /// Each of them checks something so often.
    pub(crate) tick: Duration,
    /// So often each service is asked over HTTP.
    pub(crate) http_tick: Duration,
    /// How long a fault lasts; longer than lease and grace.
    pub(crate) span: Duration,
    pub(crate) lease: Duration,
    /// How many sessions are ended by themselves during a fault; of so few of one person, each has a line of its own.
    pub(crate) ends: usize,
    /// How many followers there are beside, with a lease of 3 seconds, each of which checks every 10 ms.
    pub(crate) crowd: usize,
}

/// Numbers as they come from a seed.
pub(crate) struct Chance(pub(crate) u64);

impl Chance {
    pub(crate) fn below(&mut self, most: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % most
    }

    pub(crate) fn span(&mut self, most: Duration) -> Duration {
        Duration::from_micros(self.below(most.as_micros() as u64))
    }
}

pub(crate) struct World {
    pub(crate) runtime: Runtime,
    pub(crate) chance: Chance,
    pub(crate) targets: Vec<Target>,
    server: Option<Server>,
    /// Where the server is now.
    address: Arc<RwLock<String>>,
    data: PathBuf,
    ids: u32,
    people: u32,
    _place: TempDir,
}

/// Somebody who verifies: a service that is asked over HTTP, or a fleet.
pub(crate) struct Target {
    pub(crate) name: &'static str,
    pub(crate) terms: Terms,
    pub(crate) relay: Relay,
    pub(crate) runs: Runs,
    /// The wires of one in a namespace: to the server, and to its own door.
    pub(crate) wires: Option<[Wire; 2]>,
}

pub(crate) enum Runs {
    Service { process: Process, prober: Prober },
    Fleet(Fleet),
}

/// A session that verifiers are asked about.
pub(crate) struct Member {
    pub(crate) id: u32,
    pub(crate) credential: String,
    pub(crate) case: Arc<Mutex<Case>>,
}

/// Sessions that live, and sessions that will be ended: by themselves, or all of a person at once.
pub(crate) struct Wave {
    /// Since when everybody is asked about them.
    pub(crate) since: At,
    pub(crate) living: Vec<Member>,
    pub(crate) single: Vec<Member>,
    pub(crate) together: Vec<Member>,
}

impl World {
    pub(crate) fn begin(seed: u64) -> Self {
        let most = getrlimit(Resource::Nofile).maximum;
        allow_files(most.map_or(FILES, |most| most.min(FILES)));
        let place = tempfile::tempdir().expect("a place");
        let data = place.path().join("data");
        let server = serve(&data);
        let address = Arc::new(RwLock::new(server.address.clone()));
        let runtime = Runtime::new().expect("a runtime");
        let (server, targets, chance) = (Some(server), Vec::new(), Chance(seed));
        let mut world = Self { runtime, chance, targets, server, address, data, ids: 0, people: 0, _place: place };
        world.sign_up("steady");
        world
    }

    pub(crate) fn server(&self) -> &Server {
        self.server.as_ref().expect("it runs")
    }

    fn terms(&self, name: &str, relay: &Relay, lease: Duration, grace: Duration) -> Terms {
        let mut command = program();
        command.args(["verifiers", "add", name, "--format", "json", "--data"]).arg(&self.data);
        let secret = run(command, "").expect(0).json()["secret"].as_str().expect("a secret").to_owned();
        Terms { issuer: ISSUER.to_owned(), server: relay.url(), secret, lease, grace }
    }

    fn lay(&self, at: &str) -> Relay {
        Relay::lay(self.runtime.handle(), at, self.server().address.parse().expect("an address"))
    }

    pub(crate) fn add_fleet(
        &mut self,
        name: &'static str,
        followers: usize,
        tick: Duration,
        lease: Duration,
        grace: Duration,
    ) {
        let relay = self.lay("127.0.0.1:0");
        let terms = self.terms(name, &relay, lease, grace);
        let runs = Runs::Fleet(Fleet::start(&terms, followers, tick));
        self.targets.push(Target { name, terms, relay, runs, wires: None });
    }

    pub(crate) fn add_service(&mut self, name: &'static str, lease: Duration, tick: Duration) {
        let relay = self.lay("127.0.0.1:0");
        let terms = self.terms(name, &relay, lease, Duration::ZERO);
        let (process, port) = start_api(&[], &terms, "127.0.0.1:0");
        let prober = Prober::start(self.runtime.handle(), &format!("127.0.0.1:{port}"), tick);
        self.targets.push(Target { name, terms, relay, runs: Runs::Service { process, prober }, wires: None });
    }

    /// A service in a network of its own, where this machine can make one.
    pub(crate) fn add_apart(&mut self, name: &'static str, lease: Duration, tick: Duration) -> Result<(), String> {
        let (mut feed, mut door) = (Wire::new(0)?, Wire::new(1)?);
        let relay = self.lay(&format!("{}:0", feed.here()));
        let terms = self.terms(name, &relay, lease, Duration::ZERO);
        let (process, port) = start_api(&APART, &terms, "0.0.0.0:0");
        feed.lead_into(process.id())?;
        door.lead_into(process.id())?;
        let prober = Prober::start(self.runtime.handle(), &format!("{}:{port}", door.there()), tick);
        let runs = Runs::Service { process, prober };
        self.targets.push(Target { name, terms, relay, runs, wires: Some([feed, door]) });
        Ok(())
    }

    /// `kill -9`.
    pub(crate) fn kill_server(&mut self) {
        self.server.take().expect("it runs").stop(Signal::KILL);
    }

    /// Over the same files, somewhere else.
    pub(crate) fn start_server(&mut self) {
        let server = serve(&self.data);
        server.address.clone_into(&mut self.address.write().unwrap_or_else(PoisonError::into_inner));
        for target in &self.targets {
            target.relay.lead_to(server.address.parse().expect("an address"));
        }
        self.server = Some(server);
    }

    pub(crate) fn signal_server(&self, signal: Signal) {
        let process = i32::try_from(self.server().process()).ok().and_then(Pid::from_raw).expect("a process");
        kill_process(process, signal).expect("it runs");
    }

    fn sign_up(&mut self, name: &str) -> String {
        let email = format!("{name}@example.test");
        let body = json!({ "email": email, "password": PASSWORD, "name": name });
        let answer = self.server().call("POST", "/v1/users", &[], &body.to_string());
        assert_eq!(answer.status, 201, "{answer:?}");
        email
    }

    fn sign_in(&mut self, email: &str, count: usize) -> Vec<Member> {
        let clients = ["demo-jwt", "demo-session", "demo-hybrid"];
        (0..count)
            .map(|number| {
                let client = clients[number % clients.len()];
                let answer = self.server().sign_in(email, PASSWORD, client);
                assert_eq!(answer.status, 201, "{answer:?}");
                let member = if client == "demo-session" { "session_token" } else { "access_token" };
                self.ids += 1;
                Member { id: self.ids, credential: answer.word(member), case: Arc::default() }
            })
            .collect()
    }

    /// Signs people in, and has everybody who verifies asked about them.
    pub(crate) fn gather(&mut self, ends: usize) -> Wave {
        self.people += 1;
        let emails = ["single", "together"].map(|name| format!("{name}-{}", self.people));
        let [single, together] = emails.map(|name| self.sign_up(&name));
        let wave = Wave {
            living: self.sign_in("steady@example.test", 2),
            single: self.sign_in(&single, ends),
            together: self.sign_in(&together, 2),
            // The last, because signing in takes a while.
            since: At::now(),
        };
        for target in &mut self.targets {
            for member in wave.all() {
                target.add(member.id, &member.credential);
            }
        }
        wave
    }

    /// Begins to end what is to be ended, some of it within `early`, one just then, all within `within`; every other call
    /// waits for all verifiers.
    pub(crate) fn end(&mut self, wave: &Wave, early: Duration, within: Duration) -> Vec<JoinHandle<Value>> {
        let mut calls = Vec::new();
        for (number, member) in wave.single.iter().enumerate() {
            let delay = match number {
                0 | 1 => self.chance.span(early),
                2 => early,
                _ => self.chance.span(within),
            };
            let (ack, cases) = (["verifiers", "durable"][number % 2], vec![Arc::clone(&member.case)]);
            calls.push((delay, "DELETE", format!("/v1/session?ack={ack}"), member.credential.clone(), cases));
        }
        let cases = wave.together.iter().map(|member| Arc::clone(&member.case)).collect();
        let path = "/v1/sessions/revoke?ack=verifiers".to_owned();
        calls.push((self.chance.span(within), "POST", path, wave.together[0].credential.clone(), cases));
        let mut threads = Vec::new();
        for (delay, method, path, bearer, cases) in calls {
            let address = Arc::clone(&self.address);
            threads.push(thread::spawn(move || {
                thread::sleep(delay);
                end(&address, method, &path, &bearer, &cases)
            }));
        }
        threads
    }

    /// Waits until everybody who verifies lets in the living, and turns away what was ended; gives how long that took.
    pub(crate) fn settle(&mut self, wave: &Wave) -> Duration {
        let begun = At::now();
        for target in &mut self.targets {
            target.ask_anew();
        }
        let is_ended: Vec<(u32, bool)> =
            wave.all().map(|member| (member.id, member.case().answered.is_some())).collect();
        for target in &mut self.targets {
            let all = target.size();
            loop {
                let (_, counts) = target.tell();
                let waits = is_ended.iter().filter(|(id, is_ended)| {
                    let Some(count) = counts.iter().find(|count| count.id == *id) else { return true };
                    if *is_ended { count.turned_away_by < all } else { count.let_in_by < all }
                });
                let waits = waits.count();
                if waits == 0 {
                    break;
                }
                assert!(
                    At::now().since(begun) < PATIENCE,
                    "{} does not come round, for {waits} of {}: {counts:?}",
                    target.name,
                    is_ended.len()
                );
                thread::sleep(Duration::from_millis(20));
            }
        }
        At::now().since(begun)
    }
}

impl Target {
    pub(crate) fn size(&self) -> usize {
        match &self.runs {
            Runs::Service { .. } => 1,
            Runs::Fleet(fleet) => fleet.followers,
        }
    }

    fn with_board(&mut self, there: impl FnOnce(&Board), far: impl FnOnce(&mut Fleet)) {
        match &mut self.runs {
            Runs::Service { prober, .. } => there(prober.board()),
            Runs::Fleet(fleet) => far(fleet),
        }
    }

    fn add(&mut self, id: u32, credential: &str) {
        self.with_board(|board| board.add(id, credential), |fleet| fleet.add(id, credential));
    }

    pub(crate) fn clear(&mut self) {
        self.with_board(Board::clear, Fleet::clear);
    }

    fn ask_anew(&mut self) {
        self.with_board(Board::ask_anew, Fleet::ask_anew);
    }

    pub(crate) fn tell(&mut self) -> (Vec<Told>, Vec<Count>) {
        match &mut self.runs {
            Runs::Service { prober, .. } => prober.board().tell(),
            Runs::Fleet(fleet) => {
                let report = fleet.tell();
                (report.told, report.counts)
            }
        }
    }

    pub(crate) fn process(&mut self) -> &mut Process {
        match &mut self.runs {
            Runs::Service { process, .. } => process,
            Runs::Fleet(fleet) => &mut fleet.process,
        }
    }

    /// A service that was killed comes again, as another instance.
    pub(crate) fn start_again(&mut self) {
        let Runs::Service { process, prober } = &mut self.runs else { panic!("a fleet forgets what it has seen") };
        let (new, port) = start_api(&[], &self.terms, "127.0.0.1:0");
        *process = new;
        prober.move_to(&format!("127.0.0.1:{port}"));
    }
}

impl Wave {
    pub(crate) fn all(&self) -> impl Iterator<Item = &Member> {
        self.living.iter().chain(&self.single).chain(&self.together)
    }
}

impl Member {
    pub(crate) fn case(&self) -> Case {
        *self.case.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// `doorward dev` on a free port; its issuer is always the same.
fn serve(data: &Path) -> Server {
    let mut command = program();
    command.args(["dev", "--listen", "127.0.0.1:0", "--issuer", ISSUER, "--data"]).arg(data);
    command.env("DOORWARD_FEED_GRACE_MOST_MS", GRACE.as_millis().to_string());
    command.env("DOORWARD_THROTTLE_BURST", "10000").env("DOORWARD_THROTTLE_PER_MINUTE", "60000");
    Server::start(command, data)
}

/// Ends sessions, and writes down when; asks again until there is an answer. Gives the receipt, if there is one.
fn end(address: &RwLock<String>, method: &str, path: &str, bearer: &str, cases: &[Arc<Mutex<Case>>]) -> Value {
    let note = |change: &dyn Fn(&mut Case)| {
        cases.iter().for_each(|case| change(&mut case.lock().unwrap_or_else(PoisonError::into_inner)));
    };
    let body = (method == "POST").then(|| json!({ "scope": "all" }));
    let begun = At::now();
    note(&|case| case.sent = Some(begun));
    while At::now().since(begun) < PATIENCE {
        let address = address.read().unwrap_or_else(PoisonError::into_inner).clone();
        let reply = Line::open(&address).and_then(|mut line| line.call(method, path, Some(bearer), body.as_ref()));
        let now = At::now();
        match reply {
            Some(reply) if reply.status == 200 => {
                let receipt = reply.body["receipt"].clone();
                note(&|case| {
                    case.answered = Some(now);
                    case.receipt = (receipt["ack"] == "verifiers").then_some(now);
                });
                return receipt;
            }
            // It was ended by a call whose answer was lost.
            Some(reply) if reply.status == 401 => {
                note(&|case| case.answered = Some(now));
                return Value::Null;
            }
            Some(reply) => assert_eq!(reply.status, 503, "{reply:?}"),
            None => {}
        }
        thread::sleep(Duration::from_millis(10));
    }
    panic!("{method} {path} was not answered");
}
