//! Other people's programs, fetched by name and pinned version, once, and started as processes of their own. What is needed
//! to run them at all is asked for before anything is measured.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use clap::ValueEnum;

use crate::Trouble;
use crate::child::Started;

/// What the peers written in Rust are locked to.
const LOCKED: &str = include_str!("../peers/rust/Cargo.lock");
/// The oldest Node that all of them run on.
const NODE: u32 = 20;
/// How to get it.
const GET_NODE: &str =
    "node 20 or newer and npm are needed for the peers: `apt-get install nodejs npm`, or nodejs.org";

/// Whom Doorward is measured beside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, ValueEnum)]
pub(crate) enum Peer {
    /// express, express-session and connect-redis: the code of an article.
    ExpressSession,
    /// tower-sessions under axum, in memory and in Redis.
    TowerSessions,
    /// better-auth over SQLite, with its cookie cache and without.
    BetterAuth,
    /// jsonwebtoken for Node.
    Jsonwebtoken,
    /// The crate of the same name.
    JsonwebtokenRs,
    /// oidc-provider, everything in memory.
    OidcProvider,
}

impl Peer {
    /// The folder of one that Node runs.
    const fn of_node(self) -> Option<&'static str> {
        Some(match self {
            Self::ExpressSession => "express-session",
            Self::BetterAuth => "better-auth",
            Self::Jsonwebtoken => "jsonwebtoken",
            Self::OidcProvider => "oidc-provider",
            Self::TowerSessions | Self::JsonwebtokenRs => return None,
        })
    }

    /// What it is made of, with versions.
    pub(crate) fn made_of(self) -> Result<String, Trouble> {
        let locked = |names: &[&str]| {
            let each = names.iter().map(|name| Some(format!("{name} {}", locked(LOCKED, name)?)));
            each.collect::<Option<Vec<_>>>().map(|each| each.join(", ")).ok_or("not in the lock file")
        };
        match (self, self.of_node()) {
            (_, Some(folder)) => dependencies(&fs::read_to_string(home(folder).join("package.json"))?),
            (Self::TowerSessions, None) => {
                Ok(locked(&["tower-sessions", "tower-sessions-redis-store", "fred", "axum"])?)
            }
            (_, None) => Ok(locked(&["jsonwebtoken", "aws-lc-rs"])?),
        }
    }
}

/// Where the peers are once they have been fetched and built, or why they are not.
pub(crate) struct Parts {
    at: HashMap<Peer, Result<PathBuf, String>>,
    /// What Node calls itself.
    pub(crate) node: Option<String>,
}

impl Parts {
    /// Fetches and builds what is missing. Without Node, or without any of what it runs, there is nothing to compare.
    pub(crate) fn prepare(wanted: &[Peer]) -> Result<Self, Trouble> {
        let of_node: Vec<Peer> = wanted.iter().copied().filter(|peer| peer.of_node().is_some()).collect();
        let node = if of_node.is_empty() { None } else { Some(node()?) };
        let mut at = HashMap::new();
        let mut built = None;
        for &peer in wanted {
            let place = match peer.of_node() {
                Some(folder) => modules(folder),
                None => built.get_or_insert_with(build).clone(),
            };
            if let Err(why) = &place {
                eprintln!("bench: {peer:?} is left out: {why}");
            }
            at.insert(peer, place);
        }
        let failed = of_node.iter().filter_map(|peer| at[peer].as_ref().err()).collect::<Vec<_>>();
        match failed.first() {
            Some(why) if failed.len() == of_node.len() => {
                Err(format!("none of the peers for Node can be had; is npm's registry within reach? {why}").into())
            }
            _ => Ok(Self { at, node }),
        }
    }

    /// Where one is; `None` if it is not wanted.
    pub(crate) fn of(&self, peer: Peer) -> Option<&Result<PathBuf, String>> {
        self.at.get(&peer)
    }

