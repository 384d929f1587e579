//! Configuration in two stages: [`raw`] gathers what was said and where, [`settle`](settled::settle) makes typed
//! settings of it, or lists **all** problems at once.
//!
//! Defaults give way to the file, the file to the environment, the environment to flags. [`table`] holds every key once;
//! defaults, suggestions and `docs/configuration.md` come from it.

pub mod cidr;
pub mod client;
pub mod document;
pub mod problem;
pub mod raw;
pub mod seed;
pub mod settled;
pub mod table;

pub use problem::{Place, Problem, Problems};
pub use raw::Raw;
pub use settled::{Settled, settle};

#[cfg(test)]
mod tests;

/// For which command is configured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// `doorward dev`: defaults that suit a demo on one machine.
    Dev,
    /// `doorward serve`: nothing is guessed.
    Serve,
    /// A verb that opens a data folder itself: what only a server needs may be missing.
    Verb,
}
