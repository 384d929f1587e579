//! `/tools/advise`: which strategy, and why. Questions and recommendation are one page; the answers stand in its address,
//! so that it can be passed on, and nothing is stored.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::response::Response;
use doorward_core::advice::{Answer, Answers, Topic, comparison};
use doorward_core::client::Strategy;
use minijinja::{Value, context};

use super::form::{Asked, Fault};
use super::visit::Visit;
use crate::advice::configuration::ISSUER;
use crate::advice::report::{PullBody, Report};
use crate::config::settled;
use crate::door::Door;
use crate::http::problem::{Code, Problem};

/// The longest issuer, as the form says too.
const LONGEST: usize = 255;

/// Shows the questions, and the recommendation if anything was answered.
pub async fn show(State(door): State<Door>, visit: Visit, Asked(query): Asked<BTreeMap<String, String>>) -> Response {
    let reader = visit.reader();
    let issuer = query.get("issuer").map(String::as_str).unwrap_or_default();
    match read(&query) {
        Ok(answers) => {
            let own = if issuer.is_empty() { ISSUER } else { issuer };
            let report = (!query.is_empty()).then(|| report(&Report::of(&answers, own)));
            visit.page(&door, reader, "advise.html", "", values(&answers, issuer, report))
        }
        Err(fault) => {
            let problem = (Problem::about(Code::InvalidField, "query"), fault);
            // What is too long is not told back.
            let issuer = if issuer.len() > LONGEST { "" } else { issuer };
            visit.refusal(&door, reader, "advise.html", problem, values(&Answers::default(), issuer, None))
        }
    }
}

/// Reads the answers of an address; what is there and means nothing is a fault.
fn read(query: &BTreeMap<String, String>) -> Result<Answers, Fault> {
    let mut answers = Answers::default();
    for (name, text) in query {
        if name == "issuer" {
            let fits = text.is_empty() || text.len() <= LONGEST && settled::issuer(text).is_ok();
            if !fits {
                let text = "The address is https:// and a host, with nothing behind it.";
                return Err(Fault { text, field: "issuer" });
            }
            continue;
        }
        let Some(topic) = Topic::from_key(name) else {
            return Err(Fault { text: "This link has an answer to something that nobody asked.", field: "" });
        };
        let Some(answer) = Answer::from_name(text) else {
            return Err(Fault { text: "An answer is yes, no or unsure.", field: topic.key() });
        };
        answers = answers.with(topic, answer);
    }
    Ok(answers)
}

fn values(answers: &Answers, issuer: &str, report: Option<Value>) -> Value {
    let (questions, facts) = Topic::ALL.split_at(Topic::QUESTIONS);
    let list = |topics: &[Topic]| topics.iter().map(|topic| asked(*topic, answers)).collect::<Vec<_>>();
    let rows = comparison::ROWS.iter().map(|row| {
        context! { about => row.about, session => row.session, jwt => row.jwt, hybrid => row.hybrid }
    });
    context! {
        questions => list(questions),
        facts => list(facts),
        comparison => rows.collect::<Vec<_>>(),
        issuer,
        report,
    }
}

fn asked(topic: Topic, answers: &Answers) -> Value {
    let pull = topic.pull(Answer::Yes);
    let yes = match pull.and_then(|pull| pull.towards) {
        Some(Strategy::Session) => "speaks for sessions",
        Some(Strategy::Jwt) => "speaks for tokens",
        Some(Strategy::Hybrid) => "speaks for both",
        None => "decides which tokens, if any",
    };
    context! {
        key => topic.key(),
        asks => topic.asks(),
        explains => topic.explains(),
        answer => answers.to(topic).name(),
        yes,
        why => pull.map_or("", |pull| pull.why),
    }
}

fn report(report: &Report) -> Value {
    let groups = [
        (Some("session"), "Speaks for sessions"),
        (Some("jwt"), "Speaks for tokens"),
        (Some("hybrid"), "Speaks for both"),
        (None, "Leaves the choice open"),
    ];
    let groups = groups.into_iter().filter_map(|(strategy, title)| {
        let pulls: Vec<Value> = report.pulls.iter().filter(|pull| pull.towards == strategy).map(pull).collect();
        (!pulls.is_empty()).then(|| context! { title, pulls })
    });
    let windows = report.windows.iter().map(|window| {
        context! {
            strategy => window.strategy,
            here => window.here,
            followed => window.followed.as_str(),
            otherwise => window.otherwise.as_str(),
        }
    });
    context! {
        headline => report.headline,
        why => report.why,
        strategy => report.strategy,
        groups => groups.collect::<Vec<_>>(),
        cautions => report.cautions.iter().copied().map(parts).collect::<Vec<_>>(),
        windows => windows.collect::<Vec<_>>(),
        configuration => report.configuration.as_str(),
        lines => report.configuration.lines().count() + 1,
    }
}

/// A sentence in parts: what stands between backquotes is code.
fn parts(sentence: &str) -> Vec<Value> {
    let parts = sentence.split('`').enumerate().filter(|(_, text)| !text.is_empty());
    parts.map(|(place, text)| context! { text, is_code => place % 2 == 1 }).collect()
}

fn pull(pull: &PullBody) -> Value {
    context! { asks => pull.asks, answer => pull.answer, why => pull.why }
}
