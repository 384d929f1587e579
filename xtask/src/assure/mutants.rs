//! Mutants: lines of the rules are changed one at a time, and the room's tests must notice.
//!
//! Each is first shown to the tests that cost least, of few cases, built without optimisation; what they let pass, and what
//! ran out of time, is shown to others, and in the end to all tests of the room. Most of what a run costs is building, so the
//! first round builds little: the tests inside verify alone notice four of five.
//!
//! What survives although nothing is wrong with the tests is explained in `xtask/mutants.txt`, a line for each:
//! `FILE: MUTATION | REASON`. An explanation that no survivor needs is refused, as in the ratchet.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use super::outcome::{Outcome, Verdict};
use super::tests::listen;
use crate::cargo::cargo;
use crate::workspace::Workspace;

const EXPLANATIONS: &str = "xtask/mutants.txt";

/// A part of a crate: which of its files are changed, and by what tests it is held.
#[derive(Debug)]
pub(crate) struct Target {
    /// Where its lists are kept.
    folder: &'static str,
    pub(crate) package: &'static str,
    /// Globs: a file, or a folder and what is in it.
    files: &'static [&'static str],
    left_out: &'static [&'static str],
    /// How many are tried at a time for each core.
    per_core: usize,
    /// How many seconds the tests may take at least, also where that is many times what they usually take.
    patience: u32,
    rounds: &'static [Round],
}

/// A round of tests: which programs are built with what, which tests run, and how.
#[derive(Debug)]
struct Round {
    built: &'static [&'static str],
    tests: &'static [&'static str],
    how: How,
}

/// How the tests of a round are built, and how many cases those of random input try; all of theirs, if it does not say.
type How = &'static [(&'static str, &'static str)];
const QUICKLY: How = &[("CARGO_PROFILE_DEV_OPT_LEVEL", "0"), ("PROPTEST_CASES", "32")];
const WHOLLY: How = &[("CARGO_PROFILE_DEV_OPT_LEVEL", "1")];

/// Refresh and session of core.
pub(crate) static CORE: Target = Target {
    folder: "mutants-core",
    package: "doorward-core",
    files: &[
        "crates/doorward-core/src/refresh.rs",
        "crates/doorward-core/src/session.rs",
        "crates/doorward-core/src/session/*.rs",
    ],
    left_out: &[],
    per_core: 1,
    patience: 30,
    rounds: &[
        Round {
            built: &["--lib", "--test=refresh_rule", "--test=refresh_token"],
            tests: &["--skip", "watermark"],
            how: QUICKLY,
        },
        Round { built: &["--tests"], tests: &[], how: WHOLLY },
    ],
};

/// Verify, but for its IO.
pub(crate) static VERIFY: Target = Target {
    folder: "mutants-verify",
    package: "doorward-verify",
    files: &["crates/doorward-verify/src/**/*.rs"],
    left_out: IO,
    per_core: 1,
    patience: 30,
    rounds: &[
        Round { built: &["--lib"], tests: SLOW, how: QUICKLY },
        Round { built: &["--lib", "--test=proofs"], tests: SLOW, how: QUICKLY },
        Round { built: &["--lib", "--test=proofs", "--features=layer"], tests: &[], how: WHOLLY },
    ],
};

/// The IO of verify.
pub(crate) static FOLLOW: Target = Target {
    folder: "mutants-follow",
    package: "doorward-verify",
    files: IO,
    left_out: &[],
    // These tests mostly wait, and where something never comes, twenty seconds each.
    per_core: 3,
    patience: 120,
    rounds: &[
        Round {
            built: &["--lib", "--test=proofs", "--features=layer"],
            tests: &["follow", "layer", "--test-threads=16"],
            how: QUICKLY,
        },
        Round { built: &["--lib", "--test=proofs", "--features=layer"], tests: &[], how: WHOLLY },
    ],
};

const IO: &[&str] = &[
    "crates/doorward-verify/src/follow.rs",
    "crates/doorward-verify/src/follow/*.rs",
    "crates/doorward-verify/src/layer.rs",
    "crates/doorward-verify/src/layer/*.rs",
];

