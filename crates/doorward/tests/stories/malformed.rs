//! What is no HTTP, or HTTP that two readers could understand in two ways: refused, and the connection closed, so that
//! nothing of it is ever taken for the next caller's request.

use std::time::Duration;

use serde_json::json;

use super::house::{Ask, House, ISSUER};
use super::wire::Street;

/// What would be answered 200 if it were taken for a request of its own.
const SMUGGLED: &str = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
const POST: &str = "POST /v1/sessions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";

/// Heads that are malformed in their request line, or as a whole.
const HEADS: [&str; 45] = [
    "GET /healthz\r\n\r\n",
    "GET /healthz HTTP/0.9\r\nHost: localhost\r\n\r\n",
    "GET /healthz HTTP/1.2\r\nHost: localhost\r\n\r\n",
    "GET /healthz HTTP/2.0\r\nHost: localhost\r\n\r\n",
    "GET /healthz HTTP/3\r\nHost: localhost\r\n\r\n",
    "GET /healthz HTTP/1.1.1\r\nHost: localhost\r\n\r\n",
    "GET /healthz http/1.1\r\nHost: localhost\r\n\r\n",
    "GET  /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "GET /healthz  HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "GET\t/healthz\tHTTP/1.1\r\nHost: localhost\r\n\r\n",
    " GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "\r\n\r\nGET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "\nGET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "G(T /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "GET /health\u{0}z HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "GET /healthz#a HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "GET /health\u{e4}z HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "GET healthz HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "GET * HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "CONNECT localhost:22 HTTP/1.1\r\nHost: localhost:22\r\n\r\n",
    "GET http://other.test/healthz HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "GET http://localhost@other.test/healthz HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "GET file:///healthz HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "GET /healthz HTTP/1.1\nHost: localhost\n\n",
    "GET /healthz HTTP/1.1\r\nHost: localhost\n\r\n",
    "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\n",
    "GET /healthz HTTP/1.1\rHost: localhost\r\r",
    "GET /healthz HTTP/1.1\r\n\r\n",
    "GET /healthz HTTP/1.1\r\nHost:\r\n\r\n",
    "GET /healthz HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n",
    "GET /healthz HTTP/1.1\r\nHost: localhost\r\nHost: other.test\r\n\r\n",
    "GET /healthz HTTP/1.1\r\nHost: localhost/path\r\n\r\n",
    "GET /healthz HTTP/1.1\r\nHost: user@localhost\r\n\r\n",
    "GET /health<z HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "GET /health`z HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "GET /healthz?\"a\" HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "GET /healthz?a>b HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "GET http://localhost:80:80/healthz HTTP/1.1\r\nHost: localhost:80:80\r\n\r\n",
    "GET http://[::1/healthz HTTP/1.1\r\nHost: [::1\r\n\r\n",
    "GET http://lo%63alhost/healthz HTTP/1.1\r\nHost: lo%63alhost\r\n\r\n",
    "GET http://::1/healthz HTTP/1.1\r\nHost: ::1\r\n\r\n",
    "GET /healthz HTTP/1.1\r\nHost: localhost:http\r\n\r\n",
    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}",
    "{\"json\":\"rpc\"}\r\n\r\n",
];

/// Fields that spoil a head.
const FIELDS: [&str; 43] = [
    "Content-Length: 44\r\nTransfer-Encoding: chunked",
    "Transfer-Encoding: chunked\r\nContent-Length: 44",
    "Content-Length: 0\r\nTransfer-Encoding: chunked",
    "Content-Length: 44\r\nContent-Length: 44",
    "Content-Length: 44\r\nContent-Length: 0",
    "Content-Length: 44, 44",
    "Content-Length: 44, 0",
    "Content-Length: -1",
    "Content-Length: +44",
    "Content-Length: 0x2c",
    "Content-Length: 44.0",
    "Content-Length: 4 4",
    "Content-Length: ",
    "Content-Length: forty",
    "Content-Length: 99999999999999999999999999",
    "Content-Length : 44",
    "Content-Length\t: 44",
    "Transfer-Encoding : chunked",
    "Transfer-Encoding: identity",
    "Transfer-Encoding: gzip",
    "Transfer-Encoding: gzip, chunked",
    "Transfer-Encoding: chunked, identity",
    "Transfer-Encoding: chunked, chunked",
    "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
    "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
    "Transfer-Encoding: xchunked",
    "Transfer-Encoding: chunkedx",
    "Transfer-Encoding: \"chunked\"",
    "Transfer-Encoding: 'chunked'",
    "Transfer-Encoding: chunked;q=1",
    "Transfer-Encoding:\u{b}chunked",
    "Transfer-Encoding:\u{0}chunked",
    "Transfer-Encoding:",
    " Transfer-Encoding: chunked",
    "X: a\r\n Transfer-Encoding: chunked",
    "X: a\r\n\tfolded",
    "X: a\nTransfer-Encoding: chunked",
    "X: a\rTransfer-Encoding: chunked",
    "X: a\u{0}b",
    "X\u{0}: a",
    "X y: a",
    ": a",
    "no colon",
];

/// Chunked bodies that are none.
const CHUNKS: [&str; 17] = [
    "g\r\n",
    "-1\r\n",
    "0x1\r\na\r\n0\r\n\r\n",
    "1 \r\na\r\n0\r\n\r\n",
    " 1\r\na\r\n0\r\n\r\n",
    "\r\n",
    "1\na\r\n0\r\n\r\n",
    "1\r\nab\r\n0\r\n\r\n",
    "1\r\na\n0\r\n\r\n",
    "1;a\nb\r\na\r\n0\r\n\r\n",
    "1;\u{0}\r\na\r\n0\r\n\r\n",
    "FFFFFFFFFFFFFFFF\r\n",
    "10000000000000001\r\na\r\n0\r\n\r\n",
    "0\r\nContent-Length: 44\r\n\r\n",
    "0\r\nx: y\r\n\r\n",
    "0\r\n\n",
    "1\ra",
];

#[tokio::test]
async fn whatever_is_malformed_is_refused_and_what_follows_it_is_never_read() {
    let street = Street::open().await;
    let spoiled = FIELDS.iter().map(|field| format!("{POST}{field}\r\n\r\n"));
    let chunks = CHUNKS.iter().map(|chunks| format!("{POST}Transfer-Encoding: chunked\r\n\r\n{chunks}"));
    let http_1_0 =
        String::from("POST /v1/sessions HTTP/1.0\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
    let all: Vec<_> =
        HEADS.iter().map(|head| (*head).to_owned()).chain(spoiled).chain(chunks).chain([http_1_0]).collect();
    assert!(all.len() >= 105);
    for text in all {
        let mut caller = street.say(format!("{text}{SMUGGLED}")).await;
        let told = caller.told().await.unwrap_or_else(|| panic!("no answer to {text:?}"));
        assert_eq!((told.status, told.code().as_str()), (400, "malformed_request"), "{text:?}: {told:?}");
        assert!(told.head.contains("connection: close"), "{text:?}: {told:?}");
        caller.is_closed().await;
    }
    assert_eq!(street.say(SMUGGLED).await.told().await.expect("an answer").status, 200, "the server is well");
}

#[tokio::test]
async fn a_good_request_before_a_bad_one_is_answered_first_and_one_behind_it_never() {
    let street = Street::open().await;
    let unauthenticated = "GET /v1/sessions HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let mut caller = street.say(format!("{SMUGGLED}{unauthenticated}GET / HTTP/9\r\n\r\n{SMUGGLED}{SMUGGLED}")).await;
    assert_eq!(caller.told().await.expect("an answer").status, 200);
    caller.told().await.expect("an answer").expect(401, "no_credentials");
    caller.told().await.expect("an answer").expect(400, "malformed_request");
    caller.is_closed().await;
    // Nobody can ask for the refusal of another's request, or for anything else, by what stands in for a bad one.
    let stand_in = "GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    let told = street.say(stand_in).await.told().await.expect("an answer");
    assert_eq!(told.status, 303, "an ordinary request: {told:?}");
}

#[tokio::test]
async fn requests_of_one_spelling_are_answered_however_they_are_cut() {
    let street = Street::open().await;
    for text in [
        SMUGGLED,
        "\r\nGET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "GET /healthz HTTP/1.0\r\n\r\n",
        "GET http://LOCALHOST/healthz HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n",
        "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
        "GET /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\n\0\r\n",
        "GET /healthz HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n0\r\n\r\n",
    ] {
        for piece in [1, 7, text.len()] {
            let mut caller = street.call().await;
            for bytes in text.as_bytes().chunks(piece) {
                caller.say(bytes).await;
                tokio::task::yield_now().await;
            }
            let told = caller.told().await.unwrap_or_else(|| panic!("no answer to {text:?}"));
            assert_eq!(told.status, 200, "{text:?} in pieces of {piece}: {told:?}");
        }
    }
    for (text, status) in
        [("TRACE /healthz HTTP/1.1", 405), ("get /healthz HTTP/1.1", 405), ("OPTIONS * HTTP/1.1", 404)]
    {
        let told = street.say(format!("{text}\r\nHost: localhost\r\n\r\n")).await.told().await.expect("an answer");
        assert_eq!(told.status, status, "{told:?}");
    }
}

#[tokio::test]
async fn a_caller_who_hangs_up_in_the_middle_leaves_nothing_behind() {
    let street = Street::open().await;
    for part in ["GET /hea", "GET /healthz HTTP/1.1\r\nHost: x\r\n", POST] {
        let mut caller = street.say(part).await;
        caller.finish().await;
        caller.is_closed().await;
    }
    let mut caller = street.say(format!("{POST}Content-Length: 100\r\n\r\n{{")).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    caller.finish().await;
    assert!(caller.told().await.is_none_or(|told| told.status == 400));
    assert_eq!(street.say(SMUGGLED).await.told().await.expect("an answer").status, 200, "the server is well");
}

#[tokio::test]
async fn nothing_that_is_answered_follows_from_the_host_that_was_asked() {
    let house = House::memory().await;
    let evil = "evil.example";
    let session = house.sign_in("demo-session", "cookie").await;
    let cookie = session.headers["set-cookie"].to_str().expect("text").split(';').next().expect("a pair").to_owned();
    let jwt = json!({ "email": super::house::ADA, "password": super::house::PASSWORD, "client_id": "demo-jwt" });
    let asks = [
        Ask::get("/"),
        Ask::get("/login?return_to=/account"),
        Ask::get("/account"),
        Ask::get("/account").header("cookie", &cookie),
        Ask::get("/signup"),
        Ask::get("/tools/jwt"),
        Ask::get("/v1/session").header("cookie", &cookie),
        Ask::get("/nowhere"),
        Ask::get("/.well-known/jwks.json"),
        Ask::get("/.well-known/change-password"),
        Ask::post("/v1/sessions").json(&jwt),
    ];
    for ask in asks {
        let ask = ask
            .header("x-forwarded-host", evil)
            .header("x-forwarded-proto", "gopher")
            .header("forwarded", &format!("host={evil}"))
            .header("x-original-url", "/admin");
        let mut request = ask.request();
        request.headers_mut().insert("host", http::HeaderValue::from_static("evil.example"));
        let answer = house.call(request).await;
        assert!(answer.status.as_u16() < 500, "{answer:?}");
        let head = format!("{:?}", answer.headers);
        let body = String::from_utf8_lossy(&answer.bytes);
        assert!(!head.contains("evil") && !body.contains("evil"), "{answer:?}");
        assert!(!head.contains("Domain="), "{answer:?}");
        let location = answer.headers.get("location").map(|place| place.to_str().expect("text"));
        assert!(location.is_none_or(|place| place.starts_with('/') || place.starts_with(ISSUER)), "{answer:?}");
        if answer.body["access_token"].is_string() {
            let claims = answer.claims();
            assert_eq!((&claims["iss"], &claims["aud"]), (&json!(ISSUER), &json!(ISSUER)));
        }
    }
}
