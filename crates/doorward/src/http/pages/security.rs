//! `/account/security`: change the password. This session is kept with a new secret, every other credential is dead.

use axum::extract::State;
use axum::response::Response;
use doorward_core::client::Transport;
use doorward_core::password::Typed;
use minijinja::{Value, context};
use serde::Deserialize;
use zeroize::Zeroizing;

use super::form::{Asked, Fault, Filled, Notice, STALE, mendable};
use super::look;
use super::visit::{SignedIn, Stop};
use crate::door::{Door, Origin};
use crate::flows::password::{Change, change};
use crate::flows::{Refusal, Stopped};
use crate::http::problem::{Code, Problem};
use crate::http::reply;

/// The form.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Fields {
    current_password: Zeroizing<String>,
    new_password: Zeroizing<String>,
}

/// Shows the form.
pub async fn show(State(door): State<Door>, who: SignedIn, Asked(asked): Asked<Notice>) -> Response {
    let notice = match asked.notice.as_str() {
        "password_changed" => "Your password is changed. Every other device is signed out.",
        _ => "",
    };
    who.visit.page(&door, who.reader(), "security.html", notice, values(&who))
}

/// Changes the password.
pub async fn submit(
    State(door): State<Door>,
    who: SignedIn,
    from: Origin,
    form: Filled<Fields>,
) -> Result<Response, Stop> {
    let refuse = |said| who.visit.refusal(&door, who.reader(), "security.html", said, values(&who));
    if !form.is_ours(&door, &who.visit, who.reader()) {
        return Ok(refuse((Problem::new(Code::CrossSite), STALE)));
    }
    let Fields { current_password, new_password } = form.fields;
    let asked = Change {
        current: Typed::read(&current_password),
        new: new_password,
        attempt: None,
        device: who.visit.device(),
    };
    match change(&door, &who.caller, asked, &from).await {
        Ok(mut issued) => {
            // The secret came in a cookie, so its successor goes into one, whatever way it was first handed out.
            issued.transport = Transport::Cookie;
            let mut response = look::see_other("/account/security?notice=password_changed");
            reply::set_cookies(&mut response, &issued, door.now());
            Ok(response)
        }
        Err(Stopped::Refused(Refusal::InvalidCredentials)) => Ok(refuse((Refusal::InvalidCredentials.into(), WRONG))),
        Err(Stopped::Refused(refusal)) => match mendable(refusal, "new_password") {
            Some(fault) => Ok(refuse((refusal.into(), fault))),
            None => Err(Stopped::from(refusal).into()),
        },
        Err(stopped) => Err(stopped.into()),
    }
}

const WRONG: Fault = Fault { text: "The current password is not right.", field: "current_password" };

/// A password manager wants to know whose password it is.
fn values(who: &SignedIn) -> Value {
    context! { email => who.user().map(|user| user.email.typed()) }
}
