//! Public keys and the operator's probes.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use doorward_core::policy::JWKS_MAX_AGE;
use http::{HeaderMap, HeaderValue, StatusCode, header};

use super::problem::{Code, Problem};
use crate::door::Door;

/// `GET /.well-known/jwks.json` (RFC 7517): may be kept for five minutes, by anybody.
pub async fn jwks(State(door): State<Door>, headers: HeaderMap) -> Response {
    let keys = door.keys();
    let known = headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    let unchanged = known.is_some_and(|known| known.split(',').any(|tag| [keys.etag(), "*"].contains(&tag.trim())));
    let mut response = match unchanged {
        true => StatusCode::NOT_MODIFIED.into_response(),
        false => keys.jwks().into_response(),
    };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/jwk-set+json"));
    let kept = format!("public, max-age={}", JWKS_MAX_AGE.secs());
    if let Ok(kept) = HeaderValue::from_str(&kept) {
        headers.insert(header::CACHE_CONTROL, kept);
    }
    if let Ok(etag) = HeaderValue::from_str(keys.etag()) {
        headers.insert(header::ETAG, etag);
    }
    response
}

/// `GET /healthz`: the process answers.
pub async fn healthz() -> &'static str {
    "ok\n"
}

/// `GET /readyz`: the store can be written to, and the process is not on its way out.
pub async fn readyz(State(door): State<Door>) -> Result<&'static str, Problem> {
    if door.is_ready() { Ok("ready\n") } else { Err(Code::StoreUnavailable.into()) }
}
