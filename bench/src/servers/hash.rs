//! The bare limit of a sign-in: Argon2id at the server's cost, in as many threads as it has, each with memory that it
//! keeps. Nothing else.

use std::thread;
use std::time::{Duration, Instant};

use argon2::{Algorithm, Argon2, Block, Params, Version};
use doorward_core::password::Cost;

use super::{Spell, Turned, WORKERS};
use crate::seed::PASSWORD;
use crate::{Trouble, child, process};

/// Hashes for as long as the parent says, spell by spell.
pub(crate) fn bare_hash() -> Result<(), Trouble> {
    let Cost { memory_kib, passes, lanes } = Cost::FLOOR;
    let params = Params::new(memory_kib, passes, lanes, Some(32)).map_err(|error| error.to_string())?;
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let mut memories = vec![vec![Block::default(); argon2.params().block_count()]; WORKERS];
    for spell in child::questions::<Spell>() {
        let (since, cpu) = (Instant::now(), process::cpu(std::process::id())?);
        let until = since + Duration::from_secs_f64(spell?.0);
        let turns = thread::scope(|threads| {
            let hash = |memory: &mut Vec<Block>| hash_until(&argon2, memory, until);
            let started: Vec<_> = memories.iter_mut().map(|memory| threads.spawn(move || hash(memory))).collect();
            started.into_iter().map(|thread| thread.join().unwrap_or_default()).sum()
        });
        let cpu = process::cpu(std::process::id())? - cpu;
        child::say(&Turned { turns, seconds: since.elapsed().as_secs_f64(), cpu })?;
    }
    Ok(())
}

fn hash_until(argon2: &Argon2<'_>, memory: &mut [Block], until: Instant) -> u64 {
    let mut turns: u64 = 0;
    while Instant::now() < until {
        let mut tag = [0; 32];
        let salt = u128::from(turns).to_be_bytes();
        if argon2.hash_password_into_with_memory(PASSWORD.as_bytes(), &salt, &mut tag, &mut *memory).is_ok() {
            turns += 1;
        }
    }
    turns
}
