//! Pages of other origins: a client's exact origins may call, with cookies, and read; nobody else is told anything.

use doorward_core::client::{Client, Strategy};
use doorward_core::id::ClientId;
use http::Method;
use serde_json::json;

use super::house::{ADA, Answer, Ask, House, Jar, PASSWORD, add_client};

const SPA: &str = "https://app.example.com";
/// Origins that are nearly the listed one, and those that people list by mistake.
const OTHERS: [&str; 15] = [
    "https://app.example.com.evil.example",
    "https://evil.example",
    "https://example.com",
    "https://www.app.example.com",
    "https://app.example.com:8443",
    "https://app.example.com/",
    "https://APP.example.com",
    "http://app.example.com",
    "HTTPS://app.example.com",
    "app.example.com",
    "https://app.example.com https://evil.example",
    "https://app.example.com,https://evil.example",
    "null",
    "*",
    "",
];

async fn house() -> House {
    let house = House::memory().await;
    let id = ClientId::parse("spa").expect("an id");
    let spa =
        Client { origins: vec![SPA.to_owned()], ..Client::first_party(id, Strategy::Session, house.door.now()) };
    add_client(&house.door, spa).await;
    house
}

fn preflight(path: &str, origin: &str, method: &str) -> Ask {
    let ask =
        Ask::new(Method::OPTIONS, path).header("origin", origin).header("access-control-request-method", method);
    ask.header("access-control-request-headers", "content-type").header("sec-fetch-site", "cross-site")
}

fn header<'a>(answer: &'a Answer, name: &str) -> Option<&'a str> {
    answer.headers.get(name).map(|value| value.to_str().expect("text"))
}

/// What is told to a browser about who may read.
fn shared(answer: &Answer) -> Vec<&str> {
    let names = answer.headers.keys().map(http::HeaderName::as_str);
    names.filter(|name| name.starts_with("access-control-")).collect()
}

#[tokio::test]
async fn a_listed_origin_asks_beforehand_calls_with_cookies_and_reads() {
    let house = house().await;
    for (path, method) in [("/v1/sessions", "POST"), ("/v1/session", "GET"), ("/v1/session/data/cart", "PUT")] {
        let answer = house.send(preflight(path, SPA, method)).await;
        assert_eq!(answer.status, 204, "{answer:?}");
        assert_eq!(header(&answer, "access-control-allow-origin"), Some(SPA));
        assert_eq!(header(&answer, "access-control-allow-credentials"), Some("true"));
        assert!(header(&answer, "access-control-allow-methods").is_some_and(|methods| methods.contains(method)));
        let allowed = header(&answer, "access-control-allow-headers").expect("headers");
        for name in ["authorization", "content-type", "idempotency-key", "if-match", "if-none-match"] {
            assert!(allowed.contains(name), "{name}");
        }
        assert!(header(&answer, "vary").is_some_and(|vary| vary.contains("origin")));
    }
    let elsewhere =
        |ask: Ask| ask.header("origin", SPA).header("sec-fetch-site", "cross-site").header("sec-fetch-mode", "cors");
    let body = json!({ "email": ADA, "password": PASSWORD, "client_id": "spa" });
    let signed_in = house.send(elsewhere(Ask::post("/v1/sessions")).json(&body)).await.ok();
    let mut jar = Jar::default();
    jar.keep(&signed_in);
    let who = house.send(elsewhere(Ask::get("/v1/session")).jar(&jar)).await.ok();
    let refused = house.send(elsewhere(Ask::get("/v1/session"))).await.expect(401, "no_credentials");
    for answer in [&signed_in, &who, &refused] {
        assert_eq!(header(answer, "access-control-allow-origin"), Some(SPA), "{answer:?}");
        assert_eq!(header(answer, "access-control-allow-credentials"), Some("true"));
        assert!(header(answer, "access-control-expose-headers").is_some_and(|names| names.contains("etag")));
        assert!(header(answer, "vary").is_some_and(|vary| vary.contains("origin")));
    }
    house.send(elsewhere(Ask::delete("/v1/session")).jar(&jar)).await.ok();
}

#[tokio::test]
async fn every_other_origin_gets_nothing() {
    let house = house().await;
    let mut jar = Jar::default();
    jar.keep(&house.sign_in("demo-session", "cookie").await);
    for origin in OTHERS {
        for path in ["/v1/sessions", "/v1/session", "/v1/session/refresh"] {
            let answer = house.send(preflight(path, origin, "POST")).await.expect(403, "cross_site");
            assert_eq!(shared(&answer), Vec::<&str>::new(), "{origin}");
            assert!(header(&answer, "vary").is_some_and(|vary| vary.contains("origin")), "{origin}");
        }
        for site in ["cross-site", "same-site"] {
            let ask = Ask::get("/v1/session").header("origin", origin).header("sec-fetch-site", site).jar(&jar);
            let answer = house.send(ask.header("sec-fetch-mode", "cors")).await.expect(403, "cross_site");
            assert_eq!(shared(&answer), Vec::<&str>::new(), "{origin}");
        }
        // A browser without Fetch Metadata still says where a page stands that reads across origins.
        let answer =
            house.send(Ask::get("/v1/session").header("origin", origin).jar(&jar)).await.expect(403, "cross_site");
        assert_eq!(shared(&answer), Vec::<&str>::new(), "{origin}");
        let body = json!({ "email": ADA, "password": PASSWORD });
        let answer = house.send(Ask::post("/v1/sessions").header("origin", origin).json(&body)).await;
        assert_eq!(shared(&answer.expect(403, "cross_site")), Vec::<&str>::new(), "{origin}");
    }
}

