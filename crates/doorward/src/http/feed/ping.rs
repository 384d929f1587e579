//! `POST /v1/feed/ping`: what was missed, and an echo; the ping is the acknowledgement.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use doorward_verify::feed::{LONGEST_PING, Ping, Place, StreamKey, Written};

use super::{Follower, stream};
use crate::door::{Door, Origin};
use crate::flows::feed;
use crate::http::body::{is_json, read};
use crate::http::problem::{Code, Problem};

/// Answers a ping.
pub async fn answer(
    State(door): State<Door>,
    Follower(verifier): Follower,
    from: Origin,
    request: Request,
) -> Result<Response, Problem> {
    let declared = is_json(&request);
    let body = read(request.into_body(), LONGEST_PING).await?;
    if !declared {
        return Err(Code::UnsupportedMediaType.into());
    }
    let ping = Ping::read(&mut body.to_vec()).map_err(|_| Code::InvalidJson)?;
    let events = feed::ping(&door, &verifier, &ping, &from).await?;
    let key = StreamKey::new(&verifier.secret.0, &ping.instance);
    let mut place = Place::Ping { ping: ping.n, number: 0 };
    let mut text = Vec::with_capacity(512);
    for event in &events {
        let written = Written::of(event);
        text.extend_from_slice(written.shared());
        written.seal(&key, place, &mut text);
        place = place.next();
    }
    door.hub().counters.events.more(events.len());
    let mut response = Body::from(text).into_response();
    stream::mark(&mut response);
    Ok(response)
}
