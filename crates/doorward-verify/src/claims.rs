//! The claims of an access token (RFC 9068), borrowed from the bytes they were read from.
//!
//! What is minted is what is parsed: one type writes and reads them, so neither side can know a claim that the other
//! does not. Unknown members are skipped; a known one of the wrong type is an error, never an absence.

use crate::json::{self, Malformed, ObjectWriter, Reader};
use crate::{Key, Marks, Position, Rejection, Scope, Timestamp};

mod few;
mod handles;

pub use few::Few;
pub use handles::Handles;

/// The most roles that a token names.
pub const MOST_ROLES: usize = 16;

/// The claims of one access token. Times are whole seconds in the token; a finer part is cut off by [`Self::write`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claims<'a> {
    /// `iss`: who minted it (RFC 9068 section 2.2). Not empty.
    pub issuer: &'a str,
    /// `sub`: whom it speaks for. Not empty.
    pub subject: &'a str,
    /// `aud`: for whom it is; at least one, none empty.
    pub audience: Few<'a, 8>,
    /// `client_id`: the application that holds it (RFC 8693 section 4.3). Not empty.
    pub client_id: &'a str,
    /// `exp`: from then on it is worth nothing.
    pub expires_at: Timestamp,
    /// `iat`: when it was minted.
    pub issued_at: Timestamp,
    /// `nbf`: before then it is worth nothing.
    pub not_before: Option<Timestamp>,
    /// `jti`: its own id. Not empty.
    pub token_id: &'a str,
    /// `sid`: its session, if a user signed in. Not empty.
    pub session_id: Option<&'a str>,
    /// `scope`: what it allows, separated by spaces (RFC 8693 section 4.2).
    pub scope: Option<&'a str>,
    /// `roles`: what the user is to the applications (RFC 9068 section 2.2.3.1); not written if there is none.
    pub roles: Few<'a, MOST_ROLES>,
    /// `auth_time`: when the user last proved who they are (RFC 9068 section 2.2.1).
    pub auth_time: Option<Timestamp>,
    /// `acr`: how well.
    pub acr: Option<&'a str>,
    /// `amr`: by what means (RFC 8176); not written if there is none.
    pub amr: Few<'a, 4>,
    /// `rv`: the head of the revocation feed when it was minted.
    pub rv: Option<Position>,
    /// `rh`: the handles of its people and things; not written if there is none.
    pub handles: Handles,
}

impl<'a> Claims<'a> {
    /// Reads claims from JSON, which is scrambled where strings had escapes. Allocates nothing. Says nothing about
    /// whether they are true or still hold: that is [`Verifier::verify`](crate::Verifier::verify).
    ///
    /// # Errors
    /// [`Rejection::ClaimsInvalid`].
    pub fn parse(bytes: &'a mut [u8]) -> Result<Self, Rejection> {
        let mut draft = Draft::default();
        json::read_object(bytes, |name, value| draft.read(name, value))
            .map_err(|Malformed| Rejection::ClaimsInvalid)?;
        draft.settle().ok_or(Rejection::ClaimsInvalid)
    }

    /// Appends the claims to `out` as JSON, in a fixed order, without space.
    pub fn write(&self, out: &mut Vec<u8>) {
        let mut object = ObjectWriter::begin(out);
        object.text("iss", self.issuer);
        object.text("sub", self.subject);
        match self.audience.only() {
            Some(one) => object.text("aud", one),
            None => object.texts("aud", self.audience.iter()),
        }
        object.text("client_id", self.client_id);
        object.integer("exp", self.expires_at.secs());
        object.integer("iat", self.issued_at.secs());
        if let Some(not_before) = self.not_before {
            object.integer("nbf", not_before.secs());
        }
        object.text("jti", self.token_id);
        object.text_if("sid", self.session_id);
        object.text_if("scope", self.scope);
        if !self.roles.is_empty() {
            object.texts("roles", self.roles.iter());
        }
        if let Some(auth_time) = self.auth_time {
            object.integer("auth_time", auth_time.secs());
        }
        object.text_if("acr", self.acr);
        if !self.amr.is_empty() {
            object.texts("amr", self.amr.iter());
        }
        if let Some(rv) = self.rv {
            object.text("rv", &rv.to_string());
        }
        if self.handles != Handles::default() {
            object.text("rh", &self.handles.text());
        }
        object.end();
    }

    /// What the token can be revoked by, given the id of the key that signed it.
    pub fn marks(&self, kid: &str) -> Marks {
        let key = |scope| self.key(kid, scope);
        Marks {
            session: key(Scope::Session),
            token: key(Scope::Token),
            subject: key(Scope::Subject),
            client: key(Scope::Client),
            device: key(Scope::Device),
            organization: key(Scope::Organization),
            signing_key: key(Scope::SigningKey),
            at: self.rv,
        }
    }

