//! What a data folder may hold when it is opened, and what becomes of a store whose file is tampered with.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use doorward_core::audit::Kind;
use doorward_core::{Position, Timestamp};
use doorward_store::sqlite::{IF_OLD, OpenError, Sqlite, TO_DO_AGAIN, Unproven};
use doorward_store::suite::cast::{self, NOON};
use doorward_store::suite::{self, commit, done};
use doorward_store::{Committed, Directory, Opening, Origin, Sessions, StoreError, Stores};
use rusqlite::Connection;
use tempfile::TempDir;

const OPENING: Opening = Opening { now: NOON, database: [1; 16], origin: Origin::Serve };
/// The file that tells a test process to hold the folder it runs in.
const HOLD: &str = "hold.me";

fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder")
}

fn open(folder: &TempDir) -> Result<Sqlite, OpenError> {
    Sqlite::open(folder.path(), OPENING)
}

fn opened(folder: &TempDir) -> Sqlite {
    open(folder).expect("it opens")
}

/// Makes a database, lets somebody else at its closed file, and gives the words with which it is then refused.
fn refusal_after(tamper: impl FnOnce(&Path)) -> (OpenError, String) {
    let folder = folder();
    drop(opened(&folder));
    let path = folder.path().join("doorward.db");
    tamper(&path);
    let before = fs::read(&path).expect("the file");
    let error = open(&folder).expect_err("a refusal");
    assert_eq!(fs::read(&path).expect("the file"), before, "what is refused is left as it is");
    let words = error.to_string();
    assert!(words.contains("doorward.db"), "names the file: {words}");
    (error, words)
}

fn write(path: &Path, sql: &str) {
    let file = Connection::open(path).expect("SQLite opens it");
    file.execute_batch(sql).expect("the statement");
}

#[tokio::test]
async fn what_was_committed_is_there_after_opening_again_in_a_new_generation() {
    let folder = folder();
    let first = Stores::of(opened(&folder));
    suite::people(&first, 1).await;
    let session = suite::opened(&first, 1, Some(1)).await;
    done(&first, cast::end_user(1, cast::after(1))).await;
    let before = suite::head(&first).await;
    assert_eq!(before, Position { generation: 1_900_000_000, seq: 1 });
    let links = first.directory.audit_after(0, 100).await.expect("links");
    drop(first);

    let again = Sqlite::open(folder.path(), Opening { database: [9; 16], ..OPENING }).expect("it opens");
    assert_eq!(again.database(), [1; 16], "the id is the one it was made with");
    let again = Stores::of(again);
    assert_eq!(suite::head(&again).await, Position { generation: 1_900_000_001, seq: 1 }, "stored plus one");
    assert_eq!(again.directory.resumed_from().await, Ok(before));
    assert!(suite::load(&again, session.id).await.ended.is_some());
    assert_eq!(again.directory.audit_after(0, 100).await, Ok(links.clone()));
    let receipt = done(&again, cast::end_user(1, cast::after(2))).await;
    assert_eq!(receipt.head, Position { generation: 1_900_000_001, seq: 2 }, "numbers go on");
    assert_eq!(again.directory.resumed_from().await, Ok(before), "that is of the opening");
    let last = again.directory.audit_after(links.len() as u64, 100).await.expect("links");
    assert!(last[0].follows(&links.last().expect("a link").hash), "the chain goes on");
    drop(again);

    let later = Opening { now: Timestamp::from_secs(1_900_000_900), ..OPENING };
    let later = Stores::of(Sqlite::open(folder.path(), later).expect("it opens"));
    assert_eq!(suite::head(&later).await, Position { generation: 1_900_000_900, seq: 2 }, "the clock is ahead");
}

#[test]
fn nobody_else_can_read_what_is_made() {
    let outer = folder();
    let inner = outer.path().join("var/doorward");
    let store = Sqlite::open(&inner, OPENING).expect("it opens");
    let mode = |path: &Path| fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
    assert_eq!(mode(&inner), 0o700);
    for name in ["doorward.db", "doorward.db-wal", "doorward.db-shm", "doorward.lock", "head.mark"] {
        assert_eq!(mode(&inner.join(name)), 0o600, "{name}");
    }
    drop(store);
    let left: Vec<_> =
        fs::read_dir(&inner).expect("a folder").map(|entry| entry.expect("an entry").file_name()).collect();
    assert_eq!(left.len(), 3, "nothing but the database, its mark and an empty lock: {left:?}");
}

