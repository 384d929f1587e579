//! What the figures mean side by side: the tables that compare sessions with tokens, with what was measured in their cells;
//! what others cost for the same work; and what a million requests a second would take. Nothing here measures.

mod cost;
mod pages;
mod tables;

use crate::report::{Row, Sheet};

pub(crate) use pages::write_pages;

use cost::Price;

/// One way of doing something: medians over rounds.
#[derive(Clone, Debug)]
pub(crate) struct Way {
    /// Whose.
    pub(crate) name: String,
    /// Microseconds of CPU each, the store's included.
    pub(crate) cpu: f64,
    /// What of it the store takes, where one is asked.
    pub(crate) store: Option<f64>,
    /// How many a second.
    pub(crate) rate: f64,
    /// Latencies in microseconds.
    pub(crate) p50: f64,
    /// The same.
    pub(crate) p99: f64,
}

/// Everything that the tables are made of. The first of `checks`, of `tokens` and of `turns` is Doorward.
#[derive(Debug)]
pub(crate) struct Facts {
    /// Sessions behind a check, behind better-auth, and that turn.
    pub(crate) sessions: [u64; 3],
    /// Who am I, over HTTP.
    pub(crate) checks: Vec<Way>,
    /// Verifying, in process.
    pub(crate) tokens: Vec<Way>,
    /// Refreshing and introspection.
    pub(crate) turns: Vec<Way>,
    /// A look-up in Redis alone.
    pub(crate) look_up: Option<Way>,
    /// Bytes of memory a session takes, and where.
    pub(crate) held: Vec<(String, f64)>,
    /// Bytes of our cookie's value, and of express-session's.
    pub(crate) cookies: (usize, Option<usize>),
    /// Bytes of an access token with ES256 and with HS256.
    pub(crate) tokens_of: [usize; 2],
    /// Bytes of a refresh token; 0 if there was none.
    pub(crate) refresh: usize,
    /// From a revocation to the last refusal of 100 verifiers, p50 and p99 in microseconds.
    pub(crate) windows: Option<[f64; 2]>,
    /// What a core costs.
    price: Price,
}

impl Facts {
    /// Nothing is known yet.
    pub(crate) const fn new(sessions: [u64; 3], core_hour: f64) -> Self {
        Self {
            sessions,
            checks: Vec::new(),
            tokens: Vec::new(),
            turns: Vec::new(),
            look_up: None,
            held: Vec::new(),
            cookies: (0, None),
            tokens_of: [0, 0],
            refresh: 0,
            windows: None,
            price: Price { core_hour },
        }
    }

    /// All tables.
    pub(crate) fn sheets(&self) -> Vec<Sheet> {
        let all = [tables::checks(self), tables::tokens(self), tables::turns(self), tables::articles(self)];
        all.into_iter().chain([cost::sheet(self)]).filter(|sheet| !sheet.cells.is_empty()).collect()
    }

    /// A way of checking, by the beginning of its name.
    fn check(&self, name: &str) -> Option<&Way> {
        self.checks.iter().find(|way| way.name.starts_with(name))
    }

    /// A way of verifying, by its whole name.
    fn token(&self, name: &str) -> Option<&Way> {
        self.tokens.iter().find(|way| way.name == name)
    }
}

/// How long a revocation takes until the last of 100 verifiers refuses, if that was measured in the same run.
pub(crate) fn windows(rows: &[Row]) -> Option<[f64; 2]> {
    let lines = rows.iter().flat_map(|row| &row.lines);
    let mut heard = lines.filter(|line| line.name == "first refusal at the last of 100 verifiers");
    heard.next().map(|line| [&line.p50, &line.p99].map(|values| crate::figures::median(values)))
}

/// Facts that a test can count with: round figures, no measurement.
#[cfg(test)]
fn round_facts() -> Facts {
    let way = |name: &str, cpu: f64, store: Option<f64>| Way {
        name: name.to_owned(),
        cpu,
        store,
        rate: 1e6 / cpu,
        p50: cpu * 10.0,
        p99: cpu * 100.0,
    };
    let mut facts = Facts::new([100_000, 10_000, 10_000], 0.05);
    facts.checks =
        vec![way("Doorward, session at hand", 10.0, None), way("express-session + connect-redis", 320.0, Some(20.0))];
    facts.tokens = vec![way("doorward-verify, ES256", 40.0, None), way("jsonwebtoken for Node, ES256", 100.0, None)];
    facts.turns = vec![way("refresh: Doorward, on the disk", 60.0, None)];
    facts.look_up = Some(way("a GET", 25.0, None));
    facts.held = vec![(String::from("Doorward"), 430.0), (String::from("connect-redis in Redis 7"), 420.0)];
    facts.cookies = (53, Some(80));
    facts.tokens_of = [600, 560];
    facts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Line;

    #[test]
    fn what_was_not_measured_leaves_no_empty_table() {
        assert!(round_facts().sheets().iter().all(|sheet| !sheet.cells.is_empty()));
        assert_eq!(round_facts().sheets().len(), 5);
        let mut facts = round_facts();
        (facts.tokens, facts.turns) = (Vec::new(), Vec::new());
        let titles: Vec<String> = facts.sheets().into_iter().map(|sheet| sheet.title).collect();
        assert_eq!(titles.len(), 3, "{titles:?}");
        for sheet in facts.sheets() {
            assert!(sheet.cells.iter().all(|row| row.len() == sheet.columns.len()), "{}", sheet.title);
        }
    }

    #[test]
    fn the_window_is_that_of_the_same_run_or_none() {
        assert_eq!(windows(&[]), None);
        let name = String::from("first refusal at the last of 100 verifiers");
        let line = Line { name, p50: vec![2700.0], p99: vec![4400.0], ..Line::default() };
        assert_eq!(windows(&[Row { lines: vec![line], ..Row::default() }]), Some([2700.0, 4400.0]));
    }
}
