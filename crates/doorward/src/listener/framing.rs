//! Where a request ends and the next one begins, judged before anybody else reads a byte (RFC 9112).
//!
//! There is one spelling of everything. What two readers could understand in two ways is refused: a proxy in front may
//! be the other reader, and then somebody's request is smuggled inside another's. Pure: bytes in, verdict out.

/// The longest line of a head, in bytes without its end: the request line, or a field such as `Cookie`.
pub const LINE_LARGEST: usize = 8 * 1024;
/// The largest head, in bytes, its empty line included.
pub const HEAD_LARGEST: usize = 16 * 1024;
/// The most fields of a head.
pub const FIELDS_MOST: usize = 100;
/// The most bytes of extensions of one chunk. Nobody uses them; they are read over.
pub const EXTENSION_LARGEST: usize = 256;
/// The most hexadecimal digits of a chunk's size.
const SIZE_DIGITS_MOST: u8 = 8;
/// The most colons of an address of IPv6.
const COLONS_MOST: usize = 8;
/// The most decimal digits of a content length.
const LENGTH_DIGITS_MOST: usize = 15;

/// What is wrong with what came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It is no request, or could be read in two ways.
    Malformed,
    /// The request line is too long.
    LineTooLong,
    /// The head has too many fields, one that is too long, or too many bytes.
    HeadTooLarge,
    /// It did not come in time. (Never said here: this file has no clock.)
    TooSlow,
}

/// What became of some bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    /// So many of them are good, and no part of a head that is not whole yet.
    pub good: usize,
    /// What is wrong with those behind.
    pub fault: Option<Fault>,
}

/// The place in a connection's requests.
#[derive(Debug, Default)]
pub struct Framing {
    place: Place,
    heads: u64,
}

#[derive(Debug)]
enum Place {
    Head(Head),
    Body(u64),
    Chunked(Chunked),
}

impl Default for Place {
    fn default() -> Self {
        Self::Head(Head::default())
    }
}

impl Framing {
    /// How many whole heads there were.
    pub const fn heads(&self) -> u64 {
        self.heads
    }

    /// Is the last body read to its end?
    pub const fn is_between(&self) -> bool {
        matches!(self.place, Place::Head(_))
    }

    /// Judges bytes. What is not taken as good has to be shown again, with more behind it.
    pub fn take(&mut self, bytes: &[u8]) -> Taken {
        let mut good = 0;
        while let Some(rest) = bytes.get(good..).filter(|rest| !rest.is_empty()) {
            match &mut self.place {
                Place::Head(head) => match head.read(rest) {
                    Ok(None) => break,
                    Ok(Some((length, place))) => {
                        good += length;
                        self.heads += 1;
                        self.place = place;
                    }
                    Err(fault) => return Taken { good, fault: Some(fault) },
                },
                Place::Body(left) => {
                    let some = usize::try_from(*left).unwrap_or(usize::MAX).min(rest.len());
                    good += some;
                    *left -= some as u64;
                    if *left == 0 {
                        self.place = Place::default();
                    }
                }
                Place::Chunked(chunked) => match chunked.read(rest) {
                    Ok((some, is_over)) => {
                        good += some;
                        if is_over {
                            self.place = Place::default();
                        }
                    }
                    Err(some) => return Taken { good: good + some, fault: Some(Fault::Malformed) },
                },
            }
        }
        Taken { good, fault: None }
    }
}

/// A head on its way. Lines are judged as they end, so that every byte is looked at once.
#[derive(Debug, Default)]
struct Head {
    /// So many bytes were looked at.
    seen: usize,
    /// Where the line begins that has not ended yet.
    line: usize,
    /// Whether the last byte seen was a carriage return.
    returned: bool,
    /// Empty lines before the request line.
    blank: bool,
    request: Option<Request>,
    fields: usize,
    host: Option<(usize, usize)>,
    length: Option<u64>,
    chunked: bool,
}

/// What the request line says that matters here.
#[derive(Clone, Copy, Debug)]
struct Request {
    is_1_1: bool,
    /// Where the authority of a target in absolute form stands.
    authority: Option<(usize, usize)>,
}

impl Head {
    /// Reads on; gives the length of a whole head and what follows it.
    fn read(&mut self, bytes: &[u8]) -> Result<Option<(usize, Place)>, Fault> {
        for (at, byte) in bytes.iter().copied().enumerate().skip(self.seen) {
            match (byte, self.returned) {
                (b'\n', true) => {
                    self.returned = false;
                    let line = (self.line, at - 1);
                    self.line = at + 1;
                    self.is_small(line.1 - line.0, at + 1)?;
                    if self.end_of_line(bytes, line)? {
                        return Ok(Some((at + 1, self.what_follows(bytes)?)));
                    }
                }
                (b'\r', false) => self.returned = true,
                // A line ends in both characters, and neither stands anywhere else; of controls only the tab does.
                (_, true) | (b'\n' | 0..=8 | 11..=31 | 127, _) => return Err(Fault::Malformed),
                _ => {}
            }
        }
        self.seen = bytes.len();
        if bytes.first().is_some_and(|first| !is_token(*first) && *first != b'\r') {
            return Err(Fault::Malformed);
        }
        self.is_small(bytes.len() - self.line - usize::from(self.returned), bytes.len())?;
        Ok(None)
    }

