//! Asks a service over HTTP, at every tick, whether or not it has answered the last question.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio::time::{interval, timeout};

use super::oracle::{At, Board, Route, Verdict, Watched};

/// How many questions of a kind are open before only now and then one more is asked, and at the most.
const FEW: usize = 8;
const MOST: usize = 96;
/// As long as anything stays stopped.
const PATIENCE: Duration = Duration::from_secs(30);

/// Asks one service.
pub(crate) struct Prober {
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

struct Shared {
    address: Mutex<String>,
    board: Arc<Board>,
    idle: Mutex<Vec<TcpStream>>,
    /// Questions without an answer: those that are answered from memory, and those that may wait for the server.
    open: [AtomicUsize; 2],
    /// 503s that do not say when to come again.
    bare: AtomicU64,
}

impl Prober {
    pub(crate) fn start(runtime: &Handle, address: &str, tick: Duration) -> Self {
        let shared = Arc::new(Shared {
            address: Mutex::new(address.to_owned()),
            board: Arc::new(Board::new(1)),
            idle: Mutex::default(),
            open: Default::default(),
            bare: AtomicU64::new(0),
        });
        let task = runtime.spawn(probe(Arc::clone(&shared), tick));
        Self { shared, task }
    }

    pub(crate) fn board(&self) -> &Board {
        &self.shared.board
    }

    /// The service is somewhere else now.
    pub(crate) fn move_to(&self, address: &str) {
        address.clone_into(&mut self.shared.address.lock().unwrap_or_else(PoisonError::into_inner));
        self.shared.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    pub(crate) fn bare(&self) -> u64 {
        self.shared.bare.load(Ordering::Relaxed)
    }
}

impl Drop for Prober {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn probe(shared: Arc<Shared>, tick: Duration) {
    let mut ticks = interval(tick);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    for turn in 0_usize.. {
        ticks.tick().await;
        let Some(watched) = shared.board.pick(turn) else { continue };
        // Whatever is watched meets every route.
        let route = match turn.wrapping_mul(0x9e37_79b9) >> 16 & 31 {
            0 => Route::Eventual,
            1..=8 => Route::Introspect,
            9 => Route::Strict,
            _ => Route::Bounded,
        };
        let kind = usize::from(matches!(route, Route::Introspect | Route::Strict));
        let open = shared.open[kind].load(Ordering::Relaxed);
        // Who does not answer is asked on, so that the first thing it does when it goes on is to answer.
        if open >= MOST || (open >= FEW && !turn.is_multiple_of(16)) {
            continue;
        }
        let shared = Arc::clone(&shared);
        shared.open[kind].fetch_add(1, Ordering::Relaxed);
        tokio::spawn(async move {
            let begun = At::now();
            let verdict = timeout(PATIENCE, ask(&shared, &watched, route)).await;
            watched.note(0, route, verdict.ok().flatten().unwrap_or(Verdict::Nothing), begun);
            shared.open[kind].fetch_sub(1, Ordering::Relaxed);
        });
    }
}

async fn ask(shared: &Shared, watched: &Watched, route: Route) -> Option<Verdict> {
    let idle = shared.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
    let address = shared.address.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let mut stream = match idle {
        Some(stream) => stream,
        None => TcpStream::connect(&address).await.ok()?,
    };
    stream.set_nodelay(true).ok()?;
    let (method, path) = match route {
        Route::Eventual => ("GET", "/profile"),
        Route::Bounded | Route::Grace => ("GET", "/notes"),
        Route::Introspect => ("GET", "/reports"),
        Route::Strict => ("POST", "/transfer"),
    };
    let credential = &watched.credential;
    let request = format!(
        "{method} {path} HTTP/1.1\r\nhost: api\r\ncontent-length: 0\r\nauthorization: Bearer {credential}\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.ok()?;
    let head = answer(&mut stream).await?;
    shared.idle.lock().unwrap_or_else(PoisonError::into_inner).push(stream);
    match head.get(9..12)? {
        "200" => Some(Verdict::LetIn),
        "401" => Some(Verdict::TurnedAway),
        "503" => {
            if !head.contains("\r\nretry-after: ") {
                shared.bare.fetch_add(1, Ordering::Relaxed);
            }
            Some(Verdict::Unknown)
        }
        _ => None,
    }
}

/// Reads an answer to its end; gives its head, in small letters.
async fn answer(stream: &mut TcpStream) -> Option<String> {
    let (mut held, mut piece) = (Vec::new(), [0; 2048]);
    loop {
        let read = stream.read(&mut piece).await.ok().filter(|read| *read > 0)?;
        held.extend_from_slice(&piece[..read]);
        let Some(end) = held.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
        let head = std::str::from_utf8(&held[..end + 2]).ok()?.to_ascii_lowercase();
        let length = head.split("\r\ncontent-length: ").nth(1)?.split("\r\n").next()?.parse::<usize>().ok()?;
        while held.len() < end + 4 + length {
            let read = stream.read(&mut piece).await.ok().filter(|read| *read > 0)?;
            held.extend_from_slice(&piece[..read]);
        }
        return Some(head);
    }
}
