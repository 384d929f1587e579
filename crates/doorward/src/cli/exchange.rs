//! One HTTP request over one connection: as much of a client as the command line needs.

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};

/// An answer.
#[derive(Debug)]
pub(super) struct Answer {
    /// Its status.
    pub(super) status: u16,
    /// Its body.
    pub(super) body: Bytes,
}

/// Sends a request and reads an answer of at most `largest` bytes; all of it takes `within` at most.
///
/// # Errors
/// Why there is no answer, in words.
pub(super) async fn exchange<S>(
    stream: S,
    request: Request<Full<Bytes>>,
    largest: usize,
    within: Duration,
) -> Result<Answer, String>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    tokio::time::timeout(within, send(stream, request, largest))
        .await
        .unwrap_or_else(|_| Err(format!("no answer within {} s", within.as_secs())))
}

async fn send<S>(stream: S, request: Request<Full<Bytes>>, largest: usize) -> Result<Answer, String>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(|error| error.to_string())?;
    let driven = tokio::spawn(connection);
    let response = sender.send_request(request).await.map_err(|error| error.to_string())?;
    let status = response.status().as_u16();
    let body = Limited::new(response.into_body(), largest).collect().await.map_err(|error| error.to_string())?;
    driven.abort();
    Ok(Answer { status, body: body.to_bytes() })
}
