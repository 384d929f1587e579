//! `POST /oauth2/introspect` (RFC 7662): is this credential good right now?

use axum::extract::{Request, State};
use axum::response::Response;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::door::Door;
use crate::flows::introspect::{Active, introspect};
use crate::http::body::{LARGEST, form, is_form, read};
use crate::http::feed::Follower;
use crate::http::problem::{Code, Problem};
use crate::http::reply::{Roles, json};

/// What is asked; a hint is not needed, and ignored.
#[derive(Deserialize)]
pub struct Question {
    token: Zeroizing<String>,
}

/// What is told of a credential that is good; of any other, that it is not, and nothing more.
#[derive(Debug, Default, Serialize)]
struct Told<'a> {
    active: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    token_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    iss: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sub: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    aud: Option<&'a [String]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    roles: Option<Roles<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    iat: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    exp: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    jti: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sid: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    auth_time: Option<i64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    amr: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    acr: Option<&'a str>,
}

/// Answers.
pub async fn show(
    State(door): State<Door>,
    follower: Result<Follower, Problem>,
    request: Request,
) -> Result<Response, Problem> {
    answer(&door, follower, request).await.map_err(Problem::of_oauth)
}

async fn answer(door: &Door, follower: Result<Follower, Problem>, request: Request) -> Result<Response, Problem> {
    let Follower(verifier) = follower?;
    let declared = is_form(request.headers());
    let body = read(request.into_body(), LARGEST).await?;
    if !declared {
        return Err(Code::UnsupportedMediaType.into());
    }
    let asked: Question = form(&body).await?;
    let found = introspect(door, &verifier, &asked.token).await?;
    Ok(json(StatusCode::OK, &found.as_ref().map_or_else(Told::default, |active| told(door, active))))
}

fn told<'a>(door: &'a Door, Active { session, user, token }: &'a Active) -> Told<'a> {
    let subject = || session.user.map_or_else(|| session.id.to_string(), |user| user.to_string());
    let all = Told {
        active: true,
        iss: Some(&door.settings().issuer),
        sid: Some(session.id.to_string()),
        roles: user.as_ref().filter(|user| !user.roles.is_empty()).map(|user| Roles(user.roles.as_str())),
        auth_time: Some(session.auth_time.secs()),
        amr: session.amr.names().collect(),
        acr: session.acr.as_deref(),
        ..Told::default()
    };
    match token {
        Some(token) => Told {
            token_type: Some("Bearer"),
            sub: Some(token.subject.clone()),
            aud: Some(&token.audience),
            client_id: Some(&token.client),
            scope: token.scope.as_deref(),
            iat: Some(token.issued_at.secs()),
            exp: Some(token.expires_at.secs()),
            jti: Some(&token.id),
            ..all
        },
        None => Told {
            token_type: Some("session"),
            sub: Some(subject()),
            client_id: Some(session.client.as_str()),
            iat: Some(session.created_at.secs()),
            exp: Some(session.idle_expires_at().secs()),
            ..all
        },
    }
}
