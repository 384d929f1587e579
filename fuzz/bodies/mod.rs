//! One function for each parser: it takes whatever bytes and asserts what must hold of the answer. None may panic for any
//! other reason, take long, or answer with more than it was given reason to.
//!
//! `cargo test -p doorward --test fuzz` replays the corpus and some thousand mutations of it; the targets beside this
//! folder hand the same functions to a fuzzer.

mod config;
mod credentials;
mod form;
mod hash;
mod import;
mod tokens;

/// A body and the name of its corpus.
pub(crate) struct Body {
    pub(crate) name: &'static str,
    pub(crate) run: fn(&[u8]),
}

/// All of them.
pub(crate) const BODIES: [Body; 14] = [
    Body { name: "token", run: tokens::token },
    Body { name: "jwks", run: tokens::jwks },
    Body { name: "claims", run: tokens::claims },
    Body { name: "refresh_token", run: tokens::refresh_token },
    Body { name: "cookie", run: credentials::cookie },
    Body { name: "authorization", run: credentials::authorization },
    Body { name: "user_agent", run: credentials::user_agent },
    Body { name: "redirect", run: form::redirect },
    Body { name: "form", run: form::form },
    Body { name: "config", run: config::config },
    Body { name: "email", run: credentials::email },
    Body { name: "hash", run: hash::hash },
    Body { name: "import_lines", run: import::lines },
    Body { name: "import_files", run: import::files },
];

/// Input that is text, if it is.
fn text(data: &[u8]) -> Option<&str> {
    std::str::from_utf8(data).ok()
}
