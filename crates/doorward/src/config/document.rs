//! A TOML file that knows where each of its values stands.

use std::ops::Range;
use std::path::{Path, PathBuf};

use toml::de::{DeTable, DeValue};

use super::problem::{Place, Problem};

/// A file as it was read.
#[derive(Debug)]
pub struct Document {
    path: PathBuf,
    text: String,
}

impl Document {
    /// A file's text.
    pub fn new(path: &Path, text: String) -> Self {
        Self { path: path.to_owned(), text }
    }

    /// Reads a file.
    ///
    /// # Errors
    /// A problem that names the file.
    pub fn read(path: &Path) -> Result<Self, Problem> {
        match std::fs::read_to_string(path) {
            Ok(text) => Ok(Self::new(path, text)),
            Err(error) => {
                let place = Place::File(path.to_owned(), 1, 1);
                Err(Problem::new(format!("the file cannot be read: {error}"), place))
            }
        }
    }

    /// Its top table; empty if it is no TOML, which is a problem or several.
    pub fn parse(&self, problems: &mut Vec<Problem>) -> DeTable<'_> {
        let (table, errors) = DeTable::parse_recoverable(&self.text);
        if errors.is_empty() {
            return table.into_inner();
        }
        for error in errors {
            let place = self.place(error.span().unwrap_or_default());
            problems.push(Problem::new(format!("this is no TOML: {}", error.message()), place));
        }
        // What could be guessed of a broken file would only make more noise.
        DeTable::new()
    }

    /// Where a span of the text begins.
    pub fn place(&self, span: Range<usize>) -> Place {
        let before = self.text.get(..span.start).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        Place::File(self.path.clone(), line, column)
    }
}

/// A table inside a document, read key by key; what is wrong is put on a list.
#[derive(Debug)]
pub struct Section<'d> {
    document: &'d Document,
    table: &'d DeTable<'d>,
    place: Place,
    /// How messages call it, such as `clients[2]`.
    name: String,
    problems: Vec<Problem>,
}

impl<'d> Section<'d> {
    /// The tables of an array of tables; anything else under that name is a problem.
    pub fn all_of(
        document: &'d Document,
        table: &'d DeTable<'d>,
        name: &str,
        problems: &mut Vec<Problem>,
    ) -> Vec<Self> {
        let Some(value) = table.get(name) else { return Vec::new() };
        let mut wrong = |span| {
            let place = document.place(span);
            problems.push(Problem::new(format!("`{name}` must be tables, each under `[[{name}]]`"), place));
        };
        let Some(items) = value.get_ref().as_array() else {
            wrong(value.span());
            return Vec::new();
        };
        let mut sections = Vec::new();
        for (index, item) in items.iter().enumerate() {
            let Some(table) = item.get_ref().as_table() else {
                wrong(item.span());
                continue;
            };
            let name = format!("{name}[{index}]");
            sections.push(Self { document, table, place: document.place(item.span()), name, problems: Vec::new() });
        }
        sections
    }

    /// Every key that is not known is a problem.
    pub fn knows_only(&mut self, known: &[&str]) {
        for key in self.table.keys() {
            let name: &str = key.get_ref();
            if !known.contains(&name) {
                let place = self.document.place(key.span());
                let what = format!("a known key of `{}`", self.name);
                self.problems.push(Problem::unknown(&what, name, known.iter().copied(), place));
            }
        }
    }

    /// A text.
    pub fn text(&mut self, key: &str) -> Option<String> {
        self.read(key, "a text", |value| value.as_str().map(str::to_owned))
    }

    /// A list of texts.
    pub fn texts(&mut self, key: &str) -> Option<Vec<String>> {
        self.read(key, "a list of texts", texts)
    }

    /// A whole number.
    pub fn number(&mut self, key: &str) -> Option<i64> {
        self.read(key, "a whole number", number)
    }

    /// `true` or `false`.
    pub fn flag(&mut self, key: &str) -> Option<bool> {
        self.read(key, "true or false", |value| match value {
            DeValue::Boolean(flag) => Some(*flag),
            _ => None,
        })
    }

    fn read<T>(&mut self, key: &str, takes: &str, convert: impl FnOnce(&DeValue<'_>) -> Option<T>) -> Option<T> {
        let value = self.table.get(key)?;
        let converted = convert(value.get_ref());
        if converted.is_none() {
            self.wrong(key, &format!("takes {takes}"));
        }
        converted
    }

    /// Notes that something is wrong with a key, or that it is missing.
    pub fn wrong(&mut self, key: &str, why: &str) {
        let place = match self.table.get(key) {
            Some(value) => self.document.place(value.span()),
            None => self.place.clone(),
        };
        self.problems.push(Problem::new(format!("`{}.{key}` {why}", self.name), place));
    }

    /// Everything that was wrong.
    pub fn finish(self) -> Vec<Problem> {
        self.problems
    }
}

/// A TOML array of texts.
pub fn texts(value: &DeValue<'_>) -> Option<Vec<String>> {
    value.as_array()?.iter().map(|item| Some(item.get_ref().as_str()?.to_owned())).collect()
}

/// A TOML integer as a number, if it fits one.
pub fn number(value: &DeValue<'_>) -> Option<i64> {
    let integer = value.as_integer()?;
    i64::from_str_radix(integer.as_str(), integer.radix()).ok()
}