    /// Starts one: a script of its folder, or a program.
    pub(crate) fn start(&self, peer: Peer, what: &str, words: &[&str]) -> Result<Started, Trouble> {
        let place = self.of(peer).ok_or("not wanted")?.as_ref().map_err(String::as_str)?;
        let mut command = match peer.of_node() {
            Some(_) => Command::new("node"),
            None => Command::new(place.join(what)),
        };
        if peer.of_node().is_some() {
            command.arg(what).current_dir(place).env("NODE_ENV", "production");
        }
        command.args(words);
        Started::run(command)
    }
}

/// Our folder of a peer.
fn home(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("peers").join(folder)
}

/// Beside what is built.
fn target() -> Result<PathBuf, String> {
    let here = std::env::current_exe().map_err(|error| error.to_string())?;
    here.ancestors().nth(2).map(Path::to_owned).ok_or_else(|| String::from("no target folder"))
}

/// Asks Node who it is.
fn node() -> Result<String, Trouble> {
    let said = |program: &str| {
        let said = Command::new(program).arg("--version").stderr(Stdio::null()).output();
        said.ok().filter(|said| said.status.success()).map(|said| String::from_utf8_lossy(&said.stdout).into_owned())
    };
    let version = said("node").ok_or(GET_NODE)?.trim().trim_start_matches('v').to_owned();
    said("npm").ok_or(GET_NODE)?;
    let major = version.split('.').next().and_then(|major| major.parse::<u32>().ok());
    if major.is_none_or(|major| major < NODE) {
        return Err(format!("{GET_NODE}; this is {version}").into());
    }
    Ok(version)
}

/// The scripts of a peer and its modules, exactly as its lock file says.
fn modules(folder: &str) -> Result<PathBuf, String> {
    let to = target()?.join("parts").join(format!("peer-{folder}"));
    let files = ours(folder).map_err(|error| error.to_string())?;
    once(&to, &files.concat().concat(), || {
        eprintln!("bench: fetching {folder}");
        for [name, text] in &files {
            fs::write(to.join(OsStr::from_bytes(name)), text).map_err(|error| error.to_string())?;
        }
        npm_ci(folder, &to)
    })?;
    Ok(to)
}

/// Our files of a peer, each with its name.
fn ours(folder: &str) -> io::Result<Vec<[Vec<u8>; 2]>> {
    let files = fs::read_dir(home(folder))?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
    let mut files: Vec<PathBuf> =
        files.into_iter().chain([home("parent.mjs")]).filter(|file| file.is_file()).collect();
    files.sort();
    let named = |file: &PathBuf| Ok([file.file_name().unwrap_or_default().as_bytes().to_owned(), fs::read(file)?]);
    files.iter().map(named).collect()
}

/// Fills a folder, unless it is filled with just this already. Who comes meanwhile waits, and what is filled is not touched
/// again: two benches may begin at the same time, and one while another runs. What was filled by half is filled anew.
fn once(folder: &Path, with: &[u8], fill: impl FnOnce() -> Result<(), String>) -> Result<(), String> {
    let told = |error: io::Error| format!("{}: {error}", folder.display());
    fs::create_dir_all(folder).map_err(told)?;
    let turn = File::create(folder.join(".turn")).map_err(told)?;
    turn.lock().map_err(told)?;
    let filled = folder.join(".filled");
    if fs::read(&filled).is_ok_and(|by| by == with) {
        return Ok(());
    }
    match fs::remove_file(&filled) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(told(error)),
        _ => {}
    }
    fill()?;
    fs::write(&filled, with).map_err(told)
}

/// Installs what the lists in a folder name.
fn npm_ci(folder: &str, to: &Path) -> Result<(), String> {
    let mut last = String::new();
    // A mirror may have a bad moment.
    for _ in 0..2 {
        let mut npm = Command::new("npm");
        npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]).current_dir(to).stdin(Stdio::null());
        match npm.output() {
            Ok(output) if output.status.success() => return Ok(()),
            Ok(output) => last = String::from_utf8_lossy(&output.stderr).trim().replace('\n', " "),
            Err(error) => last = error.to_string(),
        }
    }
    Err(format!("`npm ci` in {folder}: {last}"))
}

