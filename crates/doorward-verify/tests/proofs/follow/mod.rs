//! A follower against a server that is slow, wrong, or gone.
#![expect(clippy::disallowed_methods, reason = "tests read the clock, and wait by it")]

mod cuts;
mod fake;
mod keys;
#[cfg(feature = "layer")]
mod routes;
mod secure;
mod sessions;
mod tokens;
