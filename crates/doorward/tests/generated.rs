//! Documents that are written from the code: this fails where one is stale, and `cargo xtask docs` writes it anew.

#![expect(clippy::disallowed_methods, reason = "the test reads whether it shall write")]

#[expect(dead_code, reason = "of the house only its metrics are printed")]
mod house;

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use doorward::checks;
use doorward::config::table;
use doorward::http::problem::CODES;
use doorward::http::{admin, management, routes};
use doorward::limits;
use doorward::metrics::page::page;
use doorward_core::Rejection;
use doorward_core::advice::{Answer, Topic, comparison};
use doorward_core::client::Strategy;
use doorward_verify::layer::CODES as GUARDS;

/// Compares a checked-in file with its text of today, or writes it.
#[track_caller]
fn check(path: &str, text: &str) {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..").join(path);
    if std::env::var_os("DOORWARD_BLESS").is_some_and(|word| word == "1") {
        fs::write(&file, text).expect("the file can be written");
        return;
    }
    let found = fs::read_to_string(&file).unwrap_or_default();
    assert!(found == text, "{path} is stale: write it with `cargo xtask docs` and look at the difference");
}

#[test]
fn the_configuration_document_is_the_table_of_keys() {
    check("docs/configuration.md", &table::document());
}

#[test]
fn the_list_of_limits_is_the_table_of_limits() {
    check("docs/limits.md", &limits::document());
}

#[test]
fn the_list_of_errors_is_the_table_of_codes() {
    let mut text = String::from(
        "# Errors

<!-- Written by `cargo xtask docs` from the table of codes; change it there. -->

An answer that says no is `application/problem+json` (RFC 9457) with a stable `code`, a `request_id` to find its traces
by, and where it helps a `field` or a `reason`. A code is never used for anything else.
",
    );
    for (_, row) in CODES {
        let status = row.status.as_u16();
        text.push_str(&format!("\n### `{}`\n\n{status}. {} {}\n", row.code, row.title, row.advice));
    }
    text.push_str(
        "
## Reasons of a rejected access token

`token_invalid`, `token_expired`, `token_revoked` and `token_stale` carry in `reason` why the verifier said no, in the words that every
verifier uses.

| reason | meaning |
|---|---|
",
    );
    for rejection in Rejection::ALL {
        text.push_str(&format!("| `{}` | {rejection} |\n", rejection.code()));
    }
    // A guard's codes: the server's, in the same form, and a few of its own.
    let at_server = |code: &str| CODES.iter().find(|(_, row)| row.code == code).map(|(_, row)| row.status.as_u16());
    let (shared, own): (Vec<_>, Vec<_>) = GUARDS.iter().partition(|row| at_server(row.code).is_some());
    for row in &shared {
        assert_eq!(at_server(row.code), Some(row.status.as_u16()), "{}: one code, one status", row.code);
    }
    let words: Vec<String> = shared.iter().map(|row| format!("`{}`", row.code)).collect();
    text.push_str(&format!(
        "
## Services

A service behind a guard of `doorward-verify` answers in the same form and with the same codes ({}), and with these of its own.
",
        words.join(", ")
    ));
    for row in own {
        let status = row.status.as_u16();
        text.push_str(&format!("\n### `{}`\n\n{status}. {} {}\n", row.code, row.title, row.advice));
    }
    check("docs/errors.md", &text);
}

/// Prose around it is a person's; what both say is one thing.
#[test]
fn the_page_about_choosing_compares_and_asks_as_the_advisor_does() {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/choosing.md");
    let page = fs::read_to_string(file).expect("the page");
    for row in comparison::ROWS {
        let line = format!("\n| {} | {} | {} | {} |\n", row.about, row.session, row.jwt, row.hybrid);
        assert!(page.contains(&line), "{line}");
    }
    for topic in &Topic::ALL[..Topic::QUESTIONS] {
        let towards = match topic.pull(Answer::Yes).and_then(|pull| pull.towards) {
            Some(Strategy::Session) => "sessions",
            Some(Strategy::Jwt) => "tokens",
            other => panic!("{}: {other:?}", topic.key()),
        };
        let line = format!("\n| {} | `{}` | {towards} |\n", topic.asks(), topic.key());
        assert!(page.contains(&line), "{line}");
    }
    for topic in &Topic::ALL[Topic::QUESTIONS..] {
        let towards = match topic.pull(Answer::Yes).and_then(|pull| pull.towards) {
            Some(Strategy::Session) => "sessions",
            Some(Strategy::Jwt) => "tokens",
            Some(Strategy::Hybrid) => "both",
            None => "any of them",
        };
        let line = format!("\n| {} | `{}` | {towards} |\n", topic.asks(), topic.key());
        assert!(page.contains(&line), "{line}");
    }
}

#[test]
fn the_public_routes_are_as_printed() {
    check("crates/doorward/tests/routes.txt", &routes::print());
}

#[test]
fn the_admin_routes_are_as_printed() {
    check("crates/doorward/tests/admin-routes.txt", &admin::print());
}

#[test]
fn the_management_routes_are_as_printed() {
    check("crates/doorward/tests/management-routes.txt", &management::print());
}

#[tokio::test]
async fn the_list_of_metrics_is_the_page_that_is_served() {
    let mut text = String::from(
        "# Metrics

<!-- Written by `cargo xtask docs` from the page that is served; change it there. -->

`GET /metrics` on the management port (`management.listen`, by default `127.0.0.1:8421`) tells these in the text format of
Prometheus. Every label takes its values from a closed set, listed here unless they are rows of the route table or codes of
`docs/errors.md`; no label depends on what somebody sends. Counts begin at zero with the process.
",
    );
    let page = page(&house::House::memory().await.door);
    let mut lines = page.lines().peekable();
    while let Some(line) = lines.next() {
        let (name, sentence) =
            line.strip_prefix("# HELP ").and_then(|rest| rest.split_once(' ')).expect("a sentence");
        let kind = lines.next().and_then(|line| line.rsplit(' ').next()).expect("a kind");
        text.push_str(&format!("\n### `{name}`\n\n{sentence} A {kind}.\n"));
        let mut words: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        while let Some(series) = lines.next_if(|line| !line.starts_with('#')) {
            let Some((_, labels)) = series.split_once('{') else { continue };
            for label in labels.split('}').next().unwrap_or_default().split(',') {
                let (key, word) = label.split_once('=').expect("a label");
                let words = words.entry(key).or_default();
                if !words.contains(&word) {
                    words.push(word);
                }
            }
        }
        words.retain(|key, _| !["le", "version"].contains(key));
        text.push_str(if words.is_empty() { "" } else { "\n" });
        for (key, words) in &words {
            let listed = words.len() <= 20 && !["route", "code"].contains(key);
            let words: Vec<_> = words.iter().map(|word| format!("`{}`", word.trim_matches('"'))).collect();
            text.push_str(&match listed {
                true => format!("- `{key}`: {}\n", words.join(", ")),
                false => format!("- `{key}`\n"),
            });
        }
    }
    check("docs/metrics.md", &text);
}

#[test]
fn the_list_of_checks_is_the_table_of_checks() {
    check("docs/checks.md", &checks::table::document());
}
