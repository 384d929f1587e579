//! `/admin/v1/audit`: what happened, and whether the log of it is whole.

use axum::extract::State;
use axum::response::Response;
use doorward_core::Timestamp;
use doorward_core::audit::{Kind, Link, Walk};
use doorward_core::id::{SessionId, UserId};
use http::StatusCode;
use serde::{Deserialize, Serialize};

use super::{MOST, USUAL};
use crate::door::Door;
use crate::flows::audit::{self, Noted, Wanted};
use crate::http::extract::Queried;
use crate::http::problem::{Code, Problem};
use crate::http::reply::{ListBody, Rfc3339, json};

/// What is looked for, in words.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    kind: Option<String>,
    user_id: Option<String>,
    session_id: Option<String>,
    since: Option<String>,
    before: Option<u64>,
    limit: Option<u32>,
}

impl Asked {
    fn wanted(&self) -> Result<Wanted, Problem> {
        Ok(Wanted {
            kind: read(self.kind.as_ref(), Kind::from_name, "kind")?,
            user: read(self.user_id.as_ref(), UserId::parse, "user_id")?,
            session: read(self.session_id.as_ref(), SessionId::parse, "session_id")?,
            since: read(self.since.as_ref(), time, "since")?,
            before: self.before,
        })
    }
}

fn read<T>(
    text: Option<&String>,
    read: impl Fn(&str) -> Option<T>,
    field: &'static str,
) -> Result<Option<T>, Problem> {
    text.map(|text| read(text).ok_or_else(|| Problem::about(Code::InvalidField, field))).transpose()
}

fn time(text: &str) -> Option<Timestamp> {
    let time: jiff::Timestamp = text.parse().ok()?;
    Some(Timestamp::from_millis(time.as_millisecond()))
}

/// A link, as operators see it.
#[derive(Debug, Serialize)]
struct LinkBody {
    number: u64,
    id: String,
    kind: &'static str,
    at: Rfc3339,
    by: String,
    user_id: Option<String>,
    session_id: Option<String>,
    client_id: Option<String>,
    address: Option<String>,
    request_id: Option<String>,
    detail: Option<String>,
    position: String,
    hash: String,
}

impl LinkBody {
    fn of(link: Link) -> Self {
        let event = link.event;
        Self {
            number: link.number,
            id: event.id.to_string(),
            kind: event.kind.name(),
            at: Rfc3339(event.at),
            by: event.by.text(),
            user_id: event.who.map(|id| id.to_string()),
            session_id: event.session.map(|id| id.to_string()),
            client_id: event.client.map(|id| id.to_string()),
            address: event.address,
            request_id: event.request,
            detail: event.detail,
            position: link.head.to_string(),
            hash: hex(&link.hash),
        }
    }
}

/// `GET /admin/v1/audit?kind=&user_id=&session_id=&since=&before=&limit=`: what happened, newest first.
pub async fn list(State(door): State<Door>, Queried(asked): Queried<Asked>) -> Result<Response, Problem> {
    let limit = asked.limit.unwrap_or(USUAL).clamp(1, MOST) as usize;
    let links = audit::list(&door, asked.wanted()?, limit).await?;
    let next_cursor = links.last().filter(|_| links.len() == limit).map(|link| link.number.to_string());
    let data = links.into_iter().map(LinkBody::of).collect();
    Ok(json(StatusCode::OK, &ListBody { data, next_cursor }))
}

/// What must be there.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expected {
    expect: Option<String>,
}

/// A place in the chain.
#[derive(Debug, Serialize)]
struct PlaceBody {
    number: u64,
    hash: String,
}

/// A break in the chain.
#[derive(Debug, Serialize)]
struct BreakBody {
    number: u64,
    why: &'static str,
}

/// What verifying found.
#[derive(Debug, Serialize)]
struct VerdictBody {
    well: bool,
    /// The last link that held.
    head: PlaceBody,
    broken: Option<BreakBody>,
    expected: Option<&'static str>,
}

/// `GET /admin/v1/audit/verify?expect=NUMBER:HASH`: walks the chain from the first link.
pub async fn verify(State(door): State<Door>, Queried(asked): Queried<Expected>) -> Result<Response, Problem> {
    let noted = read(asked.expect.as_ref(), noted, "expect")?;
    let verdict = audit::verify(&door, noted).await?;
    let Walk { number, hash } = verdict.walk;
    let body = VerdictBody {
        well: verdict.is_well(),
        head: PlaceBody { number, hash: hex(&hash) },
        broken: verdict.broken.map(|broken| BreakBody { number: verdict.walk.next(), why: broken.name() }),
        expected: verdict.noted.map(audit::Fate::name),
    };
    Ok(json(StatusCode::OK, &body))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Reads `NUMBER:HASH`.
fn noted(text: &str) -> Option<Noted> {
    let (number, hash) = text.split_once(':')?;
    if hash.len() != 64 || !hash.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let mut bytes = [0; 32];
    for (place, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&hash[2 * place..2 * place + 2], 16).ok()?;
    }
    Some(Noted { number: number.parse().ok()?, hash: bytes })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_noted_is_a_number_and_a_whole_hash() {
        let hash = "0f".repeat(32);
        assert_eq!(noted(&format!("7:{hash}")), Some(Noted { number: 7, hash: [15; 32] }));
        assert_eq!(noted(&format!("7:{}", hex(&[15; 32]))), Some(Noted { number: 7, hash: [15; 32] }));
        for wrong in ["", ":", "7", &format!("x:{hash}"), &format!("7:{hash}0"), &format!("7:{}", "+f".repeat(32))] {
            assert_eq!(noted(wrong), None, "{wrong}");
        }
    }
}
