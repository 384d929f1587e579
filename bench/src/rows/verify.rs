//! Verifying an access token, against the raw signature over the same bytes.
//!
//! Raw and whole take turns in short batches, so that a drifting clock drifts in both, and what is judged is the median
//! of the differences.

use std::collections::HashMap;
use std::hint::black_box;
use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

use doorward_verify::Scratch;

use super::{tell, wait_for_calm};
use crate::Trouble;
use crate::figures::{least, median};
use crate::options::Options;
use crate::report::{Line, Row, Verdict};
use crate::tokens::{ALGORITHMS, Token};

/// Verifications in a batch: about a millisecond.
const BATCH: u32 = 32;
/// What the rest of a verification may cost, in microseconds.
const REST: f64 = 1.0;

/// Measures.
pub(super) fn measure(options: &Options) -> Result<Row, Trouble> {
    tell("verify: raw signatures and whole tokens in turn");
    wait_for_calm();
    let allocations = allocations()?;
    let mut row = Row {
        title: String::from("Verifying an access token, in process"),
        notes: vec![
            String::from("on one thread, by the clock; each round is the median of many short batches in turn"),
            String::from("1000 ended sessions in the revocation index"),
        ],
        lines: Vec::new(),
        verdicts: Vec::new(),
    };
    for algorithm in ALGORITHMS {
        let token = Token::mint(algorithm).ok_or("no token")?;
        let name = algorithm.name();
        let batches = if options.quick { 31 } else { 201 };
        let Times { raw, whole, again, rest, mint } = times(&token, batches * options.rounds())?;
        let beyond: Vec<f64> = whole.iter().zip(&raw).map(|(whole, raw)| whole - raw).collect();
        let figure =
            format!("{name}: whole beyond raw, µs (by the least of each: {:.2})", least(&whole) - least(&raw));
        row.verdicts.push(Verdict::at_most(&figure, median(&beyond), REST));
        let counted = allocations.get(name).copied().ok_or("not counted")?;
        row.verdicts.push(Verdict::at_most(&format!("{name}: allocations"), counted as f64, 0.0));
        row.notes.push(format!("{name}: a token of {} bytes", token.bytes()));
        for (what, times) in [
            ("raw signature", raw),
            ("whole verification", whole),
            ("the same token again, remembered (no goal)", again),
            ("payload, claims and index alone", rest),
            ("minting one (no goal)", mint),
        ] {
            let cpu: Vec<f64> = times.chunks(batches).map(median).collect();
            let rate = cpu.iter().map(|micros| 1e6 / micros).collect();
            row.lines.push(Line { name: format!("{name}: {what}"), cpu, rate, ..Line::default() });
        }
    }
    Ok(row)
}

struct Times {
    raw: Vec<f64>,
    whole: Vec<f64>,
    again: Vec<f64>,
    rest: Vec<f64>,
    mint: Vec<f64>,
}

fn times(token: &Token, batches: usize) -> Result<Times, Trouble> {
    let mut scratch = Scratch::new();
    let mut room = vec![0; token.bytes()];
    if !(token.verify(&mut scratch) && token.verify_raw() && token.read_claims(&mut room)) {
        return Err("our own token is refused".into());
    }
    let mut times =
        Times { raw: Vec::new(), whole: Vec::new(), again: Vec::new(), rest: Vec::new(), mint: Vec::new() };
    for number in 0..batches {
        // Whoever comes first finds colder caches: they take turns at that too.
        if number % 2 == 0 {
            times.raw.push(batch(|| token.verify_raw()));
            times.whole.push(batch(|| token.verify(&mut scratch)));
        } else {
            times.whole.push(batch(|| token.verify(&mut scratch)));
            times.raw.push(batch(|| token.verify_raw()));
        }
        times.again.push(batch(|| token.verify_again(&mut scratch)));
        times.rest.push(batch(|| token.read_claims(&mut room)));
        times.mint.push(batch(|| token.mint_again() > 0));
    }
    Ok(times)
}

/// Microseconds of one call, over a batch.
fn batch(mut work: impl FnMut() -> bool) -> f64 {
    let since = Instant::now();
    for _ in 0..BATCH {
        black_box(work());
    }
    since.elapsed().as_secs_f64() * 1e6 / f64::from(BATCH)
}

/// Asks the counting program, which lies beside this one; builds it if it does not.
fn allocations() -> Result<HashMap<String, u64>, Trouble> {
    let here = std::env::current_exe()?;
    let program = here.with_file_name("doorward-bench-allocations");
    let cargo = std::env::var_os("CARGO").map_or_else(|| PathBuf::from("cargo"), PathBuf::from);
    let mut build = Command::new(cargo);
    build.args(["build", "--quiet", "--package", "doorward-bench", "--bin", "doorward-bench-allocations"]);
    if !cfg!(debug_assertions) {
        build.arg("--release");
    }
    // Asked every time, so that it is never an old one; cargo knows if there is nothing to do.
    let built = build.current_dir(env!("CARGO_MANIFEST_DIR")).status().is_ok_and(|status| status.success());
    if !built && !program.exists() {
        return Err("the program that counts allocations could not be built".into());
    }
    let output = Command::new(program).output()?;
    Ok(serde_json::from_slice(&output.stdout)?)
}
