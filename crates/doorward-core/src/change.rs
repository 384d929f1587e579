//! What may happen to a store: named, whole, atomic changes, each with its own precondition.
//!
//! There is one enum for each storage trait, and every backend matches it exhaustively. A change that must end sessions
//! carries the end, so that row, epoch, feed line and audit link are written together or not at all. A race is settled
//! by the precondition: the loser gets a conflict, loads again and decides again.

use doorward_verify::{Lifetime, Position, Timestamp};

use crate::audit::Event;
use crate::client::Client;
use crate::data::DataChange;
use crate::feed::Draft;
use crate::id::{ClientId, SessionId, UserId, VerifierId};
use crate::key::KeyRecord;
use crate::refresh::{NewSecret, Turn};
use crate::revoke::EndSessions;
use crate::role::Roles;
use crate::secret::SecretHash;
use crate::session::{Ended, Generation, Previous, Retired, Session};
use crate::spread::Spread;
use crate::throttle::{Failures, Whose};
use crate::user::User;
use crate::verifier::VerifierRecord;

/// Changes of what is hot and short-lived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SessionChange {
    /// A new session. Conflict if its id or secret is taken.
    Open(Box<Open>),
    /// A refresh token turns. Conflict if the generation moved on, the session ended, or a later terminal epoch applies.
    Rotate(Box<Rotate>),
    /// Sessions were in use. Never a conflict; never moves `last_seen` back; unknown and ended ones are passed over.
    Touch(Vec<(SessionId, Timestamp)>),
    /// A verifier saw sessions in use. The same for those of the applications that are its business; others are passed over.
    Report(Report),
    /// The new secret was seen: forget the one before. Conflict if the secret is another by now.
    Confirm(Confirm),
    /// A value is put or removed. Conflict if the shelf moved on or the session ended.
    Data(DataChange),
    /// The wrong passwords in a row at some accounts are as many now; `None` forgets them. Never a conflict: whoever
    /// writes them has counted them.
    Tally(Vec<(Whose, Option<Failures>)>),
    /// Forgets at most `limit` sessions that are over since before `before`, with their data.
    Sweep(Sweep),
}

/// See [`SessionChange::Open`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Open {
    /// The session.
    pub session: Session,
    /// For the audit log.
    pub event: Event,
}

/// See [`SessionChange::Rotate`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rotate {
    /// The turn.
    pub turn: Turn,
    /// The session secret it hands out, if it does.
    pub secret: Option<NewSecret>,
    /// For the audit log, where the turn is remarkable.
    pub event: Option<Event>,
}

/// See [`SessionChange::Report`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Which sessions, and when.
    pub seen: Vec<(SessionId, Timestamp)>,
    /// The applications.
    pub of: Vec<ClientId>,
}

/// See [`SessionChange::Confirm`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Confirm {
    /// Which session.
    pub session: SessionId,
    /// Its secret, as it was seen.
    pub secret: SecretHash,
}

/// See [`SessionChange::Sweep`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sweep {
    /// Over since before then.
    pub before: Timestamp,
    /// At most so many.
    pub limit: u32,
    /// The latest time that was told by now; the realm keeps the latest of them.
    pub latest: Timestamp,
}

