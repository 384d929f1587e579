//! Forms as they come back, and what is said about them: their token, their fields, their faults.

use std::convert::Infallible;

use axum::extract::{FromRequest, FromRequestParts, Query, Request};
use doorward_core::base64url;
use doorward_core::form::{FormToken, Reader};
use http::request::Parts;
use minijinja::{Value, context};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::visit::{Stop, Visit};
use crate::door::Door;
use crate::flows::Refusal;
use crate::http::body::{LARGEST, form, is_form, read};
use crate::http::extract::same_origin;
use crate::http::problem::{Code, Problem};

/// A form that somebody sent from one of our pages. A field that is missing is empty, one that nobody asked for ignored.
#[derive(Debug)]
pub struct Filled<T> {
    token: Option<[u8; 32]>,
    /// The fields.
    pub fields: T,
}

impl<T> Filled<T> {
    /// Did we write this form, for this browser and this reader?
    pub fn is_ours(&self, door: &Door, visit: &Visit, reader: Reader) -> bool {
        self.token.is_some_and(|token| door.keys().form().accepts(FormToken(token), visit.seed(), reader))
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Token {
    form_token: String,
}

impl<T: DeserializeOwned> FromRequest<Door> for Filled<T> {
    type Rejection = Stop;

    async fn from_request(request: Request, door: &Door) -> Result<Self, Stop> {
        same_origin(door, request.headers())?;
        let declared = is_form(request.headers());
        let bytes = read(request.into_body(), LARGEST).await?;
        if !declared {
            return Err(Problem::new(Code::UnsupportedMediaType).into());
        }
        let Token { form_token } = form(&bytes).await?;
        let token = base64url::decode(&form_token).and_then(|token| token.try_into().ok());
        Ok(Self { token, fields: form(&bytes).await? })
    }
}

/// The query of a page. One that is not understood is none: people follow old and broken links.
#[derive(Debug)]
pub struct Asked<T>(pub T);

impl<S: Sync, T: DeserializeOwned + Default> FromRequestParts<S> for Asked<T> {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(Query::<T>::try_from_uri(&parts.uri).map(|query| query.0).unwrap_or_default()))
    }
}

/// A query that asks for one of a page's notices.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Notice {
    /// Its name.
    pub notice: String,
}

/// What is wrong with a form.
#[derive(Clone, Copy, Debug)]
pub struct Fault {
    /// In words.
    pub text: &'static str,
    /// The field it is about.
    pub field: &'static str,
}

impl From<Fault> for Value {
    fn from(Fault { text, field }: Fault) -> Self {
        context! { text, field }
    }
}

/// A form whose token is not good: written for another sign-in, or by somebody else.
pub const STALE: Fault = Fault {
    text: "This form was open for too long, or belongs to another sign-in. Nothing was changed. Please send it again.",
    field: "",
};

/// A form from a browser that sent no cookie at all, and so none that its forms are tied to.
pub const COOKIELESS: Fault = Fault {
    text: "Your browser sent no cookie with this form, so nobody can tell that it is yours. Nothing was changed. Allow cookies for \
           this site, and send it again. If its address begins with http://, open the one with https://: some browsers keep no \
           secure cookie otherwise, Safari among them (a demo speaks https as `doorward dev --tls`).",
    field: "",
};

/// What is the matter with a password or with its being asked for, if it is something that a person can mend.
pub fn mendable(refusal: Refusal, field: &'static str) -> Option<Fault> {
    match refusal {
        Refusal::PasswordWeak => Some(weak(field)),
        Refusal::PasswordKnown => {
            Some(Fault { text: "Choose another password: everybody who guesses tries this one first.", field })
        }
        Refusal::TooManyAttempts(_) => {
            Some(Fault { text: "There were too many attempts. Wait a while, and try again.", field })
        }
        _ => None,
    }
}

/// A password that may not be set.
const fn weak(field: &'static str) -> Fault {
    Fault { text: "Choose another password: 8 to 256 characters, and neither your address nor your name.", field }
}
