//! What `doorward check` looks for: pure rules over settled configuration, files' modes and clients, and
//! over what was asked of `doorward advise`; and what `doorward jwt lint` looks for in a token.

pub mod asked;
pub mod clients;
pub mod files;
pub mod settings;
pub mod table;
pub mod tokens;

use self::table::Check;

/// The account of a demo, which no server should have.
pub const DEMO_EMAIL: &str = "ada@example.test";

/// A check that found something, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The check.
    pub check: &'static Check,
    /// A key, a path, a client.
    pub place: String,
}

impl Finding {
    /// One more.
    pub fn new(check: &'static Check, place: impl Into<String>) -> Self {
        Self { check, place: place.into() }
    }
}
