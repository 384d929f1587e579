//! A mark beside the database: how far the feed had got, as of the last commit.
//!
//! Whoever puts an old copy of the database back brings sessions back to life that were ended since. The mark stays where it
//! is, is ahead of the copy, and tells. It is written after each commit that moved the feed, in place and without a sync: a
//! crash of the process loses nothing of it, one of the machine at worst its last step. If somebody puts an old mark back
//! beside the old copy, nothing tells.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{SHA256, digest};
use doorward_core::Position;

use super::cells::{placed, position};

const NAME: &str = "head.mark";
const MAGIC: &[u8; 16] = b"doorward head 1\n";
/// What it marks: the database's id, and the place.
const BODY: usize = 32;
/// A part of the digest over everything before it: half a mark is none.
const CHECK: usize = 16;
const SIZE: usize = MAGIC.len() + BODY + CHECK;

/// The mark of a folder.
#[derive(Debug)]
pub(super) struct Mark {
    file: File,
    database: [u8; 16],
    head: Position,
}

/// The file.
pub(super) fn path(folder: &Path) -> PathBuf {
    folder.join(NAME)
}

/// How far the feed of a database had got, as far as is marked in a folder. Makes nothing.
pub(super) fn head_of(folder: &Path, database: [u8; 16]) -> Position {
    let file = File::open(path(folder)).ok();
    file.and_then(|file| read(&file, database)).unwrap_or(Position::START)
}

impl Mark {
    /// Opens the mark of a folder; makes it if it is missing.
    pub(super) fn open(folder: &Path, database: [u8; 16]) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).create(true).truncate(false).mode(0o600).open(path(folder))?;
        let head = read(&file, database).unwrap_or(Position::START);
        Ok(Self { file, database, head })
    }

    /// How far the feed of this database had got, as far as is marked.
    pub(super) const fn head(&self) -> Position {
        self.head
    }

    /// The feed has got so far. What cannot be written here is no reason to refuse a change that is written there.
    pub(super) fn note(&mut self, head: Position) {
        if head > self.head && self.file.write_all_at(&written(self.database, head), 0).is_ok() {
            self.head = head;
        }
    }
}

fn written(database: [u8; 16], head: Position) -> [u8; SIZE] {
    let mut text = [0; SIZE];
    let (body, check) = text.split_at_mut(SIZE - CHECK);
    body[..16].copy_from_slice(MAGIC);
    body[16..32].copy_from_slice(&database);
    body[32..].copy_from_slice(&placed(head));
    check.copy_from_slice(&digest(&SHA256, body).as_ref()[..CHECK]);
    text
}

/// The place that is marked for this database; `None` if none is, or it cannot be read.
fn read(file: &File, database: [u8; 16]) -> Option<Position> {
    let mut text = [0; SIZE];
    file.read_exact_at(&mut text, 0).ok()?;
    let mut place = [0; 16];
    place.copy_from_slice(&text[32..48]);
    let head = position(place);
    (text == written(database, head)).then_some(head)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_only_moves_on_and_is_of_one_database() {
        let folder = std::env::temp_dir().join(format!("doorward-mark-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let place = |seq| Position { generation: 7, seq };
        let mut mark = Mark::open(&folder, [1; 16]).expect("a mark");
        assert_eq!(mark.head(), Position::START);
        mark.note(place(5));
        mark.note(place(4));
        assert_eq!(Mark::open(&folder, [1; 16]).expect("a mark").head(), place(5));
        assert_eq!(Mark::open(&folder, [2; 16]).expect("a mark").head(), Position::START, "another database");
        assert_eq!((head_of(&folder, [1; 16]), head_of(&folder, [2; 16])), (place(5), Position::START));
        let whole = std::fs::read(path(&folder)).expect("the file");
        for place in 0..whole.len() {
            let mut broken = whole.clone();
            broken[place] ^= 1;
            std::fs::write(path(&folder), &broken).expect("the file");
            assert_eq!(Mark::open(&folder, [1; 16]).expect("a mark").head(), Position::START, "byte {place}");
        }
        std::fs::write(path(&folder), &whole[..whole.len() - 1]).expect("the file");
        assert_eq!(Mark::open(&folder, [1; 16]).expect("a mark").head(), Position::START);
        std::fs::remove_dir_all(&folder).expect("it is ours");
    }
}
