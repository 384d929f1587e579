//! Documents stay short, and what they point at exists.

use std::collections::BTreeMap;

use super::Finding;
use crate::requirements::{STATES, ids};
use crate::workspace::File;

/// Pages that are only read if they are short.
const LENGTHS: [(&str, usize); 3] = [("ARCHITECTURE.md", 200), ("README.md", 200), ("STYLE.md", 150)];

/// Folders whose paths are followed.
const FOLLOWED: [&str; 5] = ["crates/", "docs/", "xtask/", "bench/", "conformance/"];

/// Counts the lines of the pages that have a limit.
pub(crate) fn check_length(file: &File, findings: &mut Vec<Finding>) {
    let lines = file.text.lines().count();
    for (path, most) in LENGTHS {
        if file.path == path && lines > most {
            findings.push(Finding::new(path, most + 1, format!("{lines} lines, {most} are allowed")));
        }
    }
}

/// Follows the paths that a page names. A decision is never edited, so the paths of its day may be gone.
pub(crate) fn check_paths(file: &File, exists: impl Fn(&str) -> bool, findings: &mut Vec<Finding>) {
    let page =
        file.path.ends_with(".md") && file.path.starts_with("docs/") && !file.path.starts_with("docs/decisions/");
    if !page && file.path != "README.md" && file.path != "ARCHITECTURE.md" {
        return;
    }
    for (index, line) in file.text.lines().enumerate() {
        for path in paths(line).iter().flat_map(|path| spelled_out(path)) {
            // A `*` stands for whatever a folder holds; what can be checked is the folder.
            let sure = path.split_once('*').map_or(path.as_str(), |(sure, _)| sure);
            let sure = if sure == path { sure } else { sure.rsplit_once('/').map_or(sure, |(folder, _)| folder) };
            if !exists(sure) {
                findings.push(Finding::new(&file.path, index + 1, format!("`{path}` does not exist")));
            }
        }
    }
}

