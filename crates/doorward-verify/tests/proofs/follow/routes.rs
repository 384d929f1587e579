//! The guard: who comes in, and what the others are told.

use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::{Request, Response};
use axum::{Router, routing::any};
use doorward_verify::follow::{Access, Follower};
use doorward_verify::layer::Guard;
use doorward_verify::{Claims, Cut, Lifetime, base64url};
use tower::ServiceExt as _;

use super::fake::{Fake, now, session_entry};

async fn who(access: Access) -> String {
    access.session_id.unwrap_or_default()
}

fn router(follower: &Follower) -> Router {
    let guard = || Guard::new(follower);
    Router::new()
        .route("/bounded", any(who).layer(guard()))
        .route("/eventual", any(who).layer(guard().eventual()))
        .route("/strict", any(who).layer(guard().strict()))
        .route("/pay", any(who).layer(guard().scope("read").scope("pay")))
        .route("/recent", any(who).layer(guard().recent(Lifetime::from_mins(5)).acr("1").acr("2")))
        .route("/acr", any(who).layer(guard().acr("3")))
        .route("/cookie", any(who).layer(guard().sessions_from("https://app.example")))
        .route("/asks", any(who).layer(guard().cut(Cut::Introspect)))
        .route("/forgotten", any(who))
}

struct Told {
    status: u16,
    code: String,
    body: String,
    challenge: String,
}

async fn ask(router: &Router, path: &str, headers: &[(&str, &str)]) -> Told {
    let mut request = Request::builder().method("POST").uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response: Response<Body> = router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let header = |name: &str| response.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
    let (status, challenge) = (response.status().as_u16(), header("www-authenticate").unwrap_or_default());
    assert_eq!(header("retry-after").is_some(), status == 503);
    let body = String::from_utf8(to_bytes(response.into_body(), 4096).await.unwrap().to_vec()).unwrap();
    let code = serde_json::from_str::<serde_json::Value>(&body).ok();
    let code = code.and_then(|json| json["code"].as_str().map(str::to_owned)).unwrap_or_default();
    Told { status, code, body, challenge }
}

fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}

#[tokio::test]
async fn a_route_lets_in_whom_it_should_and_tells_the_others_why() {
    let fake = Fake::start().await;
    let follower = fake.follower().await;
    let router = router(&follower);
    let token = bearer(&fake.token("ses_one"));
    let shown = [("authorization", token.as_str())];
    for path in ["/bounded", "/eventual", "/strict", "/asks"] {
        let told = ask(&router, path, &shown).await;
        assert_eq!((told.status, told.body.as_str()), (200, "ses_one"), "{path}");
        let told = ask(&router, path, &[]).await;
        assert_eq!((told.status, told.code.as_str(), told.challenge.as_str()), (401, "no_credentials", "Bearer"));
    }
    let forgotten = ask(&router, "/forgotten", &shown).await;
    assert_eq!((forgotten.status, forgotten.code.as_str()), (401, "no_credentials"), "a forgotten guard protects");
    let scope = ask(&router, "/pay", &shown).await;
    assert_eq!((scope.status, scope.code.as_str()), (403, "insufficient_scope"));
    assert!(scope.challenge.contains("scope=\"read pay\""), "{}", scope.challenge);
    fake.state().revoke(session_entry("ses_one"));
    let told = ask(&router, "/strict", &shown).await;
    assert_eq!((told.status, told.code.as_str()), (401, "token_revoked"));
    assert!(told.challenge.contains("invalid_token"), "{}", told.challenge);
    let garbage = ask(&router, "/bounded", &[("authorization", "Bearer x")]).await;
    assert_eq!((garbage.status, garbage.code.as_str()), (401, "token_invalid"));
}

