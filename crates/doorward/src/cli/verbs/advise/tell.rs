//! A recommendation in words: what, why, what it costs on this machine, and the configuration.

use comfy_table::presets::NOTHING;
use comfy_table::{ContentArrangement, Table};

use crate::advice::report::{PullBody, Report};
use crate::cli::out;
use crate::measure::figures::{Figure, Figures};

/// Lines are so long.
const WIDTH: usize = 100;

/// Tells it.
pub(super) fn in_words(report: &Report, figures: &Figures) {
    out::line(&format!("{}\n\n{}", report.headline, wrapped(report.why, "")));
    pulls(report);
    if !report.cautions.is_empty() {
        out::line("\nWhat to know beside it");
        report.cautions.iter().for_each(|caution| out::line(&wrapped(caution, "  - ")));
    }
    out::line("\nClients");
    for client in &report.clients {
        let line =
            format!("{}: strategy {}, by {}. For {}.", client.id, client.strategy, client.transport, client.why);
        out::line(&wrapped(&line, "  - "));
    }
    out::line("\nHow long what was ended may still work");
    let rows =
        report.windows.iter().map(|window| [window.strategy, window.here, &window.followed, &window.otherwise]);
    table(&["strategy", "at Doorward", "at services that follow the feed", "at services that do not"], rows);
    costs(figures);
    out::line("\nThe three beside one another");
    let rows = report.comparison.iter().map(|row| [row.about, row.session, row.jwt, row.hybrid]);
    table(&["", "session", "jwt", "hybrid"], rows);
    out::line("\nThe configuration (`--write FILE` keeps it)\n");
    report.configuration.trim_end().lines().for_each(|line| out::line(format!("  {line}").trim_end()));
}

/// Every answer, under what it speaks for.
fn pulls(report: &Report) {
    for (strategy, title) in [
        (Some("session"), "Speaks for sessions"),
        (Some("jwt"), "Speaks for tokens"),
        (Some("hybrid"), "Speaks for both"),
        (None, "Leaves the choice open"),
    ] {
        let of_it: Vec<&PullBody> = report.pulls.iter().filter(|pull| pull.towards == strategy).collect();
        if !of_it.is_empty() {
            out::line(&format!("\n{title}"));
        }
        for pull in of_it {
            out::line(&wrapped(&format!("{} = {}: {}", pull.topic, pull.answer, pull.why), "  - "));
        }
    }
}

fn costs(figures: &Figures) {
    out::line(&format!("\nWhat it costs, measured {}", figures.measured_at));
    out::line(&wrapped(&format!("on {}", figures.machine.in_words()), "  "));
    for reading in Figure::ALL.into_iter().filter_map(|figure| figures.reading(figure)) {
        out::line(&format!("  {:>10}  {}", reading.in_words(), reading.about));
    }
}

fn table<'a>(titles: &[&str; 4], rows: impl Iterator<Item = [&'a str; 4]>) {
    let mut table = Table::new();
    table.load_style(NOTHING).set_content_arrangement(ContentArrangement::Dynamic).set_width(WIDTH as u16);
    table.set_header(titles.iter().map(|title| title.to_uppercase()));
    for row in rows {
        table.add_row(row);
    }
    out::line(&table.trim_fmt());
}

/// A text in lines, the first behind a mark and the others below its end.
fn wrapped(text: &str, mark: &str) -> String {
    let below = " ".repeat(mark.len());
    let mut lines = vec![mark.to_owned()];
    for word in text.split_whitespace() {
        let last = lines.len() - 1;
        let is_begun = lines[last].len() > mark.len();
        if is_begun && lines[last].chars().count() + 1 + word.chars().count() > WIDTH {
            lines.push(format!("{below}{word}"));
        } else {
            lines[last] += if is_begun { " " } else { "" };
            lines[last] += word;
        }
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_wrapped_below_its_own_beginning() {
        let text = "four ".repeat(45);
        let lines: Vec<String> = wrapped(&text, "  - ").lines().map(str::to_owned).collect();
        assert_eq!(lines.len(), 3);
        assert!(lines[0].starts_with("  - four") && lines[1].starts_with("    four"), "{lines:?}");
        assert!(lines.iter().all(|line| line.len() <= WIDTH && !line.ends_with(' ')), "{lines:?}");
        assert_eq!(wrapped("", "  "), "  ");
    }
}
