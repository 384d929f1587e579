//! Writes the comparison into the pages that show it, between two marks, and touches nothing else there.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use super::{Facts, Way};
use crate::Trouble;
use crate::report::{Report, figure};

/// The pages.
const MEASURED: &str = "docs/measured.md";
const README: &str = "README.md";
/// What stands around what is written.
const BEGIN: &str = "<!-- peers: written by `cargo xtask bench --full --write-docs` -->";
const END: &str = "<!-- end of peers -->";

/// Writes both pages.
pub(crate) fn write_pages(facts: &Facts, report: &Report) -> Result<(), Trouble> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().ok_or("no workspace")?;
    for (page, section) in [(MEASURED, whole(report)?), (README, short(facts, report))] {
        let path = root.join(page);
        let text = fs::read_to_string(&path)?;
        let written =
            spliced(&text, &section).ok_or_else(|| format!("{page} has no place for it: {BEGIN} … {END}"))?;
        fs::write(&path, written)?;
        println!("written: {page}");
    }
    Ok(())
}

/// A page with another section between its marks.
fn spliced(page: &str, section: &str) -> Option<String> {
    let (before, rest) = page.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}\n\n{}\n\n{END}{after}", section.trim()))
}

/// Where, when and how.
fn head(report: &Report) -> String {
    let machine = &report.machine;
    let quick = if report.quick { " A quick run: it shows that measuring works, and proves nothing." } else { "" };
    let [before, after] = report.load_average;
    format!(
        "Measured on {} on {} cores ({}), commit {}; load average of the machine {before:.2} before and {after:.2} \
         after.{quick}",
        report.date, machine.cores, machine.cpu, machine.commit
    )
}

/// For the page of measurements: the row as the report has it, from its goals on.
fn whole(report: &Report) -> Result<String, Trouble> {
    let row = report.rows.last().ok_or("nothing was measured")?;
    let mut text = String::new();
    writeln!(text, "{}\n", head(report))?;
    row.write_findings(&mut text)?;
    Ok(text)
}

/// For the first page: a line each.
fn short(facts: &Facts, report: &Report) -> String {
    let mut text = format!("{}\n\n| the same work | CPU | of Doorward's |\n|---|---|---|\n", head(report));
    let mut row = |what: &str, way: Option<&Way>, ours: Option<&Way>| {
        if let (Some(way), Some(ours)) = (way, ours) {
            let times = way.cpu / ours.cpu;
            let line =
                format!("| {what} | {} µs; Doorward {} | {} × |\n", figure(way.cpu), figure(ours.cpu), figure(times));
            text.push_str(&line);
        }
    };
    let ours = facts.checks.first();
    let express = "a session check: express-session, connect-redis and Redis";
    row(express, facts.check("express-session"), ours);
    row("a session check: tower-sessions, with Redis", facts.check("tower-sessions, in Redis"), ours);
    row("a session check: better-auth, SQLite", facts.check("better-auth, SQLite"), ours);
    for algorithm in ["ES256", "HS256"] {
        let named = |whose: &str| facts.token(&format!("{whose}, {algorithm}"));
        let what = format!("verifying {algorithm}: jsonwebtoken for Node");
        row(&what, named("jsonwebtoken for Node"), named("doorward-verify"));
    }
    let turn = |whose: &str| facts.turns.iter().find(|way| way.name.starts_with(whose));
    row(
        "a refresh: oidc-provider in memory (Doorward's is on the disk)",
        turn("refresh: oidc-provider"),
        turn("refresh: Doorward"),
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::comparison::round_facts;
    use crate::machine::Machine;
    use crate::report::{Row, Verdict};

    fn report() -> Report {
        let machine = Machine {
            cpu: String::from("A Processor"),
            cores: 2,
            memory_mib: 1024,
            kernel: String::from("Linux"),
            rustc: String::from("rustc"),
            commit: String::from("abc"),
        };
        let row = Row {
            verdicts: vec![Verdict::at_most("CPU per check / express-session", 0.031, 0.04)],
            sheets: round_facts().sheets(),
            ..Row::default()
        };
        Report {
            date: String::from("2026-11-27"),
            machine,
            chosen: String::new(),
            quick: true,
            parameters: Vec::new(),
            load_average: [0.1, 0.9],
            rows: vec![row],
        }
    }

    #[test]
    fn what_is_written_again_replaces_what_was_written_and_nothing_else() {
        let page = format!("# Page\n\nbefore\n\n{BEGIN}\nold\n{END}\n\nafter\n");
        let once = spliced(&page, "new\n").expect("a place");
        assert_eq!(once, format!("# Page\n\nbefore\n\n{BEGIN}\n\nnew\n\n{END}\n\nafter\n"));
        assert_eq!(spliced(&once, "new"), Some(once.clone()));
        assert_eq!(spliced("# Page\n", "new"), None);
    }

    #[test]
    fn both_pages_have_a_place_for_it() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a workspace");
        for page in [MEASURED, README] {
            assert!(spliced(&fs::read_to_string(root.join(page)).expect("a page"), "new").is_some(), "{page}");
        }
    }

    #[test]
    fn the_page_says_where_and_when_and_whether_it_proves_anything() {
        let text = whole(&report()).expect("a text");
        for word in
            ["2026-11-27", "A Processor", "commit abc", "proves nothing", "0.031", "(goal: at most 0.04): met"]
        {
            assert!(text.contains(word), "{word}: {text}");
        }
        assert!(text.contains("| express-session + connect-redis | 320.0"), "{text}");
    }

    #[test]
    fn the_summary_has_a_line_for_each_that_was_measured() {
        let text = short(&round_facts(), &report());
        assert!(text.contains("Redis | 320.0 µs; Doorward 10.00 | 32.00 × |"), "{text}");
        assert!(text.contains("jsonwebtoken for Node | 100.0 µs; Doorward 40.00 | 2.50 × |"), "{text}");
        assert!(!text.contains("better-auth") && !text.contains("oidc-provider"), "{text}");
    }
}
