//! Everything that is revoked, in one document: a signed statement, and the entries that it speaks of.

use core::fmt;

use super::tag::sha256;
use super::value::{integer, moment, position, whole};
use super::{read_entry, write_entry};
use crate::json::{Malformed, ObjectWriter, read_object, read_value};
use crate::keys::LONGEST_SIGNATURE;
use crate::token::{Compact, LONGEST_HEADER, LONGEST_PAYLOAD};
use crate::{Entry, KeySet, Lifetime, Position, Rejection, Timestamp, TokenType, base64url};

/// The content type of a snapshot.
pub const CONTENT_TYPE: &str = "application/vnd.doorward.snapshot";

/// How many bytes a snapshot may have: about two million entries.
pub const LONGEST_SNAPSHOT: usize = 160 * 1024 * 1024;

/// By how much the clocks of a server and a verifier may differ.
const LEEWAY: Lifetime = Lifetime::from_secs(60);

/// What a server says of a snapshot's entries: the claims of its first line.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Statement {
    /// `iss`: whose feed it is.
    pub issuer: String,
    /// `iat`: when it was made.
    pub issued_at: Timestamp,
    /// `exp`: from then on it is not to be used.
    pub expires_at: Timestamp,
    /// `gen` and `to`: up to where the entries are all there are.
    pub to: Position,
    /// `gc_through`: up to where everything may be forgotten.
    pub gc_through: Position,
    /// `count`: how many entries there are.
    pub count: u64,
    /// `sha256`: of all bytes behind the first line.
    pub sha256: [u8; 32],
}

impl Statement {
    /// Appends the claims to `out` as JSON. Times are whole seconds.
    pub fn write(&self, out: &mut Vec<u8>) {
        let mut object = ObjectWriter::begin(out);
        object.text("iss", &self.issuer);
        object.integer("iat", self.issued_at.secs());
        object.integer("exp", self.expires_at.secs());
        object.integer("gen", integer(self.to.generation));
        object.integer("to", integer(self.to.seq));
        object.text("gc_through", &self.gc_through.to_string());
        object.integer("count", integer(self.count));
        object.text("sha256", &base64url::encode(&self.sha256));
        object.end();
    }

    /// Reads the claims of a verified statement.
    fn read(json: &mut [u8]) -> Result<Self, Malformed> {
        let (mut issuer, mut times, mut numbers) = (None, [None; 2], [None; 3]);
        let (mut gc_through, mut sha256) = (None, None);
        let seconds = |value: &mut crate::json::Reader<'_>| moment(value).map(|t| Timestamp::from_secs(t.millis()));
        read_object(json, |name, value| {
            match name {
                "iss" => issuer = Some(value.string()?.to_owned()),
                "iat" => times[0] = Some(seconds(value)?),
                "exp" => times[1] = Some(seconds(value)?),
                "gen" => numbers[0] = Some(whole(value)?),
                "to" => numbers[1] = Some(whole(value)?),
                "count" => numbers[2] = Some(whole(value)?),
                "gc_through" => gc_through = Some(position(value)?),
                "sha256" => {
                    let mut hash = [0; 32];
                    let found = base64url::decode_into(value.string()?.as_bytes(), &mut hash).map(|hash| hash.len());
                    sha256 = Some(hash).filter(|_| found == Some(32));
                }
                _ => value.skip()?,
            }
            Ok::<(), Malformed>(())
        })?;
        let ([Some(issued_at), Some(expires_at)], [Some(generation), Some(seq), Some(count)]) = (times, numbers)
        else {
            return Err(Malformed);
        };
        match (issuer, gc_through, sha256) {
            (Some(issuer), Some(gc_through), Some(sha256)) => {
                let to = Position { generation, seq };
                Ok(Self { issuer, issued_at, expires_at, to, gc_through, count, sha256 })
            }
            _ => Err(Malformed),
        }
    }

