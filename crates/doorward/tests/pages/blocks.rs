//! What a page shows in code: its fenced blocks, what stands in comments for the tests alone, and the commands in them.

use std::process::{Command, Stdio};

/// One block of a page.
#[derive(Clone, Debug)]
pub(crate) struct Block {
    /// The line of its fence, from 1.
    pub(crate) line: usize,
    /// The word behind the fence.
    pub(crate) tag: String,
    pub(crate) text: String,
}

/// The fenced blocks of a page, in order. A comment `<!-- sh … -->` is one too: it holds what a reader has and a test must
/// make.
pub(crate) fn blocks(page: &str) -> Vec<Block> {
    let mut found: Vec<Block> = Vec::new();
    let mut end = None;
    for (index, line) in page.lines().enumerate() {
        let word = line.trim_start();
        match end {
            Some(mark) if word.trim_end() == mark => end = None,
            Some(_) => {
                let block = found.last_mut().expect("a block that has begun");
                block.text += line;
                block.text.push('\n');
            }
            None => {
                let fence = word.strip_prefix("```").map(|tag| ("```", tag));
                let begun = fence.or_else(|| (word == "<!-- sh").then_some(("-->", "sh")));
                if let Some((mark, tag)) = begun {
                    found.push(Block { line: index + 1, tag: tag.trim().to_owned(), text: String::new() });
                    end = Some(mark);
                }
            }
        }
    }
    assert!(end.is_none(), "a block does not end");
    found
}

/// Code by indentation, which has no tag and would be passed over. Gives the lines.
pub(crate) fn untagged(page: &str) -> Vec<usize> {
    let (mut found, mut blank, mut fenced) = (Vec::new(), true, false);
    for (index, line) in page.lines().enumerate() {
        fenced ^= line.trim_start().starts_with("```");
        let indented = line.starts_with("    ") || line.starts_with('\t');
        if !fenced && blank && indented && !line.trim().is_empty() {
            found.push(index + 1);
        }
        blank = line.trim().is_empty();
    }
    found
}

/// A command of a page, and what the page says comes of it.
#[derive(Debug, PartialEq)]
pub(crate) struct Step {
    pub(crate) line: usize,
    pub(crate) command: String,
    pub(crate) expected: Expected,
}

/// What the page says: `# → 200 {"user":{…}}`, `# → exit 1: CUT OFF`, `# → hello, usr_…`.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Expected {
    pub(crate) code: i32,
    pub(crate) status: Option<u16>,
    pub(crate) answer: Option<String>,
}

impl Expected {
    fn read(text: &str) -> Self {
        let text = text.trim();
        let (code, text) = match text.strip_prefix("exit ").and_then(|rest| rest.split_once(':')) {
            Some((code, rest)) => (code.parse().expect("a code"), rest.trim()),
            None => (0, text),
        };
        let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
        let status = if word.len() == 3 { word.parse().ok() } else { None };
        let answer = if status.is_some() { rest } else { text };
        Self { code, status, answer: (!answer.is_empty()).then(|| answer.to_owned()) }
    }
}

const ARROW: &str = "# → ";

/// The commands of a block of sh: what is said to come of one stands behind it, or on the lines below.
pub(crate) fn steps(block: &Block) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let (mut command, mut said, mut saying) = (String::new(), String::new(), false);
    let settle = |steps: &mut Vec<Step>, said: &mut String| {
        if let Some(step) = steps.last_mut().filter(|_| !said.is_empty()) {
            step.expected = Expected::read(said);
            said.clear();
        }
    };
    for (index, line) in block.text.lines().enumerate() {
        let at = block.line + 1 + index;
        if command.is_empty() {
            if let Some(text) = line.strip_prefix(ARROW) {
                assert!(!steps.is_empty(), "line {at}: an answer to nothing");
                said = text.to_owned();
                saying = true;
                continue;
            }
            if let Some(more) = line.strip_prefix("#   ").filter(|_| saying) {
                said += "\n";
                said += more.trim();
                continue;
            }
            settle(&mut steps, &mut said);
            saying = false;
            if line.trim().is_empty() || line.starts_with('#') {
                continue;
            }
        }
        command += line;
        command.push('\n');
        if is_whole(&command) {
            let mut expected = Expected::default();
            if let Some((_, text)) = line.split_once(ARROW) {
                expected = Expected::read(text);
            }
            let lines = command.lines().count();
            steps.push(Step { line: at + 1 - lines, command: std::mem::take(&mut command), expected });
        }
    }
    settle(&mut steps, &mut said);
    assert!(command.is_empty(), "line {}: a command without an end: {command}", block.line);
    steps
}

