//! Verifies one token again and again with `doorward-verify`, as other libraries do beside it.

use std::time::Instant;

use doorward_verify::{Algorithm, Scratch, Timestamp};
use serde::{Deserialize, Serialize};

use crate::tokens::Token;
use crate::{Trouble, child};

/// How a token is verified again.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Again {
    /// With a key that was made once, and not from a text each time.
    pub(crate) parsed: bool,
    /// By what is remembered of the first time.
    pub(crate) remembered: bool,
}

/// For how long which token.
#[derive(Debug, Deserialize)]
struct Question {
    algorithm: String,
    remembered: bool,
    seconds: f64,
    /// When it is, in milliseconds.
    now: i64,
}

/// What a verifying process says, ours or another's.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct Verified {
    pub(crate) calls: u64,
    pub(crate) seconds: f64,
}

/// Verifies for as long as the parent says, question by question.
pub(crate) fn verify_tokens() -> Result<(), Trouble> {
    for question in child::questions::<Question>() {
        let Question { algorithm, remembered, seconds, now } = question?;
        let algorithm = Algorithm::ALL.into_iter().find(|one| one.name() == algorithm).ok_or("no such algorithm")?;
        let token = Token::mint_at(algorithm, Timestamp::from_millis(now)).ok_or("no token")?;
        let mut scratch = Scratch::new();
        let mut once = || if remembered { token.verify_again(&mut scratch) } else { token.verify(&mut scratch) };
        let since = Instant::now();
        let mut calls = 0;
        while since.elapsed().as_secs_f64() < seconds {
            for _ in 0..32 {
                if !once() {
                    return Err("our own token is refused".into());
                }
            }
            calls += 32;
        }
        child::say(&Verified { calls, seconds: since.elapsed().as_secs_f64() })?;
    }
    Ok(())
}
