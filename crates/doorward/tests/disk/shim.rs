//! The disk that fails when it is told to: `shim.c`, built with the C compiler that building Doorward takes anyway, put
//! between the real program and its data folder.

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The words of the control file, in the order of `shim.c`.
#[derive(Clone, Copy)]
enum Word {
    Armed,
    Calls,
    Files,
    First,
    Count,
    Error,
    Half,
    Seen,
    Made,
}

const WORDS: usize = 9;
const WRITES: u64 = 1;
const SYNCS: u64 = 2;
const TRUNCATIONS: u64 = 4;
const EIO: u64 = 5;
const ENOSPC: u64 = 28;

/// Which files of the folder are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Files {
    All,
    /// The database itself: written to by nothing but a checkpoint.
    Database,
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// One write fails with an I/O error.
    WriteError,
    /// That one and every later one.
    WriteErrors,
    /// The disk is full from that write on.
    Full,
    /// One write is cut in half and says so; the rest of it may be written.
    Short,
    /// One write is cut in half, and then the disk is full.
    Torn,
    /// One sync fails.
    SyncError,
    /// That one and every later one.
    SyncErrors,
}

impl Fault {
    pub(crate) const ALL: [Self; 7] =
        [Self::WriteError, Self::WriteErrors, Self::Full, Self::Short, Self::Torn, Self::SyncError, Self::SyncErrors];

    /// Is it over by itself?
    pub(crate) fn passes(self) -> bool {
        matches!(self, Self::WriteError | Self::Short | Self::SyncError)
    }

    /// Of what kind are the calls that it meets?
    pub(crate) fn is_of_syncs(self) -> bool {
        matches!(self, Self::SyncError | Self::SyncErrors)
    }

    fn calls(self) -> u64 {
        match self {
            Self::SyncError | Self::SyncErrors => SYNCS,
            Self::Short | Self::Torn => WRITES,
            Self::WriteError | Self::WriteErrors | Self::Full => WRITES | TRUNCATIONS,
        }
    }
}

/// The disk under one data folder.
pub(crate) struct Disk {
    pub(crate) folder: PathBuf,
    control: File,
    path: PathBuf,
    log: PathBuf,
}

impl Disk {
    /// `place` holds the data folder `data`, and gets the control file and the log.
    pub(crate) fn under(place: &Path) -> Self {
        let place = place.canonicalize().expect("a place");
        let (path, log) = (place.join("control"), place.join("log"));
        fs::write(&path, [0; WORDS * 8]).expect("a control file");
        drop(fs::remove_file(&log));
        let control = OpenOptions::new().read(true).write(true).open(&path).expect("a control file");
        Self { folder: place.join("data"), control, path, log }
    }

    /// Puts the shim between a command and this disk.
    pub(crate) fn put_under(&self, command: &mut Command) {
        command.env("LD_PRELOAD", library()).env("DISK_FOLDER", &self.folder);
        command.env("DISK_CONTROL", &self.path).env("DISK_LOG", &self.log);
    }

    /// From now on calls are counted, and the `first` one meets the fault; 0 for none.
    pub(crate) fn arm(&self, fault: Fault, files: Files, first: u64) {
        let count = if fault.passes() { 1 } else { u64::MAX };
        let error = if matches!(fault, Fault::Full | Fault::Torn) { ENOSPC } else { EIO };
        self.set(Word::Calls, fault.calls());
        self.set(Word::Files, if files == Files::All { 15 } else { 1 });
        self.set(Word::First, first);
        self.set(Word::Count, if first == 0 { 0 } else { count });
        self.set(Word::Error, error);
        self.set(Word::Half, u64::from(matches!(fault, Fault::Short | Fault::Torn)));
        self.set(Word::Seen, 0);
        self.set(Word::Made, 0);
        self.set(Word::Armed, 1);
    }

    /// The disk is well again.
    pub(crate) fn heal(&self) {
        self.set(Word::Armed, 0);
    }

    /// How many calls were counted.
    pub(crate) fn seen(&self) -> u64 {
        self.word(Word::Seen)
    }

    /// How many of them failed.
    pub(crate) fn made(&self) -> u64 {
        self.word(Word::Made)
    }

    /// Everything that was written and synced.
    pub(crate) fn log(&self) -> Vec<u8> {
        fs::read(&self.log).expect("a log")
    }

    fn set(&self, word: Word, value: u64) {
        self.control.write_all_at(&value.to_ne_bytes(), 8 * word as u64).expect("a control file");
    }

    fn word(&self, word: Word) -> u64 {
        let mut bytes = [0; 8];
        self.control.read_exact_at(&mut bytes, 8 * word as u64).expect("a control file");
        u64::from_ne_bytes(bytes)
    }
}

/// The shim, built once.
#[expect(clippy::disallowed_methods, reason = "the C compiler may have a name of its own")]
fn library() -> &'static Path {
    static LIBRARY: OnceLock<PathBuf> = OnceLock::new();
    LIBRARY.get_or_init(|| {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/disk/shim.c");
        let library = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("disk-{}.so", std::process::id()));
        let compiler = std::env::var_os("CC").unwrap_or_else(|| "cc".into());
        let mut build = Command::new(compiler);
        build.args(["-O1", "-Wall", "-shared", "-fPIC", "-pthread", "-o"]).arg(&library).arg(&source);
        let status = build.status().expect("a C compiler, as for the build itself");
        assert!(status.success(), "the shim does not compile");
        library
    })
}
