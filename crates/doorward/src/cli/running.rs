//! A server from its first to its last moment: ports, jobs, the socket, and a graceful end.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use tokio::net::{TcpListener, UnixListener};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::stop::{Exit, Stop};
use super::{certificate, files, socket};
use crate::config::Mode;
use crate::config::settled::{MANAGEMENT, Management};
use crate::http::admin::Desk;
use crate::http::{admin, management, routes};
use crate::jobs::{keys, spread, sweep, touch};
use crate::listener::Port;
use crate::listener::bounds::Bounds;
use crate::listener::tls::{Tls, TlsError, TlsFiles};

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
    pub(super) public: Public,
    pub(super) management: Option<(TcpListener, SocketAddr)>,
}

/// The public port, and how it is spoken to.
pub(super) struct Public {
    /// It is taken.
    pub(super) port: TcpListener,
    /// Its bounds.
    pub(super) bounds: Bounds,
    /// Its certificate.
    pub(super) tls: Option<Tls>,
}

/// What a terminal that is gone, or an operator, means by SIGHUP.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum HangUp {
    /// The end.
    Stops,
    /// Read the certificate again.
    Reloads,
}

/// Reads certificate and key.
pub(super) fn tls(files: Option<TlsFiles>) -> Result<Option<Tls>, Stop> {
    files.map(Tls::load).transpose().map_err(|error: TlsError| {
        let advice = "both files are PEM: the certificate first, then those behind it; the key without a passphrase";
        Stop::new(Exit::Configuration, error).advise(advice)
    })
}

/// A server that is ready to open its door.
pub(super) struct Server {
    desk: Desk,
    ports: Ports,
    hang_up: HangUp,
    socket: UnixListener,
    socket_path: PathBuf,
    signals: Signals,
}

impl Server {
    /// Takes what is still missing: the socket, and the signals that end it.
    pub(super) fn prepare(desk: Desk, folder: &Path, mut ports: Ports, hang_up: HangUp) -> Result<Self, Stop> {
        files::make_room(&mut ports.public.bounds);
        let socket = socket::listen(folder)?;
        let signals = Signals::catch()
            .map_err(|error| Stop::new(Exit::Unreachable, format!("signals cannot be caught: {error}")))?;
        Ok(Self { desk, ports, hang_up, socket, socket_path: socket::path(folder), signals })
    }

    /// Serves until a signal says stop; then nothing new is let in, what runs may finish, and what waits is written.
    pub(super) async fn run(self, ready: impl FnOnce()) {
        let Self { desk, ports, hang_up, socket, socket_path, mut signals } = self;
        let door = desk.door().clone();
        let (stopping, stop) = watch::channel(false);
        let mut parts = JoinSet::new();
        let Ports { public: Public { port, bounds, tls }, management } = ports;
        let drain_within = bounds.drain_within;
        let open =
            Port::new(door.clone(), routes::router(door.clone())).public().bounded(bounds).secured(tls.clone());
        parts.spawn(open.serve(port, stop.clone()));
        if let Some(tls) = tls.clone() {
            parts.spawn(certificate::watch(tls, stop.clone()));
        }
        if let Some((port, address)) = management {
            tracing::info!(%address, "metrics and probes");
            parts.spawn(Port::new(door.clone(), management::router(door.clone())).serve(port, stop.clone()));
        }
        parts.spawn(socket::serve(admin::router(desk), socket, stop.clone(), drain_within));
        parts.spawn(sweep::run(door.clone(), stop.clone()));
        parts.spawn(keys::run(door.clone(), stop.clone()));
        parts.spawn(spread::run(door.clone(), stop.clone()));
        parts.spawn(touch::run(door.clone(), stop));
        tracing::info!(issuer = %door.settings().issuer, version = env!("CARGO_PKG_VERSION"), "serving");
        ready();
        while signals.next().await == Asked::HangUp && hang_up == HangUp::Reloads {
            certificate::look_and_tell(tls.as_ref());
        }
        tracing::info!("asked to stop: running requests may finish");
        door.drain();
        let _ = stopping.send(true);
        tokio::select! {
            () = async { while parts.join_next().await.is_some() {} } => {}
            _ = signals.next() => tracing::warn!("asked to stop once more: what still ran is cut off"),
        }
        parts.shutdown().await;
        // The last requests may have used sessions after the job's last round.
        touch::flush(&door).await;
        drop(std::fs::remove_file(&socket_path));
        tracing::info!("stopped");
    }
}

/// Ctrl-C, what an init system sends, and what a terminal says when it goes.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hang_up: Signal,
}

/// What was asked.
#[derive(PartialEq, Eq)]
enum Asked {
    Stop,
    HangUp,
}

impl Signals {
    fn catch() -> std::io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    async fn next(&mut self) -> Asked {
        tokio::select! {
            _ = self.interrupt.recv() => Asked::Stop,
            _ = self.terminate.recv() => Asked::Stop,
            _ = self.hang_up.recv() => Asked::HangUp,
        }
    }
}

/// The line that says where the door is; scripts wait for it.
pub(super) fn ready_line(address: SocketAddr, tls: Option<&Tls>) -> String {
    let scheme = if tls.is_some() { "https" } else { "http" };
    format!("ready {scheme}://{address}")
}
