//! What may be said to `doorward sessions`, and how far a revocation must have got wherever something is revoked.

use clap::{ArgGroup, Args as Group, Subcommand};

use crate::flows::acknowledge::Ack;

/// How far a revocation must have got.
#[derive(Clone, Copy, Debug, Group)]
pub(in crate::cli) struct AckArgs {
    /// How far it must have got: durable (written down), nodes (every server), verifiers (nobody accepts it any more)
    #[arg(long, value_name = "HOW_FAR", value_parser = read_ack)]
    ack: Option<Ack>,
}

impl AckArgs {
    /// As the query of a call.
    pub(in crate::cli) fn query(self) -> String {
        self.ack.map_or_else(String::new, |ack| format!("?ack={}", ack.name()))
    }
}

fn read_ack(text: &str) -> Result<Ack, String> {
    Ack::from_name(text).ok_or_else(|| String::from("it is durable, nodes or verifiers"))
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum SessionsVerb {
    /// List sessions that are alive, newest first
    List {
        /// Only those of a user: e-mail address or id
        #[arg(long)]
        user: Option<String>,
        /// At most so many, up to 1000
        #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1000))]
        limit: u32,
    },
    /// End a session, everything of a user, or everything
    #[command(group = ArgGroup::new("whose").required(true).args(["session", "user", "all"]))]
    End {
        /// The session
        session: Option<String>,
        /// Everything of a user: e-mail address or id
        #[arg(long)]
        user: Option<String>,
        /// Everything of everybody
        #[arg(long)]
        all: bool,
        /// Not at once, but bucket after bucket over this time, such as 90s, 10m or 2h
        #[arg(long, requires = "all", value_name = "SPAN", value_parser = span)]
        over: Option<i64>,
        #[command(flatten)]
        ack: AckArgs,
    },
    /// Have everybody renew their tokens; who can renew stays signed in
    Renew {
        /// Not at once, but bucket after bucket over this time, such as 90s, 10m or 2h
        #[arg(long, value_name = "SPAN", value_parser = span)]
        over: Option<i64>,
        #[command(flatten)]
        ack: AckArgs,
    },
}

/// Reads a span of time; gives seconds.
fn span(text: &str) -> Result<i64, String> {
    let wrong = || String::from("it is a number of seconds, minutes or hours, such as 90s, 10m or 2h; at most 24h");
    let unit = text.char_indices().next_back().ok_or_else(wrong)?;
    let seconds = match unit.1 {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        _ => return Err(wrong()),
    };
    let number: i64 = text[..unit.0].parse().map_err(|_| wrong())?;
    number.checked_mul(seconds).filter(|span| (1..=86_400).contains(span)).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::span;

    #[test]
    fn spans_have_a_number_a_unit_and_an_end() {
        for (text, seconds) in [("90s", 90), ("10m", 600), ("2h", 7200), ("24h", 86_400), ("1s", 1)] {
            assert_eq!(span(text), Ok(seconds), "{text}");
        }
        for wrong in ["", "s", "10", "0m", "-1m", "25h", "1.5h", "10 m", "10d", "9999999999999999h", "1\u{e9}"] {
            assert!(span(wrong).is_err(), "{wrong}");
        }
    }
}
