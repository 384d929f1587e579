//! What held is written down beside the report, so that hours of proofs can be had in several goes.
//!
//! A proof that holds in its whole length leaves a note of what it was a proof of: the source, as git names it, of the crate
//! whose tests were run and of those it stands on, the compiler, and what was run. `--resume` takes it for held where all of
//! that is still the same, and the report says when it was proven. Nothing is written down of a working tree with changes,
//! nor of a quick run, nor of what failed.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::outcome::{Outcome, Verdict};
use super::table::{Proof, Work};
use crate::cargo::{asked, cargo, printed};
use crate::workspace::Workspace;

/// What every proof is of, besides crates.
const EVERY: [&str; 3] = ["Cargo.toml", "Cargo.lock", ".cargo"];
/// Those of the server are also of the services that are there for people to read: some of them run.
const SERVICES: (&str, &str) = ("doorward", "examples");
/// How it is run and judged, for tests, for coverage and for mutants.
const TESTS: &[&str] = &["xtask/src/assure/tests.rs"];
const COVERAGE: &[&str] = &["xtask/src/assure/coverage.rs"];
const MUTANTS: &[&str] = &["xtask/src/assure/mutants.rs", "xtask/mutants.txt"];

/// Of what something is a proof now: what git calls the content of each path, the compiler, and what is run. `None` if a path
/// has changes that git has no name for.
pub(crate) fn subject(workspace: &Workspace, proof: &Proof) -> Option<String> {
    let ask = |program: &str, words: &[&str]| asked(workspace, program, words);
    let paths = paths(workspace, proof)?;
    let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
    if !ask("git", &[&["status", "--porcelain", "--"], paths.as_slice()].concat())?.is_empty() {
        return None;
    }
    let named = |path: &&str| Some(format!("{path} {}", ask("git", &["rev-parse", &format!("HEAD:{path}")])?));
    let names = paths.iter().map(named).collect::<Option<Vec<_>>>()?.join(", ");
    // What is run is written by `Debug`: whoever changes the table begins anew.
    Some(format!("{names}, {}, {:?}", ask("rustc", &["--version"])?, proof.work))
}

/// The files and folders that decide what comes out.
fn paths(workspace: &Workspace, proof: &Proof) -> Option<BTreeSet<String>> {
    let (packages, how): (BTreeSet<&str>, _) = match &proof.work {
        Work::Tests(runs) => (runs.iter().map(|run| run.package).collect(), TESTS),
        Work::Optimised(run) => (BTreeSet::from([run.package]), TESTS),
        Work::Coverage => (BTreeSet::from(["doorward"]), COVERAGE),
        Work::Mutants(target) => (BTreeSet::from([target.package]), MUTANTS),
    };
    let mut crates = BTreeSet::new();
    for package in packages {
        crates.extend(stands_on(workspace, package)?);
    }
    let more = crates.iter().any(|package| package == SERVICES.0).then_some(SERVICES.1);
    let fixed = EVERY.iter().chain(how).copied().chain(more).map(str::to_owned);
    Some(fixed.chain(crates.iter().map(|package| format!("crates/{package}"))).collect())
}

/// A crate of ours and every other of ours that it or its tests are built with, as cargo knows them.
fn stands_on(workspace: &Workspace, package: &str) -> Option<BTreeSet<String>> {
    let words = ["tree", "--package", package, "--edges", "all", "--all-features", "--prefix", "none"];
    let tree = printed(cargo(workspace, &words)).ok()?;
    let names = tree.lines().filter_map(|line| line.split_whitespace().next());
    Some(names.filter(|name| name.starts_with("doorward")).map(str::to_owned).collect())
}

/// Writes down what held of a subject. The facts say where and when.
pub(crate) fn keep(folder: &Path, of: &str, outcome: &Outcome, facts: &BTreeMap<&str, String>) -> Result<(), String> {
    if outcome.verdict != Verdict::Holds {
        return Ok(());
    }
    fs::create_dir_all(folder).map_err(|error| error.to_string())?;
    let said = |name: &str| facts.get(name).map_or("unknown", String::as_str);
    let proven = format!("{}, {}", said("commit"), said("date"));
    fs::write(place(folder, outcome.name), note(of, &proven, outcome)).map_err(|error| error.to_string())
}

/// What held of this subject in an earlier run.
pub(crate) fn held(folder: &Path, of: &str, proof: &Proof) -> Option<Outcome> {
    let text = fs::read_to_string(place(folder, proof.name)).ok()?;
    read(&text, of, Outcome::of(proof.name, proof.asks))
}

fn place(folder: &Path, proof: &str) -> PathBuf {
    folder.join(format!("{}.txt", proof.replace(' ', "-")))
}

