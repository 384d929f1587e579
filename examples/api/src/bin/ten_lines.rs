//! A service whose one route takes Doorward's tokens and sessions, and refuses what was revoked within milliseconds.
#![expect(clippy::disallowed_methods, reason = "an example has no configuration but its environment")]

use axum::{Router, routing::get};
use doorward_verify::follow::{Access, Follower, Settings};
use doorward_verify::layer::Guard;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let [issuer, secret, listen] = ["ISSUER", "SECRET", "LISTEN"].map(|name| std::env::var(name).unwrap_or_default());
    let follower = Follower::start(Settings::new(&issuer, &issuer, &secret))?;
    let hello = async |who: Access| format!("hello, {}\n", who.subject.unwrap_or_default());
    let app = Router::new().route("/hello", get(hello).layer(Guard::new(&follower).sessions()));
    axum::serve(tokio::net::TcpListener::bind(&listen).await?, app).await?;
    Ok(())
}
