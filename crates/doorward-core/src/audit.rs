//! The audit log: who did what, chained by hashes so that a row cannot be changed, dropped or slipped in unseen.

use doorward_verify::{Position, Timestamp};

use crate::id::{ClientId, EventId, SessionId, UserId};
use crate::secret::sha256;

/// What happened. The words are stable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An account was made.
    UserCreated,
    /// An account was made of a row from another system.
    UserImported,
    /// A password was set anew.
    PasswordChanged,
    /// A password was hashed anew as its owner signed in; it is the same password.
    PasswordRehashed,
    /// An account was suspended.
    UserSuspended,
    /// An account was resumed.
    UserResumed,
    /// The roles of a person were set.
    RolesSet,
    /// Somebody signed in, or a guest came.
    SessionOpened,
    /// Sessions were ended.
    SessionsEnded,
    /// A retired refresh token was shown; its session was ended.
    RefreshReused,
    /// A refresh token was ahead of its row: the store went backwards.
    StoreRegressed,
    /// The database was opened without the mark that would tell whether it is an old copy.
    StoreUnproven,
    /// A client was added.
    ClientCreated,
    /// A client was changed.
    ClientChanged,
    /// A key was made or moved on in its life.
    KeysTurned,
    /// Lines of the feed that no verifier needs any more were forgotten.
    FeedTrimmed,
    /// Many sign-ins of all accounts together fail.
    SignInsFailing,
    /// A limit refuses attempts.
    AttemptsRefused,
    /// A person signed in on a browser that was not known to be theirs.
    NewDevice,
    /// A verifier was registered.
    VerifierAdded,
    /// A verifier was struck off.
    VerifierRemoved,
    /// A verifier says it knows more of the feed than there is: our store went backwards, or it makes things up.
    VerifierAhead,
    /// Everybody was signed out, or has to renew.
    RealmMoved,
    /// Everybody's turn came in parts, bucket after bucket; this tells of the beginning and the end.
    SpreadMoved,
    /// The longest time was set for which a verifier may trust what it knows.
    TermsSet,
    /// A client is set to a shared secret, or a shared secret was told to an operator.
    SecretShared,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 26] = [
        Self::UserCreated,
        Self::UserImported,
        Self::PasswordChanged,
        Self::PasswordRehashed,
        Self::UserSuspended,
        Self::UserResumed,
        Self::RolesSet,
        Self::SessionOpened,
        Self::SessionsEnded,
        Self::RefreshReused,
        Self::StoreRegressed,
        Self::StoreUnproven,
        Self::ClientCreated,
        Self::ClientChanged,
        Self::KeysTurned,
        Self::FeedTrimmed,
        Self::SignInsFailing,
        Self::AttemptsRefused,
        Self::NewDevice,
        Self::VerifierAdded,
        Self::VerifierRemoved,
        Self::VerifierAhead,
        Self::RealmMoved,
        Self::SpreadMoved,
        Self::TermsSet,
        Self::SecretShared,
    ];

    /// The word in rows.
    pub const fn name(self) -> &'static str {
        match self {
            Self::UserCreated => "user.created",
            Self::UserImported => "user.imported",
            Self::PasswordChanged => "user.password_changed",
            Self::PasswordRehashed => "user.password_rehashed",
            Self::UserSuspended => "user.suspended",
            Self::UserResumed => "user.resumed",
            Self::RolesSet => "user.roles_set",
            Self::SessionOpened => "session.opened",
            Self::SessionsEnded => "sessions.ended",
            Self::RefreshReused => "refresh.reused",
            Self::StoreRegressed => "store.regressed",
            Self::StoreUnproven => "store.unproven",
            Self::ClientCreated => "client.created",
            Self::ClientChanged => "client.changed",
            Self::KeysTurned => "keys.turned",
            Self::FeedTrimmed => "feed.trimmed",
            Self::SignInsFailing => "sign_ins.failing",
            Self::AttemptsRefused => "attempts.refused",
            Self::NewDevice => "device.new",
            Self::VerifierAdded => "verifier.added",
            Self::VerifierRemoved => "verifier.removed",
            Self::VerifierAhead => "verifier.ahead",
            Self::RealmMoved => "realm.moved",
            Self::SpreadMoved => "realm.spread",
            Self::TermsSet => "feed.terms_set",
            Self::SecretShared => "secret.shared",
        }
    }

    /// Reads the word.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// Who did it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// Nobody known: a sign-up, a guest, a thief.
    Nobody,
    /// A person.
    User(UserId),
    /// Somebody with the keys of the house.
    Operator,
    /// Doorward itself.
    Doorward,
}

