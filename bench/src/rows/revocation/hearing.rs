//! How long until the last of so many verifiers refuses, and what that costs both ends.

use std::time::{Duration, Instant};

use super::{Extent, Scene, latencies, line, since_due, tell, wait_for_calm};
use crate::Trouble;
use crate::caller::{self, Call};
use crate::figures::quantile;
use crate::fleet::{Heard, Order};
use crate::histogram::Histogram;
use crate::report::{Line, Row, Verdict};

/// Goals: how many verifiers, within how many milliseconds the last of them refuses.
const GOALS: [(usize, f64); 2] = [(100, 20.0), (1_000, 120.0)];
/// What a delivery may cost, both ends together, in microseconds.
const DELIVERY: f64 = 25.0;
/// The verifiers together look into their indexes so often, beside being woken.
const LOOKS: f64 = 20_000.0;

/// How long the last verifier took, in microseconds: for the comparison.
#[derive(Clone, Copy)]
pub(super) struct Window {
    pub(super) p50: f64,
    pub(super) p99: f64,
}

/// Measures, and leaves the verifiers as they are.
pub(super) fn measure(
    scene: &mut Scene,
    extent: &Extent,
    verifiers: usize,
    row: &mut Row,
) -> Result<Window, Trouble> {
    // Twenty a second to a hundred verifiers, eight to a thousand: with more of them each call is more work.
    let per_second = if verifiers > extent.few { 8.0 } else { 20.0 };
    let tokens = scene.tokens((per_second * extent.seconds) as usize)?;
    scene.obeyed(&Order::Scatter)?;
    scene.gather(verifiers)?;
    let look_ms = (verifiers as f64 / LOOKS * 1000.0).ceil() as u64;
    scene.obeyed(&Order::Watch { tokens: tokens.clone(), look_ms })?;
    tell(&format!("revocation: {} calls, {verifiers} verifiers", tokens.len()));
    wait_for_calm();
    let idle = scene.idle(extent.idle)?;
    let (before, since) = (scene.cpu()?, Instant::now());
    let calls = caller::revoke(scene.port, &tokens, Duration::from_secs_f64(1.0 / per_second), "durable")?;
    let heard: Heard = scene.order(&Order::Hear)?;
    let (after, seconds) = (scene.cpu()?, since.elapsed().as_secs_f64());
    if heard.unknown > 0 {
        row.notes.push(format!("{verifiers} verifiers: {} times nobody could say (503)", heard.unknown));
    }
    let deliveries = (calls.len() * verifiers) as f64;
    let each = [0, 1].map(|end| ((after[end] - before[end]) as f64 - idle[end] * seconds) / deliveries);
    let cost = |what: &str, cpu: f64| Line { cpu: vec![cpu], ..line(what) };
    row.lines.push(cost(&format!("a delivery to one of {verifiers}, both ends"), each[0] + each[1]));
    row.lines.push(cost("— at the server", each[0]));
    row.lines.push(cost("— at the verifier, its refusal included", each[1]));
    // To a hundred, each is woken by itself and pays for more of the call; that is shown and not judged.
    if verifiers == extent.many {
        let figure = format!("CPU of a delivery to one of {verifiers}, both ends, µs");
        row.verdicts.push(Verdict::at_most(&figure, each[0] + each[1], DELIVERY));
    }
    row.notes.push(format!(
        "{verifiers} verifiers while nothing is revoked: {:.0} µs of CPU a second for each at the server (a ping a \
         second and its echo), {:.0} at the verifier (that, and {:.0} looks)",
        idle[0] / verifiers as f64,
        idle[1] / verifiers as f64,
        1000.0 / look_ms as f64
    ));
    Ok(judged(&calls, &heard, verifiers, per_second, row))
}

/// What the times say.
fn judged(calls: &[Call], heard: &Heard, verifiers: usize, per_second: f64, row: &mut Row) -> Window {
    let of = |share: fn(&[u64]) -> u64| -> Vec<f64> {
        calls.iter().zip(&heard.refused).map(|(call, times)| since_due(call, share(times))).collect()
    };
    let last = of(|times| times.iter().copied().max().unwrap_or_default());
    let answers: Vec<f64> = calls.iter().map(|call| since_due(call, call.answered)).collect();
    let each = calls.iter().zip(&heard.refused);
    let each = each.flat_map(|(call, times)| times.iter().map(|time| since_due(call, *time)));
    let each: Vec<f64> = each.collect();
    let lease = super::LEASE.as_nanos() as u64;
    let too_late = calls.iter().zip(&heard.accepted).filter(|(call, time)| **time > call.answered + lease).count();
    let named = |what: &str| format!("{what} of {verifiers} verifiers");
    row.lines.push(latencies(&named("first refusal at the last"), &last, per_second));
    row.lines.push(latencies(&named("first refusal at each"), &each, per_second));
    row.lines.push(latencies(&format!("the call's own answer, beside {verifiers} verifiers"), &answers, per_second));
    let goal = GOALS.iter().find(|(many, _)| *many == verifiers).map_or(GOALS[1].1, |(_, goal)| *goal);
    let figure = named("revoke call due → first refusal at the last") + ", p99, ms";
    row.verdicts.push(Verdict::at_most(&figure, quantile(&last, 0.99) / 1000.0, goal));
    row.verdicts.push(Verdict::at_most(
        &format!("tokens that any of {verifiers} verifiers accepted after the answer + lease + grace"),
        too_late as f64,
        0.0,
    ));
    let (window, count) = (Window { p50: quantile(&last, 0.5), p99: quantile(&last, 0.99) }, verifiers);
    row.histograms.push(Histogram::of(
        &format!("last-of-{count}"),
        &format!("from when a revocation was due until the last of {count} verifiers refused"),
        last,
    ));
    row.histograms.push(Histogram::of(
        &format!("each-of-{count}"),
        &format!("from when a revocation was due until each of {count} verifiers refused"),
        each,
    ));
    window
}
