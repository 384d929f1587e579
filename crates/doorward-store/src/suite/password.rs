//! Changes of password: one transaction over credential, epoch, kept session and feed.

use doorward_core::change::{AddUser, DirectoryChange, Kept};
use doorward_core::password::{Cost, decoy, scheme};
use doorward_core::session::{Generation, Refusal};

use super::cast::{
    after, end, keep, rehash, resume, rotate, secret, session, session_id, set_password, suspend, user, user_id,
};
use super::{Change, answer, check, conflicts, done, done_of, epochs_of, load, opened, people};
use crate::Stores;

async fn version(stores: &Stores) -> Option<u64> {
    answer(stores.directory.credential(user_id(1))).await.map(|credential| credential.version)
}

/// The kept session is born again at the epoch, with new secrets; the others are dead.
pub async fn a_new_password_ends_everything_but_the_kept_session(stores: &Stores) {
    people(stores, 2).await;
    let mine = opened(stores, 1, Some(1)).await;
    let other = opened(stores, 2, Some(1)).await;
    let bystander = opened(stores, 3, Some(2)).await;
    let kept = keep(&mine, 9, after(10));
    let receipt = done(stores, set_password(1, 1, Some(kept.clone()), after(10))).await;
    let epoch = receipt.lines[0].place;
    assert_eq!((receipt.head, receipt.lines.len()), (epoch, 1));
    assert_eq!(load(stores, mine.id).await, kept.applied_to(&mine, epoch, after(10)));
    assert_eq!(check(stores, mine.id, after(11)).await, Ok(()));
    assert_eq!(check(stores, other.id, after(11)).await, Err(Refusal::Ended));
    assert_eq!(check(stores, bystander.id, after(11)).await, Ok(()));
    let credential = answer(stores.directory.credential(user_id(1))).await.expect("a password");
    assert_eq!((credential.phc.as_str(), credential.version), ("$argon2id$after-1", 2));
    for hash in [secret(1), secret(9)] {
        let found = answer(stores.sessions.session_by_secret(&hash)).await;
        assert_eq!(found.map(|session| session.id), Some(mine.id), "a lost reply is not the end");
    }
    conflicts(stores, rotate(&mine, epochs_of(stores, &mine).await, after(12))).await;
}

/// A recovery, or an operator: nobody is kept.
pub async fn a_new_password_without_a_kept_session_ends_everything(stores: &Stores) {
    people(stores, 1).await;
    let mine = opened(stores, 1, Some(1)).await;
    done(stores, set_password(1, 1, None, after(10))).await;
    assert_eq!(check(stores, mine.id, after(11)).await, Err(Refusal::Ended));
    assert_eq!(load(stores, mine.id).await, mine, "by the epoch alone; the row is as it was");
    let again = opened(stores, 2, Some(1)).await;
    assert_eq!(check(stores, again.id, after(11)).await, Ok(()));
    assert_eq!(version(stores).await, Some(2));
}

/// Each half of the precondition, alone, stops the whole.
pub async fn a_password_change_that_conflicts_changes_nothing(stores: &Stores) {
    people(stores, 2).await;
    let mine = opened(stores, 1, Some(1)).await;
    let over = opened(stores, 2, Some(1)).await;
    let theirs = opened(stores, 3, Some(2)).await;
    let guest = opened(stores, 4, None).await;
    done(stores, end(&[&over], after(5))).await;
    let at = after(10);
    let kept = || keep(&mine, 9, at);
    conflicts(stores, set_password(1, 2, Some(kept()), at)).await;
    conflicts(stores, set_password(1, 0, None, at)).await;
    conflicts(stores, set_password(7, 1, None, at)).await;
    conflicts(stores, set_password(1, 1, Some(Kept { from: Generation(1), ..kept() }), at)).await;
    conflicts(stores, set_password(1, 1, Some(Kept { secret: Some(secret(3)), ..kept() }), at)).await;
    for wrong in [&over, &theirs, &guest, &session(8, Some(1), mine.born)] {
        conflicts(stores, set_password(1, 1, Some(keep(wrong, 9, at)), at)).await;
    }
    assert_eq!(version(stores).await, Some(1));
    done(stores, set_password(1, 1, Some(kept()), at)).await;
}

