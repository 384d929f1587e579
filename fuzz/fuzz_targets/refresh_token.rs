//! Hands the body `refresh_token` to a fuzzer.

#![no_main]

#[path = "../targets.rs"]
mod targets;

libfuzzer_sys::fuzz_target!(|data: &[u8]| targets::run("refresh_token", data));
