//! `/v1/session`: who am I, and sign out.

use axum::extract::State;
use axum::response::Response;
use doorward_core::client::Client;
use doorward_core::session::Session;
use doorward_store::packed::Seen;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};

use crate::door::{Door, Origin};
use crate::flows::acknowledge::reach;
use crate::flows::check::{self, Caller};
use crate::flows::{Refusal, Stopped, revoke};
use crate::http::cookie;
use crate::http::extract::{Authenticated, Shown, same_site};
use crate::http::problem::Problem;
use crate::http::receipt::{Asked, ReceiptBody};
use crate::http::reply::{self, SessionBody, UserBody, WhoBody};

/// `GET /v1/session`: the caller's user and session.
pub async fn show(State(door): State<Door>, who: Authenticated) -> Response {
    describe(&door, &who.caller)
}

/// The answer to "who am I".
pub fn describe(door: &Door, caller: &Caller) -> Response {
    let client = door.client(&caller.session().client);
    reply::json(StatusCode::OK, &who(caller, client.as_deref()))
}

/// Its body alone.
pub fn description(door: &Door, caller: &Caller) -> Vec<u8> {
    let client = door.client(&caller.session().client);
    serde_json::to_vec(&who(caller, client.as_deref())).unwrap_or_default()
}

/// The same of a record as it is kept.
pub fn description_seen(door: &Door, seen: &Seen<'_>) -> Vec<u8> {
    let client = door.client_called(seen.client);
    let session = SessionBody::of_seen(seen, client.as_deref());
    let mut body = Vec::with_capacity(640);
    // Writing to memory does not fail.
    let _ = serde_json::to_writer(&mut body, &WhoBody { user: seen.user.map(UserBody::of_seen), session });
    body
}

fn who<'a>(caller: &'a Caller, client: Option<&Client>) -> WhoBody<'a> {
    WhoBody {
        user: caller.record.user.as_deref().map(UserBody::of),
        session: SessionBody::of(caller.session(), client, true),
    }
}

/// `DELETE /v1/session`: signs out here, by whatever the browser or the application still holds, and clears the cookies
/// of what was ended. Those of other applications on this host stay.
pub async fn end(
    State(door): State<Door>,
    shown: Shown,
    headers: HeaderMap,
    Asked(ack): Asked,
    from: Origin,
) -> Result<Response, Problem> {
    same_site(&door, &Method::DELETE, &headers, shown.is_ambient())?;
    let mut clears = Vec::new();
    if shown.secret_from_cookie {
        clears.push(cookie::clear_session());
    }
    match to_end(&door, &shown).await {
        Ok(session) => {
            let receipt = revoke::sign_out(&door, &session, &from).await?;
            clears.extend(cookie::clear_refresh(session.client.as_str()));
            let reached = reach(&door, receipt.place, ack).await;
            let mut response = reply::ended(receipt.ended, ReceiptBody::of(&reached));
            for clear in clears {
                response.headers_mut().append(header::SET_COOKIE, clear);
            }
            Ok(response)
        }
        // Nothing is left to end, but the browser asked to be rid of what it holds.
        Err(Stopped::Refused(refusal)) if refusal != Refusal::AmbiguousCredentials => {
            if shown.access.is_none() {
                clears.extend(shown.jar.iter().filter_map(|(client, _)| cookie::clear_refresh(client.as_str())));
            }
            let with = |problem: Problem, clear: HeaderValue| problem.with(header::SET_COOKIE, clear);
            Err(clears.into_iter().fold(Problem::from(refusal), with))
        }
        Err(stopped) => Err(stopped.into()),
    }
}

/// The session that is shown: by the token or secret first, else by the one that lies in the jar. A token that has to be
/// renewed will do: who leaves need not renew before.
async fn to_end(door: &Door, shown: &Shown) -> Result<Session, Stopped> {
    let refusal = match check::check_taking_stale(door, &shown.credentials()).await {
        Ok(caller) => return Ok(caller.session().clone()),
        Err(Stopped::Refused(refusal)) => refusal,
        Err(stopped) => return Err(stopped),
    };
    match shown.jar.as_slice() {
        [(_, token)] if refusal != Refusal::AmbiguousCredentials => {
            match revoke::session_of_token(door, token).await? {
                Some(session) if session.ended.is_none() => Ok(session),
                Some(_) => Err(Refusal::SessionEnded.into()),
                None => Err(refusal.into()),
            }
        }
        // Whose of several applications it shall be is anybody's guess.
        [_, _, ..] if refusal == Refusal::NoCredentials => Err(Refusal::AmbiguousCredentials.into()),
        _ => Err(refusal.into()),
    }
}
