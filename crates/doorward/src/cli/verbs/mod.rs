//! The verbs: each says what it wants of the admin API, and tells the answer.

pub(super) mod audit;
pub(super) mod check;
pub(super) mod clients;
pub(super) mod generate;
pub(super) mod import;
pub(super) mod jwt;
pub(super) mod keys;
pub(super) mod sessions;
pub(super) mod users;
pub(super) mod verifiers;

use serde_json::Value;

use super::args::Format;
use super::ask::Office;
use super::out;
use super::stop::Stop;

/// Tells a list, whole.
fn tell_list(format: Format, data: Vec<Value>, titles: &[&str], row: impl Fn(&Value) -> Vec<String>) {
    match format {
        Format::Json => out::json(&serde_json::json!({ "data": data })),
        Format::Table => out::table(titles, &data, row),
    }
}

/// Tells an answer: as it is to programs, in words to people.
fn tell(format: Format, answer: &Value, words: impl FnOnce(&Value) -> String) {
    match format {
        Format::Json => out::json(answer),
        Format::Table => out::line(&words(answer)),
    }
}

/// The items of an answer that is a list.
async fn items(office: &Office, path: &str) -> Result<Vec<Value>, Stop> {
    let answer = office.ask("GET", path, None).await?;
    Ok(answer["data"].as_array().cloned().unwrap_or_default())
}
