//! Single values of the feed's JSON: positions, spans, moments, names.

use core::str::FromStr;

use crate::json::{Malformed, Reader};
use crate::{Lifetime, Position, Timestamp};

/// Reads a whole number that is not negative.
pub(super) fn whole(value: &mut Reader<'_>) -> Result<u64, Malformed> {
    value.integer()?.try_into().map_err(|_| Malformed)
}

/// Reads a position, both numbers of which stay below 2^63: they are JSON integers elsewhere.
pub(super) fn position(value: &mut Reader<'_>) -> Result<Position, Malformed> {
    let place: Position = parsed(value)?;
    let fits = |number: u64| i64::try_from(number).is_ok();
    if fits(place.generation) && fits(place.seq) { Ok(place) } else { Err(Malformed) }
}

/// Reads a span of milliseconds that is not negative.
pub(super) fn span(value: &mut Reader<'_>) -> Result<Lifetime, Malformed> {
    let millis = value.integer()?;
    if millis < 0 { Err(Malformed) } else { Ok(Lifetime::from_millis(millis)) }
}

/// Reads a moment in milliseconds.
pub(super) fn moment(value: &mut Reader<'_>) -> Result<Timestamp, Malformed> {
    value.integer().map(Timestamp::from_millis)
}

/// Reads a string and what it spells.
pub(super) fn parsed<T: FromStr>(value: &mut Reader<'_>) -> Result<T, Malformed> {
    value.string()?.parse().map_err(|_| Malformed)
}

/// A number as JSON has it. Positions and counts stay below 2^63.
pub(super) fn integer(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
