//! The one question asked far more often than all others, answered without the router: `GET /v1/session` by a session
//! secret whose record is at hand. Everything else goes the ordinary way, and so does whatever is not plain here.

use axum::response::Response;
use doorward_core::secret::SecretKind;
use http::{HeaderMap, Method, Request, header};

use super::cookie;
use super::public::session::describe;
use crate::door::Door;
use crate::flows::check::check_kept;

/// Answers, or leaves the request to the router.
pub fn answer<B>(door: &Door, request: &Request<B>) -> Option<Response> {
    if request.uri().path() != "/v1/session" || *request.method() != Method::GET {
        return None;
    }
    let secret = SecretKind::Session.parse(only_secret(request.headers())?)?;
    let caller = check_kept(door, &secret.hash(), door.now())?.ok()?;
    Some(describe(door, &caller))
}

/// The text of the one session secret there is; `None` if there is none, or anything beside it that wants a closer look.
fn only_secret(headers: &HeaderMap) -> Option<&str> {
    if headers.contains_key(header::AUTHORIZATION) {
        return None;
    }
    let mut secrets = cookie::values(headers, cookie::SESSION);
    let secret = secrets.next()?;
    secrets.next().is_none().then_some(secret)
}
