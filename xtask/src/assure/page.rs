//! The report as a page that needs nothing but itself.

use std::fmt::Write as _;

use super::outcome::{Outcome, Verdict};
use super::{Report, plot};

const STYLE: &str = "body{font:15px/1.45 system-ui,sans-serif;max-width:72rem;margin:2rem auto;padding:0 1rem;\
color:#222;background:#fff}table{border-collapse:collapse;width:100%}td,th{border-bottom:1px solid #ddd;padding:.5rem;\
text-align:left;vertical-align:top}dl{display:grid;grid-template-columns:max-content 1fr;gap:.1rem 1rem}dd{margin:0}\
.holds{color:#2e6b1f}.fails{color:#b00020;font-weight:bold}.idle{color:#8a6d00}pre{white-space:pre-wrap;\
background:#f6f6f6;padding:.5rem;font-size:12px}figure{margin:1.5rem 0}figcaption{font-weight:600}svg{max-width:44rem;\
width:100%}svg text{font:11px system-ui,sans-serif;fill:#333}.grid{stroke:#ddd}ul{margin:0;padding-left:1.1rem}\
@media(prefers-color-scheme:dark){body{color:#ddd;background:#161616}td,th{border-color:#333}pre{background:#222}\
svg text{fill:#ccc}.grid{stroke:#333}.holds{color:#8fce7a}.fails{color:#ff7a8a}.idle{color:#e0c060}}";

/// All of it.
pub(crate) fn report(report: &Report) -> String {
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><title>Doorward: what was proven</title>\n\
         <meta name=\"viewport\" content=\"width=device-width\"><style>{STYLE}</style>\n<h1>Doorward: what was \
         proven</h1>\n<p><strong>{}</strong>{}</p>\n<dl>",
        escape(&report.closing()),
        if report.effort.quick { " · a quick run: ordinary lengths, which prove less" } else { "" }
    );
    for (name, value) in &report.facts {
        let _ = write!(page, "<dt>{}</dt><dd>{}</dd>", escape(name), escape(value));
    }
    page.push_str(
        "</dl>\n<table><thead><tr><th>proof</th><th>asked</th><th>seen</th><th>verdict</th><th>seconds</th>\
         <th>seed</th></tr></thead><tbody>\n",
    );
    for outcome in &report.outcomes {
        page.push_str(&row(outcome));
    }
    page.push_str("</tbody></table>\n");
    let points: Vec<_> = report.outcomes.iter().flat_map(|outcome| outcome.points.iter().cloned()).collect();
    page.push_str(&plot::all(&points));
    page.push_str("</html>\n");
    page
}

fn row(outcome: &Outcome) -> String {
    let class = match outcome.verdict {
        Verdict::Holds => "holds",
        Verdict::Fails(_) => "fails",
        Verdict::NotRun(_) => "idle",
    };
    let seen: String = outcome
        .seen
        .iter()
        .map(|(figure, value)| format!("<li>{}: {}</li>", escape(figure), escape(value)))
        .collect();
    let why = outcome.verdict.why();
    let why = if why.is_empty() { String::new() } else { format!("<pre>{}</pre>", escape(why)) };
    format!(
        "<tr><td>{}</td><td>{}</td><td><ul>{seen}</ul>{why}</td><td class=\"{class}\">{}{}</td><td>{:.1}</td><td>{}</td></tr>\n",
        escape(outcome.name),
        escape(outcome.asks),
        outcome.verdict.word(),
        outcome.proven.as_ref().map(|proven| format!("<br>{}", escape(proven))).unwrap_or_default(),
        outcome.took.as_secs_f64(),
        escape(&outcome.seeds.join(", "))
    )
}

/// Text inside a page.
pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assure::Effort;

    #[test]
    fn a_proof_that_did_not_run_says_so_on_the_page() {
        let mut idle = Outcome::of("mutants", "everything <noticed>");
        idle.verdict = Verdict::NotRun("cargo-mutants is missing".to_owned());
        let mut well = Outcome::of("kills", "200");
        well.verdict = Verdict::Holds;
        well.seen.push(("kills".to_owned(), "200".to_owned()));
        well.proven = Some("abc, yesterday".to_owned());
        let facts = [("commit", "abc".to_owned())].into();
        let report = Report { effort: Effort::default(), facts, outcomes: vec![idle, well] };
        let page = super::report(&report);
        for part in [
            "did not run",
            "cargo-mutants is missing",
            "everything &lt;noticed&gt;",
            "<li>kills: 200</li>",
            "holds<br>abc, yesterday",
        ] {
            assert!(page.contains(part), "{part} in {page}");
        }
        assert!(page.contains("1 hold, 0 fail, 1 did not run"));
    }
}
