//! The socket in the data folder, through which verbs reach a running server. Whoever can open it is an operator, so its
//! file is for its owner alone.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use axum::Router;
use axum::body::Body;
use http::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::UnixListener;
use tokio::sync::watch;
use tower::ServiceExt;

use super::stop::{Exit, Stop};
use crate::http::admin::{self, Desk};

/// The socket of a folder.
pub(super) fn path(folder: &Path) -> PathBuf {
    folder.join("doorward.sock")
}

/// Listens in a folder whose lock we hold: what lies there is left over from a process that is gone.
pub(super) fn listen(folder: &Path) -> Result<UnixListener, Stop> {
    let path = path(folder);
    bind(&path).map_err(|error| {
        let what = format!("the socket {} cannot be made: {error}", path.display());
        // The kernel takes some hundred bytes of path and no more.
        Stop::new(Exit::Configuration, what).advise("choose a data folder with a short path on a local disk")
    })
}

fn bind(path: &Path) -> io::Result<UnixListener> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(path)?;
    fs::set_permissions(path, Permissions::from_mode(0o600))?;
    Ok(listener)
}

/// Serves the admin API until `stop` says so.
pub(super) async fn serve(desk: Desk, listener: UnixListener, mut stop: watch::Receiver<bool>) {
    let router = admin::router(desk);
    let graceful = GracefulShutdown::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stop.wait_for(|stop| *stop) => break,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(%error, "the command line could not be let in");
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
                continue;
            }
        };
        let connection = graceful.watch(connection(router.clone(), stream));
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "the command line broke off");
            }
        });
    }
    drop(listener);
    graceful.shutdown().await;
}

fn connection(
    router: Router,
    stream: tokio::net::UnixStream,
) -> impl hyper_util::server::graceful::GracefulConnection<Error = hyper::Error> {
    let service = service_fn(move |request: Request<Incoming>| router.clone().oneshot(request.map(Body::new)));
    hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .serve_connection(TokioIo::new(stream), service)
}
