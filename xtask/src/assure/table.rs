//! The proofs.

use super::mutants::{self, Target};

/// A set of tests: those of one file, or of a crate itself, whose names contain a filter.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Run {
    pub(crate) package: &'static str,
    /// The file under `tests/`; the crate's own tests if it is empty.
    pub(crate) file: &'static str,
    pub(crate) filter: &'static str,
}

/// How something is proven.
#[derive(Debug)]
pub(crate) enum Work {
    Tests(&'static [Run]),
    /// The same, but built with optimisation in a full run, because it measures.
    Optimised(Run),
    Coverage,
    Mutants(&'static Target),
}

/// A proof.
#[derive(Debug)]
pub(crate) struct Proof {
    pub(crate) name: &'static str,
    /// What must be seen.
    pub(crate) asks: &'static str,
    pub(crate) work: Work,
}

const fn run(package: &'static str, file: &'static str, filter: &'static str) -> Run {
    Run { package, file, filter }
}

const fn tests(name: &'static str, asks: &'static str, runs: &'static [Run]) -> Proof {
    Proof { name, asks, work: Work::Tests(runs) }
}

pub(crate) static PROOFS: [Proof; 15] = [
    tests(
        "kills",
        "200 times kill -9 under load: nothing acknowledged is lost, nothing ended is alive",
        &[run("doorward", "crash", "slow::")],
    ),
    tests(
        "disk faults",
        "every write, truncation and sync of every core flow fails in every way, with and without a power cut after it: \
         nothing acknowledged is lost, nothing ended is alive, /readyz says what is true",
        &[run("doorward", "disk", "")],
    ),
    tests(
        "flaky refreshes",
        "a million refreshes by eight tabs over a network that loses and delays: no honest client is signed out, every \
         theft is caught",
        &[run("doorward", "simulation", "slow::")],
    ),
    tests(
        "small worlds",
        "every history of a small world, without an exception: refresh, epochs, barriers, verifiers",
        &[
            run("doorward-core", "refresh_worlds", ""),
            run("doorward-core", "barrier_worlds", ""),
            run("doorward-verify", "proofs", "small_world"),
        ],
    ),
    tests(
        "histories",
        "random histories in memory and in SQLite end in the same; random feeds leave every verifier with one verdict",
        &[run("doorward-store", "model", ""), run("doorward-verify", "proofs", "histories")],
    ),
    tests(
        "clock and entropy",
        "the clock jumps an hour either way, or there is no entropy: nobody honest is signed out, nothing ended comes \
         back, what cannot be drawn is refused and leaves nothing behind",
        &[run("doorward", "adversity", "")],
    ),
    tests(
        "files",
        "damaged, cut, foreign and newer files are refused ten times out of ten, with a reason; an old copy that is put \
         back revives nobody",
        &[run("doorward-store", "sqlite_files", "")],
    ),
    tests(
        "volleys",
        "sixteen callers at once for everything that can be had once, ten thousand rounds of each: one of them gets it",
        &[run("doorward", "volleys", "")],
    ),
    tests(
        "cut verifiers",
        "server, network and verifiers are killed, stopped and cut, while sessions are ended and a hundred followers and \
         four services are asked each millisecond: nobody is let in after the bound or a receipt",
        &[run("doorward", "cuts", "slow::")],
    ),
    tests(
        "turning keys",
        "keys turn under a stream of verifications by other people's libraries: no verification fails",
        &[run("doorward", "rotation", "slow::")],
    ),
    Proof {
        name: "latency and growth",
        asks: "what 256 connections wait for a session check, and what a check costs among ten thousand sessions and \
               among a million",
        work: Work::Optimised(run("doorward", "growth", "")),
    },
    Proof {
        name: "coverage",
        asks: "at least 95 % of the lines of doorward-core and of doorward-verify are run by their tests",
        work: Work::Coverage,
    },
    Proof {
        name: "mutants of core",
        asks: "every changed line of core::refresh and core::session is noticed by a test, or explained",
        work: Work::Mutants(&mutants::CORE),
    },
    Proof {
        name: "mutants of follow",
        asks: "every changed line of what verify does with IO, its follow and layer, is noticed by a test, or explained",
        work: Work::Mutants(&mutants::FOLLOW),
    },
    Proof {
        name: "mutants of verify",
        asks: "every changed line of the rest of verify is noticed by a test, or explained",
        work: Work::Mutants(&mutants::VERIFY),
    },
];

#[cfg(test)]
mod lists {
    use super::*;
    use crate::workspace::Workspace;

    #[test]
    fn every_file_of_tests_in_the_table_is_there() {
        let workspace = Workspace::find().unwrap_or_else(|why| panic!("{why}"));
        for proof in &PROOFS {
            let runs = match &proof.work {
                Work::Tests(runs) => runs.to_vec(),
                Work::Optimised(run) => vec![*run],
                Work::Coverage | Work::Mutants(_) => Vec::new(),
            };
            for run in runs {
                let (package, file) = (run.package, run.file);
                let places =
                    [format!("crates/{package}/tests/{file}.rs"), format!("crates/{package}/tests/{file}/main.rs")];
                assert!(places.iter().any(|place| workspace.has(place)), "{}: no {file}", proof.name);
            }
        }
    }
}
