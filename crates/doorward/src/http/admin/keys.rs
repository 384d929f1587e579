//! `/admin/v1/keys`: where each key is in its life; never what it is.

use axum::extract::State;
use axum::response::Response;
use doorward_core::audit::Actor;
use doorward_core::key::{KeyRecord, Purpose};
use http::StatusCode;
use serde::{Deserialize, Serialize};

use super::Desk;
use crate::door::{Door, Origin};
use crate::flows::keys::{self, Turning};
use crate::http::body::Json;
use crate::http::problem::{Code, Problem};
use crate::http::reply::{ListBody, Rfc3339, json};

/// A key, without its private part.
#[derive(Debug, Serialize)]
struct KeyBody {
    id: String,
    purpose: &'static str,
    number: u8,
    stage: &'static str,
    since: Rfc3339,
    created_at: Rfc3339,
}

impl KeyBody {
    fn of(record: &KeyRecord) -> Self {
        Self {
            id: record.id.to_string(),
            purpose: record.purpose.name(),
            number: record.number,
            stage: record.stage.name(),
            since: Rfc3339(record.since),
            created_at: Rfc3339(record.created_at),
        }
    }
}

/// `GET /admin/v1/keys`: all of them, oldest first.
pub async fn list(State(door): State<Door>) -> Result<Response, Problem> {
    let keys = door.directory().keys().await.map_err(crate::flows::Stopped::from)?;
    Ok(listed(&keys))
}

/// Which key turns.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Turn {
    purpose: String,
    #[serde(default)]
    now_anyway: bool,
}

/// `POST /admin/v1/keys/rotate`: the next key of a purpose comes into use; gives the keys that changed.
pub async fn rotate(State(desk): State<Desk>, from: Origin, Json(body): Json<Turn>) -> Result<Response, Problem> {
    // Handles name people in every feed there is: a new handle key would make all of them strangers.
    let purpose = Purpose::from_name(&body.purpose).filter(|purpose| *purpose != Purpose::Handle);
    let purpose = purpose.ok_or_else(|| Problem::about(Code::InvalidField, "purpose"))?;
    let turning = Turning { purpose, hurry: body.now_anyway };
    let master = desk.master().await;
    let changed = keys::rotate(desk.door(), &master, turning, Actor::Operator, &from).await?;
    Ok(listed(&changed))
}

fn listed(keys: &[KeyRecord]) -> Response {
    json(StatusCode::OK, &ListBody { data: keys.iter().map(KeyBody::of).collect(), next_cursor: None })
}
