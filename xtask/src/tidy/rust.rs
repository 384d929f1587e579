//! Reads Rust just well enough for the checks: which bytes are code, where functions end, which lines are tests.
//!
//! This is a scanner and no parser. It knows comments, strings, raw strings, character literals and braces. It is fooled
//! by a `{` in a function's signature (a const-generic block), which nobody here writes.

use std::ops::RangeInclusive;

/// One Rust file.
pub(crate) struct Source<'a> {
    /// From the root.
    pub(crate) path: &'a str,
    /// As written.
    pub(crate) text: &'a str,
    /// The same bytes with comments and the insides of literals blanked out; lines keep their numbers.
    pub(crate) code: String,
    /// Lines of items under `#[cfg(test)]`.
    tests: Vec<RangeInclusive<usize>>,
}

/// A function with a body.
pub(crate) struct Function<'a> {
    /// Its name.
    pub(crate) name: &'a str,
    /// The line of its `fn`.
    pub(crate) line: usize,
    /// Lines from `fn` to the closing brace.
    pub(crate) lines: usize,
}

impl<'a> Source<'a> {
    /// Scans a file.
    pub(crate) fn new(path: &'a str, text: &'a str) -> Self {
        let mut source = Self { path, text, code: blanked(text), tests: Vec::new() };
        source.tests = source.test_items();
        source
    }

    /// Files that are nothing but tests or measurements.
    pub(crate) fn is_test(&self) -> bool {
        let folders = ["/tests/", "/benches/", "/examples/"];
        folders.iter().any(|folder| self.path.contains(folder)) || self.path.ends_with("/tests.rs")
    }

    /// Whether a line belongs to an item under `#[cfg(test)]`.
    pub(crate) fn is_test_line(&self, line: usize) -> bool {
        self.tests.iter().any(|lines| lines.contains(&line))
    }

    /// The line, from 1, of a byte.
    pub(crate) fn line(&self, at: usize) -> usize {
        1 + self.code.as_bytes()[..at].iter().filter(|byte| **byte == b'\n').count()
    }

    /// Where a piece of code occurs and does not continue a longer name to its left.
    pub(crate) fn places(&self, what: &str) -> Vec<usize> {
        let starts = |at: &usize| *at == 0 || !is_name(self.code.as_bytes()[at - 1]);
        self.code.match_indices(what).map(|(at, _)| at).filter(starts).collect()
    }

    /// The name that begins at a byte; empty if none does.
    pub(crate) fn name_at(&self, at: usize) -> &str {
        let rest = &self.code[at..];
        let end = rest.bytes().position(|byte| !is_name(byte)).unwrap_or(rest.len());
        &rest[..end]
    }

    /// Every function with a body, nested ones too.
    pub(crate) fn functions(&self) -> Vec<Function<'_>> {
        let mut found = Vec::new();
        for at in self.places("fn ") {
            let name = self.name_at(at + "fn ".len());
            let Some(open) = self.body(at).filter(|_| !name.is_empty()) else { continue };
            let line = self.line(at);
            found.push(Function { name, line, lines: self.line(self.closing(open)) - line + 1 });
        }
        found
    }

    /// The brace that opens the body of the item at `at`, unless a `;` outside parentheses comes first.
    fn body(&self, at: usize) -> Option<usize> {
        let mut depth = 0_i32;
        for (offset, byte) in self.code.bytes().enumerate().skip(at) {
            match byte {
                b'(' | b'[' => depth += 1,
                b')' | b']' => depth -= 1,
                b';' if depth == 0 => return None,
                b'{' if depth == 0 => return Some(offset),
                _ => {}
            }
        }
        None
    }

    /// The brace that closes the one at `open`; the end of the file if none does.
    fn closing(&self, open: usize) -> usize {
        let mut depth = 0_i32;
        for (offset, byte) in self.code.bytes().enumerate().skip(open) {
            match byte {
                b'{' => depth += 1,
                b'}' => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                return offset;
            }
        }
        self.code.len()
    }

    fn test_items(&self) -> Vec<RangeInclusive<usize>> {
        let mark = "#[cfg(test)]";
        let lines = |(at, _): (usize, &str)| {
            let end = self.body(at + mark.len()).map_or(at, |open| self.closing(open));
            self.line(at)..=self.line(end)
        };
        self.code.match_indices(mark).map(lines).collect()
    }
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Puts spaces where a text is comment or literal, byte for byte, keeping line ends.
fn blanked(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut code = String::with_capacity(text.len());
    let mut at = 0;
    while at < bytes.len() {
        let Some(end) = silent(bytes, at) else {
            let next = (at + 1..=bytes.len()).find(|end| text.is_char_boundary(*end)).unwrap_or(bytes.len());
            code.push_str(&text[at..next]);
            at = next;
            continue;
        };
        code.extend(bytes[at..end].iter().map(|byte| if *byte == b'\n' { '\n' } else { ' ' }));
        at = end;
    }
    code
}

