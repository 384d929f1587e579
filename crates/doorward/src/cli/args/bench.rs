//! What may be said to `doorward bench`.

use std::path::PathBuf;

use clap::Args as Group;

use super::{Format, said};
use crate::config::raw::Said;

#[derive(Debug, Group)]
pub(in crate::cli) struct BenchArgs {
    /// How many seconds to measure, 2 to 600; getting ready takes some more
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u16).range(2..=600))]
    pub(in crate::cli) seconds: u16,
    /// A configuration file, for what a password hash costs
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The form of the answer
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub(in crate::cli) format: Format,
}

impl BenchArgs {
    /// What is said here of configuration.
    pub(in crate::cli) fn said(&self) -> Said {
        said(self.config.as_ref(), &[])
    }
}
