//! `/signup`: make an account, and be signed in with it.

use axum::extract::State;
use axum::response::Response;
use doorward_core::audit::Actor;
use doorward_core::form::Reader;
use doorward_core::role::Roles;
use doorward_core::user::{Email, parse_name};
use minijinja::{Value, context};
use serde::Deserialize;
use zeroize::Zeroizing;

use super::form::{Fault, Filled, mendable};
use super::visit::{Stop, Visit};
use super::{login, look};
use crate::door::{Door, Origin};
use crate::flows::register::{Registration, register};
use crate::flows::{Refusal, Stopped};
use crate::http::problem::{Code, Problem};
use crate::http::reply;

/// The form.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Fields {
    email: String,
    name: String,
    password: Zeroizing<String>,
}

impl Fields {
    fn values(&self) -> Value {
        context! { email => self.email.as_str(), name => self.name.as_str() }
    }

    /// Reads the form, or says what is wrong with it.
    fn registration(&self) -> Result<Registration, (Problem, Fault)> {
        let email = Email::parse(self.email.trim()).ok_or_else(|| {
            let text = "This is not an e-mail address. Write it as in ada@example.org.";
            (Problem::about(Code::InvalidField, "email"), Fault { text, field: "email" })
        })?;
        let name = match self.name.trim() {
            "" => None,
            name => Some(parse_name(name).ok_or_else(|| {
                let text = "A name has at most 128 characters, on one line. You may also leave it out.";
                (Problem::about(Code::InvalidField, "name"), Fault { text, field: "name" })
            })?),
        };
        Ok(Registration { email, password: self.password.clone(), name, roles: Roles::NONE })
    }
}

/// Shows the form, or says that there is none.
pub async fn show(State(door): State<Door>, visit: Visit) -> Result<Response, Stop> {
    if visit.person().is_some() {
        return Ok(look::see_other("/account"));
    }
    if !door.settings().signup_open {
        return Err(Stopped::from(Refusal::SignupClosed).into());
    }
    Ok(visit.page(&door, Reader::Anybody, "signup.html", "", Fields::default().values()))
}

/// Makes the account.
pub async fn submit(
    State(door): State<Door>,
    visit: Visit,
    from: Origin,
    form: Filled<Fields>,
) -> Result<Response, Stop> {
    let refuse = |said| visit.refusal(&door, Reader::Anybody, "signup.html", said, form.fields.values());
    if !form.is_ours(&door, &visit, Reader::Anybody) {
        return Ok(refuse((Problem::new(Code::CrossSite), visit.fault())));
    }
    let registration = match form.fields.registration() {
        Ok(registration) => registration,
        Err(said) => return Ok(refuse(said)),
    };
    let email = registration.email.clone();
    match register(&door, registration, Actor::Nobody, &from).await {
        Ok(_) => {}
        Err(Stopped::Refused(Refusal::EmailTaken)) => return Ok(refuse((Refusal::EmailTaken.into(), TAKEN))),
        Err(Stopped::Refused(refusal)) => match mendable(refusal, "password") {
            Some(fault) => return Ok(refuse((refusal.into(), fault))),
            None => return Err(Stopped::from(refusal).into()),
        },
        Err(stopped) => return Err(stopped.into()),
    }
    let Ok(issued) = login::enter(&door, &visit, Some(email), &form.fields.password, &from).await else {
        // The account is made; what kept the person from coming in may pass.
        return Ok(look::see_other("/login?notice=account_made"));
    };
    let mut response = look::see_other("/account?notice=welcome");
    reply::set_cookies(&mut response, &issued, door.now());
    Ok(response)
}

const TAKEN: Fault =
    Fault { text: "There is an account with this address. Sign in with it, or use another address.", field: "email" };
