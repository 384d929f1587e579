//! One HTTP request over one connection: as much of a client as the command line needs.

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};

/// How long an exchange may take. A password that is hashed behind a full queue takes a while.
const WITHIN: Duration = Duration::from_secs(30);

/// An answer.
#[derive(Debug)]
pub(super) struct Answer {
    /// Its status.
    pub(super) status: u16,
    /// Its body.
    pub(super) body: Bytes,
}

/// Sends a request and reads an answer of at most `largest` bytes.
///
/// # Errors
/// Why there is no answer, in words.
pub(super) async fn exchange<S>(stream: S, request: Request<Full<Bytes>>, largest: usize) -> Result<Answer, String>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    tokio::time::timeout(WITHIN, send(stream, request, largest))
        .await
        .unwrap_or_else(|_| Err(format!("no answer within {} s", WITHIN.as_secs())))
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
