//! Hands the body `import_lines` to a fuzzer.

#![no_main]

#[path = "../targets.rs"]
mod targets;

libfuzzer_sys::fuzz_target!(|data: &[u8]| targets::run("import_lines", data));
