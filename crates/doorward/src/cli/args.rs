//! What may be said on the command line.

mod advise;
mod audit;
mod bench;
mod generate;
mod import;
mod sessions;

use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::{Args as Group, Parser, Subcommand, ValueEnum};
use doorward_core::Algorithm;
use doorward_core::client::{AttemptKey, ClientKind, Strategy, Transport};
use doorward_core::key::Purpose;
use doorward_core::policy::Profile;

pub(super) use self::advise::{AdviceFormat, AdviseArgs};
pub(super) use self::audit::AuditVerb;
pub(super) use self::bench::BenchArgs;
pub(super) use self::generate::{GenerateVerb, IdKind};
pub(super) use self::import::{ImportUsersArgs, ImportVerb, Source};
pub(super) use self::sessions::{AckArgs, SessionsVerb};
use crate::config::raw::Said;

/// Signs people and programs in, and keeps every part of a system agreed on who is still signed in.
#[derive(Debug, Parser)]
#[command(
    name = "doorward",
    version,
    disable_help_subcommand = true,
    after_help = "Exit codes: 0 well, 1 the answer is no, 2 usage, 3 configuration, 4 unreachable, 5 denied."
)]
pub(super) struct Args {
    #[command(subcommand)]
    pub(super) verb: Verb,
}

#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// Serve a demo on this machine alone: database, keys, accounts and clients are made on the way
    Dev(DevArgs),
    /// Serve for real
    Serve(ServeArgs),
    /// People: add, list, suspend, resume, set roles, set a password
    Users {
        #[command(flatten)]
        reaching: Reaching,
        #[command(subcommand)]
        verb: UsersVerb,
    },
    /// Sessions: list, end, have everybody renew
    Sessions {
        #[command(flatten)]
        reaching: Reaching,
        #[command(subcommand)]
        verb: SessionsVerb,
    },
    /// Applications: add, list, change
    Clients {
        #[command(flatten)]
        reaching: Reaching,
        #[command(subcommand)]
        verb: ClientsVerb,
    },
    /// Keys: list, rotate, retire, kill, reseal under a new master key, share the secrets of HS256
    Keys {
        #[command(flatten)]
        reaching: Reaching,
        #[command(subcommand)]
        verb: KeysVerb,
    },
    /// Verifiers, the services that follow the revocation feed: add, list, remove
    Verifiers {
        #[command(flatten)]
        reaching: Reaching,
        #[command(subcommand)]
        verb: VerifiersVerb,
    },
    /// People from another system, with their passwords
    Import {
        #[command(flatten)]
        reaching: Reaching,
        #[command(subcommand)]
        verb: ImportVerb,
    },
    /// The audit log: what happened, and whether it is whole
    Audit {
        #[command(flatten)]
        reaching: Reaching,
        #[command(subcommand)]
        verb: AuditVerb,
    },
    /// Look for what is weak in configuration, files and clients, and say what to do
    Check {
        #[command(flatten)]
        reaching: Reaching,
    },
    /// Which strategy, and why: six questions, the reasons, numbers of this machine, and a configuration
    Advise(AdviseArgs),
    /// What Doorward does on this machine: sizes, checks, sign-ins, revocations and how long they take to reach a service
    Bench(BenchArgs),
    /// Draw secrets, passwords and ids; hash passwords and secrets
    Generate {
        #[command(subcommand)]
        verb: GenerateVerb,
    },
    /// Access tokens: look into one, find what is weak in one, verify one
    Jwt {
        #[command(subcommand)]
        verb: JwtVerb,
    },
}

