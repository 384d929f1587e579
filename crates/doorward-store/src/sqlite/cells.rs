//! Reading a row cell by cell, and the forms in which our types rest in cells.
//!
//! A cell that does not hold what we write there is a [`Fault::Unreadable`] that names it; never a panic, never a guess.

use doorward_core::{Lifetime, Position, Timestamp};
use rusqlite::Row;
use rusqlite::types::{FromSql, ValueRef};

use super::fault::Fault;

/// A row, read from the left.
pub(super) struct Cells<'a> {
    row: &'a Row<'a>,
    next: usize,
}

impl<'a> Cells<'a> {
    /// The cells of a row.
    pub(super) const fn of(row: &'a Row<'a>) -> Self {
        Self { row, next: 0 }
    }

    /// The next cell, of a type that SQLite knows.
    pub(super) fn take<T: FromSql>(&mut self, what: &'static str) -> Result<T, Fault> {
        let place = self.next;
        self.next += 1;
        self.row.get(place).map_err(|_| Fault::Unreadable(what))
    }

    /// A time.
    pub(super) fn time(&mut self, what: &'static str) -> Result<Timestamp, Fault> {
        self.take(what).map(Timestamp::from_millis)
    }

    /// A time, or none.
    pub(super) fn time_if_any(&mut self, what: &'static str) -> Result<Option<Timestamp>, Fault> {
        Ok(self.take::<Option<i64>>(what)?.map(Timestamp::from_millis))
    }

    /// A span of time.
    pub(super) fn lifetime(&mut self, what: &'static str) -> Result<Lifetime, Fault> {
        self.take(what).map(Lifetime::from_millis)
    }

    /// A number that may use all 64 bits.
    pub(super) fn count(&mut self, what: &'static str) -> Result<u64, Fault> {
        self.take(what).map(i64::cast_unsigned)
    }

    /// A place of the feed.
    pub(super) fn position(&mut self, what: &'static str) -> Result<Position, Fault> {
        self.take(what).map(position)
    }

    /// A place of the feed, or none.
    pub(super) fn position_if_any(&mut self, what: &'static str) -> Result<Option<Position>, Fault> {
        Ok(self.take::<Option<[u8; 16]>>(what)?.map(position))
    }

    /// 16 bytes of an id, made into it.
    pub(super) fn id<T>(&mut self, make: impl Fn([u8; 16]) -> T, what: &'static str) -> Result<T, Fault> {
        self.take(what).map(make)
    }

    /// 16 bytes of an id, or none.
    pub(super) fn id_if_any<T>(
        &mut self,
        make: impl Fn([u8; 16]) -> T,
        what: &'static str,
    ) -> Result<Option<T>, Fault> {
        Ok(self.take::<Option<[u8; 16]>>(what)?.map(make))
    }

    /// A word that `read` knows.
    pub(super) fn word<T>(&mut self, read: impl FnOnce(&str) -> Option<T>, what: &'static str) -> Result<T, Fault> {
        self.word_if_any(read, what)?.ok_or(Fault::Unreadable(what))
    }

    /// A word that `read` knows, or none.
    pub(super) fn word_if_any<T>(
        &mut self,
        read: impl FnOnce(&str) -> Option<T>,
        what: &'static str,
    ) -> Result<Option<T>, Fault> {
        let place = self.next;
        self.next += 1;
        let unreadable = Fault::Unreadable(what);
        match self.row.get_ref(place).map_err(|_| Fault::Unreadable(what))? {
            ValueRef::Null => Ok(None),
            cell => cell.as_str().ok().and_then(read).map(Some).ok_or(unreadable),
        }
    }

    /// The bytes of a blob, read by `read`.
    pub(super) fn blob<T>(&mut self, read: impl FnOnce(&[u8]) -> Option<T>, what: &'static str) -> Result<T, Fault> {
        let place = self.next;
        self.next += 1;
        let cell = self.row.get_ref(place).ok().and_then(|cell| cell.as_blob().ok());
        cell.and_then(read).ok_or(Fault::Unreadable(what))
    }

    /// A list of words.
    pub(super) fn list(&mut self, what: &'static str) -> Result<Vec<String>, Fault> {
        self.word(read_list, what)
    }
}

/// The cell of a place: its order is that of places.
pub(super) fn placed(place: Position) -> [u8; 16] {
    (u128::from(place.generation) << 64 | u128::from(place.seq)).to_be_bytes()
}

/// The place in a cell.
pub(super) fn position(cell: [u8; 16]) -> Position {
    let both = u128::from_be_bytes(cell);
    Position { generation: (both >> 64) as u64, seq: both as u64 }
}

/// A number that is only ever compared for equality: all 64 bits fit.
pub(super) const fn counted(count: u64) -> i64 {
    count.cast_signed()
}

/// A number that stands for an order: what is beyond the end is the end.
pub(super) fn ordered(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// A list as text: each word ends its line, so that an empty list and a list of one empty word differ.
pub(super) fn listed<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    let mut text = String::new();
    for word in words {
        text.push_str(&word.replace('\\', "\\\\").replace('\n', "\\n"));
        text.push('\n');
    }
    text
}

fn read_list(text: &str) -> Option<Vec<String>> {
    if text.is_empty() {
        return Some(Vec::new());
    }
    text.strip_suffix('\n')?.split('\n').map(read_line).collect()
}

fn read_line(line: &str) -> Option<String> {
    let mut word = String::with_capacity(line.len());
    let mut letters = line.chars();
    while let Some(letter) = letters.next() {
        word.push(match letter {
            '\\' => match letters.next()? {
                'n' => '\n',
                '\\' => '\\',
                _ => return None,
            },
            plain => plain,
        });
    }
    Some(word)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_list_survives_its_text(words in proptest::collection::vec("[a-z\\\\\n]{0,4}", 0..4)) {
            let text = listed(words.iter().map(String::as_str));
            prop_assert_eq!(read_list(&text), Some(words));
        }

        #[test]
        fn cells_of_places_are_ordered_as_places_are(one: (u64, u64), two: (u64, u64)) {
            let place = |(generation, seq)| Position { generation, seq };
            let (one, two) = (place(one), place(two));
            prop_assert_eq!(placed(one).cmp(&placed(two)), one.cmp(&two));
            prop_assert_eq!(position(placed(one)), one);
        }
    }

    #[test]
    fn what_is_no_list_is_not_read() {
        for bad in ["word", "one\ntwo", "\\\n", "\\x\n"] {
            assert_eq!(read_list(bad), None, "{bad:?}");
        }
    }
}
