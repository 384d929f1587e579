//! Keys turn under a stream of verifications by other people's libraries with nothing set: npm jose and PyJWT.
//!
//! Time is moved by hand and honestly: the server's clock and those of the libraries' processes are moved by the same
//! amounts, so what they cache, and for how long, is what they do at work.

#![expect(clippy::disallowed_methods, reason = "the parts of a test may be missing")]
#![expect(dead_code, reason = "what tests share has more than this one uses")]

mod house;
mod parts;

mod slow {
    use std::collections::VecDeque;
    use std::io::{BufRead, BufReader, Write};
    use std::path::{Path, PathBuf};
    use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

    use doorward::door::{Clock, Origin};
    use doorward::flows::keys;
    use doorward::http::routes;
    use doorward::listener::Port;
    use doorward_core::audit::Actor;
    use doorward_core::client::{Client, Strategy, Transport};
    use doorward_core::id::ClientId;
    use doorward_core::key::{LEAD, Purpose, Stage};
    use doorward_core::{Algorithm, Lifetime, Timestamp};
    use serde_json::{Value, json};
    use tokio::net::TcpListener;
    use tokio::sync::watch;

    use super::house::{Ask, Ground, House, ISSUER};
    use super::parts;

    const TICK: Lifetime = Lifetime::from_secs(10);
    const ROTATIONS: usize = 10;
    /// What both libraries verify; of HS256 nothing is published.
    const ALGORITHMS: [Algorithm; 4] = [Algorithm::Es256, Algorithm::EdDsa, Algorithm::Rs256, Algorithm::Ps256];
    /// Every how many ticks each verifier has something to do: all the time, now and then, hardly ever.
    const VERIFIERS: [usize; 4] = [1, 7, 29, 61];

    /// A house with a client for each algorithm, on a port.
    struct Served {
        house: House,
        jwks: String,
        stop: watch::Sender<bool>,
    }

    impl Served {
        async fn new() -> Self {
            let (house, from) = (House::on(Ground::Memory).await, Origin::default());
            for algorithm in ALGORITHMS {
                let client = Client {
                    transports: Transport::ALL.to_vec(),
                    algorithm,
                    ..Client::first_party(id(algorithm), Strategy::Jwt, house.clock.now())
                };
                let added = doorward::flows::clients::add(&house.door, client, Actor::Operator, &from);
                added.await.expect("a client");
            }
            let port = TcpListener::bind("127.0.0.1:0").await.expect("a port");
            let jwks = format!("http://{}/.well-known/jwks.json", port.local_addr().expect("an address"));
            let (stop, stopped) = watch::channel(false);
            let public = Port::new(house.door.clone(), routes::router(house.door.clone()));
            tokio::spawn(public.serve(port, stopped));
            Self { house, jwks, stop }
        }

        async fn token(&self, algorithm: Algorithm) -> String {
            let body = json!({ "client_id": id(algorithm).as_str(), "guest": true, "transport": "body" });
            self.house.send(Ask::post("/v1/sessions").json(&body)).await.ok().text("access_token")
        }

        async fn tokens(&self) -> Vec<String> {
            let mut tokens = Vec::new();
            for algorithm in ALGORITHMS {
                tokens.push(self.token(algorithm).await);
            }
            tokens
        }

        /// Turns every signing key.
        async fn rotate(&self, hurry: bool) {
            for algorithm in ALGORITHMS {
                let (purpose, from) = (Purpose::signing(algorithm), Origin::default());
                let turned = keys::rotate(&self.house.door, purpose, hurry, Actor::Operator, &from);
                turned.await.expect("a standby is ready");
            }
        }

        async fn signing(&self) -> Vec<String> {
            let keys = self.house.door.directory().keys().await.expect("keys");
            let signing = keys.iter().filter(|key| key.stage == Stage::Active && key.purpose.algorithm().is_some());
            signing.map(|key| key.id.to_string()).collect()
        }
    }

    fn id(algorithm: Algorithm) -> ClientId {
        ClientId::parse(&format!("web-{}", algorithm.name().to_lowercase())).expect("an id")
    }

    /// A library in a process of its own.
    struct Library {
        name: &'static str,
        child: Child,
        asks: ChildStdin,
        answers: BufReader<ChildStdout>,
        verified: usize,
    }

    impl Library {
        fn start(name: &'static str, mut command: Command, place: &Path) -> Self {
            command.current_dir(place).stdin(Stdio::piped()).stdout(Stdio::piped());
            let mut child = command.spawn().expect("the library's process");
            let asks = child.stdin.take().expect("a pipe");
            let answers = BufReader::new(child.stdout.take().expect("a pipe"));
            Self { name, child, asks, answers, verified: 0 }
        }

        /// Has one of its verifiers verify; gives the reasons of what was refused.
        fn verify(&mut self, verifier: usize, tokens: &[&String], now: Timestamp) -> Vec<String> {
            let asked = json!({ "now": now.millis(), "verifier": verifier, "tokens": tokens });
            writeln!(self.asks, "{asked}").and_then(|()| self.asks.flush()).expect("it listens");
            let mut line = String::new();
            self.answers.read_line(&mut line).expect("it answers");
            let refused: Vec<Value> = serde_json::from_str(&line).expect("a list of reasons");
            self.verified += tokens.len() - refused.len();
            refused.iter().map(|reason| reason.as_str().expect("a reason").to_owned()).collect()
        }
    }