impl Actor {
    /// The text in rows.
    pub fn text(&self) -> String {
        match self {
            Self::Nobody => String::from("nobody"),
            Self::User(id) => id.to_string(),
            Self::Operator => String::from("operator"),
            Self::Doorward => String::from("doorward"),
        }
    }

    /// Reads the text.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "nobody" => Some(Self::Nobody),
            "operator" => Some(Self::Operator),
            "doorward" => Some(Self::Doorward),
            id => UserId::parse(id).map(Self::User),
        }
    }
}

/// One thing that happened. Holds no secret and no e-mail address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Its name.
    pub id: EventId,
    /// What.
    pub kind: Kind,
    /// By whom.
    pub by: Actor,
    /// To whom.
    pub who: Option<UserId>,
    /// In which session.
    pub session: Option<SessionId>,
    /// Through which client.
    pub client: Option<ClientId>,
    /// From which address.
    pub address: Option<String>,
    /// In which request.
    pub request: Option<String>,
    /// One word more, such as the reason of an end.
    pub detail: Option<String>,
    /// When.
    pub at: Timestamp,
}

/// A link of the chain: an event at its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Counts from 1 without gaps.
    pub number: u64,
    /// The head of the feed with this event's own entries.
    pub head: Position,
    /// What happened.
    pub event: Event,
    /// SHA-256 over the previous link's hash and everything in this one.
    pub hash: [u8; 32],
}

impl Link {
    /// Forges the link after the one with hash `previous` (zeroes before the first).
    pub fn forge(previous: &[u8; 32], number: u64, head: Position, event: Event) -> Self {
        let hash = digest(previous, number, head, &event);
        Self { number, head, event, hash }
    }

    /// Does it follow the link with hash `previous`, unchanged?
    pub fn follows(&self, previous: &[u8; 32]) -> bool {
        self.hash == digest(previous, self.number, self.head, &self.event)
    }
}

/// A walk along the chain from its first link, which says where it breaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Walk {
    /// The number of the last link that held; 0 before the first.
    pub number: u64,
    /// Its hash; zeroes before the first.
    pub hash: [u8; 32],
}

/// How a chain is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Break {
    /// A link is not there, and a later one is.
    Missing,
    /// A link is not what it was, or not in the place it had.
    Changed,
    /// A link cannot even be read.
    Unreadable,
}

impl Break {
    /// The word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Changed => "changed",
            Self::Unreadable => "unreadable",
        }
    }
}

impl Walk {
    /// Goes on to the next link there is.
    ///
    /// # Errors
    /// [`Break`]: it is at [`next`](Self::next).
    pub fn step(&mut self, link: &Link) -> Result<(), Break> {
        if link.number != self.next() {
            return Err(Break::Missing);
        }
        if !link.follows(&self.hash) {
            return Err(Break::Changed);
        }
        *self = Self { number: link.number, hash: link.hash };
        Ok(())
    }

    /// The number that the next link must have.
    pub const fn next(&self) -> u64 {
        self.number + 1
    }
}

