//! `/admin/v1/users`: accounts.

use axum::extract::State;
use axum::response::Response;
use doorward_core::audit::Actor;
use doorward_core::id::UserId;
use doorward_core::role::Roles;
use doorward_core::user::{Email, User, parse_name};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::Listing;
use crate::door::{Door, Origin};
use crate::flows::acknowledge::reach;
use crate::flows::list::{self, Which};
use crate::flows::register::{Registration, register};
use crate::flows::{password, revoke, roles};
use crate::http::body::Json;
use crate::http::extract::{Queried, Segment};
use crate::http::problem::{Code, Problem};
use crate::http::receipt::{Asked, ReceiptBody};
use crate::http::reply::{ListBody, Rfc3339, UserBody, json};

/// A user, as operators see them.
#[derive(Debug, Serialize)]
struct AccountBody<'a> {
    #[serde(flatten)]
    user: UserBody<'a>,
    suspended_at: Option<Rfc3339>,
}

impl<'a> AccountBody<'a> {
    fn of(user: &'a User) -> Self {
        Self { user: UserBody::of(user), suspended_at: user.suspended_at.map(Rfc3339) }
    }
}

#[derive(Serialize)]
struct One<'a> {
    user: AccountBody<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    receipt: Option<ReceiptBody>,
}

/// What was ended, and nothing else worth telling.
#[derive(Serialize)]
struct Over {
    receipt: ReceiptBody,
}

/// `GET /admin/v1/users?email=&after=&limit=`: in the order of ids, or the one with an address.
pub async fn list(State(door): State<Door>, Queried(asked): Queried<Listing>) -> Result<Response, Problem> {
    let invalid = |field: &'static str| move || Problem::about(Code::InvalidField, field);
    let which = match (&asked.email, &asked.after) {
        (Some(email), _) => Which::Email(Email::parse(email).ok_or_else(invalid("email"))?),
        (None, Some(after)) => Which::After(Some(UserId::parse(after).ok_or_else(invalid("after"))?), asked.limit()),
        (None, None) => Which::After(None, asked.limit()),
    };
    let users = list::users(&door, &which).await?;
    let full = matches!(which, Which::After(_, limit) if users.len() == limit as usize);
    let next_cursor = users.last().filter(|_| full).map(|last| last.id.to_string());
    let data: Vec<_> = users.iter().map(AccountBody::of).collect();
    Ok(json(StatusCode::OK, &ListBody { data, next_cursor }))
}

/// An account to be.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Account {
    email: String,
    password: Zeroizing<String>,
    name: Option<String>,
    #[serde(default)]
    roles: Vec<String>,
}

/// `POST /admin/v1/users`: makes an account, whether or not anybody may sign up.
pub async fn create(State(door): State<Door>, from: Origin, Json(body): Json<Account>) -> Result<Response, Problem> {
    let email = Email::parse(&body.email).ok_or_else(|| Problem::about(Code::InvalidField, "email"))?;
    let name = match body.name.as_deref() {
        Some(name) => Some(parse_name(name).ok_or_else(|| Problem::about(Code::InvalidField, "name"))?),
        None => None,
    };
    let registration = Registration { email, password: body.password, name, roles: read_roles(&body.roles)? };
    let user = register(&door, registration, Actor::Operator, &from).await?;
    Ok(json(StatusCode::CREATED, &One { user: AccountBody::of(&user), receipt: None }))
}

/// `POST /admin/v1/users/{id}/suspend`: everything of the user is over.
pub async fn suspend(
    State(door): State<Door>,
    id: Segment,
    Asked(ack): Asked,
    from: Origin,
) -> Result<Response, Problem> {
    let user = revoke::suspend(&door, read(id)?, &from).await?;
    let reached = reach(&door, user.terminal_epoch, ack).await;
    let receipt = Some(ReceiptBody::named(&reached));
    Ok(json(StatusCode::OK, &One { user: AccountBody::of(&user), receipt }))
}

/// `POST /admin/v1/users/{id}/resume`: the user may sign in again.
pub async fn resume(State(door): State<Door>, id: Segment, from: Origin) -> Result<Response, Problem> {
    let user = revoke::resume(&door, read(id)?, &from).await?;
    Ok(json(StatusCode::OK, &One { user: AccountBody::of(&user), receipt: None }))
}

/// A password to be.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewPassword {
    password: Zeroizing<String>,
}

/// `PUT /admin/v1/users/{id}/password`: sets it; everything of the user is over.
pub async fn set_password(
    State(door): State<Door>,
    id: Segment,
    Asked(ack): Asked,
    from: Origin,
    Json(body): Json<NewPassword>,
) -> Result<Response, Problem> {
    let place = password::set_by_operator(&door, read(id)?, &body.password, &from).await?;
    let receipt = ReceiptBody::named(&reach(&door, place, ack).await);
    Ok(json(StatusCode::OK, &Over { receipt }))
}

/// Roles to be.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewRoles {
    roles: Vec<String>,
}

/// `PUT /admin/v1/users/{id}/roles`: these and no others. Nobody is signed out; tokens are renewed.
pub async fn set_roles(
    State(door): State<Door>,
    id: Segment,
    Asked(ack): Asked,
    from: Origin,
    Json(body): Json<NewRoles>,
) -> Result<Response, Problem> {
    let user = roles::set(&door, read(id)?, read_roles(&body.roles)?, &from).await?;
    let receipt = Some(ReceiptBody::named(&reach(&door, user.refresh_epoch, ack).await));
    Ok(json(StatusCode::OK, &One { user: AccountBody::of(&user), receipt }))
}

fn read_roles(words: &[String]) -> Result<Roles, Problem> {
    Roles::of(words.iter().map(String::as_str)).ok_or_else(|| Problem::about(Code::InvalidField, "roles"))
}

fn read(id: Segment) -> Result<UserId, Problem> {
    id.parse(UserId::parse, Code::NotFound.into())
}
