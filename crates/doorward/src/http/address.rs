//! Whose call is it? The address of the connection, or, behind proxies that the operator trusts, what those say.
//!
//! A proxy appends to `X-Forwarded-For` whom it heard from. So the list is walked from its end, over the proxies that
//! are trusted, to the first address that is not: that one was written down by somebody trusted. What stands before it
//! is the caller's own word and is never read.

use std::net::{IpAddr, SocketAddr};

use http::{HeaderMap, HeaderName};

use crate::config::cidr::Cidr;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The address of the caller. Where the list cannot be read on, it is the last one that could be: a proxy, and never
/// what a caller made up.
pub fn of_caller(peer: IpAddr, headers: &HeaderMap, trusted: &[Cidr]) -> IpAddr {
    let is_trusted = |address: IpAddr| trusted.iter().any(|range| range.contains(address));
    let mut caller = peer.to_canonical();
    let lines: Vec<_> = headers.get_all(FORWARDED_FOR).iter().collect();
    for line in lines.into_iter().rev() {
        // A line that is not even text has no end to begin at.
        let hops = line.to_str().unwrap_or("?").rsplit(',');
        for hop in hops {
            if !is_trusted(caller) {
                return caller;
            }
            match read(hop.trim_matches([' ', '\t'])) {
                Some(address) => caller = address,
                None => return caller,
            }
        }
    }
    caller
}

/// Reads an address, with or without a port; one of IPv6 may stand in brackets.
fn read(hop: &str) -> Option<IpAddr> {
    let bare = hop.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).filter(|bare| bare.contains(':'));
    let address = bare.unwrap_or(hop).parse().ok().or_else(|| Some(hop.parse::<SocketAddr>().ok()?.ip()));
    address.map(|address: IpAddr| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn ranges(texts: &[&str]) -> Vec<Cidr> {
        texts.iter().map(|text| text.parse().expect("a range")).collect()
    }

    #[test]
    fn the_caller_is_the_first_from_the_right_whom_nobody_trusts() {
        let trusted = ranges(&["10.0.0.0/8", "2001:db8::/32"]);
        for (peer, lines, caller) in [
            // No proxy, or none that is trusted: the connection alone counts.
            ("192.0.2.1", &[][..], "192.0.2.1"),
            ("192.0.2.1", &["203.0.113.9"], "192.0.2.1"),
            ("::ffff:192.0.2.1", &[], "192.0.2.1"),
            // One proxy, and several.
            ("10.0.0.1", &[], "10.0.0.1"),
            ("10.0.0.1", &["203.0.113.9"], "203.0.113.9"),
            ("::ffff:10.0.0.1", &["203.0.113.9"], "203.0.113.9"),
            ("10.0.0.1", &["203.0.113.9, 10.0.0.2,10.0.0.3"], "203.0.113.9"),
            ("10.0.0.1", &["203.0.113.9", "10.0.0.2"], "203.0.113.9"),
            // What the caller made up stands to the left, and is not read.
            ("10.0.0.1", &["198.51.100.7, 203.0.113.9"], "203.0.113.9"),
            ("10.0.0.1", &["198.51.100.7", "203.0.113.9"], "203.0.113.9"),
            ("10.0.0.1", &["10.0.0.9, 203.0.113.9"], "203.0.113.9"),
            ("10.0.0.1", &["nonsense, 203.0.113.9"], "203.0.113.9"),
            // The list ends among the trusted: the farthest of them.
            ("10.0.0.1", &["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
            // What cannot be read ends the walk at the last that could.
            ("10.0.0.1", &["203.0.113.9, unknown"], "10.0.0.1"),
            ("10.0.0.1", &["203.0.113.9, _hidden, 10.0.0.2"], "10.0.0.2"),
            ("10.0.0.1", &["203.0.113.9,"], "10.0.0.1"),
            ("10.0.0.1", &[""], "10.0.0.1"),
            ("10.0.0.1", &["203.0.113.9", "\u{e9}"], "10.0.0.1"),
            // Forms that proxies write.
            ("10.0.0.1", &["203.0.113.9:4711"], "203.0.113.9"),
            ("10.0.0.1", &["[2001:db9::1]:4711"], "2001:db9::1"),
            ("10.0.0.1", &["[2001:db9::1]"], "2001:db9::1"),
            ("10.0.0.1", &["2001:db9::1"], "2001:db9::1"),
            ("10.0.0.1", &["::ffff:203.0.113.9"], "203.0.113.9"),
            ("2001:db8::1", &["203.0.113.9, 2001:db8::2"], "203.0.113.9"),
            ("10.0.0.1", &["[203.0.113.9]"], "10.0.0.1"),
        ] {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(FORWARDED_FOR, HeaderValue::from_bytes(line.as_bytes()).expect("a value"));
            }
            let found = of_caller(peer.parse().expect("an address"), &headers, &trusted);
            assert_eq!(found.to_string(), caller, "{peer} {lines:?}");
            let alone = of_caller(peer.parse().expect("an address"), &headers, &[]);
            assert_eq!(alone, peer.parse::<IpAddr>().expect("an address").to_canonical(), "nobody is trusted");
        }
    }
}
