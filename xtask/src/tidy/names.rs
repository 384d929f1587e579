//! Names that say nothing, and files that do not say what they are for.

use super::Finding;
use super::rust::Source;

/// A name for everything is a name for nothing: what is in such a module belongs to the idea it serves.
const EMPTY: [&str; 12] = [
    "utils", "util", "helpers", "helper", "common", "misc", "manager", "managers", "service", "services", "handler",
    "handlers",
];

/// Looks at a file's path, its modules and its first line.
pub(crate) fn check(source: &Source<'_>, findings: &mut Vec<Finding>) {
    for part in source.path.split('/') {
        let name = part.strip_suffix(".rs").unwrap_or(part);
        if EMPTY.contains(&name) {
            findings.push(Finding::new(source.path, 1, format!("`{name}` names no idea: call it after what it is")));
        }
    }
    for at in source.places("mod ") {
        let name = source.name_at(at + "mod ".len());
        if EMPTY.contains(&name) {
            let message = format!("module `{name}` names no idea: call it after what it is");
            findings.push(Finding::new(source.path, source.line(at), message));
        }
    }
    let first = source.text.lines().find(|line| !line.trim().is_empty());
    if !first.is_some_and(|line| line.starts_with("//!")) {
        findings.push(Finding::new(source.path, 1, "a file begins with `//!` and says what it is for"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_sample(path: &str, text: &str, expect: usize) {
        let mut findings = Vec::new();
        check(&Source::new(path, text), &mut findings);
        assert_eq!(findings.len(), expect, "{findings:?}");
    }

    #[test]
    fn empty_names_are_found_in_paths_and_modules() {
        check_sample("crates/x/src/utils.rs", "//! X.\n", 1);
        check_sample("crates/x/src/services/user.rs", "//! X.\n", 1);
        check_sample("crates/x/src/a.rs", "//! X.\nmod helpers {}\n", 1);
        check_sample("crates/x/src/handlebar.rs", "//! X.\nmod commonly {}\n// mod utils\n", 0);
    }

    #[test]
    fn a_file_without_a_purpose_is_found() {
        check_sample("crates/x/src/a.rs", "use std::fmt;\n", 1);
        check_sample("crates/x/src/a.rs", "", 1);
        check_sample("crates/x/src/a.rs", "\n//! Purpose.\n", 0);
    }
}
