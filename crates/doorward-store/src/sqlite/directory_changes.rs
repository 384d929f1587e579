//! What the durable changes do. Each function looks at everything first and writes after that: `None` is a conflict,
//! and then nothing was written.

use std::collections::HashMap;

use doorward_core::audit::Event;
use doorward_core::change::{
    AddUser, DirectoryChange, EndUser, Rehash, Resume, SetClient, SetPassword, SetRoles, Suspend, TrimFeed, TurnKeys,
    Upgrade,
};
use doorward_core::client::Client;
use doorward_core::feed::{Draft, Line};
use doorward_core::id::UserId;
use doorward_core::revoke::EndSessions;
use doorward_core::session::Session;
use doorward_core::{Scope, Strength, Timestamp};
use rusqlite::Connection;

use super::fault::Fault;
use super::log::Tail;
use super::{client_rows, data_rows, epochs, key_rows, log, realm_rows, session_rows, user_rows, verifier_rows};
use crate::Credential;

/// What a change wrote, before the head is known.
#[derive(Debug, Default)]
pub(super) struct Written {
    pub(super) lines: Vec<Line>,
    pub(super) count: u64,
}

impl Written {
    pub(super) fn counting(count: u64) -> Self {
        Self { count, ..Self::default() }
    }

    pub(super) fn one(line: Line) -> Self {
        Self { lines: vec![line], ..Self::default() }
    }
}

/// Applies a change inside the transaction of its batch.
pub(super) fn apply(
    file: &Connection,
    tail: &mut Tail,
    change: &DirectoryChange,
    event: &Event,
) -> Result<Option<Written>, Fault> {
    let at = event.at;
    let written = match change {
        DirectoryChange::AddUser(change) => add_user(file, change),
        DirectoryChange::SetPassword(change) => set_password(file, tail, change, at),
        DirectoryChange::Rehash(change) => rehash(file, change),
        DirectoryChange::Suspend(change) => suspend(file, tail, change, at),
        DirectoryChange::Resume(change) => resume(file, *change),
        DirectoryChange::SetRoles(change) => set_roles(file, tail, change, at),
        DirectoryChange::EndUser(change) => end_user(file, tail, change, at),
        DirectoryChange::EndSessions(change) => end_sessions(file, tail, change, at),
        DirectoryChange::Upgrade(change) => upgrade(file, tail, change, at),
        DirectoryChange::AddClient(client) => add_client(file, client),
        DirectoryChange::SetClient(change) => set_client(file, tail, change, at),
        DirectoryChange::TurnKeys(change) => turn_keys(file, tail, change, at),
        DirectoryChange::TrimFeed(change) => trim_feed(file, *change),
        DirectoryChange::MoveRealm(change) => realm_rows::move_epoch(file, tail, *change, at),
        DirectoryChange::BeginSpread(spread) => realm_rows::begin_spread(file, spread),
        DirectoryChange::StepSpread(change) => realm_rows::step_spread(file, tail, *change, at),
        DirectoryChange::AddVerifier(verifier) => verifier_rows::add(file, verifier),
        DirectoryChange::RemoveVerifier(change) => verifier_rows::remove(file, *change),
        DirectoryChange::SetTerms(change) => realm_rows::set_terms(file, *change),
        DirectoryChange::Note => Ok(Some(Written::default())),
    }?;
    if written.is_some() {
        tail.link(file, event)?;
    }
    Ok(written)
}

fn add_user(file: &Connection, add: &AddUser) -> Result<Option<Written>, Fault> {
    if !user_rows::insert(file, &add.user)? {
        return Ok(None);
    }
    user_rows::insert_credential(file, add.user.id, &Credential { phc: add.phc.clone(), version: 1 })?;
    Ok(Some(Written::default()))
}

fn set_password(
    file: &Connection,
    tail: &mut Tail,
    set: &SetPassword,
    at: Timestamp,
) -> Result<Option<Written>, Fault> {
    if user_rows::credential(file, set.user)?.is_none_or(|credential| credential.version != set.from) {
        return Ok(None);
    }
    if set.keep.is_some() {
        let Some(kept) = kept(file, tail, set)? else { return Ok(None) };
        session_rows::keep(file, &kept)?;
    }
    user_rows::replace_credential(file, set.user, set.from, &set.phc)?;
    cut_off_user(file, tail, set.user, &set.draft, at).map(Some)
}

fn rehash(file: &Connection, rehash: &Rehash) -> Result<Option<Written>, Fault> {
    let replaced = user_rows::replace_credential(file, rehash.user, rehash.from, &rehash.phc)?;
    Ok(replaced.then(Written::default))
}

/// The session that survives a change of password, as it will be; `None` if it is not as it was when that was decided.
fn kept(file: &Connection, tail: &Tail, set: &SetPassword) -> Result<Option<Session>, Fault> {
    let Some(keep) = &set.keep else { return Ok(None) };
    let Some(session) = session_rows::find(file, keep.session)? else { return Ok(None) };
    // One that an epoch has cut off must not be born again: a suspension between load and commit wins.
    let as_decided = session.ended.is_none()
        && session.user == Some(set.user)
        && session.generation == keep.from
        && session.born >= epochs::latest(file, session.user, &session.client)?.terminal;
    let kept = keep.applied_to(&session, tail.next_place(), set.at);
    let own = session_rows::has_secrets_of_its_own(file, kept.id, kept.secret, kept.previous)?;
    Ok((as_decided && own).then_some(kept))
}

