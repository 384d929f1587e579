//! What is about everybody: epochs of the realm, everybody's turn in buckets, the terms of verifiers.

use doorward_core::change::{DirectoryChange, MoveRealm, SetTerms, StepSpread};
use doorward_core::feed::Draft;
use doorward_core::id::SessionId;
use doorward_core::session::{EndReason, Ended, Refusal, Session};
use doorward_core::spread::{BUCKETS, Spread, Turn};
use doorward_core::{Key, Lifetime, Position, Scope, Strength};

use super::cast::{after, end_user, open, rotate, session};
use super::{Change, answer, check, conflicts, done, done_of, epochs_of, guest_epochs, head, load, opened, people};
use crate::Stores;

const fn move_realm(strength: Strength) -> DirectoryChange {
    DirectoryChange::MoveRealm(MoveRealm { draft: Draft::realm(strength) })
}

/// Rows are not touched; whoever was born before is dead, a guest too, and whoever comes after lives.
pub async fn everybody_ends_by_one_epoch_of_the_realm(stores: &Stores) {
    people(stores, 2).await;
    for (number, of) in [(1, Some(1)), (2, Some(2)), (3, None)] {
        opened(stores, number, of).await;
    }
    let receipt = done(stores, move_realm(Strength::Terminal)).await;
    let entry = receipt.lines[0].entry;
    assert_eq!((entry.scope, entry.key, entry.min_rv), (Scope::Realm, Key::REALM, Some(receipt.head)));
    for number in [1, 2, 3] {
        let id = super::cast::session_id(number);
        assert_eq!(check(stores, id, after(10)).await, Err(Refusal::Ended), "session {number}");
        let session = load(stores, id).await;
        conflicts(stores, rotate(&session, epochs_of(stores, &session).await, after(10))).await;
    }
    let later = opened(stores, 4, Some(1)).await;
    assert_eq!(check(stores, later.id, after(10)).await, Ok(()));
    let renewed = done(stores, move_realm(Strength::RefreshRequired)).await;
    assert_eq!(check(stores, later.id, after(10)).await, Ok(()), "a renewal ends nothing");
    let epochs = guest_epochs(stores).await;
    assert_eq!((epochs.terminal, epochs.refresh), (receipt.head, renewed.head));
    assert_eq!(answer(stores.directory.realm()).await.epochs, epochs);
}

/// The feed keeps the latest line about a thing; numbers go on, and exact lines stay.
pub async fn a_later_epoch_over_the_same_thing_replaces_the_earlier(stores: &Stores) {
    people(stores, 2).await;
    let mine = opened(stores, 1, Some(1)).await;
    let begin = head(stores).await;
    let first = done(stores, end_user(1, after(1))).await;
    done(stores, super::cast::end(&[&opened(stores, 2, Some(1)).await], after(2))).await;
    done(stores, end_user(2, after(3))).await;
    done(stores, move_realm(Strength::RefreshRequired)).await;
    done(stores, move_realm(Strength::Terminal)).await;
    for secs in 4..50 {
        done(stores, end_user(1, after(secs))).await;
    }
    let last = done(stores, move_realm(Strength::Terminal)).await;
    let lines = answer(stores.directory.feed_after(begin, 1000)).await;
    let told: Vec<_> = lines.iter().map(|line| (line.entry.scope, line.place.seq - begin.seq)).collect();
    let expected =
        [(Scope::Session, 2), (Scope::Subject, 3), (Scope::Realm, 4), (Scope::Subject, 51), (Scope::Realm, 52)];
    assert_eq!(told, expected);
    assert!(lines.iter().all(|line| line.place > first.head));
    assert_eq!(head(stores).await, last.head);
    assert_eq!(check(stores, mine.id, after(60)).await, Err(Refusal::Ended));
}

fn step(bucket: u16, secs: i64) -> DirectoryChange {
    let draft = Draft::bucket(Key::bucket(bucket), Strength::RefreshRequired);
    let ended = Ended { at: after(secs), why: EndReason::EndedByOperator };
    DirectoryChange::StepSpread(StepSpread { bucket, draft, ended })
}

async fn begin(stores: &Stores, turn: Turn) -> Spread {
    let cut = head(stores).await;
    let cut = Position { seq: cut.seq + 1, ..cut };
    let spread = Spread { turn, cut, next: 0, began: after(0), over: Lifetime::from_mins(10) };
    done(stores, DirectoryChange::BeginSpread(spread)).await;
    spread
}

