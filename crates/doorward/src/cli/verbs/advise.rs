//! `doorward advise`: which strategy, and why. The answers come from a file or from whoever sits there, the numbers from
//! this machine, and what is recommended is a configuration that is ready to be used.

mod ask;
mod tell;

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use serde_json::json;

use crate::advice::configuration::ISSUER;
use crate::advice::file::Said;
use crate::advice::report::Report;
use crate::cli::args::{AdviceFormat, AdviseArgs};
use crate::cli::out;
use crate::cli::stop::{Exit, Stop};
use crate::config::document::Document;
use crate::config::{Problems, settled};
use crate::measure::figures::{Figures, VERSION};
use crate::measure::quick;

/// So long is each thing measured: all of them take about a second.
const EACH: Duration = Duration::from_millis(60);

/// Runs the verb.
pub(in crate::cli) async fn run(args: AdviseArgs) -> Result<Exit, Stop> {
    // What is wrong with a word or a file is told before anything is asked.
    if let Some(issuer) = &args.issuer {
        settled::issuer(issuer)
            .map_err(|why| Stop::new(Exit::Usage, format!("{issuer} is no issuer: {why}")).at("flag --issuer"))?;
    }
    let saved = args.bench.as_deref().map(saved).transpose()?;
    let said = match &args.answers {
        Some(path) => Said::read(&Document::read(path).map_err(|problem| Stop::from(Problems(vec![problem])))?)?,
        None => Said { answers: ask::all()?, issuer: None },
    };
    let issuer = args.issuer.as_deref().or(said.issuer.as_deref()).unwrap_or(ISSUER);
    let report = Report::of(&said.answers, issuer);
    if let Some(path) = &args.write {
        write(path, &report.configuration)?;
    }
    match args.format {
        AdviceFormat::Toml => out::line(report.configuration.trim_end()),
        AdviceFormat::Json => {
            let figures = figures(saved, issuer).await?;
            let mut told = json!(report);
            told["figures"] = json!(figures);
            out::json(&told);
        }
        AdviceFormat::Table => tell::in_words(&report, &figures(saved, issuer).await?),
    }
    if let Some(path) = &args.write {
        out::error(&format!("note: wrote {}; put your own names in", path.display()));
    }
    Ok(Exit::Well)
}

/// Saved figures, or a moment's measuring.
async fn figures(saved: Option<Figures>, issuer: &str) -> Result<Figures, Stop> {
    match saved {
        Some(figures) => Ok(figures),
        None => quick::measure(EACH, issuer).await.map_err(|trouble| Stop::new(Exit::Unreachable, trouble)),
    }
}

/// Figures as `doorward bench` saved them.
fn saved(path: &Path) -> Result<Figures, Stop> {
    let wrong = |why: String| {
        Stop::new(Exit::Configuration, format!("{} holds no figures: {why}", path.display()))
            .advise("make them with `doorward bench --format json`")
    };
    let text = fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
    let figures: Figures = serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))?;
    if figures.version == VERSION {
        return Ok(figures);
    }
    Err(wrong(format!("they are of form {}, and this program knows {VERSION}", figures.version)))
}

/// Nothing that is there is written over.
fn write(path: &Path, text: &str) -> Result<(), Stop> {
    let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    made.and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()))
        .map_err(|error| Stop::new(Exit::Usage, format!("{} cannot be written: {error}", path.display())))
}
