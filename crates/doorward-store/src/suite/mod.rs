//! The suite that every backend passes: named cases, each a sentence about what a store promises.
//!
//! A backend's test file is one call of [`store_suite!`](crate::store_suite). Whenever a case provokes a conflict, it is
//! also checked that *nothing* changed: neither rows nor epochs, neither the feed nor the audit log.

pub mod cast;
pub mod clients;
pub mod data;
pub mod failures;
pub mod keys;
pub mod log;
pub mod password;
pub mod picture;
pub mod realm;
pub mod revocation;
pub mod rotation;
pub mod sessions;
pub mod sweep;
pub mod upgrade;
pub mod users;
pub mod verifiers;

use std::future::Future;

use doorward_core::audit::{Event, Kind};
use doorward_core::change::{DirectoryChange, SessionChange};
use doorward_core::id::{SessionId, UserId};
use doorward_core::session::{Epochs, Refusal, Session};
use doorward_core::{Position, Timestamp};

use self::cast::{NOON, add_client, add_user, client, client_id, open, session, user, user_id};
use self::picture::Picture;
use crate::{Committed, Receipt, StoreError, Stores};

/// Writes a test for every case of the suite. Takes an `async` block that opens an empty backend and gives its
/// [`Stores`](crate::Stores), or something of the caller's that borrows as them, such as a struct which also holds a
/// temporary folder.
///
/// The caller needs `tokio` with `macros` and `rt-multi-thread` among its development dependencies.
#[macro_export]
macro_rules! store_suite {
    ($open:expr) => {
        $crate::store_suite!(@topic $open, sessions: [
            an_opened_session_is_found_by_id_and_by_secret
            an_id_or_a_secret_that_is_taken_opens_nothing
            sessions_without_a_secret_do_not_meet
            secrets_and_users_that_begin_alike_are_told_apart
            of_many_openings_under_one_secret_one_wins
            use_moves_the_last_sight_forward_only
            use_of_what_is_gone_or_over_is_passed_over
            use_that_a_verifier_reports_counts_for_its_applications_alone
            a_seen_secret_ends_the_one_before
            a_secret_that_was_replaced_meanwhile_is_not_confirmed
            the_sessions_of_a_user_are_the_living_ones_newest_first
            the_newest_sessions_of_everybody_are_as_alive_as_a_users
            sessions_that_began_together_are_listed_by_their_ids
            nothing_that_comes_late_brings_an_ended_session_back
        ]);
        $crate::store_suite!(@topic $open, rotation: [
            a_rotation_turns_exactly_the_generation_it_starts_from
            a_rotation_that_hands_out_a_secret_keeps_the_one_before
            a_rotation_never_hands_out_another_sessions_secret
            a_remarkable_rotation_is_in_the_audit_log
            a_suspension_between_load_and_rotation_wins
            a_client_cut_off_between_load_and_rotation_wins
            a_session_born_before_an_epoch_does_not_rotate_under_it
            of_sixteen_rotations_from_one_generation_one_wins
        ]);
        $crate::store_suite!(@topic $open, sweep: [
            the_latest_time_that_was_told_stays
            a_sweep_forgets_what_is_over_and_nothing_else
            a_sweep_goes_by_the_latest_use_and_the_latest_idle_lifetime
            a_sweep_takes_data_and_secrets_along
            a_sweep_stops_at_its_limit
            a_swept_id_stays_unusable_until_nothing_can_carry_it
        ]);
        $crate::store_suite!(@topic $open, failures: [
            failures_are_kept_overwritten_and_forgotten
            failures_are_listed_in_order_up_to_a_limit
        ]);
        $crate::store_suite!(@topic $open, data: [
            a_value_is_read_back_at_its_version
            a_value_from_an_older_revision_is_refused
            a_removed_value_is_gone_and_its_version_never_comes_back
            the_data_of_one_session_is_not_anothers
            quotas_hold_to_the_byte_over_what_is_stored
            of_many_writers_none_loses_an_update
        ]);
        $crate::store_suite!(@topic $open, users: [
            a_user_is_found_by_id_and_by_address
            an_address_is_given_once
            of_many_sign_ups_with_one_address_one_wins
            users_are_listed_in_order_page_by_page
            a_suspension_ends_everything_and_resuming_brings_nothing_back
            a_user_who_changed_meanwhile_is_not_suspended_or_resumed
            other_roles_sign_nobody_out_and_ask_for_a_renewal
            the_roles_of_a_user_who_changed_meanwhile_stay
        ]);
        $crate::store_suite!(@topic $open, password: [
            a_new_password_ends_everything_but_the_kept_session
            a_new_password_without_a_kept_session_ends_everything
            a_password_change_that_conflicts_changes_nothing
            a_suspension_between_load_and_password_change_wins
            of_many_password_changes_one_wins
            a_rehash_replaces_the_very_hash_that_was_read_and_ends_nothing
            passwords_are_counted_by_scheme
        ]);
        $crate::store_suite!(@topic $open, revocation: [
            a_session_born_at_an_epoch_lives_and_one_born_before_is_dead
            a_session_that_outran_an_epoch_is_dead_when_it_opens
            nobody_unknown_lives
            everything_of_a_user_ends_at_once
            sessions_end_one_by_one_and_only_once
            an_end_counts_only_what_was_alive
            of_many_ends_of_one_session_one_counts
        ]);
        $crate::store_suite!(@topic $open, realm: [
            everybody_ends_by_one_epoch_of_the_realm
            a_later_epoch_over_the_same_thing_replaces_the_earlier
            everybody_has_their_turn_bucket_after_bucket
            a_turn_to_renew_ends_nobody
            of_many_who_take_a_turn_one_does
            terms_are_set_from_what_they_were
        ]);
        $crate::store_suite!(@topic $open, verifiers: [
            a_verifier_is_registered_and_struck_off_once
            names_of_those_who_are_registered_and_all_secrets_are_given_once
        ]);
        $crate::store_suite!(@topic $open, upgrade: [
            a_guest_who_signs_in_takes_the_kept_data_along
            a_guest_signs_in_once
            of_many_upgrades_of_one_guest_one_wins
        ]);
        $crate::store_suite!(@topic $open, clients: [
            a_client_is_added_once_and_listed_in_order
            a_client_is_set_from_the_version_it_was_read_at
            the_epochs_of_a_client_are_the_stores
            a_client_that_is_switched_off_ends_its_sessions
        ]);
        $crate::store_suite!(@topic $open, keys: [
            keys_are_added_and_turned_by_their_versions
            one_stale_key_stops_the_whole_turn
            a_killed_key_is_in_the_feed
        ]);
        $crate::store_suite!(@topic $open, log: [
            the_feed_has_no_gaps_and_is_read_page_by_page
            a_receipt_carries_the_lines_it_wrote
            every_durable_change_is_one_link_of_an_unbroken_chain
            what_is_noted_is_a_link_of_the_chain_and_no_line_of_the_feed
            many_ends_at_once_leave_a_feed_without_gaps
            old_lines_are_forgotten_from_the_beginning_and_the_head_stays
            a_store_that_commits_is_writable
            every_read_is_counted
        ]);
    };
    (@topic $open:expr, $topic:ident: [$($case:ident)*]) => {
        mod $topic {
            use super::*;
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
                async fn $case() {
                    let opened = $open.await;
                    $crate::suite::$topic::$case(::std::borrow::Borrow::borrow(&opened)).await;
                }
            )*
        }
    };
}

