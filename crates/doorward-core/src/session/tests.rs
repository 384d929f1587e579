//! What a session is, says of itself, and can be revoked by.

use doorward_verify::{Entry, Rejection, Revocations, Scope, Strength};

use super::*;
use crate::login::{MOST_SESSIONS, crowded_out};
use crate::policy::{IDLE_ALLOWANCE, TOUCH_EVERY};

fn born_at(seq: u64) -> Session {
    let now = Timestamp::from_secs(1_000_000);
    let client = Client::first_party(ClientId::account(), Strategy::Session, now);
    let opening = Opening {
        client: &client,
        transport: Transport::Cookie,
        device: Device::default(),
        born: Position { generation: 1, seq },
        refresh_key: 1,
        now,
    };
    let drawn = Drawn { id: SessionId::from_bytes([1; 16]), salt: Salt([2; 16]), secret: Some(SecretHash([3; 32])) };
    open(None, Methods::NONE, opening, drawn)
}

#[test]
fn a_session_born_before_a_terminal_epoch_is_dead_and_one_born_at_it_lives() {
    let epoch = Epochs { terminal: Position { generation: 1, seq: 5 }, ..Epochs::default() };
    let now = Timestamp::from_secs(1_000_001);
    assert_eq!(born_at(4).check(epoch, now), Err(Refusal::Ended));
    assert_eq!(born_at(5).check(epoch, now), Ok(()));
}

#[test]
fn idle_expiry_is_never_early_and_absolute_expiry_is_exact() {
    let session = born_at(0);
    let idle_end = session.created_at + session.idle + IDLE_ALLOWANCE;
    assert_eq!(session.check(Epochs::default(), idle_end - Lifetime::from_millis(1)), Ok(()));
    assert_eq!(session.check(Epochs::default(), idle_end), Err(Refusal::Expired));
    let used = Session { last_seen_at: session.expires_at, ..session };
    assert_eq!(used.check(Epochs::default(), used.expires_at - Lifetime::from_millis(1)), Ok(()));
    assert_eq!(used.check(Epochs::default(), used.expires_at), Err(Refusal::Expired));
}

#[test]
fn only_a_session_that_opens_with_an_access_token_alone_can_exchange_one() {
    for strategy in [Strategy::Session, Strategy::Jwt, Strategy::Hybrid] {
        let client = Client::first_party(ClientId::account(), strategy, Timestamp::from_secs(0));
        let opening = Opening {
            client: &client,
            transport: Transport::Body,
            device: Device::default(),
            born: Position::START,
            refresh_key: 1,
            now: Timestamp::from_secs(1_000_000),
        };
        let drawn = Drawn { id: SessionId::from_bytes([1; 16]), salt: Salt([2; 16]), secret: None };
        let first = (strategy == Strategy::Jwt).then_some(Generation(0));
        assert_eq!(open(None, Methods::NONE, opening, drawn).exchange, first, "{strategy:?}");
    }
}

#[test]
fn a_replaced_secret_answers_for_sixty_seconds_at_most() {
    let now = Timestamp::from_secs(1_000_100);
    let old = born_at(0);
    let hash = SecretHash([3; 32]);
    let session = Session { previous: old.superseded_secret(now), secret: Some(SecretHash([4; 32])), ..old };
    assert_eq!(session.recognise(&SecretHash([4; 32]), now), Some(Shown::Current));
    assert_eq!(session.recognise(&hash, now), Some(Shown::Previous));
    assert_eq!(session.recognise(&hash, now + REPLACED_SECRET), None);
    assert_eq!(session.recognise(&SecretHash([5; 32]), now), None);
}

#[test]
fn the_ring_keeps_the_newest_sixteen() {
    let mut ring = Ring::default();
    for number in 0..20 {
        let retired =
            Retired { generation: Generation(number), attempt: None, at: Timestamp::from_secs(0), displaced: false };
        ring = ring.with(retired);
    }
    assert_eq!(ring.rows().len(), Ring::SIZE);
    assert!(ring.find(Generation(3)).is_none());
    assert!(ring.find(Generation(4)).is_some());
}

