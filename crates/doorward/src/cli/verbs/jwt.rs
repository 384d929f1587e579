//! `doorward jwt`: looking into a token, and verifying one as a service would.

use std::io::{self, Read};
use std::time::Duration;

use bytes::Bytes;
use doorward_verify::keys::LONGEST_SET;
use doorward_verify::{KeySet, Rejection, Revocations, Scratch, TokenType, Verifier};
use http::Request;
use http_body_util::Full;
use serde_json::{Value, json};
use tokio::net::TcpStream;

use super::check::tell_findings;
use crate::checks::tokens::{self, Decoded};
use crate::cli::args::{Format, JwtVerb};
use crate::cli::exchange::exchange;
use crate::cli::out;
use crate::cli::stop::{Exit, Stop};
use crate::config::settled as config;
use crate::door::{Clock, SystemClock};
use crate::http::admin::checks::FindingBody;

/// Runs the verb.
pub(in crate::cli) async fn run(verb: JwtVerb) -> Result<Exit, Stop> {
    match verb {
        JwtVerb::Decode { token, format } => decode(&read(token)?, format),
        JwtVerb::Lint { token, format } => lint(&read(token)?, format),
        JwtVerb::Verify { token, issuer, audience, format } => {
            let keys = fetch(&issuer).await?;
            Ok(verify(&read(token)?, &issuer, &audience, &keys, format))
        }
    }
}

/// More than any token we would look into.
const LONGEST: u64 = 1024 * 1024;
/// An issuer has its keys at hand.
const WITHIN: Duration = Duration::from_secs(30);

fn read(token: String) -> Result<String, Stop> {
    if token != "-" {
        return Ok(token);
    }
    let mut text = String::new();
    let read = io::stdin().lock().take(LONGEST).read_to_string(&mut text);
    read.map_err(|error| Stop::new(Exit::Usage, format!("the token could not be read from stdin: {error}")))?;
    Ok(text.trim().to_owned())
}

fn decode(token: &str, format: Format) -> Result<Exit, Stop> {
    let Decoded { header, payload, .. } = taken_apart(token)?;
    match format {
        Format::Json => out::json(&json!({ "header": header, "payload": payload })),
        Format::Table => {
            out::json(&header);
            out::json(&payload);
        }
    }
    Ok(Exit::Well)
}

fn lint(token: &str, format: Format) -> Result<Exit, Stop> {
    let decoded = taken_apart(token)?;
    let found = tokens::look(&decoded, token.len(), SystemClock.now());
    Ok(tell_findings(found.into_iter().map(|finding| json!(FindingBody::of(finding))).collect(), format))
}

/// A token that nobody has verified, and that is said to be so.
fn taken_apart(token: &str) -> Result<Decoded, Stop> {
    out::error("NOT VERIFIED: anybody can write this. `doorward jwt verify` tells whether it is true.");
    let decoded = tokens::decode(token).map_err(|why| no_token(&why))?;
    for (is_loose, name) in decoded.is_loose.iter().zip(["header", "payload"]) {
        if *is_loose {
            out::error(&format!("the {name} is no JSON that Doorward would accept: not strict"));
        }
    }
    Ok(decoded)
}

fn no_token(why: &str) -> Stop {
    Stop::new(Exit::Negative, format!("this is no JWT: {why}"))
        .advise("a token is header.payload.signature; session and refresh tokens (dws_, dwr_) are none")
}

fn verify(token: &str, issuer: &str, audiences: &[String], keys: &KeySet, format: Format) -> Exit {
    let (first, more) = match audiences.split_first() {
        Some((first, more)) => (first.as_str(), more),
        None => (issuer, &[][..]),
    };
    let verifier = more.iter().fold(Verifier::new(issuer, first, TokenType::AccessToken), |verifier, audience| {
        verifier.with_audience(audience)
    });
    let mut scratch = Scratch::new();
    let verdict = verifier.verify(token, keys, &Revocations::new(), SystemClock.now(), &mut scratch);
    match verdict {
        Ok(verified) => {
            let mut text = Vec::new();
            verified.claims.write(&mut text);
            let claims: Value = serde_json::from_slice(&text).unwrap_or_default();
            match format {
                Format::Json => out::json(&json!({ "valid": true, "kid": verified.kid(), "claims": claims })),
                Format::Table => {
                    out::line(&format!("valid, signed by {}", verified.kid()));
                    out::json(&claims);
                }
            }
            out::error("note: revocation was not asked; a service that follows the feed knows more");
            Exit::Well
        }
        Err(rejection) => {
            tell_rejection(rejection, format);
            Exit::Negative
        }
    }
}

fn tell_rejection(rejection: Rejection, format: Format) {
    match format {
        Format::Json => out::json(&json!({ "valid": false, "reason": rejection.code() })),
        Format::Table => out::line(&format!("invalid {}: {rejection}", rejection.code())),
    }
}

/// The public keys of an issuer.
async fn fetch(issuer: &str) -> Result<KeySet, Stop> {
    config::issuer(issuer).map_err(|why| Stop::new(Exit::Usage, format!("{issuer} is no issuer: {why}")))?;
    let Some(authority) = issuer.strip_prefix("http://") else {
        let what = format!("{issuer} cannot be asked: this program speaks no TLS yet");
        let advice = "verify on the issuer's own machine, through its http:// address on loopback";
        return Err(Stop::new(Exit::Unreachable, what).advise(advice));
    };
    let url = format!("{issuer}/.well-known/jwks.json");
    let lost = |why: String| {
        Stop::new(Exit::Unreachable, format!("the keys at {url} cannot be had: {why}"))
            .advise("is the issuer running?")
    };
    let has_port = authority.contains(':') && !authority.ends_with(']');
    let address = if has_port { authority.to_owned() } else { format!("{authority}:80") };
    let stream = TcpStream::connect(&address).await.map_err(|error| lost(error.to_string()))?;
    let request = Request::get("/.well-known/jwks.json").header("host", authority).body(Full::new(Bytes::new()));
    let request = request.map_err(|error| lost(error.to_string()))?;
    let answer = exchange(stream, request, LONGEST_SET, WITHIN).await.map_err(lost)?;
    if answer.status != 200 {
        return Err(lost(format!("it answers {}", answer.status)));
    }
    KeySet::parse(&answer.body).map_err(|error| lost(error.to_string()))
}