    fn is_small(&self, line: usize, all: usize) -> Result<(), Fault> {
        match (line > LINE_LARGEST, self.request.is_none()) {
            (true, true) => Err(Fault::LineTooLong),
            (true, false) => Err(Fault::HeadTooLarge),
            (false, _) if all > HEAD_LARGEST => Err(Fault::HeadTooLarge),
            (false, _) => Ok(()),
        }
    }

    /// Judges a line; says whether it is the one that ends the head.
    fn end_of_line(&mut self, bytes: &[u8], (from, to): (usize, usize)) -> Result<bool, Fault> {
        match (self.request, from == to) {
            // One empty line before a request is read over (RFC 9112 section 2.2): old programs send it after a form.
            (None, true) if !self.blank => self.blank = true,
            (None, true) => return Err(Fault::Malformed),
            (None, false) => self.request = Some(request_line(bytes, from, to).ok_or(Fault::Malformed)?),
            (Some(_), true) => return Ok(true),
            (Some(_), false) => {
                self.fields += 1;
                if self.fields > FIELDS_MOST {
                    return Err(Fault::HeadTooLarge);
                }
                self.field(bytes, from, to).ok_or(Fault::Malformed)?;
            }
        }
        Ok(false)
    }

    /// `None` for what is no field, or one of those that say where a message ends, said twice or badly.
    fn field(&mut self, bytes: &[u8], from: usize, to: usize) -> Option<()> {
        let line = &bytes[from..to];
        let colon = line.iter().position(|byte| !is_token(*byte)).filter(|at| *at > 0 && line[*at] == b':')?;
        let (mut start, mut end) = (from + colon + 1, to);
        while start < end && matches!(bytes[start], b' ' | b'\t') {
            start += 1;
        }
        while end > start && matches!(bytes[end - 1], b' ' | b'\t') {
            end -= 1;
        }
        let value = &bytes[start..end];
        let name = &line[..colon];
        if name.eq_ignore_ascii_case(b"host") {
            (self.host.is_none() && is_host(value)).then(|| self.host = Some((start, end)))
        } else if name.eq_ignore_ascii_case(b"content-length") {
            let length = self.length.is_none().then(|| decimal(value))??;
            self.length = Some(length);
            Some(())
        } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
            // `chunked` twice, or anything before it, is for readers who disagree.
            (!self.chunked && value.eq_ignore_ascii_case(b"chunked")).then(|| self.chunked = true)
        } else {
            Some(())
        }
    }

    fn what_follows(&self, bytes: &[u8]) -> Result<Place, Fault> {
        let request = self.request.ok_or(Fault::Malformed)?;
        let text = |(from, to): (usize, usize)| &bytes[from..to];
        let named = match (request.authority, self.host) {
            (Some(authority), Some(host)) => text(authority).eq_ignore_ascii_case(text(host)),
            (_, host) => host.is_some() || !request.is_1_1,
        };
        match (self.length, self.chunked) {
            _ if !named => Err(Fault::Malformed),
            (Some(_), true) => Err(Fault::Malformed),
            (None, true) if !request.is_1_1 => Err(Fault::Malformed),
            (None, true) => Ok(Place::Chunked(Chunked::Size { digits: 0, size: 0 })),
            (None | Some(0), false) => Ok(Place::default()),
            (Some(length), false) => Ok(Place::Body(length)),
        }
    }
}

fn request_line(bytes: &[u8], from: usize, to: usize) -> Option<Request> {
    let mut words = bytes[from..to].split(|byte| *byte == b' ');
    let (method, target, version) = (words.next()?, words.next()?, words.next()?);
    let is_1_1 = match version {
        b"HTTP/1.1" => true,
        b"HTTP/1.0" => false,
        _ => return None,
    };
    if words.next().is_some() || method.is_empty() || !method.iter().copied().all(is_token) || !is_target(target) {
        return None;
    }
    let at = from + method.len() + 1;
    match target.first()? {
        b'/' => Some(Request { is_1_1, authority: None }),
        b'*' if target == b"*" && method == b"OPTIONS" => Some(Request { is_1_1, authority: None }),
        _ => {
            let schemes: [&[u8]; 2] = [b"http://", b"https://"];
            let begins =
                |scheme: &&[u8]| target.get(..scheme.len()).is_some_and(|own| own.eq_ignore_ascii_case(scheme));
            let scheme = schemes.into_iter().find(begins)?.len();
            let authority = target[scheme..].split(|byte| matches!(byte, b'/' | b'?')).next()?;
            let place = (at + scheme, at + scheme + authority.len());
            is_host(authority).then_some(Request { is_1_1, authority: Some(place) })
        }
    }
}