#[test]
fn a_folder_is_opened_once() {
    let folder = folder();
    assert_eq!(Sqlite::holder(folder.path()), None, "nothing there");
    let first = opened(&folder);
    let me = Some(std::process::id());
    assert_eq!(Sqlite::holder(folder.path()), me);
    let path = folder.path().join("doorward.lock");
    let refused = open(&folder).expect_err("it is open");
    assert_eq!(refused, OpenError::Locked { path, pid: me });
    assert!(refused.to_string().contains(&format!("doorward.lock is held by process {}", std::process::id())));
    drop(first);
    assert_eq!(Sqlite::holder(folder.path()), None);
    drop(opened(&folder));
}

/// Not a test by itself: the process that [`a_process_that_is_killed_leaves_all_it_committed_and_no_lock`] starts.
#[tokio::test]
async fn a_process_that_holds_the_folder_it_is_started_in() {
    if !Path::new(HOLD).exists() {
        return;
    }
    let stores = Stores::of(Sqlite::open(Path::new("."), OPENING).expect("it opens"));
    suite::people(&stores, 3).await;
    println!("\nheld");
    // Until it is killed, or whoever started it is gone.
    let _ = std::io::stdin().read(&mut [0]);
}

#[tokio::test]
async fn a_process_that_is_killed_leaves_all_it_committed_and_no_lock() {
    let folder = folder();
    fs::write(folder.path().join(HOLD), "").expect("a file");
    let mut child = Command::new(std::env::current_exe().expect("this program"))
        .args(["a_process_that_holds_the_folder_it_is_started_in", "--exact", "--nocapture"])
        .current_dir(folder.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("a process");
    let lines = BufReader::new(child.stdout.take().expect("its output")).lines();
    assert!(lines.map_while(Result::ok).any(|line| line == "held"), "it opened the folder");

    let pid = Some(child.id());
    assert_eq!(Sqlite::holder(folder.path()), pid);
    assert_eq!(
        open(&folder).expect_err("it is open"),
        OpenError::Locked { path: folder.path().join("doorward.lock"), pid }
    );
    child.kill().expect("it is ours");
    child.wait().expect("it ends");
    assert_eq!(Sqlite::holder(folder.path()), None);
    let stores = Stores::of(opened(&folder));
    assert_eq!(stores.directory.users_after(None, 10).await.expect("users").len(), 3);
}

#[test]
fn what_is_no_database_is_damaged() {
    let (error, words) = refusal_after(|path| fs::write(path, "once upon a time").expect("written"));
    assert!(matches!(error, OpenError::Damaged { .. }), "{words}");
    assert!(words.contains("restore it from a backup"), "says what to do: {words}");
}

#[test]
fn a_database_that_was_cut_or_overwritten_is_damaged() {
    let (cut, words) = refusal_after(|path| {
        let file = fs::OpenOptions::new().write(true).open(path).expect("the file");
        file.set_len(file.metadata().expect("its length").len() / 2).expect("cut");
    });
    assert!(matches!(cut, OpenError::Damaged { .. }), "{words}");
    let (overwritten, words) = refusal_after(|path| {
        let mut bytes = fs::read(path).expect("the file");
        let middle = bytes.len() / 2;
        bytes[middle..middle + 8_192].fill(0x5a);
        fs::write(path, bytes).expect("written");
    });
    assert!(matches!(overwritten, OpenError::Damaged { .. }), "{words}");
}

#[test]
fn another_programs_database_is_foreign_and_an_empty_one_is_not() {
    let (error, words) = refusal_after(|path| {
        fs::remove_file(path).expect("removed");
        write(path, "CREATE TABLE recipes (name TEXT); INSERT INTO recipes VALUES ('soup')");
    });
    assert!(matches!(error, OpenError::Foreign { .. }), "{words}");

    let empty = folder();
    write(&empty.path().join("doorward.db"), "VACUUM");
    drop(opened(&empty));
}

#[test]
fn a_database_of_a_later_version_is_refused() {
    let (error, _) =
        refusal_after(|path| write(path, "INSERT INTO migrations VALUES (900, '0900_attic.sql', zeroblob(32), 0)"));
    assert!(matches!(error, OpenError::Newer { found: 900, .. }), "{error:?}");
}

#[test]
fn a_migration_that_was_applied_in_other_words_is_refused() {
    let (error, _) = refusal_after(|path| write(path, "UPDATE migrations SET checksum = zeroblob(32)"));
    assert!(matches!(error, OpenError::Changed { migration: "0001_house.sql", .. }), "{error:?}");
}

#[test]
fn demo_accounts_and_real_ones_do_not_share_a_database() {
    for (made, opened, refused) in
        [(Origin::Dev, Origin::Serve, "doorward dev"), (Origin::Serve, Origin::Dev, "doorward serve")]
    {
        let folder = folder();
        drop(Sqlite::open(folder.path(), Opening { origin: made, ..OPENING }).expect("it opens"));
        let error = Sqlite::open(folder.path(), Opening { origin: opened, ..OPENING }).expect_err("a refusal");
        assert!(error.to_string().contains(&format!("was made by `{refused}`")), "{error}");
        drop(Sqlite::open(folder.path(), Opening { origin: made, ..OPENING }).expect("it opens"));
    }
}

/// What may become of a file, and a word of the refusal.
struct Harm {
    word: &'static str,
    does: fn(&Path),
}

const fn harm(word: &'static str, does: fn(&Path)) -> Harm {
    Harm { word, does }
}

const HARMS: [Harm; 10] = [
    harm("damaged", |path| fs::write(path, "once upon a time").expect("written")),
    harm("damaged", |path| fs::write(path, [0; 50]).expect("written")),
    harm("damaged", |path| cut(path, 2)),
    harm("damaged", |path| cut(path, 40)),
    harm("damaged", |path| overwrite(path, 0, 16)),
    harm("damaged", |path| overwrite(path, 8_192, 4_096)),
    harm("another program", |path| {
        fs::remove_file(path).expect("removed");
        write(path, "CREATE TABLE recipes (name TEXT)");
    }),
    harm("another program", |path| write(path, "PRAGMA application_id = 7")),
    harm("later version", |path| {
        write(path, "INSERT INTO migrations VALUES (900, '0900_attic.sql', zeroblob(32), 0)");
    }),
    harm("another text", |path| write(path, "UPDATE migrations SET checksum = zeroblob(32)")),
];

fn cut(path: &Path, parts: u64) {
    let file = fs::OpenOptions::new().write(true).open(path).expect("the file");
    let length = file.metadata().expect("its length").len();
    file.set_len(length - length / parts).expect("cut");
}

fn overwrite(path: &Path, from: usize, length: usize) {
    let mut bytes = fs::read(path).expect("the file");
    bytes[from..from + length].fill(0x5a);
    fs::write(path, bytes).expect("written");
}

#[test]
fn whatever_became_of_a_file_is_refused_with_its_name_a_reason_and_a_way_out() {
    for (number, harm) in HARMS.iter().enumerate() {
        let (_, words) = refusal_after(harm.does);
        assert!(words.contains(harm.word), "{number}: {words}");
        assert!(words.contains(": ") && words.len() > 60, "{number}: no way out in {words}");
    }
    println!("assure: refusals, and with a reason = {0} of {0}", HARMS.len());
}

#[tokio::test]
async fn an_unreadable_row_is_named_and_harms_no_other() {
    let folder = folder();
    let stores = Stores::of(opened(&folder));
    suite::people(&stores, 2).await;
    let broken = suite::opened(&stores, 1, Some(1)).await;
    let whole = suite::opened(&stores, 2, Some(1)).await;
    write(
        &folder.path().join("doorward.db"),
        "UPDATE sessions SET ring = x'07' WHERE id = x'01010101010101010101010101010101'",
    );
    let corrupt = Err(StoreError::Corrupt { what: "sessions.ring" });
    assert_eq!(stores.sessions.session(broken.id).await, corrupt);

    // A change that has to read it fails; those that share its commit do not.
    let epochs = suite::epochs_of(&stores, &whole).await;
    let keeping = cast::set_password(1, 1, Some(cast::keep(&broken, 8, cast::after(9))), cast::after(9));
    let (failed, rotated) =
        tokio::join!(commit(&stores, keeping), commit(&stores, cast::rotate(&whole, epochs, cast::after(9))));
    assert_eq!(failed, Err(StoreError::Corrupt { what: "sessions.ring" }));
    assert!(matches!(rotated, Ok(Committed::Done(_))), "{rotated:?}");
    assert!(stores.directory.is_writable(), "the file is not to blame");
    let ended = done(&stores, cast::end_user(1, cast::after(10))).await;
    assert_eq!(ended.count, 2, "it can still be ended");
}

#[tokio::test]
async fn a_store_that_failed_is_not_writable_until_a_fresh_connection_has_committed() {
    let folder = folder();
    let store = opened(&folder);
    let path = folder.path().join("doorward.db");
    let stores = Stores::of(store);
    suite::people(&stores, 1).await;
    let links = stores.directory.audit_after(0, 100).await.expect("links").len();

    write(&path, "ALTER TABLE audit RENAME TO hidden");
    let opening = cast::open(cast::session(1, Some(1), suite::head(&stores).await));
    assert_eq!(stores.sessions.commit(opening.clone()).await, Err(StoreError::Unavailable));
    assert!(!stores.directory.is_writable());
    assert_eq!(stores.sessions.session(cast::session_id(1)).await, Ok(None), "half a change is none");
    assert_eq!(stores.sessions.commit(opening.clone()).await, Err(StoreError::Unavailable));
    assert!(!stores.directory.is_writable());

    write(&path, "ALTER TABLE hidden RENAME TO audit");
    assert!(matches!(stores.sessions.commit(opening).await, Ok(Committed::Done(_))));
    assert!(stores.directory.is_writable());
    let chain = stores.directory.audit_after(0, 100).await.expect("links");
    assert_eq!(chain.len(), links + 1);
    let unbroken = chain.windows(2).all(|pair| pair[1].follows(&pair[0].hash));
    assert!(unbroken, "the numbers and hashes of what failed are used by nobody");
}

#[tokio::test]
async fn what_is_queued_when_the_store_is_dropped_is_answered() {
    let folder = folder();
    let stores = Stores::of(opened(&folder));
    suite::people(&stores, 1).await;
    let head = suite::head(&stores).await;
    let tasks: Vec<_> = (1..=200)
        .map(|number| {
            let stores = stores.clone();
            tokio::spawn(async move { commit(&stores, cast::open(cast::session(number, Some(1), head))).await })
        })
        .collect();
    drop(stores);
    for task in tasks {
        assert!(matches!(task.await.expect("no panic"), Ok(Committed::Done(_))));
    }
    let again = opened(&folder);
    assert_eq!(again.sessions_newest(1_000, NOON).await.expect("sessions").len(), 200);
    assert_eq!(again.head().await.expect("a head").seq, 0);
}

/// Copies the database away, lets a session end, and puts the copy back; gives the session.
async fn put_back(folder: &TempDir, ends: bool) -> doorward_core::id::SessionId {
    let path = folder.path().join("doorward.db");
    let first = Stores::of(opened(folder));
    suite::people(&first, 1).await;
    let session = suite::opened(&first, 1, Some(1)).await;
    drop(first);
    let copy = fs::read(&path).expect("the file");
    let second = Stores::of(opened(folder));
    if ends {
        let session = suite::load(&second, session.id).await;
        done(&second, cast::end(&[&session], cast::after(5))).await;
    }
    drop(second);
    fs::write(&path, copy).expect("an old copy");
    session.id
}

#[tokio::test]
async fn an_old_copy_that_is_put_back_brings_nobody_back_to_life() {
    for ends in [true, false] {
        let folder = folder();
        let id = put_back(&folder, ends).await;
        let store = opened(&folder);
        let marked = store.regressed().expect("it is noticed");
        assert_eq!(marked.seq, u64::from(ends), "also where nothing but a start had come since");
        let stores = Stores::of(store);
        let head = suite::head(&stores).await;
        assert!(head > marked, "no place is used twice");
        assert!(suite::check(&stores, id, cast::after(10)).await.is_err(), "whoever was ended stays ended");
        let lines = stores.directory.feed_after(Position::START, 10).await.expect("lines");
        assert_eq!((lines.len(), lines[0].entry.scope), (1, doorward_core::Scope::Realm));
        let links = stores.directory.audit_after(0, 100).await.expect("links");
        let last = &links.last().expect("a link").event;
        assert_eq!(last.kind, Kind::StoreRegressed);
        let detail = last.detail.as_deref().expect("words");
        for part in [&marked.to_string(), "everybody is signed out", TO_DO_AGAIN] {
            assert!(detail.contains(part), "{part} is not in {detail}");
        }
        let later = suite::opened(&stores, 2, Some(1)).await;
        drop(stores);
        let again = opened(&folder);
        assert_eq!(again.regressed(), None, "once is enough");
        let again = Stores::of(again);
        assert_eq!(suite::check(&again, later.id, cast::after(10)).await, Ok(()));
    }
}

#[tokio::test]
async fn an_old_copy_that_is_meant_signs_nobody_out_but_is_in_the_audit_log() {
    let folder = folder();
    let id = put_back(&folder, true).await;
    let store = Sqlite::open_restored(folder.path(), OPENING).expect("it opens");
    assert!(store.regressed().is_some());
    let stores = Stores::of(store);
    assert_eq!(suite::check(&stores, id, cast::after(10)).await, Ok(()));
    let links = stores.directory.audit_after(0, 100).await.expect("links");
    let last = &links.last().expect("a link").event;
    assert_eq!(last.kind, Kind::StoreRegressed);
    let detail = last.detail.as_deref().expect("words");
    assert!(detail.contains(TO_DO_AGAIN) && !detail.contains("signed out"), "{detail}");
    drop(stores);
    assert_eq!(opened(&folder).regressed(), None);
}

/// Whoever only wants to look must not use up the one start at which an operator says what becomes of it.
#[tokio::test]
async fn an_old_copy_is_not_opened_by_who_has_no_say_in_it_and_is_left_as_it_is() {
    let folder = folder();
    let look = || Sqlite::open_unless_old(folder.path(), OPENING);
    drop(look().expect("a new one is not old"));
    let id = put_back(&folder, true).await;
    let files = || ["doorward.db", "head.mark"].map(|name| fs::read(folder.path().join(name)).expect("a file"));
    let before = files();
    for _ in 0..2 {
        let error = look().expect_err("a refusal");
        assert!(matches!(&error, OpenError::OldCopy { stored, marked, .. } if stored < marked), "{error:?}");
        let words = error.to_string();
        assert!(words.contains("doorward.db") && words.contains("--restored-on-purpose"), "{words}");
    }
    assert_eq!(files(), before);
    let store = Sqlite::open_restored(folder.path(), OPENING).expect("it opens");
    assert!(store.regressed().is_some(), "still to be said");
    let stores = Stores::of(store);
    assert_eq!(suite::check(&stores, id, cast::after(10)).await, Ok(()));
    drop(stores);
    assert_eq!(look().expect("it was said").regressed(), None);
}

#[tokio::test]
async fn a_crash_between_commit_and_mark_is_no_old_copy() {
    let folder = folder();
    let first = Stores::of(opened(&folder));
    suite::people(&first, 1).await;
    let mark = fs::read(folder.path().join("head.mark")).expect("a mark");
    done(&first, cast::end_user(1, cast::after(1))).await;
    let moved = fs::read(folder.path().join("head.mark")).expect("a mark");
    assert_ne!(mark, moved, "it is written with every commit that moves the feed");
    let Position { generation, seq } = suite::head(&first).await;
    drop(first);
    // The commit after the last one that is marked.
    let head = u128::from(generation) << 64 | u128::from(seq + 1);
    write(&folder.path().join("doorward.db"), &format!("UPDATE meta SET head = x'{head:032x}'"));
    let again = opened(&folder);
    assert_eq!((again.regressed(), again.unproven()), (None, None));
}

/// What the audit log tells of openings, newest last.
async fn told(stores: &Stores) -> Vec<(Kind, String)> {
    let links = stores.directory.audit_after(0, 1_000).await.expect("links");
    let of_openings = links.into_iter().filter(|link| link.event.detail.is_some());
    of_openings.map(|link| (link.event.kind, link.event.detail.unwrap_or_default())).collect()
}

/// Looks, as a verb does, and opens as a server does, twice; the server is told once that nobody can tell.
async fn is_told_once(folder: &Path, why: Unproven) {
    for _ in 0..2 {
        let look = Sqlite::open_unless_old(folder, OPENING).expect("it opens");
        assert_eq!((look.regressed(), look.unproven()), (None, Some(why)), "a look settles nothing");
        let stores = Stores::of(look);
        // It may write as much as it likes.
        for _ in 0..100 {
            done(&stores, cast::end_user(1, cast::after(1))).await;
        }
        assert_eq!(told(&stores).await, []);
    }
    let server = Sqlite::open(folder, OPENING).expect("it opens");
    assert_eq!((server.regressed(), server.unproven()), (None, Some(why)));
    let stores = Stores::of(server);
    assert_eq!(told(&stores).await, [(Kind::StoreUnproven, format!("{why}: {IF_OLD}; {TO_DO_AGAIN}"))]);
    drop(stores);
    let again = Sqlite::open(folder, OPENING).expect("it opens");
    assert_eq!((again.regressed(), again.unproven()), (None, None), "once is enough");
}

#[tokio::test]
async fn a_lost_mark_is_told_to_whoever_starts_a_server() {
    for garbage in [None, Some(""), Some("garbage")] {
        let folder = folder();
        let first = Stores::of(opened(&folder));
        suite::people(&first, 1).await;
        drop(first);
        let mark = folder.path().join("head.mark");
        match garbage {
            None => fs::remove_file(&mark).expect("a mark"),
            Some(garbage) => fs::write(&mark, garbage).expect("a mark"),
        }
        is_told_once(folder.path(), Unproven::Missing).await;
    }
}

/// Copies the files of a folder into another, over what is there: what `cp -a` does.
fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        fs::copy(entry.path(), to.join(entry.file_name())).expect("a copy");
    }
}

