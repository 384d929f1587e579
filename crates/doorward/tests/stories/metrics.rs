//! What the management port tells: every count moves by the story that should move it, and by nobody's whim.

use std::collections::BTreeMap;

use axum::body::Body;
use doorward::http::{front, management};
use doorward::metrics::page::page;
use doorward_core::Lifetime;
use http::Request;
use serde_json::json;
use tower::ServiceExt;

use super::house::{ADA, Ask, Ground, House, Jar, PASSWORD};

/// The series of a page with their values.
type Series = BTreeMap<String, f64>;

fn series(house: &House) -> Series {
    let text = page(&house.door);
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let mut found = Series::new();
    for line in lines {
        let (name, value) = line.rsplit_once(' ').expect("a value");
        let value = value.parse().expect("a number");
        assert!(found.insert(name.to_owned(), value).is_none(), "{name} stands twice");
    }
    found
}

/// By how much each series has moved, those that have.
fn moved(before: &Series, after: &Series) -> BTreeMap<String, f64> {
    let by = |(name, value): (&String, &f64)| (name.clone(), value - before[name]);
    after.iter().map(by).filter(|(_, by)| *by != 0.0).collect()
}

/// Runs a story and looks at what it moved: these series by so much, and nothing else of the same names.
async fn check(house: &House, story: impl Future<Output = ()>, expected: &[(&str, f64)]) {
    let before = series(house);
    story.await;
    let moved = moved(&before, &series(house));
    for (name, by) in expected {
        assert_eq!(moved.get(*name).copied().unwrap_or_default(), *by, "{name} in {moved:#?}");
        let family = name.split('{').next().unwrap_or_default();
        for other in moved.keys().filter(|other| other.split('{').next() == Some(family)) {
            assert!(expected.iter().any(|(name, _)| name == other), "{other} moved as well: {moved:#?}");
        }
    }
}

fn sign_in(email: &str, password: &str) -> Ask {
    Ask::post("/v1/sessions").json(&json!({ "email": email, "password": password, "client_id": "demo-session" }))
}

