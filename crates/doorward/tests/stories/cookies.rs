//! Cookies where browsers and neighbours make a mess: tabs that race, cookies that were tossed, a full jar, late replies.

use doorward::http::cookie::{REFRESH_PREFIX, SESSION};
use doorward_core::Lifetime;
use serde_json::json;

use super::house::{ADA, Answer, Ask, House, Jar, PASSWORD};

const KEYS: [&str; 3] = ["attempt-key-number-1", "attempt-key-number-2", "attempt-key-number-3"];

fn clears(answer: &Answer) -> Vec<String> {
    let lines = answer.headers.get_all("set-cookie").iter().map(|line| line.to_str().expect("text"));
    let cleared = lines.filter(|line| line.contains("Max-Age=0"));
    cleared.map(|line| line.split('=').next().unwrap_or_default().to_owned()).collect()
}

fn sets(answer: &Answer) -> usize {
    answer.headers.get_all("set-cookie").iter().count()
}

#[tokio::test]
async fn of_two_session_cookies_neither_counts_anywhere() {
    let house = House::memory().await;
    let mine = house.sign_in("demo-session", "body").await.text("session_token");
    let tossed = house.sign_in("demo-session", "body").await.text("session_token");
    let lines = [
        format!("{SESSION}={mine}; {SESSION}={tossed}"),
        format!("{SESSION}={tossed}; {SESSION}={mine}"),
        format!("{SESSION}={mine}; {SESSION}={mine}"),
        format!("{SESSION}=; {SESSION}={mine}"),
        format!("{SESSION}={mine}; a=b; {SESSION}=garbage"),
    ];
    for line in &lines {
        for ask in [
            Ask::get("/v1/session"),
            Ask::get("/v1/sessions"),
            Ask::delete("/v1/session"),
            Ask::post("/v1/sessions/revoke").json(&json!({ "scope": "all" })),
            Ask::post("/v1/session/refresh").json(&json!({})),
        ] {
            let answer = house.send(ask.header("cookie", line)).await.expect(400, "ambiguous_credentials");
            assert_eq!(sets(&answer), 0, "{answer:?}");
        }
        // A page takes them for nobody's, and asks to sign in.
        let page = house.send(Ask::get("/account").header("cookie", line)).await;
        assert_eq!(page.status, 303, "{page:?}");
    }
    // In two lines of the head they are two as well.
    let two = Ask::get("/v1/session")
        .header("cookie", &format!("{SESSION}={mine}"))
        .header("cookie", &format!("{SESSION}={tossed}"));
    house.send(two).await.expect(400, "ambiguous_credentials");
    // A name that is nearly the same is somebody else's business.
    for other in ["__host-http-dw_session", "dw_session", "__Host-dw_session", " __Host-Http-dw_session2"] {
        let line = format!("{other}={tossed}; {SESSION}={mine}");
        house.send(Ask::get("/v1/session").header("cookie", &line)).await.ok();
    }
    for token in [&mine, &tossed] {
        house.send(Ask::get("/v1/session").bearer(token)).await.ok();
    }
}

#[tokio::test]
async fn a_tossed_refresh_cookie_refreshes_nothing_and_clears_nothing() {
    let house = House::memory().await;
    let mut jar = Jar::default();
    jar.keep(&house.sign_in("demo-hybrid", "cookie").await);
    let mut evil = Jar::default();
    evil.keep(&house.sign_in("demo-hybrid", "cookie").await);
    // `__Secure-` can be tossed by a sibling host that sets a Domain; both then come along.
    for line in [format!("{}; {}", jar.line(), evil.line()), format!("{}; {}", evil.line(), jar.line())] {
        let body = json!({ "client_id": "demo-hybrid", "attempt": KEYS[0] });
        let answer = house.send(Ask::post("/v1/session/refresh").header("cookie", &line).json(&body)).await;
        assert_eq!(sets(&answer.expect(400, "ambiguous_credentials")), 0);
    }
    let body = json!({ "client_id": "demo-hybrid", "attempt": KEYS[1] });
    house.send(Ask::post("/v1/session/refresh").jar(&jar).json(&body)).await.ok();
}

#[tokio::test]
async fn no_failed_refresh_and_no_fetch_ever_clears_a_cookie() {
    let house = House::memory().await;
    let mut jar = Jar::default();
    jar.keep(&house.sign_in("demo-hybrid", "cookie").await);
    let old = jar.clone();
    let refresh = |jar: &Jar, attempt: &str| {
        Ask::post("/v1/session/refresh").jar(jar).json(&json!({ "client_id": "demo-hybrid", "attempt": attempt }))
    };
    jar.keep(&house.send(refresh(&jar, KEYS[0])).await.ok());
    jar.keep(&house.send(refresh(&jar, KEYS[1])).await.ok());
    // A tab that slept through two turns: told so, and the newer cookie stays.
    house.advance(Lifetime::from_mins(5));
    let late = house.send(refresh(&old, KEYS[0])).await.expect(409, "refresh_superseded");
    assert_eq!(sets(&late), 0);
    jar.keep(&late);
    jar.keep(&house.send(refresh(&jar, KEYS[2])).await.ok());
    // Somebody else's attempt ends the session; even then nothing is cleared by the reply.
    let stolen = house.send(refresh(&old, "attempt-key-of-a-thief")).await.expect(401, "refresh_reused");
    assert_eq!(sets(&stolen), 0);
    let ended = house.send(refresh(&jar, KEYS[2])).await;
    assert_eq!((ended.status.as_u16(), sets(&ended)), (401, 0), "{ended:?}");
    for garbage in ["", "x", "dwr_x", "dws_x"] {
        let line = format!("{REFRESH_PREFIX}demo-hybrid={garbage}; {SESSION}={garbage}");
        for ask in [
            Ask::get("/v1/session"),
            Ask::get("/v1/sessions"),
            Ask::post("/v1/session/refresh").json(&json!({ "attempt": KEYS[0] })),
        ] {
            let answer = house.send(ask.header("cookie", &line)).await;
            assert!(answer.status.is_client_error() && sets(&answer) == 0, "{answer:?}");
        }
    }
}

