//! The index alone: what a look into a million entries costs, beside the whole verification of a token.

use std::hint::black_box;
use std::time::Instant;

use doorward_verify::{Algorithm, Scratch};

use super::tell;
use crate::Trouble;
use crate::figures::{least, median};
use crate::index::Index;
use crate::options::Options;
use crate::report::{Line, Row, Verdict};
use crate::rows::{line, verify, wait_for_calm};
use crate::tokens::Token;

/// Entries.
const ENTRIES: u64 = 1_000_000;
/// What a look may cost, in nanoseconds; what an entry may take, in bytes; which part of a verification a look may be.
const LOOK: f64 = 500.0;
const BYTES: f64 = 40.0;
const SHARE: f64 = 0.03;
/// Calls of a batch.
const CHECKS: u32 = 1_000;
const VERIFICATIONS: u32 = 20;

/// Measures; gives what verifying alone takes, in microseconds.
pub(super) fn measure(options: &Options, row: &mut Row) -> Result<f64, Trouble> {
    tell("revocation: a million entries");
    let bytes = verify::allocations()?.get("index").copied().ok_or("not counted")?;
    let mut index = Index::of(ENTRIES);
    let named = index.named(CHECKS as usize);
    let token = Token::mint(Algorithm::Es256).ok_or("no token")?;
    let mut scratch = Scratch::new();
    wait_for_calm();
    let (mut drawing, mut looks, mut claims, mut verifying) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..if options.quick { 51 } else { 1001 } {
        drawing.push(batch(CHECKS, || black_box(index.draw()).0[0] < 255));
        looks.push(batch(CHECKS, || index.check()));
        let mut names = named.iter().cycle();
        claims.push(batch(CHECKS, || names.next().is_some_and(|named| index.check_claims(named))));
        verifying.push(batch(VERIFICATIONS, || token.verify_unrevoked(&mut scratch)));
    }
    let drawn = median(&drawing);
    let alone: Vec<f64> = looks.iter().map(|look| look - drawn).collect();
    let shown = |name: &str, micros: &[f64]| Line {
        cpu: vec![median(micros)],
        rate: vec![1e6 / median(micros)],
        ..line(name)
    };
    row.lines.push(shown("a look into a million entries, nine scopes", &alone));
    row.lines.push(shown("— the keys made from the claims too", &claims));
    row.lines.push(shown("verify alone, ES256, nothing revoked", &verifying));
    let by_least = (least(&looks) - least(&drawing)).max(0.0);
    row.verdicts.push(Verdict::at_most("index check, nanoseconds", median(&alone) * 1000.0, LOOK));
    row.verdicts.push(Verdict::at_most(
        &format!("bytes an entry, {} entries of all nine kinds", index.len()),
        bytes as f64,
        BYTES,
    ));
    row.verdicts.push(Verdict::at_most(
        "index check alone / verify alone (ES256), each by its least",
        by_least / least(&verifying),
        SHARE,
    ));
    row.notes.push(format!(
        "by the least: a look {:.0} ns, with its keys made from the claims {:.0} ns, verify alone {:.2} µs; each look is for \
         keys drawn for it, so that every table is met where no cache has it; drawing ({:.0} ns) is taken off",
        by_least * 1000.0,
        least(&claims) * 1000.0,
        least(&verifying),
        drawn * 1000.0
    ));
    Ok(median(&verifying))
}

/// Microseconds of one call, over a batch.
fn batch(calls: u32, mut work: impl FnMut() -> bool) -> f64 {
    let since = Instant::now();
    for _ in 0..calls {
        black_box(work());
    }
    since.elapsed().as_secs_f64() * 1e6 / f64::from(calls)
}
