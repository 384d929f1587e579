//! The one question asked far more often than all others, answered without the router: `GET /v1/session` by a session
//! secret whose record is at hand. Everything else goes the ordinary way, and so does whatever is not plain here.
//!
//! The answer is written from the record as it is kept, without making a session of it first: a million records take a
//! fifth of the memory that a million sessions with their answers would.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body as Routed, Bytes, HttpBody};
use bytes::Buf;
use doorward_core::secret::{SecretHash, SecretKind};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, header};
use hyper::body::{Frame, SizeHint};

use super::headers::protect;
use super::public::session::{description, description_seen};
use super::{cookie, cors};
use crate::door::Door;
use crate::flows::check::{check_kept, glance};

/// Answers, or leaves the request to the router.
pub fn answer<B>(door: &Door, request: &Request<B>) -> Option<Response<Body>> {
    if request.uri().path() != "/v1/session"
        || *request.method() != Method::GET
        || is_from_elsewhere(request.headers())
    {
        return None;
    }
    let secret = SecretKind::Session.parse(only_secret(request.headers())?)?;
    let began = door.metrics().begin_short();
    let answer = answer_kept(door, &secret.hash())?;
    door.metrics().end_short(began);
    let mut response = Response::new(Body::Kept(Some(Kept { answer, at: 0 })));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::VARY, HeaderValue::from_static(cors::VARY));
    if let Ok(id) = HeaderValue::try_from(door.request_id()) {
        headers.insert(HeaderName::from_static("x-request-id"), id);
    }
    protect(door, headers);
    Some(response)
}

/// The body of the answer, if the record is at hand and its session alive.
fn answer_kept(door: &Door, secret: &SecretHash) -> Option<Vec<u8>> {
    let now = door.now();
    match glance(door, secret, now, |seen| description_seen(door, seen)) {
        Some(answer) => Some(answer),
        None => check_kept(door, secret, now)?.ok().map(|caller| description(door, &caller)),
    }
}

/// Does a browser say that a page of another origin asks, or may it be so? Then it wants a closer look.
fn is_from_elsewhere(headers: &HeaderMap) -> bool {
    let site = headers.get("sec-fetch-site");
    headers.contains_key(header::ORIGIN) || site.is_some_and(|site| site != "same-origin" && site != "none")
}

/// The text of the one session secret there is; `None` if there is none, or anything beside it that wants a closer look.
fn only_secret(headers: &HeaderMap) -> Option<&str> {
    if headers.contains_key(header::AUTHORIZATION) {
        return None;
    }
    let mut secrets = cookie::values(headers, cookie::SESSION);
    let secret = secrets.next()?;
    secrets.next().is_none().then_some(secret)
}

/// The body of an answer.
#[derive(Debug)]
pub enum Body {
    /// The answer from a kept record, until it is taken.
    Kept(Option<Kept>),
    /// Whatever the router made.
    Routed(Routed),
}

impl HttpBody for Body {
    type Data = Chunk;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        match self.get_mut() {
            Self::Kept(kept) => Poll::Ready(kept.take().map(|kept| Ok(Frame::data(Chunk::Kept(kept))))),
            Self::Routed(body) => Pin::new(body).poll_frame(context).map_ok(|frame| frame.map_data(Chunk::Routed)),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Kept(kept) => kept.is_none(),
            Self::Routed(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Kept(kept) => SizeHint::with_exact(kept.as_ref().map_or(0, |kept| kept.remaining() as u64)),
            Self::Routed(body) => body.size_hint(),
        }
    }
}

/// A piece of a body.
#[derive(Debug)]
pub enum Chunk {
    /// All of the answer from a kept record.
    Kept(Kept),
    /// Some of what the router made.
    Routed(Bytes),
}

impl Buf for Chunk {
    fn remaining(&self) -> usize {
        match self {
            Self::Kept(kept) => kept.remaining(),
            Self::Routed(bytes) => bytes.remaining(),
        }
    }

    fn chunk(&self) -> &[u8] {
        match self {
            Self::Kept(kept) => kept.chunk(),
            Self::Routed(bytes) => bytes,
        }
    }

    fn advance(&mut self, count: usize) {
        match self {
            Self::Kept(kept) => kept.advance(count),
            Self::Routed(bytes) => bytes.advance(count),
        }
    }
}

/// What is left to write of an answer from a kept record.
#[derive(Debug)]
pub struct Kept {
    answer: Vec<u8>,
    at: usize,
}

impl Buf for Kept {
    fn remaining(&self) -> usize {
        self.answer.len() - self.at
    }

    fn chunk(&self) -> &[u8] {
        self.answer.get(self.at..).unwrap_or_default()
    }

    fn advance(&mut self, count: usize) {
        self.at += count.min(self.remaining());
    }
}
