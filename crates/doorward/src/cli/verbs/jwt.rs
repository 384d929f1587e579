//! `doorward jwt`: looking into a token, and verifying one as a service would.

use std::io::{self, Read};

use bytes::Bytes;
use doorward_verify::json::{Malformed, read_object};
use doorward_verify::keys::LONGEST_SET;
use doorward_verify::{KeySet, Rejection, Revocations, Scratch, TokenType, Verifier, base64url};
use http::Request;
use http_body_util::Full;
use serde_json::{Value, json};
use tokio::net::TcpStream;

use crate::cli::args::{Format, JwtVerb};
use crate::cli::exchange::exchange;
use crate::cli::out;
use crate::cli::stop::{Exit, Stop};
use crate::config::settled as config;
use crate::door::{Clock, SystemClock};

/// Runs the verb.
pub(in crate::cli) async fn run(verb: JwtVerb) -> Result<Exit, Stop> {
    match verb {
        JwtVerb::Decode { token, format } => decode(&read(token)?, format),
        JwtVerb::Verify { token, issuer, audience, format } => {
            let keys = fetch(&issuer).await?;
            Ok(verify(&read(token)?, &issuer, &audience, &keys, format))
        }
    }
}

/// More than any token we would look into.
const LONGEST: u64 = 1024 * 1024;

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
    out::error("NOT VERIFIED: anybody can write this. `doorward jwt verify` tells whether it is true.");
    let mut segments = token.split('.');
    let (Some(header), Some(payload), Some(_), None) =
        (segments.next(), segments.next(), segments.next(), segments.next())
    else {
        return Err(no_token("it has not three segments between two dots"));
    };
    let (header, payload) = (segment("header", header)?, segment("payload", payload)?);
    match format {
        Format::Json => out::json(&json!({ "header": header, "payload": payload })),
        Format::Table => {
            out::json(&header);
            out::json(&payload);
        }
    }
    Ok(Exit::Well)
}

fn segment(name: &str, text: &str) -> Result<Value, Stop> {
    let bytes = base64url::decode(text).ok_or_else(|| no_token(&format!("its {name} is not canonical base64url")))?;
    let value: Value =
        serde_json::from_slice(&bytes).map_err(|error| no_token(&format!("its {name} is no JSON: {error}")))?;
    // What is shown has lost repeated members and the like; whoever looks should know that they were there.
    let mut strict = bytes;
    if read_object::<Malformed>(&mut strict, |_, reader| reader.skip()).is_err() {
        out::error(&format!("the {name} is no JSON that Doorward would accept: not strict"));
    }
    Ok(value)
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
    let answer = exchange(stream, request, LONGEST_SET).await.map_err(lost)?;
    if answer.status != 200 {
        return Err(lost(format!("it answers {}", answer.status)));
    }
    KeySet::parse(&answer.body).map_err(|error| lost(error.to_string()))
}
