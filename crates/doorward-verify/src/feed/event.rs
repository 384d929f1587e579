//! The five events, as JSON.

use super::value::{integer, moment, parsed, position, span, whole};
use super::{Broken, StreamId, read_entry, write_entry};
use crate::json::{Malformed, ObjectWriter, Reader, read_object};
use crate::{Entry, Lifetime, Position, Timestamp};

/// The version of the feed that this is.
pub const VERSION: u64 = 1;

/// One event of a stream, or of the answer to a ping.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// The first event of a stream.
    Hello(Hello),
    /// All entries of a part of the feed.
    Range(Range),
    /// The index is whole as of a ping.
    Echo(Echo),
    /// The server asks for something.
    Need(Need),
    /// A new generation.
    Bump(Bump),
    /// A name that we do not know; genuine, and ignored.
    Unknown,
}

/// How a stream begins.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Hello {
    /// [`VERSION`], or something that we do not understand.
    pub version: u64,
    /// The name of this stream.
    pub stream: StreamId,
    /// The newest entry; its generation is the feed's.
    pub head: Position,
    /// How long this instance may trust its index.
    pub lease: Lifetime,
    /// How much its routes may add.
    pub grace: Lifetime,
    /// How long entries live.
    pub retention: Lifetime,
    /// How long access tokens live at most.
    pub longest_token: Lifetime,
    /// The server's wall clock.
    pub time: Timestamp,
}

/// All entries in `(from, to]` of a generation.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Range {
    /// The generation of `from` and `to`.
    pub generation: u64,
    /// Behind what it begins.
    pub from: u64,
    /// Where it ends.
    pub to: u64,
    /// Up to where everything may be forgotten.
    pub gc_through: Position,
    /// The entries.
    pub entries: Vec<Entry>,
    /// For servers only: proof that one of them wrote it.
    pub mac: String,
}

impl Range {
    /// Where it ends, as a position.
    pub const fn end(&self) -> Position {
        Position { generation: self.generation, seq: self.to }
    }
}

/// The answer to a ping.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Echo {
    /// Which ping.
    pub n: u64,
    /// The stream that the ping named.
    pub stream: Option<StreamId>,
    /// The head, read after the ping had come.
    pub head: Position,
    /// The server's wall clock.
    pub time: Timestamp,
}

/// What the server asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Need {
    /// A ping, now.
    Ping,
    /// That the verifier gets the snapshot.
    Snapshot {
        /// From where the stream goes on.
        head: Position,
    },
    /// That the verifier gets the set of signing keys, and says in its next ping that it holds it.
    Keys,
    /// Something that we do not know; ignored.
    Unknown,
}

/// A new generation begins.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Bump {
    /// Its head; the generation is the new one.
    pub head: Position,
    /// Why, in a word.
    pub reason: String,
}

impl Event {
    /// Its name on the wire.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Hello(_) => "hello",
            Self::Range(_) => "range",
            Self::Echo(_) => "echo",
            Self::Need(_) => "need",
            Self::Bump(_) => "bump",
            Self::Unknown => "unknown",
        }
    }

    /// What `Last-Event-ID` takes, if it has that: the end of a range.
    pub const fn id(&self) -> Option<Position> {
        match self {
            Self::Range(range) => Some(range.end()),
            _ => None,
        }
    }

    /// Appends its JSON to `out`.
    pub fn write(&self, out: &mut Vec<u8>) {
        let mut object = ObjectWriter::begin(out);
        match self {
            Self::Hello(hello) => hello.write(&mut object),
            Self::Range(range) => range.write(&mut object),
            Self::Echo(echo) => echo.write(&mut object),
            Self::Need(need) => need.write(&mut object),
            Self::Bump(bump) => bump.write(&mut object),
            Self::Unknown => {}
        }
        object.end();
    }

    /// Reads the JSON that belongs to a name. Members that we do not know are ignored.
    ///
    /// # Errors
    /// [`Broken::Malformed`].
    pub fn read(name: &str, json: &mut [u8]) -> Result<Self, Broken> {
        match name {
            "hello" => Hello::read(json).map(Self::Hello),
            "range" => Range::read(json).map(Self::Range),
            "echo" => Echo::read(json).map(Self::Echo),
            "need" => Need::read(json).map(Self::Need),
            "bump" => Bump::read(json).map(Self::Bump),
            _ => read_object(json, |_, value| value.skip()).map(|()| Self::Unknown),
        }
        .map_err(|Malformed| Broken::Malformed)
    }
}

impl Hello {
    fn write(&self, object: &mut ObjectWriter<'_>) {
        object.integer("version", integer(self.version));
        object.text("stream", &self.stream.to_string());
        object.integer("gen", integer(self.head.generation));
        object.text("head", &self.head.to_string());
        object.integer("lease", self.lease.millis());
        object.integer("grace", self.grace.millis());
        object.integer("retention", self.retention.millis());
        object.integer("longest_token", self.longest_token.millis());
        object.integer("time", self.time.millis());
    }

    fn read(json: &mut [u8]) -> Result<Self, Malformed> {
        let (mut version, mut stream, mut generation, mut head, mut time) = (None, None, None, None, None);
        let mut spans = [None; 4];
        read_object(json, |name, value| {
            match name {
                "version" => version = Some(whole(value)?),
                "stream" => stream = Some(parsed(value)?),
                "gen" => generation = Some(whole(value)?),
                "head" => head = Some(position(value)?),
                "lease" => spans[0] = Some(span(value)?),
                "grace" => spans[1] = Some(span(value)?),
                "retention" => spans[2] = Some(span(value)?),
                "longest_token" => spans[3] = Some(span(value)?),
                "time" => time = Some(moment(value)?),
                _ => value.skip()?,
            }
            Ok::<(), Malformed>(())
        })?;
        let [Some(lease), Some(grace), Some(retention), Some(longest_token)] = spans else { return Err(Malformed) };
        let head = head.filter(|head: &Position| Some(head.generation) == generation).ok_or(Malformed)?;
        let (version, stream) = (version.ok_or(Malformed)?, stream.ok_or(Malformed)?);
        Ok(Self { version, stream, head, lease, grace, retention, longest_token, time: time.ok_or(Malformed)? })
    }
}

