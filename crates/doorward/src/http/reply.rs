//! The shapes of answers (design section 8), beside what writes them.

use std::fmt::Display;

use axum::response::{IntoResponse, Response};
use doorward_core::Timestamp;
use doorward_core::client::{Client, Strategy, Transport};
use doorward_core::id::{SessionId, UserId};
use doorward_core::role;
use doorward_core::session::{Methods, Session};
use doorward_core::user::User;
use http::{HeaderValue, StatusCode, header};
use serde::ser::SerializeSeq;
use serde::{Serialize, Serializer};

use super::cookie;
use super::receipt::ReceiptBody;
use super::rfc3339;
use crate::flows::issue::Issued;

/// A time as RFC 3339 in UTC, to the millisecond.
#[derive(Clone, Copy, Debug)]
pub struct Rfc3339(pub Timestamp);

impl Serialize for Rfc3339 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match rfc3339::write(self.0, &mut [0; rfc3339::LONGEST]) {
            Some(text) => serializer.serialize_str(text),
            None => serializer.collect_str(&jiff::Timestamp::from_millisecond(self.0.millis()).unwrap_or_default()),
        }
    }
}

/// A user, as their sessions see them.
#[derive(Debug, Serialize)]
pub struct UserBody<'a> {
    #[serde(serialize_with = "shown")]
    id: UserId,
    email: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    roles: Roles<'a>,
    created_at: Rfc3339,
}

impl<'a> UserBody<'a> {
    /// Of a user.
    pub fn of(user: &'a User) -> Self {
        Self {
            id: user.id,
            email: user.email.typed(),
            name: user.name.as_deref(),
            roles: Roles(user.roles.as_str()),
            created_at: Rfc3339(user.created_at),
        }
    }
}

/// Roles, as they are kept, as a list of words.
#[derive(Debug)]
pub struct Roles<'a>(pub &'a str);

impl Serialize for Roles<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(role::words(self.0))
    }
}

/// Writes what has a text form, without a string in between.
fn shown<T: Display, S: Serializer>(shown: &T, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(shown)
}

/// A session, as its user sees it.
#[derive(Debug, Serialize)]
pub struct SessionBody<'a> {
    #[serde(serialize_with = "shown")]
    id: SessionId,
    client_id: &'a str,
    strategy: &'static str,
    created_at: Rfc3339,
    last_seen_at: Rfc3339,
    expires_at: Rfc3339,
    idle_expires_at: Rfc3339,
    auth_time: Rfc3339,
    amr: Amr,
    device: DeviceBody<'a>,
    current: bool,
    guest: bool,
}

/// How a person proved who they are, as a list of words.
#[derive(Debug)]
pub struct Amr(pub Methods);

impl Serialize for Amr {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(None)?;
        for name in self.0.names() {
            list.serialize_element(name)?;
        }
        list.end()
    }
}

#[derive(Debug, Serialize)]
struct DeviceBody<'a> {
    name: &'a str,
    address: &'a str,
}

impl<'a> SessionBody<'a> {
    /// Of a session. The strategy is its client's of today, so that holders of another form notice (design section 3).
    pub fn of(session: &'a Session, client: Option<&Client>, current: bool) -> Self {
        let strategy = client.map_or(session.strategy, |client| client.strategy);
        Self {
            id: session.id,
            client_id: session.client.as_str(),
            strategy: strategy.name(),
            created_at: Rfc3339(session.created_at),
            last_seen_at: Rfc3339(session.last_seen_at),
            expires_at: Rfc3339(session.expires_at),
            idle_expires_at: Rfc3339(session.idle_expires_at()),
            auth_time: Rfc3339(session.auth_time),
            amr: Amr(session.amr),
            device: DeviceBody { name: &session.device.name, address: &session.device.address },
            current,
            guest: session.is_guest(),
        }
    }
}

