//! What the memory store holds, and the few steps that all of its changes are made of.

use std::collections::{BTreeMap, HashMap};

use doorward_core::audit::{Event, Link};
use doorward_core::client::Client;
use doorward_core::data::{DataKey, Datum, Shelf};
use doorward_core::feed::{Draft, Line, Register};
use doorward_core::id::{ClientId, KeyId, SessionId, UserId, VerifierId};
use doorward_core::key::KeyRecord;
use doorward_core::secret::SecretHash;
use doorward_core::session::{Epochs, Session};
use doorward_core::throttle::{Failures, Whose};
use doorward_core::user::User;
use doorward_core::verifier::VerifierRecord;
use doorward_core::{Position, Timestamp};

use crate::{Credential, Realm, Receipt};

/// Nothing is born after it.
const END_OF_TIME: Position = Position { generation: u64::MAX, seq: u64::MAX };

/// All there is.
#[derive(Clone)]
pub(super) struct State {
    pub(super) head: Position,
    pub(super) lines: BTreeMap<Position, Line>,
    /// Where the latest line about each thing with an epoch stands.
    registers: HashMap<Register, Position>,
    pub(super) links: Vec<Link>,
    pub(super) sessions: BTreeMap<SessionId, Session>,
    /// Whose each secret is, current and previous ones. Kept right by [`State::keep_session`] alone.
    pub(super) secrets: HashMap<SecretHash, SessionId>,
    pub(super) data: BTreeMap<SessionId, BTreeMap<DataKey, Datum>>,
    /// Ids of swept sessions, each with the time from which nothing can carry it.
    pub(super) tombstones: BTreeMap<SessionId, Timestamp>,
    pub(super) failures: BTreeMap<Whose, Failures>,
    pub(super) users: BTreeMap<UserId, User>,
    pub(super) emails: BTreeMap<String, UserId>,
    pub(super) credentials: BTreeMap<UserId, Credential>,
    pub(super) clients: BTreeMap<ClientId, Client>,
    pub(super) keys: BTreeMap<KeyId, KeyRecord>,
    pub(super) verifiers: BTreeMap<VerifierId, VerifierRecord>,
    pub(super) realm: Realm,
    pub(super) resumed_from: Position,
}

/// What a change wrote: its receipt, before the head is known.
#[derive(Default)]
pub(super) struct Written {
    pub(super) lines: Vec<Line>,
    pub(super) count: u64,
}

impl Written {
    pub(super) fn counting(count: u64) -> Self {
        Self { count, ..Self::default() }
    }
}

impl State {
    pub(super) fn new(head: Position) -> Self {
        Self {
            head,
            lines: BTreeMap::new(),
            registers: HashMap::new(),
            links: Vec::new(),
            sessions: BTreeMap::new(),
            secrets: HashMap::new(),
            data: BTreeMap::new(),
            tombstones: BTreeMap::new(),
            failures: BTreeMap::new(),
            users: BTreeMap::new(),
            emails: BTreeMap::new(),
            credentials: BTreeMap::new(),
            clients: BTreeMap::new(),
            keys: BTreeMap::new(),
            verifiers: BTreeMap::new(),
            realm: Realm::default(),
            resumed_from: head,
        }
    }

    /// The latest epochs of user, client and realm.
    pub(super) fn epochs(&self, user: Option<UserId>, client: &ClientId) -> Epochs {
        let nobody = Epochs { terminal: END_OF_TIME, ..Epochs::default() };
        let of_user = user.map_or(Epochs::default(), |id| self.users.get(&id).map_or(nobody, user_epochs));
        let of_client = self.clients.get(client).map_or(nobody, client_epochs);
        self.realm.epochs.latest(of_client).latest(of_user)
    }

    /// A session that was not ended. Whether it ran out is not asked.
    pub(super) fn open_session(&self, id: SessionId) -> Option<&Session> {
        self.sessions.get(&id).filter(|session| session.ended.is_none())
    }

