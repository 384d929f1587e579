//! What is about everybody: all at once, or bucket after bucket over a time.

use doorward_core::audit::{Actor, Kind};
use doorward_core::change::{DirectoryChange, MoveRealm, StepSpread};
use doorward_core::feed::Draft;
use doorward_core::session::{EndReason, Ended};
use doorward_core::spread::{BUCKETS, Spread, Turn, storm};
use doorward_core::{Lifetime, Position, Strength};
use doorward_store::Committed;

use super::{Refusal, Stopped};
use crate::door::{Door, Origin};

/// The longest time that everybody's turn may take.
pub const LONGEST: Lifetime = Lifetime::from_hours(24);

/// What everybody's turn will do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Forecast {
    /// How many sessions there are.
    pub sessions: u64,
    /// How many of them come again in a second, at most: to sign in, or to refresh.
    pub per_second: u64,
    /// Its place in the feed; of a turn that takes a time, where it begins.
    pub place: Position,
}

/// Everybody's turn: to end or to renew, at once or over a time.
///
/// # Errors
/// [`Refusal::SpreadUnderWay`] if one over a time is not over yet; [`Stopped`].
pub async fn turn(
    door: &Door,
    turn: Turn,
    over: Option<Lifetime>,
    by: Actor,
    from: &Origin,
) -> Result<Forecast, Stopped> {
    let sessions = door.sessions().sessions_open().await?;
    let place = match over {
        None => at_once(door, turn, by, from).await?,
        Some(over) => begin(door, turn, over, by, from).await?,
    };
    let per_second = storm(sessions, over.unwrap_or_default());
    tracing::warn!(turn = turn.name(), sessions, per_second, "everybody has their turn");
    Ok(Forecast { sessions, per_second, place })
}

/// Everybody has to renew what they hold, at once.
///
/// # Errors
/// Only what stops the store.
pub(super) async fn renew(door: &Door, by: Actor, from: &Origin) -> Result<Position, Stopped> {
    at_once(door, Turn::Renew, by, from).await
}

async fn at_once(door: &Door, turn: Turn, by: Actor, from: &Origin) -> Result<Position, Stopped> {
    let mut event = door.event(Kind::RealmMoved, by, from)?;
    event.detail = Some(turn.name().to_owned());
    let strength = match turn {
        Turn::End => Strength::Terminal,
        Turn::Renew => Strength::RefreshRequired,
    };
    let change = DirectoryChange::MoveRealm(MoveRealm { draft: Draft::realm(strength) });
    match door.cached().commit_durable(change, event).await? {
        Committed::Done(done) => Ok(done.head),
        Committed::Conflict => Err(Stopped::Contended),
    }
}

async fn begin(door: &Door, turn: Turn, over: Lifetime, by: Actor, from: &Origin) -> Result<Position, Stopped> {
    let mut event = door.event(Kind::SpreadMoved, by, from)?;
    event.detail = Some(format!("{} over {} s", turn.name(), over.secs()));
    let head = door.cached().head();
    // Whoever was born up to here has their turn.
    let cut = Position { seq: head.seq + 1, ..head };
    let spread = Spread { turn, cut, next: 0, began: event.at, over };
    match door.cached().commit_durable(DirectoryChange::BeginSpread(spread), event).await? {
        Committed::Done(_) => Ok(head),
        Committed::Conflict => Err(Refusal::SpreadUnderWay.into()),
    }
}

/// Gives their turn to the buckets that are due; says whether there will be more. A crash in between loses nothing: what
/// comes next stands in the store.
///
/// # Errors
/// Only what stops the store.
pub async fn go_on(door: &Door) -> Result<bool, Stopped> {
    loop {
        let Some(spread) = door.directory().realm().await?.spread else { return Ok(false) };
        if !spread.is_due(door.now()) {
            return Ok(true);
        }
        let mut event = door.event(Kind::SpreadMoved, Actor::Doorward, &Origin::default())?;
        event.detail = Some(format!("{} bucket {} of {BUCKETS}", spread.turn.name(), spread.next + 1));
        let ended = Ended { at: event.at, why: EndReason::EndedByOperator };
        let step = StepSpread { bucket: spread.next, draft: spread.draft(), ended };
        // A conflict: somebody else took it. Either way what is next is asked anew.
        door.cached().commit_durable(DirectoryChange::StepSpread(step), event).await?;
        tokio::task::yield_now().await;
    }
}
