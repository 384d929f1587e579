//! Calls to cargo: whether its tools are here, what it prints, and the two verbs that only pass on to it.

use std::ffi::OsString;
use std::process::{Command, Stdio};

use crate::workspace::Workspace;

/// A cargo command at the workspace's root.
pub(crate) fn cargo(workspace: &Workspace, args: &[&str]) -> Command {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let mut command = Command::new(program);
    command.args(args).current_dir(&workspace.root);
    command
}

/// Runs a command with our own terminal.
pub(crate) fn run(mut command: Command) -> Result<(), String> {
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("`{}` ended with {status}", shown(&command))),
        Err(error) => Err(format!("`{}` could not be started: {error}", shown(&command))),
    }
}

/// Runs a command and hands back what it printed.
pub(crate) fn printed(mut command: Command) -> Result<String, String> {
    let output = command.output().map_err(|error| format!("`{}` could not be started: {error}", shown(&command)))?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        let said = String::from_utf8_lossy(&output.stderr);
        Err(format!("`{}` ended with {}: {}", shown(&command), output.status, said.trim()))
    }
}

/// What a program says at the workspace's root, without the space around it; nothing if it fails.
pub(crate) fn asked(workspace: &Workspace, program: &str, args: &[&str]) -> Option<String> {
    let mut command = Command::new(program);
    command.args(args).current_dir(&workspace.root);
    printed(command).ok().map(|said| said.trim().to_owned())
}

/// The command as one would type it.
pub(crate) fn shown(command: &Command) -> String {
    let name = |word: &std::ffi::OsStr| word.to_string_lossy().into_owned();
    let program = command.get_program().to_string_lossy().into_owned();
    let program = program.rsplit(['/', '\\']).next().unwrap_or("cargo").to_owned();
    std::iter::once(program).chain(command.get_args().map(name)).collect::<Vec<_>>().join(" ")
}

/// Says which tools are missing and how to get them.
pub(crate) fn tools(workspace: &Workspace) -> Result<(), String> {
    let mut missing = Vec::new();
    for (verb, component) in [("fmt", "rustfmt"), ("clippy", "clippy")] {
        if !answers(cargo(workspace, &[verb, "--version"])) {
            missing.push(format!("{component} is missing: `rustup component add {component}`"));
        }
    }
    let compiler = std::env::var_os("CC").unwrap_or_else(|| OsString::from("cc"));
    let mut ask = Command::new(&compiler);
    ask.arg("--version");
    if !answers(ask) {
        let name = compiler.to_string_lossy().into_owned();
        missing.push(format!("no C compiler answers to `{name}`: `apt-get install build-essential`, or set CC"));
    }
    if missing.is_empty() { Ok(()) } else { Err(missing.join("\n")) }
}

fn answers(mut command: Command) -> bool {
    command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}

/// `cargo xtask bench`: the measuring program and what it measures, built with optimisation.
pub(crate) fn bench(workspace: &Workspace, args: &[String]) -> Result<(), String> {
    if !workspace.has("bench/Cargo.toml") {
        return Err("there is no bench program in this checkout (bench/Cargo.toml)".to_owned());
    }
    run(cargo(workspace, &["build", "--release", "--package", "doorward", "--bin", "doorward"]))?;
    let mut command = cargo(workspace, &["run", "--release", "--package", "doorward-bench", "--"]);
    command.args(rows_named(args));
    run(command)
}

/// `bench verify flood --quick` is short for `bench --rows verify,flood --quick`.
fn rows_named(args: &[String]) -> Vec<String> {
    let (rows, rest) = args.split_at(args.iter().take_while(|word| !word.starts_with('-')).count());
    let named = (!rows.is_empty()).then(|| format!("--rows={}", rows.join(",")));
    named.into_iter().chain(rest.iter().cloned()).collect()
}

/// `cargo xtask docs`: the tests that compare generated documents are told to write them instead.
pub(crate) fn docs(workspace: &Workspace) -> Result<(), String> {
    let mut command = cargo(workspace, &["test", "--package", "doorward", "--test", "generated"]);
    command.env("DOORWARD_BLESS", "1");
    run(command)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_before_the_options_are_rows() {
        let check = |words: &str, expect: &str| {
            let words: Vec<String> = words.split_whitespace().map(str::to_owned).collect();
            assert_eq!(rows_named(&words).join(" "), expect);
        };
        check("revocation --quick", "--rows=revocation --quick");
        check("verify flood", "--rows=verify,flood");
        check("--rows check --seconds 2", "--rows check --seconds 2");
        check("", "");
    }
}
