//! Roles: what a person is to an application, in the operator's own words. They stand in the person's session and tokens as
//! `roles` (RFC 9068 section 2.2.3.1, RFC 7643 section 4.1.2); what they allow is the application's to say.

use doorward_verify::MOST_ROLES;

/// The longest role, in bytes.
pub const ROLE_LONGEST: usize = 64;

/// The roles of a person: each once, in order. At most [`MOST_ROLES`], so that a token stays a token.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Roles(String);

impl Roles {
    /// None.
    pub const NONE: Self = Self(String::new());

    /// Takes roles in any order. `None` if there are more than [`MOST_ROLES`] different ones, or if one is not 1 to 64 of
    /// `A-Z a-z 0-9 . _ : / -`.
    pub fn of<'a>(words: impl IntoIterator<Item = &'a str>) -> Option<Self> {
        let mut roles: Vec<&str> = words.into_iter().collect();
        roles.sort_unstable();
        roles.dedup();
        let fits = roles.len() <= MOST_ROLES && roles.iter().all(|role| is_role(role));
        fits.then(|| Self(roles.join(" ")))
    }

    /// Reads their text; the other way round from [`Self::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        Self::of(words(text)).filter(|roles| roles.0 == text)
    }

    /// As one text: separated by single spaces, in order.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// One by one.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        words(&self.0)
    }

    /// Are there none?
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The roles of a text that [`Roles::as_str`] gave.
pub fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(' ').filter(|_| !text.is_empty())
}

fn is_role(word: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._:/-".contains(&byte);
    (1..=ROLE_LONGEST).contains(&word.len()) && word.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_are_one_set_whatever_their_order() {
        let roles = Roles::of(["writer", "admin", "writer"]).expect("roles");
        assert_eq!(roles.as_str(), "admin writer");
        assert_eq!(roles.iter().collect::<Vec<_>>(), ["admin", "writer"]);
        assert_eq!(Roles::parse("admin writer"), Some(roles));
        assert_eq!(Roles::of([]), Some(Roles::NONE));
        assert_eq!(Roles::parse(""), Some(Roles::NONE));
        assert!(Roles::NONE.is_empty() && Roles::NONE.iter().next().is_none());
    }

    #[test]
    fn a_role_is_a_plain_word_of_at_most_64_bytes_and_there_are_at_most_16() {
        let (long, longer) = ("r".repeat(ROLE_LONGEST), "r".repeat(ROLE_LONGEST + 1));
        assert!(Roles::of([long.as_str(), "urn:team/a_b-c.d", "9"]).is_some());
        for bad in ["", " ", "a b", "a,b", "a\n", "\u{e9}", "a\"", &longer] {
            assert_eq!(Roles::of([bad]), None, "{bad:?}");
        }
        let many: Vec<String> = (0..=MOST_ROLES).map(|number| format!("role-{number:02}")).collect();
        assert!(Roles::of(many[1..].iter().map(String::as_str)).is_some());
        assert_eq!(Roles::of(many.iter().map(String::as_str)), None);
    }

    #[test]
    fn a_text_that_is_not_in_its_one_form_is_none() {
        for bad in [" a", "a ", "a  b", "b a", "a a"] {
            assert_eq!(Roles::parse(bad), None, "{bad:?}");
        }
    }
}
