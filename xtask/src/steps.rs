//! `check` and `test`: named steps, each timed, until one says no.
//!
//! What tests and this tool say to each other goes through the environment, and CONTRIBUTING.md tells it to people:
//! `DOORWARD_LONG=1` asks for long proofs, `DOORWARD_SKIPS` names a file to which a test that cannot run appends one
//! line, and `DOORWARD_REQUIRE=all` turns such a line into a failure.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::cargo::{cargo, run, shown, tools};
use crate::smoke::smoke;
use crate::tidy;
use crate::workspace::Workspace;

/// Tests in a module of this name are the slow proofs: crash, simulation and their like.
const SLOW: &str = "slow::";

/// How much to prove.
#[derive(Clone, Copy, Default)]
pub(crate) struct Effort {
    quick: bool,
    long: bool,
}

impl Effort {
    /// From the words after `test`.
    pub(crate) fn parse(words: &[String]) -> Result<Self, String> {
        let mut effort = Self::default();
        for word in words {
            match word.as_str() {
                "--quick" => effort.quick = true,
                "--long" => effort.long = true,
                other => return Err(format!("`{other}` is not understood here")),
            }
        }
        if effort.quick && effort.long {
            return Err("--quick and --long exclude each other".to_owned());
        }
        Ok(effort)
    }
}

/// `cargo xtask check`. Prints everything; the answer is whether all is well.
pub(crate) fn check(workspace: &Workspace) -> bool {
    let mut round = Round::default();
    round.checks(workspace);
    round.table();
    round.well()
}

/// `cargo xtask test`. Prints everything, the sum of all tests as the last line; the answer is whether all is well.
pub(crate) fn test(workspace: &Workspace, effort: Effort) -> bool {
    let mut round = Round::default();
    let skips = Skips::fresh(workspace);
    round.checks(workspace);
    if !effort.quick {
        round.step("smoke: a fresh binary opens its door", |_| smoke(workspace));
    }
    round.step("tests, with doctests and generated documents", |tally| {
        let command = cargo(workspace, &["test", "--workspace", "--no-fail-fast", "--", "--skip", SLOW]);
        tests(command, &skips, effort, tally)
    });
    if !effort.quick {
        round.step("slow proofs", |tally| {
            let command = cargo(workspace, &["test", "--workspace", "--no-fail-fast", "--tests", "--", SLOW]);
            tests(command, &skips, effort, tally)
        });
    }
    let skipped = skips.read();
    round.tally.skipped += skipped.len();
    if std::env::var("DOORWARD_REQUIRE").is_ok_and(|word| word == "all") {
        round.step("nothing was skipped", |tally| refuse(&skipped, tally.ignored));
    } else {
        for line in &skipped {
            println!("skipped: {line}");
        }
    }
    round.table();
    println!("{}", round.closing());
    round.well()
}

