//! Comma-separated values (RFC 4180), one person a line: a line break inside quotes is a mistake here, since nothing of
//! a person has one, and a quote that was never closed must not swallow everybody below it.

use std::io::BufRead;

use super::lines::every;
use super::{Broken, Line, Row, Unfit};

/// The columns there may be.
const COLUMNS: [&str; 10] = [
    "email",
    "name",
    "password_hash",
    "password_scheme",
    "password_salt",
    "password_salt_position",
    "email_verified",
    "created_at",
    "suspended",
    "external_id",
];

/// Reads a header and a person a line; empty lines are passed over.
pub(super) fn read(file: impl BufRead, each: &mut dyn FnMut(Line) -> bool) -> Result<(), Broken> {
    let mut columns: Option<Vec<&'static str>> = None;
    every(file, |number, text| {
        let Some(columns) = &columns else {
            let text = text.map_err(|unfit| Broken::Header(unfit.detail.unwrap_or_default()))?;
            columns = Some(header(text)?);
            return Ok(true);
        };
        let row = match text {
            Ok(text) if text.trim().is_empty() => return Ok(true),
            Ok(text) => person(columns, text),
            Err(unfit) => Err(unfit),
        };
        Ok(each(Line { number, row }))
    })
}

fn header(text: &str) -> Result<Vec<&'static str>, Broken> {
    let cells = cells(text).map_err(|unfit| Broken::Header(unfit.detail.unwrap_or_default()))?;
    let mut columns = Vec::new();
    for cell in &cells {
        let Some(column) = COLUMNS.into_iter().find(|column| column == cell) else {
            let shown: String = cell.chars().filter(|c| !c.is_control()).take(40).collect();
            return Err(Broken::Header(format!("`{shown}` is none of {}", COLUMNS.join(", "))));
        };
        if columns.contains(&column) {
            return Err(Broken::Header(format!("`{column}` is there twice")));
        }
        columns.push(column);
    }
    if columns.contains(&"email") { Ok(columns) } else { Err(Broken::Header(String::from("`email` is missing"))) }
}

fn person(columns: &[&'static str], text: &str) -> Result<Row, Unfit> {
    let cells = cells(text)?;
    if cells.len() != columns.len() {
        return Err(Unfit::malformed(format!("{} cells for {} columns", cells.len(), columns.len())));
    }
    let mut row = Row::default();
    // An empty cell says nothing.
    for (column, cell) in columns.iter().zip(cells).filter(|(_, cell)| !cell.is_empty()) {
        match *column {
            "email" => row.email = Some(cell),
            "name" => row.name = Some(cell),
            "password_hash" => row.password_hash = Some(cell),
            "password_scheme" => row.password_scheme = Some(cell),
            "password_salt" => row.password_salt = Some(cell),
            "password_salt_position" => row.password_salt_position = Some(cell),
            "email_verified" => row.email_verified = Some(truth(column, &cell)?),
            "created_at" => row.created_at = Some(cell),
            "suspended" => row.suspended = Some(truth(column, &cell)?),
            _ => row.external_id = Some(cell),
        }
    }
    Ok(row)
}

fn truth(column: &str, cell: &str) -> Result<bool, Unfit> {
    match cell.to_ascii_lowercase().as_str() {
        "true" | "t" | "1" | "yes" => Ok(true),
        "false" | "f" | "0" | "no" => Ok(false),
        _ => Err(Unfit::malformed(format!("{column} is neither true nor false"))),
    }
}

/// The cells of a line. A cell in quotes may hold commas, and quotes as two.
fn cells(text: &str) -> Result<Vec<String>, Unfit> {
    let mut cells = Vec::new();
    let mut rest = text;
    loop {
        let (cell, after) = match rest.strip_prefix('"') {
            Some(quoted) => quoted_cell(quoted)?,
            None => {
                let end = rest.find(',').unwrap_or(rest.len());
                let (cell, after) = rest.split_at(end);
                if cell.contains('"') {
                    return Err(Unfit::malformed("a quote inside a cell without quotes"));
                }
                (cell.to_owned(), after)
            }
        };
        cells.push(cell);
        match after.strip_prefix(',') {
            Some(next) => rest = next,
            None if after.is_empty() => return Ok(cells),
            None => return Err(Unfit::malformed("something between a closing quote and the comma")),
        }
    }
}

fn quoted_cell(mut rest: &str) -> Result<(String, &str), Unfit> {
    let mut cell = String::new();
    loop {
        let (part, after) =
            rest.split_once('"').ok_or_else(|| Unfit::malformed("a quote that is not closed on its line"))?;
        cell.push_str(part);
        match after.strip_prefix('"') {
            Some(next) => {
                cell.push('"');
                rest = next;
            }
            None => return Ok((cell, after)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> Vec<(u64, Result<Row, Unfit>)> {
        let mut found = Vec::new();
        let mut each = |line: Line| {
            found.push((line.number, line.row));
            true
        };
        read(text.as_bytes(), &mut each).expect("it reads on");
        found
    }

    #[test]
    fn quotes_hold_commas_and_quotes_and_empty_cells_say_nothing() {
        let text = "email,name,email_verified,password_hash\r\n\
                    a@x.test,\"Ada \"\"A\"\", Countess\",TRUE,\n\nb@x.test,,no,$2b$12$abc\n";
        let person = |email: &str| Row { email: Some(email.to_owned()), ..Row::default() };
        let ada =
            Row { name: Some("Ada \"A\", Countess".to_owned()), email_verified: Some(true), ..person("a@x.test") };
        let bea =
            Row { email_verified: Some(false), password_hash: Some("$2b$12$abc".to_owned()), ..person("b@x.test") };
        assert_eq!(told(text), [(2, Ok(ada)), (4, Ok(bea))]);
    }

    #[test]
    fn a_broken_line_is_told_and_the_next_one_is_read() {
        let text = "email,suspended\n\"a@x.test\na@x.test,maybe\na@x.test\nx\"y,1\n\"a\"b,1\nb@x.test,1\n";
        let details: Vec<_> =
            told(text).into_iter().map(|(number, row)| (number, row.err().and_then(|unfit| unfit.detail))).collect();
        let because = |why: &str| Some(why.to_owned());
        assert_eq!(
            details,
            [
                (2, because("a quote that is not closed on its line")),
                (3, because("suspended is neither true nor false")),
                (4, because("1 cells for 2 columns")),
                (5, because("a quote inside a cell without quotes")),
                (6, because("something between a closing quote and the comma")),
                (7, None),
            ]
        );
    }

    #[test]
    fn a_header_must_name_known_columns_once_and_the_address() {
        for (text, why) in [
            ("email,nmae\n", "`nmae` is none of"),
            ("email,email\n", "`email` is there twice"),
            ("name\n", "`email` is missing"),
            ("\"email\n", "not closed"),
        ] {
            let refused = read(text.as_bytes(), &mut |_| true).expect_err(text).to_string();
            assert!(refused.contains(why), "{refused}");
        }
    }
}
