//! A place in the revocation feed, which is also the moment a token was minted at.

use core::{fmt, str::FromStr};

/// A place in the feed: which life of the feed, and how far into it. Ordered by generation, then by sequence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// Which life of the feed; a new one begins whenever the old order cannot be vouched for.
    pub generation: u64,
    /// How many lines that life had.
    pub seq: u64,
}

impl Position {
    /// Before everything: `0:0`.
    pub const START: Self = Self { generation: 0, seq: 0 };
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.generation, self.seq)
    }
}

/// The text is not two canonical decimal numbers with a colon between them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PositionError;

impl fmt::Display for PositionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a feed position like 7:42")
    }
}

impl core::error::Error for PositionError {}

impl FromStr for Position {
    type Err = PositionError;

    /// Reads the one spelling that [`Display`](fmt::Display) writes: no sign, no leading zero, no space.
    fn from_str(text: &str) -> Result<Self, PositionError> {
        let (generation, seq) = text.split_once(':').ok_or(PositionError)?;
        Ok(Self { generation: decimal(generation)?, seq: decimal(seq)? })
    }
}

fn decimal(text: &str) -> Result<u64, PositionError> {
    let canonical = text == "0" || !text.starts_with(['0', '+']);
    if canonical { text.parse().map_err(|_| PositionError) } else { Err(PositionError) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_position_has_one_spelling() {
        assert_eq!("7:42".parse(), Ok(Position { generation: 7, seq: 42 }));
        assert_eq!("0:0".parse(), Ok(Position::START));
        let bad = ["", ":", "7", "7:", ":42", "07:42", "7:042", "+7:42", "7:-1", "7: 42", "7:42:1", "00:0", "7:4e1"];
        for text in bad {
            assert_eq!(text.parse::<Position>(), Err(PositionError), "{text:?}");
        }
        assert_eq!("18446744073709551616:0".parse::<Position>(), Err(PositionError), "one too many");
    }

    proptest! {
        #[test]
        fn a_position_survives_its_text(generation: u64, seq: u64) {
            let place = Position { generation, seq };
            prop_assert_eq!(place.to_string().parse(), Ok(place));
        }

        #[test]
        fn whatever_is_read_is_written_alike(text in "[0-9+]{0,3}:?[0-9 ]{0,3}") {
            if let Ok(place) = text.parse::<Position>() {
                prop_assert_eq!(place.to_string(), text);
            }
        }
    }
}
