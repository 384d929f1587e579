//! Somebody looks at a page: who they are, by their cookie alone, and the cookie that their forms are tied to.

use axum::extract::FromRequestParts;
use axum::response::{IntoResponse, Response};
use doorward_core::base64url;
use doorward_core::form::{Reader, Seed};
use doorward_core::secret::{Secret, SecretHash, SecretKind};
use doorward_core::session::Session;
use doorward_core::user::User;
use http::request::Parts;
use http::{HeaderMap, Method, header};
use minijinja::{Value, context};

use super::form::{COOKIELESS, Fault, STALE};
use super::look;
use super::return_to::ReturnTo;
use crate::door::Door;
use crate::flows::check::{self, Acting, Caller, Credentials};
use crate::flows::{Refusal, Stopped};
use crate::http::cookie;
use crate::http::problem::Problem;

/// Why a page is not shown.
#[derive(Debug)]
pub enum Stop {
    /// The person has to go elsewhere first.
    Away(String),
    /// A no that is no form's fault.
    Problem(Problem),
}

impl From<Problem> for Stop {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

impl From<Stopped> for Stop {
    fn from(stopped: Stopped) -> Self {
        Self::Problem(stopped.into())
    }
}

impl IntoResponse for Stop {
    fn into_response(self) -> Response {
        match self {
            Self::Away(address) => look::see_other(&address),
            Self::Problem(problem) => look::undrawn(problem),
        }
    }
}

/// A visit to a page.
#[derive(Debug)]
pub struct Visit {
    caller: Option<Caller>,
    held: Option<SecretHash>,
    device: Option<String>,
    is_dead: bool,
    navigates: bool,
    seed: Seed,
    is_new: bool,
    has_form_cookie: bool,
}

impl Visit {
    async fn read(door: &Door, headers: &HeaderMap) -> Result<Self, Stopped> {
        let held = held(headers);
        let credentials = Credentials { secret: held, access: None };
        let (caller, is_dead) = match check::check(door, &credentials).await {
            Ok(caller) => (Some(caller), false),
            Err(Stopped::Refused(Refusal::NoCredentials)) => (None, false),
            Err(Stopped::Refused(_)) => (None, true),
            Err(stopped) => return Err(stopped),
        };
        let is = |name: &'static str, word: &str| headers.get(name).is_some_and(|value| value == word);
        let navigates = is("sec-fetch-mode", "navigate") && is("sec-fetch-dest", "document");
        let (seed, is_new) = match seed(headers) {
            Some(seed) => (seed, false),
            None => (Seed(door.draw()?), true),
        };
        let has_form_cookie = cookie::values(headers, cookie::FORM).next().is_some();
        let device = cookie::device(headers);
        Ok(Self { caller, held, device, is_dead, navigates, seed, is_new, has_form_cookie })
    }

    /// What makes the browser a known device, as it says.
    pub fn device(&self) -> Option<String> {
        self.device.clone()
    }

    /// What the browser holds, for a sign-in to take over.
    pub const fn held(&self) -> Credentials {
        Credentials { secret: self.held, access: None }
    }

    /// Does the browser show a session cookie, whatever it is worth?
    pub const fn shows_cookie(&self) -> bool {
        self.held.is_some()
    }

    /// The session it is made by, a guest's too; `None` for nobody.
    pub fn session(&self) -> Option<&Session> {
        self.caller.as_ref().map(Caller::session)
    }

    /// The same if it may be ended by this visit: a secret that was replaced ends nothing.
    pub fn acting(&self) -> Option<&Session> {
        Some(self.caller.as_ref()?.acting().ok()?.session())
    }

    /// Who it is; `None` for nobody and for guests.
    pub fn person(&self) -> Option<(&Session, &User)> {
        let caller = self.caller.as_ref()?;
        Some((caller.session(), caller.record.user.as_deref()?))
    }

    /// Who the forms of a page are for that anybody may see.
    pub fn reader(&self) -> Reader {
        self.person().map_or(Reader::Anybody, |(session, _)| Reader::Session(session.id))
    }

    /// Does the browser hold a secret whose session is over or unknown?
    pub const fn is_dead(&self) -> bool {
        self.is_dead
    }

