//! The room that reads: checks Doorward's access tokens and revocations, strictly, without a look-up.
//!
//! Without features, everything here is synchronous and pure. The clock is an argument, there is no IO and no randomness,
//! and the path that a request takes ([`Verifier::verify`]) allocates nothing. What is not understood is refused: a duplicate member,
//! a time that is no integer, a header that asks for more than we know.
//!
//! The feature `follow` adds the IO: a task that follows the server's revocation feed, and verifies by what it hears. The
//! feature `layer` adds a guard for the routes of an axum service.
//!
//! ```
//! use doorward_verify::{KeySet, Lifetime, Rejection, Revocations, Scratch, Timestamp, TokenType, Verifier};
//!
//! let verifier = Verifier::new("https://id.example", "https://api.example", TokenType::AccessToken)
//!     .with_leeway(Lifetime::from_secs(10));
//! let keys = KeySet::parse(br#"{"keys":[]}"#)?;
//! let revoked = Revocations::new();
//! let mut scratch = Scratch::new();
//! let verdict = verifier.verify("not.a.token", &keys, &revoked, Timestamp::from_secs(1_800_000_000), &mut scratch);
//! assert_eq!(verdict.unwrap_err(), Rejection::TokenMalformed);
//! # Ok::<(), doorward_verify::KeyError>(())
//! ```

pub mod base64url;
pub mod cache;
pub mod claims;
pub mod feed;
#[cfg(feature = "follow")]
pub mod follow;
pub mod json;
pub mod kept;
pub mod keys;
#[cfg(feature = "layer")]
pub mod layer;
pub mod lease;
pub mod rejection;
pub mod replica;
pub mod revocations;
pub mod time;
pub mod token;
pub mod verifier;

#[cfg(test)]
#[path = "../tests/proofs/data.rs"]
mod data;

pub use cache::Cache;
pub use claims::{Claims, Few, Handles, MOST_ROLES};
pub use keys::{Algorithm, KeyError, KeySet, VerifyingKey};
pub use lease::{Lease, Moment};
pub use rejection::Rejection;
pub use replica::{Cut, Freshness, Judgement, Policy, Replica, Todo};
pub use revocations::{Entry, Key, Marks, Position, PositionError, Revocations, Scope, Strength};
pub use time::{Lifetime, Timestamp};
pub use verifier::{Scratch, TokenType, Verified, Verifier};
