//! Keys as operators handle them: algorithms by the command line, keys that end, a master key that is replaced while the
//! program runs, is killed, and starts again.

#![expect(clippy::disallowed_methods, reason = "the environment of the tests is kept from the program")]
#![expect(dead_code, reason = "the program's support has more than these tests use")]

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::Signal;
use serde_json::Value;
use support::{Ran, Server, doorward, program, run};
use tempfile::TempDir;

const ADA: &str = "ada@example.test";
const PASSWORD: &str = "copper-lantern-41";
const OLD: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
const NEW: &str = "HwECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
const OTHER: &str = "HgECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

fn place() -> (TempDir, PathBuf) {
    let place = tempfile::tempdir().expect("a place");
    let data = place.path().join("data");
    (place, data)
}

fn verb(data: &Path, words: &[&str]) -> Ran {
    let mut command = program();
    command.args(words).arg("--data").arg(data);
    run(command, "")
}

fn listed(data: &Path) -> Vec<Value> {
    let listed = verb(data, &["keys", "list", "--format", "json"]).expect(0).json();
    listed["data"].as_array().expect("a list").clone()
}

fn only(keys: &[Value], purpose: &str, stage: &str) -> String {
    let mut found = keys.iter().filter(|key| key["purpose"] == purpose && key["stage"] == stage);
    let id = found.next().unwrap_or_else(|| panic!("no {stage} {purpose}"))["id"].as_str().expect("an id").to_owned();
    assert!(found.next().is_none(), "one {stage} {purpose}");
    id
}

fn header(token: &str) -> Value {
    doorward(&["jwt", "decode", token, "--format", "json"]).expect(0).json()["header"].clone()
}

#[test]
fn a_client_chooses_its_algorithm_and_its_keys_are_made_for_it() {
    let (_place, data) = place();
    let server = Server::dev(&data, &[]);
    assert_eq!(listed(&data).len(), 6, "nothing slow is made before somebody wants it");
    for (algorithm, purpose) in [("RS256", "sign-rs256"), ("PS256", "sign-ps256"), ("EdDSA", "sign-eddsa")] {
        let id = format!("web-{}", algorithm.to_lowercase());
        let words = ["clients", "add", &id, "--strategy", "jwt", "--algorithm", algorithm];
        let added = verb(&data, &words).expect(0);
        assert!(!added.stdout.contains("warning"), "{added:?}");
        let token = server.sign_in(ADA, PASSWORD, &id).word("access_token");
        assert_eq!(header(&token)["alg"], algorithm);
        assert_eq!(header(&token)["kid"], only(&listed(&data), purpose, "active"));
        only(&listed(&data), purpose, "published");
        doorward(&["jwt", "verify", &token, "--issuer", &server.issuer()]).expect(0);
        assert_eq!(server.who(&token).status, 200);
    }
    verb(&data, &["clients", "add", "odd", "--algorithm", "none"]).expect(2).told("algorithm");
    let prepared = verb(&data, &["keys", "rotate", "--purpose", "sign-hs256", "--format", "json"]).expect(0).json();
    assert_eq!(prepared["data"].as_array().expect("a list").len(), 2, "the first ones, where there are none");
    let moved = verb(&data, &["clients", "set", "demo-jwt", "--algorithm", "PS256"]).expect(0);
    assert!(!moved.stdout.contains("warning"), "its keys were there already: {moved:?}");
}

#[test]
fn an_algorithm_that_an_application_changes_to_is_warned_about_if_nobody_has_its_keys_yet() {
    let (_place, data) = place();
    let server = Server::dev(&data, &[]);
    let moved = verb(&data, &["clients", "set", "demo-jwt", "--algorithm", "RS256"]).expect(0);
    assert!(moved.stdout.contains("warning: the keys of this algorithm were made just now"), "{moved:?}");
    let token = server.sign_in(ADA, PASSWORD, "demo-jwt").word("access_token");
    assert_eq!(header(&token)["alg"], "RS256");
}

