//! `/tools`: what each of the tools does, and how it is called in a terminal; and `/tools/secrets`, which draws and hashes in
//! the browser alone.

use axum::extract::State;
use axum::response::Response;
use minijinja::context;

use super::visit::Visit;
use crate::door::Door;

/// Shows which tools there are.
pub async fn show(State(door): State<Door>, visit: Visit) -> Response {
    draw(&door, &visit, "tools.html")
}

/// Shows the tool for secrets, passwords and hashes.
pub async fn secrets(State(door): State<Door>, visit: Visit) -> Response {
    draw(&door, &visit, "secrets.html")
}

fn draw(door: &Door, visit: &Visit, template: &str) -> Response {
    let reader = visit.reader();
    visit.page(door, reader, template, "", context! {})
}
