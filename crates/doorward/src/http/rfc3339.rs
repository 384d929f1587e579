//! A time as RFC 3339 has it, in UTC, to the millisecond: written six times into every answer that tells of a session, so
//! it is quick.

use doorward_core::Timestamp;

/// The longest text.
pub const LONGEST: usize = "2026-11-21T09:00:00.125Z".len();

const DAY: i64 = 86_400_000;

/// Writes a time; the fraction is as short as it can be, and left out if it is nothing. `None` outside the years 1970 to
/// 9999.
pub fn write(time: Timestamp, space: &mut [u8; LONGEST]) -> Option<&str> {
    let millis = time.millis();
    let (days, of_day) = (millis.div_euclid(DAY), millis.rem_euclid(DAY) as u32);
    let (year, month, day) = civil(days)?;
    let [hour, minute, second] = [of_day / 3_600_000, of_day / 60_000 % 60, of_day / 1000 % 60];
    *space = *b"0000-00-00T00:00:00.000Z";
    two(space, 0, year / 100);
    two(space, 2, year % 100);
    for (at, number) in [(5, month), (8, day), (11, hour), (14, minute), (17, second)] {
        two(space, at, number);
    }
    let fraction = of_day % 1000;
    space[20] = digit(fraction / 100);
    two(space, 21, fraction % 100);
    let length = match fraction {
        0 => 20,
        _ if fraction.is_multiple_of(100) => 22,
        _ if fraction.is_multiple_of(10) => 23,
        _ => 24,
    };
    space[length - 1] = b'Z';
    std::str::from_utf8(&space[..length]).ok()
}

/// Year, month and day, from days since 1970 (the algorithm of Howard Hinnant's `civil_from_days`).
fn civil(days: i64) -> Option<(u32, u32, u32)> {
    // From the first of March of the year 0, so that the leap day is a year's last.
    let days = u32::try_from(days).ok()?.checked_add(719_468)?;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let (month, later) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    let year = year + era * 400 + later;
    (year <= 9999).then_some((year, month, day))
}

const fn digit(number: u32) -> u8 {
    b'0' + (number % 10) as u8
}

fn two(space: &mut [u8; LONGEST], at: usize, number: u32) {
    space[at] = digit(number / 10);
    space[at + 1] = digit(number);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop_assert_eq, proptest};

    use super::*;

    fn same(millis: i64) {
        let expected = jiff::Timestamp::from_millisecond(millis).expect("a time").to_string();
        let mut space = [0; LONGEST];
        match write(Timestamp::from_millis(millis), &mut space) {
            Some(text) => assert_eq!(text, expected),
            None => assert!(!(0..=253_402_207_200_000).contains(&millis), "{expected}"),
        }
    }

    #[test]
    fn every_day_of_the_calendar_and_every_kind_of_fraction_is_written_as_the_library_writes_it() {
        for day in 0..2_932_800 {
            same(day * DAY + 34_567_000 + day % 1000);
        }
        for millis in [-1, 0, 1, 10, 100, 120, 125, 999, 1000, DAY - 1, DAY, 253_402_207_200_000] {
            same(millis);
        }
        assert_eq!(write(Timestamp::MIN, &mut [0; LONGEST]), None);
        assert_eq!(write(Timestamp::MAX, &mut [0; LONGEST]), None);
    }

    proptest! {
        #[test]
        fn any_time_is_written_as_the_library_writes_it(millis in 0..253_402_207_200_000_i64, whole in any::<bool>()) {
            let millis = if whole { millis / 1000 * 1000 } else { millis };
            let expected = jiff::Timestamp::from_millisecond(millis).expect("a time").to_string();
            let mut space = [0; LONGEST];
            prop_assert_eq!(write(Timestamp::from_millis(millis), &mut space), Some(expected.as_str()));
        }
    }
}
