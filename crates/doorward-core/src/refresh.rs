//! The rule that never loses an honest client (design section 4).
//!
//! A refresh token is derived, not stored: the database alone mints nothing, the refresh secret alone mints nothing.
//! Each generation's token may be turned once; who turns it names the attempt by a key, so that a lost reply can be
//! told from a theft. [`decide`] is the whole rule; the store settles races by the `from` of the [`Turn`].

use doorward_verify::{Position, Timestamp};
use subtle::ConstantTimeEq;

use crate::client::{AttemptKey, Client, Strategy, Transport};
use crate::id::{ClientId, SessionId};
use crate::policy::RefreshPolicy;
use crate::secret::{Secret, SecretHash, mac, read_text, sha256, write_text};
use crate::session::{AttemptHash, Epochs, Generation, Previous, Retired, Ring, Salt, Session, idle_of};

/// What every refresh token begins with.
pub const PREFIX: &str = "dwr_";
const FORMAT: u8 = 1;
const BYTES: usize = 1 + 1 + 16 + 4 + 32;
/// Characters of [`BYTES`] in base64url.
const BODY: usize = 72;

/// A refresh token whose form and checksum are right. Only [`Presented::authenticate`] says whether it is ours.
#[derive(Debug)]
pub struct Presented {
    /// The number of the refresh secret it names.
    pub key: u8,
    /// The session it names.
    pub session: SessionId,
    /// The generation it names.
    pub generation: Generation,
    tag: [u8; 32],
}

/// The proof that a token was minted by us for this very row and client.
#[derive(Clone, Copy, Debug)]
pub struct Authentic {
    generation: Generation,
}

impl Presented {
    /// Reads a token; `None` if prefix, length, alphabet, checksum or format is wrong.
    pub fn parse(text: &str) -> Option<Self> {
        let mut bytes = [0; BYTES];
        if read_text(PREFIX, text, BODY, &mut bytes)? != BYTES || bytes[0] != FORMAT {
            return None;
        }
        let mut session = [0; 16];
        session.copy_from_slice(&bytes[2..18]);
        let mut generation = [0; 4];
        generation.copy_from_slice(&bytes[18..22]);
        let mut tag = [0; 32];
        tag.copy_from_slice(&bytes[22..]);
        Some(Self {
            key: bytes[1],
            session: SessionId::from_bytes(session),
            generation: Generation(u32::from_be_bytes(generation)),
            tag,
        })
    }

    /// Is it ours? Compares in constant time; nothing of the row's history is looked at before.
    pub fn authenticate(&self, session: &Session, secret: &Secret) -> Option<Authentic> {
        let expected = tag(secret, self.key, session.id, self.generation, &session.client, session.salt);
        let same_row = self.session == session.id;
        (same_row && bool::from(expected.ct_eq(&self.tag))).then_some(Authentic { generation: self.generation })
    }
}

/// Writes the token of a generation of a session.
pub fn token(secret: &Secret, key: u8, session: &Session, generation: Generation) -> String {
    let mut bytes = Vec::with_capacity(BYTES);
    bytes.push(FORMAT);
    bytes.push(key);
    bytes.extend_from_slice(&session.id.bytes());
    bytes.extend_from_slice(&generation.0.to_be_bytes());
    bytes.extend_from_slice(&tag(secret, key, session.id, generation, &session.client, session.salt));
    write_text(PREFIX, &bytes)
}

/// The session secret that a turn into strategy `session` hands out. Derived like the token, so that a repeated
/// request gets the same one; indistinguishable from a drawn one without the refresh secret.
pub fn session_secret(secret: &Secret, session: &Session, generation: Generation) -> Secret {
    let generation = generation.0.to_be_bytes();
    Secret::from_bytes(mac(
        secret,
        &[b"session secret", &session.id.bytes(), &generation, session.client.as_str().as_bytes(), &session.salt.0],
    ))
}

fn tag(
    secret: &Secret,
    key: u8,
    session: SessionId,
    generation: Generation,
    client: &ClientId,
    salt: Salt,
) -> [u8; 32] {
    let generation = generation.0.to_be_bytes();
    mac(
        secret,
        &[b"refresh token", &[FORMAT, key], &session.bytes(), &generation, client.as_str().as_bytes(), &salt.0],
    )
}

/// The client's name for one try: 16 to 64 characters of `[A-Za-z0-9_-]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attempt(AttemptHash);

