//! An old copy of the database that somebody puts back, and verbs that look at it before the server has started.

use std::fs;
use std::path::Path;
use std::process::Command;

use rustix::process::Signal;

use super::support::{Server, run};
use super::{ADA, PASSWORD, place, serving, verb};

/// Signs Ada in and out again, and puts the database back as it was in between; gives the secret of what was ended.
fn put_back(data: &Path) -> String {
    let file = data.join("doorward.db");
    let server = Server::dev(data, &[]);
    let secret = server.sign_in(ADA, PASSWORD, "demo-session").word("session_token");
    server.stop(Signal::TERM);
    let copy = fs::read(&file).expect("a database");
    let server = Server::dev(data, &[]);
    let bearer = format!("Bearer {secret}");
    assert_eq!(server.call("DELETE", "/v1/session", &[("authorization", &bearer)], "").status, 200);
    server.stop(Signal::TERM);
    fs::write(&file, copy).expect("an old copy");
    secret
}

#[test]
fn a_verb_refuses_an_old_copy_and_leaves_it_to_the_start_of_the_server() {
    let (_place, data) = place();
    let secret = put_back(&data);
    let before = fs::read(data.join("doorward.db")).expect("a database");
    for words in [
        &["audit", "verify"][..],
        &["audit", "list"],
        &["check"],
        &["users", "list"],
        &["sessions", "end", "--all"],
        &["keys", "list", "--format", "json"],
    ] {
        let ran = verb(&data, words).expect(3);
        let ran = ran.told("doorward.db is an old copy that was put back").told("start the server once");
        assert!(ran.stderr.contains("--restored-on-purpose") && ran.stdout.is_empty(), "{ran:?}");
    }
    assert_eq!(fs::read(data.join("doorward.db")).expect("a database"), before, "nothing was written");

    let server = Server::dev(&data, &["--restored-on-purpose"]);
    assert_eq!(server.who(&secret).status, 200, "whoever asks for it gets the sessions of the copy");
    let listed = verb(&data, &["audit", "list", "--kind", "store.regressed"]).expect(0).stdout;
    for told in [&server.log(), &listed] {
        assert!(told.contains("has to be done again") && told.contains("killed"), "{told}");
    }
    assert!(!listed.contains("signed out"), "{listed}");
    server.stop(Signal::TERM);
    verb(&data, &["audit", "verify"]).expect(0);
    let server = Server::dev(&data, &[]);
    assert_eq!(server.who(&secret).status, 200, "it was said once");
}

/// The mark comes back with the database and agrees with it: nothing proves that the copy is old, and nothing that it is new.
#[test]
fn a_folder_that_is_put_back_whole_is_told_to_the_operator() {
    let (place, data) = place();
    let server = Server::dev(&data, &[]);
    let secret = server.sign_in(ADA, PASSWORD, "demo-session").word("session_token");
    server.stop(Signal::TERM);
    let backup = place.path().join("backup");
    let copy = |from: &Path, to: &Path| {
        let copied = Command::new("cp").arg("-a").arg(from).arg(to).status().expect("cp");
        assert!(copied.success());
    };
    copy(&data, &backup);
    let server = Server::dev(&data, &[]);
    assert!(!server.log().contains("nobody can tell"), "{}", server.log());
    let bearer = format!("Bearer {secret}");
    assert_eq!(server.call("DELETE", "/v1/session", &[("authorization", &bearer)], "").status, 200);
    server.stop(Signal::TERM);
    fs::remove_dir_all(&data).expect("a folder");
    copy(&backup, &data);

    verb(&data, &["users", "list"]).expect(0);
    let server = Server::dev(&data, &[]);
    assert_eq!(server.who(&secret).status, 200, "it is alive again, so somebody has to be told");
    let listed = verb(&data, &["audit", "list", "--kind", "store.unproven"]).expect(0).stdout;
    for told in [&server.log(), &listed] {
        for part in ["nobody can tell", "doorward sessions end --all", "has to be done again"] {
            assert!(told.contains(part), "{part} is not in {told}");
        }
    }
    verb(&data, &["sessions", "end", "--all"]).expect(0);
    assert_eq!(server.who(&secret).status, 401);
    server.stop(Signal::TERM);
    let server = Server::dev(&data, &[]);
    assert_eq!(server.log().matches("nobody can tell").count(), 1, "it was said once: {}", server.log());
}

/// The store is opened before the key is asked for: who forgot it must not have signed everybody out.
#[test]
fn a_verb_without_the_master_key_does_not_use_up_that_start_either() {
    let (_place, data) = place();
    let secret = put_back(&data);
    let key = data.join("master.key");
    let kept = fs::read(&key).expect("a key");
    fs::remove_file(&key).expect("a key");
    verb(&data, &["users", "list"]).expect(3).told("old copy");
    fs::write(&key, kept).expect("a key");
    run(serving(&data), "").expect(3).told("made by `doorward dev`");
    let server = Server::dev(&data, &["--restored-on-purpose"]);
    assert_eq!(server.who(&secret).status, 200);
}
