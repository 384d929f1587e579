//! Counts the allocations of a verification. A program of its own, because counting costs time and an allocator belongs
//! to a whole process. Prints one JSON object: a number for each algorithm; and how many bytes a revocation takes in an index
//! of a million.

use std::process::ExitCode;

use doorward_bench::index::Index;
use doorward_bench::tokens::Token;
use doorward_verify::{Algorithm, Scratch};

/// Entries of the index.
const ENTRIES: u64 = 1_000_000;

fn main() -> ExitCode {
    let mut counts = Vec::new();
    for algorithm in Algorithm::ALL {
        let Some(token) = Token::mint(algorithm) else { return ExitCode::FAILURE };
        let mut scratch = Scratch::new();
        let mut held = false;
        // Whatever is made once, at the first use, is made before counting.
        token.verify(&mut scratch);
        let counted = allocation_counter::measure(|| held = token.verify(&mut scratch));
        if !held {
            return ExitCode::FAILURE;
        }
        counts.push(format!("\"{}\":{}", algorithm.name(), counted.count_total));
    }
    let mut index = None;
    let held = allocation_counter::measure(|| index = Some(Index::of(ENTRIES)));
    let entries = index.map_or(0, |index| index.len()).max(1);
    counts.push(format!("\"index\":{}", held.bytes_current.unsigned_abs().div_ceil(entries as u64)));
    println!("{{{}}}", counts.join(","));
    ExitCode::SUCCESS
}
