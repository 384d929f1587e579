//! An entry as an array, `[kind, key, strength, min_rv, ttl_s, reserved]`: the same in events and in snapshots.

use std::io::Write as _;

use super::{sixteen, value};
use crate::json::{Malformed, Reader};
use crate::{Entry, Key, Lifetime, Position, Scope, Strength, base64url};

/// Appends an entry to `out`. Seconds are rounded up.
pub fn write_entry(entry: &Entry, out: &mut Vec<u8>) {
    let secs = entry.ttl.millis().max(0).saturating_add(999) / 1000;
    // Writing into memory cannot fail.
    let _ = write!(out, "[\"{}\",\"", entry.scope.code());
    base64url::encode_to(&entry.key.0, out);
    let _ = write!(out, "\",\"{}\",", entry.strength.code());
    let _ = match entry.min_rv {
        Some(min_rv) => write!(out, "\"{min_rv}\",{secs},0]"),
        None => write!(out, "null,{secs},0]"),
    };
}

/// Reads an entry of a range or snapshot that ends at `end`. A kind or strength that we do not know is taken as a
/// refresh-required epoch of the whole realm at `end`: whatever it means, what was minted before it is renewed.
///
/// # Errors
/// [`Malformed`] if it is none.
pub fn read_entry(value: &mut Reader<'_>, end: Position) -> Result<Entry, Malformed> {
    let mut draft = Draft::default();
    let mut place = 0;
    value.array(|member| {
        draft.read(place, member)?;
        place += 1;
        Ok::<(), Malformed>(())
    })?;
    if place < MEMBERS {
        return Err(Malformed);
    }
    draft.settle(end)
}

/// How many members an entry has. There may be more in times to come; they are ignored, as the last one is.
const MEMBERS: usize = 6;

#[derive(Default)]
struct Draft {
    scope: Option<Scope>,
    key: Option<Key>,
    strength: Option<Strength>,
    min_rv: Option<Position>,
    ttl: Lifetime,
}

impl Draft {
    fn read(&mut self, place: usize, member: &mut Reader<'_>) -> Result<(), Malformed> {
        match place {
            0 => self.scope = Scope::from_code(member.string()?),
            // What an unknown kind has for a key is its own affair.
            1 if self.scope.is_none() => member.skip()?,
            1 => self.key = Some(Key(sixteen(member.string()?).ok_or(Malformed)?)),
            2 => self.strength = Strength::from_code(member.string()?),
            3 if self.scope.is_none() || self.strength.is_none() => member.skip()?,
            3 => self.min_rv = member.unless_null(value::position)?,
            4 => self.ttl = Lifetime::from_secs(value::whole(member)?.try_into().map_err(|_| Malformed)?),
            _ => member.skip()?,
        }
        Ok(())
    }

    fn settle(self, end: Position) -> Result<Entry, Malformed> {
        let (Some(scope), Some(strength)) = (self.scope, self.strength) else {
            return Ok(Entry {
                scope: Scope::Realm,
                key: Key::REALM,
                strength: Strength::RefreshRequired,
                min_rv: Some(end),
                ttl: self.ttl,
            });
        };
        let key = self.key.ok_or(Malformed)?;
        Ok(Entry { scope, key, strength, min_rv: self.min_rv, ttl: self.ttl })
    }
}
