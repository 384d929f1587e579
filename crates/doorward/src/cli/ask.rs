//! Asking the admin API: of the server that has the data folder open, through its socket, or else in this process. Both
//! go through the same routes.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use bytes::Bytes;
use doorward_store::sqlite::Sqlite;
use http::Request;
use http_body_util::{BodyExt, Full};
use serde_json::Value;
use tokio::net::UnixStream;
use tower::ServiceExt;

use super::args::Reaching;
use super::exchange::{Answer, exchange};
use super::folder::{self, Opened};
use super::socket;
use super::stop::{Exit, Stop};
use crate::flows::patience::ALTOGETHER;
use crate::http::admin;

/// Where the admin API is.
pub(super) enum Office {
    /// Behind the socket of a running server.
    Socket(PathBuf),
    /// In this process.
    Here(Router),
}

/// How often a folder is tried that somebody has open without answering yet: a server that starts, another verb.
const ATTEMPTS: u32 = 100;
const PAUSE: Duration = Duration::from_millis(50);
/// How long a server may take for its answer: as long as it holds one back for others, and for the work as long again as a
/// password waits that is hashed behind a full queue.
pub(crate) const PATIENCE: Duration =
    Duration::from_secs(ALTOGETHER.secs().unsigned_abs()).saturating_add(Duration::from_secs(30));
/// The largest answer.
const LARGEST: usize = 16 * 1024 * 1024;

impl Office {
    /// Finds it.
    pub(super) async fn reach(reaching: &Reaching) -> Result<Self, Stop> {
        let said = reaching.said();
        let folder = folder::find(&said)?;
        let path = socket::path(&folder);
        let mut silent = None;
        for _ in 0..ATTEMPTS {
            if let Some(holder) = Sqlite::holder(&folder) {
                match UnixStream::connect(&path).await {
                    Ok(_) => return Ok(Self::Socket(path)),
                    Err(error) if error.kind() == io::ErrorKind::PermissionDenied => return Err(denied(&path)),
                    Err(error) => silent = Some((holder, error)),
                }
            } else {
                match folder::open_desk(&folder, &said).await? {
                    Opened::Desk(desk) => return Ok(Self::Here(admin::router(desk))),
                    Opened::Held => {}
                }
            }
            tokio::time::sleep(PAUSE).await;
        }
        Err(unanswered(&folder, &path, silent))
    }

    /// Asks for something; gives the body of the answer.
    pub(super) async fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Value, Stop> {
        let text = body.map(|body| serde_json::to_vec(body).unwrap_or_default()).unwrap_or_default();
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", "localhost")
            .header("content-type", "application/json")
            .header("user-agent", concat!("doorward-cli/", env!("CARGO_PKG_VERSION")))
            .body(Full::new(Bytes::from(text)))
            .map_err(|error| Stop::new(Exit::Usage, format!("{path} cannot be asked for: {error}")))?;
        let answer = match self {
            Self::Socket(socket) => through(socket, request).await?,
            Self::Here(router) => within(router, request).await?,
        };
        read(&answer).map_err(|stop| stop.at(&format!("{method} {path}")))
    }
}

async fn through(socket: &Path, request: Request<Full<Bytes>>) -> Result<Answer, Stop> {
    let lost = |error: String| Stop::new(Exit::Unreachable, format!("{}: {error}", socket.display()));
    let stream = UnixStream::connect(socket).await.map_err(|error| lost(error.to_string()))?;
    let changes = !request.method().is_safe();
    exchange(stream, request, LARGEST, PATIENCE).await.map_err(|error| match changes {
        true => lost(error).advise("it may be done all the same, or still be under way: see the server's log"),
        false => lost(error),
    })
}

async fn within(router: &Router, request: Request<Full<Bytes>>) -> Result<Answer, Stop> {
    let response = match router.clone().oneshot(request.map(Body::new)).await {
        Ok(response) => response,
        Err(never) => match never {},
    };
    let status = response.status().as_u16();
    let body = response.into_body().collect().await;
    let body = body.map_err(|error| Stop::new(Exit::Unreachable, format!("the answer broke off: {error}")))?;
    Ok(Answer { status, body: body.to_bytes() })
}

/// The body of a good answer, or what a problem says.
fn read(answer: &Answer) -> Result<Value, Stop> {
    let body: Value = match answer.body.is_empty() {
        true => Value::Null,
        false => serde_json::from_slice(&answer.body)
            .map_err(|error| Stop::new(Exit::Unreachable, format!("the answer is no JSON: {error}")))?,
    };
    if answer.status < 300 {
        return Ok(body);
    }
    let word = |name: &str| body[name].as_str().unwrap_or_default();
    let exit = match answer.status {
        400 => Exit::Usage,
        401 | 403 => Exit::Denied,
        500.. => Exit::Unreachable,
        _ => Exit::Negative,
    };
    let about = match (word("field"), word("reason")) {
        ("", "") => String::new(),
        ("", reason) => format!(": {reason}"),
        (field, "") => format!(": {field}"),
        (field, reason) => format!(": {field}: {reason}"),
    };
    Err(Stop::new(exit, format!("{} ({}){about}", word("title"), word("code")))
        .advise(word("detail"))
        .coded(word("code")))
}

fn denied(path: &Path) -> Stop {
    Stop::new(Exit::Denied, format!("{} may not be opened by this user", path.display()))
        .advise("run this as the user that the server runs as")
}

fn unanswered(folder: &Path, path: &Path, silent: Option<(u32, io::Error)>) -> Stop {
    let (holder, why) = match silent {
        Some((holder, error)) => (format!("process {holder}"), format!("{error}")),
        None => (String::from("another process"), String::from("it does not listen")),
    };
    let what = format!("{holder} has {} open, but does not answer at {}: {why}", folder.display(), path.display());
    Stop::new(Exit::Unreachable, what).advise("if it is starting or stopping, try again; else see what it logs")
}

/// A text as part of a query (RFC 3986 section 2.1).
pub(super) fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bytes::Bytes;
    use http::Request;
    use http_body_util::Full;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::{LARGEST, PATIENCE, encoded, exchange};
    use crate::flows::patience::ALTOGETHER;

    /// What is answered by a server that takes so long.
    async fn answered_after(wait: Duration) -> Result<u16, String> {
        let (here, mut there) = tokio::io::duplex(4096);
        let server = tokio::spawn(async move {
            let _ = there.read(&mut [0; 4096]).await;
            tokio::time::sleep(wait).await;
            drop(there.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}").await);
        });
        let request = Request::post("/admin/v1/keys/x/kill").header("host", "localhost");
        let request = request.body(Full::new(Bytes::new())).expect("a request");
        let answer = exchange(here, request, LARGEST, PATIENCE).await;
        server.abort();
        answer.map(|answer| answer.status)
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_asks_is_more_patient_than_the_server_holds_an_answer_back() {
        let waits = Duration::from_millis(ALTOGETHER.millis().unsigned_abs());
        assert_eq!(answered_after(waits + Duration::from_secs(5)).await, Ok(200));
        let never = answered_after(PATIENCE + Duration::from_secs(1)).await;
        assert_eq!(never, Err(format!("no answer within {} s", PATIENCE.as_secs())), "and gives up at last");
    }

    #[test]
    fn a_query_carries_any_address_as_it_is() {
        assert_eq!(encoded("a+b@x.test"), "a%2Bb%40x.test");
        assert_eq!(encoded("zoé&limit=1"), "zo%C3%A9%26limit%3D1");
    }
}
