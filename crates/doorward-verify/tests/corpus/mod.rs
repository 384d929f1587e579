//! The corpus of hostile tokens, `conformance/tokens.json`: made here, checked in, and run by every verifier of ours in
//! every language. The classes are those by which other products fell.
//!
//! `DOORWARD_BLESS=1` writes the file anew. Signatures of ES256 and PS256 have randomness in them, so of those tokens only
//! header and payload must be what is made here.
#![expect(clippy::disallowed_methods, reason = "a test hears from the environment whether to bless")]

use std::path::Path;

use allocation_counter::measure;
use doorward_verify::{Algorithm, KeySet, Revocations, Scratch, Timestamp, TokenType, Verifier};
use serde_json::{Value, json};

use crate::signer::{AUDIENCE, ISSUER, NOW};
use world::World;

mod algorithms;
mod claims;
mod forms;
mod headers;
mod seals;
mod world;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../conformance/tokens.json");
const ACCEPTED: &str = "accepted";

/// One token and what must be said of it.
struct Case {
    class: &'static str,
    name: String,
    /// The name of the key set to verify with.
    keys: &'static str,
    /// The text, or a piece of it and how often.
    token: (String, usize),
    now: Timestamp,
    expect: &'static str,
    /// Is the whole text the same at every making?
    stable: bool,
}

/// Cases as they are made.
struct Corpus {
    world: World,
    cases: Vec<Case>,
}

impl Corpus {
    fn make() -> Self {
        let mut corpus = Self { world: World::new(), cases: Vec::new() };
        forms::add(&mut corpus);
        headers::add(&mut corpus);
        algorithms::add(&mut corpus);
        seals::add(&mut corpus);
        claims::add(&mut corpus);
        corpus
    }

    fn add(
        &mut self,
        class: &'static str,
        name: impl Into<String>,
        token: String,
        expect: &'static str,
    ) -> &mut Case {
        let case =
            Case { class, name: name.into(), keys: "public", token: (token, 1), now: NOW, expect, stable: true };
        self.cases.push(case);
        self.cases.last_mut().unwrap()
    }

    fn key_sets(&self) -> Value {
        json!({ "public": self.world.public(), "shared": world::shared() })
    }
}

impl Case {
    fn json(&self) -> Value {
        let mut json = json!({
            "class": self.class, "name": self.name, "keys": self.keys, "expect": self.expect,
            "issuer": ISSUER, "audience": AUDIENCE, "now": self.now.secs(),
        });
        match self.token.1 {
            1 => json["token"] = self.token.0.as_str().into(),
            times => json["repeat"] = json!({ "text": self.token.0, "times": times }),
        }
        json
    }

    /// Has the file this case?
    fn is(&self, found: &Value) -> bool {
        let mut made = self.json();
        if let (false, Some(text)) = (self.stable, found["token"].as_str()) {
            let signed = |token: &str| token.rsplit_once('.').map(|(signed, _)| signed.to_owned());
            if signed(text) == signed(&self.token.0) {
                made["token"] = text.into();
            }
        }
        made == *found
    }
}

/// One line a case, so that a change is read as one; a case that the old file has stays as it is there.
fn write(corpus: &Corpus, old: &[Value]) -> String {
    let line = |case: &Case| {
        old.iter().find(|found| case.is(found)).map_or_else(|| case.json().to_string(), Value::to_string)
    };
    let lines: Vec<_> = corpus.cases.iter().map(line).collect();
    format!(
        "{{\n\"about\": {},\n\"type\": {},\n\"leeway_secs\": 30,\n\"longest_life_secs\": 3600,\n\"key_sets\": {},\n\"tokens\": [\n{}\n]\n}}\n",
        json!(
            "Each token is verified with the named key set (`shared` holds secrets), for its issuer and audience, at its \
             time in seconds; `expect` is the code of the verdict. `repeat` stands for a token that is a text many times."
        ),
        json!(TokenType::AccessToken.name()),
        corpus.key_sets(),
        lines.join(",\n"),
    )
}