/// Configuration that both servers take.
#[derive(Debug, Group)]
pub(super) struct Serving {
    /// A configuration file
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The data folder
    #[arg(long, value_name = "DIR")]
    data: Option<String>,
    /// The address to listen on; port 0 takes any free one
    #[arg(long, value_name = "HOST:PORT")]
    listen: Option<String>,
    /// The origin under which this realm is known
    #[arg(long, value_name = "URL")]
    issuer: Option<String>,
    /// A file that holds the master key
    #[arg(long, value_name = "FILE")]
    master_key_file: Option<String>,
    /// The form of log lines: text or json
    #[arg(long, value_name = "FORM")]
    log_format: Option<String>,
    /// The least grave lines that are logged: error, warn, info, debug or trace
    #[arg(long, value_name = "LEVEL")]
    log_level: Option<String>,
    /// An old copy of the database was put back on purpose: do not sign everybody out for that
    #[arg(long)]
    pub(super) restored_on_purpose: bool,
}

impl Serving {
    /// What is said here of configuration.
    pub(super) fn said(&self) -> Said {
        let flags = [
            ("data", &self.data),
            ("listen", &self.listen),
            ("issuer", &self.issuer),
            ("master_key_file", &self.master_key_file),
            ("log_format", &self.log_format),
            ("log_level", &self.log_level),
        ];
        said(self.config.as_ref(), &flags)
    }
}

fn said(config: Option<&PathBuf>, flags: &[(&'static str, &Option<String>)]) -> Said {
    let flags = flags.iter().filter_map(|(key, text)| Some((*key, text.as_ref()?.clone())));
    Said { config: config.cloned(), flags: flags.collect() }
}

#[derive(Debug, Group)]
pub(super) struct DevArgs {
    #[command(flatten)]
    pub(super) serving: Serving,
    /// A file of people and clients that shall be there
    #[arg(long, value_name = "FILE")]
    pub(super) seed: Option<PathBuf>,
    /// Speak https, with a certificate of its own that is kept in the data folder
    #[arg(long)]
    pub(super) tls: bool,
}

#[derive(Debug, Group)]
pub(super) struct ServeArgs {
    #[command(flatten)]
    pub(super) serving: Serving,
}

/// What all verbs that ask a server have, apart from a verb's own.
const COMMON: &str = "Which server, and how it is told";

/// Which server a verb asks, and in which form it tells the answer.
#[derive(Debug, Group)]
pub(super) struct Reaching {
    /// The data folder; by default ./.doorward if it is there, else /var/lib/doorward
    #[arg(long, global = true, value_name = "DIR", help_heading = COMMON)]
    data: Option<String>,
    /// A configuration file
    #[arg(long, global = true, value_name = "FILE", help_heading = COMMON)]
    config: Option<PathBuf>,
    /// A file that holds the master key; needed only while no server runs
    #[arg(long, global = true, value_name = "FILE", help_heading = COMMON)]
    master_key_file: Option<String>,
    /// The form of the answer
    #[arg(long, global = true, value_enum, default_value_t = Format::Table, help_heading = COMMON)]
    pub(super) format: Format,
}

impl Reaching {
    /// What is said here of configuration.
    pub(super) fn said(&self) -> Said {
        said(self.config.as_ref(), &[("data", &self.data), ("master_key_file", &self.master_key_file)])
    }
}

/// The form of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For people
    Table,
    /// For programs
    Json,
}

#[derive(Debug, Subcommand)]
pub(super) enum UsersVerb {
    /// Make an account
    Add {
        /// The e-mail address
        email: String,
        /// What the person wants to be called
        #[arg(long)]
        name: Option<String>,
        /// What the person is to the applications; may be given again
        #[arg(long = "role", value_name = "ROLE")]
        roles: Vec<String>,
        #[command(flatten)]
        password: PasswordArgs,
    },
    /// List accounts
    List {
        /// At most so many
        #[arg(long, default_value_t = 100)]
        limit: usize,
    },
    /// Suspend an account; everything of it is over
    Suspend {
        /// E-mail address or id
        user: String,
        #[command(flatten)]
        ack: AckArgs,
    },
    /// Let a suspended account sign in again
    Resume {
        /// E-mail address or id
        user: String,
    },
    /// Set the roles of an account, these and no others; nobody is signed out, and tokens are renewed
    #[command(
        override_usage = "doorward users roles [OPTIONS] <USER> <ROLE>...\n       doorward users roles [OPTIONS] <USER> --none"
    )]
    Roles {
        /// E-mail address or id
        user: String,
        /// Words of letters, digits and . _ : / -
        #[arg(required_unless_present = "none", conflicts_with = "none", value_name = "ROLE")]
        roles: Vec<String>,
        /// Take all roles away
        #[arg(long)]
        none: bool,
        #[command(flatten)]
        ack: AckArgs,
    },
    /// Set a password; every session of the account is over
    Password {
        /// E-mail address or id
        user: String,
        #[command(flatten)]
        password: PasswordArgs,
        #[command(flatten)]
        ack: AckArgs,
    },
}