impl Attempt {
    /// Reads an attempt key; `None` outside the alphabet or the length.
    pub fn parse(text: &str) -> Option<Self> {
        let fits = (16..=64).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
        fits.then(|| {
            let mut short = [0; 16];
            short.copy_from_slice(&sha256(&[b"attempt key", text.as_bytes()])[..16]);
            Self(AttemptHash(short))
        })
    }

    /// What may be stored of it.
    pub const fn hash(self) -> AttemptHash {
        self.0
    }
}

/// What asks for a turn.
#[derive(Clone, Copy, Debug)]
pub enum Credential {
    /// A refresh token of ours.
    Token(Authentic),
    /// A valid access token alone, minted at this second: it stands for the generation that was handed to nobody.
    Access {
        /// Its `iat`.
        issued_at: Timestamp,
    },
}

/// Everything the rule looks at beside the session.
#[derive(Clone, Copy, Debug)]
pub struct Circumstances<'a> {
    /// The session's application, as it is set today.
    pub client: &'a Client,
    /// The epochs that apply to the session.
    pub epochs: Epochs,
    /// The refresh secret in use, for the next generation.
    pub refresh_key: u8,
    /// Windows.
    pub policy: RefreshPolicy,
    /// The time.
    pub now: Timestamp,
}

/// What is to happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Nothing changes; say why not.
    Refuse(Refusal),
    /// Nothing changes; hand out the current generation (again).
    Repeat,
    /// Commit this turn, then hand out its generation.
    Rotate(Box<Turn>),
    /// End the session: this token, or its successor, is in two hands.
    End,
}

/// Why a refresh is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Not one of ours, or not this client's, or nothing to exchange.
    Invalid,
    /// The session was ended.
    Ended,
    /// The session ran out.
    Expired,
    /// An old reply to an old attempt: the client has a newer token already.
    Superseded,
    /// Too many turns at once: the history would forget one that may still come back.
    Busy,
    /// A retired token under another attempt key. The session is ended.
    Reused,
}

/// One turn of a session's refresh token: the precondition and the row's new values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turn {
    /// Which session.
    pub session: SessionId,
    /// Only if this is still its generation …
    pub from: Generation,
    /// … and no later terminal epoch applies to it (RT8: a suspension between load and commit wins).
    pub from_epoch: Position,
    /// The new generation.
    pub generation: Generation,
    /// The refresh secret behind it.
    pub refresh_key: u8,
    /// Sticky.
    pub keyed: bool,
    /// The history with the generation just retired.
    pub ring: Ring,
    /// The form handed out.
    pub strategy: Strategy,
    /// What an access token alone stands for from now on.
    pub exchange: Option<Generation>,
    /// How long it may lie unused.
    pub idle: doorward_verify::Lifetime,
    /// When.
    pub at: Timestamp,
    /// Was the token ahead of the row? Then the store went backwards.
    pub regressed: bool,
}

/// The rule.
///
/// Takes the session as loaded, an authentic credential and the attempt key shown with it. Expects the time and the head
/// of the feed to have been read before session and epochs were: an end has no precondition, so it must not be judged by
/// a clock that ran on after the row was read.
pub fn decide(session: &Session, shown: Credential, attempt: Option<Attempt>, around: Circumstances<'_>) -> Decision {
    match session.check(around.epochs, around.now) {
        Ok(()) => {}
        Err(crate::session::Refusal::Expired) => return Decision::Refuse(Refusal::Expired),
        Err(_) => return Decision::Refuse(Refusal::Ended),
    }
    let generation = match shown {
        Credential::Token(token) => token.generation,
        Credential::Access { issued_at } => match exchanged(session, issued_at, around.client) {
            Some(generation) => generation,
            None => return Decision::Refuse(Refusal::Invalid),
        },
    };
    let attempt = attempt.map(|attempt| attempt.0);
    if generation >= session.generation {
        return rotate(session, generation, attempt, around);
    }
    let Some(retired) = session.ring.find(generation) else { return Decision::End };
    if retired.displaced {
        return Decision::End;
    }
    let direct_parent = session.ring.parent().is_some_and(|parent| parent.generation == generation);
    let age = around.now - retired.at;
    let recent = age <= around.policy.leeway;
    if let (Some(shown), Some(kept)) = (attempt, retired.attempt)
        && bool::from(shown.0.ct_eq(&kept.0))
    {
        // The same attempt again: its reply was lost, or is on its way.
        return if direct_parent || recent { Decision::Repeat } else { Decision::Refuse(Refusal::Superseded) };
    }
    // The record decides, never the request: a session that ever carried a key gets no leniency for leaving it out.
    let lenient = !session.keyed
        && attempt.is_none()
        && retired.attempt.is_none()
        && around.client.attempt_key == AttemptKey::Optional;
    if lenient && recent {
        Decision::Repeat
    } else if lenient && direct_parent && age <= around.policy.displace {
        displace(session, generation, around)
    } else {
        Decision::End
    }
}

