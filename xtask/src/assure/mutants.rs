//! Mutants: lines of the rules are changed one at a time, and the room's tests must notice.
//!
//! What survives although nothing is wrong with the tests is explained in `xtask/mutants.txt`, a line for each:
//! `FILE: MUTATION | REASON`. An explanation that no survivor needs is refused, as in the ratchet.

use std::collections::BTreeSet;
use std::fs;
use std::process::Stdio;

use super::outcome::{Outcome, Verdict};
use super::tests::listen;
use crate::cargo::cargo;
use crate::workspace::Workspace;

const EXPLANATIONS: &str = "xtask/mutants.txt";

/// A crate, and which of its files are changed.
struct Target {
    package: &'static str,
    files: &'static [&'static str],
}

const TARGETS: [Target; 2] = [
    Target {
        package: "doorward-core",
        files: &["crates/doorward-core/src/refresh.rs", "crates/doorward-core/src/session.rs"],
    },
    Target {
        package: "doorward-verify",
        files: &[
            "crates/doorward-verify/src/token.rs",
            "crates/doorward-verify/src/json.rs",
            "crates/doorward-verify/src/claims.rs",
            "crates/doorward-verify/src/verifier.rs",
            "crates/doorward-verify/src/revocations.rs",
            "crates/doorward-verify/src/revocations/*.rs",
            "crates/doorward-verify/src/lease.rs",
        ],
    },
];

/// Changes and tests all of them; that takes hours.
pub(crate) fn run(workspace: &Workspace, outcome: &mut Outcome) -> Verdict {
    let mut ask = cargo(workspace, &["mutants", "--version"]);
    ask.stdout(Stdio::null()).stderr(Stdio::null());
    if !ask.status().is_ok_and(|status| status.success()) {
        return Verdict::NotRun(String::from("cargo-mutants is missing: `cargo install cargo-mutants --locked`"));
    }
    let text = fs::read_to_string(workspace.root.join(EXPLANATIONS)).unwrap_or_default();
    let explained = match read(&text) {
        Ok(explained) => explained,
        Err(line) => return Verdict::Fails(format!("{EXPLANATIONS}: `{line}` gives no reason")),
    };
    let (mut survivors, mut failures) = (BTreeSet::new(), Vec::new());
    for target in &TARGETS {
        let folder = workspace.target().join("assure").join(format!("mutants-{}", target.package));
        drop(fs::create_dir_all(&folder));
        let place = folder.to_string_lossy().into_owned();
        let mut words =
            vec!["mutants", "--package", target.package, "--jobs", "1", "--no-shuffle", "--output", &place];
        target.files.iter().for_each(|file| words.extend(["--file", file]));
        // It ends with an error if anything survived; what did is judged here.
        let ended = listen(cargo(workspace, &words), outcome);
        let list = |name: &str| fs::read_to_string(folder.join("mutants.out").join(name));
        let (Ok(caught), Ok(missed), Ok(timeout)) = (list("caught.txt"), list("missed.txt"), list("timeout.txt"))
        else {
            failures.push(format!("{}: no result: {}", target.package, ended.err().unwrap_or_default()));
            continue;
        };
        let (caught, missed): (usize, Vec<String>) =
            (caught.lines().count() + timeout.lines().count(), missed.lines().filter_map(place_free).collect());
        if caught == 0 {
            failures.push(format!("{}: nothing was tried", target.package));
        }
        outcome.seen.push((
            target.package.to_owned(),
            format!("{} mutants, {caught} noticed, {} survived", caught + missed.len(), missed.len()),
        ));
        survivors.extend(missed);
    }
    failures.extend(judge(&survivors, &explained));
    outcome.seen.push((String::from("explained"), explained.len().to_string()));
    if failures.is_empty() { Verdict::Holds } else { Verdict::Fails(failures.join("\n")) }
}

/// `FILE:LINE:COLUMN: MUTATION` without its line and column, which move.
fn place_free(line: &str) -> Option<String> {
    let mut parts = line.splitn(4, ':');
    let (file, _, _, mutation) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    Some(format!("{file}: {}", mutation.trim()))
}

/// The mutations that are explained; the first line that gives no reason otherwise.
fn read(text: &str) -> Result<BTreeSet<String>, &str> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| match line.rsplit_once(" | ") {
            Some((mutation, reason)) if !reason.trim().is_empty() => Ok(mutation.trim().to_owned()),
            _ => Err(line),
        })
        .collect()
}

fn judge(survivors: &BTreeSet<String>, explained: &BTreeSet<String>) -> Vec<String> {
    let unexplained = survivors.difference(explained).map(|mutation| format!("survived: {mutation}"));
    let unneeded = explained.difference(survivors).map(|mutation| format!("no longer needed: {mutation}"));
    unexplained.chain(unneeded).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_survivor_is_known_without_its_line() {
        let line = "crates/a/src/b.rs:12:7: replace C::d -> bool with true";
        assert_eq!(place_free(line).as_deref(), Some("crates/a/src/b.rs: replace C::d -> bool with true"));
        assert_eq!(place_free("nonsense"), None);
    }

    #[test]
    fn survivors_without_a_reason_and_reasons_without_a_survivor_are_refused() {
        let explained = read("# a list\n\na.rs: replace | with & in f | both are 0\n").unwrap_or_default();
        let of = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
        assert_eq!(explained, of(&["a.rs: replace | with & in f"]));
        assert_eq!(judge(&explained, &explained), Vec::<String>::new());
        assert_eq!(judge(&of(&["b"]), &of(&["a"])), ["survived: b", "no longer needed: a"]);
        assert!(read("a.rs: replace f with ()").is_err());
    }
}
