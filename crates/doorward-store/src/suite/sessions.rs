//! Sessions: opening, finding, using, listing, and that an end is an end.

use doorward_core::change::{Confirm, Report, SessionChange};
use doorward_core::client::Client;
use doorward_core::id::{ClientId, UserId};
use doorward_core::policy::IDLE_ALLOWANCE;
use doorward_core::session::{EndReason, Ended, Previous, Session};
use doorward_core::{Lifetime, Timestamp};

use super::cast::{
    add_client, after, client, end, end_user, keep, open, put, rotate, rotate_to, secret, session, session_id,
    set_password, user_id,
};
use super::{Change, answer, conflicts, done, done_of, epochs_of, head, load, opened, people};
use crate::Stores;

const INSTANT: Lifetime = Lifetime::from_millis(1);

/// What is opened is there, whole, before its caller is answered.
pub async fn an_opened_session_is_found_by_id_and_by_secret(stores: &Stores) {
    people(stores, 1).await;
    let fresh = Session {
        acr: Some(String::from("urn:example:silver")),
        org: Some(doorward_core::id::OrgId::from_bytes([5; 16])),
        exchange: Some(doorward_core::session::Generation(0)),
        ..session(1, Some(1), head(stores).await)
    };
    let receipt = done(stores, open(fresh.clone())).await;
    assert!(receipt.lines.is_empty(), "verifiers need not know");
    assert_eq!(load(stores, fresh.id).await, fresh);
    assert_eq!(answer(stores.sessions.session_by_secret(&secret(1))).await, Some(fresh));
    assert_eq!(answer(stores.sessions.session(session_id(2))).await, None);
    assert_eq!(answer(stores.sessions.session_by_secret(&secret(2))).await, None);
}

/// Neither an id nor a secret, current or replaced, belongs to two sessions.
pub async fn an_id_or_a_secret_that_is_taken_opens_nothing(stores: &Stores) {
    people(stores, 1).await;
    let first = opened(stores, 1, Some(1)).await;
    let born = first.born;
    conflicts(stores, open(Session { secret: Some(secret(2)), ..session(1, Some(1), born) })).await;
    conflicts(stores, open(Session { secret: Some(secret(1)), ..session(2, Some(1), born) })).await;
    done(stores, rotate_to(&first, epochs_of(stores, &first).await, 3, after(10))).await;
    conflicts(stores, open(Session { secret: Some(secret(1)), ..session(2, None, born) })).await;
    conflicts(stores, open(Session { secret: Some(secret(3)), ..session(2, None, born) })).await;
    let now = load(stores, first.id).await;
    done(stores, end(&[&now], after(20))).await;
    conflicts(stores, open(session(1, Some(1), born))).await;
    conflicts(stores, open(Session { secret: Some(secret(3)), ..session(2, None, born) })).await;
}

/// Strategies `jwt` and `hybrid` have no session secret; nothing is not the same as nothing.
pub async fn sessions_without_a_secret_do_not_meet(stores: &Stores) {
    people(stores, 1).await;
    for number in 1..=3 {
        done(stores, open(Session { secret: None, ..session(number, Some(1), head(stores).await) })).await;
    }
    assert_eq!(answer(stores.sessions.sessions_of(user_id(1), after(10))).await.len(), 3);
}

