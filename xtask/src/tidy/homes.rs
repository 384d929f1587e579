//! Things with one home: the clock, the dice, the environment, and the numbers of HTTP.
//!
//! `clippy.toml` bans the calls; this check bans the exceptions, which clippy would grant to anybody who asks.

use super::Finding;
use super::rust::Source;

/// A piece of code, and the only files of the product that may contain it.
struct Home {
    what: &'static str,
    homes: &'static [&'static str],
    why: &'static str,
}

const DOOR: &str = "crates/doorward/src/door.rs";

/// A follower runs in other people's services, far from the door.
const FOLLOWER: &str = "crates/doorward-verify/src/follow/clock.rs";

const HOMES: [Home; 5] = [
    Home {
        what: "SystemTime::now",
        homes: &[DOOR, FOLLOWER],
        why: "take `now` as an argument; the clock lives in door.rs",
    },
    Home { what: "Instant::now", homes: &[DOOR], why: "take `now` as an argument; the clock lives in door.rs" },
    Home { what: "getrandom::", homes: &[DOOR], why: "take what was drawn as an argument; the dice live in door.rs" },
    Home {
        what: "env::var",
        homes: &["crates/doorward/src/config/raw.rs"],
        why: "take the settled value; the environment is read in config/raw.rs",
    },
    Home {
        what: "SystemRandom",
        homes: &[DOOR, "crates/doorward-core/src/token.rs"],
        why: "only the nonce inside ECDSA and the salt inside PSS draw for themselves; the dice live in door.rs",
    },
];

const HTTP: &str = "crates/doorward/src/http/";
const PROBLEM: &str = "crates/doorward/src/http/problem";
/// The same for routes of other people's services.
const DENIED: &str = "crates/doorward-verify/src/layer/problem.rs";

/// Statuses that are no errors, which any file under http/ may name.
const WELL: [&str; 13] = [
    "CONTINUE",
    "SWITCHING_PROTOCOLS",
    "OK",
    "CREATED",
    "ACCEPTED",
    "NO_CONTENT",
    "PARTIAL_CONTENT",
    "MOVED_PERMANENTLY",
    "FOUND",
    "SEE_OTHER",
    "NOT_MODIFIED",
    "TEMPORARY_REDIRECT",
    "PERMANENT_REDIRECT",
];

/// Looks for things away from home. Tests, measurements and this tool are not the product.
pub(crate) fn check(source: &Source<'_>, findings: &mut Vec<Finding>) {
    if source.is_test() || !source.path.starts_with("crates/") {
        return;
    }
    for home in HOMES.iter().filter(|home| !home.homes.contains(&source.path)) {
        for line in lines(source, home.what) {
            findings.push(Finding::new(source.path, line, format!("`{}`: {}", home.what, home.why)));
        }
    }
    if source.path.starts_with("crates/doorward-core/") {
        for line in lines(source, "async ") {
            findings.push(Finding::new(source.path, line, "core never awaits: steps belong to a flow"));
        }
    }
    statuses(source, findings);
}

fn statuses(source: &Source<'_>, findings: &mut Vec<Finding>) {
    let what = "StatusCode::";
    if source.path.starts_with(PROBLEM) || source.path == DENIED {
        return;
    }
    for at in source.places(what) {
        let line = source.line(at);
        let name = source.name_at(at + what.len());
        if source.is_test_line(line) {
            continue;
        }
        if !source.path.starts_with(HTTP) {
            findings.push(Finding::new(source.path, line, "status codes live under crates/doorward/src/http/"));
        } else if is_status(name) && !WELL.contains(&name) {
            findings.push(Finding::new(source.path, line, format!("`{name}`: only problem.rs names error statuses")));
        }
    }
}

/// A constant of the type, and none of its methods.
fn is_status(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_uppercase())
}

fn lines(source: &Source<'_>, what: &str) -> Vec<usize> {
    let lines = source.places(what).into_iter().map(|at| source.line(at));
    lines.filter(|line| !source.is_test_line(*line)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_sample(path: &str, text: &str, expect: usize) {
        let mut findings = Vec::new();
        check(&Source::new(path, text), &mut findings);
        assert_eq!(findings.len(), expect, "{path}: {findings:?}");
    }

    #[test]
    fn the_clock_and_the_dice_away_from_home_are_found() {
        for text in ["let t = SystemTime::now();", "std::time::Instant::now()", "getrandom::fill(&mut b)"] {
            check_sample("crates/doorward/src/flows/login.rs", text, 1);
            check_sample("crates/doorward-core/src/session.rs", text, 1);
            check_sample(DOOR, text, 0);
            check_sample("crates/doorward/tests/story.rs", text, 0);
            check_sample("bench/src/main.rs", text, 0);
        }
        check_sample("crates/doorward/src/cli/dev.rs", "std::env::var_os(\"A\")", 1);
        check_sample("crates/doorward/src/config/raw.rs", "std::env::vars()", 0);
        check_sample("crates/doorward-core/src/token.rs", "SystemRandom::new()", 0);
        check_sample("crates/doorward-core/src/key.rs", "SystemRandom::new()", 1);
    }

    #[test]
    fn waiting_in_core_is_found() {
        check_sample("crates/doorward-core/src/refresh.rs", "pub async fn decide() {}", 1);
        check_sample("crates/doorward/src/flows/refresh.rs", "pub async fn refresh() {}", 0);
    }

    #[test]
    fn words_in_comments_strings_and_test_modules_do_not_count() {
        check_sample("crates/x/src/a.rs", "// SystemTime::now\nconst A: &str = \"Instant::now\";\n", 0);
        check_sample("crates/x/src/a.rs", "#[cfg(test)]\nmod tests {\n    fn a() { Instant::now(); }\n}\n", 0);
    }

    #[test]
    fn statuses_away_from_home_are_found() {
        check_sample("crates/doorward/src/flows/login.rs", "StatusCode::OK", 1);
        check_sample("crates/doorward/src/http/public/login.rs", "StatusCode::CREATED", 0);
        check_sample("crates/doorward/src/http/public/login.rs", "StatusCode::from_u16(201)", 0);
        check_sample("crates/doorward/src/http/public/login.rs", "StatusCode::UNAUTHORIZED", 1);
        check_sample("crates/doorward/src/http/public/login.rs", "http::StatusCode::BAD_GATEWAY", 1);
        check_sample("crates/doorward/src/http/problem.rs", "StatusCode::UNAUTHORIZED", 0);
    }
}
