//! Counts what the router answers, by the row that was matched.

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;

use super::problem::Code;
use crate::door::{Door, Stopwatch};

/// Lets a request pass, and counts its answer.
pub async fn measured(State(door): State<Door>, request: Request, next: Next) -> Response {
    let began = Stopwatch::start();
    let method = request.method().clone();
    let path = request.extensions().get::<MatchedPath>().cloned();
    let response = next.run(request).await;
    let code = response.extensions().get::<Code>().copied();
    let path = path.as_ref().map(MatchedPath::as_str);
    door.metrics().answers.add(&method, path, response.status(), code, began.elapsed());
    response
}
