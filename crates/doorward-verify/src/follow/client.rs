//! The requests that a follower makes: HTTP/1.1 over TCP or TLS, to the first of several servers that answers.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST, HeaderValue, USER_AGENT};
use hyper::http::response::Parts;
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto};

use super::StartError;
use super::address::Address;

/// How long connecting may take, TLS included.
const CONNECT: Duration = Duration::from_secs(2);
/// How many connections are kept for the next request.
const MOST_IDLE: usize = 8;

/// Why there is no answer, or none of use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CallError {
    /// No server could be reached, or the connection broke.
    Unreachable,
    /// It took too long.
    TimedOut,
    /// More bytes than the answer may have.
    TooLarge,
}

/// A request.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) accept: &'static str,
    /// `Last-Event-ID`.
    pub(super) cursor: Option<String>,
    /// The body, and its type.
    pub(super) body: Option<(&'static str, Vec<u8>)>,
}

impl Call {
    pub(super) fn get(path: impl Into<String>, accept: &'static str) -> Self {
        Self { method: Method::GET, path: path.into(), accept, cursor: None, body: None }
    }

    pub(super) fn post(path: &str, accept: &'static str, kind: &'static str, body: Vec<u8>) -> Self {
        Self { method: Method::POST, path: path.to_owned(), accept, cursor: None, body: Some((kind, body)) }
    }
}

/// A connection that is answering; it goes back to the idle ones when the body was read to its end.
pub(super) struct Exchange {
    pub(super) head: Parts,
    pub(super) body: Incoming,
    sender: SendRequest<Full<Bytes>>,
    server: usize,
}

/// An answer that was read to its end.
pub(super) struct Answer {
    pub(super) head: Parts,
    pub(super) body: Vec<u8>,
}

/// Makes requests.
pub(super) struct Client {
    addresses: Vec<Address>,
    current: AtomicUsize,
    tls: Option<TlsConnector>,
    bearer: HeaderValue,
    idle: Mutex<Vec<(usize, SendRequest<Full<Bytes>>)>>,
}

impl Client {
    pub(super) fn new(addresses: Vec<Address>, secret: &str, authorities: Option<&[u8]>) -> Result<Self, StartError> {
        let mut bearer = HeaderValue::try_from(format!("Bearer {secret}")).map_err(|_| StartError::SecretInvalid)?;
        bearer.set_sensitive(true);
        let tls = if addresses.iter().any(|address| address.is_tls) { Some(connector(authorities)?) } else { None };
        Ok(Self { addresses, current: AtomicUsize::new(0), tls, bearer, idle: Mutex::default() })
    }

    /// The server that requests go to first.
    pub(super) fn current(&self) -> usize {
        self.current.load(Ordering::Relaxed)
    }

    /// Goes on to the next server, unless somebody has done so since `from` was looked up.
    pub(super) fn rotate(&self, from: usize) {
        let next = (from + 1) % self.addresses.len();
        let _ = self.current.compare_exchange(from, next, Ordering::Relaxed, Ordering::Relaxed);
    }

    /// Makes a request and reads the answer to its end, of at most `most` bytes.
    pub(super) async fn call(&self, call: &Call, most: usize, within: Duration) -> Result<Answer, CallError> {
        let whole = async {
            let mut exchange = self.open(call).await?;
            let mut body = Vec::new();
            while let Some(bytes) = exchange.next().await? {
                if body.len() + bytes.len() > most {
                    return Err(CallError::TooLarge);
                }
                body.extend_from_slice(&bytes);
            }
            let head = self.keep(exchange);
            Ok(Answer { head, body })
        };
        let from = self.current();
        match timeout(within, whole).await {
            Ok(Ok(answer)) => {
                if answer.head.status.is_server_error() {
                    self.rotate(from);
                }
                Ok(answer)
            }
            Ok(Err(error)) => Err(error),
            Err(_) => {
                self.rotate(from);
                Err(CallError::TimedOut)
            }
        }
    }

    /// Makes a request, to the current server or else to the next that can be reached.
    pub(super) async fn open(&self, call: &Call) -> Result<Exchange, CallError> {
        let first = self.current();
        if let Some(sender) = self.idle_one(first) {
            // It may have been closed just now; then a fresh one is made.
            if let Ok(exchange) = self.send(sender, first, call).await {
                return Ok(exchange);
            }
        }
        for step in 0..self.addresses.len() {
            let server = (first + step) % self.addresses.len();
            if let Ok(Ok(sender)) = timeout(CONNECT, self.connect(server)).await
                && let Ok(exchange) = self.send(sender, server, call).await
            {
                let _ = self.current.compare_exchange(first, server, Ordering::Relaxed, Ordering::Relaxed);
                return Ok(exchange);
            }
        }
        Err(CallError::Unreachable)
    }

