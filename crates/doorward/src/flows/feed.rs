//! Following the feed: opening a stream, and answering a ping.

use std::sync::Arc;

use doorward_core::audit::{Actor, Kind};
use doorward_core::barrier::{Pinged, Who};
use doorward_core::change::{DirectoryChange, SetTerms};
use doorward_core::cursor::{Standing, acknowledged, lost, standing};
use doorward_core::id::SessionId;
use doorward_core::policy::{ACCESS_LONGEST, RETENTION};
use doorward_core::relay::Note;
use doorward_core::verifier::VerifierRecord;
use doorward_core::{Lifetime, Position};
use doorward_verify::feed::{Echo, Event, Hello, Instance, Need, Ping, StreamId, StreamKey, VERSION};

use super::{Refusal, Stopped, notice};
use crate::door::{Door, Origin};
use crate::hub::stream::Stream;

/// So many entries are sent in one range at most; who lacks more gets the snapshot. (A range must not be cut: the line that
/// its first part would acknowledge may have been replaced by one behind the cut.)
pub const AT_ONCE: usize = 8192;
/// The shortest lease: below it, clocks and networks make more noise than sense.
const LEASE_LEAST: Lifetime = Lifetime::from_millis(500);

/// Who wants to listen.
#[derive(Debug)]
pub struct Listening {
    /// The verifier.
    pub verifier: Arc<VerifierRecord>,
    /// Its running copy.
    pub instance: Instance,
    /// How long it will trust what it knows.
    pub lease: Lifetime,
    /// How much its routes may add.
    pub grace: Lifetime,
    /// Up to where it holds everything, if it knows anything.
    pub cursor: Option<Position>,
}

/// Opens a stream; its first events say where it stands.
///
/// # Errors
/// [`Refusal::LeaseTooLong`]; [`Stopped::Overloaded`] if there are as many streams as may be, of all or of the verifier.
pub async fn listen(door: &Door, wanted: Listening, from: &Origin) -> Result<Stream, Stopped> {
    let Listening { verifier, instance, lease, grace, cursor } = wanted;
    granted(door, lease, grace)?;
    door.cached().current().await?;
    let id = StreamId(door.draw()?);
    let key = StreamKey::new(&verifier.secret.0, &instance);
    let who = Who { verifier: verifier.id, instance };
    let mut stream = Stream::open(door, id, who, key).ok_or(Stopped::Overloaded)?;
    // It is on the list: whatever is published from here on comes behind this.
    let head = stream.cursor();
    stream.say(&Event::Hello(Hello {
        version: VERSION,
        stream: id,
        head,
        lease,
        grace,
        retention: RETENTION,
        longest_token: ACCESS_LONGEST,
        time: door.now(),
    }));
    match stands(door, &verifier, cursor, head, from).await {
        Standing::Behind => stream.resume(cursor.unwrap_or(head)),
        other => lost(other, head).iter().for_each(|event| stream.say(event)),
    }
    Ok(stream)
}

/// Answers a ping: what was missed, and the echo.
///
/// # Errors
/// [`Refusal::LeaseTooLong`]; [`Refusal::AppliedAhead`], and then its streams end; [`Stopped::Overloaded`] if the verifier
/// has too many copies.
pub async fn ping(door: &Door, verifier: &VerifierRecord, ping: &Ping, from: &Origin) -> Result<Vec<Event>, Stopped> {
    let hub = door.hub();
    let terms = granted(door, ping.lease, ping.grace)?;
    // No lease is granted on a head that the store has left behind.
    door.cached().current().await?;
    let who = Who { verifier: verifier.id, instance: ping.instance };
    let published = door.cached().head();
    let standing = stands(door, verifier, Some(ping.applied), published, from).await;
    if standing == Standing::Ahead {
        hub.hang_up(|other| other == who);
        return Err(Refusal::AppliedAhead.into());
    }
    let applied = acknowledged(ping.applied, published);
    let now = door.up();
    if !hub.hear(Pinged { who, terms, applied, leaving: ping.leaving, keys: ping.keys }, now) {
        return Err(Stopped::Overloaded);
    }
    hub.counters.pings.one();
    note_use(door, verifier, ping);
    // From here on the head is read: after the ping is on record.
    let lines = match standing {
        Standing::Behind => door.cached().lines(ping.applied, AT_ONCE).await?,
        _ => None,
    };
    let (mut events, head) = match &lines {
        Some(lines) => (vec![crate::hub::range(door, ping.applied, lines)], lines.to),
        None => {
            let head = door.cached().head();
            (lost(standing, head), head)
        }
    };
    if ping.keys.is_some_and(|keys| keys != door.keys().set()) {
        events.push(Event::Need(Need::Keys));
    }
    hub.counters.entries.more(lines.map_or(0, |lines| lines.lines.len()));
    let echo = Event::Echo(Echo { n: ping.n, stream: ping.stream, head, time: door.now() });
    if let Some(stream) = ping.stream {
        hub.tell(stream, who, Note { behind: head, event: echo.clone() }, now);
    }
    events.push(echo);
    Ok(events)
}

/// How it stands; if it knows more than there is, that is noticed.
async fn stands(
    door: &Door,
    verifier: &VerifierRecord,
    cursor: Option<Position>,
    head: Position,
    from: &Origin,
) -> Standing {
    let standing = standing(cursor, door.bounds(head));
    if let (Standing::Ahead | Standing::Newer, Some(cursor)) = (standing, cursor) {
        door.hub().counters.ahead.one();
        notice::ahead(door, verifier, cursor, head, from).await;
    }
    standing
}

/// The terms, if the realm grants them.
fn granted(door: &Door, lease: Lifetime, grace: Lifetime) -> Result<Lifetime, Stopped> {
    let settings = &door.settings().feed;
    let fits = (LEASE_LEAST..=settings.lease_most).contains(&lease)
        && (Lifetime::ZERO..=settings.grace_most).contains(&grace);
    if fits {
        return Ok(lease + grace);
    }
    door.hub().counters.refused.one();
    Err(Refusal::LeaseTooLong.into())
}

/// Writes shorter terms down once nobody can have the longer ones any more that were granted before the start: until then
/// the next start has to wait for those.
///
/// # Errors
/// Only what stops the store.
pub async fn lower_terms(door: &Door) -> Result<(), Stopped> {
    let (most, from) = (door.settings().feed.terms(), door.directory().realm().await?.terms);
    if most < from && door.hub().runs_for(from, door.up()) {
        let event = door.event(Kind::TermsSet, Actor::Doorward, &Origin::default())?;
        door.cached().commit_durable(DirectoryChange::SetTerms(SetTerms { from, most }), event).await?;
    }
    Ok(())
}

/// Use of a session at a service is use: it keeps the session from lying idle, if it is the service's business.
fn note_use(door: &Door, verifier: &VerifierRecord, ping: &Ping) {
    let now = door.now();
    let seen = ping.seen.iter().filter_map(|(session, at)| Some((SessionId::parse(session)?, (*at).min(now))));
    door.uses().report(verifier.id, seen);
}
