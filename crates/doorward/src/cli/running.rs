//! A server from its first to its last moment: ports, jobs, the socket, and a graceful end.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use tokio::net::{TcpListener, UnixListener};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::stop::{Exit, Stop};
use super::{files, socket};
use crate::http::admin::Desk;
use crate::http::routes;
use crate::jobs::{keys, sweep, touch};
use crate::listener::Port;
use crate::listener::bounds::Bounds;

/// The public port, taken.
pub(super) async fn listen(address: SocketAddr) -> Result<(TcpListener, SocketAddr), Stop> {
    let taken = match TcpListener::bind(address).await {
        Ok(listener) => listener.local_addr().map(|address| (listener, address)),
        Err(error) => Err(error),
    };
    taken.map_err(|error| {
        Stop::new(Exit::Configuration, format!("{address} cannot be listened on: {error}"))
            .advise("stop whoever has it, or choose another address with --listen; port 0 takes any free one")
    })
}

/// A server that is ready to open its door.
pub(super) struct Server {
    desk: Desk,
    port: TcpListener,
    bounds: Bounds,
    socket: UnixListener,
    socket_path: PathBuf,
    signals: Signals,
}

impl Server {
    /// Takes what is still missing: the socket, and the signals that end it.
    pub(super) fn prepare(desk: Desk, folder: &Path, port: TcpListener, mut bounds: Bounds) -> Result<Self, Stop> {
        files::make_room(&mut bounds);
        let socket = socket::listen(folder)?;
        let signals = Signals::catch()
            .map_err(|error| Stop::new(Exit::Unreachable, format!("signals cannot be caught: {error}")))?;
        Ok(Self { desk, port, bounds, socket, socket_path: socket::path(folder), signals })
    }

    /// Serves until a signal says stop; then nothing new is let in, what runs may finish, and what waits is written.
    pub(super) async fn run(self, ready: impl FnOnce()) {
        let Self { desk, port, bounds, socket, socket_path, mut signals } = self;
        let door = desk.door().clone();
        let (stopping, stop) = watch::channel(false);
        let mut parts = JoinSet::new();
        let public = Port::new(door.clone(), routes::router(door.clone())).quick().bounded(bounds);
        parts.spawn(public.serve(port, stop.clone()));
        parts.spawn(socket::serve(desk, socket, stop.clone()));
        parts.spawn(sweep::run(door.clone(), stop.clone()));
        parts.spawn(keys::run(door.clone(), stop.clone()));
        parts.spawn(touch::run(door.clone(), stop));
        tracing::info!(issuer = %door.settings().issuer, version = env!("CARGO_PKG_VERSION"), "serving");
        ready();
        signals.next().await;
        tracing::info!("asked to stop: running requests may finish");
        door.drain();
        let _ = stopping.send(true);
        tokio::select! {
            () = async { while parts.join_next().await.is_some() {} } => {}
            () = signals.next() => tracing::warn!("asked to stop once more: what still ran is cut off"),
        }
        parts.shutdown().await;
        // The last requests may have used sessions after the job's last round.
        touch::flush(&door).await;
        drop(std::fs::remove_file(&socket_path));
        tracing::info!("stopped");
    }
}

/// Ctrl-C and what an init system sends.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    fn catch() -> std::io::Result<Self> {
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// The line that says where the door is; scripts wait for it.
pub(super) fn ready_line(address: SocketAddr) -> String {
    format!("ready http://{address}")
}
