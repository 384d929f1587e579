//! A thousand verifiers on the feed of the built program: what they cost, how soon the last of them hears, that each can
//! be waited for, and that all are let go in good order.

#![expect(clippy::disallowed_methods, reason = "the test measures time, and keeps its environment from the program")]
#![expect(dead_code, reason = "the program's support has more than this test uses")]

mod support;

mod slow {
    use std::fs;
    use std::path::Path;
    use std::sync::Arc;
    use std::time::{Duration, Instant};

    use doorward_core::secret::SecretKind;
    use doorward_verify::Lifetime;
    use doorward_verify::feed::{Cutter, Event, Instance, Need, Ping, Place, StreamId, StreamKey};
    use rustix::process::Signal;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;
    use tokio::sync::mpsc;

    use super::support::{Server, allow_files, program, run};

    const ADA: &str = "ada@example.test";
    const PASSWORD: &str = "copper-lantern-41";
    const CROWD: usize = 1000;
    /// What they may cost the server together.
    const MEMORY: u64 = 100 << 20;
    const PATIENCE: Duration = Duration::from_secs(60);

    /// What a listener reports.
    enum Heard {
        Hello,
        Range(Instant),
        /// It has said what it holds.
        Said,
        Over,
    }

    struct Listener {
        address: String,
        secret: Arc<str>,
        key: StreamKey,
        instance: Instance,
    }

    impl Listener {
        /// Listens to the end, pings when asked, and tells what it hears.
        async fn run(self, told: mpsc::UnboundedSender<Heard>) {
            let (head, address) = (self.head(), &self.address);
            let mut stream = TcpStream::connect(address).await.expect("a connection");
            stream.write_all(head.as_bytes()).await.expect("a request");
            let (mut body, mut cutter, mut place) = (Unchunked::default(), Cutter::new(), Place::Stream(0));
            let mut line = TcpStream::connect(address).await.expect("a second connection");
            let (mut name, mut pings) = (None, 0);
            let mut piece = vec![0; 16 * 1024];
            loop {
                let read = stream.read(&mut piece).await.expect("to be let go in good order");
                cutter.push(&body.push(&piece[..read]));
                while let Some(sealed) = cutter.next().expect("events") {
                    let event = sealed.open(&self.key, place).expect("ours");
                    place = place.next();
                    match event {
                        Event::Hello(hello) => {
                            name = Some(hello.stream);
                            self.ping(&mut line, &mut pings, name, hello.head).await;
                            told.send(Heard::Hello).expect("somebody listens");
                        }
                        Event::Range(range) => {
                            told.send(Heard::Range(Instant::now())).expect("somebody listens");
                            // The server waits for it, or will: asked or not, it says what it holds.
                            self.ping(&mut line, &mut pings, name, range.end()).await;
                            told.send(Heard::Said).expect("somebody listens");
                        }
                        Event::Need(Need::Snapshot { .. } | Need::Ping | Need::Keys | Need::Unknown)
                        | Event::Echo(_)
                        | Event::Bump(_)
                        | Event::Unknown => {}
                    }
                }
                if body.over || read == 0 {
                    assert!(body.over, "the last chunk is there");
                    return told.send(Heard::Over).expect("somebody listens");
                }
            }
        }

        fn head(&self) -> String {
            let Self { address, secret, instance, .. } = self;
            format!(
                "GET /v1/feed?instance={instance}&lease=30000 HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {secret}\r\n\r\n"
            )
        }

