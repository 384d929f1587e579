//! The fuzz bodies on stable Rust: the corpus that is checked in, and some thousand seeded mutations of it.
//!
//! `DOORWARD_LONG=1` plays twenty times as many. A failure names body and seed; what is found is kept as a file of the
//! corpus.

#![expect(clippy::disallowed_methods, reason = "the length of the test is read from the environment")]

#[path = "../../../fuzz/bodies/mod.rs"]
mod bodies;
#[expect(dead_code, reason = "this suite uses a part of the house")]
mod house;

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::PathBuf;

use bodies::{BODIES, Body};

/// The corpus of a body, in order of names.
fn corpus(name: &str) -> Vec<Vec<u8>> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(name);
    let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    paths.iter().map(|path| fs::read(path).expect("a file")).collect()
}

/// xorshift64*: as random as mutations need, and the same everywhere.
struct Rolls(u64);

impl Rolls {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, most: usize) -> usize {
        (self.next() >> 33) as usize % most.max(1)
    }
}

/// What often means something to a parser.
const WORDS: [&[u8]; 20] = [
    b"",
    b".",
    b"..",
    b",",
    b";",
    b"=",
    b"$",
    b"\"",
    b"\\",
    b"\0",
    b"\r\n",
    b"{",
    b"}",
    b"[[",
    b"null",
    b"-1",
    b"0",
    b"99999999999999999999",
    b"\xff\xfe",
    "\u{212a}\u{301}".as_bytes(),
];

/// One to four changes.
fn mutated(corpus: &[Vec<u8>], rolls: &mut Rolls) -> Vec<u8> {
    let mut data = corpus[rolls.below(corpus.len())].clone();
    for _ in 0..=rolls.below(4) {
        let at = rolls.below(data.len() + 1);
        let end = (at + rolls.below(16)).min(data.len());
        match rolls.below(7) {
            0 if at < data.len() => data[at] ^= 1 << rolls.below(8),
            1 if at < data.len() => data[at] = rolls.next() as u8,
            2 => drop(data.drain(at..end)),
            3 => drop(data.splice(at..at, WORDS[rolls.below(WORDS.len())].iter().copied())),
            4 => {
                let again = data[at..end].repeat(1 + rolls.below(20));
                drop(data.splice(at..at, again));
            }
            5 => {
                let other = &corpus[rolls.below(corpus.len())];
                let from = rolls.below(other.len() + 1);
                drop(data.splice(at.., other[from..].iter().copied()));
            }
            _ => data.truncate(at),
        }
    }
    data
}

fn replay(name: &str, count: u64) {
    let Body { run, .. } = BODIES.iter().find(|body| body.name == name).expect("a body");
    let corpus = corpus(name);
    assert!(corpus.len() >= 3, "a corpus has something of everything");
    for (number, data) in corpus.iter().enumerate() {
        held(*run, data, &format!("file {number} of {name}"));
    }
    let long = if std::env::var_os("DOORWARD_LONG").is_some() { 20 } else { 1 };
    for seed in 1..=count * long {
        let data = mutated(&corpus, &mut Rolls(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15)));
        held(*run, &data, &format!("seed {seed} of {name}"));
    }
}

fn held(run: fn(&[u8]), data: &[u8], what: &str) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| run(data))) {
        eprintln!("{what}: {:?}", String::from_utf8_lossy(data));
        resume_unwind(panic);
    }
}

#[test]
fn no_token_is_accepted_and_what_is_decoded_has_one_spelling() {
    replay("token", 5_000);
}

#[test]
fn keys_that_are_read_are_written_the_same() {
    replay("jwks", 3_000);
}

#[test]
fn claims_that_are_read_are_written_the_same() {
    replay("claims", 8_000);
}

#[test]
fn a_refresh_token_has_one_spelling() {
    replay("refresh_token", 5_000);
}

#[test]
fn two_session_cookies_are_none() {
    replay("cookie", 8_000);
}

#[test]
fn an_authorization_is_one_credential_or_a_no() {
    replay("authorization", 8_000);
}

#[test]
fn every_user_agent_has_a_name_that_may_be_shown() {
    replay("user_agent", 3_000);
}

#[test]
fn nobody_is_sent_to_another_origin() {
    replay("redirect", 8_000);
}

#[test]
fn whatever_is_sent_to_a_server_signs_nobody_in_and_breaks_nothing() {
    replay("form", 2_000);
}

#[test]
fn a_configuration_is_settled_or_told_without_its_secrets() {
    replay("config", 3_000);
}

#[test]
fn an_address_has_one_key() {
    replay("email", 8_000);
}

#[test]
fn a_hash_from_elsewhere_has_one_spelling_and_a_decoy() {
    replay("hash", 8_000);
}

#[test]
fn rows_of_people_come_in_order_and_are_taken_or_told() {
    replay("import_lines", 5_000);
    replay("import_files", 5_000);
}

#[test]
fn every_body_has_a_corpus_a_target_and_no_other_name() {
    let fuzz = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fuzz");
    let names = |folder: &str| {
        let entries = fs::read_dir(fuzz.join(folder)).expect("a folder");
        let mut names: Vec<_> =
            entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().replace(".rs", "")).collect();
        names.sort();
        names
    };
    let mut bodies: Vec<_> = BODIES.iter().map(|body| body.name.to_owned()).collect();
    bodies.sort();
    assert_eq!(names("corpus"), bodies);
    assert_eq!(names("fuzz_targets"), bodies);
    let manifest = fs::read_to_string(fuzz.join("Cargo.toml")).expect("a manifest");
    for body in bodies {
        assert!(manifest.contains(&format!("name = \"{body}\"")), "{body} is a target");
    }
}
