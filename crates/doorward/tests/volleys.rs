//! Volleys: sixteen callers at once for everything that can be had once. One of them gets it.
//!
//! Over SQLite, because there the writer, the readers and the caches are all in it. `DOORWARD_LONG=1` plays ten thousand
//! rounds of each.

#![expect(clippy::disallowed_methods, reason = "a test may be told to run longer")]
#![expect(dead_code, reason = "what tests share has more than this one uses")]

mod house;

mod slow {
    use std::sync::Arc;

    use doorward::flows::keys;
    use doorward_core::audit::Actor;
    use doorward_core::client::Strategy;
    use doorward_core::key::{Purpose, Stage};
    use doorward_core::{Algorithm, Lifetime, Position, Scope};
    use serde_json::json;
    use tokio::sync::Barrier;

    use super::house::{ADA, Answer, Ask, Ground, House, PASSWORD};

    /// How many come at once.
    const CALLERS: usize = 16;
    /// After so many rounds they go to a new house: keys have small numbers, and a day has an end.
    const ROUNDS_IN_A_HOUSE: usize = 50;

    fn rounds() -> usize {
        if std::env::var_os("DOORWARD_LONG").is_some() { 10_000 } else { 12 }
    }

    /// Plays a round of something as often as is asked for.
    async fn play(what: &str, round: impl AsyncFn(&House, usize)) {
        let rounds = rounds();
        for first in (0..rounds).step_by(ROUNDS_IN_A_HOUSE) {
            let house = House::on(Ground::Sqlite).await;
            for number in first..rounds.min(first + ROUNDS_IN_A_HOUSE) {
                round(&house, number).await;
            }
        }
        println!("assure: rounds, {what} = {rounds}");
    }

    /// All of them ask at once.
    async fn volley(house: &House, ask: impl Fn(usize) -> Ask) -> Vec<Answer> {
        let start = Arc::new(Barrier::new(CALLERS));
        let callers: Vec<_> = (0..CALLERS)
            .map(|caller| {
                let (start, request, router) = (start.clone(), ask(caller).request(), house.router.clone());
                tokio::spawn(async move {
                    start.wait().await;
                    let response = tower::ServiceExt::oneshot(router, request).await;
                    Answer::read(response.expect("the router always answers")).await
                })
            })
            .collect();
        let mut answers = Vec::new();
        for caller in callers {
            answers.push(caller.await.expect("no panic"));
        }
        answers
    }

    /// One of the answers is good, and each of the others says this.
    #[track_caller]
    fn one_wins(answers: Vec<Answer>, others: &[(u16, &str)]) -> (usize, Answer) {
        let mut winner = None;
        for (caller, answer) in answers.into_iter().enumerate() {
            if answer.status.is_success() {
                assert!(winner.is_none(), "two won: {winner:?} and {answer:?}");
                winner = Some((caller, answer));
            } else {
                assert!(others.contains(&(answer.status.as_u16(), answer.code())), "{answer:?}");
            }
        }
        winner.expect("nobody won")
    }

