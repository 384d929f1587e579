//! What no text of ours may contain: a promise that nobody keeps, and the address of somebody's own machine.

use super::Finding;
use crate::workspace::File;

/// Spelled in two halves, so that this file may pass its own check.
const PROMISES: [&str; 2] = [concat!("TO", "DO"), concat!("FIX", "ME")];
const MACHINES: [&str; 3] = [concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("/ho", "me/")];

/// Looks at every line of a text file.
pub(crate) fn check(file: &File, findings: &mut Vec<Finding>) {
    for (index, text) in file.text.lines().enumerate() {
        for word in PROMISES {
            if has_word(text, word) && !has_issue(text) {
                let message = format!("{word} without an issue: write `{word}(#123)`, or do it");
                findings.push(Finding::new(&file.path, index + 1, message));
            }
        }
        for start in MACHINES {
            if has_path(text, start) {
                let message = format!("`{start}…` is a path on one machine: say it so that it holds everywhere");
                findings.push(Finding::new(&file.path, index + 1, message));
            }
        }
    }
}

fn has_word(text: &str, word: &str) -> bool {
    let free = |byte: Option<&u8>| !byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
    text.match_indices(word).any(|(at, _)| {
        let before = at.checked_sub(1).and_then(|index| text.as_bytes().get(index));
        free(before) && free(text.as_bytes().get(at + word.len()))
    })
}

fn has_issue(text: &str) -> bool {
    text.match_indices('#').any(|(at, _)| text.as_bytes().get(at + 1).is_some_and(u8::is_ascii_digit))
}

/// A path from the root of a file system, and not the middle of an address.
fn has_path(text: &str, start: &str) -> bool {
    let inside = |byte: &u8| byte.is_ascii_alphanumeric() || b"._-~/}*".contains(byte);
    text.match_indices(start).any(|(at, _)| {
        let before = at.checked_sub(1).and_then(|index| text.as_bytes().get(index));
        !before.is_some_and(inside)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_sample(text: &str, expect: usize) {
        let mut findings = Vec::new();
        check(&File { path: "README.md".to_owned(), text: text.to_owned() }, &mut findings);
        assert_eq!(findings.len(), expect, "{text}: {findings:?}");
    }

    #[test]
    fn promises_need_an_issue() {
        for word in PROMISES {
            check_sample(&format!("// {word}: later"), 1);
            check_sample(&format!("// {word}(#12): later"), 0);
            check_sample(&format!("// {word}S and MAS{word}"), 0);
        }
    }

    #[test]
    fn machine_paths_are_found() {
        for start in MACHINES {
            check_sample(&format!("see {start}ada/doorward"), 1);
            check_sample(&format!("`{start}x`"), 1);
            check_sample(&format!("https://example.test{start}x"), 0);
        }
    }
}
