//! The first stage: what was said, and where. Defaults, file, environment and flags are laid one over the other; nothing
//! is interpreted yet but its kind. The only place that reads the environment.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

use toml::de::{DeTable, DeValue};
use zeroize::Zeroizing;

use super::Mode;
use super::document::{self, Document};
use super::problem::{Place, Problem};
use super::table::{KEYS, Key, Takes};

/// The file that is read without being named, if it is there.
pub const DEFAULT_FILE: &str = "/etc/doorward/doorward.toml";

/// The two master keys, and the keys that name a file of each.
const MASTER_KEYS: [(&str, &str); 2] =
    [("master_key", "master_key_file"), ("master_key_previous", "master_key_previous_file")];

/// What every variable of ours begins with.
const PREFIX: &str = "DOORWARD_";

/// A value, of the kind that its key takes.
#[derive(Clone, PartialEq, Eq)]
pub enum Value {
    /// Text.
    Text(String),
    /// `true` or `false`.
    Flag(bool),
    /// A whole number.
    Number(i64),
    /// Texts.
    List(Vec<String>),
    /// A secret.
    Secret(Zeroizing<String>),
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "{text:?}"),
            Self::Flag(flag) => write!(f, "{flag}"),
            Self::Number(number) => write!(f, "{number}"),
            Self::List(parts) => write!(f, "{parts:?}"),
            Self::Secret(_) => f.write_str("Secret(..)"),
        }
    }
}

/// A value with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The value.
    pub value: Value,
    /// Where it stands.
    pub place: Place,
}

/// What the command line says about configuration.
#[derive(Clone, Debug, Default)]
pub struct Said {
    /// The file to read.
    pub config: Option<PathBuf>,
    /// Keys that were set by their flags.
    pub flags: Vec<(&'static str, String)>,
}

/// Where a master key comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyFrom {
    /// A file of its own.
    File(PathBuf),
    /// The environment.
    Environment,
    /// It was not said.
    Nowhere,
}

/// Everything that was said, the last word on each key, and what was wrong with it.
#[derive(Debug, Default)]
pub struct Raw {
    pub(super) found: BTreeMap<&'static str, Found>,
    pub(super) problems: Vec<Problem>,
}

impl Raw {
    /// Gathers everything: defaults, file, environment, flags.
    pub fn gather(said: &Said, mode: Mode) -> Self {
        let file = match &said.config {
            Some(path) => Some(Document::read(path)),
            // A demo takes no part in the configuration of a real server on the same machine.
            None if mode == Mode::Dev || !Path::new(DEFAULT_FILE).exists() => None,
            None => Some(Document::read(Path::new(DEFAULT_FILE))),
        };
        Self::gather_from(file, environment(), &said.flags, mode)
    }

