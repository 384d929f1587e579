//! Proofs that are tests.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use super::outcome::{Outcome, Verdict};
use super::table::Run;
use crate::cargo::{cargo, shown};
use crate::workspace::Workspace;

/// Runs tests, in their ordinary length if it is to be quick.
pub(crate) fn run(workspace: &Workspace, runs: &[Run], quick: bool, outcome: &mut Outcome) -> Verdict {
    all(workspace, runs, quick, &[], outcome)
}

/// Runs them long, and built with optimisation.
pub(crate) fn run_optimised(workspace: &Workspace, run: &Run, outcome: &mut Outcome) -> Verdict {
    all(workspace, &[*run], false, &["--release"], outcome)
}

fn all(workspace: &Workspace, runs: &[Run], quick: bool, more: &[&str], outcome: &mut Outcome) -> Verdict {
    let skips = workspace.target().join("assure-skips.txt");
    let mut failures = Vec::new();
    for run in runs {
        drop(fs::remove_file(&skips));
        let mut words = vec!["test", "--quiet", "--package", run.package];
        words.extend(if run.file.is_empty() { vec!["--lib"] } else { vec!["--test", run.file] });
        words.extend(more);
        words.extend(["--", "--nocapture", run.filter]);
        let mut command = cargo(workspace, &words);
        command.env("DOORWARD_SKIPS", &skips);
        command.env_remove("DOORWARD_LONG");
        if !quick {
            command.env("DOORWARD_LONG", "1");
        }
        let passed = outcome.passed;
        if let Err(why) = listen(command, outcome) {
            failures.push(why);
        } else if outcome.passed == passed {
            failures.push(format!("no test of {} {} ran", run.package, run.file));
        }
        for line in fs::read_to_string(&skips).unwrap_or_default().lines() {
            outcome.seen.push((String::from("skipped"), line.to_owned()));
        }
    }
    let passed = outcome.passed;
    outcome.seen.push((String::from("tests that passed"), passed.to_string()));
    if failures.is_empty() { Verdict::Holds } else { Verdict::Fails(failures.join("\n")) }
}

/// Shows what a command prints and hears what it says. A failure carries the last lines.
pub(crate) fn listen(mut command: Command, outcome: &mut Outcome) -> Result<(), String> {
    let spawned = command.stdout(Stdio::piped()).spawn();
    let mut child = spawned.map_err(|error| format!("`{}` could not be started: {error}", shown(&command)))?;
    let mut last = Vec::new();
    if let Some(stdout) = child.stdout.take() {
        for line in BufReader::new(stdout).split(b'\n').map_while(Result::ok) {
            let line = String::from_utf8_lossy(&line).into_owned();
            println!("{line}");
            outcome.hear(&line);
            last.push(line);
            last.drain(..last.len().saturating_sub(20));
        }
    }
    match child.wait() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("`{}` ended with {status}\n{}", shown(&command), last.join("\n"))),
        Err(error) => Err(format!("`{}`: {error}", shown(&command))),
    }
}
