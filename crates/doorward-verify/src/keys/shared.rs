//! Shared secrets, and which of them anybody could guess.

use super::KeyError;

/// The fewest bytes of a secret: as many as the hash gives (RFC 7518 section 3.2).
const SHORTEST: usize = 32;
/// The fewest different bytes. Of 32 drawn bytes 30 or so differ, of 64 drawn hexadecimal digits 15 or so.
const FEWEST_DIFFERENT: usize = 10;

/// Refuses what was not drawn: too short, of too few different bytes, or a piece (a word, say) repeated to its end.
pub(super) fn check(secret: &[u8]) -> Result<(), KeyError> {
    let mut seen = [false; 256];
    for &byte in secret {
        seen[usize::from(byte)] = true;
    }
    let different = seen.iter().filter(|&&seen| seen).count();
    if secret.len() < SHORTEST || different < FEWEST_DIFFERENT || repeats(secret) {
        return Err(KeyError::SecretWeak);
    }
    Ok(())
}

/// Is it a piece of at most half its length, again and again?
fn repeats(secret: &[u8]) -> bool {
    (1..=secret.len() / 2).any(|period| secret[period..] == secret[..secret.len() - period])
}