    /// Verifies a compact JWS of `typ` `dw-rvsnap+jwt`: form, header, algorithm, signature, claims, issuer, times.
    ///
    /// # Errors
    /// The [`Rejection`] of the first check that fails.
    pub fn verify(token: &str, keys: &KeySet, issuer: &str, now: Timestamp) -> Result<Self, Rejection> {
        let compact = Compact::split(token)?;
        let (mut header, mut payload) = ([0; LONGEST_HEADER], [0; LONGEST_PAYLOAD]);
        let mut signature = [0; LONGEST_SIGNATURE];
        let payload = compact.payload(&mut payload)?;
        let signature = compact.signature(&mut signature)?;
        let key = compact.key(keys, TokenType::RevocationSnapshot, &mut header)?;
        if !signature.is_some_and(|signature| key.verify(compact.signed, signature)) {
            return Err(Rejection::SignatureInvalid);
        }
        let statement = Self::read(payload).map_err(|Malformed| Rejection::ClaimsInvalid)?;
        if statement.issuer != issuer {
            return Err(Rejection::IssuerUnexpected);
        }
        if now >= statement.expires_at + LEEWAY {
            return Err(Rejection::TokenExpired);
        }
        if statement.issued_at > now + LEEWAY {
            return Err(Rejection::TokenPremature);
        }
        Ok(statement)
    }
}

/// A snapshot that was checked: its statement is true of its entries.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Snapshot {
    /// What the server said.
    pub statement: Statement,
    /// The entries; each counts as of the statement's `to`.
    pub entries: Vec<Entry>,
}

/// Why a snapshot is not used, and nothing of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SnapshotError {
    /// More than [`LONGEST_SNAPSHOT`] bytes.
    TooLarge,
    /// No first line, or an entry that cannot be read.
    Malformed,
    /// The statement does not verify.
    Statement(Rejection),
    /// The bytes are not those that the statement speaks of.
    DigestWrong,
    /// There are more or fewer entries than the statement says.
    CountWrong,
}

impl fmt::Display for SnapshotError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge => f.write_str("the snapshot is too large"),
            Self::Malformed => f.write_str("the snapshot cannot be read"),
            Self::Statement(rejection) => write!(f, "the snapshot's statement is refused: {rejection}"),
            Self::DigestWrong => f.write_str("the snapshot is not the one that was signed"),
            Self::CountWrong => f.write_str("the snapshot has another number of entries than was signed"),
        }
    }
}

impl core::error::Error for SnapshotError {}

impl Snapshot {
    /// Appends entries to `out` as the lines of a snapshot; gives what a statement says of them, count and digest. What
    /// comes before them in `out` is left as it is.
    pub fn write_lines<'e>(entries: impl Iterator<Item = &'e Entry>, out: &mut Vec<u8>) -> (u64, [u8; 32]) {
        let start = out.len();
        let mut count = 0;
        for entry in entries {
            write_entry(entry, out);
            out.push(b'\n');
            count += 1;
        }
        (count, sha256(&out[start..]))
    }

    /// Checks and reads a snapshot: statement, digest, count, every entry. Its bytes may be scrambled.
    ///
    /// # Errors
    /// [`SnapshotError`].
    pub fn read(text: &mut [u8], keys: &KeySet, issuer: &str, now: Timestamp) -> Result<Self, SnapshotError> {
        if text.len() > LONGEST_SNAPSHOT {
            return Err(SnapshotError::TooLarge);
        }
        let end = text.iter().position(|&byte| byte == b'\n').ok_or(SnapshotError::Malformed)?;
        let (first, lines) = text.split_at_mut(end);
        let lines = &mut lines[1..];
        let first = core::str::from_utf8(first).map_err(|_| SnapshotError::Malformed)?;
        let statement = Statement::verify(first, keys, issuer, now).map_err(SnapshotError::Statement)?;
        if sha256(lines) != statement.sha256 {
            return Err(SnapshotError::DigestWrong);
        }
        let entries = read_lines(lines, statement.to)?;
        if entries.len() as u64 != statement.count {
            return Err(SnapshotError::CountWrong);
        }
        Ok(Self { statement, entries })
    }
}

/// Reads lines, each of which ends with LF, the last one too.
fn read_lines(lines: &mut [u8], to: Position) -> Result<Vec<Entry>, SnapshotError> {
    if !lines.is_empty() && lines.last() != Some(&b'\n') {
        return Err(SnapshotError::Malformed);
    }
    let mut entries = Vec::new();
    for line in lines.split_inclusive_mut(|&byte| byte == b'\n') {
        entries.push(read_value(line, |entry| read_entry(entry, to)).map_err(|Malformed| SnapshotError::Malformed)?);
    }
    Ok(entries)
}
