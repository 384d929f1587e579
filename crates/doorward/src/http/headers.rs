//! What browsers are told about every answer, whoever wrote it: take it for what it is, show it to nobody else, keep it
//! nowhere. Pages say more (`pages/look`); what has said something already is not overruled.

use http::{HeaderMap, HeaderName, HeaderValue, header};

use crate::door::Door;

/// An answer that is no page loads nothing and stands in nobody's frame.
const POLICY: &str = "default-src 'none'; frame-ancestors 'none'";
/// Browsers that were here once come back by https alone, for a year.
const HTTPS_ALONE: &str = "max-age=31536000; includeSubDomains";
/// Whose pages may load this without asking.
pub const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// Adds what is missing.
pub fn protect(door: &Door, headers: &mut HeaderMap) {
    for (name, value) in [
        (header::CACHE_CONTROL, "no-store"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (RESOURCE_POLICY, "same-origin"),
    ] {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    // Only where the issuer is https: on loopback it would shut out every other program of the same machine.
    if door.settings().is_https() {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static(HTTPS_ALONE));
    }
}
