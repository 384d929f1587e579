//! Files and functions stay small enough to be read at one sitting.

use super::Finding;
use super::ratchet::Ratchet;
use super::rust::Source;

const FILE: usize = 500;
const TEST_FILE: usize = 800;
const FUNCTION: usize = 70;

/// Counts the lines of a file and of every function in it.
pub(crate) fn check(source: &Source<'_>, ratchet: &mut Ratchet, findings: &mut Vec<Finding>) {
    let most = if source.is_test() { TEST_FILE } else { FILE };
    let lines = source.text.lines().count();
    if !ratchet.allows(source.path, lines, most) {
        findings.push(Finding::new(source.path, 1, format!("{lines} lines, {most} are allowed: split it by idea")));
    }
    for function in source.functions() {
        let what = format!("{}::{}", source.path, function.name);
        if !ratchet.allows(&what, function.lines, FUNCTION) {
            let message = format!("`{}` has {} lines, {FUNCTION} are allowed", function.name, function.lines);
            findings.push(Finding::new(source.path, function.line, message));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_sample(path: &str, text: &str, expect: usize) {
        let mut findings = Vec::new();
        check(&Source::new(path, text), &mut Ratchet::default(), &mut findings);
        assert_eq!(findings.len(), expect, "{findings:?}");
    }

    #[test]
    fn long_files_are_found_and_tests_may_be_longer() {
        check_sample("crates/x/src/a.rs", &"//\n".repeat(500), 0);
        check_sample("crates/x/src/a.rs", &"//\n".repeat(501), 1);
        check_sample("crates/x/tests/a.rs", &"//\n".repeat(800), 0);
        check_sample("crates/x/tests/a.rs", &"//\n".repeat(801), 1);
    }

    #[test]
    fn long_functions_are_found() {
        let function = |lines: usize| format!("fn f() {{\n{}}}\n", "    x();\n".repeat(lines - 2));
        check_sample("crates/x/src/a.rs", &function(70), 0);
        check_sample("crates/x/src/a.rs", &function(71), 1);
    }
}
