//! Asking the server about one token (RFC 7662), where a route wants that while the index cannot say.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;

use super::client::Call;
use super::clock;
use super::flight::{Breaker, Flights};
use super::shared::Shared;
use crate::feed::sha256;
use crate::json::{Malformed, read_object};

/// How many questions may be under way.
const MOST: usize = 64;
const WITHIN: Duration = Duration::from_secs(2);
const LONGEST: usize = 64 * 1024;

/// What is under way.
pub(super) struct Introspection {
    flights: Flights<Option<bool>>,
    breaker: Breaker,
    permits: Semaphore,
}

impl Default for Introspection {
    fn default() -> Self {
        Self { flights: Flights::default(), breaker: Breaker::default(), permits: Semaphore::new(MOST) }
    }
}

/// Is the token active? `None` if the server does not say, or has not said lately. One question for all who ask of the
/// same token now.
pub(super) async fn is_active(shared: &Arc<Shared>, token: &str) -> Option<bool> {
    let introspection = &shared.introspection;
    let ask = || async {
        let Ok(_permit) = introspection.permits.try_acquire() else { return None };
        if !introspection.breaker.lets_through(clock::now()) {
            return None;
        }
        let answer = ask(shared, token).await;
        introspection.breaker.record(answer.is_some(), clock::now());
        answer
    };
    introspection.flights.once(sha256(token.as_bytes()), ask).await
}

async fn ask(shared: &Shared, token: &str) -> Option<bool> {
    // A compact token needs no escaping: base64url and dots.
    let body = format!("token={token}").into_bytes();
    let call = Call::post("/oauth2/introspect", "application/json", "application/x-www-form-urlencoded", body);
    let mut answer = shared.client.call(&call, LONGEST, WITHIN).await.ok()?;
    if answer.head.status.as_u16() != 200 {
        return None;
    }
    let mut active = None;
    read_object(&mut answer.body, |name, value| {
        match name {
            "active" => active = Some(value.boolean()?),
            _ => value.skip()?,
        }
        Ok::<(), Malformed>(())
    })
    .ok()?;
    active
}
