//! What the durable changes do. Each function looks at everything first and writes after that: `None` is a conflict,
//! and then nothing was touched.

use doorward_core::audit::Event;
use doorward_core::change::{
    AddUser, DirectoryChange, EndUser, Kept, MoveRealm, Rehash, RemoveVerifier, Resume, SetClient, SetPassword,
    SetRoles, SetTerms, StepSpread, Suspend, TrimFeed, TurnKeys, Upgrade,
};
use doorward_core::client::Client;
use doorward_core::feed::{Draft, Line};
use doorward_core::id::{SessionId, UserId};
use doorward_core::revoke::EndSessions;
use doorward_core::session::{Ended, Session};
use doorward_core::spread::{BUCKETS, Spread, Turn};
use doorward_core::user::User;
use doorward_core::verifier::VerifierRecord;
use doorward_core::{Key, Scope, Strength, Timestamp};

use super::at_most;
use super::state::{State, Written};
use crate::{Credential, Receipt};

impl State {
    pub(super) fn commit_durable(&mut self, change: DirectoryChange, event: Event) -> Option<Receipt> {
        let at = event.at;
        let written = match change {
            DirectoryChange::AddUser(add) => self.add_user(*add),
            DirectoryChange::SetPassword(set) => self.set_password(*set, at),
            DirectoryChange::Rehash(rehash) => self.rehash(rehash),
            DirectoryChange::Suspend(suspend) => self.suspend(suspend, at),
            DirectoryChange::Resume(resume) => self.resume(resume),
            DirectoryChange::SetRoles(set) => self.set_roles(set, at),
            DirectoryChange::EndUser(end) => self.end_user(end, at),
            DirectoryChange::EndSessions(end) => self.end_sessions(&end, at),
            DirectoryChange::Upgrade(upgrade) => self.upgrade(*upgrade, at),
            DirectoryChange::AddClient(client) => self.add_client(*client),
            DirectoryChange::SetClient(set) => self.set_client(*set, at),
            DirectoryChange::TurnKeys(turn) => self.turn_keys(turn, at),
            DirectoryChange::TrimFeed(trim) => self.trim_feed(trim),
            DirectoryChange::MoveRealm(step) => self.move_realm(step, at),
            DirectoryChange::BeginSpread(spread) => self.begin_spread(spread),
            DirectoryChange::StepSpread(step) => self.step_spread(step, at),
            DirectoryChange::AddVerifier(verifier) => self.add_verifier(*verifier),
            DirectoryChange::RemoveVerifier(remove) => self.remove_verifier(remove),
            DirectoryChange::SetTerms(set) => self.set_terms(set),
            DirectoryChange::Note => Some(Written::default()),
        }?;
        self.link(event);
        Some(self.receipt(written))
    }

    fn add_user(&mut self, add: AddUser) -> Option<Written> {
        let AddUser { user, phc } = add;
        if self.users.contains_key(&user.id) || self.emails.contains_key(user.email.key()) {
            return None;
        }
        self.emails.insert(user.email.key().to_owned(), user.id);
        self.credentials.insert(user.id, Credential { phc, version: 1 });
        self.users.insert(user.id, user);
        Some(Written::default())
    }

    fn set_password(&mut self, set: SetPassword, at: Timestamp) -> Option<Written> {
        let user = self.users.get(&set.user)?.clone();
        self.credentials.get(&set.user).filter(|credential| credential.version == set.from)?;
        let kept = match &set.keep {
            Some(keep) => Some(self.kept(&set, keep)?),
            None => None,
        };
        self.credentials.insert(set.user, Credential { phc: set.phc, version: set.from + 1 });
        if let Some(kept) = kept {
            self.keep_session(kept);
        }
        Some(Written { lines: vec![self.cut_off_user(user, set.draft, at)], count: 0 })
    }

    fn rehash(&mut self, rehash: Rehash) -> Option<Written> {
        let stored = self.credentials.get_mut(&rehash.user).filter(|stored| stored.version == rehash.from)?;
        *stored = Credential { phc: rehash.phc, version: rehash.from + 1 };
        Some(Written::default())
    }

    /// The session that survives a change of password, as it will be.
    fn kept(&self, set: &SetPassword, keep: &Kept) -> Option<Session> {
        let session = self.open_session(keep.session)?;
        // One that an epoch has cut off must not be born again: a suspension between load and commit wins.
        let as_decided =
            session.user == Some(set.user) && session.generation == keep.from && !self.is_cut_off(session);
        let kept = keep.applied_to(session, self.next_place(), set.at);
        (as_decided && self.has_secrets_of_its_own(&kept)).then_some(kept)
    }

