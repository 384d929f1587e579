//! `POST /admin/v1/users/import`: rows of people from another system, a batch at a time.

use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use serde::{Deserialize, Serialize};

use crate::door::{Door, Origin};
use crate::flows::import::{self, Outcome};
use crate::http::body::Batch;
use crate::http::problem::Problem;
use crate::http::reply::json;
use crate::import::Row;

/// A batch.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Body {
    /// Tell what would happen, and write nothing.
    #[serde(default)]
    dry_run: bool,
    /// No more will come.
    #[serde(default)]
    last: bool,
    /// People.
    rows: Vec<Row>,
}

#[derive(Serialize)]
struct Told {
    rows: Vec<RowBody>,
}

/// What became of a row; in the order of the rows.
#[derive(Serialize)]
struct RowBody {
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scheme: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
}

impl From<Outcome> for RowBody {
    fn from(outcome: Outcome) -> Self {
        let plain = |outcome| Self { outcome, user_id: None, scheme: None, reason: None, detail: None };
        match outcome {
            Outcome::Imported(id, scheme) => {
                Self { user_id: Some(id.to_string()), scheme: Some(scheme), ..plain("imported") }
            }
            Outcome::WouldImport(scheme) => Self { scheme: Some(scheme), ..plain("would_import") },
            Outcome::There(id) => Self { user_id: id.map(|id| id.to_string()), ..plain("there") },
            Outcome::Refused(unfit) => Self { reason: Some(unfit.reason), detail: unfit.detail, ..plain("refused") },
        }
    }
}

/// Imports a batch, or tells what would become of it.
pub async fn import(State(door): State<Door>, from: Origin, Batch(body): Batch<Body>) -> Result<Response, Problem> {
    let outcomes = import::import(&door, &body.rows, body.dry_run, &from).await?;
    if body.last && !body.dry_run {
        import::finish(&door).await;
    }
    Ok(json(StatusCode::OK, &Told { rows: outcomes.into_iter().map(RowBody::from).collect() }))
}
