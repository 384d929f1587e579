//! How far a revocation must have got before its caller is answered (`?ack=`), and the receipt that says how far it has.

use axum::extract::{FromRequestParts, Query};
use http::request::Parts;
use serde::{Deserialize, Serialize};

use super::problem::{Code, Problem};
use crate::flows::acknowledge::{Ack, Reached};

/// What the query of a revoking call asks for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Asked(pub Ack);

#[derive(Deserialize)]
struct Words {
    ack: Option<String>,
}

impl<S: Sync> FromRequestParts<S> for Asked {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let words =
            Query::<Words>::try_from_uri(&parts.uri).map_err(|_| Problem::about(Code::InvalidField, "query"))?;
        match words.0.ack.as_deref() {
            None => Ok(Self::default()),
            Some(word) => Ack::from_name(word).map(Self).ok_or_else(|| Problem::about(Code::InvalidField, "ack")),
        }
    }
}

/// A receipt.
#[derive(Debug, Serialize)]
pub struct ReceiptBody {
    seq: u64,
    position: String,
    ack: &'static str,
    applied: usize,
    expired: usize,
    waited_ms: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    expired_verifiers: Option<Vec<String>>,
}

impl ReceiptBody {
    /// For whoever ended something of their own.
    pub fn of(reached: &Reached) -> Self {
        Self {
            seq: reached.place.seq,
            position: reached.place.to_string(),
            ack: reached.ack.name(),
            applied: reached.applied,
            expired: reached.expired.len(),
            waited_ms: reached.waited.millis(),
            expired_verifiers: None,
        }
    }

    /// For an operator, who may know which verifiers there are.
    pub fn named(reached: &Reached) -> Self {
        let expired = Some(reached.expired.clone()).filter(|expired| !expired.is_empty());
        Self { expired_verifiers: expired, ..Self::of(reached) }
    }
}
