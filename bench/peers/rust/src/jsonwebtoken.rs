//! Verifies one token again and again with the crate `jsonwebtoken` over aws-lc-rs. Asked with: FOLDER. A line on stdin is
//! `{algorithm, seconds}`, the answer is `{calls, seconds}`.

use std::error::Error;
use std::fs;
use std::io::BufRead;
use std::path::Path;
use std::time::Instant;

use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use serde::Deserialize;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

type Trouble = Box<dyn Error + Send + Sync>;

#[derive(Deserialize)]
struct Given {
    issuer: String,
    audience: String,
    tokens: Vec<Token>,
}

#[derive(Deserialize)]
struct Token {
    algorithm: String,
    token: String,
    point: Option<[String; 2]>,
    secret: Vec<u8>,
}

#[derive(Deserialize)]
struct Question {
    algorithm: String,
    seconds: f64,
}

/// What a service reads of a token.
#[derive(Deserialize)]
struct Claims {
    sub: String,
    #[expect(dead_code, reason = "read, as a service reads it")]
    sid: Option<String>,
    #[expect(dead_code, reason = "read, as a service reads it")]
    client_id: Option<String>,
}

fn main() -> Result<(), Trouble> {
    let folder = std::env::args().nth(1).ok_or("FOLDER")?;
    let given: Given = serde_json::from_slice(&fs::read(Path::new(&folder).join("tokens.json"))?)?;
    for line in std::io::stdin().lock().lines() {
        let question: Question = serde_json::from_str(&line?)?;
        let token = given.tokens.iter().find(|token| token.algorithm == question.algorithm).ok_or("no token")?;
        let (key, algorithm) = match &token.point {
            Some([x, y]) => (DecodingKey::from_ec_components(x, y)?, Algorithm::ES256),
            None => (DecodingKey::from_secret(&token.secret), Algorithm::HS256),
        };
        let mut validation = Validation::new(algorithm);
        validation.set_issuer(&[&given.issuer]);
        validation.set_audience(&[&given.audience]);
        let since = Instant::now();
        let mut calls = 0_u64;
        while since.elapsed().as_secs_f64() < question.seconds {
            for _ in 0..32 {
                let claims = decode::<Claims>(&token.token, &key, &validation)?.claims;
                if !claims.sub.starts_with("usr_") {
                    return Err("another subject".into());
                }
            }
            calls += 32;
        }
        println!("{{\"calls\":{calls},\"seconds\":{}}}", since.elapsed().as_secs_f64());
    }
    Ok(())
}
