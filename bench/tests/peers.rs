//! The comparison with other people's programs, from outside: that it measures them, and that it says what is missing. How
//! quick anybody is, no test asserts.

#![expect(clippy::disallowed_methods, reason = "what is skipped is told by a file that the environment names")]
#![expect(dead_code, reason = "of what tests share, this uses what says that a part is missing")]

#[path = "../../crates/doorward/tests/parts/mod.rs"]
mod parts;

use std::path::Path;
use std::process::{Command, Output};

/// A short run over few sessions, which writes nothing.
fn bench(path: Option<&Path>, words: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_doorward-bench"));
    command.args(["--rows", "peers", "--quick", "--rounds", "1", "--seconds", "0.3", "--no-save"]).args(words);
    if let Some(path) = path {
        command.env("PATH", path);
    }
    command.output().expect("the bench starts")
}

fn said(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn without_node_the_bench_says_what_to_install_and_measures_nothing() {
    let nothing = tempfile::tempdir().expect("a place");
    let output = bench(Some(nothing.path()), &["--peers", "express-session"]);
    let why = said(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{why}");
    assert!(why.contains("apt-get install nodejs npm"), "{why}");
    assert!(output.stdout.is_empty(), "{}", said(&output.stdout));
}

mod slow {
    use std::path::PathBuf;

    use super::*;

    const WHAT: &str = "express-session and connect-redis measured beside Doorward";

    /// Where a program is.
    fn found(name: &str) -> Option<PathBuf> {
        let output = Command::new("sh").args(["-c", &format!("command -v {name}")]).output().ok()?;
        let path = said(&output.stdout).trim().to_owned();
        (!path.is_empty()).then(|| PathBuf::from(path))
    }

    /// The report of a run; `None`, and a line about it, if a part is missing.
    fn report(path: Option<&Path>) -> Option<String> {
        if found("node").and_then(|_| found("npm")).is_none() {
            parts::skip("node", WHAT, "no node and no npm");
            return None;
        }
        let output = bench(path, &["--peers", "express-session"]);
        let why = said(&output.stderr);
        if why.contains("is npm's registry within reach?") {
            parts::skip("express-session", WHAT, why.trim().lines().last().unwrap_or_default());
            return None;
        }
        assert!(output.status.success(), "{why}");
        Some(said(&output.stdout))
    }

    #[test]
    fn the_code_of_an_article_is_measured_beside_doorward_with_its_redis() {
        if found("redis-server").or_else(|| found("valkey-server")).is_none() {
            parts::skip("redis", WHAT, "no redis-server and no valkey-server");
            return;
        }
        let Some(report) = report(None) else { return };
        let line = |name: &str| {
            let line = report.lines().find(|line| line.starts_with(&format!("| {name}")));
            let cells: Vec<&str> =
                line.unwrap_or_else(|| panic!("{name}: {report}")).split('|').map(str::trim).collect();
            cells[2].parse::<f64>().unwrap_or_else(|_| panic!("{name}: {cells:?}"))
        };
        let [whole, store] = ["express-session + connect-redis", "— of it the store of express-session"].map(line);
        // The system counts in hundredths of a second, and a busy machine's Redis may not need one in so short a run.
        assert!(0.0 <= store && store < whole, "{report}");
        assert!([line("Doorward, session at hand"), line("express alone")].iter().all(|cpu| *cpu > 0.0), "{report}");
        assert!(
            report.contains("- CPU per check / express-session + connect-redis, server and Redis: **"),
            "{report}"
        );
        assert!(report.contains("### A million requests a second"), "{report}");
        assert!(!report.contains("express-session + connect-redis: not measured"), "{report}");
    }

    #[test]
    fn without_redis_the_row_says_so_and_the_goal_counts_as_missed() {
        let place = tempfile::tempdir().expect("a place");
        for name in ["node", "npm", "sh"] {
            if let Some(program) = found(name) {
                std::os::unix::fs::symlink(program, place.path().join(name)).expect("a link");
            }
        }
        let Some(report) = report(Some(place.path())) else { return };
        assert!(report.contains("not measured: no redis-server or valkey-server in PATH"), "{report}");
        assert!(
            report.contains("express-session + connect-redis: not measured: **NaN** (goal: at most 0.04): MISSED"),
            "{report}"
        );
    }
}
