//! Proofs over the public API: what honest tokens get, what hostile ones get, and that the index forgets nothing.

mod allocations;
mod cache;
mod claims;
#[path = "../corpus/mod.rs"]
mod corpus;
mod data;
#[cfg(feature = "follow")]
mod follow;
mod forgetting;
mod fuzz;
mod header;
mod histories;
mod honest;
mod hostile;
mod replica;
mod revocations;
mod signer;
mod small_world;
mod snapshot;
mod vectors;
mod words;
