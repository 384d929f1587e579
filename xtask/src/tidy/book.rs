//! The book: each page under `docs/` is a chapter that `docs/SUMMARY.md` names, and each relative link of a page leads to a
//! page, and to a heading, that is there.

use std::collections::BTreeSet;

use super::Finding;
use crate::workspace::File;

const SUMMARY: &str = "docs/SUMMARY.md";

/// Checks all pages of the book, and the links of those beside it.
pub(crate) fn check(files: &[File], exists: impl Fn(&str) -> bool, findings: &mut Vec<Finding>) {
    let pages: Vec<&File> = files.iter().filter(|file| file.path.ends_with(".md")).collect();
    let Some(summary) = pages.iter().find(|file| file.path == SUMMARY) else {
        return findings.push(Finding::new(SUMMARY, 1, "missing"));
    };
    let named: BTreeSet<String> = links(&summary.text)
        .into_iter()
        .filter_map(|(_, link)| resolved(SUMMARY, link))
        .map(|(path, _)| path)
        .collect();
    for page in pages.iter().filter(|page| page.path.starts_with("docs/") && page.path != SUMMARY) {
        if !named.contains(&page.path) {
            let title = page.text.lines().next().unwrap_or_default().trim_start_matches("# ");
            let line = format!("- [{title}]({})", page.path.trim_start_matches("docs/"));
            findings.push(Finding::new(
                SUMMARY,
                1,
                format!("{} is no chapter: add `{line}` where it belongs", page.path),
            ));
        }
    }
    for page in &pages {
        check_links(page, &pages, &exists, findings);
    }
}

fn check_links(page: &File, pages: &[&File], exists: impl Fn(&str) -> bool, findings: &mut Vec<Finding>) {
    for (line, link) in links(&page.text) {
        let Some((path, anchor)) = resolved(&page.path, link) else { continue };
        let mut find = |message: String| findings.push(Finding::new(&page.path, line, message));
        if page.path.starts_with("docs/") && !path.starts_with("docs/") {
            find(format!("`{link}` leads out of the book: name the file in code marks instead"));
        } else if !exists(&path) {
            find(format!("`{link}` leads nowhere"));
        } else if let (Some(anchor), Some(there)) = (anchor, pages.iter().find(|page| page.path == path))
            && !anchors(&there.text).contains(&anchor)
        {
            find(format!("`{link}`: {path} has no such heading"));
        }
    }
}

/// The targets of a page's links, each with its line. Code has none.
fn links(text: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    for (index, line) in prose(text) {
        let mut rest = line;
        while let Some(at) = rest.find("](") {
            rest = &rest[at + 2..];
            let Some(end) = rest.find(')') else { break };
            found.push((index, &rest[..end]));
        }
    }
    found
}

/// The lines outside of blocks of code, from 1.
fn prose(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut fenced = false;
    text.lines().enumerate().filter_map(move |(index, line)| {
        let fence = line.trim_start().starts_with("```");
        fenced ^= fence;
        (!fenced && !fence).then_some((index + 1, line))
    })
}

/// A relative link as a path from the root, and its anchor; `None` for the address of somebody else.
fn resolved(from: &str, link: &str) -> Option<(String, Option<String>)> {
    if link.contains("://") || link.starts_with("mailto:") {
        return None;
    }
    let (path, anchor) = link.split_once('#').map_or((link, None), |(path, anchor)| (path, Some(anchor.to_owned())));
    if path.is_empty() {
        return Some((from.to_owned(), anchor));
    }
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in path.split('/') {
        match part {
            "." | "" => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    Some((parts.join("/"), anchor))
}

/// The anchors of a page's headings, as mdBook makes them: letters and digits in lower case, blanks as hyphens. A second
/// one of the same name is counted.
fn anchors(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (_, line) in prose(text).filter(|(_, line)| line.starts_with('#')) {
        let name: String = line
            .trim_start_matches('#')
            .trim()
            .chars()
            .filter_map(|letter| match letter {
                ' ' => Some('-'),
                letter if letter.is_alphanumeric() || "-_".contains(letter) => Some(letter.to_ascii_lowercase()),
                _ => None,
            })
            .collect();
        let free = (1..).map(|count| format!("{name}-{count}"));
        let name = std::iter::once(name.clone()).chain(free).find(|name| !found.contains(name));
        found.extend(name);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(page: &str) -> Vec<String> {
        let file = |path: &str, text: &str| File { path: path.to_owned(), text: text.to_owned() };
        let files = [
            file(SUMMARY, "- [A](a.md)\n- [B](flows/b.md)\n"),
            file("docs/a.md", page),
            file("docs/flows/b.md", "# B\n\n## What, then?\n\n## `doorward dev`: a demo\n"),
            file("README.md", "[a](docs/a.md)"),
        ];
        let exists = |path: &str| files.iter().any(|file| file.path == path);
        let mut findings = Vec::new();
        check(&files, exists, &mut findings);
        findings.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn links_lead_to_pages_and_headings_that_are_there() {
        let good = "[1](flows/b.md) [2](flows/b.md#what-then) [3](flows/b.md#doorward-dev-a-demo) [4](#a) \
                    [5](https://x.test/y)";
        assert_eq!(found(&format!("# A\n\n{good}\n\n```text\n[6](nowhere.md)\n```\n")), [""; 0]);
        for bad in ["c.md", "flows/b.md#what", "#b", "../README.md", "flows/"] {
            assert_eq!(found(&format!("# A\n[x]({bad})\n")).len(), 1, "{bad}");
        }
    }

    #[test]
    fn a_page_that_no_chapter_names_is_found() {
        let file = |path: &str, text: &str| File { path: path.to_owned(), text: text.to_owned() };
        let mut findings = Vec::new();
        check(&[file(SUMMARY, "# S"), file("docs/c.md", "# See\n")], |_| true, &mut findings);
        assert_eq!(findings.len(), 1);
        assert!(findings[0].to_string().contains("`- [See](c.md)`"), "{}", findings[0]);
        findings.clear();
        check(&[], |_| true, &mut findings);
        assert_eq!(findings.len(), 1, "a book has a summary");
    }
}
