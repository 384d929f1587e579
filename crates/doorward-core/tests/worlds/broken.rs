//! The rule with one thing wrong at a time. If the search finds nothing wrong with these, it proves nothing.

use doorward_core::client::{AttemptKey, Client};
use doorward_core::refresh::{Attempt, Circumstances, Credential, Decision, Refusal, Turn, decide};
use doorward_core::session::{Epochs, Generation, Retired, Ring, Session};
use doorward_core::{Lifetime, Position, Timestamp};

/// A missing key is taken for the right one, whatever the session carried before.
pub(crate) fn lenient_without_key(
    session: &Session,
    shown: Credential,
    attempt: Option<Attempt>,
    around: Circumstances<'_>,
) -> Decision {
    let decision = decide(session, shown, attempt, around);
    if decision != Decision::End || attempt.is_some() {
        return decision;
    }
    let keyless = |row: &Retired| Retired { attempt: None, ..*row };
    let ring = Ring::from_rows(session.ring.rows().iter().map(keyless).collect());
    let client = Client { attempt_key: AttemptKey::Optional, ..around.client.clone() };
    match decide(
        &Session { keyed: false, ring, ..session.clone() },
        shown,
        None,
        Circumstances { client: &client, ..around },
    ) {
        Decision::Repeat => Decision::Repeat,
        _ => Decision::End,
    }
}

/// An old reply to an old attempt counts as a theft.
pub(crate) fn superseded_ends(
    session: &Session,
    shown: Credential,
    attempt: Option<Attempt>,
    around: Circumstances<'_>,
) -> Decision {
    match decide(session, shown, attempt, around) {
        Decision::Refuse(Refusal::Superseded) => Decision::End,
        decision => decision,
    }
}

/// A lost reply can be had again within W only.
pub(crate) fn late_replay_superseded(
    session: &Session,
    shown: Credential,
    attempt: Option<Attempt>,
    around: Circumstances<'_>,
) -> Decision {
    let decision = decide(session, shown, attempt, around);
    if decision != Decision::Repeat {
        return decision;
    }
    let newer = Retired { generation: Generation(u32::MAX), attempt: None, at: around.now, displaced: false };
    decide(&Session { ring: session.ring.with(newer), ..session.clone() }, shown, attempt, around)
}

/// A retired token under another key is answered all the same.
pub(crate) fn reuse_repeats(
    session: &Session,
    shown: Credential,
    attempt: Option<Attempt>,
    around: Circumstances<'_>,
) -> Decision {
    match decide(session, shown, attempt, around) {
        Decision::End => Decision::Repeat,
        decision => decision,
    }
}

/// A retired token under another key turns once more.
pub(crate) fn reuse_turns(
    session: &Session,
    shown: Credential,
    attempt: Option<Attempt>,
    around: Circumstances<'_>,
) -> Decision {
    match decide(session, shown, attempt, around) {
        Decision::End => decide(&Session { generation: Generation(0), ..session.clone() }, shown, attempt, around),
        decision => decision,
    }
}

/// Only the last turn says whether a session carries keys.
pub(crate) fn keyed_is_forgotten(
    session: &Session,
    shown: Credential,
    attempt: Option<Attempt>,
    around: Circumstances<'_>,
) -> Decision {
    let keyed = session.ring.rows().last().is_some_and(|row| row.attempt.is_some());
    decide(&Session { keyed, ..session.clone() }, shown, attempt, around)
}

/// The row keeps no history.
pub(crate) fn history_is_dropped(
    session: &Session,
    shown: Credential,
    attempt: Option<Attempt>,
    around: Circumstances<'_>,
) -> Decision {
    match decide(session, shown, attempt, around) {
        Decision::Rotate(turn) => Decision::Rotate(Box::new(Turn { ring: Ring::default(), ..*turn })),
        decision => decision,
    }
}

/// The ring forgets what may still come back.
pub(crate) fn never_busy(
    session: &Session,
    shown: Credential,
    attempt: Option<Attempt>,
    around: Circumstances<'_>,
) -> Decision {
    match decide(session, shown, attempt, around) {
        Decision::Refuse(Refusal::Busy) => {
            let ring = Ring::from_rows(session.ring.rows()[1..].to_vec());
            decide(&Session { ring, ..session.clone() }, shown, attempt, around)
        }
        decision => decision,
    }
}

/// After a roll of the refresh secret a replay is no longer recognised.
pub(crate) fn replay_lost_in_a_roll(
    session: &Session,
    shown: Credential,
    attempt: Option<Attempt>,
    around: Circumstances<'_>,
) -> Decision {
    match decide(session, shown, attempt, around) {
        Decision::Repeat if around.refresh_key != session.refresh_key => Decision::End,
        decision => decision,
    }
}

/// The end of a session and of its user is not looked at.
pub(crate) fn end_is_ignored(
    session: &Session,
    shown: Credential,
    attempt: Option<Attempt>,
    around: Circumstances<'_>,
) -> Decision {
    let alive = Session { ended: None, expires_at: Timestamp::MAX, ..session.clone() };
    decide(&alive, shown, attempt, Circumstances { epochs: Epochs::default(), ..around })
}

/// The turn does not say which epoch it was decided under.
pub(crate) fn turn_without_epoch(
    session: &Session,
    shown: Credential,
    attempt: Option<Attempt>,
    around: Circumstances<'_>,
) -> Decision {
    match decide(session, shown, attempt, around) {
        Decision::Rotate(turn) => {
            let from_epoch = Position { generation: u64::MAX, seq: u64::MAX };
            Decision::Rotate(Box::new(Turn { from_epoch, ..*turn }))
        }
        decision => decision,
    }
}

/// A keyless client's late retry is never given a successor.
pub(crate) fn never_displaces(
    session: &Session,
    shown: Credential,
    attempt: Option<Attempt>,
    mut around: Circumstances<'_>,
) -> Decision {
    around.policy.displace = Lifetime::from_millis(-1);
    decide(session, shown, attempt, around)
}
