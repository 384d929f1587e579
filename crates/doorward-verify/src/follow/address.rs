//! Where a server is.

/// A server: scheme, host and port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address {
    pub(super) is_tls: bool,
    /// Without the brackets of an IPv6 address.
    pub(super) host: String,
    pub(super) port: u16,
    /// Host and port as they are written in `Host`.
    pub(super) authority: String,
}

impl Address {
    /// Reads `http://host[:port]` or `https://host[:port]`, with at most a slash behind it.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (is_tls, rest) = match text.strip_prefix("https://") {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix("http://")?),
        };
        let authority = rest.strip_suffix('/').unwrap_or(rest);
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-:[]_".contains(&byte);
        if authority.is_empty() || !authority.bytes().all(plain) {
            return None;
        }
        let (host, port) = match authority.strip_prefix('[') {
            Some(inside) => {
                let (host, behind) = inside.split_once(']')?;
                (host, if behind.is_empty() { None } else { Some(behind.strip_prefix(':')?) })
            }
            None => match authority.split_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (authority, None),
            },
        };
        let port = match port {
            Some(port) => port.parse().ok().filter(|port| *port > 0)?,
            None if is_tls => 443,
            None => 80,
        };
        let is_host = !host.is_empty() && !host.contains(['[', ']']);
        is_host.then(|| Self { is_tls, host: host.to_owned(), port, authority: authority.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_or_refused() {
        let parts = |text: &str| Address::parse(text).map(|a| (a.is_tls, a.host, a.port, a.authority));
        let some = |tls, host: &str, port, authority: &str| Some((tls, host.to_owned(), port, authority.to_owned()));
        assert_eq!(parts("https://id.example"), some(true, "id.example", 443, "id.example"));
        assert_eq!(parts("http://id.example"), some(false, "id.example", 80, "id.example"));
        assert_eq!(parts("http://localhost:8420/"), some(false, "localhost", 8420, "localhost:8420"));
        assert_eq!(parts("http://[::1]:80"), some(false, "::1", 80, "[::1]:80"));
        assert_eq!(parts("https://[fe80::1]"), some(true, "fe80::1", 443, "[fe80::1]"));
        for bad in [
            "",
            "id.example",
            "ftp://x",
            "http://",
            "http://:80",
            "http://[]",
            "http://x[y]",
            "http://x:",
            "http://x:0",
            "http://x:99999",
            "http://x/path",
            "http://u@x",
            "http://x y",
            "http://[::1",
            "http://[::1]x",
            "http://a:1:2",
            "HTTP://x",
            "http://x?q",
        ] {
            assert_eq!(parts(bad), None, "{bad}");
        }
    }
}
