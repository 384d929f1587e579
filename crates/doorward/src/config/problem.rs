//! What is wrong with a configuration: each problem says what, where, and what to do; all are told at once.

use std::fmt;
use std::path::PathBuf;

/// Where a value stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// In a file, at a line and column that count from 1.
    File(PathBuf, usize, usize),
    /// In a variable of the environment.
    Variable(String),
    /// In a flag of the command line.
    Flag(&'static str),
    /// Nowhere: it is the default.
    Default,
    /// Nowhere: it is missing.
    Missing,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path, line, column) => write!(f, "{}:{line}:{column}", path.display()),
            Self::Variable(name) => write!(f, "environment variable {name}"),
            Self::Flag(name) => write!(f, "flag {name}"),
            Self::Default => f.write_str("default"),
            Self::Missing => f.write_str("not set anywhere"),
        }
    }
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What is wrong; names the key.
    pub what: String,
    /// Where.
    pub place: Place,
    /// What to do about it.
    pub advice: Option<String>,
}

impl Problem {
    /// A problem without advice.
    pub fn new(what: impl Into<String>, place: Place) -> Self {
        Self { what: what.into(), place, advice: None }
    }

    /// With advice.
    #[must_use]
    pub fn advise(mut self, advice: impl Into<String>) -> Self {
        self.advice = Some(advice.into());
        self
    }

    /// A name that nobody knows, with the nearest one that is known.
    pub fn unknown<'a>(what: &str, name: &str, known: impl IntoIterator<Item = &'a str>, place: Place) -> Self {
        let known: Vec<&str> = known.into_iter().collect();
        let problem = Self::new(format!("`{name}` is not {what}"), place);
        match nearest(name, &known) {
            Some(near) => problem.advise(format!("did you mean `{near}`?")),
            None => problem.advise(format!("known are {}", known.join(", "))),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}\n  --> {}", self.what, self.place)?;
        match &self.advice {
            Some(advice) => write!(f, "\n  help: {advice}"),
            None => Ok(()),
        }
    }
}

/// How alike two names must be for one to be meant by the other.
const ALIKE: f64 = 0.6;

/// The known name that was most likely meant.
pub fn nearest<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    // Names of variables all begin alike, which must not make them seem alike.
    let bare = |name: &str| name.strip_prefix("DOORWARD_").unwrap_or(name).to_lowercase();
    let likeness = |other: &str| strsim::normalized_damerau_levenshtein(&bare(name), &bare(other));
    let best = known.iter().map(|other| (likeness(other), *other)).max_by(|one, other| one.0.total_cmp(&other.0));
    best.filter(|(likeness, _)| *likeness >= ALIKE).map(|(_, name)| name)
}

/// Everything that is wrong; at least one problem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problems(pub Vec<Problem>);

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            let line = if index == 0 { "" } else { "\n" };
            write!(f, "{line}{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_pen_is_recognised_and_a_stranger_is_not() {
        let known = ["listen", "issuer", "hashing.memory_kib", "refresh.leeway_seconds"];
        for (written, meant) in [
            ("listne", Some("listen")),
            ("hashing.memory_kb", Some("hashing.memory_kib")),
            ("refresh.leeway", Some("refresh.leeway_seconds")),
            ("colour", None),
        ] {
            assert_eq!(nearest(written, &known), meant, "{written}");
        }
        assert_eq!(nearest("DOORWARD_LISTN", &["DOORWARD_DATA", "DOORWARD_LISTEN"]), Some("DOORWARD_LISTEN"));
        assert_eq!(nearest("DOORWARD_ZZZZ", &["DOORWARD_DATA", "DOORWARD_LISTEN"]), None);
    }

    #[test]
    fn a_problem_says_what_where_and_what_next() {
        let place = Place::File(PathBuf::from("doorward.toml"), 14, 1);
        let problem = Problem::unknown("a known key", "lisen", ["listen"], place);
        let text = "error: `lisen` is not a known key\n  --> doorward.toml:14:1\n  help: did you mean `listen`?";
        assert_eq!(problem.to_string(), text);
    }
}
