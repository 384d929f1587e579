//! A verb whose operator does not wait for its end.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::support::{Server, program};
use super::{place, verb};

/// A demo all of whose tokens are for services that follow the feed: a key is killed once they hold the next one. After a
/// start, that takes as long as a lease may last from before.
fn following(data: &Path) -> Server {
    let mut command = program();
    command.args(["dev", "--listen", ":0", "--issuer", "http://localhost:8420", "--data"]).arg(data);
    command.env("DOORWARD_KEYS_FEED_ONLY", "http://localhost:8420").env("DOORWARD_FEED_LEASE_MOST_MS", "8000");
    Server::start(command, data)
}

fn keys(data: &Path) -> Vec<Value> {
    let listed = verb(data, &["keys", "list", "--format", "json"]).expect(0).json();
    listed["data"].as_array().expect("a list").clone()
}

#[test]
fn a_key_that_an_operator_kills_and_leaves_is_killed_and_the_log_says_who_left() {
    let (_place, data) = place();
    let server = following(&data);
    verb(&data, &["verifiers", "add", "Shop"]).expect(0);
    let is_active = |key: &&Value| key["purpose"] == "sign-es256" && key["stage"] == "active";
    let key = keys(&data).iter().find(is_active).expect("one is in use")["id"].as_str().expect("an id").to_owned();
    server.stop(Signal::TERM);

    let server = following(&data);
    let mut kill = program();
    kill.args(["keys", "kill", &key, "--data"]).arg(&data).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut kill = kill.spawn().expect("a verb");
    std::thread::sleep(Duration::from_millis(1500));
    assert_eq!(kill.try_wait().expect("a state"), None, "it waits for those who may have a lease");
    // Ctrl-C does the same; a shell without a terminal may have its programs ignore that.
    kill_process(Pid::from_child(&kill), Signal::TERM).expect("it runs");
    assert_eq!(kill.wait().expect("an end").code(), None, "by the signal");
    let active = || keys(&data).iter().any(|found| is_active(&found) && found["id"] == key.as_str());
    let began = Instant::now();
    while active() {
        assert!(began.elapsed() < Duration::from_secs(60), "it is not carried on: {}", server.log());
        std::thread::sleep(Duration::from_millis(100));
    }
    let log = server.log();
    let asked = format!("POST /admin/v1/keys/{key}/kill");
    for part in ["has left: it is carried on", "a key was killed", "came to its end", &asked] {
        assert!(log.contains(part), "{part} is not in {log}");
    }
}