impl Range {
    fn write(&self, object: &mut ObjectWriter<'_>) {
        object.integer("gen", integer(self.generation));
        object.integer("from", integer(self.from));
        object.integer("to", integer(self.to));
        object.text("gc_through", &self.gc_through.to_string());
        let out = object.raw("entries");
        out.push(b'[');
        for (place, entry) in self.entries.iter().enumerate() {
            if place > 0 {
                out.push(b',');
            }
            write_entry(entry, out);
        }
        out.push(b']');
        object.text("mac", &self.mac);
    }

    fn read(json: &mut [u8]) -> Result<Self, Malformed> {
        let (mut numbers, mut gc_through, mut mac) = ([None; 3], None, None);
        let (mut entries, mut seen) = (Vec::new(), false);
        read_object(json, |name, value| {
            match name {
                "gen" => numbers[0] = Some(whole(value)?),
                "from" => numbers[1] = Some(whole(value)?),
                "to" => numbers[2] = Some(whole(value)?),
                "gc_through" => gc_through = Some(position(value)?),
                "entries" => {
                    seen = true;
                    value.array(|entry| {
                        entries.push(read_entry(entry, UNTOLD)?);
                        Ok::<(), Malformed>(())
                    })?;
                }
                "mac" => mac = Some(value.string()?.to_owned()),
                _ => value.skip()?,
            }
            Ok::<(), Malformed>(())
        })?;
        let [Some(generation), Some(from), Some(to)] = numbers else { return Err(Malformed) };
        let (Some(gc_through), Some(mac), true, true) = (gc_through, mac, seen, from <= to) else {
            return Err(Malformed);
        };
        let end = Position { generation, seq: to };
        entries.iter_mut().filter(|entry| entry.min_rv == Some(UNTOLD)).for_each(|entry| entry.min_rv = Some(end));
        Ok(Self { generation, from, to, gc_through, entries, mac })
    }
}

/// Stands for the end of a range while that has not been read; no position on the wire is as far.
const UNTOLD: Position = Position { generation: u64::MAX, seq: u64::MAX };

impl Echo {
    fn write(&self, object: &mut ObjectWriter<'_>) {
        object.integer("n", integer(self.n));
        write_stream(self.stream, object);
        object.text("head", &self.head.to_string());
        object.integer("time", self.time.millis());
    }

    fn read(json: &mut [u8]) -> Result<Self, Malformed> {
        let (mut n, mut stream, mut head, mut time) = (None, None, None, None);
        read_object(json, |name, value| {
            match name {
                "n" => n = Some(whole(value)?),
                "stream" => stream = Some(value.unless_null(parsed)?),
                "head" => head = Some(position(value)?),
                "time" => time = Some(moment(value)?),
                _ => value.skip()?,
            }
            Ok::<(), Malformed>(())
        })?;
        match (n, stream, head, time) {
            (Some(n), Some(stream), Some(head), Some(time)) => Ok(Self { n, stream, head, time }),
            _ => Err(Malformed),
        }
    }
}

/// Writes `stream`, which may be `null`.
pub(super) fn write_stream(stream: Option<StreamId>, object: &mut ObjectWriter<'_>) {
    match stream {
        Some(stream) => object.text("stream", &stream.to_string()),
        None => object.raw("stream").extend_from_slice(b"null"),
    }
}

impl Need {
    fn write(&self, object: &mut ObjectWriter<'_>) {
        match self {
            Self::Ping => object.text("what", "ping"),
            Self::Snapshot { head } => {
                object.text("what", "snapshot");
                object.text("head", &head.to_string());
            }
            Self::Keys => object.text("what", "keys"),
            Self::Unknown => object.text("what", "unknown"),
        }
    }

    fn read(json: &mut [u8]) -> Result<Self, Malformed> {
        let (mut what, mut head) = (None, None);
        read_object(json, |name, value: &mut Reader<'_>| {
            match name {
                "what" => what = Some(value.string()?.to_owned()),
                "head" => head = value.unless_null(position)?,
                _ => value.skip()?,
            }
            Ok::<(), Malformed>(())
        })?;
        match (what.as_deref(), head) {
            (Some("ping"), _) => Ok(Self::Ping),
            (Some("keys"), _) => Ok(Self::Keys),
            (Some("snapshot"), Some(head)) => Ok(Self::Snapshot { head }),
            (Some("snapshot") | None, _) => Err(Malformed),
            (Some(_), _) => Ok(Self::Unknown),
        }
    }
}

impl Bump {
    fn write(&self, object: &mut ObjectWriter<'_>) {
        object.integer("gen", integer(self.head.generation));
        object.text("head", &self.head.to_string());
        object.text("reason", &self.reason);
    }

    fn read(json: &mut [u8]) -> Result<Self, Malformed> {
        let (mut generation, mut head, mut reason) = (None, None, None);
        read_object(json, |name, value| {
            match name {
                "gen" => generation = Some(whole(value)?),
                "head" => head = Some(position(value)?),
                "reason" => reason = Some(value.string()?.to_owned()),
                _ => value.skip()?,
            }
            Ok::<(), Malformed>(())
        })?;
        let head = head.filter(|head: &Position| Some(head.generation) == generation).ok_or(Malformed)?;
        Ok(Self { head, reason: reason.ok_or(Malformed)? })
    }
}
