//! Ranges of addresses, as operators write them.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// A range of addresses, such as `10.0.0.0/8`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cidr {
    first: IpAddr,
    bits: u32,
}

impl Cidr {
    /// How many bits of an address are fixed.
    pub const fn bits(&self) -> u32 {
        self.bits
    }

    /// Is it a range of IPv4?
    pub const fn is_ipv4(&self) -> bool {
        self.first.is_ipv4()
    }

    /// Is the address in the range?
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.first, address.to_canonical()) {
            (IpAddr::V4(first), IpAddr::V4(address)) => {
                (first.to_bits() ^ address.to_bits()).checked_shr(32 - self.bits).unwrap_or(0) == 0
            }
            (IpAddr::V6(first), IpAddr::V6(address)) => {
                (first.to_bits() ^ address.to_bits()).checked_shr(128 - self.bits).unwrap_or(0) == 0
            }
            _ => false,
        }
    }
}

impl FromStr for Cidr {
    type Err = String;

    /// Reads a range or a single address. Bits behind the prefix must be zero: a range that says two things is a mistake.
    fn from_str(text: &str) -> Result<Self, String> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let first: IpAddr = address.parse().map_err(|_| format!("`{text}` is no address and no range of them"))?;
        if first.to_canonical() != first {
            return Err(format!("`{text}` is a range of IPv4 in IPv6 clothes: write it as {}", first.to_canonical()));
        }
        let most = if first.is_ipv4() { 32 } else { 128 };
        let bits = match bits {
            None => most,
            Some(bits) => bits
                .parse()
                .ok()
                .filter(|number| *number <= most && (bits.len() == 1 || !bits.starts_with(['0', '+'])))
                .ok_or_else(|| format!("`/{bits}` is not from /0 to /{most}"))?,
        };
        let behind = match first {
            IpAddr::V4(first) => first.to_bits().checked_shl(bits).unwrap_or(0) != 0,
            IpAddr::V6(first) => first.to_bits().checked_shl(bits).unwrap_or(0) != 0,
        };
        if behind {
            return Err(format!("`{text}` has bits behind its prefix"));
        }
        Ok(Self { first, bits })
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.first, self.bits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_holds_its_edges_and_nothing_past_them() {
        for (range, address, inside) in [
            ("10.0.0.0/8", "10.0.0.0", true),
            ("10.0.0.0/8", "10.255.255.255", true),
            ("10.0.0.0/8", "11.0.0.0", false),
            ("10.0.0.0/8", "9.255.255.255", false),
            ("10.0.0.0/8", "::ffff:10.1.2.3", true),
            ("10.0.0.0/8", "a00::", false),
            ("192.0.2.4/30", "192.0.2.7", true),
            ("192.0.2.4/30", "192.0.2.8", false),
            ("192.0.2.4", "192.0.2.4", true),
            ("192.0.2.4", "192.0.2.5", false),
            ("0.0.0.0/0", "203.0.113.9", true),
            ("0.0.0.0/0", "2001:db8::1", false),
            ("2001:db8::/32", "2001:db8:ffff::1", true),
            ("2001:db8::/32", "2001:db9::", false),
            ("::1", "::1", true),
            ("::1", "::2", false),
            ("::/0", "2001:db8::1", true),
        ] {
            let found: Cidr = range.parse().expect("a range");
            assert_eq!(found.contains(address.parse().expect("an address")), inside, "{address} in {range}");
        }
    }

    #[test]
    fn what_is_no_range_is_refused() {
        for bad in
            ["", "10.0.0.0/33", "10.0.0.1/8", "10.0.0.0/", "10.0.0.0/08", "10.0.0.0/+8", "10.0.0.0/-1", "10.0.0/8"]
        {
            assert!(bad.parse::<Cidr>().is_err(), "{bad}");
        }
        for bad in ["2001:db8::1/32", "::/129", "::ffff:10.0.0.0/104", "proxy.example", "*", "10.0.0.0/8/8"] {
            assert!(bad.parse::<Cidr>().is_err(), "{bad}");
        }
        assert_eq!("2001:db8::/32".parse::<Cidr>().map(|range| range.to_string()), Ok("2001:db8::/32".to_owned()));
    }
}
