//! A strict JSON scanner (RFC 8259) over bytes that it may change, and a small writer.
//!
//! Escaped strings are unescaped in place, so reading allocates nothing and every string borrows from the input. Refused
//! beyond the grammar: a top level that is no object, duplicate names in any object, more than [`MOST_MEMBERS`] members
//! in one, nesting deeper than [`DEEPEST`], text that is not UTF-8, lone surrogates, and anything behind the end.
//!
//! What we mint has no escapes. Such input is checked to be UTF-8 once and as a whole, which takes an eighth off the
//! reading of a token's claims.

use core::{fmt, mem, str};

mod writer;

pub use writer::{ObjectWriter, write_string};

/// How deep objects and arrays may nest; the top-level object is the first level.
pub const DEEPEST: usize = 8;

/// How many members one object may have.
pub const MOST_MEMBERS: usize = 64;

/// The input is not JSON as strict as we want it, or a value is not of the type that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not the strict JSON that was expected")
    }
}

impl core::error::Error for Malformed {}

/// Reads `bytes` as exactly one object and calls `member` with every name and a [`Reader`] that stands before its
/// value. `member` must consume that one value ([`Reader::skip`] if it does not want it). The bytes are scrambled where
/// strings had escapes.
///
/// # Errors
/// [`Malformed`] as an `E`, or what `member` gave.
pub fn read_object<'a, E: From<Malformed>>(
    bytes: &'a mut [u8],
    member: impl FnMut(&'a str, &mut Reader<'a>) -> Result<(), E>,
) -> Result<(), E> {
    read_value(bytes, |reader| reader.object(member))
}

/// Reads `bytes` as exactly one value, which `value` must consume.
///
/// # Errors
/// [`Malformed`] as an `E`, or what `value` gave.
pub fn read_value<'a, T, E: From<Malformed>>(
    bytes: &'a mut [u8],
    value: impl FnOnce(&mut Reader<'a>) -> Result<T, E>,
) -> Result<T, E> {
    let rest = if bytes.contains(&b'\\') {
        Rest::Escaped(bytes)
    } else {
        Rest::Plain(str::from_utf8(bytes).map_err(|_| Malformed)?)
    };
    let mut reader = Reader { rest, depth: 0 };
    let read = value(&mut reader)?;
    reader.space();
    if reader.bytes().is_empty() { Ok(read) } else { Err(Malformed.into()) }
}

/// Stands somewhere in the input; each method reads one value, with the space before it, and moves behind it.
#[derive(Debug)]
pub struct Reader<'a> {
    rest: Rest<'a>,
    depth: usize,
}

