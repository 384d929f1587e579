//! Which pages elsewhere may call from a browser, with its cookies: those of the exact origins that a client lists, and
//! only under `/v1`. What is public is for everybody, without cookies. Nobody else is told anything.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};

use super::cookie;
use super::extract::same_site;
use super::headers::RESOURCE_POLICY;
use super::problem::{Code, Problem};
use crate::door::Door;

const METHODS: &str = "GET, POST, PUT, DELETE";
const SENT: &str = "authorization, content-type, idempotency-key, if-match, if-none-match";
const SHOWN: &str = "etag, ratelimit, ratelimit-policy, retry-after, www-authenticate, x-request-id";
/// How long a browser may remember the permission, in seconds. It is asked for again at every call all the same.
const REMEMBERED: &str = "600";
/// Caches keep answers to different origins apart,
pub const VARY: &str = "origin";
/// and permissions by what was asked for.
const VARY_ASKED: &str = "origin, access-control-request-method, access-control-request-headers";

/// Whose pages may call a path.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Openness {
    /// Our own alone.
    Ours,
    /// Those of the clients.
    Clients,
    /// Everybody's: it is the same for all.
    Everybody,
}

impl Openness {
    fn of(path: &str) -> Self {
        match path {
            "/.well-known/jwks.json"
            | "/.well-known/openid-configuration"
            | "/.well-known/oauth-authorization-server" => Self::Everybody,
            _ if path.starts_with("/v1/") => Self::Clients,
            _ => Self::Ours,
        }
    }
}

/// Answers a browser that asks beforehand, and tells browsers who may read the answers.
pub(super) async fn share(State(door): State<Door>, request: Request, next: Next) -> Response {
    let openness = Openness::of(request.uri().path());
    if openness == Openness::Ours {
        return next.run(request).await;
    }
    let origin = request.headers().get(header::ORIGIN).cloned();
    let asks = *request.method() == Method::OPTIONS
        && origin.is_some()
        && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    let permitted = match openness {
        Openness::Everybody => Some(HeaderValue::from_static("*")),
        _ => origin.filter(|origin| origin.to_str().is_ok_and(|origin| is_listed(&door, origin))),
    };
    let mut response = match (asks, &permitted) {
        (true, Some(_)) => StatusCode::NO_CONTENT.into_response(),
        (true, None) => Problem::new(Code::CrossSite).into_response(),
        (false, _) => match may_call(&door, &request, openness) {
            Ok(()) => next.run(request).await,
            Err(problem) => problem.into_response(),
        },
    };
    let headers = response.headers_mut();
    if openness == Openness::Clients {
        headers.append(header::VARY, HeaderValue::from_static(if asks { VARY_ASKED } else { VARY }));
    } else {
        headers.insert(RESOURCE_POLICY, HeaderValue::from_static("cross-origin"));
    }
    if let Some(origin) = permitted {
        permit(headers, origin, openness, asks);
    }
    response
}

/// Before anything of the body is looked at: a page elsewhere learns nothing by sending nonsense.
fn may_call(door: &Door, request: &Request, openness: Openness) -> Result<(), Problem> {
    let headers = request.headers();
    match openness {
        Openness::Clients => same_site(door, request.method(), headers, cookie::holds_credentials(headers)),
        _ => Ok(()),
    }
}

fn permit(headers: &mut HeaderMap, origin: HeaderValue, openness: Openness, asks: bool) {
    let mut say = |name: HeaderName, value: &'static str| drop(headers.insert(name, HeaderValue::from_static(value)));
    if openness == Openness::Clients {
        say(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, "true");
    }
    if asks {
        say(header::ACCESS_CONTROL_ALLOW_METHODS, if openness == Openness::Clients { METHODS } else { "GET" });
        say(header::ACCESS_CONTROL_ALLOW_HEADERS, SENT);
        say(header::ACCESS_CONTROL_MAX_AGE, REMEMBERED);
    } else {
        say(header::ACCESS_CONTROL_EXPOSE_HEADERS, SHOWN);
    }
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
}

/// Does a client that is not switched off list this very origin?
pub fn is_listed(door: &Door, origin: &str) -> bool {
    door.cached().any_client(|client| client.disabled_at.is_none() && client.origins.iter().any(|own| own == origin))
}
