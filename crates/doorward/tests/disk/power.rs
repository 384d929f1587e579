//! What is on the disk after the power failed.
//!
//! What was written and synced is there. What was written and not synced may be there, or not, or in pieces. What a failed
//! sync concerned is lost to every later one: the kernel has marked it as written, and only writing it again helps.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::Chance;

/// What becomes of what was not synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    /// The process is killed, and the machine goes on: everything written is there.
    Kill,
    /// The power fails before any of it reached the disk.
    Power,
    /// The power fails in the middle of it: some sectors are new.
    PowerInTheMiddle,
}

impl Cut {
    pub(crate) const ALL: [Self; 3] = [Self::Kill, Self::Power, Self::PowerInTheMiddle];
}

/// Files whose bytes matter. What stands beside them is written once, when the folder is made.
const MODELLED: [&str; 3] = ["doorward.db", "doorward.db-wal", "head.mark"];
const SECTOR: usize = 512;

/// Puts into `folder` what the disk holds: `before` is the folder as it was when the log began.
pub(crate) fn fail(cut: Cut, before: &Path, folder: &Path, log: &[u8], chance: &mut Chance) {
    if cut == Cut::Kill {
        return;
    }
    let read = |name: &&str| fs::read(before.join(name)).ok().map(|bytes| ((*name).to_owned(), bytes));
    let mut disk: BTreeMap<String, Vec<u8>> = MODELLED.iter().filter_map(read).collect();
    let mut waiting: BTreeMap<String, Vec<Write>> = BTreeMap::new();
    for record in Records(log) {
        let name = record.name.to_owned();
        match record.what {
            b'w' => waiting.entry(name).or_default().push(Write { place: record.place, bytes: record.bytes }),
            b's' => {
                let done = waiting.remove(&name).unwrap_or_default();
                let file = disk.entry(name).or_default();
                done.iter().for_each(|write| write.apply(file));
            }
            b'f' => drop(waiting.remove(&name)),
            b'x' => {}
            b't' => disk.entry(name).or_default().resize(record.place, 0),
            b'u' => {
                disk.remove(&name);
                waiting.remove(&name);
            }
            other => panic!("a record of the kind {other}"),
        }
    }
    if cut == Cut::PowerInTheMiddle {
        for (name, writes) in waiting {
            let file = disk.entry(name).or_default();
            writes.iter().flat_map(Write::sectors).filter(|_| chance.below(2) == 0).for_each(|part| part.apply(file));
        }
    }
    drop(fs::remove_file(folder.join("doorward.db-shm")));
    for name in MODELLED {
        match disk.get(name) {
            Some(bytes) => fs::write(folder.join(name), bytes).expect("a disk"),
            None => drop(fs::remove_file(folder.join(name))),
        }
    }
}

/// Was something committed after the last call that failed?
pub(crate) fn has_committed_since(log: &[u8]) -> bool {
    let mut committed = false;
    for record in Records(log) {
        match record.what {
            b'x' | b'f' => committed = false,
            b's' if record.name == "doorward.db-wal" => committed = true,
            _ => {}
        }
    }
    committed
}

#[derive(Clone, Copy)]
struct Write<'a> {
    place: usize,
    bytes: &'a [u8],
}

impl<'a> Write<'a> {
    fn apply(&self, file: &mut Vec<u8>) {
        let end = self.place + self.bytes.len();
        if file.len() < end {
            file.resize(end, 0);
        }
        file[self.place..end].copy_from_slice(self.bytes);
    }

    /// The pieces of it that reach the disk one by one.
    fn sectors(&self) -> impl Iterator<Item = Write<'a>> + use<'a> {
        let (place, bytes) = (self.place, self.bytes);
        let mut from = 0;
        std::iter::from_fn(move || {
            if from == bytes.len() {
                return None;
            }
            let start = place + from;
            let end = (start / SECTOR + 1) * SECTOR;
            let piece = &bytes[from..bytes.len().min(end - place)];
            from += piece.len();
            Some(Write { place: start, bytes: piece })
        })
    }
}

struct Records<'a>(&'a [u8]);

struct Record<'a> {
    what: u8,
    name: &'a str,
    place: usize,
    bytes: &'a [u8],
}

impl<'a> Iterator for Records<'a> {
    type Item = Record<'a>;

    fn next(&mut self) -> Option<Record<'a>> {
        let (head, rest) = self.0.split_at_checked(18)?;
        let number = |at: usize| u64::from_ne_bytes(head[at..at + 8].try_into().expect("eight bytes")) as usize;
        let (name, rest) = rest.split_at(usize::from(head[1]));
        let (bytes, rest) = rest.split_at(number(10));
        self.0 = rest;
        Some(Record { what: head[0], name: std::str::from_utf8(name).expect("a name"), place: number(2), bytes })
    }
}

#[test]
fn what_was_synced_is_on_the_disk_and_what_a_failed_sync_concerned_is_not() {
    let (before, after) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    fs::write(before.path().join("doorward.db"), b"aaaaaa").expect("a file");
    let mut log = Vec::new();
    let mut note = |what: u8, place: u64, bytes: &[u8]| {
        log.extend([what, 11]);
        log.extend(place.to_ne_bytes());
        log.extend((bytes.len() as u64).to_ne_bytes());
        log.extend(b"doorward.db");
        log.extend(bytes);
    };
    note(b'w', 0, b"b");
    note(b's', 0, b"");
    note(b'w', 1, b"c");
    note(b'f', 0, b"");
    note(b'w', 2, b"d");
    note(b's', 0, b"");
    note(b'x', 3, b"");
    note(b'w', 3, b"e");
    fail(Cut::Power, before.path(), after.path(), &log, &mut Chance(1));
    assert_eq!(fs::read(after.path().join("doorward.db")).expect("a file"), b"badaaa");
    let pieces: Vec<usize> =
        Write { place: 500, bytes: &[0; 600] }.sectors().map(|piece| piece.bytes.len()).collect();
    assert_eq!(pieces, [12, 512, 76]);
}
