//! `PUT /v1/user/password`: a new password; this session is kept with new secrets, every other credential is dead.

use axum::extract::State;
use axum::response::Response;
use doorward_core::password::Typed;
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use zeroize::Zeroizing;

use crate::door::{Door, Origin};
use crate::flows::acknowledge::reach;
use crate::flows::password::{Change, change};
use crate::http::body::Json;
use crate::http::cookie;
use crate::http::extract::{Authenticated, attempt};
use crate::http::problem::Problem;
use crate::http::receipt::{Asked, ReceiptBody};
use crate::http::reply;

/// A password change as it is asked for.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Body {
    current_password: Zeroizing<String>,
    new_password: Zeroizing<String>,
}

/// Changes the password.
pub async fn set(
    State(door): State<Door>,
    who: Authenticated,
    headers: HeaderMap,
    Asked(ack): Asked,
    from: Origin,
    Json(body): Json<Body>,
) -> Result<Response, Problem> {
    let attempt = attempt(&headers, None)?;
    let asked = Change {
        current: Typed::read(&body.current_password),
        device: cookie::device(&headers),
        new: body.new_password,
        attempt,
    };
    let issued = change(&door, &who.caller, asked, &from).await?;
    // The kept session was born where everything else was ended.
    let reached = reach(&door, issued.session.born, ack).await;
    Ok(reply::issued_with(StatusCode::OK, &issued, door.now(), Some(ReceiptBody::of(&reached))))
}
