//! Two services beside the built program: they follow its feed, and refuse what it has revoked without asking it.

#![expect(clippy::disallowed_methods, reason = "tests measure, and keep their environment from the program")]
#![expect(dead_code, reason = "the program's support has more than these tests use")]

mod support;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use axum::{Router, routing::any};
use doorward_verify::follow::{Access, Follower, Settings};
use doorward_verify::{Lifetime, layer::Guard};
use rustix::process::Signal;
use support::{Answer, Server, call, program, run};
use tempfile::TempDir;
use tokio::runtime::Runtime;

const ADA: &str = "ada@example.test";
const PASSWORD: &str = "copper-lantern-41";
const PATIENCE: Duration = Duration::from_secs(30);

fn place() -> (TempDir, PathBuf) {
    let place = tempfile::tempdir().expect("a place");
    let data = place.path().join("data");
    (place, data)
}

/// Registers a verifier; gives its secret.
fn register(data: &Path, name: &str) -> String {
    let mut command = program();
    command.args(["verifiers", "add", name, "--format", "json", "--data"]).arg(data);
    run(command, "").expect(0).json()["secret"].as_str().expect("a secret").to_owned()
}

/// A service with its follower, in this process, on an address of its own.
struct Service {
    follower: Follower,
    address: String,
}

impl Service {
    fn start(runtime: &Runtime, server: &Server, secret: &str) -> Self {
        let mut settings = Settings::new(&server.issuer(), &server.issuer(), secret);
        settings.servers = vec![format!("http://{}", server.address)];
        runtime.block_on(async {
            let follower = Follower::start(settings).expect("settings");
            let guard = || Guard::new(&follower).sessions();
            let who = async |access: Access| access.session_id.unwrap_or_default();
            let routes = Router::new()
                .route("/eventual", any(who).layer(guard().eventual()))
                .route("/bounded", any(who).layer(guard()))
                .route("/strict", any(who).layer(guard().strict()))
                .route("/admin", any(who).layer(guard().role("admin")))
                .route("/recent", any(who).layer(guard().recent(Lifetime::from_mins(5))))
                .route("/old", any(who).layer(guard().recent(Lifetime::ZERO)));
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
            let address = listener.local_addr().expect("an address").to_string();
            tokio::spawn(async move { axum::serve(listener, routes).await });
            assert!(follower.ready(PATIENCE).await, "{:?}", follower.metrics());
            Self { follower, address }
        })
    }

    fn ask(&self, path: &str, bearer: &str) -> Answer {
        call(&self.address, "GET", path, &[("authorization", &format!("Bearer {bearer}"))], "")
    }

