//! Configuration: a file and an environment, with a NUL between them and between the variables.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::Path;

use doorward::config::document::Document;
use doorward::config::seed::Seed;
use doorward::config::{Mode, Raw, settle};

use super::text;

/// Settings, or problems that can all be told, in as many words as there is reason for, and without a secret in them.
pub(super) fn config(data: &[u8]) {
    // Input must not choose files that are opened: some have no end.
    let lower = data.to_ascii_lowercase();
    if [&b"file"[..], b"templates", b"tls"].iter().any(|word| lower.windows(word.len()).any(|part| part == *word)) {
        return;
    }
    let mut parts = data.split(|byte| *byte == 0);
    let Some(file) = parts.next().and_then(text) else { return };
    let environment: Vec<(OsString, OsString)> = parts
        .take(8)
        .map(|pair| {
            let at = pair.iter().position(|byte| *byte == b'=').unwrap_or(pair.len());
            let value = pair.get(at + 1..).unwrap_or_default();
            (OsString::from_vec(pair[..at].to_vec()), OsString::from_vec(value.to_vec()))
        })
        .collect();
    let master = environment.iter().find(|(name, _)| name == "DOORWARD_MASTER_KEY").map(|(_, value)| value.clone());
    for mode in [Mode::Serve, Mode::Dev] {
        let document = Document::new(Path::new("doorward.toml"), file.to_owned());
        let raw = Raw::gather_from(Some(Ok(document)), environment.clone(), &[], mode);
        let Err(problems) = settle(raw, mode) else { continue };
        assert!(!problems.0.is_empty());
        let told = problems.to_string();
        assert!(told.len() <= 4_000 + 400 * data.len(), "{} bytes told of {}", told.len(), data.len());
        // Who writes a secret elsewhere, as a name or into the file, has told it.
        let elsewhere = |secret: &str| {
            file.contains(secret) || environment.iter().any(|(name, _)| name.to_string_lossy().contains(secret))
        };
        let secret = master.as_ref().and_then(|secret| secret.to_str());
        let secret = secret.filter(|secret| secret.len() > 40 && !elsewhere(secret));
        assert!(secret.is_none_or(|secret| !told.contains(secret)), "a secret is told");
    }
    drop(Seed::read(&Document::new(Path::new("seed.toml"), file.to_owned())));
}
