//! What is measured, a file for each question.

mod check;
mod flood;
mod peers;
mod refresh;
mod revocation;
mod size;
mod timing;
mod verify;

use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use clap::ValueEnum;

use crate::Trouble;
use crate::load::Outcome;
use crate::machine::Machine;
use crate::options::{Options, Row as Wanted};
use crate::peers::Parts;
use crate::report::{Line, Report, Row};
use crate::{comparison, process};

/// Keep-alive connections of the load.
const CONNECTIONS: usize = 64;

/// All rows, in the order in which they are measured. The last one needs package registries, and is not among the usual.
const ALL: [Wanted; 8] = [
    Wanted::Verify,
    Wanted::Check,
    Wanted::Refresh,
    Wanted::Flood,
    Wanted::Timing,
    Wanted::Size,
    Wanted::Revocation,
    Wanted::Peers,
];

/// Measures what is wanted, prints and saves it; gives whether that is a success.
pub(crate) fn run(options: &Options) -> Result<bool, Trouble> {
    let before = process::load_average();
    if options.quick {
        PATIENCE.store(0, Ordering::Relaxed);
    }
    let folder = match &options.folder {
        Some(folder) => tempfile::tempdir_in(folder)?,
        None => tempfile::tempdir()?,
    };
    // Whatever is missing for it is told now, and not after a quarter of an hour.
    let parts = options.wants(Wanted::Peers).then(|| Parts::prepare(&options.peers)).transpose()?;
    let mut facts = None;
    let mut rows: Vec<Row> = Vec::new();
    for wanted in ALL {
        if options.wants(wanted) {
            rows.push(match wanted {
                Wanted::Check => check::measure(options, folder.path())?,
                Wanted::Refresh => refresh::measure(options, folder.path())?,
                Wanted::Verify => verify::measure(options)?,
                Wanted::Flood => flood::measure(options, folder.path())?,
                Wanted::Timing => timing::measure(options, folder.path())?,
                Wanted::Size => size::measure(options, folder.path())?,
                Wanted::Revocation => revocation::measure(options, folder.path())?,
                Wanted::Peers => {
                    let parts = parts.as_ref().ok_or("nobody to compare with")?;
                    let (row, found) = peers::measured(options, folder.path(), parts);
                    facts = found;
                    row
                }
            });
        }
    }
    if let (Some(facts), Some((row, before))) = (&mut facts, rows.split_last_mut()) {
        facts.windows = comparison::windows(before);
        row.sheets = facts.sheets();
    }
    let report = Report {
        date: jiff::Timestamp::now().strftime("%Y-%m-%d").to_string(),
        machine: Machine::look(),
        chosen: chosen(options),
        quick: options.quick,
        parameters: parameters(options),
        load_average: [before, process::load_average()],
        rows,
    };
    println!("{}", report.markdown());
    if !options.no_save {
        println!("saved: {}", report.save()?.display());
    }
    if options.write_docs {
        let facts =
            facts.as_ref().ok_or("--write-docs writes the comparison with the peers: --full, or --rows peers")?;
        comparison::write_pages(facts, &report)?;
    }
    Ok(report.is_met() || !options.strict)
}

/// What a file of these rows is called by, so that the file of one row does not replace that of all.
fn chosen(options: &Options) -> String {
    let rows: Vec<Wanted> = ALL.into_iter().filter(|row| options.wants(*row)).collect();
    match rows[..] {
        [.., Wanted::Peers] if rows.len() == ALL.len() => return String::from("-full"),
        [.., last] if rows.len() == ALL.len() - 1 && last != Wanted::Peers => return String::new(),
        _ => {}
    }
    rows.iter().filter_map(ValueEnum::to_possible_value).map(|row| format!("-{}", row.get_name())).collect()
}

fn parameters(options: &Options) -> Vec<(String, String)> {
    let named = |name: &str, value: String| (name.to_owned(), value);
    vec![
        named("rounds", format!("{}, interleaved; figures are medians over them", options.rounds())),
        named("seconds of a run", options.seconds().to_string()),
        named(
            "load",
            format!("{CONNECTIONS} keep-alive connections on loopback, one thread in a process of its own"),
        ),
        named("servers", String::from("one process each, two worker threads, on the same cores as the load")),
        named("CPU", String::from("utime + stime of the server's process, from /proc")),
        named("sessions to check", options.sessions().to_string()),
        named("sessions to refresh", options.chains().to_string()),
    ]
}

/// Says on the error output what is going on.
fn tell(what: &str) {
    eprintln!("bench: {what}");
}

/// How often it may still be looked whether the machine is calm: for two minutes in all.
static PATIENCE: AtomicU32 = AtomicU32::new(480);

/// Waits until nothing else runs on the machine; measures anyway when patience has run out, and the load average in the
/// report will tell.
fn wait_for_calm() {
    let mut calm = 0;
    while PATIENCE.load(Ordering::Relaxed) > 0 {
        calm = if process::running() <= 1 { calm + 1 } else { 0 };
        if calm == 8 {
            return;
        }
        if calm == 0 && PATIENCE.fetch_sub(1, Ordering::Relaxed) == 1 {
            tell("the machine does other work too; the figures will be coarse");
        }
        thread::sleep(Duration::from_millis(250));
    }
}

/// Refuses figures of failed requests, and adds the good ones to a line.
fn note(line: &mut Line, outcome: &Outcome, cpu: f64) -> Result<(), Trouble> {
    if let Some(failure) = &outcome.failure {
        return Err(format!("{}: {} requests failed, the first with {failure}", line.name, outcome.failures).into());
    }
    line.cpu.push(cpu);
    line.rate.push(outcome.rate());
    line.p50.push(outcome.p50);
    line.p99.push(outcome.p99);
    Ok(())
}

fn line(name: &str) -> Line {
    Line { name: name.to_owned(), ..Line::default() }
}

/// One figure to another, round by round: what drifts in the machine drifts in both.
fn ratios(over: &[f64], under: &[f64]) -> Vec<f64> {
    over.iter().zip(under).map(|(over, under)| over / under).collect()
}
