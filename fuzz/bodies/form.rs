//! Where people are sent, and what they send: forms and JSON, into a whole server.

use std::sync::LazyLock;

use axum::Router;
use axum::body::Body;
use doorward::http::pages::return_to::{LONGEST, ReturnTo};
use http::Request;
use tokio::runtime::Runtime;
use tower::ServiceExt;

use super::super::house::House;
use super::text;

/// A path that is followed stays on this origin, whatever a browser makes of it, and survives its way through `/login`.
pub(super) fn redirect(data: &[u8]) {
    let Some(typed) = text(data) else { return };
    let Some(place) = ReturnTo::parse(typed) else { return };
    assert_eq!(place.as_str(), typed);
    assert!(typed.len() <= LONGEST);
    // Browsers leave out tabs and line ends, and read a backslash as a slash, before they look for a host.
    let read: String =
        typed.chars().filter(|c| !"\t\r\n".contains(*c)).map(|c| if c == '\\' { '/' } else { c }).collect();
    assert!(read.starts_with('/') && !read.starts_with("//"), "{typed}");
    let address = place.by_login();
    let encoded = address.strip_prefix("/login?return_to=").expect("the way to sign in");
    assert!(encoded.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/-._~%".contains(&byte)), "{encoded}");
    assert_eq!(decoded(encoded), typed.as_bytes());
}

fn decoded(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digit = |byte: Option<u8>| char::from(byte.unwrap_or(b'!')).to_digit(16).expect("a digit") as u8;
            bytes.push(digit(rest.next()) << 4 | digit(rest.next()));
        } else {
            bytes.push(byte);
        }
    }
    bytes
}

/// A server with one account, whose password no input has.
static SERVER: LazyLock<(Runtime, Router)> = LazyLock::new(|| {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("threads");
    let router = runtime.block_on(House::memory()).router;
    (runtime, router)
});

/// The first byte chooses where the rest is sent. Whatever it is, the answer is a no or a page, nobody is signed in, and
/// it is nobody's fault but the sender's.
pub(super) fn form(data: &[u8]) {
    const FORM: &str = "application/x-www-form-urlencoded";
    const JSON: &str = "application/json";
    let [place, body @ ..] = data else { return };
    let (path, kind) = [
        ("/login", FORM),
        ("/signup", FORM),
        ("/account/devices", FORM),
        ("/v1/sessions", JSON),
        ("/v1/users", JSON),
        ("/v1/session/refresh", JSON),
    ][usize::from(place % 6)];
    let request =
        Request::builder().method("POST").uri(path).header("host", "localhost").header("content-type", kind);
    let request = request.body(Body::from(body.to_vec())).expect("a request");
    let (runtime, router) = &*SERVER;
    let response = runtime.block_on(router.clone().oneshot(request)).expect("the router always answers");
    let status = response.status().as_u16();
    let made_account = path == "/v1/users" && status == 201;
    let made_guest = path == "/v1/sessions" && status == 201 && text(body).is_some_and(|body| body.contains("guest"));
    assert!((300..500).contains(&status) || made_account || made_guest, "{status} at {path}");
    let cookies: Vec<_> = response.headers().get_all("set-cookie").iter().collect();
    let session = cookies.iter().any(|cookie| cookie.to_str().is_ok_and(|text| text.contains("dw_session=dws_")));
    assert!(!session || made_guest, "somebody is signed in at {path}");
}
