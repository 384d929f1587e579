//! Test data that we may not ship: read where it is, and a skip that is counted where it is not.
#![expect(clippy::disallowed_methods, reason = "a test hears from the environment where to write its skips")]

use std::io::Write as _;
use std::path::Path;

use serde_json::Value;

/// Reads a file of the shared test data; `None`, and a counted skip, where there is none.
pub(crate) fn read(path: &str) -> Option<Value> {
    let file = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data")).join(path);
    match std::fs::read(&file) {
        Ok(bytes) => Some(serde_json::from_slice(&bytes).unwrap()),
        Err(_) => {
            skip(&format!("data: {path} is not beside the checkout"));
            None
        }
    }
}

/// The bytes of a text of hexadecimal digits.
pub(crate) fn hex(value: &Value) -> Vec<u8> {
    let text = value.as_str().unwrap().as_bytes();
    text.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

fn skip(line: &str) {
    match std::env::var_os("DOORWARD_SKIPS") {
        Some(file) => {
            let mut file = std::fs::OpenOptions::new().append(true).create(true).open(file).unwrap();
            writeln!(file, "{line}").unwrap();
        }
        None => eprintln!("{line}"),
    }
}
