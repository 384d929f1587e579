//! Users: found, unique, listed, suspended and resumed.

use doorward_core::id::OrgId;
use doorward_core::role::Roles;
use doorward_core::session::Refusal;
use doorward_core::user::{Email, User};
use doorward_core::{Position, Strength};

use super::cast::{NOON, add_user, after, handle, resume, set_roles, suspend, user, user_id};
use super::{Change, answer, check, conflicts, done, done_of, opened, people};
use crate::{Credential, Stores};

/// What was added is there, whole, with a first password.
pub async fn a_user_is_found_by_id_and_by_address(stores: &Stores) {
    let ada =
        User { org: Some(OrgId::from_bytes([3; 16])), email_verified_at: Some(after(5)), name: None, ..user(1) };
    let ada = User { roles: Roles::of(["writer", "admin"]).expect("roles"), ..ada };
    let receipt = done(stores, add_user(ada.clone())).await;
    assert!(receipt.lines.is_empty());
    assert_eq!(answer(stores.directory.user(ada.id)).await.as_ref(), Some(&ada));
    assert_eq!(answer(stores.directory.user_by_email("person1@example.test")).await, Some(ada));
    let first = Credential { phc: String::from("$argon2id$first"), version: 1 };
    assert_eq!(answer(stores.directory.credential(user_id(1))).await, Some(first));
    assert_eq!(answer(stores.directory.user(user_id(2))).await, None);
    assert_eq!(answer(stores.directory.user_by_email("Person1@example.test")).await, None, "keys are in lower case");
    assert_eq!(answer(stores.directory.credential(user_id(2))).await, None);
}

/// However it is typed; and an id is given once, too.
pub async fn an_address_is_given_once(stores: &Stores) {
    done(stores, add_user(user(1))).await;
    let email = Email::parse("PERSON1@Example.Test").expect("an address");
    conflicts(stores, add_user(User { email, ..user(2) })).await;
    conflicts(stores, add_user(User { id: user_id(1), ..user(2) })).await;
    done(stores, add_user(user(2))).await;
}

/// A race for one address has one winner.
pub async fn of_many_sign_ups_with_one_address_one_wins(stores: &Stores) {
    let signing = |number| Change::from(add_user(User { id: user_id(number), ..user(1) }));
    assert_eq!(done_of(stores, (1..=8).map(signing).collect()).await, 1);
    assert_eq!(answer(stores.directory.users_after(None, 100)).await.len(), 1);
}

/// Pages meet without overlap or gap, whatever the order of sign-up was.
pub async fn users_are_listed_in_order_page_by_page(stores: &Stores) {
    for number in [5, 2, 9, 1, 7] {
        done(stores, add_user(user(number))).await;
    }
    let mut pages = Vec::new();
    let mut last = None;
    loop {
        let page = answer(stores.directory.users_after(last, 2)).await;
        let Some(newest) = page.last() else { break };
        last = Some(newest.id);
        pages.push(page.iter().map(|user| user.id.bytes()[0]).collect::<Vec<_>>());
    }
    assert_eq!(pages, [vec![1, 2], vec![5, 7], vec![9]]);
    let from_between = answer(stores.directory.users_after(Some(user_id(6)), 10)).await;
    assert_eq!(from_between, [user(7), user(9)]);
}

