//! The room that decides.
//!
//! Every rule of Doorward is here, and nothing else: no IO, no clock, no dice, no log line. A rule that needs the time
//! takes `now`; one that needs randomness takes the drawn value. What a rule decides is written down as a *change*
//! ([`change`]), which a store commits in one atomic, conditional step.

pub mod advice;
pub mod audit;
pub mod barrier;
pub mod budget;
pub mod change;
pub mod client;
pub mod cursor;
pub mod data;
pub mod feed;
pub mod form;
pub mod generation;
pub mod id;
pub mod key;
pub mod known_device;
pub mod login;
pub mod password;
pub mod policy;
pub mod refresh;
pub mod relay;
pub mod revoke;
pub mod role;
pub mod secret;
pub mod session;
pub mod spread;
pub mod throttle;
pub mod token;
pub mod user;
pub mod verifier;
pub mod watermark;

pub use doorward_verify::{
    Algorithm, Claims, Entry, Few, Handles, Key, KeySet, Lifetime, MOST_ROLES, Marks, Position, Rejection,
    Revocations, Scope, Scratch, Strength, Timestamp, TokenType, Verified, Verifier, VerifyingKey, base64url,
};
