//! Measures Doorward against the bare limit of this machine, in the same run.
//!
//! Server, load and each bare limit are processes of their own: this program starts itself again with a hidden verb.
//! What decides is CPU time as the operating system counts it, as a ratio to the limit measured moments before; requests
//! per second are printed beside it. `bench/README.md` says how far to trust the figures.

#![expect(clippy::disallowed_methods, reason = "a measurement reads the clock and the environment")]

mod caller;
mod child;
mod comparison;
mod figures;
mod fleet;
mod histogram;
pub mod index;
mod load;
mod machine;
mod options;
mod peers;
mod process;
mod redis;
mod report;
mod rows;
mod seed;
mod servers;
pub mod tokens;

use std::process::ExitCode;

use clap::Parser;

use options::{Options, Verb};

/// What stops a measurement, as a sentence.
type Trouble = Box<dyn std::error::Error + Send + Sync>;

/// Does what the command line says.
pub fn main() -> ExitCode {
    let options = Options::parse();
    let done = match &options.verb {
        None => rows::run(&options),
        Some(Verb::ServeHyper { reply }) => servers::serve_hyper(reply).map(|()| true),
        Some(Verb::ServeAxum { reply }) => servers::serve_axum(reply).map(|()| true),
        Some(Verb::ServeDoorward(stock)) => servers::serve_doorward(stock).map(|()| true),
        Some(Verb::ServeFloor { folder, reply }) => servers::serve_floor(folder, reply).map(|()| true),
        Some(Verb::BareHash) => servers::bare_hash().map(|()| true),
        Some(Verb::BareUpdate { folder }) => servers::bare_update(folder).map(|()| true),
        Some(Verb::VerifyTokens) => servers::verify_tokens().map(|()| true),
        Some(Verb::Fleet) => fleet::run().map(|()| true),
        Some(Verb::Load { folder }) => load::run(folder).map(|()| true),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(trouble) => {
            eprintln!("bench: {trouble}");
            ExitCode::from(2)
        }
    }
}