/// The mark agrees with the copy that it came with.
#[tokio::test]
async fn a_copy_that_is_put_back_with_its_mark_is_told_to_whoever_starts_a_server() {
    for (removes, crashes) in [(true, false), (false, false), (true, true), (false, true)] {
        let (folder, backup) = (self::folder(), self::folder());
        let first = Stores::of(opened(&folder));
        suite::people(&first, 1).await;
        let session = suite::opened(&first, 1, Some(1)).await;
        if crashes {
            copy(folder.path(), backup.path());
        }
        drop(first);
        if !crashes {
            copy(folder.path(), backup.path());
        }
        let second = Stores::of(opened(&folder));
        let ended = suite::load(&second, session.id).await;
        done(&second, cast::end(&[&ended], cast::after(5))).await;
        drop(second);
        if removes {
            fs::remove_dir_all(folder.path()).and_then(|()| fs::create_dir(folder.path())).expect("a folder");
        }
        copy(backup.path(), folder.path());
        let server = opened(&folder);
        assert_eq!((server.regressed(), server.unproven()), (None, Some(Unproven::Copied)), "{removes} {crashes}");
        let stores = Stores::of(server);
        assert_eq!(suite::check(&stores, session.id, cast::after(10)).await, Ok(()), "so somebody has to be told");
        assert_eq!(told(&stores).await.len(), 1);
    }
    let (folder, moved) = (self::folder(), self::folder());
    let first = Stores::of(opened(&folder));
    suite::people(&first, 1).await;
    drop(first);
    copy(folder.path(), moved.path());
    is_told_once(moved.path(), Unproven::Copied).await;
    let original = opened(&folder);
    assert_eq!((original.regressed(), original.unproven()), (None, None));
}

/// The newest mark beside an old copy, as on another machine: what it says counts, wherever it was written.
#[tokio::test]
async fn a_copied_mark_that_is_ahead_ends_everybody() {
    let (folder, elsewhere) = (self::folder(), self::folder());
    let id = put_back(&folder, true).await;
    copy(folder.path(), elsewhere.path());
    let server = opened(&elsewhere);
    assert!(server.regressed().is_some() && server.unproven().is_none());
    let stores = Stores::of(server);
    assert!(suite::check(&stores, id, cast::after(10)).await.is_err());
    drop(stores);
    assert_eq!(opened(&elsewhere).unproven(), None);
}