    /// Was it born before a terminal epoch that applies? Then it is as good as ended.
    pub(super) fn is_cut_off(&self, session: &Session) -> bool {
        session.born < self.epochs(session.user, &session.client).terminal
    }

    pub(super) fn is_alive(&self, session: &Session, at: Timestamp) -> bool {
        session.check(self.epochs(session.user, &session.client), at).is_ok()
    }

    /// Is no secret of this session another session's?
    pub(super) fn has_secrets_of_its_own(&self, session: &Session) -> bool {
        hashes(session).all(|hash| self.secrets.get(&hash).is_none_or(|owner| *owner == session.id))
    }

    /// May a session begin under this id and these secrets?
    pub(super) fn may_begin(&self, session: &Session) -> bool {
        let used = self.sessions.contains_key(&session.id) || self.tombstones.contains_key(&session.id);
        !used && self.has_secrets_of_its_own(session)
    }

    /// Puts a session in, in the place of its former self.
    pub(super) fn keep_session(&mut self, session: Session) {
        self.drop_secrets(session.id);
        self.secrets.extend(hashes(&session).map(|hash| (hash, session.id)));
        self.sessions.insert(session.id, session);
    }

    /// Forgets a session and its data.
    pub(super) fn forget_session(&mut self, id: SessionId) {
        self.drop_secrets(id);
        self.sessions.remove(&id);
        self.data.remove(&id);
    }

    fn drop_secrets(&mut self, id: SessionId) {
        for hash in self.sessions.get(&id).into_iter().flat_map(hashes) {
            self.secrets.remove(&hash);
        }
    }

    pub(super) fn shelf(&self, id: SessionId) -> Shelf {
        let revision = self.sessions.get(&id).map_or(0, |session| session.shelf);
        let data = self.data.get(&id).into_iter().flatten();
        Shelf { revision, items: data.map(|(key, datum)| (key.clone(), datum.version, datum.value.len())).collect() }
    }

    /// The place that the next line of the feed will have.
    pub(super) fn next_place(&self) -> Position {
        Position { seq: self.head.seq + 1, ..self.head }
    }

    /// Writes a line of the feed; gives it.
    pub(super) fn append(&mut self, draft: Draft, at: Timestamp) -> Line {
        let place = self.next_place();
        let line = Line::written(draft, place, at);
        if let Some(register) = line.register()
            && let Some(before) = self.registers.insert(register, place)
        {
            self.lines.remove(&before);
        }
        self.lines.insert(place, line);
        self.head = place;
        line
    }

    /// Forgets the oldest lines up to a place; gives how many.
    pub(super) fn trim(&mut self, through: Position, limit: usize) -> u64 {
        let old: Vec<_> = self.lines.range(..=through).take(limit).map(|(place, _)| *place).collect();
        for place in &old {
            let register = self.lines.remove(place).and_then(|line| line.register());
            if let Some(register) = register {
                self.registers.remove(&register);
            }
        }
        old.len() as u64
    }

    /// Writes a link of the audit log, behind the lines of the same change.
    pub(super) fn link(&mut self, event: Event) {
        let (number, previous) = self.links.last().map_or((0, [0; 32]), |last| (last.number, last.hash));
        self.links.push(Link::forge(&previous, number + 1, self.head, event));
    }

    pub(super) fn receipt(&self, written: Written) -> Receipt {
        Receipt { head: self.head, lines: written.lines, count: written.count }
    }
}

fn user_epochs(user: &User) -> Epochs {
    let terminal = if user.deleted_at.is_some() { END_OF_TIME } else { user.terminal_epoch };
    Epochs { terminal, refresh: user.refresh_epoch }
}

fn client_epochs(client: &Client) -> Epochs {
    let terminal = if client.disabled_at.is_some() { END_OF_TIME } else { client.terminal_epoch };
    Epochs { terminal, refresh: client.refresh_epoch }
}

fn hashes(session: &Session) -> impl Iterator<Item = SecretHash> {
    session.secret.into_iter().chain(session.previous.map(|previous| previous.hash))
}