#[tokio::test]
async fn an_origin_goes_when_its_client_is_switched_off() {
    let house = house().await;
    assert_eq!(house.send(preflight("/v1/session", SPA, "GET")).await.status, 204);
    house.change_client("spa", |client| client.disabled_at = Some(client.created_at)).await;
    house.send(preflight("/v1/session", SPA, "GET")).await.expect(403, "cross_site");
}

#[tokio::test]
async fn what_is_public_is_for_everybody_without_cookies_and_pages_are_for_nobody() {
    let house = house().await;
    for origin in [SPA, "https://evil.example"] {
        let keys = house.send(Ask::get("/.well-known/jwks.json").header("origin", origin)).await.ok();
        assert_eq!(header(&keys, "access-control-allow-origin"), Some("*"));
        assert_eq!(header(&keys, "access-control-allow-credentials"), None);
        assert_eq!(header(&keys, "cross-origin-resource-policy"), Some("cross-origin"));
        let asked = house.send(preflight("/.well-known/jwks.json", origin, "GET")).await;
        assert_eq!((asked.status.as_u16(), header(&asked, "access-control-allow-origin")), (204, Some("*")));
        for path in ["/login", "/account", "/healthz", "/assets/x", "/"] {
            let answer = house.send(Ask::get(path).header("origin", origin)).await;
            assert_eq!(shared(&answer), Vec::<&str>::new(), "{path}");
            let answer = house.send(preflight(path, origin, "POST")).await;
            assert_eq!(shared(&answer), Vec::<&str>::new(), "{path}");
            assert!(answer.status.is_client_error(), "{path}");
        }
    }
}

#[tokio::test]
async fn a_page_elsewhere_may_lead_here_and_not_show_or_load_what_is_ours() {
    let house = house().await;
    let mut jar = Jar::default();
    jar.keep(&house.sign_in("demo-session", "cookie").await);
    let get = |site: &str, mode: &str, dest: &str| {
        let ask = Ask::get("/v1/session").jar(&jar).header("sec-fetch-site", site);
        ask.header("sec-fetch-mode", mode).header("sec-fetch-dest", dest)
    };
    for site in ["cross-site", "same-site"] {
        for (mode, dest) in [
            ("no-cors", "image"),
            ("no-cors", "script"),
            ("navigate", "iframe"),
            ("navigate", "object"),
            ("websocket", ""),
        ] {
            house.send(get(site, mode, dest)).await.expect(403, "cross_site");
        }
        house.send(get(site, "navigate", "document")).await.ok();
    }
    house.send(get("same-origin", "cors", "empty")).await.ok();
    house.send(get("none", "navigate", "document")).await.ok();
    // Who shows a credential of their own borrows nothing from the browser.
    let token = house.sign_in("demo-session", "body").await.text("session_token");
    let bearer = Ask::get("/v1/session")
        .bearer(&token)
        .header("sec-fetch-site", "cross-site")
        .header("sec-fetch-mode", "cors");
    house.send(bearer.header("origin", "https://evil.example")).await.ok();
}

#[tokio::test]
async fn what_the_caller_says_of_the_host_makes_no_origin_ours() {
    let house = house().await;
    let mut jar = Jar::default();
    jar.keep(&house.sign_in("demo-session", "cookie").await);
    let with_host = |host: &'static str, origin: &str| {
        let mut request = Ask::delete("/v1/session").header("origin", origin).jar(&jar).request();
        request.headers_mut().insert("host", http::HeaderValue::from_static(host));
        request
    };
    // Another name of this machine is ours; a name that somebody points at this machine is not, nor is another scheme.
    for (host, origin) in [
        ("evil.example", "http://evil.example"),
        ("evil.example:8420", "http://evil.example:8420"),
        ("localhost:8420", "https://localhost:8420"),
        ("localhost:8420", "http://localhost:8421"),
        ("127.0.0.1.evil.example", "http://127.0.0.1.evil.example"),
    ] {
        house.call(with_host(host, origin)).await.expect(403, "cross_site");
    }
    house.call(with_host("127.0.0.1:8420", "http://127.0.0.1:8420")).await.ok();
}
