//! On which machine something was measured: without it a figure means nothing.

use std::fs;

use serde::{Deserialize, Serialize};

/// A machine, and the program that measured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// The processor, as it calls itself.
    pub processor: String,
    /// How many cores this process may use.
    pub cores: usize,
    /// Memory in MiB; 0 if the system does not say.
    pub memory_mib: u64,
    /// The kernel.
    pub kernel: String,
    /// The program's version.
    pub doorward: String,
    /// Was it built without optimization? Then times say nothing about what users meet.
    pub debug_build: bool,
}

impl Machine {
    /// Looks around.
    pub fn look() -> Self {
        let uname = rustix::system::uname();
        let total = line_of("/proc/meminfo", "MemTotal");
        let kib = total.and_then(|total| total.split_whitespace().next()?.parse::<u64>().ok());
        let unknown = || uname.machine().to_string_lossy().into_owned();
        Self {
            processor: line_of("/proc/cpuinfo", "model name").unwrap_or_else(unknown),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            memory_mib: kib.unwrap_or_default() / 1024,
            kernel: format!("{} {}", uname.sysname().to_string_lossy(), uname.release().to_string_lossy()),
            doorward: env!("CARGO_PKG_VERSION").to_owned(),
            debug_build: cfg!(debug_assertions),
        }
    }

    /// In a line.
    pub fn in_words(&self) -> String {
        let Self { processor, cores, memory_mib, kernel, doorward, debug_build } = self;
        let built = if *debug_build { ", built without optimization" } else { "" };
        format!("{processor}, {cores} cores, {memory_mib} MiB, {kernel}, doorward {doorward}{built}")
    }
}

/// Memory of a process in bytes: what is resident and its own, without pages of mapped files. `None` where the system does
/// not say.
pub fn resident(process: u32) -> Option<u64> {
    let own = line_of(&format!("/proc/{process}/status"), "RssAnon:")?;
    Some(own.split_whitespace().next()?.parse::<u64>().ok()? * 1024)
}

/// What stands behind a name and a colon.
fn line_of(file: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}
