//! `GET /admin/v1/checks`: what is weak in the database.

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use serde::Serialize;

use crate::checks::Finding;
use crate::door::Door;
use crate::flows::checks;
use crate::http::problem::Problem;
use crate::http::reply::{ListBody, json};

/// A finding, as it is told.
#[derive(Debug, Serialize)]
pub struct FindingBody {
    id: &'static str,
    grade: &'static str,
    place: String,
    sentence: &'static str,
    advice: &'static str,
}

impl FindingBody {
    /// Of a finding.
    pub fn of(finding: Finding) -> Self {
        let Finding { check, place } = finding;
        Self { id: check.id, grade: check.grade.name(), place, sentence: check.sentence, advice: check.advice }
    }
}

/// Lists what is found.
pub async fn list(State(door): State<Door>) -> Result<Response, Problem> {
    let found = checks::database(&door).await?;
    let data = found.into_iter().map(FindingBody::of).collect();
    Ok(json(StatusCode::OK, &ListBody { data, next_cursor: None }))
}
