//! The program as people meet it: real processes, real signals, real exit codes.

#![expect(clippy::disallowed_methods, reason = "the environment of the tests is kept from the program")]
#![expect(dead_code, reason = "the program's support has more than this test uses")]

#[path = "cli/advise.rs"]
mod advise;
#[path = "cli/audit.rs"]
mod audit;
#[path = "cli/bench.rs"]
mod bench;
#[path = "cli/check.rs"]
mod check;
#[path = "cli/generate.rs"]
mod generate;
#[path = "cli/import.rs"]
mod import;
#[path = "cli/leaving.rs"]
mod leaving;
#[path = "cli/old_copy.rs"]
mod old_copy;
#[path = "cli/roles.rs"]
mod roles;
#[path = "cli/secrets.rs"]
mod secrets;
#[path = "cli/spellings.rs"]
mod spellings;
mod support;
#[path = "cli/templates.rs"]
mod templates;
#[path = "cli/usage.rs"]
mod usage;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::Value;
use support::{Ran, Server, call, doorward, program, run};
use tempfile::TempDir;

const ADA: &str = "ada@example.test";
const PASSWORD: &str = "copper-lantern-41";
const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

/// A place for a data folder, and its path.
fn place() -> (TempDir, std::path::PathBuf) {
    let place = tempfile::tempdir().expect("a place");
    let data = place.path().join("data");
    (place, data)
}

/// Runs a verb on a data folder.
fn verb(data: &Path, words: &[&str]) -> Ran {
    let mut command = program();
    command.args(words).arg("--data").arg(data);
    run(command, "")
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("it is there").permissions().mode() & 0o777
}

