//! What is kept for the next turn of a session's token, and when it is kept no longer.

use doorward_core::audit::Kind;
use doorward_core::feed::Draft;
use doorward_core::session::Generation;
use doorward_core::{Lifetime, Strength};

use super::*;
use crate::memory::Memory;
use crate::suite::cast::{NOON, client, event, handle, secret, session, session_id, set_client};
use crate::{Directory, Opening, Origin};

async fn cached(capacity: usize) -> Arc<Cached> {
    let opening = Opening { now: NOON, database: [1; 16], origin: Origin::Dev };
    Cached::open(Stores::of(Memory::open(opening)), capacity, 1000).await.expect("a store")
}

/// A store that others write to as well, with a client.
async fn shared() -> (Arc<Memory>, Arc<Cached>) {
    let opening = Opening { now: NOON, database: [1; 16], origin: Origin::Dev };
    let memory = Arc::new(Memory::open(opening));
    let stores = Stores { sessions: memory.clone(), directory: memory.clone() };
    let cached = Cached::open(stores, 1000, 1000).await.expect("a store");
    let add = DirectoryChange::AddClient(Box::new(client(1)));
    cached.commit_durable(add, event(Kind::ClientCreated, NOON)).await.expect("a client");
    (memory, cached)
}

/// The record of a session of nobody's, read at noon.
fn record(number: u8, at: Position) -> Record {
    Record::new(session(number, None, at), None, Some(handle(number)), Epochs::default(), (at, NOON))
}

#[tokio::test]
async fn a_turned_session_is_found_by_its_id_alone_and_replaced_by_its_next_turn() {
    let cached = cached(1000).await;
    assert!(cached.peek_turned(session_id(1), NOON).is_none());
    let first = record(1, cached.head());
    cached.keep_turned(&first);
    assert!(cached.peek(&secret(1), NOON).is_none(), "nobody has checked its secret");
    assert!(cached.peek_turned(session_id(2), NOON).is_none());
    let next = Session { generation: Generation(7), ..first.session.clone() };
    cached.keep_turned(&first.turned(next));
    let found = cached.peek_turned(session_id(1), NOON).expect("kept");
    assert_eq!((found.session.generation, found.read, cached.kept()), (Generation(7), NOON, 1));
    // The record of a check stands beside it, and neither is taken for the other.
    cached.keep(&record(1, cached.head()), cached.fence());
    assert_eq!(cached.kept(), 2);
    assert_eq!(cached.peek(&secret(1), NOON).expect("kept").session.generation, Generation(0));
    assert_eq!(cached.peek_turned(session_id(1), NOON).expect("kept").session.generation, Generation(7));
}

#[tokio::test]
async fn a_turned_session_is_let_go_an_hour_after_it_was_read_however_often_it_turned() {
    let cached = cached(1000).await;
    let mut kept = record(1, cached.head());
    for minute in 1..60 {
        let now = NOON + Lifetime::from_mins(minute);
        let next = Session { last_seen_at: now, ..kept.session.clone() };
        kept = kept.turned(next);
        cached.keep_turned(&kept);
        assert!(cached.peek_turned(session_id(1), now).is_some(), "minute {minute}");
    }
    assert!(cached.peek_turned(session_id(1), NOON + ACCESS_LONGEST).is_none());
    assert_eq!(cached.kept(), 0);
}

#[tokio::test]
async fn whatever_revokes_a_turned_session_lets_it_go() {
    let session = Draft::session(session_id(1));
    let subject = |strength| Draft::subject(handle(1), strength);
    for draft in [session, subject(Strength::Terminal), subject(Strength::RefreshRequired)] {
        let cached = cached(1000).await;
        let done = |committed| assert!(matches!(committed, Ok(Committed::Done(_))), "{draft:?}");
        done(
            cached
                .commit_durable(DirectoryChange::AddClient(Box::new(client(1))), event(Kind::ClientCreated, NOON))
                .await,
        );
        for number in [1, 2] {
            cached.keep_turned(&record(number, cached.head()));
            assert!(cached.peek_turned(session_id(number), NOON).is_some());
        }
        done(cached.commit_durable(set_client(client(1), 1, vec![draft]), event(Kind::ClientChanged, NOON)).await);
        assert!(cached.peek_turned(session_id(1), NOON).is_none(), "{draft:?}");
        assert!(cached.peek_turned(session_id(2), NOON).is_some(), "another one's");
    }
}

