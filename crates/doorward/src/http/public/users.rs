//! `POST /v1/users`: sign up.

use axum::extract::State;
use axum::response::Response;
use doorward_core::audit::Actor;
use doorward_core::role::Roles;
use doorward_core::user::{Email, parse_name};
use http::{HeaderMap, Method, StatusCode};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::door::{Door, Origin};
use crate::flows::register::{Registration, register};
use crate::http::body::Json;
use crate::http::extract::{Shown, same_site};
use crate::http::problem::{Code, Problem};
use crate::http::reply::{UserBody, json};

/// An account as it is asked for.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Body {
    email: String,
    password: Zeroizing<String>,
    name: Option<String>,
}

#[derive(Serialize)]
struct Created<'a> {
    user: UserBody<'a>,
}

/// Makes an account; does not sign in.
pub async fn create(
    State(door): State<Door>,
    shown: Shown,
    headers: HeaderMap,
    from: Origin,
    Json(body): Json<Body>,
) -> Result<Response, Problem> {
    same_site(&door, &Method::POST, &headers, shown.is_ambient())?;
    let email = Email::parse(&body.email).ok_or_else(|| Problem::about(Code::InvalidField, "email"))?;
    let name = match body.name.as_deref() {
        Some(name) => Some(parse_name(name).ok_or_else(|| Problem::about(Code::InvalidField, "name"))?),
        None => None,
    };
    let registration = Registration { email, password: body.password, name, roles: Roles::NONE };
    let user = register(&door, registration, Actor::Nobody, &from).await?;
    Ok(json(StatusCode::CREATED, &Created { user: UserBody::of(&user) }))
}