#[test]
fn a_shared_secret_is_warned_about_and_written_for_its_owner_alone() {
    let (place, data) = place();
    let server = Server::dev(&data, &[]);
    let out = place.path().join("secrets.json");
    let share = ["keys", "share", "--out", &out.display().to_string()];
    verb(&data, &share).expect(1).told("not_found");
    assert!(!out.exists(), "nothing was told");
    let words = ["clients", "add", "api", "--strategy", "jwt", "--algorithm", "HS256", "--audiences", "a,b"];
    let added = verb(&data, &words).expect(0);
    assert!(added.stdout.contains("warning: HS256 signs with a shared secret"), "{added:?}");
    assert!(added.stdout.contains("warning: HS256 is used for more than one audience"), "{added:?}");
    assert!(server.log().contains("shared secret") && server.log().contains("more than one audience"));
    verb(&data, &share).expect(0);
    assert_eq!(fs::metadata(&out).expect("a file").permissions().mode() & 0o777, 0o600);
    let set: Value = serde_json::from_slice(&fs::read(&out).expect("a file")).expect("JSON");
    assert_eq!(set["keys"].as_array().expect("keys").len(), 2, "the one in use and its standby");
    let secret = set["keys"][0]["k"].as_str().expect("a secret");
    assert!(
        !server.log().contains(secret)
            && !server.call("GET", "/.well-known/jwks.json", &[], "").text.contains(secret)
    );
    verb(&data, &share).expect(2).told("cannot be written");
}

#[test]
fn a_killed_key_is_refused_at_once_by_a_running_server() {
    let (_place, data) = place();
    let server = Server::dev(&data, &[]);
    let token = server.sign_in(ADA, PASSWORD, "demo-jwt").word("access_token");
    let kid = only(&listed(&data), "sign-es256", "active");
    verb(&data, &["keys", "kill", &kid]).expect(1).told("less than 10 minutes ago");
    verb(&data, &["keys", "retire", &kid]).expect(1).told("in use");
    verb(&data, &["keys", "kill", "key_00000000000000000000000000"]).expect(1).told("not_found");
    assert_eq!(server.who(&token).status, 200);
    verb(&data, &["keys", "kill", &kid, "--hurry"]).expect(0);
    assert_eq!(server.who(&token).status, 401);
    doorward(&["jwt", "verify", &token, "--issuer", &server.issuer()]).expect(1);
    assert!(!server.call("GET", "/.well-known/jwks.json", &[], "").text.contains(&kid));
    verb(&data, &["keys", "kill", &kid, "--hurry"]).expect(1).told("retired already");
    let token = server.sign_in(ADA, PASSWORD, "demo-jwt").word("access_token");
    assert_eq!(server.who(&token).status, 200);
}

fn serving(data: &Path, key: &str) -> Command {
    let mut command = program();
    command.args(["serve", "--listen", ":0", "--issuer", "http://localhost:8420", "--data"]).arg(data);
    command.env("DOORWARD_MASTER_KEY", key);
    command
}

/// A server that somebody is signed in at, and their refresh token and access token.
fn signed_in(data: &Path) -> (Server, String, String) {
    let server = Server::start(serving(data, OLD), data);
    let mut add = program();
    add.args(["users", "add", ADA, "--password-stdin", "--data"]).arg(data);
    run(add, &format!("{PASSWORD}\n")).expect(0);
    for algorithm in ["RS256", "HS256"] {
        let id = format!("web-{}", algorithm.to_lowercase());
        let words = ["clients", "add", &id, "--strategy", "hybrid", "--transports", "body", "--algorithm", algorithm];
        verb(data, &words).expect(0);
    }
    let answer = server.sign_in(ADA, PASSWORD, "web-rs256");
    let (refresh, access) = (answer.word("refresh_token"), answer.word("access_token"));
    (server, refresh, access)
}

