//! The snapshot: everything that is revoked, signed, made at most once a second and lent to everybody.

use std::sync::Arc;

use bytes::Bytes;
use doorward_core::token::statement;
use doorward_core::{Algorithm, Entry, Lifetime, Position, TokenType};
use doorward_verify::feed::{Snapshot, Statement};
use tokio::sync::Mutex;

use crate::door::Door;
use crate::flows::Stopped;

/// A snapshot that is older is made anew if there is more to say …
const YOUNG: Lifetime = Lifetime::from_secs(1);
/// … and anyway if it is as old as this.
const OLD: Lifetime = Lifetime::from_mins(5);
/// For how long it may be used.
const GOOD: Lifetime = Lifetime::from_mins(15);
/// How many lines are read at once.
const PAGE: u32 = 1000;

/// Where the latest one lies.
#[derive(Debug, Default)]
pub(super) struct Shelf(Mutex<Option<Arc<Made>>>);

#[derive(Debug)]
struct Made {
    bytes: Bytes,
    to: Position,
    at: Lifetime,
}

/// The snapshot of now, or of a moment ago.
///
/// # Errors
/// [`Stopped`] if the store or the dice fail.
pub(crate) async fn snapshot(door: &Door) -> Result<Bytes, Stopped> {
    // Whoever comes while it is made waits for it: one is enough for all.
    let mut shelf = door.hub().shelf.0.lock().await;
    let age = |made: &Made| Lifetime::from_millis(door.up().millis() - made.at.millis());
    let good = |made: &&Arc<Made>| age(made) < YOUNG || (age(made) < OLD && made.to == door.cached().head());
    if let Some(made) = shelf.as_ref().filter(good) {
        return Ok(made.bytes.clone());
    }
    let made = Arc::new(make(door).await?);
    let bytes = made.bytes.clone();
    *shelf = Some(made);
    Ok(bytes)
}

async fn make(door: &Door) -> Result<Made, Stopped> {
    let at = door.up();
    // The head before the lines, and the lines to their end: one that was replaced meanwhile is found again as what
    // replaced it.
    let to = door.cached().head();
    let gc_through = door.watermark();
    let entries = entries(door, gc_through).await?;
    let mut lines = Vec::with_capacity(80 * entries.len());
    let (count, sha256) = Snapshot::write_lines(entries.iter(), &mut lines);
    let issued_at = door.now();
    let issuer = door.settings().issuer.clone();
    let said = Statement { issuer, issued_at, expires_at: issued_at + GOOD, to, gc_through, count, sha256 };
    let mut claims = Vec::new();
    said.write(&mut claims);
    let keys = door.keys();
    let key = keys.signing(Algorithm::Es256).ok_or(Stopped::NoEntropy)?;
    let mut bytes = statement(key, TokenType::RevocationSnapshot, &claims).ok_or(Stopped::NoEntropy)?.into_bytes();
    bytes.push(b'\n');
    bytes.append(&mut lines);
    Ok(Made { bytes: bytes.into(), to, at })
}

async fn entries(door: &Door, gc_through: Position) -> Result<Vec<Entry>, Stopped> {
    let mut entries = Vec::with_capacity(door.cached().feed().live());
    let mut at = gc_through;
    loop {
        let page = door.directory().feed_after(at, PAGE).await?;
        let Some(last) = page.last() else { return Ok(entries) };
        at = last.place;
        entries.extend(page.iter().map(|line| line.entry));
        tokio::task::yield_now().await;
    }
}
