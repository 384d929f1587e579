//! Data of sessions: versions, revisions and quotas.

use doorward_core::change::SessionChange;
use doorward_core::data::{self, DataChange, Datum, Expect, KEYS_MOST, Refusal, TOTAL_LARGEST, VALUE_LARGEST};
use doorward_core::session::Session;

use super::cast::{data_key, put, session, session_id};
use super::{answer, conflicts, done, opened, people};
use crate::{Committed, Stores};

async fn datum(stores: &Stores, of: &Session, key: &str) -> Option<Datum> {
    answer(stores.sessions.datum(of.id, &data_key(key))).await
}

/// A value, its version and its mark are what was put; the shelf lists them in no more than sizes.
pub async fn a_value_is_read_back_at_its_version(stores: &Stores) {
    people(stores, 1).await;
    let first = opened(stores, 1, Some(1)).await;
    let empty = answer(stores.sessions.shelf(first.id)).await;
    assert_eq!(empty, data::Shelf::default());
    done(stores, put(&first, &empty, "cart", b"[1,2]", true)).await;
    let shelf = answer(stores.sessions.shelf(first.id)).await;
    assert_eq!((shelf.revision, &shelf.items[..]), (1, &[(data_key("cart"), 1, 5)][..]));
    done(stores, put(&first, &shelf, "draft", b"\"\\u0000\"", false)).await;
    let shelf = answer(stores.sessions.shelf(first.id)).await;
    done(stores, put(&first, &shelf, "cart", b"", true)).await;
    assert_eq!(datum(stores, &first, "cart").await, Some(Datum { value: Vec::new(), version: 3, keep: true }));
    let draft = Datum { value: b"\"\\u0000\"".to_vec(), version: 2, keep: false };
    assert_eq!(datum(stores, &first, "draft").await, Some(draft));
    assert_eq!(datum(stores, &first, "Cart").await, None, "names are exact");
    assert_eq!(super::load(stores, first.id).await, Session { shelf: 3, ..first }, "the row moved in nothing else");
}

/// The loser of a race reads again.
pub async fn a_value_from_an_older_revision_is_refused(stores: &Stores) {
    people(stores, 1).await;
    let first = opened(stores, 1, Some(1)).await;
    let read = answer(stores.sessions.shelf(first.id)).await;
    done(stores, put(&first, &read, "cart", b"[1]", true)).await;
    conflicts(stores, put(&first, &read, "cart", b"[2]", true)).await;
    conflicts(stores, put(&first, &read, "other", b"[2]", true)).await;
    let ahead = data::Shelf { revision: 2, ..data::Shelf::default() };
    conflicts(stores, put(&first, &ahead, "cart", b"[2]", true)).await;
    conflicts(stores, put(&session(8, None, first.born), &read, "cart", b"[2]", true)).await;
}

/// An ETag names one value for ever, across removals.
pub async fn a_removed_value_is_gone_and_its_version_never_comes_back(stores: &Stores) {
    people(stores, 1).await;
    let first = opened(stores, 1, Some(1)).await;
    let shelf = answer(stores.sessions.shelf(first.id)).await;
    done(stores, put(&first, &shelf, "cart", b"[1]", true)).await;
    let shelf = answer(stores.sessions.shelf(first.id)).await;
    let removal = data::remove(&first, &shelf, data_key("cart"), Expect::Version(1)).expect("it is there");
    done(stores, SessionChange::Data(removal)).await;
    assert_eq!(datum(stores, &first, "cart").await, None);
    let shelf = answer(stores.sessions.shelf(first.id)).await;
    assert_eq!((shelf.revision, shelf.items.len()), (2, 0));
    done(stores, put(&first, &shelf, "cart", b"[1]", true)).await;
    assert_eq!(datum(stores, &first, "cart").await.map(|datum| datum.version), Some(3));
}

/// Two shelves, two carts.
pub async fn the_data_of_one_session_is_not_anothers(stores: &Stores) {
    people(stores, 1).await;
    let (first, second) = (opened(stores, 1, Some(1)).await, opened(stores, 2, Some(1)).await);
    let shelf = answer(stores.sessions.shelf(first.id)).await;
    done(stores, put(&first, &shelf, "cart", b"[1]", true)).await;
    assert_eq!(answer(stores.sessions.shelf(second.id)).await, data::Shelf::default());
    assert_eq!(datum(stores, &second, "cart").await, None);
    done(stores, put(&second, &shelf, "cart", b"[2]", true)).await;
    assert_eq!(datum(stores, &first, "cart").await.map(|datum| datum.value), Some(b"[1]".to_vec()));
    assert_eq!(answer(stores.sessions.shelf(session_id(8))).await, data::Shelf::default());
}

/// What the store lists is enough for core to say no.
pub async fn quotas_hold_to_the_byte_over_what_is_stored(stores: &Stores) {
    people(stores, 1).await;
    let full = opened(stores, 1, Some(1)).await;
    let largest = vec![b'7'; VALUE_LARGEST];
    for number in 0..TOTAL_LARGEST / VALUE_LARGEST {
        let shelf = answer(stores.sessions.shelf(full.id)).await;
        done(stores, put(&full, &shelf, &format!("value-{number}"), &largest, false)).await;
    }
    let shelf = answer(stores.sessions.shelf(full.id)).await;
    let more = |value: &[u8], key| data::put(&full, &shelf, data_key(key), value.to_vec(), false, Expect::Anything);
    assert_eq!(more(b"1", "one-more"), Err(Refusal::QuotaExceeded));
    assert!(more(&largest, "value-0").is_ok(), "in the place of another");
    let many = opened(stores, 2, Some(1)).await;
    for number in 0..KEYS_MOST {
        let shelf = answer(stores.sessions.shelf(many.id)).await;
        done(stores, put(&many, &shelf, &format!("value-{number}"), b"1", false)).await;
    }
    let shelf = answer(stores.sessions.shelf(many.id)).await;
    let one_more = data::put(&many, &shelf, data_key("one-more"), b"1".to_vec(), false, Expect::Anything);
    assert_eq!(one_more, Err(Refusal::QuotaExceeded));
}

/// Load, decide, commit, and again on a conflict: nothing is overwritten unseen.
pub async fn of_many_writers_none_loses_an_update(stores: &Stores) {
    people(stores, 1).await;
    let first = opened(stores, 1, Some(1)).await;
    let writers = (0..8).map(|_| tokio::spawn(count_one_up(stores.clone(), first.clone())));
    for writer in writers.collect::<Vec<_>>() {
        writer.await.expect("no panic");
    }
    let counted = datum(stores, &first, "count").await.expect("a count");
    assert_eq!((&counted.value[..], counted.version), (&b"8"[..], 8));
}

async fn count_one_up(stores: Stores, session: Session) {
    loop {
        let shelf = answer(stores.sessions.shelf(session.id)).await;
        let read = datum(&stores, &session, "count").await;
        let text = read.map_or_else(|| String::from("0"), |datum| String::from_utf8(datum.value).expect("text"));
        let next: u32 = text.parse::<u32>().expect("a number") + 1;
        let value = Datum { value: next.to_string().into_bytes(), version: shelf.revision + 1, keep: true };
        let change =
            DataChange { session: session.id, from: shelf.revision, key: data_key("count"), value: Some(value) };
        if answer(stores.sessions.commit(SessionChange::Data(change))).await != Committed::Conflict {
            return;
        }
    }
}