/// The generation an access token alone stands for, if it may be exchanged at all: only out of strategy `jwt`, only by
/// a token from before the switch.
fn exchanged(session: &Session, issued_at: Timestamp, client: &Client) -> Option<Generation> {
    let before_the_switch = issued_at <= client.strategy_since;
    if client.strategy == Strategy::Jwt || !before_the_switch { None } else { session.exchange }
}

fn rotate(session: &Session, shown: Generation, attempt: Option<AttemptHash>, around: Circumstances<'_>) -> Decision {
    if session.ring.oldest_if_full().is_some_and(|oldest| around.now - oldest.at <= around.policy.leeway) {
        return Decision::Refuse(Refusal::Busy);
    }
    let retired = Retired { generation: shown, attempt, at: around.now, displaced: false };
    let turn = Turn {
        keyed: session.keyed || attempt.is_some(),
        regressed: shown > session.generation,
        ..turn(session, shown.next(), session.ring.with(retired), around)
    };
    Decision::Rotate(Box::new(turn))
}

/// A keyless client lost the reply long ago: its token gets another successor, and the unused one counts as stolen
/// should it ever appear.
fn displace(session: &Session, parent: Generation, around: Circumstances<'_>) -> Decision {
    let unused = Retired { generation: session.generation, attempt: None, at: around.now, displaced: true };
    // The parent is put in anew: however often the reply is lost, the one token that the client holds is not forgotten.
    let again = Retired { generation: parent, attempt: None, at: around.now, displaced: false };
    let ring = session.ring.without(parent).with(unused).with(again);
    Decision::Rotate(Box::new(turn(session, session.generation.next(), ring, around)))
}

fn turn(session: &Session, generation: Generation, ring: Ring, around: Circumstances<'_>) -> Turn {
    let strategy = around.client.strategy;
    // A browser is handed the successor in its cookie whatever the strategy; only a body may hold an access token alone.
    let alone = strategy == Strategy::Jwt && session.transport == Transport::Body;
    Turn {
        session: session.id,
        from: session.generation,
        from_epoch: around.epochs.terminal,
        generation,
        refresh_key: around.refresh_key,
        keyed: session.keyed,
        ring,
        strategy,
        exchange: if alone { Some(generation) } else { session.exchange },
        idle: if alone { idle_of(around.client, Strategy::Jwt) } else { idle_of(around.client, Strategy::Hybrid) },
        at: around.now,
        regressed: false,
    }
}

/// The turn with the session secret it hands out, where today's strategy is `session`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewSecret {
    /// Its hash.
    pub hash: SecretHash,
    /// The one it replaces.
    pub previous: Option<Previous>,
}

impl Turn {
    /// Does its precondition settle everything that it was decided by? Then it may be decided by what is remembered of
    /// the session: whatever has changed since is a conflict, and what cannot conflict (the last use) only makes the
    /// rule stricter. A turn that hands out a session secret also replaces the one before, and one that finds the store
    /// behind its own token has to look at the store.
    pub fn stands_alone(&self) -> bool {
        self.strategy != Strategy::Session && !self.regressed
    }

    /// The session as it is once this turn is committed.
    pub fn applied_to(&self, session: &Session, secret: Option<&NewSecret>) -> Session {
        let mut turned = session.clone();
        turned.generation = self.generation;
        turned.refresh_key = self.refresh_key;
        turned.keyed = self.keyed;
        turned.ring = self.ring.clone();
        turned.strategy = self.strategy;
        turned.exchange = self.exchange;
        turned.idle = self.idle;
        turned.last_seen_at = turned.last_seen_at.max(self.at);
        if let Some(secret) = secret {
            turned.secret = Some(secret.hash);
            turned.previous = secret.previous;
        }
        turned
    }
}
