//! What became of a proof.

use std::time::Duration;

/// What a proof came to.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Verdict {
    Holds,
    Fails(String),
    /// It says nothing, and says so.
    NotRun(String),
}

impl Verdict {
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::Fails(_) => "FAILS",
            Self::NotRun(_) => "did not run",
        }
    }

    pub(crate) fn why(&self) -> &str {
        match self {
            Self::Holds => "",
            Self::Fails(why) | Self::NotRun(why) => why,
        }
    }
}

/// A point of a plot.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Point {
    pub(crate) plot: String,
    pub(crate) line: String,
    pub(crate) x: f64,
    pub(crate) y: f64,
}

/// One row of the report.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) name: &'static str,
    pub(crate) asks: &'static str,
    pub(crate) seen: Vec<(String, String)>,
    pub(crate) seeds: Vec<String>,
    pub(crate) points: Vec<Point>,
    pub(crate) passed: usize,
    pub(crate) verdict: Verdict,
    pub(crate) took: Duration,
    /// Of which commit and when, if that was in an earlier run.
    pub(crate) proven: Option<String>,
}

impl Outcome {
    pub(crate) fn of(name: &'static str, asks: &'static str) -> Self {
        let verdict = Verdict::NotRun(String::from("not begun"));
        Self {
            name,
            asks,
            seen: Vec::new(),
            seeds: Vec::new(),
            points: Vec::new(),
            passed: 0,
            verdict,
            took: Duration::ZERO,
            proven: None,
        }
    }

    /// Takes a line that a test printed: a figure, a point, a seed, or nothing of ours.
    pub(crate) fn hear(&mut self, line: &str) {
        if let Some((_, said)) = line.split_once("assure: ") {
            let Some((figure, value)) = said.rsplit_once(" = ") else { return };
            match figure.strip_prefix("plot ") {
                Some(place) => self.points.extend(point(place, value)),
                None => self.seen.push((figure.to_owned(), value.trim().to_owned())),
            }
        } else if let Some(seed) = seed(line) {
            self.seeds.push(seed.to_owned());
        } else if let Some(passed) = passed(line) {
            self.passed += passed;
        }
    }

    /// The row as a line for a terminal.
    pub(crate) fn line(&self) -> String {
        let why = self.verdict.why().lines().next().unwrap_or_default();
        let why = if why.is_empty() { String::new() } else { format!(": {why}") };
        let proven = self.proven.as_ref().map(|proven| format!(" ({proven})")).unwrap_or_default();
        format!("{:>8.1} s  {:<11}  {}{proven}{why}", self.took.as_secs_f64(), self.verdict.word(), self.name)
    }
}

fn point(place: &str, value: &str) -> Option<Point> {
    let (place, x) = place.rsplit_once('/')?;
    let (plot, line) = place.split_once('/')?;
    let (x, y) = (x.trim().parse().ok()?, value.trim().parse().ok()?);
    Some(Point { plot: plot.to_owned(), line: line.to_owned(), x, y })
}

/// The seed in a line that begins with it: `seed 0x5eed`.
fn seed(line: &str) -> Option<&str> {
    let at = line.find("seed ")?;
    // A harness that is quiet puts a dot for each test that passed before it.
    let is_first = line[..at].bytes().all(|byte| byte == b'.') || line[..at].ends_with("... ");
    is_first.then(|| line[at + 5..].trim())
}

fn passed(line: &str) -> Option<usize> {
    let (_, counts) = line.split_once("test result: ")?.1.split_once(". ")?;
    counts.split(' ').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_points_seeds_and_counts_are_heard_and_the_rest_is_not() {
        let mut outcome = Outcome::of("a", "b");
        for line in [
            "running 2 tests",
            "test slow::a ... seed 0x5eed",
            "assure: rounds, one key = 12",
            "test slow::b ... assure: trials = 44 of 5886",
            "assure: plot growth/at hand/10000 = 12.5",
            "assure: plot growth/at hand/many = 12.5",
            "a line about seeds",
            "..seed 7",
            "test result: ok. 2 passed; 0 failed; 0 ignored",
        ] {
            outcome.hear(line);
        }
        let figure = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(outcome.seen, [figure("rounds, one key", "12"), figure("trials", "44 of 5886")]);
        assert_eq!(outcome.seeds, ["0x5eed", "7"]);
        let growth = Point { plot: "growth".to_owned(), line: "at hand".to_owned(), x: 10_000.0, y: 12.5 };
        assert_eq!(outcome.points, [growth]);
        assert_eq!(outcome.passed, 2);
    }
}
