//! `/admin/v1`: what operators ask for, over the same flows. The command line is its caller, through the socket in the
//! data folder or in its own process; whoever can open that socket is an operator.

pub mod audit;
pub mod checks;
pub mod clients;
pub mod import;
pub mod keys;
pub mod sessions;
pub mod users;
pub mod verifiers;

use std::sync::Arc;

use axum::Router;
use axum::extract::FromRef;
use axum::middleware;
use axum::routing::{MethodRouter, delete, get, patch, post, put};
use doorward_core::policy::Profile;

use super::problem::{Code, Problem};
use super::routes::name_request;
use crate::door::Door;

/// The operator's desk: the door, and what only operators reach for. Cheap to clone.
#[derive(Clone)]
pub struct Desk(Arc<Inner>);

struct Inner {
    door: Door,
    profile: Profile,
}

impl std::fmt::Debug for Desk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Desk")
    }
}

impl Desk {
    /// Sets up the desk beside a door. `profile` is what new clients get that say nothing.
    pub fn new(door: Door, profile: Profile) -> Self {
        Self(Arc::new(Inner { door, profile }))
    }

    /// The door.
    pub fn door(&self) -> &Door {
        &self.0.door
    }

    /// Lifetimes of new clients.
    pub fn profile(&self) -> Profile {
        self.0.profile
    }
}

impl FromRef<Desk> for Door {
    fn from_ref(desk: &Desk) -> Self {
        desk.door().clone()
    }
}

/// A row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Route {
    /// The method.
    pub method: &'static str,
    /// The path, with parameters in braces.
    pub path: &'static str,
    /// What it is for.
    pub purpose: &'static str,
    route: fn() -> MethodRouter<Desk>,
}

/// Every route there is; all are for operators.
pub const ROUTES: &[Route] = &[
    row("GET", "/admin/v1/audit", "what happened, newest first", || get(audit::list)),
    row("GET", "/admin/v1/audit/verify", "is the audit log whole", || get(audit::verify)),
    row("GET", "/admin/v1/checks", "what is weak in the database", || get(checks::list)),
    row("GET", "/admin/v1/users", "list people", || get(users::list)),
    row("POST", "/admin/v1/users", "make an account", || post(users::create)),
    row("POST", "/admin/v1/users/import", "import people", || post(import::import)),
    row("POST", "/admin/v1/users/{id}/suspend", "suspend an account", || post(users::suspend)),
    row("POST", "/admin/v1/users/{id}/resume", "resume an account", || post(users::resume)),
    row("PUT", "/admin/v1/users/{id}/password", "set a password", || put(users::set_password)),
    row("PUT", "/admin/v1/users/{id}/roles", "set the roles of an account", || put(users::set_roles)),
    row("GET", "/admin/v1/sessions", "list sessions", || get(sessions::list)),
    row("DELETE", "/admin/v1/sessions/{id}", "end a session", || delete(sessions::end)),
    row("POST", "/admin/v1/sessions/revoke", "end everything of a user, or all", || post(sessions::revoke)),
    row("POST", "/admin/v1/sessions/renew", "have everybody renew", || post(sessions::renew)),
    row("GET", "/admin/v1/clients", "list clients", || get(clients::list)),
    row("POST", "/admin/v1/clients", "add a client", || post(clients::create)),
    row("PATCH", "/admin/v1/clients/{id}", "change a client", || patch(clients::set)),
    row("GET", "/admin/v1/keys", "list keys", || get(keys::list)),
    row("POST", "/admin/v1/keys/rotate", "turn a key", || post(keys::rotate)),
    row("POST", "/admin/v1/keys/{id}/retire", "forget a key", || post(keys::retire)),
    row("POST", "/admin/v1/keys/{id}/kill", "end a key and its tokens", || post(keys::kill)),
    row("POST", "/admin/v1/keys/reseal", "seal keys under a new master key", || post(keys::reseal)),
    row("POST", "/admin/v1/keys/share", "tell shared secrets", || post(keys::share)),
    row("GET", "/admin/v1/verifiers", "list verifiers", || get(verifiers::list)),
    row("POST", "/admin/v1/verifiers", "register a verifier", || post(verifiers::create)),
    row("DELETE", "/admin/v1/verifiers/{id}", "strike a verifier off", || delete(verifiers::remove)),
];

const fn row(
    method: &'static str,
    path: &'static str,
    purpose: &'static str,
    route: fn() -> MethodRouter<Desk>,
) -> Route {
    Route { method, path, purpose, route }
}

/// The table as text, a route a line.
pub fn print() -> String {
    ROUTES.iter().map(|route| format!("{:<7} {:<30} {}\n", route.method, route.path, route.purpose)).collect()
}

/// The router. Never to be put on a port: it asks nobody who they are.
pub fn router(desk: Desk) -> Router {
    let mut router = Router::new();
    for route in ROUTES {
        router = router.route(route.path, (route.route)());
    }
    router
        .method_not_allowed_fallback(|| async { Problem::new(Code::MethodNotAllowed) })
        .fallback(|| async { Problem::new(Code::NotFound) })
        .layer(middleware::from_fn_with_state(desk.door().clone(), name_request))
        .with_state(desk)
}

/// The query of a list.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Listing {
    email: Option<String>,
    user_id: Option<String>,
    after: Option<String>,
    limit: Option<u32>,
}

/// How many a list gives unless told.
pub const USUAL: u32 = 100;
/// How many a list gives at most.
pub const MOST: u32 = 1000;

impl Listing {
    fn limit(&self) -> u32 {
        self.limit.unwrap_or(USUAL).clamp(1, MOST)
    }
}
