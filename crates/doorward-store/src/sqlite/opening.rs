//! Opening a data folder: whether what lies there is ours, whole, and of a form that we know, before anything is written.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{SHA256, digest};
use doorward_core::audit::{Actor, Event, Kind};
use doorward_core::change::MoveRealm;
use doorward_core::feed::Draft;
use doorward_core::generation::{self, Begun};
use doorward_core::id::EventId;
use doorward_core::{Position, Strength};
use rusqlite::{Connection, ErrorCode, OptionalExtension, TransactionBehavior, params};

use super::cells::{Cells, placed};
use super::fault::Fault;
use super::lock::{self, Lock};
use super::log::Tail;
use super::mark::{self, Mark, Unproven};
use super::migrations::{self, APPLICATION};
use super::{connection, log, realm_rows};
use crate::{Opening, Origin};

const NAME: &str = "doorward.db";
/// What every SQLite file begins with.
const MAGIC: &[u8; 16] = b"SQLite format 3\0";
/// Files up to this size are checked page by page at every opening, which takes some 50 ms at most. A start must not take
/// longer the more sessions there are, so larger ones are checked for being whole, and by `doorward doctor`.
const CHECKED: u64 = 16 << 20;

/// Why a data folder cannot be opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// Another process has it open.
    #[error(
        "{} is held by {}: one process at a time may open this folder, so stop that one or ask it through its socket",
        path.display(), holder(*pid)
    )]
    Locked {
        /// The lock file.
        path: PathBuf,
        /// Who holds it, if that can be told.
        pid: Option<u32>,
    },
    /// It is not a database any more.
    #[error("{} is damaged ({what}): restore it from a backup, and keep this file for an examination", path.display())]
    Damaged {
        /// The database.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// It is somebody else's database.
    #[error("{} is a database of another program: choose another folder with --data", path.display())]
    Foreign {
        /// The database.
        path: PathBuf,
    },
    /// A later Doorward has changed its form.
    #[error(
        "{} was opened by a later version of Doorward (it is at migration {found}, this program knows {known}): \
         run that version, or restore a backup from before",
        path.display()
    )]
    Newer {
        /// The database.
        path: PathBuf,
        /// The migration it is at.
        found: u32,
        /// The last one that this program knows.
        known: u32,
    },
    /// A migration that was applied to it is not the one that this program has.
    #[error(
        "{} was made with another text of migration {migration}: run the program that made it, or copy its contents \
         into a new database with `doorward store copy`",
        path.display()
    )]
    Changed {
        /// The database.
        path: PathBuf,
        /// Which one.
        migration: &'static str,
    },
    /// Somebody has put an old copy back, and whoever opens it has no say in what becomes of that.
    #[error(
        "{} is an old copy that was put back (it ends at {stored}, and the feed had got to {marked}): start the server \
         once, which signs everybody out, or nobody if it is told --restored-on-purpose; only then ask again",
        path.display()
    )]
    OldCopy {
        /// The database.
        path: PathBuf,
        /// Where its feed ends.
        stored: Position,
        /// How far the feed had got.
        marked: Position,
    },
    /// `doorward dev` made it, with demo accounts.
    #[error(
        "{} was made by `doorward dev` and holds demo accounts: give `doorward serve` another folder with --data",
        path.display()
    )]
    MadeByDev {
        /// The database.
        path: PathBuf,
    },
    /// `doorward serve` made it: no place for demo accounts.
    #[error(
        "{} was made by `doorward serve` and may hold real accounts: give `doorward dev` another folder with --data",
        path.display()
    )]
    MadeByServe {
        /// The database.
        path: PathBuf,
    },
    /// The file system or SQLite says no.
    #[error("{} cannot be opened ({what}): check that it is on a local disk with room and belongs to this user", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What it says.
        what: String,
    },
}

