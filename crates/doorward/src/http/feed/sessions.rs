//! `GET /v1/feed/sessions/{hash}`: the record of a session cookie, by the hash of its secret.

use axum::extract::State;
use axum::response::Response;
use doorward_core::secret::SecretHash;
use doorward_core::{Handles, base64url};
use http::StatusCode;
use serde::Serialize;

use super::Follower;
use crate::door::Door;
use crate::flows::record;
use crate::http::extract::Segment;
use crate::http::problem::{Code, Problem};
use crate::http::reply::{SessionBody, UserBody, json};

/// A record. Times are milliseconds, as everywhere in the feed.
#[derive(Debug, Serialize)]
struct RecordBody<'a> {
    session: SessionBody<'a>,
    user: Option<UserBody<'a>>,
    sid: String,
    client_id: &'a str,
    rh: Option<String>,
    rv: String,
    expires_at: i64,
    idle_expires_at: i64,
    keep_ms: i64,
}

/// Gives the record.
pub async fn show(
    State(door): State<Door>,
    Follower(verifier): Follower,
    hash: Segment,
) -> Result<Response, Problem> {
    let hash = hash.parse(read, Code::NotFound.into())?;
    let kept = record::by_secret(&door, &verifier, hash).await?;
    let session = &kept.session;
    let client = door.client(&session.client);
    let body = RecordBody {
        session: SessionBody::of(session, client.as_deref(), true),
        user: kept.user.as_deref().map(UserBody::of),
        sid: session.id.to_string(),
        client_id: session.client.as_str(),
        rh: Some(kept.handles).filter(|handles| *handles != Handles::default()).map(|handles| handles.text()),
        rv: kept.rv.to_string(),
        expires_at: session.expires_at.millis(),
        idle_expires_at: session.idle_expires_at().millis(),
        keep_ms: kept.keep.millis(),
    };
    Ok(json(StatusCode::OK, &body))
}

fn read(text: &str) -> Option<SecretHash> {
    base64url::decode(text)?.try_into().ok().map(SecretHash)
}
