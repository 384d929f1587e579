//! Names for requests, to find their traces by: in the answer, in the log, in the audit log.

use std::sync::atomic::{AtomicU64, Ordering};

/// Gives names.
#[derive(Debug)]
pub struct Requests {
    next: AtomicU64,
}

impl From<u64> for Requests {
    fn from(first: u64) -> Self {
        Self { next: AtomicU64::new(first) }
    }
}

impl Requests {
    /// The next name. Every answer has one, also that of a check which takes a microsecond: so its room is taken once, and
    /// its digits are written without the machinery of formatting.
    pub fn name(&self) -> String {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let mut name = String::with_capacity("req_0123456789abcdef".len());
        name.push_str("req_");
        for digit in (0..u64::BITS / 4).rev() {
            name.extend(char::from_digit((number >> (4 * digit)) as u32 & 0xf, 16));
        }
        name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_numbers_in_sixteen_digits_and_take_their_room_once() {
        let requests = Requests::from(0x0012_3456_789a_bcde);
        for name in ["req_00123456789abcde", "req_00123456789abcdf"] {
            let made = requests.name();
            assert_eq!((made.as_str(), made.capacity()), (name, name.len()));
        }
        let last = Requests::from(u64::MAX);
        assert_eq!([last.name(), last.name()], ["req_ffffffffffffffff", "req_0000000000000000"]);
    }
}