    /// Is this a person who opens the page, and not a script that fetches it?
    pub const fn navigates(&self) -> bool {
        self.navigates
    }

    /// What to say of a form that is not ours: sending it again helps only where cookies come back.
    pub const fn fault(&self) -> Fault {
        if self.has_form_cookie { STALE } else { COOKIELESS }
    }

    /// What the browser's forms are tied to.
    pub const fn seed(&self) -> Seed {
        self.seed
    }

    /// Draws a page with forms for a reader.
    pub fn page(&self, door: &Door, reader: Reader, template: &str, notice: &str, values: Value) -> Response {
        let frame = self.frame(door, reader, notice, &[]);
        self.with_seed(look::page(door, template, frame, values))
    }

    /// Draws a page again, with what is wrong with its form.
    pub fn refusal(
        &self,
        door: &Door,
        reader: Reader,
        template: &str,
        (problem, fault): (Problem, Fault),
        values: Value,
    ) -> Response {
        let frame = self.frame(door, reader, "", &[fault]);
        self.with_seed(look::refusal(door, template, frame, values, problem))
    }

    fn frame(&self, door: &Door, reader: Reader, notice: &str, faults: &[Fault]) -> Value {
        let token = base64url::encode(&door.keys().form().token(self.seed, reader).0);
        let signed_in = self.person().is_some();
        context! { signed_in, token, notice, faults => faults.iter().copied().map(Value::from).collect::<Vec<_>>() }
    }

    fn with_seed(&self, mut response: Response) -> Response {
        let cookie = self.is_new.then(|| cookie::set_form(&base64url::encode(&self.seed.0))).flatten();
        if let Some(cookie) = cookie {
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
        response
    }
}

/// The hash of the one session secret in the cookies. Two, or one that cannot be read, are a secret that nobody knows.
fn held(headers: &HeaderMap) -> Option<SecretHash> {
    let mut secrets = cookie::values(headers, cookie::SESSION);
    let text = secrets.next()?;
    let secret = SecretKind::Session.parse(text).filter(|_| secrets.next().is_none());
    Some(secret.as_ref().map_or(SecretHash([0; 32]), Secret::hash))
}

fn seed(headers: &HeaderMap) -> Option<Seed> {
    let text = cookie::values(headers, cookie::FORM).next()?;
    Some(Seed(base64url::decode(text)?.try_into().ok()?))
}

impl FromRequestParts<Door> for Visit {
    type Rejection = Stop;

    async fn from_request_parts(parts: &mut Parts, door: &Door) -> Result<Self, Stop> {
        Ok(Self::read(door, &parts.headers).await?)
    }
}

/// A visit of somebody who is signed in. Others are sent to `/login`, and back from there.
#[derive(Debug)]
pub struct SignedIn {
    /// The visit.
    pub visit: Visit,
    /// Who, by which session.
    pub caller: Caller,
}

impl SignedIn {
    /// Who the forms of this visit are for.
    pub fn reader(&self) -> Reader {
        Reader::Session(self.caller.session().id)
    }

    /// The caller as somebody who may act.
    ///
    /// # Errors
    /// [`Refusal::SessionUnknown`] to a browser whose secret was replaced: it signs in again.
    pub fn acting(&self) -> Result<Acting<'_>, Stopped> {
        Ok(self.caller.acting().map_err(|_| Refusal::SessionUnknown)?)
    }

    /// The user.
    pub fn user(&self) -> Option<&User> {
        self.caller.record.user.as_deref()
    }
}

impl FromRequestParts<Door> for SignedIn {
    type Rejection = Stop;

    async fn from_request_parts(parts: &mut Parts, door: &Door) -> Result<Self, Stop> {
        let visit = Visit::read(door, &parts.headers).await?;
        match visit.caller.clone().filter(|caller| caller.record.user.is_some()) {
            Some(caller) => Ok(Self { visit, caller }),
            None => {
                // What was about to be sent is not sent again: the person comes back to the page it stands on.
                let place = match parts.method {
                    Method::GET => parts.uri.path_and_query().map_or("/", |place| place.as_str()),
                    _ => parts.uri.path(),
                };
                let login = || String::from("/login");
                Err(Stop::Away(ReturnTo::parse(place).map_or_else(login, |place| place.by_login())))
            }
        }
    }
}