/// The input that is still to be read.
#[derive(Debug)]
enum Rest<'a> {
    /// There is no backslash in the whole input: its strings are pieces of it.
    Plain(&'a str),
    /// There is one somewhere; of what encoding the strings are shows when each is unescaped.
    Escaped(&'a mut [u8]),
}

impl<'a> Reader<'a> {
    /// The first byte of the next value, which tells its type; `None` at the end of the input.
    pub fn peek(&mut self) -> Option<u8> {
        self.space();
        self.bytes().first().copied()
    }

    /// Reads a string; gives it unescaped.
    ///
    /// # Errors
    /// [`Malformed`] if it is none.
    pub fn string(&mut self) -> Result<&'a str, Malformed> {
        self.token(b'"')?;
        match &mut self.rest {
            Rest::Plain(rest) => {
                let (text, behind) = rest.split_at(plain_length(rest.as_bytes()));
                *rest = behind.strip_prefix('"').ok_or(Malformed)?;
                Ok(text)
            }
            Rest::Escaped(rest) => {
                let (read, written) = unescape(rest, plain_length(rest))?;
                let (text, behind) = mem::take(rest).split_at_mut(read);
                *rest = &mut behind[1..];
                str::from_utf8(&text[..written]).map_err(|_| Malformed)
            }
        }
    }

    /// Reads an integer that has neither fraction nor exponent and fits an `i64`.
    ///
    /// # Errors
    /// [`Malformed`] if it is none.
    pub fn integer(&mut self) -> Result<i64, Malformed> {
        let text = self.number()?;
        let digits = text.strip_prefix(b"-").unwrap_or(text);
        // Downwards, because the least number has no positive one; a fraction or an exponent is no digit.
        let down = digits.iter().try_fold(0_i64, |number, digit| {
            let value = digit.wrapping_sub(b'0');
            if value < 10 { number.checked_mul(10)?.checked_sub(i64::from(value)) } else { None }
        });
        let number = if digits.len() == text.len() { down.and_then(i64::checked_neg) } else { down };
        number.ok_or(Malformed)
    }

    /// Reads `true` or `false`.
    ///
    /// # Errors
    /// [`Malformed`] if it is neither.
    pub fn boolean(&mut self) -> Result<bool, Malformed> {
        let yes = self.peek() == Some(b't');
        self.word(if yes { b"true" } else { b"false" })?;
        Ok(yes)
    }

    /// Reads `null`, if that is what comes, or else what `value` reads.
    ///
    /// # Errors
    /// [`Malformed`] as an `E`, or what `value` gave.
    pub fn unless_null<T, E: From<Malformed>>(
        &mut self,
        value: impl FnOnce(&mut Self) -> Result<T, E>,
    ) -> Result<Option<T>, E> {
        if self.peek() == Some(b'n') {
            self.word(b"null")?;
            return Ok(None);
        }
        value(self).map(Some)
    }

    /// Reads an array; calls `element` before each of its values, which it must consume.
    ///
    /// # Errors
    /// [`Malformed`] as an `E` if it is none or nests too deep, or what `element` gave.
    pub fn array<E: From<Malformed>>(
        &mut self,
        mut element: impl FnMut(&mut Self) -> Result<(), E>,
    ) -> Result<(), E> {
        self.enter(b'[')?;
        let mut more = self.peek() != Some(b']');
        while more {
            element(self)?;
            more = self.goes_on(b']')?;
        }
        self.leave();
        Ok(())
    }

    /// Reads an object; calls `member` with each name, before its value, which it must consume.
    ///
    /// # Errors
    /// [`Malformed`] as an `E` if it is none, nests too deep, or names something twice; or what `member` gave.
    pub fn object<E: From<Malformed>>(
        &mut self,
        mut member: impl FnMut(&'a str, &mut Self) -> Result<(), E>,
    ) -> Result<(), E> {
        self.enter(b'{')?;
        let mut names = Names { seen: [""; MOST_MEMBERS], count: 0, shapes: 0 };
        let mut more = self.peek() != Some(b'}');
        while more {
            let name = self.string()?;
            names.admit(name)?;
            self.token(b':')?;
            member(name, self)?;
            more = self.goes_on(b'}')?;
        }
        self.leave();
        Ok(())
    }

    /// Reads any value, checks it as strictly as the others, and forgets it.
    ///
    /// # Errors
    /// [`Malformed`] if it is none.
    pub fn skip(&mut self) -> Result<(), Malformed> {
        match self.peek().ok_or(Malformed)? {
            b'"' => self.string().map(drop),
            b'{' => self.object(|_, value| value.skip()),
            b'[' => self.array(Self::skip),
            b't' => self.word(b"true"),
            b'f' => self.word(b"false"),
            b'n' => self.word(b"null"),
            _ => self.number().map(drop),
        }
    }

    /// Reads a number by the grammar; gives its text.
    fn number(&mut self) -> Result<&'a [u8], Malformed> {
        self.space();
        let bytes = self.bytes();
        let digits_from = |start: usize| bytes[start..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        let mut end = usize::from(bytes.first() == Some(&b'-'));
        let whole = digits_from(end);
        if whole == 0 || (whole > 1 && bytes[end] == b'0') {
            return Err(Malformed);
        }
        end += whole;
        if bytes.get(end) == Some(&b'.') {
            let fraction = digits_from(end + 1);
            end += 1 + fraction;
            if fraction == 0 {
                return Err(Malformed);
            }
        }
        if matches!(bytes.get(end), Some(b'e' | b'E')) {
            end += 1 + usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
            let exponent = digits_from(end.min(bytes.len()));
            end += exponent;
            if exponent == 0 {
                return Err(Malformed);
            }
        }
        Ok(self.take(end))
    }

    fn word(&mut self, word: &[u8]) -> Result<(), Malformed> {
        if !self.bytes().starts_with(word) {
            return Err(Malformed);
        }
        self.take(word.len());
        Ok(())
    }

    fn enter(&mut self, bracket: u8) -> Result<(), Malformed> {
        self.token(bracket)?;
        self.depth += 1;
        if self.depth > DEEPEST { Err(Malformed) } else { Ok(()) }
    }

    /// Moves behind a comma, or stays before the closing bracket; says which.
    fn goes_on(&mut self, bracket: u8) -> Result<bool, Malformed> {
        match self.peek() {
            Some(b',') => {
                self.take(1);
                Ok(true)
            }
            Some(next) if next == bracket => Ok(false),
            _ => Err(Malformed),
        }
    }

    /// Moves behind the closing bracket that [`Self::peek`] has just seen.
    fn leave(&mut self) {
        self.take(1);
        self.depth -= 1;
    }

    fn token(&mut self, token: u8) -> Result<(), Malformed> {
        if self.peek() != Some(token) {
            return Err(Malformed);
        }
        self.take(1);
        Ok(())
    }

    fn space(&mut self) {
        if self.bytes().first().is_some_and(|&byte| byte <= b' ') {
            let blank = self.bytes().iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r')).count();
            self.take(blank);
        }
    }

    /// Moves on by `count` bytes that are known to be there.
    fn take(&mut self, count: usize) -> &'a [u8] {
        match &mut self.rest {
            Rest::Plain(rest) => {
                let (taken, behind) = rest.split_at(count);
                *rest = behind;
                taken.as_bytes()
            }
            Rest::Escaped(rest) => {
                let (taken, behind) = mem::take(rest).split_at_mut(count);
                *rest = behind;
                taken
            }
        }
    }

    fn bytes(&self) -> &[u8] {
        match &self.rest {
            Rest::Plain(rest) => rest.as_bytes(),
            Rest::Escaped(rest) => rest,
        }
    }
}