/// Changes of what lasts. Each is one event of the audit log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DirectoryChange {
    /// A new user with a password. Conflict if the e-mail key is taken.
    AddUser(Box<AddUser>),
    /// A new password ends everything of the user but the kept session. Conflict if the password is another by now, or
    /// the kept session moved on, ended, or was cut off by an epoch: it must not be born anew.
    SetPassword(Box<SetPassword>),
    /// The same password under a better hash. Nothing ends. Conflict if the password is another by now.
    Rehash(Rehash),
    /// An account is suspended: everything of the user is over. Conflict if the user was changed meanwhile.
    Suspend(Suspend),
    /// An account is resumed. What was ended stays ended. Conflict if the user was changed meanwhile.
    Resume(Resume),
    /// A user has other roles: nobody is signed out, and tokens are renewed. Conflict if the user was changed meanwhile.
    SetRoles(SetRoles),
    /// Everything of a user is over, by one epoch. Conflict if there is no such user.
    EndUser(EndUser),
    /// Some sessions are over. Never a conflict; the receipt counts those that were alive.
    EndSessions(EndSessions),
    /// A guest signs in: a new session with the guest's kept data; the guest's is over. Conflict if it was already.
    Upgrade(Box<Upgrade>),
    /// A new client. Conflict if the id is taken.
    AddClient(Box<Client>),
    /// A client is set anew. Conflict if its version is not `from`. Epochs are the store's: those in `client` are
    /// ignored, and advanced by the drafts.
    SetClient(Box<SetClient>),
    /// Keys are added or replaced, by id. Conflict if any stored one has another version than its `from`.
    TurnKeys(TurnKeys),
    /// Forgets the lines of the feed up to a place, oldest first; the head stays. Conflict if there are none, so that
    /// nothing is written about nothing.
    TrimFeed(TrimFeed),
    /// Everybody is signed out, or has to renew, by one epoch of the realm. Never a conflict.
    MoveRealm(MoveRealm),
    /// Everybody's turn begins, bucket after bucket. Conflict if one such turn is under way.
    BeginSpread(Spread),
    /// The next bucket has its turn. Conflict if that bucket is not the next.
    StepSpread(StepSpread),
    /// A verifier is registered. Conflict if its id or secret is taken, or its name by one that is registered.
    AddVerifier(Box<VerifierRecord>),
    /// A verifier is struck off. Conflict if it is not registered.
    RemoveVerifier(RemoveVerifier),
    /// The longest time for which a verifier may trust what it knows. Conflict if it is not `from` by now.
    SetTerms(SetTerms),
    /// Something was noticed: its event is a link of the audit log, and nothing else changes. Never a conflict.
    Note,
}

impl DirectoryChange {
    /// The drafts it carries, for whoever has to make them coarser; see [`crate::budget`].
    pub fn drafts_mut(&mut self) -> Vec<&mut Draft> {
        match self {
            Self::SetPassword(set) => vec![&mut set.draft],
            Self::Suspend(suspend) => vec![&mut suspend.draft],
            Self::SetRoles(set) => vec![&mut set.draft],
            Self::EndUser(end) => vec![&mut end.draft],
            Self::EndSessions(end) => end.drafts.iter_mut().collect(),
            Self::Upgrade(upgrade) => vec![&mut upgrade.draft],
            Self::SetClient(set) => set.drafts.iter_mut().collect(),
            Self::TurnKeys(turn) => turn.drafts.iter_mut().collect(),
            Self::MoveRealm(step) => vec![&mut step.draft],
            Self::StepSpread(step) => vec![&mut step.draft],
            Self::AddUser(_)
            | Self::Rehash(_)
            | Self::Resume(_)
            | Self::AddClient(_)
            | Self::TrimFeed(_)
            | Self::BeginSpread(_)
            | Self::AddVerifier(_)
            | Self::RemoveVerifier(_)
            | Self::SetTerms(_)
            | Self::Note => Vec::new(),
        }
    }
}

/// See [`DirectoryChange::AddUser`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddUser {
    /// The person.
    pub user: User,
    /// The password hash as a PHC string.
    pub phc: String,
}

/// See [`DirectoryChange::SetPassword`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetPassword {
    /// Whose.
    pub user: UserId,
    /// Only if the password is still at this version.
    pub from: u64,
    /// The new hash as a PHC string.
    pub phc: String,
    /// The caller's own session: its `born` becomes the new epoch.
    pub keep: Option<Kept>,
    /// What verifiers learn; its place becomes the user's terminal epoch.
    pub draft: Draft,
    /// When.
    pub at: Timestamp,
}

/// See [`DirectoryChange::Rehash`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rehash {
    /// Whose.
    pub user: UserId,
    /// Only if the password is still at this version.
    pub from: u64,
    /// The new hash as a PHC string.
    pub phc: String,
}

