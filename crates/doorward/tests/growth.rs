//! What a session check costs the more sessions there are, and what many connections wait for one.
//!
//! The cost is the CPU time of the thread that answers, in process; the wait is by the clock, over real connections to a
//! real process on the same cores. Only the shape is asserted. `DOORWARD_LONG=1` goes up to a million sessions.

#![expect(clippy::disallowed_methods, reason = "the test measures time")]
#![expect(dead_code, reason = "what tests share has more than this one uses")]

mod house;
mod outside;

mod slow {
    use std::sync::Mutex;
    use std::time::{Duration, Instant};

    use rustix::time::{ClockId, clock_gettime};
    use serde_json::json;

    use super::house::{Ask, CHEAP, Ground, House};
    use super::outside::{Line, Server, is_long};

    const CONNECTIONS: usize = 256;
    /// So many of the sessions are asked about.
    const SAMPLE: usize = 10_000;
    /// Requests that open sessions, at once: they share commits.
    const TOGETHER: usize = 256;

    fn cpu() -> Duration {
        let time = clock_gettime(ClockId::ThreadCPUTime);
        Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
    }

    async fn fill(house: &House, secrets: &mut Vec<String>, until: usize) {
        let body = json!({ "guest": true, "client_id": "demo-session", "transport": "body" });
        while secrets.len() < until {
            let some = TOGETHER.min(until - secrets.len());
            let mut asked = tokio::task::JoinSet::new();
            for _ in 0..some {
                let (router, request) = (house.router.clone(), Ask::post("/v1/sessions").json(&body).request());
                asked.spawn(async move {
                    let response = tower::ServiceExt::oneshot(router, request).await.expect("an answer");
                    super::house::Answer::read(response).await.text("session_token")
                });
            }
            secrets.extend(asked.join_all().await);
        }
    }

    /// Microseconds of CPU for a check of each of these, on average.
    async fn cost(house: &House, secrets: &[&String]) -> f64 {
        let since = cpu();
        for secret in secrets {
            house.send(Ask::get("/v1/session").bearer(secret)).await.ok();
        }
        (cpu() - since).as_secs_f64() * 1e6 / secrets.len() as f64
    }

    #[tokio::test]
    async fn a_check_costs_among_many_sessions_about_what_it_costs_among_few() {
        let house = House::set_up(Ground::Sqlite, CHEAP, |settings| settings.cache_records = 2_000_000).await;
        let sizes: &[usize] = if is_long() { &[10_000, 100_000, 1_000_000] } else { &[1_000, 10_000] };
        let (mut secrets, mut chance) = (Vec::new(), 0x5eed_0002_u64);
        println!("seed {chance:#x}");
        let mut at_hand = Vec::new();
        for size in sizes {
            fill(&house, &mut secrets, *size).await;
            let drawn: Vec<&String> = (0..SAMPLE.min(*size))
                .map(|_| {
                    chance ^= chance << 13;
                    chance ^= chance >> 7;
                    chance ^= chance << 17;
                    &secrets[chance as usize % size]
                })
                .collect();
            let first = cost(&house, &drawn).await;
            let again = cost(&house, &drawn).await;
            println!("assure: plot growth/first use, or again/{size} = {first:.2}");
            println!("assure: plot growth/at hand/{size} = {again:.2}");
            println!("assure: CPU of a check at hand, {size} sessions = {again:.1} µs");
            at_hand.push(again);
        }
        let ratio = at_hand.last().expect("a size") / at_hand[0];
        println!("assure: the most sessions cost, in times of the fewest = {ratio:.2}");
        assert!(ratio < 8.0, "the cost of a check grows with the sessions: {at_hand:?}");
    }

    #[test]
    fn nobody_of_many_connections_is_forgotten() {
        let folder = tempfile::tempdir().expect("a folder");
        let server = Server::start(folder.path());
        let mut line = Line::open(&server.address).expect("a connection");
        let body = json!({ "guest": true, "client_id": "demo-session", "transport": "body" });
        let reply = line.call("POST", "/v1/sessions", None, Some(&body)).expect("a reply");
        let secret = reply.body["session_token"].as_str().expect("a secret").to_owned();
        let span = Duration::from_secs(if is_long() { 20 } else { 3 });
        let (waits, least) = (Mutex::new(Vec::new()), Mutex::new(usize::MAX));
        let until = Instant::now() + span;
        std::thread::scope(|scope| {
            for _ in 0..CONNECTIONS {
                scope.spawn(|| {
                    let mut line = Line::open(&server.address).expect("a connection");
                    let mut mine = Vec::new();
                    while mine.is_empty() || Instant::now() < until {
                        let since = Instant::now();
                        let reply = line.call("GET", "/v1/session", Some(&secret), None).expect("a reply");
                        mine.push(since.elapsed());
                        assert_eq!(reply.status, 200, "{reply:?}");
                    }
                    let mut least = least.lock().expect("no panic");
                    *least = (*least).min(mine.len());
                    waits.lock().expect("no panic").extend(mine);
                });
            }
        });
        let mut waits = waits.into_inner().expect("no panic");
        waits.sort();
        let at = |share: f64| waits[((1.0 - share) * (waits.len() - 1) as f64) as usize].as_secs_f64() * 1e3;
        for share in [0.9, 0.75, 0.5, 0.25, 0.1, 0.05, 0.01, 0.005, 0.001] {
            println!("assure: plot latency/{CONNECTIONS} connections/{share} = {:.3}", at(share));
        }
        println!("assure: connections = {CONNECTIONS}");
        println!("assure: answers = {}", waits.len());
        println!("assure: half of them within = {:.1} ms", at(0.5));
        println!("assure: 99 % within = {:.1} ms", at(0.01));
        println!("assure: 99.9 % within = {:.1} ms", at(0.001));
        let least = least.into_inner().expect("no panic");
        assert!(least * CONNECTIONS * 20 > waits.len(), "a connection had {least} of {} answers", waits.len());
    }
}
