//! The verbs: each says what it wants of the admin API, and tells the answer.

pub(super) mod advise;
pub(super) mod audit;
pub(super) mod bench;
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

/// A receipt in words: where, and whether nobody accepts any more what was revoked.
fn receipt(receipt: &Value) -> String {
    let place = out::cell(&receipt["position"]);
    let (applied, expired) = (receipt["applied"].as_u64().unwrap_or(0), receipt["expired"].as_u64().unwrap_or(0));
    let waited = out::cell(&receipt["waited_ms"]);
    let late = match out::cell(&receipt["expired_verifiers"]).as_str() {
        "-" => String::new(),
        names => format!("; the leases of these ran out: {names}"),
    };
    match receipt["ack"].as_str() {
        Some("verifiers") => {
            let all = applied + expired;
            format!("place in the feed {place}; refused at {all} of {all} services after {waited} ms{late}")
        }
        Some("nodes") if expired > 0 || waited != "0" => {
            format!("place in the feed {place}; after {waited} ms not all services had answered")
        }
        _ => format!("place in the feed {place}"),
    }
}

/// The items of an answer that is a list.
async fn items(office: &Office, path: &str) -> Result<Vec<Value>, Stop> {
    let answer = office.ask("GET", path, None).await?;
    Ok(answer["data"].as_array().cloned().unwrap_or_default())
}