/// Builds the peers in Rust, apart from the workspace.
fn build() -> Result<PathBuf, String> {
    eprintln!("bench: building the peers in Rust (some minutes, the first time)");
    let place = target()?.join("peers");
    let cargo = std::env::var_os("CARGO").map_or_else(|| PathBuf::from("cargo"), PathBuf::from);
    let mut build = Command::new(cargo);
    build.args(["build", "--quiet", "--release", "--locked", "--target-dir"]).arg(&place).current_dir(home("rust"));
    let output = build.output().map_err(|error| error.to_string())?;
    if output.status.success() {
        return Ok(place.join("release"));
    }
    Err(format!("`cargo build` in bench/peers/rust: {}", String::from_utf8_lossy(&output.stderr).trim()))
}

/// The version that a lock file has of a crate: the last one, if there are several.
fn locked<'a>(lock: &'a str, name: &str) -> Option<&'a str> {
    let (_, after) = lock.rsplit_once(&format!("name = \"{name}\"\nversion = \""))?;
    after.split('"').next()
}

/// The dependencies of a package, with versions.
fn dependencies(package: &str) -> Result<String, Trouble> {
    let package: serde_json::Value = serde_json::from_str(package)?;
    let listed = package["dependencies"].as_object().ok_or("no dependencies")?;
    let each = listed.iter().map(|(name, version)| format!("{name} {}", version.as_str().unwrap_or("?")));
    Ok(each.collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread;

    use super::*;

    #[test]
    fn every_peer_is_pinned_and_says_so() {
        for peer in Peer::value_variants() {
            let made_of = peer.made_of().expect("versions");
            let versions = made_of.split(", ").map(|part| part.split_once(' ').expect("a version").1);
            for version in versions {
                assert!(version.split('.').count() == 3, "{made_of}");
                assert!(version.starts_with(|first: char| first.is_ascii_digit()), "{made_of}");
            }
        }
    }

    #[test]
    fn benches_that_begin_together_fill_a_folder_once_and_wait_for_it() {
        let place = tempfile::tempdir().expect("a place");
        let folder = place.path().join("peer");
        let fills = AtomicUsize::new(0);
        let begin = |with: &[u8]| {
            once(&folder, with, || {
                fills.fetch_add(1, Ordering::SeqCst);
                drop(fs::remove_file(folder.join("whole")));
                thread::yield_now();
                fs::write(folder.join("whole"), with).map_err(|error| error.to_string())
            })
        };
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    begin(b"one").expect("filled");
                    assert_eq!(fs::read(folder.join("whole")).expect("no half of it is seen"), b"one");
                });
            }
        });
        assert_eq!(fills.load(Ordering::SeqCst), 1);
        begin(b"two").expect("filled with what is wanted now");
        assert_eq!(fills.load(Ordering::SeqCst), 2);
    }

    #[test]
    fn a_folder_filled_by_half_is_filled_anew() {
        let place = tempfile::tempdir().expect("a place");
        once(place.path(), b"one", || Ok(())).expect("filled");
        let why = once(place.path(), b"two", || Err(String::from("no mirror"))).expect_err("half of it");
        assert_eq!(why, "no mirror");
        for with in [b"one", b"two"] {
            let mut filled = false;
            once(place.path(), with, || {
                filled = true;
                Ok(())
            })
            .expect("filled");
            assert!(filled, "neither is what the folder holds");
        }
    }

    #[test]
    fn versions_are_read_from_both_kinds_of_lists() {
        let lock =
            "[[package]]\nname = \"a\"\nversion = \"1.2.3\"\n[[package]]\nname = \"ab\"\nversion = \"4.5.6\"\n";
        assert_eq!((locked(lock, "a"), locked(lock, "ab"), locked(lock, "b")), (Some("1.2.3"), Some("4.5.6"), None));
        assert_eq!(
            dependencies(r#"{"dependencies":{"x":"1.0.0","y":"2.0.0"}}"#).expect("a list"),
            "x 1.0.0, y 2.0.0"
        );
    }
}