/// What else an old copy undoes, for the log and the audit log: ended sessions are dealt with, and these are not.
pub const TO_DO_AGAIN: &str = "keys, accounts, passwords, roles, clients and verifiers are as they were in the copy, and \
    what was killed, suspended, changed or removed since has to be done again";

/// What follows if a database without a mark that proves anything is an old copy.
pub const IF_OLD: &str = "nobody can tell whether this is the newest copy of the database; if it is not, sessions that were \
    ended since are alive again, and `doorward sessions end --all` ends all there are";

fn holder(pid: Option<u32>) -> String {
    pid.map_or_else(|| String::from("another process"), |pid| format!("process {pid}"))
}

/// What becomes of a database that is older than what was acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OldCopy {
    /// Sessions that were ended since would live again: so everybody is signed out.
    EndsEverybody,
    /// It was put back on purpose.
    IsMeant,
    /// That is for somebody else to say: it is not opened, and nothing is written.
    IsRefused,
}

/// A folder that was opened.
pub(super) struct Opened {
    pub(super) lock: Lock,
    pub(super) path: PathBuf,
    pub(super) file: Connection,
    pub(super) mark: Mark,
    pub(super) database: [u8; 16],
    pub(super) resumed_from: Position,
    pub(super) regressed: Option<Position>,
    pub(super) unproven: Option<Unproven>,
}

/// Opens a folder: takes its lock, looks at what is there, brings it to today's form, and begins a new generation of the
/// feed.
pub(super) fn open(folder: &Path, opening: Opening, old_copy: OldCopy) -> Result<Opened, OpenError> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(|error| io_error(folder, &error))?;
    let lock = Lock::take(folder).map_err(|refused| match refused {
        lock::Refused::Held(pid) => OpenError::Locked { path: lock::path(folder), pid },
        lock::Refused::Io(error) => io_error(&lock::path(folder), &error),
    })?;
    let path = folder.join(NAME);
    create(&path).and_then(|()| look_at_header(&path)).map_err(|error| io_error(&path, &error))??;
    match inspect(&path, opening.origin)? {
        Some(file) if old_copy == OldCopy::IsRefused => refuse_old(&file, &path, folder, opening)?,
        _ => {}
    }
    let mut file = connection::writing(&path).map_err(|error| refused(&path, Fault::Sqlite(error)))?;
    migrations::run(&mut file, opening.now).map_err(|why| match why {
        migrations::Refused::Newer { found, known } => OpenError::Newer { path: path.clone(), found, known },
        migrations::Refused::Changed(migration) => OpenError::Changed { path: path.clone(), migration },
        migrations::Refused::Fault(fault) => refused(&path, fault),
    })?;
    let database = know(&mut file, opening).map_err(|fault| refused(&path, fault))?;
    let mut mark = Mark::open(folder, database).map_err(|error| io_error(&mark::path(folder), &error))?;
    let begun = begin(&mut file, opening, &mark, old_copy).map_err(|fault| refused(&path, fault))?;
    let Start { head, resumed_from, regressed, unproven, is_new } = begun;
    if is_new || old_copy != OldCopy::IsRefused {
        mark.renew(head).map_err(|error| io_error(&mark::path(folder), &error))?;
    } else {
        mark.note(head);
    }
    Ok(Opened { lock, path, file, mark, database, resumed_from, regressed, unproven })
}

