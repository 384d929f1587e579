//! `GET /v1/feed/snapshot`: everything that is revoked now, signed.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use doorward_verify::feed::CONTENT_TYPE;
use http::{HeaderValue, header};

use super::Follower;
use crate::door::Door;
use crate::http::problem::Problem;
use crate::hub;

/// Lends the latest snapshot.
pub async fn show(State(door): State<Door>, _: Follower) -> Result<Response, Problem> {
    let bytes = hub::snapshot(&door).await?;
    door.hub().counters.snapshots.one();
    let mut response = bytes.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(CONTENT_TYPE));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}