/// The steps so far.
#[derive(Default)]
struct Round {
    done: Vec<(&'static str, Duration)>,
    failed: Option<(&'static str, String)>,
    tally: Tally,
}

impl Round {
    fn checks(&mut self, workspace: &Workspace) {
        self.step("tools are here", |_| tools(workspace));
        self.step("tidy", |_| if tidy::run(workspace) { Ok(()) } else { Err("see the findings above".to_owned()) });
        self.step("formatting", |_| run(cargo(workspace, &["fmt", "--all", "--check"])));
        self.step("clippy", |_| {
            let args = ["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"];
            run(cargo(workspace, &args))
        });
    }

    /// Does one step, unless an earlier one failed.
    fn step(&mut self, name: &'static str, work: impl FnOnce(&mut Tally) -> Result<(), String>) {
        if self.failed.is_some() {
            return;
        }
        println!("\n== {name}");
        let since = Instant::now();
        let verdict = work(&mut self.tally);
        self.done.push((name, since.elapsed()));
        if let Err(why) = verdict {
            self.failed = Some((name, why));
        }
    }

    fn table(&self) {
        println!();
        for (name, took) in &self.done {
            let failed = self.failed.as_ref().is_some_and(|(step, _)| step == name);
            let word = if failed { "FAILED" } else { "ok" };
            println!("{:>8.1} s  {word:<6}  {name}", took.as_secs_f64());
        }
        if let Some((name, why)) = &self.failed {
            println!("\nfailed: {name}: {why}\n");
        }
    }

    /// A step that fails without a failing test of its own counts as one failure: the last line never looks better
    /// than the exit code.
    fn closing(&self) -> String {
        let Tally { passed, failed, ignored, skipped } = self.tally;
        let failed = if self.failed.is_some() { failed.max(1) } else { failed };
        format!("{passed} passed, {failed} failed, {} skipped", ignored + skipped)
    }

    fn well(&self) -> bool {
        self.failed.is_none()
    }
}

/// What the test runs added up to.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Tally {
    passed: usize,
    failed: usize,
    ignored: usize,
    skipped: usize,
}

impl Tally {
    /// Adds a line of the form `test result: ok. 5 passed; 0 failed; 1 ignored; …`; passes over any other line.
    fn add(&mut self, line: &str) {
        let Some((_, counts)) = line.strip_prefix("test result: ").and_then(|rest| rest.split_once(". ")) else {
            return;
        };
        for part in counts.split(';') {
            let mut words = part.split_whitespace();
            let (Some(count), Some(what)) = (words.next().and_then(|word| word.parse::<usize>().ok()), words.next())
            else {
                continue;
            };
            match what {
                "passed" => self.passed += count,
                "failed" => self.failed += count,
                "ignored" => self.ignored += count,
                _ => {}
            }
        }
    }
}

/// Runs a test command, showing and counting what it prints.
fn tests(mut command: Command, skips: &Skips, effort: Effort, tally: &mut Tally) -> Result<(), String> {
    command.env("DOORWARD_SKIPS", &skips.file);
    if effort.long {
        command.env("DOORWARD_LONG", "1");
    }
    let spawned = command.stdout(Stdio::piped()).spawn();
    let mut child = spawned.map_err(|error| format!("`{}` could not be started: {error}", shown(&command)))?;
    if let Some(stdout) = child.stdout.take() {
        for line in BufReader::new(stdout).split(b'\n').map_while(Result::ok) {
            let line = String::from_utf8_lossy(&line);
            println!("{line}");
            tally.add(&line);
        }
    }
    match child.wait() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("`{}` ended with {status}", shown(&command))),
        Err(error) => Err(format!("`{}`: {error}", shown(&command))),
    }
}

/// The file to which tests write what they could not do.
struct Skips {
    file: std::path::PathBuf,
}

impl Skips {
    fn fresh(workspace: &Workspace) -> Self {
        let file = workspace.target().join("doorward-skips.txt");
        drop(fs::remove_file(&file));
        Self { file }
    }

    fn read(&self) -> Vec<String> {
        let text = fs::read_to_string(&self.file).unwrap_or_default();
        text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()
    }
}

/// Under `DOORWARD_REQUIRE=all` a test must run, except one whose data the project does not ship (`data:`).
fn refuse(skipped: &[String], ignored: usize) -> Result<(), String> {
    let mut refused: Vec<String> = skipped.iter().filter(|line| !line.starts_with("data:")).cloned().collect();
    if ignored > 0 {
        refused.push(format!("{ignored} tests are marked #[ignore]"));
    }
    if refused.is_empty() { Ok(()) } else { Err(format!("DOORWARD_REQUIRE=all, but:\n{}", refused.join("\n"))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn result_lines_add_up() {
        let mut tally = Tally::default();
        tally.add("running 7 tests");
        tally.add("test result: ok. 5 passed; 0 failed; 1 ignored; 0 measured; 3 filtered out; finished in 0.01s");
        tally.add("test result: FAILED. 2 passed; 4 failed; 0 ignored; 0 measured; 0 filtered out");
        assert_eq!(tally, Tally { passed: 7, failed: 4, ignored: 1, skipped: 0 });
    }

    #[test]
    fn the_first_failing_step_stops_the_round_and_colours_the_closing_line() {
        let mut round = Round::default();
        round.step("one", |tally| {
            tally.passed = 3;
            Ok(())
        });
        round.step("two", |_| Err("no".to_owned()));
        round.step("three", |_| panic!("must not run"));
        assert!(!round.well());
        assert_eq!(round.done.len(), 2);
        assert_eq!(round.closing(), "3 passed, 1 failed, 0 skipped");
    }

    #[test]
    fn required_runs_refuse_skips_but_not_absent_data() {
        let skipped = |line: &str| vec![line.to_owned()];
        assert_eq!(refuse(&skipped("data: outside vectors"), 0), Ok(()));
        assert!(refuse(&skipped("postgres: no server"), 0).is_err());
        assert!(refuse(&[], 1).is_err());
    }

    #[test]
    fn quick_and_long_exclude_each_other() {
        let words = |line: &str| line.split(' ').map(str::to_owned).collect::<Vec<_>>();
        assert!(Effort::parse(&words("--quick --long")).is_err());
        assert!(Effort::parse(&words("--fast")).is_err());
        assert!(Effort::parse(&words("--long")).is_ok_and(|effort| effort.long));
    }
}
