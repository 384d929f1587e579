//! Key records: optimistic, all or none, and a killed key in the feed.

use doorward_core::feed::Draft;
use doorward_core::key::{KeyRecord, Purpose, Stage};

use super::cast::{key_record, moved, turn_keys};
use super::{Change, answer, conflicts, done, done_of};
use crate::Stores;

/// What was put is there, whole, oldest first.
pub async fn keys_are_added_and_turned_by_their_versions(stores: &Stores) {
    assert_eq!(answer(stores.directory.keys()).await, []);
    let [first, second, third] =
        [(1, Purpose::SignEs256), (2, Purpose::Refresh), (3, Purpose::Handle)].map(|(n, of)| key_record(n, of));
    done(stores, turn_keys(vec![third.clone(), first.clone()], Vec::new())).await;
    done(stores, turn_keys(vec![second.clone()], Vec::new())).await;
    assert_eq!(answer(stores.directory.keys()).await, [first.clone(), second.clone(), third.clone()]);
    let active = moved(&first, Stage::Active);
    done(stores, turn_keys(vec![active.clone(), moved(&third, Stage::Retired)], Vec::new())).await;
    let resealed = KeyRecord { sealed: vec![9; 60], version: 3, ..active };
    done(stores, turn_keys(vec![resealed.clone()], Vec::new())).await;
    assert_eq!(answer(stores.directory.keys()).await, [resealed, second, moved(&third, Stage::Retired)]);
}

/// Two operators rotate; a key would be lost if the second won half.
pub async fn one_stale_key_stops_the_whole_turn(stores: &Stores) {
    let (first, second) = (key_record(1, Purpose::SignEs256), key_record(2, Purpose::SignEs256));
    done(stores, turn_keys(vec![first.clone(), second.clone()], Vec::new())).await;
    let kill = Draft::signing_key(first.id);
    let active = moved(&second, Stage::Active);
    conflicts(stores, turn_keys(vec![active.clone(), first.clone()], vec![kill])).await;
    conflicts(stores, turn_keys(vec![KeyRecord { version: 3, ..first.clone() }], vec![kill])).await;
    conflicts(
        stores,
        turn_keys(vec![active.clone(), KeyRecord { version: 2, ..key_record(3, Purpose::Refresh) }], vec![]),
    )
    .await;
    let volley = (0..8).map(|_| Change::from(turn_keys(vec![active.clone()], Vec::new()))).collect();
    assert_eq!(done_of(stores, volley).await, 1);
    assert_eq!(answer(stores.directory.keys()).await, [first, active]);
}

/// Stage and line are one step.
pub async fn a_killed_key_is_in_the_feed(stores: &Stores) {
    let first = key_record(1, Purpose::SignEs256);
    done(stores, turn_keys(vec![first.clone()], Vec::new())).await;
    let kill = Draft::signing_key(first.id);
    let receipt = done(stores, turn_keys(vec![moved(&first, Stage::Retired)], vec![kill])).await;
    assert_eq!(receipt.lines.iter().map(|line| line.entry).collect::<Vec<_>>(), [kill.at(receipt.head)]);
    assert_eq!(answer(stores.directory.keys()).await[0].stage, Stage::Retired);
}
