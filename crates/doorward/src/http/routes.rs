//! The route table: data first, the router from it. `tests/routes.txt` is its checked-in print.

use axum::Router;
use axum::extract::{MatchedPath, Request};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, delete, get, post, put};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, header};
use tracing::Instrument;

use super::extract::RequestId;
use super::measured::measured;
use super::pages::{account, advise, assets, devices, jwt, login, logout, look, security, signup, tools};
use super::problem::{Code, Problem, written_out};
use super::public::{data, password, refresh, session, sessions, users};
use super::{cors, feed, headers, oauth, wellknown};
use crate::door::Door;

/// Who may call a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// Anybody.
    Anybody,
    /// Whoever brings the credential that the call is about: a password, a refresh token.
    Bearer,
    /// Whoever has a session, guests too.
    Session,
    /// Whoever has a session that is a user's.
    User,
    /// The same in a browser, by the cookie alone: anybody else is sent to `/login`. Guests sign out here too.
    Page,
    /// A service that is registered to follow the feed, and nobody else.
    Verifier,
}

impl Audience {
    /// The word in the print.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Anybody => "anybody",
            Self::Bearer => "bearer",
            Self::Session => "session",
            Self::User => "user",
            Self::Page => "page",
            Self::Verifier => "verifier",
        }
    }
}

/// A row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Route {
    /// The method.
    pub method: &'static str,
    /// The path, with parameters in braces.
    pub path: &'static str,
    /// Who may call it.
    pub audience: Audience,
    /// What it is for.
    pub purpose: &'static str,
    route: fn() -> MethodRouter<Door>,
}

/// Every route there is.
pub const ROUTES: &[Route] = &[
    row("POST", "/v1/users", Audience::Anybody, "sign up", || post(users::create)),
    row("POST", "/v1/sessions", Audience::Bearer, "sign in", || post(sessions::create)),
    row("GET", "/v1/sessions", Audience::Session, "list devices", || get(sessions::list)),
    row("DELETE", "/v1/sessions/{id}", Audience::Session, "end one device", || delete(sessions::end)),
    row("POST", "/v1/sessions/revoke", Audience::Session, "end others or all", || post(sessions::end_many)),
    row("GET", "/v1/session", Audience::Session, "who am I", || get(session::show)),
    row("DELETE", "/v1/session", Audience::Bearer, "sign out", || delete(session::end)),
    row("POST", "/v1/session/refresh", Audience::Bearer, "refresh or convert", || post(refresh::create)),
    row("GET", "/v1/session/data/{key}", Audience::Session, "read data", || get(data::read)),
    row("PUT", "/v1/session/data/{key}", Audience::Session, "put data", || put(data::put)),
    row("DELETE", "/v1/session/data/{key}", Audience::Session, "remove data", || delete(data::remove)),
    row("PUT", "/v1/user/password", Audience::User, "change the password", || put(password::set)),
    row("GET", "/.well-known/jwks.json", Audience::Anybody, "public keys", || get(wellknown::jwks)),
    row("GET", "/login", Audience::Anybody, "page: sign in", || get(login::show)),
    row("POST", "/login", Audience::Bearer, "form: sign in", || post(login::submit)),
    row("GET", "/signup", Audience::Anybody, "page: sign up", || get(signup::show)),
    row("POST", "/signup", Audience::Anybody, "form: sign up", || post(signup::submit)),
    row("GET", "/logout", Audience::Page, "page: sign out", || get(logout::show)),
    row("POST", "/logout", Audience::Page, "form: sign out", || post(logout::submit)),
    row("GET", "/account", Audience::Page, "page: the account", || get(account::show)),
    row("GET", "/account/security", Audience::Page, "page: the password", || get(security::show)),
    row("POST", "/account/security", Audience::Page, "form: change the password", || post(security::submit)),
    row("GET", "/account/devices", Audience::Page, "page: devices", || get(devices::show)),
    row("POST", "/account/devices", Audience::Page, "form: end one or all others", || post(devices::submit)),
    row("GET", "/tools", Audience::Anybody, "page: the tools", || get(tools::show)),
    row("GET", "/tools/secrets", Audience::Anybody, "page: draw secrets, hash them", || get(tools::secrets)),
    row("GET", "/tools/jwt", Audience::Anybody, "page: look into a token", || get(jwt::show)),
    row("GET", "/tools/advise", Audience::Anybody, "page: which strategy, and why", || get(advise::show)),
    row("GET", "/", Audience::Anybody, "to the account", || get(account::front)),
    row("GET", "/.well-known/change-password", Audience::Anybody, "to the password", || {
        get(account::change_password)
    }),
    row("GET", "/assets/{name}", Audience::Anybody, "style and scripts of pages", || get(assets::show)),
    row("GET", "/v1/feed", Audience::Verifier, "follow the feed", || get(feed::stream::open)),
    row("POST", "/v1/feed/ping", Audience::Verifier, "renew a lease, acknowledge", || post(feed::ping::answer)),
    row("GET", "/v1/feed/snapshot", Audience::Verifier, "all that is revoked", || get(feed::snapshot::show)),
    row("GET", "/v1/feed/sessions/{hash}", Audience::Verifier, "the session of a cookie", || {
        get(feed::sessions::show)
    }),
    row("POST", "/oauth2/introspect", Audience::Verifier, "is a credential good", || post(oauth::introspect::show)),
    row("GET", "/healthz", Audience::Anybody, "is the process there", || get(wellknown::healthz)),
    row("GET", "/readyz", Audience::Anybody, "can it serve", || get(wellknown::readyz)),
];

