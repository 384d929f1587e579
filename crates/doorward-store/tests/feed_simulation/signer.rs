//! The key that snapshots are signed with, made once.

use std::sync::LazyLock;

use doorward_core::id::KeyId;
use doorward_core::token::{SigningKey, statement};
use doorward_core::{Algorithm, KeySet, TokenType};
use doorward_verify::feed::Snapshot;

static SIGNER: LazyLock<(SigningKey, KeySet)> = LazyLock::new(|| {
    let key = SigningKey::from_private(KeyId::from_bytes([4; 16]), Algorithm::EdDsa, &[4; 32]).expect("any 32 bytes");
    let keys = KeySet::new(vec![key.verifying().clone()]);
    (key, keys)
});

/// What it is checked with.
pub(crate) fn keys() -> &'static KeySet {
    &SIGNER.1
}

/// A snapshot as it is sent.
pub(crate) fn snapshot(snapshot: &Snapshot) -> Vec<u8> {
    let mut claims = Vec::new();
    snapshot.statement.write(&mut claims);
    let signed = statement(&SIGNER.0, TokenType::RevocationSnapshot, &claims).expect("it signs");
    let mut bytes = signed.into_bytes();
    bytes.push(b'\n');
    Snapshot::write_lines(snapshot.entries.iter(), &mut bytes);
    bytes
}
