//! A mark beside the database: how far the feed had got, as of the last commit.
//!
//! Whoever puts an old copy of the database back brings sessions back to life that were ended since. The mark stays where it
//! is, is ahead of the copy, and tells. It is written after each commit that moved the feed, in place and without a sync: a
//! crash of the process loses nothing of it, one of the machine at worst its last step.
//!
//! A mark that is put back with the copy agrees with it. So a mark says in which file it was written, and a server makes a new
//! file of it when it starts, when it stops and now and then in between: what was copied and comes back is in another file than
//! it says. A file system that is set back as a whole keeps its files; of that only verifiers can tell.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use aws_lc_rs::digest::{SHA256, digest};
use doorward_core::Position;

use super::cells::{placed, position};

const NAME: &str = "head.mark";
/// What is being written before it takes that name.
const NEW: &str = "head.mark.new";
const MAGIC: &[u8; 16] = b"doorward head 2\n";
/// What it marks: the database's id, the place, and the file it was written in.
const BODY: usize = 48;
/// A part of the digest over everything before it: half a mark is none.
const CHECK: usize = 16;
const SIZE: usize = MAGIC.len() + BODY + CHECK;
/// After so many notes in one file it takes a new one.
const NOTES: u32 = 64;

/// What tells a file from its copies.
type Home = [u8; 16];
/// Of a mark that was missing, until that was told.
const NOWHERE: Home = [0; 16];

/// Why a mark proves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unproven {
    /// There is none, or none of this database that can be read.
    Missing,
    /// It was written in another file, and copied here.
    Copied,
}

impl fmt::Display for Unproven {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Missing => "there was no head.mark beside the database, or none of it",
            Self::Copied => "head.mark was copied here or put back",
        })
    }
}

/// The mark of a folder.
#[derive(Debug)]
pub(super) struct Mark {
    folder: PathBuf,
    file: File,
    database: [u8; 16],
    head: Position,
    home: Home,
    unproven: Option<Unproven>,
    notes: u32,
}

/// The file.
pub(super) fn path(folder: &Path) -> PathBuf {
    folder.join(NAME)
}

/// How far the feed of a database had got, as far as is marked in a folder. Makes nothing.
pub(super) fn head_of(folder: &Path, database: [u8; 16]) -> Position {
    let file = File::open(path(folder)).ok();
    file.and_then(|file| read(&file, database)).map_or(Position::START, |(head, _)| head)
}

impl Mark {
    /// Opens the mark of a folder; makes it if it is missing.
    pub(super) fn open(folder: &Path, database: [u8; 16]) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).create(true).truncate(false).mode(0o600).open(path(folder))?;
        let (head, home, unproven) = match read(&file, database) {
            None => (Position::START, NOWHERE, Some(Unproven::Missing)),
            Some((head, NOWHERE)) => (head, NOWHERE, Some(Unproven::Missing)),
            Some((head, home)) if home == home_of(&file)? => (head, home, None),
            Some((head, home)) => (head, home, Some(Unproven::Copied)),
        };
        Ok(Self { folder: folder.to_owned(), file, database, head, home, unproven, notes: 0 })
    }

    /// How far the feed of this database had got, as far as is marked.
    pub(super) const fn head(&self) -> Position {
        self.head
    }

    /// Why it proves nothing, if it does not.
    pub(super) const fn unproven(&self) -> Option<Unproven> {
        self.unproven
    }

    /// The feed has got so far. What cannot be written here is no reason to refuse a change that is written there.
    pub(super) fn note(&mut self, head: Position) {
        if head <= self.head {
            return;
        }
        self.notes += 1;
        if self.unproven.is_none() && self.notes >= NOTES && self.renew(head).is_ok() {
            return;
        }
        // What proves nothing stays so until it was told.
        if self.file.write_all_at(&written(self.database, head, self.home), 0).is_ok() {
            self.head = head;
        }
    }

    /// Takes a new file, from which on copies of the one before are told from it. What it proved nothing about is settled.
    pub(super) fn renew(&mut self, head: Position) -> io::Result<()> {
        let new = self.folder.join(NEW);
        // Somebody stopped between making one and giving it its name.
        drop(fs::remove_file(&new));
        let file = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&new)?;
        let home = home_of(&file)?;
        file.write_all_at(&written(self.database, head, home), 0)?;
        // Without this a power cut leaves an empty file under the name, on some file systems.
        file.sync_all()?;
        fs::rename(&new, path(&self.folder))?;
        let (folder, database) = (std::mem::take(&mut self.folder), self.database);
        *self = Self { folder, file, database, head, home, unproven: None, notes: 0 };
        Ok(())
    }

    /// The server stops: what was copied while it ran is told from what it leaves.
    pub(super) fn leave(&mut self) {
        if self.unproven.is_none() {
            // Without a new file the one that is there is as good as after a crash.
            let _ = self.renew(self.head);
        }
    }
}

