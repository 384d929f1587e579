//! Verifying a token, in process: one token again and again on one thread, signature and claims, by the CPU time that the
//! operating system counts for the process.

use std::fs;
use std::path::Path;

use doorward_verify::{Algorithm, Timestamp};
use serde_json::json;

use super::{Extent, is_here, line, made, tell, text, wait_for_calm, way};
use crate::Trouble;
use crate::child::Started;
use crate::comparison::Facts;
use crate::peers::{Parts, Peer};
use crate::process;
use crate::report::{Line, Row};
use crate::servers::{Again, Verified};
use crate::tokens::Token;

/// The algorithms that all of them have.
const ALGORITHMS: [Algorithm; 2] = [Algorithm::Es256, Algorithm::Hs256];

/// Somebody who verifies in one way.
struct Verifying {
    whose: usize,
    algorithm: Algorithm,
    again: Again,
    line: Line,
}

/// Measures.
pub(super) fn measure(
    extent: &Extent,
    folder: &Path,
    parts: &Parts,
    row: &mut Row,
    facts: &mut Facts,
) -> Result<(), Trouble> {
    tell("peers: verifying tokens");
    let folder = made(folder, "tokens")?;
    let now = Timestamp::from_millis(jiff::Timestamp::now().as_millisecond());
    let [es256, hs256] = write(&folder, now)?;
    facts.tokens_of = [es256, hs256];
    let mut processes = vec![Started::start(&["verify-tokens"])?];
    let mut all = Vec::new();
    let mut add = |whose, name: &str, algorithm: Algorithm, again| {
        let line = line(&format!("{name}, {}", algorithm.name()));
        all.push(Verifying { whose, algorithm, again, line });
    };
    for algorithm in ALGORITHMS {
        add(0, "doorward-verify", algorithm, Again { parsed: true, remembered: false });
    }
    let remembered = Again { parsed: true, remembered: true };
    add(0, "doorward-verify, a token seen before", Algorithm::Es256, remembered);
    for (peer, what, name) in [
        (Peer::JsonwebtokenRs, "jsonwebtoken-peer", "the crate jsonwebtoken"),
        (Peer::Jsonwebtoken, "verify.mjs", "jsonwebtoken for Node"),
    ] {
        if !is_here(parts, peer) {
            continue;
        }
        processes.push(parts.start(peer, what, &[text(&folder)?])?);
        let whose = processes.len() - 1;
        for algorithm in ALGORITHMS {
            add(whose, name, algorithm, Again { parsed: true, remembered: false });
        }
        if peer == Peer::Jsonwebtoken {
            for (algorithm, kept) in ALGORITHMS.into_iter().zip(["PEM", "text"]) {
                let name = format!("{name}, its key as {kept}");
                add(whose, &name, algorithm, Again { parsed: false, remembered: false });
            }
        }
    }
    wait_for_calm();
    // The first round is thrown away: compilers at work.
    for round in 0..=extent.rounds {
        for one in &mut all {
            let seconds = extent.seconds / 4.0;
            let (cpu, verified) = one.ask(&mut processes[one.whose], seconds, now)?;
            if round > 0 {
                one.line.cpu.push(cpu as f64 / verified.calls as f64);
                one.line.rate.push(verified.calls as f64 / verified.seconds);
            }
        }
    }
    facts.tokens = all.iter().map(|one| way(&one.line, &[])).collect();
    row.lines.extend(all.into_iter().map(|one| one.line));
    row.notes.push(String::from(
        "verifying: signature, exp, iss and aud everywhere; doorward-verify also typ, nbf, the shape of every claim, and \
         whether it is revoked (1000 entries)",
    ));
    Ok(())
}

impl Verifying {
    fn ask(&self, process: &mut Started, seconds: f64, now: Timestamp) -> Result<(u64, Verified), Trouble> {
        let question = json!({
            "algorithm": self.algorithm.name(),
            "parsed": self.again.parsed,
            "remembered": self.again.remembered,
            "seconds": seconds,
            "now": now.millis(),
        });
        let before = process::cpu(process.id())?;
        let verified: Verified =
            process.ask(&question).map_err(|trouble| format!("{}: {trouble}", self.line.name))?;
        Ok((process::cpu(process.id())? - before, verified))
    }
}

/// Writes what is verified; gives the lengths.
fn write(folder: &Path, now: Timestamp) -> Result<[usize; 2], Trouble> {
    let minted = ALGORITHMS.map(|algorithm| Token::mint_at(algorithm, now));
    let [Some(es256), Some(hs256)] = minted else { return Err("no token".into()) };
    let each = [&es256, &hs256].into_iter().zip(ALGORITHMS).map(|(token, algorithm)| {
        let (point, secret) = token.key();
        json!({ "algorithm": algorithm.name(), "token": token.text(), "point": point, "secret": secret })
    });
    let [issuer, audience] = Token::names();
    let all = json!({ "issuer": issuer, "audience": audience, "tokens": each.collect::<Vec<_>>() });
    fs::write(folder.join("tokens.json"), serde_json::to_vec(&all)?)?;
    Ok([es256.bytes(), hs256.bytes()])
}
