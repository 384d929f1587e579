//! `/admin/v1/keys`: where each key is in its life. What it is leaves by `share` alone, and only where it is shared anyway.

use axum::extract::State;
use axum::response::Response;
use doorward_core::audit::Actor;
use doorward_core::id::KeyId;
use doorward_core::key::{self, KeyRecord, Purpose, Schedule};
use doorward_core::{Algorithm, Lifetime};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::config::settled::master_key;
use crate::door::{Door, Origin};
use crate::flows::acknowledge::reach;
use crate::flows::{Stopped, keys};
use crate::http::body::Json;
use crate::http::extract::Segment;
use crate::http::problem::{Code, Problem};
use crate::http::receipt::{Asked, ReceiptBody};
use crate::http::reply::{ListBody, Rfc3339, json};

/// A key, without its private part.
#[derive(Debug, Serialize)]
struct KeyBody {
    id: String,
    purpose: &'static str,
    number: u8,
    stage: &'static str,
    since: Rfc3339,
    /// When it is ready to go on in its life; absent where that is not a matter of time.
    until: Option<Rfc3339>,
    created_at: Rfc3339,
}

/// `GET /admin/v1/keys`: all of them, oldest first.
pub async fn list(State(door): State<Door>) -> Result<Response, Problem> {
    let keys = door.directory().keys().await.map_err(Stopped::from)?;
    Ok(listed(&door, &keys))
}

/// Which key turns.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rotate {
    purpose: String,
    #[serde(default)]
    hurry: bool,
}

/// `POST /admin/v1/keys/rotate`: the next key of a purpose comes into use; gives the keys that changed.
pub async fn rotate(State(door): State<Door>, from: Origin, Json(body): Json<Rotate>) -> Result<Response, Problem> {
    let purpose = Purpose::from_name(&body.purpose);
    let purpose = purpose.ok_or_else(|| Problem::about(Code::InvalidField, "purpose"))?;
    let changed = keys::rotate(&door, purpose, body.hurry, Actor::Operator, &from).await?;
    Ok(listed(&door, &changed))
}

/// How a key ends.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ending {
    #[serde(default)]
    hurry: bool,
}

/// `POST /admin/v1/keys/{id}/retire`: forgets a key that is no longer used; gives the keys that changed.
pub async fn retire(
    State(door): State<Door>,
    id: Segment,
    from: Origin,
    Json(body): Json<Ending>,
) -> Result<Response, Problem> {
    let id = id.parse(KeyId::parse, Code::NotFound.into())?;
    let changed = keys::retire(&door, id, body.hurry, Actor::Operator, &from).await?;
    Ok(listed(&door, &changed))
}

/// `POST /admin/v1/keys/{id}/kill`: ends a key and all that was signed with it; gives the keys that changed.
pub async fn kill(
    State(door): State<Door>,
    id: Segment,
    Asked(ack): Asked,
    from: Origin,
    Json(body): Json<Ending>,
) -> Result<Response, Problem> {
    let id = id.parse(KeyId::parse, Code::NotFound.into())?;
    let changed = keys::kill(&door, id, body.hurry, Actor::Operator, &from).await?;
    // Its line is published, so it stands at the head or before it.
    let receipt = ReceiptBody::named(&reach(&door, door.cached().head(), ack).await);
    Ok(json(StatusCode::OK, &Killed { data: bodies(&door, &changed), receipt }))
}

/// The master key that takes over.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reseal {
    new_master_key: Zeroizing<String>,
}

/// `POST /admin/v1/keys/reseal`: seals everything under a new master key too; gives the keys that were sealed.
pub async fn reseal(State(door): State<Door>, from: Origin, Json(body): Json<Reseal>) -> Result<Response, Problem> {
    let new = master_key(&body.new_master_key);
    let new = new.ok_or_else(|| Problem::about(Code::InvalidField, "new_master_key"))?;
    let changed = keys::reseal(&door, &new, Actor::Operator, &from).await?;
    Ok(listed(&door, &changed))
}

/// A shared secret as a JWK (RFC 7518 section 6.4).
#[derive(Serialize)]
struct SharedJwk<'a> {
    kty: &'static str,
    k: &'a str,
    alg: &'static str,
    r#use: &'static str,
    kid: String,
}

#[derive(Serialize)]
struct SharedSet<'a> {
    keys: Vec<SharedJwk<'a>>,
}

/// `POST /admin/v1/keys/share`: the shared secrets of HS256 as a JWK set, for the one verifier that needs them.
pub async fn share(State(door): State<Door>, from: Origin) -> Result<Response, Problem> {
    let shared = keys::share(&door, Actor::Operator, &from).await?;
    let keys = shared.iter().map(|key| SharedJwk {
        kty: "oct",
        k: &key.secret,
        alg: Algorithm::Hs256.name(),
        r#use: "sig",
        kid: key.id.to_string(),
    });
    Ok(json(StatusCode::OK, &SharedSet { keys: keys.collect() }))
}

/// The keys that a kill changed, and how far it has got.
#[derive(Debug, Serialize)]
struct Killed {
    data: Vec<KeyBody>,
    receipt: ReceiptBody,
}

fn listed(door: &Door, keys: &[KeyRecord]) -> Response {
    json(StatusCode::OK, &ListBody { data: bodies(door, keys), next_cursor: None })
}

fn bodies(door: &Door, keys: &[KeyRecord]) -> Vec<KeyBody> {
    let schedule = Schedule { every: door.settings().rotate_every, jitter: Lifetime::ZERO };
    let body = |record: &KeyRecord| KeyBody {
        id: record.id.to_string(),
        purpose: record.purpose.name(),
        number: record.number,
        stage: record.stage.name(),
        since: Rfc3339(record.since),
        until: key::until(record, schedule).map(Rfc3339),
        created_at: Rfc3339(record.created_at),
    };
    keys.iter().map(body).collect()
}