    async fn refresh(house: &House, token: &str, attempt: &str) -> Answer {
        house
            .send(Ask::post("/v1/session/refresh").json(&json!({ "refresh_token": token, "attempt": attempt })))
            .await
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_refresh_token_has_one_successor_however_often_one_attempt_comes() {
        play("refresh, one attempt", async |house, _| {
            let token = house.sign_in("demo-hybrid", "body").await.text("refresh_token");
            let body = json!({ "refresh_token": token, "attempt": "the-one-attempt-of-all" });
            let answers = volley(house, |_| Ask::post("/v1/session/refresh").json(&body)).await;
            let successors: Vec<String> =
                answers.into_iter().map(|answer| answer.ok().text("refresh_token")).collect();
            assert!(successors.iter().all(|token| *token == successors[0]), "two successors");
            refresh(house, &successors[0], "the-attempt-after-that").await.ok();
        })
        .await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_refresh_token_turns_for_one_of_many_attempts_and_then_the_session_is_over() {
        play("refresh, many attempts", async |house, _| {
            let token = house.sign_in("demo-hybrid", "body").await.text("refresh_token");
            let ask = |caller: usize| {
                let body = json!({ "refresh_token": token, "attempt": format!("the-attempt-of-{caller:02}") });
                Ask::post("/v1/session/refresh").json(&body)
            };
            let over = [(401, "refresh_reused"), (401, "session_ended")];
            let (_, winner) = one_wins(volley(house, ask).await, &over);
            let next = refresh(house, &winner.text("refresh_token"), "the-attempt-after-that").await;
            next.expect(401, "session_ended");
        })
        .await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn an_access_token_is_exchanged_by_one() {
        play("exchange of an access token", async |house, _| {
            house.set_strategy("demo-jwt", Strategy::Jwt).await;
            let token = house.sign_in("demo-jwt", "body").await.text("access_token");
            house.advance(Lifetime::from_secs(5));
            house.set_strategy("demo-jwt", Strategy::Hybrid).await;
            let ask = |caller: usize| {
                let body = json!({ "attempt": format!("the-attempt-of-{caller:02}") });
                Ask::post("/v1/session/refresh").bearer(&token).json(&body)
            };
            let over = [(401, "refresh_reused"), (401, "session_ended"), (401, "token_revoked")];
            let (_, winner) = one_wins(volley(house, ask).await, &over);
            let next = refresh(house, &winner.text("refresh_token"), "the-attempt-after-that").await;
            next.expect(401, "session_ended");
        })
        .await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn what_a_guest_kept_goes_to_one_session() {
        play("upgrade of a guest", async |house, _| {
            // Whoever has a hundred sessions loses those used longest ago, and by a clock that stands none of them is.
            house.advance(Lifetime::from_secs(1));
            let guest = json!({ "guest": true, "client_id": "demo-session", "transport": "body" });
            let guest = house.send(Ask::post("/v1/sessions").json(&guest)).await.ok().text("session_token");
            house.send(Ask::put("/v1/session/data/cart?keep=true").bearer(&guest).json(&json!([1]))).await.ok();
            let body =
                json!({ "email": ADA, "password": PASSWORD, "client_id": "demo-session", "transport": "body" });
            let answers = volley(house, |_| Ask::post("/v1/sessions").bearer(&guest).json(&body)).await;
            let mut carts = 0;
            for answer in answers {
                let secret = answer.ok().text("session_token");
                let cart = house.send(Ask::get("/v1/session/data/cart").bearer(&secret)).await;
                carts += usize::from(cart.status.is_success());
            }
            assert_eq!(carts, 1, "what was kept is in one session");
            house.send(Ask::get("/v1/session").bearer(&guest)).await.expect(401, "session_ended");
        })
        .await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_version_of_session_data_is_replaced_by_one() {
        play("session data, If-Match", async |house, _| {
            let secret = house.sign_in("demo-session", "body").await.text("session_token");
            let path = "/v1/session/data/cart";
            let new = |caller: usize| {
                Ask::put(path).bearer(&secret).header("if-none-match", "*").json(&json!({ "made by": caller }))
            };
            let lost = [(412, "version_mismatch")];
            let (maker, made) = one_wins(volley(house, new).await, &lost);
            let version = made.headers["etag"].to_str().expect("text").to_owned();
            let found = house.send(Ask::get(path).bearer(&secret)).await.ok();
            assert_eq!(found.body, json!({ "made by": maker }));
            let set = |caller: usize| {
                Ask::put(path).bearer(&secret).header("if-match", &version).json(&json!({ "set by": caller }))
            };
            let (setter, _) = one_wins(volley(house, set).await, &lost);
            let found = house.send(Ask::get(path).bearer(&secret)).await.ok();
            assert_eq!(found.body, json!({ "set by": setter }));
        })
        .await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_password_is_changed_by_one() {
        play("password change", async |house, number| {
            let email = format!("ada-{number}@example.test");
            let account = json!({ "email": email, "password": PASSWORD });
            house.send(Ask::post("/v1/users").json(&account)).await.ok();
            let sign_in = |password: &str| {
                let body = json!({
                    "email": email, "password": password, "client_id": "demo-session", "transport": "body",
                });
                Ask::post("/v1/sessions").json(&body)
            };
            let secret = house.send(sign_in(PASSWORD)).await.ok().text("session_token");
            let new = |caller: usize| format!("violet-anchor-{caller:02}");
            let ask = |caller: usize| {
                let body = json!({ "current_password": PASSWORD, "new_password": new(caller) });
                Ask::put("/v1/user/password").bearer(&secret).json(&body)
            };
            let lost = [
                (401, "session_unknown"),
                (401, "session_ended"),
                (401, "invalid_credentials"),
                (403, "forbidden"),
                (409, "version_mismatch"),
                (429, "too_many_attempts"),
                (503, "overloaded"),
            ];
            let (winner, changed) = one_wins(volley(house, ask).await, &lost);
            house.send(Ask::get("/v1/session").bearer(&changed.text("session_token"))).await.ok();
            house.advance(Lifetime::from_hours(25));
            house.send(sign_in(&new(winner))).await.ok();
            house.send(sign_in(&new((winner + 1) % CALLERS))).await.expect(401, "invalid_credentials");
        })
        .await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn an_address_signs_up_once() {
        play("sign-up with one e-mail", async |house, number| {
            let email = format!("grace-{number}@example.test");
            let ask = |caller: usize| {
                let password = format!("violet-anchor-{caller:02}");
                Ask::post("/v1/users").json(&json!({ "email": email, "password": password }))
            };
            let lost = [(409, "email_taken"), (503, "overloaded")];
            let (winner, _) = one_wins(volley(house, ask).await, &lost);
            let password = format!("violet-anchor-{winner:02}");
            house.send(Ask::post("/v1/sessions").json(&json!({ "email": email, "password": password }))).await.ok();
        })
        .await;
    }

    /// Lines of the feed about one kind of thing since a place.
    async fn lines_since(house: &House, place: Position, scope: Scope) -> usize {
        let lines = house.door.directory().feed_after(place, 1_000).await.expect("lines");
        lines.iter().filter(|line| line.entry.scope == scope).count()
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_session_ends_once_whoever_asks() {
        play("end of one session", async |house, _| {
            let keeper = house.sign_in("demo-session", "body").await.text("session_token");
            let other = house.sign_in("demo-session", "body").await;
            let (id, secret) = (other.session_id(), other.text("session_token"));
            let place = house.door.cached().head();
            let path = format!("/v1/sessions/{id}");
            // Half of them from another device, half from the session itself.
            let ask = |caller: usize| match caller % 2 {
                0 => Ask::delete(&path).bearer(&keeper),
                _ => Ask::delete("/v1/session").bearer(&secret),
            };
            let answers = volley(house, ask).await;
            assert!(answers.iter().any(|answer| answer.status.is_success()), "{answers:?}");
            // After enough ends of one person within an hour it is said of the person.
            let of_session = lines_since(house, place, Scope::Session).await;
            let lines = of_session + lines_since(house, place, Scope::Subject).await;
            assert_eq!(lines, 1, "the feed says it once: {answers:?}");
            house.send(Ask::get("/v1/session").bearer(&secret)).await.expect(401, "session_ended");
            house.send(Ask::get("/v1/session").bearer(&keeper)).await.ok();
        })
        .await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_key_is_killed_once_and_one_signs_after_it() {
        play("kill of one key", async |house, _| {
            let purpose = Purpose::signing(Algorithm::Es256);
            let of = async |stage: Stage| {
                let keys = house.door.directory().keys().await.expect("keys");
                let of_stage = keys.into_iter().filter(|key| key.purpose == purpose && key.stage == stage);
                of_stage.map(|key| key.id).collect::<Vec<_>>()
            };
            let [id] = of(Stage::Active).await[..] else { panic!("one key signs") };
            let place = house.door.cached().head();
            let killers: Vec<_> = (0..CALLERS)
                .map(|_| {
                    let door = house.door.clone();
                    tokio::spawn(
                        async move { keys::kill(&door, id, true, Actor::Operator, &Default::default()).await },
                    )
                })
                .collect();
            let mut won = 0;
            for killer in killers {
                won += usize::from(killer.await.expect("no panic").is_ok_and(|changed| !changed.is_empty()));
            }
            assert_eq!(won, 1, "killed once");
            assert_eq!(lines_since(house, place, Scope::SigningKey).await, 1, "the feed says it once");
            let active = of(Stage::Active).await;
            assert_eq!(active.len(), 1, "one key signs");
            assert_ne!(active[0], id);
            assert!(!of(Stage::Published).await.is_empty(), "one stands by");
            let token = house.sign_in("demo-hybrid", "body").await.text("access_token");
            house.send(Ask::get("/v1/session").bearer(&token)).await.ok();
        })
        .await;
    }
}
