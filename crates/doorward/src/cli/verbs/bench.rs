//! `doorward bench`: what Doorward does on this machine, over a door of its own in a folder that is gone afterwards. Nothing
//! of a server that runs is touched.

mod progress;

use std::io;
use std::time::Duration;

use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};

use self::progress::Progress;
use crate::advice::configuration::ISSUER;
use crate::cli::args::{BenchArgs, Format};
use crate::cli::out;
use crate::cli::stop::{Exit, Stop};
use crate::config::{Mode, Raw, Settled, settle};
use crate::door::{Clock, SystemClock};
use crate::measure::figures::{Figure, Figures, Reading, number};
use crate::measure::machine::Machine;
use crate::measure::{Trouble, load, look_ups, quick};

/// So many sessions are weighed for each second there is, and so many at most.
const SESSIONS: usize = 2_000;
const SESSIONS_MOST: usize = 20_000;

/// Runs the verb. Whoever interrupts it finds nothing left behind.
pub(in crate::cli) async fn run(args: BenchArgs) -> Result<Exit, Stop> {
    let settled = settle(Raw::gather(&args.said(), Mode::Verb), Mode::Verb)?;
    let time = Duration::from_secs(args.seconds.into());
    // Listened to before there is anything to be left behind.
    let listened = [SignalKind::interrupt(), SignalKind::terminate()].map(signal);
    let unheard = |error: io::Error| Stop::new(Exit::Unreachable, format!("signals cannot be listened to: {error}"));
    let [interrupt, terminate] = listened;
    let (mut interrupt, mut terminate) = (interrupt.map_err(unheard)?, terminate.map_err(unheard)?);
    let interrupted = async {
        tokio::select! { _ = interrupt.recv() => {}, _ = terminate.recv() => {} }
    };
    let figures = tokio::select! {
        measured = measure(&settled, time) => measured.map_err(|trouble| Stop::new(Exit::Unreachable, trouble))?,
        () = interrupted => return Err(Stop::new(Exit::Negative, "interrupted before everything was measured")),
    };
    match args.format {
        Format::Json => out::json(&json!(figures)),
        Format::Table => tell(&figures),
    }
    Ok(Exit::Well)
}

async fn measure(settled: &Settled, time: Duration) -> Result<Figures, Trouble> {
    let (cost, threads) = (settled.hash_cost, settled.hash_threads);
    let progress = Progress::begin(time);
    let sessions = (time.as_secs() as usize * SESSIONS).min(SESSIONS_MOST);
    // First, as long as the memory of what came before is not in the way.
    progress.at("memory of sessions");
    let weight = load::weight(sessions, ISSUER).await?;
    progress.at("sizes, look-ups and signatures");
    let mut readings = quick::readings(time / 15, ISSUER).await?;
    readings.extend(look_ups::readings(ISSUER).await?);
    progress.at("sign-ins");
    readings.push(load::sign_ins(time * 3 / 10, cost, threads, ISSUER).await?);
    progress.at("revocations");
    readings.extend(load::revocations(time * 3 / 10, ISSUER).await?);
    let mut notes = vec![
        String::from(
            "in one process, without a network beyond loopback and without TLS; other work on the machine shows",
        ),
        String::from("times are medians of batches, one after the other on one core; bytes are exact"),
        format!("sign-ins: Argon2id with {} KiB and {} passes, {threads} at a time", cost.memory_kib, cost.passes),
        format!("revocations: each on the disk before its answer, {} at a time", load::REVOKERS),
        String::from("reads of the store are counted; the list of what is revoked is in memory and needs none"),
        String::from("the window begins with the answer to a revocation and ends when a service on loopback refuses"),
    ];
    match weight {
        Some(weight) => {
            readings.push(weight);
            notes.push(format!("memory: {sessions} sessions of guests, with all that grows beside them"));
        }
        None => notes.push(String::from("memory: this system does not say what a process holds")),
    }
    Ok(Figures::of(SystemClock.now(), Machine::look(), readings, notes))
}

fn tell(figures: &Figures) {
    out::line(&format!("Measured {} on {}\n", figures.measured_at, figures.machine.in_words()));
    let known = Figure::ALL.into_iter().filter_map(|figure| figures.reading(figure));
    let rows: Vec<_> = known.map(|reading| json!(row(reading))).collect();
    out::table(&["what", "median", "", "least … most", "repeats"], &rows, |row| {
        row.as_array().map(|cells| cells.iter().map(out::cell).collect()).unwrap_or_default()
    });
    out::line("");
    figures.notes.iter().for_each(|note| out::line(&format!("- {note}")));
}

/// What was measured once has no spread.
fn row(reading: &Reading) -> [String; 5] {
    let Reading { about, unit, median, least, most, repeats, .. } = reading;
    let spread = if least == most { String::new() } else { format!("{} … {}", number(*least), number(*most)) };
    [about.clone(), number(*median), unit.clone(), spread, repeats.to_string()]
}