/// Another process's line comes between, so that the feed has to be read; and it cannot be.
#[tokio::test]
async fn what_is_committed_and_cannot_be_read_back_is_answered_from_memory_by_nobody() {
    let (memory, cached) = shared().await;
    for number in [1, 2] {
        cached.keep(&record(number, cached.head()), cached.fence());
    }
    let end = |number, from| set_client(client(1), from, vec![Draft::session(session_id(number))]);
    let elsewhere = memory.commit_durable(end(2, 1), event(Kind::ClientChanged, NOON)).await;
    assert!(matches!(elsewhere, Ok(Committed::Done(_))));
    let before = cached.head();
    memory.fail_reads(Some(0)).expect("a store");
    let ended = cached.commit_durable(end(1, 2), event(Kind::ClientChanged, NOON)).await;
    assert_eq!(ended, Err(StoreError::Unavailable), "it is not acknowledged");
    assert!(cached.is_behind() && cached.head() == before);
    assert!(cached.peek(&secret(1), NOON).is_none() && cached.glance(&secret(2), NOON, |_| ()).is_none());
    assert_eq!(cached.current().await, Err(StoreError::Unavailable));
    memory.fail_reads(None).expect("a store");
    assert_eq!(cached.current().await, Ok(()));
    assert!(!cached.is_behind());
    assert_eq!(cached.head(), memory.head().await.expect("a head"));
    for number in [1, 2] {
        assert!(cached.peek(&secret(number), NOON).is_none(), "the index knows that {number} is over");
    }
    assert_eq!(cached.client(&client(1).id).expect("a client").version, 3, "and the client is today's");
}

/// A reading that breaks off behind its first page is gone on with where it was.
#[tokio::test]
async fn no_line_is_counted_twice_however_often_its_reading_broke_off() {
    let (memory, cached) = shared().await;
    let end = |number: u8| set_client(client(1), u64::from(number), vec![Draft::session(session_id(number))]);
    for number in 1..=3 {
        memory.commit_durable(end(number), event(Kind::ClientChanged, NOON)).await.expect("ended elsewhere");
    }
    memory.fail_reads(Some(1)).expect("a store");
    let note = cached.commit_durable(DirectoryChange::Note, event(Kind::ClientChanged, NOON)).await;
    assert_eq!(note, Err(StoreError::Unavailable), "that there is no second page could not be read");
    for _ in 0..3 {
        memory.fail_reads(Some(1)).expect("a store");
        assert_eq!(cached.current().await, Err(StoreError::Unavailable));
    }
    memory.fail_reads(None).expect("a store");
    assert_eq!(cached.current().await, Ok(()));
    assert_eq!(cached.feed().live(), 3);
}

/// Who asks again learns that it was done, and is answered when the index knows it.
#[tokio::test]
async fn a_change_that_wrote_no_line_waits_for_those_of_others() {
    let (memory, cached) = shared().await;
    cached.keep(&record(1, cached.head()), cached.fence());
    let end = set_client(client(1), 1, vec![Draft::session(session_id(1))]);
    memory.commit_durable(end, event(Kind::ClientChanged, NOON)).await.expect("ended elsewhere");
    assert!(cached.peek(&secret(1), NOON).is_some(), "nobody told us");
    cached.commit_durable(DirectoryChange::Note, event(Kind::ClientChanged, NOON)).await.expect("noted");
    assert!(cached.peek(&secret(1), NOON).is_none());
}

#[tokio::test]
async fn turned_and_checked_sessions_share_one_bound() {
    let cached = cached(64).await;
    for number in 0..=u8::MAX {
        cached.keep_turned(&record(number, cached.head()));
        cached.keep(&record(number, cached.head()), cached.fence());
        assert!(cached.kept() <= 64, "{number}");
    }
}
