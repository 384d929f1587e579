//! Sweeping: what is over is forgotten, and its id stays unusable for as long as something may carry it.

use doorward_core::change::{Rotate, SessionChange, Sweep};
use doorward_core::policy::{IDLE_ALLOWANCE, RETENTION};
use doorward_core::refresh::Turn;
use doorward_core::session::Session;
use doorward_core::{Lifetime, Timestamp};

use super::cast::{after, end, open, put, rotate_to, secret, session, session_id, turn, user_id};
use super::{answer, conflicts, done, epochs_of, head, load, opened, people};
use crate::Stores;

const INSTANT: Lifetime = Lifetime::from_millis(1);

fn sweep(before: Timestamp, limit: u32) -> SessionChange {
    SessionChange::Sweep(Sweep { before, limit, latest: before })
}

async fn left(stores: &Stores) -> Vec<u8> {
    let mut left = Vec::new();
    for number in 1..=8 {
        if answer(stores.sessions.session(session_id(number))).await.is_some() {
            left.push(number);
        }
    }
    left
}

/// Each way of being over, at its edge and one instant before.
pub async fn a_sweep_forgets_what_is_over_and_nothing_else(stores: &Stores) {
    people(stores, 1).await;
    let born = head(stores).await;
    let edge = after(10_000);
    let alive = Session { last_seen_at: edge, ..session(1, Some(1), born) };
    let unused = |number, last| Session { last_seen_at: last, ..session(number, None, born) };
    let since = edge - Lifetime::from_hours(1) - IDLE_ALLOWANCE;
    let expiring = |number, at| Session { expires_at: at, last_seen_at: edge, ..session(number, Some(1), born) };
    for fresh in [
        alive,
        unused(2, since),
        unused(3, since + INSTANT),
        expiring(4, edge),
        expiring(5, edge + INSTANT),
        expiring(6, after(90_000)),
        expiring(7, after(90_000)),
    ] {
        done(stores, open(fresh)).await;
    }
    let (sixth, seventh) = (load(stores, session_id(6)).await, load(stores, session_id(7)).await);
    done(stores, end(&[&sixth], edge - INSTANT)).await;
    done(stores, end(&[&seventh], edge)).await;
    let receipt = done(stores, sweep(edge, 100)).await;
    assert_eq!(receipt.count, 3);
    assert!(receipt.lines.is_empty(), "verifiers knew of the ends");
    assert_eq!(left(stores).await, [1, 3, 5, 7]);
    assert_eq!(done(stores, sweep(edge, 100)).await.count, 0);
    assert_eq!(done(stores, sweep(edge + INSTANT, 100)).await.count, 3);
    assert_eq!(left(stores).await, [1]);
}

/// Use, and a turn to another idle lifetime, move the end of a session; a sweep before it changes nothing about that.
pub async fn a_sweep_goes_by_the_latest_use_and_the_latest_idle_lifetime(stores: &Stores) {
    people(stores, 1).await;
    for number in 1..=5 {
        opened(stores, number, Some(1)).await;
    }
    let used = after(1_800);
    done(stores, SessionChange::Touch(vec![(session_id(1), used)])).await;
    for (number, idle_mins) in [(2, 60), (3, 10), (4, 180)] {
        let session = load(stores, session_id(number)).await;
        let idle = Lifetime::from_mins(idle_mins);
        let turn = Turn { idle, ..turn(&session, epochs_of(stores, &session).await, used) };
        done(stores, SessionChange::Rotate(Box::new(Rotate { turn, secret: None, event: None }))).await;
    }
    for (idle_mins, left_before, left_after) in
        [(10, vec![1, 2, 3, 4, 5], vec![1, 2, 4, 5]), (60, vec![1, 2, 4], vec![4]), (180, vec![4], vec![])]
    {
        let over = used + Lifetime::from_mins(idle_mins) + IDLE_ALLOWANCE;
        done(stores, sweep(over - INSTANT, 100)).await;
        assert_eq!(left(stores).await, left_before, "an instant before {idle_mins} minutes");
        done(stores, sweep(over, 100)).await;
        assert_eq!(left(stores).await, left_after, "after {idle_mins} minutes");
    }
}

/// Nothing of a swept session is found by any way.
pub async fn a_sweep_takes_data_and_secrets_along(stores: &Stores) {
    people(stores, 1).await;
    let first = opened(stores, 1, Some(1)).await;
    let shelf = answer(stores.sessions.shelf(first.id)).await;
    done(stores, put(&first, &shelf, "cart", b"[1]", true)).await;
    done(stores, rotate_to(&first, epochs_of(stores, &first).await, 2, after(10))).await;
    let first = load(stores, first.id).await;
    done(stores, end(&[&first], after(20))).await;
    assert_eq!(answer(stores.sessions.shelf(first.id)).await.items.len(), 1, "an ended session keeps its data");
    done(stores, sweep(after(30), 100)).await;
    assert_eq!(answer(stores.sessions.session(first.id)).await, None);
    for hash in [secret(1), secret(2)] {
        assert_eq!(answer(stores.sessions.session_by_secret(&hash)).await, None);
    }
    assert_eq!(answer(stores.sessions.shelf(first.id)).await, doorward_core::data::Shelf::default());
    assert_eq!(answer(stores.sessions.datum(first.id, &super::cast::data_key("cart"))).await, None);
    assert_eq!(answer(stores.sessions.sessions_of(user_id(1), after(1))).await, []);
    done(stores, open(Session { secret: Some(secret(1)), ..session(2, None, first.born) })).await;
    assert!(answer(stores.sessions.session_by_secret(&secret(1))).await.is_some(), "a hash of nobody is free");
}

/// A sweep is short, however much there is to do.
pub async fn a_sweep_stops_at_its_limit(stores: &Stores) {
    people(stores, 1).await;
    for number in 1..=5 {
        opened(stores, number, Some(1)).await;
    }
    let late = after(1_000_000);
    assert_eq!(done(stores, sweep(late, 0)).await.count, 0);
    assert_eq!(done(stores, sweep(late, 2)).await.count, 2);
    assert_eq!(left(stores).await.len(), 3);
    assert_eq!(done(stores, sweep(late, 3)).await.count, 3);
    assert_eq!(done(stores, sweep(late, 3)).await.count, 0);
}

/// A token of the swept session may still be about: its id must not begin to mean somebody else.
pub async fn a_swept_id_stays_unusable_until_nothing_can_carry_it(stores: &Stores) {
    people(stores, 1).await;
    let first = opened(stores, 1, Some(1)).await;
    done(stores, end(&[&first], after(10))).await;
    done(stores, sweep(after(20), 100)).await;
    let again = || session(1, None, first.born);
    conflicts(stores, open(again())).await;
    let until = first.expires_at + RETENTION;
    done(stores, sweep(until - INSTANT, 100)).await;
    conflicts(stores, open(again())).await;
    done(stores, sweep(until, 100)).await;
    done(stores, open(again())).await;
}

/// A start with another clock has to know it.
pub async fn the_latest_time_that_was_told_stays(stores: &Stores) {
    let told = |latest| SessionChange::Sweep(Sweep { before: Timestamp::MIN, limit: 0, latest });
    for (latest, kept) in [(after(5), after(5)), (after(3), after(5)), (after(9), after(9))] {
        done(stores, told(latest)).await;
        assert_eq!(answer(stores.directory.realm()).await.latest, kept);
    }
}
