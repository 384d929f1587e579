//! What the changes of sessions do. Each function looks at everything first and writes after that: `None` is a
//! conflict, and then nothing was touched.

use doorward_core::Timestamp;
use doorward_core::change::{Confirm, Open, Rotate, SessionChange, Sweep};
use doorward_core::data::DataChange;
use doorward_core::id::SessionId;
use doorward_core::policy::RETENTION;
use doorward_core::session::{Epochs, Session};
use doorward_core::throttle::{Failures, Whose};

use super::at_most;
use super::state::{State, Written};
use crate::Receipt;

impl State {
    pub(super) fn commit(&mut self, change: SessionChange) -> Option<Receipt> {
        let written = match change {
            SessionChange::Open(open) => self.open(*open),
            SessionChange::Rotate(rotate) => self.rotate(*rotate),
            SessionChange::Touch(seen) => self.touch(&seen, |_| true),
            SessionChange::Report(report) => self.touch(&report.seen, |session| report.of.contains(&session.client)),
            SessionChange::Confirm(confirm) => self.confirm(confirm),
            SessionChange::Data(change) => self.data(change),
            SessionChange::Tally(tallies) => self.tally(tallies),
            SessionChange::Sweep(sweep) => self.sweep(sweep),
        }?;
        Some(self.receipt(written))
    }

    fn open(&mut self, open: Open) -> Option<Written> {
        if !self.may_begin(&open.session) {
            return None;
        }
        self.keep_session(open.session);
        self.link(open.event);
        Some(Written::default())
    }

    fn rotate(&mut self, rotate: Rotate) -> Option<Written> {
        let turn = &rotate.turn;
        let session = self.open_session(turn.session)?;
        let epoch = self.epochs(session.user, &session.client).terminal;
        let as_decided = session.generation == turn.from && epoch == turn.from_epoch && !self.is_cut_off(session);
        let turned = turn.applied_to(session, rotate.secret.as_ref());
        if !as_decided || !self.has_secrets_of_its_own(&turned) {
            return None;
        }
        self.keep_session(turned);
        if let Some(event) = rotate.event {
            self.link(event);
        }
        Some(Written::default())
    }

    #[expect(clippy::unnecessary_wraps, reason = "it has the shape of its siblings; it never conflicts")]
    fn touch(&mut self, seen: &[(SessionId, Timestamp)], counts: impl Fn(&Session) -> bool) -> Option<Written> {
        let mut count = 0;
        for (id, at) in seen {
            let session = self.sessions.get_mut(id).filter(|session| session.ended.is_none() && counts(session));
            if let Some(session) = session.filter(|session| session.last_seen_at < *at) {
                session.last_seen_at = *at;
                count += 1;
            }
        }
        Some(Written::counting(count))
    }

    fn confirm(&mut self, confirm: Confirm) -> Option<Written> {
        let session = self.open_session(confirm.session)?;
        if session.secret != Some(confirm.secret) {
            return None;
        }
        let confirmed = Session { previous: None, ..session.clone() };
        self.keep_session(confirmed);
        Some(Written::default())
    }

    fn data(&mut self, change: DataChange) -> Option<Written> {
        let session = self.sessions.get_mut(&change.session)?;
        if session.ended.is_some() || session.shelf != change.from {
            return None;
        }
        session.shelf += 1;
        let data = self.data.entry(change.session).or_default();
        match change.value {
            Some(datum) => data.insert(change.key, datum),
            None => data.remove(&change.key),
        };
        Some(Written::default())
    }

    #[expect(clippy::unnecessary_wraps, reason = "it has the shape of its siblings; it never conflicts")]
    fn tally(&mut self, tallies: Vec<(Whose, Option<Failures>)>) -> Option<Written> {
        for (whose, failures) in tallies {
            match failures {
                Some(failures) => drop(self.failures.insert(whose, failures)),
                None => drop(self.failures.remove(&whose)),
            }
        }
        Some(Written::default())
    }

    #[expect(clippy::unnecessary_wraps, reason = "it has the shape of its siblings; it never conflicts")]
    fn sweep(&mut self, sweep: Sweep) -> Option<Written> {
        self.realm.latest = self.realm.latest.max(sweep.latest);
        self.tombstones.retain(|_, until| *until > sweep.before);
        let over = self.sessions.values().filter(|session| is_over_since(session, sweep.before));
        let swept: Vec<_> =
            over.take(at_most(sweep.limit)).map(|session| (session.id, session.expires_at + RETENTION)).collect();
        for (id, _) in &swept {
            self.forget_session(*id);
        }
        let count = swept.len() as u64;
        self.tombstones.extend(swept);
        Some(Written::counting(count))
    }
}

/// Was it over before that moment, by its own end or its time? Those cut off by an epoch wait for their time.
fn is_over_since(session: &Session, before: Timestamp) -> bool {
    let ended = session.ended.is_some_and(|ended| ended.at < before);
    let running = Session { ended: None, ..session.clone() };
    ended || running.check(Epochs::default(), before).is_err()
}
