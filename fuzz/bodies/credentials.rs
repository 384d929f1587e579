//! What comes in headers: cookies, `Authorization`, user agents. Also addresses.

use doorward::agent::Agent;
use doorward::http::cookie;
use doorward::http::extract::Shown;
use doorward_core::secret::SecretKind;
use doorward_core::user::{Email, parse_name};
use http::{HeaderMap, HeaderValue, header};

use super::text;

/// A header of these bytes, as far as HTTP lets them be one.
fn headers(name: header::HeaderName, data: &[u8]) -> Option<HeaderMap> {
    let value = HeaderValue::from_bytes(data).ok()?;
    Some(HeaderMap::from_iter([(name, value)]))
}

/// Two sessions are none; a value that is read stands in the header as it is.
pub(super) fn cookie(data: &[u8]) {
    let Some(headers) = headers(header::COOKIE, data) else { return };
    let line = headers[header::COOKIE].to_str().unwrap_or_default();
    let sessions: Vec<_> = cookie::values(&headers, cookie::SESSION).collect();
    let shown = Shown::read(&headers);
    assert_eq!(shown.is_err(), sessions.len() > 1, "{line}");
    if let Ok(shown) = shown {
        assert_eq!(shown.credentials().secret.is_some(), sessions.len() == 1);
        assert!(shown.application(None).basic.is_none());
    }
    for value in sessions.into_iter().chain(cookie::refresh_values(&headers).map(|(_, token)| token)) {
        assert!(line.contains(value) && !value.contains(';'));
    }
    if let Some(device) = cookie::device(&headers) {
        assert!(line.contains(&format!("{}={device}", cookie::DEVICE)));
    }
}

/// Bearer, Basic, or a no; a secret that is read has one spelling.
pub(super) fn authorization(data: &[u8]) {
    let Some(headers) = headers(header::AUTHORIZATION, data) else { return };
    let line = headers[header::AUTHORIZATION].to_str().unwrap_or_default();
    let Ok(shown) = Shown::read(&headers) else { return };
    let (credentials, basic) = (shown.credentials(), shown.application(None).basic);
    let kinds = [credentials.secret.is_some(), credentials.access.is_some(), basic.is_some()];
    assert_eq!(kinds.into_iter().filter(|one| *one).count(), 1, "one credential: {line}");
    assert!(!shown.is_ambient(), "no browser adds this by itself");
    if let Some(access) = credentials.access {
        assert!(line.ends_with(&access) || line.trim_end().ends_with(&access));
    }
    for word in line.split(' ') {
        for kind in [SecretKind::Session, SecretKind::Client] {
            if let Some(secret) = kind.parse(word) {
                assert_eq!(kind.text(&secret), word);
            }
        }
    }
}

/// A short line that may be shown, whatever the browser says of itself.
pub(super) fn user_agent(data: &[u8]) {
    let Some(headers) = headers(header::USER_AGENT, data) else { return };
    let name = Agent::of(&headers).name();
    assert!((1..=80).contains(&name.len()), "{name}");
    assert!(name.chars().all(|c| !c.is_control() && !"<>&\"'".contains(c)), "{name}");
}

/// An address has one key, and its key is an address with the same key.
pub(super) fn email(data: &[u8]) {
    let Some(typed) = text(data) else { return };
    if let Some(name) = parse_name(typed) {
        assert_eq!(parse_name(&name).as_deref(), Some(&*name), "a name that was read is one");
    }
    let Some(email) = Email::parse(typed) else { return };
    assert!(email.typed().len() <= 254 && email.typed().matches('@').count() == 1);
    // Lower case may be longer than what was typed, and then too long to be typed.
    if let Some(again) = Email::parse(email.key()) {
        assert_eq!(again.key(), email.key());
    } else {
        assert!(email.key().len() > email.typed().len(), "{typed}");
    }
}
