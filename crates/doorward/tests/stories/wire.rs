//! A house on a real port, and callers who write to it whatever they like.

use std::time::Duration;

use doorward::listener::Port;
use doorward::listener::bounds::Bounds;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use super::house::House;

/// Generous, for busy machines: what takes longer never comes.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A house on a port.
pub(crate) struct Street {
    address: String,
    stop: watch::Sender<bool>,
}

impl Street {
    pub(crate) async fn open() -> Self {
        Self::bounded(|_| {}).await
    }

    /// With other bounds.
    pub(crate) async fn bounded(set: impl FnOnce(&mut Bounds)) -> Self {
        let mut bounds = Bounds::default();
        set(&mut bounds);
        Self::of(House::memory().await, bounds).await
    }

    async fn of(house: House, bounds: Bounds) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        let (stop, stopped) = watch::channel(false);
        let port = Port::new(house.door.clone(), house.router.clone()).public().bounded(bounds);
        tokio::spawn(port.serve(listener, stopped));
        Self { address, stop }
    }

    pub(crate) async fn call(&self) -> Caller {
        Caller { stream: TcpStream::connect(&self.address).await.expect("a connection"), read: Vec::new() }
    }

    /// A connection on which this was said.
    pub(crate) async fn say(&self, text: impl AsRef<[u8]>) -> Caller {
        let mut caller = self.call().await;
        caller.say(text).await;
        caller
    }

    pub(crate) fn stop(&self) {
        let _ = self.stop.send(true);
    }
}

/// A connection.
pub(crate) struct Caller {
    stream: TcpStream,
    read: Vec<u8>,
}

/// An answer as it stood on the wire.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Told {
    /// The code of a problem, or the empty string.
    pub(crate) fn code(&self) -> String {
        let body: Value = serde_json::from_str(&self.body).unwrap_or_default();
        body["code"].as_str().unwrap_or_default().to_owned()
    }

    #[track_caller]
    pub(crate) fn expect(self, status: u16, code: &str) -> Self {
        assert_eq!((self.status, self.code().as_str()), (status, code), "{self:?}");
        self
    }
}

impl Caller {
    /// Says something; whether anybody listens is seen by the answer.
    pub(crate) async fn say(&mut self, text: impl AsRef<[u8]>) {
        self.goes_on(text).await;
    }

    /// Says something, however long that takes; gives whether the connection still carries it.
    pub(crate) async fn goes_on(&mut self, text: impl AsRef<[u8]>) -> bool {
        self.stream.write_all(text.as_ref()).await.is_ok()
    }

    /// Says nothing more, and goes on listening.
    pub(crate) async fn finish(&mut self) {
        drop(self.stream.shutdown().await);
    }

    /// The next answer; `None` once the connection is closed. Nobody waits for ever.
    pub(crate) async fn told(&mut self) -> Option<Told> {
        tokio::time::timeout(PATIENCE, self.read_answer()).await.expect("an answer or an end in time")
    }

    async fn read_answer(&mut self) -> Option<Told> {
        let head_end = loop {
            if let Some(at) = self.read.windows(4).position(|four| four == b"\r\n\r\n") {
                break at + 4;
            }
            self.more().await?;
        };
        let head = String::from_utf8(self.read[..head_end].to_vec()).expect("text");
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        let length = head.to_ascii_lowercase().lines().find_map(|line| {
            line.strip_prefix("content-length:").map(|length| length.trim().parse::<usize>().expect("a length"))
        });
        let end = head_end + length.unwrap_or(0);
        while self.read.len() < end {
            self.more().await?;
        }
        let body = String::from_utf8(self.read[head_end..end].to_vec()).expect("text");
        self.read.drain(..end);
        Some(Told { status, head, body })
    }

    async fn more(&mut self) -> Option<()> {
        let mut space = [0; 4096];
        match self.stream.read(&mut space).await {
            Ok(some) if some > 0 => {
                self.read.extend_from_slice(&space[..some]);
                Some(())
            }
            _ => None,
        }
    }

    /// Waits for the end of the connection; there is no further answer.
    #[track_caller]
    pub(crate) fn is_closed(&mut self) -> impl Future<Output = ()> {
        let place = std::panic::Location::caller();
        async move {
            let told = self.told().await;
            assert!(told.is_none() && self.read.is_empty(), "{place}: {told:?} and {:?}", self.read);
        }
    }
}
