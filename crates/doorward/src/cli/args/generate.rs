//! What may be said to `doorward generate`.

use clap::{Subcommand, ValueEnum};
use doorward_core::password::Cost;

use super::Format;

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum GenerateVerb {
    /// Draw a secret, such as a master key: 32 bytes in base64url
    Secret {
        /// So many bytes instead, 16 to 1024
        #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u16).range(16..=1024))]
        bytes: u16,
        /// In hexadecimal instead
        #[arg(long)]
        hex: bool,
        /// The form of the answer
        #[arg(long, value_enum, default_value_t = Format::Table)]
        format: Format,
    },
    /// Draw a password, and say how many bits it has
    Password {
        /// So many characters, 12 to 256, five bits each
        #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u16).range(12..=256))]
        characters: u16,
        /// So many words that can be spoken instead, 4 to 40, sixteen bits each
        #[arg(long, conflicts_with = "characters", value_parser = clap::value_parser!(u16).range(4..=40))]
        words: Option<u16>,
        /// The form of the answer
        #[arg(long, value_enum, default_value_t = Format::Table)]
        format: Format,
    },
    /// Draw public ids; they are no secrets
    Id {
        /// Of what
        #[arg(value_enum)]
        of: IdKind,
        /// So many, up to 1000
        #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=1000))]
        count: u16,
        /// The form of the answer
        #[arg(long, value_enum, default_value_t = Format::Table)]
        format: Format,
    },
    /// Hash a password with Argon2id, or a secret of Doorward as its database does
    Hash {
        /// The text is a session secret (dws_…), a client's (dwc_…) or a verifier's (dwv_…): SHA-256, in hexadecimal
        #[arg(long, conflicts_with_all = ["memory_kib", "passes"])]
        secret: bool,
        /// The memory of the hash in KiB, 19456 to 1048576
        #[arg(long, default_value_t = Cost::FLOOR.memory_kib,
              value_parser = clap::value_parser!(u32).range(19_456..=1_048_576))]
        memory_kib: u32,
        /// The passes of the hash, 2 to 16
        #[arg(long, default_value_t = Cost::FLOOR.passes, value_parser = clap::value_parser!(u32).range(2..=16))]
        passes: u32,
        /// Read from stdin
        #[arg(long)]
        stdin: bool,
        /// The form of the answer
        #[arg(long, value_enum, default_value_t = Format::Table)]
        format: Format,
    },
}

/// Of what an id is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum IdKind {
    /// A person: usr_
    User,
    /// A session: ses_
    Session,
    /// A client: cli_
    Client,
    /// A key: key_
    Key,
    /// An organization: org_
    Organization,
    /// An event of the audit log: evt_
    Event,
    /// An access token: tok_
    Token,
    /// A verifier: ver_
    Verifier,
}
