//! `/account/devices`: where I am signed in, and an end to it.

use axum::extract::State;
use axum::response::Response;
use doorward_core::client::Strategy;
use doorward_core::id::{ClientId, SessionId};
use doorward_core::revoke::Reach;
use doorward_core::session::Session;
use minijinja::{Value, context};
use serde::Deserialize;

use super::form::{Asked, Filled, Notice, STALE};
use super::look;
use super::visit::{SignedIn, Stop};
use super::when::{ago, when};
use crate::door::{Door, Origin};
use crate::flows::{Refusal, Stopped, revoke};
use crate::http::cookie;
use crate::http::problem::{Code, Problem};

/// The form: the id of a session, or `others`.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Fields {
    end: String,
}

/// A device as its owner sees it.
fn device(door: &Door, session: &Session, current: SessionId) -> Value {
    let strategy = door.client(&session.client).map_or(session.strategy, |client| client.strategy);
    let through = if session.client == ClientId::account() { "" } else { session.client.as_str() };
    let proven_by = match session.amr.names().next() {
        Some("pwd") => "with a password",
        _ => "without a proof",
    };
    let holds = match strategy {
        Strategy::Session => "a cookie",
        Strategy::Jwt => "an access token",
        Strategy::Hybrid => "an access token that renews itself",
    };
    context! {
        id => session.id.to_string(),
        name => session.device.name.as_str(),
        address => session.device.address.as_str(),
        is_current => session.id == current,
        signed_in => Value::from(when(session.auth_time)),
        last_used => ago(door.now() - session.last_seen_at),
        strategy => strategy.name(),
        proven_by,
        holds,
        through,
    }
}

/// Shows the devices, this one first, then the newest.
pub async fn show(State(door): State<Door>, who: SignedIn, Asked(asked): Asked<Notice>) -> Result<Response, Stop> {
    let notice = match asked.notice.as_str() {
        "ended" => "The device is signed out.",
        "others_ended" => "All other devices are signed out.",
        "gone" => "That device was signed out already.",
        _ => "",
    };
    draw(&door, &who, Ok(notice)).await
}

/// Ends one device, or all others.
pub async fn submit(
    State(door): State<Door>,
    who: SignedIn,
    from: Origin,
    form: Filled<Fields>,
) -> Result<Response, Stop> {
    if !form.is_ours(&door, &who.visit, who.reader()) {
        return draw(&door, &who, Err(Problem::new(Code::CrossSite))).await;
    }
    if form.fields.end == "others" {
        revoke::end_many(&door, &who.caller, Reach::Others, &from).await?;
        return Ok(look::see_other("/account/devices?notice=others_ended"));
    }
    let id = SessionId::parse(&form.fields.end).ok_or(Stopped::Refused(Refusal::NotFound))?;
    match revoke::end_one(&door, &who.caller, id, &from).await {
        Ok(_) if id == who.caller.session().id => {
            let mut response = look::see_other("/login?notice=signed_out");
            response.headers_mut().append(http::header::SET_COOKIE, cookie::clear_session());
            Ok(response)
        }
        Ok(_) => Ok(look::see_other("/account/devices?notice=ended")),
        Err(Stopped::Refused(Refusal::NotFound)) => Ok(look::see_other("/account/devices?notice=gone")),
        Err(stopped) => Err(stopped.into()),
    }
}

async fn draw(door: &Door, who: &SignedIn, said: Result<&str, Problem>) -> Result<Response, Stop> {
    let current = who.caller.session().id;
    let mut sessions = revoke::alive(door, &who.caller).await?;
    sessions.sort_by_key(|session| session.id != current);
    let devices: Vec<_> = sessions.iter().map(|session| device(door, session, current)).collect();
    let values = context! { devices };
    Ok(match said {
        Ok(notice) => who.visit.page(door, who.reader(), "devices.html", notice, values),
        Err(problem) => who.visit.refusal(door, who.reader(), "devices.html", (problem, STALE), values),
    })
}