/// The paths in a line of text.
fn paths(line: &str) -> Vec<&str> {
    let outside = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-{,".contains(&byte);
    let mut found = Vec::new();
    for start in FOLLOWED {
        for (at, _) in line.match_indices(start) {
            if at > 0 && outside(line.as_bytes()[at - 1]) {
                continue;
            }
            let mut depth = 0_i32;
            let end = line[at..].bytes().position(|byte| {
                depth += i32::from(byte == b'{') - i32::from(byte == b'}');
                let fits = byte.is_ascii_alphanumeric() || b"/._-{}*".contains(&byte) || (depth > 0 && byte == b',');
                !fits
            });
            let path = &line[at..end.map_or(line.len(), |length| at + length)];
            found.push(path.trim_end_matches(['.', '-']));
        }
    }
    found
}

/// `a/{b,c}.rs` is two paths.
fn spelled_out(path: &str) -> Vec<String> {
    let Some((before, rest)) = path.split_once('{') else { return vec![path.to_owned()] };
    let Some((choices, after)) = rest.split_once('}') else { return vec![path.to_owned()] };
    let after = spelled_out(after);
    choices.split(',').flat_map(|choice| after.iter().map(move |end| format!("{before}{choice}{end}"))).collect()
}

/// Every requirement has one row, a known state, and proof where it claims to be met.
pub(crate) fn check_requirements(file: &File, findings: &mut Vec<Finding>) {
    let mut missing: BTreeMap<String, usize> = ids().map(|id| (id, 0)).collect();
    for (index, text) in file.text.lines().enumerate() {
        let line = index + 1;
        let cells = cells(text);
        let Some(id) = cells.first().filter(|id| is_id(id)) else { continue };
        match missing.get_mut(id.as_str()) {
            Some(0) => {
                missing.insert(id.clone(), line);
            }
            Some(first) => {
                findings.push(Finding::new(&file.path, line, format!("{id} stands on line {first} already")));
            }
            None => findings.push(Finding::new(&file.path, line, format!("{id} is no requirement of ours"))),
        }
        let [_, _, state, place, test] = &cells[..] else {
            findings.push(Finding::new(&file.path, line, "a row is `| id | requirement | state | where | test |`"));
            continue;
        };
        if !STATES.contains(&state.as_str()) {
            findings.push(Finding::new(&file.path, line, format!("`{state}` is none of {}", STATES.join(", "))));
        }
        let proven = match state.as_str() {
            "met" => !place.is_empty() && !test.is_empty(),
            "partly" => !place.is_empty(),
            _ => true,
        };
        if !proven {
            findings.push(Finding::new(&file.path, line, format!("{id} is {state}: say where, and by which test")));
        }
    }
    for (id, _) in missing.iter().filter(|(_, line)| **line == 0) {
        findings.push(Finding::new(&file.path, 1, format!("{id} has no row")));
    }
}

fn is_id(cell: &str) -> bool {
    let bytes = cell.as_bytes();
    bytes.len() >= 4 && bytes[0] == b'S' && bytes[1].is_ascii_digit() && bytes[2] == b'-'
}

/// The cells of a table's row, at bars that no backslash escapes; empty for any other line.
pub(crate) fn cells(line: &str) -> Vec<String> {
    let Some(inner) = line.trim().strip_prefix('|').and_then(|rest| rest.strip_suffix('|')) else {
        return Vec::new();
    };
    let escaped = inner.replace("\\|", "\0");
    escaped.split('|').map(|cell| cell.trim().replace('\0', "\\|")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, text: impl Into<String>) -> File {
        File { path: path.to_owned(), text: text.into() }
    }

    #[test]
    fn long_pages_are_found() {
        let mut findings = Vec::new();
        check_length(&file("STYLE.md", "x\n".repeat(150)), &mut findings);
        assert_eq!(findings, []);
        check_length(&file("STYLE.md", "x\n".repeat(151)), &mut findings);
        assert_eq!(findings.len(), 1);
    }

    #[test]
    fn paths_are_cut_out_of_prose() {
        assert_eq!(paths("see `crates/x/src/a.rs`, docs/flows/."), ["crates/x/src/a.rs", "docs/flows/"]);
        assert_eq!(paths("https://example.test/docs/a target/bench/b"), Vec::<&str>::new());
        assert_eq!(spelled_out("a/{b,c}.rs"), ["a/b.rs", "a/c.rs"]);
    }

    #[test]
    fn dead_paths_are_found() {
        let exists = |path: &str| ["crates/x", "crates/x/b.rs"].contains(&path);
        let found = |path: &str, text: &str| {
            let mut findings = Vec::new();
            check_paths(&file(path, text), exists, &mut findings);
            findings.len()
        };
        assert_eq!(found("README.md", "crates/x/{a,b}.rs and crates/x/*.rs"), 1);
        assert_eq!(found("docs/flows/a.md", "crates/y"), 1);
        assert_eq!(found("docs/decisions/0001-a.md", "crates/y"), 0);
        assert_eq!(found("CHANGELOG.md", "crates/y"), 0);
    }

    fn check_row(change: impl Fn(&str) -> String, expect: usize) {
        let rows: String = ids()
            .map(|id| {
                let row = format!("| {id} | a \\| b | not yet | | |\n");
                if id == "S1-50" { change(&row) } else { row }
            })
            .collect();
        let mut findings = Vec::new();
        check_requirements(&file("docs/requirements.md", rows), &mut findings);
        assert_eq!(findings.len(), expect, "{findings:?}");
    }

    #[test]
    fn requirements_are_complete_and_honest() {
        check_row(str::to_owned, 0);
        check_row(|_| String::new(), 1);
        check_row(|row| row.repeat(2), 1);
        check_row(|row| row.replace("not yet", "nearly"), 1);
        check_row(|row| row.replace("not yet", "met"), 1);
        check_row(|row| row.replace("not yet | | |", "met | crates/x | a_test |"), 0);
        check_row(|row| row.replace("S1-50", "S1-99"), 2);
        check_row(|row| row.replace("| |\n", "|\n"), 1);
    }
}
