//! `POST /v1/session/refresh` over loopback, each on the disk before its answer, against the bare UPDATE.

use std::fs;
use std::path::Path;

use super::{CONNECTIONS, line, note, ratios, tell, wait_for_calm};
use crate::Trouble;
use crate::child::Started;
use crate::figures::median;
use crate::load::{Asks, Errand, Outcome};
use crate::options::Options;
use crate::report::{Row, Verdict};
use crate::servers::{Ready, Spell, Turned};

/// What part of the bare rate there shall be.
const RATE: f64 = 0.6;
/// What a refresh may cost, in microseconds of CPU time.
const COST: f64 = 100.0;

/// Measures.
pub(super) fn measure(options: &Options, folder: &Path) -> Result<Row, Trouble> {
    let (bare, door) = (folder.join("bare"), folder.join("refresh"));
    fs::create_dir(&bare)?;
    fs::create_dir(&door)?;
    let (bare, door) = (bare.to_str().ok_or("a strange folder")?, door.to_str().ok_or("a strange folder")?);
    let chains = options.chains().to_string();
    tell(&format!("refresh: filling two databases with {chains} sessions each"));
    for folder in [bare, door] {
        let args = ["serve-doorward", folder, "--sessions", &chains, "--hybrid", "--only-fill"];
        let mut filler = Started::start(&args)?;
        filler.hear::<Ready>()?;
        filler.end()?;
    }
    let mut update = Started::start(&["bare-update", bare])?;
    let mut server = Started::start(&["serve-doorward", door, "--sessions", &chains, "--hybrid"])?;
    let ready: Ready = server.hear()?;
    let mut load = Started::start(&["load", door])?;
    let (mut bare, mut doorward) = (line("bare UPDATE, 64 a transaction"), line("doorward, 64 clients"));
    for round in 0..options.rounds() {
        tell(&format!("refresh: round {} of {}", round + 1, options.rounds()));
        wait_for_calm();
        let turned: Turned = update.ask(&Spell(options.seconds()))?;
        bare.cpu.push(turned.cpu as f64 / turned.turns as f64);
        bare.rate.push(turned.turns as f64 / turned.seconds);
        let errand = Errand {
            port: ready.port,
            process: server.id(),
            connections: CONNECTIONS,
            seconds: options.seconds(),
            asks: Asks::Refresh,
        };
        let outcome: Outcome = load.ask(&errand)?;
        note(&mut doorward, &outcome, outcome.cpu_each())?;
    }
    let rate = median(&ratios(&doorward.rate, &bare.rate));
    let verdicts = vec![
        Verdict::at_least("refreshes per second / bare UPDATEs per second", rate, RATE),
        Verdict::at_most("CPU per refresh, µs", median(&doorward.cpu), COST),
    ];
    Ok(Row {
        title: format!("POST /v1/session/refresh, {chains} hybrid sessions, synchronous=FULL, ES256"),
        notes: vec![
            String::from("transport body, attempt keys, full history of 16 turns in every row, before and behind"),
            String::from(
                "each client turns its own chains one after the other: a chain may turn 16 times in 10 seconds",
            ),
            String::from("the bare UPDATE is the store's own, on a database that the store made, in one thread"),
        ],
        lines: vec![bare, doorward],
        verdicts,
    })
}