/// A guest's session with an id that begins with these two bytes.
fn born_at(first: u16, born: Position) -> Session {
    let [high, low] = first.to_be_bytes();
    let mut id = [low ^ 0x55; 16];
    (id[0], id[1]) = (high, low);
    Session { id: SessionId::from_bytes(id), secret: None, ..session(1, None, born) }
}

/// Every session of a bucket, wherever its id stands, and none of another; nobody who came after the turn began.
pub async fn everybody_has_their_turn_bucket_after_bucket(stores: &Stores) {
    people(stores, 1).await;
    let born = head(stores).await;
    let first: Vec<_> = (0..16_u16).map(|high| born_at(high << 12, born)).collect();
    let last: Vec<_> = (0..16_u16).map(|high| born_at(high << 12 | 0xfff, born)).collect();
    for session in first.iter().chain(&last) {
        done(stores, open(session.clone())).await;
    }
    let spread = begin(stores, Turn::End).await;
    assert_eq!(answer(stores.directory.realm()).await.spread, Some(spread));
    conflicts(stores, DirectoryChange::BeginSpread(spread)).await;
    conflicts(stores, step(1, 1)).await;
    let receipt = done(stores, step(0, 1)).await;
    assert_eq!(receipt.count, 16);
    let entry = receipt.lines[0].entry;
    assert_eq!((entry.scope, entry.key, entry.strength), (Scope::Bucket, Key::bucket(0), Strength::RefreshRequired));
    for session in &first {
        let ended = Some(Ended { at: after(1), why: EndReason::EndedByOperator });
        assert_eq!(load(stores, session.id).await.ended, ended);
    }
    let young = Session { id: SessionId::from_bytes([0xff; 16]), ..born_at(0, head(stores).await) };
    done(stores, open(young.clone())).await;
    // One that read the head before, and came too late for its turn.
    let late = Session { id: SessionId::from_bytes([0; 16]), ..born_at(0, born) };
    done(stores, open(late.clone())).await;
    for bucket in 1..BUCKETS - 1 {
        assert_eq!(done(stores, step(bucket, 2)).await.count, 0);
    }
    assert_eq!(check(stores, last[3].id, after(3)).await, Ok(()));
    assert_eq!(done(stores, step(BUCKETS - 1, 3)).await.count, 16);
    assert_eq!(answer(stores.directory.realm()).await.spread, None, "and is over");
    conflicts(stores, step(0, 4)).await;
    assert_eq!(check(stores, young.id, after(5)).await, Ok(()));
    assert_eq!(check(stores, late.id, after(5)).await, Err(Refusal::Ended), "by the epoch that the turn leaves");
}

/// Everybody comes again, and stays.
pub async fn a_turn_to_renew_ends_nobody(stores: &Stores) {
    people(stores, 1).await;
    let born = head(stores).await;
    let mine = born_at(0, born);
    done(stores, open(mine.clone())).await;
    begin(stores, Turn::Renew).await;
    for bucket in 0..BUCKETS {
        let receipt = done(stores, step(bucket, 1)).await;
        assert_eq!((receipt.count, receipt.lines.len()), (0, 1));
    }
    assert_eq!(check(stores, mine.id, after(2)).await, Ok(()));
    assert_eq!(answer(stores.directory.realm()).await, Default::default());
}

/// Two jobs on one store.
pub async fn of_many_who_take_a_turn_one_does(stores: &Stores) {
    begin(stores, Turn::Renew).await;
    let before = head(stores).await;
    assert_eq!(done_of(stores, (0..8).map(|_| Change::from(step(0, 1))).collect()).await, 1);
    assert_eq!(head(stores).await.seq, before.seq + 1);
}

/// Who starts with longer terms says so first.
pub async fn terms_are_set_from_what_they_were(stores: &Stores) {
    let set = |from, most| {
        let (from, most) = (Lifetime::from_secs(from), Lifetime::from_secs(most));
        DirectoryChange::SetTerms(SetTerms { from, most })
    };
    conflicts(stores, set(1, 2)).await;
    done(stores, set(0, 3)).await;
    conflicts(stores, set(0, 4)).await;
    done(stores, set(3, 60)).await;
    assert_eq!(answer(stores.directory.realm()).await.terms, Lifetime::from_secs(60));
}
