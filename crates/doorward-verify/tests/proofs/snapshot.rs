//! A snapshot is used whole or not at all.

use doorward_verify::feed::{LONGEST_SNAPSHOT, Snapshot, SnapshotError, Statement};
use doorward_verify::token::header_json;
use doorward_verify::{
    Algorithm, Entry, Key, KeySet, Lifetime, Position, Rejection, Scope, Strength, Timestamp, base64url,
};

use crate::signer::{World, sign_with};

const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);
const ISSUER: &str = "https://id.example";

fn entries() -> Vec<Entry> {
    let entry = |scope, number: u8| Entry {
        scope,
        key: Key([number; 16]),
        strength: Strength::Terminal,
        min_rv: None,
        ttl: Lifetime::from_secs(60),
    };
    (1..20).map(|number| entry(Scope::Session, number)).chain([entry(Scope::Client, 7)]).collect()
}

fn statement(lines: &mut Vec<u8>) -> Statement {
    let (count, sha256) = Snapshot::write_lines(entries().iter(), lines);
    Statement {
        issuer: ISSUER.to_owned(),
        issued_at: NOW,
        expires_at: NOW + Lifetime::from_secs(60),
        to: Position { generation: 4, seq: 40 },
        gc_through: Position { generation: 3, seq: 9 },
        count,
        sha256,
    }
}

fn signed(world: &World, statement: &Statement, typ: &str) -> String {
    let mut claims = Vec::new();
    statement.write(&mut claims);
    let header = base64url::encode(&header_json(Algorithm::Es256, crate::signer::ES, typ));
    sign_with(&world.es, &header, &base64url::encode(&claims))
}

fn document(first: &str, lines: &[u8]) -> Vec<u8> {
    [first.as_bytes(), b"\n", lines].concat()
}

fn read(world: &World, mut text: Vec<u8>) -> Result<Snapshot, SnapshotError> {
    Snapshot::read(&mut text, &world.keys, ISSUER, NOW)
}

#[test]
fn a_snapshot_is_read_as_it_was_written() {
    let world = World::new();
    let mut lines = Vec::new();
    let statement = statement(&mut lines);
    let text = document(&signed(&world, &statement, "dw-rvsnap+jwt"), &lines);
    assert_eq!(read(&world, text), Ok(Snapshot { statement: statement.clone(), entries: entries() }));
    let mut none = Statement { count: 0, ..statement };
    none.sha256 = Snapshot::write_lines([].iter(), &mut Vec::new()).1;
    let text = document(&signed(&world, &none, "dw-rvsnap+jwt"), b"");
    assert_eq!(read(&world, text).map(|snapshot| snapshot.entries.len()), Ok(0));
}

#[test]
fn whatever_is_changed_in_a_snapshot_is_seen() {
    let world = World::new();
    let mut lines = Vec::new();
    let good = statement(&mut lines);
    let first = signed(&world, &good, "dw-rvsnap+jwt");
    let of = |statement: &Statement| document(&signed(&world, statement, "dw-rvsnap+jwt"), &lines);
    let refused = |reason| Err(SnapshotError::Statement(reason));
    assert_eq!(read(&world, document(&signed(&world, &good, "at+jwt"), &lines)), refused(Rejection::TypeUnexpected));
    let foreign = Statement { issuer: "https://id.example/".to_owned(), ..good.clone() };
    assert_eq!(read(&world, of(&foreign)), refused(Rejection::IssuerUnexpected));
    let old = Statement { expires_at: NOW - Lifetime::from_secs(60), ..good.clone() };
    assert_eq!(read(&world, of(&old)), refused(Rejection::TokenExpired));
    let soon = Statement { issued_at: NOW + Lifetime::from_secs(60), ..good.clone() };
    assert!(read(&world, of(&soon)).is_ok(), "clocks may differ by a minute");
    let early = Statement { issued_at: NOW + Lifetime::from_secs(61), ..good.clone() };
    assert_eq!(read(&world, of(&early)), refused(Rejection::TokenPremature));
    let tomorrow = Statement { issued_at: NOW + Lifetime::from_days(1), ..good.clone() };
    assert_eq!(read(&world, of(&tomorrow)), refused(Rejection::TokenPremature));
    assert_eq!(read(&world, of(&Statement { count: 19, ..good.clone() })), Err(SnapshotError::CountWrong));
    assert_eq!(read(&world, of(&Statement { sha256: [0; 32], ..good })), Err(SnapshotError::DigestWrong));
    assert_eq!(read(&world, first.clone().into_bytes()), Err(SnapshotError::Malformed), "no second line");
    let text = document(&first, &lines);
    let reread = Snapshot::read(&mut text.clone(), &KeySet::default(), ISSUER, NOW);
    assert_eq!(reread, refused(Rejection::KeyUnknown));
    for cut in 0..text.len() {
        assert!(read(&world, text[..cut].to_vec()).is_err(), "cut at {cut}");
    }
    for at in 0..text.len() {
        let mut bad = text.clone();
        bad[at] ^= 1;
        assert!(read(&world, bad).is_err(), "a bit of byte {at}");
    }
}

#[test]
fn a_line_that_cannot_be_read_spoils_the_whole() {
    let world = World::new();
    let mut lines = Vec::new();
    let good = statement(&mut lines);
    for bad in [&b"[]\n"[..], b"\n", b"[\"sid\"", b"{}\n"] {
        let spoiled = [&lines[..], bad].concat();
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &spoiled);
        let signed_so = Statement { sha256: digest.as_ref().try_into().unwrap(), count: 21, ..good.clone() };
        let text = document(&signed(&world, &signed_so, "dw-rvsnap+jwt"), &spoiled);
        assert_eq!(read(&world, text), Err(SnapshotError::Malformed), "{bad:?}");
    }
}

#[test]
fn a_snapshot_has_a_longest_length() {
    let world = World::new();
    let mut line = Vec::new();
    let place = Position { generation: 1_800_000_000, seq: 1_000_000_000 };
    let longest = Entry { min_rv: Some(place), ttl: Lifetime::from_mins(62), scope: Scope::Client, ..entries()[0] };
    Snapshot::write_lines([longest].iter(), &mut line);
    assert!((2_000_000..4_000_000).contains(&(LONGEST_SNAPSHOT / line.len())), "entries of {} bytes", line.len());
    let mut text = vec![0; LONGEST_SNAPSHOT];
    text[0] = b'\n';
    assert_eq!(read(&world, text.clone()), Err(SnapshotError::Statement(Rejection::TokenMalformed)));
    text.push(0);
    assert_eq!(read(&world, text), Err(SnapshotError::TooLarge));
    let mut far = vec![0; LONGEST_SNAPSHOT + 4096];
    far[0] = b'\n';
    assert_eq!(read(&world, far), Err(SnapshotError::TooLarge));
}
