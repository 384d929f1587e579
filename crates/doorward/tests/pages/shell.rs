//! A page's commands, run in order in one shell, in a place of their own.
//!
//! What differs from a reader's machine, and nothing else does:
//!
//! - every number from 8400 to 8499 stands for a free port, the same one throughout a page;
//! - folders that belong to a machine (`/etc/doorward`, `/var/lib/doorward` …) lie below the place;
//! - what `cargo` would build has been built, what it would test is tested by whoever runs this, and `doorward` on the
//!   path is the program under test;
//! - a command that serves, and would keep a reader's terminal, goes on in the background.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};
use tempfile::TempDir;

use super::blocks::{Step, is_like};

/// For one page, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// Folders of a machine, which a test has below its place.
const OF_A_MACHINE: [&str; 4] = ["/etc/doorward", "/etc/systemd", "/var/lib/doorward", "/var/backups/doorward"];

/// What the shell knows before the page begins.
const PROLOGUE: &str = r#"set -o pipefail
curl() { command curl -w '%{stderr}\n%{http_code}\n' "$@"; }
served() { for _ in $(seq 600); do grep -qs '^ready ' "$1" && return; sleep 0.1; done; echo 'nobody is ready'; return 1; }
"#;

/// What stands for `cargo`.
const CARGO: &str = r#"#!/bin/sh
case "$*" in
    "run --release -- "*) shift 3; exec doorward "$@" ;;
    "xtask "*) grep -q "^        \"$2\" =>" xtask/src/main.rs ;;
    "test -p doorward --test "*) test -f "crates/doorward/tests/$5.rs" ;;
    "test --release -p doorward --test "*) test -f "crates/doorward/tests/$6.rs" ;;
    "install --locked --path crates/doorward") test -f crates/doorward/src/main.rs ;;
    "build --release -p example-api") test -f examples/api/Cargo.toml ;;
    *) echo "no page may have built: cargo $*" >&2; exit 64 ;;
esac
"#;

/// Where a page is run.
pub(crate) struct Place {
    folder: TempDir,
    ports: BTreeMap<u16, u16>,
}

impl Place {
    pub(crate) fn new(root: &Path) -> Self {
        let folder = tempfile::tempdir().expect("a place");
        let (bin, here) = (folder.path().join("bin"), folder.path().join("here"));
        for made in [&bin, &here, &here.join("target/release"), &folder.path().join("out")] {
            fs::create_dir_all(made).expect("a folder");
        }
        for own in OF_A_MACHINE {
            fs::create_dir_all(below(folder.path(), own).parent().expect("a parent")).expect("a folder");
        }
        let program = Path::new(env!("CARGO_BIN_EXE_doorward"));
        symlink(program, bin.join("doorward")).expect("a link");
        for example in ["ten-lines", "example-api"] {
            symlink(program.with_file_name(example), here.join("target/release").join(example)).expect("a link");
        }
        for entry in ["crates", "examples", "docs", "bench", "conformance", "xtask"] {
            symlink(root.join(entry), here.join(entry)).expect("a link");
        }
        let cargo = bin.join("cargo");
        fs::write(&cargo, CARGO).expect("a script");
        fs::set_permissions(&cargo, fs::Permissions::from_mode(0o755)).expect("a script");
        Self { folder, ports: BTreeMap::new() }
    }

    /// The working folder of the page's commands.
    pub(crate) fn here(&self) -> PathBuf {
        self.folder.path().join("here")
    }

    /// The free port that stands for one of a page.
    pub(crate) fn port(&mut self, shown: u16) -> u16 {
        *self.ports.entry(shown).or_insert_with(free_port)
    }

    /// A text of a page as it holds here.
    pub(crate) fn translated(&mut self, text: &str) -> String {
        let mut told = String::new();
        let mut rest = text;
        while let Some(at) = rest.find("84") {
            let (before, from) = rest.split_at(at);
            told += before;
            let digits = from.bytes().take_while(u8::is_ascii_digit).count();
            let apart = !before.ends_with(|letter: char| letter.is_ascii_alphanumeric());
            let ends = !from[digits..].starts_with(|letter: char| letter.is_ascii_alphanumeric());
            match from[..digits].parse() {
                Ok(shown) if digits == 4 && apart && ends => told += &self.port(shown).to_string(),
                _ => told += &from[..digits],
            }
            rest = &from[digits..];
        }
        told += rest;
        for own in OF_A_MACHINE {
            told = told.replace(own, &below(self.folder.path(), own).display().to_string());
        }
        told
    }

