//! What the operating system says about a process.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use doorward::measure::machine;

use crate::Trouble;

/// CPU time of a process so far, in microseconds: utime and stime, over all its threads, those that ended included.
pub(crate) fn cpu(id: u32) -> Result<u64, Trouble> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat"))?;
    // The name of the program, in parentheses, may contain anything.
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |place: usize| fields.get(place).and_then(|field| field.parse::<u64>().ok());
    let (Some(user), Some(system)) = (ticks(11), ticks(12)) else { return Err("/proc/ID/stat is unreadable".into()) };
    Ok((user + system) * 1_000_000 / rustix::param::clock_ticks_per_second())
}

/// Memory of a process in bytes: what is resident and its own. Pages of mapped files are not.
pub(crate) fn resident(id: u32) -> Result<u64, Trouble> {
    Ok(machine::resident(id).ok_or("no RssAnon in /proc/ID/status")?)
}

/// Waits until a process does nothing any more, half a minute at most; gives its CPU time then.
pub(crate) fn quiet(id: u32) -> Result<u64, Trouble> {
    let until = Instant::now() + Duration::from_secs(30);
    let mut before = cpu(id)?;
    let mut calm = 0;
    // Longer than the longest pause between two pieces of work that the server does behind its answers.
    while calm < 5 && Instant::now() < until {
        thread::sleep(Duration::from_millis(500));
        let now = cpu(id)?;
        calm = if now - before <= 10_000 { calm + 1 } else { 0 };
        before = now;
    }
    Ok(before)
}

/// How many processes want to run, on average over the last minute.
pub(crate) fn load_average() -> f64 {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split_whitespace().next().and_then(|first| first.parse().ok()).unwrap_or_default()
}

/// How many processes want to run right now, besides the one that asks.
pub(crate) fn running() -> u64 {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let running = text.split_whitespace().nth(3).and_then(|field| field.split('/').next()?.parse::<u64>().ok());
    running.unwrap_or(1).saturating_sub(1)
}