/// A change of either kind.
#[derive(Clone, Debug)]
pub enum Change {
    /// Of sessions.
    Hot(SessionChange),
    /// Of the directory, with its event.
    Durable(DirectoryChange, Event),
}

impl From<SessionChange> for Change {
    fn from(change: SessionChange) -> Self {
        Self::Hot(change)
    }
}

impl From<DirectoryChange> for Change {
    fn from(change: DirectoryChange) -> Self {
        let (kind, at) = match &change {
            DirectoryChange::AddUser(_) => (Kind::UserCreated, NOON),
            DirectoryChange::SetPassword(set) => (Kind::PasswordChanged, set.at),
            DirectoryChange::Rehash(_) => (Kind::PasswordRehashed, NOON),
            DirectoryChange::Suspend(suspend) => (Kind::UserSuspended, suspend.at),
            DirectoryChange::Resume(_) => (Kind::UserResumed, NOON),
            DirectoryChange::SetRoles(_) => (Kind::RolesSet, NOON),
            DirectoryChange::EndUser(end) => (Kind::SessionsEnded, end.ended.at),
            DirectoryChange::EndSessions(end) => (Kind::SessionsEnded, end.ended.at),
            DirectoryChange::Upgrade(upgrade) => (Kind::SessionOpened, upgrade.ended.at),
            DirectoryChange::AddClient(_) => (Kind::ClientCreated, NOON),
            DirectoryChange::SetClient(_) => (Kind::ClientChanged, NOON),
            DirectoryChange::TurnKeys(_) => (Kind::KeysTurned, NOON),
            DirectoryChange::TrimFeed(_) => (Kind::FeedTrimmed, NOON),
            DirectoryChange::MoveRealm(_) => (Kind::RealmMoved, NOON),
            DirectoryChange::BeginSpread(spread) => (Kind::SpreadMoved, spread.began),
            DirectoryChange::StepSpread(step) => (Kind::SpreadMoved, step.ended.at),
            DirectoryChange::AddVerifier(_) => (Kind::VerifierAdded, NOON),
            DirectoryChange::RemoveVerifier(remove) => (Kind::VerifierRemoved, remove.at),
            DirectoryChange::SetTerms(_) => (Kind::TermsSet, NOON),
            DirectoryChange::Note => (Kind::AttemptsRefused, NOON),
        };
        Self::Durable(change, cast::event(kind, at))
    }
}