fn suspend(file: &Connection, tail: &mut Tail, suspend: &Suspend, at: Timestamp) -> Result<Option<Written>, Fault> {
    if !user_rows::set_suspended(file, suspend.user, suspend.from, Some(suspend.at))? {
        return Ok(None);
    }
    cut_off_user(file, tail, suspend.user, &suspend.draft, at).map(Some)
}

fn resume(file: &Connection, resume: Resume) -> Result<Option<Written>, Fault> {
    let resumed = user_rows::set_suspended(file, resume.user, resume.from, None)?;
    Ok(resumed.then(Written::default))
}

fn set_roles(file: &Connection, tail: &mut Tail, set: &SetRoles, at: Timestamp) -> Result<Option<Written>, Fault> {
    if !user_rows::set_roles(file, set.user, set.from, &set.roles)? {
        return Ok(None);
    }
    let line = tail.append(file, &set.draft, at)?;
    user_rows::set_refresh_epoch(file, set.user, line.place)?;
    Ok(Some(Written::one(line)))
}

fn end_user(file: &Connection, tail: &mut Tail, end: &EndUser, at: Timestamp) -> Result<Option<Written>, Fault> {
    if user_rows::find(file, end.user)?.is_none() {
        return Ok(None);
    }
    let mut count = 0;
    for id in session_rows::open_of_user(file, end.user)? {
        count += u64::from(session_rows::end(file, id, end.ended)? == Some(true));
    }
    let written = cut_off_user(file, tail, end.user, &end.draft, at)?;
    Ok(Some(Written { count, ..written }))
}

fn end_sessions(
    file: &Connection,
    tail: &mut Tail,
    end: &EndSessions,
    at: Timestamp,
) -> Result<Option<Written>, Fault> {
    let mut written = Written::default();
    for (id, draft) in end.sessions.iter().zip(&end.drafts) {
        let Some(was_alive) = session_rows::end(file, *id, end.ended)? else { continue };
        written.count += u64::from(was_alive);
        written.lines.push(tail.append(file, draft, at)?);
    }
    Ok(Some(written))
}

fn upgrade(file: &Connection, tail: &mut Tail, upgrade: &Upgrade, at: Timestamp) -> Result<Option<Written>, Fault> {
    let guest = session_rows::find(file, upgrade.guest)?;
    let Some(guest) = guest.filter(|guest| guest.is_guest() && guest.ended.is_none()) else { return Ok(None) };
    let session = Session { shelf: guest.shelf, ..upgrade.session.clone() };
    if !session_rows::may_begin(file, &session)? {
        return Ok(None);
    }
    session_rows::insert(file, &session)?;
    data_rows::hand_over(file, guest.id, session.id)?;
    let was_alive = session_rows::end(file, guest.id, upgrade.ended)? == Some(true);
    let line = tail.append(file, &upgrade.draft, at)?;
    Ok(Some(Written { count: u64::from(was_alive), ..Written::one(line) }))
}

fn add_client(file: &Connection, client: &Client) -> Result<Option<Written>, Fault> {
    if client_rows::find(file, &client.id)?.is_some() {
        return Ok(None);
    }
    client_rows::write(file, client)?;
    Ok(Some(Written::default()))
}

fn set_client(file: &Connection, tail: &mut Tail, set: &SetClient, at: Timestamp) -> Result<Option<Written>, Fault> {
    let stored = client_rows::find(file, &set.client.id)?;
    let Some(stored) = stored.filter(|stored| stored.version == set.from) else { return Ok(None) };
    let mut client = Client {
        terminal_epoch: stored.terminal_epoch,
        refresh_epoch: stored.refresh_epoch,
        version: set.from + 1,
        ..set.client.clone()
    };
    let lines = append_all(file, tail, &set.drafts, at)?;
    let its = |line: &&Line| line.entry.scope == Scope::Client && line.entry.key == client.id.key();
    for line in lines.iter().filter(its) {
        match line.entry.strength {
            Strength::Terminal => client.terminal_epoch = line.place,
            Strength::RefreshRequired => client.refresh_epoch = line.place,
        }
    }
    client_rows::write(file, &client)?;
    Ok(Some(Written { lines, count: 0 }))
}

fn trim_feed(file: &Connection, trim: TrimFeed) -> Result<Option<Written>, Fault> {
    let count = log::trim(file, trim.through, trim.limit)?;
    Ok((count > 0).then(|| Written::counting(count)))
}

fn turn_keys(file: &Connection, tail: &mut Tail, turn: &TurnKeys, at: Timestamp) -> Result<Option<Written>, Fault> {
    let mut versions = HashMap::new();
    for key in &turn.keys {
        let stored = match versions.get(&key.id) {
            Some(version) => *version,
            None => key_rows::version(file, key.id)?,
        };
        if key.version != stored + 1 {
            return Ok(None);
        }
        versions.insert(key.id, key.version);
    }
    for key in &turn.keys {
        key_rows::write(file, key)?;
    }
    Ok(Some(Written { lines: append_all(file, tail, &turn.drafts, at)?, count: 0 }))
}

/// Writes the line that ends everything of a user; its place becomes the terminal epoch.
fn cut_off_user(
    file: &Connection,
    tail: &mut Tail,
    user: UserId,
    draft: &Draft,
    at: Timestamp,
) -> Result<Written, Fault> {
    let line = tail.append(file, draft, at)?;
    user_rows::set_terminal_epoch(file, user, line.place)?;
    Ok(Written::one(line))
}

fn append_all(file: &Connection, tail: &mut Tail, drafts: &[Draft], at: Timestamp) -> Result<Vec<Line>, Fault> {
    drafts.iter().map(|draft| tail.append(file, draft, at)).collect()
}
