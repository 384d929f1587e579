//! What became of a file, counted; the same after a rehearsal.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::cli::args::Format;
use crate::cli::out;

/// As many lines are named for each reason.
const NAMED: usize = 1000;
/// As many are told to people.
const SHOWN: usize = 8;

/// The counts.
pub(super) struct Report {
    dry_run: bool,
    imported: u64,
    there: u64,
    schemes: BTreeMap<String, u64>,
    refused: BTreeMap<String, Refused>,
}

#[derive(Default)]
struct Refused {
    count: u64,
    named: Vec<(u64, Option<String>)>,
}

impl Report {
    pub(super) const fn of(dry_run: bool) -> Self {
        Self { dry_run, imported: 0, there: 0, schemes: BTreeMap::new(), refused: BTreeMap::new() }
    }

    /// A row as the server tells of it.
    pub(super) fn add(&mut self, number: u64, told: &Value) {
        match told["outcome"].as_str() {
            Some("imported" | "would_import") => {
                self.imported += 1;
                let scheme = told["scheme"].as_str().unwrap_or("none");
                *self.schemes.entry(scheme.to_owned()).or_default() += 1;
            }
            Some("there") => self.there += 1,
            _ => {
                let reason = told["reason"].as_str().unwrap_or("row_malformed");
                self.refused(number, reason, told["detail"].as_str().map(str::to_owned));
            }
        }
    }

    /// A row that is not taken.
    pub(super) fn refused(&mut self, number: u64, reason: &str, detail: Option<String>) {
        let refused = self.refused.entry(reason.to_owned()).or_default();
        refused.count += 1;
        if refused.named.len() < NAMED {
            refused.named.push((number, detail));
        }
    }

    /// Was every row taken, or there already?
    pub(super) fn is_whole(&self) -> bool {
        self.refused.is_empty()
    }

    fn refusals(&self) -> u64 {
        self.refused.values().map(|refused| refused.count).sum()
    }

    fn rows(&self) -> u64 {
        self.imported + self.there + self.refusals()
    }

    /// For a progress line.
    pub(super) fn in_a_line(&self) -> String {
        format!("{} imported, {} there, {} refused", self.imported, self.there, self.refusals())
    }

    /// After something went wrong on the way.
    pub(super) fn so_far(&self) -> String {
        let stays = if self.dry_run { "" } else { "; what is imported stays, so run it again to go on" };
        format!("so far {}{stays}", self.in_a_line())
    }

    /// Tells it.
    pub(super) fn tell(&self, format: Format) {
        match format {
            Format::Json => out::json(&self.as_json()),
            Format::Table => out::line(self.in_words().trim_end()),
        }
    }

    fn as_json(&self) -> Value {
        let refused: Vec<_> = self
            .refused
            .iter()
            .map(|(reason, refused)| {
                let lines: Vec<_> = refused
                    .named
                    .iter()
                    .map(|(line, detail)| match detail {
                        Some(detail) => json!({ "line": line, "detail": detail }),
                        None => json!({ "line": line }),
                    })
                    .collect();
                json!({ "reason": reason, "count": refused.count, "lines": lines })
            })
            .collect();
        json!({
            "dry_run": self.dry_run,
            "rows": self.rows(),
            "imported": self.imported,
            "already_there": self.there,
            "refused": self.refusals(),
            "schemes": self.schemes,
            "refusals": refused,
        })
    }

    fn in_words(&self) -> String {
        let (did, more) = if self.dry_run { ("would import", "; nothing was written") } else { ("imported", "") };
        let mut text = format!("{did} {} of {} rows{more}\n", self.imported, self.rows());
        for (scheme, count) in &self.schemes {
            let what = if scheme == "none" { "without a password" } else { scheme };
            text += &format!("  {count:>9}  {what}\n");
        }
        if self.there > 0 {
            text += &format!("already there: {}\n", self.there);
        }
        if !self.refused.is_empty() {
            text += &format!("refused: {}\n", self.refusals());
        }
        for (reason, refused) in &self.refused {
            let lines = refused.named.iter().take(SHOWN).map(|(line, detail)| match detail {
                Some(detail) => format!("{line} ({detail})"),
                None => line.to_string(),
            });
            let lines = lines.collect::<Vec<_>>().join(", ");
            let more = if refused.count > SHOWN as u64 { ", …" } else { "" };
            text += &format!("  {:>9}  {reason}: line {lines}{more}\n", refused.count);
        }
        text
    }
}
