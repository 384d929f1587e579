//! One process at a time: a lock on a file of the data folder.
//!
//! The kernel frees the lock with the process, however that ended, so nothing has to be cleaned up after a crash. The
//! process id inside is only for people and for the command line.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};
use rustix::process::{Pid, test_kill_process};

const NAME: &str = "doorward.lock";
/// Somebody who only asks who holds the lock holds it for an instant.
const ATTEMPTS: u32 = 20;
const PAUSE: Duration = Duration::from_millis(10);

/// The lock, held until this is dropped.
#[derive(Debug)]
pub(super) struct Lock {
    file: File,
}

/// Why the lock was not taken.
#[derive(Debug)]
pub(super) enum Refused {
    /// A living process holds it.
    Held(Option<u32>),
    /// The file system says no.
    Io(io::Error),
}

/// The file that is locked.
pub(super) fn path(folder: &Path) -> PathBuf {
    folder.join(NAME)
}

impl Lock {
    /// Takes the lock of a folder and writes this process into it.
    pub(super) fn take(folder: &Path) -> Result<Self, Refused> {
        let mut file = open(&path(folder), true).map_err(Refused::Io)?;
        let mut attempts = 1;
        while !locks(&file, FlockOperation::NonBlockingLockExclusive).map_err(Refused::Io)? {
            let holder = read_holder(&mut file);
            if attempts == ATTEMPTS || holder.is_some_and(is_alive) {
                return Err(Refused::Held(holder));
            }
            attempts += 1;
            thread::sleep(PAUSE);
        }
        write_holder(&mut file, &std::process::id().to_string()).map_err(Refused::Io)?;
        Ok(Self { file })
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // So that nobody reads the id of a process that is gone. The kernel frees the lock when the file is closed.
        let _ = self.file.set_len(0);
    }
}

/// The process that holds the lock of a folder, if one does.
pub(super) fn holder(folder: &Path) -> Option<u32> {
    let mut file = open(&path(folder), false).ok()?;
    if locks(&file, FlockOperation::NonBlockingLockShared).ok()? { None } else { read_holder(&mut file) }
}

fn open(path: &Path, create: bool) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(create).truncate(false).mode(0o600).open(path)
}

fn locks(file: &File, how: FlockOperation) -> io::Result<bool> {
    match flock(file, how) {
        Ok(()) => Ok(true),
        Err(rustix::io::Errno::WOULDBLOCK) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

fn read_holder(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    file.rewind().ok()?;
    file.take(16).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

fn write_holder(file: &mut File, text: &str) -> io::Result<()> {
    file.rewind()?;
    file.set_len(0)?;
    file.write_all(text.as_bytes())
}

/// A process that we may not signal is alive too.
fn is_alive(pid: u32) -> bool {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    pid.is_some_and(|pid| test_kill_process(pid) != Err(rustix::io::Errno::SRCH))
}
