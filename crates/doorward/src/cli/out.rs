//! What is told to people and pipes. A reader that went away is no reason to fall over.

use std::io::{self, Write};

use comfy_table::Table;
use comfy_table::presets::NOTHING;
use serde_json::Value;

/// A line, or several, on stdout, sent off at once.
pub(super) fn line(text: &str) {
    let mut stdout = io::stdout().lock();
    let written = writeln!(stdout, "{text}").and_then(|()| stdout.flush());
    // Nobody listens: nobody misses it.
    drop(written);
}

/// A line, or several, on stderr.
pub(super) fn error(text: &str) {
    drop(writeln!(io::stderr().lock(), "{text}"));
}

/// What stands on the last line of a terminal instead of what stood there; nothing is put in its place for good.
pub(super) fn same_line(text: &str) {
    let mut stderr = io::stderr().lock();
    drop(write!(stderr, "\r\u{1b}[K{text}").and_then(|()| stderr.flush()));
}

/// JSON, for programs.
pub(super) fn json(value: &Value) {
    line(&serde_json::to_string_pretty(value).unwrap_or_default());
}

/// A table, for people: a column for each title, a row for each item.
pub(super) fn table(titles: &[&str], items: &[Value], row: impl Fn(&Value) -> Vec<String>) {
    let mut table = Table::new();
    table.load_style(NOTHING).set_header(titles.iter().map(|title| title.to_uppercase()).collect::<Vec<_>>());
    for item in items {
        table.add_row(row(item));
    }
    line(&table.trim_fmt());
}

/// A member as a cell: a text as it is, nothing as `-`, a list with commas.
pub(super) fn cell(value: &Value) -> String {
    let text = match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(cell).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    };
    // What people call themselves must not move the cursor of those who look.
    let plain: String = text.chars().filter(|c| !c.is_control()).collect();
    if plain.is_empty() { String::from("-") } else { plain }
}
