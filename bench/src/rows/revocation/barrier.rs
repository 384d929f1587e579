//! Revocations that wait for all verifiers: how long the wait is with all of them alive, and with one whose wire is cut; and
//! whether anybody accepts afterwards.

use std::thread;
use std::time::Duration;

use super::{Extent, LEASE, Scene, latencies, since_due, tell, wait_for_calm};
use crate::Trouble;
use crate::caller::{self, Line as Caller};
use crate::figures::{least, quantile};
use crate::fleet::{Heard, Judged, Order, Silenced, ticks};
use crate::histogram::Histogram;
use crate::report::{Row, Verdict};
use crate::seed::Choice;

/// Within so many milliseconds all have acknowledged …
const ALIVE: f64 = 200.0;
/// … or, so much after its lease, the silent one is not waited for any more.
const BEYOND: f64 = 50.0;
/// Waits a second.
const PER_SECOND: f64 = 4.0;

/// Measures, with the verifiers that are there.
pub(super) fn measure(scene: &mut Scene, extent: &Extent, row: &mut Row) -> Result<(), Trouble> {
    let verifiers = extent.many;
    let after = alive(scene, extent, row)?;
    let (silence, after_silence) = silent(scene, extent, row)?;
    row.verdicts.push(Verdict::at_most(
        &format!("tokens that any of {verifiers} verifiers, or the silent one, accepted after a barrier"),
        (after + after_silence) as f64,
        0.0,
    ));
    row.verdicts.push(Verdict::at_most(
        "tokens that the silent verifier accepted after the answer + lease + grace",
        silence as f64,
        0.0,
    ));
    Ok(())
}

/// With all alive; gives how many tokens were accepted after a receipt.
fn alive(scene: &mut Scene, extent: &Extent, row: &mut Row) -> Result<usize, Trouble> {
    let verifiers = extent.many;
    let count = (PER_SECOND * extent.seconds * 2.0 / 3.0) as usize;
    let tokens = scene.tokens(count)?;
    scene.obeyed(&Order::Watch { tokens: tokens.clone(), look_ms: 50 })?;
    tell(&format!("revocation: {count} barriers, {verifiers} verifiers"));
    wait_for_calm();
    let calls = caller::revoke(scene.port, &tokens, Duration::from_secs_f64(1.0 / PER_SECOND), "verifiers")?;
    // All say no to the last of them, asked at once.
    let judged: Judged = scene.order(&Order::Judge { token: count - 1 })?;
    let heard: Heard = scene.order(&Order::Hear)?;
    let mut after = judged.accepted as usize;
    after += calls.iter().zip(&heard.accepted).filter(|(call, time)| **time > call.answered).count();
    let waits: Vec<f64> = calls.iter().map(|call| since_due(call, call.answered)).collect();
    let applied = calls.iter().filter_map(|call| call.receipt["applied"].as_u64()).min().unwrap_or_default();
    row.lines.push(latencies(&format!("a barrier with {verifiers} verifiers alive"), &waits, PER_SECOND));
    row.verdicts.push(Verdict::at_most(
        &format!("barrier with {verifiers} live verifiers, p99, ms"),
        quantile(&waits, 0.99) / 1000.0,
        ALIVE,
    ));
    row.verdicts.push(Verdict::at_least(
        &format!("verifiers that acknowledged each of {count} barriers, the fewest"),
        applied as f64,
        verifiers as f64,
    ));
    row.histograms.push(Histogram::of(
        &format!("barrier-{verifiers}"),
        &format!("from when a revocation was due until all of {verifiers} verifiers had acknowledged it"),
        waits,
    ));
    Ok(after)
}

/// With one more whose wire is cut; gives how many tokens that one accepted later than its lease allows, and how many after
/// a receipt.
fn silent(scene: &mut Scene, extent: &Extent, row: &mut Row) -> Result<(usize, usize), Trouble> {
    let lease_ms = i64::try_from(LEASE.as_millis())?;
    let (mut waits, mut lasted, mut choice) = (Vec::new(), Vec::new(), Choice::seeded(5));
    let (mut too_late, mut after, mut expired) = (0, 0, 0);
    for round in 0..extent.silences {
        tell(&format!("revocation: one silent verifier, {} of {}", round + 1, extent.silences));
        let tokens = scene.tokens(2)?;
        let server = scene.address();
        scene.obeyed(&Order::Wire { server, lease_ms })?;
        let mut line = Caller::open(scene.port)?;
        // At any moment of its lease.
        thread::sleep(Duration::from_millis(choice.below(1000)));
        scene.obeyed(&Order::Cut { tokens: tokens.clone() })?;
        let durable = line.revoke(&tokens[0], "durable", ticks())?;
        let barrier = line.revoke(&tokens[1], "verifiers", ticks())?;
        thread::sleep(Duration::from_millis(200));
        let silenced: Silenced = scene.order(&Order::Mend)?;
        let [first, second] = [0, 1].map(|number| silenced.accepted.get(number).copied().unwrap_or_default());
        too_late += usize::from(first > durable.answered + LEASE.as_nanos() as u64);
        after += usize::from(second > barrier.answered) + usize::from(first > barrier.answered);
        expired += barrier.receipt["expired"].as_u64().unwrap_or_default();
        waits.push(since_due(&barrier, barrier.answered));
        lasted.push(first.saturating_sub(durable.answered) as f64 / 1e6);
    }
    let most = quantile(&waits, 1.0) / 1000.0;
    row.lines.push(latencies("a barrier with one of them silent", &waits, f64::NAN));
    row.verdicts.push(Verdict::at_most(
        &format!("barrier with one black-holed verifier, the longest of {}, ms", waits.len()),
        most,
        lease_ms as f64 + BEYOND,
    ));
    row.verdicts.push(Verdict::at_least(
        "barriers whose receipt says that the silent one's lease ran out",
        expired as f64,
        waits.len() as f64,
    ));
    row.notes.push(format!(
        "the silent verifier went on accepting what was revoked for {:.0} to {:.0} ms after the answer, then said 503; the \
         shortest wait for it was {:.0} ms",
        least(&lasted),
        quantile(&lasted, 1.0),
        least(&waits) / 1000.0
    ));
    Ok((too_late, after))
}
