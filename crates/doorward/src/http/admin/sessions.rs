//! `/admin/v1/sessions`: everybody's.

use axum::extract::State;
use axum::response::Response;
use doorward_core::audit::Actor;
use doorward_core::id::{SessionId, UserId};
use doorward_core::session::EndReason;
use http::StatusCode;
use serde::{Deserialize, Serialize};

use super::Listing;
use crate::door::{Door, Origin};
use crate::flows::{list, revoke};
use crate::http::body::Json;
use crate::http::extract::{Queried, Segment};
use crate::http::problem::{Code, Problem};
use crate::http::reply::{self, ListBody, SessionBody};

/// A session, as operators see it.
#[derive(Debug, Serialize)]
struct WatchedBody<'a> {
    #[serde(flatten)]
    session: SessionBody<'a>,
    user_id: Option<String>,
}

/// `GET /admin/v1/sessions?user_id=&limit=`: those that are alive, newest first.
pub async fn list(State(door): State<Door>, Queried(asked): Queried<Listing>) -> Result<Response, Problem> {
    let user = match asked.user_id.as_deref() {
        Some(id) => Some(UserId::parse(id).ok_or_else(|| Problem::about(Code::InvalidField, "user_id"))?),
        None => None,
    };
    let sessions = list::sessions(&door, user, asked.limit()).await?;
    let body = |session: &'_ doorward_core::session::Session| door.cached().client(&session.client);
    let clients: Vec<_> = sessions.iter().map(body).collect();
    let data = sessions.iter().zip(&clients).map(|(session, client)| WatchedBody {
        session: SessionBody::of(session, client.as_deref(), false),
        user_id: session.user.map(|user| user.to_string()),
    });
    Ok(reply::json(StatusCode::OK, &ListBody { data: data.collect(), next_cursor: None }))
}

/// `DELETE /admin/v1/sessions/{id}`: ends a session.
pub async fn end(State(door): State<Door>, id: Segment, from: Origin) -> Result<Response, Problem> {
    let id = id.parse(SessionId::parse, Code::NotFound.into())?;
    Ok(reply::ended(&revoke::end_by_operator(&door, id, &from).await?))
}

/// Whose sessions end.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Whose {
    user_id: String,
}

/// `POST /admin/v1/sessions/revoke`: ends everything of a user.
pub async fn end_user(State(door): State<Door>, from: Origin, Json(body): Json<Whose>) -> Result<Response, Problem> {
    let user = UserId::parse(&body.user_id).ok_or_else(|| Problem::about(Code::InvalidField, "user_id"))?;
    let receipt = revoke::end_user(&door, user, EndReason::EndedByOperator, Actor::Operator, &from).await?;
    Ok(reply::ended(&receipt))
}