/// Where a password comes from: the terminal, unless one of these is said. Never an argument, which others could read.
#[derive(Clone, Copy, Debug, Group)]
pub(super) struct PasswordArgs {
    /// Read the password from stdin
    #[arg(long, conflicts_with = "generate")]
    pub(super) password_stdin: bool,
    /// Draw a password and tell it once
    #[arg(long)]
    pub(super) generate: bool,
}

#[derive(Debug, Subcommand)]
pub(super) enum ClientsVerb {
    /// Add a client; the secret of a confidential one is told once
    Add {
        /// Its id
        id: String,
        /// Can it keep a secret of its own?
        #[arg(long, default_value = "public", value_parser = words([ClientKind::Public, ClientKind::Confidential].map(ClientKind::name)))]
        kind: String,
        /// It is somebody else's: it may not take passwords
        #[arg(long)]
        third_party: bool,
        #[command(flatten)]
        settings: ClientArgs,
    },
    /// List clients
    List,
    /// Change a client; what is not named stays
    Set {
        /// Its id
        id: String,
        #[command(flatten)]
        settings: ClientArgs,
        /// Switch it off; everything that came through it is over
        #[arg(long, conflicts_with = "enable")]
        disable: bool,
        /// Switch it on again
        #[arg(long)]
        enable: bool,
        #[command(flatten)]
        ack: AckArgs,
    },
}

/// Settings of a client. Lists are separated by commas; an empty text empties them.
#[derive(Debug, Group)]
pub(super) struct ClientArgs {
    /// What its users hold; a new client: session
    #[arg(long, value_parser = words(Strategy::ALL.map(Strategy::name)))]
    pub(super) strategy: Option<String>,
    /// How credentials may travel: cookie, body; a new client: cookie, with strategy jwt body
    #[arg(long, value_name = "LIST", value_parser = transports)]
    pub(super) transports: Option<String>,
    /// Exact origins of its pages
    #[arg(long, value_name = "LIST")]
    pub(super) origins: Option<String>,
    /// Who its access tokens are for; by default the issuer
    #[arg(long, value_name = "LIST")]
    pub(super) audiences: Option<String>,
    /// Scopes its tokens may carry
    #[arg(long, value_name = "LIST")]
    pub(super) scopes: Option<String>,
    /// What its tokens are signed with; a new client: ES256
    #[arg(long, value_parser = words(Algorithm::ALL.map(Algorithm::name)))]
    pub(super) algorithm: Option<String>,
    /// How many minutes an access token lives, 1 to 60; a new client: 15
    #[arg(long, value_name = "MINUTES")]
    pub(super) access_minutes: Option<i64>,
    /// How long its sessions live; a new client: as `session.profile` of the configuration, which is relaxed unless set
    #[arg(long, value_parser = words(Profile::ALL.map(Profile::name)))]
    pub(super) profile: Option<String>,
    /// Whether refreshes come with attempt keys; a new client: required
    #[arg(long, value_parser = words([AttemptKey::Required, AttemptKey::Optional].map(AttemptKey::name)))]
    pub(super) attempt_key: Option<String>,
}