/// Printable, and nothing that the library behind would refuse (`http::Uri`): it does so without a word of ours.
fn is_target(text: &[u8]) -> bool {
    let mut asks = false;
    text.iter().all(|byte| {
        let unfit = if asks { b'"' } else { b'`' };
        asks |= *byte == b'?';
        byte.is_ascii_graphic() && !matches!(byte, b'#' | b'<' | b'>') && *byte != unfit
    })
}

/// A host with or without its port (RFC 3986 section 3.2): nothing in it that could end it elsewhere, and nothing that the
/// library behind would refuse.
fn is_host(text: &[u8]) -> bool {
    let literal = text.strip_prefix(b"[").and_then(|rest| rest.iter().position(|byte| *byte == b']'));
    let end = match literal {
        Some(length) => length + 2,
        None => text.iter().position(|byte| *byte == b':').unwrap_or(text.len()),
    };
    let (host, port) = text.split_at(end);
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~".contains(byte);
    let is_good = match host {
        [b'[', address @ .., b']'] => {
            let colons = address.iter().filter(|byte| **byte == b':').count();
            !address.is_empty()
                && colons <= COLONS_MOST
                && address.iter().all(|byte| is_name(byte) || b":%".contains(byte))
        }
        name => !name.is_empty() && name.iter().all(is_name),
    };
    is_good && (port.is_empty() || port.strip_prefix(b":").is_some_and(|port| port.iter().all(u8::is_ascii_digit)))
}

fn decimal(text: &[u8]) -> Option<u64> {
    let fits = (1..=LENGTH_DIGITS_MOST).contains(&text.len()) && text.iter().all(u8::is_ascii_digit);
    fits.then(|| text.iter().fold(0, |number, digit| number * 10 + u64::from(digit - b'0')))
}

/// RFC 9110 section 5.6.2.
const fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'!' | b'#' | b'$' | b'%' | b'&' | b'\'' | b'*' | b'+' | b'-' | b'.' | b'^' | b'_' | b'`' | b'|' | b'~'
        )
}

/// The place in a chunked body.
#[derive(Clone, Copy, Debug)]
enum Chunked {
    Size {
        digits: u8,
        size: u64,
    },
    Extension {
        bytes: usize,
        size: u64,
    },
    SizeEnd {
        size: u64,
    },
    Data {
        left: u64,
    },
    DataReturn,
    DataEnd,
    /// Behind the last chunk. Trailers are not taken: nothing here would read them.
    Last,
    LastEnd,
}

impl Chunked {
    /// Reads on; gives how far, and whether the body is over. The error is the place of the byte that does not fit.
    fn read(&mut self, bytes: &[u8]) -> Result<(usize, bool), usize> {
        let mut at = 0;
        while let Some(byte) = bytes.get(at).copied() {
            if let Self::Data { left } = *self {
                let some = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len() - at);
                at += some;
                let left = left - some as u64;
                *self = if left == 0 { Self::DataReturn } else { Self::Data { left } };
                continue;
            }
            if matches!((*self, byte), (Self::LastEnd, b'\n')) {
                return Ok((at + 1, true));
            }
            *self = self.after(byte).ok_or(at)?;
            at += 1;
        }
        Ok((at, false))
    }

    fn after(self, byte: u8) -> Option<Self> {
        match (self, byte) {
            (Self::Size { digits, size }, _) if byte.is_ascii_hexdigit() && digits < SIZE_DIGITS_MOST => {
                let digit = char::from(byte).to_digit(16).map(u64::from)?;
                Some(Self::Size { digits: digits + 1, size: size * 16 + digit })
            }
            (Self::Size { digits: 1.., size }, b'\r') => Some(Self::SizeEnd { size }),
            (Self::Size { digits: 1.., size }, b';') => Some(Self::Extension { bytes: 1, size }),
            (Self::Extension { size, .. }, b'\r') => Some(Self::SizeEnd { size }),
            (Self::Extension { bytes, size }, b' '..=b'~' | b'\t') if bytes < EXTENSION_LARGEST => {
                Some(Self::Extension { bytes: bytes + 1, size })
            }
            (Self::SizeEnd { size: 0 }, b'\n') => Some(Self::Last),
            (Self::SizeEnd { size }, b'\n') => Some(Self::Data { left: size }),
            (Self::DataReturn, b'\r') => Some(Self::DataEnd),
            (Self::DataEnd, b'\n') => Some(Self::Size { digits: 0, size: 0 }),
            (Self::Last, b'\r') => Some(Self::LastEnd),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