/// Commits a change, whatever becomes of it.
///
/// # Errors
/// The store's.
pub async fn commit(stores: &Stores, change: impl Into<Change>) -> Result<Committed, StoreError> {
    match change.into() {
        Change::Hot(change) => stores.sessions.commit(change).await,
        Change::Durable(change, event) => stores.directory.commit_durable(change, event).await,
    }
}

/// Commits a change that must go through.
///
/// # Panics
/// If it does not.
pub async fn done(stores: &Stores, change: impl Into<Change>) -> Receipt {
    let change = change.into();
    match commit(stores, change.clone()).await {
        Ok(Committed::Done(receipt)) => receipt,
        other => panic!("{other:?} for {change:?}"),
    }
}

/// Commits a change that must conflict, and must leave no trace.
///
/// # Panics
/// If it is done, or something changed.
pub async fn conflicts(stores: &Stores, change: impl Into<Change>) {
    let change = change.into();
    let before = Picture::take(stores).await;
    assert_eq!(commit(stores, change.clone()).await, Ok(Committed::Conflict), "{change:?}");
    before.assert_same(&Picture::take(stores).await, &format!("a conflict of {change:?}"));
}

/// Commits many changes at once; gives how many were done. The others must be conflicts.
///
/// # Panics
/// If one is neither.
pub async fn done_of(stores: &Stores, changes: Vec<Change>) -> usize {
    let tasks = changes.into_iter().map(|change| {
        let stores = stores.clone();
        tokio::spawn(async move { commit(&stores, change).await })
    });
    let mut done = 0;
    for task in tasks.collect::<Vec<_>>() {
        match task.await.expect("no panic") {
            Ok(Committed::Done(_)) => done += 1,
            Ok(Committed::Conflict) => {}
            Err(error) => panic!("{error}"),
        }
    }
    done
}

/// Loads what must be readable.
///
/// # Panics
/// If the store cannot answer.
pub async fn answer<T>(read: impl Future<Output = Result<T, StoreError>>) -> T {
    read.await.expect("the store answers")
}

/// Loads a session that must be there.
///
/// # Panics
/// If it is not.
pub async fn load(stores: &Stores, id: SessionId) -> Session {
    answer(stores.sessions.session(id)).await.expect("the session is there")
}

/// The head of the feed.
pub async fn head(stores: &Stores) -> Position {
    answer(stores.directory.head()).await
}

/// The epochs that apply to a session.
pub async fn epochs_of(stores: &Stores, session: &Session) -> Epochs {
    answer(stores.directory.epochs(session.user, &session.client)).await
}

/// Loads a session and asks whether it is alive.
///
/// # Errors
/// Why it is not.
pub async fn check(stores: &Stores, id: SessionId, now: Timestamp) -> Result<(), Refusal> {
    let session = load(stores, id).await;
    session.check(epochs_of(stores, &session).await, now)
}

/// Adds client 1 and users 1 to `users`.
pub async fn people(stores: &Stores, users: u8) {
    done(stores, add_client(client(1))).await;
    for number in 1..=users {
        done(stores, add_user(user(number))).await;
    }
}

/// Opens a session of a user (of a guest: `None`), born at today's head; gives it as stored.
pub async fn opened(stores: &Stores, number: u8, of: Option<u8>) -> Session {
    let born = head(stores).await;
    done(stores, open(session(number, of, born))).await;
    load(stores, cast::session_id(number)).await
}

/// The version that a user is at.
pub async fn version_of(stores: &Stores, number: u8) -> u64 {
    user_of(stores, user_id(number)).await.version
}

async fn user_of(stores: &Stores, id: UserId) -> doorward_core::user::User {
    answer(stores.directory.user(id)).await.expect("the user is there")
}

/// The epochs of client 1, as they apply to guests.
pub async fn guest_epochs(stores: &Stores) -> Epochs {
    answer(stores.directory.epochs(None, &client_id(1))).await
}

#[cfg(test)]
mod tests {
    /// A case that nobody calls proves nothing.
    #[test]
    fn every_case_is_on_the_list() {
        let list = include_str!("mod.rs");
        let topics = [
            include_str!("clients.rs"),
            include_str!("data.rs"),
            include_str!("failures.rs"),
            include_str!("keys.rs"),
            include_str!("log.rs"),
            include_str!("password.rs"),
            include_str!("realm.rs"),
            include_str!("revocation.rs"),
            include_str!("rotation.rs"),
            include_str!("sessions.rs"),
            include_str!("sweep.rs"),
            include_str!("upgrade.rs"),
            include_str!("users.rs"),
            include_str!("verifiers.rs"),
        ];
        let cases = topics.iter().flat_map(|topic| topic.split("pub async fn ").skip(1));
        let names = cases.map(|case| case.split('(').next().unwrap_or_default());
        let missing: Vec<_> = names.filter(|name| !list.contains(&format!("            {name}\n"))).collect();
        assert!(missing.is_empty(), "not called by store_suite!: {missing:?}");
    }
}