/// Tests that take seconds, or a good part of one, where all others take a moment.
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
    "--skip",
    "any_scope_that_says_no",
    "--skip",
    "threads_share_one_cache",
    "--skip",
    "takes_the_memory",
];

impl Target {
    /// Each takes a gigabyte where temporary files are.
    fn at_a_time(&self) -> usize {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        (cores * self.per_core).clamp(1, 8)
    }

    /// Is this mutation, which begins with its file, one of this target's?
    fn has(&self, mutation: &str) -> bool {
        let file = mutation.split(':').next().unwrap_or_default();
        let is_in = |globs: &[&str]| {
            globs.iter().any(|glob| match glob.split_once('*') {
                Some((folder, _)) => file.starts_with(folder),
                None => file == *glob,
            })
        };
        is_in(self.files) && !is_in(self.left_out)
    }
}

/// Changes the lines of a target and tests all of them.
pub(crate) fn run(workspace: &Workspace, target: &Target, outcome: &mut Outcome) -> Verdict {
    let mut ask = cargo(workspace, &["mutants", "--version"]);
    ask.stdout(Stdio::null()).stderr(Stdio::null());
    if !ask.status().is_ok_and(|status| status.success()) {
        return Verdict::NotRun(String::from("cargo-mutants is missing: `cargo install cargo-mutants --locked`"));
    }
    let text = fs::read_to_string(workspace.root.join(EXPLANATIONS)).unwrap_or_default();
    let mut explained = match read(&text) {
        Ok(explained) => explained,
        Err(line) => return Verdict::Fails(format!("{EXPLANATIONS}: `{line}` gives no reason")),
    };
    explained.retain(|mutation| target.has(mutation));
    outcome.seen.push((String::from("explained"), explained.len().to_string()));
    match change(workspace, target, outcome) {
        Ok(tally) => {
            outcome.seen.push((String::from("mutants"), tally.shown()));
            let failures = judge(&tally, &explained);
            if failures.is_empty() { Verdict::Holds } else { Verdict::Fails(failures.join("\n")) }
        }
        Err(why) => Verdict::Fails(why),
    }
}

/// What became of the mutants of a target.
#[derive(Debug, Default, PartialEq)]
struct Tally {
    caught: usize,
    timed_out: Vec<String>,
    /// They do not compile.
    unviable: usize,
    survived: Vec<String>,
}

impl Tally {
    fn shown(&self) -> String {
        let Self { caught, timed_out, unviable, survived } = self;
        let (timed_out, survived) = (timed_out.len(), survived.len());
        let all = caught + timed_out + unviable + survived;
        format!(
            "{all}: {caught} noticed, {timed_out} ran out of time, {unviable} do not compile, {survived} survived"
        )
    }

    /// After another round, which tried again what was neither noticed nor refused by the compiler.
    fn and(self, later: Self) -> Self {
        Self { caught: self.caught + later.caught, unviable: self.unviable + later.unviable, ..later }
    }
}

/// All rounds over a target.
fn change(workspace: &Workspace, target: &Target, outcome: &mut Outcome) -> Result<Tally, String> {
    let folder = workspace.target().join("assure").join(target.folder);
    // What an earlier run noticed is noticed again, or not.
    drop(fs::remove_dir_all(&folder));
    fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
    let mut tally = Tally::default();
    let last = target.rounds.len().saturating_sub(1);
    for (number, round) in target.rounds.iter().enumerate() {
        // Few are left for the last, and it builds more: one after the other, in one folder.
        let jobs = if number == last { 1 } else { target.at_a_time() };
        let mut command = mutants(workspace, target, round, (&folder, jobs));
        if number > 0 {
            command.arg("--iterate");
        }
        command.args(["--", "--"]).args(round.tests).envs(round.how.iter().copied());
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
            timed_out: timeout.lines().filter_map(place_free).collect(),
            unviable: unviable.lines().count(),
            survived: missed.lines().filter_map(place_free).collect(),
        });
        if tally.caught == 0 {
            return Err(format!("nothing was noticed: {}", ended.err().unwrap_or_default()));
        }
        if tally.survived.is_empty() && tally.timed_out.is_empty() {
            break;
        }
    }
    Ok(tally)
}

