//! Bodies of requests: one JSON object, bounded, with nothing in it that is not documented.

use axum::body::Body;
use axum::body::HttpBody;
use axum::extract::{Form, FromRequest, Request};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::de::DeserializeOwned;

use super::problem::{Code, Problem};
use super::timed::TooSlow;

/// The largest body, in bytes, save for values of session data.
pub const LARGEST: usize = 16 * 1024;
/// What a form is declared as.
const FORM: &str = "application/x-www-form-urlencoded";

/// A JSON body of type `T`. Its `T` refuses unknown members (`deny_unknown_fields`).
#[derive(Debug)]
pub struct Json<T>(pub T);

impl<S: Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let declared = is_json(&request);
        let bytes = read(request.into_body(), LARGEST).await?;
        if !declared {
            return Err(Code::UnsupportedMediaType.into());
        }
        parse(&bytes).map(Self)
    }
}

/// The largest batch, in bytes.
pub const LARGEST_BATCH: usize = 4 * 1024 * 1024;

/// A JSON body with many things in it. For operators alone.
#[derive(Debug)]
pub struct Batch<T>(pub T);

impl<S: Sync, T: DeserializeOwned> FromRequest<S> for Batch<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let declared = is_json(&request);
        let bytes = read(request.into_body(), LARGEST_BATCH).await?;
        if !declared {
            return Err(Code::UnsupportedMediaType.into());
        }
        parse(&bytes).map(Self)
    }
}

/// A JSON body that may be left out altogether.
#[derive(Debug)]
pub struct OptionalJson<T>(pub T);

impl<S: Sync, T: DeserializeOwned + Default> FromRequest<S> for OptionalJson<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let declared = is_json(&request);
        let bytes = read(request.into_body(), LARGEST).await?;
        match (bytes.is_empty(), declared) {
            (true, _) => Ok(Self(T::default())),
            (false, false) => Err(Code::UnsupportedMediaType.into()),
            (false, true) => parse(&bytes).map(Self),
        }
    }
}

/// Is the body declared as JSON, and as nothing else besides? Nothing is unpacked here: what is small outside could be
/// large inside.
pub fn is_json(request: &Request) -> bool {
    if request.headers().contains_key(header::CONTENT_ENCODING) {
        return false;
    }
    let declared = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    declared
        .and_then(|value| value.split(';').next())
        .is_some_and(|media_type| media_type.trim().eq_ignore_ascii_case("application/json"))
}

/// Is the body declared as a form?
pub fn is_form(headers: &HeaderMap) -> bool {
    if headers.contains_key(header::CONTENT_ENCODING) {
        return false;
    }
    let declared = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let declared = declared.and_then(|value| value.split(';').next()).map(str::trim);
    declared.is_some_and(|media_type| media_type.eq_ignore_ascii_case(FORM))
}

/// Reads a form.
///
/// # Errors
/// [`Code::InvalidField`].
pub async fn form<T: DeserializeOwned>(bytes: &Bytes) -> Result<T, Problem> {
    let mut request = Request::new(Body::from(bytes.clone()));
    *request.method_mut() = Method::POST;
    request.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(FORM));
    let form = Form::<T>::from_request(request, &()).await;
    form.map(|form| form.0).map_err(|_| Problem::new(Code::InvalidField))
}

/// Reads a body of at most `limit` bytes. One that says it is larger is not read at all.
///
/// # Errors
/// [`Code::TooLarge`]; [`Code::TooSlow`]; [`Code::MalformedRequest`] if the body breaks off.
pub async fn read(body: Body, limit: usize) -> Result<Bytes, Problem> {
    if body.size_hint().lower() > limit as u64 {
        return Err(Code::TooLarge.into());
    }
    match Limited::new(body, limit).collect().await {
        Ok(read) => Ok(read.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(Code::TooLarge.into()),
        Err(error) if is_too_slow(&*error) => Err(Code::TooSlow.into()),
        Err(_) => Err(Code::MalformedRequest.into()),
    }
}

/// Errors of bodies come wrapped, once for every layer.
fn is_too_slow(error: &(dyn std::error::Error + 'static)) -> bool {
    std::iter::successors(Some(error), |error| error.source()).any(<dyn std::error::Error>::is::<TooSlow>)
}

/// Reads JSON into `T`, and says which member is wrong.
fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        // The path of the whole body is written as a dot.
        let path = Some(error.path().to_string()).filter(|path| path != ".").unwrap_or_default();
        let inner = error.into_inner();
        if !inner.is_data() {
            return Problem::new(Code::InvalidJson);
        }
        // Of serde's messages only the name between the first back-ticks is shown: a value could be a secret.
        let message = inner.to_string();
        let named = message.split('`').nth(1).filter(|name| name.len() <= 64);
        if message.starts_with("unknown field") {
            Problem::about(Code::UnknownField, named.unwrap_or(&path))
        } else if message.starts_with("missing field") || message.starts_with("duplicate field") {
            Problem::about(Code::InvalidField, named.unwrap_or(&path))
        } else {
            Problem::about(Code::InvalidField, path)
        }
    })?;
    json.end().map_err(|_| Problem::new(Code::InvalidJson))?;
    Ok(value)
}

/// How deep a JSON text is nested. Whoever reads it one day may have a stack.
pub fn depth(json: &[u8]) -> usize {
    let (mut now, mut deepest) = (0_usize, 0);
    let (mut quoted, mut escaped) = (false, false);
    for byte in json {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'[' | b'{' if !quoted => {
                now += 1;
                deepest = deepest.max(now);
            }
            b']' | b'}' if !quoted => now = now.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_counts_brackets_and_not_their_pictures() {
        for (json, deep) in [("1", 0), ("[]", 1), ("{\"a\":[{}],\"b\":{}}", 3), ("[\"[[\\\"[[\"]", 1), ("[[],[]]", 2)]
        {
            assert_eq!(depth(json.as_bytes()), deep, "{json}");
        }
    }
}
