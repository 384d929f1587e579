//! From a no to its answer: the only file that knows error statuses (RFC 9457, RFC 6750).
//!
//! A code is stable and never used for anything else. `docs/errors.md` is generated from [`CODES`].

use axum::response::{IntoResponse, Response};
use doorward_core::{Lifetime, Rejection, key};
use doorward_store::StoreError;
use http::{HeaderName, HeaderValue, StatusCode, header};
use serde::Serialize;

use crate::flows::{Refusal, Stopped};
use crate::throttle::{By, Throttled};

/// A public code with what it means.
#[derive(Debug)]
pub struct Row {
    /// The code.
    pub code: &'static str,
    /// The HTTP status.
    pub status: StatusCode,
    /// What it says to a person.
    pub title: &'static str,
    /// What to do about it.
    pub advice: &'static str,
}

/// Declares the table of codes and their names.
macro_rules! codes {
    ($($name:ident $code:literal $status:ident $title:literal $advice:literal;)*) => {
        /// The public codes.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Code {
            $(#[doc = $title] $name,)*
        }

        /// Every code, in the order of `docs/errors.md`.
        pub const CODES: &[(Code, Row)] = &[
            $((Code::$name, Row { code: $code, status: StatusCode::$status, title: $title, advice: $advice }),)*
        ];
    };
}