    fn suspend(&mut self, suspend: Suspend, at: Timestamp) -> Option<Written> {
        let user = self.user_at(suspend.user, suspend.from)?;
        let suspended = User { suspended_at: Some(suspend.at), version: user.version + 1, ..user.clone() };
        Some(Written { lines: vec![self.cut_off_user(suspended, suspend.draft, at)], count: 0 })
    }

    fn resume(&mut self, resume: Resume) -> Option<Written> {
        let user = self.user_at(resume.user, resume.from)?;
        let resumed = User { suspended_at: None, version: user.version + 1, ..user.clone() };
        self.users.insert(resumed.id, resumed);
        Some(Written::default())
    }

    fn set_roles(&mut self, set: SetRoles, at: Timestamp) -> Option<Written> {
        let user = self.user_at(set.user, set.from)?.clone();
        let line = self.append(set.draft, at);
        let version = user.version + 1;
        self.users.insert(user.id, User { roles: set.roles, refresh_epoch: line.place, version, ..user });
        Some(Written { lines: vec![line], count: 0 })
    }

    fn end_user(&mut self, end: EndUser, at: Timestamp) -> Option<Written> {
        let user = self.users.get(&end.user)?.clone();
        let open = |session: &&Session| session.user == Some(end.user) && session.ended.is_none();
        let all: Vec<_> = self.sessions.values().filter(open).map(|session| session.id).collect();
        let alive = all.into_iter().filter(|id| self.end_session(*id, end.ended) == Some(true)).count();
        Some(Written { lines: vec![self.cut_off_user(user, end.draft, at)], count: alive as u64 })
    }

    #[expect(clippy::unnecessary_wraps, reason = "it has the shape of its siblings; it never conflicts")]
    fn end_sessions(&mut self, end: &EndSessions, at: Timestamp) -> Option<Written> {
        let mut written = Written::default();
        for (id, draft) in end.sessions.iter().zip(&end.drafts) {
            let Some(was_alive) = self.end_session(*id, end.ended) else { continue };
            written.count += u64::from(was_alive);
            written.lines.push(self.append(*draft, at));
        }
        Some(written)
    }

    fn upgrade(&mut self, upgrade: Upgrade, at: Timestamp) -> Option<Written> {
        let guest = self.open_session(upgrade.guest).filter(|guest| guest.is_guest())?;
        let session = Session { shelf: guest.shelf, ..upgrade.session };
        if !self.may_begin(&session) {
            return None;
        }
        let data = self.data.remove(&upgrade.guest).unwrap_or_default();
        let (kept, left) = data.into_iter().partition(|(_, datum)| datum.keep);
        self.data.insert(session.id, kept);
        self.data.insert(upgrade.guest, left);
        let was_alive = self.end_session(upgrade.guest, upgrade.ended) == Some(true);
        self.keep_session(session);
        Some(Written { lines: vec![self.append(upgrade.draft, at)], count: u64::from(was_alive) })
    }

    fn add_client(&mut self, client: Client) -> Option<Written> {
        if self.clients.contains_key(&client.id) {
            return None;
        }
        self.clients.insert(client.id.clone(), client);
        Some(Written::default())
    }

    fn set_client(&mut self, set: SetClient, at: Timestamp) -> Option<Written> {
        let stored = self.clients.get(&set.client.id).filter(|stored| stored.version == set.from)?;
        let mut client = Client {
            terminal_epoch: stored.terminal_epoch,
            refresh_epoch: stored.refresh_epoch,
            version: set.from + 1,
            ..set.client
        };
        let lines = self.append_all(&set.drafts, at);
        let its = |line: &&Line| line.entry.scope == Scope::Client && line.entry.key == client.id.key();
        for line in lines.iter().filter(its) {
            match line.entry.strength {
                Strength::Terminal => client.terminal_epoch = line.place,
                Strength::RefreshRequired => client.refresh_epoch = line.place,
            }
        }
        self.clients.insert(client.id.clone(), client);
        Some(Written { lines, count: 0 })
    }

    fn trim_feed(&mut self, trim: TrimFeed) -> Option<Written> {
        let count = self.trim(trim.through, at_most(trim.limit));
        (count > 0).then(|| Written::counting(count))
    }

