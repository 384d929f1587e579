//! `/tools/jwt`: look into a token, in the browser alone. The page asks the server for nothing but its public keys, and
//! only when it is told to verify.

use std::sync::LazyLock;

use axum::extract::State;
use axum::response::Response;
use minijinja::context;

use super::visit::Visit;
use crate::checks::tokens::rules;
use crate::door::Door;

/// Of the twelve checks of `doorward jwt lint`.
static RULES: LazyLock<String> = LazyLock::new(|| rules().to_string());

/// Shows the tool.
pub async fn show(State(door): State<Door>, visit: Visit) -> Response {
    let reader = visit.reader();
    let issuer = door.settings().issuer.as_str();
    visit.page(&door, reader, "jwt.html", "", context! { issuer, rules => RULES.as_str() })
}