fn file() -> Option<Value> {
    std::fs::read(FILE).ok().map(|bytes| serde_json::from_slice(&bytes).unwrap())
}

#[test]
fn the_corpus_is_what_is_made_here() {
    let corpus = Corpus::make();
    if std::env::var_os("DOORWARD_BLESS").is_some_and(|word| word == "1") {
        std::fs::create_dir_all(Path::new(FILE).parent().unwrap()).unwrap();
        // In one step: the other test may be reading.
        let fresh = format!("{FILE}.new");
        let old = file().map(|old| old["tokens"].as_array().unwrap().clone()).unwrap_or_default();
        std::fs::write(&fresh, write(&corpus, &old)).unwrap();
        std::fs::rename(fresh, FILE).unwrap();
    }
    let file = file().expect("conformance/tokens.json");
    assert_eq!(file["key_sets"], corpus.key_sets());
    let found = file["tokens"].as_array().unwrap();
    for (case, found) in corpus.cases.iter().zip(found) {
        assert!(case.is(found), "{} {}: run with DOORWARD_BLESS=1 and read the difference", case.class, case.name);
    }
    assert_eq!(corpus.cases.len(), found.len());
    let mut names: Vec<_> = corpus.cases.iter().map(|case| (case.class, &case.name)).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), corpus.cases.len(), "two cases of one name");
}

#[test]
fn every_token_of_the_corpus_gets_its_verdict_and_no_memory() {
    let file = file().expect("conformance/tokens.json");
    let sets = &file["key_sets"];
    let set = |name: &str| serde_json::to_vec(&sets[name]).unwrap();
    let public = KeySet::parse(&set("public")).unwrap();
    let shared = KeySet::parse_secrets(&set("shared")).unwrap();
    let revocations = Revocations::new();
    let mut scratch = Scratch::new();
    let (mut hostile, mut controls, mut wrong) = (0, 0, Vec::new());
    let mut slowest = (std::time::Duration::ZERO, String::new());
    for case in file["tokens"].as_array().unwrap() {
        let text = |name: &str| case[name].as_str().unwrap();
        let token = match case.get("repeat") {
            Some(repeat) => repeat["text"].as_str().unwrap().repeat(repeat["times"].as_u64().unwrap() as usize),
            None => text("token").to_owned(),
        };
        let verifier = Verifier::new(text("issuer"), text("audience"), TokenType::AccessToken);
        let keys = if text("keys") == "shared" { &shared } else { &public };
        let now = Timestamp::from_secs(case["now"].as_i64().unwrap());
        let mut verdict = ACCEPTED;
        let mut took = std::time::Duration::ZERO;
        let spent = measure(|| {
            let start = std::time::Instant::now();
            let said = verifier.verify(&token, keys, &revocations, now, &mut scratch);
            took = start.elapsed();
            verdict = said.map_or_else(doorward_verify::Rejection::code, |_| ACCEPTED);
        });
        let name = format!("{}: {}", text("class"), text("name"));
        assert_eq!(spent.count_total, 0, "{name} asked for {} bytes", spent.bytes_total);
        if verdict != text("expect") {
            wrong.push(format!("{name}: {verdict} instead of {}", text("expect")));
        }
        *(if text("expect") == ACCEPTED { &mut controls } else { &mut hostile }) += 1;
        slowest = slowest.max((took, name));
    }
    println!("{hostile} hostile tokens, {controls} honest ones; slowest {:?} for {}", slowest.0, slowest.1);
    assert!(wrong.is_empty(), "{} wrong verdicts:\n{}", wrong.len(), wrong.join("\n"));
    assert!(hostile >= 300 && controls >= 15, "{hostile} hostile, {controls} honest");
}

/// The four algorithms with a public part.
const PUBLIC: [Algorithm; 4] = [Algorithm::Es256, Algorithm::EdDsa, Algorithm::Rs256, Algorithm::Ps256];
