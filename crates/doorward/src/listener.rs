//! Accepting connections, and letting go of them: limits that fire, and a graceful end.
//!
//! Behind each connection stands a [`gate`]: the HTTP library sees nothing that is not a request of one spelling, whole
//! and in time.

pub mod bounds;
pub mod framing;
pub mod gate;
pub mod networks;
pub mod tls;

use std::cell::Cell;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::response::IntoResponse;
use http::{Method, Request, Response};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use hyper_util::server::graceful::{GracefulConnection, GracefulShutdown, Watcher};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tower::ServiceExt;

use self::bounds::Bounds;
use self::framing::{Fault, HEAD_LARGEST};
use self::gate::{Gate, Refused};
use self::networks::{Networks, Place};
use self::tls::Tls;
use crate::door::Door;
use crate::http::extract::Peer;
use crate::http::front;
use crate::http::headers::protect;
use crate::http::problem::{Code, Problem, written_out};
use crate::http::timed::Timed;
use crate::metrics::{Connected, words};

/// A port, and what answers there.
#[derive(Clone, Debug)]
pub struct Port {
    door: Door,
    router: Router,
    /// Is it the public port?
    is_public: bool,
    tls: Option<Tls>,
    bounds: Bounds,
}

impl Port {
    /// A port on which a router answers, and nothing else.
    pub fn new(door: Door, router: Router) -> Self {
        Self { door, router, is_public: false, tls: None, bounds: Bounds::default() }
    }

    /// The public port: its most frequent questions are answered before the router, and plain http is taken from this
    /// machine and from trusted proxies alone.
    #[must_use]
    pub fn public(self) -> Self {
        Self { is_public: true, ..self }
    }

    /// TLS is spoken, if there is any.
    #[must_use]
    pub fn secured(self, tls: Option<Tls>) -> Self {
        Self { tls, ..self }
    }

    /// With other bounds.
    #[must_use]
    pub fn bounded(self, bounds: Bounds) -> Self {
        Self { bounds, ..self }
    }

    /// Serves until `stop` says so, then lets running requests finish.
    pub async fn serve(self, listener: TcpListener, mut stop: watch::Receiver<bool>) {
        let mut gatekeeper = Gatekeeper::new(&self.bounds);
        let graceful = GracefulShutdown::new();
        // Connections end when this does.
        let (cut, _) = watch::channel(());
        loop {
            let (stream, peer) = tokio::select! {
                accepted = listener.accept() => match accepted {
                    Ok(accepted) => accepted,
                    Err(error) => {
                        // Out of file descriptors, most likely: those in use will come back.
                        tracing::warn!(%error, "a connection could not be accepted");
                        tokio::time::sleep(Duration::from_millis(20)).await;
                        continue;
                    }
                },
                () = async { drop(stop.wait_for(|stop| *stop).await) } => break,
            };
            let Some(seat) = gatekeeper.admit(&self.door, peer) else { continue };
            drop(stream.set_nodelay(true));
            let (held, mut cut) = (self.clone().hold(stream, peer, seat, graceful.watcher()), cut.subscribe());
            tokio::spawn(async move {
                tokio::select! {
                    () = held => {}
                    _ = cut.changed() => {}
                }
            });
        }
        drop(listener);
        if tokio::time::timeout(self.bounds.drain_within, graceful.shutdown()).await.is_err() {
            tracing::warn!("some requests did not finish in time and were cut off");
        }
    }

    /// Serves one connection to its end.
    async fn hold(mut self, stream: TcpStream, peer: SocketAddr, seat: Seat, watcher: Watcher) {
        let is_full = matches!(seat, Seat::TurnedAway(_));
        if is_full {
            // Whoever is told no does not keep the next from being told.
            self.bounds.head_within = self.bounds.linger_within;
            self.bounds.handshake_within = self.bounds.linger_within;
        }
        let kind = if self.is_public { words::Port::Public } else { words::Port::Management };
        let counted = Connected::on(&self.door, kind);
        let ended = match self.tls.clone() {
            None => watcher.watch(self.connection(stream, peer, is_full)).await,
            Some(tls) => match tokio::time::timeout(self.bounds.handshake_within, tls.greet(stream)).await {
                Ok(Ok(stream)) => watcher.watch(self.connection(stream, peer, is_full)).await,
                Ok(Err(error)) => return tracing::debug!(%error, "no handshake came about"),
                Err(_) => return tracing::debug!("no handshake came about in time"),
            },
        };
        if let Err(error) = ended {
            tracing::debug!(%error, "a connection broke off");
        }
        drop((seat, counted));
    }

