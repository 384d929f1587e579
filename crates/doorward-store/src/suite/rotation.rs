//! Rotation: one conditional write, which loses to whatever came between.

use doorward_core::Strength;
use doorward_core::audit::Kind;
use doorward_core::change::{self, SessionChange};
use doorward_core::feed::Draft;
use doorward_core::refresh::NewSecret;
use doorward_core::session::{Epochs, Generation, Refusal};

use super::cast::{
    after, client, event, open, resume, rotate, rotate_to, secret, session, set_client, suspend, turn,
};
use super::{
    Change, answer, check, conflicts, done, done_of, epochs_of, guest_epochs, head, load, opened, people, version_of,
};
use crate::Stores;

/// The row is what core says it is once the turn is committed, and the same turn is not committed twice.
pub async fn a_rotation_turns_exactly_the_generation_it_starts_from(stores: &Stores) {
    people(stores, 1).await;
    let mut now = opened(stores, 1, Some(1)).await;
    let epochs = epochs_of(stores, &now).await;
    for step in 1..=20 {
        let turned = turn(&now, epochs, after(60 * step)).applied_to(&now, None);
        let change = rotate(&now, epochs, after(60 * step));
        let receipt = done(stores, change.clone()).await;
        assert!(receipt.lines.is_empty() && receipt.head == head(stores).await);
        assert_eq!(load(stores, now.id).await, turned, "step {step}, with a ring of at most sixteen");
        conflicts(stores, change).await;
        now = turned;
    }
    let ahead = doorward_core::session::Session { generation: Generation(99), ..now.clone() };
    conflicts(stores, rotate(&ahead, epochs, after(2000))).await;
    conflicts(stores, rotate(&session(8, None, now.born), epochs, after(2000))).await;
}

/// For a lost reply: the secret before answers beside the new one.
pub async fn a_rotation_that_hands_out_a_secret_keeps_the_one_before(stores: &Stores) {
    people(stores, 1).await;
    let before = opened(stores, 1, Some(1)).await;
    let epochs = epochs_of(stores, &before).await;
    done(stores, rotate_to(&before, epochs, 2, after(10))).await;
    let now = load(stores, before.id).await;
    assert_eq!(now.secret, Some(secret(2)));
    assert_eq!(now.previous, before.superseded_secret(after(10)));
    for hash in [secret(1), secret(2)] {
        assert_eq!(answer(stores.sessions.session_by_secret(&hash)).await.as_ref(), Some(&now));
    }
    done(stores, rotate(&now, epochs, after(20))).await;
    let later = load(stores, before.id).await;
    assert_eq!((later.secret, later.previous), (now.secret, now.previous), "a turn without a secret leaves both");
}

/// A look-up by secret must never have two answers.
pub async fn a_rotation_never_hands_out_another_sessions_secret(stores: &Stores) {
    people(stores, 1).await;
    let first = opened(stores, 1, Some(1)).await;
    let epochs = epochs_of(stores, &first).await;
    let second = opened(stores, 2, Some(1)).await;
    conflicts(stores, rotate_to(&first, epochs, 2, after(10))).await;
    done(stores, rotate_to(&second, epochs, 3, after(10))).await;
    conflicts(stores, rotate_to(&first, epochs, 2, after(20))).await;
    conflicts(stores, rotate_to(&first, epochs, 3, after(20))).await;
}

