//! Files of people from elsewhere: read row by row, judged one by one, never held whole.
//!
//! A row that is not right is told with its line and a word, and the next one is read. What a row says is text until
//! [`judge`](judge::judge) has made a [`Newcomer`](judge::Newcomer) of it.

mod csv;
mod firebase;
pub mod judge;
mod lines;

use std::fmt;
use std::io::BufRead;

use serde::{Deserialize, Serialize};

pub use self::firebase::Project;

/// The longest row, in bytes.
pub const LONGEST_ROW: usize = 64 * 1024;

/// A person as a file tells of them.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Row {
    /// The e-mail address.
    pub email: Option<String>,
    /// What the person is called.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The hash of the password, in a spelling that says how it was made, or with `password_scheme`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password_hash: Option<String>,
    /// `md5`, `sha1`, `sha256` or `sha512` for a bare digest, or `better-auth`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password_scheme: Option<String>,
    /// The salt of a bare digest, as it stood beside the password.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password_salt: Option<String>,
    /// Where it stood: `prefix` (unless told) or `suffix`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password_salt_position: Option<String>,
    /// Was the address proven?
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email_verified: Option<bool>,
    /// When the account was made (RFC 3339).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_at: Option<String>,
    /// May the person not sign in?
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suspended: Option<bool>,
    /// The id in the other system. Nothing of it is kept here; it is told beside the new one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
}

impl fmt::Debug for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Row(..)")
    }
}

/// Why a row is not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unfit {
    /// A stable word.
    pub reason: &'static str,
    /// More about it, without any value of the row.
    pub detail: Option<String>,
}

impl Unfit {
    /// Without more to tell.
    pub const fn because(reason: &'static str) -> Self {
        Self { reason, detail: None }
    }

    /// A row that cannot be read.
    pub fn malformed(detail: impl Into<String>) -> Self {
        Self { reason: "row_malformed", detail: Some(detail.into()) }
    }
}

/// A row at its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Its line, from 1; of a Firebase export, which account it is.
    pub number: u64,
    /// What it says.
    pub row: Result<Row, Unfit>,
}

/// The form of a file.
#[derive(Debug)]
pub enum Form {
    /// A JSON object on each line.
    Lines,
    /// Comma-separated values, the names of the members in the first line.
    Csv,
    /// What `firebase auth:export` writes.
    Firebase(Project),
}

/// Why a file cannot be read on.
#[derive(Debug)]
pub enum Broken {
    /// The system says no.
    Io(std::io::Error),
    /// The first line of a CSV file.
    Header(String),
    /// It is no JSON, or not the export it should be.
    Export(String),
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => write!(f, "it cannot be read: {error}"),
            Self::Header(why) => write!(f, "its first line names the columns, and {why}"),
            Self::Export(why) => write!(f, "it is no export of Firebase: {why}"),
        }
    }
}

impl From<std::io::Error> for Broken {
    fn from(error: std::io::Error) -> Self {
        Self::Io(error)
    }
}

/// Reads a file and hands over row after row, until there are no more or `each` says `false`.
///
/// # Errors
/// [`Broken`]: what was handed over before is good.
pub fn read(file: impl BufRead, form: &Form, each: &mut dyn FnMut(Line) -> bool) -> Result<(), Broken> {
    match form {
        Form::Lines => lines::read(file, each),
        Form::Csv => csv::read(file, each),
        Form::Firebase(project) => firebase::read(file, project, each),
    }
}
