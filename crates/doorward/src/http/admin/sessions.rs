//! `/admin/v1/sessions`: everybody's.

use axum::extract::State;
use axum::response::Response;
use doorward_core::Lifetime;
use doorward_core::audit::Actor;
use doorward_core::id::{SessionId, UserId};
use doorward_core::session::EndReason;
use doorward_core::spread::Turn;
use http::StatusCode;
use serde::{Deserialize, Serialize};

use super::Listing;
use crate::door::{Door, Origin};
use crate::flows::acknowledge::{Ack, reach};
use crate::flows::{everybody, list, revoke};
use crate::http::body::Json;
use crate::http::extract::{Queried, Segment};
use crate::http::problem::{Code, Problem};
use crate::http::receipt::{Asked, ReceiptBody};
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
pub async fn end(
    State(door): State<Door>,
    id: Segment,
    Asked(ack): Asked,
    from: Origin,
) -> Result<Response, Problem> {
    let id = id.parse(SessionId::parse, Code::NotFound.into())?;
    let receipt = revoke::end_by_operator(&door, id, &from).await?;
    Ok(reply::ended(receipt.ended, ReceiptBody::named(&reach(&door, receipt.place, ack).await)))
}

/// Whose sessions end: a user's, or everybody's.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Whose {
    user_id: Option<String>,
    #[serde(default)]
    all: bool,
    over_seconds: Option<i64>,
}

/// `POST /admin/v1/sessions/revoke`: ends everything of a user or, at once or over a time, of everybody.
pub async fn revoke(
    State(door): State<Door>,
    Asked(ack): Asked,
    from: Origin,
    Json(body): Json<Whose>,
) -> Result<Response, Problem> {
    let invalid = |field| Problem::about(Code::InvalidField, field);
    match (&body.user_id, body.all) {
        (Some(user), false) => {
            let user = UserId::parse(user).ok_or_else(|| invalid("user_id"))?;
            let receipt = revoke::end_user(&door, user, EndReason::EndedByOperator, Actor::Operator, &from).await?;
            Ok(reply::ended(receipt.ended, ReceiptBody::named(&reach(&door, receipt.place, ack).await)))
        }
        (None, true) => everybodys_turn(&door, Turn::End, body.over_seconds, ack, &from).await,
        (Some(_), true) => Err(invalid("all")),
        (None, false) => Err(invalid("user_id")),
    }
}

/// Over how long everybody renews.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Over {
    over_seconds: Option<i64>,
}

/// `POST /admin/v1/sessions/renew`: everybody has to renew their tokens, at once or over a time. Nobody is signed out who
/// can renew.
pub async fn renew(
    State(door): State<Door>,
    Asked(ack): Asked,
    from: Origin,
    Json(body): Json<Over>,
) -> Result<Response, Problem> {
    everybodys_turn(&door, Turn::Renew, body.over_seconds, ack, &from).await
}

/// What will happen, before it does.
#[derive(Debug, Serialize)]
struct ForecastBody {
    turn: &'static str,
    sessions: u64,
    over_seconds: i64,
    per_second: u64,
    receipt: ReceiptBody,
}

async fn everybodys_turn(
    door: &Door,
    turn: Turn,
    over_seconds: Option<i64>,
    ack: Ack,
    from: &Origin,
) -> Result<Response, Problem> {
    let over = over_seconds.map(Lifetime::from_secs);
    if over.is_some_and(|over| over.secs() < 1 || over > everybody::LONGEST) {
        return Err(Problem::about(Code::InvalidField, "over_seconds"));
    }
    let forecast = everybody::turn(door, turn, over, Actor::Operator, from).await?;
    let reached = reach(door, forecast.place, ack).await;
    let body = ForecastBody {
        turn: turn.name(),
        sessions: forecast.sessions,
        over_seconds: over_seconds.unwrap_or(0),
        per_second: forecast.per_second,
        receipt: ReceiptBody::named(&reached),
    };
    Ok(reply::json(StatusCode::OK, &body))
}
