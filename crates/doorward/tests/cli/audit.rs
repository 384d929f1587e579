//! The audit log from outside: what it lists, and which hands in the file it notices.

use std::fs;
use std::path::{Path, PathBuf};

use doorward_core::Timestamp;
use doorward_core::audit::Link;
use doorward_store::sqlite::Sqlite;
use doorward_store::{Directory, Opening, Origin};
use rusqlite::{Connection, params};
use rustix::process::Signal;
use serde_json::Value;

use super::support::Server;
use super::{ADA, PASSWORD, place, verb};

fn listed(data: &Path, words: &[&str]) -> Vec<Value> {
    let words = [&["audit", "list", "--format", "json"], words].concat();
    verb(data, &words).expect(0).json()["data"].as_array().expect("a list").clone()
}

#[test]
fn what_happened_is_listed_newest_first_and_by_kind_user_session_and_time() {
    let (_place, data) = place();
    let server = Server::dev(&data, &[]);
    let first = server.sign_in(ADA, PASSWORD, "demo-session").json()["session"]["id"].clone();
    server.sign_in(ADA, PASSWORD, "demo-hybrid");
    verb(&data, &["users", "add", "bea@example.test", "--generate"]).expect(0);
    let check = |words: &[&str], kinds: &[&str]| {
        let found = listed(&data, words);
        let found: Vec<_> = found.iter().map(|link| link["kind"].as_str().expect("a kind")).collect();
        assert_eq!(found, kinds, "{words:?}");
    };
    check(&["--limit", "3"], &["user.created", "session.opened", "session.opened"]);
    check(&["--kind", "session.opened"], &["session.opened", "session.opened"]);
    check(&["--user", "bea@example.test"], &["user.created"]);
    check(&["--user", ADA], &["session.opened", "session.opened", "user.created"]);
    check(&["--session", first.as_str().expect("an id")], &["session.opened"]);
    check(&["--user", ADA, "--kind", "session.opened", "--limit", "1"], &["session.opened"]);
    check(&["--since", "2999-01-01T00:00:00Z"], &[]);
    let all = listed(&data, &[]);
    assert_eq!(listed(&data, &["--since", "1h"]), all);
    let numbers: Vec<_> = all.iter().map(|link| link["number"].as_u64().expect("a number")).collect();
    assert!(numbers.iter().rev().copied().eq(1..=numbers.len() as u64), "{numbers:?}");
    assert_eq!(listed(&data, &["--before", &numbers[1].to_string()]), all[2..]);
    let opened = &listed(&data, &["--session", first.as_str().expect("an id")])[0];
    assert_eq!((&opened["client_id"], &opened["address"]), (&"demo-session".into(), &"127.0.0.1".into()));
    assert!(opened["request_id"].as_str().is_some_and(|id| id.starts_with("req_")), "{opened}");
    let table = verb(&data, &["audit", "list"]).expect(0).stdout;
    assert!(table.contains("NUMBER") && table.contains("session.opened"), "{table}");
    verb(&data, &["audit", "list", "--kind", "session.open"]).expect(2).told("session.opened");
    verb(&data, &["audit", "list", "--since", "lately"]).expect(2).told("7d");
    verb(&data, &["audit", "list", "--session", "ses_nobody"]).expect(2).told("session_id");
    let whole = verb(&data, &["audit", "verify"]).expect(0).stdout;
    let head = format!("head: {}:", numbers[0]);
    assert!(whole.contains(&head), "{head} is not in {whole}, told by the running server");
}

/// A folder with some events in it, closed, and the newest event as it was told.
fn with_a_past(data: &Path) -> String {
    let server = Server::dev(data, &[]);
    for _ in 0..3 {
        assert_eq!(server.sign_in(ADA, PASSWORD, "demo-session").status, 201);
    }
    assert_eq!(server.stop(Signal::TERM).code(), Some(0));
    let head = verb(data, &["audit", "verify", "--format", "json"]).expect(0).json()["head"].clone();
    format!("{}:{}", head["number"], head["hash"].as_str().expect("a hash"))
}

/// The same folder once more.
fn copy(data: &Path, name: &str) -> PathBuf {
    let other = data.with_extension(name);
    fs::create_dir(&other).expect("a folder");
    for file in ["doorward.db", "master.key"] {
        fs::copy(data.join(file), other.join(file)).expect("a copy");
    }
    other
}

