//! `doorward check`: what is weak in configuration, files and clients, and what to do about it.

use std::path::PathBuf;

use doorward_core::advice::Topic;
use serde_json::{Value, json};

use super::items;
use crate::advice::configuration;
use crate::checks::files::KeyFiles;
use crate::checks::table::{self, Grade};
use crate::checks::{Finding, asked, files, settings};
use crate::cli::args::{Format, Reaching};
use crate::cli::ask::Office;
use crate::cli::folder;
use crate::cli::out::{self, cell};
use crate::cli::stop::{Exit, Stop};
use crate::config::raw::KeyFrom;
use crate::config::{Mode, Raw, settle};
use crate::http::admin::checks::FindingBody;

/// Runs the verb.
pub(in crate::cli) async fn run(reaching: &Reaching) -> Result<Exit, Stop> {
    let said = reaching.said();
    let is_demo = folder::said_or_nearby(&said).is_some_and(|folder| folder.join("master.key").exists());
    let mode = if is_demo { Mode::Dev } else { Mode::Serve };
    // All that keeps a server from starting is told as a server tells it, before the folder is looked for.
    let raw = Raw::gather(&said, mode);
    let key_from = raw.master_key_from();
    let settled = settle(raw, mode)?;
    let folder = folder::find(&said)?;
    let own_key = folder.join("master.key");
    let mut found = settings::look(&settled, mode);
    found.extend(asked::settings(&settled));
    if key_from == KeyFrom::Environment {
        found.push(Finding::new(&table::KEY_IN_ENVIRONMENT, "DOORWARD_MASTER_KEY"));
    }
    let key_file: Option<PathBuf> = match key_from {
        KeyFrom::File(path) => Some(path),
        KeyFrom::Environment => None,
        KeyFrom::Nowhere => Some(own_key).filter(|path| path.exists()),
    };
    let tls = settled.tls.as_ref().map(|files| files.key_file.as_path());
    let keys = KeyFiles { master: key_file.as_deref(), tls };
    found.extend(files::look(&folder, keys, mode == Mode::Dev));
    let mut found: Vec<Value> = found.into_iter().map(|finding| json!(FindingBody::of(finding))).collect();
    let yes = configuration::yes(&settled.asked).map(Topic::key).collect::<Vec<_>>().join(",");
    if folder.join("doorward.db").exists() {
        let database = items(&Office::reach(reaching).await?, &format!("/admin/v1/checks?asked={yes}")).await?;
        // What makes a demo a demo is one finding, and told already.
        let of_demo = |finding: &Value| finding["id"].as_str().is_some_and(|id| id.starts_with("DW30"));
        found.extend(database.into_iter().filter(|finding| mode != Mode::Dev || !of_demo(finding)));
    } else {
        out::error(&format!("note: there is no database in {} yet, so no clients were looked at", folder.display()));
    }
    Ok(tell_findings(found, reaching.format))
}

/// Tells what was found, the gravest first; an error makes the verdict a no.
pub(super) fn tell_findings(mut found: Vec<Value>, format: Format) -> Exit {
    found.sort_by_key(|finding| (grade(finding), cell(&finding["id"])));
    let counts = Grade::ALL.map(|of| found.iter().filter(|finding| grade(finding) == of).count());
    match format {
        Format::Json => out::json(&json!({ "data": found })),
        Format::Table => {
            found.iter().for_each(|finding| out::line(&in_words(finding)));
            let [errors, warnings, hints] = counts;
            out::line(&format!("{errors} errors, {warnings} warnings, {hints} hints"));
        }
    }
    if counts[0] > 0 { Exit::Negative } else { Exit::Well }
}

/// What is not known is taken for the gravest.
fn grade(finding: &Value) -> Grade {
    Grade::ALL.into_iter().find(|grade| finding["grade"] == grade.name()).unwrap_or(Grade::Error)
}

fn in_words(finding: &Value) -> String {
    let word = |name: &str| cell(&finding[name]);
    let (grade, id, place) = (word("grade"), word("id"), word("place"));
    format!("{grade}[{id}]: {}\n  --> {place}\n  help: {}", word("sentence"), word("advice"))
}
