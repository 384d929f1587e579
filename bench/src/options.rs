//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::peers::Peer;

/// Measures Doorward against the bare limit of this machine.
#[derive(Debug, Parser)]
#[command(name = "doorward-bench", disable_help_subcommand = true)]
pub(crate) struct Options {
    /// Only these rows.
    #[arg(long, value_delimiter = ',', default_values = ["check", "refresh", "verify", "flood", "timing", "size", "revocation"])]
    pub(crate) rows: Vec<Row>,
    /// All rows, and the peers.
    #[arg(long)]
    pub(crate) full: bool,
    /// Only these peers.
    #[arg(long, value_delimiter = ',', default_values = ["express-session", "tower-sessions", "better-auth", "jsonwebtoken", "jsonwebtoken-rs", "oidc-provider"])]
    pub(crate) peers: Vec<Peer>,
    /// Writes the comparison with the peers into docs/measured.md and its summary into README.md.
    #[arg(long)]
    pub(crate) write_docs: bool,
    /// What a core costs for an hour: an assumption, in the currency of your bill.
    #[arg(long, value_name = "PRICE", default_value_t = 0.04)]
    pub(crate) core_hour: f64,
    /// Shorter runs over fewer sessions: shows that it works, proves nothing.
    #[arg(long)]
    pub(crate) quick: bool,
    /// Ends with 1 if a goal is missed.
    #[arg(long)]
    pub(crate) strict: bool,
    /// Seconds of one run.
    #[arg(long)]
    pub(crate) seconds: Option<f64>,
    /// Rounds; in each, everything runs once.
    #[arg(long)]
    pub(crate) rounds: Option<usize>,
    /// Live sessions behind the session check.
    #[arg(long)]
    pub(crate) sessions: Option<u64>,
    /// Sessions whose refresh tokens turn.
    #[arg(long)]
    pub(crate) chains: Option<u64>,
    /// Where the databases are made; a folder of its own in it is removed at the end.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) folder: Option<PathBuf>,
    /// A folder that the database of the session check is kept in: ten million sessions take a quarter of an hour to make.
    /// It is filled if it is new, and has to hold as many as are asked for otherwise.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) keep: Option<PathBuf>,
    /// A Redis or Valkey server to compare with, if it is not found by its name.
    #[arg(long, value_name = "FILE")]
    pub(crate) redis: Option<PathBuf>,
    /// Only prints, and writes nothing to bench/results.
    #[arg(long)]
    pub(crate) no_save: bool,
    /// What a child process is for.
    #[command(subcommand)]
    pub(crate) verb: Option<Verb>,
}

impl Options {
    /// Seconds of one run.
    pub(crate) fn seconds(&self) -> f64 {
        // All of it together shall not take longer than a quarter of an hour.
        self.seconds.unwrap_or(match (self.quick, self.full) {
            (true, _) => 1.0,
            (false, true) => 4.0,
            (false, false) => 5.0,
        })
    }

    /// Rounds.
    pub(crate) fn rounds(&self) -> usize {
        let usual = match (self.quick, self.full) {
            (true, _) => 2,
            (false, true) => 3,
            (false, false) => 5,
        };
        self.rounds.unwrap_or(usual).max(1)
    }

    /// Is a row wanted?
    pub(crate) fn wants(&self, row: Row) -> bool {
        self.full || self.rows.contains(&row)
    }

    /// Live sessions behind the session check.
    pub(crate) fn sessions(&self) -> u64 {
        self.sessions.unwrap_or(if self.quick { 10_000 } else { 1_000_000 }).max(64)
    }

    /// Sessions whose refresh tokens turn.
    pub(crate) fn chains(&self) -> u64 {
        self.chains.unwrap_or(if self.quick { 10_000 } else { 100_000 }).max(64)
    }
}

/// What can be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Row {
    /// `GET /v1/session` by cookie.
    Check,
    /// `POST /v1/session/refresh`.
    Refresh,
    /// Verifying an access token.
    Verify,
    /// Signing in, 64 at a time, and what becomes of session checks meanwhile.
    Flood,
    /// Whether the time of a sign-in tells if there is such an account.
    Timing,
    /// Bytes on disk, in memory and on the wire, and the time to start.
    Size,
    /// From a revocation to the last verifier's refusal.
    Revocation,
    /// Other people's programs at the same work.
    Peers,
}

/// What a child process is for.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Answers everything with one reply, by hyper alone.
    #[command(hide = true)]
    ServeHyper {
        /// The reply's file.
        reply: PathBuf,
    },
    /// The same by axum.
    #[command(hide = true)]
    ServeAxum {
        /// The reply's file.
        reply: PathBuf,
    },
    /// Doorward as it is in production.
    #[command(hide = true)]
    ServeDoorward(Stock),
    /// The store's own UPDATE and nothing else.
    #[command(hide = true)]
    BareUpdate {
        /// Where the database is.
        folder: PathBuf,
    },
    /// What a refresh cannot do without, and nothing else.
    #[command(hide = true)]
    ServeFloor {
        /// Where the database is.
        folder: PathBuf,
        /// The reply's file.
        reply: PathBuf,
    },
    /// Argon2id and nothing else.
    #[command(hide = true)]
    BareHash,
    /// Verifies tokens and nothing else.
    #[command(hide = true)]
    VerifyTokens,
    /// Follows the feed, many times over.
    #[command(hide = true)]
    Fleet,
    /// Asks.
    #[command(hide = true)]
    Load {
        /// Where the refresh tokens are.
        folder: PathBuf,
    },
}

/// What a Doorward is filled with before it serves.
#[derive(Debug, Args)]
pub(crate) struct Stock {
    /// Where the database is, or will be.
    pub(crate) folder: PathBuf,
    /// How many sessions.
    #[arg(long)]
    pub(crate) sessions: u64,
    /// Of strategy hybrid, with the refresh tokens written to a file; otherwise of strategy session.
    #[arg(long)]
    pub(crate) hybrid: bool,
    /// None of them has turned yet; otherwise each has a full history.
    #[arg(long)]
    pub(crate) fresh: bool,
    /// Gives the first so many users a password, and lets everybody try as often as they like.
    #[arg(long, default_value_t = 0)]
    pub(crate) people: u64,
    /// Registers a verifier.
    #[arg(long)]
    pub(crate) verifier: bool,
    /// Keeps no records at hand, as good as: what a server takes besides.
    #[arg(long)]
    pub(crate) forgetful: bool,
    /// Only fills the database.
    #[arg(long)]
    pub(crate) only_fill: bool,
}
