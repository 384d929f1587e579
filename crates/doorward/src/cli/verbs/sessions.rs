//! `doorward sessions`: who is signed in, and ending it.

use serde_json::{Value, json};

use super::{items, receipt, tell, tell_list, users};
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
        SessionsVerb::End { user: Some(user), ack, .. } => {
            let body = json!({ "user_id": users::find(&office, &user).await? });
            let path = format!("/admin/v1/sessions/revoke{}", ack.query());
            let answer = office.ask("POST", &path, Some(&body)).await;
            tell(reaching.format, &answer.map_err(|stop| users::unknown(stop, &user))?, ended);
        }
        SessionsVerb::End { all: true, over, ack, .. } => {
            let body = json!({ "all": true, "over_seconds": over });
            let path = format!("/admin/v1/sessions/revoke{}", ack.query());
            let answer = office.ask("POST", &path, Some(&body)).await?;
            tell(reaching.format, &answer, everybody);
        }
        SessionsVerb::End { session, ack, .. } => {
            let session = session.unwrap_or_default();
            let path = format!("/admin/v1/sessions/{}{}", encoded(&session), ack.query());
            let answer = office.ask("DELETE", &path, None).await.map_err(|stop| {
                let what = format!("there is no session {session}");
                stop.instead_of(&["not_found"], what, "see `doorward sessions list`; what is over is not in it")
            })?;
            tell(reaching.format, &answer, ended);
        }
        SessionsVerb::Renew { over, ack } => {
            let body = json!({ "over_seconds": over });
            let path = format!("/admin/v1/sessions/renew{}", ack.query());
            let answer = office.ask("POST", &path, Some(&body)).await?;
            tell(reaching.format, &answer, everybody);
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
    format!("ended {}; {}", cell(&answer["ended"]), receipt(&answer["receipt"]))
}

/// What everybody's turn will cause.
fn everybody(answer: &Value) -> String {
    let (sessions, per_second) = (cell(&answer["sessions"]), cell(&answer["per_second"]));
    let come = if answer["turn"] == "end" { "sign in again" } else { "renew" };
    let over = match answer["over_seconds"].as_i64() {
        Some(0) | None => String::from("at once"),
        Some(seconds) => format!("within {seconds} s, about {per_second} a second"),
    };
    format!("{sessions} sessions {come} {over}; {}", receipt(&answer["receipt"]))
}