/// A note says of what, and when; then what was heard, in the words in which it was heard.
fn note(of: &str, proven: &str, outcome: &Outcome) -> String {
    let mut lines = vec![of.to_owned(), proven.to_owned(), outcome.took.as_secs_f64().to_string()];
    lines.extend(outcome.seen.iter().map(|(figure, value)| format!("assure: {figure} = {value}")));
    lines.extend(
        outcome
            .points
            .iter()
            .map(|point| format!("assure: plot {}/{}/{} = {}", point.plot, point.line, point.x, point.y)),
    );
    lines.extend(outcome.seeds.iter().map(|seed| format!("seed {seed}")));
    lines.join("\n") + "\n"
}

/// What a note says, if it is of this source.
fn read(text: &str, of: &str, mut outcome: Outcome) -> Option<Outcome> {
    let mut lines = text.lines();
    if lines.next()? != of {
        return None;
    }
    outcome.proven = Some(lines.next()?.to_owned());
    outcome.took = Duration::try_from_secs_f64(lines.next()?.parse().ok()?).ok()?;
    lines.for_each(|line| outcome.hear(line));
    outcome.verdict = Verdict::Holds;
    Some(outcome)
}

#[cfg(test)]
mod tests {
    use super::super::table::PROOFS;
    use super::*;

    fn well() -> Outcome {
        let mut outcome = Outcome::of("kills", "200");
        for line in ["assure: kills, all = 200", "assure: plot a/b c/10000 = 12.5", "seed 0x5eed"] {
            outcome.hear(line);
        }
        outcome.took = Duration::from_millis(1_500);
        outcome.verdict = Verdict::Holds;
        outcome
    }

    #[test]
    fn what_held_is_read_back_as_it_was_heard_and_says_when() {
        let text = note("source", "abc, today", &well());
        let read_back = read(&text, "source", Outcome::of("kills", "200")).unwrap_or_else(|| panic!("{text}"));
        assert_eq!(read_back.proven.as_deref(), Some("abc, today"));
        assert_eq!((read_back.took, &read_back.verdict), (Duration::from_millis(1_500), &Verdict::Holds));
        assert_eq!((read_back.seen, read_back.points, read_back.seeds), (well().seen, well().points, well().seeds));
    }

    #[test]
    fn what_held_of_other_source_or_is_half_a_note_is_nothing() {
        let text = note("source", "abc, today", &well());
        let nothing = |text: &str, of: &str| read(text, of, Outcome::of("kills", "200")).is_none();
        assert!(nothing(&text, "another source"));
        assert!(
            nothing("", "") && nothing("source\nabc, today\n", "source") && nothing("source\na\nlong\n", "source")
        );
    }

    #[test]
    fn what_failed_leaves_no_note_and_every_proof_has_its_own() {
        let folder = std::env::temp_dir().join(format!("doorward-kept-{}", std::process::id()));
        let named = |name: &str| PROOFS.iter().find(|proof| proof.name == name).unwrap_or_else(|| panic!("{name}"));
        let facts = BTreeMap::from([("commit", "abc".to_owned()), ("date", "today".to_owned())]);
        let mut outcome = well();
        outcome.verdict = Verdict::Fails(String::from("199 of 200"));
        assert_eq!(keep(&folder, "source", &outcome, &facts), Ok(()));
        assert!(held(&folder, "source", named("kills")).is_none());
        assert_eq!(keep(&folder, "source", &well(), &facts), Ok(()));
        let proven = held(&folder, "source", named("kills")).and_then(|outcome| outcome.proven);
        assert_eq!(proven.as_deref(), Some("abc, today"));
        assert!(held(&folder, "source", named("files")).is_none());
        drop(fs::remove_dir_all(folder));
    }

    #[test]
    fn a_proof_is_of_the_crates_that_its_tests_stand_on_and_of_how_it_is_judged() {
        let workspace = Workspace::find().unwrap_or_else(|why| panic!("{why}"));
        let of = |name: &str| {
            let proof = PROOFS.iter().find(|proof| proof.name == name).unwrap_or_else(|| panic!("{name}"));
            paths(&workspace, proof).expect("cargo knows").into_iter().collect::<Vec<_>>().join(" ")
        };
        assert_eq!(
            of("kills"),
            ".cargo Cargo.lock Cargo.toml crates/doorward crates/doorward-core crates/doorward-store \
             crates/doorward-verify examples xtask/src/assure/tests.rs"
        );
        assert_eq!(
            of("mutants of verify"),
            ".cargo Cargo.lock Cargo.toml crates/doorward-verify xtask/mutants.txt xtask/src/assure/mutants.rs"
        );
        assert!(of("mutants of core").contains("crates/doorward-core crates/doorward-verify xtask"));
        assert!(of("histories").contains("crates/doorward-store") && !of("histories").contains("examples"));
        for proof in &PROOFS {
            for path in paths(&workspace, proof).expect("cargo knows") {
                assert!(workspace.has(&path), "{}: {path}", proof.name);
            }
        }
    }
}