    impl Drop for Library {
        fn drop(&mut self) {
            drop(self.child.kill());
            drop(self.child.wait());
        }
    }

    fn scripts() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rotation")
    }

    /// Both libraries, or those that can be had; a line about each that cannot.
    fn libraries(jwks: &str) -> Vec<Library> {
        // They are installed once, by whichever test comes first.
        static INSTALLING: std::sync::Mutex<()> = std::sync::Mutex::new(());
        let _alone = INSTALLING.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let from = scripts();
        let what = "keys that turn under a stream of verifications";
        let mut libraries = Vec::new();
        let place = parts::place("jose");
        match parts::node_modules(&from, &place, "jose") {
            Ok(()) => {
                let mut node = Command::new("node");
                node.arg(from.join("jose.mjs")).args([jwks, ISSUER]);
                libraries.push(Library::start("jose", node, &place));
            }
            Err(why) => parts::skip("jose", what, &why),
        }
        let place = parts::place("pyjwt");
        match parts::python(&from, &place) {
            Ok(interpreter) => {
                let mut python = Command::new(interpreter);
                python.arg(from.join("pyjwt.py")).args([jwks, ISSUER]);
                libraries.push(Library::start("PyJWT", python, &place));
            }
            Err(why) => parts::skip("pyjwt", what, &why),
        }
        libraries
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn ten_rotations_fail_no_verification() {
        let served = Served::new().await;
        let mut libraries = libraries(&served.jwks);
        // Those of the last quarter of an hour, the oldest first.
        let mut tokens: VecDeque<(Timestamp, Vec<String>)> = VecDeque::new();
        let (mut refused, mut turned, mut since, mut tick) = (Vec::new(), 0, Lifetime::ZERO, 0_usize);
        let mut signed = std::collections::BTreeSet::new();
        // On for longer than a token lives after the last turn.
        let end = Lifetime::from_mins(16);
        while turned < ROTATIONS || since < end {
            let now = served.house.clock.now();
            if turned < ROTATIONS && since >= LEAD {
                // At the first moment at which it is allowed.
                served.rotate(false).await;
                (turned, since) = (turned + 1, Lifetime::ZERO);
            }
            keys::tend(&served.house.door, Lifetime::ZERO).await.expect("tended");
            signed.extend(served.signing().await);
            tokens.push_back((now, served.tokens().await));
            tokens.retain(|(minted, _)| now - *minted < Lifetime::from_mins(15));
            let shown: Vec<&String> =
                [0, tokens.len() / 2, tokens.len() - 1].map(|at| &tokens[at].1).into_iter().flatten().collect();
            for library in &mut libraries {
                for (verifier, _) in VERIFIERS.iter().enumerate().filter(|(_, every)| tick.is_multiple_of(**every)) {
                    let reasons = library.verify(verifier, &shown, now);
                    let name = library.name;
                    refused.extend(reasons.into_iter().map(|why| format!("tick {tick}: {name} {verifier}: {why}")));
                }
            }
            served.house.advance(TICK);
            since = since + TICK;
            tick += 1;
        }
        assert!(refused.is_empty(), "{} refused, such as {:?}", refused.len(), &refused[..refused.len().min(5)]);
        for library in &libraries {
            println!("assure: verifications by {}, over {turned} rotations = {}", library.name, library.verified);
            assert!(library.verified > 5_000, "a stream, and no trickle");
        }
        assert_eq!(signed.len(), ALGORITHMS.len() * (ROTATIONS + 1), "every key that turned has signed");
        served.stop.send(true).expect("a server");
    }

    /// The proof above can fail: without the lead it does.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_key_that_signs_before_its_lead_breaks_both_libraries() {
        let served = Served::new().await;
        for mut library in libraries(&served.jwks) {
            served.house.advance(LEAD);
            let now = served.house.clock.now();
            let good = served.tokens().await;
            assert_eq!(library.verify(0, &good.iter().collect::<Vec<_>>(), now), Vec::<String>::new());
            // The first turn brings in a key that everybody has; the second one that was made a moment ago.
            served.rotate(false).await;
            served.rotate(true).await;
            let early = served.tokens().await;
            let early: Vec<&String> = early.iter().collect();
            let reasons = library.verify(0, &early, now);
            assert_eq!(reasons.len(), ALGORITHMS.len(), "{}: {reasons:?}", library.name);
            let unknown =
                |reason: &String| reason.contains("JWKS_NO_MATCHING_KEY") || reason.contains("Unable to find");
            assert!(reasons.iter().all(unknown), "{reasons:?}");
            served.house.advance(Lifetime::from_secs(31));
            let now = served.house.clock.now();
            assert_eq!(library.verify(0, &early, now), Vec::<String>::new(), "once it may ask again");
        }
        served.stop.send(true).expect("a server");
    }
}