/// These words and no others.
fn words<const N: usize>(words: [&'static str; N]) -> PossibleValuesParser {
    PossibleValuesParser::new(words)
}

/// A list of transports; what is in it is read where it is kept.
fn transports(text: &str) -> Result<String, String> {
    let is_known = |word: &str| word.is_empty() || Transport::from_name(word).is_some();
    match text.split(',').map(str::trim).find(|word| !is_known(word)) {
        Some(word) => {
            Err(format!("`{word}` is no way to travel; these are cookie and body, with a comma between them"))
        }
        None => Ok(text.to_owned()),
    }
}

#[derive(Debug, Subcommand)]
pub(super) enum KeysVerb {
    /// List keys; never their secret parts
    List,
    /// Bring the next key of a purpose into use
    Rotate {
        /// Whose key. If there is none yet, the first ones are made
        #[arg(long, default_value = "sign-es256", value_parser = words(Purpose::ALL.map(Purpose::name)))]
        purpose: String,
        /// Even if some verifiers may not have the next key yet
        #[arg(long)]
        hurry: bool,
    },
    /// Forget a key that is no longer used
    Retire {
        /// Its id
        key: String,
        /// Even if something made with it may still be about
        #[arg(long)]
        hurry: bool,
    },
    /// End a key that somebody else may have: tokens under it are refused at once, and the standby takes over. After a refresh
    /// secret, `sessions end --all` too: session secrets that it derived stay good
    Kill {
        /// Its id
        key: String,
        /// Even if some verifiers may not have the standby yet
        #[arg(long)]
        hurry: bool,
        #[command(flatten)]
        ack: AckArgs,
    },
    /// Seal all keys under a new master key too, while the server runs; start with that one next time
    Reseal {
        /// A file that holds the new master key
        #[arg(long, value_name = "FILE")]
        new_master_key_file: PathBuf,
    },
    /// Write the shared secrets of HS256 as a JWK set, for the one verifier that needs them
    Share {
        /// A file that is not there yet; only its owner may read it
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum VerifiersVerb {
    /// Register a verifier; its secret is told once
    Add {
        /// What to call it
        name: String,
        /// For whom the credentials are that it may ask about; by default the issuer
        #[arg(long, value_name = "AUDIENCE")]
        audience: Vec<String>,
    },
    /// List verifiers
    List,
    /// Strike a verifier off
    Remove {
        /// Its name or id
        verifier: String,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum JwtVerb {
    /// Show what a token says, without verifying it
    Decode {
        /// The token, or - for stdin
        #[arg(default_value = "-")]
        token: String,
        /// The form of the answer
        #[arg(long, value_enum, default_value_t = Format::Table)]
        format: Format,
    },
    /// Look for twelve weaknesses in how a token is made, without verifying it
    Lint {
        /// The token, or - for stdin
        #[arg(default_value = "-")]
        token: String,
        /// The form of the answer
        #[arg(long, value_enum, default_value_t = Format::Table)]
        format: Format,
    },
    /// Verify a token with the issuer's public keys
    Verify {
        /// The token, or - for stdin
        #[arg(default_value = "-")]
        token: String,
        /// Whose token it must be; its keys are fetched from there
        #[arg(long, value_name = "URL")]
        issuer: String,
        /// For whom it must be; by default the issuer
        #[arg(long, value_name = "AUDIENCE")]
        audience: Vec<String>,
        /// The form of the answer
        #[arg(long, value_enum, default_value_t = Format::Table)]
        format: Format,
    },
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};
    use doorward_core::advice::{Answers, Topic, advise};

    use super::Args;
    use crate::advice::configuration::commands;

    #[test]
    fn the_command_line_is_consistent() {
        Args::command().debug_assert();
    }

    #[test]
    fn what_advise_tells_people_to_run_is_understood() {
        for one in Topic::ALL {
            for other in Topic::ALL {
                for command in commands(&advise(&Answers::yes_to(&[one, other]))) {
                    Args::try_parse_from(command.split(' ')).unwrap_or_else(|told| panic!("{command}: {told}"));
                }
            }
        }
    }
}
