//! The program `doorward`: see `doorward --help`.

use std::process::ExitCode;

/// Hashing and token work allocate in bursts from many threads; this allocator keeps them out of each other's way.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    doorward::cli::run()
}
