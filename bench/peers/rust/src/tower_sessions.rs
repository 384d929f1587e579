//! A session check by tower-sessions under axum. Asked with: FOLDER, SESSIONS, and `memory` or the port of a Redis.
//!
//! Says `{port, filling}` when it listens, and ends when its input does.

use std::error::Error;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::Response;
use axum::routing::get;
use axum::serve::ListenerExt;
use serde::Deserialize;
use tower_sessions::cookie::SameSite;
use tower_sessions::cookie::time::Duration;
use tower_sessions::{Expiry, MemoryStore, Session, SessionManagerLayer, SessionStore};
use tower_sessions_redis_store::RedisStore;
use tower_sessions_redis_store::fred::prelude::{ClientLike, Config, Pool};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

type Trouble = Box<dyn Error + Send + Sync>;

/// Connections to Redis.
const POOL: usize = 6;
/// How long a session lives without being used.
const MONTH: Duration = Duration::days(30);
/// Sessions that are written at a time.
const TOGETHER: u64 = 256;

fn main() -> Result<(), Trouble> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [folder, sessions, store] = &words[..] else { return Err("FOLDER SESSIONS STORE".into()) };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let (folder, sessions) = (Path::new(folder), sessions.parse()?);
    runtime.block_on(async {
        if store == "memory" {
            return serve(folder, sessions, MemoryStore::default()).await;
        }
        let pool = Pool::new(Config::from_url(&format!("redis://127.0.0.1:{store}"))?, None, None, None, POOL)?;
        pool.init().await?;
        serve(folder, sessions, RedisStore::new(pool)).await
    })?;
    std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink())?;
    // What still serves goes with the process.
    std::process::exit(0)
}

/// Fills the store through the library, and listens.
async fn serve<S: SessionStore + Clone>(folder: &Path, sessions: u64, store: S) -> Result<(), Trouble> {
    let since = Instant::now();
    let shared = Arc::new(store.clone());
    let mut lines = String::new();
    for first in (0..sessions).step_by(TOGETHER as usize) {
        let mut tasks = tokio::task::JoinSet::new();
        for number in first..sessions.min(first + TOGETHER) {
            tasks.spawn(begun(Arc::clone(&shared), number));
        }
        while let Some(id) = tasks.join_next().await {
            lines.push_str(&format!("id={}\n", id??));
        }
    }
    fs::write(folder.join("held.txt"), lines)?;
    let reply = Arc::new(Reply::read(folder)?);
    let layer = SessionManagerLayer::new(store)
        .with_secure(true)
        .with_same_site(SameSite::Strict)
        .with_expiry(Expiry::OnInactivity(MONTH));
    let router = Router::new().route("/v1/session", get(who)).layer(layer).with_state(reply);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let port = listener.local_addr()?.port();
    let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
    tokio::spawn(async move { axum::serve(listener, router).await });
    println!("{{\"port\":{port},\"filling\":{}}}", since.elapsed().as_secs_f64());
    Ok(())
}

/// What a session has after a sign-in; gives its id.
async fn begun(store: Arc<impl SessionStore>, number: u64) -> Result<String, Trouble> {
    let session = Session::new(None, store, Some(Expiry::OnInactivity(MONTH)));
    session.insert("user_id", format!("usr_{number:026}")).await?;
    session.insert("roles", ["user"]).await?;
    session.save().await?;
    Ok(session.id().ok_or("a session without an id")?.to_string())
}

/// What Doorward answers to "who am I": headers, and a body with a hole where the user's id goes.
struct Reply {
    headers: HeaderMap,
    before: String,
    after: String,
}

#[derive(Deserialize)]
struct Canned {
    headers: Vec<(String, String)>,
    body: String,
}

impl Reply {
    fn read(folder: &Path) -> Result<Self, Trouble> {
        let canned: Canned = serde_json::from_slice(&fs::read(folder.join("reply.json"))?)?;
        let body: serde_json::Value = serde_json::from_str(&canned.body)?;
        let id = body["user"]["id"].as_str().ok_or("no user in the reply")?;
        let (before, after) = canned.body.split_once(id).ok_or("no user in the reply")?;
        let mut headers = HeaderMap::new();
        for (name, value) in &canned.headers {
            headers.append(HeaderName::try_from(name)?, HeaderValue::try_from(value)?);
        }
        Ok(Self { headers, before: before.to_owned(), after: after.to_owned() })
    }
}

/// Who is it?
async fn who(State(reply): State<Arc<Reply>>, session: Session) -> Response {
    match session.get::<String>("user_id").await {
        Ok(Some(user)) => {
            let mut response = Response::new(Body::from([&reply.before, &*user, &reply.after].concat()));
            *response.headers_mut() = reply.headers.clone();
            response
        }
        _ => {
            let mut response = Response::new(Body::empty());
            *response.status_mut() = StatusCode::UNAUTHORIZED;
            response
        }
    }
}
