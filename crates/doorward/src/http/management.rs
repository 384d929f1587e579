//! The management port: what an operator's instruments read. It knows nothing of people, takes no credential, and shares
//! no route with the public port but the two probes.

use axum::Router;
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;

use super::problem::Code;
use super::{reply, wellknown};
use crate::door::Door;
use crate::metrics::page;

/// A row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Route {
    /// The path. The method is GET.
    pub path: &'static str,
    /// What it is for.
    pub purpose: &'static str,
    route: fn() -> MethodRouter<Door>,
}

/// Every route there is.
pub const ROUTES: &[Route] = &[
    Route { path: "/metrics", purpose: "all counts, for Prometheus", route: || get(metrics) },
    Route { path: "/healthz", purpose: "is the process there", route: || get(wellknown::healthz) },
    Route { path: "/readyz", purpose: "can it serve; with ?verbose, and if not, why", route: || get(readyz) },
];

/// The table as text, a route a line.
pub fn print() -> String {
    ROUTES.iter().map(|route| format!("{:<7} {:<12} {}\n", "GET", route.path, route.purpose)).collect()
}

/// The router.
pub fn router(door: Door) -> Router {
    let mut router = Router::new();
    for route in ROUTES {
        router = router.route(route.path, (route.route)());
    }
    router
        .method_not_allowed_fallback(|| async { Code::MethodNotAllowed.row().status })
        .fallback(|| async { Code::NotFound.row().status })
        .with_state(door)
}

/// `GET /metrics`: everything that is counted.
async fn metrics(State(door): State<Door>) -> Response {
    let mut response = page::page(&door).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(page::MEDIA_TYPE));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

#[derive(Serialize)]
struct Readiness {
    ready: bool,
    /// False on the way out.
    serving: bool,
    /// Did the last commit succeed?
    store_writable: bool,
    /// Is everything that was committed known here? Until it is, nothing is answered from memory.
    store_read_back: bool,
    store_queue: u64,
    hash_pool_queue: u64,
    feed_head: String,
    version: &'static str,
}

/// `GET /readyz`: as on the public port; with `?verbose` in words.
async fn readyz(State(door): State<Door>, RawQuery(query): RawQuery) -> Response {
    let ready = door.is_ready();
    let status = if ready { StatusCode::OK } else { Code::StoreUnavailable.row().status };
    let is_verbose = query.is_some_and(|query| query.split('&').any(|word| word == "verbose" || word == "verbose="));
    if !is_verbose {
        return (status, if ready { "ready\n" } else { "not ready\n" }).into_response();
    }
    let readiness = Readiness {
        ready,
        serving: !door.is_draining(),
        store_writable: door.directory().is_writable(),
        store_read_back: !door.cached().is_behind(),
        store_queue: door.directory().figures().queued,
        hash_pool_queue: door.hashing().meter().waiting(),
        feed_head: door.cached().head().to_string(),
        version: env!("CARGO_PKG_VERSION"),
    };
    reply::json(status, &readiness)
}
