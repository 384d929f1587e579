//! The report as JSON.

use super::Report;
use super::outcome::Outcome;

/// All of it.
pub(crate) fn report(report: &Report) -> String {
    let facts = object(report.facts.iter().map(|(name, value)| (*name, text(value))));
    let proofs: Vec<String> = report.outcomes.iter().map(row).collect();
    let whole = object([
        ("quick", report.effort.quick.to_string()),
        ("resume", report.effort.resume.to_string()),
        ("only", list(report.effort.only.iter().map(|word| text(word)))),
        ("facts", facts),
        ("summary", text(&report.closing())),
        ("proofs", format!("[\n  {}\n ]", proofs.join(",\n  "))),
    ]);
    format!("{whole}\n")
}

fn row(outcome: &Outcome) -> String {
    let seen =
        list(outcome.seen.iter().map(|(figure, value)| object([("figure", text(figure)), ("value", text(value))])));
    let points = list(outcome.points.iter().map(|point| {
        object([
            ("plot", text(&point.plot)),
            ("line", text(&point.line)),
            ("x", point.x.to_string()),
            ("y", point.y.to_string()),
        ])
    }));
    object([
        ("proof", text(outcome.name)),
        ("asked", text(outcome.asks)),
        ("verdict", text(outcome.verdict.word())),
        ("why", text(outcome.verdict.why())),
        ("seen", seen),
        ("proven", outcome.proven.as_ref().map_or_else(|| String::from("null"), |proven| text(proven))),
        ("seconds", format!("{:.1}", outcome.took.as_secs_f64())),
        ("seeds", list(outcome.seeds.iter().map(|seed| text(seed)))),
        ("points", points),
    ])
}

fn object<'a>(members: impl IntoIterator<Item = (&'a str, String)>) -> String {
    let members: Vec<String> = members.into_iter().map(|(name, value)| format!("{}: {value}", text(name))).collect();
    format!("{{{}}}", members.join(", "))
}

fn list(items: impl Iterator<Item = String>) -> String {
    format!("[{}]", items.collect::<Vec<_>>().join(", "))
}

/// A string, with everything escaped that has to be.
pub(crate) fn text(text: &str) -> String {
    let mut out = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            letter if letter.is_control() => out.push_str(&format!("\\u{:04x}", u32::from(letter))),
            letter => out.push(letter),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_escaped_and_members_named() {
        assert_eq!(text("a\"b\\\n\u{1b}ü"), "\"a\\\"b\\\\\\n\\u001bü\"");
        assert_eq!(
            object([("a", String::from("1")), ("b", list(["2", "3"].map(str::to_owned).into_iter()))]),
            "{\"a\": 1, \"b\": [2, 3]}"
        );
    }
}
