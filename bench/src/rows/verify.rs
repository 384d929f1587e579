//! Verifying an access token, against the raw signature over the same bytes; minting one, against raw signing.
//!
//! Raw and whole take turns in short batches, so that a drifting clock drifts in both, and what is judged is the median
//! of the differences.

use std::collections::HashMap;
use std::hint::black_box;
use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

use doorward_verify::{Algorithm, Scratch};

use super::{ratios, tell, wait_for_calm};
use crate::Trouble;
use crate::figures::{least, median};
use crate::options::Options;
use crate::report::{Line, Row, Verdict};
use crate::tokens::Token;

/// Calls in a batch of verifications: about a millisecond.
const BATCH: u32 = 32;
/// What the rest of a verification may cost, in microseconds.
const REST: f64 = 1.0;
/// What a verification by a shared secret may cost, in raw ones: there the rest is the larger part.
const SHARED: f64 = 2.5;
/// What a token shown again may cost, in raw Ed25519 signatures.
const AGAIN: f64 = 0.04;
/// What the rest of minting may cost, in microseconds.
const MINTING: f64 = 1.5;

/// Measures.
pub(super) fn measure(options: &Options) -> Result<Row, Trouble> {
    tell("verify: raw signatures and whole tokens in turn");
    wait_for_calm();
    let allocations = allocations()?;
    let batches = if options.quick { 31 } else { 201 };
    let measured = Algorithm::ALL.map(|algorithm| {
        let token = Token::mint(algorithm).ok_or("no token")?;
        Ok::<_, Trouble>(Measured {
            algorithm,
            bytes: token.bytes(),
            times: times(&token, batches * options.rounds())?,
        })
    });
    let measured: Vec<Measured> = measured.into_iter().collect::<Result<_, _>>()?;
    let mut row = Row {
        title: String::from("Verifying an access token, in process"),
        notes: vec![
            String::from("on one thread, by the clock; each round is the median of many short batches in turn"),
            String::from(
                "a token of a person in a session, as Doorward mints it, about 600 bytes with ES256 and EdDSA",
            ),
            String::from("RSA with 2048 bits; 1000 ended sessions in the revocation index"),
        ],
        lines: measured.iter().flat_map(|measured| measured.lines(batches)).collect(),
        verdicts: measured.iter().flat_map(Measured::verdicts).collect(),
        ..Row::default()
    };
    for Measured { algorithm, bytes, .. } in &measured {
        let name = algorithm.name();
        let counted = allocations.get(name).copied().ok_or("not counted")?;
        row.verdicts.push(Verdict::at_most(&format!("{name}: allocations"), counted as f64, 0.0));
        row.notes.push(format!("{name}: a token of {bytes} bytes"));
    }
    let raw = |measured: &&Measured| measured.algorithm == Algorithm::EdDsa;
    let ed25519 = measured.iter().find(raw).map(|measured| median(&measured.times.raw)).ok_or("no EdDSA")?;
    row.verdicts.extend(measured.iter().filter_map(|measured| measured.again(ed25519)));
    Ok(row)
}

/// What was found out about one algorithm.
struct Measured {
    algorithm: Algorithm,
    bytes: usize,
    times: Times,
}

impl Measured {
    fn lines(&self, batches: usize) -> Vec<Line> {
        let Times { raw, whole, again, rest, sign, mint } = &self.times;
        let name = self.algorithm.name();
        let line = |(what, times): (&str, &Vec<f64>)| {
            let cpu: Vec<f64> = times.chunks(batches).map(median).collect();
            let rate = cpu.iter().map(|micros| 1e6 / micros).collect();
            Line { name: format!("{name}: {what}"), cpu, rate, ..Line::default() }
        };
        [
            ("raw signature", raw),
            ("whole verification", whole),
            ("the same token again, remembered", again),
            ("payload, claims and index alone", rest),
            ("raw signing", sign),
            ("minting one", mint),
        ]
        .into_iter()
        .filter(|(_, times)| !times.is_empty())
        .map(line)
        .collect()
    }

    fn verdicts(&self) -> Vec<Verdict> {
        let Times { raw, whole, sign, mint, .. } = &self.times;
        let name = self.algorithm.name();
        let mut verdicts = vec![if self.algorithm.is_shared() {
            Verdict::at_most(&format!("{name}: whole / raw"), median(&ratios(whole, raw)), SHARED)
        } else {
            beyond(&format!("{name}: whole beyond raw, µs"), whole, raw, REST)
        }];
        if !mint.is_empty() {
            verdicts.push(beyond(&format!("{name}: minting beyond raw signing, µs"), mint, sign, MINTING));
        }
        verdicts
    }

    /// Shared secrets are not remembered: they are as quickly verified.
    fn again(&self, ed25519: f64) -> Option<Verdict> {
        let figure = format!("{}: the same token again / a raw Ed25519 signature", self.algorithm.name());
        let remembered = !self.algorithm.is_shared();
        remembered.then(|| Verdict::at_most(&figure, median(&self.times.again) / ed25519, AGAIN))
    }
}

fn beyond(figure: &str, whole: &[f64], raw: &[f64], goal: f64) -> Verdict {
    let rest: Vec<f64> = whole.iter().zip(raw).map(|(whole, raw)| whole - raw).collect();
    let figure = format!("{figure} (by the least of each: {:.2})", least(whole) - least(raw));
    Verdict::at_most(&figure, median(&rest), goal)
}

#[derive(Default)]
struct Times {
    raw: Vec<f64>,
    whole: Vec<f64>,
    again: Vec<f64>,
    rest: Vec<f64>,
    sign: Vec<f64>,
    mint: Vec<f64>,
}

fn times(token: &Token, batches: usize) -> Result<Times, Trouble> {
    let mut scratch = Scratch::new();
    let mut room = vec![0; token.bytes()];
    if !(token.verify(&mut scratch) && token.verify_raw() && token.read_claims(&mut room)) {
        return Err("our own token is refused".into());
    }
    let is_minted = token.mint_again().is_some();
    let mut times = Times::default();
    for number in 0..batches {
        // Whoever comes first finds colder caches: they take turns at that too.
        let raw_first = number % 2 == 0;
        let (raw, whole) = pair(raw_first, || token.verify_raw(), || token.verify(&mut scratch));
        times.raw.push(raw);
        times.whole.push(whole);
        times.again.push(batch(|| token.verify_again(&mut scratch)));
        times.rest.push(batch(|| token.read_claims(&mut room)));
        if is_minted {
            let (sign, mint) = pair(raw_first, || token.sign_raw(), || token.mint_again().is_some());
            times.sign.push(sign);
            times.mint.push(mint);
        }
    }
    Ok(times)
}

/// A batch of each, in the order that is asked for.
fn pair(raw_first: bool, raw: impl FnMut() -> bool, whole: impl FnMut() -> bool) -> (f64, f64) {
    if raw_first {
        let raw = batch(raw);
        (raw, batch(whole))
    } else {
        let whole = batch(whole);
        (batch(raw), whole)
    }
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
pub(super) fn allocations() -> Result<HashMap<String, u64>, Trouble> {
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
