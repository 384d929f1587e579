//! What every answer tells browsers, whatever kind of answer it is; and no way out to another site.

use std::collections::BTreeSet;

use doorward::http::front;
use doorward::http::routes::ROUTES;
use http::{Method, StatusCode};
use http_body_util::BodyExt;
use serde_json::json;

use super::house::{ADA, Answer, Ask, CHEAP, Ground, House, ISSUER, Jar, PASSWORD};

/// Addresses that would lead away if they were followed, or read by a browser otherwise than by us.
const ELSEWHERE: [&str; 52] = [
    "https://evil.example",
    "http://evil.example",
    "HTTPS://evil.example",
    "//evil.example",
    "///evil.example",
    "////evil.example",
    "/\\evil.example",
    "\\/evil.example",
    "\\\\evil.example",
    "/\\/evil.example",
    "/\t/evil.example",
    "/\n/evil.example",
    "/\r/evil.example",
    "\t//evil.example",
    " //evil.example",
    "//evil.example ",
    "/ /evil.example",
    "/\u{0}/evil.example",
    "/\u{b}/evil.example",
    "/\u{a0}/evil.example",
    "/\u{2028}/evil.example",
    "/\u{ff0f}evil.example",
    "/\u{2044}evil.example",
    "\u{3002}evil.example",
    "https:evil.example",
    "https:/evil.example",
    "http:\\\\evil.example",
    "ftp://evil.example",
    "javascript:alert(1)",
    "JavaScript:alert(1)",
    "java\tscript:alert(1)",
    "data:text/html,x",
    "vbscript:x",
    "file:///etc/passwd",
    "blob:https://evil.example/x",
    "about:blank",
    "mailto:a@evil.example",
    "evil.example",
    ".evil.example",
    "@evil.example",
    ":@evil.example",
    "?next=//evil.example",
    "#//evil.example",
    "http://localhost:8420@evil.example",
    "http://localhost:8420.evil.example",
    "http://localhost:8420/account",
    "/\\\u{0009}/evil.example",
    "/account\\..\\..\\evil",
    "/a\r\nset-cookie: dw=1",
    "/a\r\n\r\n<script>alert(1)</script>",
    "",
    " ",
];

fn header<'a>(answer: &'a Answer, name: &str) -> Option<&'a str> {
    answer.headers.get(name).map(|value| value.to_str().expect("text"))
}

/// One answer of every class: API, problems of every kind, pages, redirects, assets, keys, probes.
async fn answers(house: &House) -> Vec<(String, Answer)> {
    let mut jar = Jar::default();
    jar.keep(&house.sign_in("demo-session", "cookie").await);
    let page = house.send(Ask::get("/login")).await;
    let page = String::from_utf8(page.bytes).expect("text");
    let asset =
        page.split("href=\"").find_map(|rest| rest.split('"').next().filter(|path| path.starts_with("/assets/")));
    let sign_in = json!({ "email": ADA, "password": PASSWORD, "client_id": "demo-hybrid" });
    let asks = [
        Ask::get("/v1/session").jar(&jar),
        Ask::get("/v1/session"),
        Ask::get("/v1/sessions").jar(&jar),
        Ask::post("/v1/sessions").json(&sign_in),
        Ask::post("/v1/sessions").raw("{"),
        Ask::post("/v1/sessions").header("origin", "https://evil.example").json(&sign_in),
        Ask::put("/v1/session/data/a").jar(&jar).raw("1"),
        Ask::get("/v1/session/data/a").jar(&jar),
        Ask::delete("/v1/session/data/a").jar(&jar),
        Ask::get("/nowhere"),
        Ask::new(Method::PATCH, "/v1/session"),
        Ask::get("/login"),
        Ask::get("/login").jar(&jar),
        Ask::get("/account"),
        Ask::get("/account").jar(&jar),
        Ask::post("/login").form(&[("email", ADA)]),
        Ask::get("/"),
        Ask::get(asset.expect("an asset")),
        Ask::get("/assets/nothing"),
        Ask::get("/.well-known/jwks.json"),
        Ask::get("/.well-known/change-password"),
        Ask::get("/healthz"),
        Ask::get("/readyz"),
    ];
    let mut answers = Vec::new();
    for ask in asks {
        let request = ask.request();
        let name = format!("{} {}", request.method(), request.uri());
        answers.push((name, house.call(request).await));
    }
    answers
}