    #[expect(clippy::unnecessary_wraps, reason = "it has the shape of its siblings; it never conflicts")]
    fn move_realm(&mut self, step: MoveRealm, at: Timestamp) -> Option<Written> {
        let line = self.append(step.draft, at);
        match line.entry.strength {
            Strength::Terminal => self.realm.epochs.terminal = line.place,
            Strength::RefreshRequired => self.realm.epochs.refresh = line.place,
        }
        Some(Written { lines: vec![line], count: 0 })
    }

    /// An old copy was put back.
    pub(super) fn end_everybody(&mut self, at: Timestamp) {
        self.move_realm(MoveRealm { draft: Draft::realm(Strength::Terminal) }, at);
    }

    fn begin_spread(&mut self, spread: Spread) -> Option<Written> {
        if self.realm.spread.is_some() {
            return None;
        }
        self.realm.spread = Some(spread);
        Some(Written::default())
    }

    fn step_spread(&mut self, step: StepSpread, at: Timestamp) -> Option<Written> {
        let spread = self.realm.spread.filter(|spread| spread.next == step.bucket)?;
        let next = step.bucket + 1;
        self.realm.spread = (next < BUCKETS).then_some(Spread { next, ..spread });
        let mut count = 0;
        if spread.turn == Turn::End {
            let bucket = Key::bucket(step.bucket);
            let its = |session: &&Session| {
                Key::bucket_of(session.id.key()) == bucket && session.ended.is_none() && session.born < spread.cut
            };
            let all: Vec<_> = self.sessions.values().filter(its).map(|session| session.id).collect();
            count = all.into_iter().filter(|id| self.end_session(*id, step.ended) == Some(true)).count() as u64;
            if next == BUCKETS {
                // Whoever read the head before the turn began and opened a session after it had come: over, too.
                let epochs = &mut self.realm.epochs;
                epochs.terminal = epochs.terminal.max(spread.cut);
            }
        }
        Some(Written { lines: vec![self.append(step.draft, at)], count })
    }

    fn add_verifier(&mut self, verifier: VerifierRecord) -> Option<Written> {
        let taken = self.verifiers.values().any(|other| {
            let same_name = other.is_registered() && verifier.is_registered() && other.name == verifier.name;
            other.id == verifier.id || other.secret == verifier.secret || same_name
        });
        if taken {
            return None;
        }
        self.verifiers.insert(verifier.id, verifier);
        Some(Written::default())
    }

    fn remove_verifier(&mut self, remove: RemoveVerifier) -> Option<Written> {
        let verifier = self.verifiers.get_mut(&remove.verifier).filter(|verifier| verifier.is_registered())?;
        verifier.removed_at = Some(remove.at);
        Some(Written::default())
    }

    fn set_terms(&mut self, set: SetTerms) -> Option<Written> {
        if self.realm.terms != set.from {
            return None;
        }
        self.realm.terms = set.most;
        Some(Written::default())
    }

    fn turn_keys(&mut self, turn: TurnKeys, at: Timestamp) -> Option<Written> {
        // There are few keys: they are turned in a copy, so that a conflict on the last one undoes nothing.
        let mut keys = self.keys.clone();
        for key in turn.keys {
            let stored = keys.get(&key.id).map_or(0, |stored| stored.version);
            if key.version != stored + 1 {
                return None;
            }
            keys.insert(key.id, key);
        }
        self.keys = keys;
        Some(Written { lines: self.append_all(&turn.drafts, at), count: 0 })
    }

    fn user_at(&self, id: UserId, version: u64) -> Option<&User> {
        self.users.get(&id).filter(|user| user.version == version)
    }

    /// Writes the line that ends everything of a user; its place becomes the terminal epoch.
    fn cut_off_user(&mut self, user: User, draft: Draft, at: Timestamp) -> Line {
        let line = self.append(draft, at);
        self.users.insert(user.id, User { terminal_epoch: line.place, ..user });
        line
    }

    /// Ends a session that was not ended, and says whether it was alive until then.
    fn end_session(&mut self, id: SessionId, ended: Ended) -> Option<bool> {
        let session = self.open_session(id)?;
        let was_alive = self.is_alive(session, ended.at);
        let over = Session { ended: Some(ended), ..session.clone() };
        self.keep_session(over);
        Some(was_alive)
    }

    fn append_all(&mut self, drafts: &[Draft], at: Timestamp) -> Vec<Line> {
        drafts.iter().map(|draft| self.append(*draft, at)).collect()
    }
}