/// A store may look for rows by the beginning of what it is asked for; it answers by the whole.
pub async fn secrets_and_users_that_begin_alike_are_told_apart(stores: &Stores) {
    people(stores, 1).await;
    let alike = |last| {
        let mut hash = secret(1);
        hash.0[31] = last;
        hash
    };
    let mut namesake = user_id(1).bytes();
    namesake[15] = 9;
    let namesake = UserId::from_bytes(namesake);
    let born = head(stores).await;
    let mine = Session { secret: Some(alike(1)), ..session(1, Some(1), born) };
    let theirs = Session { secret: Some(alike(2)), user: Some(namesake), ..session(2, Some(1), born) };
    for fresh in [&mine, &theirs] {
        done(stores, open(fresh.clone())).await;
    }
    assert_eq!(answer(stores.sessions.session_by_secret(&alike(1))).await.as_ref(), Some(&mine));
    assert_eq!(answer(stores.sessions.session_by_secret(&alike(2))).await.as_ref(), Some(&theirs));
    assert_eq!(answer(stores.sessions.session_by_secret(&alike(3))).await, None);
    assert_eq!(answer(stores.sessions.sessions_of(user_id(1), after(10))).await, std::slice::from_ref(&mine));
    assert_eq!(answer(stores.sessions.sessions_of(namesake, after(10))).await, std::slice::from_ref(&theirs));
    conflicts(stores, open(Session { secret: Some(alike(2)), ..session(3, Some(1), born) })).await;
    let ended = done(stores, end_user(1, after(20))).await;
    assert_eq!((ended.count, load(stores, theirs.id).await.ended), (1, None), "nobody else's end");
}

/// A race for one secret has one winner.
pub async fn of_many_openings_under_one_secret_one_wins(stores: &Stores) {
    people(stores, 1).await;
    let born = head(stores).await;
    let same = |number| Change::from(open(Session { secret: Some(secret(9)), ..session(number, Some(1), born) }));
    assert_eq!(done_of(stores, (1..=8).map(same).collect()).await, 1);
    let winner = answer(stores.sessions.session_by_secret(&secret(9))).await.expect("a winner");
    assert_eq!(answer(stores.sessions.sessions_of(user_id(1), after(10))).await, [winner]);
}

/// `last_seen` is a maximum: reports of use arrive in any order.
pub async fn use_moves_the_last_sight_forward_only(stores: &Stores) {
    people(stores, 1).await;
    let first = opened(stores, 1, Some(1)).await;
    let second = opened(stores, 2, None).await;
    let receipt = done(stores, SessionChange::Touch(vec![(first.id, after(100)), (second.id, after(90))])).await;
    assert_eq!(receipt.count, 2);
    let late = SessionChange::Touch(vec![(first.id, after(99)), (second.id, after(91))]);
    assert_eq!(done(stores, late.clone()).await.count, 1, "one of them is newer");
    assert_eq!(done(stores, late).await.count, 0, "a report that comes twice moves nothing");
    assert_eq!(load(stores, first.id).await, Session { last_seen_at: after(100), ..first });
    assert_eq!(load(stores, second.id).await, Session { last_seen_at: after(91), ..second });
}

/// A report of use is never an error, and never a resurrection.
pub async fn use_of_what_is_gone_or_over_is_passed_over(stores: &Stores) {
    people(stores, 1).await;
    let over = opened(stores, 1, Some(1)).await;
    let used = opened(stores, 2, Some(1)).await;
    done(stores, end(&[&over], after(10))).await;
    let over = load(stores, over.id).await;
    let seen = [session_id(8), over.id, used.id].map(|id| (id, after(20)));
    assert_eq!(done(stores, SessionChange::Touch(seen.to_vec())).await.count, 1);
    assert_eq!(load(stores, over.id).await, over);
    assert_eq!(load(stores, used.id).await.last_seen_at, after(20));
    assert_eq!(done(stores, SessionChange::Touch(Vec::new())).await.count, 0);
}

