//! Mutants: lines of the rules are changed one at a time, and the room's tests must notice.
//!
//! Each is first shown to the tests that cost least, built without optimisation; what they let pass is shown to all tests of
//! the room. Most of what a run costs is building, so the first round builds little.
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

/// A part of a crate: which of its files are changed, and by what tests it is held.
struct Target {
    name: &'static str,
    package: &'static str,
    files: &'static [&'static str],
    left_out: &'static [&'static str],
    features: &'static [&'static str],
    rounds: [Round; 2],
}

/// A round of tests: which programs are built, which tests run, how well they are built.
struct Round {
    programs: &'static [&'static str],
    tests: &'static [&'static str],
    optimised: &'static str,
}

const TARGETS: [Target; 3] = [
    Target {
        name: "doorward-core, refresh and session",
        package: "doorward-core",
        files: &[
            "crates/doorward-core/src/refresh.rs",
            "crates/doorward-core/src/session.rs",
            "crates/doorward-core/src/session/*.rs",
        ],
        left_out: &[],
        features: &[],
        rounds: [
            Round {
                programs: &["--lib", "--test=refresh_rule", "--test=refresh_token"],
                tests: &["--skip", "watermark"],
                optimised: "0",
            },
            Round { programs: &["--tests"], tests: &[], optimised: "1" },
        ],
    },
    Target {
        name: "doorward-verify",
        package: "doorward-verify",
        files: &["crates/doorward-verify/src/**/*.rs"],
        left_out: IO,
        features: &[],
        rounds: [
            Round { programs: &["--lib", "--test=proofs"], tests: SLOW, optimised: "0" },
            Round { programs: &["--lib", "--test=proofs"], tests: &[], optimised: "1" },
        ],
    },
    Target {
        name: "doorward-verify, follow and layer",
        package: "doorward-verify",
        files: IO,
        left_out: &[],
        features: &["--features", "layer"],
        rounds: [
            Round { programs: &["--lib", "--test=proofs"], tests: &["follow", "layer"], optimised: "0" },
            Round { programs: &["--lib", "--test=proofs"], tests: &[], optimised: "1" },
        ],
    },
];

/// The files of verify that do its IO.
const IO: &[&str] = &[
    "crates/doorward-verify/src/follow.rs",
    "crates/doorward-verify/src/follow/*.rs",
    "crates/doorward-verify/src/layer.rs",
    "crates/doorward-verify/src/layer/*.rs",
];

/// Tests that take seconds where all others take a moment.
const SLOW: &[&str] = &[
    "--skip",
    "slow::",
    "--skip",
    "small_world",
    "--skip",
    "histories::",
    "--skip",
    "forgetting::",
    "--skip",
    "names_never_run_out",
    "--skip",
    "one_changed_character",
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
        match change(workspace, target, outcome) {
            Ok(tally) => {
                outcome.seen.push((target.name.to_owned(), tally.shown()));
                survivors.extend(tally.survived);
            }
            Err(why) => failures.push(format!("{}: {why}", target.name)),
        }
    }
    failures.extend(judge(&survivors, &explained));
    outcome.seen.push((String::from("explained"), explained.len().to_string()));
    if failures.is_empty() { Verdict::Holds } else { Verdict::Fails(failures.join("\n")) }
}

/// What became of the mutants of a target.
#[derive(Debug, Default, PartialEq)]
struct Tally {
    caught: usize,
    timed_out: usize,
    /// They do not compile.
    unviable: usize,
    survived: Vec<String>,
}

impl Tally {
    fn shown(&self) -> String {
        let Self { caught, timed_out, unviable, survived } = self;
        let all = caught + timed_out + unviable + survived.len();
        format!(
            "{all} mutants: {caught} noticed, {timed_out} ran out of time, {unviable} do not compile, {} survived",
            survived.len()
        )
    }

    /// After another round, which tried again what was neither noticed nor refused by the compiler.
    fn and(self, later: Self) -> Self {
        Self { caught: self.caught + later.caught, unviable: self.unviable + later.unviable, ..later }
    }
}

/// Both rounds over a target.
fn change(workspace: &Workspace, target: &Target, outcome: &mut Outcome) -> Result<Tally, String> {
    let name = target.name.replace([' ', ','], "-");
    let folder = workspace.target().join("assure").join(format!("mutants-{name}"));
    // What an earlier run noticed is noticed again, or not.
    drop(fs::remove_dir_all(&folder));
    fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
    let mut tally = Tally::default();
    for (number, round) in target.rounds.iter().enumerate() {
        let place = folder.to_string_lossy().into_owned();
        let mut words: Vec<String> =
            ["mutants", "--package", target.package, "--jobs", "1", "--no-shuffle", "--output"]
                .map(str::to_owned)
                .to_vec();
        words.push(place);
        words.extend(target.features.iter().map(|word| (*word).to_owned()));
        words.extend(target.files.iter().map(|file| format!("--file={file}")));
        words.extend(target.left_out.iter().map(|file| format!("--exclude={file}")));
        words.extend(round.programs.iter().map(|program| format!("--cargo-arg={program}")));
        if number > 0 {
            words.push(String::from("--iterate"));
        }
        words.extend(["--", "--"].map(str::to_owned));
        words.extend(round.tests.iter().map(|word| (*word).to_owned()));
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let mut command = cargo(workspace, &words);
        command.env("CARGO_TARGET_DIR", workspace.target().join("mutants"));
        command.env("CARGO_PROFILE_DEV_DEBUG", "0").env("CARGO_PROFILE_DEV_OPT_LEVEL", round.optimised);
        // It ends with an error if anything survived; what did is judged later.
        let ended = listen(command, outcome);
        let list = |name: &str| fs::read_to_string(folder.join("mutants.out").join(name));
        let (Ok(caught), Ok(missed), Ok(timeout), Ok(unviable)) =
            (list("caught.txt"), list("missed.txt"), list("timeout.txt"), list("unviable.txt"))
        else {
            return Err(format!("no result: {}", ended.err().unwrap_or_default()));
        };
        tally = tally.and(Tally {
            caught: caught.lines().count(),
            timed_out: timeout.lines().count(),
            unviable: unviable.lines().count(),
            survived: missed.lines().filter_map(place_free).collect(),
        });
        if tally.caught == 0 {
            return Err(format!("nothing was noticed: {}", ended.err().unwrap_or_default()));
        }
        if tally.survived.is_empty() {
            break;
        }
    }
    Ok(tally)
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
    fn a_later_round_adds_what_it_noticed_and_says_what_is_left() {
        let of = |caught, timed_out, unviable, survived: &[&str]| Tally {
            caught,
            timed_out,
            unviable,
            survived: survived.iter().map(|name| (*name).to_owned()).collect(),
        };
        let both = of(7, 1, 2, &["a", "b", "c"]).and(of(2, 1, 0, &["b"]));
        assert_eq!(both, of(9, 1, 2, &["b"]));
        assert_eq!(both.shown(), "13 mutants: 9 noticed, 1 ran out of time, 2 do not compile, 1 survived");
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
