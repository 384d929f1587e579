//! What may be said to `doorward audit`.

use clap::Subcommand;
use clap::builder::PossibleValuesParser;
use doorward_core::audit::Kind;

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum AuditVerb {
    /// List what happened, newest first
    List {
        /// Only of this kind
        #[arg(long, value_parser = PossibleValuesParser::new(Kind::ALL.map(Kind::name)), hide_possible_values = true)]
        kind: Option<String>,
        /// Only what a user did or what was done to them: e-mail address or id
        #[arg(long)]
        user: Option<String>,
        /// Only of a session
        #[arg(long)]
        session: Option<String>,
        /// Only since then: a time such as 2026-11-21T12:00:00Z, or so long ago, such as 90s, 15m, 2h or 7d
        #[arg(long, value_name = "TIME")]
        since: Option<String>,
        /// Only before the event of this number
        #[arg(long, value_name = "NUMBER")]
        before: Option<u64>,
        /// At most so many, up to 1000
        #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1000))]
        limit: u32,
    },
    /// Walk the chain of hashes from the first event, and say where it breaks
    #[command(
        after_help = "The answer names the newest event and its hash. Note them somewhere else: a later run with \
                            --expect then also tells whether the newest events were cut off, or all were written anew."
    )]
    Verify {
        /// The event that must be there, as an earlier run told it
        #[arg(long, value_name = "NUMBER:HASH")]
        expect: Option<String>,
    },
}
