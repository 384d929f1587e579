//! The data folder: which one it is, opening it, and the master key that `dev` keeps in it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use doorward_core::base64url;
use doorward_core::key::Masters;
use doorward_core::secret::Secret;
use doorward_store::sqlite::{IF_OLD, OpenError, Sqlite, TO_DO_AGAIN};
use doorward_store::{Opening, Origin, Stores};
use zeroize::Zeroizing;

use super::stop::{Exit, Stop};
use crate::config::raw::Said;
use crate::config::settled::master_key;
use crate::config::{Mode, Raw, Settled, settle};
use crate::door::{Clock, Dice, SystemClock, SystemDice};
use crate::hashing::Hashing;
use crate::http::admin::Desk;
use crate::wiring::{WireError, Wiring, wire};

/// The folder that a demo makes where it is started.
pub(super) const OF_DEV: &str = ".doorward";

/// The folder a verb is about: the one that was said, else a demo's if there is one here, else the server's.
pub(super) fn find(said: &Said) -> Result<PathBuf, Stop> {
    settle(Raw::gather(said, Mode::Dev), Mode::Verb)?;
    match said_or_nearby(said) {
        Some(folder) => Ok(folder),
        None => Ok(settle(Raw::gather(said, Mode::Verb), Mode::Verb)?.data),
    }
}

/// The folder that was said, or a demo's if there is one here, whatever else is wrong with the configuration.
pub(super) fn said_or_nearby(said: &Said) -> Option<PathBuf> {
    let nearby = || Some(PathBuf::from(OF_DEV)).filter(|folder| folder.is_dir());
    Raw::gather(said, Mode::Dev).said_data().or_else(nearby)
}

/// Opens a folder's store for a verb. What becomes of an old copy is not said in passing: only a server's start says it.
fn open(folder: &Path, origin: Origin) -> Result<Sqlite, OpenError> {
    Sqlite::open_unless_old(folder, opening(origin))
}

/// Opens it for a server; `restored`: an old copy of the database was put back on purpose.
pub(super) fn open_to_serve(folder: &Path, origin: Origin, restored: bool) -> Result<Sqlite, OpenError> {
    let opening = opening(origin);
    let opened = if restored { Sqlite::open_restored(folder, opening)? } else { Sqlite::open(folder, opening)? };
    if let Some(marked) = opened.regressed() {
        tracing::error!(%marked, restored, "the database is an old copy: the feed had got further; {TO_DO_AGAIN}");
    }
    if let Some(unproven) = opened.unproven() {
        tracing::error!(restored, "{unproven}: {IF_OLD}; {TO_DO_AGAIN}");
    }
    Ok(opened)
}

fn opening(origin: Origin) -> Opening {
    let mut database = [0; 16];
    // An id that could not be drawn is no secret and no danger: the keys are drawn by somebody who looks.
    SystemDice.fill(&mut database);
    Opening { now: SystemClock.now(), database, origin }
}

impl From<OpenError> for Stop {
    fn from(error: OpenError) -> Self {
        Self::new(Exit::Configuration, error)
    }
}

impl From<WireError> for Stop {
    fn from(error: WireError) -> Self {
        let advice = match &error {
            WireError::Store(_) => "see what the disk says; the folder must be writable",
            WireError::Keys(_) => {
                "give the master key that the keys are sealed under; if it was just replaced, the one before as \
                 master_key_previous too"
            }
        };
        Self::new(Exit::Configuration, &error).advise(advice)
    }
}

/// A folder opened for one verb, or the reason it was not.
pub(super) enum Opened {
    /// Here it is.
    Desk(Desk),
    /// Somebody else has it.
    Held,
}

