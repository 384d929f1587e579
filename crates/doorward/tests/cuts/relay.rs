//! A network between a verifier and the server: passes bytes on, holds them back and brings them all at once, lets
//! nothing through in one way or both, breaks every connection, drips.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::time::sleep;

use super::oracle::At;

/// How bytes go one way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    Open,
    /// Nothing comes through; what is sent comes once it is open again.
    Held,
    /// Held and open by turns.
    Pulse {
        held: Duration,
        open: Duration,
    },
    /// A few bytes at a time.
    Drip,
}

/// How it is both ways, and for new connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Weather {
    /// From the verifier to the server.
    up: Way,
    down: Way,
    /// Connections are broken off, old and new.
    breaks: bool,
}

const FAIR: Weather = Weather { up: Way::Open, down: Way::Open, breaks: false };

/// One such network. It lasts as long as the runtime it was laid in.
#[derive(Clone)]
pub(crate) struct Relay(Arc<Inner>);

struct Inner {
    address: SocketAddr,
    server: Mutex<SocketAddr>,
    weather: watch::Sender<Weather>,
    /// When connections came.
    came: Mutex<Vec<At>>,
    /// Bytes from the server.
    down: AtomicU64,
}

impl Relay {
    pub(crate) fn lay(runtime: &Handle, at: &str, server: SocketAddr) -> Self {
        let listener = runtime.block_on(TcpListener::bind(at)).expect("a port");
        let address = listener.local_addr().expect("an address");
        let weather = watch::Sender::new(FAIR);
        let relay = Self(Arc::new(Inner {
            address,
            server: Mutex::new(server),
            weather,
            came: Mutex::default(),
            down: AtomicU64::new(0),
        }));
        runtime.spawn(relay.clone().accept(listener));
        relay
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.0.address)
    }

    /// The server is somewhere else now.
    pub(crate) fn lead_to(&self, server: SocketAddr) {
        *self.0.server.lock().unwrap_or_else(PoisonError::into_inner) = server;
    }

    pub(crate) fn be(&self, up: Way, down: Way) {
        self.0.weather.send_replace(Weather { up, down, breaks: false });
    }

    pub(crate) fn break_off(&self) {
        self.0.weather.send_replace(Weather { breaks: true, ..FAIR });
    }

    pub(crate) fn clear_up(&self) {
        self.0.weather.send_replace(FAIR);
    }

    /// When connections came, so far; they are forgotten.
    pub(crate) fn came(&self) -> Vec<At> {
        std::mem::take(&mut *self.0.came.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// How many bytes have come from the server.
    pub(crate) fn bytes(&self) -> u64 {
        self.0.down.load(Ordering::Relaxed)
    }

    async fn accept(self, listener: TcpListener) {
        loop {
            let Ok((verifier, _)) = listener.accept().await else { continue };
            self.0.came.lock().unwrap_or_else(PoisonError::into_inner).push(At::now());
            if !self.0.weather.borrow().breaks {
                tokio::spawn(self.clone().join(verifier));
            }
        }
    }

    /// Passes on what comes on a connection, to its end.
    async fn join(self, verifier: TcpStream) {
        let server = *self.0.server.lock().unwrap_or_else(PoisonError::into_inner);
        let Ok(server) = TcpStream::connect(server).await else { return };
        let _ = (verifier.set_nodelay(true), server.set_nodelay(true));
        let (from_verifier, to_verifier) = verifier.into_split();
        let (from_server, to_server) = server.into_split();
        let up = self.pump(from_verifier, to_server, |weather| weather.up, None);
        let down = self.pump(from_server, to_verifier, |weather| weather.down, Some(&self.0.down));
        // One of the ways that has come to its end leaves the other one open, unless it was broken off.
        tokio::join!(up, down);
    }

    async fn pump(
        &self,
        mut from: OwnedReadHalf,
        mut to: OwnedWriteHalf,
        way: impl Fn(&Weather) -> Way,
        count: Option<&AtomicU64>,
    ) {
        let mut weather = self.0.weather.subscribe();
        let mut piece = vec![0; 16 * 1024];
        loop {
            let read = tokio::select! {
                read = from.read(&mut piece) => read.unwrap_or(0),
                broken = weather.wait_for(|weather| weather.breaks) => { drop(broken); return }
            };
            if !through(&mut weather, &way).await {
                return;
            }
            if read == 0 {
                drop(to.shutdown().await);
                return;
            }
            if let Some(count) = count {
                count.fetch_add(read as u64, Ordering::Relaxed);
            }
            let bit = if way(&weather.borrow()) == Way::Drip { 64 } else { piece.len() };
            for bytes in piece[..read].chunks(bit) {
                if to.write_all(bytes).await.is_err() {
                    return;
                }
                if bit == 64 {
                    sleep(Duration::from_millis(20)).await;
                }
            }
        }
    }
}

/// Waits until something may pass; `false` if the connection was broken off.
async fn through(weather: &mut watch::Receiver<Weather>, way: &impl Fn(&Weather) -> Way) -> bool {
    loop {
        let now = *weather.borrow_and_update();
        if now.breaks {
            return false;
        }
        let pause = match way(&now) {
            Way::Open | Way::Drip => return true,
            Way::Held => Duration::MAX,
            Way::Pulse { held, open } => {
                let (held, whole) = (held.as_micros() as u64, (held + open).as_micros() as u64);
                let phase = At::now().0 % whole;
                if phase >= held {
                    return true;
                }
                Duration::from_micros(held - phase)
            }
        };
        tokio::select! {
            () = sleep(pause) => {}
            changed = weather.changed() => if changed.is_err() { return false },
        }
    }
}
