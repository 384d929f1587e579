//! `doorward generate`: to stdout goes what was asked for and nothing else, and no secret is ever an argument.

use std::collections::BTreeSet;

use doorward::config::settled::master_key;
use doorward_core::base64url;
use doorward_core::id::{ClientId, EventId, KeyId, OrgId, SessionId, TokenId, UserId, VerifierId};
use doorward_core::password::{Memory, Typed, verify};

use super::support::{Ran, Server, doorward, program, run};
use super::{ADA, PASSWORD, place};

fn hash(words: &[&str], stdin: &str) -> Ran {
    let mut command = program();
    command.args(["generate", "hash", "--stdin"]).args(words);
    run(command, stdin)
}

#[test]
fn secrets_are_as_long_as_they_say_and_one_is_a_master_key() {
    let ran = doorward(&["generate", "secret"]).expect(0).told("256 bits");
    assert!(master_key(&ran.stdout).is_some(), "{ran:?}");
    let drawn: BTreeSet<_> = (0..20).map(|_| doorward(&["generate", "secret"]).expect(0).stdout).collect();
    assert_eq!(drawn.len(), 20);
    let long = doorward(&["generate", "secret", "--bytes", "48"]).expect(0).told("384 bits");
    assert_eq!(base64url::decode(long.stdout.trim()).map(|bytes| bytes.len()), Some(48));
    let hex = doorward(&["generate", "secret", "--bytes", "16", "--hex"]).expect(0).told("128 bits").stdout;
    assert!(hex.trim().len() == 32 && hex.trim().bytes().all(|byte| byte.is_ascii_hexdigit()), "{hex}");
    let json = doorward(&["generate", "secret", "--format", "json"]).expect(0).json();
    assert_eq!((json["secret"].as_str().map(str::len), &json["bits"]), (Some(43), &256.into()));
    doorward(&["generate", "secret", "--bytes", "15"]).expect(2);
    doorward(&["generate", "secret", "--bytes", "1025"]).expect(2);
}

#[test]
fn passwords_say_how_many_bits_they_have_and_sign_in() {
    let plain = doorward(&["generate", "password"]).expect(0).told("100 bits").stdout;
    assert_eq!(plain.trim().split('-').map(str::len).collect::<Vec<_>>(), [5; 4]);
    let spoken = doorward(&["generate", "password", "--words", "6"]).expect(0).told("96 bits").stdout;
    assert_eq!(spoken.trim().split('-').map(str::len).collect::<Vec<_>>(), [5; 6]);
    let long = doorward(&["generate", "password", "--characters", "26", "--format", "json"]).expect(0).json();
    assert_eq!(long["bits"], 130);
    for wrong in [&["--characters", "11"][..], &["--words", "3"], &["--words", "6", "--characters", "20"]] {
        doorward(&[&["generate", "password"], wrong].concat()).expect(2);
    }
    let (_place, data) = place();
    let server = Server::dev(&data, &[]);
    let account = serde_json::json!({ "email": "bea@example.test", "password": spoken.trim() });
    assert_eq!(server.call("POST", "/v1/users", &[], &account.to_string()).status, 201);
    assert_eq!(server.sign_in("bea@example.test", spoken.trim(), "demo-session").status, 201);
}

#[test]
fn ids_of_every_kind_are_read_as_such() {
    let check = |of: &str, is_one: fn(&str) -> bool| {
        let ran = doorward(&["generate", "id", of, "--count", "3"]).expect(0);
        let ids: BTreeSet<_> = ran.stdout.lines().collect();
        assert!(ids.len() == 3 && ids.iter().all(|id| is_one(id)), "{of}: {ran:?}");
    };
    check("user", |id| UserId::parse(id).is_some());
    check("session", |id| SessionId::parse(id).is_some());
    check("client", |id| id.starts_with("cli_") && ClientId::parse(id).is_some());
    check("key", |id| KeyId::parse(id).is_some());
    check("organization", |id| OrgId::parse(id).is_some());
    check("event", |id| EventId::parse(id).is_some());
    check("token", |id| TokenId::parse(id).is_some());
    check("verifier", |id| VerifierId::parse(id).is_some());
    doorward(&["generate", "id", "house"]).expect(2);
}

#[test]
fn a_hash_of_a_password_verifies_and_what_may_be_no_password_is_refused() {
    let right = |phc: &str, text: &str| {
        let typed = Typed::read(text).expect("a password");
        verify(phc, &typed, &mut Memory::default()).is_some()
    };
    let ran = hash(&[], "copper-lantern-41\n").expect(0);
    let phc = ran.stdout.trim();
    assert!(phc.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{phc}");
    assert!(right(phc, "copper-lantern-41") && !right(phc, "copper-lantern-42"));
    assert_ne!(hash(&[], "copper-lantern-41\n").expect(0).stdout.trim(), phc, "another salt");
    let dear = hash(&["--passes", "3", "--memory-kib", "20000", "--format", "json"], "copper-lantern-41").expect(0);
    assert!(dear.json()["phc"].as_str().expect("a hash").starts_with("$argon2id$v=19$m=20000,t=3,p=1$"));
    for (text, why) in [("amber-7", "8 to 256"), ("iloveyou", "everybody")] {
        let ran = hash(&[], text).expect(1).told(why);
        assert!(!ran.stderr.contains(text) && ran.stdout.is_empty(), "{ran:?}");
    }
    hash(&["--passes", "1"], "copper-lantern-41").expect(2);
    hash(&["--memory-kib", "19455"], "copper-lantern-41").expect(2);
    doorward(&["generate", "hash"]).expect(2).told("no terminal").told("--stdin");
    doorward(&["generate", "hash", "copper-lantern-41"]).expect(2);
}

#[test]
fn a_hash_of_a_session_secret_is_the_one_that_the_database_knows() {
    let (_place, data) = place();
    let server = Server::dev(&data, &[]);
    let secret = server.sign_in(ADA, PASSWORD, "demo-session").word("session_token");
    let hex = hash(&["--secret"], &secret).expect(0).stdout;
    drop(server);
    let file = rusqlite::Connection::open(data.join("doorward.db")).expect("a database");
    let rows: i64 = file
        .query_row("SELECT count(*) FROM sessions WHERE lower(hex(secret)) = ?1", [hex.trim()], |row| row.get(0))
        .expect("a count");
    assert_eq!(rows, 1);
    let slip = secret.replace("dws_", "dwx_");
    let ran = hash(&["--secret"], &slip).expect(1).told("no secret of Doorward");
    assert!(!ran.stderr.contains(&slip[4..]), "{ran:?}");
    hash(&["--secret", "--passes", "3"], &secret).expect(2);
}
