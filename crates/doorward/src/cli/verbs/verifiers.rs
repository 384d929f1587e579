//! `doorward verifiers`: who may follow the revocation feed.

use serde_json::{Value, json};

use super::{items, tell, tell_list};
use crate::cli::args::{Reaching, VerifiersVerb};
use crate::cli::ask::{Office, encoded};
use crate::cli::out::cell;
use crate::cli::stop::{Exit, Stop};

const PATH: &str = "/admin/v1/verifiers";
const TITLES: [&str; 4] = ["id", "name", "audiences", "created"];

/// Runs the verb.
pub(in crate::cli) async fn run(reaching: &Reaching, verb: VerifiersVerb) -> Result<Exit, Stop> {
    let office = Office::reach(reaching).await?;
    match verb {
        VerifiersVerb::Add { name, audience } => {
            let mut body = json!({ "name": name });
            if !audience.is_empty() {
                body["audiences"] = json!(audience);
            }
            let answer = office.ask("POST", PATH, Some(&body)).await?;
            tell(reaching.format, &answer, |answer| {
                let verifier = &answer["verifier"];
                format!(
                    "registered {} ({}) for {}\nsecret: {} (told once)",
                    cell(&verifier["name"]),
                    cell(&verifier["id"]),
                    cell(&verifier["audiences"]),
                    cell(&answer["secret"])
                )
            });
        }
        VerifiersVerb::List => tell_list(reaching.format, items(&office, PATH).await?, &TITLES, row),
        VerifiersVerb::Remove { verifier } => {
            let id = find(&office, &verifier).await?;
            office.ask("DELETE", &format!("{PATH}/{}", encoded(&id)), None).await?;
            tell(reaching.format, &json!({ "verifier_id": id }), |_| {
                format!("{verifier} is struck off; what it knows it may trust until its lease ends")
            });
        }
    }
    Ok(Exit::Well)
}

fn row(verifier: &Value) -> Vec<String> {
    ["id", "name", "audiences", "created_at"].map(|member| cell(&verifier[member])).to_vec()
}

/// The id of a verifier that is called by id or name.
async fn find(office: &Office, verifier: &str) -> Result<String, Stop> {
    let all = items(office, PATH).await?;
    let called = |one: &&Value| one["id"] == verifier || one["name"] == verifier;
    match all.iter().find(called).and_then(|one| one["id"].as_str()) {
        Some(id) => Ok(id.to_owned()),
        None => Err(Stop::new(Exit::Negative, format!("there is no verifier called {verifier}"))
            .advise("see `doorward verifiers list`")),
    }
}
