//! How many people may sign out in a second, while eight verifiers keep up.

use std::path::Path;

use super::{Extent, Scene, line, tell, wait_for_calm};
use crate::Trouble;
use crate::caller::Line as Caller;
use crate::child::Started;
use crate::figures::{median, quantile};
use crate::fleet::{Kept, Order, ticks};
use crate::load::{Asks, Errand, Outcome};
use crate::report::{Row, Verdict};
use crate::rows::{CONNECTIONS, note};
use crate::seed::secret_text;

/// How many listen.
const VERIFIERS: usize = 8;
/// How many a second there shall be.
const RATE: f64 = 5_000.0;
/// So often, each over sessions of its own.
const ROUNDS: u64 = 3;

/// Measures.
pub(super) fn measure(folder: &Path, extent: &Extent, row: &mut Row) -> Result<(), Trouble> {
    let mut scene = Scene::set_up(folder, "sustained", extent.signing_out, &[])?;
    scene.gather(VERIFIERS)?;
    let mut load = Started::start(&["load", scene.folder.to_str().ok_or("a strange folder")?])?;
    let mut signed_out = line(&format!("sign-outs, {CONNECTIONS} at a time, {VERIFIERS} verifiers"));
    let (mut behind, mut together) = (Vec::new(), Vec::new());
    // One is kept for after each round.
    let each = extent.signing_out / ROUNDS - 1;
    let mut caller = Caller::open(scene.port)?;
    for round in 0..ROUNDS {
        tell(&format!("revocation: everybody signs out, {} of {ROUNDS}", round + 1));
        wait_for_calm();
        let begun: Kept = scene.order(&Order::Keep { place: String::from("0:0") })?;
        let asks = Asks::SignOut { first: round * (each + 1), count: each };
        let (port, process) = (scene.port, scene.server.id());
        let seconds = extent.seconds / 9.0;
        let outcome: Outcome = load.ask(&Errand { port, process, connections: CONNECTIONS, seconds, asks })?;
        note(&mut signed_out, &outcome, outcome.cpu_each())?;
        let call = caller.revoke(&secret_text(round * (each + 1) + each), "durable", ticks())?;
        let place = call.receipt["position"].as_str().ok_or("a receipt without a place")?.to_owned();
        let kept: Kept = scene.order(&Order::Keep { place })?;
        behind.push(kept.at.saturating_sub(call.answered) as f64 / 1e6);
        together.push((kept.entries - begun.entries) as f64 / (kept.events - begun.events).max(1) as f64);
    }
    row.verdicts.push(Verdict::at_least(
        &format!("sustained revocations a second, {VERIFIERS} verifiers, coalesced"),
        median(&signed_out.rate),
        RATE,
    ));
    row.notes.push(format!(
        "sustained: an event brings {:.1} revocations on average; {:.1} ms after the last answer at the most, all \
         {VERIFIERS} verifiers hold everything",
        median(&together),
        quantile(&behind, 1.0)
    ));
    row.lines.push(signed_out);
    drop(load);
    scene.end()
}