#[test]
fn whoever_changes_removes_swaps_or_appends_events_in_the_file_is_noticed() {
    let (_place, data) = place();
    with_a_past(&data);
    for (name, tampering, broken) in [
        ("changed", "UPDATE audit SET address = '192.0.2.1' WHERE number = 9", "event 9 is not what was written"),
        ("another-actor", "UPDATE audit SET actor = 'operator' WHERE number = 2", "event 2 is not what was written"),
        ("another-time", "UPDATE audit SET at = at + 1 WHERE number = 1", "event 1 is not what was written"),
        ("another-hash", "UPDATE audit SET hash = zeroblob(32) WHERE number = 5", "event 5 is not what was written"),
        ("removed", "DELETE FROM audit WHERE number = 4", "event 4 is missing"),
        ("no-beginning", "DELETE FROM audit WHERE number <= 3", "event 1 is missing"),
        (
            "closed-up",
            "DELETE FROM audit WHERE number = 4; UPDATE audit SET number = number - 1 WHERE number > 4",
            "event 4 is not what was written",
        ),
        (
            "swapped",
            "UPDATE audit SET number = -1 WHERE number = 6; UPDATE audit SET number = 6 WHERE number = 7;
             UPDATE audit SET number = 7 WHERE number = -1",
            "event 6 is not what was written",
        ),
        (
            "appended",
            "INSERT INTO audit SELECT max(number) + 1, id, kind, actor, who, session, client, address, request, detail, \
             at, head, hash FROM audit",
            "is not what was written",
        ),
        ("unreadable", "UPDATE audit SET kind = 'session.forged' WHERE number = 8", "event 8 is unreadable"),
        ("no-actor", "UPDATE audit SET actor = 'somebody' WHERE number = 1", "event 1 is unreadable"),
    ] {
        let other = copy(&data, name);
        Connection::open(other.join("doorward.db")).expect("a file").execute_batch(tampering).expect(name);
        let ran = verb(&other, &["audit", "verify"]).expect(1);
        assert!(ran.stdout.contains("BROKEN") && ran.stdout.contains(broken), "{name}: {ran:?}");
        let told = verb(&other, &["audit", "verify", "--format", "json"]).expect(1).json();
        assert_eq!(told["well"], false, "{name}: {told}");
    }
}

#[test]
fn what_a_chain_cannot_show_is_shown_by_an_event_that_was_noted_elsewhere() {
    let (_place, data) = place();
    let noted = with_a_past(&data);
    verb(&data, &["audit", "verify", "--expect", &noted]).expect(0);
    let cut = copy(&data, "cut");
    let file = Connection::open(cut.join("doorward.db")).expect("a file");
    file.execute("DELETE FROM audit WHERE number > (SELECT max(number) - 2 FROM audit)", []).expect("cut off");
    drop(file);
    verb(&cut, &["audit", "verify"]).expect(0);
    let ran = verb(&cut, &["audit", "verify", "--expect", &noted]).expect(1);
    assert!(ran.stdout.contains("CUT OFF"), "{ran:?}");
    let anew = copy(&data, "anew");
    write_anew(&anew);
    verb(&anew, &["audit", "verify"]).expect(0);
    let ran = verb(&anew, &["audit", "verify", "--expect", &noted]).expect(1);
    assert!(ran.stdout.contains("WRITTEN ANEW"), "{ran:?}");
    for wrong in ["", "7", "x:00", "7:00"] {
        verb(&data, &["audit", "verify", "--expect", wrong]).expect(2).told("expect");
    }
}

/// Somebody who owns the file changes an event, and forges the whole chain behind it.
fn write_anew(data: &Path) {
    let opening = Opening { now: Timestamp::from_secs(0), database: [0; 16], origin: Origin::Dev };
    let store = Sqlite::open(data, opening).expect("a database");
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let links = runtime.block_on(store.audit_after(0, 1000)).expect("links");
    drop(store);
    let file = Connection::open(data.join("doorward.db")).expect("a file");
    let mut previous = [0; 32];
    for mut link in links {
        if link.number == 9 {
            link.event.address = Some(String::from("192.0.2.1"));
        }
        let forged = Link::forge(&previous, link.number, link.head, link.event);
        file.execute(
            "UPDATE audit SET address = ?2, hash = ?3 WHERE number = ?1",
            params![forged.number as i64, forged.event.address, forged.hash],
        )
        .expect("an update");
        previous = forged.hash;
    }
}
