//! `doorward clients`: applications.

use serde_json::{Value, json};

use super::{items, tell, tell_list};
use crate::cli::args::{ClientArgs, ClientsVerb, Reaching};
use crate::cli::ask::{Office, encoded};
use crate::cli::out::cell;
use crate::cli::stop::{Exit, Stop};
use crate::config::client::ClientWords;

/// Runs the verb.
pub(in crate::cli) async fn run(reaching: &Reaching, verb: ClientsVerb) -> Result<Exit, Stop> {
    let office = Office::reach(reaching).await?;
    let format = reaching.format;
    match verb {
        ClientsVerb::Add { id, kind, third_party, settings } => {
            let words = ClientWords {
                id: Some(id.clone()),
                kind: Some(kind),
                first_party: third_party.then_some(false),
                ..words(settings)
            };
            let answer = office.ask("POST", "/admin/v1/clients", Some(&json!(words))).await;
            let answer = answer.map_err(|stop| {
                let advice = format!("see `doorward clients list`; `doorward clients set {id}` changes it");
                stop.instead_of(&["client_taken"], format!("there is a client {id} already"), &advice)
            })?;
            tell(format, &answer, |answer| {
                let secret = answer["client_secret"].as_str();
                let secret = secret.map(|secret| format!("\nsecret: {secret} (told once)")).unwrap_or_default();
                format!("added {}{secret}{}", in_words(&answer["client"]), warnings(answer))
            });
        }
        ClientsVerb::List => tell_list(format, items(&office, "/admin/v1/clients").await?, &TITLES, row),
        ClientsVerb::Set { id, settings, disable, enable, ack } => {
            let disabled = (disable || enable).then_some(disable);
            let words = ClientWords { disabled, ..words(settings) };
            let path = format!("/admin/v1/clients/{}{}", encoded(&id), ack.query());
            let answer = office.ask("PATCH", &path, Some(&json!(words))).await;
            let answer = answer.map_err(|stop| {
                stop.instead_of(&["not_found"], format!("there is no client {id}"), "see `doorward clients list`")
            })?;
            tell(format, &answer, |answer| format!("{}{}", in_words(&answer["client"]), warnings(answer)));
        }
    }
    Ok(Exit::Well)
}

fn words(args: ClientArgs) -> ClientWords {
    let list = |text: Option<String>| {
        let parts = |text: String| {
            text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect()
        };
        text.map(parts)
    };
    ClientWords {
        strategy: args.strategy,
        transports: list(args.transports),
        origins: list(args.origins),
        audiences: list(args.audiences),
        scopes: list(args.scopes),
        algorithm: args.algorithm,
        access_minutes: args.access_minutes,
        profile: args.profile,
        attempt_key: args.attempt_key,
        ..ClientWords::default()
    }
}

const TITLES: [&str; 8] = ["id", "kind", "strategy", "transports", "origins", "algorithm", "access", "disabled"];

fn row(client: &Value) -> Vec<String> {
    let access = client["lifetimes"]["access_seconds"].as_i64().unwrap_or_default();
    vec![
        cell(&client["id"]),
        cell(&client["kind"]),
        cell(&client["strategy"]),
        cell(&client["transports"]),
        cell(&client["origins"]),
        cell(&client["algorithm"]),
        format!("{access} s"),
        cell(&client["disabled_at"]),
    ]
}

/// What is dangerous, a line each.
fn warnings(answer: &Value) -> String {
    let warnings = answer["warnings"].as_array().into_iter().flatten().filter_map(Value::as_str);
    warnings.map(|warning| format!("\nwarning: {warning}")).collect()
}

fn in_words(client: &Value) -> String {
    let off = if client["disabled_at"].is_null() { "" } else { ", switched off" };
    let travels = cell(&client["transports"]);
    format!(
        "{}: {} {}, travels by {travels}{off}",
        cell(&client["id"]),
        cell(&client["kind"]),
        cell(&client["strategy"])
    )
}