#[tokio::test]
async fn the_answer_in_front_of_the_router_says_what_the_routers_says() {
    for issuer in [ISSUER, "https://door.example"] {
        let house = House::set_up(Ground::Memory, CHEAP, |settings| settings.issuer = issuer.to_owned()).await;
        let mut jar = Jar::default();
        jar.keep(&house.sign_in("demo-session", "cookie").await);
        let routed = house.send(Ask::get("/v1/session").jar(&jar)).await.ok();
        let front = front::answer(&house.door, &Ask::get("/v1/session").jar(&jar).request()).expect("at hand");
        let (head, body) = front.into_parts();
        let bytes = body.collect().await.expect("a body").to_bytes();
        let front = Answer::read(http::Response::from_parts(head, bytes.into())).await.ok();
        let names = |answer: &Answer| answer.headers.keys().map(ToString::to_string).collect::<BTreeSet<_>>();
        // The length is for who writes the answer to the wire.
        let mut expected = names(&routed);
        expected.remove("content-length");
        assert_eq!(names(&front), expected);
        assert_eq!(front.body, routed.body);
        for name in expected.iter().filter(|name| *name != "x-request-id") {
            assert_eq!(front.headers[name], routed.headers[name], "{name}");
        }
        let (one, other) = (header(&front, "x-request-id"), header(&routed, "x-request-id"));
        assert!(one.is_some_and(|id| id.starts_with("req_") && id.len() == 20) && one != other, "{one:?}");
    }
}

