//! `/login`: sign in with e-mail and password.

use axum::extract::State;
use axum::response::Response;
use doorward_core::client::{Strategy, Transport};
use doorward_core::form::Reader;
use doorward_core::id::ClientId;
use doorward_core::password::Typed;
use doorward_core::user::Email;
use http::header;
use minijinja::context;
use serde::Deserialize;
use zeroize::Zeroizing;

use super::form::{Asked, Fault, Filled, mendable};
use super::look;
use super::return_to::ReturnTo;
use super::visit::{Stop, Visit};
use crate::door::{Door, Origin};
use crate::flows::issue::Issued;
use crate::flows::login::{Attempt, Who, sign_in};
use crate::flows::{Refusal, Stopped};
use crate::http::problem::{Code, Problem};
use crate::http::{cookie, reply};

/// Where people land who wanted nothing in particular.
const HOME: &str = "/account";

/// What the address of the page may ask for.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Query {
    return_to: String,
    notice: String,
}

/// The form.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Fields {
    email: String,
    password: Zeroizing<String>,
    return_to: String,
}

/// Shows the form. Who comes here with a dead cookie loses it: only here, and only in person.
pub async fn show(State(door): State<Door>, visit: Visit, Asked(asked): Asked<Query>) -> Response {
    let return_to = ReturnTo::parse(&asked.return_to);
    if visit.person().is_some() {
        return onward(return_to.as_ref());
    }
    let notice = match asked.notice.as_str() {
        "signed_out" => "You are signed out.",
        "account_made" => "Your account is there. Sign in with it.",
        _ if visit.is_dead() => "Your session has ended. Please sign in again.",
        _ if return_to.is_some() => "Please sign in to go on.",
        _ => "",
    };
    let return_to = return_to.as_ref().map_or("", ReturnTo::as_str);
    let values = context! { email => "", return_to, signup_open => door.settings().signup_open };
    let mut response = visit.page(&door, Reader::Anybody, "login.html", notice, values);
    if visit.is_dead() && visit.navigates() {
        response.headers_mut().append(header::SET_COOKIE, cookie::clear_session());
    }
    response
}

/// Signs in.
pub async fn submit(
    State(door): State<Door>,
    visit: Visit,
    from: Origin,
    form: Filled<Fields>,
) -> Result<Response, Stop> {
    let Fields { email, password, return_to } = &form.fields;
    let return_to = ReturnTo::parse(return_to);
    let (problem, fault) = if form.is_ours(&door, &visit, Reader::Anybody) {
        match enter(&door, &visit, Email::parse(email.trim()), password, &from).await {
            Ok(issued) => {
                let mut response = onward(return_to.as_ref());
                reply::set_cookies(&mut response, &issued, door.now());
                return Ok(response);
            }
            Err(Stopped::Refused(Refusal::InvalidCredentials)) => (Refusal::InvalidCredentials.into(), WRONG),
            Err(Stopped::Refused(refusal)) => match mendable(refusal, "password") {
                Some(fault) => (refusal.into(), fault),
                None => return Err(Stopped::from(refusal).into()),
            },
            Err(stopped) => return Err(stopped.into()),
        }
    } else {
        (Problem::new(Code::CrossSite), visit.fault())
    };
    let return_to = return_to.as_ref().map_or("", ReturnTo::as_str);
    let values = context! { email, return_to, signup_open => door.settings().signup_open };
    Ok(visit.refusal(&door, Reader::Anybody, "login.html", (problem, fault), values))
}

/// The same words for an unknown address, a wrong password and a suspended account.
const WRONG: Fault = Fault { text: "The e-mail address or the password is not right.", field: "password" };

fn onward(return_to: Option<&ReturnTo>) -> Response {
    look::see_other(return_to.map_or(HOME, ReturnTo::as_str))
}

/// Signs in through the built-in client.
pub(super) async fn enter(
    door: &Door,
    visit: &Visit,
    email: Option<Email>,
    password: &str,
    from: &Origin,
) -> Result<Issued, Stopped> {
    let client = door.client(&ClientId::account()).ok_or(Refusal::ClientUnknown)?;
    // A page can hold a session and nothing else.
    if client.strategy != Strategy::Session {
        return Err(Refusal::TransportNotAllowed.into());
    }
    let who = Who::Person { email, password: Typed::read(password) };
    let attempt =
        Attempt { client, transport: Some(Transport::Cookie), who, held: visit.held(), device: visit.device() };
    sign_in(door, attempt, from).await
}
