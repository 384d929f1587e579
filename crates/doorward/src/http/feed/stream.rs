//! `GET /v1/feed`: the stream, which does not end.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use doorward_core::{Lifetime, Position};
use http::{HeaderMap, HeaderName, HeaderValue, header};
use hyper::body::Frame;
use serde::Deserialize;

use super::{EVENTS, Follower};
use crate::door::{Door, Origin};
use crate::flows::feed::{Listening, listen};
use crate::http::extract::Queried;
use crate::http::problem::{Code, Problem};
use crate::hub::stream::Stream;

/// What an instance says of itself.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Terms {
    instance: String,
    lease: i64,
    #[serde(default)]
    grace: i64,
}

/// Opens the stream.
pub async fn open(
    State(door): State<Door>,
    Follower(verifier): Follower,
    Queried(terms): Queried<Terms>,
    headers: HeaderMap,
    from: Origin,
) -> Result<Response, Problem> {
    let instance = terms.instance.parse().map_err(|_| Problem::about(Code::InvalidField, "instance"))?;
    let (lease, grace) = (Lifetime::from_millis(terms.lease), Lifetime::from_millis(terms.grace));
    let cursor = cursor(&headers)?;
    let listening = Listening { verifier, instance, lease, grace, cursor };
    let stream = listen(&door, listening, &from).await?;
    let mut response = Body::new(Events::Idle(Box::new(stream))).into_response();
    mark(&mut response);
    Ok(response)
}

/// What tells everybody on the way to pass events on as they come.
pub(super) fn mark(response: &mut Response) {
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(EVENTS));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
}

/// Where it goes on. A place that cannot be read is one that we never gave.
fn cursor(headers: &HeaderMap) -> Result<Option<Position>, Problem> {
    let Some(value) = headers.get("last-event-id") else { return Ok(None) };
    let text = value.to_str().ok().filter(|text| !text.is_empty());
    let place = text.and_then(|text| text.parse().ok());
    place.map(Some).ok_or_else(|| Problem::about(Code::InvalidField, "last-event-id"))
}

/// The body: piece after piece, made when there is room for it.
enum Events {
    /// Nobody asks.
    Idle(Box<Stream>),
    /// The next piece is awaited.
    Waiting(Pin<Box<dyn Future<Output = Step> + Send>>),
    /// It is over.
    Over,
}

/// A stream, and the piece that came of it.
struct Step {
    stream: Box<Stream>,
    piece: Option<Bytes>,
}

impl HttpBody for Events {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let this = self.get_mut();
        loop {
            match std::mem::replace(this, Self::Over) {
                Self::Idle(mut stream) => {
                    *this = Self::Waiting(Box::pin(async move {
                        let piece = stream.next().await;
                        Step { stream, piece }
                    }));
                }
                Self::Waiting(mut next) => match next.as_mut().poll(context) {
                    Poll::Pending => {
                        *this = Self::Waiting(next);
                        return Poll::Pending;
                    }
                    Poll::Ready(Step { stream, piece: Some(piece) }) => {
                        *this = Self::Idle(stream);
                        return Poll::Ready(Some(Ok(Frame::data(piece))));
                    }
                    Poll::Ready(Step { piece: None, .. }) => return Poll::Ready(None),
                },
                Self::Over => return Poll::Ready(None),
            }
        }
    }
}
