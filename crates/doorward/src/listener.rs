//! Accepting connections, and letting go of them: limits that fire, and a graceful end.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tower::ServiceExt;

use crate::door::Door;
use crate::http::extract::Peer;
use crate::http::front;

/// How long a client may take to send a request's head.
const HEAD_WITHIN: Duration = Duration::from_secs(10);
/// How long requests may take to finish once the process is asked to stop.
const DRAIN_WITHIN: Duration = Duration::from_secs(10);
/// The most connections at a time; more wait in the kernel's queue.
const CONNECTIONS: usize = 10_000;
/// The largest head of a request, in bytes.
const HEAD_LARGEST: usize = 32 * 1024;

/// Serves until `stop` says so, then lets running requests finish.
pub async fn serve(door: Door, router: Router, listener: TcpListener, mut stop: watch::Receiver<bool>) {
    let slots = Arc::new(Semaphore::new(CONNECTIONS));
    let graceful = GracefulShutdown::new();
    loop {
        let Ok(slot) = Arc::clone(&slots).acquire_owned().await else { break };
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
        drop(stream.set_nodelay(true));
        let connection = connection(door.clone(), router.clone(), stream, peer);
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection broke off");
            }
            drop(slot);
        });
    }
    drop(listener);
    if tokio::time::timeout(DRAIN_WITHIN, graceful.shutdown()).await.is_err() {
        tracing::warn!("some requests did not finish in time and were cut off");
    }
}

fn connection(
    door: Door,
    router: Router,
    stream: tokio::net::TcpStream,
    peer: SocketAddr,
) -> impl hyper_util::server::graceful::GracefulConnection<Error = hyper::Error> {
    let service = service_fn(move |mut request: Request<Incoming>| {
        let way = match front::answer(&door, &request) {
            Some(response) => Way::Short(response),
            None => {
                request.extensions_mut().insert(Peer(peer));
                Way::Long(router.clone().oneshot(request.map(Body::new)))
            }
        };
        async move {
            match way {
                Way::Short(response) => Ok(response),
                Way::Long(routed) => routed.await.map(|response| response.map(front::Body::Routed)),
            }
        }
    });
    hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_WITHIN)
        .max_buf_size(HEAD_LARGEST)
        .serve_connection(TokioIo::new(stream), service)
}

/// How an answer comes about.
enum Way<R> {
    /// It is there already.
    Short(Response<front::Body>),
    /// Through the router.
    Long(R),
}
