//! What may be said to `doorward import`.

use std::path::PathBuf;

use clap::{Args as Group, Subcommand, ValueEnum};

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum ImportVerb {
    /// Make accounts of the rows of a file; who is there already stays as they are
    Users(ImportUsersArgs),
}

#[derive(Debug, Group)]
pub(in crate::cli) struct ImportUsersArgs {
    /// The file, or - for stdin
    pub(in crate::cli) file: PathBuf,
    /// Tell what would happen, and write nothing
    #[arg(long)]
    pub(in crate::cli) dry_run: bool,
    /// The form of the file; by default csv if its name ends so, else jsonl
    #[arg(long, value_enum)]
    pub(in crate::cli) from: Option<Source>,
    /// Write a CSV file of the other system's ids beside ours
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) map: Option<PathBuf>,
    /// Firebase: a file that holds base64_signer_key of the project's password hash parameters
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) signer_key_file: Option<PathBuf>,
    /// Firebase: base64_salt_separator of the project
    #[arg(long, value_name = "TEXT", default_value = "Bw==")]
    pub(in crate::cli) salt_separator: String,
    /// Firebase: rounds of the project
    #[arg(long, value_name = "NUMBER", default_value_t = 8)]
    pub(in crate::cli) rounds: u32,
    /// Firebase: mem_cost of the project
    #[arg(long, value_name = "NUMBER", default_value_t = 14)]
    pub(in crate::cli) mem_cost: u32,
}

/// The form of a file of people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Source {
    /// A JSON object a line
    Jsonl,
    /// Comma-separated values with a header
    Csv,
    /// What `firebase auth:export` writes as JSON
    Firebase,
}
