//! The socket in the data folder, through which verbs reach a running server. Whoever can open it is an operator, so its
//! file is for its owner alone.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use http::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{oneshot, watch};
use tower::ServiceExt;

use super::stop::{Exit, Stop};

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

/// Serves the admin API until `stop` says so. What runs then, also what is carried on for somebody who has left, may take so
/// long to finish, and is cut off after it.
pub(super) async fn serve(
    router: Router,
    listener: UnixListener,
    mut stop: watch::Receiver<bool>,
    drain_within: Duration,
) {
    let graceful = GracefulShutdown::new();
    // Whatever runs holds a receiver: all of it has ended when nobody does any more.
    let (cut, _) = watch::channel(());
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stop.wait_for(|stop| *stop) => break,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(%error, "the command line could not be let in");
                tokio::time::sleep(Duration::from_millis(20)).await;
                continue;
            }
        };
        let connection = graceful.watch(connection(router.clone(), stream, cut.subscribe()));
        let mut cut = cut.subscribe();
        tokio::spawn(async move {
            tokio::select! {
                ended = connection => if let Err(error) = ended {
                    tracing::debug!(%error, "the command line broke off");
                },
                _ = cut.changed() => {}
            }
        });
    }
    drop(listener);
    let finished = async {
        graceful.shutdown().await;
        cut.closed().await;
    };
    if tokio::time::timeout(drain_within, finished).await.is_err() {
        tracing::warn!("the command line asked for something that did not finish in time and was cut off");
        cut.send_replace(());
        cut.closed().await;
    }
}

fn connection(
    router: Router,
    stream: UnixStream,
    cut: watch::Receiver<()>,
) -> impl hyper_util::server::graceful::GracefulConnection<Error = hyper::Error> {
    let service =
        service_fn(move |request: Request<Incoming>| answer(router.clone(), request.map(Body::new), cut.clone()));
    hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .serve_connection(TokioIo::new(stream), service)
}

/// Answers a request. A question dies with whoever asked it; a change does not: half a change, or one that an operator
/// believes was made, is worse than one whose end nobody waits for.
async fn answer(
    router: Router,
    request: Request<Body>,
    cut: watch::Receiver<()>,
) -> Result<Response, oneshot::error::RecvError> {
    if request.method().is_safe() {
        let Ok(response) = router.oneshot(request).await;
        return Ok(response);
    }
    let (asker, answered) = oneshot::channel();
    tokio::spawn(carry_on(router, request, asker, cut));
    // Only what was cut off, or a panic, has no answer.
    answered.await
}

/// Carries a change to its end, whether somebody waits for that or not.
async fn carry_on(
    router: Router,
    request: Request<Body>,
    mut asker: oneshot::Sender<Response>,
    mut cut: watch::Receiver<()>,
) {
    let asked = format!("{} {}", request.method(), request.uri().path());
    let carried = async {
        let mut work = pin!(router.oneshot(request));
        tokio::select! {
            answer = &mut work => answer,
            () = asker.closed() => {
                tracing::warn!(asked, "whoever asked for this has left: it is carried on");
                work.await
            }
        }
    };
    let response = tokio::select! {
        Ok(response) = carried => response,
        _ = cut.changed() => {
            tracing::warn!(asked, "this was cut off before its end: ask for it again");
            return;
        }
    };
    let status = response.status().as_u16();
    if asker.send(response).is_err() {
        tracing::warn!(asked, status, "this came to its end without anybody who waited for it");
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    use axum::routing::any;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::sync::Notify;
    use tokio::task::JoinHandle;

    use super::*;

    const SOON: Duration = Duration::from_secs(20);

    /// A desk at which every request takes until `go`.
    struct Slow {
        folder: tempfile::TempDir,
        begun: Arc<Notify>,
        go: Arc<Notify>,
        done: Arc<AtomicBool>,
        stop: watch::Sender<bool>,
        serving: JoinHandle<()>,
    }

    impl Slow {
        fn open(drain_within: Duration) -> Self {
            let (begun, go, done) = <(Arc<Notify>, Arc<Notify>, Arc<AtomicBool>)>::default();
            let handler = {
                let (begun, go, done) = (begun.clone(), go.clone(), done.clone());
                move || async move {
                    begun.notify_one();
                    go.notified().await;
                    done.store(true, Ordering::SeqCst);
                }
            };
            let folder = tempfile::tempdir().expect("a folder");
            let listener = listen(folder.path()).expect("a socket");
            let (stop, stopping) = watch::channel(false);
            let router = Router::new().route("/slow", any(handler));
            let serving = tokio::spawn(serve(router, listener, stopping, drain_within));
            Self { folder, begun, go, done, stop, serving }
        }

        /// Asks, and gives the open connection once that has begun.
        async fn asked(&self, method: &str) -> UnixStream {
            let mut stream = UnixStream::connect(path(self.folder.path())).await.expect("a connection");
            let request = format!("{method} /slow HTTP/1.1\r\nhost: localhost\r\n\r\n");
            stream.write_all(request.as_bytes()).await.expect("it is read");
            self.begun.notified().await;
            stream
        }

        /// Stops it; gives whether the work was done by the time it had ended.
        async fn stopped(self) -> bool {
            self.stop.send_replace(true);
            tokio::time::timeout(SOON, self.serving).await.expect("it ends").expect("no panic");
            self.done.load(Ordering::SeqCst)
        }
    }

    #[tokio::test]
    async fn a_change_comes_to_its_end_when_whoever_asked_has_left_and_a_question_dies() {
        for (method, is_done) in [("POST", true), ("DELETE", true), ("PUT", true), ("PATCH", true), ("GET", false)] {
            let slow = Slow::open(SOON);
            drop(slow.asked(method).await);
            // Until it is noticed that nobody is there.
            tokio::time::sleep(Duration::from_millis(50)).await;
            slow.go.notify_one();
            assert_eq!(slow.stopped().await, is_done, "{method}");
        }
    }

    #[tokio::test]
    async fn whoever_waits_is_answered_and_a_stop_waits_for_that() {
        for method in ["GET", "POST"] {
            let slow = Slow::open(SOON);
            let mut stream = slow.asked(method).await;
            slow.stop.send_replace(true);
            tokio::time::sleep(Duration::from_millis(20)).await;
            assert!(!slow.serving.is_finished(), "{method}");
            slow.go.notify_one();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.expect("an answer");
            assert!(answer.starts_with("HTTP/1.1 200"), "{method}: {answer}");
            assert!(slow.stopped().await, "{method}");
        }
    }

    #[tokio::test]
    async fn a_stop_does_not_wait_for_longer_than_it_may_whether_somebody_waits_or_not() {
        for leaves in [false, true] {
            let slow = Slow::open(Duration::from_millis(30));
            let mut stream = Some(slow.asked("POST").await);
            if leaves {
                stream = None;
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            assert!(!slow.stopped().await, "it was cut off");
            if let Some(mut stream) = stream {
                let mut answer = String::new();
                drop(stream.read_to_string(&mut answer).await);
                assert_eq!(answer, "", "and nobody is told that it was done");
            }
        }
    }
}
