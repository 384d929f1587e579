//! What a browser or a program calls itself, and the name that people find it by in the list of their devices.
//!
//! Only a sign-in asks for the name. Finding it walks over the text with many patterns, which takes some microseconds, so
//! every other request just carries the text along.

use http::{HeaderMap, header};

/// So much of the text is looked at. The parser walks over it more than once: a hostile one is cut first.
const LONGEST: usize = 512;
/// What the parser says when it does not know.
const UNKNOWN: &str = "UNKNOWN";
/// What it calls everything that is no browser.
const PROGRAMS: [&str; 2] = [UNKNOWN, "HTTP Library"];

/// A `User-Agent`; empty if there was none.
#[derive(Clone, Debug, Default)]
pub struct Agent(Box<str>);

impl Agent {
    /// The one that a request names.
    pub fn of(headers: &HeaderMap) -> Self {
        // What can be read as text is ASCII: it can be cut anywhere.
        let text = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
        Self(text.get(..LONGEST).unwrap_or(text).into())
    }

    /// Such as `Chrome on Linux`. User-agent strings are frozen, so no more than that is guessed.
    pub fn name(&self) -> String {
        // Programs are all one to the parser; their own name says more.
        let parsed = woothee::parser::Parser::new().parse(&self.0).filter(|found| !PROGRAMS.contains(&found.name));
        match parsed {
            Some(found) if found.os != UNKNOWN => format!("{} on {}", found.name, found.os),
            Some(found) => found.name.to_owned(),
            None => {
                let product = self.0.split(['/', ' ']).next().unwrap_or_default();
                let plain = !product.is_empty()
                    && product.len() <= 32
                    && product.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
                if plain { product.to_owned() } else { String::from("Unknown device") }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name_of(text: &str) -> String {
        let mut headers = HeaderMap::new();
        headers.insert(header::USER_AGENT, text.parse().expect("a header"));
        Agent::of(&headers).name()
    }

    #[test]
    fn browsers_programs_and_nonsense_get_a_short_name() {
        let chrome =
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36";
        assert_eq!(name_of(chrome), "Chrome on Linux");
        assert_eq!(name_of("curl/8.5.0"), "curl");
        assert_eq!(name_of("acme-app/2.1 (build 7)"), "acme-app");
        for odd in ["", "/", "<script>/1", &"x".repeat(33), &" ".repeat(2000)] {
            assert_eq!(name_of(odd), "Unknown device", "{odd:?}");
        }
        assert_eq!(Agent::default().name(), "Unknown device");
    }

    #[test]
    fn a_hostile_text_is_cut() {
        let text = format!("{}Chrome/120.0", "a".repeat(LONGEST));
        assert_eq!(name_of(&text), "Unknown device");
        let mut headers = HeaderMap::new();
        headers.insert(header::USER_AGENT, "\u{e9}/1".parse().expect("a header"));
        assert_eq!(Agent::of(&headers).name(), "Unknown device", "no text at all");
    }
}
