//! Verifiers in processes of their own, so that they can be stopped and killed: the service of `examples/api` as it is,
//! and fleets of followers that check by themselves as often as they can. Such a process is this test's own program,
//! started once more; what it is to be stands in its environment, and it ends when nobody holds its stdin any more.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use doorward_verify::follow::{Follower, Refused, Settings};
use doorward_verify::{Cut, Freshness, Lifetime, Policy};
use rustix::process::{Pid, Signal, kill_process, set_parent_process_death_signal};

use super::api;
use super::oracle::{At, Board, Count, Route, Seen, Told, Verdict};

const PATIENCE: Duration = Duration::from_secs(30);
/// What a process says to us begins with this; the rest is the test runner's.
const SAYS: &str = "cuts: ";
const ROLE: &str = "CUTS_ROLE";
/// Every so many checks ask a route of another kind.
const EVENTUAL: usize = 16;
const STRICT: usize = 64;

/// What all verifiers are told.
#[derive(Clone)]
pub(crate) struct Terms {
    pub(crate) issuer: String,
    pub(crate) server: String,
    pub(crate) secret: String,
    pub(crate) lease: Duration,
    pub(crate) grace: Duration,
}

/// A process that was started, and its lines.
pub(crate) struct Process {
    child: Child,
    /// Until it is let go.
    stdin: Option<ChildStdin>,
    lines: Receiver<String>,
}