/// The names of one object so far.
struct Names<'a> {
    seen: [&'a str; MOST_MEMBERS],
    count: usize,
    /// One bit for each shape (length, first and last letter) seen: most names need no comparison at all.
    shapes: u64,
}

impl<'a> Names<'a> {
    fn admit(&mut self, name: &'a str) -> Result<(), Malformed> {
        let bytes = name.as_bytes();
        let ends = bytes.first().zip(bytes.last()).map_or(0, |(&a, &b)| usize::from(a) ^ usize::from(b) << 2);
        let shape = 1 << ((bytes.len() ^ ends) & 63);
        if self.shapes & shape != 0 && self.seen[..self.count].contains(&name) {
            return Err(Malformed);
        }
        *self.seen.get_mut(self.count).ok_or(Malformed)? = name;
        self.count += 1;
        self.shapes |= shape;
        Ok(())
    }
}

/// How many bytes there are before the first quote, backslash or control character. Looks at eight at a time; that takes
/// a tenth off the parsing of a token's claims.
fn plain_length(bytes: &[u8]) -> usize {
    const ONES: u64 = u64::from_le_bytes([1; 8]);
    const HIGHS: u64 = ONES << 7;
    // The high bit of each byte that is below `limit`; behind the first such byte there may be false ones.
    let below = |word: u64, limit: u64| word.wrapping_sub(ONES * limit) & !word & HIGHS;
    let (words, rest) = bytes.as_chunks::<8>();
    for (place, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        let quote = below(word ^ (ONES * u64::from(b'"')), 1);
        let backslash = below(word ^ (ONES * u64::from(b'\\')), 1);
        let found = quote | backslash | below(word, 0x20);
        if found != 0 {
            return place * 8 + found.trailing_zeros() as usize / 8;
        }
    }
    let plain = rest.iter().take_while(|&&byte| byte != b'"' && byte != b'\\' && byte >= 0x20).count();
    words.len() * 8 + plain
}

/// Unescapes a string in place from `start`, before which nothing is escaped; gives where its closing quote was and where
/// its text now ends.
fn unescape(bytes: &mut [u8], start: usize) -> Result<(usize, usize), Malformed> {
    let (mut read, mut written) = (start, start);
    loop {
        match *bytes.get(read).ok_or(Malformed)? {
            b'"' => return Ok((read, written)),
            b'\\' => {
                let (meant, length) = escape(&bytes[read..])?;
                read += length;
                // An escape is never shorter than the UTF-8 of what it means, so this stays behind `read`.
                written += meant.encode_utf8(&mut bytes[written..]).len();
            }
            0..0x20 => return Err(Malformed),
            plain => {
                bytes[written] = plain;
                read += 1;
                written += 1;
            }
        }
    }
}

/// Reads the escape at the start of `bytes`; gives what it means and how many bytes it takes.
fn escape(bytes: &[u8]) -> Result<(char, usize), Malformed> {
    let meant = match bytes.get(1).ok_or(Malformed)? {
        b'"' => '"',
        b'\\' => '\\',
        b'/' => '/',
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'u' => return unicode_escape(bytes),
        _ => return Err(Malformed),
    };
    Ok((meant, 2))
}

fn unicode_escape(bytes: &[u8]) -> Result<(char, usize), Malformed> {
    let unit = utf16_unit(bytes)?;
    if !(0xd800..0xdc00).contains(&unit) {
        // A low surrogate without its high one is no char and falls out here.
        return char::from_u32(unit).map(|meant| (meant, 6)).ok_or(Malformed);
    }
    let low = utf16_unit(&bytes[6..])?;
    if !(0xdc00..0xe000).contains(&low) {
        return Err(Malformed);
    }
    let point = 0x1_0000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
    char::from_u32(point).map(|meant| (meant, 12)).ok_or(Malformed)
}

/// Reads `\uXXXX`.
fn utf16_unit(bytes: &[u8]) -> Result<u32, Malformed> {
    let digits = bytes.strip_prefix(b"\\u").and_then(|rest| rest.get(..4)).ok_or(Malformed)?;
    digits.iter().try_fold(0, |unit, &digit| Some(unit << 4 | char::from(digit).to_digit(16)?)).ok_or(Malformed)
}

#[cfg(test)]
mod tests;
