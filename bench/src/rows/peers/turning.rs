//! Refreshing with rotation, and introspection, over HTTP: Doorward with everything on the disk before its answer,
//! oidc-provider with everything in memory.

use std::fs;
use std::path::Path;

use super::{Asked, CONNECTIONS, Extent, is_here, load, made, note, tell, text, wait_for_calm};
use crate::Trouble;
use crate::caller::Line as Caller;
use crate::child::Started;
use crate::comparison::Facts;
use crate::load::{Asks, Errand, HOLE, LENGTH, Outcome};
use crate::peers::{Parts, Peer};
use crate::report::Row;
use crate::rows::line;
use crate::seed::{ACCESS, HYBRID, TOKENS};
use crate::servers::Ready;

/// Sessions that turn: one of Doorward's may turn 16 times in ten seconds and no more.
pub(super) const CHAINS: u64 = 10_000;
/// Tokens that Doorward is asked about.
const ASKED: usize = 256;

/// Measures.
pub(super) fn measure(
    extent: &Extent,
    folder: &Path,
    parts: &Parts,
    row: &mut Row,
    facts: &mut Facts,
) -> Result<(), Trouble> {
    if !is_here(parts, Peer::OidcProvider) {
        return Ok(());
    }
    tell("peers: filling Doorward and oidc-provider for refreshing");
    let (door, mut refreshing) = doorward(folder)?;
    let (provider, theirs) = oidc_provider(folder, parts)?;
    // Nothing is remembered yet of a session that turns for the first time.
    let Asked { port, process, .. } = refreshing[0];
    let once =
        Errand { port, process, connections: CONNECTIONS, seconds: f64::MAX, asks: Asks::Refresh { once: true } };
    let walked: Outcome = refreshing[0].load.ask(&once)?;
    note(&mut line("the first turns"), &walked, 0.0)?;
    refreshing.extend(theirs);
    for asked in &mut refreshing[1..] {
        let outcome = asked.ask(extent.seconds)?;
        note(&mut line(&asked.line.name), &outcome, 0.0)?;
    }
    for round in 0..extent.rounds {
        tell(&format!("peers: refreshing, round {} of {}", round + 1, extent.rounds));
        wait_for_calm();
        for asked in &mut refreshing {
            asked.turn(extent.seconds)?;
        }
    }
    for asked in refreshing {
        facts.turns.push(asked.way());
        row.lines.extend(asked.lines());
    }
    row.notes.push(String::from(
        "refreshing: both rotate, refuse reuse and sign an access token with ES256; Doorward's turn is on the disk before \
         its answer (synchronous=FULL), oidc-provider keeps everything in memory",
    ));
    row.notes.push(String::from(
        "introspection: Doorward verifies an ES256 token and looks its session up, oidc-provider looks an opaque token up; \
         both authenticate who asks",
    ));
    facts.refresh = refresh_token(folder)?;
    door.end()?;
    provider.end()
}

/// A server of ours, and who asks it: to refresh, and about tokens.
fn doorward(folder: &Path) -> Result<(Started, Vec<Asked>), Trouble> {
    let folder = made(folder, "hybrid")?;
    let sessions = (CHAINS + ASKED as u64).to_string();
    let words = ["serve-doorward", text(&folder)?, "--sessions", &sessions, "--hybrid", "--verifier"];
    let mut server = Started::start(&words)?;
    let Ready { port, .. } = server.hear()?;
    // The last sessions are those whose tokens are asked about; nobody turns them again.
    let list = fs::read_to_string(folder.join(TOKENS))?;
    let tokens: Vec<&str> = list.lines().collect();
    let (turned, asked) = tokens.split_at(tokens.len() - ASKED);
    let mut caller = Caller::open(port)?;
    let mint = |(number, token): (usize, &&str)| {
        let body =
            format!(r#"{{"refresh_token":"{token}","client_id":"{HYBRID}","attempt":"bench-peers-{number:018}"}}"#);
        let answer = caller.ask("POST", "/v1/session/refresh", "", &[("application/json", &body)])?;
        answer["access_token"].as_str().map(str::to_owned).ok_or_else(|| "an answer without a token".into())
    };
    let access = asked.iter().enumerate().map(mint).collect::<Result<Vec<_>, Trouble>>()?;
    fs::write(folder.join(ACCESS), access.join("\n"))?;
    fs::write(folder.join(TOKENS), turned.join("\n"))?;
    let at = (server.id(), port);
    let mut all = Vec::new();
    for (name, asks) in [
        ("refresh: Doorward, on the disk", Asks::Refresh { once: false }),
        ("introspection: Doorward", Asks::Introspect),
    ] {
        all.push(Asked::new(name, at, Started::start(&["load", text(&folder)?])?, asks));
    }
    Ok((server, all))
}

/// The same of oidc-provider.
fn oidc_provider(folder: &Path, parts: &Parts) -> Result<(Started, Vec<Asked>), Trouble> {
    let folder = made(folder, "oidc-provider")?;
    let mut server = parts.start(Peer::OidcProvider, "server.mjs", &[text(&folder)?, &CHAINS.to_string()])?;
    let Ready { port, .. } = server.hear().map_err(|trouble| format!("oidc-provider: {trouble}"))?;
    let head = |path: &str, more: &str| {
        format!(
            "POST {path} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\nuser-agent: doorward-bench\r\naccept: \
             application/json\r\n{more}content-type: application/x-www-form-urlencoded\r\ncontent-length: \
             {LENGTH}\r\n\r\n"
        )
    };
    let turn = head("/token", "") + &format!("grant_type=refresh_token&client_id={HYBRID}&refresh_token={HOLE}");
    let basic = "authorization: Basic YmVuY2gtYXBpOmJlbmNoLWFwaS1zZWNyZXQ=\r\n";
    let ask = head("/token/introspection", basic) + &format!("token={HOLE}");
    let asking = made(&folder, "asking")?;
    fs::copy(folder.join(crate::load::HELD), asking.join(crate::load::HELD))?;
    let at = (server.id(), port);
    let turning = load(&folder, &turn, "refresh_token")?;
    let asking = load(&asking, &ask, r#""active":true"#)?;
    let named = |name: &str, load, asks| Asked::new(name, at, load, asks);
    let all = vec![
        named("refresh: oidc-provider, in memory", turning, Asks::Turn),
        named("introspection: oidc-provider, in memory", asking, Asks::Held { seed: 0x5eed, store: None }),
    ];
    Ok((server, all))
}

/// How many bytes one of ours has.
fn refresh_token(folder: &Path) -> Result<usize, Trouble> {
    let list = fs::read_to_string(folder.join("hybrid").join(TOKENS))?;
    Ok(list.lines().next().ok_or("no tokens")?.len())
}
