//! One verifier behind a wire that can be cut: both ends stay open, and nothing passes any more, as when a cable is
//! pulled. What it believes meanwhile is its own affair, and is written down.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use doorward_verify::follow::Follower;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::{PATIENCE, Server, settings, ticks};
use crate::Trouble;

/// How often it judges its tokens while the wire is cut.
const LOOK: Duration = Duration::from_millis(1);

/// What it did while it heard nothing.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Silenced {
    /// When it began to judge each token the last time that it accepted it, in nanoseconds of the shared clock.
    pub(crate) accepted: Vec<u64>,
    /// How often it judged.
    pub(crate) judged: u64,
    /// How often it said that it cannot say.
    pub(crate) unknown: u64,
}

/// The wire: how often it was cut and mended; odd is cut.
#[derive(Debug)]
struct Wire(watch::Sender<u64>);

/// The verifier and its wire.
pub(super) struct Wired {
    follower: Follower,
    wire: Arc<Wire>,
    judging: Option<(JoinHandle<Silenced>, watch::Sender<bool>)>,
    carrier: JoinHandle<()>,
    carried: Arc<AtomicU64>,
}

impl Drop for Wired {
    fn drop(&mut self) {
        self.carrier.abort();
    }
}

impl Wired {
    pub(super) async fn start(server: &Server, lease_ms: i64) -> Result<Self, Trouble> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = format!("http://{}", listener.local_addr()?);
        let wire = Arc::new(Wire(watch::Sender::new(0)));
        let carried = Arc::new(AtomicU64::new(0));
        let carrier = tokio::spawn(carry(listener, server.port, Arc::clone(&wire), Arc::clone(&carried)));
        let follower = Follower::start(settings(server, address, lease_ms))?;
        Ok(Self { follower, wire, judging: None, carrier, carried })
    }

    pub(super) async fn ready(&self) -> Result<(), Trouble> {
        if self.follower.ready(PATIENCE).await {
            Ok(())
        } else {
            Err("the verifier behind the wire is not ready".into())
        }
    }

    /// Has it accept the tokens, cuts, and has it go on judging.
    pub(super) async fn cut(&mut self, tokens: Vec<String>) -> Result<(), Trouble> {
        for token in &tokens {
            self.follower.verify(token).await.map_err(|refused| format!("a good token is refused: {refused}"))?;
        }
        self.wire.0.send_modify(|state| *state += 1);
        // What has been handed on already is on its way; after this, nothing is.
        let mut before = self.carried.load(Ordering::SeqCst);
        loop {
            tokio::time::sleep(Duration::from_millis(2)).await;
            let now = self.carried.load(Ordering::SeqCst);
            if now == before {
                break;
            }
            before = now;
        }
        let (stop, stopped) = watch::channel(false);
        self.judging = Some((tokio::spawn(judge(self.follower.clone(), tokens, stopped)), stop));
        Ok(())
    }

    /// Tells what it did, and lets it hear again.
    pub(super) async fn mend(&mut self) -> Result<Silenced, Trouble> {
        let (judging, stop) = self.judging.take().ok_or("the wire is not cut")?;
        stop.send_replace(true);
        let silenced = judging.await?;
        self.wire.0.send_modify(|state| *state += 1);
        Ok(silenced)
    }
}

async fn judge(follower: Follower, tokens: Vec<String>, stopped: watch::Receiver<bool>) -> Silenced {
    let mut silenced = Silenced { accepted: vec![0; tokens.len()], ..Silenced::default() };
    while !*stopped.borrow() {
        for (number, token) in tokens.iter().enumerate() {
            let began = ticks();
            silenced.judged += 1;
            match follower.verify(token).await {
                Ok(_) => silenced.accepted[number] = began,
                Err(_) => silenced.unknown += 1,
            }
        }
        tokio::time::sleep(LOOK).await;
    }
    silenced
}

/// Accepts connections and carries their bytes.
async fn carry(listener: TcpListener, port: u16, wire: Arc<Wire>, carried: Arc<AtomicU64>) {
    while let Ok((near, _)) = listener.accept().await {
        let (wire, carried) = (Arc::clone(&wire), Arc::clone(&carried));
        tokio::spawn(async move {
            let mut state = wire.0.subscribe();
            // Whoever comes while it is cut finds nobody, and waits.
            let born = match state.wait_for(|state| state % 2 == 0).await {
                Ok(state) => *state,
                Err(_) => return,
            };
            let Ok(far) = TcpStream::connect(("127.0.0.1", port)).await else { return };
            let _ = (near.set_nodelay(true), far.set_nodelay(true));
            let ((near_in, near_out), (far_in, far_out)) = (near.into_split(), far.into_split());
            // A connection that has lived through a cut is of no more use: after it, both ends find it closed.
            let mut mended = wire.0.subscribe();
            tokio::select! {
                () = pass(near_in, far_out, wire.0.subscribe(), &carried) => {}
                () = pass(far_in, near_out, wire.0.subscribe(), &carried) => {}
                _ = mended.wait_for(|state| *state >= born + 2) => {}
            }
        });
    }
}

async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut wire: watch::Receiver<u64>, carried: &AtomicU64) {
    let mut piece = vec![0; 16 * 1024];
    loop {
        let Ok(read @ 1..) = from.read(&mut piece).await else { return };
        if wire.wait_for(|state| state % 2 == 0).await.is_err() || to.write_all(&piece[..read]).await.is_err() {
            return;
        }
        carried.fetch_add(1, Ordering::SeqCst);
    }
}
