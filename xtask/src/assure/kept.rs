//! What held is written down beside the report, so that hours of proofs can be had in several goes.
//!
//! A proof that holds in its whole length leaves a note of what it was a proof of: the program's source as git names it, the
//! compiler, and what was run. `--resume` takes it for held where all of that is still the same, and the report says when it
//! was proven. Nothing is written down of a working tree with changes, nor of a quick run, nor of what failed.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use super::outcome::{Outcome, Verdict};
use super::table::{Proof, Work};
use crate::cargo::printed;
use crate::workspace::Workspace;

/// What every proof is of: everything that is compiled into what they run.
const SOURCES: [&str; 4] = ["crates", "Cargo.toml", "Cargo.lock", ".cargo"];
/// How it is run and judged, for tests, for coverage and for mutants.
const TESTS: &[&str] = &["xtask/src/assure/tests.rs"];
const COVERAGE: &[&str] = &["xtask/src/assure/coverage.rs"];
const MUTANTS: &[&str] = &["xtask/src/assure/mutants.rs", "xtask/mutants.txt"];

/// The notes of earlier runs.
pub(crate) struct Kept {
    folder: PathBuf,
    /// Of what a proof is a proof now; nothing if the working tree has changes.
    now: Option<Source>,
}

/// The source as it is now: the compiler, and what git calls the content of each path.
struct Source {
    compiler: String,
    names: BTreeMap<&'static str, String>,
}

impl Kept {
    pub(crate) fn find(workspace: &Workspace) -> Self {
        Self { folder: workspace.target().join("assure/kept"), now: Source::read(workspace) }
    }

    /// Is the source still what it was? Who changes it while a proof runs cannot tell of what it was one.
    pub(crate) fn is_still(&self, workspace: &Workspace, proof: &Proof) -> bool {
        self.of(proof) == Self::find(workspace).of(proof)
    }

    /// Writes down what held. The facts say where and when.
    pub(crate) fn keep(
        &self,
        proof: &Proof,
        outcome: &Outcome,
        facts: &BTreeMap<&str, String>,
    ) -> Result<(), String> {
        let Some(of) = self.of(proof) else { return Ok(()) };
        if outcome.verdict != Verdict::Holds {
            return Ok(());
        }
        fs::create_dir_all(&self.folder).map_err(|error| error.to_string())?;
        let when = |name: &str| facts.get(name).map_or("unknown", String::as_str);
        let proven = format!("{}, {}", when("commit"), when("date"));
        fs::write(self.place(proof), note(&of, &proven, outcome)).map_err(|error| error.to_string())
    }

    /// What held of the same source in an earlier run.
    pub(crate) fn held(&self, proof: &Proof) -> Option<Outcome> {
        let text = fs::read_to_string(self.place(proof)).ok()?;
        read(&text, &self.of(proof)?, Outcome::of(proof.name, proof.asks))
    }

    fn of(&self, proof: &Proof) -> Option<String> {
        let now = self.now.as_ref()?;
        let how = match proof.work {
            Work::Tests(_) | Work::Optimised(_) => TESTS,
            Work::Coverage => COVERAGE,
            Work::Mutants(_) => MUTANTS,
        };
        let names = SOURCES.iter().chain(how).map(|path| now.names.get(path).map(String::as_str));
        let names = names.collect::<Option<Vec<_>>>()?.join(" ");
        // What is run is written by `Debug`: whoever changes the table begins anew.
        Some(format!("{names} {} {:?}", now.compiler, proof.work))
    }

    fn place(&self, proof: &Proof) -> PathBuf {
        self.folder.join(format!("{}.txt", proof.name.replace(' ', "-")))
    }
}

impl Source {
    fn read(workspace: &Workspace) -> Option<Self> {
        let ask = |program: &str, words: &[&str]| {
            let mut command = Command::new(program);
            command.args(words).current_dir(&workspace.root);
            printed(command).ok().map(|said| said.trim().to_owned())
        };
        let paths: Vec<&str> = SOURCES.iter().chain(TESTS).chain(COVERAGE).chain(MUTANTS).copied().collect();
        if !ask("git", &[&["status", "--porcelain", "--"], paths.as_slice()].concat())?.is_empty() {
            return None;
        }
        let name = |path| Some((path, ask("git", &["rev-parse", &format!("HEAD:{path}")])?));
        let names = paths.iter().copied().map(name).collect::<Option<_>>()?;
        Some(Self { compiler: ask("rustc", &["--version"])?, names })
    }
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
    fn a_note_is_of_the_source_and_of_what_is_run_and_failures_leave_none() {
        let folder = std::env::temp_dir().join(format!("doorward-kept-{}", std::process::id()));
        let of = |all: &str, mutants: &str| {
            let name = |path: &&'static str| (*path, if MUTANTS.contains(path) { mutants } else { all }.to_owned());
            let names = SOURCES.iter().chain(TESTS).chain(COVERAGE).chain(MUTANTS).map(name).collect();
            Kept { folder: folder.clone(), now: Some(Source { compiler: "rustc".to_owned(), names }) }
        };
        let facts = BTreeMap::from([("commit", "abc".to_owned()), ("date", "today".to_owned())]);
        let named = |name: &str| PROOFS.iter().find(|proof| proof.name == name).unwrap_or_else(|| panic!("{name}"));
        let (kills, mutants) = (named("kills"), named("mutants of core"));
        for proof in [kills, mutants] {
            assert_eq!(of("a", "b").keep(proof, &well(), &facts), Ok(()));
        }
        assert!(of("a", "b").held(kills).is_some() && of("a", "c").held(kills).is_some());
        assert!(of("b", "b").held(kills).is_none());
        assert!(of("a", "b").held(mutants).is_some() && of("a", "c").held(mutants).is_none());
        assert!(Kept { folder: folder.clone(), now: None }.held(kills).is_none());
        let files = named("files");
        let mut failed = well();
        failed.verdict = Verdict::Fails(String::from("9 of 10"));
        assert_eq!(of("a", "b").keep(files, &failed, &facts), Ok(()));
        assert!(of("a", "b").held(files).is_none());
        drop(fs::remove_dir_all(folder));
    }
}
