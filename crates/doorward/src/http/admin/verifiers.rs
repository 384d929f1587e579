//! `/admin/v1/verifiers`: who may follow the revocation feed.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use doorward_core::audit::Actor;
use doorward_core::id::VerifierId;
use doorward_core::secret::SecretKind;
use doorward_core::verifier::{self, Unfit, VerifierRecord};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::door::{Door, Origin};
use crate::flows::{Stopped, verifiers};
use crate::http::body::Json;
use crate::http::extract::Segment;
use crate::http::problem::{Code, Problem};
use crate::http::reply::{ListBody, Rfc3339, json};

/// A verifier, without its secret.
#[derive(Debug, Serialize)]
struct VerifierBody<'a> {
    id: String,
    name: &'a str,
    audiences: Vec<&'a str>,
    created_at: Rfc3339,
}

impl<'a> VerifierBody<'a> {
    fn of(verifier: &'a VerifierRecord, issuer: &'a str) -> Self {
        Self {
            id: verifier.id.to_string(),
            name: &verifier.name,
            audiences: verifier.audiences(issuer).collect(),
            created_at: Rfc3339(verifier.created_at),
        }
    }
}

#[derive(Serialize)]
struct Added<'a> {
    verifier: VerifierBody<'a>,
    secret: &'a str,
}

/// `GET /admin/v1/verifiers`: those that are registered.
pub async fn list(State(door): State<Door>) -> Result<Response, Problem> {
    let verifiers = door.directory().verifiers().await.map_err(Stopped::from)?;
    let registered = verifiers.iter().filter(|verifier| verifier.is_registered());
    let data = registered.map(|verifier| VerifierBody::of(verifier, &door.settings().issuer)).collect();
    Ok(json(StatusCode::OK, &ListBody { data, next_cursor: None }))
}

/// A verifier to be.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct New {
    name: String,
    #[serde(default)]
    audiences: Vec<String>,
}

/// `POST /admin/v1/verifiers`: registers one. Its secret is in this answer and nowhere else.
pub async fn create(State(door): State<Door>, from: Origin, Json(body): Json<New>) -> Result<Response, Problem> {
    let name = verifier::name(&body.name).map_err(unfit)?;
    let audiences = verifier::audiences(body.audiences).map_err(unfit)?;
    let (verifier, secret) = verifiers::add(&door, name, audiences, Actor::Operator, &from).await?;
    let text = Zeroizing::new(SecretKind::Verifier.text(&secret));
    Ok(json(
        StatusCode::CREATED,
        &Added { verifier: VerifierBody::of(&verifier, &door.settings().issuer), secret: &text },
    ))
}

/// `DELETE /admin/v1/verifiers/{id}`: strikes one off.
pub async fn remove(State(door): State<Door>, id: Segment, from: Origin) -> Result<Response, Problem> {
    let id = id.parse(VerifierId::parse, Code::NotFound.into())?;
    verifiers::remove(&door, id, Actor::Operator, &from).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

fn unfit(unfit: Unfit) -> Problem {
    Problem::about(Code::InvalidField, unfit.member())
}