/// A store that went backwards is worth a link; an ordinary turn is not.
pub async fn a_remarkable_rotation_is_in_the_audit_log(stores: &Stores) {
    people(stores, 1).await;
    let before = opened(stores, 1, Some(1)).await;
    let epochs = epochs_of(stores, &before).await;
    let links = answer(stores.directory.audit_after(0, 100)).await;
    done(stores, rotate(&before, epochs, after(10))).await;
    assert_eq!(answer(stores.directory.audit_after(0, 100)).await, links);
    let now = load(stores, before.id).await;
    let remark = event(Kind::StoreRegressed, after(20));
    let turn = doorward_core::refresh::Turn { regressed: true, ..turn(&now, epochs, after(20)) };
    let secret = Some(NewSecret { hash: secret(2), previous: None });
    let change = change::Rotate { turn, secret, event: Some(remark.clone()) };
    done(stores, SessionChange::Rotate(Box::new(change))).await;
    let last = answer(stores.directory.audit_after(links.len() as u64, 100)).await;
    assert_eq!(last.iter().map(|link| &link.event).collect::<Vec<_>>(), [&remark]);
    assert_eq!(load(stores, before.id).await.previous, None);
}

/// RT8: the epoch that a turn was decided under must still be the latest.
pub async fn a_suspension_between_load_and_rotation_wins(stores: &Stores) {
    people(stores, 1).await;
    let loaded = opened(stores, 1, Some(1)).await;
    let epochs = epochs_of(stores, &loaded).await;
    done(stores, suspend(1, version_of(stores, 1).await, after(10))).await;
    conflicts(stores, rotate(&loaded, epochs, after(11))).await;
    done(stores, resume(1, version_of(stores, 1).await)).await;
    conflicts(stores, rotate(&loaded, epochs, after(12))).await;
    assert_eq!(check(stores, loaded.id, after(13)).await, Err(Refusal::Ended));
}

/// The same for the epoch of the application, and while it is switched off.
pub async fn a_client_cut_off_between_load_and_rotation_wins(stores: &Stores) {
    people(stores, 1).await;
    let guest = opened(stores, 1, None).await;
    let epochs = guest_epochs(stores).await;
    let off = doorward_core::client::Client { disabled_at: Some(after(10)), ..client(1) };
    done(stores, set_client(off, 1, Vec::new())).await;
    conflicts(stores, rotate(&guest, epochs, after(11))).await;
    conflicts(stores, rotate(&guest, guest_epochs(stores).await, after(11))).await;
    done(stores, set_client(client(1), 2, Vec::new())).await;
    let renewal = Draft::client(&guest.client, Strength::RefreshRequired);
    done(stores, set_client(client(1), 3, vec![renewal])).await;
    done(stores, rotate(&guest, epochs, after(12))).await;
    let guest = load(stores, guest.id).await;
    let cut = Draft::client(&guest.client, Strength::Terminal);
    done(stores, set_client(client(1), 4, vec![cut])).await;
    conflicts(stores, rotate(&guest, epochs, after(13))).await;
}

/// A turn that states today's epoch does not help a session which was born before it.
pub async fn a_session_born_before_an_epoch_does_not_rotate_under_it(stores: &Stores) {
    people(stores, 1).await;
    let dead = opened(stores, 1, Some(1)).await;
    done(stores, suspend(1, 1, after(10))).await;
    done(stores, resume(1, 2)).await;
    let born = head(stores).await;
    done(stores, open(session(2, Some(1), born))).await;
    let alive = load(stores, super::cast::session_id(2)).await;
    let epochs = epochs_of(stores, &dead).await;
    assert_eq!(epochs.terminal, born);
    conflicts(stores, rotate(&dead, epochs, after(20))).await;
    conflicts(stores, rotate(&alive, Epochs::default(), after(20))).await;
    done(stores, rotate(&alive, epochs, after(20))).await;
}

/// RT1: eight tabs and eight duplicates get one successor.
pub async fn of_sixteen_rotations_from_one_generation_one_wins(stores: &Stores) {
    people(stores, 1).await;
    let mut now = opened(stores, 1, Some(1)).await;
    let epochs = epochs_of(stores, &now).await;
    for round in 0..8 {
        let volley = (0..16).map(|tab| Change::from(rotate(&now, epochs, after(100 * round + tab)))).collect();
        assert_eq!(done_of(stores, volley).await, 1, "round {round}");
        let turned = load(stores, now.id).await;
        assert_eq!(turned.generation, now.generation.next());
        now = turned;
    }
}
