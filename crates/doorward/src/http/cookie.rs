//! Cookies: their names, their attributes, and reading them strictly.
//!
//! The session cookie bears `__Host-Http-`: only this host, only over HTTP, set by nobody else. The refresh cookie is
//! one per client and travels to `/v1/session` alone.

use doorward_core::Lifetime;
use doorward_core::id::ClientId;
use doorward_core::policy::DEVICE_LIFE;
use http::{HeaderMap, HeaderValue, header};

/// The cookie of a session secret; one per browser.
pub const SESSION: &str = "__Host-Http-dw_session";
/// The cookie that the forms of our pages are tied to; gone with the browser.
pub const FORM: &str = "__Host-Http-dw_form";
/// What the cookies of refresh tokens begin with; the client's id follows.
pub const REFRESH_PREFIX: &str = "__Secure-dw_refresh_";
/// The cookie that makes a browser a known device; one per browser, of whoever signed in last.
pub const DEVICE: &str = "__Host-Http-dw_device";
const REFRESH_PATH: &str = "/v1/session";
/// Browsers keep no cookie for longer (RFC 6265bis section 5.5).
const LONGEST: Lifetime = Lifetime::from_days(400);

/// Every value of a cookie in the request, in order. A name may come twice: then somebody tossed one.
pub fn values<'a>(headers: &'a HeaderMap, name: &'a str) -> impl Iterator<Item = &'a str> {
    pairs(headers).filter(move |(found, _)| *found == name).map(|(_, value)| value)
}

/// Every refresh cookie in the request, with its client's id.
pub fn refresh_values(headers: &HeaderMap) -> impl Iterator<Item = (&str, &str)> {
    pairs(headers).filter_map(|(name, value)| Some((name.strip_prefix(REFRESH_PREFIX)?, value)))
}

/// Does the browser show anything that opens a session?
pub fn holds_credentials(headers: &HeaderMap) -> bool {
    pairs(headers).any(|(name, _)| name == SESSION || name.starts_with(REFRESH_PREFIX))
}

fn pairs(headers: &HeaderMap) -> impl Iterator<Item = (&str, &str)> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim_matches(' ').split_once('='))
}

/// Sets the session cookie.
pub fn set_session(secret: &str, lives: Lifetime) -> Option<HeaderValue> {
    let seconds = max_age(lives);
    sensitive(&format!("{SESSION}={secret}; Path=/; Max-Age={seconds}; Secure; HttpOnly; SameSite=Lax"))
}

/// Sets the cookie of a known device. It outlives sign-outs: the device is as known as before.
pub fn set_device(text: &str) -> Option<HeaderValue> {
    let seconds = max_age(DEVICE_LIFE);
    sensitive(&format!("{DEVICE}={text}; Path=/; Max-Age={seconds}; Secure; HttpOnly; SameSite=Lax"))
}

/// The text of the one device cookie; two are none, for one of them was tossed.
pub fn device(headers: &HeaderMap) -> Option<String> {
    let mut found = values(headers, DEVICE);
    let device = found.next()?;
    found.next().is_none().then(|| device.to_owned())
}

/// Removes the session cookie: only at sign-out, and where a person comes to sign in with a dead one.
pub fn clear_session() -> HeaderValue {
    HeaderValue::from_static("__Host-Http-dw_session=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Lax")
}

/// Sets the cookie that forms are tied to.
pub fn set_form(seed: &str) -> Option<HeaderValue> {
    sensitive(&format!("{FORM}={seed}; Path=/; Secure; HttpOnly; SameSite=Lax"))
}

/// Sets the refresh cookie of a client.
pub fn set_refresh(client: &ClientId, token: &str, lives: Lifetime) -> Option<HeaderValue> {
    let seconds = max_age(lives);
    let attributes = "Secure; HttpOnly; SameSite=Strict";
    sensitive(&format!("{REFRESH_PREFIX}{client}={token}; Path={REFRESH_PATH}; Max-Age={seconds}; {attributes}"))
}

/// Removes the refresh cookie of a client: only at sign-out.
pub fn clear_refresh(client: &str) -> Option<HeaderValue> {
    let attributes = "Max-Age=0; Secure; HttpOnly; SameSite=Strict";
    HeaderValue::from_str(&format!("{REFRESH_PREFIX}{client}=; Path={REFRESH_PATH}; {attributes}")).ok()
}

/// Whole seconds, rounded up: the end is ours to tell, and a cookie that goes too early signs somebody out.
fn max_age(lives: Lifetime) -> i64 {
    (lives.min(LONGEST) + Lifetime::from_millis(999)).secs().max(0)
}

fn sensitive(text: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_are_read_by_their_exact_names() {
        let mut headers = HeaderMap::new();
        headers.append(header::COOKIE, HeaderValue::from_static("a=1; __Host-Http-dw_session=x; dw_session=y"));
        headers
            .append(header::COOKIE, HeaderValue::from_static("__Secure-dw_refresh_web=t; __host-http-dw_session=z"));
        assert_eq!(values(&headers, SESSION).collect::<Vec<_>>(), ["x"]);
        assert_eq!(refresh_values(&headers).collect::<Vec<_>>(), [("web", "t")]);
    }
}