#[test]
fn a_session_without_a_user_is_a_guest() {
    let guest = born_at(0);
    assert!(guest.is_guest());
    assert!(!Session { user: Some(UserId::from_bytes([4; 16])), ..guest }.is_guest());
}

#[test]
fn every_method_has_its_name_and_a_guest_has_none() {
    assert_eq!(Methods::PASSWORD.names().collect::<Vec<_>>(), ["pwd"]);
    assert_eq!(Methods::NONE.names().count(), 0);
}

#[test]
fn of_many_sessions_those_used_longest_ago_make_room_and_no_more_than_must() {
    for many in [0, 1, MOST_SESSIONS - 1, MOST_SESSIONS, MOST_SESSIONS + 1, 3 * MOST_SESSIONS] {
        // In an order of their own: the uses go round in steps that meet everybody once.
        let alive: Vec<_> = (0..many)
            .map(|number| {
                let used = (number * 7 % many.max(1)) as i64;
                let session = born_at(0);
                Session { last_seen_at: session.created_at + Lifetime::from_secs(used), ..session }
            })
            .collect();
        let over = crowded_out(&alive);
        assert_eq!(many - over.len(), many.min(MOST_SESSIONS - 1), "with the new one there are as many as may be");
        let last = over.iter().map(|session| session.last_seen_at).max();
        let first_that_stays = alive.iter().filter(|one| !over.iter().any(|other| core::ptr::eq(*one, *other)));
        let first_that_stays = first_that_stays.map(|session| session.last_seen_at).min();
        assert!(last.is_none() || last < first_that_stays, "{many}: {last:?} {first_that_stays:?}");
    }
}

#[test]
fn every_reason_of_an_end_has_a_word_of_its_own() {
    let words =
        ["signed_out", "ended_by_user", "ended_by_operator", "refresh_reused", "upgraded", "replaced", "crowded_out"];
    assert_eq!(EndReason::ALL.map(EndReason::name), words);
    for reason in EndReason::ALL {
        assert_eq!(EndReason::from_name(reason.name()), Some(reason));
    }
    assert_eq!(EndReason::from_name("xyzzy"), None);
}

#[test]
fn it_tells_when_it_runs_out_unused_which_is_never_after_its_end() {
    let session = born_at(0);
    assert_eq!(session.idle_expires_at(), session.created_at + Lifetime::from_days(14));
    let old = Session { expires_at: session.created_at + Lifetime::from_days(13), ..session };
    assert_eq!(old.idle_expires_at(), old.expires_at);
}

#[test]
fn its_use_is_written_down_a_minute_after_it_was_last() {
    let session = born_at(0);
    assert!(!session.wants_touch(session.last_seen_at + TOUCH_EVERY - Lifetime::from_millis(1)));
    assert!(session.wants_touch(session.last_seen_at + TOUCH_EVERY));
}

#[test]
fn a_record_of_a_session_is_ended_by_its_id_its_person_its_client_and_everything_that_was_read_before() {
    let (session, person) = (born_at(0), Key::of("a handle"));
    let read_at = Position { generation: 1, seq: 5 };
    let of = session.marks(Some(person), read_at);
    assert_eq!(of, marks(session.id, session.client.key(), Some(person), read_at));
    let expected = Marks {
        session: Some(session.id.key()),
        subject: Some(person),
        client: Some(ClientId::account().key()),
        at: Some(read_at),
        ..Marks::default()
    };
    assert_eq!(of, expected);
    let says = |scope: Scope, key: Key, seq: u64| {
        let mut index = Revocations::new();
        let min_rv = Some(Position { generation: 1, seq });
        let entry = Entry { scope, key, strength: Strength::Terminal, min_rv, ttl: Lifetime::ZERO };
        index.learn(&entry, Position { generation: 1, seq: 9 });
        index.check(&of)
    };
    let dead = Err(Rejection::TokenRevoked);
    assert_eq!(says(Scope::Session, session.id.key(), 0), dead);
    assert_eq!(says(Scope::Subject, person, 6), dead);
    assert_eq!(says(Scope::Subject, person, 5), Ok(()), "it was read at the epoch");
    assert_eq!(says(Scope::Client, session.client.key(), 6), dead);
    assert_eq!(says(Scope::Subject, Key::of("another"), 6), Ok(()));
}
