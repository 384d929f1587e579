//! On which machine, and of which source, a measurement is.

use std::process::Command;

use doorward::measure::machine;
use serde::Serialize;

/// Where a measurement was made.
#[derive(Debug, Serialize)]
pub(crate) struct Machine {
    /// The processor, as it calls itself.
    pub(crate) cpu: String,
    /// How many cores.
    pub(crate) cores: usize,
    /// Memory in MiB.
    pub(crate) memory_mib: u64,
    /// The kernel.
    pub(crate) kernel: String,
    /// The compiler.
    pub(crate) rustc: String,
    /// The commit, with a plus if files differ from it.
    pub(crate) commit: String,
}

impl Machine {
    /// Looks around.
    pub(crate) fn look() -> Self {
        let machine::Machine { processor, cores, memory_mib, kernel, .. } = machine::Machine::look();
        let commit = said("git", &["rev-parse", "--short=12", "HEAD"]).unwrap_or_else(|| String::from("none"));
        let differs = said("git", &["status", "--porcelain"]).is_some_and(|files| !files.is_empty());
        Self {
            cpu: processor,
            cores,
            memory_mib,
            kernel,
            rustc: said("rustc", &["--version"]).unwrap_or_default(),
            commit: if differs { format!("{commit}+") } else { commit },
        }
    }

    /// A word for file names.
    pub(crate) fn slug(&self) -> String {
        let plain = |letter: char| if letter.is_ascii_alphanumeric() { letter.to_ascii_lowercase() } else { '-' };
        let slug: String = format!("{}x {}", self.cores, self.cpu).chars().map(plain).collect();
        slug.split('-').filter(|word| !word.is_empty() && *word != "r").collect::<Vec<_>>().join("-")
    }
}

/// What a program says, if it says anything.
fn said(program: &str, args: &[&str]) -> Option<String> {
    let output = Command::new(program).args(args).current_dir(env!("CARGO_MANIFEST_DIR")).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
