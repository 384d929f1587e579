//! `/admin/v1/clients`: applications.

use axum::extract::State;
use axum::response::Response;
use doorward_core::audit::Actor;
use doorward_core::client::{Client, ClientKind, Warning};
use doorward_core::id::ClientId;
use doorward_core::secret::{Secret, SecretKind};
use http::StatusCode;
use serde::Serialize;

use super::Desk;
use crate::config::client::{ClientWords, Wrong};
use crate::door::{Door, Origin};
use crate::flows::acknowledge::reach;
use crate::flows::clients::{self, Settled};
use crate::http::body::Json;
use crate::http::extract::Segment;
use crate::http::problem::{Code, Problem};
use crate::http::receipt::{Asked, ReceiptBody};
use crate::http::reply::{ListBody, Rfc3339, json};

/// A client, without its secrets.
#[derive(Debug, Serialize)]
struct ClientBody<'a> {
    id: &'a str,
    kind: &'static str,
    first_party: bool,
    strategy: &'static str,
    strategy_since: Rfc3339,
    transports: Vec<&'static str>,
    origins: &'a [String],
    audiences: &'a [String],
    scopes: &'a [String],
    algorithm: &'static str,
    lifetimes: LifetimesBody,
    attempt_key: &'static str,
    secrets: usize,
    disabled_at: Option<Rfc3339>,
    created_at: Rfc3339,
}

#[derive(Debug, Serialize)]
struct LifetimesBody {
    access_seconds: i64,
    idle_seconds: i64,
    absolute_seconds: i64,
    absolute_native_seconds: i64,
}

impl<'a> ClientBody<'a> {
    fn of(client: &'a Client) -> Self {
        let times = client.lifetimes;
        Self {
            id: client.id.as_str(),
            kind: client.kind.name(),
            first_party: client.first_party,
            strategy: client.strategy.name(),
            strategy_since: Rfc3339(client.strategy_since),
            transports: client.transports.iter().map(|transport| transport.name()).collect(),
            origins: &client.origins,
            audiences: &client.audiences,
            scopes: &client.scopes,
            algorithm: client.algorithm.name(),
            lifetimes: LifetimesBody {
                access_seconds: times.access.secs(),
                idle_seconds: times.idle.secs(),
                absolute_seconds: times.absolute.secs(),
                absolute_native_seconds: times.absolute_native.secs(),
            },
            attempt_key: client.attempt_key.name(),
            secrets: client.secrets.len(),
            disabled_at: client.disabled_at.map(Rfc3339),
            created_at: Rfc3339(client.created_at),
        }
    }
}

#[derive(Serialize)]
struct One<'a> {
    client: ClientBody<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret: Option<&'a str>,
    /// What is dangerous about it, in sentences.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    receipt: Option<ReceiptBody>,
}

impl<'a> One<'a> {
    fn of(settled: &'a Settled, client_secret: Option<&'a str>) -> Self {
        let warnings = settled.warnings.iter().map(|warning: &Warning| warning.sentence()).collect();
        Self { client: ClientBody::of(&settled.client), client_secret, warnings, receipt: None }
    }
}

/// `GET /admin/v1/clients`: all of them.
pub async fn list(State(door): State<Door>) -> Result<Response, Problem> {
    let clients = door.directory().clients().await.map_err(crate::flows::Stopped::from)?;
    let data: Vec<_> = clients.iter().map(ClientBody::of).collect();
    Ok(json(StatusCode::OK, &ListBody { data, next_cursor: None }))
}

/// `POST /admin/v1/clients`: adds a client. The secret of a confidential one is in this answer and nowhere else.
pub async fn create(
    State(desk): State<Desk>,
    from: Origin,
    Json(body): Json<ClientWords>,
) -> Result<Response, Problem> {
    let new = body.read_new().map_err(|wrong| unread(&wrong))?;
    let door = desk.door();
    let mut client = new.client(desk.profile(), door.now());
    let mut text = None;
    if client.kind == ClientKind::Confidential {
        let secret = Secret::from_bytes(door.draw()?);
        client.secrets.push(secret.hash());
        text = Some(zeroize::Zeroizing::new(SecretKind::Client.text(&secret)));
    }
    let added = clients::add(door, client, Actor::Operator, &from).await?;
    Ok(json(StatusCode::CREATED, &One::of(&added, text.as_ref().map(|text| text.as_str()))))
}

/// `PATCH /admin/v1/clients/{id}`: changes what is named and nothing else.
pub async fn set(
    State(door): State<Door>,
    id: Segment,
    Asked(ack): Asked,
    from: Origin,
    Json(body): Json<ClientWords>,
) -> Result<Response, Problem> {
    let id = id.parse(ClientId::parse, Code::NotFound.into())?;
    let edit = body.read_edit().map_err(|wrong| unread(&wrong))?;
    let set = clients::set(&door, &id, &edit, Actor::Operator, &from).await?;
    let place = set.client.terminal_epoch.max(set.client.refresh_epoch);
    let receipt = Some(ReceiptBody::named(&reach(&door, place, ack).await));
    Ok(json(StatusCode::OK, &One { receipt, ..One::of(&set, None) }))
}

fn unread(wrong: &[Wrong]) -> Problem {
    Problem::about(Code::InvalidField, wrong.first().map_or("body", |wrong| wrong.key))
}
