//! `GET /admin/v1/checks`: what is weak in the database, and what is not as it was asked for.

use axum::extract::State;
use axum::response::Response;
use doorward_core::advice::Answers;
use http::StatusCode;
use serde::{Deserialize, Serialize};

use crate::advice::Asked;
use crate::checks::Finding;
use crate::door::Door;
use crate::flows::checks;
use crate::http::extract::Queried;
use crate::http::problem::{Code, Problem};
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

/// What was answered with yes to `doorward advise`, with commas between.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Held {
    asked: String,
}

impl Held {
    fn answers(&self) -> Result<Answers, Problem> {
        let names = self.asked.split(',').filter(|name| !name.is_empty());
        let topics: Result<Vec<_>, _> = names.map(|name| name.parse().map(|Asked(topic)| topic)).collect();
        topics.map(|topics| Answers::yes_to(&topics)).map_err(|_| Problem::about(Code::InvalidField, "asked"))
    }
}

/// Lists what is found.
pub async fn list(State(door): State<Door>, Queried(held): Queried<Held>) -> Result<Response, Problem> {
    let found = checks::database(&door, &held.answers()?).await?;
    let data = found.into_iter().map(FindingBody::of).collect();
    Ok(json(StatusCode::OK, &ListBody { data, next_cursor: None }))
}