        async fn ping(
            &self,
            line: &mut TcpStream,
            pings: &mut u64,
            stream: Option<StreamId>,
            applied: doorward_core::Position,
        ) {
            *pings += 1;
            let lease = Lifetime::from_secs(30);
            let (seen, grace) = (Vec::new(), Lifetime::ZERO);
            let instance = self.instance;
            let ping = Ping { instance, stream, n: *pings, applied, lease, grace, seen, leaving: false, keys: None };
            let mut body = Vec::new();
            ping.write(&mut body);
            let head = format!(
                "POST /v1/feed/ping HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {}\r\n\
                 content-type: application/json\r\ncontent-length: {}\r\n\r\n",
                self.address,
                self.secret,
                body.len()
            );
            line.write_all(&[head.as_bytes(), &body].concat()).await.expect("a request");
            let mut answer = Vec::new();
            // Its echo is the last event, and an event ends with an empty line.
            while !answer.windows(11).any(|word| word == b"event: echo") || !answer.ends_with(b"\n\n") {
                let mut piece = [0; 4096];
                let read = line.read(&mut piece).await.expect("an answer");
                assert!(read > 0, "{}", String::from_utf8_lossy(&answer));
                answer.extend_from_slice(&piece[..read]);
            }
            assert!(answer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer));
        }
    }

    /// A chunked body as it comes, behind the head of its answer.
    #[derive(Default)]
    struct Unchunked {
        held: Vec<u8>,
        headed: bool,
        over: bool,
    }

    impl Unchunked {
        fn push(&mut self, bytes: &[u8]) -> Vec<u8> {
            self.held.extend_from_slice(bytes);
            if !self.headed {
                let Some(end) = self.held.windows(4).position(|four| four == b"\r\n\r\n") else { return Vec::new() };
                assert!(self.held.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&self.held));
                self.held.drain(..end + 4);
                self.headed = true;
            }
            let mut whole = Vec::new();
            while let Some(line) = self.held.windows(2).position(|two| two == b"\r\n") {
                let size = std::str::from_utf8(&self.held[..line]).expect("a size");
                let size = usize::from_str_radix(size, 16).expect("a size");
                if self.held.len() < line + 2 + size + 2 {
                    break;
                }
                whole.extend_from_slice(&self.held[line + 2..line + 2 + size]);
                self.held.drain(..line + 2 + size + 2);
                self.over = size == 0;
            }
            whole
        }
    }

    #[test]
    fn a_thousand_verifiers_hear_can_be_waited_for_cost_little_and_are_let_go() {
        allow_files(3 * CROWD as u64);
        let place = tempfile::tempdir().expect("a place");
        let data = place.path().join("data");
        let mut command = program();
        // A busy machine shall not let leases run out: this is about how many, and not about how quick.
        command.args(["dev", "--listen", ":0", "--data"]).arg(&data).env("DOORWARD_FEED_LEASE_MOST_MS", "30000");
        let server = Server::start(command, &data);
        let secret: Arc<str> = register(&data).into();
        let token = || server.sign_in(ADA, PASSWORD, "demo-session").word("session_token");
        let (one, two) = (token(), token());
        let before = memory(&server);
        let runtime = tokio::runtime::Runtime::new().expect("threads");
        let (told, mut heard) = mpsc::unbounded_channel();
        for number in 0..CROWD {
            let mut instance = [0; 16];
            instance[..8].copy_from_slice(&number.to_be_bytes());
            let (instance, secret) = (Instance(instance), Arc::clone(&secret));
            let hash = SecretKind::Verifier.parse(&secret).expect("a secret").hash();
            let (key, address) = (StreamKey::new(&hash.0, &instance), server.address.clone());
            let listener = Listener { address, secret, key, instance };
            runtime.spawn(listener.run(told.clone()));
        }
        let mut wait = |what: &str| {
            let wait = async { tokio::time::timeout(PATIENCE, heard.recv()).await };
            runtime.block_on(wait).unwrap_or_else(|_| panic!("{what}: not in good time")).expect("listeners")
        };
        (0..CROWD).for_each(|_| assert!(matches!(wait("hello"), Heard::Hello)));
        let cost = memory(&server).saturating_sub(before);

        let start = Instant::now();
        let bearer = format!("Bearer {one}");
        assert_eq!(server.call("DELETE", "/v1/session", &[("authorization", &bearer)], "").status, 200);
        let mut last = Duration::ZERO;
        for _ in 0..2 * CROWD {
            match wait("a range") {
                Heard::Range(at) => last = last.max(at - start),
                Heard::Said => {}
                Heard::Hello | Heard::Over => panic!("something else"),
            }
        }
        let bearer = format!("Bearer {two}");
        let ended = server.call("DELETE", "/v1/session?ack=verifiers", &[("authorization", &bearer)], "");
        let receipt = ended.json()["receipt"].clone();
        (0..2 * CROWD).for_each(|_| assert!(matches!(wait("another range"), Heard::Range(_) | Heard::Said)));
        println!("{CROWD} verifiers: {} MiB, the last heard after {last:?}, receipt {receipt}", cost >> 20);
        assert!(cost < MEMORY, "{cost} bytes for {CROWD} verifiers");
        assert_eq!((&receipt["applied"], &receipt["expired"]), (&CROWD.into(), &0.into()), "{receipt}");

        assert_eq!(server.stop(Signal::TERM).code(), Some(0));
        (0..CROWD).for_each(|_| assert!(matches!(wait("the end"), Heard::Over)));
    }

    fn register(data: &Path) -> String {
        let mut command = program();
        command.args(["verifiers", "add", "crowd", "--format", "json", "--data"]).arg(data);
        run(command, "").expect(0).json()["secret"].as_str().expect("a secret").to_owned()
    }

    /// What a server holds of the machine's memory, in bytes.
    fn memory(server: &Server) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", server.process())).expect("it runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a line");
        line.trim().trim_end_matches(" kB").trim().parse::<u64>().expect("a number") * 1024
    }
}
