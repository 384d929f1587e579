//! Where a person wants to go after signing in: a path on this very origin, or nowhere.

/// The longest path that is followed, in bytes.
pub const LONGEST: usize = 2048;

/// A path on this origin, with its query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReturnTo(String);

impl ReturnTo {
    /// Reads a path. It begins with one slash, and holds nothing that a browser reads as another host: a second slash or
    /// a backslash behind the first, or control characters, which browsers leave out before they read.
    pub fn parse(text: &str) -> Option<Self> {
        let plain = text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
        let local = text.starts_with('/') && !text.starts_with("//");
        (plain && local && text.len() <= LONGEST).then(|| Self(text.to_owned()))
    }

    /// The path.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The address of the sign-in page that leads here.
    pub fn by_login(&self) -> String {
        let mut address = String::from("/login?return_to=");
        for byte in self.0.bytes() {
            match byte {
                b'/' | b'-' | b'.' | b'_' | b'~' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => {
                    address.push(byte.into());
                }
                _ => address.push_str(&format!("%{byte:02X}")),
            }
        }
        address
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_on_this_origin_are_followed() {
        for (text, followed) in [
            ("/", true),
            ("/account", true),
            ("/account/devices?notice=ended#here", true),
            ("/oauth2/authorize?redirect_uri=https://other.test/", true),
            ("/a//b", true),
            ("", false),
            ("account", false),
            ("//other.test", false),
            ("///other.test", false),
            ("/\\other.test", false),
            ("\\\\other.test", false),
            ("/a\\..\\b", false),
            ("/\t/other.test", false),
            ("\t//other.test", false),
            ("/\n/other.test", false),
            ("/\r\nset-cookie: a=b", false),
            (" /account", false),
            ("/ /other.test", false),
            ("/\u{2044}other.test", false),
            ("https://other.test/", false),
            ("https:other.test", false),
            ("javascript:alert(1)", false),
            ("data:text/html,x", false),
            ("@other.test", false),
            (".other.test", false),
        ] {
            assert_eq!(ReturnTo::parse(text).is_some(), followed, "{text:?}");
        }
        assert!(ReturnTo::parse(&format!("/{}", "a".repeat(LONGEST))).is_none());
    }

    #[test]
    fn a_path_survives_the_way_through_the_query() {
        let path = ReturnTo::parse("/a?b=c&d=%20+e").expect("a path");
        assert_eq!(path.by_login(), "/login?return_to=/a%3Fb%3Dc%26d%3D%2520%2Be");
    }
}