/// Makes an empty file that only its owner can read, if there is none. SQLite gives the files beside it the same rights.
fn create(path: &Path) -> io::Result<()> {
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// What can be told without SQLite: is it a database at all, and is all of it there?
fn look_at_header(path: &Path) -> io::Result<Result<(), OpenError>> {
    let length = fs::metadata(path)?.len();
    if length == 0 {
        return Ok(Ok(()));
    }
    let damaged = |what: String| Ok(Err(OpenError::Damaged { path: path.to_owned(), what }));
    let mut header = [0; 100];
    let read = File::open(path)?.take(100).read(&mut header)?;
    if read < 100 || !header.starts_with(MAGIC) {
        return damaged(String::from("it is not an SQLite database"));
    }
    let number = |at: usize| u32::from_be_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
    let page = match u16::from_be_bytes([header[16], header[17]]) {
        1 => 1 << 16,
        size => u64::from(size),
    };
    let whole = u64::from(number(28)) * page;
    // What is still in the write-ahead log may be missing here, and a count from before the last change says nothing.
    let logged = fs::metadata(beside(path, "-wal")).is_ok_and(|log| log.len() > 0);
    if !logged && number(24) == number(92) && length < whole {
        return damaged(format!("{} of {whole} bytes are missing", whole - length));
    }
    Ok(Ok(()))
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// What can be told without writing: is it ours, whole, and made by the right command? `None` if it is new.
fn inspect(path: &Path, origin: Origin) -> Result<Option<Connection>, OpenError> {
    let broken = |error| refused(path, Fault::Sqlite(error));
    let file = connection::reading(path).map_err(broken)?;
    let application: i32 = file.pragma_query_value(None, "application_id", |row| row.get(0)).map_err(broken)?;
    if application != APPLICATION {
        let empty = "SELECT NOT EXISTS (SELECT 1 FROM sqlite_schema)";
        let is_new = application == 0 && file.query_row(empty, [], |row| row.get(0)).map_err(broken)?;
        return if is_new { Ok(None) } else { Err(OpenError::Foreign { path: path.to_owned() }) };
    }
    if fs::metadata(path).map_err(|error| io_error(path, &error))?.len() <= CHECKED {
        let verdict: String = file.pragma_query_value(None, "quick_check", |row| row.get(0)).map_err(broken)?;
        if verdict != "ok" {
            return Err(OpenError::Damaged { path: path.to_owned(), what: verdict });
        }
    }
    let made = made_by(&file).map_err(|fault| refused(path, fault))?;
    match (made, origin) {
        (Some(Origin::Dev), Origin::Serve) => Err(OpenError::MadeByDev { path: path.to_owned() }),
        (Some(Origin::Serve), Origin::Dev) => Err(OpenError::MadeByServe { path: path.to_owned() }),
        (Some(_), _) => Ok(Some(file)),
        (None, _) => Ok(None),
    }
}

/// Is the mark ahead of it? By the rule of [`begin`], and before anything is written.
fn refuse_old(file: &Connection, path: &Path, folder: &Path, opening: Opening) -> Result<(), OpenError> {
    let broken = |fault| refused(path, fault);
    let marked = mark::head_of(folder, database_id(file).map_err(broken)?);
    let stored = log::head(file).map_err(broken)?;
    match generation::begin(stored, marked, opening.now).lost {
        Some(marked) => Err(OpenError::OldCopy { path: path.to_owned(), stored, marked }),
        None => Ok(()),
    }
}

fn made_by(file: &Connection) -> Result<Option<Origin>, Fault> {
    let read = |row: &rusqlite::Row<'_>| Ok(Cells::of(row).word(read_origin, "meta.origin"));
    file.query_row("SELECT origin FROM meta", [], read).optional()?.transpose()
}

/// Fills a new database's first row. Gives the database's id.
fn know(file: &mut Connection, opening: Opening) -> Result<[u8; 16], Fault> {
    let step = file.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let start = placed(Position::START);
    step.execute(
        "INSERT INTO meta (one, database, origin, made_at, openings, head, terminal_epoch, refresh_epoch) \
         VALUES (1, ?1, ?2, ?3, 0, ?4, ?4, ?4) ON CONFLICT DO NOTHING",
        params![opening.database, origin_name(opening.origin), opening.now.millis(), start],
    )?;
    let database = database_id(&step)?;
    step.commit()?;
    Ok(database)
}

/// How a feed goes on.
struct Start {
    head: Position,
    resumed_from: Position,
    /// The mark, if it was ahead.
    regressed: Option<Position>,
    /// Why nobody knows whether it would have been.
    unproven: Option<Unproven>,
    is_new: bool,
}

/// Begins the next generation of the feed. If the mark is ahead of what is stored, an old copy was put back, and that is
/// dealt with in the same step: a crash after it finds nothing left to do. Where the mark proves nothing, that is told.
fn begin(file: &mut Connection, opening: Opening, mark: &Mark, old_copy: OldCopy) -> Result<Start, Fault> {
    let step = file.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let stored = log::head(&step)?;
    let openings: i64 = step.query_row("SELECT openings FROM meta", [], |row| row.get(0))?;
    let is_new = openings == 0;
    let Begun { head, lost: regressed } = generation::begin(stored, mark.head(), opening.now);
    let unproven = mark.unproven().filter(|_| !is_new && regressed.is_none());
    step.execute("UPDATE meta SET head = ?1, openings = openings + 1", [placed(head)])?;
    let mut tail = Tail::read(&step)?;
    if let Some(marked) = regressed {
        let mut told = format!("the file ends at {stored}, and the feed had got to {marked}");
        if old_copy == OldCopy::EndsEverybody {
            let everybody = MoveRealm { draft: Draft::realm(Strength::Terminal) };
            realm_rows::move_epoch(&step, &mut tail, everybody, opening.now)?;
            tail.write_head(&step)?;
            told.push_str(": everybody is signed out");
        }
        tail.link(&step, &remark(&tail, opening, Kind::StoreRegressed, format!("{told}; {TO_DO_AGAIN}")))?;
    }
    if let Some(unproven) = unproven.filter(|_| old_copy != OldCopy::IsRefused) {
        let told = format!("{unproven}: {IF_OLD}; {TO_DO_AGAIN}");
        tail.link(&step, &remark(&tail, opening, Kind::StoreUnproven, told))?;
    }
    step.commit()?;
    Ok(Start { head: tail.head(), resumed_from: stored, regressed, unproven, is_new })
}

/// The event of an opening. Its name follows from its place, because nobody draws here.
fn remark(tail: &Tail, opening: Opening, kind: Kind, told: String) -> Event {
    let mut id = [0; 16];
    let place = [&b"old copy"[..], &opening.database, &placed(tail.head())].concat();
    id.copy_from_slice(&digest(&SHA256, &place).as_ref()[..16]);
    Event {
        id: EventId::from_bytes(id),
        kind,
        by: Actor::Doorward,
        who: None,
        session: None,
        client: None,
        address: None,
        request: None,
        detail: Some(told),
        at: opening.now,
    }
}

/// The id that the database was made with.
pub(super) fn database_id(file: &Connection) -> Result<[u8; 16], Fault> {
    file.query_row("SELECT database FROM meta", [], |row| Ok(Cells::of(row).take("meta.database")))?
}

const fn origin_name(origin: Origin) -> &'static str {
    match origin {
        Origin::Dev => "dev",
        Origin::Serve => "serve",
    }
}

fn read_origin(word: &str) -> Option<Origin> {
    [Origin::Dev, Origin::Serve].into_iter().find(|origin| origin_name(*origin) == word)
}

pub(super) fn refused(path: &Path, fault: Fault) -> OpenError {
    let path = path.to_owned();
    match fault {
        Fault::Sqlite(error) => match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => {
                OpenError::Damaged { path, what: error.to_string() }
            }
            _ => OpenError::Io { path, what: error.to_string() },
        },
        Fault::Unreadable(what) => OpenError::Damaged { path, what: format!("{what} cannot be read") },
        Fault::Panicked => OpenError::Io { path, what: String::from("a bug") },
    }
}

fn io_error(path: &Path, error: &io::Error) -> OpenError {
    OpenError::Io { path: path.to_owned(), what: error.to_string() }
}