/// `GET /v1/session`.
#[derive(Debug, Serialize)]
pub struct WhoBody<'a> {
    /// `null` for a guest.
    pub user: Option<UserBody<'a>>,
    /// The caller's session.
    pub session: SessionBody<'a>,
}

/// A list.
#[derive(Debug, Serialize)]
pub struct ListBody<T> {
    /// What it holds.
    pub data: Vec<T>,
    /// Where it goes on.
    pub next_cursor: Option<String>,
}

#[derive(Debug, Serialize)]
struct IssuedBody<'a> {
    user: Option<UserBody<'a>>,
    session: SessionBody<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    session_token: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    access_token: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    token_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_in: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_expires_in: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    receipt: Option<ReceiptBody>,
}

/// The answer to a sign-in, a refresh and a password change: what to hold, in the body or in cookies.
pub fn issued(status: StatusCode, issued: &Issued, now: Timestamp) -> Response {
    issued_with(status, issued, now, None)
}

/// The same with the receipt of what was ended on the way.
pub fn issued_with(status: StatusCode, issued: &Issued, now: Timestamp, receipt: Option<ReceiptBody>) -> Response {
    let Issued { session, user, handed, transport } = issued;
    let in_body = *transport == Transport::Body;
    let access = handed.access.as_ref();
    let refresh = handed.refresh.as_ref();
    let shown_refresh = refresh.filter(|_| in_body && !handed.refresh_for_jar_only);
    let mut shape = SessionBody::of(session, None, true);
    shape.strategy = shape_of(issued).name();
    let body = IssuedBody {
        user: user.as_deref().map(UserBody::of),
        session: shape,
        session_token: handed.session_secret.as_deref().filter(|_| in_body),
        access_token: access.map(|(token, _)| token.as_str()),
        token_type: access.map(|_| "Bearer"),
        expires_in: access.map(|(_, lives)| lives.secs()),
        refresh_token: shown_refresh.map(|(token, _)| token.as_str()),
        refresh_expires_in: refresh.filter(|_| !handed.refresh_for_jar_only).map(|(_, lives)| lives.secs()),
        receipt,
    };
    let mut response = json(status, &body);
    set_cookies(&mut response, issued, now);
    response
}

/// Puts into an answer what the browser's jar shall hold.
pub fn set_cookies(response: &mut Response, issued: &Issued, now: Timestamp) {
    let Issued { session, handed, transport, .. } = issued;
    if *transport == Transport::Body {
        return;
    }
    // As long as the session may live: an idle end is ours to tell, not the browser's to guess.
    let lives = session.expires_at - now;
    let secret = handed.session_secret.as_ref().and_then(|secret| cookie::set_session(secret, lives));
    let refresh = handed.refresh.as_ref().and_then(|(token, _)| cookie::set_refresh(&session.client, token, lives));
    let device = handed.device.as_deref().and_then(cookie::set_device);
    for cookie in [secret, refresh, device].into_iter().flatten() {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
}

/// The form that was handed out.
fn shape_of(issued: &Issued) -> Strategy {
    let handed = &issued.handed;
    match (&handed.session_secret, &handed.access) {
        (Some(_), None) => Strategy::Session,
        (_, Some(_)) if handed.refresh.is_some() && !handed.refresh_for_jar_only => Strategy::Hybrid,
        (_, Some(_)) => Strategy::Jwt,
        (None, None) => issued.session.strategy,
    }
}

#[derive(Debug, Serialize)]
struct EndedBody {
    ended: u64,
    receipt: ReceiptBody,
}

/// The answer to a revocation: how many ended, and how far that has got.
pub fn ended(ended: u64, receipt: ReceiptBody) -> Response {
    json(StatusCode::OK, &EndedBody { ended, receipt })
}

/// An answer in JSON that nobody may keep.
pub fn json<T: Serialize>(status: StatusCode, body: &T) -> Response {
    let bytes = serde_json::to_vec(body).unwrap_or_default();
    let mut response = (status, bytes).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