    /// Runs the commands and compares; the text is what did not go as the page says.
    pub(crate) fn run(&mut self, steps: &[Step]) -> Result<(), String> {
        let mut script = String::from(PROLOGUE);
        let out = self.folder.path().join("out");
        for (number, step) in steps.iter().enumerate() {
            let mut command = self.translated(&step.command);
            let file = out.join(number.to_string()).display().to_string();
            let serves = keeps_the_terminal(&command);
            if serves {
                command = format!("{} &\n", command.split("  #").next().unwrap_or_default().trim_end());
            }
            writeln!(script, "{{ {command}}} >{file}.out 2>{file}.err; code=$?; echo $code >{file}.code")
                .expect("text");
            if serves {
                writeln!(script, "served {file}.out || exit 1").expect("text");
            }
            writeln!(script, "[ $code = {} ] || exit 1", step.expected.code).expect("text");
        }
        let path = self.folder.path().join("page.sh");
        fs::write(&path, script).expect("a script");
        self.run_script(&path)?;
        for (number, step) in steps.iter().enumerate() {
            self.compare(&out.join(number.to_string()), step)?;
        }
        Ok(())
    }

    fn run_script(&mut self, script: &Path) -> Result<(), String> {
        let mut bash = Command::new("bash");
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("DOORWARD_") {
                bash.env_remove(name);
            }
        }
        let path = std::env::var("PATH").unwrap_or_default();
        bash.arg(script).current_dir(self.here()).env("HOME", self.folder.path());
        bash.env("PATH", format!("{}:{path}", self.folder.path().join("bin").display()));
        bash.env("DOORWARD_LISTEN", format!("127.0.0.1:{}", self.port(8420)));
        bash.env("DOORWARD_MANAGEMENT_LISTEN", format!("127.0.0.1:{}", self.port(8421)));
        let mut bash = bash.stdin(Stdio::null()).process_group(0).spawn().map_err(|error| error.to_string())?;
        let group = Pid::from_child(&bash);
        let start = Instant::now();
        let verdict = loop {
            match bash.try_wait() {
                Ok(Some(_)) => break Ok(()),
                Ok(None) if start.elapsed() < PATIENCE => std::thread::sleep(Duration::from_millis(5)),
                Ok(None) => break Err(format!("not at its end after {PATIENCE:?}")),
                Err(error) => break Err(error.to_string()),
            }
        };
        // Everything the page left running, and nothing else.
        let _ = kill_process_group(group, Signal::KILL);
        drop(bash.wait());
        verdict
    }

    fn compare(&mut self, file: &Path, step: &Step) -> Result<(), String> {
        let read = |kind: &str| fs::read_to_string(file.with_extension(kind)).unwrap_or_default();
        let (code, out, err) = (read("code"), read("out"), read("err"));
        let told = |what: String| {
            Err(format!("line {}: {what}\n  command: {}\n  stdout: {out}\n  stderr: {err}", step.line, step.command))
        };
        if code.trim() != step.expected.code.to_string() {
            return told(format!("code {:?} and not {}", code.trim(), step.expected.code));
        }
        if let Some(status) = step.expected.status {
            let found = err.lines().rev().find_map(|line| line.trim().parse::<u16>().ok());
            if found != Some(status) {
                return told(format!("status {found:?} and not {status}"));
            }
        }
        let Some(answer) = &step.expected.answer else { return Ok(()) };
        let shown = self.translated(answer);
        if is_like(&out, &shown) { Ok(()) } else { told(format!("the page shows {shown}")) }
    }
}

fn below(place: &Path, own: &str) -> PathBuf {
    place.join(own.trim_start_matches('/'))
}

fn keeps_the_terminal(command: &str) -> bool {
    let command = command.split("  #").next().unwrap_or_default().trim();
    let serves =
        ["doorward dev", "doorward serve", "cargo run --release -- dev"].iter().any(|verb| command.starts_with(verb));
    serves && !command.ends_with('&') && !command.contains("--help")
}

/// A port that nobody has, out of the range from which systems give ports to those who do not mind.
fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = (std::process::id() % 9_000) as u16;
    loop {
        let port = 20_000 + (first + NEXT.fetch_add(1, Ordering::Relaxed)) % 12_000;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}
