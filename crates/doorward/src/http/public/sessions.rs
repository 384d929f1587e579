//! `/v1/sessions`: sign in; the devices of a user, and ending them.

use axum::extract::State;
use axum::response::Response;
use doorward_core::id::{ClientId, SessionId};
use doorward_core::password::Typed;
use doorward_core::revoke::Reach;
use doorward_core::user::Email;
use http::{HeaderMap, Method, StatusCode};
use serde::Deserialize;
use zeroize::Zeroizing;

use super::{client_id, transport};
use crate::door::{Door, Origin};
use crate::flows::acknowledge::reach;
use crate::flows::authenticate::authenticate;
use crate::flows::login::{Attempt, Who, sign_in};
use crate::flows::revoke;
use crate::http::body::Json;
use crate::http::cookie;
use crate::http::extract::{Authenticated, Segment, Shown, same_site};
use crate::http::problem::{Code, Problem};
use crate::http::receipt::{Asked, ReceiptBody};
use crate::http::reply::{self, ListBody, SessionBody};

/// A sign-in as it is asked for.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignIn {
    email: Option<String>,
    password: Option<Zeroizing<String>>,
    #[serde(default)]
    guest: bool,
    client_id: Option<String>,
    transport: Option<String>,
}

impl SignIn {
    /// Somebody with a password, or a guest; never both, never neither.
    fn who(&self) -> Result<Who, Problem> {
        let invalid = |field| Err(Problem::about(Code::InvalidField, field));
        match (&self.email, &self.password, self.guest) {
            (None, None, true) => Ok(Who::Guest),
            (Some(_), _, true) | (_, Some(_), true) => invalid("guest"),
            (None, _, false) => invalid("email"),
            (_, None, false) => invalid("password"),
            (Some(email), Some(password), false) => {
                Ok(Who::Person { email: Email::parse(email), password: Typed::read(password) })
            }
        }
    }
}

/// `POST /v1/sessions`: signs in.
pub async fn create(
    State(door): State<Door>,
    shown: Shown,
    headers: HeaderMap,
    from: Origin,
    Json(body): Json<SignIn>,
) -> Result<Response, Problem> {
    same_site(&door, &Method::POST, &headers, true)?;
    let who = body.who()?;
    let transport = transport(body.transport.as_deref())?;
    let application = shown.application(client_id(body.client_id.as_deref())?);
    let client = authenticate(&door, &application, &ClientId::account())?;
    let attempt = Attempt { client, transport, who, held: shown.credentials(), device: cookie::device(&headers) };
    let issued = sign_in(&door, attempt, &from).await?;
    Ok(reply::issued(StatusCode::CREATED, &issued, door.now()))
}

/// `GET /v1/sessions`: the caller's sessions, newest first.
pub async fn list(State(door): State<Door>, who: Authenticated) -> Result<Response, Problem> {
    let sessions = revoke::alive(&door, who.caller.acting()?).await?;
    let current = who.caller.session().id;
    let body = |session| {
        let client = door.client(&doorward_core::session::Session::clone(session).client);
        SessionBody::of(session, client.as_deref(), session.id == current)
    };
    let data: Vec<_> = sessions.iter().map(body).collect();
    Ok(reply::json(StatusCode::OK, &ListBody { data, next_cursor: None }))
}

/// `DELETE /v1/sessions/{id}`: ends one of the caller's sessions; 404 for anybody else's.
pub async fn end(
    State(door): State<Door>,
    who: Authenticated,
    id: Segment,
    Asked(ack): Asked,
    from: Origin,
) -> Result<Response, Problem> {
    let id = id.parse(SessionId::parse, Code::NotFound.into())?;
    let receipt = revoke::end_one(&door, who.caller.acting()?, id, &from).await?;
    Ok(reply::ended(receipt.ended, ReceiptBody::of(&reach(&door, receipt.place, ack).await)))
}

/// Whose sessions end.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scope {
    scope: String,
}

/// `POST /v1/sessions/revoke`: ends the caller's other sessions, or all of them.
pub async fn end_many(
    State(door): State<Door>,
    who: Authenticated,
    Asked(ack): Asked,
    from: Origin,
    Json(body): Json<Scope>,
) -> Result<Response, Problem> {
    let whose = match body.scope.as_str() {
        "others" => Reach::Others,
        "all" => Reach::All,
        _ => return Err(Problem::about(Code::InvalidField, "scope")),
    };
    let receipt = revoke::end_many(&door, who.caller.acting()?, whose, &from).await?;
    Ok(reply::ended(receipt.ended, ReceiptBody::of(&reach(&door, receipt.place, ack).await)))
}