/// The session that survives a change which ends all others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Which.
    pub session: SessionId,
    /// Only if this is still its generation.
    pub from: Generation,
    /// Its next generation.
    pub generation: Generation,
    /// The generation it retires.
    pub retired: Retired,
    /// The refresh secret behind the next one.
    pub refresh_key: u8,
    /// Its new secret, where it has one.
    pub secret: Option<SecretHash>,
    /// The secret before, for a lost reply.
    pub previous: Option<Previous>,
    /// Does an access token alone stand for the next generation?
    pub alone: bool,
}

impl Kept {
    /// The session as it is once this is committed at `born`.
    pub fn applied_to(&self, session: &Session, born: Position, at: Timestamp) -> Session {
        let mut kept = session.clone();
        kept.born = born;
        kept.auth_time = at;
        kept.last_seen_at = kept.last_seen_at.max(at);
        kept.generation = self.generation;
        kept.ring = kept.ring.with(self.retired);
        kept.keyed |= self.retired.attempt.is_some();
        kept.refresh_key = self.refresh_key;
        kept.secret = self.secret;
        kept.previous = self.previous;
        kept.exchange = self.alone.then_some(self.generation);
        kept
    }
}

/// See [`DirectoryChange::Suspend`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Suspend {
    /// Whom.
    pub user: UserId,
    /// Only if the user is still at this version.
    pub from: u64,
    /// What verifiers learn; its place becomes the user's terminal epoch.
    pub draft: Draft,
    /// When.
    pub at: Timestamp,
}

/// See [`DirectoryChange::Resume`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resume {
    /// Whom.
    pub user: UserId,
    /// Only if the user is still at this version.
    pub from: u64,
}

/// See [`DirectoryChange::SetRoles`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetRoles {
    /// Whose.
    pub user: UserId,
    /// Only if the user is still at this version.
    pub from: u64,
    /// All of them.
    pub roles: Roles,
    /// What verifiers learn; its place becomes the user's refresh epoch.
    pub draft: Draft,
}

/// See [`DirectoryChange::EndUser`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EndUser {
    /// Whose.
    pub user: UserId,
    /// What verifiers learn; its place becomes the user's terminal epoch.
    pub draft: Draft,
    /// When and why, for the rows.
    pub ended: Ended,
}

/// See [`DirectoryChange::Upgrade`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upgrade {
    /// The new session.
    pub session: Session,
    /// The guest's.
    pub guest: SessionId,
    /// The guest's end.
    pub ended: Ended,
    /// What verifiers learn.
    pub draft: Draft,
}

/// See [`DirectoryChange::SetClient`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetClient {
    /// The client as it shall be.
    pub client: Client,
    /// Only if it is still at this version.
    pub from: u64,
    /// What verifiers learn: a terminal one advances the client's terminal epoch, and so on.
    pub drafts: Vec<Draft>,
}

/// See [`DirectoryChange::TrimFeed`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrimFeed {
    /// The last place to forget: what the watermark of the feed says, never a clock on the wall.
    pub through: Position,
    /// At most so many.
    pub limit: u32,
}

/// See [`DirectoryChange::MoveRealm`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MoveRealm {
    /// What verifiers learn; its place becomes the realm's epoch of that strength.
    pub draft: Draft,
}

/// See [`DirectoryChange::StepSpread`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StepSpread {
    /// Only if this bucket is the next.
    pub bucket: u16,
    /// What verifiers learn.
    pub draft: Draft,
    /// When and why, for the rows, if sessions end.
    pub ended: Ended,
}

/// See [`DirectoryChange::RemoveVerifier`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RemoveVerifier {
    /// Which.
    pub verifier: VerifierId,
    /// When.
    pub at: Timestamp,
}

/// See [`DirectoryChange::SetTerms`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SetTerms {
    /// Only if it is still this.
    pub from: Lifetime,
    /// The longest lease and the longest grace together.
    pub most: Lifetime,
}

/// See [`DirectoryChange::TurnKeys`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TurnKeys {
    /// The records as they shall be; a record's `version` is one more than the stored one's, 1 if it is new.
    pub keys: Vec<KeyRecord>,
    /// What verifiers learn.
    pub drafts: Vec<Draft>,
}
