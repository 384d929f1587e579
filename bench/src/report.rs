//! What was found out: as a table to read, and as JSON to compare.

use std::fmt::{self, Write};
use std::fs;
use std::path::PathBuf;

use comfy_table::Table;
use comfy_table::presets::ASCII_MARKDOWN;
use serde::Serialize;

use crate::Trouble;
use crate::figures::{least, median};
use crate::histogram::Histogram;
use crate::machine::Machine;

/// Everything of one call.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    /// The day, in UTC.
    pub(crate) date: String,
    /// Where.
    pub(crate) machine: Machine,
    /// Which rows, as the end of a file's name; empty if all that are usual.
    #[serde(skip)]
    pub(crate) chosen: String,
    /// Shortened runs prove nothing.
    pub(crate) quick: bool,
    /// How it was measured.
    pub(crate) parameters: Vec<(String, String)>,
    /// What else the machine did: the load average before and after.
    pub(crate) load_average: [f64; 2],
    /// What was measured.
    pub(crate) rows: Vec<Row>,
}

/// One question with its answers.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Row {
    /// What was measured.
    pub(crate) title: String,
    /// What has to be known to read the figures.
    pub(crate) notes: Vec<String>,
    /// The figures.
    pub(crate) lines: Vec<Line>,
    /// Goals.
    pub(crate) verdicts: Vec<Verdict>,
    /// Figures that have columns of their own.
    pub(crate) sheets: Vec<Sheet>,
    /// Latencies one by one; they go into files of their own.
    #[serde(skip)]
    pub(crate) histograms: Vec<Histogram>,
}

/// A table with columns of its own.
#[derive(Debug, Serialize)]
pub(crate) struct Sheet {
    /// What it compares.
    pub(crate) title: String,
    /// The columns.
    pub(crate) columns: Vec<String>,
    /// The cells.
    pub(crate) cells: Vec<Vec<String>>,
}

/// One measured thing.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Line {
    /// What.
    pub(crate) name: String,
    /// Microseconds of CPU time each, a value for each round.
    pub(crate) cpu: Vec<f64>,
    /// How many a second, a value for each round.
    pub(crate) rate: Vec<f64>,
    /// Latencies in microseconds: 50 and 99 of 100.
    pub(crate) p50: Vec<f64>,
    /// The same.
    pub(crate) p99: Vec<f64>,
}

/// A goal and whether it is met.
#[derive(Debug, Serialize)]
pub(crate) struct Verdict {
    /// What is judged.
    pub(crate) figure: String,
    /// What it is: the median.
    pub(crate) measured: f64,
    /// What it shall be.
    pub(crate) goal: f64,
    /// Shall it be at most that, or at least?
    pub(crate) at_most: bool,
    /// Is it?
    pub(crate) met: bool,
}

impl Verdict {
    /// It shall be at most `goal`.
    pub(crate) fn at_most(figure: &str, measured: f64, goal: f64) -> Self {
        Self { figure: figure.to_owned(), measured, goal, at_most: true, met: measured <= goal }
    }

    /// It shall be at least `goal`.
    pub(crate) fn at_least(figure: &str, measured: f64, goal: f64) -> Self {
        Self { figure: figure.to_owned(), measured, goal, at_most: false, met: measured >= goal }
    }
}

impl Report {
    /// Are all goals met?
    pub(crate) fn is_met(&self) -> bool {
        self.rows.iter().flat_map(|row| &row.verdicts).all(|verdict| verdict.met)
    }

    /// To be read.
    pub(crate) fn markdown(&self) -> String {
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = self.write(&mut text);
        text
    }

    fn write(&self, text: &mut String) -> fmt::Result {
        let Machine { cpu, cores, memory_mib, kernel, rustc, commit } = &self.machine;
        writeln!(text, "# Measured on {}\n", self.date)?;
        if self.quick {
            writeln!(text, "A quick run: it shows that measuring works, and proves nothing.\n")?;
        }
        writeln!(text, "{cores} cores ({cpu}), {memory_mib} MiB, {kernel}, {rustc}, commit {commit}.\n")?;
        for (name, value) in &self.parameters {
            writeln!(text, "- {name}: {value}")?;
        }
        let [before, after] = self.load_average;
        writeln!(text, "- load average of the machine: {before:.2} before, {after:.2} after\n")?;
        self.rows.iter().try_for_each(|row| row.write(text))
    }

    /// Writes both forms beside each other; gives the readable one's path.
    pub(crate) fn save(&self) -> Result<PathBuf, Trouble> {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("results");
        fs::create_dir_all(&folder)?;
        let quick = if self.quick { "-quick" } else { "" };
        let name = format!("{}-{}{}{quick}", self.date, self.machine.slug(), self.chosen);
        let path = folder.join(format!("{name}.md"));
        fs::write(&path, self.markdown())?;
        for histogram in self.rows.iter().flat_map(|row| &row.histograms) {
            fs::write(folder.join(format!("{name}-{}.txt", histogram.name)), histogram.text())?;
        }
        let mut json = serde_json::to_string_pretty(self)?;
        json.push('\n');
        fs::write(path.with_extension("json"), json)?;
        Ok(path)
    }
}

impl Row {
    fn write(&self, text: &mut String) -> fmt::Result {
        writeln!(text, "## {}\n", self.title)?;
        let mut table = Table::new();
        table.load_style(ASCII_MARKDOWN);
        table.set_header(["", "CPU, µs each", "(least … most)", "per second", "p50, µs", "p99, µs"]);
        for line in &self.lines {
            let spread = format!("{} … {}", figure(least(&line.cpu)), figure(most(&line.cpu)));
            table.add_row([
                line.name.clone(),
                figure(median(&line.cpu)),
                spread,
                figure(median(&line.rate)),
                figure(median(&line.p50)),
                figure(median(&line.p99)),
            ]);
        }
        if !self.lines.is_empty() {
            writeln!(text, "{table}\n")?;
        }
        self.write_findings(text)
    }

    /// All but the lines: goals, notes and tables.
    pub(crate) fn write_findings(&self, text: &mut String) -> fmt::Result {
        for verdict in &self.verdicts {
            let word = if verdict.met { "met" } else { "MISSED" };
            let bound = if verdict.at_most { "at most" } else { "at least" };
            writeln!(
                text,
                "- {}: **{}** (goal: {bound} {}): {word}",
                verdict.figure,
                exact(verdict.measured),
                exact(verdict.goal),
            )?;
        }
        for note in &self.notes {
            writeln!(text, "- {note}")?;
        }
        writeln!(text)?;
        self.sheets.iter().try_for_each(|sheet| sheet.write(text))
    }
}

impl Sheet {
    fn write(&self, text: &mut String) -> fmt::Result {
        let mut table = Table::new();
        table.load_style(ASCII_MARKDOWN);
        table.set_header(self.columns.clone());
        table.add_rows(self.cells.clone());
        writeln!(text, "### {}\n\n{table}\n", self.title)
    }
}

fn most(values: &[f64]) -> f64 {
    values.iter().copied().fold(f64::NEG_INFINITY, f64::max)
}

/// With as many digits as mean something.
pub(crate) fn figure(value: f64) -> String {
    if !value.is_finite() {
        String::from("")
    } else if value >= 1000.0 {
        format!("{value:.0}")
    } else if value >= 100.0 {
        format!("{value:.1}")
    } else {
        format!("{value:.2}")
    }
}

fn exact(value: f64) -> String {
    let text = format!("{value:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
