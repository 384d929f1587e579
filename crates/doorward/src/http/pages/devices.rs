//! `/account/devices`: where I am signed in, and an end to it.

use axum::extract::State;
use axum::response::Response;
use doorward_core::client::Strategy;
use doorward_core::id::{ClientId, SessionId};
use doorward_core::revoke::Reach;
use doorward_core::session::Session;
use minijinja::{Value, context};
use serde::Deserialize;

use super::form::{Asked, Filled, STALE};
use super::look;
use super::visit::{SignedIn, Stop};
use super::when::{ago, when};
use crate::door::{Door, Origin};
use crate::flows::acknowledge::{Ack, Reached, reach};
use crate::flows::{Refusal, Stopped, revoke};
use crate::http::cookie;
use crate::http::problem::{Code, Problem};

/// The form: the id of a session, or `others`.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Fields {
    end: String,
}

/// A device as its owner sees it.
fn device(door: &Door, session: &Session, current: SessionId) -> Value {
    let strategy = door.client(&session.client).map_or(session.strategy, |client| client.strategy);
    let through = if session.client == ClientId::account() { "" } else { session.client.as_str() };
    let proven_by = match session.amr.names().next() {
        Some("pwd") => "with a password",
        _ => "without a proof",
    };
    let holds = match strategy {
        Strategy::Session => "a cookie",
        Strategy::Jwt => "an access token",
        Strategy::Hybrid => "an access token that renews itself",
    };
    context! {
        id => session.id.to_string(),
        name => session.device.name.as_str(),
        address => session.device.address.as_str(),
        is_current => session.id == current,
        signed_in => Value::from(when(session.auth_time)),
        last_used => ago(door.now() - session.last_seen_at),
        strategy => strategy.name(),
        proven_by,
        holds,
        through,
    }
}

/// What the page is asked to say: that something ended, and how far that has got.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Ended {
    notice: String,
    services: u32,
    silent: u32,
    ms: u32,
}

impl Ended {
    /// In words. The numbers are whatever the query says: they are shown to whoever wrote it.
    fn words(&self) -> String {
        let what = match self.notice.as_str() {
            "ended" => "The device is signed out.",
            "others_ended" => "All other devices are signed out.",
            "gone" => "That device was signed out already.",
            _ => "",
        };
        let Self { services, silent, ms, .. } = self;
        match (what, services, silent) {
            ("", _, _) | (_, 0, _) => what.to_owned(),
            (_, _, 0) => format!("{what} It is refused at {services} of {services} services after {ms} ms."),
            _ => format!(
                "{what} It is refused at {services} of {services} services; {silent} of them did not answer within {ms} ms, \
                 and trust nothing until they do."
            ),
        }
    }

    /// The way to the page that says so.
    fn way(notice: &str, reached: &Reached) -> String {
        let silent = reached.expired.len();
        let (services, ms) = (reached.applied + silent, reached.waited.millis());
        let page = format!("/account/devices?notice={notice}");
        if services == 0 { page } else { format!("{page}&services={services}&silent={silent}&ms={ms}") }
    }
}

/// Shows the devices, this one first, then the newest.
pub async fn show(State(door): State<Door>, who: SignedIn, Asked(asked): Asked<Ended>) -> Result<Response, Stop> {
    draw(&door, &who, Ok(&asked.words())).await
}

/// Ends one device, or all others.
pub async fn submit(
    State(door): State<Door>,
    who: SignedIn,
    from: Origin,
    form: Filled<Fields>,
) -> Result<Response, Stop> {
    if !form.is_ours(&door, &who.visit, who.reader()) {
        return draw(&door, &who, Err(Problem::new(Code::CrossSite))).await;
    }
    if form.fields.end == "others" {
        let receipt = revoke::end_many(&door, who.acting()?, Reach::Others, &from).await?;
        let reached = reach(&door, receipt.place, Ack::Verifiers).await;
        return Ok(look::see_other(&Ended::way("others_ended", &reached)));
    }
    let id = SessionId::parse(&form.fields.end).ok_or(Stopped::Refused(Refusal::NotFound))?;
    match revoke::end_one(&door, who.acting()?, id, &from).await {
        Ok(_) if id == who.caller.session().id => {
            let mut response = look::see_other("/login?notice=signed_out");
            response.headers_mut().append(http::header::SET_COOKIE, cookie::clear_session());
            Ok(response)
        }
        Ok(receipt) => {
            let reached = reach(&door, receipt.place, Ack::Verifiers).await;
            Ok(look::see_other(&Ended::way("ended", &reached)))
        }
        Err(Stopped::Refused(Refusal::NotFound)) => Ok(look::see_other("/account/devices?notice=gone")),
        Err(stopped) => Err(stopped.into()),
    }
}

async fn draw(door: &Door, who: &SignedIn, said: Result<&str, Problem>) -> Result<Response, Stop> {
    let current = who.caller.session().id;
    let mut sessions = revoke::alive(door, who.acting()?).await?;
    sessions.sort_by_key(|session| session.id != current);
    let devices: Vec<_> = sessions.iter().map(|session| device(door, session, current)).collect();
    let values = context! { devices };
    Ok(match said {
        Ok(notice) => who.visit.page(door, who.reader(), "devices.html", notice, values),
        Err(problem) => who.visit.refusal(door, who.reader(), "devices.html", (problem, STALE), values),
    })
}

#[cfg(test)]
mod tests {
    use doorward_core::{Lifetime, Position};

    use super::*;

    #[test]
    fn the_page_says_at_how_many_services_an_end_is_known() {
        let reached = |applied, silent: usize, ms| Reached {
            place: Position::START,
            ack: Ack::Verifiers,
            applied,
            expired: vec![String::new(); silent],
            waited: Lifetime::from_millis(ms),
        };
        for (reached, way, words) in [
            (reached(0, 0, 0), "?notice=ended", "The device is signed out."),
            (
                reached(2, 0, 4),
                "?notice=ended&services=2&silent=0&ms=4",
                "The device is signed out. It is refused at 2 of 2 services after 4 ms.",
            ),
            (
                reached(1, 1, 3004),
                "?notice=ended&services=2&silent=1&ms=3004",
                "The device is signed out. It is refused at 2 of 2 services; 1 of them did not answer within 3004 ms, and \
                 trust nothing until they do.",
            ),
        ] {
            let path = Ended::way("ended", &reached);
            assert_eq!(path, format!("/account/devices{way}"));
            let uri = path.parse().expect("a path");
            let asked = axum::extract::Query::<Ended>::try_from_uri(&uri).expect("a query");
            assert_eq!(asked.0.words(), words);
        }
        assert_eq!(Ended { services: 5, ..Ended::default() }.words(), "", "nothing ended, nothing said");
    }
}
