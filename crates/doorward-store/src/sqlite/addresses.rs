//! The address of a device in a cell: the 4 or 16 bytes of an IP address, or the text of anything else.
//!
//! An address that would come out in other words than it went in is anything else.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, Value, ValueRef};

use super::cells::Cells;
use super::fault::Fault;

struct Told(String);

/// The cell of an address.
pub(super) fn cell(address: &str) -> Value {
    match address.parse::<IpAddr>() {
        Ok(ip) if ip.to_string() == address => Value::Blob(match ip {
            IpAddr::V4(ip) => ip.octets().to_vec(),
            IpAddr::V6(ip) => ip.octets().to_vec(),
        }),
        _ => Value::Text(address.to_owned()),
    }
}

/// The address in the next cell.
pub(super) fn read(cells: &mut Cells<'_>, what: &'static str) -> Result<String, Fault> {
    cells.take::<Told>(what).map(|told| told.0)
}

impl FromSql for Told {
    fn column_result(cell: ValueRef<'_>) -> FromSqlResult<Self> {
        if let ValueRef::Text(_) = cell {
            return cell.as_str().map(|text| Self(text.to_owned()));
        }
        let bytes = cell.as_blob()?;
        let ip = match (<[u8; 4]>::try_from(bytes), <[u8; 16]>::try_from(bytes)) {
            (Ok(four), _) => IpAddr::V4(Ipv4Addr::from(four)),
            (_, Ok(sixteen)) => IpAddr::V6(Ipv6Addr::from(sixteen)),
            _ => return Err(FromSqlError::InvalidBlobSize { expected_size: 16, blob_size: bytes.len() }),
        };
        Ok(Self(ip.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The address that comes out of a cell.
    fn again(cell: &Value) -> Option<String> {
        Told::column_result(ValueRef::from(cell)).ok().map(|told| told.0)
    }

    proptest! {
        #[test]
        fn every_address_comes_out_in_its_own_words(ip: IpAddr, text: String) {
            for address in [ip.to_string(), ip.to_string().to_uppercase(), format!("0{ip}"), text] {
                prop_assert_eq!(again(&cell(&address)), Some(address));
            }
        }
    }

    #[test]
    fn an_ip_address_takes_its_bytes_and_nothing_else_is_taken_for_one() {
        assert_eq!(cell("203.0.113.77"), Value::Blob(vec![203, 0, 113, 77]));
        assert_eq!(cell("2001:db8::1"), Value::Blob([&[0x20, 1, 0xd, 0xb8][..], &[0; 11], &[1]].concat()));
        for text in ["", "::FFFF", "203.0.113.77:443", "unknown"] {
            assert_eq!(cell(text), Value::Text(String::from(text)));
        }
        for blob in [&[][..], &[1; 5], &[1; 17]] {
            assert_eq!(again(&Value::Blob(blob.to_vec())), None, "{blob:?}");
        }
        assert_eq!(again(&Value::Integer(7)), None);
    }
}