codes! {
    InvalidJson "invalid_json" BAD_REQUEST "The body is not JSON." "Send one JSON object in UTF-8, without duplicate members.";
    InvalidField "invalid_field" BAD_REQUEST "A member is missing or is not what it must be." "The member `field` names it.";
    UnknownField "unknown_field" BAD_REQUEST "A member is not known here." "The member `field` names it; requests may hold only what is documented.";
    TooLarge "too_large" PAYLOAD_TOO_LARGE "The request is larger than is accepted here." "See the limits in the documentation.";
    UnsupportedMediaType "unsupported_media_type" UNSUPPORTED_MEDIA_TYPE "The body is not declared as what is accepted here." "Send `Content-Type: application/json`; the forms of pages are sent as browsers do.";
    NotFound "not_found" NOT_FOUND "There is nothing here, or it is not yours." "Check the path and the id.";
    MethodNotAllowed "method_not_allowed" METHOD_NOT_ALLOWED "This path does not take this method." "The header `Allow` lists those it takes.";
    NoCredentials "no_credentials" UNAUTHORIZED "No credential was shown." "Sign in, or send the cookie or `Authorization: Bearer`.";
    InvalidCredentials "invalid_credentials" UNAUTHORIZED "The credentials are not right." "The same answer is given for an unknown account, a wrong password and a suspended account.";
    SessionUnknown "session_unknown" UNAUTHORIZED "No session has this secret." "Sign in again. The secret may have been replaced.";
    SessionExpired "session_expired" UNAUTHORIZED "The session ran out." "Sign in again.";
    SessionEnded "session_ended" UNAUTHORIZED "The session was ended." "Sign in again.";
    TokenInvalid "token_invalid" UNAUTHORIZED "The access token is not good." "The member `reason` says what is wrong with it.";
    TokenExpired "token_expired" UNAUTHORIZED "The access token ran out." "Refresh, or sign in again.";
    TokenRevoked "token_revoked" UNAUTHORIZED "The access token was revoked." "Sign in again.";
    RefreshInvalid "refresh_invalid" UNAUTHORIZED "There is nothing to refresh here." "The token is not ours or not this client's, or this credential cannot be exchanged. Nothing changed.";
    RefreshReused "refresh_reused" UNAUTHORIZED "The refresh token was used before by somebody else; its session is ended." "Sign in again. Two parties held this token.";
    RefreshSuperseded "refresh_superseded" CONFLICT "This attempt was answered long ago." "Read your own store again: it holds a newer token. Nothing changed.";
    RefreshExpired "refresh_expired" UNAUTHORIZED "The session behind the refresh token ran out." "Sign in again.";
    RefreshBusy "refresh_busy" TOO_MANY_REQUESTS "Too many refreshes in a moment." "Wait as `Retry-After` says; the token stays good.";
    AttemptMismatch "attempt_mismatch" BAD_REQUEST "Header and body name two attempts." "Send the attempt key in `Idempotency-Key` or in `attempt`, or the same in both.";
    AmbiguousCredentials "ambiguous_credentials" BAD_REQUEST "Two credentials name two sessions." "Send one, or two of the same session.";
    CrossSite "cross_site" FORBIDDEN "The request comes from another site." "Call from the application's own origin, or list the origin with the client.";
    Forbidden "forbidden" FORBIDDEN "This credential may not do that." "A guest has no password; a replaced secret may only look.";
    ClientUnknown "client_unknown" FORBIDDEN "There is no such client here, or it may not do this." "Check `client_id`; only first-party clients take passwords.";
    TransportNotAllowed "transport_not_allowed" FORBIDDEN "The client does not allow this transport." "Use one of the client's `transports`.";
    SignupClosed "signup_closed" FORBIDDEN "Nobody can sign up here by themselves." "Ask an operator for an account.";
    EmailTaken "email_taken" CONFLICT "There is an account with this address." "Sign in, or use another address.";
    PasswordWeak "password_weak" UNPROCESSABLE_ENTITY "The password is too short, too long or guessable." "Use 8 to 256 characters that are not your address or name.";
    PasswordKnown "password_known" UNPROCESSABLE_ENTITY "The password is one that everybody tries." "Choose another.";
    VersionMismatch "version_mismatch" PRECONDITION_FAILED "The value is at another version." "Read it again and decide again.";
    QuotaExceeded "quota_exceeded" INSUFFICIENT_STORAGE "The session holds as much data as it may." "64 keys and 64 KiB a session.";
    TooManyAttempts "too_many_attempts" TOO_MANY_REQUESTS "Too many attempts." "Wait as `Retry-After` says.";
    Overloaded "overloaded" SERVICE_UNAVAILABLE "There is too much to do right now." "Wait as `Retry-After` says.";
    StoreUnavailable "store_unavailable" SERVICE_UNAVAILABLE "The store cannot be reached." "Wait as `Retry-After` says. What was not acknowledged may or may not have happened.";
    ClientTaken "client_taken" CONFLICT "There is a client with this id." "Choose another id, or change the client that is there.";
    ClientUnfit "client_unfit" UNPROCESSABLE_ENTITY "No client can be like that." "The member `reason` says what is wrong.";
    KeysNotReady "keys_not_ready" CONFLICT "The keys cannot be turned now." "The member `reason` says why. Nothing changed.";
    MalformedRequest "malformed_request" BAD_REQUEST "This is no HTTP request, or one that two readers could understand in two ways." "Send HTTP/1.1 as RFC 9112 spells it, with one `Host` and one length. The connection is closed.";
    TargetTooLong "target_too_long" URI_TOO_LONG "The request line is too long." "See the limits in the documentation. The connection is closed.";
    HeadTooLarge "head_too_large" REQUEST_HEADER_FIELDS_TOO_LARGE "The head of the request has too many fields, a field that is too long, or too many bytes." "Too many cookies, most likely. See the limits in the documentation. The connection is closed.";
    HttpsRequired "https_required" FORBIDDEN "Plain http is taken from the machine itself and from trusted proxies alone." "Call by https. Behind a proxy: name it in `trusted_proxies`. The connection is closed.";
    TooSlow "too_slow" REQUEST_TIMEOUT "The request did not come in time." "Send it again, without pauses. The connection is closed.";
    VerifierTaken "verifier_taken" CONFLICT "There is a verifier with this name." "Choose another name, or remove the verifier that is there.";
    SpreadUnderWay "spread_under_way" CONFLICT "Everybody is having their turn already." "Wait until it is over, or end everybody at once.";
    TokenStale "token_stale" UNAUTHORIZED "The access token must be renewed." "Refresh, and come again. Nobody is signed out.";
    LeaseTooLong "lease_too_long" BAD_REQUEST "The realm grants no such lease or grace." "A lease has from 500 ms to `feed.lease_most_ms`, a grace up to `feed.grace_most_ms`.";
    AppliedAhead "applied_ahead" CONFLICT "What was acknowledged was never sent." "Forget the position, connect again, and get the snapshot.";
}

