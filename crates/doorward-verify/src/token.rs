//! The compact form of a token (RFC 7515 section 7.1) and its header.
//!
//! A token that we minted has a header that we know byte for byte, so most verifications compare and read no JSON. Any
//! other header is parsed strictly, and may ask for nothing.

use crate::json::{self, Malformed, ObjectWriter};
use crate::keys::{Algorithm, KeySet, LONGEST_SIGNATURE, VerifyingKey};
use crate::verifier::TokenType;
use crate::{Rejection, base64url};

/// How many bytes a token may have.
pub const LONGEST: usize = 8192;
/// How many bytes a header may have, decoded.
pub const LONGEST_HEADER: usize = 1024;
/// How many bytes a payload can have, decoded, in a token of [`LONGEST`] bytes.
pub const LONGEST_PAYLOAD: usize = LONGEST / 4 * 3;

/// The header that our tokens have, as JSON: `{"alg":…,"kid":…,"typ":…}`.
pub fn header_json(algorithm: Algorithm, kid: &str, typ: &str) -> Vec<u8> {
    let mut json = Vec::with_capacity(96);
    let mut header = ObjectWriter::begin(&mut json);
    header.text("alg", algorithm.name());
    header.text("kid", kid);
    header.text("typ", typ);
    header.end();
    json
}

/// The header segment that our tokens have: base64url of [`header_json`].
pub fn canonical_header(algorithm: Algorithm, kid: &str, typ: &str) -> String {
    base64url::encode(&header_json(algorithm, kid, typ))
}

/// **Not verified**: decodes header and payload of a token for a person to look at. Nothing is checked but the compact
/// form; the bytes need not even be JSON. Never decide anything by what this gives.
///
/// # Errors
/// [`Rejection::TokenTooLarge`], [`Rejection::TokenMalformed`].
pub fn decode_unverified(token: &str) -> Result<(Vec<u8>, Vec<u8>), Rejection> {
    let compact = Compact::split(token)?;
    let mut parts = [compact.header, compact.payload].map(|segment| {
        let mut bytes = vec![0; segment.len()];
        let length = base64url::decode_into(segment, &mut bytes).map(|decoded| decoded.len());
        length.map(|length| {
            bytes.truncate(length);
            bytes
        })
    });
    match (parts[0].take(), parts[1].take()) {
        (Some(header), Some(payload)) if base64url::is_canonical(compact.signature) => Ok((header, payload)),
        _ => Err(Rejection::TokenMalformed),
    }
}

/// A token cut at its dots; nothing is decoded.
#[derive(Clone, Copy)]
pub(crate) struct Compact<'t> {
    header: &'t [u8],
    payload: &'t [u8],
    signature: &'t [u8],
    /// What the signature is over: header, dot, payload.
    pub(crate) signed: &'t [u8],
}

impl<'t> Compact<'t> {
    /// Cuts a token into its three segments, none of them empty.
    pub(crate) fn split(token: &'t str) -> Result<Self, Rejection> {
        if token.len() > LONGEST {
            return Err(Rejection::TokenTooLarge);
        }
        // A dot too many is in the payload, and no letter of base64url: whoever decodes that refuses it.
        let cut =
            token.rsplit_once('.').and_then(|(signed, signature)| Some((signed, signed.split_once('.')?, signature)));
        match cut {
            Some((signed, (header, payload), signature))
                if !(header.is_empty() || payload.is_empty() || signature.is_empty()) =>
            {
                let [header, payload, signature, signed] = [header, payload, signature, signed].map(str::as_bytes);
                Ok(Self { header, payload, signature, signed })
            }
            _ => Err(Rejection::TokenMalformed),
        }
    }

    /// Decodes the payload into `room`.
    pub(crate) fn payload<'r>(&self, room: &'r mut [u8]) -> Result<&'r mut [u8], Rejection> {
        base64url::decode_into(self.payload, room).ok_or(Rejection::TokenMalformed)
    }

    /// Decodes the signature into `room`; `None` if it is well-formed but longer than any.
    pub(crate) fn signature<'r>(&self, room: &'r mut [u8; LONGEST_SIGNATURE]) -> Result<Option<&'r [u8]>, Rejection> {
        match base64url::decode_into(self.signature, room) {
            Some(signature) => Ok(Some(signature)),
            _ if base64url::is_canonical(self.signature) => Ok(None),
            _ => Err(Rejection::TokenMalformed),
        }
    }

    /// Finds the key that the header names, and checks that the header is one for that key and this type of token.
    pub(crate) fn key<'k>(
        &self,
        keys: &'k KeySet,
        kind: TokenType,
        room: &mut [u8; LONGEST_HEADER],
    ) -> Result<&'k VerifyingKey, Rejection> {
        if let Some(key) = keys.find_by_header(self.header, kind) {
            return Ok(key);
        }
        let header = self.header(room)?;
        if !header.typ.is_some_and(|typ| kind.is_named(typ)) {
            return Err(Rejection::TypeUnexpected);
        }
        header.key(keys)
    }

    /// Decodes and reads the header.
    fn header<'r>(&self, room: &'r mut [u8; LONGEST_HEADER]) -> Result<Header<'r>, Rejection> {
        if !base64url::is_canonical(self.header) {
            return Err(Rejection::TokenMalformed);
        }
        Header::parse(base64url::decode_into(self.header, room).ok_or(Rejection::HeaderInvalid)?)
    }
}

/// A header that asks for nothing we would not do.
struct Header<'a> {
    alg: &'a str,
    kid: Option<&'a str>,
    typ: Option<&'a str>,
}

impl<'a> Header<'a> {
    /// The key it names, if that key is for the algorithm it names.
    fn key<'k>(&self, keys: &'k KeySet) -> Result<&'k VerifyingKey, Rejection> {
        let algorithm = Algorithm::from_name(self.alg).ok_or(Rejection::AlgorithmUnexpected)?;
        let key = self.kid.and_then(|kid| keys.find(kid.as_bytes())).ok_or(Rejection::KeyUnknown)?;
        if key.algorithm() == algorithm { Ok(key) } else { Err(Rejection::AlgorithmUnexpected) }
    }

    fn parse(json: &'a mut [u8]) -> Result<Self, Rejection> {
        let (mut alg, mut kid, mut typ) = (None, None, None);
        let (mut critical, mut forbidden) = (false, false);
        json::read_object(json, |name, value| {
            match name {
                "alg" => alg = Some(value.string()?),
                "kid" => kid = Some(value.string()?),
                "typ" => typ = Some(value.string()?),
                "crit" => {
                    critical = true;
                    value.skip()?;
                }
                // A key that the token brings along, or another reading of the payload than the plain one.
                "jku" | "jwk" | "x5u" | "x5c" | "zip" | "b64" => {
                    forbidden = true;
                    value.skip()?;
                }
                _ => value.skip()?,
            }
            Ok(())
        })
        .map_err(|Malformed| Rejection::HeaderInvalid)?;
        match alg {
            Some(alg) if !forbidden && !critical => Ok(Self { alg, kid, typ }),
            // RFC 7797 requires both `b64` and `crit`: the more telling word wins.
            _ if critical => Err(Rejection::CriticalUnknown),
            _ => Err(Rejection::HeaderInvalid),
        }
    }
}

#[cfg(test)]
mod vectors;
