//! Doorward as it is in production: the same wiring, listener, router and jobs, over a SQLite file.

use std::sync::Arc;
use std::time::Instant;

use doorward::door::{Clock, Dice, Door, Settings, SystemClock, SystemDice};
use doorward::hashing::Hashing;
use doorward::http::routes;
use doorward::throttle::Limits;
use doorward::wiring::{self, Wiring};
use doorward::{jobs, listener};
use doorward_core::Lifetime;
use doorward_core::key::Masters;
use doorward_core::password::Cost;
use doorward_core::policy::RefreshPolicy;
use doorward_core::secret::Secret;
use doorward_core::throttle::Rate;
use doorward_store::sqlite::Sqlite;
use doorward_store::{Opening, Origin, Stores};
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::{Ready, WORKERS, runtime, stock};
use crate::options::Stock;
use crate::{Trouble, child};

/// The database's own name, and the key that its keys are sealed under: always the same, for nothing here is secret.
const MASTER: [u8; 32] = [7; 32];

/// Fills a database if it is new, and serves from it until the parent says no more.
pub(crate) fn serve_doorward(wanted: &Stock) -> Result<(), Trouble> {
    let runtime = runtime()?;
    let fresh = !wanted.folder.join(crate::seed::DATABASE).exists();
    let door = runtime.block_on(open(wanted))?;
    let since = Instant::now();
    if fresh && wanted.hybrid {
        runtime.block_on(stock::fill_hybrid(&door, wanted))?;
    } else if fresh {
        runtime.block_on(stock::fill(&door, wanted.sessions, wanted.people))?;
    }
    if fresh && wanted.verifier {
        runtime.block_on(stock::register(&door, &wanted.folder))?;
    }
    let filling = fresh.then(|| since.elapsed().as_secs_f64());
    if wanted.only_fill {
        return child::say(&Ready { port: 0, filling });
    }
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
    let port = listener.local_addr()?.port();
    let (stop, stopped) = watch::channel(false);
    let router = routes::router(door.clone());
    runtime.spawn(jobs::touch::run(door.clone(), stopped.clone()));
    runtime.spawn(jobs::sweep::run(door.clone(), stopped.clone()));
    let serving = runtime.spawn(listener::serve(door, router, listener, stopped));
    child::say(&Ready { port, filling })?;
    child::until_the_end();
    stop.send_replace(true);
    runtime.block_on(serving)?;
    Ok(())
}

/// Limits that nobody meets who only measures.
fn untiring() -> Limits {
    let rate = Rate { burst: 1_000_000, every: Lifetime::from_millis(1) };
    Limits { rate, ..Limits::default() }
}

async fn open(wanted: &Stock) -> Result<Door, Trouble> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let dice: Arc<dyn Dice> = Arc::new(SystemDice);
    let opening = Opening { now: clock.now(), database: [7; 16], origin: Origin::Serve };
    let stores = Stores::of(Sqlite::open(&wanted.folder, opening)?);
    let kept = if wanted.forgetful { 0 } else { usize::try_from(wanted.sessions)? * 5 / 4 + 1024 };
    let settings = Settings {
        issuer: String::from(super::ISSUER),
        signup_open: false,
        refresh: RefreshPolicy::default(),
        cache_records: kept,
        throttle: if wanted.people > 0 { untiring() } else { Limits::default() },
        trusted_proxies: Vec::new(),
        feed: Default::default(),
        rotate_every: None,
        feed_only: Vec::new(),
    };
    let hashing = Hashing::start(WORKERS, Cost::FLOOR)?;
    let masters = Masters::only(Secret::from_bytes(MASTER));
    Ok(wiring::wire(Wiring { stores, settings, masters, hashing, clock, dice }).await?)
}
