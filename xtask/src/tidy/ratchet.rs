//! The exceptions from the size rules: checked in, with a reason each, and never wider than they need to be.

use std::collections::BTreeMap;

use super::Finding;
use crate::workspace::File;

/// Where the exceptions are listed.
const HOME: &str = "xtask/ratchet.txt";

/// The list, and which of it has been needed.
#[derive(Default)]
pub(crate) struct Ratchet {
    entries: BTreeMap<String, Entry>,
}

struct Entry {
    line: usize,
    limit: usize,
    used: bool,
}

impl Ratchet {
    /// Reads `PATH[::FUNCTION] LINES REASON…`, one exception a line; `#` begins a remark.
    pub(crate) fn read(files: &[File], findings: &mut Vec<Finding>) -> Self {
        let mut ratchet = Self::default();
        let Some(file) = files.iter().find(|file| file.path == HOME) else {
            findings.push(Finding::new(HOME, 1, "missing: an empty file will do"));
            return ratchet;
        };
        for (index, text) in file.text.lines().enumerate() {
            let line = index + 1;
            if text.trim().is_empty() || text.starts_with('#') {
                continue;
            }
            let mut words = text.split_whitespace();
            let what = words.next().unwrap_or_default().to_owned();
            let limit = words.next().and_then(|word| word.parse().ok());
            match (limit, words.next()) {
                (Some(limit), Some(_)) => {
                    ratchet.entries.insert(what, Entry { line, limit, used: false });
                }
                _ => findings.push(Finding::new(HOME, line, "an exception is `PATH[::FUNCTION] LINES REASON`")),
            }
        }
        ratchet
    }

    /// How many lines `what` may have, `ordinary` being the rule for all.
    pub(crate) fn allows(&mut self, what: &str, lines: usize, ordinary: usize) -> bool {
        if lines <= ordinary {
            return true;
        }
        match self.entries.get_mut(what) {
            Some(entry) => {
                entry.used = true;
                lines <= entry.limit
            }
            None => false,
        }
    }

    /// An exception that nothing needs any more must go, so that it cannot be used again by accident.
    pub(crate) fn check_unused(&self, findings: &mut Vec<Finding>) {
        for (what, entry) in self.entries.iter().filter(|(_, entry)| !entry.used) {
            findings.push(Finding::new(HOME, entry.line, format!("`{what}` needs no exception: take the line out")));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ratchet(text: &str) -> (Ratchet, Vec<Finding>) {
        let mut findings = Vec::new();
        let file = File { path: HOME.to_owned(), text: text.to_owned() };
        let ratchet = Ratchet::read(&[file], &mut findings);
        (ratchet, findings)
    }

    #[test]
    fn an_exception_allows_its_lines_and_no_more() {
        let (mut ratchet, findings) = ratchet("# remark\n\na.rs 520 one table\n");
        assert_eq!(findings, []);
        assert!(ratchet.allows("a.rs", 520, 500));
        assert!(!ratchet.allows("a.rs", 521, 500));
        assert!(!ratchet.allows("b.rs", 501, 500));
    }

    #[test]
    fn an_exception_without_reason_or_number_is_found() {
        assert_eq!(ratchet("a.rs 520\nb.rs many lines\n").1.len(), 2);
    }

    #[test]
    fn an_exception_that_nothing_needs_is_found() {
        let (mut ratchet, mut findings) = ratchet("a.rs 520 one table\n");
        assert!(ratchet.allows("a.rs", 499, 500));
        ratchet.check_unused(&mut findings);
        assert_eq!(findings.len(), 1);
    }
}
