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

struct Row {
    status: StatusCode,
    code: &'static str,
    title: &'static str,
    reason: Option<&'static str>,
}

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
        json.text_if("reason", row.reason);
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

    fn row(&self) -> Row {
        let row = |status, code, title| Row { status, code, title, reason: None };
        match self {
            Self::NoCredentials => row(StatusCode::UNAUTHORIZED, "no_credentials", "No credential was shown."),
            Self::Ambiguous => row(StatusCode::BAD_REQUEST, "ambiguous_credentials", "Two credentials were shown."),
            Self::CrossSite => row(StatusCode::FORBIDDEN, "cross_site", "The request comes from another site."),
            Self::Refused(refused) => refused_row(*refused),
            Self::InsufficientScope(_) => {
                row(StatusCode::FORBIDDEN, "insufficient_scope", "The access token does not allow this.")
            }
            Self::Forbidden => {
                row(StatusCode::FORBIDDEN, "forbidden", "The person has not the role that this takes.")
            }
            Self::StepUp { .. } => row(
                StatusCode::UNAUTHORIZED,
                "insufficient_user_authentication",
                "The person must prove who they are once more.",
            ),
        }
    }

    /// RFC 6750 section 3: no error attribute where nothing was shown; RFC 9470 section 3 for the step up.
    fn challenge(&self) -> Option<String> {
        let of = |error: &str, more: String| Some(format!("Bearer error=\"{error}\"{more}"));
        match self {
            Self::NoCredentials => Some("Bearer".to_owned()),
            Self::Refused(Refused::Unknown) | Self::Ambiguous | Self::CrossSite | Self::Forbidden => None,
            Self::Refused(refused) => {
                let row = refused_row(*refused);
                let reason = row.reason.unwrap_or(row.code);
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
fn refused_row(refused: Refused) -> Row {
    let (status, code, title) = match refused {
        Refused::Unknown => (
            StatusCode::SERVICE_UNAVAILABLE,
            "revocation_unknown",
            "It cannot be said now whether the credential is still good.",
        ),
        Refused::SessionUnknown => (StatusCode::UNAUTHORIZED, "session_unknown", "No session has this secret."),
        Refused::SessionExpired => (StatusCode::UNAUTHORIZED, "session_expired", "The session ran out."),
        Refused::SessionEnded => (StatusCode::UNAUTHORIZED, "session_ended", "The session was ended."),
        Refused::Rejected(Rejection::TokenExpired) => {
            (StatusCode::UNAUTHORIZED, "token_expired", "The access token ran out.")
        }
        Refused::Rejected(Rejection::TokenRevoked) => {
            (StatusCode::UNAUTHORIZED, "token_revoked", "The access token was revoked.")
        }
        Refused::Rejected(Rejection::TokenStale) => {
            (StatusCode::UNAUTHORIZED, "token_stale", "The access token must be renewed.")
        }
        Refused::Rejected(_) => (StatusCode::UNAUTHORIZED, "token_invalid", "The access token is not good."),
    };
    let reason = if let Refused::Rejected(rejection) = refused { Some(rejection.code()) } else { None };
    Row { status, code, title, reason }
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
