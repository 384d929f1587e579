//! What pages look like: templates, ours or an operator's, and the headers that every page has.

use std::fmt;
use std::sync::{Arc, LazyLock};

use axum::response::{IntoResponse, Response};
use doorward_core::base64url;
use http::{HeaderValue, StatusCode, header};
use minijinja::{Environment, Error, ErrorKind, UndefinedBehavior, Value, context};

use super::assets;
use crate::door::Door;
use crate::http::problem::{Code, Problem};

/// Every template of ours, by its name.
pub(super) const TEMPLATES: [(&str, &str); 13] = [
    ("base.html", include_str!("../../../templates/base.html")),
    ("fields.html", include_str!("../../../templates/fields.html")),
    ("login.html", include_str!("../../../templates/login.html")),
    ("signup.html", include_str!("../../../templates/signup.html")),
    ("logout.html", include_str!("../../../templates/logout.html")),
    ("account.html", include_str!("../../../templates/account.html")),
    ("security.html", include_str!("../../../templates/security.html")),
    ("devices.html", include_str!("../../../templates/devices.html")),
    ("jwt.html", include_str!("../../../templates/jwt.html")),
    ("advise.html", include_str!("../../../templates/advise.html")),
    ("tools.html", include_str!("../../../templates/tools.html")),
    ("secrets.html", include_str!("../../../templates/secrets.html")),
    ("problem.html", include_str!("../../../templates/problem.html")),
];

/// The templates in use. Cheap to clone.
#[derive(Clone)]
pub struct Look(Arc<Environment<'static>>);

impl fmt::Debug for Look {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Look")
    }
}

static OURS: LazyLock<Look> = LazyLock::new(|| {
    let mut templates = environment();
    for (name, text) in TEMPLATES {
        if let Err(error) = templates.add_template(name, text) {
            tracing::error!(%error, name, "a template is broken");
        }
    }
    Look::of(templates)
});

/// Without templates yet. Undefined names are errors, and what ends in `.html` is escaped, whoever wrote it.
pub(super) fn environment() -> Environment<'static> {
    let mut templates = Environment::new();
    templates.set_undefined_behavior(UndefinedBehavior::Strict);
    templates.add_function("asset", |name: String| {
        let address = assets::address(&name).map(Value::from_safe_string);
        address.ok_or_else(|| Error::new(ErrorKind::InvalidOperation, format!("no asset {name}")))
    });
    templates
}

impl Look {
    /// As we ship it.
    pub fn ours() -> Self {
        OURS.clone()
    }

    pub(super) fn of(templates: Environment<'static>) -> Self {
        Self(Arc::new(templates))
    }

    /// Draws a template.
    pub(super) fn draw(&self, template: &str, values: Value) -> Result<String, Error> {
        self.0.get_template(template)?.render(values)
    }
}

/// A page. `frame` is what all pages have; the nonce of its scripts joins it here.
pub fn page(door: &Door, template: &str, frame: Value, values: Value) -> Response {
    match painted(door, template, frame, values) {
        Ok((html, nonce)) => {
            let mut response = (StatusCode::OK, html).into_response();
            let kind = HeaderValue::from_static("text/html; charset=utf-8");
            response.headers_mut().insert(header::CONTENT_TYPE, kind);
            guarded(response, Some(&nonce))
        }
        Err(problem) => guarded(problem.into_response(), None),
    }
}

/// A page that says no.
pub fn refusal(door: &Door, template: &str, frame: Value, values: Value, problem: Problem) -> Response {
    match painted(door, template, frame, values) {
        Ok((html, nonce)) => guarded(problem.respond_as_page(html), Some(&nonce)),
        Err(problem) => guarded(problem.into_response(), None),
    }
}

/// A page's text, and the nonce that its scripts bear: what somebody else got into it runs nowhere.
fn painted(door: &Door, template: &str, frame: Value, values: Value) -> Result<(String, String), Problem> {
    let nonce = base64url::encode(&door.draw::<16>()?);
    let frame = context! { nonce => nonce.as_str(), ..frame };
    let html = door.look().draw(template, context! { frame, ..values }).map_err(|error| {
        tracing::error!(error = format!("{error:#}"), template, "a page could not be drawn");
        Problem::from(Code::Overloaded)
    })?;
    Ok((html, nonce))
}

/// A no that is no form's fault, and which does not know yet what pages look like here.
#[derive(Clone, Debug)]
struct Undrawn(Problem);

/// Leaves the page to [`drawn`].
pub(in crate::http) fn undrawn(problem: Problem) -> Response {
    let mut response = StatusCode::OK.into_response();
    response.extensions_mut().insert(Undrawn(problem));
    response
}

/// Draws the page of a no; every other answer stays as it is.
pub fn drawn(door: &Door, mut response: Response) -> Response {
    let Some(Undrawn(problem)) = response.extensions_mut().remove::<Undrawn>() else { return response };
    let row = problem.code().row();
    let frame = context! { signed_in => false, token => "", notice => "", faults => Vec::<Value>::new() };
    let values = context! { title => row.title, advice => row.advice, code => row.code };
    refusal(door, "problem.html", frame, values, problem)
}

/// On to another page, by GET.
pub fn see_other(address: &str) -> Response {
    let mut response = StatusCode::SEE_OTHER.into_response();
    if let Ok(address) = HeaderValue::from_str(address) {
        response.headers_mut().insert(header::LOCATION, address);
    }
    guarded(response, None)
}

/// Nothing from elsewhere, nothing inline, nobody's frame. Only the token tool may fetch, and only from here. Which scripts
/// run is said by each page's nonce; what has none runs none.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; \
     base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types";

/// The headers of every page.
fn guarded(mut response: Response, nonce: Option<&str>) -> Response {
    let headers = response.headers_mut();
    let policy = nonce.map(|nonce| HeaderValue::try_from(format!("{POLICY}; script-src 'nonce-{nonce}'")));
    let policy = policy.and_then(Result::ok).unwrap_or_else(|| HeaderValue::from_static(POLICY));
    headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    for (name, value) in [
        (header::CACHE_CONTROL, "no-store"),
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
        assert_eq!(OURS.0.templates().count(), TEMPLATES.len());
    }

    /// How a script begins: with the page's nonce, and an address of ours.
    const SCRIPT: &str = "<script type=\"module\" nonce=\"{{ frame.nonce }}\" src=\"{{ asset(";

    #[test]
    fn no_template_has_inline_script_or_style() {
        for (name, text) in TEMPLATES {
            let plain = text.to_lowercase();
            for part in ["<style", " style=", "javascript:", " onclick", " onload", " onsubmit", "|safe", "| safe"] {
                assert!(!plain.contains(part), "{part} in {name}");
            }
            let scripts = plain.matches("<script").count();
            assert_eq!(scripts, plain.matches(SCRIPT).count(), "{name}");
        }
    }

    #[test]
    fn the_stylesheet_stays_small() {
        assert!(include_str!("../../../assets/doorward.css").len() < 15 * 1024);
    }
}
