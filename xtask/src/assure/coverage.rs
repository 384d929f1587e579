//! How many lines of a room are run by tests, its own and those of the rooms that stand on it: built anew with the
//! compiler's counters, in a folder of its own.
//!
//! Modules of tests inside a room's files are not told apart from the rest of the file; files that hold nothing but tests
//! are left out.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use super::outcome::{Outcome, Verdict};
use super::tests::listen;
use crate::cargo::{cargo, printed};
use crate::workspace::Workspace;

/// Whose lines are counted, and how many of a hundred must be run.
const ROOMS: [&str; 2] = ["doorward-core", "doorward-verify"];
const ENOUGH: f64 = 95.0;
/// Whose tests run lines of these rooms: the rooms' own, the suite of changes over each store, and the stories of a whole
/// server in process.
const TESTERS: [&[&str]; 2] = [
    &["--package", "doorward-core", "--package", "doorward-verify", "--all-features", "--tests"],
    &[
        "--package",
        "doorward-store",
        "--package",
        "doorward",
        "--test",
        "memory",
        "--test",
        "sqlite",
        "--test",
        "stories",
    ],
];
/// Files of nothing but tests.
const TESTS: &str = r"(/tests/|tests\.rs$|vectors\.rs$)";

/// Runs the tests with counters and counts.
pub(crate) fn measure(workspace: &Workspace, outcome: &mut Outcome) -> Verdict {
    match try_measure(workspace, outcome) {
        Ok(verdict) => verdict,
        Err(Missing::Tool(why)) => Verdict::NotRun(why),
        Err(Missing::Result(why)) => Verdict::Fails(why),
    }
}

enum Missing {
    Tool(String),
    Result(String),
}

impl From<String> for Missing {
    fn from(why: String) -> Self {
        Self::Result(why)
    }
}

fn try_measure(workspace: &Workspace, outcome: &mut Outcome) -> Result<Verdict, Missing> {
    let tools = tools().map_err(Missing::Tool)?;
    let target = workspace.target().join("coverage");
    let profiles = target.join("profiles");
    drop(fs::remove_dir_all(&profiles));
    let counted = |words: &[&str]| {
        let mut command = cargo(workspace, words);
        command.env("RUSTFLAGS", "-C instrument-coverage").env("CARGO_TARGET_DIR", &target);
        command.env("LLVM_PROFILE_FILE", profiles.join("%p-%m.profraw"));
        command
    };
    let (mut programs, mut short) = (Vec::new(), Vec::new());
    for tester in TESTERS {
        let words: Vec<&str> = ["test", "--no-fail-fast"].iter().chain(tester).copied().collect();
        // A test that fails has run its lines, and the proof has failed.
        short.extend(listen(counted(&words), outcome).err());
        let words: Vec<&str> = ["test", "--no-run", "--message-format=json"].iter().chain(tester).copied().collect();
        programs.extend(executables(&printed(counted(&words))?));
    }
    let merged = target.join("merged.profdata");
    let mut merge = Command::new(tools.join("llvm-profdata"));
    merge.args(["merge", "--sparse", "--failure-mode=all"]).arg(&profiles).arg("-o").arg(&merged);
    printed(merge)?;
    for room in ROOMS {
        let mut report = Command::new(tools.join("llvm-cov"));
        report.args(["report", "--ignore-filename-regex", TESTS, "--instr-profile"]).arg(&merged);
        let (first, others) = programs.split_first().ok_or_else(|| String::from("no test program was built"))?;
        report.arg(first);
        for program in others {
            report.args(["--object", program]);
        }
        report.arg("--sources").arg(workspace.root.join("crates").join(room).join("src"));
        let table = printed(report)?;
        drop(fs::write(target.join(format!("{room}.txt")), &table));
        let (lines, missed) = total(&table).ok_or_else(|| format!("{room}: no total in\n{table}"))?;
        let share = 100.0 * (1.0 - missed as f64 / lines.max(1) as f64);
        outcome.seen.push((room.to_owned(), format!("{share:.1} % of {lines} lines")));
        outcome.seen.extend(least(&table).into_iter().map(|(file, share)| (format!("{room}, {file}"), share)));
        if share < ENOUGH {
            short.push(format!("{room} has {share:.1} %, and {ENOUGH} % are asked for"));
        }
    }
    Ok(if short.is_empty() { Verdict::Holds } else { Verdict::Fails(short.join("; ")) })
}

