//! JSON Lines: a person on each line. Also the lines themselves, which CSV files share: bounded, in UTF-8.

use std::io::{BufRead, Read};

use super::{Broken, LONGEST_ROW, Line, Row, Unfit};

/// Reads a JSON object a line; empty lines are passed over.
pub(super) fn read(file: impl BufRead, each: &mut dyn FnMut(Line) -> bool) -> Result<(), Broken> {
    every(file, |number, text| {
        let row = match text {
            Ok(text) if text.trim().is_empty() => return Ok(true),
            Ok(text) => parse(text),
            Err(unfit) => Err(unfit),
        };
        Ok(each(Line { number, row }))
    })
}

/// Hands over every line without its end.
pub(super) fn every(
    mut file: impl BufRead,
    mut each: impl FnMut(u64, Result<&str, Unfit>) -> Result<bool, Broken>,
) -> Result<(), Broken> {
    let mut bytes = Vec::new();
    for number in 1.. {
        bytes.clear();
        let limit = LONGEST_ROW as u64 + 1;
        if file.by_ref().take(limit).read_until(b'\n', &mut bytes)? == 0 {
            break;
        }
        let go_on = if bytes.len() > LONGEST_ROW && bytes.last() != Some(&b'\n') {
            skip_line(&mut file)?;
            each(number, Err(Unfit::malformed(format!("longer than {LONGEST_ROW} bytes"))))?
        } else {
            let line = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            // The mark that some programs begin a file with says nothing.
            let line = if number == 1 { line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line) } else { line };
            each(number, std::str::from_utf8(line).map_err(|_| Unfit::malformed("not UTF-8")))?
        };
        if !go_on {
            break;
        }
    }
    Ok(())
}

fn skip_line(file: &mut impl BufRead) -> Result<(), Broken> {
    loop {
        let held = file.fill_buf()?;
        let (used, done) = match held.iter().position(|byte| *byte == b'\n') {
            Some(at) => (at + 1, true),
            None => (held.len(), held.is_empty()),
        };
        file.consume(used);
        if done {
            return Ok(());
        }
    }
}

/// Reads one object. What is told of a mistake is its place and never a value, which could be a hash.
fn parse(text: &str) -> Result<Row, Unfit> {
    let mut json = serde_json::Deserializer::from_str(text);
    let row = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        // A name may be whatever somebody made up, and is told if it is short and plain.
        let plain = |name: &str| name.len() <= 64 && !name.chars().any(char::is_control);
        let path = Some(error.path().to_string()).filter(|path| plain(path)).unwrap_or_default();
        let inner = error.into_inner();
        let message = inner.to_string();
        let named = message.split('`').nth(1).filter(|name| plain(name));
        match message.split(' ').next() {
            _ if !inner.is_data() => Unfit::malformed(format!("no JSON object (column {})", inner.column())),
            Some("unknown") => Unfit::malformed(format!("unknown member {}", named.unwrap_or(&path))),
            Some("duplicate") => Unfit::malformed(format!("{} twice", named.unwrap_or(&path))),
            _ if path == "." => Unfit::malformed("no JSON object"),
            _ => Unfit::malformed(format!("{path} has another type")),
        }
    })?;
    json.end().map_err(|_| Unfit::malformed("more than one JSON object"))?;
    Ok(row)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &[u8]) -> Vec<(u64, Result<String, String>)> {
        let mut found = Vec::new();
        let mut each = |line: Line| {
            found.push((
                line.number,
                line.row.map(|row| row.email.unwrap_or_default()).map_err(|unfit| unfit.detail.unwrap_or_default()),
            ));
            true
        };
        read(text, &mut each).expect("it reads on");
        found
    }

    #[test]
    fn every_line_is_a_person_or_told_with_its_number() {
        let long = "x".repeat(LONGEST_ROW);
        let text = format!(
            "\u{feff}{{\"email\":\"a@x.test\"}}\r\n\n{{\"email\":1}}\n{{\"mail\":\"a\"}}\n[]\n{{\n{{\"name\":\"{long}\"}}\n\
             {{\"email\":\"b@x.test\",\"email\":\"c@x.test\"}}\n{{}} {{}}\n{{\"email\":\"d@x.test\"}}"
        );
        let told = |detail: &str| Err(detail.to_owned());
        assert_eq!(
            rows(text.as_bytes()),
            [
                (1, Ok(String::from("a@x.test"))),
                (3, told("email has another type")),
                (4, told("unknown member mail")),
                (5, told("no JSON object")),
                (6, told("no JSON object (column 1)")),
                (7, told("longer than 65536 bytes")),
                (8, told("email twice")),
                (9, told("more than one JSON object")),
                (10, Ok(String::from("d@x.test"))),
            ]
        );
        assert_eq!(rows(b"{\"email\":\"\xff\"}\n"), [(1, told("not UTF-8"))]);
    }

    #[test]
    fn a_reader_that_has_enough_is_left_alone() {
        let mut count = 0;
        let mut each = |_| {
            count += 1;
            count < 2
        };
        read(&b"{}\n{}\n{}\n"[..], &mut each).expect("it reads");
        assert_eq!(count, 2);
    }
}