    fn connection<S>(
        self,
        stream: S,
        peer: SocketAddr,
        is_full: bool,
    ) -> impl GracefulConnection<Error = hyper::Error>
    where
        S: AsyncRead + AsyncWrite + Unpin + 'static,
    {
        let gate = Gate::new(stream, &self.bounds);
        let (refused, number) = (gate.refused(), Cell::new(0));
        let is_safe = !self.is_public || self.tls.is_some() || stands_for_many(&self.door, peer);
        let service = service_fn(move |request: Request<Incoming>| {
            number.set(number.get() + 1);
            let refusal = self.refusal(&refused, number.get(), is_full);
            let way = match refusal.or_else(|| (!is_safe).then(|| self.in_the_open(&request)).flatten()) {
                Some(response) => Way::Short(response.map(front::Body::Routed)),
                None => self.way(request, peer),
            };
            async move {
                match way {
                    Way::Short(response) => Ok::<_, Infallible>(response),
                    Way::Long(routed) => Ok(routed.await.map(front::Body::Routed)),
                }
            }
        });
        // The gate has the time and the sizes; the library must only never find them too large itself.
        hyper::server::conn::http1::Builder::new()
            .header_read_timeout(None)
            .max_buf_size(2 * HEAD_LARGEST)
            .keep_alive(!is_full)
            .serve_connection(TokioIo::new(gate), service)
    }

    /// The answer to what never was a request, or is one too many.
    fn refusal(&self, refused: &Refused, number: u64, is_full: bool) -> Option<Response<Body>> {
        let code = match refused.is(number) {
            None if is_full => Code::Overloaded,
            None => return None,
            Some(Fault::Malformed) => Code::MalformedRequest,
            Some(Fault::LineTooLong) => Code::TargetTooLong,
            Some(Fault::HeadTooLarge) => Code::HeadTooLarge,
            Some(Fault::TooSlow) => Code::TooSlow,
        };
        Some(self.say(code))
    }

    /// The answer to a request in plain http from elsewhere. Probes learn nothing and say nothing, and may ask.
    fn in_the_open(&self, request: &Request<Incoming>) -> Option<Response<Body>> {
        let is_probe = matches!(request.uri().path(), "/healthz" | "/readyz");
        (!is_probe).then(|| self.say(Code::HttpsRequired))
    }

    /// Says no without the router; of the public port that is counted as what is in no row.
    fn say(&self, code: Code) -> Response<Body> {
        if self.is_public {
            self.door.metrics().answers.add(&Method::GET, None, code.row().status, Some(code), Duration::ZERO);
        }
        let mut response = written_out(Problem::new(code).into_response(), &self.door.request_id());
        protect(&self.door, response.headers_mut());
        response
    }

    fn way(
        &self,
        mut request: Request<Incoming>,
        peer: SocketAddr,
    ) -> Way<impl Future<Output = Response<Body>> + use<>> {
        if self.is_public
            && let Some(response) = front::answer(&self.door, &request)
        {
            return Way::Short(response);
        }
        request.extensions_mut().insert(Peer(peer));
        let Bounds { body_within, answer_within, .. } = self.bounds;
        let port = self.clone();
        let routed = self.router.clone().oneshot(request.map(|body| Body::new(Timed::new(body, body_within))));
        Way::Long(async move {
            match tokio::time::timeout(answer_within, routed).await {
                Ok(Ok(response)) => response,
                Ok(Err(never)) => match never {},
                Err(_) => port.say(Code::Overloaded),
            }
        })
    }
}

/// Serves the public port.
pub async fn serve(door: Door, router: Router, listener: TcpListener, stop: watch::Receiver<bool>) {
    Port::new(door, router).public().serve(listener, stop).await;
}

/// Who may come in.
struct Gatekeeper {
    seats: Arc<Semaphore>,
    turned_away: Arc<Semaphore>,
    networks: Networks,
}

/// The place of a connection, for as long as it lasts.
enum Seat {
    Taken(#[expect(dead_code, reason = "held, and given back when dropped")] (OwnedSemaphorePermit, Option<Place>)),
    /// Only to be told that there are too many.
    TurnedAway(#[expect(dead_code, reason = "held, and given back when dropped")] OwnedSemaphorePermit),
}

impl Gatekeeper {
    fn new(bounds: &Bounds) -> Self {
        Self {
            seats: Arc::new(Semaphore::new(bounds.connections)),
            turned_away: Arc::new(Semaphore::new(bounds.turned_away)),
            networks: Networks::new(bounds.per_network),
        }
    }

    /// `None` for a connection that is closed without a word.
    fn admit(&mut self, door: &Door, peer: SocketAddr) -> Option<Seat> {
        let place = match stands_for_many(door, peer) {
            true => Some(None),
            false => self.networks.enter(peer.ip().to_canonical()).map(Some),
        };
        if let (Some(place), Ok(seat)) = (place, Arc::clone(&self.seats).try_acquire_owned()) {
            return Some(Seat::Taken((seat, place)));
        }
        Arc::clone(&self.turned_away).try_acquire_owned().ok().map(Seat::TurnedAway)
    }
}

/// This machine itself, or a proxy that the operator trusts.
fn stands_for_many(door: &Door, peer: SocketAddr) -> bool {
    let address = peer.ip().to_canonical();
    address.is_loopback() || door.settings().trusted_proxies.iter().any(|range| range.contains(address))
}

/// How an answer comes about.
enum Way<R> {
    /// It is there already.
    Short(Response<front::Body>),
    /// Through the router.
    Long(R),
}
