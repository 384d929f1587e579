//! Refresh over HTTP: lost replies, races, theft. The rule itself is exhausted in `doorward-core`.

use doorward_core::Lifetime;
use serde_json::json;

use super::house::{Answer, Ask, Ground, House};

fn ask(token: &str, key: &str) -> Ask {
    Ask::post("/v1/session/refresh").json(&json!({ "refresh_token": token, "attempt": key }))
}

fn key(number: usize) -> String {
    format!("attempt-key-number-{number:04}")
}

#[tokio::test]
async fn a_lost_reply_is_answered_with_the_same_token_however_late() {
    let house = House::memory().await;
    let token = house.sign_in("demo-hybrid", "body").await.text("refresh_token");
    let first = house.send(ask(&token, &key(1))).await.ok().text("refresh_token");
    for wait in [Lifetime::ZERO, Lifetime::from_secs(60), Lifetime::from_days(3)] {
        house.advance(wait);
        let again = house.send(ask(&token, &key(1))).await.ok().text("refresh_token");
        assert_eq!(again, first);
    }
    house.send(ask(&first, &key(2))).await.ok();
    house.advance(Lifetime::from_secs(11));
    house.send(ask(&token, &key(1))).await.expect(409, "refresh_superseded");
    house.send(ask(&first, &key(2))).await.ok();
}

#[tokio::test]
async fn a_stolen_token_ends_the_session_with_a_key_and_without() {
    for thief in [json!("a-thief-drew-this-key"), serde_json::Value::Null] {
        let house = House::memory().await;
        let signed_in = house.sign_in("demo-hybrid", "body").await;
        let token = signed_in.text("refresh_token");
        let mine = house.send(ask(&token, &key(1))).await.ok();
        let mut body = json!({ "refresh_token": token });
        if !thief.is_null() {
            body["attempt"] = thief;
        }
        house.send(Ask::post("/v1/session/refresh").json(&body)).await.expect(401, "refresh_reused");
        house.send(ask(&mine.text("refresh_token"), &key(2))).await.expect(401, "session_ended");
        let access = mine.text("access_token");
        house.send(Ask::get("/v1/session").bearer(&access)).await.expect(401, "token_revoked");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_sixteen_attempts_at_once_one_wins_and_the_session_ends() {
    for ground in [Ground::Memory, Ground::Sqlite] {
        for round in 0..20 {
            let house = std::sync::Arc::new(House::on(ground).await);
            let token = house.sign_in("demo-hybrid", "body").await.text("refresh_token");
            let volley: Vec<_> = (0..16)
                .map(|number| {
                    let (house, token) = (house.clone(), token.clone());
                    tokio::spawn(async move { house.send(ask(&token, &key(round * 100 + number))).await })
                })
                .collect();
            let mut answers = Vec::new();
            for task in volley {
                answers.push(task.await.expect("an answer"));
            }
            let won = answers.iter().filter(|answer| answer.status == 200).count();
            assert_eq!(won, 1, "{ground:?} {:?}", answers.iter().map(Answer::code).collect::<Vec<_>>());
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_sixteen_copies_of_one_attempt_all_get_the_same_token() {
    for ground in [Ground::Memory, Ground::Sqlite] {
        let house = std::sync::Arc::new(House::on(ground).await);
        let token = house.sign_in("demo-hybrid", "body").await.text("refresh_token");
        let volley: Vec<_> = (0..16)
            .map(|_| {
                let (house, token) = (house.clone(), token.clone());
                tokio::spawn(async move { house.send(ask(&token, &key(1))).await.ok().text("refresh_token") })
            })
            .collect();
        let mut tokens = std::collections::BTreeSet::new();
        for task in volley {
            tokens.insert(task.await.expect("an answer"));
        }
        assert_eq!(tokens.len(), 1);
    }
}

#[tokio::test]
async fn the_absolute_end_is_never_put_off() {
    let house = House::memory().await;
    let mut token = house.sign_in("demo-hybrid", "body").await.text("refresh_token");
    for day in 0..89 {
        house.advance(Lifetime::from_days(1));
        token = house.send(ask(&token, &key(day))).await.ok().text("refresh_token");
    }
    house.advance(Lifetime::from_days(1));
    house.send(ask(&token, &key(99))).await.expect(401, "refresh_expired");
}
