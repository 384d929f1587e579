//! Advice on the strategy, around the rule in core: answers from files and addresses, and a configuration that is ready to
//! be used.

pub mod configuration;
pub mod file;
pub mod report;

use std::str::FromStr;

use doorward_core::advice::Topic;

use crate::config::problem::nearest;

/// A topic by its name, for who writes names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked(pub Topic);

impl FromStr for Asked {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Topic::from_key(text).map(Self).ok_or_else(|| {
            let known = Topic::ALL.map(Topic::key);
            match nearest(text, &known) {
                Some(near) => format!("`{text}` is nothing that is asked; did you mean `{near}`?"),
                None => format!("`{text}` is nothing that is asked; known are {}", known.join(", ")),
            }
        })
    }
}
