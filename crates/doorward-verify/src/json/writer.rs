//! Writes the little JSON that this crate mints: objects of strings, lists of strings, integers, and what a caller adds.

use std::io::Write as _;

const HEX: &[u8; 16] = b"0123456789abcdef";

/// Appends `text` to `out` as a JSON string with its quotes. Only what must be escaped is.
pub fn write_string(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    let bytes = text.as_bytes();
    let mut plain_from = 0;
    for (at, &byte) in bytes.iter().enumerate() {
        if byte >= 0x20 && byte != b'"' && byte != b'\\' {
            continue;
        }
        out.extend_from_slice(&bytes[plain_from..at]);
        plain_from = at + 1;
        if byte < 0x20 {
            out.extend_from_slice(b"\\u00");
            out.extend_from_slice(&[HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
        } else {
            out.extend_from_slice(&[b'\\', byte]);
        }
    }
    out.extend_from_slice(&bytes[plain_from..]);
    out.push(b'"');
}

/// Writes one object, member by member, in the order of the calls. Names are the caller's own and must be unique and
/// need no escaping.
#[derive(Debug)]
pub struct ObjectWriter<'o> {
    out: &'o mut Vec<u8>,
    separator: u8,
}

impl<'o> ObjectWriter<'o> {
    /// Opens the object.
    pub const fn begin(out: &'o mut Vec<u8>) -> Self {
        Self { out, separator: b'{' }
    }

    /// Writes a string.
    pub fn text(&mut self, name: &str, value: &str) {
        self.name(name);
        write_string(value, self.out);
    }

    /// Writes a string, if there is one.
    pub fn text_if(&mut self, name: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.text(name, value);
        }
    }

    /// Writes an array of strings.
    pub fn texts<'t>(&mut self, name: &str, values: impl Iterator<Item = &'t str>) {
        self.name(name);
        self.out.push(b'[');
        for (place, value) in values.enumerate() {
            if place > 0 {
                self.out.push(b',');
            }
            write_string(value, self.out);
        }
        self.out.push(b']');
    }

    /// Writes an integer.
    pub fn integer(&mut self, name: &str, value: i64) {
        self.name(name);
        // Writing into memory cannot fail.
        let _ = write!(self.out, "{value}");
    }

    /// Writes a name, and lets the caller append the one value that belongs to it.
    pub fn raw(&mut self, name: &str) -> &mut Vec<u8> {
        self.name(name);
        self.out
    }

    /// Closes the object.
    pub fn end(self) {
        if self.separator == b'{' {
            self.out.push(b'{');
        }
        self.out.push(b'}');
    }

    fn name(&mut self, name: &str) {
        self.out.push(self.separator);
        self.separator = b',';
        write_string(name, self.out);
        self.out.push(b':');
    }
}