#[tokio::test]
async fn a_step_up_is_asked_for_in_the_words_of_rfc_9470() {
    let fake = Fake::start().await;
    let follower = fake.follower().await;
    let router = router(&follower);
    let proved = |ago: i64| {
        let at = now();
        let head = fake.state().head();
        let claims = Claims {
            auth_time: Some(at - Lifetime::from_secs(ago)),
            issued_at: at,
            not_before: None,
            expires_at: at + Lifetime::from_mins(10),
            rv: Some(head),
            ..crate::signer::claims()
        };
        bearer(&fake.world.mint(doorward_verify::Algorithm::EdDsa, &claims))
    };
    assert_eq!(ask(&router, "/recent", &[("authorization", &proved(200))]).await.status, 200);
    let old = ask(&router, "/recent", &[("authorization", &proved(400))]).await;
    assert_eq!((old.status, old.code.as_str()), (401, "insufficient_user_authentication"));
    let expect = "Bearer error=\"insufficient_user_authentication\", acr_values=\"1 2\", max_age=\"300\"";
    assert_eq!(old.challenge, expect);
    let weak = ask(&router, "/acr", &[("authorization", &proved(0))]).await;
    assert_eq!(weak.challenge, "Bearer error=\"insufficient_user_authentication\", acr_values=\"3\"");
}

#[tokio::test]
async fn a_cookie_counts_where_it_is_taken_and_from_there_alone() {
    let fake = Fake::start().await;
    let follower = fake.follower().await;
    let router = router(&follower);
    let hash = base64url::encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &[1; 32]).as_ref());
    fake.state().sessions.insert(hash, "ses_one".to_owned());
    let secret = format!("dws_{}abcdef", base64url::encode(&[1; 32]));
    let cookie = format!("__Host-Http-dw_session={secret}");
    let told = ask(&router, "/cookie", &[("cookie", &cookie)]).await;
    assert_eq!((told.status, told.body.as_str()), (200, "ses_one"));
    assert_eq!(ask(&router, "/cookie", &[("authorization", &bearer(&secret))]).await.status, 200);
    assert_eq!(ask(&router, "/bounded", &[("cookie", &cookie)]).await.code, "no_credentials");
    let evil = [("cookie", cookie.as_str()), ("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")];
    assert_eq!(ask(&router, "/cookie", &evil).await.code, "cross_site");
    let app = [("cookie", cookie.as_str()), ("sec-fetch-site", "cross-site"), ("origin", "https://app.example")];
    assert_eq!(ask(&router, "/cookie", &app).await.status, 200);
    let unknown = format!("dws_{}abcdef", base64url::encode(&[2; 32]));
    assert_eq!(ask(&router, "/cookie", &[("authorization", &bearer(&unknown))]).await.code, "session_unknown");
}

#[tokio::test]
async fn a_cut_is_a_503_and_never_a_401() {
    let fake = Fake::start().await;
    let follower = fake.follower().await;
    let router = router(&follower);
    let token = bearer(&fake.token("ses_one"));
    let shown = [("authorization", token.as_str())];
    fake.set_gone(true);
    for _ in 0..200 {
        let told = ask(&router, "/bounded", &shown).await;
        if told.status != 200 {
            assert_eq!((told.status, told.code.as_str()), (503, "revocation_unknown"));
            for path in ["/strict", "/asks"] {
                assert_eq!(ask(&router, path, &shown).await.status, 503, "{path}");
            }
            assert_eq!(ask(&router, "/eventual", &shown).await.status, 200);
            return;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("it goes on trusting: {:?}", follower.metrics());
}

/// A service that is never ready.
#[derive(Clone)]
struct Busy;

impl tower::Service<axum::extract::Request> for Busy {
    type Response = axum::response::Response;
    type Error = std::convert::Infallible;
    type Future = std::future::Ready<Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Pending
    }

    fn call(&mut self, _: axum::extract::Request) -> Self::Future {
        std::future::ready(Ok(Response::new(Body::empty())))
    }
}

#[tokio::test]
async fn what_is_guarded_is_not_called_before_it_is_ready() {
    let fake = Fake::start().await;
    let follower = fake.follower().await;
    let mut guarded = tower::Layer::layer(&Guard::new(&follower), Busy);
    let mut context = Context::from_waker(std::task::Waker::noop());
    assert!(tower::Service::poll_ready(&mut guarded, &mut context).is_pending());
}
