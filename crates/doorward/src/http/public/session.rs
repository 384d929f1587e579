//! `/v1/session`: who am I, and sign out.

use std::fmt::Display;
use std::io::Write;

use axum::extract::State;
use axum::response::Response;
use doorward_core::client::{Client, Strategy};
use doorward_core::session::Session;
use doorward_store::packed::Seen;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use serde::Serialize;

use crate::door::{Door, Origin};
use crate::flows::acknowledge::reach;
use crate::flows::check::{self, Caller};
use crate::flows::{Refusal, Stopped, revoke};
use crate::http::cookie;
use crate::http::extract::{Authenticated, Shown, same_site};
use crate::http::problem::Problem;
use crate::http::receipt::{Asked, ReceiptBody};
use crate::http::reply::{self, Amr, Rfc3339, Roles, SessionBody, UserBody, WhoBody};

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
    written(seen, door.client_called(seen.client).map_or(seen.strategy, |client| client.strategy))
}

/// [`WhoBody`] by hand, because it is asked for more often than all else together. A test compares them.
fn written(seen: &Seen<'_>, strategy: Strategy) -> Vec<u8> {
    let mut body = Vec::with_capacity(640);
    match &seen.user {
        Some(user) => {
            shown(&mut body, "{\"user\":{\"id\":\"", &user.id);
            told(&mut body, "\",\"email\":", &user.email);
            if let Some(name) = user.name {
                told(&mut body, ",\"name\":", &name);
            }
            told(&mut body, ",\"roles\":", &Roles(user.roles));
            told(&mut body, ",\"created_at\":", &Rfc3339(user.created_at));
            body.extend_from_slice(b"}");
        }
        None => body.extend_from_slice(b"{\"user\":null"),
    }
    shown(&mut body, ",\"session\":{\"id\":\"", &seen.session);
    told(&mut body, "\",\"client_id\":", &seen.client);
    told(&mut body, ",\"strategy\":", &strategy.name());
    told(&mut body, ",\"created_at\":", &Rfc3339(seen.created_at));
    told(&mut body, ",\"last_seen_at\":", &Rfc3339(seen.vitals.last_seen_at));
    told(&mut body, ",\"expires_at\":", &Rfc3339(seen.vitals.expires_at));
    told(&mut body, ",\"idle_expires_at\":", &Rfc3339(seen.vitals.idle_expires_at()));
    told(&mut body, ",\"auth_time\":", &Rfc3339(seen.auth_time));
    told(&mut body, ",\"amr\":", &Amr(seen.amr));
    told(&mut body, ",\"device\":{\"name\":", &seen.device.0);
    told(&mut body, ",\"address\":", &seen.device.1);
    told(&mut body, "},\"current\":true,\"guest\":", &seen.user.is_none());
    body.extend_from_slice(b"}}");
    body
}

/// Writes what stands before, and a value.
fn told(body: &mut Vec<u8>, before: &str, value: &impl Serialize) {
    body.extend_from_slice(before.as_bytes());
    // Writing to memory does not fail.
    let _ = serde_json::to_writer(body, value);
}

/// Writes what stands before, and an id, which needs no escape.
fn shown(body: &mut Vec<u8>, before: &str, id: &impl Display) {
    body.extend_from_slice(before.as_bytes());
    let _ = write!(body, "{id}");
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
        // Nothing is left to end, but the browser asked to be rid of what it holds. Where the session lives on, it stays.
        Err(Stopped::Refused(refusal)) if !matches!(refusal, Refusal::AmbiguousCredentials | Refusal::Forbidden) => {
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
        Ok(caller) => return Ok(caller.acting()?.session().clone()),
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use doorward_core::role;
    use doorward_core::session::{Epochs, Methods};
    use doorward_core::{Lifetime, Position};
    use doorward_store::cached::Record;
    use doorward_store::packed::Packed;
    use doorward_store::suite::cast::{NOON, session, user};

    use super::*;
    use crate::flows::check::By;

    #[test]
    fn what_is_written_by_hand_is_what_the_serializer_writes() {
        for text in ["Chrome on Linux", "", "\"quoted\" \\ back", "tab\tline\n\u{1}", "B\u{e9}a \u{1f511} \u{2028}"] {
            for (of, amr) in [(Some(7), Methods::PASSWORD), (None, Methods::NONE)] {
                let mut session = session(9, of, Position::START);
                session.amr = amr;
                session.device.name = text.to_owned();
                session.device.address = text.to_owned();
                session.last_seen_at = NOON + Lifetime::from_millis(120);
                let user = of.map(|number| {
                    let mut user = user(number);
                    user.name = (!text.is_empty()).then(|| text.to_owned());
                    user.roles = role::Roles::of(["a", "b:c"].into_iter().take(text.len())).expect("roles");
                    Arc::new(user)
                });
                let record = Record::new(session.clone(), user, None, Epochs::default(), (Position::START, NOON));
                let packed = Packed::of(&record);
                let by_hand = written(&packed.seen().expect("a record"), session.strategy);
                let caller = Caller { record: Arc::new(record), by: By::Access(NOON) };
                let expected = serde_json::to_string(&who(&caller, None)).expect("a body");
                assert_eq!(String::from_utf8(by_hand).expect("text"), expected);
            }
        }
    }
}
