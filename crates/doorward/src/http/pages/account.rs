//! `/account`: who I am here.

use axum::extract::State;
use axum::response::Response;
use minijinja::{Value, context};

use super::form::{Asked, Notice};
use super::look;
use super::visit::SignedIn;
use super::when::when;
use crate::door::Door;

/// Shows the account.
pub async fn show(State(door): State<Door>, who: SignedIn, Asked(asked): Asked<Notice>) -> Response {
    let notice = match asked.notice.as_str() {
        "welcome" => "Welcome. Your account is there, and you are signed in.",
        _ => "",
    };
    let user = who.user();
    let values = context! {
        email => user.map(|user| user.email.typed()),
        name => user.and_then(|user| user.name.as_deref()),
        id => user.map(|user| user.id.to_string()),
        since => user.map(|user| Value::from(when(user.created_at))),
    };
    who.visit.page(&door, who.reader(), "account.html", notice, values)
}

/// `/`: there is no other front page.
pub async fn front() -> Response {
    look::see_other("/account")
}

/// `/.well-known/change-password`: where password managers send people.
pub async fn change_password() -> Response {
    look::see_other("/account/security")
}