impl Code {
    /// Its row.
    pub fn row(self) -> &'static Row {
        // The table is written in the order of the enum.
        &CODES[self as usize].1
    }

    /// Was the request not read to its end? Then nobody can tell where the next one begins.
    const fn ends_connection(self) -> bool {
        matches!(
            self,
            Self::MalformedRequest
                | Self::TargetTooLong
                | Self::HeadTooLarge
                | Self::TooSlow
                | Self::TooLarge
                | Self::HttpsRequired
        )
    }
}

/// An answer that says no.
#[derive(Clone, Debug)]
pub struct Problem {
    code: Code,
    reason: Option<&'static str>,
    field: Option<String>,
    headers: Vec<(HeaderName, HeaderValue)>,
    /// In the shape of RFC 6749 section 5.2.
    of_oauth: bool,
}

impl Problem {
    /// A plain no.
    pub fn new(code: Code) -> Self {
        Self { code, reason: None, field: None, headers: Vec::new(), of_oauth: false }
    }

    /// A no that is about one member of the request.
    pub fn about(code: Code, field: impl Into<String>) -> Self {
        Self { field: Some(field.into()).filter(|field| !field.is_empty()), ..Self::new(code) }
    }

    /// A no with its reason.
    pub fn because(code: Code, reason: &'static str) -> Self {
        Self { reason: Some(reason), ..Self::new(code) }
    }

    /// With one more header.
    #[must_use]
    pub fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// In the shape that OAuth clients know.
    #[must_use]
    pub const fn of_oauth(mut self) -> Self {
        self.of_oauth = true;
        self
    }

    /// Its code.
    pub const fn code(&self) -> Code {
        self.code
    }
}

impl From<Code> for Problem {
    fn from(code: Code) -> Self {
        Self::new(code)
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let code = match refusal {
            Refusal::NoCredentials => Code::NoCredentials,
            Refusal::InvalidCredentials => Code::InvalidCredentials,
            Refusal::SessionUnknown => Code::SessionUnknown,
            Refusal::SessionExpired => Code::SessionExpired,
            Refusal::SessionEnded => Code::SessionEnded,
            Refusal::Token(rejection) => return Self::from(rejection),
            Refusal::RefreshInvalid => Code::RefreshInvalid,
            Refusal::RefreshReused => Code::RefreshReused,
            Refusal::RefreshSuperseded => Code::RefreshSuperseded,
            Refusal::RefreshExpired => Code::RefreshExpired,
            Refusal::RefreshBusy => Code::RefreshBusy,
            Refusal::AmbiguousCredentials => Code::AmbiguousCredentials,
            Refusal::Forbidden => Code::Forbidden,
            Refusal::ClientUnknown => Code::ClientUnknown,
            Refusal::TransportNotAllowed => Code::TransportNotAllowed,
            Refusal::SignupClosed => Code::SignupClosed,
            Refusal::EmailTaken => Code::EmailTaken,
            Refusal::PasswordWeak => Code::PasswordWeak,
            Refusal::PasswordKnown => Code::PasswordKnown,
            Refusal::VersionMismatch => Code::VersionMismatch,
            Refusal::QuotaExceeded => Code::QuotaExceeded,
            Refusal::TooLarge => Code::TooLarge,
            Refusal::NotFound => Code::NotFound,
            Refusal::ClientTaken => Code::ClientTaken,
            Refusal::ClientUnfit(unfit) => return Self::because(Code::ClientUnfit, unfit.sentence()),
            Refusal::TooManyAttempts(throttled) => return Self::from(throttled),
            Refusal::VerifierTaken => Code::VerifierTaken,
            Refusal::SpreadUnderWay => Code::SpreadUnderWay,
            Refusal::LeaseTooLong => Code::LeaseTooLong,
            Refusal::AppliedAhead => Code::AppliedAhead,
            Refusal::KeysNotReady(why) => return Self::because(Code::KeysNotReady, not_ready(why)),
        };
        Self::new(code)
    }
}

