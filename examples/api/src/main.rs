//! A service with a route of each kind: what may be a little old, what may not, what must be certain, and what asks the
//! person once more. Beside them what an operator wants to see.
#![expect(clippy::disallowed_methods, reason = "an example has no configuration but its environment")]

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use doorward_verify::follow::{Access, Follower, Settings};
use doorward_verify::{Cut, Lifetime, layer::Guard};

#[tokio::main]
pub(crate) async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let read = |name: &str| std::env::var(name).map_err(|_| format!("{name} is not set"));
    let (issuer, secret) = (read("ISSUER")?, read("SECRET")?);
    // Without an audience of its own, the tokens of the issuer's clients are for the issuer.
    let audience = read("AUDIENCE").unwrap_or_else(|_| issuer.clone());
    let listen = read("LISTEN").unwrap_or_else(|_| "127.0.0.1:8430".to_owned());
    let mut settings = Settings::new(&issuer, &audience, &secret);
    // Where the servers are, if not at the issuer.
    settings.servers = read("SERVERS").map(|all| all.split(',').map(str::to_owned).collect()).unwrap_or_default();
    let millis = |name| read(name).ok().and_then(|ms| ms.parse().ok()).map(Lifetime::from_millis);
    // How long what was revoked may still be accepted when the feed is cut, and the most that any route below adds to that.
    settings.lease = millis("LEASE_MS").unwrap_or(settings.lease);
    settings.grace = millis("GRACE_MS").unwrap_or(settings.grace);
    let follower = Follower::start(settings)?;
    let listener = tokio::net::TcpListener::bind(&listen).await?;
    println!("listening {}", listener.local_addr()?);
    let serve = axum::serve(listener, routes(&follower));
    serve.with_graceful_shutdown(async { drop(tokio::signal::ctrl_c().await) }).await?;
    // Nobody who revokes something has to wait for a service that is gone.
    follower.leave().await;
    Ok(())
}

fn routes(follower: &Follower) -> Router {
    let guard = || Guard::new(follower).sessions();
    Router::new()
        // A public profile may be shown for a while although somebody has signed out.
        .route("/profile", get(who).layer(guard().eventual()))
        // Everything ordinary: refused within milliseconds, and 503 rather than a guess when the feed is cut.
        .route("/notes", get(who).post(who).layer(guard()))
        // The same, but for a cut it asks the server about each token.
        .route("/reports", get(who).layer(guard().cut(Cut::Introspect)))
        // Money: each request is preceded by one echo.
        .route("/transfer", post(who).layer(guard().strict()))
        // Only for who has proved in the last five minutes who they are.
        .route("/keys", get(who).layer(guard().recent(Lifetime::from_mins(5))))
        .route("/readyz", get(ready))
        .route("/metrics", get(async |State(follower): State<Follower>| follower.metrics().prometheus()))
        .with_state(follower.clone())
}

async fn who(access: Access) -> Json<Vec<(&'static str, Option<String>)>> {
    let client = Some(access.client_id);
    Json(vec![("subject", access.subject), ("session", access.session_id), ("client", client)])
}

async fn ready(State(follower): State<Follower>) -> (StatusCode, String) {
    if follower.is_ready() {
        return (StatusCode::OK, "ready\n".to_owned());
    }
    let why = follower.metrics().trouble.unwrap_or_else(|| "it has only begun".to_owned());
    (StatusCode::SERVICE_UNAVAILABLE, format!("not ready: {why}\n"))
}