#[tokio::test]
async fn tabs_that_race_end_with_a_cookie_that_is_good_in_whatever_order_replies_arrive() {
    let house = House::memory().await;
    for order in 0..6 {
        let mut jar = Jar::default();
        jar.keep(&house.sign_in("demo-hybrid", "cookie").await);
        // Three tabs share the attempt key, as a browser with a lock or a lost reply does.
        let refresh = |jar: &Jar, attempt: &str| {
            Ask::post("/v1/session/refresh").jar(jar).json(&json!({ "client_id": "demo-hybrid", "attempt": attempt }))
        };
        let attempt = format!("attempt-key-of-round-{order}");
        let (one, other, third) = tokio::join!(
            house.send(refresh(&jar, &attempt)),
            house.send(refresh(&jar, &attempt)),
            house.send(refresh(&jar, &attempt))
        );
        let replies = [one.ok(), other.ok(), third.ok()];
        let places = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]][order];
        for place in places {
            jar.keep(&replies[place]);
        }
        house.send(refresh(&jar, &format!("another-attempt-{order}"))).await.ok();
    }
}

#[tokio::test]
async fn the_later_of_two_sign_ins_in_one_browser_wins_visibly_and_the_earlier_one_is_over() {
    let house = House::memory().await;
    let mut jar = Jar::default();
    let body = json!({ "email": ADA, "password": PASSWORD, "client_id": "demo-session" });
    let first = house.send(Ask::post("/v1/sessions").json(&body)).await.ok();
    jar.keep(&first);
    let early = jar.clone();
    let second = house.send(Ask::post("/v1/sessions").jar(&jar).json(&body)).await.ok();
    jar.keep(&second);
    assert_ne!(first.session_id(), second.session_id());
    let who = house.send(Ask::get("/v1/session").jar(&jar)).await.ok();
    assert_eq!(who.session_id(), second.session_id());
    let over = house.send(Ask::get("/v1/session").jar(&early)).await;
    assert_eq!((over.status.as_u16(), sets(&over)), (401, 0), "told, and not cleared by a fetch: {over:?}");
}

#[tokio::test]
async fn only_signing_out_and_a_persons_way_to_the_sign_in_page_clear_a_dead_cookie() {
    let house = House::memory().await;
    let mut jar = Jar::default();
    jar.keep(&house.sign_in("demo-session", "cookie").await);
    let dead = jar.clone();
    house.send(Ask::delete("/v1/session").jar(&jar)).await.ok();
    let navigation = [("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document")];
    let fetch = [("sec-fetch-mode", "cors"), ("sec-fetch-dest", "empty")];
    let frame = [("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "iframe")];
    for (path, by, cleared) in [
        ("/login", navigation, true),
        ("/login", fetch, false),
        ("/login", frame, false),
        ("/account", navigation, false),
        ("/signup", navigation, false),
        ("/v1/session", navigation, false),
        ("/", navigation, false),
    ] {
        let ask = Ask::get(path).jar(&dead).header("sec-fetch-site", "same-origin");
        let answer = house.send(by.iter().fold(ask, |ask, (name, value)| ask.header(name, value))).await;
        assert_eq!(clears(&answer).iter().any(|name| name == SESSION), cleared, "{path} {by:?}: {answer:?}");
    }
    // A session that is alive is never cleared there.
    let mut alive = Jar::default();
    alive.keep(&house.sign_in("demo-session", "cookie").await);
    let ask =
        Ask::get("/login").jar(&alive).header("sec-fetch-mode", "navigate").header("sec-fetch-dest", "document");
    assert_eq!(clears(&house.send(ask).await), Vec::<String>::new());
}

#[tokio::test]
async fn a_full_jar_that_lost_the_session_finds_a_clean_sign_in_page() {
    let house = House::memory().await;
    // The browser has thrown ours away for a neighbour's hundred and fifty.
    let crumbs: Vec<_> = (0..150).map(|number| format!("crumb{number}=x")).collect();
    let line = crumbs.join("; ");
    let account = house.send(Ask::get("/account").header("cookie", &line)).await;
    assert_eq!((account.status.as_u16(), sets(&account)), (303, 0), "{account:?}");
    let page = house.send(Ask::get("/login").header("cookie", &line)).await.ok();
    assert!(clears(&page).is_empty());
    house.send(Ask::get("/v1/session").header("cookie", &line)).await.expect(401, "no_credentials");
    // Among them it is found.
    let mut jar = Jar::default();
    jar.keep(&house.sign_in("demo-session", "cookie").await);
    house.send(Ask::get("/v1/session").header("cookie", &format!("{line}; {}", jar.line()))).await.ok();
}
