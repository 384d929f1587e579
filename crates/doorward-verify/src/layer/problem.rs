//! From a no to its answer: RFC 9457 documents with the codes of the server, RFC 6750 and RFC 9470 challenges. The only
//! file of this crate that knows statuses.

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::follow::Refused;
use crate::json::ObjectWriter;
use crate::{Lifetime, Rejection};

/// Why a request was not let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Denied {
    /// It shows nothing that this route takes.
    NoCredentials,
    /// It shows two things.
    Ambiguous,
    /// A page of another site has sent it.
    CrossSite,
    /// What it shows is not accepted.
    Refused(Refused),
    /// The token does not allow this.
    InsufficientScope(String),
    /// The person has not the role.
    Forbidden,
    /// The person must prove who they are once more.
    StepUp {
        /// How long ago that may be.
        recent: Option<Lifetime>,
        /// How well, one of these, separated by spaces; empty if that does not matter.
        acr: String,
    },
}

/// A public code with what it means.
#[derive(Debug)]
pub struct Row {
    /// The HTTP status.
    pub status: StatusCode,
    /// The code.
    pub code: &'static str,
    /// What it says to a person.
    pub title: &'static str,
    /// What to do about it.
    pub advice: &'static str,
}

const NO_CREDENTIALS: Row = Row {
    status: StatusCode::UNAUTHORIZED,
    code: "no_credentials",
    title: "No credential was shown.",
    advice: "Sign in, or send the access token as `Authorization: Bearer`.",
};
const AMBIGUOUS: Row = Row {
    status: StatusCode::BAD_REQUEST,
    code: "ambiguous_credentials",
    title: "Two credentials were shown.",
    advice: "Send one.",
};
const CROSS_SITE: Row = Row {
    status: StatusCode::FORBIDDEN,
    code: "cross_site",
    title: "The request comes from another site.",
    advice: "Call from the application's own origin, or name the origin in the guard.",
};
const FORBIDDEN: Row = Row {
    status: StatusCode::FORBIDDEN,
    code: "forbidden",
    title: "The person has not the role that this takes.",
    advice: "An operator gives roles.",
};
const UNKNOWN: Row = Row {
    status: StatusCode::SERVICE_UNAVAILABLE,
    code: "revocation_unknown",
    title: "It cannot be said now whether the credential is still good.",
    advice: "Wait as `Retry-After` says, and sign nobody out: the service has not heard from the server for longer than its lease and grace.",
};
const SESSION_UNKNOWN: Row = Row {
    status: StatusCode::UNAUTHORIZED,
    code: "session_unknown",
    title: "No session has this secret.",
    advice: "Sign in again.",
};
const SESSION_EXPIRED: Row = Row {
    status: StatusCode::UNAUTHORIZED,
    code: "session_expired",
    title: "The session ran out.",
    advice: "Sign in again.",
};
const SESSION_ENDED: Row = Row {
    status: StatusCode::UNAUTHORIZED,
    code: "session_ended",
    title: "The session was ended.",
    advice: "Sign in again.",
};
const TOKEN_EXPIRED: Row = Row {
    status: StatusCode::UNAUTHORIZED,
    code: "token_expired",
    title: "The access token ran out.",
    advice: "Refresh, or sign in again.",
};
const TOKEN_REVOKED: Row = Row {
    status: StatusCode::UNAUTHORIZED,
    code: "token_revoked",
    title: "The access token was revoked.",
    advice: "Sign in again.",
};
const TOKEN_STALE: Row = Row {
    status: StatusCode::UNAUTHORIZED,
    code: "token_stale",
    title: "The access token must be renewed.",
    advice: "Refresh, and ask again.",
};
const TOKEN_INVALID: Row = Row {
    status: StatusCode::UNAUTHORIZED,
    code: "token_invalid",
    title: "The access token is not good.",
    advice: "The member `reason` says what is wrong with it.",
};
const INSUFFICIENT_SCOPE: Row = Row {
    status: StatusCode::FORBIDDEN,
    code: "insufficient_scope",
    title: "The access token does not allow this.",
    advice: "`WWW-Authenticate` names the scopes that are needed; the client's settings say which its tokens may carry.",
};
const STEP_UP: Row = Row {
    status: StatusCode::UNAUTHORIZED,
    code: "insufficient_user_authentication",
    title: "The person must prove who they are once more.",
    advice: "Have them sign in again, and ask with the new credential; `WWW-Authenticate` says how lately and how well (RFC 9470).",
};

/// Every code that a guard answers with.
pub const CODES: [Row; 14] = [
    NO_CREDENTIALS,
    AMBIGUOUS,
    CROSS_SITE,
    FORBIDDEN,
    UNKNOWN,
    SESSION_UNKNOWN,
    SESSION_EXPIRED,
    SESSION_ENDED,
    TOKEN_EXPIRED,
    TOKEN_REVOKED,
    TOKEN_STALE,
    TOKEN_INVALID,
    INSUFFICIENT_SCOPE,
    STEP_UP,
];

impl Denied {
    /// Its answer.
    pub fn respond(&self) -> Response {
        let row = self.row();
        let mut body = Vec::with_capacity(256);
        let mut json = ObjectWriter::begin(&mut body);
        json.text("type", &format!("https://doorward.dev/errors#{}", row.code));
        json.text("title", row.title);
        json.integer("status", row.status.as_u16().into());
        json.text("code", row.code);
        json.text_if("reason", self.reason());
        json.end();
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = row.status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if row.status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        if let Some(challenge) = self.challenge().and_then(|text| HeaderValue::try_from(text).ok()) {
            headers.insert(header::WWW_AUTHENTICATE, challenge);
        }
        response
    }

