//! `/v1/session/data/{key}`: small JSON values of a session.

use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use doorward_core::data::{DataKey, Expect, VALUE_DEEPEST, VALUE_LARGEST};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::Deserialize;

use crate::door::Door;
use crate::flows::data::{self, Put};
use crate::http::body;
use crate::http::extract::{Authenticated, Queried, Segment};
use crate::http::problem::{Code, Problem};

/// The query of a put.
#[derive(Debug, Default, Deserialize)]
pub struct Options {
    /// Shall the value come along when a guest signs in?
    #[serde(default)]
    keep: bool,
}

fn key(path: &Segment) -> Result<DataKey, Problem> {
    path.parse(DataKey::parse, Problem::about(Code::InvalidField, "key"))
}

/// `If-Match: "v7"`, `If-None-Match: *`, or nothing.
fn expect(headers: &HeaderMap) -> Result<Expect, Problem> {
    let text = |name| match headers.get(name) {
        Some(value) => value.to_str().map(|text| Some(text.trim())),
        None => Ok(None),
    };
    let invalid = |field| Problem::about(Code::InvalidField, field);
    let matches = text(header::IF_MATCH).map_err(|_| invalid("If-Match"))?;
    let absent = text(header::IF_NONE_MATCH).map_err(|_| invalid("If-None-Match"))?;
    match (matches, absent) {
        (None, None) => Ok(Expect::Anything),
        (None, Some("*")) => Ok(Expect::Nothing),
        (_, Some(_)) => Err(invalid("If-None-Match")),
        (Some(tag), None) => {
            let version = tag.strip_prefix("\"v").and_then(|rest| rest.strip_suffix('"'));
            let version = version.and_then(|digits| digits.parse().ok()).ok_or_else(|| invalid("If-Match"))?;
            Ok(Expect::Version(version))
        }
    }
}

fn etag(version: u64) -> Option<HeaderValue> {
    HeaderValue::from_str(&format!("\"v{version}\"")).ok()
}

fn with_etag(mut response: Response, version: u64) -> Response {
    let headers = response.headers_mut();
    if let Some(etag) = etag(version) {
        headers.insert(header::ETAG, etag);
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Reads a value: the body is the JSON that was put.
pub async fn read(State(door): State<Door>, who: Authenticated, path: Segment) -> Result<Response, Problem> {
    let datum = data::read(&door, &who.caller, &key(&path)?).await?;
    let json = (header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(with_etag(([json], datum.value).into_response(), datum.version))
}

/// Puts a value.
pub async fn put(
    State(door): State<Door>,
    who: Authenticated,
    path: Segment,
    Queried(options): Queried<Options>,
    request: Request,
) -> Result<Response, Problem> {
    let key = key(&path)?;
    let expect = expect(request.headers())?;
    let declared = body::is_json(&request);
    let value = body::read(request.into_body(), VALUE_LARGEST).await?;
    if !declared {
        return Err(Code::UnsupportedMediaType.into());
    }
    // Kept as it came; what is not JSON by RFC 8259 is not kept.
    serde_json::from_slice::<serde::de::IgnoredAny>(&value).map_err(|_| Code::InvalidJson)?;
    std::str::from_utf8(&value).map_err(|_| Code::InvalidJson)?;
    if body::depth(&value) > VALUE_DEEPEST {
        return Err(Code::InvalidJson.into());
    }
    let put = Put { key, value: value.into(), keep: options.keep, expect };
    let (version, new) = data::put(&door, &who.caller, put).await?;
    let status = if new { StatusCode::CREATED } else { StatusCode::OK };
    Ok(with_etag(status.into_response(), version))
}

/// Removes a value.
pub async fn remove(
    State(door): State<Door>,
    who: Authenticated,
    path: Segment,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    data::remove(&door, &who.caller, key(&path)?, expect(&headers)?).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
