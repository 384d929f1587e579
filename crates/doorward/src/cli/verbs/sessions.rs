//! `doorward sessions`: who is signed in, and ending it.

use serde_json::{Value, json};

use super::{items, tell, tell_list, users};
use crate::cli::args::{Reaching, SessionsVerb};
use crate::cli::ask::{Office, encoded};
use crate::cli::out::cell;
use crate::cli::stop::{Exit, Stop};

/// Runs the verb.
pub(in crate::cli) async fn run(reaching: &Reaching, verb: SessionsVerb) -> Result<Exit, Stop> {
    let office = Office::reach(reaching).await?;
    match verb {
        SessionsVerb::List { user, limit } => {
            let of = match user {
                Some(user) => format!("&user_id={}", users::find(&office, &user).await?),
                None => String::new(),
            };
            let sessions = items(&office, &format!("/admin/v1/sessions?limit={limit}{of}")).await?;
            tell_list(reaching.format, sessions, &TITLES, row);
        }
        SessionsVerb::End { user: Some(user), .. } => {
            let body = json!({ "user_id": users::find(&office, &user).await? });
            let answer = office.ask("POST", "/admin/v1/sessions/revoke", Some(&body)).await?;
            tell(reaching.format, &answer, ended);
        }
        SessionsVerb::End { session, .. } => {
            let id = encoded(&session.unwrap_or_default());
            let answer = office.ask("DELETE", &format!("/admin/v1/sessions/{id}"), None).await?;
            tell(reaching.format, &answer, ended);
        }
    }
    Ok(Exit::Well)
}

const TITLES: [&str; 7] = ["id", "user", "client", "strategy", "device", "address", "last seen"];

fn row(session: &Value) -> Vec<String> {
    let device = &session["device"];
    let cells = [
        &session["id"],
        &session["user_id"],
        &session["client_id"],
        &session["strategy"],
        &device["name"],
        &device["address"],
        &session["last_seen_at"],
    ];
    cells.into_iter().map(cell).collect()
}

fn ended(answer: &Value) -> String {
    format!("ended {}; place in the feed {}", cell(&answer["ended"]), cell(&answer["receipt"]["position"]))
}
