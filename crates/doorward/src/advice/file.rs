//! A file of answers: a name and an answer a line, and the issuer if it is known.

use doorward_core::advice::{Answer, Answers, Topic};
use toml::de::DeValue;

use crate::config::document::Document;
use crate::config::problem::{Problem, Problems};
use crate::config::settled;

/// What a file of answers says.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Said {
    /// The answers.
    pub answers: Answers,
    /// The origin under which the realm shall be known.
    pub issuer: Option<String>,
}

impl Said {
    /// Reads a file of answers: `true`, `false`, `"yes"`, `"no"` or `"unsure"` to each topic, and `issuer`.
    ///
    /// # Errors
    /// All problems at once.
    pub fn read(document: &Document) -> Result<Self, Problems> {
        let mut problems = Vec::new();
        let table = document.parse(&mut problems);
        let mut said = Self::default();
        for (key, value) in &table {
            let (name, place): (&str, _) = (key.get_ref(), document.place(value.span()));
            let Some(topic) = Topic::from_key(name) else {
                if name == "issuer" {
                    let read = value.get_ref().as_str().ok_or_else(|| String::from("it takes a text"));
                    match read.and_then(settled::issuer) {
                        Ok(issuer) => said.issuer = Some(issuer),
                        Err(why) => problems.push(Problem::new(format!("`issuer` cannot be that: {why}"), place)),
                    }
                    continue;
                }
                let known = Topic::ALL.into_iter().map(Topic::key).chain(["issuer"]);
                let place = document.place(key.span());
                problems.push(Problem::unknown("anything that is asked", name, known, place));
                continue;
            };
            let answer = match value.get_ref() {
                DeValue::Boolean(true) => Some(Answer::Yes),
                DeValue::Boolean(false) => Some(Answer::No),
                value => value.as_str().and_then(Answer::from_name),
            };
            match answer {
                Some(answer) => said.answers = said.answers.with(topic, answer),
                None => {
                    let what = format!("`{name}` takes true, false, \"yes\", \"no\" or \"unsure\"");
                    problems.push(Problem::new(what, place).advise(topic.asks()));
                }
            }
        }
        if problems.is_empty() { Ok(said) } else { Err(Problems(problems)) }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn read(text: &str) -> Result<Said, Problems> {
        Said::read(&Document::new(Path::new("answers.toml"), text.to_owned()))
    }

    #[test]
    fn answers_are_read_in_every_spelling_and_what_is_not_said_is_unsure() {
        let text = "services = true\nrevocation = \"yes\"\nedge = false\nmonolith = \"no\"\nmobile = \"unsure\"\n\
                    issuer = \"https://id.acme.test\"";
        let said = read(text).expect("answers");
        let expected = [Answer::Yes, Answer::Yes, Answer::No, Answer::No, Answer::Unsure, Answer::Unsure];
        assert_eq!([0, 1, 2, 3, 4, 5].map(|place: usize| said.answers.to(Topic::ALL[place])), expected);
        assert_eq!(said.issuer.as_deref(), Some("https://id.acme.test"));
        assert_eq!(read(""), Ok(Said::default()));
    }

    #[test]
    fn all_problems_of_a_file_of_answers_are_told_at_once() {
        let text =
            "servces = true\nrevocation = \"perhaps\"\nedge = 1\nissuer = \"http://id.acme.test\"\n[mobile]\nx = 1\n";
        let told = read(text).expect_err("problems").to_string();
        for part in [
            "`servces` is not anything that is asked\n  --> answers.toml:1:1\n  help: did you mean `services`?",
            "`revocation` takes true, false, \"yes\", \"no\" or \"unsure\"\n  --> answers.toml:2:14",
            "help: Must a sign-out",
            "`edge` takes true",
            "`issuer` cannot be that: plain http",
            "`mobile` takes true",
        ] {
            assert!(told.contains(part), "{part}\n--- in ---\n{told}");
        }
        assert_eq!(told.matches("error: ").count(), 5);
    }
}
