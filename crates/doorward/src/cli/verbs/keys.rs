//! `doorward keys`: where each key is in its life, and what moves it on.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::{items, tell_list};
use crate::cli::args::{KeysVerb, Reaching};
use crate::cli::ask::{Office, encoded};
use crate::cli::out::{self, cell};
use crate::cli::stop::{Exit, Stop};

/// Runs the verb.
pub(in crate::cli) async fn run(reaching: &Reaching, verb: KeysVerb) -> Result<Exit, Stop> {
    // What is wrong with a file is told before anything is asked.
    let new_master_key = match &verb {
        KeysVerb::Reseal { new_master_key_file } => Some(read(new_master_key_file)?),
        _ => None,
    };
    let office = Office::reach(reaching).await?;
    let ask = async |path: &str, body: Value| {
        let answer = office.ask("POST", path, Some(&body)).await;
        let answer = answer.map_err(|stop| stop.advise_on("keys_not_ready", NOT_READY))?;
        Ok::<_, Stop>(answer["data"].as_array().cloned().unwrap_or_default())
    };
    let end = |key: &str, how: &str| format!("/admin/v1/keys/{}/{how}", encoded(key));
    let keys = match verb {
        KeysVerb::List => items(&office, "/admin/v1/keys").await?,
        KeysVerb::Rotate { purpose, hurry } => {
            ask("/admin/v1/keys/rotate", json!({ "purpose": purpose, "hurry": hurry })).await?
        }
        KeysVerb::Retire { key, hurry } => {
            ask(&end(&key, "retire"), json!({ "hurry": hurry })).await.map_err(|stop| no_key(stop, &key))?
        }
        KeysVerb::Kill { key, hurry, ack } => {
            let path = end(&key, &format!("kill{}", ack.query()));
            ask(&path, json!({ "hurry": hurry })).await.map_err(|stop| no_key(stop, &key))?
        }
        KeysVerb::Reseal { .. } => {
            let text = new_master_key.as_ref().map(|text| text.as_str());
            ask("/admin/v1/keys/reseal", json!({ "new_master_key": text })).await?
        }
        KeysVerb::Share { out } => return share(&office, &out).await,
    };
    let columns = ["id", "purpose", "number", "stage", "since", "until"];
    tell_list(reaching.format, keys, &columns, |key: &Value| columns.map(|member| cell(&key[member])).to_vec());
    Ok(Exit::Well)
}

/// Whoever kills a key must not leave in the belief that it is dead.
const NOT_READY: &str =
    "nothing changed, and a key that was in use still is; where it is a matter of time, --hurry does it now";

fn no_key(stop: Stop, key: &str) -> Stop {
    stop.instead_of(&["not_found"], format!("there is no key {key}"), "see `doorward keys list`")
}

fn read(path: &Path) -> Result<Zeroizing<String>, Stop> {
    fs::read_to_string(path)
        .map(Zeroizing::new)
        .map_err(|error| Stop::new(Exit::Usage, format!("{} cannot be read: {error}", path.display())))
}

/// The file is made first: secrets that were told and then could not be written would be in the audit log for nothing.
async fn share(office: &Office, path: &Path) -> Result<Exit, Stop> {
    let unwritten =
        |error: io::Error| Stop::new(Exit::Usage, format!("{} cannot be written: {error}", path.display()));
    let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    let mut file = made.map_err(unwritten)?;
    let answer = match office.ask("POST", "/admin/v1/keys/share", None).await {
        Ok(answer) => answer,
        Err(stop) => {
            drop(fs::remove_file(path));
            return Err(stop);
        }
    };
    let text = Zeroizing::new(format!("{answer}\n"));
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(unwritten)?;
    let many = answer["keys"].as_array().map_or(0, Vec::len);
    out::line(&format!(
        "wrote {many} shared secrets to {}: carry them to one verifier and to nobody else",
        path.display()
    ));
    Ok(Exit::Well)
}
