//! The one request that a verifier makes again and again: it asks for an echo, acknowledges, and reports use.

use super::event::write_stream;
use super::value::{integer, moment, parsed, position, span, whole};
use super::{Instance, SetId, StreamId};
use crate::json::{Malformed, ObjectWriter, read_object, write_string};
use crate::{Lifetime, Position, Timestamp};

/// How many sessions one ping may report.
pub const MOST_SEEN: usize = 1000;
/// How many bytes a ping may have.
pub const LONGEST_PING: usize = 128 * 1024;
/// How many characters the id of a session may have.
const LONGEST_ID: usize = 64;

/// A ping: the body of `POST /v1/feed/ping`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Ping {
    /// Who asks.
    pub instance: Instance,
    /// The stream that it listens to; the echo is written into that too.
    pub stream: Option<StreamId>,
    /// Counts the pings of the instance, from 1.
    pub n: u64,
    /// Up to where it holds everything: its acknowledgement.
    pub applied: Position,
    /// How long it trusts its index after an echo.
    pub lease: Lifetime,
    /// How much its routes may add.
    pub grace: Lifetime,
    /// Sessions that were used, and when last.
    pub seen: Vec<(String, Timestamp)>,
    /// Does it stop now, and trust its index no longer?
    pub leaving: bool,
    /// The set of signing keys that it holds, if it says so.
    pub keys: Option<SetId>,
}

impl Ping {
    /// Appends its JSON to `out`.
    pub fn write(&self, out: &mut Vec<u8>) {
        let mut object = ObjectWriter::begin(out);
        object.text("instance", &self.instance.to_string());
        write_stream(self.stream, &mut object);
        object.integer("n", integer(self.n));
        object.text("applied", &self.applied.to_string());
        object.integer("lease", self.lease.millis());
        object.integer("grace", self.grace.millis());
        let out = object.raw("seen");
        out.push(b'[');
        for (place, (session, at)) in self.seen.iter().enumerate() {
            out.extend_from_slice(if place > 0 { b",[" } else { b"[" });
            write_string(session, out);
            out.extend_from_slice(format!(",{}]", at.millis()).as_bytes());
        }
        out.push(b']');
        let leaving: &[u8] = if self.leaving { b"true" } else { b"false" };
        object.raw("leaving").extend_from_slice(leaving);
        if let Some(keys) = self.keys {
            object.text("keys", &keys.to_string());
        }
        object.end();
    }

    /// Reads a ping. As in every request, a member that we do not know is refused; `seen`, `leaving` and `keys` may be absent.
    ///
    /// # Errors
    /// [`Malformed`] if it is none, or larger than it may be.
    pub fn read(json: &mut [u8]) -> Result<Self, Malformed> {
        if json.len() > LONGEST_PING {
            return Err(Malformed);
        }
        let (mut instance, mut stream, mut n, mut applied) = (None, None, None, None);
        let (mut lease, mut grace, mut seen, mut leaving, mut keys) = (None, None, Vec::new(), false, None);
        read_object(json, |name, value| {
            match name {
                "instance" => instance = Some(parsed(value)?),
                "stream" => stream = Some(value.unless_null(parsed)?),
                "n" => n = Some(whole(value)?).filter(|n| *n > 0),
                "applied" => applied = Some(position(value)?),
                "lease" => lease = Some(span(value)?),
                "grace" => grace = Some(span(value)?),
                "seen" => value.array(|pair| {
                    seen.push(read_use(pair)?);
                    if seen.len() > MOST_SEEN { Err(Malformed) } else { Ok(()) }
                })?,
                "leaving" => leaving = value.boolean()?,
                "keys" => keys = Some(parsed(value)?),
                _ => return Err(Malformed),
            }
            Ok::<(), Malformed>(())
        })?;
        match (instance, stream, n, applied, lease, grace) {
            (Some(instance), Some(stream), Some(n), Some(applied), Some(lease), Some(grace)) => {
                Ok(Self { instance, stream, n, applied, lease, grace, seen, leaving, keys })
            }
            _ => Err(Malformed),
        }
    }
}

/// Reads `["ses_…", ms]`.
fn read_use(pair: &mut crate::json::Reader<'_>) -> Result<(String, Timestamp), Malformed> {
    let (mut session, mut at, mut place) = (None, None, 0);
    pair.array(|member| {
        match place {
            0 => session = Some(member.string()?.to_owned()).filter(|id| id.len() <= LONGEST_ID),
            1 => at = Some(moment(member)?),
            _ => return Err(Malformed),
        }
        place += 1;
        Ok(())
    })?;
    session.zip(at).ok_or(Malformed)
}
