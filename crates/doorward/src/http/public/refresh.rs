//! `POST /v1/session/refresh`: whatever the holder has becomes today's form.

use axum::extract::State;
use axum::response::Response;
use doorward_core::id::ClientId;
use http::{HeaderMap, Method, StatusCode};
use serde::Deserialize;
use zeroize::Zeroizing;

use super::client_id;
use crate::door::{Door, Origin};
use crate::flows::refresh::{Request, refresh};
use crate::http::body::OptionalJson;
use crate::http::extract::{Shown, attempt, same_site};
use crate::http::problem::{Code, Problem};
use crate::http::reply;

/// A refresh as it is asked for.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Body {
    refresh_token: Option<Zeroizing<String>>,
    client_id: Option<String>,
    attempt: Option<String>,
}

/// Refreshes, or converts.
pub async fn create(
    State(door): State<Door>,
    shown: Shown,
    headers: HeaderMap,
    from: Origin,
    OptionalJson(body): OptionalJson<Body>,
) -> Result<Response, Problem> {
    same_site(&door, &Method::POST, &headers, shown.is_ambient())?;
    let named = client_id(body.client_id.as_deref())?;
    let attempt = attempt(&headers, body.attempt.as_deref())?;
    let from_jar = body.refresh_token.is_none();
    let token = match &body.refresh_token {
        Some(token) => Some(token.to_string()),
        None => from_the_jar(&shown, named.as_ref())?,
    };
    let from_jar = from_jar && token.is_some();
    let application = shown.application(named);
    let request = Request { token, from_jar, attempt, secret: shown.secret, access: shown.access, application };
    let issued = refresh(&door, request, &from).await?;
    Ok(reply::issued(StatusCode::OK, &issued, door.now()))
}

/// The token of the client that asks; where nobody is named and the jar holds several, which one is meant is anybody's
/// guess.
fn from_the_jar(shown: &Shown, named: Option<&ClientId>) -> Result<Option<String>, Problem> {
    let mut tokens = shown.jar.iter().filter(|(client, _)| named.is_none_or(|named| named == client));
    match (tokens.next(), tokens.next()) {
        (Some(_), Some(_)) => Err(Code::AmbiguousCredentials.into()),
        (first, _) => Ok(first.map(|(_, token)| token.clone())),
    }
}
