//! What a request shows: a bearer token, or the cookie of a session.

use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, header};

use super::Denied;

/// The cookie of a session's secret.
const COOKIE: &str = "__Host-Http-dw_session";

/// A credential as it was shown.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Credential {
    Token(String),
    Session { secret: String, is_cookie: bool },
}

/// The credential of a request. A bearer token goes before a cookie, which a browser sends unasked.
pub(super) fn of(headers: &HeaderMap) -> Result<Credential, Denied> {
    let mut shown = headers.get_all(header::AUTHORIZATION).iter();
    match (shown.next(), shown.next()) {
        (Some(_), Some(_)) => return Err(Denied::Ambiguous),
        (Some(one), None) => {
            let text = one.to_str().map_err(|_| Denied::NoCredentials)?;
            let (scheme, rest) = text.split_once(' ').unwrap_or_default();
            if !scheme.eq_ignore_ascii_case("bearer") {
                return Err(Denied::NoCredentials);
            }
            let text = rest.trim_matches(' ').to_owned();
            let is_session = text.starts_with("dws_");
            return Ok(if is_session {
                Credential::Session { secret: text, is_cookie: false }
            } else {
                Credential::Token(text)
            });
        }
        (None, _) => {}
    }
    let mut cookies = headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim_matches(' ').split_once('='))
        .filter(|(name, _)| *name == COOKIE)
        .map(|(_, value)| value);
    let first = cookies.next().ok_or(Denied::NoCredentials)?;
    // Somebody has tossed one.
    if cookies.any(|other| other != first) {
        return Err(Denied::Ambiguous);
    }
    Ok(Credential::Session { secret: first.to_owned(), is_cookie: true })
}

/// May a request with a cookie be what the person meant? Reading is harmless; anything else must come from a page of our
/// own origin or of one that is listed. Browsers say so in `Sec-Fetch-Site`, older ones in `Origin`.
pub(super) fn is_same_site(parts: &Parts, origins: &[String]) -> bool {
    if [Method::GET, Method::HEAD, Method::OPTIONS].contains(&parts.method) {
        return true;
    }
    let text = |name: &str| parts.headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    let origin = text("origin");
    if origin.is_some_and(|origin| origins.iter().any(|known| known == origin)) {
        return true;
    }
    match (text("sec-fetch-site"), origin) {
        (Some(site), _) => site == "same-origin" || site == "none",
        (None, Some(origin)) => {
            let host = text("host").or_else(|| parts.uri.authority().map(axum::http::uri::Authority::as_str));
            origin.split_once("://").is_some_and(|(_, of)| Some(of) == host)
        }
        // No browser at all: nobody can make it send somebody else's cookie.
        (None, None) => true,
    }
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    fn headers(lines: &[(&str, &str)]) -> Parts {
        let mut request = Request::builder().method("POST").uri("/");
        for (name, value) in lines {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap().into_parts().0
    }

    #[test]
    fn a_credential_is_found_or_there_is_none() {
        let of = |lines: &[(&str, &str)]| of(&headers(lines).headers);
        let session = |secret: &str, is_cookie| Ok(Credential::Session { secret: secret.to_owned(), is_cookie });
        let cookie = "a=b; __Host-Http-dw_session=dws_x; c=d";
        assert_eq!(of(&[("authorization", "Bearer a.b.c")]), Ok(Credential::Token("a.b.c".to_owned())));
        assert_eq!(of(&[("authorization", "bEARER  a.b.c ")]), Ok(Credential::Token("a.b.c".to_owned())));
        assert_eq!(of(&[("authorization", "Bearer dws_x")]), session("dws_x", false));
        assert_eq!(of(&[("cookie", cookie)]), session("dws_x", true));
        assert_eq!(of(&[("cookie", cookie), ("cookie", cookie)]), session("dws_x", true));
        assert_eq!(of(&[("authorization", "Bearer t"), ("cookie", cookie)]), Ok(Credential::Token("t".to_owned())));
        for none in
            [&[][..], &[("authorization", "Basic eA==")], &[("authorization", "Bearer")], &[("cookie", "x=y")]]
        {
            assert_eq!(of(none), Err(Denied::NoCredentials), "{none:?}");
        }
        assert_eq!(of(&[("authorization", "Bearer a"), ("authorization", "Bearer a")]), Err(Denied::Ambiguous));
        let tossed = "__Host-Http-dw_session=dws_y";
        assert_eq!(of(&[("cookie", cookie), ("cookie", tossed)]), Err(Denied::Ambiguous));
    }

    #[test]
    fn a_cookie_changes_nothing_for_another_site() {
        let app = ["https://app.example".to_owned()];
        for (lines, expect) in [
            (&[][..], true),
            (&[("sec-fetch-site", "same-origin")], true),
            (&[("sec-fetch-site", "none")], true),
            (&[("sec-fetch-site", "same-site")], false),
            (&[("sec-fetch-site", "cross-site")], false),
            (&[("sec-fetch-site", "cross-site"), ("origin", "https://app.example")], true),
            (&[("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")], false),
            (&[("origin", "https://api.example"), ("host", "api.example")], true),
            (&[("origin", "https://evil.example"), ("host", "api.example")], false),
            (&[("origin", "null"), ("host", "api.example")], false),
        ] {
            let mut parts = headers(lines);
            assert_eq!(is_same_site(&parts, &app), expect, "{lines:?}");
            parts.method = Method::GET;
            assert!(is_same_site(&parts, &app), "reading");
        }
    }
}
