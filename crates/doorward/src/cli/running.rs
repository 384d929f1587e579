//! A server from its first to its last moment: ports, jobs, the socket, and a graceful end.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use tokio::net::{TcpListener, UnixListener};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::stop::{Exit, Stop};
use super::{files, socket};
use crate::config::Mode;
use crate::config::settled::{MANAGEMENT, Management};
use crate::http::admin::Desk;
use crate::http::{management, routes};
use crate::jobs::{keys, sweep, touch};
use crate::listener::Port;
use crate::listener::bounds::Bounds;

/// The public port, taken.
pub(super) async fn listen(address: SocketAddr) -> Result<(TcpListener, SocketAddr), Stop> {
    taken(address).await.map_err(|error| {
        untakable(address, &error)
            .advise("stop whoever has it, or choose another address with --listen; port 0 takes any free one")
    })
}

/// The management port, taken; `None` if it is switched off. Where nothing was said of it, any free port will do for a
/// server whose public port is any, and for a demo beside another one.
pub(super) async fn manage(
    management: Management,
    public: SocketAddr,
    mode: Mode,
) -> Result<Option<(TcpListener, SocketAddr)>, Stop> {
    let any = SocketAddr::new(MANAGEMENT.ip(), 0);
    let address = match management {
        Management::Off => return Ok(None),
        Management::At(address) => address,
        Management::Usual if public.port() == 0 => any,
        Management::Usual => MANAGEMENT,
    };
    let mut port = taken(address).await;
    if port.is_err() && management == Management::Usual && mode == Mode::Dev {
        port = taken(any).await;
    }
    port.map(Some).map_err(|error| {
        let advice = "stop whoever has it, or set `management.listen` to another address or to `off`";
        untakable(address, &error).advise(advice)
    })
}

async fn taken(address: SocketAddr) -> std::io::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind(address).await?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

fn untakable(address: SocketAddr, error: &std::io::Error) -> Stop {
    Stop::new(Exit::Configuration, format!("{address} cannot be listened on: {error}"))
}

/// The ports of a server, taken.
pub(super) struct Ports {
    pub(super) public: TcpListener,
    pub(super) management: Option<(TcpListener, SocketAddr)>,
}

/// A server that is ready to open its door.
pub(super) struct Server {
    desk: Desk,
    port: TcpListener,
    bounds: Bounds,
    management: Option<(TcpListener, SocketAddr)>,
    socket: UnixListener,
    socket_path: PathBuf,
    signals: Signals,
}

impl Server {
    /// Takes what is still missing: the socket, and the signals that end it.
    pub(super) fn prepare(desk: Desk, folder: &Path, ports: Ports, mut bounds: Bounds) -> Result<Self, Stop> {
        let Ports { public: port, management } = ports;
        files::make_room(&mut bounds);
        let socket = socket::listen(folder)?;
        let signals = Signals::catch()
            .map_err(|error| Stop::new(Exit::Unreachable, format!("signals cannot be caught: {error}")))?;
        Ok(Self { desk, port, bounds, management, socket, socket_path: socket::path(folder), signals })
    }

    /// Serves until a signal says stop; then nothing new is let in, what runs may finish, and what waits is written.
    pub(super) async fn run(self, ready: impl FnOnce()) {
        let Self { desk, port, bounds, management, socket, socket_path, mut signals } = self;
        let door = desk.door().clone();
        let (stopping, stop) = watch::channel(false);
        let mut parts = JoinSet::new();
        let public = Port::new(door.clone(), routes::router(door.clone())).quick().bounded(bounds);
        parts.spawn(public.serve(port, stop.clone()));
        if let Some((port, address)) = management {
            tracing::info!(%address, "metrics and probes");
            parts.spawn(Port::new(door.clone(), management::router(door.clone())).serve(port, stop.clone()));
        }
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