/// Everything still works: a token from before, a refresh, another sign-in.
#[track_caller]
fn works(server: &Server, refresh: &str, access: &str, attempt: &str) {
    assert_eq!(server.who(access).status, 200);
    let body = serde_json::json!({ "refresh_token": refresh, "client_id": "web-rs256", "attempt": attempt });
    let turned = server.call("POST", "/v1/session/refresh", &[], &body.to_string());
    assert_eq!(turned.status, 200, "{turned:?}");
    for client in ["web-rs256", "web-hs256"] {
        let token = server.sign_in(ADA, PASSWORD, client).word("access_token");
        assert_eq!(server.who(&token).status, 200, "{client}");
    }
}

fn file(place: &TempDir, key: &str) -> String {
    let path = place.path().join("new.key");
    fs::write(&path, format!("{key}\n")).expect("a file");
    path.display().to_string()
}

const ATTEMPT: &str = "attempt-key-number-1";

#[test]
fn a_master_key_is_replaced_while_the_server_runs_and_either_opens_until_the_new_one_started() {
    let (place, data) = place();
    let (server, refresh, access) = signed_in(&data);
    let new = file(&place, NEW);
    verb(&data, &["keys", "reseal", "--new-master-key-file", &new]).expect(0);
    works(&server, &refresh, &access, ATTEMPT);
    // What is made from here on is sealed under both too.
    verb(&data, &["keys", "rotate", "--purpose", "sign-rs256", "--hurry"]).expect(0);
    verb(&data, &["keys", "rotate", "--purpose", "refresh"]).expect(0);
    server.stop(Signal::KILL);
    let server = Server::start(serving(&data, OLD), &data);
    assert!(server.log().contains("start with that one next time"), "{}", server.log());
    works(&server, &refresh, &access, ATTEMPT);
    server.stop(Signal::KILL);
    let server = Server::start(serving(&data, NEW), &data);
    works(&server, &refresh, &access, ATTEMPT);
    server.stop(Signal::KILL);
    run(serving(&data, OLD), "").expect(3).told("does not open key_").told("master_key_previous");
    let server = Server::start(serving(&data, NEW), &data);
    works(&server, &refresh, &access, ATTEMPT);
}

#[test]
fn a_master_key_is_replaced_at_a_start_by_naming_the_one_before() {
    let (_place, data) = place();
    let (server, refresh, access) = signed_in(&data);
    server.stop(Signal::TERM);
    run(serving(&data, NEW), "").expect(3).told("does not open key_");
    let mut both = serving(&data, NEW);
    both.env("DOORWARD_MASTER_KEY_PREVIOUS", OLD);
    let server = Server::start(both, &data);
    works(&server, &refresh, &access, ATTEMPT);
    server.stop(Signal::KILL);
    let server = Server::start(serving(&data, NEW), &data);
    works(&server, &refresh, &access, ATTEMPT);
    server.stop(Signal::TERM);
    run(serving(&data, OLD), "").expect(3).told("does not open key_");
}

#[test]
fn a_replacement_is_done_without_a_server_too_and_a_wrong_file_changes_nothing() {
    let (place, data) = place();
    let (server, refresh, access) = signed_in(&data);
    let new = file(&place, "not a key");
    verb(&data, &["keys", "reseal", "--new-master-key-file", &new]).expect(2).told("new_master_key");
    verb(&data, &["keys", "reseal", "--new-master-key-file", "/nowhere"]).expect(2).told("cannot be read");
    server.stop(Signal::TERM);
    for key in [OTHER, NEW] {
        let new = file(&place, key);
        let mut command = program();
        command.args(["keys", "reseal", "--new-master-key-file", &new, "--data"]).arg(&data);
        command.env("DOORWARD_MASTER_KEY", OLD);
        run(command, "").expect(0);
    }
    run(serving(&data, OTHER), "").expect(3).told("does not open key_");
    let server = Server::start(serving(&data, NEW), &data);
    works(&server, &refresh, &access, ATTEMPT);
}

#[test]
fn serve_does_not_start_without_a_master_key() {
    let (_place, data) = place();
    let mut command = program();
    command.args(["serve", "--listen", ":0", "--issuer", "http://localhost:8420", "--data"]).arg(&data);
    run(command, "").expect(3).told("`master_key` is needed and missing").told("make one with");
    assert!(!data.join("doorward.db").exists(), "nothing was begun");
}