/// The kept session would be born at the newest epoch: if an epoch cut it off meanwhile, that must not revive it.
pub async fn a_suspension_between_load_and_password_change_wins(stores: &Stores) {
    people(stores, 1).await;
    let mine = opened(stores, 1, Some(1)).await;
    let change = set_password(1, 1, Some(keep(&mine, 9, after(11))), after(11));
    done(stores, suspend(1, 1, after(10))).await;
    conflicts(stores, change.clone()).await;
    done(stores, resume(1, 2)).await;
    conflicts(stores, change).await;
    assert_eq!(check(stores, mine.id, after(12)).await, Err(Refusal::Ended));
}

/// Two devices, two new passwords: one of them is told to try again.
pub async fn of_many_password_changes_one_wins(stores: &Stores) {
    people(stores, 1).await;
    let mut changes = Vec::new();
    for number in 1..=8 {
        let device = opened(stores, number, Some(1)).await;
        let kept = keep(&device, number + 10, after(20));
        changes.push(Change::from(set_password(1, 1, Some(kept), after(20))));
    }
    assert_eq!(done_of(stores, changes).await, 1);
    assert_eq!(version(stores).await, Some(2));
    let mut alive = 0;
    for number in 1..=8 {
        alive += u32::from(check(stores, session_id(number), after(21)).await.is_ok());
    }
    assert_eq!(alive, 1);
}

/// The same password, better kept: sessions live on, and a change between load and commit wins.
pub async fn a_rehash_replaces_the_very_hash_that_was_read_and_ends_nothing(stores: &Stores) {
    people(stores, 2).await;
    let mine = opened(stores, 1, Some(1)).await;
    conflicts(stores, rehash(1, 2)).await;
    conflicts(stores, rehash(7, 1)).await;
    let receipt = done(stores, rehash(1, 1)).await;
    assert_eq!((receipt.lines.len(), receipt.count), (0, 0), "nothing for verifiers");
    let credential = answer(stores.directory.credential(user_id(1))).await.expect("a password");
    assert_eq!((credential.phc.as_str(), credential.version), ("$argon2id$anew-1", 2));
    assert_eq!(check(stores, mine.id, after(11)).await, Ok(()));
    done(stores, set_password(1, 2, None, after(12))).await;
    conflicts(stores, rehash(1, 2)).await;
    conflicts(stores, rehash(1, 1)).await;
    assert_eq!(done_of(stores, (0..8).map(|_| Change::from(rehash(1, 3))).collect()).await, 1);
}

/// What the answer about nobody is fitted to.
pub async fn passwords_are_counted_by_scheme(stores: &Stores) {
    people(stores, 2).await;
    let (ours, bcrypt) = (decoy(Cost::FLOOR), format!("$2b$12${}", ".".repeat(53)));
    for (number, phc) in [(3, &ours), (4, &bcrypt), (5, &bcrypt)] {
        let add = AddUser { user: user(number), phc: phc.clone() };
        done(stores, DirectoryChange::AddUser(Box::new(add))).await;
    }
    let counted = || answer(stores.directory.password_schemes(100));
    let (ours, bcrypt) = (scheme(&ours), scheme(&bcrypt));
    assert_eq!(counted().await, [(String::new(), 2), (bcrypt.clone(), 2), (ours.clone(), 1)]);
    done(stores, rehash(4, 1)).await;
    done(stores, set_password(1, 1, None, after(1))).await;
    assert_eq!(counted().await, [(String::new(), 3), (bcrypt.clone(), 1), (ours.clone(), 1)]);
    assert_eq!(
        answer(stores.directory.password_schemes(3)).await,
        [(String::new(), 2), (ours, 1)],
        "in order of ids"
    );
}