#[test]
fn dev_says_ready_first_then_where_everything_is() {
    let (_place, data) = place();
    let server = Server::dev(&data, &[]);
    assert_eq!(server.call("GET", "/healthz", &[], "").status, 200);
    assert_eq!(server.call("GET", "/readyz", &[], "").status, 200);
    let said = server.said_until("Ctrl-C");
    for part in [ADA, PASSWORD, "demo-session (session)", "demo-jwt (jwt)", "demo-hybrid (hybrid)", &server.issuer()]
    {
        assert!(said.contains(part), "{part} is not in {said}");
    }
    for client in ["demo-session", "demo-jwt", "demo-hybrid"] {
        assert_eq!(server.sign_in(ADA, PASSWORD, client).status, 201, "{client}");
    }
    let sign_up =
        server.call("POST", "/v1/users", &[], r#"{"email":"bea@example.test","password":"quiet-harbour-7"}"#);
    assert_eq!(sign_up.status, 201);
    for file in ["doorward.db", "master.key", "doorward.sock", "doorward.lock"] {
        assert_eq!(mode(&data.join(file)), 0o600, "{file}");
    }
    assert_eq!(mode(&data), 0o700);
}

/// Where a demo says its metrics are.
fn metrics_of(server: &Server) -> String {
    let said = server.said_until("Ctrl-C");
    let (_, rest) = said.split_once("  Metrics       http://").expect("a line about metrics");
    rest.split('/').next().expect("an address").to_owned()
}

#[test]
fn metrics_are_on_a_port_of_their_own_and_the_public_one_has_none() {
    let (_place, data) = place();
    let server = Server::dev(&data, &[]);
    let metrics = metrics_of(&server);
    let signed_in = r#"doorward_sign_ins_total{who="person",outcome="signed_in"} "#;
    let count = || {
        let page = call(&metrics, "GET", "/metrics", &[], "").text;
        page.lines().find_map(|line| line.strip_prefix(signed_in).map(str::to_owned)).expect("a count")
    };
    assert_eq!(count(), "0");
    let secret = server.sign_in(ADA, PASSWORD, "demo-session").word("session_token");
    assert_eq!(count(), "1");
    let cookie = format!("__Host-Http-dw_session={secret}");
    for path in ["/v1/session", "/account"] {
        assert_eq!(server.call("GET", path, &[("cookie", &cookie)], "").status, 200);
        assert_eq!(call(&metrics, "GET", path, &[("cookie", &cookie)], "").status, 404, "{path}: not on this port");
    }
    assert_eq!(server.call("GET", "/metrics", &[], "").status, 404);
    let told = [
        r#"doorward_checks_total{credential="secret",outcome="good"} 2"#,
        r#"doorward_connections{port="management"} 1"#,
        "doorward_ready 1",
    ];
    // The connections of before are counted until the server has noticed that they are gone.
    let since = Instant::now();
    loop {
        let page = call(&metrics, "GET", "/metrics", &[], "").text;
        let lacking: Vec<_> = told.iter().filter(|line| !page.lines().any(|found| found == **line)).collect();
        if lacking.is_empty() {
            break;
        }
        assert!(since.elapsed() < Duration::from_secs(20), "{lacking:?} is not in {page}");
    }
    assert_eq!(call(&metrics, "GET", "/readyz?verbose", &[], "").json()["ready"], true);
}

#[test]
fn the_management_port_can_be_chosen_switched_off_and_be_taken() {
    let (_place, data) = place();
    let start = |listen: &str, data: &Path| {
        let mut command = program();
        command.env("DOORWARD_MANAGEMENT_LISTEN", listen);
        command.args(["dev", "--listen", ":0", "--data"]).arg(data);
        command
    };
    let server = Server::start(start(":0", &data), &data);
    let metrics = metrics_of(&server);
    let other = data.with_extension("other");
    let ran = run(start(&metrics, &other), "").expect(3).told(&metrics).told("management.listen");
    assert_eq!(ran.stdout, "", "it never said that it was ready");
    let open = run(start("0.0.0.0:0", &other), "").expect(3);
    assert!(open.stderr.contains("DOORWARD_MANAGEMENT_LISTEN"), "a demo is for this machine alone: {open:?}");
    let silent = Server::start(start("off", &other), &other);
    assert!(!silent.said_until("Ctrl-C").contains("Metrics"));
}

#[test]
fn a_second_dev_on_the_same_folder_is_refused_with_name_and_reason() {
    let (_place, data) = place();
    let server = Server::dev(&data, &[]);
    let lock = data.join("doorward.lock").display().to_string();
    let words = ["dev", "--listen", ":0"];
    verb(&data, &words).expect(3).told(&lock).told(&format!("process {}", server.process()));
    assert_eq!(server.call("GET", "/readyz", &[], "").status, 200, "the first one goes on");
}

#[test]
fn sessions_survive_a_process_that_is_killed() {
    let (_place, data) = place();
    let server = Server::dev(&data, &[]);
    let secret = server.sign_in(ADA, PASSWORD, "demo-session").word("session_token");
    let hybrid = server.sign_in(ADA, PASSWORD, "demo-hybrid").word("refresh_token");
    server.stop(Signal::KILL);
    assert!(data.join("doorward.sock").exists(), "what a killed process leaves behind");
    let server = Server::dev(&data, &[]);
    assert_eq!(server.who(&secret).status, 200);
    let body =
        serde_json::json!({ "refresh_token": hybrid, "client_id": "demo-hybrid", "attempt": "0123456789abcdef" });
    let turned = server.call("POST", "/v1/session/refresh", &[], &body.to_string());
    assert_eq!(turned.status, 200, "{turned:?}");
    let listed = verb(&data, &["users", "list", "--format", "json"]).expect(0).json();
    assert_eq!(listed["data"].as_array().expect("a list").len(), 1, "nobody is planted twice");
}

#[test]
fn signals_end_a_server_well() {
    for signal in [Signal::TERM, Signal::INT] {
        let (_place, data) = place();
        let server = Server::dev(&data, &[]);
        // A connection that does nothing must not keep it.
        let idle = std::net::TcpStream::connect(&server.address).expect("a connection");
        assert_eq!(server.stop(signal).code(), Some(0), "{signal:?}");
        assert!(!data.join("doorward.sock").exists());
        drop(idle);
    }
}

#[test]
fn a_reader_that_goes_away_takes_nobody_with_it() {
    let (_place, data) = place();
    let mut command = program();
    command.args(["dev", "--listen", ":0", "--data"]).arg(&data).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("it starts");
    drop(child.stdout.take());
    drop(child.stderr.take());
    let socket = data.join("doorward.sock");
    for _ in 0..600 {
        if socket.exists() {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    verb(&data, &["users", "list"]).expect(0);
    let mut listing = program();
    let mut listing =
        listing.args(["users", "list", "--data"]).arg(&data).stdout(Stdio::piped()).spawn().expect("a verb");
    drop(listing.stdout.take());
    assert_eq!(listing.wait().expect("an end").code(), Some(0));
    assert_eq!(child.try_wait().expect("a state"), None, "it still serves");
    child.kill().expect("it runs");
    child.wait().expect("an end");
}

/// What is not there is said to be not there, in words for an operator.
fn nobody_by_that_name(data: &Path) {
    for (words, told, advice) in [
        (&["sessions", "end", "ses_nothing"][..], "no session ses_nothing", "sessions list"),
        (&["sessions", "list", "--user", "nobody"], "no account nobody", "users list"),
        (&["sessions", "end", "--user", "nobody"], "no account nobody", "users list"),
        (&["users", "suspend", "nobody"], "no account nobody", "users list"),
        (&["users", "resume", "usr_00000000000000000000000000"], "no account usr_0", "users list"),
        (&["users", "roles", "nobody", "admin"], "no account nobody", "users list"),
        (&["users", "password", "nobody", "--generate"], "no account nobody", "users list"),
        (&["clients", "set", "nope"], "no client nope", "clients list"),
        (&["keys", "kill", "foo"], "no key foo", "keys list"),
        (&["keys", "retire", "key_00000000000000000000000000"], "no key key_0", "keys list"),
        (&["verifiers", "remove", "foo"], "no verifier called foo", "verifiers list"),
    ] {
        let told = verb(data, words).expect(1).told(told).told(&format!("see `doorward {advice}`"));
        assert!(!told.stderr.contains("yours") && !told.stderr.contains("Check the path"), "{told:?}");
    }
}

/// What an operator does in an ordinary week; the same with a server and without.
fn an_ordinary_week(data: &Path) {
    let json = |words: &[&str]| verb(data, &[words, &["--format", "json"]].concat()).expect(0).json();
    let made = json(&["users", "add", "bea@example.test", "--name", "Bea", "--generate"]);
    assert_eq!(made["password"].as_str().expect("a password").len(), 23);
    let id = made["user"]["id"].as_str().expect("an id");
    let mut add = program();
    add.args(["users", "add", "cy@example.test", "--password-stdin", "--data"]).arg(data);
    run(add, "quiet-harbour-7\n").expect(0);
    let taken = verb(data, &["users", "add", "bea@example.test", "--generate"]).expect(1).told("email_taken");
    assert!(taken.stderr.contains("bea@example.test already") && !taken.stderr.contains("Sign in"), "{taken:?}");
    assert_eq!(json(&["users", "list"])["data"].as_array().expect("a list").len(), 3);
    assert_eq!(json(&["users", "list", "--limit", "2"])["data"].as_array().expect("a list").len(), 2);
    assert!(json(&["users", "suspend", "bea@example.test"])["user"]["suspended_at"].is_string());
    assert!(json(&["users", "resume", id])["user"]["suspended_at"].is_null());
    assert!(json(&["users", "password", id, "--generate"])["password"].is_string());
    verb(data, &["users", "suspend", "nobody@example.test"]).expect(1).told("nobody@example.test");
    verb(data, &["sessions", "list"]).expect(0);
    assert_eq!(json(&["sessions", "end", "--user", "bea@example.test"])["ended"], 0);
    verb(data, &["sessions", "end", "ses_nothing"]).expect(1).told("not_found");
    nobody_by_that_name(data);
    json(&[
        "clients",
        "add",
        "shop",
        "--strategy",
        "hybrid",
        "--profile",
        "strict",
        "--origins",
        "http://localhost:3000",
    ]);
    verb(data, &["clients", "add", "shop"]).expect(1).told("client_taken");
    verb(data, &["clients", "set", "shop", "--access-minutes", "61"]).expect(1).told("60 minutes");
    verb(data, &["clients", "set", "shop", "--strategy", "hybird"]).expect(2).told("strategy");
    assert!(json(&["clients", "set", "shop", "--disable"])["client"]["disabled_at"].is_string());
    let shop = json(&["clients", "set", "shop", "--enable", "--origins", ""]);
    assert!(
        shop["client"]["disabled_at"].is_null() && shop["client"]["origins"].as_array().expect("a list").is_empty()
    );
    assert_eq!(shop["client"]["lifetimes"]["idle_seconds"], 900);
    assert_eq!(json(&["clients", "list"])["data"].as_array().expect("a list").len(), 5);
    assert_eq!(json(&["keys", "list"])["data"].as_array().expect("a list").len(), 6);
    verb(data, &["keys", "rotate"]).expect(1).told("keys_not_ready").told("nothing changed").told("--hurry");
    assert_eq!(json(&["keys", "rotate", "--hurry"])["data"].as_array().expect("a list").len(), 3);
    assert_eq!(json(&["keys", "rotate", "--purpose", "refresh"])["data"].as_array().expect("a list").len(), 2);
    assert_eq!(json(&["keys", "rotate", "--purpose", "handle"])["data"].as_array().expect("a list").len(), 2);
    verb(data, &["keys", "rotate", "--purpose", "sign-none"]).expect(2);
    let all = json(&["sessions", "end", "--all", "--ack", "nodes"]);
    assert_eq!((&all["turn"], &all["over_seconds"]), (&Value::from("end"), &Value::from(0)));
    assert_eq!(all["receipt"]["ack"], "nodes");
    assert_eq!(json(&["sessions", "renew", "--over", "2h"])["over_seconds"], 7200);
    verb(data, &["sessions", "renew", "--over", "10m"]).expect(1).told("spread_under_way");
    verb(data, &["sessions", "end", "--all", "--over", "0s"]).expect(2).told("such as 90s");
    verb(data, &["sessions", "end", "--over", "10m"]).expect(2);
    verb(data, &["sessions", "end", "--all", "--ack", "all"]).expect(2).told("verifiers");
    let added = json(&["verifiers", "add", "Shop", "--audience", "https://shop.example.test"]);
    assert!(added["secret"].as_str().is_some_and(|secret| secret.starts_with("dwv_") && secret.len() == 53));
    assert_eq!(added["verifier"]["audiences"], serde_json::json!(["https://shop.example.test"]));
    verb(data, &["verifiers", "add", "Shop"]).expect(1).told("verifier_taken");
    verb(data, &["verifiers", "add", "a\nb"]).expect(2).told("name");
    assert_eq!(json(&["verifiers", "list"])["data"][0]["id"], added["verifier"]["id"]);
    assert!(!verb(data, &["verifiers", "list"]).expect(0).stdout.contains("dwv_"), "told once");
    verb(data, &["verifiers", "remove", "shop"]).expect(1).told("verifiers list");
    verb(data, &["verifiers", "remove", "Shop"]).expect(0);
    verb(data, &["verifiers", "remove", "Shop"]).expect(1);
    verb(data, &["verifiers", "add", "Shop"]).expect(0);
    for table in ["users", "sessions", "clients", "keys", "verifiers"] {
        assert!(verb(data, &[table, "list"]).expect(0).stdout.contains("ID"));
    }
}

#[test]
fn verbs_do_the_same_through_a_running_server() {
    let (_place, data) = place();
    let server = Server::dev(&data, &[]);
    an_ordinary_week(&data);
    assert_eq!(server.stop(Signal::TERM).code(), Some(0));
}

#[test]
fn verbs_do_the_same_without_a_server() {
    let (_place, data) = place();
    Server::dev(&data, &[]).stop(Signal::TERM);
    an_ordinary_week(&data);
}

#[test]
fn what_a_verb_ends_is_over_at_once() {
    let (_place, data) = place();
    let server = Server::dev(&data, &[]);
    let secret = || server.sign_in(ADA, PASSWORD, "demo-session").word("session_token");
    let one = secret();
    assert_eq!(server.who(&one).status, 200);
    let listed = verb(&data, &["sessions", "list", "--user", ADA, "--format", "json"]).expect(0).json();
    let id = listed["data"][0]["id"].as_str().expect("an id").to_owned();
    verb(&data, &["sessions", "end", &id]).expect(0);
    assert_eq!((server.who(&one).status, server.who(&one).word("code")), (401, String::from("session_ended")));
    let two = secret();
    verb(&data, &["clients", "set", "demo-session", "--disable"]).expect(0);
    assert_eq!(server.who(&two).status, 401, "everything of a client that is switched off");
    verb(&data, &["clients", "set", "demo-session", "--enable"]).expect(0);
    assert_eq!(server.who(&two).status, 401, "and it does not come back");
    let three = secret();
    verb(&data, &["users", "suspend", ADA]).expect(0);
    assert_eq!(server.who(&three).status, 401);
    assert_eq!(server.sign_in(ADA, PASSWORD, "demo-session").status, 401);
    verb(&data, &["users", "resume", ADA]).expect(0);
    assert_eq!(server.sign_in(ADA, PASSWORD, "demo-session").status, 201);
}

#[test]
fn a_client_that_changes_its_strategy_takes_its_sessions_along() {
    let (_place, data) = place();
    let server = Server::dev(&data, &[]);
    let secret = server.sign_in(ADA, PASSWORD, "demo-session").word("session_token");
    let set = ["clients", "set", "demo-session", "--strategy", "hybrid", "--algorithm", "EdDSA", "--format", "json"];
    let client = verb(&data, &set).expect(0).json()["client"].clone();
    // As times, not as text: a full second is written without its millis.
    let at = |name: &str| client[name].as_str().and_then(|text| text.parse::<jiff::Timestamp>().ok());
    assert!(at("strategy_since") > at("created_at") && at("created_at").is_some(), "{client}");
    let bearer = format!("Bearer {secret}");
    let turned = server.call("POST", "/v1/session/refresh", &[("authorization", &bearer)], "");
    assert_eq!(turned.status, 200, "{turned:?}");
    let decoded = doorward(&["jwt", "decode", &turned.word("access_token"), "--format", "json"]).expect(0).json();
    assert_eq!(decoded["header"]["alg"], "EdDSA");
}

#[test]
fn a_turned_key_signs_at_once_and_what_the_old_one_signed_stays_good() {
    let (_place, data) = place();
    let server = Server::dev(&data, &[]);
    let token = || server.sign_in(ADA, PASSWORD, "demo-jwt").word("access_token");
    let kid = |token: &str| {
        doorward(&["jwt", "decode", token, "--format", "json"]).expect(0).json()["header"]["kid"].clone()
    };
    let old = token();
    let refresh = server.sign_in(ADA, PASSWORD, "demo-hybrid").word("refresh_token");
    verb(&data, &["keys", "rotate", "--hurry"]).expect(0);
    verb(&data, &["keys", "rotate", "--purpose", "refresh"]).expect(0);
    let new = token();
    assert_ne!(kid(&old), kid(&new));
    for token in [&old, &new] {
        doorward(&["jwt", "verify", token, "--issuer", &server.issuer()]).expect(0);
        assert_eq!(server.who(token).status, 200);
    }
    let body =
        serde_json::json!({ "refresh_token": refresh, "client_id": "demo-hybrid", "attempt": "0123456789abcdef" });
    let turned = server.call("POST", "/v1/session/refresh", &[], &body.to_string());
    assert_eq!(turned.status, 200, "under the secret before: {turned:?}");
    let listed = verb(&data, &["keys", "list", "--format", "json"]).expect(0).json();
    let stages: Vec<_> = listed["data"].as_array().expect("a list").iter().map(|key| key["stage"].clone()).collect();
    assert_eq!(stages.iter().filter(|stage| **stage == "retiring").count(), 2, "{listed}");
}

#[test]
fn a_token_is_told_apart_from_a_forgery() {
    let (_place, data) = place();
    let server = Server::dev(&data, &[]);
    let issuer = server.issuer();
    let token = server.sign_in(ADA, PASSWORD, "demo-jwt").word("access_token");
    let decoded = doorward(&["jwt", "decode", &token]).expect(0).told("NOT VERIFIED");
    assert!(decoded.stdout.contains("\"client_id\": \"demo-jwt\""), "{decoded:?}");
    let mut piped = program();
    piped.args(["jwt", "decode", "-", "--format", "json"]);
    assert_eq!(run(piped, &format!("{token}\n")).expect(0).json()["payload"]["iss"], issuer.as_str());
    doorward(&["jwt", "lint", &token]).expect(0).told("NOT VERIFIED");
    let forged = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZGFAZXhhbXBsZS50ZXN0In0.";
    let findings = doorward(&["jwt", "lint", forged, "--format", "json"]).expect(1).json();
    let ids: Vec<&str> =
        findings["data"].as_array().expect("a list").iter().filter_map(|one| one["id"].as_str()).collect();
    assert_eq!(ids, ["DW601", "DW606", "DW608", "DW608", "DW604", "DW609", "DW609", "DW611"]);
    doorward(&["jwt", "lint", "dws_nothing"]).expect(1).told("no JWT");
    doorward(&["jwt", "decode", "dws_nothing"]).expect(1).told("no JWT");
    doorward(&["jwt", "decode", "e30.bm8.x"]).expect(1).told("payload is no JSON");
    let verify = |token: &str, more: &[&str]| {
        doorward(&[&["jwt", "verify", token, "--issuer", &issuer, "--format", "json"], more].concat())
    };
    assert_eq!(verify(&token, &[]).expect(0).json()["claims"]["client_id"], "demo-jwt");
    verify(&token, &["--audience", "https://else.example", "--audience", &issuer]).expect(0);
    let reason = |ran: Ran| ran.expect(1).json()["reason"].clone();
    assert_eq!(reason(verify(&token, &["--audience", "https://else.example"])), "audience_unexpected");
    let (signed, signature) = token.rsplit_once('.').expect("a signature");
    let other = if signature.starts_with('A') { "B" } else { "A" };
    assert_eq!(reason(verify(&format!("{signed}.{other}{}", &signature[1..]), &[])), "signature_invalid");
    assert_eq!(reason(verify("a.b.c", &[])), "token_malformed");
    let other_issuer = format!("http://{}", server.address);
    let elsewhere = doorward(&["jwt", "verify", &token, "--issuer", &other_issuer]).expect(1);
    assert!(elsewhere.stdout.starts_with("invalid issuer_unexpected"), "{elsewhere:?}");
    server.stop(Signal::TERM);
    verify(&token, &[]).expect(4).told("jwks.json");
    doorward(&["jwt", "verify", &token, "--issuer", "https://id.example"]).expect(4).told("no TLS");
    doorward(&["jwt", "verify", &token, "--issuer", "http://id.example"]).expect(2).told("loopback");
}

#[test]
fn dev_is_never_open_to_others() {
    let (_place, data) = place();
    for listen in ["0.0.0.0:0", "[::]:0", "192.0.2.1:8420"] {
        verb(&data, &["dev", "--listen", listen]).expect(3).told("--listen").told("loopback only");
    }
    assert!(!data.exists(), "nothing was made");
}

#[test]
fn serve_says_what_it_needs_all_at_once() {
    let (place, data) = place();
    let ran = verb(&data, &["serve", "--listen", ":0"]).expect(3);
    let ran = ran
        .told("`issuer` is needed")
        .told("DOORWARD_ISSUER")
        .told("`master_key` is needed")
        .told("doorward generate secret");
    assert!(ran.stdout.is_empty() && !data.exists(), "{ran:?}");
    let file = place.path().join("doorward.toml");
    fs::write(&file, "isuer = \"https://id.example.com\"\nsignup = 1\n\n[hashing]\nmemory_kb = 19456\npasses = 1\n")
        .expect("a file");
    let mut command = program();
    command.args(["serve", "--config"]).arg(&file).arg("--data").arg(&data).env("DOORWARD_LISTN", ":0");
    let ran = run(command, "").expect(3);
    let at = |line: usize| format!("{}:{line}:1", file.display());
    ran.told("did you mean `issuer`?")
        .told(&at(1))
        .told("`signup` takes true or false")
        .told(&at(2))
        .told("did you mean `hashing.memory_kib`?")
        .told(&at(5))
        .told("1 is not from 2 to 16")
        .told("did you mean `DOORWARD_LISTEN`?");
}

/// `doorward serve` with all it needs.
fn serving(data: &Path) -> std::process::Command {
    let mut command = program();
    command.args(["serve", "--listen", ":0", "--issuer", "http://localhost:8420", "--data"]).arg(data);
    command.env("DOORWARD_MASTER_KEY", KEY);
    command
}

#[test]
fn serve_begins_empty_and_closed_and_keeps_its_master_key_elsewhere() {
    let (place, data) = place();
    let server = Server::start(serving(&data), &data);
    assert_eq!(server.sign_in(ADA, PASSWORD, "demo-jwt").status, 403, "no demo here");
    let sign_up =
        server.call("POST", "/v1/users", &[], r#"{"email":"bea@example.test","password":"quiet-harbour-7"}"#);
    assert_eq!((sign_up.status, sign_up.word("code").as_str()), (403, "signup_closed"));
    let listed = verb(&data, &["clients", "list", "--format", "json"]).expect(0).json();
    assert_eq!(listed["data"][0]["id"], "account");
    assert_eq!(listed["data"].as_array().expect("a list").len(), 1);
    assert!(!data.join("master.key").exists());
    assert_eq!(server.stop(Signal::TERM).code(), Some(0));
    verb(&data, &["users", "list"]).expect(3).told("master key");
    let key = place.path().join("master.key");
    fs::write(&key, format!("{KEY}\n")).expect("a file");
    let key = key.display().to_string();
    verb(&data, &["users", "list", "--master-key-file", &key]).expect(0);
    fs::write(&key, KEY.replace('A', "B")).expect("a file");
    verb(&data, &["users", "list", "--master-key-file", &key]).expect(3).told("master key");
    let mut twice = serving(&data);
    twice.env("DOORWARD_MASTER_KEY_FILE", &key);
    run(twice, "").expect(3).told("DOORWARD_MASTER_KEY and by DOORWARD_MASTER_KEY_FILE");
}

#[test]
fn a_demo_and_a_server_never_share_a_database() {
    let (_place, data) = place();
    Server::dev(&data, &[]).stop(Signal::TERM);
    run(serving(&data), "").expect(3).told("made by `doorward dev`").told("--data");
    let (_place, data) = place();
    Server::start(serving(&data), &data).stop(Signal::TERM);
    verb(&data, &["dev", "--listen", ":0"]).expect(3).told("made by `doorward serve`");
}

#[test]
fn a_lost_master_key_is_not_papered_over() {
    let (_place, data) = place();
    Server::dev(&data, &[]).stop(Signal::TERM);
    let key = data.join("master.key");
    fs::remove_file(&key).expect("a key");
    verb(&data, &["dev", "--listen", ":0"]).expect(3).told("master.key is missing");
    verb(&data, &["users", "list"]).expect(3).told("master.key is missing");
    fs::write(&key, "not a key\n").expect("a file");
    verb(&data, &["dev", "--listen", ":0"]).expect(3).told("is no master key");
    fs::write(&key, KEY).expect("a file");
    verb(&data, &["dev", "--listen", ":0"]).expect(3).told("does not open key_");
}

#[test]
fn a_seed_adds_what_is_missing_at_every_start() {
    let (place, data) = place();
    let seed = place.path().join("seed.toml");
    let bea = "[[users]]\nemail = \"bea@example.test\"\npassword = \"quiet-harbour-7\"\nname = \"Bea\"\n";
    let shop = "[[clients]]\nid = \"shop\"\nkind = \"confidential\"\nstrategy = \"jwt\"\n";
    fs::write(&seed, format!("{bea}{shop}")).expect("a file");
    let flags = ["--seed", seed.to_str().expect("text")];
    let server = Server::dev(&data, &flags);
    assert!(server.said_until("Ctrl-C").contains("shop / dwc_"));
    assert_eq!(server.sign_in("bea@example.test", "quiet-harbour-7", "demo-jwt").status, 201);
    server.stop(Signal::TERM);
    let cy = "[[users]]\nemail = \"cy@example.test\"\npassword = \"quiet-harbour-8\"\n";
    fs::write(&seed, format!("{}{shop}{cy}", bea.replace("harbour-7", "harbour-9"))).expect("a file");
    let server = Server::dev(&data, &flags);
    assert!(!server.said_until("Ctrl-C").contains("dwc_"), "a secret is told once");
    assert_eq!(server.sign_in("cy@example.test", "quiet-harbour-8", "demo-jwt").status, 201);
    assert_eq!(server.sign_in("bea@example.test", "quiet-harbour-7", "demo-jwt").status, 201, "she stays as she was");
    server.stop(Signal::TERM);
    fs::write(&seed, "[[users]]\nemial = \"x\"\n[[clients]]\nid = \"x\"\n").expect("a file");
    let ran = verb(&data, &["dev", "--listen", "0.0.0.0:1", "--seed", flags[1]]).expect(3);
    ran.told("did you mean `email`?").told("`clients[0].id` is needed").told("loopback only");
}

#[test]
fn words_that_make_no_sense_are_told_with_code_two() {
    let (_place, data) = place();
    doorward(&["frobnicate"]).expect(2);
    doorward(&[]).expect(2);
    doorward(&["--help"]).expect(0);
    doorward(&["--version"]).expect(0);
    doorward(&["users", "add", "bea@example.test", "hunter2-hunter2"]).expect(2);
    doorward(&["users", "add", "bea@example.test", "--password", "hunter2-hunter2"]).expect(2);
    verb(&data, &["users", "add", "bea@example.test"]).expect(2).told("--password-stdin");
    verb(&data, &["users", "list"]).expect(3).told("no database").told("doorward dev");
}

#[test]
fn a_folder_that_is_held_in_silence_is_unreachable() {
    let (_place, data) = place();
    let server = Server::dev(&data, &[]);
    fs::remove_file(data.join("doorward.sock")).expect("a socket");
    verb(&data, &["users", "list"]).expect(4).told(&format!("process {}", server.process()));
}

#[test]
fn verbs_that_come_at_once_wait_for_one_another() {
    let (_place, data) = place();
    Server::dev(&data, &[]).stop(Signal::TERM);
    let add = |number: u32| {
        let mut command = program();
        command.args(["users", "add", &format!("user{number}@example.test"), "--generate", "--data"]).arg(&data);
        command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("a verb")
    };
    let verbs: Vec<_> = (0..4).map(add).collect();
    for verb in verbs {
        let ended = verb.wait_with_output().expect("an end");
        assert_eq!(ended.status.code(), Some(0), "{}", String::from_utf8_lossy(&ended.stderr));
    }
    let listed = verb(&data, &["users", "list", "--format", "json"]).expect(0).json();
    assert_eq!(listed["data"].as_array().expect("a list").len(), 5);
}

#[test]
fn somebody_elses_folder_is_denied() {
    let (_place, data) = place();
    let server = Server::dev(&data, &[]);
    let mut command = program();
    command.args(["users", "list", "--data"]).arg(&data);
    if rustix::process::getuid().is_root() {
        // Root may do everything; nobody may not.
        command.uid(65534).current_dir("/");
    } else {
        fs::set_permissions(&data, fs::Permissions::from_mode(0o000)).expect("our folder");
    }
    let ran = run(command, "");
    fs::set_permissions(&data, fs::Permissions::from_mode(0o700)).expect("our folder");
    ran.expect(5).told("may not be opened by this user");
    drop(server);
}

#[test]
fn a_demo_nearby_is_found_without_being_named() {
    let place = tempfile::tempdir().expect("a place");
    let server = Server::dev(&place.path().join(".doorward"), &[]);
    let mut command = program();
    command.args(["users", "list"]).current_dir(place.path());
    assert!(run(command, "").expect(0).stdout.contains(ADA));
    drop(server);
}

/// Everything that a holder may hold and nobody else may see.
fn secrets(server: &Server, data: &Path) -> Vec<String> {
    let hybrid = server.sign_in(ADA, PASSWORD, "demo-hybrid");
    let mut secrets = vec![
        PASSWORD.to_owned(),
        server.sign_in(ADA, PASSWORD, "demo-session").word("session_token"),
        hybrid.word("refresh_token"),
        hybrid.word("access_token"),
        fs::read_to_string(data.join("master.key")).expect("a key").trim().to_owned(),
    ];
    let add = ["clients", "add", "shop", "--kind", "confidential", "--strategy", "jwt", "--format", "json"];
    let client: Value = verb(data, &add).expect(0).json();
    secrets.push(client["client_secret"].as_str().expect("a secret").to_owned());
    let user = verb(data, &["users", "add", "bea@example.test", "--generate", "--format", "json"]).expect(0).json();
    secrets.push(user["password"].as_str().expect("a password").to_owned());
    secrets
}

#[test]
fn no_listing_and_no_log_shows_a_secret() {
    for format in ["text", "json"] {
        let (_place, data) = place();
        let server = Server::dev(&data, &["--log-level", "trace", "--log-format", format]);
        let secrets = secrets(&server, &data);
        // Reuse is logged, and must not be logged with the token.
        for attempt in ["0123456789abcdef", "fedcba9876543210"] {
            let body =
                serde_json::json!({ "refresh_token": secrets[2], "client_id": "demo-hybrid", "attempt": attempt });
            server.call("POST", "/v1/session/refresh", &[], &body.to_string());
        }
        verb(&data, &["keys", "rotate", "--hurry"]).expect(0);
        let mut shown = String::new();
        for list in ["users", "sessions", "clients", "keys"] {
            for form in ["json", "table"] {
                shown += &verb(&data, &[list, "list", "--format", form]).expect(0).stdout;
            }
        }
        call(&server.address, "GET", "/v1/session", &[("authorization", &format!("Bearer {}", secrets[1]))], "");
        let log = server.log();
        assert!(log.contains("serving"), "it logs: {log}");
        for secret in &secrets {
            assert!(!shown.contains(secret), "a listing shows {secret}");
            assert!(!log.contains(secret), "the log shows {secret}");
        }
        assert!(!shown.contains("$argon2") && !log.contains("$argon2"));
    }
}
