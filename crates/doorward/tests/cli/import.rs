//! `doorward import` as operators meet it.

use std::fmt::Write as _;
use std::fs;

use rustix::process::Signal;
use serde_json::Value;

use super::support::Server;
use super::{ADA, PASSWORD, place, verb};

/// Of [`PASSWORD`], by other programs.
const BCRYPT: &str = "$2b$05$abcdefghijklmnopqrstuuOquOvu562XMHss3NY6Bs13izcytCffW";
const PBKDF2: &str = "pbkdf2_sha256$1000$seasalt$gq27+8GNiMFXNZif50FGoQtr6bN/p2I2YobDmbZB478=";
const MD5: &str = "208b13a628df4115f642df1557595142";

/// Everybody a file may hold, good and bad.
fn people() -> String {
    [
        format!(r#"{{"email":"bea@example.test","name":"Bea","password_hash":"{BCRYPT}","email_verified":true}}"#),
        format!(r#"{{"email":"cy@example.test","password_hash":"{PBKDF2}","created_at":"2019-05-06T07:08:09Z"}}"#),
        format!(
            r#"{{"email":"di@example.test","password_hash":"{MD5}","password_scheme":"md5","password_salt":"sea"}}"#
        ),
        format!(r#"{{"email":"ed@example.test","password_hash":"{BCRYPT}","suspended":true,"external_id":"old-7"}}"#),
        String::from(r#"{"email":"flo@example.test"}"#),
        String::new(),
        format!(r#"{{"email":"{ADA}","password_hash":"{BCRYPT}"}}"#),
        format!(r#"{{"email":"BEA@example.test","password_hash":"{BCRYPT}"}}"#),
        String::from(r#"{"email":"nobody"}"#),
        String::from(r#"{"email":"gus@example.test","password_hash":"$2b$31$abcdefghijklmnopqrstuuOquOvu562XMHss3NY6Bs13izcytCffW"}"#),
        String::from(r#"{"email":"hal@example.test","pasword_hash":"x"}"#),
        format!(r#"{{"email":"ina@example.test","password_hash":"{MD5}"}}"#),
        String::from("not json"),
    ]
    .join("\n")
}

fn refusals(report: &Value) -> Vec<(String, u64)> {
    let list = report["refusals"].as_array().expect("a list");
    let mut found: Vec<_> = list
        .iter()
        .map(|one| {
            assert_eq!(one["count"], one["lines"].as_array().expect("lines").len());
            (one["reason"].as_str().expect("a reason").to_owned(), one["lines"][0]["line"].as_u64().expect("a line"))
        })
        .collect();
    found.sort();
    found
}

#[test]
fn people_move_in_with_their_passwords_and_everything_else_is_told() {
    for running in [true, false] {
        let (place, data) = place();
        let mut server = Some(Server::dev(&data, &[]));
        if !running {
            server.take().expect("a server").stop(Signal::TERM);
        }
        let (file, map) = (place.path().join("people.jsonl"), place.path().join("map.csv"));
        fs::write(&file, people()).expect("a file");
        let (file, map) = (file.to_str().expect("a path"), map.to_str().expect("a path"));
        let import = |more: &[&str]| {
            let words = [&["import", "users", file, "--format", "json"], more].concat();
            verb(&data, &words).expect(1).json()
        };
        let listed = || verb(&data, &["users", "list", "--format", "json"]).expect(0).json();
        let rehearsed = import(&["--dry-run"]);
        assert_eq!(listed()["data"].as_array().expect("a list").len(), 1, "a rehearsal writes nothing");
        let done = import(&["--map", map]);
        assert_eq!(
            (&done["rows"], &done["imported"], &done["already_there"], &done["refused"]),
            (&12.into(), &5.into(), &1.into(), &6.into())
        );
        assert_eq!(done["schemes"], serde_json::json!({ "bcrypt": 2, "pbkdf2": 1, "md5": 1, "none": 1 }));
        let told = [
            ("duplicate", 8),
            ("email_invalid", 9),
            ("hash_needs_scheme", 12),
            ("hash_too_costly", 10),
            ("row_malformed", 11),
        ];
        let mut reasons = refusals(&done);
        assert_eq!(reasons, told.map(|(reason, line)| (reason.to_owned(), line)));
        let same = |report: &Value| {
            let mut plain = report.clone();
            plain["dry_run"] = Value::Null;
            plain
        };
        assert_eq!(same(&rehearsed), same(&done), "the same report");
        let again = import(&[]);
        assert_eq!(
            (&again["imported"], &again["already_there"]),
            (&0.into(), &6.into()),
            "it goes on where it stopped"
        );
        reasons = refusals(&again);
        assert_eq!(reasons.len(), 5);
        let everybody = listed();
        let of = |email: &str| {
            let list = everybody["data"].as_array().expect("a list");
            list.iter().find(|user| user["email"] == email).expect("an account").clone()
        };
        assert_eq!(
            (of("bea@example.test")["name"].as_str(), of("cy@example.test")["created_at"].as_str()),
            (Some("Bea"), Some("2019-05-06T07:08:09Z"))
        );
        assert!(of("ed@example.test")["suspended_at"].is_string());
        let map = fs::read_to_string(map).expect("a map");
        let ed = of("ed@example.test")["id"].as_str().expect("an id").to_owned();
        assert!(map.contains(&format!("\"old-7\",\"ed@example.test\",{ed}\n")), "{map}");
        let server = server.unwrap_or_else(|| Server::dev(&data, &[]));
        for (email, status) in [("bea", 201), ("cy", 201), ("di", 201), ("ed", 401), ("flo", 401), ("gus", 401)] {
            for _ in 0..2 {
                let answer = server.sign_in(&format!("{email}@example.test"), PASSWORD, "demo-session");
                assert_eq!(answer.status, status, "{email}: {answer:?}");
            }
        }
    }
}

#[test]
fn a_csv_file_and_a_firebase_export_are_read_and_told_in_words() {
    let (place, data) = place();
    let server = Server::dev(&data, &[]);
    let write = |name: &str, text: &str| {
        let path = place.path().join(name);
        fs::write(&path, text).expect("a file");
        path.to_str().expect("a path").to_owned()
    };
    let csv = write("people.csv", &format!("email,name,password_hash\nbea@example.test,\"Bea, B.\",{BCRYPT}\n"));
    let told = verb(&data, &["import", "users", &csv]).expect(0);
    assert_eq!(told.stdout, "imported 1 of 1 rows\n          1  bcrypt\n");
    let key =
        write("key", "jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA==\n");
    let export = r#"{"users":[{"localId":"x","email":"cy@example.test","emailVerified":true,"salt":"42xEC+ixf3L2lw==",
        "passwordHash":"lSrfV15cpx95/sZS2W9c9Kp6i/LVgQNDNC/qzrCnh1SAyZvqmZqAjTdn3aoItz+VHjoZilo78198JAdRuid5lQ==",
        "createdAt":"1500000000000"},{"localId":"y","phoneNumber":"+49123"}]}"#;
    let export = write("export.json", export);
    verb(&data, &["import", "users", &export, "--from", "firebase"]).expect(2).told("--signer-key-file");
    let told = verb(&data, &["import", "users", &export, "--from", "firebase", "--signer-key-file", &key]).expect(1);
    assert!(told.stdout.contains("firebase-scrypt") && told.stdout.contains("email_missing: line 2"), "{told:?}");
    assert_eq!(server.sign_in("bea@example.test", PASSWORD, "demo-session").status, 201);
    assert_eq!(server.sign_in("cy@example.test", "user1password", "demo-session").status, 201);
    verb(&data, &["import", "users", &write("bad.csv", "email,nmae\n")]).expect(3).told("`nmae` is none of");
    verb(&data, &["import", "users", "/nowhere/people.jsonl"]).expect(3).told("/nowhere/people.jsonl");
}

#[test]
fn a_file_of_many_is_taken_in_batches() {
    let (place, data) = place();
    let server = Server::dev(&data, &[]);
    let mut text = String::new();
    for number in 0..2_345 {
        writeln!(text, r#"{{"email":"person{number}@example.test","password_hash":"{BCRYPT}"}}"#).expect("a line");
    }
    let file = place.path().join("many.jsonl");
    fs::write(&file, text).expect("a file");
    let words = ["import", "users", file.to_str().expect("a path"), "--format", "json"];
    let done = verb(&data, &words).expect(0).json();
    assert_eq!((done["imported"].as_u64(), done["schemes"]["bcrypt"].as_u64()), (Some(2_345), Some(2_345)));
    assert_eq!(server.sign_in("person2344@example.test", PASSWORD, "demo-session").status, 201);
}
