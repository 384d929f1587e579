//! `doorward keys`: where each key is in its life.

use serde_json::{Value, json};

use super::{items, tell_list};
use crate::cli::args::{KeysVerb, Reaching};
use crate::cli::ask::Office;
use crate::cli::out::cell;
use crate::cli::stop::{Exit, Stop};

/// Runs the verb.
pub(in crate::cli) async fn run(reaching: &Reaching, verb: KeysVerb) -> Result<Exit, Stop> {
    let office = Office::reach(reaching).await?;
    let keys = match verb {
        KeysVerb::List => items(&office, "/admin/v1/keys").await?,
        KeysVerb::Rotate { purpose, now_anyway } => {
            let body = json!({ "purpose": purpose, "now_anyway": now_anyway });
            let answer = office.ask("POST", "/admin/v1/keys/rotate", Some(&body)).await?;
            answer["data"].as_array().cloned().unwrap_or_default()
        }
    };
    tell_list(reaching.format, keys, &["id", "purpose", "number", "stage", "since"], |key: &Value| {
        ["id", "purpose", "number", "stage", "since"].map(|member| cell(&key[member])).to_vec()
    });
    Ok(Exit::Well)
}