/// Why keys are not turned, in a sentence.
const fn not_ready(why: key::Refusal) -> &'static str {
    match why {
        key::Refusal::NoStandby => "no published key stands by to take over",
        key::Refusal::TooSoon => "the standby was published less than 10 minutes ago: some verifiers may not have it",
        key::Refusal::Exhausted => "all 255 numbers of this purpose are in use",
        key::Refusal::InUse => "the key is in use or stands by: rotate first, or kill it",
        key::Refusal::StillNeeded => "what was made with the key may still be about",
        key::Refusal::Retired => "the key is retired already",
    }
}

impl From<Rejection> for Problem {
    fn from(rejection: Rejection) -> Self {
        let code = match rejection {
            Rejection::TokenExpired => Code::TokenExpired,
            Rejection::TokenRevoked => Code::TokenRevoked,
            Rejection::TokenStale => Code::TokenStale,
            _ => Code::TokenInvalid,
        };
        Self { reason: Some(rejection.code()), ..Self::new(code) }
    }
}

/// `Retry-After` (RFC 9110), and the limit that was met in `RateLimit` and `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-
/// headers-10). Nothing in it depends on whether there is an account.
impl From<Throttled> for Problem {
    fn from(throttled: Throttled) -> Self {
        let Throttled { by, quota, window, wait } = throttled;
        let name = match by {
            By::Account => "account",
            By::Address => "address",
        };
        let (wait, window) = (whole_seconds(wait), whole_seconds(window));
        [
            (header::RETRY_AFTER, wait.to_string()),
            (HeaderName::from_static("ratelimit-policy"), format!("\"{name}\";q={quota};w={window}")),
            (HeaderName::from_static("ratelimit"), format!("\"{name}\";r=0;t={wait}")),
        ]
        .into_iter()
        .filter_map(|(name, text)| Some((name, HeaderValue::from_str(&text).ok()?)))
        .fold(Self::new(Code::TooManyAttempts), |problem, (name, value)| problem.with(name, value))
    }
}

/// Rounded up: whoever comes back then is let in.
fn whole_seconds(span: Lifetime) -> i64 {
    (span + Lifetime::from_millis(999)).secs()
}

impl From<Stopped> for Problem {
    fn from(stopped: Stopped) -> Self {
        match stopped {
            Stopped::Refused(refusal) => Self::from(refusal),
            Stopped::Overloaded | Stopped::Contended => Self::new(Code::Overloaded),
            Stopped::Store(error) => {
                tracing::error!(%error, "the store failed");
                match error {
                    StoreError::Unavailable | StoreError::Corrupt { .. } | StoreError::Full => {
                        Self::new(Code::StoreUnavailable)
                    }
                }
            }
            Stopped::Clock => {
                tracing::error!("the clock went back by more than a minute: nothing is minted");
                Self::new(Code::Overloaded)
            }
            Stopped::NoEntropy => {
                tracing::error!("the machine gives no random bytes: nothing is minted");
                Self::new(Code::Overloaded)
            }
        }
    }
}

#[derive(Serialize)]
struct Wire<'a> {
    r#type: String,
    title: &'a str,
    status: u16,
    detail: &'a str,
    code: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<&'a str>,
}

/// The same for OAuth clients (RFC 6749 section 5.2), with our code beside theirs.
#[derive(Serialize)]
struct OauthWire<'a> {
    error: &'a str,
    error_description: &'a str,
    code: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<&'a str>,
}

