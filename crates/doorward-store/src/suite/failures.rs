//! Wrong passwords in a row: counted by the server, kept by the store.

use doorward_core::change::SessionChange;
use doorward_core::throttle::{Failures, Whose};

use super::cast::{after, tally};
use super::picture::Picture;
use super::{answer, done};
use crate::Stores;

async fn kept(stores: &Stores) -> Vec<(u8, u32)> {
    let all = answer(stores.sessions.failures(100)).await;
    all.iter().map(|(whose, failures)| (whose.0[0], failures.count)).collect()
}

/// The last word counts, whatever was there before; nothing of it is told to verifiers or to the audit log.
pub async fn failures_are_kept_overwritten_and_forgotten(stores: &Stores) {
    let before = Picture::take(stores).await;
    done(stores, tally(1, 3, after(1))).await;
    done(stores, tally(2, 9, after(2))).await;
    done(stores, tally(1, 4, after(3))).await;
    assert_eq!(kept(stores).await, [(1, 4), (2, 9)]);
    let all = answer(stores.sessions.failures(1)).await;
    assert_eq!(all, [(Whose([1; 16]), Failures { count: 4, last: after(3) })]);
    // Several in one change, one of them twice: in their order.
    let two = Some(Failures { count: 2, last: after(4) });
    let many = vec![(Whose([1; 16]), None), (Whose([2; 16]), two), (Whose([3; 16]), two), (Whose([3; 16]), None)];
    done(stores, SessionChange::Tally(many)).await;
    assert_eq!(kept(stores).await, [(2, 2)]);
    done(stores, tally(2, 0, after(5))).await;
    done(stores, tally(7, 0, after(5))).await;
    before.assert_same(&Picture::take(stores).await, "failures that came and went");
}

/// As many as are asked for.
pub async fn failures_are_listed_in_order_up_to_a_limit(stores: &Stores) {
    for number in [5, 1, 4, 2, 3] {
        done(stores, tally(number, number.into(), after(1))).await;
    }
    let some = answer(stores.sessions.failures(3)).await;
    assert_eq!(some.iter().map(|(whose, _)| whose.0[0]).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(answer(stores.sessions.failures(0)).await, []);
}