/// Opens a folder that no server has open, for the admin API in this process.
pub(super) async fn open_desk(folder: &Path, said: &Said) -> Result<Opened, Stop> {
    let database = folder.join("doorward.db");
    match fs::metadata(&database) {
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            return Err(Stop::new(Exit::Denied, format!("{} may not be opened by this user", database.display()))
                .advise("run this as the user that the server runs as"));
        }
        Err(error) => {
            return Err(Stop::new(
                Exit::Configuration,
                format!("there is no database at {}: {error}", database.display()),
            )
            .advise("name the data folder with --data, or begin one with `doorward dev` or `doorward serve`"));
        }
    }
    let (store, origin) = match open(folder, Origin::Serve) {
        Ok(store) => (store, Origin::Serve),
        Err(OpenError::Locked { .. }) => return Ok(Opened::Held),
        Err(OpenError::MadeByDev { .. }) => match open(folder, Origin::Dev) {
            Ok(store) => (store, Origin::Dev),
            Err(OpenError::Locked { .. }) => return Ok(Opened::Held),
            Err(error) => return Err(error.into()),
        },
        Err(error) => return Err(error.into()),
    };
    // The file in /etc speaks of the server, and not of a demo on the same machine.
    let gathered = if origin == Origin::Dev { Mode::Dev } else { Mode::Verb };
    let mut settled = settle(Raw::gather(said, gathered), Mode::Verb)?;
    let master = match (settled.master.take(), origin) {
        (Some(master), _) => master,
        (None, Origin::Dev) => read_master_key(folder)?.ok_or_else(|| lost_master_key(folder))?,
        (None, Origin::Serve) => {
            let what =
                format!("no server has {} open, and without the master key it cannot be opened", folder.display());
            return Err(Stop::new(Exit::Configuration, what)
                .advise("name its file with --master-key-file, DOORWARD_MASTER_KEY_FILE or the configuration file"));
        }
    };
    settled.hash_threads = 1;
    // Nothing is minted by a verb, so the issuer stands on nothing.
    let issuer = settled.issuer.clone().unwrap_or_default();
    Ok(Opened::Desk(desk(store, &mut settled, issuer, master).await?))
}

/// Wires a desk over an opened store.
pub(super) async fn desk(store: Sqlite, settled: &mut Settled, issuer: String, master: Secret) -> Result<Desk, Stop> {
    let hashing = Hashing::start(settled.hash_threads, settled.hash_cost)
        .map_err(|error| Stop::new(Exit::Unreachable, format!("the system gives no threads for hashing: {error}")))?;
    let masters = match settled.master_previous.take() {
        Some(before) => Masters::replacing(master, before),
        None => Masters::only(master),
    };
    let wiring = Wiring {
        stores: Stores::of(store),
        settings: settled.settings(issuer),
        masters,
        hashing,
        clock: Arc::new(SystemClock),
        dice: Arc::new(SystemDice),
    };
    let door = wire(wiring).await?;
    door.set_look(settled.look.clone());
    Ok(Desk::new(door, settled.profile))
}

fn master_key_path(folder: &Path) -> PathBuf {
    folder.join("master.key")
}

/// The master key that a demo keeps; `None` if there is none.
pub(super) fn read_master_key(folder: &Path) -> Result<Option<Secret>, Stop> {
    let path = master_key_path(folder);
    let text = match fs::read_to_string(&path) {
        Ok(text) => Zeroizing::new(text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => {
            return Err(Stop::new(Exit::Configuration, format!("{} cannot be read: {error}", path.display())));
        }
    };
    master_key(&text).map(Some).ok_or_else(|| {
        Stop::new(Exit::Configuration, format!("{} is no master key: 43 characters of base64url", path.display()))
            .advise("put the right one back, or begin anew in an empty folder")
    })
}

/// What to say where keys are and their master key is not.
pub(super) fn lost_master_key(folder: &Path) -> Stop {
    let path = master_key_path(folder);
    let what = format!("{} is missing, and without it the keys in the database cannot be opened", path.display());
    Stop::new(Exit::Configuration, what).advise("put it back, or begin anew in an empty folder")
}

/// Draws a master key and writes it down, whole or not at all: a process may be killed at any moment.
pub(super) fn make_master_key(folder: &Path) -> Result<Secret, Stop> {
    let mut drawn = Zeroizing::new([0; 32]);
    if !SystemDice.fill(&mut *drawn) {
        return Err(Stop::new(Exit::Unreachable, "the machine gives no random bytes, so no master key can be made"));
    }
    let text = Zeroizing::new(format!("{}\n", base64url::encode(&*drawn)));
    let path = master_key_path(folder);
    write_whole(&path, &text)
        .map_err(|error| Stop::new(Exit::Configuration, format!("{} cannot be written: {error}", path.display())))?;
    Ok(Secret::from_bytes(*drawn))
}

pub(super) fn write_whole(path: &Path, text: &str) -> io::Result<()> {
    let draft = path.with_extension("draft");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&draft, path)?;
    path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}
