//! What may be said to `doorward advise`.

use std::path::PathBuf;

use clap::{Args as Group, ValueEnum};
use doorward_core::advice::Topic;

#[derive(Debug, Group)]
#[command(after_help = names())]
pub(in crate::cli) struct AdviseArgs {
    /// A file of answers, a line each, such as `services = true`; without it the questions are asked here
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) answers: Option<PathBuf>,
    /// The origin under which the realm shall be known
    #[arg(long, value_name = "URL")]
    pub(in crate::cli) issuer: Option<String>,
    /// Figures of `doorward bench --format json`, to be told instead of a moment's measuring
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) bench: Option<PathBuf>,
    /// Write the configuration to a file that is not there yet
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) write: Option<PathBuf>,
    /// The form of the answer
    #[arg(long, value_enum, default_value_t = AdviceFormat::Table)]
    pub(in crate::cli) format: AdviceFormat,
}

/// What a file of answers may answer.
fn names() -> String {
    let names = Topic::ALL.map(|topic| format!("  {:<18}  {}", topic.key(), topic.asks()));
    format!(
        "A file of answers has true, false or \"unsure\" to any of these, and perhaps the issuer:\n{}",
        names.join("\n")
    )
}

/// The form of advice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum AdviceFormat {
    /// For people
    Table,
    /// For programs
    Json,
    /// The configuration alone
    Toml,
}
