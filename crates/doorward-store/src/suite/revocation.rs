//! Ends: by epoch, one by one, and what the receipt counts.

use doorward_core::feed::Draft;
use doorward_core::session::{EndReason, Ended, Refusal, Session};
use doorward_core::user::User;
use doorward_core::{Lifetime, Scope, Strength};

use super::cast::{
    add_client, add_user, after, client, client_id, end, end_user, handle, open, session, session_id, set_client,
    set_password, suspend, user, user_id,
};
use super::{Change, answer, check, conflicts, done, done_of, epochs_of, guest_epochs, head, load, opened, people};
use crate::Stores;

/// A place is inclusive: what was born with the epoch in sight has nothing to do with what came before.
pub async fn a_session_born_at_an_epoch_lives_and_one_born_before_is_dead(stores: &Stores) {
    people(stores, 1).await;
    let first = opened(stores, 1, Some(1)).await;
    let epoch = done(stores, end_user(1, after(10))).await.head;
    let at = opened(stores, 2, Some(1)).await;
    assert_eq!(at.born, epoch);
    assert_eq!(epochs_of(stores, &at).await.terminal, epoch);
    assert_eq!(check(stores, at.id, after(20)).await, Ok(()));
    let unmarked = Session { ended: None, ..load(stores, first.id).await };
    assert_eq!(unmarked.check(epochs_of(stores, &first).await, after(20)), Err(Refusal::Ended), "by the epoch alone");
}

/// Sign-in read the head, then a suspension came, then the session was opened: it is dead at once.
pub async fn a_session_that_outran_an_epoch_is_dead_when_it_opens(stores: &Stores) {
    people(stores, 1).await;
    let born = head(stores).await;
    done(stores, suspend(1, 1, after(10))).await;
    done(stores, open(session(1, Some(1), born))).await;
    assert_eq!(check(stores, session_id(1), after(11)).await, Err(Refusal::Ended));
}

/// Neither a user nor a client that the store does not know gives life to a session, nor does a deleted user.
pub async fn nobody_unknown_lives(stores: &Stores) {
    people(stores, 1).await;
    let born = head(stores).await;
    assert_eq!(answer(stores.directory.epochs(Some(user_id(1)), &client_id(1))).await, Default::default());
    assert_eq!(guest_epochs(stores).await, Default::default());
    done(stores, add_user(User { deleted_at: Some(after(5)), ..user(2) })).await;
    for (number, of, client) in [(1, Some(7), 1), (2, Some(1), 7), (3, None, 7), (4, Some(2), 1)] {
        done(stores, open(Session { client: client_id(client), ..session(number, of, born) })).await;
        assert_eq!(check(stores, session_id(number), after(10)).await, Err(Refusal::Ended), "session {number}");
    }
}

/// "Sign out everywhere": one line for verifiers, rows marked, others untouched.
pub async fn everything_of_a_user_ends_at_once(stores: &Stores) {
    people(stores, 2).await;
    for (number, of) in [(1, Some(1)), (2, Some(1)), (3, Some(1)), (4, Some(2)), (5, None)] {
        opened(stores, number, of).await;
    }
    let second = load(stores, session_id(2)).await;
    done(stores, end(&[&second], after(10))).await;
    let receipt = done(stores, end_user(1, after(20))).await;
    assert_eq!(receipt.count, 2, "one of three was over");
    let entry = receipt.lines[0].entry;
    assert_eq!((receipt.lines.len(), entry.scope, entry.key), (1, Scope::Subject, handle(1)));
    assert_eq!((entry.strength, entry.min_rv), (Strength::Terminal, Some(receipt.head)));
    let ended = |at, why| Some(Ended { at: after(at), why });
    let by_user = ended(20, EndReason::EndedByUser);
    for (number, end) in [(1, by_user), (2, ended(10, EndReason::SignedOut)), (3, by_user), (4, None), (5, None)] {
        assert_eq!(load(stores, session_id(number)).await.ended, end, "session {number}");
    }
    assert_eq!(done(stores, end_user(1, after(30))).await.count, 0);
    conflicts(stores, end_user(7, after(30))).await;
}

/// A line for each that was not over yet; no line, no count and no new reason for the others.
pub async fn sessions_end_one_by_one_and_only_once(stores: &Stores) {
    people(stores, 2).await;
    let mut all = Vec::new();
    for (number, of) in [(1, Some(1)), (2, None), (3, Some(2)), (4, Some(1))] {
        all.push(opened(stores, number, of).await);
    }
    done(stores, end(&[&all[1]], after(10))).await;
    let gone = session(8, None, all[0].born);
    let before = head(stores).await;
    let receipt = done(stores, end(&[&all[2], &all[1], &gone, &all[0]], after(20))).await;
    assert_eq!(receipt.count, 2);
    let keys: Vec<_> = receipt.lines.iter().map(|line| line.entry).collect();
    let drafts = [Draft::session(session_id(3)), Draft::session(session_id(1))];
    assert_eq!(keys, drafts.map(|draft| draft.at(before)), "in the order they were asked for");
    assert_eq!(receipt.head.seq, before.seq + 2);
    assert_eq!(load(stores, session_id(2)).await.ended, Some(Ended { at: after(10), why: EndReason::SignedOut }));
    assert_eq!(check(stores, session_id(4), after(30)).await, Ok(()));
    let nothing = done(stores, end(&[&all[0], &gone], after(40))).await;
    assert_eq!((nothing.count, nothing.lines.len(), nothing.head), (0, 0, receipt.head));
}

/// Who asks "how many did you sign out?" means those that could still have been used.
pub async fn an_end_counts_only_what_was_alive(stores: &Stores) {
    people(stores, 1).await;
    done(stores, add_client(client(2))).await;
    let cut_off = opened(stores, 1, Some(1)).await;
    done(stores, set_password(1, 1, None, after(10))).await;
    let born = head(stores).await;
    let expired = Session { expires_at: after(20), ..session(2, Some(1), born) };
    let switched_off = Session { client: client_id(2), ..session(3, Some(1), born) };
    for fresh in [expired.clone(), switched_off.clone()] {
        done(stores, open(fresh)).await;
    }
    let off = doorward_core::client::Client { disabled_at: Some(after(15)), ..client(2) };
    done(stores, set_client(off, 1, Vec::new())).await;
    let alive = opened(stores, 4, Some(1)).await;
    let receipt = done(stores, end(&[&cut_off, &expired, &switched_off], after(20))).await;
    assert_eq!((receipt.count, receipt.lines.len()), (0, 3), "verifiers are told all the same");
    let unused = alive.idle + Lifetime::from_hours(1);
    let late = Session { last_seen_at: after(20) + unused, ..session(5, Some(1), born) };
    done(stores, open(late)).await;
    assert_eq!(done(stores, end_user(1, after(20) + unused)).await.count, 1, "the other one lay unused for too long");
    assert!(load(stores, alive.id).await.ended.is_some(), "but is marked");
}

/// Tabs that sign out at the same time.
pub async fn of_many_ends_of_one_session_one_counts(stores: &Stores) {
    people(stores, 1).await;
    let mine = opened(stores, 1, Some(1)).await;
    let before = head(stores).await;
    let ends = (0..8).map(|tab| Change::from(end(&[&mine], after(10 + tab)))).collect();
    assert_eq!(done_of(stores, ends).await, 8, "an end is never a conflict");
    assert_eq!(answer(stores.directory.feed_after(before, 100)).await.len(), 1);
}
