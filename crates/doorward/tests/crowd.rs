//! A thousand callers who never finish, and one who wants to know who they are.

#![expect(clippy::disallowed_methods, reason = "the test measures time, and keeps its environment from the program")]
#![expect(dead_code, reason = "the program's support has more than this test uses")]

mod support;

mod slow {
    use std::io::{ErrorKind, Read, Write};
    use std::net::TcpStream;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::thread;
    use std::time::{Duration, Instant};

    use super::support::{Server, allow_files};

    const ADA: &str = "ada@example.test";
    const PASSWORD: &str = "copper-lantern-41";
    const CROWD: usize = 1000;
    /// The longest that any of them may stay (a body), and as much again for a busy machine.
    const LONGEST: Duration = Duration::from_secs(70);

    /// What a slow caller says at once, and what it goes on saying, a byte a second.
    const WAYS: [(&str, &str); 4] = [
        ("", ""),
        (
            "GET /v1/session HTTP/1.1\r\nHost: localhost\r\n",
            "X-Slow: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        ),
        (
            "POST /v1/sessions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 9999\r\n\r\n",
            "                                                                        ",
        ),
        (
            "POST /v1/sessions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n",
            "1\r\n \r\n1\r\n \r\n1\r\n \r\n1\r\n \r\n1\r\n \r\n1\r\n \r\n1\r\n \r\n1\r\n \r\n1\r\n \r\n1\r\n \r\n",
        ),
    ];

    #[test]
    fn a_thousand_slow_callers_are_all_let_go_and_keep_nobody_waiting() {
        allow_files(CROWD as u64 + 200);
        let place = tempfile::tempdir().expect("a place");
        let server = Server::dev(&place.path().join("data"), &[]);
        let token = server.sign_in(ADA, PASSWORD, "demo-session").word("session_token");
        let alone = healthy(&server.address, &token, || false, 500);
        let crowd: Vec<_> = (0..CROWD)
            .map(|number| {
                let (first, rest) = WAYS[number % WAYS.len()];
                let mut stream = TcpStream::connect(&server.address).expect("a connection");
                stream.write_all(first.as_bytes()).expect("a beginning");
                stream.set_nonblocking(true).expect("a socket");
                (stream, rest)
            })
            .collect();
        let gone = AtomicBool::new(false);
        let (among, left) = thread::scope(|scope| {
            let dripping = scope.spawn(|| {
                let left = drip(crowd);
                gone.store(true, Ordering::Relaxed);
                left
            });
            let among = healthy(&server.address, &token, || !gone.load(Ordering::Relaxed), 500);
            (among, dripping.join().expect("they drip"))
        });
        println!("GET /v1/session alone: {}", told(&alone));
        println!("GET /v1/session among {CROWD} slow callers: {}", told(&among));
        assert_eq!(left, 0, "so many slow callers are still there after {LONGEST:?}");
        assert_eq!(server.who(&token).status, 200);
    }

    /// Goes on with every caller until it is cut; gives how many never were.
    fn drip(mut crowd: Vec<(TcpStream, &'static str)>) -> usize {
        let began = Instant::now();
        for second in 0.. {
            crowd.retain_mut(|(stream, rest)| {
                !is_cut(stream) && {
                    let byte = rest.as_bytes().get(second % rest.len().max(1)).copied();
                    byte.is_none_or(|byte| stream.write(&[byte]).is_ok())
                }
            });
            if crowd.is_empty() || began.elapsed() > LONGEST {
                break;
            }
            thread::sleep(Duration::from_secs(1));
        }
        crowd.len()
    }

    /// Was the connection closed by the other side? What is said before that is read over.
    fn is_cut(stream: &mut TcpStream) -> bool {
        let mut space = [0; 2048];
        loop {
            match stream.read(&mut space) {
                Ok(0) => return true,
                Ok(_) => {}
                Err(error) => return error.kind() != ErrorKind::WouldBlock,
            }
        }
    }

    /// Asks again and again on one connection, every time with success, at least so often; gives how long each took.
    fn healthy(address: &str, token: &str, go_on: impl Fn() -> bool, least: usize) -> Vec<Duration> {
        let mut stream = TcpStream::connect(address).expect("a connection");
        stream.set_nodelay(true).expect("a socket");
        stream.set_read_timeout(Some(Duration::from_secs(30))).expect("a socket");
        let request =
            format!("GET /v1/session HTTP/1.1\r\nHost: localhost\r\nCookie: __Host-Http-dw_session={token}\r\n\r\n");
        let mut took = Vec::new();
        let mut space = [0; 16 * 1024];
        while go_on() || took.len() < least {
            let began = Instant::now();
            stream.write_all(request.as_bytes()).expect("a request");
            let some = stream.read(&mut space).expect("an answer");
            took.push(began.elapsed());
            assert!(space[..some].starts_with(b"HTTP/1.1 200 "), "{}", String::from_utf8_lossy(&space[..some]));
            thread::sleep(Duration::from_millis(2));
        }
        took.sort_unstable();
        took
    }

    fn told(took: &[Duration]) -> String {
        let at = |part: usize| took[(took.len() - 1) * part / 1000];
        format!("{} answers, p50 {:?}, p99 {:?}, slowest {:?}", took.len(), at(500), at(990), at(1000))
    }
}