/// Names a file by its number and the time it was made: no copy has both, wherever it is put.
fn home_of(file: &File) -> io::Result<Home> {
    let about = file.metadata()?;
    // Not every file system tells when.
    let made = about.created().ok().and_then(|made| made.duration_since(UNIX_EPOCH).ok());
    let made = made.map_or(0, |made| made.as_nanos());
    let both = [&about.ino().to_be_bytes()[..], &made.to_be_bytes()].concat();
    let mut home = [0; 16];
    home.copy_from_slice(&digest(&SHA256, &both).as_ref()[..16]);
    Ok(home)
}

fn written(database: [u8; 16], head: Position, home: Home) -> [u8; SIZE] {
    let mut text = [0; SIZE];
    let (body, check) = text.split_at_mut(SIZE - CHECK);
    body[..16].copy_from_slice(MAGIC);
    body[16..32].copy_from_slice(&database);
    body[32..48].copy_from_slice(&placed(head));
    body[48..].copy_from_slice(&home);
    check.copy_from_slice(&digest(&SHA256, body).as_ref()[..CHECK]);
    text
}

/// The place that is marked for this database and the file it was written in; `None` if none is, or it cannot be read.
fn read(file: &File, database: [u8; 16]) -> Option<(Position, Home)> {
    let mut text = [0; SIZE];
    file.read_exact_at(&mut text, 0).ok()?;
    let (mut place, mut home) = ([0; 16], NOWHERE);
    place.copy_from_slice(&text[32..48]);
    home.copy_from_slice(&text[48..64]);
    let head = position(place);
    (text == written(database, head, home)).then_some((head, home))
}

#[cfg(test)]
mod tests {
    use super::*;

    const OURS: [u8; 16] = [1; 16];

    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("doorward-mark-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder");
        folder
    }

    fn place(seq: u64) -> Position {
        Position { generation: 7, seq }
    }

    fn open(folder: &Path) -> Mark {
        Mark::open(folder, OURS).expect("a mark")
    }

    #[test]
    fn a_mark_only_moves_on_and_is_of_one_database() {
        let folder = folder("moves");
        let mut mark = open(&folder);
        assert_eq!((mark.head(), mark.unproven()), (Position::START, Some(Unproven::Missing)));
        mark.renew(place(1)).expect("a new file");
        assert_eq!((mark.head(), mark.unproven()), (place(1), None));
        mark.note(place(5));
        mark.note(place(4));
        assert_eq!((open(&folder).head(), open(&folder).unproven()), (place(5), None));
        let other = Mark::open(&folder, [2; 16]).expect("a mark");
        assert_eq!((other.head(), other.unproven()), (Position::START, Some(Unproven::Missing)), "another database");
        assert_eq!((head_of(&folder, OURS), head_of(&folder, [2; 16])), (place(5), Position::START));
        let whole = fs::read(path(&folder)).expect("the file");
        for byte in 0..whole.len() {
            let mut broken = whole.clone();
            broken[byte] ^= 1;
            fs::write(path(&folder), &broken).expect("the file");
            let broken = open(&folder);
            assert_eq!((broken.head(), broken.unproven()), (Position::START, Some(Unproven::Missing)), "byte {byte}");
        }
        fs::write(path(&folder), &whole[..whole.len() - 1]).expect("the file");
        assert_eq!(open(&folder).head(), Position::START);
        fs::remove_dir_all(&folder).expect("it is ours");
    }

    #[test]
    fn a_copy_is_told_from_its_original_until_that_is_settled() {
        let folder = folder("copied");
        open(&folder).renew(place(1)).expect("a new file");
        let copy = fs::read(path(&folder)).expect("the file");
        fs::remove_file(path(&folder)).expect("the file");
        fs::write(path(&folder), &copy).expect("the file");
        let mut mark = open(&folder);
        assert_eq!((mark.head(), mark.unproven()), (place(1), Some(Unproven::Copied)));
        for seq in 2..200 {
            mark.note(place(seq));
        }
        mark.leave();
        let mut mark = open(&folder);
        assert_eq!((mark.head(), mark.unproven()), (place(199), Some(Unproven::Copied)), "whoever writes in it");
        mark.renew(place(200)).expect("a new file");
        assert_eq!((open(&folder).head(), open(&folder).unproven()), (place(200), None));
        fs::remove_dir_all(&folder).expect("it is ours");
    }

    /// Who copies over a file keeps the file: its number, and the time it was made.
    #[test]
    fn a_copy_that_comes_back_over_the_mark_is_told_after_a_stop_a_start_and_some_notes() {
        let folder = folder("over");
        let moves: [fn(&mut Mark); 3] = [
            Mark::leave,
            |mark| mark.renew(place(300)).expect("a new file"),
            |mark| (2..2 + u64::from(NOTES)).for_each(|seq| mark.note(place(seq))),
        ];
        for (number, moves) in moves.into_iter().enumerate() {
            let mut mark = open(&folder);
            mark.renew(place(1)).expect("a new file");
            let copy = fs::read(path(&folder)).expect("the file");
            moves(&mut mark);
            assert_eq!(open(&folder).unproven(), None);
            fs::write(path(&folder), &copy).expect("the file");
            assert_eq!(open(&folder).unproven(), Some(Unproven::Copied), "{number}");
        }
        fs::remove_dir_all(&folder).expect("it is ours");
    }
}