#[tokio::test]
async fn every_answer_bears_what_browsers_must_be_told() {
    let house = House::memory().await;
    for (name, answer) in answers(&house).await {
        let told = format!("{name}: {answer:?}");
        assert_eq!(header(&answer, "x-content-type-options"), Some("nosniff"), "{told}");
        assert_eq!(header(&answer, "referrer-policy"), Some("no-referrer"), "{told}");
        let policy = header(&answer, "content-security-policy").unwrap_or_default();
        assert!(policy.starts_with("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{told}");
        assert!(!policy.contains("unsafe") && !policy.contains('*'), "{told}");
        let shared = if name.contains("jwks") { "cross-origin" } else { "same-origin" };
        assert_eq!(header(&answer, "cross-origin-resource-policy"), Some(shared), "{told}");
        let kept = name.contains("/assets/doorward") || name.contains("jwks");
        assert_eq!(header(&answer, "cache-control") == Some("no-store"), !kept, "{told}");
        assert_eq!(
            header(&answer, "strict-transport-security"),
            None,
            "{told}: on loopback other programs speak http"
        );
        assert!(header(&answer, "server").is_none() && header(&answer, "x-powered-by").is_none(), "{told}");
        for name in ["content-security-policy", "x-content-type-options", "cache-control", "content-type"] {
            assert!(answer.headers.get_all(name).iter().count() <= 1, "{name} twice: {told}");
        }
        let is_page = header(&answer, "content-type").is_some_and(|kind| kind.starts_with("text/html"));
        assert_eq!(
            is_page,
            policy.contains("form-action 'self'") && answer.status != StatusCode::SEE_OTHER,
            "{told}"
        );
        if is_page {
            assert_eq!(header(&answer, "cross-origin-opener-policy"), Some("same-origin"), "{told}");
        }
    }
}

#[tokio::test]
async fn an_issuer_of_https_is_come_back_to_by_https_alone() {
    let https = |settings: &mut doorward::door::Settings| settings.issuer = String::from("https://id.example.com");
    let house = House::set_up(Ground::Memory, CHEAP, https).await;
    for (name, answer) in answers(&house).await {
        let alone = header(&answer, "strict-transport-security").unwrap_or_default();
        let seconds =
            alone.strip_prefix("max-age=").and_then(|rest| rest.split(';').next()).and_then(|age| age.parse().ok());
        assert!(seconds.is_some_and(|seconds: u32| seconds >= 31_536_000), "{name}: {answer:?}");
    }
}

#[tokio::test]
async fn nothing_secret_is_left_to_caches() {
    let house = House::memory().await;
    for (name, answer) in answers(&house).await {
        if answer.headers.contains_key("set-cookie") || String::from_utf8_lossy(&answer.bytes).contains("_token\"") {
            assert_eq!(header(&answer, "cache-control"), Some("no-store"), "{name}: {answer:?}");
        }
    }
}

#[tokio::test]
async fn signing_out_on_a_page_empties_what_the_browser_kept_and_leaves_other_cookies() {
    let house = House::memory().await;
    for dead in ["x", "dws_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"] {
        let cookie = format!("{}={dead}", doorward::http::cookie::SESSION);
        let answer = house.send(Ask::post("/logout").form(&[]).header("cookie", &cookie)).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{answer:?}");
        assert_eq!(header(&answer, "clear-site-data"), Some("\"cache\", \"storage\""));
        let cleared = header(&answer, "set-cookie").expect("a cookie");
        assert!(cleared.starts_with("__Host-Http-dw_session=;") && cleared.contains("Max-Age=0"), "{cleared}");
    }
}

/// Another site's form comes without our cookies, and in an old browser without a word of where it comes from.
#[tokio::test]
async fn a_sign_out_that_shows_no_cookie_clears_none() {
    let house = House::memory().await;
    for origin in [None, Some("null")] {
        let ask = Ask::post("/logout").form(&[]);
        let ask = origin.into_iter().fold(ask, |ask, origin| ask.header("origin", origin));
        let answer = house.send(ask.header("cookie", "theme=dark")).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{answer:?}");
        assert_eq!((header(&answer, "clear-site-data"), header(&answer, "set-cookie")), (None, None), "{answer:?}");
    }
}

#[tokio::test]
async fn no_address_leads_to_another_site() {
    let house = House::memory().await;
    let mut jar = Jar::default();
    jar.keep(&house.sign_in("demo-session", "cookie").await);
    let escape = |text: &str| text.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>();
    for address in ELSEWHERE {
        for name in ["return_to", "next", "redirect", "redirect_uri", "continue", "url", "rd", "callback"] {
            for path in ["/login", "/signup", "/logout", "/account", "/", "/.well-known/change-password"] {
                let ask = Ask::get(&format!("{path}?{name}={}", escape(address))).jar(&jar);
                let answer = house.send(ask.header("referer", "https://evil.example/")).await;
                is_at_home(&answer, address);
            }
        }
        // A person who is not signed in is sent to sign in, and from there no farther.
        let answer = house.send(Ask::get(&format!("/account?return_to={}", escape(address)))).await;
        is_at_home(&answer, address);
    }
    // Slashes and dots in the path itself.
    for path in [
        "//evil.example",
        "//evil.example/..",
        "/%2f%2fevil.example",
        "/%5cevil.example",
        "/login//evil.example",
        "/account/..//evil.example",
    ] {
        let mut request = Ask::get("/").request();
        *request.uri_mut() = http::uri::PathAndQuery::from_static(path).as_str().parse().unwrap_or_default();
        is_at_home(&house.call(request).await, path);
    }
}

#[track_caller]
fn is_at_home(answer: &Answer, address: &str) {
    assert!(answer.status.as_u16() < 500, "{address:?}: {answer:?}");
    let place = header(answer, "location").unwrap_or("/");
    let is_path = place.starts_with('/') && !place.starts_with("//") && !place.contains(['\\', '\t', '\n', '\r']);
    assert!(is_path || place.starts_with(ISSUER), "{address:?} leads to {place:?}");
    assert!(answer.headers.get("refresh").is_none(), "{answer:?}");
}

#[tokio::test]
async fn no_route_takes_a_cookie_from_another_site() {
    let house = House::memory().await;
    let mut jar = Jar::default();
    jar.keep(&house.sign_in("demo-session", "cookie").await);
    for route in ROUTES {
        let path =
            route.path.replace("{id}", "ses_00000000000000000000000000").replace("{key}", "k").replace("{name}", "n");
        let method = Method::from_bytes(route.method.as_bytes()).expect("a method");
        let ask = || {
            Ask::new(method.clone(), &path)
                .jar(&jar)
                .header("origin", "https://evil.example")
                .header("sec-fetch-site", "cross-site")
        };
        let answer = if route.path.starts_with("/v1") {
            house.send(ask().json(&json!({}))).await
        } else {
            house.send(ask().form(&[])).await
        };
        let told = format!("{} {}: {answer:?}", route.method, route.path);
        assert!(!answer.headers.contains_key("access-control-allow-origin") || route.path.contains("jwks"), "{told}");
        if method != Method::GET {
            assert!(answer.status == StatusCode::FORBIDDEN, "{told}");
        } else if route.path.starts_with("/v1") {
            assert!(answer.status == StatusCode::FORBIDDEN && answer.code() == "cross_site", "{told}");
        }
    }
    house.send(Ask::get("/v1/session").jar(&jar)).await.ok();
}
