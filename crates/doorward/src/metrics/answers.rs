//! Answers over HTTP, by the row of the route table and by status: never by what was asked for.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http::{Method, StatusCode};

use super::cells::{Histogram, SLOW, zeroes};
use crate::http::problem::{CODES, Code};
use crate::http::routes::ROUTES;

/// The statuses of good answers; those of problems are in the table of codes.
const GOOD: [u16; 5] = [200, 201, 204, 303, 304];

/// The counts.
#[derive(Debug)]
pub(crate) struct Answers {
    /// Every status that is told apart, in order; anything else is one more.
    statuses: Vec<u16>,
    /// For each row, and one more for what is in no row: a cell for each status, and one more.
    counts: Box<[AtomicU64]>,
    times: Vec<Histogram>,
    codes: Box<[AtomicU64]>,
}

impl Default for Answers {
    fn default() -> Self {
        let problems = CODES.iter().map(|(_, row)| row.status.as_u16());
        let mut statuses: Vec<u16> = GOOD.into_iter().chain(problems).collect();
        statuses.sort_unstable();
        statuses.dedup();
        Self {
            counts: zeroes((ROUTES.len() + 1) * (statuses.len() + 1)),
            times: (0..=ROUTES.len()).map(|_| Histogram::new(SLOW)).collect(),
            codes: zeroes(CODES.len()),
            statuses,
        }
    }
}

impl Answers {
    /// One more answer. `path` is the template that was matched.
    pub(crate) fn add(
        &self,
        method: &Method,
        path: Option<&str>,
        status: StatusCode,
        code: Option<Code>,
        took: Duration,
    ) {
        let row = row(method, path);
        self.counts[self.place(row, status.as_u16())].fetch_add(1, Ordering::Relaxed);
        self.times[row].record(took);
        if let Some(code) = code {
            self.codes[code as usize].fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Method, template and status of each cell, with its count.
    pub(crate) fn counts(&self) -> impl Iterator<Item = (&'static str, &'static str, String, u64)> {
        (0..=ROUTES.len()).flat_map(move |row| {
            let (method, path) = name(row);
            let words = self.statuses.iter().map(ToString::to_string).chain([String::from("other")]);
            words.enumerate().map(move |(place, status)| {
                let count = &self.counts[row * (self.statuses.len() + 1) + place];
                (method, path, status, count.load(Ordering::Relaxed))
            })
        })
    }

    /// Method and template of each row, with how long its answers took.
    pub(crate) fn times(&self) -> impl Iterator<Item = (&'static str, &'static str, &Histogram)> {
        self.times.iter().enumerate().map(|(row, times)| {
            let (method, path) = name(row);
            (method, path, times)
        })
    }

    /// Each code of a problem, with how often it was the answer.
    pub(crate) fn codes(&self) -> impl Iterator<Item = (&'static str, u64)> {
        CODES.iter().map(|(code, row)| (row.code, self.codes[*code as usize].load(Ordering::Relaxed)))
    }

    fn place(&self, row: usize, status: u16) -> usize {
        let place = self.statuses.iter().position(|known| *known == status).unwrap_or(self.statuses.len());
        row * (self.statuses.len() + 1) + place
    }
}

/// The row of a method and the template that was matched; behind all rows what is in none.
fn row(method: &Method, path: Option<&str>) -> usize {
    // The router answers HEAD as it answers GET.
    let method = if method == Method::HEAD { "GET" } else { method.as_str() };
    let found = path.and_then(|path| ROUTES.iter().position(|row| row.path == path && row.method == method));
    found.unwrap_or(ROUTES.len())
}

fn name(row: usize) -> (&'static str, &'static str) {
    ROUTES.get(row).map_or(("other", "other"), |row| (row.method, row.path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_no_row_is_counted_as_other() {
        let answers = Answers::default();
        let add = |method: &Method, path, status: u16| {
            let status = StatusCode::from_u16(status).expect("a status");
            answers.add(method, path, status, None, Duration::ZERO);
        };
        let odd = Method::from_bytes(b"BREW").expect("a method");
        add(&Method::HEAD, Some("/v1/session"), 200);
        add(&Method::GET, Some("/v1/session"), 200);
        add(&odd, Some("/v1/session"), 405);
        add(&Method::GET, None, 404);
        add(&Method::GET, Some("/nowhere"), 599);
        let moved: Vec<_> = answers.counts().filter(|(.., count)| *count > 0).collect();
        let expected = [
            ("GET", "/v1/session", String::from("200"), 2),
            ("other", "other", String::from("404"), 1),
            ("other", "other", String::from("405"), 1),
            ("other", "other", String::from("other"), 1),
        ];
        assert_eq!(moved, expected);
    }
}
