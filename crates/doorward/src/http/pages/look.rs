//! What pages look like: templates, and the headers that every page has.

use std::sync::LazyLock;

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use minijinja::{Environment, Error, ErrorKind, UndefinedBehavior, Value};

use super::assets;
use crate::http::problem::{Code, Problem};

/// Every template, by its name.
const TEMPLATES: [(&str, &str); 10] = [
    ("base.html", include_str!("../../../templates/base.html")),
    ("fields.html", include_str!("../../../templates/fields.html")),
    ("login.html", include_str!("../../../templates/login.html")),
    ("signup.html", include_str!("../../../templates/signup.html")),
    ("logout.html", include_str!("../../../templates/logout.html")),
    ("account.html", include_str!("../../../templates/account.html")),
    ("security.html", include_str!("../../../templates/security.html")),
    ("devices.html", include_str!("../../../templates/devices.html")),
    ("jwt.html", include_str!("../../../templates/jwt.html")),
    ("problem.html", include_str!("../../../templates/problem.html")),
];

static LOOK: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut look = Environment::new();
    look.set_undefined_behavior(UndefinedBehavior::Strict);
    look.add_function("asset", |name: String| {
        let address = assets::address(&name).map(Value::from_safe_string);
        address.ok_or_else(|| Error::new(ErrorKind::InvalidOperation, format!("no asset {name}")))
    });
    for (name, text) in TEMPLATES {
        if let Err(error) = look.add_template(name, text) {
            tracing::error!(%error, name, "a template is broken");
        }
    }
    look
});

/// Draws a template.
fn draw(template: &str, values: Value) -> Result<String, Problem> {
    LOOK.get_template(template).and_then(|found| found.render(values)).map_err(|error| {
        tracing::error!(error = format!("{error:#}"), template, "a page could not be drawn");
        Code::Overloaded.into()
    })
}

/// A page.
pub fn page(template: &str, values: Value) -> Response {
    match draw(template, values) {
        Ok(html) => {
            let mut response = (StatusCode::OK, html).into_response();
            let kind = HeaderValue::from_static("text/html; charset=utf-8");
            response.headers_mut().insert(header::CONTENT_TYPE, kind);
            guarded(response)
        }
        Err(problem) => guarded(problem.into_response()),
    }
}

/// A page that says no.
pub fn refusal(template: &str, values: Value, problem: Problem) -> Response {
    match draw(template, values) {
        Ok(html) => guarded(problem.respond_as_page(html)),
        Err(problem) => guarded(problem.into_response()),
    }
}

/// On to another page, by GET.
pub fn see_other(address: &str) -> Response {
    let mut response = StatusCode::SEE_OTHER.into_response();
    if let Ok(address) = HeaderValue::from_str(address) {
        response.headers_mut().insert(header::LOCATION, address);
    }
    guarded(response)
}

/// Nothing from elsewhere, nothing inline, nobody's frame. Only the token tool may fetch, and only from here.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
     form-action 'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types";

/// The headers of every page.
fn guarded(mut response: Response) -> Response {
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CACHE_CONTROL, "no-store"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (http::HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (http::HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (http::HeaderName::from_static("permissions-policy"), "camera=(), microphone=(), geolocation=(), payment=()"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_template_is_understood() {
        assert_eq!(LOOK.templates().count(), TEMPLATES.len());
    }

    #[test]
    fn no_template_has_inline_script_or_style() {
        for (name, text) in TEMPLATES {
            let plain = text.to_lowercase();
            for part in ["<style", " style=", "javascript:", " onclick", " onload", " onsubmit", "|safe", "| safe"] {
                assert!(!plain.contains(part), "{part} in {name}");
            }
            let scripts = plain.matches("<script").count();
            assert_eq!(scripts, plain.matches("<script type=\"module\" src=\"{{ asset(").count(), "{name}");
        }
    }

    #[test]
    fn the_stylesheet_stays_small() {
        assert!(include_str!("../../../assets/doorward.css").len() < 15 * 1024);
    }
}
