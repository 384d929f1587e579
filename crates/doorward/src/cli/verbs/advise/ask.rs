//! Asking whoever sits there: six questions one by one, and then which of a list is so as well. On a terminal what is not
//! understood is asked again; in a pipe it is a problem, and all problems are told at once.

use std::io::{self, BufRead, IsTerminal, Read};

use doorward_core::advice::{Answer, Answers, Pull, Topic};
use doorward_core::client::Strategy;

use crate::cli::out;
use crate::cli::stop::{Exit, Stop};

/// The longest answer that is read.
const LONGEST: u64 = 1024;

/// Asks everything.
pub(super) fn all() -> Result<Answers, Stop> {
    let stdin = io::stdin();
    let is_terminal = stdin.is_terminal();
    let mut asking = Asking { lines: stdin.lock(), is_terminal, answers: Answers::default(), problems: Vec::new() };
    out::error("Six questions. Answer y or n, or press Enter where you are not sure.");
    for (place, topic) in Topic::ALL[..Topic::QUESTIONS].iter().enumerate() {
        asking.question(place + 1, *topic)?;
    }
    asking.facts()?;
    match asking.problems.is_empty() {
        true => Ok(asking.answers),
        false => Err(Stop::new(Exit::Usage, asking.problems.join("\nerror: "))
            .advise("a line of yes, no or nothing for each question, and one of numbers; or a file with --answers")),
    }
}

struct Asking<R> {
    lines: R,
    is_terminal: bool,
    answers: Answers,
    problems: Vec<String>,
}

impl<R: BufRead> Asking<R> {
    fn question(&mut self, number: usize, topic: Topic) -> Result<(), Stop> {
        let pulls = [Answer::Yes, Answer::No].map(|answer| (answer, topic.pull(answer)));
        let lines: String = pulls.iter().filter_map(|(answer, pull)| Some(line(*answer, (*pull)?))).collect();
        out::error(&format!("\n{number}/6  {}\n     {}\n{}", topic.asks(), topic.explains(), lines.trim_end()));
        loop {
            let Some(text) = self.line("[y/n/Enter]", &format!("question {number}"))? else { return Ok(()) };
            let answer = match text.to_ascii_lowercase().as_str() {
                "y" | "yes" => Answer::Yes,
                "n" | "no" => Answer::No,
                "" | "unsure" => Answer::Unsure,
                _ => {
                    let what = format!("question {number} takes yes, no or nothing, and `{}` is none", plain(&text));
                    if self.asks_again(what) { continue } else { return Ok(()) }
                }
            };
            self.answers = self.answers.with(topic, answer);
            return Ok(());
        }
    }

    fn facts(&mut self) -> Result<(), Stop> {
        let facts = &Topic::ALL[Topic::QUESTIONS..];
        out::error("\nWhich of these are so as well?\n");
        for (place, topic) in facts.iter().enumerate() {
            let pull = topic.pull(Answer::Yes).map_or("", |pull| towards(pull.towards));
            out::error(&format!("{:>4}  {} ({pull})", place + 1, topic.asks()));
        }
        out::error("");
        loop {
            let Some(text) = self.line("[numbers with commas, or Enter for none]", "the list")? else {
                return Ok(());
            };
            // Whoever has answered six questions with y or n says so here too.
            if ["n", "no", "none"].contains(&text.to_ascii_lowercase().as_str()) {
                return Ok(());
            }
            let words = text.split([',', ' ']).filter(|word| !word.is_empty());
            let read = |word: &str| word.parse::<usize>().ok()?.checked_sub(1).and_then(|place| facts.get(place));
            match words.map(|word| read(word).ok_or_else(|| plain(word))).collect::<Result<Vec<_>, _>>() {
                Ok(topics) => {
                    self.answers = topics.iter().fold(self.answers, |all, topic| all.with(**topic, Answer::Yes));
                    return Ok(());
                }
                Err(word) => {
                    let what = format!("the list takes numbers from 1 to {}, and `{word}` is none", facts.len());
                    if !self.asks_again(what) {
                        return Ok(());
                    }
                }
            }
        }
    }

    /// The next line; `None` where there is none, which is a problem.
    fn line(&mut self, prompt: &str, about: &str) -> Result<Option<String>, Stop> {
        if self.is_terminal {
            out::same_line(&format!("{prompt} "));
        }
        let mut text = String::new();
        let read = self.lines.by_ref().take(LONGEST).read_line(&mut text);
        let read = read.map_err(|error| Stop::new(Exit::Usage, format!("the answers could not be read: {error}")))?;
        if read == 0 {
            self.problems.push(format!("{about} was not answered: there is no more to read"));
            return Ok(None);
        }
        Ok(Some(text.trim().to_owned()))
    }

    /// Is it asked again? If not, it is one of the problems.
    fn asks_again(&mut self, what: String) -> bool {
        if self.is_terminal {
            out::error(&what);
        } else {
            self.problems.push(what);
        }
        self.is_terminal
    }
}

fn line(answer: Answer, pull: Pull) -> String {
    let speaks = pull.towards.map_or_else(String::new, |strategy| format!("{}. ", towards(Some(strategy))));
    format!("     {}: {speaks}{}\n", answer.name(), pull.why)
}

/// What an answer speaks for, in words.
const fn towards(strategy: Option<Strategy>) -> &'static str {
    match strategy {
        Some(Strategy::Session) => "speaks for sessions",
        Some(Strategy::Jwt) => "speaks for tokens",
        Some(Strategy::Hybrid) => "speaks for both",
        None => "every strategy will do",
    }
}

/// What was typed must not move the cursor.
fn plain(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(40).collect()
}
