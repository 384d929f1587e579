//! `/v1/session`: who am I, and sign out.

use axum::extract::{Query, State};
use axum::response::Response;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};

use super::{Acknowledgement, acknowledgement};
use crate::door::{Door, Origin};
use crate::flows::check::{self, Caller};
use crate::flows::{Refusal, Stopped, revoke};
use crate::http::cookie;
use crate::http::extract::{Authenticated, Shown, same_site};
use crate::http::problem::Problem;
use crate::http::reply::{self, SessionBody, UserBody, WhoBody};

/// `GET /v1/session`: the caller's user and session.
pub async fn show(State(door): State<Door>, who: Authenticated) -> Response {
    describe(&door, &who.caller)
}

/// The answer to "who am I".
pub fn describe(door: &Door, caller: &Caller) -> Response {
    let client = door.client(&caller.session().client);
    let body = WhoBody {
        user: caller.record.user.as_deref().map(UserBody::of),
        session: SessionBody::of(caller.session(), client.as_deref(), true),
    };
    reply::json(StatusCode::OK, &body)
}

/// `DELETE /v1/session`: signs out here, by whatever the browser or the application still holds, and clears the cookies.
pub async fn end(
    State(door): State<Door>,
    shown: Shown,
    headers: HeaderMap,
    Query(query): Query<Acknowledgement>,
    from: Origin,
) -> Result<Response, Problem> {
    same_site(&door, &Method::DELETE, &headers, shown.is_ambient())?;
    acknowledgement(&query)?;
    let mut clears = vec![cookie::clear_session()];
    clears.extend(shown.jar.iter().filter_map(|(client, _)| cookie::clear_refresh(client.as_str())));
    match sign_out(&door, &shown, &from).await {
        Ok(receipt) => {
            let mut response = reply::ended(&receipt);
            for clear in clears {
                response.headers_mut().append(header::SET_COOKIE, clear);
            }
            Ok(response)
        }
        // Nothing is left to end, but the browser asked to be rid of what it holds.
        Err(Stopped::Refused(refusal)) if shown.is_ambient() => {
            let with = |problem: Problem, clear: HeaderValue| problem.with(header::SET_COOKIE, clear);
            Err(clears.into_iter().fold(Problem::from(refusal), with))
        }
        Err(stopped) => Err(stopped.into()),
    }
}

/// Ends the session that any of the credentials names: the token or secret first, then what lies in the jar.
async fn sign_out(door: &Door, shown: &Shown, from: &Origin) -> Result<revoke::Receipt, Stopped> {
    let stopped = match check::check(door, &shown.credentials()).await {
        Ok(caller) => return revoke::sign_out(door, caller.session(), from).await,
        Err(Stopped::Refused(Refusal::AmbiguousCredentials)) => return Err(Refusal::AmbiguousCredentials.into()),
        Err(Stopped::Refused(refusal)) => refusal.into(),
        Err(stopped) => return Err(stopped),
    };
    for (_, token) in &shown.jar {
        if let Some(session) = revoke::session_of_token(door, token).await? {
            return revoke::sign_out(door, &session, from).await;
        }
    }
    Err(stopped)
}