const fn row(
    method: &'static str,
    path: &'static str,
    audience: Audience,
    purpose: &'static str,
    route: fn() -> MethodRouter<Door>,
) -> Route {
    Route { method, path, audience, purpose, route }
}

/// The table as text, a route a line.
pub fn print() -> String {
    let line = |route: &Route| {
        format!("{:<7} {:<28} {:<8} {}\n", route.method, route.path, route.audience.name(), route.purpose)
    };
    ROUTES.iter().map(line).collect()
}

/// The router of the public port.
pub fn router(door: Door) -> Router {
    let mut router = Router::new();
    for route in ROUTES {
        router = router.route(route.path, (route.route)());
    }
    router
        .method_not_allowed_fallback(|| async { Problem::new(Code::MethodNotAllowed) })
        .fallback(nothing_here)
        .layer(middleware::from_fn_with_state(door.clone(), cors::share))
        .layer(middleware::from_fn_with_state(door.clone(), name_request))
        .layer(middleware::from_fn_with_state(door.clone(), measured))
        .with_state(door)
}

/// Who mistypes the address of a page is told so on one; programs are answered as everywhere.
async fn nothing_here(method: Method, uri: Uri, headers: HeaderMap) -> Response {
    let problem = Problem::new(Code::NotFound);
    let accepts = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let is_read = method == Method::GET && !uri.path().starts_with("/v1/") && accepts.contains("text/html");
    if is_read { look::undrawn(problem) } else { problem.into_response() }
}

/// Names the request, and puts the name into the answer; a problem's body names it too. Every answer gets the headers
/// that every answer has.
pub(super) async fn name_request(
    axum::extract::State(door): axum::extract::State<Door>,
    mut request: Request,
    next: Next,
) -> Response {
    let id = door.request_id();
    request.extensions_mut().insert(RequestId(id.clone()));
    // Of the gravest level, so that it is there for every line that is written meanwhile.
    let span = tracing::error_span!("request", %id);
    let asked = tracing::enabled!(tracing::Level::DEBUG)
        .then(|| (request.method().clone(), request.extensions().get::<MatchedPath>().cloned()));
    let response = next.run(request).instrument(span.clone()).await;
    let response = span.in_scope(|| look::drawn(&door, response));
    if let Some((method, route)) = asked {
        let route = route.as_ref().map_or("none", MatchedPath::as_str);
        span.in_scope(|| tracing::debug!(%method, route, status = response.status().as_u16(), "answered"));
    }
    let mut response = written_out(response, &id);
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(HeaderName::from_static("x-request-id"), value);
    }
    headers::protect(&door, response.headers_mut());
    response
}