/// The commands of a block of console: behind `$ `, with everything that is printed below.
pub(crate) fn console(block: &Block) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut open = false;
    for (index, line) in block.text.lines().enumerate() {
        if let Some(command) = line.strip_prefix("$ ") {
            let line = block.line + 1 + index;
            steps.push(Step { line, command: format!("{command}\n"), expected: Expected::default() });
            open = !is_whole(command);
            continue;
        }
        let step = steps.last_mut().expect("a block of console begins with `$ `");
        if open {
            step.command += line;
            step.command.push('\n');
            open = !is_whole(&step.command);
            continue;
        }
        let answer = step.expected.answer.get_or_insert_default();
        *answer += line;
        answer.push('\n');
    }
    for step in &mut steps {
        if let Some(answer) = step.expected.answer.take() {
            step.expected = Expected::read(&answer);
        }
    }
    steps
}

/// Is this all of a command? Bash says.
fn is_whole(command: &str) -> bool {
    if command.trim_end().ends_with('\\') {
        return false;
    }
    let mut bash = Command::new("bash");
    bash.args(["-n", "-c", command]).stdin(Stdio::null());
    let output = bash.output().expect("bash");
    output.status.success() && output.stderr.is_empty()
}

/// Is this what was shown? `…` stands for anything, and white space does not count.
pub(crate) fn is_like(answer: &str, shown: &str) -> bool {
    let squeezed = |text: &str| text.split_whitespace().collect::<String>();
    let (answer, shown) = (squeezed(answer), squeezed(shown));
    let mut parts = shown.split('…');
    let Some(mut rest) = answer.strip_prefix(parts.next().unwrap_or_default()) else { return false };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

#[test]
fn a_shape_is_met_by_what_has_its_members_and_by_nothing_else() {
    let shape = r#"{"user":{…},"session":{"id":"ses_…",…,"current":true}}"#;
    assert!(is_like(r#"{"user":{"id":1},"session":{"id":"ses_1","x":2,"current":true}}"#, shape));
    assert!(!is_like(r#"{"user":{"id":1},"session":{"id":"ses_1","x":2,"current":false}}"#, shape));
    assert!(!is_like(r#"{"session":{"id":"ses_1","x":2,"current":true}}"#, shape));
    assert!(is_like("a\n  b\n", "a b") && !is_like("a b c", "a b") && is_like("a b c", "a …"));
    assert!(!is_like("ab", "ab…b"), "no letter counts twice");
}

#[test]
fn commands_are_cut_where_bash_says_and_keep_what_is_said_of_them() {
    let text = "# a word\nfor name in a b; do\n  echo $name\ndone   # → a b\ncat <<'END'\n# → no answer\nEND\n\
                curl \\\n  x\n# → 200 {\n#   }\n# a word\n\nfalse\n# → exit 1: …\n";
    let block = Block { line: 10, tag: String::from("sh"), text: text.to_owned() };
    let found: Vec<_> = steps(&block).into_iter().map(|step| (step.line, step.expected)).collect();
    let answer = |text: &str| Some(text.to_owned());
    let expected = |code, status, answer| Expected { code, status, answer };
    let all = [
        (12, expected(0, None, answer("a b"))),
        (15, Expected::default()),
        (18, expected(0, Some(200), answer("{\n}"))),
        (24, expected(1, None, answer("…"))),
    ];
    assert_eq!(found, all);
}
