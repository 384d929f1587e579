//! The house verbs, all behind `cargo xtask`: `tidy`, `check`, `test`, `assure`, `bench`, `docs` and `requirements`.
//!
//! Only the standard library is used, so that this tool builds in a second and can judge the workspace's dependencies
//! without adding to them.

#![expect(clippy::disallowed_methods, reason = "a tool at a terminal: it times its steps and reads its environment")]

mod assure;
mod cargo;
mod requirements;
mod smoke;
mod steps;
mod tidy;
mod workspace;

use std::process::ExitCode;

use crate::workspace::Workspace;

const USAGE: &str = "usage: cargo xtask VERB

  check                    formatting, clippy without warnings, tidy
  test [--quick] [--long]  everything that proves the product; --quick leaves out the slow proofs, --long lengthens them
  assure [--quick|--resume] [--only WORD]...
                           the long proofs, in one report: target/assure/report.html and report.json
  tidy                     the house rules that a compiler does not know (STYLE.md)
  bench [ROWS] [ARGS...]   measures on this machine; arguments go to the bench program; --full has other people's
                           programs measured beside
  docs                     writes the generated documents anew
  requirements FILE        makes docs/requirements.md from a list of requirements, once";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match run(&words) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Stop::Usage(why)) => {
            eprintln!("xtask: {why}\n\n{USAGE}");
            ExitCode::from(2)
        }
        Err(Stop::Failed(why)) => {
            if !why.is_empty() {
                eprintln!("xtask: {why}");
            }
            ExitCode::from(1)
        }
    }
}

/// Why a verb ended without success.
enum Stop {
    /// The command line makes no sense.
    Usage(String),
    /// A check or a program said no; empty if everything has been said already.
    Failed(String),
}

fn run(words: &[String]) -> Result<(), Stop> {
    let Some((verb, rest)) = words.split_first() else {
        return Err(Stop::Usage("which verb?".to_owned()));
    };
    let workspace = Workspace::find().map_err(Stop::Failed)?;
    match verb.as_str() {
        "tidy" => no_more(rest).and_then(|()| said(tidy::run(&workspace))),
        "check" => no_more(rest).and_then(|()| said(steps::check(&workspace))),
        "test" => {
            let effort = steps::Effort::parse(rest).map_err(Stop::Usage)?;
            said(steps::test(&workspace, effort))
        }
        "assure" => {
            let effort = assure::Effort::parse(rest).map_err(Stop::Usage)?;
            said(assure::run(&workspace, &effort))
        }
        "bench" => cargo::bench(&workspace, rest).map_err(Stop::Failed),
        "docs" => no_more(rest).and_then(|()| cargo::docs(&workspace).map_err(Stop::Failed)),
        "requirements" => match rest {
            [file] => requirements::write(&workspace, file.as_ref()).map_err(Stop::Failed),
            _ => Err(Stop::Usage("requirements takes one file".to_owned())),
        },
        "help" | "--help" | "-h" => {
            println!("{USAGE}");
            Ok(())
        }
        other => Err(Stop::Usage(format!("no verb `{other}`"))),
    }
}

fn no_more(rest: &[String]) -> Result<(), Stop> {
    match rest.first() {
        None => Ok(()),
        Some(word) => Err(Stop::Usage(format!("`{word}` is not understood here"))),
    }
}

/// A verb that prints its own findings leaves nothing more to say.
fn said(well: bool) -> Result<(), Stop> {
    if well { Ok(()) } else { Err(Stop::Failed(String::new())) }
}
