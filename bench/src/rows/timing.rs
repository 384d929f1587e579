//! Does the time of a refused sign-in tell whether there is such an account? What is judged is the probability that a
//! random refusal of a known account took longer than one of an unknown: one half says nothing.

use std::fs;
use std::path::Path;

use super::{line, tell, wait_for_calm};
use crate::Trouble;
use crate::child::Started;
use crate::figures::{median, quantile};
use crate::load::{Asks, Errand, Guessed};
use crate::options::Options;
use crate::report::{Row, Verdict};
use crate::servers::Ready;

/// Accounts of each kind.
const EACH: u64 = 500;
/// How far from one half the probability may be.
const AWAY: f64 = 0.05;

/// Measures.
pub(super) fn measure(options: &Options, folder: &Path) -> Result<Row, Trouble> {
    let folder = folder.join("timing");
    fs::create_dir(&folder)?;
    let folder = folder.to_str().ok_or("a strange folder")?;
    let each = if options.quick { 50 } else { EACH };
    let (sessions, people) = ((each * 4).to_string(), each.to_string());
    let mut server = Started::start(&["serve-doorward", folder, "--sessions", &sessions, "--people", &people])?;
    let ready: Ready = server.hear()?;
    let mut load = Started::start(&["load", folder])?;
    tell(&format!("timing: a wrong password for {each} known and {each} unknown accounts"));
    wait_for_calm();
    let asks = Asks::Guess { each };
    let errand = Errand { port: ready.port, process: server.id(), connections: 1, seconds: 0.0, asks };
    let Guessed { known, unknown, alike } = load.ask(&errand)?;
    let auc = auc(&known, &unknown);
    let timed = |name: &str, times: &[f64]| {
        let mut line = line(name);
        line.p50.push(quantile(times, 0.5));
        line.p99.push(quantile(times, 0.99));
        line
    };
    let lines = vec![timed("known account", &known), timed("unknown account", &unknown)];
    Ok(Row {
        title: format!("A wrong password for {each} known and {each} unknown accounts"),
        notes: vec![
            format!("probability that the known one takes longer (AUC): {auc:.3}"),
            format!("medians differ by {:.0} µs", (median(&known) - median(&unknown)).abs()),
            String::from("one connection, one after the other, in an order drawn from a seed"),
        ],
        lines,
        verdicts: vec![
            Verdict::at_most("how far the AUC is from one half", (auc - 0.5).abs(), AWAY),
            Verdict::at_least("answers alike but for the request's name (1 is yes)", f64::from(u8::from(alike)), 1.0),
        ],
        ..Row::default()
    })
}

/// The probability that one of `ones` is larger than one of `others`; ties count half.
fn auc(ones: &[f64], others: &[f64]) -> f64 {
    let over = |one: f64, other: f64| if one > other { 1.0 } else { 0.5 * f64::from(u8::from(one == other)) };
    let sum: f64 = ones.iter().map(|one| others.iter().map(|other| over(*one, *other)).sum::<f64>()).sum();
    sum / (ones.len() * others.len()).max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_half_says_nothing_and_one_says_everything() {
        let exactly = |ones: &[f64], others: &[f64], expected: f64| {
            assert!((auc(ones, others) - expected).abs() < 1e-12);
        };
        exactly(&[1.0, 2.0, 3.0], &[1.0, 2.0, 3.0], 0.5);
        exactly(&[4.0, 5.0], &[1.0, 2.0], 1.0);
        exactly(&[1.0], &[2.0, 3.0], 0.0);
        exactly(&[2.0], &[1.0, 3.0], 0.5);
    }
}
