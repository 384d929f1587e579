//! A guest who signs in.

use doorward_core::data::Datum;
use doorward_core::session::{EndReason, Ended, Refusal, Session};

use super::cast::{after, data_key, end, put, secret, session, session_id, upgrade};
use super::{Change, answer, check, conflicts, done, done_of, head, load, opened, people};
use crate::Stores;

async fn lay(stores: &Stores, on: &Session, key: &str, value: &[u8], keep: bool) {
    let shelf = answer(stores.sessions.shelf(on.id)).await;
    done(stores, put(on, &shelf, key, value, keep)).await;
}

/// A new session with what was marked; its shelf counts on, so that no version comes twice.
pub async fn a_guest_who_signs_in_takes_the_kept_data_along(stores: &Stores) {
    people(stores, 1).await;
    let guest = opened(stores, 1, None).await;
    lay(stores, &guest, "cart", b"[1]", true).await;
    lay(stores, &guest, "seen", b"true", false).await;
    lay(stores, &guest, "cart", b"[1,2]", true).await;
    let fresh = session(2, Some(1), head(stores).await);
    let receipt = done(stores, upgrade(&guest, fresh.clone(), after(10))).await;
    assert_eq!(receipt.count, 1);
    assert_eq!(receipt.lines.iter().map(|line| line.entry.key).collect::<Vec<_>>(), [guest.id.key()]);
    let now = load(stores, fresh.id).await;
    assert_eq!(now, Session { shelf: 3, ..fresh });
    let cart = answer(stores.sessions.datum(now.id, &data_key("cart"))).await;
    assert_eq!(cart, Some(Datum { value: b"[1,2]".to_vec(), version: 3, keep: true }));
    assert_eq!(answer(stores.sessions.datum(now.id, &data_key("seen"))).await, None);
    assert_eq!(answer(stores.sessions.shelf(now.id)).await.items.len(), 1);
    assert_eq!(answer(stores.sessions.datum(guest.id, &data_key("cart"))).await, None, "moved, not copied");
    let over = load(stores, guest.id).await;
    assert_eq!(over.ended, Some(Ended { at: after(10), why: EndReason::Upgraded }));
    assert_eq!(check(stores, guest.id, after(11)).await, Err(Refusal::Ended));
    assert_eq!(check(stores, now.id, after(11)).await, Ok(()));
    lay(stores, &now, "cart", b"[]", true).await;
    let cart = answer(stores.sessions.datum(now.id, &data_key("cart"))).await;
    assert_eq!(cart.map(|datum| datum.version), Some(4));
}

/// Only a guest, only a living one, only into a session that is nobody's.
pub async fn a_guest_signs_in_once(stores: &Stores) {
    people(stores, 1).await;
    let guest = opened(stores, 1, None).await;
    lay(stores, &guest, "cart", b"[1]", true).await;
    let mine = opened(stores, 2, Some(1)).await;
    let over = opened(stores, 3, None).await;
    done(stores, end(&[&over], after(5))).await;
    let born = head(stores).await;
    let fresh = |number| session(number, Some(1), born);
    conflicts(stores, upgrade(&mine, fresh(5), after(10))).await;
    conflicts(stores, upgrade(&over, fresh(5), after(10))).await;
    conflicts(stores, upgrade(&session(8, None, born), fresh(5), after(10))).await;
    conflicts(stores, upgrade(&guest, fresh(2), after(10))).await;
    conflicts(stores, upgrade(&guest, fresh(1), after(10))).await;
    conflicts(stores, upgrade(&guest, Session { secret: Some(secret(1)), ..fresh(5) }, after(10))).await;
    done(stores, upgrade(&guest, fresh(5), after(10))).await;
    conflicts(stores, upgrade(&guest, fresh(6), after(20))).await;
}

/// A double click on "sign in".
pub async fn of_many_upgrades_of_one_guest_one_wins(stores: &Stores) {
    people(stores, 1).await;
    let guest = opened(stores, 1, None).await;
    lay(stores, &guest, "cart", b"[1]", true).await;
    let born = head(stores).await;
    let clicks = (2..=8).map(|number| Change::from(upgrade(&guest, session(number, Some(1), born), after(10))));
    assert_eq!(done_of(stores, clicks.collect()).await, 1);
    let mut carts = 0;
    for number in 1..=8 {
        carts += answer(stores.sessions.shelf(session_id(number))).await.items.len();
    }
    assert_eq!(carts, 1);
}