#[tokio::test]
async fn sign_ins_are_counted_by_how_they_ended() {
    let house = House::memory().await;
    let well = async { drop(house.sign_in("demo-hybrid", "body").await) };
    let expected = [
        (r#"doorward_sign_ins_total{who="person",outcome="signed_in"}"#, 1.0),
        (r#"doorward_sessions_opened_total{strategy="hybrid",who="person"}"#, 1.0),
        (r#"doorward_tokens_minted_total{algorithm="ES256"}"#, 1.0),
        ("doorward_session_creation_seconds_count", 1.0),
        ("doorward_token_creation_seconds_count", 1.0),
        ("doorward_hash_pool_work_seconds_count", 1.0),
        ("doorward_hash_pool_wait_seconds_count", 1.0),
        (r#"doorward_audit_events_total{kind="session.opened"}"#, 1.0),
        (r#"doorward_store_changes_total{outcome="done"}"#, 1.0),
        (r#"doorward_http_requests_total{route="/v1/sessions",method="POST",status="201"}"#, 1.0),
    ];
    check(&house, well, &expected).await;
    let wrong = async {
        for _ in 0..6 {
            house.send(sign_in(ADA, "violet-anchor-77")).await;
        }
    };
    let expected = [
        (r#"doorward_sign_ins_total{who="person",outcome="invalid_credentials"}"#, 5.0),
        (r#"doorward_sign_ins_total{who="person",outcome="too_many_attempts"}"#, 1.0),
        (r#"doorward_throttled_total{limit="account"}"#, 1.0),
        (r#"doorward_problems_total{code="invalid_credentials"}"#, 5.0),
        (r#"doorward_problems_total{code="too_many_attempts"}"#, 1.0),
        ("doorward_hash_pool_work_seconds_count", 5.0),
    ];
    check(&house, wrong, &expected).await;
    let guest = async {
        let body = json!({ "guest": true, "client_id": "demo-session", "transport": "body" });
        house.send(Ask::post("/v1/sessions").json(&body)).await.ok();
        let body = json!({ "guest": true, "client_id": "nobody-knows" });
        house.send(Ask::post("/v1/sessions").json(&body)).await;
    };
    let expected = [
        (r#"doorward_sign_ins_total{who="guest",outcome="signed_in"}"#, 1.0),
        (r#"doorward_sessions_opened_total{strategy="session",who="guest"}"#, 1.0),
        (r#"doorward_problems_total{code="client_unknown"}"#, 1.0),
    ];
    check(&house, guest, &expected).await;
}

#[tokio::test]
async fn refreshes_are_counted_by_how_they_ended_and_reuse_as_an_anomaly() {
    let house = House::memory().await;
    let first = house.sign_in("demo-hybrid", "body").await.text("refresh_token");
    let refresh = |token: String, attempt: &'static str| {
        let body = json!({ "refresh_token": token, "attempt": attempt });
        house.send(Ask::post("/v1/session/refresh").json(&body))
    };
    let turns = async {
        let second = refresh(first.clone(), "attempt-key-number-1").await.ok().text("refresh_token");
        refresh(first.clone(), "attempt-key-number-1").await.ok();
        refresh(second, "attempt-key-number-2").await.ok();
        refresh(String::from("dwr_nonsense"), "attempt-key-number-3").await;
    };
    let expected = [
        (r#"doorward_refreshes_total{outcome="rotated"}"#, 2.0),
        (r#"doorward_refreshes_total{outcome="repeated"}"#, 1.0),
        (r#"doorward_refreshes_total{outcome="invalid"}"#, 1.0),
        ("doorward_refresh_seconds_count", 4.0),
        (r#"doorward_tokens_minted_total{algorithm="ES256"}"#, 3.0),
    ];
    check(&house, turns, &expected).await;
    house.advance(Lifetime::from_mins(5));
    let theft = async {
        refresh(first.clone(), "attempt-key-of-a-thief").await.expect(401, "refresh_reused");
    };
    let expected = [
        (r#"doorward_refreshes_total{outcome="reused"}"#, 1.0),
        (r#"doorward_anomalies_total{kind="refresh_reused"}"#, 1.0),
        (r#"doorward_sessions_ended_total{reason="refresh_reused"}"#, 1.0),
        (r#"doorward_revocations_total{scope="sid"}"#, 1.0),
        ("doorward_feed_sequence", 1.0),
        ("doorward_revocation_index_entries", 1.0),
        (r#"doorward_audit_events_total{kind="refresh.reused"}"#, 1.0),
    ];
    check(&house, theft, &expected).await;
    let kept = async {
        let body = json!({ "email": ADA, "password": PASSWORD, "client_id": "demo-session" });
        let mut jar = Jar::default();
        jar.keep(&house.send(Ask::post("/v1/sessions").json(&body)).await.ok());
        house.send(Ask::post("/v1/session/refresh").jar(&jar).json(&json!({}))).await.ok();
    };
    check(&house, kept, &[(r#"doorward_refreshes_total{outcome="kept"}"#, 1.0)]).await;
}

#[tokio::test]
async fn checks_are_counted_by_credential_in_front_of_the_router_and_behind_it() {
    let house = House::memory().await;
    let secret = house.sign_in("demo-session", "body").await.text("session_token");
    let access = house.sign_in("demo-jwt", "body").await.text("access_token");
    let who = |bearer: &str| house.send(Ask::get("/v1/session").bearer(bearer));
    let routed = async {
        who(&secret).await.ok();
        who(&secret).await.ok();
        who(&access).await.ok();
        who("dws_nobody").await;
        who("a.b.c").await;
    };
    let expected = [
        (r#"doorward_checks_total{credential="secret",outcome="good"}"#, 2.0),
        (r#"doorward_checks_total{credential="secret",outcome="invalid"}"#, 1.0),
        (r#"doorward_checks_total{credential="access_token",outcome="good"}"#, 1.0),
        (r#"doorward_checks_total{credential="access_token",outcome="invalid"}"#, 1.0),
        (r#"doorward_session_lookups_total{outcome="miss"}"#, 2.0),
        (r#"doorward_session_lookups_total{outcome="hit"}"#, 1.0),
        (r#"doorward_validation_seconds_count{credential="secret"}"#, 3.0),
        (r#"doorward_validation_seconds_count{credential="access_token"}"#, 2.0),
        ("doorward_cached_sessions", 1.0),
    ];
    check(&house, routed, &expected).await;
    let short = async {
        let cookie = format!("__Host-Http-dw_session={secret}");
        for _ in 0..640 {
            let request =
                Request::get("/v1/session").header("cookie", &cookie).body(Body::empty()).expect("a request");
            assert!(front::answer(&house.door, &request).is_some());
        }
    };
    let expected = [
        (r#"doorward_checks_total{credential="secret",outcome="good"}"#, 640.0),
        (r#"doorward_session_lookups_total{outcome="hit"}"#, 640.0),
        (r#"doorward_http_requests_total{route="/v1/session",method="GET",status="200"}"#, 640.0),
        (r#"doorward_validation_seconds_count{credential="secret"}"#, 10.0),
    ];
    check(&house, short, &expected).await;
    let over = async {
        house.send(Ask::delete("/v1/session").bearer(&access)).await.ok();
        who(&access).await.expect(401, "token_revoked");
        house.advance(Lifetime::from_days(31));
        who(&secret).await.expect(401, "session_expired");
    };
    let expected = [
        (r#"doorward_checks_total{credential="access_token",outcome="good"}"#, 1.0),
        (r#"doorward_checks_total{credential="access_token",outcome="revoked"}"#, 1.0),
        (r#"doorward_checks_total{credential="secret",outcome="expired"}"#, 1.0),
        (r#"doorward_sessions_ended_total{reason="signed_out"}"#, 1.0),
    ];
    check(&house, over, &expected).await;
}

#[tokio::test]
async fn what_is_remarkable_is_counted() {
    let house = House::memory().await;
    let flood = async {
        for number in 0..150 {
            house.send(sign_in(&format!("somebody-{number}@example.test"), "violet-anchor-77")).await;
        }
    };
    let expected = [
        (r#"doorward_anomalies_total{kind="failed_sign_ins_spike"}"#, 1.0),
        (r#"doorward_audit_events_total{kind="sign_ins.failing"}"#, 1.0),
    ];
    check(&house, flood, &expected).await;
    let new = async { drop(house.sign_in("demo-session", "cookie").await) };
    check(&house, new, &[(r#"doorward_anomalies_total{kind="new_device"}"#, 1.0)]).await;
    let everything = async {
        let token = house.sign_in("demo-session", "body").await.text("session_token");
        let body = json!({ "scope": "all" });
        house.send(Ask::post("/v1/sessions/revoke").bearer(&token).json(&body)).await.ok();
    };
    let expected = [
        (r#"doorward_sessions_ended_total{reason="ended_by_user"}"#, 2.0),
        (r#"doorward_revocations_total{scope="sub"}"#, 1.0),
    ];
    check(&house, everything, &expected).await;
    let address = async {
        for _ in 0..100 {
            house.send(sign_in("nobody@example.test", "violet-anchor-77").from("192.0.2.1")).await;
        }
    };
    let before = series(&house);
    address.await;
    let moved = moved(&before, &series(&house));
    assert!(moved[r#"doorward_throttled_total{limit="address"}"#] > 1.0, "{moved:#?}");
}

#[tokio::test]
async fn a_store_in_files_tells_of_its_commits_and_its_size() {
    let house = House::on(Ground::Sqlite).await;
    let before = series(&house);
    house.sign_in("demo-session", "body").await;
    let after = series(&house);
    assert!(after["doorward_store_commits_total"] > before["doorward_store_commits_total"]);
    assert!(after["doorward_store_file_bytes"] > 0.0 && after["doorward_store_log_bytes"] > 0.0);
    assert_eq!((after["doorward_store_writable"], after["doorward_store_queue"]), (1.0, 0.0));
    assert_eq!(after["doorward_store_failed_reads_total"], 0.0);
}

#[tokio::test]
async fn the_number_of_series_is_the_programs_and_not_the_callers() {
    let house = House::memory().await;
    let names = |house: &House| series(house).into_keys().collect::<Vec<_>>();
    let before = names(&house);
    assert!(before.len() < 5_000, "{}", before.len());
    let kid = |number: u32| format!("{{\"alg\":\"ES256\",\"kid\":\"key_{number}\"}}");
    let methods = ["GET", "POST", "PUT", "DELETE", "PATCH", "BREW", "OPTIONS"];
    for number in 0..100_000_u32 {
        let odd = |factor: u32| number.wrapping_mul(factor) ^ 0x5bd1_e995;
        let method = methods[number as usize % methods.len()].parse().expect("a method");
        let ask = match number % 8 {
            0 => Ask::new(method, &format!("/{}/{}", odd(2_654_435_761), odd(40_503))),
            1 => Ask::new(method, &format!("/v1/sessions/{}", odd(2_654_435_761))),
            2 => Ask::new(method, &format!("/v1/session/data/{}", odd(69_069))),
            3 => {
                let token = format!("{}.e30.AA", doorward_core::base64url::encode(kid(odd(1)).as_bytes()));
                Ask::get("/v1/session").bearer(&token)
            }
            4 => Ask::get("/login").header("user-agent", &format!("agent-{}/1.0", odd(3))),
            5 => Ask::get(&format!("/assets/{}?v={}", odd(5), odd(7))),
            6 => Ask::get("/v1/session").header("cookie", &format!("a{}={}; b=c", odd(9), odd(11))),
            _ if number % 1_000 == 7 => sign_in(&format!("{}@{}.test", odd(13), odd(17)), "violet-anchor-77"),
            _ => Ask::post("/v1/users").json(&json!({ "email": format!("{}", odd(13)), "password": "x" })),
        };
        house.send(ask).await;
    }
    assert_eq!(names(&house), before);
    let after = series(&house);
    let counted: f64 = after
        .iter()
        .filter(|(name, _)| name.starts_with("doorward_http_requests_total"))
        .map(|(_, count)| count)
        .sum();
    assert_eq!(counted, 100_000.0, "each was counted once, under a name that was there");
}

#[tokio::test]
async fn every_series_is_announced_with_its_kind_and_begins_with_our_name() {
    let house = House::memory().await;
    let mut announced: BTreeMap<String, String> = BTreeMap::new();
    let mut open = String::new();
    for line in page(&house.door).lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, sentence) = rest.split_once(' ').expect("a sentence");
            assert!(sentence.ends_with('.') && name.starts_with("doorward_"), "{line}");
            open = name.to_owned();
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').expect("a kind");
            assert_eq!(name, open, "announced once, sentence first");
            assert!(announced.insert(name.to_owned(), kind.to_owned()).is_none(), "{name} is announced twice");
            assert_eq!(kind == "counter", name.ends_with("_total"), "{line}");
        } else {
            let name = line.split(['{', ' ']).next().unwrap_or_default();
            let suffixes = ["_bucket", "_sum", "_count"];
            let bare = suffixes.iter().find_map(|suffix| name.strip_suffix(suffix)).unwrap_or(name);
            let of_histogram = announced.get(bare).is_some_and(|kind| kind == "histogram");
            assert_eq!(if of_histogram { bare } else { name }, open, "{line}: under its own announcement");
        }
    }
    assert!(announced.len() > 30, "{announced:?}");
}

#[tokio::test]
async fn the_two_ports_share_the_probes_and_nothing_else() {
    let house = House::memory().await;
    let secret = house.sign_in("demo-session", "body").await.text("session_token");
    for path in ["/metrics", "/metrics/", "//metrics", "/v1/../metrics", "/%6Detrics"] {
        assert_eq!(house.send(Ask::get(path)).await.status, 404, "{path} on the public port");
    }
    let management = management::router(house.door.clone());
    let ask = async |path: &str| {
        let request = Request::get(path).header("authorization", format!("Bearer {secret}")).body(Body::empty());
        let response = management.clone().oneshot(request.expect("a request")).await.expect("an answer");
        let bytes = axum::body::to_bytes(response.into_body(), 1 << 20).await;
        bytes.expect("a body")
    };
    let status = async |path: &str| {
        let request = Request::get(path).header("authorization", format!("Bearer {secret}")).body(Body::empty());
        management.clone().oneshot(request.expect("a request")).await.expect("an answer").status().as_u16()
    };
    for route in doorward::http::routes::ROUTES.iter().filter(|route| !["/healthz", "/readyz"].contains(&route.path))
    {
        assert_eq!(status(route.path).await, 404, "{} on the management port", route.path);
    }
    for route in doorward::http::admin::ROUTES {
        assert_eq!(status(route.path).await, 404, "{} on the management port", route.path);
    }
    assert_eq!([status("/healthz").await, status("/readyz").await, status("/metrics").await], [200, 200, 200]);
    let verbose: serde_json::Value = serde_json::from_slice(&ask("/readyz?verbose").await).expect("JSON");
    assert_eq!((&verbose["ready"], &verbose["store_writable"]), (&json!(true), &json!(true)));
    house.door.drain();
    assert_eq!(status("/readyz?verbose").await, 503);
    let verbose: serde_json::Value = serde_json::from_slice(&ask("/readyz?verbose").await).expect("JSON");
    assert_eq!((&verbose["ready"], &verbose["serving"]), (&json!(false), &json!(false)));
}
