//! `/v1/session`: who am I, and sign out.

use std::fmt::Display;
use std::io::Write;

use axum::extract::State;
use axum::response::Response;
use doorward_core::Timestamp;
use doorward_core::client::{Client, Strategy};
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
use crate::http::rfc3339;

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
            quoted(&mut body, "\",\"email\":", user.email);
            if let Some(name) = user.name {
                quoted(&mut body, ",\"name\":", name);
            }
            timed(&mut body, ",\"created_at\":", user.created_at);
            body.extend_from_slice(b"}");
        }
        None => body.extend_from_slice(b"{\"user\":null"),
    }
    shown(&mut body, ",\"session\":{\"id\":\"", &seen.session);
    quoted(&mut body, "\",\"client_id\":", seen.client);
    quoted(&mut body, ",\"strategy\":", strategy.name());
    timed(&mut body, ",\"created_at\":", seen.created_at);
    timed(&mut body, ",\"last_seen_at\":", seen.vitals.last_seen_at);
    timed(&mut body, ",\"expires_at\":", seen.vitals.expires_at);
    timed(&mut body, ",\"idle_expires_at\":", seen.vitals.idle_expires_at());
    timed(&mut body, ",\"auth_time\":", seen.auth_time);
    body.extend_from_slice(b",\"amr\":[");
    for (place, name) in seen.amr.names().enumerate() {
        quoted(&mut body, if place == 0 { "" } else { "," }, name);
    }
    quoted(&mut body, "],\"device\":{\"name\":", seen.device.0);
    quoted(&mut body, ",\"address\":", seen.device.1);
    let guest: &[u8] = if seen.user.is_none() { b"true}}" } else { b"false}}" };
    body.extend_from_slice(b"},\"current\":true,\"guest\":");
    body.extend_from_slice(guest);
    body
}

/// Writes what stands before, and a text that has to be escaped.
fn quoted(body: &mut Vec<u8>, before: &str, text: &str) {
    body.extend_from_slice(before.as_bytes());
    let is_plain = text.bytes().all(|byte| byte >= b' ' && byte != b'"' && byte != b'\\');
    if is_plain {
        body.push(b'"');
        body.extend_from_slice(text.as_bytes());
        body.push(b'"');
    } else {
        // Writing to memory does not fail.
        let _ = serde_json::to_writer(body, text);
    }
}

/// Writes what stands before, and an id.
fn shown(body: &mut Vec<u8>, before: &str, id: &impl Display) {
    body.extend_from_slice(before.as_bytes());
    let _ = write!(body, "{id}");
}

/// Writes what stands before, and a time.
fn timed(body: &mut Vec<u8>, before: &str, time: Timestamp) {
    body.extend_from_slice(before.as_bytes());
    match rfc3339::write(time, &mut [0; rfc3339::LONGEST]) {
        Some(text) => {
            body.push(b'"');
            body.extend_from_slice(text.as_bytes());
            body.push(b'"');
        }
        None => drop(serde_json::to_writer(body, &reply::Rfc3339(time))),
    }
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

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