    const fn row(&self) -> Row {
        match self {
            Self::NoCredentials => NO_CREDENTIALS,
            Self::Ambiguous => AMBIGUOUS,
            Self::CrossSite => CROSS_SITE,
            Self::Refused(refused) => refused_row(*refused),
            Self::InsufficientScope(_) => INSUFFICIENT_SCOPE,
            Self::Forbidden => FORBIDDEN,
            Self::StepUp { .. } => STEP_UP,
        }
    }

    const fn reason(&self) -> Option<&'static str> {
        match self {
            Self::Refused(Refused::Rejected(rejection)) => Some(rejection.code()),
            _ => None,
        }
    }

    /// RFC 6750 section 3: no error attribute where nothing was shown; RFC 9470 section 3 for the step up.
    fn challenge(&self) -> Option<String> {
        let of = |error: &str, more: String| Some(format!("Bearer error=\"{error}\"{more}"));
        match self {
            Self::NoCredentials => Some("Bearer".to_owned()),
            Self::Refused(Refused::Unknown) | Self::Ambiguous | Self::CrossSite | Self::Forbidden => None,
            Self::Refused(refused) => {
                let reason = self.reason().unwrap_or(refused_row(*refused).code);
                of("invalid_token", format!(", error_description=\"{reason}\""))
            }
            // (A scope that could not stand in a header would have been no scope.)
            Self::InsufficientScope(scope) => of("insufficient_scope", format!(", scope=\"{scope}\"")),
            Self::StepUp { recent, acr } => {
                let acr = if acr.is_empty() { String::new() } else { format!(", acr_values=\"{acr}\"") };
                let age = recent.map(|most| format!(", max_age=\"{}\"", most.secs())).unwrap_or_default();
                of("insufficient_user_authentication", format!("{acr}{age}"))
            }
        }
    }
}

/// The same codes as at the server's own door.
const fn refused_row(refused: Refused) -> Row {
    match refused {
        Refused::Unknown => UNKNOWN,
        Refused::SessionUnknown => SESSION_UNKNOWN,
        Refused::SessionExpired => SESSION_EXPIRED,
        Refused::SessionEnded => SESSION_ENDED,
        Refused::Rejected(Rejection::TokenExpired) => TOKEN_EXPIRED,
        Refused::Rejected(Rejection::TokenRevoked) => TOKEN_REVOKED,
        Refused::Rejected(Rejection::TokenStale) => TOKEN_STALE,
        Refused::Rejected(_) => TOKEN_INVALID,
    }
}

impl IntoResponse for Denied {
    fn into_response(self) -> Response {
        self.respond()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(denied: &Denied, status: u16, code: &str, challenge: Option<&str>) {
        let response = denied.respond();
        assert_eq!(response.status().as_u16(), status, "{denied:?}");
        assert_eq!(denied.row().code, code);
        assert!(CODES.iter().any(|row| row.code == code), "{code} is in the table");
        let shown = response.headers().get(header::WWW_AUTHENTICATE).map(|value| value.to_str().unwrap());
        assert_eq!(shown, challenge, "{denied:?}");
        assert_eq!(response.headers().contains_key(header::RETRY_AFTER), status == 503);
    }

    #[test]
    fn every_no_has_its_status_code_and_challenge() {
        let rejected = |rejection| Denied::Refused(Refused::Rejected(rejection));
        let invalid = |reason: &str| format!("Bearer error=\"invalid_token\", error_description=\"{reason}\"");
        check(&Denied::NoCredentials, 401, "no_credentials", Some("Bearer"));
        check(&Denied::Ambiguous, 400, "ambiguous_credentials", None);
        check(&Denied::CrossSite, 403, "cross_site", None);
        check(&Denied::Forbidden, 403, "forbidden", None);
        check(&Denied::Refused(Refused::Unknown), 503, "revocation_unknown", None);
        for rejection in Rejection::ALL {
            let code = match rejection {
                Rejection::TokenExpired => "token_expired",
                Rejection::TokenRevoked => "token_revoked",
                Rejection::TokenStale => "token_stale",
                _ => "token_invalid",
            };
            check(&rejected(rejection), 401, code, Some(&invalid(rejection.code())));
        }
        for refused in [Refused::SessionUnknown, Refused::SessionExpired, Refused::SessionEnded] {
            check(&Denied::Refused(refused), 401, refused.code(), Some(&invalid(refused.code())));
        }
        let scope = Denied::InsufficientScope("pay admin".to_owned());
        check(&scope, 403, "insufficient_scope", Some("Bearer error=\"insufficient_scope\", scope=\"pay admin\""));
        let step_up = |recent, acr: &str| Denied::StepUp { recent, acr: acr.to_owned() };
        let code = "insufficient_user_authentication";
        let both = format!("Bearer error=\"{code}\", acr_values=\"2 3\", max_age=\"300\"");
        check(&step_up(Some(Lifetime::from_mins(5)), "2 3"), 401, code, Some(&both));
        check(&step_up(None, "2"), 401, code, Some(&format!("Bearer error=\"{code}\", acr_values=\"2\"")));
    }
}