    /// The same with the file and the environment as arguments.
    pub fn gather_from(
        file: Option<Result<Document, Problem>>,
        environment: Vec<(OsString, OsString)>,
        flags: &[(&'static str, String)],
        mode: Mode,
    ) -> Self {
        let mut raw = Self::default();
        raw.add_defaults(mode);
        match file {
            Some(Ok(document)) => raw.add_file(&document),
            Some(Err(problem)) => raw.problems.push(problem),
            None => {}
        }
        raw.add_environment(environment);
        for (name, text) in flags {
            if let Some(key) = Key::named(name) {
                raw.put_text(key, text, Place::Flag(key.flag.unwrap_or(key.name)));
            }
        }
        for (key, file) in MASTER_KEYS {
            raw.read_key_file(key, file);
        }
        raw
    }

    /// The folder, if it was said and is not the default.
    pub fn said_data(&self) -> Option<PathBuf> {
        let found = self.found.get("data").filter(|found| found.place != Place::Default)?;
        match &found.value {
            Value::Text(text) => Some(PathBuf::from(text)),
            _ => None,
        }
    }

    /// Where the master key comes from.
    pub fn master_key_from(&self) -> KeyFrom {
        // The key's place is that of what named it: a variable of its own, or the file.
        match self.found.get("master_key_file") {
            Some(Found { value: Value::Text(path), .. }) => KeyFrom::File(PathBuf::from(path)),
            _ if self.found.contains_key("master_key") => KeyFrom::Environment,
            _ => KeyFrom::Nowhere,
        }
    }

    fn add_defaults(&mut self, mode: Mode) {
        for key in KEYS {
            let default = if mode == Mode::Dev { key.dev } else { key.serve };
            if let Some(text) = default {
                self.put_text(key, text, Place::Default);
            }
        }
    }

    fn add_file(&mut self, document: &Document) {
        let mut problems = Vec::new();
        let table = document.parse(&mut problems);
        self.problems.append(&mut problems);
        self.add_section(document, &table, "");
    }

    fn add_section(&mut self, document: &Document, table: &DeTable<'_>, section: &str) {
        for (name, value) in table {
            let path = format!("{section}{}", name.get_ref());
            let place = document.place(name.span());
            let inner = format!("{path}.");
            match value.get_ref() {
                DeValue::Table(table) if KEYS.iter().any(|key| key.name.starts_with(&inner)) => {
                    self.add_section(document, table, &inner);
                }
                value => self.add_from_file(&path, value, place),
            }
        }
    }

    fn add_from_file(&mut self, path: &str, value: &DeValue<'_>, place: Place) {
        let Some(key) = Key::named(path) else {
            let keys = KEYS.iter().filter(|key| key.takes != Takes::Secret).map(|key| key.name);
            let sections = KEYS.iter().filter_map(|key| Some(key.name.split_once('.')?.0));
            let known = if value.is_table() { sections.collect() } else { keys.collect::<Vec<_>>() };
            return self.problems.push(Problem::unknown("a known key", path, known, place));
        };
        let read = match key.takes {
            Takes::Text => value.as_str().map(|text| Value::Text(text.to_owned())),
            Takes::Flag => value.as_bool().map(Value::Flag),
            Takes::Number => document::number(value).map(Value::Number),
            Takes::List => document::texts(value).map(Value::List),
            Takes::Secret => {
                let problem = Problem::new(format!("`{path}` is a secret and has no place in this file"), place);
                let advice = format!("put it into a file of its own and name that with `{path}_file`");
                return self.problems.push(problem.advise(advice));
            }
        };
        match read {
            Some(value) => self.put(key, value, place),
            None => self.wrong_kind(key, &format!("of type {}", value.type_str()), place),
        }
    }

    fn add_environment(&mut self, environment: Vec<(OsString, OsString)>) {
        let mut seen: Vec<&'static str> = Vec::new();
        for (name, value) in environment {
            let Some(name) = name.to_str().filter(|name| name.starts_with(PREFIX)).map(str::to_owned) else {
                continue;
            };
            let place = Place::Variable(name.clone());
            let Some(key) = Key::of_variable(&name) else {
                let known = KEYS.iter().map(|key| key.variable);
                self.problems.push(Problem::unknown("a variable of Doorward", &name, known, place));
                continue;
            };
            let Some(text) = value.to_str() else {
                self.problems.push(Problem::new(format!("`{name}` is no UTF-8"), place));
                continue;
            };
            seen.push(key.name);
            let text = Zeroizing::new(text.to_owned());
            self.put_text(key, &text, place);
        }
        for (key, file) in MASTER_KEYS {
            if seen.contains(&key) && seen.contains(&file) {
                let [one, other] = [key, file].map(|name| Key::named(name).map_or(name, |key| key.variable));
                let what = format!("`{key}` is set twice: by {one} and by {other}");
                let place = Place::Variable(other.to_owned());
                self.problems.push(Problem::new(what, place).advise("keep one of the two"));
            }
        }
    }

    fn put_text(&mut self, key: &'static Key, text: &str, place: Place) {
        let value = match key.takes {
            Takes::Text => Some(Value::Text(text.to_owned())),
            Takes::Flag => text.parse().ok().map(Value::Flag),
            Takes::Number => text.parse().ok().map(Value::Number),
            Takes::List => {
                let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
                Some(Value::List(parts.map(str::to_owned).collect()))
            }
            Takes::Secret => Some(Value::Secret(Zeroizing::new(text.to_owned()))),
        };
        match value {
            Some(value) => self.put(key, value, place),
            None => self.wrong_kind(key, &format!("`{text}`"), place),
        }
    }

    /// The later word counts; of the two ways to give a master key, too.
    fn put(&mut self, key: &'static Key, value: Value, place: Place) {
        for (one, other) in MASTER_KEYS.into_iter().flat_map(|(key, file)| [(key, file), (file, key)]) {
            if key.name == one {
                self.found.remove(other);
            }
        }
        self.found.insert(key.name, Found { value, place });
    }

    fn wrong_kind(&mut self, key: &Key, is: &str, place: Place) {
        self.problems
            .push(Problem::new(format!("`{}` takes {}, and this is {is}", key.name, key.takes.words()), place));
    }

    fn read_key_file(&mut self, key: &'static str, file: &'static str) {
        let Some(Found { value: Value::Text(path), place }) = self.found.get(file).cloned() else { return };
        match std::fs::read_to_string(&path) {
            Ok(text) => {
                let value = Value::Secret(Zeroizing::new(text));
                self.found.insert(key, Found { value, place });
            }
            Err(error) => {
                self.problems.push(Problem::new(format!("`{file}`: {path} cannot be read: {error}"), place));
            }
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the one home of the environment")]
fn environment() -> Vec<(OsString, OsString)> {
    std::env::vars_os().collect()
}