/// The command of a round, up to what its tests are told.
fn mutants(workspace: &Workspace, target: &Target, round: &Round, (folder, jobs): (&Path, usize)) -> Command {
    let mut command = cargo(workspace, &["mutants", "--package", target.package, "--no-shuffle"]);
    command.arg("--output").arg(folder).arg(format!("--jobs={jobs}"));
    // The machine may be busy with something else.
    command.arg("--timeout-multiplier=3").arg(format!("--minimum-test-timeout={}", target.patience));
    command.args(target.files.iter().map(|file| format!("--file={file}")));
    command.args(target.left_out.iter().map(|file| format!("--exclude={file}")));
    command.args(round.built.iter().map(|word| format!("--cargo-arg={word}")));
    command.env("CARGO_PROFILE_DEV_DEBUG", "0").env_remove("CARGO_TARGET_DIR");
    if jobs == 1 {
        // It builds where the round before has built. Several would wait for each other there: each has a folder.
        command.env("CARGO_TARGET_DIR", workspace.target().join("mutants"));
    }
    command
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

/// What ran out of time on a busy machine may have survived: it needs no explanation, and may have one.
fn judge(tally: &Tally, explained: &BTreeSet<String>) -> Vec<String> {
    let survivors: BTreeSet<_> = tally.survived.iter().cloned().collect();
    let is_noticed = |mutation: &&String| !survivors.contains(*mutation) && !tally.timed_out.contains(*mutation);
    let unexplained = survivors.difference(explained).map(|mutation| format!("survived: {mutation}"));
    let unneeded = explained.iter().filter(is_noticed).map(|mutation| format!("no longer needed: {mutation}"));
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
    fn every_explanation_is_of_one_target_and_of_a_file_that_is_there() {
        let workspace = Workspace::find().unwrap_or_else(|why| panic!("{why}"));
        let text = fs::read_to_string(workspace.root.join(EXPLANATIONS)).unwrap_or_default();
        let explained = read(&text).unwrap_or_else(|line| panic!("{line}"));
        assert!(!explained.is_empty());
        for mutation in explained {
            let targets = [&CORE, &VERIFY, &FOLLOW].into_iter().filter(|target| target.has(&mutation)).count();
            assert_eq!(targets, 1, "{mutation}");
            assert!(mutation.split(':').next().is_some_and(|file| workspace.has(file)), "{mutation}");
        }
    }

    #[test]
    fn a_later_round_adds_what_it_noticed_and_says_what_is_left() {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let of = |caught, timed_out: &[&str], unviable, survived: &[&str]| Tally {
            caught,
            timed_out: names(timed_out),
            unviable,
            survived: names(survived),
        };
        let both = of(7, &["d"], 2, &["a", "b", "c"]).and(of(2, &["d"], 0, &["b"]));
        assert_eq!(both, of(9, &["d"], 2, &["b"]));
        assert_eq!(both.shown(), "13: 9 noticed, 1 ran out of time, 2 do not compile, 1 survived");
    }

    #[test]
    fn survivors_without_a_reason_and_reasons_without_a_survivor_are_refused() {
        let explained = read("# a list\n\na.rs: replace | with & in f | both are 0\n").unwrap_or_default();
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let of = |survived: &[&str], timed_out: &[&str]| Tally {
            survived: names(survived),
            timed_out: names(timed_out),
            ..Tally::default()
        };
        let known = "a.rs: replace | with & in f";
        assert_eq!(explained.iter().collect::<Vec<_>>(), [known]);
        assert_eq!(judge(&of(&[known], &[]), &explained), Vec::<String>::new());
        assert_eq!(judge(&of(&[], &[known, "c"]), &explained), Vec::<String>::new());
        assert_eq!(
            judge(&of(&["b"], &[]), &explained),
            ["survived: b".to_owned(), format!("no longer needed: {known}")]
        );
        assert!(read("a.rs: replace f with ()").is_err());
    }
}