/// O(1): the row's epoch ends the sessions, and no later change of the row takes that back.
pub async fn a_suspension_ends_everything_and_resuming_brings_nothing_back(stores: &Stores) {
    people(stores, 2).await;
    let first = opened(stores, 1, Some(1)).await;
    let others = opened(stores, 2, Some(2)).await;
    let receipt = done(stores, suspend(1, 1, after(10))).await;
    assert_eq!(receipt.lines.iter().map(|line| line.entry.key).collect::<Vec<_>>(), [handle(1)]);
    let epoch = receipt.lines[0].place;
    assert_eq!(receipt.lines[0].entry.min_rv, Some(epoch));
    let suspended = User { suspended_at: Some(after(10)), terminal_epoch: epoch, version: 2, ..user(1) };
    assert_eq!(answer(stores.directory.user(user_id(1))).await, Some(suspended.clone()));
    assert_eq!(check(stores, first.id, after(11)).await, Err(Refusal::Ended));
    assert_eq!(check(stores, others.id, after(11)).await, Ok(()));
    assert!(done(stores, resume(1, 2)).await.lines.is_empty());
    let resumed = User { suspended_at: None, version: 3, ..suspended };
    assert_eq!(answer(stores.directory.user(user_id(1))).await, Some(resumed));
    assert_eq!(check(stores, first.id, after(12)).await, Err(Refusal::Ended), "what was ended stays ended");
    let again = opened(stores, 3, Some(1)).await;
    assert_eq!(check(stores, again.id, NOON).await, Ok(()), "a new sign-in lives");
}

/// Operators who look at an old page decide nothing.
pub async fn a_user_who_changed_meanwhile_is_not_suspended_or_resumed(stores: &Stores) {
    people(stores, 1).await;
    conflicts(stores, suspend(1, 2, after(10))).await;
    conflicts(stores, suspend(2, 1, after(10))).await;
    done(stores, suspend(1, 1, after(10))).await;
    conflicts(stores, suspend(1, 1, after(20))).await;
    conflicts(stores, resume(1, 1)).await;
    conflicts(stores, resume(2, 1)).await;
    done(stores, resume(1, 2)).await;
    conflicts(stores, resume(1, 2)).await;
    let epoch = answer(stores.directory.user(user_id(1))).await.map(|user| user.terminal_epoch);
    assert!(epoch > Some(Position::START));
}

/// Row, epoch and line are one step; sessions live on, and only this user's credentials are to be renewed.
pub async fn other_roles_sign_nobody_out_and_ask_for_a_renewal(stores: &Stores) {
    people(stores, 2).await;
    let session = opened(stores, 1, Some(1)).await;
    let receipt = done(stores, set_roles(1, 1, "admin writer")).await;
    let entries: Vec<_> = receipt.lines.iter().map(|line| (line.entry.key, line.entry.strength)).collect();
    assert_eq!(entries, [(handle(1), Strength::RefreshRequired)]);
    let roles = Roles::of(["admin", "writer"]).expect("roles");
    let epoch = receipt.lines[0].place;
    let set = User { roles, refresh_epoch: epoch, version: 2, ..user(1) };
    assert_eq!(answer(stores.directory.user(user_id(1))).await, Some(set.clone()));
    assert_eq!(answer(stores.directory.users_after(None, 9)).await, [set.clone(), user(2)]);
    assert_eq!(check(stores, session.id, after(11)).await, Ok(()), "nobody is signed out");
    let epochs = answer(stores.directory.epochs(session.user, &session.client)).await;
    assert_eq!((epochs.refresh, epochs.terminal), (epoch, Position::START));
    let receipt = done(stores, set_roles(1, 2, "")).await;
    let bare = User { roles: Roles::NONE, refresh_epoch: receipt.lines[0].place, version: 3, ..set };
    assert_eq!(answer(stores.directory.user(user_id(1))).await, Some(bare));
}

/// Of two operators who look at the same page, one decides.
pub async fn the_roles_of_a_user_who_changed_meanwhile_stay(stores: &Stores) {
    people(stores, 1).await;
    conflicts(stores, set_roles(1, 2, "admin")).await;
    conflicts(stores, set_roles(2, 1, "admin")).await;
    done(stores, set_roles(1, 1, "admin")).await;
    conflicts(stores, set_roles(1, 1, "writer")).await;
    let roles = answer(stores.directory.user(user_id(1))).await.map(|user| user.roles);
    assert_eq!(roles, Roles::of(["admin"]));
}
