//! The feed and the audit log: gapless, in order, unbroken.

use doorward_core::Position;
use doorward_core::audit::{Actor, Event, Kind, Link};
use doorward_core::change::{DirectoryChange, TrimFeed};
use doorward_core::feed::{Draft, Line};
use doorward_core::key::{Purpose, Stage};

use super::cast::{
    add_user, after, client, client_id, data_key, end, end_user, event, key_record, moved, resume, session,
    session_id, set_client, set_password, suspend, turn_keys, upgrade, user, user_id,
};
use super::{Change, answer, conflicts, done, done_of, head, opened, people};
use crate::Stores;

/// Plays one of each durable change; gives the lines they wrote.
async fn play(stores: &Stores) -> Vec<Line> {
    people(stores, 3).await;
    let (mine, guest) = (opened(stores, 1, Some(1)).await, opened(stores, 2, None).await);
    let other = opened(stores, 3, Some(2)).await;
    let fresh = session(4, Some(2), head(stores).await);
    let key = key_record(1, Purpose::SignEs256);
    let client_draft = Draft::client(&client_id(1), doorward_core::Strength::RefreshRequired);
    let mut lines = Vec::new();
    for change in [
        set_password(3, 1, None, after(10)),
        suspend(1, 1, after(11)),
        resume(1, 2),
        upgrade(&guest, fresh, after(12)),
        set_client(client(1), 1, vec![client_draft]),
        turn_keys(vec![key.clone()], Vec::new()),
        turn_keys(vec![moved(&key, Stage::Retired)], vec![Draft::signing_key(key.id)]),
        end(&[&mine, &other], after(13)),
        end_user(2, after(14)),
    ] {
        lines.extend(done(stores, change).await.lines);
    }
    lines
}

fn follows(before: Position, line: &Line) -> bool {
    line.place == Position { seq: before.seq + 1, ..before }
}

/// A reader who asks on from the last line it saw misses nothing and sees nothing twice.
pub async fn the_feed_has_no_gaps_and_is_read_page_by_page(stores: &Stores) {
    let begin = head(stores).await;
    let written = play(stores).await;
    assert_eq!(written.len(), 8);
    let mut read = Vec::new();
    let mut at = begin;
    loop {
        let page = answer(stores.directory.feed_after(at, 3)).await;
        assert!(page.len() <= 3);
        let Some(last) = page.last() else { break };
        at = last.place;
        read.extend(page);
    }
    assert_eq!(read, written);
    assert_eq!(at, head(stores).await);
    let mut before = begin;
    for line in &read {
        assert!(follows(before, line), "{:?} after {before:?}", line.place);
        before = line.place;
    }
    assert_eq!(answer(stores.directory.feed_after(Position::START, 100)).await, written);
    assert_eq!(answer(stores.directory.feed_after(begin, 0)).await, []);
    let ahead = Position { generation: begin.generation + 1, seq: 0 };
    assert_eq!(answer(stores.directory.feed_after(ahead, 100)).await, []);
}

/// The receipt is the page of the feed that the change wrote, and its head is the feed's.
pub async fn a_receipt_carries_the_lines_it_wrote(stores: &Stores) {
    people(stores, 1).await;
    let (first, second) = (opened(stores, 1, Some(1)).await, opened(stores, 2, Some(1)).await);
    let before = head(stores).await;
    let receipt = done(stores, end(&[&first, &second], after(10))).await;
    assert_eq!(receipt.head, head(stores).await);
    assert_eq!(receipt.lines, answer(stores.directory.feed_after(before, 100)).await);
    for (line, id) in receipt.lines.iter().zip([session_id(1), session_id(2)]) {
        assert_eq!((line.entry, line.at), (Draft::session(id).at(line.place), after(10)));
    }
    let quiet = done(stores, add_user(user(2))).await;
    assert_eq!((quiet.head, quiet.lines), (receipt.head, Vec::new()));
}

/// Every kind is read back as it was written; nothing of it is published.
pub async fn what_is_noted_is_a_link_of_the_chain_and_no_line_of_the_feed(stores: &Stores) {
    let (before, links) = (head(stores).await, chain(stores).await.len());
    for kind in Kind::ALL {
        let receipt = done(stores, Change::Durable(DirectoryChange::Note, event(kind, after(1)))).await;
        assert_eq!((receipt.lines, receipt.count), (Vec::new(), 0));
    }
    assert_eq!(head(stores).await, before);
    let kinds: Vec<_> = chain(stores).await[links..].iter().map(|link| link.event.kind).collect();
    assert_eq!(kinds, Kind::ALL);
}

