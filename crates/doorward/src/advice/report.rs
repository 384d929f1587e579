//! A recommendation as it is told, to programs and on the page: every reason, what to know beside it, how long an ended
//! credential may still work, and the configuration.

use doorward_core::Lifetime;
use doorward_core::advice::{Answers, advise, comparison};
use doorward_core::client::Strategy;
use serde::Serialize;

use super::configuration;
use crate::hub::FeedSettings;

/// The whole of it.
#[derive(Debug, Serialize)]
pub struct Report {
    /// What is recommended.
    pub strategy: &'static str,
    /// What it rests on.
    pub ground: &'static str,
    /// In a line.
    pub headline: &'static str,
    /// Why.
    pub why: &'static str,
    /// What each answer pulls towards.
    pub pulls: Vec<PullBody>,
    /// Clients to add.
    pub clients: Vec<ClientBody>,
    /// What to know beside it.
    pub cautions: Vec<&'static str>,
    /// How long what was ended may still work, by strategy.
    pub windows: Vec<WindowBody>,
    /// The three strategies beside one another.
    pub comparison: Vec<RowBody>,
    /// What is added by hand.
    pub commands: Vec<String>,
    /// The file.
    pub configuration: String,
}

/// An answer, and what it speaks for.
#[derive(Debug, Serialize)]
pub struct PullBody {
    /// Its name.
    pub topic: &'static str,
    /// The question.
    pub asks: &'static str,
    /// The answer.
    pub answer: &'static str,
    /// The strategy; `None` if every one will do.
    pub towards: Option<&'static str>,
    /// Why.
    pub why: &'static str,
}

/// A client to add.
#[derive(Debug, Serialize)]
pub struct ClientBody {
    /// Its id.
    pub id: &'static str,
    /// What its users hold.
    pub strategy: &'static str,
    /// How the long-lived credential travels.
    pub transport: &'static str,
    /// For what, and why so.
    pub why: &'static str,
}

/// How long what was ended may still work.
#[derive(Debug, Serialize)]
pub struct WindowBody {
    /// With which strategy.
    pub strategy: &'static str,
    /// At Doorward itself.
    pub here: &'static str,
    /// At a service that follows the feed.
    pub followed: String,
    /// At one that does not.
    pub otherwise: String,
}

/// A row of the comparison.
#[derive(Debug, Serialize)]
pub struct RowBody {
    /// What is compared.
    pub about: &'static str,
    /// With strategy `session`.
    pub session: &'static str,
    /// With strategy `jwt`.
    pub jwt: &'static str,
    /// With strategy `hybrid`.
    pub hybrid: &'static str,
}

impl Report {
    /// Of what was answered.
    pub fn of(answers: &Answers, issuer: &str) -> Self {
        let advice = advise(answers);
        let pulls = answers.pulls().map(|(topic, answer, pull)| PullBody {
            topic: topic.key(),
            asks: topic.asks(),
            answer: answer.name(),
            towards: pull.towards.map(Strategy::name),
            why: pull.why,
        });
        let clients = advice.clients.iter().map(|client| ClientBody {
            id: client.id,
            strategy: client.strategy.name(),
            transport: client.transport.name(),
            why: client.why,
        });
        let rows = comparison::ROWS.iter().map(|row| RowBody {
            about: row.about,
            session: row.session,
            jwt: row.jwt,
            hybrid: row.hybrid,
        });
        Self {
            strategy: advice.strategy().name(),
            ground: advice.ground.name(),
            headline: advice.ground.headline(),
            why: advice.ground.sentence(),
            pulls: pulls.collect(),
            clients: clients.collect(),
            cautions: advice.cautions.iter().map(|caution| caution.sentence()).collect(),
            windows: windows(FeedSettings::default().terms(), advice.access),
            comparison: rows.collect(),
            commands: configuration::commands(&advice),
            configuration: configuration::file(&advice, answers, issuer),
        }
    }
}

/// By strategy, with the bound that services are granted and the life of an access token.
fn windows(bound: Lifetime, access: Lifetime) -> Vec<WindowBody> {
    let minutes = access.secs() / 60;
    let window = |strategy: Strategy| WindowBody {
        strategy: strategy.name(),
        here: "none: it is refused before the answer to the sign-out is sent",
        followed: format!("typically milliseconds, never more than {}", seconds(bound)),
        otherwise: match strategy {
            Strategy::Session => String::from("none: without the feed a service has to ask Doorward"),
            Strategy::Jwt => format!("until the token runs out: up to {minutes} minutes"),
            Strategy::Hybrid => format!("until the token runs out: up to {minutes} minutes; no refresh at once"),
        },
    };
    Strategy::ALL.map(window).into()
}

fn seconds(span: Lifetime) -> String {
    let millis = span.millis();
    if millis % 1000 == 0 { format!("{} seconds", millis / 1000) } else { format!("{millis} milliseconds") }
}

#[cfg(test)]
mod tests {
    use doorward_core::advice::Topic;

    use super::*;

    #[test]
    fn windows_are_those_of_the_configuration() {
        let report = Report::of(&Answers::yes_to(&[Topic::Edge, Topic::Revocation]), "https://id.example.com");
        assert_eq!(report.windows[1].otherwise, "until the token runs out: up to 5 minutes");
        assert!(report.windows[2].followed.ends_with("never more than 3 seconds"));
        assert!(report.configuration.contains("lease_most_ms = 3000\ngrace_most_ms = 0"));
        assert!(report.commands[0].contains("--access-minutes 5"), "{:?}", report.commands);
        assert_eq!(seconds(Lifetime::from_millis(1500)), "1500 milliseconds");
    }
}
