//! Every route, called as nobody and as the wrong user.

use doorward::http::routes::{Audience, ROUTES};
use http::Method;
use serde_json::json;

use super::house::{Answer, Ask, House};

fn ask(method: &str, path: &str) -> Ask {
    let path = path.replace("{id}", "ses_00000000000000000000000000").replace("{key}", "some-key");
    let path = path.replace("{hash}", "AAAA");
    let path = path.replace("{name}", "some-name");
    Ask::new(Method::from_bytes(method.as_bytes()).expect("a method"), &path)
}

#[tokio::test]
async fn nobody_gets_through_a_route_that_is_not_for_anybody() {
    let house = House::memory().await;
    for route in ROUTES {
        let ask = ask(route.method, route.path);
        let is_page = route.audience == Audience::Page;
        let answer = house.send(if is_page { ask.form(&[]) } else { ask.json(&json!({})) }).await;
        let place = format!("{} {}: {answer:?}", route.method, route.path);
        match route.audience {
            Audience::Anybody => assert_ne!(answer.status, 401, "{place}"),
            Audience::Session | Audience::User => {
                assert_eq!((answer.status.as_u16(), answer.code()), (401, "no_credentials"), "{place}");
            }
            Audience::Bearer => assert!(answer.status.is_client_error(), "{place}"),
            Audience::Page => assert!(is_sent_to_login(&answer), "{place}"),
            Audience::Verifier => assert_eq!(said_no(&answer), (401, "no_credentials"), "{place}"),
        }
    }
}

/// A no by its status and its code, whatever its shape.
fn said_no(answer: &Answer) -> (u16, &str) {
    (answer.status.as_u16(), answer.code())
}

/// The feed is for verifiers: everybody else learns that they are somebody else, and nothing more.
#[tokio::test]
async fn nobody_but_a_verifier_that_is_registered_hears_of_the_feed() {
    let house = House::memory().await;
    let (gone, live) = (house.add_verifier("gone").await, house.add_verifier("live").await);
    house.remove_verifier("gone").await;
    let secret = house.sign_in("demo-session", "body").await.text("session_token");
    let token = house.sign_in("demo-jwt", "body").await.text("access_token");
    let stranger = doorward_core::secret::Secret::from_bytes([9; 32]);
    let stranger = doorward_core::secret::SecretKind::Verifier.text(&stranger);
    for route in ROUTES.iter().filter(|route| route.audience == Audience::Verifier) {
        let place = format!("{} {}", route.method, route.path);
        let ask = || ask(route.method, route.path).json(&json!({}));
        for wrong in [&gone, &stranger, &String::from("dwv_"), &live[..live.len() - 1].to_owned()] {
            let answer = house.send(ask().bearer(wrong)).await;
            assert_eq!(said_no(&answer), (401, "invalid_credentials"), "{place}");
        }
        for wrong in [&secret, &token] {
            assert_eq!(said_no(&house.send(ask().bearer(wrong)).await), (403, "forbidden"), "{place}");
        }
        let cookie = format!("__Host-Http-dw_session={secret}");
        assert_eq!(said_no(&house.send(ask().header("cookie", &cookie)).await), (403, "forbidden"), "{place}");
        let basic = ask().header("authorization", "Basic ZGVtbzpkZW1v");
        assert_eq!(said_no(&house.send(basic).await), (403, "forbidden"), "{place}");
        let page = ask().bearer(&live).header("origin", "http://localhost:8420");
        assert_eq!(said_no(&house.send(page).await), (403, "cross_site"), "{place}: a browser");
        let twice = ask().bearer(&live).bearer(&live);
        assert!(house.send(twice).await.status.is_client_error(), "{place}");
        assert_ne!(house.send(ask().bearer(&live)).await.status, 401, "{place}");
    }
    assert!(house.door.feed_counts().strangers >= 5 * 10);
}

/// A page says no by showing the way in.
fn is_sent_to_login(answer: &Answer) -> bool {
    let place = answer.headers.get("location").and_then(|place| place.to_str().ok());
    answer.status == 303 && place.is_some_and(|place| place.starts_with("/login?"))
}

#[tokio::test]
async fn neither_a_guest_nor_a_dead_cookie_nor_a_bearer_gets_onto_a_page() {
    let house = House::memory().await;
    let body = json!({ "guest": true, "client_id": "demo-session", "transport": "body" });
    let guest = house.send(Ask::post("/v1/sessions").json(&body)).await.ok().text("session_token");
    let dead = house.sign_in("demo-session", "body").await.text("session_token");
    house.send(Ask::delete("/v1/session").bearer(&dead)).await.ok();
    let alive = house.sign_in("demo-session", "body").await.text("session_token");
    for route in ROUTES.iter().filter(|route| route.audience == Audience::Page) {
        let place = format!("{} {}", route.method, route.path);
        for secret in [&guest, &dead] {
            if secret == &guest && route.path == "/logout" {
                continue; // A guest has a session to end like anybody; `pages.rs` tells how.
            }
            let cookie = format!("__Host-Http-dw_session={secret}");
            let form = ask(route.method, route.path).header("cookie", &cookie).form(&[]);
            assert!(is_sent_to_login(&house.send(form).await), "{place}");
        }
        let form = ask(route.method, route.path).bearer(&alive).form(&[]);
        assert!(is_sent_to_login(&house.send(form).await), "{place}: a page knows its reader by the cookie alone");
    }
    assert_eq!(house.send(Ask::get("/v1/session").bearer(&alive)).await.status, 200, "and nothing was ended");
}

#[tokio::test]
async fn a_guest_gets_through_no_route_that_is_for_users() {
    let house = House::memory().await;
    let body = json!({ "guest": true, "client_id": "demo-session", "transport": "body" });
    let guest = house.send(Ask::post("/v1/sessions").json(&body)).await.ok().text("session_token");
    for route in ROUTES.iter().filter(|route| route.audience == Audience::User) {
        let body = json!({ "current_password": "copper-lantern-41", "new_password": "violet-anchor-77" });
        house.send(ask(route.method, route.path).bearer(&guest).json(&body)).await.expect(403, "forbidden");
    }
}

#[tokio::test]
async fn a_dead_credential_gets_through_no_route() {
    let house = House::memory().await;
    let token = house.sign_in("demo-session", "body").await.text("session_token");
    house.send(Ask::delete("/v1/session").bearer(&token)).await.ok();
    for route in ROUTES.iter().filter(|route| matches!(route.audience, Audience::Session | Audience::User)) {
        let answer = house.send(ask(route.method, route.path).bearer(&token).json(&json!({}))).await;
        assert_eq!(
            (answer.status.as_u16(), answer.code()),
            (401, "session_ended"),
            "{} {}",
            route.method,
            route.path
        );
    }
}

#[tokio::test]
async fn public_keys_are_cacheable_and_have_a_tag() {
    let house = House::memory().await;
    let keys = house.send(Ask::get("/.well-known/jwks.json")).await.ok();
    assert_eq!(keys.body["keys"].as_array().map(Vec::len), Some(4), "an active key and a standby for each algorithm");
    assert!(keys.body["keys"].as_array().expect("keys").iter().all(|key| key.get("d").is_none()));
    assert_eq!(keys.headers["cache-control"], "public, max-age=300");
    assert_eq!(keys.headers["access-control-allow-origin"], "*");
    let tag = keys.headers["etag"].to_str().expect("text");
    let again = house.send(Ask::get("/.well-known/jwks.json").header("if-none-match", tag)).await;
    assert_eq!((again.status.as_u16(), again.bytes.len()), (304, 0));
}
