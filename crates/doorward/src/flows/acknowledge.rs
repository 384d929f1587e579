//! How far a revocation has got when its caller is answered.

use std::time::Duration;

use doorward_core::barrier::Who;
use doorward_core::{Lifetime, Position};

use super::patience::{LONGEST, rest};
use crate::door::Door;

/// How far it must have got.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ack {
    /// It is written down: no crash undoes it.
    #[default]
    Durable,
    /// Every server refuses what was revoked.
    Nodes,
    /// Every verifier does, or has no lease any more: nobody accepts it, ever.
    Verifiers,
}

impl Ack {
    /// All of them, from the least.
    pub const ALL: [Self; 3] = [Self::Durable, Self::Nodes, Self::Verifiers];

    /// The word in requests and receipts.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Durable => "durable",
            Self::Nodes => "nodes",
            Self::Verifiers => "verifiers",
        }
    }

    /// Reads the word.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|ack| ack.name() == name)
    }
}

/// How long answers are gathered before they are looked at.
const TOGETHER: Duration = Duration::from_millis(1);

/// How far a revocation has got, and what that took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reached {
    /// Its place in the feed.
    pub place: Position,
    /// As was asked; [`Ack::Nodes`] if that would have taken longer than an answer may.
    pub ack: Ack,
    /// How many running copies of verifiers said that they refuse what was revoked.
    pub applied: usize,
    /// Whose copies said nothing until their leases ran out.
    pub expired: Vec<String>,
    /// How long that took.
    pub waited: Lifetime,
}

/// Waits until a place has got as far as was asked: the longest lease and grace at most.
///
/// With one server, everything that is published is on every node.
pub async fn reach(door: &Door, place: Position, ack: Ack) -> Reached {
    let mut reached = Reached { place, ack, applied: 0, expired: Vec::new(), waited: Lifetime::ZERO };
    if ack < Ack::Verifiers {
        return reached;
    }
    let hub = door.hub();
    // What somebody else wrote in the same moment may not be published yet; a ping in between would not be waited for.
    let mut heads = door.cached().feed().heads();
    let published = heads.wait_for(|head| *head >= place).await.is_ok();
    debug_assert!(published, "the feed lives as long as the door");
    let mut heard = hub.heard();
    let began = door.up();
    let mut wait = hub.wait(place, began);
    while !wait.is_over() && wait.waited(door.up()) < LONGEST {
        tokio::select! {
            () = tokio::time::sleep(rest(wait.next(), began, door.up())) => {}
            moved = heard.changed() => if moved.is_err() { break },
        }
        // A thousand that answer at once are looked at together.
        tokio::time::sleep(TOGETHER).await;
        heard.mark_unchanged();
        hub.look(&mut wait, door.up());
    }
    hub.counters.waits.one();
    hub.counters.expired.more(wait.expired().len());
    if !wait.is_over() {
        reached.ack = Ack::Nodes;
    }
    reached.applied = wait.applied();
    reached.expired = wait.expired().iter().map(|who| named(door, *who)).collect();
    reached.waited = wait.waited(door.up());
    let (applied, expired, waited_ms) = (reached.applied, &reached.expired, reached.waited.millis());
    match reached.ack {
        Ack::Verifiers => {
            tracing::info!(position = %place, applied, ?expired, waited_ms, "a revocation is refused everywhere");
        }
        _ => tracing::warn!(
            position = %place, applied, ?expired, waited_ms,
            "a revocation was waited for as long as may be, and some verifiers may not refuse it yet"
        ),
    }
    reached
}

/// What an operator calls it.
fn named(door: &Door, who: Who) -> String {
    let name = door.cached().verifier_named(who.verifier).map(|verifier| verifier.name.clone());
    format!("{} ({})", name.unwrap_or_default(), who.verifier)
}