/// Where the comment or literal that begins at `at` ends; `None` if none begins there.
fn silent(bytes: &[u8], at: usize) -> Option<usize> {
    let rest = &bytes[at..];
    if rest.starts_with(b"//") {
        let line = rest.iter().position(|byte| *byte == b'\n');
        return Some(line.map_or(bytes.len(), |length| at + length));
    }
    if rest.starts_with(b"/*") {
        return Some(block_comment(bytes, at));
    }
    match bytes[at] {
        b'"' => Some(string(bytes, at + 1)),
        b'\'' => character(bytes, at),
        b'r' => raw_string(bytes, at),
        _ => None,
    }
}

fn block_comment(bytes: &[u8], mut at: usize) -> usize {
    let mut depth = 0_usize;
    while at < bytes.len() {
        if bytes[at..].starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if bytes[at..].starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                break;
            }
        } else {
            at += 1;
        }
    }
    at.min(bytes.len())
}

fn string(bytes: &[u8], mut at: usize) -> usize {
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    bytes.len()
}

/// A quote opens a character if the next quote comes after exactly one; otherwise it is a lifetime.
fn character(bytes: &[u8], at: usize) -> Option<usize> {
    match bytes.get(at + 1)? {
        b'\\' => {
            let quote = bytes[at + 3..].iter().position(|byte| *byte == b'\'')?;
            Some(at + 3 + quote + 1)
        }
        first => {
            let length = match first {
                0xF0.. => 4,
                0xE0.. => 3,
                0xC0.. => 2,
                _ => 1,
            };
            (bytes.get(at + 1 + length) == Some(&b'\'')).then_some(at + length + 2)
        }
    }
}

fn raw_string(bytes: &[u8], at: usize) -> Option<usize> {
    let before = |back: usize| at.checked_sub(back).map(|index| bytes[index]);
    let after_name = match before(1) {
        Some(b'b' | b'c') => before(2).is_some_and(is_name),
        Some(byte) => is_name(byte),
        None => false,
    };
    let hashes = bytes[at + 1..].iter().take_while(|byte| **byte == b'#').count();
    let start = at + 1 + hashes;
    if after_name || bytes.get(start) != Some(&b'"') {
        return None;
    }
    let mut end = vec![b'"'];
    end.resize(1 + hashes, b'#');
    let length = bytes[start + 1..].windows(end.len()).position(|window| window == end);
    Some(length.map_or(bytes.len(), |length| start + 1 + length + end.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Blanking keeps the length; `expect` shows blanked bytes as `.`.
    fn check(text: &str, expect: &str) {
        let code = blanked(text);
        let blank = |(was, is): (char, char)| if was != ' ' && is == ' ' { '.' } else { is };
        assert_eq!(text.chars().zip(code.chars()).map(blank).collect::<String>(), expect);
    }

    #[test]
    fn comments_and_literals_are_not_code() {
        check("a // b", "a .. .");
        check("/*{/*{*/}*/ x", "........... x");
        check(r#"f("{\"}", 'x', '{', '\'')"#, r"f(......, ..., ..., ....)");
        check(r##"r#"{"# br"}" r#fn"##, r"...... b.... r#fn");
        check("fn f<'a>(x: &'a str) {}", "fn f<'a>(x: &'a str) {}");
    }

    #[test]
    fn functions_end_at_their_brace() {
        let text = "trait T { fn no(&self) -> [u8; 2]; }\nfn a() {\n    if x { '}' } else { \"}\" }\n}\nfn b() {}\n";
        let source = Source::new("crates/x/src/a.rs", text);
        let found: Vec<_> = source.functions().iter().map(|it| (it.name.to_owned(), it.line, it.lines)).collect();
        assert_eq!(found, [("a".to_owned(), 2, 3), ("b".to_owned(), 5, 1)]);
    }

    #[test]
    fn test_items_are_known_by_line() {
        let text = "fn a() {}\n#[cfg(test)]\nmod tests {\n    fn b() {}\n}\nfn c() {}\n";
        let source = Source::new("crates/x/src/a.rs", text);
        let lines: Vec<usize> = (1..=6).filter(|line| source.is_test_line(*line)).collect();
        assert_eq!(lines, [2, 3, 4, 5]);
    }

    #[test]
    fn test_files_are_known_by_path() {
        let is_test = |path| Source::new(path, "").is_test();
        assert!(is_test("crates/x/tests/a.rs") && is_test("crates/x/src/a/tests.rs"));
        assert!(!is_test("crates/x/src/attests.rs"));
    }
}
