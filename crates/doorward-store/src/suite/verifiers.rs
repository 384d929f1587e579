//! Verifiers: registered, struck off, and never two under one name or secret.

use doorward_core::change::{DirectoryChange, RemoveVerifier};
use doorward_core::verifier::VerifierRecord;

use super::cast::{after, verifier};
use super::{Change, answer, conflicts, done, done_of};
use crate::Stores;

fn add(verifier: VerifierRecord) -> DirectoryChange {
    DirectoryChange::AddVerifier(Box::new(verifier))
}

fn remove(number: u8, secs: i64) -> DirectoryChange {
    DirectoryChange::RemoveVerifier(RemoveVerifier { verifier: verifier(number).id, at: after(secs) })
}

/// It stays in the list, with the moment; its last lease counts, and its id is used up.
pub async fn a_verifier_is_registered_and_struck_off_once(stores: &Stores) {
    done(stores, add(verifier(2))).await;
    done(stores, add(verifier(1))).await;
    assert_eq!(answer(stores.directory.verifiers()).await, [verifier(1), verifier(2)]);
    conflicts(stores, remove(3, 10)).await;
    done(stores, remove(1, 10)).await;
    conflicts(stores, remove(1, 20)).await;
    let gone = VerifierRecord { removed_at: Some(after(10)), ..verifier(1) };
    assert_eq!(answer(stores.directory.verifiers()).await, [gone, verifier(2)]);
    conflicts(stores, add(VerifierRecord { secret: super::cast::secret(99), ..verifier(1) })).await;
}

/// A name is free again once its verifier is struck off; a secret never is.
pub async fn names_of_those_who_are_registered_and_all_secrets_are_given_once(stores: &Stores) {
    done(stores, add(verifier(1))).await;
    let same_name = VerifierRecord { name: verifier(1).name, ..verifier(2) };
    let same_secret = VerifierRecord { secret: verifier(1).secret, ..verifier(3) };
    conflicts(stores, add(same_name.clone())).await;
    conflicts(stores, add(same_secret.clone())).await;
    done(stores, remove(1, 10)).await;
    conflicts(stores, add(same_secret)).await;
    done(stores, add(same_name)).await;
    let racing = (0..8).map(|number| VerifierRecord { name: String::from("Racer"), ..verifier(10 + number) });
    assert_eq!(done_of(stores, racing.map(|one| Change::from(add(one))).collect()).await, 1);
}
