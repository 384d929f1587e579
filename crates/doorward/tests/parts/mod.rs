//! Parts of other people that tests run against: fetched by name and pinned version, once; a part that cannot be had is a
//! line for CONTRIBUTING.md's `DOORWARD_SKIPS`, and no silence.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Where the parts of one test are kept, beside what is built.
pub(crate) fn place(name: &str) -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("the target folder");
    target.join("parts").join(name)
}

/// The modules of a folder of ours, exactly as its lock file says, once. `one` is any of them.
pub(crate) fn node_modules(from: &Path, parts: &Path, one: &str) -> Result<(), String> {
    let version = Command::new("node").arg("--version").output().map_err(|error| format!("no node: {error}"))?;
    let version = String::from_utf8_lossy(&version.stdout).trim().to_owned();
    let major = version.trim_start_matches('v').split('.').next().and_then(|major| major.parse::<u32>().ok());
    if major.is_none_or(|major| major < 20) {
        return Err(format!("node 20 or newer is needed, this is {version}"));
    }
    let files = ["package.json", "package-lock.json"];
    if is_current(from, parts, &files) && parts.join("node_modules").join(one).join("package.json").exists() {
        return Ok(());
    }
    copy(from, parts, &files)?;
    run("npm", &["ci", "--ignore-scripts", "--no-audit", "--no-fund"], parts)
}

/// A Python with the packages of a folder's `requirements.txt`, once; gives the interpreter.
pub(crate) fn python(from: &Path, parts: &Path) -> Result<PathBuf, String> {
    let files = ["requirements.txt"];
    let (interpreter, done) = (parts.join("bin/python"), parts.join("done"));
    if is_current(from, parts, &files) && done.exists() {
        return Ok(interpreter);
    }
    drop(fs::remove_file(&done));
    copy(from, parts, &files)?;
    run("python3", &["-m", "venv", "."], parts)?;
    let install = ["-m", "pip", "install", "-q", "--disable-pip-version-check", "-r", files[0]];
    run("bin/python", &install, parts)?;
    File::create(&done).map_err(|error| error.to_string())?;
    Ok(interpreter)
}

fn is_current(from: &Path, parts: &Path, files: &[&str]) -> bool {
    let read = |folder: &Path, name| fs::read(folder.join(name)).ok();
    files.iter().all(|name| read(from, name) == read(parts, name))
}

/// The last file comes last: it says that the rest is there.
fn copy(from: &Path, parts: &Path, files: &[&str]) -> Result<(), String> {
    fs::create_dir_all(parts).map_err(|error| error.to_string())?;
    for name in files {
        fs::copy(from.join(name), parts.join(name)).map_err(|error| error.to_string())?;
    }
    Ok(())
}

/// Runs a program to a good end.
pub(crate) fn run(program: &str, words: &[&str], place: &Path) -> Result<(), String> {
    let path = if program.contains('/') { place.join(program) } else { PathBuf::from(program) };
    let mut last = String::new();
    // A mirror may have a bad moment.
    for _ in 0..3 {
        let mut command = Command::new(&path);
        command.args(words).current_dir(place).env("DEBIAN_FRONTEND", "noninteractive").stdin(Stdio::null());
        match command.output() {
            Ok(output) if output.status.success() => return Ok(()),
            Ok(output) => last = String::from_utf8_lossy(&output.stderr).trim().replace('\n', " "),
            Err(error) => last = error.to_string(),
        }
    }
    Err(format!("`{program} {}`: {last}", words.join(" ")))
}

/// Says that a part is missing: which, and what was not tested for want of it.
pub(crate) fn skip(part: &str, what: &str, why: &str) {
    let line = format!("{part}: {what} ({why})\n");
    match std::env::var_os("DOORWARD_SKIPS") {
        Some(file) => {
            let mut file = File::options().append(true).create(true).open(file).expect("the file of skips");
            file.write_all(line.as_bytes()).expect("a line");
        }
        None => eprint!("{line}"),
    }
}
