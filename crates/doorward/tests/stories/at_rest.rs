//! What a thief of the files gets: nothing to sign in with (RT6).

use doorward_core::base64url;
use serde_json::json;

use super::house::{Ask, Ground, House, PASSWORD};

/// The spellings a secret could be found in.
fn spellings(text: &str) -> Vec<Vec<u8>> {
    let body = &text[4..text.len() - 6];
    let bytes = base64url::decode(body).expect("base64url");
    // Of a refresh token only the MAC is secret; the rest names the session.
    let secret = &bytes[bytes.len() - 32..];
    let hex: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
    vec![text.as_bytes().to_vec(), body.as_bytes().to_vec(), secret.to_vec(), hex.into_bytes()]
}

#[tokio::test]
async fn the_files_hold_no_secret_in_any_spelling() {
    let house = House::on(Ground::Sqlite).await;
    let mut secrets = vec![PASSWORD.as_bytes().to_vec()];
    let session = house.sign_in("demo-session", "body").await;
    let hybrid = house.sign_in("demo-hybrid", "body").await;
    secrets.extend(spellings(&session.text("session_token")));
    let mut token = hybrid.text("refresh_token");
    for turn in 0..3 {
        secrets.extend(spellings(&token));
        let attempt = format!("attempt-key-number-{turn}");
        secrets.push(attempt.clone().into_bytes());
        let body = json!({ "refresh_token": token, "attempt": attempt });
        let answer = house.send(Ask::post("/v1/session/refresh").json(&body)).await.ok();
        secrets.push(answer.text("access_token").into_bytes());
        token = answer.text("refresh_token");
    }
    secrets.extend(spellings(&token));
    let files = house.files();
    let all: Vec<u8> = files.into_iter().flatten().collect();
    let holds = |needle: &[u8]| all.windows(needle.len()).any(|window| window == needle);
    assert!(holds(b"ada@example.test"), "the search finds what is there");
    for secret in &secrets {
        assert!(!holds(secret), "{}", String::from_utf8_lossy(secret));
    }
}