/// Whoever verifies for one application has no say about another's sessions.
pub async fn use_that_a_verifier_reports_counts_for_its_applications_alone(stores: &Stores) {
    people(stores, 1).await;
    let mut seen = Vec::new();
    // Ids that begin or end alike, and one that is over.
    for (number, of) in [(1, "shop"), (2, "shop-1"), (3, "2-shop-1"), (4, "shop-1-2"), (5, "shop-1")] {
        let of = ClientId::parse(of).expect("an id");
        if number < 5 {
            done(stores, add_client(Client { id: of.clone(), ..client(1) })).await;
        }
        done(stores, open(Session { client: of, ..session(number, Some(1), head(stores).await) })).await;
        seen.push((session_id(number), after(100)));
    }
    let over = load(stores, session_id(5)).await;
    done(stores, end(&[&over], after(10))).await;
    let report = |of: &[&str]| {
        let of = of.iter().map(|id| ClientId::parse(id).expect("an id")).collect();
        SessionChange::Report(Report { seen: seen.clone(), of })
    };
    let moved = async || {
        let mut moved = Vec::new();
        for number in 1..=5 {
            moved.extend((load(stores, session_id(number)).await.last_seen_at == after(100)).then_some(number));
        }
        moved
    };
    assert_eq!(done(stores, report(&[])).await.count, 0);
    assert_eq!(done(stores, report(&["shop-1"])).await.count, 1);
    assert_eq!(moved().await, [2]);
    assert_eq!(done(stores, report(&["nobody", "shop-1", "shop-1-2"])).await.count, 1);
    assert_eq!(moved().await, [2, 4]);
    assert_eq!(done(stores, report(&["shop", "2-shop-1"])).await.count, 2);
    assert_eq!(moved().await, [1, 2, 3, 4], "and never one that is over");
}

/// A replaced secret answers until its successor is seen; then it is nobody's.
pub async fn a_seen_secret_ends_the_one_before(stores: &Stores) {
    people(stores, 1).await;
    let before = opened(stores, 1, Some(1)).await;
    done(stores, rotate_to(&before, epochs_of(stores, &before).await, 2, after(10))).await;
    assert_eq!(answer(stores.sessions.session_by_secret(&secret(1))).await.map(|found| found.id), Some(before.id));
    let seen = SessionChange::Confirm(Confirm { session: before.id, secret: secret(2) });
    done(stores, seen.clone()).await;
    assert_eq!(answer(stores.sessions.session_by_secret(&secret(1))).await, None);
    let now = load(stores, before.id).await;
    assert_eq!((now.secret, now.previous), (Some(secret(2)), None));
    done(stores, seen).await;
    assert_eq!(load(stores, before.id).await, now, "seeing it twice changes nothing");
}

/// Only the newest secret proves that its holder has it.
pub async fn a_secret_that_was_replaced_meanwhile_is_not_confirmed(stores: &Stores) {
    people(stores, 1).await;
    let before = opened(stores, 1, Some(1)).await;
    let epochs = epochs_of(stores, &before).await;
    done(stores, rotate_to(&before, epochs, 2, after(10))).await;
    let between = load(stores, before.id).await;
    done(stores, rotate_to(&between, epochs, 3, after(20))).await;
    let now = load(stores, before.id).await;
    assert_eq!(now.previous, Some(Previous { hash: secret(2), until: after(80) }));
    assert_eq!(answer(stores.sessions.session_by_secret(&secret(1))).await, None, "two steps back is nobody's");
    for stale in [secret(1), secret(2)] {
        conflicts(stores, SessionChange::Confirm(Confirm { session: before.id, secret: stale })).await;
    }
    conflicts(stores, SessionChange::Confirm(Confirm { session: session_id(8), secret: secret(3) })).await;
}

/// Ended and expired sessions are not listed; idle expiry is as late as core says, never earlier.
pub async fn the_sessions_of_a_user_are_the_living_ones_newest_first(stores: &Stores) {
    people(stores, 2).await;
    let mut all = Vec::new();
    for number in [2, 1, 4, 3] {
        all.push(opened(stores, number, Some(1)).await);
    }
    opened(stores, 5, Some(2)).await;
    opened(stores, 6, None).await;
    done(stores, end(&[&all[3]], after(10))).await;
    let long = Session { expires_at: after(100), ..session(7, Some(1), head(stores).await) };
    done(stores, open(long)).await;
    assert_eq!(listed(stores, after(20)).await, [7, 4, 2, 1].map(session_id));
    assert_eq!(listed(stores, after(100) - INSTANT).await, [7, 4, 2, 1].map(session_id));
    assert_eq!(listed(stores, after(100)).await, [4, 2, 1].map(session_id), "past its absolute end");
    let unused = all[1].last_seen_at + all[1].idle + IDLE_ALLOWANCE;
    assert_eq!(listed(stores, unused - INSTANT).await, [4, 2, 1].map(session_id));
    assert_eq!(listed(stores, unused).await, [4, 2].map(session_id), "unused for too long");
    done(stores, SessionChange::Touch(vec![(session_id(1), after(30))])).await;
    assert_eq!(listed(stores, unused).await, [4, 2, 1].map(session_id));
}

