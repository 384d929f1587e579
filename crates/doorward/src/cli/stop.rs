//! How a command ends: its exit code, and what it says if it did not go well.

use std::fmt;
use std::process::ExitCode;

use crate::config::Problems;

/// Exit codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Exit {
    /// All is well.
    Well = 0,
    /// The question was answered, and the answer is no.
    Negative = 1,
    /// The command line makes no sense.
    Usage = 2,
    /// The configuration, or a file it names, is not right.
    Configuration = 3,
    /// Somebody who is needed does not answer.
    Unreachable = 4,
    /// Not allowed.
    Denied = 5,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Why a command ended early: what, where, why, and what to do next.
#[derive(Debug)]
pub(super) struct Stop {
    exit: Exit,
    text: String,
    place: Option<String>,
    advice: Option<String>,
    code: Option<String>,
}

impl Stop {
    /// A stop in a sentence or two.
    pub(super) fn new(exit: Exit, what: impl fmt::Display) -> Self {
        Self { exit, text: format!("error: {what}"), place: None, advice: None, code: None }
    }

    /// With where it happened.
    #[must_use]
    pub(super) fn at(mut self, place: &str) -> Self {
        self.place = Some(place.to_owned());
        self
    }

    /// With what to do about it.
    #[must_use]
    pub(super) fn advise(mut self, advice: impl fmt::Display) -> Self {
        self.advice = Some(advice.to_string());
        self
    }

    /// With the code that a server answered.
    #[must_use]
    pub(super) fn coded(mut self, code: &str) -> Self {
        self.code = Some(code.to_owned());
        self
    }

    /// In an operator's words instead, if the server answered with one of these codes: its own are for who signs in.
    #[must_use]
    pub(super) fn instead_of(self, codes: &[&str], what: impl fmt::Display, advice: &str) -> Self {
        match &self.code {
            Some(code) if codes.contains(&code.as_str()) => {
                Self::new(Exit::Negative, format!("{what} ({code})")).advise(advice).coded(code)
            }
            _ => self,
        }
    }

    /// With other advice, if the server answered with this code.
    #[must_use]
    pub(super) fn advise_on(self, code: &str, advice: &str) -> Self {
        if self.code.as_deref() == Some(code) { self.advise(advice) } else { self }
    }

    /// The exit code.
    pub(super) const fn exit(&self) -> Exit {
        self.exit
    }
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)?;
        if let Some(place) = &self.place {
            write!(f, "\n  --> {place}")?;
        }
        match &self.advice {
            Some(advice) => write!(f, "\n  help: {advice}"),
            None => Ok(()),
        }
    }
}

impl From<Problems> for Stop {
    fn from(problems: Problems) -> Self {
        Self { exit: Exit::Configuration, text: problems.to_string(), place: None, advice: None, code: None }
    }
}
