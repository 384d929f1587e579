//! Latencies as they were, to be looked at again: counted in steps of three percent, written as a small text.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::figures::quantile;

/// So many steps from a value to its double.
const STEPS: u64 = 32;

/// What was measured, in microseconds.
#[derive(Clone, Debug)]
pub(crate) struct Histogram {
    /// Which file it goes to.
    pub(crate) name: String,
    /// What it counts, in a line.
    pub(crate) what: String,
    values: Vec<f64>,
}

impl Histogram {
    /// Of these values.
    pub(crate) fn of(name: &str, what: &str, values: Vec<f64>) -> Self {
        Self { name: name.to_owned(), what: what.to_owned(), values }
    }

    /// The text: a line for each step that something fell into.
    pub(crate) fn text(&self) -> String {
        let mut counts: BTreeMap<u64, u64> = BTreeMap::new();
        for value in &self.values {
            *counts.entry(end_of_step(value.max(0.0).ceil() as u64)).or_default() += 1;
        }
        let all = self.values.len().max(1) as f64;
        let at = |share| quantile(&self.values, share);
        let mut text = format!("# {}\n# {} values, microseconds\n", self.what, self.values.len());
        // Writing to a string does not fail.
        let _ = writeln!(
            text,
            "# p50 {:.0}, p90 {:.0}, p99 {:.0}, most {:.0}\n# up to\tcount\tshare so far",
            at(0.5),
            at(0.9),
            at(0.99),
            at(1.0)
        );
        let mut so_far = 0;
        for (end, count) in counts {
            so_far += count;
            let _ = writeln!(text, "{end}\t{count}\t{:.5}", so_far as f64 / all);
        }
        text
    }
}

/// The largest value of the step that a value falls into.
fn end_of_step(value: u64) -> u64 {
    let doubled = (value / (2 * STEPS)).checked_ilog2().map_or(0, |times| times + 1);
    let width = 1 << doubled;
    value.div_ceil(width) * width
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_three_percent_at_most() {
        for value in 1..100_000 {
            let end = end_of_step(value);
            assert!(end >= value && end_of_step(end) == end, "{value} {end}");
            assert!((end - value) as f64 <= 0.0325 * value as f64, "{value} {end}");
        }
    }

    #[test]
    fn every_value_is_counted_once() {
        let text = Histogram::of("x", "three", vec![1.0, 5000.2, 5001.0]).text();
        let counted: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
        assert_eq!(counted, ["1\t1\t0.33333", "5120\t2\t1.00000"]);
    }
}
