//! `/logout`: end this session, and clear its cookie.

use axum::extract::State;
use axum::response::Response;
use doorward_core::form::Reader;
use http::{HeaderValue, header};
use minijinja::context;
use serde::Deserialize;

use super::form::{Filled, STALE};
use super::look;
use super::visit::{Stop, Visit};
use crate::door::{Door, Origin};
use crate::flows::revoke;
use crate::http::cookie;
use crate::http::problem::{Code, Problem};

/// The form has a token and nothing else.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Fields {}

/// Asks whether it is meant: a link to this page signs nobody out. Guests have a session to end like anybody.
pub async fn show(State(door): State<Door>, visit: Visit) -> Result<Response, Stop> {
    match visit.session() {
        Some(session) => Ok(draw(&door, &visit, Reader::Session(session.id), false)),
        None => Err(Stop::Away(String::from("/login?return_to=/logout"))),
    }
}

/// Signs out. Where nothing is left to end, a cookie that was shown goes all the same. Where none was, nothing does: another
/// site's form comes without any, and shall not clear what it cannot show.
pub async fn submit(
    State(door): State<Door>,
    visit: Visit,
    from: Origin,
    form: Filled<Fields>,
) -> Result<Response, Stop> {
    if let Some(session) = visit.session() {
        let reader = Reader::Session(session.id);
        if !form.is_ours(&door, &visit, reader) {
            return Ok(draw(&door, &visit, reader, true));
        }
    }
    if let Some(session) = visit.acting() {
        revoke::sign_out(&door, session, &from).await?;
    }
    let mut response = look::see_other("/login?notice=signed_out");
    if visit.shows_cookie() {
        let headers = response.headers_mut();
        headers.append(header::SET_COOKIE, cookie::clear_session());
        headers.insert("clear-site-data", HeaderValue::from_static("\"cache\", \"storage\""));
    }
    Ok(response)
}

fn draw(door: &Door, visit: &Visit, reader: Reader, is_stale: bool) -> Response {
    if is_stale {
        let said = (Problem::new(Code::CrossSite), STALE);
        return visit.refusal(door, reader, "logout.html", said, context! {});
    }
    visit.page(door, reader, "logout.html", "", context! {})
}