    /// Asks until the answer is this one; gives how long that took.
    #[track_caller]
    fn becomes(&self, path: &str, bearer: &str, status: u16) -> Duration {
        let start = Instant::now();
        while start.elapsed() < PATIENCE {
            if self.ask(path, bearer).status == status {
                return start.elapsed();
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        panic!("{:?} and not {status}: {:?}", self.ask(path, bearer), self.follower.metrics());
    }
}

/// A server that knows a native application with server sessions, beside the clients that every one knows.
fn serve(data: &Path, listen: &str) -> Server {
    let seed = data.with_extension("toml");
    let native = "[[clients]]\nid = \"native\"\nkind = \"public\"\nfirst_party = true\nstrategy = \"session\"\ntransports = [\"body\"]\n";
    std::fs::write(&seed, native).expect("a file");
    let mut command = program();
    command.args(["dev", "--listen", listen, "--seed"]).arg(&seed).arg("--data").arg(data);
    Server::start(command, data)
}

/// One sign-in of each strategy.
fn bearers(server: &Server) -> Vec<String> {
    let shapes = [("native", "session_token"), ("demo-jwt", "access_token"), ("demo-hybrid", "access_token")];
    shapes.map(|(client, member)| server.sign_in(ADA, PASSWORD, client).word(member)).to_vec()
}

#[test]
fn whatever_is_signed_out_everywhere_is_refused_at_both_services_when_the_answer_comes() {
    let (_place, data) = place();
    let server = serve(&data, "127.0.0.1:0");
    let runtime = Runtime::new().expect("a runtime");
    let services = ["one", "two"].map(|name| Service::start(&runtime, &server, &register(&data, name)));
    let bearers = bearers(&server);
    for service in &services {
        for bearer in &bearers {
            for path in ["/eventual", "/bounded", "/strict", "/recent"] {
                assert_eq!(service.ask(path, bearer).status, 200, "{path}");
            }
            let old = service.ask("/old", bearer);
            assert_eq!((old.status, old.word("code").as_str()), (401, "insufficient_user_authentication"));
        }
    }
    let mine = server.sign_in(ADA, PASSWORD, "demo-jwt").word("access_token");
    let headers = [("authorization", format!("Bearer {mine}"))];
    let headers = headers.each_ref().map(|(name, value)| (*name, value.as_str()));
    let ended = server.call("POST", "/v1/sessions/revoke?ack=verifiers", &headers, r#"{"scope":"all"}"#);
    assert_eq!(ended.status, 200, "{ended:?}");
    // The answer says that everybody has it: not one more request is let in anywhere.
    for service in &services {
        for bearer in bearers.iter().chain([&mine]) {
            for path in ["/eventual", "/bounded", "/strict"] {
                assert_eq!(service.ask(path, bearer).status, 401, "{path} after {ended:?}");
            }
        }
    }
    assert_eq!(ended.json()["receipt"]["applied"], 2, "{ended:?}");
}

/// Takes a role away and gives it, by the program's own verb, and waits for all verifiers.
fn set_roles(data: &Path, roles: &[&str]) {
    let mut command = program();
    command.args(["users", "roles", ADA, "--ack", "verifiers", "--format", "json", "--data"]).arg(data);
    command.args(if roles.is_empty() { &["--none"] } else { roles });
    let told = run(command, "").expect(0).json();
    assert_eq!((&told["user"]["roles"], &told["receipt"]["applied"]), (&roles.into(), &2.into()), "{told}");
}

#[test]
fn a_role_that_is_given_or_taken_is_so_at_both_services_when_the_answer_comes_and_nobody_is_signed_out() {
    let (_place, data) = place();
    let server = serve(&data, "127.0.0.1:0");
    let runtime = Runtime::new().expect("a runtime");
    let services = ["one", "two"].map(|name| Service::start(&runtime, &server, &register(&data, name)));
    let (secret, old) = (bearers(&server).remove(0), bearers(&server).remove(1));
    let forbidden = |answer: &Answer| (answer.status, answer.word("code")) == (403, "forbidden".to_owned());
    assert!(services.iter().all(|service| forbidden(&service.ask("/admin", &secret))));
    assert!(services.iter().all(|service| forbidden(&service.ask("/admin", &old))));
    set_roles(&data, &["admin", "writer"]);
    let new = bearers(&server).remove(1);
    for service in &services {
        assert_eq!(service.ask("/admin", &secret).status, 200, "its record is read again");
        let stale = service.ask("/bounded", &old);
        assert_eq!((stale.status, stale.word("code").as_str()), (401, "token_stale"));
        assert_eq!(service.ask("/admin", &new).status, 200);
    }
    set_roles(&data, &[]);
    for service in &services {
        assert!(forbidden(&service.ask("/admin", &secret)), "the session is alive, and no admin's");
        assert_eq!(service.ask("/bounded", &secret).status, 200);
        assert_eq!(service.ask("/admin", &new).word("code"), "token_stale");
    }
}

#[test]
fn a_server_that_is_killed_makes_nobody_a_stranger() {
    let (_place, data) = place();
    let server = serve(&data, "127.0.0.1:0");
    let address = server.address.clone();
    let runtime = Runtime::new().expect("a runtime");
    let secret = register(&data, "one");
    let service = Service::start(&runtime, &server, &secret);
    let (good, ended) = (bearers(&server).remove(1), server.sign_in(ADA, PASSWORD, "demo-jwt").word("access_token"));
    let out = server.call("DELETE", "/v1/session", &[("authorization", &format!("Bearer {ended}"))], "");
    assert_eq!(out.status, 200, "{out:?}");
    service.becomes("/bounded", &ended, 401);
    server.stop(Signal::KILL);
    let lasted = service.becomes("/bounded", &good, 503);
    assert!(lasted < Duration::from_secs(5), "{lasted:?}");
    assert_eq!(service.ask("/bounded", &good).word("code"), "revocation_unknown");
    assert_eq!(service.ask("/strict", &good).status, 503);
    assert_eq!(service.ask("/eventual", &good).status, 200);
    assert_eq!(service.ask("/bounded", &ended).status, 401, "what is known stays known");
    let again = serve(&data, &address);
    service.becomes("/bounded", &good, 200);
    assert_eq!(service.ask("/bounded", &ended).status, 401);
    let newer = again.sign_in(ADA, PASSWORD, "demo-jwt").word("access_token");
    service.becomes("/strict", &newer, 200);
    let everybody = again.call("DELETE", "/v1/session", &[("authorization", &format!("Bearer {newer}"))], "");
    assert_eq!(everybody.status, 200);
    service.becomes("/bounded", &newer, 401);
}

#[test]
fn twenty_sign_outs_are_heard_of_one_by_one() {
    let (_place, data) = place();
    let server = serve(&data, "127.0.0.1:0");
    let runtime = Runtime::new().expect("a runtime");
    let service = Service::start(&runtime, &server, &register(&data, "one"));
    let mut slowest = Duration::ZERO;
    for count in 1..=20 {
        let token = server.sign_in(ADA, PASSWORD, "demo-jwt").word("access_token");
        assert_eq!(service.ask("/bounded", &token).status, 200);
        let start = Instant::now();
        server.call("DELETE", "/v1/session", &[("authorization", &format!("Bearer {token}"))], "");
        service.becomes("/bounded", &token, 401);
        slowest = slowest.max(start.elapsed());
        assert_eq!(service.follower.metrics().entries, count);
    }
    println!("refused after {slowest:?} at the most, the call that ended it included");
}

#[test]
fn a_service_that_may_not_listen_is_told_why() {
    let (_place, data) = place();
    let server = serve(&data, "127.0.0.1:0");
    let runtime = Runtime::new().expect("a runtime");
    let trouble = |secret: &str, grace: Lifetime| {
        let mut settings = Settings::new(&server.issuer(), &server.issuer(), secret);
        (settings.servers, settings.grace) = (vec![format!("http://{}", server.address)], grace);
        runtime.block_on(async {
            let follower = Follower::start(settings).expect("settings");
            let start = Instant::now();
            loop {
                if let Some(trouble) = follower.metrics().trouble {
                    return trouble;
                }
                assert!(start.elapsed() < PATIENCE, "{:?}", follower.metrics());
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        })
    };
    let told = trouble(&register(&data, "one"), Lifetime::from_millis(500));
    assert!(told.contains("400") && told.contains("grace"), "{told}");
    let told = trouble(&format!("dwv_{}abcdef", "A".repeat(43)), Lifetime::ZERO);
    assert!(told.contains("401") && told.contains("secret"), "{told}");
}