/// Where the compiler keeps the tools that read its counters.
fn tools() -> Result<PathBuf, String> {
    let ask = |words: &[&str]| {
        let mut command = Command::new(env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
        command.args(words);
        printed(command)
    };
    let root = ask(&["--print", "sysroot"])?;
    let about = ask(&["-vV"])?;
    let host = about.lines().find_map(|line| line.strip_prefix("host: ")).unwrap_or_default();
    let folder = Path::new(root.trim()).join("lib/rustlib").join(host).join("bin");
    if folder.join("llvm-cov").exists() && folder.join("llvm-profdata").exists() {
        Ok(folder)
    } else {
        Err(String::from("llvm-cov is missing: `rustup component add llvm-tools`"))
    }
}

/// The test programs that cargo names in its messages.
fn executables(messages: &str) -> Vec<String> {
    let named = |line: &str| {
        let (_, rest) = line.split_once("\"executable\":\"")?;
        let (path, _) = rest.split_once('"')?;
        line.contains("\"test\":true").then(|| path.replace("\\\\", "\\"))
    };
    messages.lines().filter_map(named).collect()
}

/// Lines and missed lines of a row of the report: `NAME regions missed % functions missed % lines missed % …`.
fn row(line: &str) -> Option<(&str, usize, usize)> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let number = |at: usize| words.get(at)?.parse().ok();
    Some((words.first()?, number(7)?, number(8)?))
}

fn total(table: &str) -> Option<(usize, usize)> {
    let line = table.lines().find(|line| line.starts_with("TOTAL"))?;
    row(line).map(|(_, lines, missed)| (lines, missed))
}

/// The three files of which the largest share is not run.
fn least(table: &str) -> Vec<(String, String)> {
    let mut rows: Vec<(&str, usize, usize)> = table
        .lines()
        .filter_map(row)
        .filter(|(name, lines, missed)| name.ends_with(".rs") && *lines > 0 && *missed > 0)
        .collect();
    let share = |row: &(&str, usize, usize)| row.2 as f64 / row.1 as f64;
    rows.sort_by(|one, other| share(other).total_cmp(&share(one)));
    rows.truncate(3);
    rows.iter()
        .map(|row| (row.0.to_owned(), format!("{:.1} % of {} lines", 100.0 * (1.0 - share(row)), row.1)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "\
Filename      Regions    Missed Regions     Cover   Functions  Missed Functions  Executed       Lines      Missed Lines     Cover
token.rs           94                 0   100.00%          12                 0   100.00%          90                 9    90.00%
json.rs            94                 0   100.00%          12                 0   100.00%          10                 0   100.00%
TOTAL             188                 0   100.00%          24                 0   100.00%         100                 9    91.00%
";

    #[test]
    fn the_total_and_the_worst_files_are_read() {
        assert_eq!(total(TABLE), Some((100, 9)));
        assert_eq!(least(TABLE), [("token.rs".to_owned(), "90.0 % of 90 lines".to_owned())]);
    }

    #[test]
    fn test_programs_are_found_in_messages() {
        let messages = "{\"profile\":{\"test\":true},\"executable\":\"/a/b-1\"}\n{\"profile\":{\"test\":false},\
                        \"executable\":\"/a/c\"}\n{\"executable\":null}";
        assert_eq!(executables(messages), ["/a/b-1"]);
    }
}
