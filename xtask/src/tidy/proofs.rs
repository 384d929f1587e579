//! Pages that promise something name the test that would notice its loss, and that test is there.

use std::collections::BTreeSet;

use super::Finding;
use super::docs::cells;
use crate::workspace::File;

/// A page with a table of promises.
struct Page {
    path: &'static str,
    /// Which cell of a row has the state, from 0.
    state: usize,
    /// The states there are; the first one needs a test.
    states: &'static [&'static str],
}

const PAGES: [Page; 1] = [Page { path: "docs/asvs.md", state: 3, states: &["met", "partly", "not yet", "not ours"] }];

/// Checks every row of every such page.
pub(crate) fn check(files: &[File], findings: &mut Vec<Finding>) {
    let tests = tests(files);
    for page in &PAGES {
        match files.iter().find(|file| file.path == page.path) {
            Some(file) => check_page(page, file, &tests, findings),
            None => findings.push(Finding::new(page.path, 1, "missing")),
        }
    }
    for file in files.iter().filter(|file| file.path == "SECURITY.md") {
        check_names(file, &tests, findings);
    }
}

/// The names of all tests: functions under a test's attribute, and those of the suites that every store runs.
fn tests(files: &[File]) -> BTreeSet<&str> {
    let rust = files.iter().filter(|file| file.path.ends_with(".rs"));
    rust.flat_map(|file| {
        let is_suite = file.path.contains("/suite/");
        let lines: Vec<&str> = file.text.lines().map(str::trim).collect();
        let is_test = move |at: usize| {
            let above = lines[..at].iter().rev().take_while(|line| line.starts_with("#[") || line.starts_with("//"));
            is_suite || above.into_iter().any(|line| line.starts_with("#[test]") || line.starts_with("#[tokio::test"))
        };
        let named = file.text.lines().enumerate().filter_map(move |(at, line)| {
            let (before, rest) = line.split_once("fn ")?;
            let name = rest.split(['(', '<']).next()?;
            (!before.contains("//") && is_test(at)).then_some(name)
        });
        named.collect::<Vec<_>>()
    })
    .collect()
}

fn check_page(page: &Page, file: &File, tests: &BTreeSet<&str>, findings: &mut Vec<Finding>) {
    for (index, text) in file.text.lines().enumerate() {
        let cells = cells(text);
        let is_row = cells.first().is_some_and(|id| id.starts_with(|letter: char| letter.is_ascii_digit()));
        if !is_row {
            continue;
        }
        let line = index + 1;
        let (Some(state), Some(last)) = (cells.get(page.state), cells.last()) else { continue };
        if !page.states.contains(&state.as_str()) {
            findings.push(Finding::new(page.path, line, format!("`{state}` is none of {}", page.states.join(", "))));
        }
        let named = names(last);
        for name in named.iter().filter(|name| !tests.contains(**name)) {
            findings.push(Finding::new(page.path, line, format!("there is no test `{name}`")));
        }
        if state == page.states[0] && named.is_empty() {
            findings.push(Finding::new(page.path, line, format!("{} is {state}: by which test?", cells[0])));
        }
    }
}

/// Outside tables of ours, every name that looks like a test's must be one.
fn check_names(file: &File, tests: &BTreeSet<&str>, findings: &mut Vec<Finding>) {
    for (index, line) in file.text.lines().enumerate() {
        for name in names(line).into_iter().filter(|name| !tests.contains(name)) {
            findings.push(Finding::new(&file.path, index + 1, format!("there is no test `{name}`")));
        }
    }
}

/// The words in code marks that look like the name of a test: at least three words in snake case.
fn names(text: &str) -> Vec<&str> {
    let marked = text.split('`').skip(1).step_by(2);
    let looks = |word: &&str| {
        word.matches('_').count() >= 2
            && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
    };
    marked.filter(looks).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, text: &str) -> File {
        File { path: path.to_owned(), text: text.to_owned() }
    }

    fn found(row: &str) -> usize {
        let tests = file("crates/x/tests/a.rs", "#[test]\nfn it_is_so() {}\n");
        let mut findings = Vec::new();
        check(&[tests, file("docs/asvs.md", row)], &mut findings);
        findings.len()
    }

    #[test]
    fn what_is_met_names_a_test_that_is_there() {
        assert_eq!(found("| 1.1.1 | 1 | a | met | b; `it_is_so` |"), 0);
        assert_eq!(found("| 1.1.1 | 1 | a | met | b |"), 1);
        assert_eq!(found("| 1.1.1 | 1 | a | met | `it_was_so` |"), 1);
        assert_eq!(found("| 1.1.1 | 1 | a | partly | b: `it_was_so` |"), 1);
        assert_eq!(found("| 1.1.1 | 1 | a | not yet | |"), 0);
        assert_eq!(found("| 1.1.1 | 1 | a | nearly | `it_is_so` |"), 1);
    }

    #[test]
    fn a_missing_page_is_found_and_so_is_a_test_that_prose_makes_up() {
        let mut findings = Vec::new();
        check(&[file("SECURITY.md", "as `it_is_not_so` shows, `Cache-Control` and `a_b` apart")], &mut findings);
        assert_eq!(findings.len(), 2, "{findings:?}");
    }
}
