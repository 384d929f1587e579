//! The command line: the two servers, and the verbs that ask a server, running or not, through the admin API.

mod args;
mod ask;
mod certificate;
mod demo;
mod dev;
mod exchange;
mod files;
mod folder;
mod logging;
mod out;
mod own_certificate;
mod password;
mod running;
mod serve;
mod socket;
mod stop;
mod verbs;

use std::process::ExitCode;

use clap::Parser;
use rustix::fs::Mode;

use self::args::{Args, Verb};
pub(crate) use self::ask::PATIENCE;
use self::stop::{Exit, Stop};

/// Runs what the command line asks for.
pub fn run() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(told) => {
            // Help and version are told here too; neither is an error.
            drop(told.print());
            return if told.use_stderr() { Exit::Usage.into() } else { ExitCode::SUCCESS };
        }
    };
    // Everything we make is for our user alone, whatever the shell's umask says.
    rustix::process::umask(Mode::from_raw_mode(0o077));
    let exit = match runtime(&args.verb) {
        Ok(runtime) => runtime.block_on(dispatch(args.verb)),
        Err(error) => Err(Stop::new(Exit::Unreachable, format!("the system gives no threads: {error}"))),
    };
    match exit {
        Ok(exit) => exit.into(),
        Err(stop) => {
            out::error(&stop.to_string());
            stop.exit().into()
        }
    }
}

/// Servers use every core, and so does what measures one; a verb asks one question.
fn runtime(verb: &Verb) -> std::io::Result<tokio::runtime::Runtime> {
    match verb {
        Verb::Dev(_) | Verb::Serve(_) | Verb::Bench(_) => {
            tokio::runtime::Builder::new_multi_thread().enable_all().build()
        }
        _ => tokio::runtime::Builder::new_current_thread().enable_all().build(),
    }
}

async fn dispatch(verb: Verb) -> Result<Exit, Stop> {
    match verb {
        Verb::Dev(args) => dev::dev(args).await,
        Verb::Serve(args) => serve::serve(args).await,
        Verb::Users { reaching, verb } => verbs::users::run(&reaching, verb).await,
        Verb::Sessions { reaching, verb } => verbs::sessions::run(&reaching, verb).await,
        Verb::Clients { reaching, verb } => verbs::clients::run(&reaching, verb).await,
        Verb::Keys { reaching, verb } => verbs::keys::run(&reaching, verb).await,
        Verb::Verifiers { reaching, verb } => verbs::verifiers::run(&reaching, verb).await,
        Verb::Import { reaching, verb } => verbs::import::run(&reaching, verb).await,
        Verb::Audit { reaching, verb } => verbs::audit::run(&reaching, verb).await,
        Verb::Check { reaching } => verbs::check::run(&reaching).await,
        Verb::Advise(args) => verbs::advise::run(args).await,
        Verb::Bench(args) => verbs::bench::run(args).await,
        Verb::Generate { verb } => verbs::generate::run(verb),
        Verb::Jwt { verb } => verbs::jwt::run(verb).await,
    }
}
