//! The bare limits of HTTP: hyper alone, and axum with one route. The settings of their connections are those of
//! Doorward's listener, and what they answer is what Doorward answered, byte for byte.

use std::convert::Infallible;
use std::fs;
use std::path::Path;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};

use super::{Canned, Ready, runtime};
use crate::{Trouble, child};

/// A reply that costs a copy of pointers.
#[derive(Clone)]
pub(super) struct Reply {
    headers: HeaderMap,
    body: Bytes,
}

impl Reply {
    pub(super) fn read(file: &Path) -> Result<Self, Trouble> {
        let canned: Canned = serde_json::from_slice(&fs::read(file)?)?;
        let mut headers = HeaderMap::new();
        for (name, value) in &canned.headers {
            headers.append(HeaderName::try_from(name)?, HeaderValue::try_from(value)?);
        }
        Ok(Self { headers, body: canned.body.into_bytes().into() })
    }

    pub(super) fn response(&self) -> Response<Full<Bytes>> {
        let mut response = Response::new(Full::new(self.body.clone()));
        *response.headers_mut() = self.headers.clone();
        response
    }
}

/// Answers everything by hyper alone.
pub(crate) fn serve_hyper(file: &Path) -> Result<(), Trouble> {
    let reply = Reply::read(file)?;
    serve(move |stream| {
        let reply = reply.clone();
        let service = service_fn(move |_: Request<Incoming>| {
            let response = reply.response();
            async move { Ok::<_, Infallible>(response) }
        });
        tokio::spawn(async move { drop(settings().serve_connection(TokioIo::new(stream), service).await) });
    })
}

/// Answers `GET /v1/session` by axum.
pub(crate) fn serve_axum(file: &Path) -> Result<(), Trouble> {
    let reply = Reply::read(file)?;
    let answer = move || {
        let reply = reply.clone();
        async move { (reply.headers, reply.body) }
    };
    let router: Router = Router::new().route("/v1/session", get(answer));
    serve(move |stream| {
        let service = TowerToHyperService::new(router.clone());
        tokio::spawn(async move { drop(settings().serve_connection(TokioIo::new(stream), service).await) });
    })
}

pub(super) fn settings() -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(Duration::from_secs(10)).max_buf_size(32 * 1024);
    builder
}

/// Accepts connections until the parent says no more.
pub(super) fn serve(accept: impl Fn(TcpStream) + Send + 'static) -> Result<(), Trouble> {
    let runtime = runtime()?;
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
    let port = listener.local_addr()?.port();
    runtime.spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            drop(stream.set_nodelay(true));
            accept(stream);
        }
    });
    child::say(&Ready { port, filling: None })?;
    child::until_the_end();
    Ok(())
}