impl Process {
    /// This program once more; behind other words, where it is to be started by something.
    fn start(before: &[&str], role: &str, more: &[(&str, String)]) -> Self {
        let itself = std::env::current_exe().expect("this program");
        let mut command = match before.split_first() {
            Some((first, rest)) => {
                let mut command = Command::new(first);
                command.args(rest).arg(itself);
                command
            }
            None => Command::new(itself),
        };
        command.args(["--exact", "a_process_of_verifiers_ends_with_whoever_started_it", "--nocapture"]);
        command.env(ROLE, role).envs(more.iter().map(|(name, value)| (name, value)));
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("this program starts once more");
        let stdout = child.stdout.take().expect("a pipe");
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                drop(sender.send(line));
            }
        });
        let stdin = child.stdin.take();
        Self { child, stdin, lines }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn send(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("it runs");
    }

    /// `kill -9`.
    pub(crate) fn kill(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }

    /// Lets go of it; says whether it ended by itself.
    pub(crate) fn let_go(mut self) -> bool {
        self.stdin = None;
        let begun = At::now();
        while At::now().since(begun) < PATIENCE {
            if self.child.try_wait().expect("a child").is_some() {
                return true;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        false
    }

    /// Says something to it. (It may have been killed.)
    fn say(&mut self, line: &str) {
        drop(self.stdin.as_mut().map(|stdin| writeln!(stdin, "{line}")));
    }

    /// The rest of its next line that begins so.
    fn line(&self, begin: &str) -> String {
        loop {
            let line = self.lines.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("no line that begins {begin:?}"));
            if let Some(rest) = line.strip_prefix(begin) {
                return rest.to_owned();
            }
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The service of `examples/api`, listening; behind other words if it is to be in a namespace.
pub(crate) fn start_api(before: &[&str], terms: &Terms, listen: &str) -> (Process, u16) {
    let millis = |span: Duration| span.as_millis().to_string();
    let process = Process::start(
        before,
        "api",
        &[
            ("ISSUER", terms.issuer.clone()),
            ("SERVERS", terms.server.clone()),
            ("SECRET", terms.secret.clone()),
            ("LISTEN", listen.to_owned()),
            ("LEASE_MS", millis(terms.lease)),
            ("GRACE_MS", millis(terms.grace)),
        ],
    );
    let address = process.line("listening ");
    let port = address.rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port");
    (process, port)
}

/// So many followers in one process, each of which checks something at every tick.
pub(crate) struct Fleet {
    pub(crate) process: Process,
    pub(crate) followers: usize,
}

/// What a fleet tells of itself.
pub(crate) struct Report {
    pub(crate) told: Vec<Told>,
    pub(crate) counts: Vec<Count>,
    /// How many of its followers may trust their index.
    pub(crate) fresh: usize,
    /// How many snapshots they have taken in, all of them together.
    pub(crate) snapshots: u64,
}

impl Fleet {
    pub(crate) fn start(terms: &Terms, followers: usize, tick: Duration) -> Self {
        let Terms { issuer, server, secret, lease, grace } = terms;
        let (lease, grace, tick) = (lease.as_millis(), grace.as_millis(), tick.as_micros());
        let words = format!("{issuer} {server} {secret} {lease} {grace} {followers} {tick}");
        let process = Process::start(&[], "fleet", &[("CUTS_FLEET", words)]);
        process.line(&format!("{SAYS}here"));
        Self { process, followers }
    }

    pub(crate) fn add(&mut self, id: u32, credential: &str) {
        self.process.say(&format!("add {id} {credential}"));
    }

    pub(crate) fn clear(&mut self) {
        self.process.say("clear");
    }

    pub(crate) fn ask_anew(&mut self) {
        self.process.say("anew");
    }

    pub(crate) fn tell(&mut self) -> Report {
        self.process.say("tell");
        let mut report = Report { told: Vec::new(), counts: Vec::new(), fresh: 0, snapshots: 0 };
        loop {
            let line = self.process.line(SAYS);
            let words: Vec<&str> = line.split(' ').collect();
            let number = |place: usize| words[place].parse::<u64>().expect("a number");
            let moment = |place: usize| (words[place] != "-").then(|| At(number(place)));
            match words[0] {
                "told" => report.told.push(Told {
                    id: number(1) as u32,
                    route: Route::from_name(words[2]).expect("a route"),
                    seen: Seen {
                        let_in: number(3),
                        turned_away: number(4),
                        unknown: number(5),
                        nothing: number(6),
                        last_let_in: moment(7),
                        first_turned_away: moment(8),
                    },
                }),
                "count" => report.counts.push(Count {
                    id: number(1) as u32,
                    let_in_by: number(2) as usize,
                    turned_away_by: number(3) as usize,
                }),
                "end" => {
                    (report.fresh, report.snapshots) = (number(1) as usize, number(2));
                    return report;
                }
                other => panic!("{other:?} was said"),
            }
        }
    }
}

/// Is the process one of those? Then it has been one when this comes back.
pub(crate) fn was_one() -> bool {
    let Ok(role) = std::env::var(ROLE) else { return false };
    set_parent_process_death_signal(Some(Signal::KILL)).expect("a signal");
    match role.as_str() {
        "api" => {
            std::thread::spawn(|| {
                std::io::stdin().lines().for_each(drop);
                std::process::exit(0);
            });
            api::main().expect("the service runs");
        }
        "fleet" => be_a_fleet(),
        other => panic!("{other:?} is no role"),
    }
    true
}

fn be_a_fleet() {
    let words = std::env::var("CUTS_FLEET").expect("what it is to be");
    let words: Vec<&str> = words.split(' ').collect();
    let number = |place: usize| words[place].parse::<u64>().expect("a number");
    let millis = |place: usize| Lifetime::from_millis(i64::try_from(number(place)).expect("a short span"));
    let mut settings = Settings::new(words[0], words[0], words[2]);
    settings.servers = vec![words[1].to_owned()];
    (settings.lease, settings.grace) = (millis(3), millis(4));
    let (followers, tick) = (number(5) as usize, Duration::from_micros(number(6)));
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let followers: Arc<Vec<Follower>> = runtime.block_on(async {
        Arc::new((0..followers).map(|_| Follower::start(settings.clone()).expect("settings")).collect())
    });
    let board = Arc::new(Board::new(followers.len()));
    runtime.spawn(check(Arc::clone(&followers), Arc::clone(&board), settings.grace, tick));
    println!("{SAYS}here");
    for line in std::io::stdin().lines().map_while(Result::ok) {
        let words: Vec<&str> = line.split(' ').collect();
        match words[..] {
            ["add", id, credential] => board.add(id.parse().expect("a number"), credential),
            ["clear"] => board.clear(),
            ["anew"] => board.ask_anew(),
            ["tell"] => tell(&board, &followers),
            _ => panic!("{line:?} is not understood"),
        }
    }
}

fn tell(board: &Board, followers: &[Follower]) {
    let (told, counts) = board.tell();
    let moment = |at: Option<At>| at.map_or_else(|| "-".to_owned(), |at| at.0.to_string());
    for Told { id, route, seen } in told {
        let Seen { let_in, turned_away, unknown, nothing, last_let_in, first_turned_away } = seen;
        let (route, last, first) = (route.name(), moment(last_let_in), moment(first_turned_away));
        println!("{SAYS}told {id} {route} {let_in} {turned_away} {unknown} {nothing} {last} {first}");
    }
    for Count { id, let_in_by, turned_away_by } in counts {
        println!("{SAYS}count {id} {let_in_by} {turned_away_by}");
    }
    let fresh = followers.iter().filter(|follower| follower.is_ready()).count();
    let snapshots: u64 = followers.iter().map(|follower| follower.metrics().count("snapshots", None)).sum();
    println!("{SAYS}end {fresh} {snapshots}");
}

/// Every follower checks one credential at each tick: each has its turn, and so has each kind of route.
async fn check(followers: Arc<Vec<Follower>>, board: Arc<Board>, grace: Lifetime, tick: Duration) {
    let mut ticks = tokio::time::interval(tick);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    for turn in 0_usize.. {
        ticks.tick().await;
        for (number, follower) in followers.iter().enumerate() {
            let Some(watched) = board.pick(turn.wrapping_add(number)) else { break };
            let step = turn / 7 + number;
            let route = match () {
                () if step % STRICT == 1 => Route::Strict,
                () if step % EVENTUAL == 2 => Route::Eventual,
                () if grace > Lifetime::ZERO && step % 2 == 0 => Route::Grace,
                () => Route::Bounded,
            };
            let waits = route == Route::Strict || watched.credential.starts_with("dws_");
            let begun = At::now();
            if waits {
                let follower = follower.clone();
                tokio::spawn(async move {
                    let verdict = ask(&follower, &watched.credential, route, grace).await;
                    watched.note(number, route, verdict, begun);
                });
            } else {
                let verdict = ask(follower, &watched.credential, route, grace).await;
                watched.note(number, route, verdict, begun);
            }
        }
    }
}

async fn ask(follower: &Follower, credential: &str, route: Route, grace: Lifetime) -> Verdict {
    let (freshness, cut) = match route {
        Route::Eventual => (Freshness::Eventual, Cut::Deny),
        Route::Bounded => (Freshness::Bounded, Cut::Deny),
        Route::Grace => (Freshness::Bounded, Cut::Grace(grace)),
        Route::Introspect => (Freshness::Bounded, Cut::Introspect),
        Route::Strict => (Freshness::Strict, Cut::Deny),
    };
    let policy = Policy { freshness, cut };
    let answer = if credential.starts_with("dws_") {
        follower.session_with(credential, policy).await
    } else {
        follower.verify_with(credential, policy).await
    };
    match answer {
        Ok(_) => Verdict::LetIn,
        Err(Refused::Unknown) => Verdict::Unknown,
        Err(_) => Verdict::TurnedAway,
    }
}