    /// The key by which a scope applies to this token; the same as its [`Marks`] give, made when it is asked for.
    pub(crate) fn key(&self, kid: &str, scope: Scope) -> Option<Key> {
        let session = || self.session_id.map(Key::of);
        match scope {
            Scope::Session => session(),
            Scope::Token => Some(Key::of(self.token_id)),
            Scope::Subject => self.handles.subject,
            Scope::Client => Some(Key::of(self.client_id)),
            Scope::Device => self.handles.device,
            Scope::Organization => self.handles.organization,
            Scope::SigningKey => Some(Key::of(kid)),
            Scope::Realm => Some(Key::REALM),
            Scope::Bucket => session().map(Key::bucket_of),
        }
    }
}

/// Claims as far as they are read.
#[derive(Default)]
struct Draft<'a> {
    issuer: Option<&'a str>,
    subject: Option<&'a str>,
    audience: Few<'a, 8>,
    client_id: Option<&'a str>,
    expires_at: Option<Timestamp>,
    issued_at: Option<Timestamp>,
    not_before: Option<Timestamp>,
    token_id: Option<&'a str>,
    session_id: Option<&'a str>,
    scope: Option<&'a str>,
    roles: Few<'a, MOST_ROLES>,
    auth_time: Option<Timestamp>,
    acr: Option<&'a str>,
    amr: Few<'a, 4>,
    rv: Option<Position>,
    handles: Handles,
}

impl<'a> Draft<'a> {
    /// Reads one member. That no name comes twice is the scanner's care.
    fn read(&mut self, name: &str, value: &mut Reader<'a>) -> Result<(), Malformed> {
        match name {
            "iss" => self.issuer = Some(filled(value)?),
            "sub" => self.subject = Some(filled(value)?),
            "aud" => read_audience(value, &mut self.audience)?,
            "client_id" => self.client_id = Some(filled(value)?),
            "exp" => self.expires_at = Some(seconds(value)?),
            "iat" => self.issued_at = Some(seconds(value)?),
            "nbf" => self.not_before = Some(seconds(value)?),
            "jti" => self.token_id = Some(filled(value)?),
            "sid" => self.session_id = Some(filled(value)?),
            "scope" => self.scope = Some(value.string()?),
            "roles" => value.array(|role| push(&mut self.roles, filled(role)?))?,
            "auth_time" => self.auth_time = Some(seconds(value)?),
            "acr" => self.acr = Some(value.string()?),
            "amr" => value.array(|method| push(&mut self.amr, method.string()?))?,
            "rv" => self.rv = Some(value.string()?.parse().map_err(|_| Malformed)?),
            "rh" => self.handles = Handles::parse(value.string()?).ok_or(Malformed)?,
            _ => value.skip()?,
        }
        Ok(())
    }

    /// `None` if a required claim is missing.
    fn settle(self) -> Option<Claims<'a>> {
        Some(Claims {
            issuer: self.issuer?,
            subject: self.subject?,
            audience: (!self.audience.is_empty()).then_some(self.audience)?,
            client_id: self.client_id?,
            expires_at: self.expires_at?,
            issued_at: self.issued_at?,
            not_before: self.not_before,
            token_id: self.token_id?,
            session_id: self.session_id,
            scope: self.scope,
            roles: self.roles,
            auth_time: self.auth_time,
            acr: self.acr,
            amr: self.amr,
            rv: self.rv,
            handles: self.handles,
        })
    }
}

/// Reads an identifier: a string that is not empty.
fn filled<'a>(value: &mut Reader<'a>) -> Result<&'a str, Malformed> {
    value.string().and_then(|text| if text.is_empty() { Err(Malformed) } else { Ok(text) })
}

/// Reads a NumericDate (RFC 7519 section 2). We mint integers, so nothing else is one.
fn seconds(value: &mut Reader<'_>) -> Result<Timestamp, Malformed> {
    value.integer().map(Timestamp::from_secs)
}

/// Reads `aud`, which may be one string or an array of them (RFC 7519 section 4.1.3).
fn read_audience<'a>(value: &mut Reader<'a>, audience: &mut Few<'a, 8>) -> Result<(), Malformed> {
    if value.peek() == Some(b'[') {
        value.array(|entry| push(audience, filled(entry)?))
    } else {
        push(audience, filled(value)?)
    }
}

fn push<'a, const N: usize>(list: &mut Few<'a, N>, text: &'a str) -> Result<(), Malformed> {
    if list.push(text) { Ok(()) } else { Err(Malformed) }
}
