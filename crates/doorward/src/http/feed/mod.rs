//! `/v1/feed`: the revocation feed, for verifiers and nobody else. `docs/flows/feed.md` is the contract.

pub mod ping;
pub mod sessions;
pub mod snapshot;
pub mod stream;

use std::sync::Arc;

use axum::extract::FromRequestParts;
use doorward_core::secret::SecretKind;
use doorward_core::verifier::VerifierRecord;
use http::request::Parts;
use http::{HeaderMap, header};

use super::cookie;
use super::problem::{Code, Problem};
use crate::door::Door;

/// The media type of events.
const EVENTS: &str = "text/event-stream";

/// A verifier that has shown its secret.
#[derive(Debug)]
pub struct Follower(pub Arc<VerifierRecord>);

impl FromRequestParts<Door> for Follower {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, door: &Door) -> Result<Self, Problem> {
        let found = follower(door, &parts.headers);
        if found.is_err() {
            door.hub().counters.strangers.one();
        }
        found.map(Self)
    }
}

/// Whoever shows anything else learns that it is something else, and nothing more.
fn follower(door: &Door, headers: &HeaderMap) -> Result<Arc<VerifierRecord>, Problem> {
    if headers.contains_key(header::ORIGIN) {
        // A service sends none; a browser has no business here, whatever it shows.
        return Err(Code::CrossSite.into());
    }
    let mut shown = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(value), None) = (shown.next(), shown.next()) else {
        let is_somebody = headers.contains_key(header::AUTHORIZATION)
            || cookie::values(headers, cookie::SESSION).next().is_some()
            || cookie::refresh_values(headers).next().is_some();
        return Err(if is_somebody { Code::Forbidden } else { Code::NoCredentials }.into());
    };
    let value = value.to_str().map_err(|_| Code::InvalidCredentials)?;
    let (scheme, text) = value.split_once(' ').ok_or(Code::InvalidCredentials)?;
    let text = text.trim_matches(' ');
    if !scheme.eq_ignore_ascii_case("Bearer") || !text.starts_with(SecretKind::Verifier.prefix()) {
        return Err(Code::Forbidden.into());
    }
    let secret = SecretKind::Verifier.parse(text).ok_or(Code::InvalidCredentials)?;
    door.cached().verifier(&secret.hash()).ok_or(Code::InvalidCredentials.into())
}
