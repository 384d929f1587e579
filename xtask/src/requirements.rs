//! `docs/requirements.md`: one row for each requirement, with its state, its home and its test.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use crate::workspace::Workspace;

/// Where the table lives.
pub(crate) const HOME: &str = "docs/requirements.md";

/// How many requirements each family has.
pub(crate) const FAMILIES: [(&str, usize); 5] = [("S0", 43), ("S1", 57), ("S2", 18), ("S3", 15), ("S4", 42)];

/// The states a requirement can be in.
pub(crate) const STATES: [&str; 3] = ["not yet", "partly", "met"];

/// A row keeps this many characters of the requirement's text.
const SHORT: usize = 110;

const HEAD: &str = "# Requirements

What Doorward is asked to do, one row for each wish, under an id that never changes. A row is `met` when the thing works
and a test that would notice its loss is named; `partly` when a part of it does; `not yet` otherwise. Commits, tests and
pages that serve a requirement name its id. `cargo xtask tidy` refuses a missing id, an unknown state, and a row that
claims to be met without saying where and by which test.

";

/// Makes the table from a list whose lines look like `- S0-01 text`. An existing table holds people's work and is
/// never overwritten.
pub(crate) fn write(workspace: &Workspace, list: &Path) -> Result<(), String> {
    if workspace.has(HOME) {
        return Err(format!("{HOME} exists; edit it by hand"));
    }
    let text = fs::read_to_string(list).map_err(|error| format!("{}: {error}", list.display()))?;
    fs::write(workspace.root.join(HOME), table(&text)?).map_err(|error| format!("{HOME}: {error}"))?;
    println!("{HOME} is written");
    Ok(())
}

/// Every id, in order.
pub(crate) fn ids() -> impl Iterator<Item = String> {
    FAMILIES.iter().flat_map(|(family, count)| (1..=*count).map(move |number| format!("{family}-{number:02}")))
}

fn table(list: &str) -> Result<String, String> {
    let mut page = HEAD.to_owned();
    page.push_str("| id | requirement | state | where | test |\n|---|---|---|---|---|\n");
    for id in ids() {
        let start = format!("- {id} ");
        let mut lines = list.lines().filter_map(|line| line.strip_prefix(&start));
        let (Some(text), None) = (lines.next(), lines.next()) else {
            return Err(format!("{id} should stand in the list exactly once"));
        };
        let _ = writeln!(page, "| {id} | {} | not yet | | |", short(text));
    }
    Ok(page)
}

/// The beginning of a requirement, cut between words, safe inside a table.
fn short(text: &str) -> String {
    let text = text.trim().trim_end_matches('.').replace('|', "\\|");
    if text.chars().count() <= SHORT {
        return text;
    }
    let mut kept = String::new();
    for word in text.split(' ') {
        if kept.chars().count() + word.chars().count() + 2 > SHORT {
            break;
        }
        kept.push_str(word);
        kept.push(' ');
    }
    format!("{}…", kept.trim_end_matches([' ', ',', ';', ':', '—', '(']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_every_id_once() {
        let list: String = ids().map(|id| format!("- {id} Something to do.\n")).collect();
        let page = table(&list).unwrap_or_default();
        assert_eq!(page.matches("| not yet |").count(), 175);
        assert!(page.contains("| S4-42 | Something to do | not yet | | |\n"));
    }

    #[test]
    fn a_list_with_a_gap_or_a_double_is_refused() {
        let whole: Vec<String> = ids().map(|id| format!("- {id} x")).collect();
        assert!(table(&whole[1..].join("\n")).is_err());
        assert!(table(&format!("{}\n- S0-01 again", whole.join("\n"))).is_err());
    }

    #[test]
    fn long_texts_are_cut_between_words() {
        let cut = short(&"word ".repeat(60));
        assert!(cut.ends_with("word…") && cut.chars().count() <= SHORT, "{cut}");
        assert_eq!(short("a | b."), "a \\| b");
    }
}