    /// Keeps the connection of an exchange whose body was read.
    pub(super) fn keep(&self, exchange: Exchange) -> Parts {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < MOST_IDLE {
            idle.push((exchange.server, exchange.sender));
        }
        exchange.head
    }

    fn idle_one(&self, server: usize) -> Option<SendRequest<Full<Bytes>>> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|(of, sender)| *of == server && !sender.is_closed());
        let place = idle.iter().position(|(_, sender)| sender.is_ready())?;
        Some(idle.swap_remove(place).1)
    }

    async fn send(
        &self,
        mut sender: SendRequest<Full<Bytes>>,
        server: usize,
        call: &Call,
    ) -> Result<Exchange, CallError> {
        let mut request = Request::builder()
            .method(call.method.clone())
            .uri(&call.path)
            .header(HOST, &self.addresses[server].authority)
            .header(USER_AGENT, concat!("doorward-verify/", env!("CARGO_PKG_VERSION")))
            .header(ACCEPT, call.accept)
            .header(AUTHORIZATION, self.bearer.clone());
        if let Some(cursor) = &call.cursor {
            request = request.header("last-event-id", cursor);
        }
        let body = match &call.body {
            Some((kind, body)) => {
                request = request.header(CONTENT_TYPE, *kind);
                body.clone()
            }
            None => Vec::new(),
        };
        let request = request.body(Full::new(Bytes::from(body))).map_err(|_| CallError::Unreachable)?;
        sender.ready().await.map_err(|_| CallError::Unreachable)?;
        let response = sender.send_request(request).await.map_err(|_| CallError::Unreachable)?;
        let (head, body) = response.into_parts();
        Ok(Exchange { head, body, sender, server })
    }

    async fn connect(&self, server: usize) -> Result<SendRequest<Full<Bytes>>, CallError> {
        let address = &self.addresses[server];
        let tcp =
            TcpStream::connect((address.host.as_str(), address.port)).await.map_err(|_| CallError::Unreachable)?;
        // Without it, a ping may wait for the acknowledgement of the one before it.
        let _ = tcp.set_nodelay(true);
        match self.tls.as_ref().filter(|_| address.is_tls) {
            Some(tls) => {
                let name = ServerName::try_from(address.host.clone()).map_err(|_| CallError::Unreachable)?;
                shake(tls.connect(name, tcp).await.map_err(|_| CallError::Unreachable)?).await
            }
            None => shake(tcp).await,
        }
    }
}

impl Exchange {
    /// The next bytes of the body; `None` at its end.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, CallError> {
        while let Some(frame) = self.body.frame().await {
            if let Ok(bytes) = frame.map_err(|_| CallError::Unreachable)?.into_data() {
                return Ok(Some(bytes));
            }
        }
        Ok(None)
    }
}

async fn shake(
    io: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
) -> Result<SendRequest<Full<Bytes>>, CallError> {
    let (sender, connection) = handshake(TokioIo::new(io)).await.map_err(|_| CallError::Unreachable)?;
    // It ends when the sender and the body in flight are gone.
    tokio::spawn(async move { drop(connection.await) });
    Ok(sender)
}

/// TLS over the one cryptographic library.
fn connector(authorities: Option<&[u8]>) -> Result<TlsConnector, StartError> {
    let mut roots = RootCertStore::empty();
    match authorities {
        Some(pem) => {
            for certificate in CertificateDer::pem_slice_iter(pem) {
                let certificate = certificate.map_err(|_| StartError::AuthoritiesUnreadable)?;
                roots.add(certificate).map_err(|_| StartError::AuthoritiesUnreadable)?;
            }
        }
        // One that cannot be read is a certificate that nobody shows us; others remain.
        None => drop(roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs)),
    }
    if roots.is_empty() {
        return Err(StartError::AuthoritiesUnreadable);
    }
    let provider = Arc::new(crypto::aws_lc_rs::default_provider());
    let versions = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let mut config =
        versions.map_err(|_| StartError::AuthoritiesUnreadable)?.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsConnector::from(Arc::new(config)))
}

#[cfg(test)]
pub(super) mod tests;