async fn listed(stores: &Stores, now: Timestamp) -> Vec<doorward_core::id::SessionId> {
    answer(stores.sessions.sessions_of(user_id(1), now)).await.iter().map(|session| session.id).collect()
}

/// An operator sees the newest of all, guests too, and no more than asked for.
pub async fn the_newest_sessions_of_everybody_are_as_alive_as_a_users(stores: &Stores) {
    people(stores, 2).await;
    for (number, of) in [(1, Some(1)), (2, None), (3, Some(2)), (4, Some(1))] {
        opened(stores, number, of).await;
    }
    let over = load(stores, session_id(3)).await;
    done(stores, end(&[&over], after(10))).await;
    let ids = |sessions: Vec<Session>| sessions.iter().map(|session| session.id).collect::<Vec<_>>();
    let now = after(20);
    assert_eq!(ids(answer(stores.sessions.sessions_newest(9, now)).await), [4, 2, 1].map(session_id));
    assert_eq!(ids(answer(stores.sessions.sessions_newest(2, now)).await), [4, 2].map(session_id));
    assert_eq!(ids(answer(stores.sessions.sessions_newest(0, now)).await), []);
    let later = over.expires_at + Lifetime::from_hours(1);
    assert_eq!(ids(answer(stores.sessions.sessions_newest(9, later)).await), []);
}

/// Lists have one order, also where the clock does not tell sessions apart.
pub async fn sessions_that_began_together_are_listed_by_their_ids(stores: &Stores) {
    people(stores, 1).await;
    for number in [3, 1, 4, 2] {
        let created_at = after(i64::from(number / 3));
        done(stores, open(Session { created_at, ..session(number, Some(1), head(stores).await) })).await;
    }
    assert_eq!(listed(stores, after(10)).await, [4, 3, 2, 1].map(session_id));
    let ids = |sessions: Vec<Session>| sessions.iter().map(|session| session.id).collect::<Vec<_>>();
    assert_eq!(ids(answer(stores.sessions.sessions_newest(3, after(10))).await), [4, 3, 2].map(session_id));
    assert_eq!(ids(answer(stores.sessions.sessions_newest(1, after(10))).await), [session_id(4)]);
}

/// Whatever was decided before the end and is committed after it changes nothing.
pub async fn nothing_that_comes_late_brings_an_ended_session_back(stores: &Stores) {
    people(stores, 1).await;
    let alive = opened(stores, 1, Some(1)).await;
    let epochs = epochs_of(stores, &alive).await;
    let shelf = answer(stores.sessions.shelf(alive.id)).await;
    done(stores, end(&[&alive], after(10))).await;
    let over = load(stores, alive.id).await;
    assert_eq!(over.ended, Some(Ended { at: after(10), why: EndReason::SignedOut }));
    conflicts(stores, rotate(&alive, epochs, after(11))).await;
    conflicts(stores, rotate_to(&alive, epochs, 2, after(11))).await;
    conflicts(stores, put(&alive, &shelf, "cart", b"[]", true)).await;
    conflicts(stores, SessionChange::Confirm(Confirm { session: alive.id, secret: secret(1) })).await;
    conflicts(stores, set_password(1, 1, Some(keep(&alive, 2, after(11))), after(11))).await;
    conflicts(stores, open(session(1, Some(1), alive.born))).await;
    done(stores, SessionChange::Touch(vec![(alive.id, after(50))])).await;
    done(stores, end(&[&alive], after(60))).await;
    assert_eq!(load(stores, alive.id).await, over, "not a bit of it moved");
    assert_eq!(answer(stores.sessions.session_by_secret(&secret(1))).await, Some(over), "and it is still found");
}