/// Numbers without gaps from 1, hashes that follow, heads that hold the change's own lines, events as they came.
pub async fn every_durable_change_is_one_link_of_an_unbroken_chain(stores: &Stores) {
    play(stores).await;
    let eloquent = Event {
        by: Actor::User(user_id(1)),
        who: Some(user_id(2)),
        session: Some(session_id(3)),
        client: Some(client_id(1)),
        address: Some(String::from("2001:db8::1")),
        request: Some(String::from("req-1")),
        detail: Some(String::from("by \"hand\"")),
        ..event(Kind::UserCreated, after(99))
    };
    let change: DirectoryChange = add_user(user(7));
    done(stores, Change::Durable(change, eloquent.clone())).await;
    let links = chain(stores).await;
    assert_eq!(links.len(), 4 + 3 + 9 + 1, "people, sessions, changes, and the last");
    assert_eq!(links.last().map(|link| &link.event), Some(&eloquent));
    let mut previous = [0; 32];
    for (place, link) in links.iter().enumerate() {
        assert_eq!(link.number, place as u64 + 1);
        assert!(link.follows(&previous), "link {}", link.number);
        previous = link.hash;
    }
    assert!(links.is_sorted_by_key(|link| link.head));
    assert_eq!(links.last().map(|link| link.head), Some(head(stores).await));
    assert_eq!(answer(stores.directory.audit_after(links.len() as u64, 10)).await, []);
    let newest: Vec<_> = links.iter().rev().take(5).cloned().collect();
    assert_eq!(answer(stores.directory.audit_before(u64::MAX, 5)).await, newest);
    let before: Vec<_> = links.iter().rev().skip(3).take(2).cloned().collect();
    assert_eq!(answer(stores.directory.audit_before(newest[2].number, 2)).await, before);
    assert_eq!(answer(stores.directory.audit_before(1, 5)).await, []);
    let epoch = answer(stores.directory.user(user_id(1))).await.expect("a user").terminal_epoch;
    let suspension = links.iter().find(|link| link.event.kind == Kind::UserSuspended).expect("a link");
    assert_eq!(suspension.head, epoch, "its own line is in its head");
}

async fn chain(stores: &Stores) -> Vec<Link> {
    let mut links: Vec<Link> = Vec::new();
    loop {
        let number = links.last().map_or(0, |link| link.number);
        let page = answer(stores.directory.audit_after(number, 4)).await;
        assert!(page.len() <= 4);
        if page.is_empty() {
            return links;
        }
        links.extend(page);
    }
}

/// Order at the source: the head moves with its lines, however many write at once.
pub async fn many_ends_at_once_leave_a_feed_without_gaps(stores: &Stores) {
    people(stores, 1).await;
    let mut ends = Vec::new();
    for number in 1..=8 {
        let session = opened(stores, number, Some(1)).await;
        ends.push(Change::from(end(&[&session], after(10))));
        done(stores, add_user(user(number + 1))).await;
        ends.push(Change::from(end_user(number + 1, after(11))));
    }
    let begin = head(stores).await;
    assert_eq!(done_of(stores, ends).await, 16);
    let lines = answer(stores.directory.feed_after(begin, 100)).await;
    let mut before = begin;
    for line in &lines {
        assert!(follows(before, line));
        before = line.place;
    }
    assert_eq!(before, head(stores).await);
    let links = chain(stores).await;
    let previous = std::iter::once([0; 32]).chain(links.iter().map(|link| link.hash));
    assert!(links.iter().zip(previous).all(|(link, previous)| link.follows(&previous)));
}

/// It says so from the beginning, after commits and after conflicts.
pub async fn a_store_that_commits_is_writable(stores: &Stores) {
    assert!(stores.directory.is_writable());
    people(stores, 1).await;
    assert!(stores.directory.is_writable());
    super::conflicts(stores, add_user(user(1))).await;
    assert!(stores.directory.is_writable());
    assert_eq!(answer(stores.sessions.datum(session_id(1), &data_key("cart"))).await, None);
}

/// Whatever is asked of a store is one read, whether anything is found or not.
pub async fn every_read_is_counted(stores: &Stores) {
    let before = stores.directory.figures().reads;
    answer(stores.sessions.session(session_id(1))).await;
    answer(stores.directory.user_by_email("nobody@example.com")).await;
    answer(stores.directory.epochs(None, &client_id(1))).await;
    assert_eq!(stores.directory.figures().reads, before + 3);
}

/// What no verifier needs any more goes, oldest first; what is left has no holes, and the numbers go on.
pub async fn old_lines_are_forgotten_from_the_beginning_and_the_head_stays(stores: &Stores) {
    let begin = head(stores).await;
    let written = play(stores).await;
    let end_of_feed = head(stores).await;
    let left = || async { answer(stores.directory.feed_after(begin, 100)).await };
    let trim = |through, limit| DirectoryChange::TrimFeed(TrimFeed { through, limit });
    conflicts(stores, trim(begin, 100)).await;
    assert_eq!(done(stores, trim(end_of_feed, 2)).await.count, 2);
    assert_eq!(left().await, written[2..]);
    conflicts(stores, trim(written[1].place, 100)).await;
    let young = written.len() - 2;
    assert_eq!(done(stores, trim(written[young - 1].place, 100)).await.count, young as u64 - 2);
    assert_eq!(left().await, written[young..]);
    done(stores, trim(end_of_feed, 100)).await;
    assert_eq!(left().await, []);
    assert_eq!(head(stores).await, end_of_feed);
    let receipt = done(stores, end_user(1, after(20))).await;
    assert!(follows(end_of_feed, &receipt.lines[0]));
}