const fn oauth_error(status: StatusCode) -> &'static str {
    match status {
        StatusCode::UNAUTHORIZED => "invalid_client",
        StatusCode::FORBIDDEN => "access_denied",
        StatusCode::SERVICE_UNAVAILABLE => "temporarily_unavailable",
        _ => "invalid_request",
    }
}

/// How long somebody who came at a bad moment shall wait, in seconds.
const RETRY_AFTER: &str = "1";
/// How long a turn of the ring takes to make room, in seconds: W.
const RETRY_AFTER_BUSY: &str = "10";

impl Problem {
    /// The answer, with the name of the request to find its traces by.
    pub fn respond(self, request_id: Option<&str>) -> Response {
        let row = self.code.row();
        if self.of_oauth {
            let body = OauthWire {
                error: oauth_error(row.status),
                error_description: row.title,
                code: row.code,
                request_id,
            };
            let body = serde_json::to_vec(&body).unwrap_or_default();
            return self.answer("application/json", body);
        }
        let wire = Wire {
            r#type: format!("https://doorward.dev/errors#{}", row.code),
            title: row.title,
            status: row.status.as_u16(),
            detail: row.advice,
            code: row.code,
            reason: self.reason,
            field: self.field.as_deref(),
            request_id,
        };
        let body = serde_json::to_vec(&wire).unwrap_or_default();
        self.answer("application/problem+json", body)
    }

    /// The same no to a person: a page with its status.
    pub fn respond_as_page(self, html: String) -> Response {
        self.answer("text/html; charset=utf-8", html.into_bytes())
    }

    fn answer(self, media_type: &'static str, body: Vec<u8>) -> Response {
        let row = self.code.row();
        let mut response = (row.status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        // Left for whoever counts.
        response.extensions_mut().insert(self.code);
        let headers = response.headers_mut();
        match row.status {
            StatusCode::UNAUTHORIZED => drop(headers.insert(header::WWW_AUTHENTICATE, self.challenge())),
            StatusCode::SERVICE_UNAVAILABLE => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER));
            }
            StatusCode::TOO_MANY_REQUESTS => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER_BUSY));
            }
            _ => {}
        }
        if self.code.ends_connection() {
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        for (name, value) in self.headers {
            // Of several waits the problem's own is meant; cookies are many.
            if name == header::RETRY_AFTER {
                headers.remove(&name);
            }
            headers.append(name, value);
        }
        response
    }

    /// RFC 6750 section 3: no error attribute where nothing was shown.
    fn challenge(&self) -> HeaderValue {
        match self.code {
            Code::TokenInvalid | Code::TokenExpired | Code::TokenRevoked | Code::TokenStale => {
                HeaderValue::from_static("Bearer realm=\"doorward\", error=\"invalid_token\"")
            }
            _ => HeaderValue::from_static("Bearer realm=\"doorward\""),
        }
    }
}

impl IntoResponse for Problem {
    /// Leaves the body to [`written_out`], which knows the request's name.
    fn into_response(self) -> Response {
        let mut response = self.code.row().status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// Writes a problem out with the name of its request; every other answer stays as it is. Headers that were added on the
/// way, such as `Allow`, are kept.
pub fn written_out(mut response: Response, request_id: &str) -> Response {
    let Some(problem) = response.extensions_mut().remove::<Problem>() else { return response };
    let mut written = problem.respond(Some(request_id));
    for (name, value) in response.headers() {
        if name != header::CONTENT_LENGTH {
            written.headers_mut().append(name, value.clone());
        }
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_the_order_of_the_codes_and_no_code_stands_twice() {
        let mut seen = std::collections::BTreeSet::new();
        for (place, (code, row)) in CODES.iter().enumerate() {
            assert_eq!(*code as usize, place);
            assert!(seen.insert(row.code), "{} stands twice", row.code);
        }
    }
}