fn digest(previous: &[u8; 32], number: u64, head: Position, event: &Event) -> [u8; 32] {
    let mut text = Vec::with_capacity(256);
    let mut part = |bytes: &[u8]| {
        text.extend_from_slice(&(bytes.len() as u32).to_be_bytes());
        text.extend_from_slice(bytes);
    };
    part(previous);
    part(&number.to_be_bytes());
    part(head.to_string().as_bytes());
    part(&event.id.bytes());
    part(event.kind.name().as_bytes());
    part(event.by.text().as_bytes());
    part(event.who.map(|id| id.to_string()).unwrap_or_default().as_bytes());
    part(event.session.map(|id| id.to_string()).unwrap_or_default().as_bytes());
    part(event.client.as_ref().map(ClientId::as_str).unwrap_or_default().as_bytes());
    for word in [&event.address, &event.request, &event.detail] {
        part(word.as_deref().unwrap_or_default().as_bytes());
    }
    part(&event.at.millis().to_be_bytes());
    sha256(&[&text])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A chain of so many links, each of its own moment.
    fn chain(length: u64) -> Vec<Link> {
        let mut previous = [0; 32];
        (1..=length)
            .map(|number| {
                let event = Event {
                    id: EventId::from_bytes([number as u8; 16]),
                    kind: Kind::SessionOpened,
                    by: Actor::Nobody,
                    who: None,
                    session: None,
                    client: None,
                    address: None,
                    request: None,
                    detail: None,
                    at: Timestamp::from_secs(number as i64),
                };
                let link = Link::forge(&previous, number, Position { generation: 1, seq: number }, event);
                previous = link.hash;
                link
            })
            .collect()
    }

    /// Where a walk stops, and why.
    fn walked(links: &[Link]) -> (u64, Option<Break>) {
        let mut walk = Walk::default();
        let broken = links.iter().find_map(|link| walk.step(link).err());
        (walk.number, broken)
    }

    #[test]
    fn a_walk_stops_before_the_first_link_that_was_touched() {
        for length in 1..=6_usize {
            let whole = chain(length as u64);
            assert_eq!(walked(&whole), (length as u64, None));
            for place in 0..length {
                let mut changed = whole.clone();
                changed[place].event.at = Timestamp::from_secs(0);
                assert_eq!(walked(&changed), (place as u64, Some(Break::Changed)));
                let mut removed = whole.clone();
                removed.remove(place);
                let cut = place + 1 == length;
                assert_eq!(
                    walked(&removed),
                    (place as u64, (!cut).then_some(Break::Missing)),
                    "a cut end shows nothing"
                );
                for other in place + 1..length {
                    let mut swapped = whole.clone();
                    let (one, two) = (swapped[place].clone(), swapped[other].clone());
                    swapped[place] = Link { number: one.number, ..two.clone() };
                    swapped[other] = Link { number: two.number, ..one };
                    assert_eq!(walked(&swapped), (place as u64, Some(Break::Changed)));
                }
            }
            let mut appended = whole.clone();
            let mut strange = whole[length - 1].clone();
            strange.number += 1;
            appended.push(strange);
            assert_eq!(walked(&appended), (length as u64, Some(Break::Changed)));
        }
    }

    #[test]
    fn a_changed_row_no_longer_follows() {
        let event = Event {
            id: EventId::from_bytes([1; 16]),
            kind: Kind::SessionOpened,
            by: Actor::Operator,
            who: None,
            session: None,
            client: None,
            address: Some(String::from("127.0.0.1")),
            request: None,
            detail: None,
            at: Timestamp::from_secs(1),
        };
        let link = Link::forge(&[0; 32], 1, Position { generation: 1, seq: 1 }, event);
        assert!(link.follows(&[0; 32]));
        assert!(!link.follows(&[1; 32]), "another past");
        let mut changed = link.clone();
        changed.event.address = Some(String::from("127.0.0.2"));
        assert!(!changed.follows(&[0; 32]));
        let mut moved = link;
        moved.event.request = moved.event.address.take();
        assert!(!moved.follows(&[0; 32]), "the same words in other places");
    }
}
