//! The house rules that a compiler does not know, as one list of findings.
//!
//! Every check is a function from texts to findings, so that each has a test with a bad sample. The rules and their
//! reasons stand in STYLE.md; nothing here is configurable, except the exceptions in `xtask/ratchet.txt`, which can only
//! become fewer.

mod arrows;
mod book;
mod docs;
mod homes;
mod names;
mod proofs;
mod ratchet;
mod rust;
mod size;
mod words;

use std::fmt;

use crate::requirements;
use crate::workspace::{File, Workspace};
use ratchet::Ratchet;
use rust::Source;

/// Something to put right.
#[derive(Debug, PartialEq)]
pub(crate) struct Finding {
    path: String,
    line: usize,
    message: String,
}

impl Finding {
    fn new(path: &str, line: usize, message: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, message: message.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}:{}: {}", self.path, self.line, self.message)
    }
}

/// Checks the whole workspace and prints what it finds; the answer is whether it is tidy.
pub(crate) fn run(workspace: &Workspace) -> bool {
    let mut findings = findings(workspace);
    findings.sort_by(|one, other| (&one.path, one.line).cmp(&(&other.path, other.line)));
    for finding in &findings {
        println!("{finding}");
    }
    match findings.len() {
        0 => println!("tidy: nothing to put right"),
        1 => println!("tidy: 1 finding"),
        count => println!("tidy: {count} findings"),
    }
    findings.is_empty()
}

fn findings(workspace: &Workspace) -> Vec<Finding> {
    let files = workspace.files();
    let mut findings = Vec::new();
    let mut ratchet = Ratchet::read(&files, &mut findings);
    for file in &files {
        words::check(file, &mut findings);
        if is_rust(file) {
            let source = Source::new(&file.path, &file.text);
            size::check(&source, &mut ratchet, &mut findings);
            names::check(&source, &mut findings);
            homes::check(&source, &mut findings);
        }
        docs::check_length(file, &mut findings);
        docs::check_paths(file, |path| workspace.has(path), &mut findings);
    }
    ratchet.check_unused(&mut findings);
    match files.iter().find(|file| file.path == requirements::HOME) {
        Some(file) => docs::check_requirements(file, &mut findings),
        None => {
            findings.push(Finding::new(requirements::HOME, 1, "missing: `cargo xtask requirements FILE` makes it"));
        }
    }
    proofs::check(&files, &mut findings);
    book::check(&files, |path| workspace.has(path), &mut findings);
    arrows::check(workspace, &mut findings);
    findings
}

/// Our own Rust files.
fn is_rust(file: &File) -> bool {
    let ours = ["crates/", "xtask/", "bench/"];
    file.path.ends_with(".rs") && ours.iter().any(|folder| file.path.starts_with(folder))
}
