//! A real Redis (or Valkey) beside us, and just enough of its protocol to ask whether a session is on a list of revoked ones.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::Trouble;
use crate::options::Options;

/// What it is called.
const NAMES: [&str; 2] = ["redis-server", "valkey-server"];
/// It listens within this time, or never.
const PATIENCE: Duration = Duration::from_secs(10);

/// A server of its own, on loopback.
#[derive(Debug)]
pub(crate) struct Redis {
    process: Child,
    pub(crate) port: u16,
    /// How it calls itself.
    pub(crate) version: String,
}

impl Redis {
    /// Starts one in a folder that writes each change to the disk before it answers; `None` if there is none on this
    /// machine.
    pub(crate) fn start(options: &Options, folder: &Path) -> Result<Option<Self>, Trouble> {
        Self::start_with(options, folder, &["--appendonly", "yes", "--appendfsync", "always"])
    }

    /// Starts one that keeps everything in memory and nothing on the disk, as its cheapest.
    pub(crate) fn start_forgetful(options: &Options, folder: &Path) -> Result<Option<Self>, Trouble> {
        Self::start_with(options, folder, &["--appendonly", "no"])
    }

    fn start_with(options: &Options, folder: &Path, writes: &[&str]) -> Result<Option<Self>, Trouble> {
        let Some((program, version)) = found(options) else { return Ok(None) };
        // Free a moment ago; somebody else may have it by then, and that ends the measurement with a sentence.
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let process = Command::new(program)
            .args(["--bind", "127.0.0.1", "--port", &port.to_string(), "--save", ""])
            .args(writes)
            .arg("--dir")
            .arg(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()?;
        let redis = Self { process, port, version };
        let until = Instant::now() + PATIENCE;
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            if Instant::now() > until {
                return Err("Redis does not listen".into());
            }
            thread::sleep(Duration::from_millis(20));
        }
        Ok(Some(redis))
    }

    /// Its process.
    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        // It is ours alone, and has nothing that anybody wants.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

fn found(options: &Options) -> Option<(PathBuf, String)> {
    let named = NAMES.into_iter().map(PathBuf::from);
    let mut programs = options.redis.iter().cloned().chain(named);
    programs.find_map(|program| {
        let said = Command::new(&program).arg("--version").output().ok().filter(|said| said.status.success())?;
        let text = String::from_utf8_lossy(&said.stdout).into_owned();
        let number = text.split_whitespace().find_map(|word| word.strip_prefix("v=")).unwrap_or("?");
        let name = if text.to_ascii_lowercase().contains("valkey") { "Valkey" } else { "Redis" };
        Some((program, format!("{name} {number}")))
    })
}

/// A connection on which many questions may be under way.
#[derive(Debug)]
pub(crate) struct Wire {
    stream: TcpStream,
    out: Vec<u8>,
    input: Vec<u8>,
    filled: usize,
}

impl Wire {
    /// Connects.
    pub(crate) fn open(port: u16) -> Result<Self, Trouble> {
        let stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self { stream, out: Vec::new(), input: vec![0; 64 * 1024], filled: 0 })
    }

    /// Asks whether a session is on the list.
    pub(crate) fn get(&mut self, session: u64) {
        self.say(&["GET", &key(session)]);
    }

    /// Puts a session on the list, for an hour.
    pub(crate) fn set(&mut self, session: u64) {
        self.say(&["SET", &key(session), "1", "EX", "3600"]);
    }

    fn say(&mut self, words: &[&str]) {
        self.out.extend_from_slice(format!("*{}\r\n", words.len()).as_bytes());
        for word in words {
            self.out.extend_from_slice(format!("${}\r\n{word}\r\n", word.len()).as_bytes());
        }
    }

    /// Sends what was said.
    pub(crate) fn flush(&mut self) -> Result<(), Trouble> {
        self.stream.write_all(&self.out)?;
        self.out.clear();
        Ok(())
    }

    /// Waits for answers, one or more: is there such a key, was it set?
    pub(crate) fn receive(&mut self) -> Result<Vec<bool>, Trouble> {
        let mut answers = Vec::new();
        while answers.is_empty() {
            let read = self.stream.read(&mut self.input[self.filled..])?;
            if read == 0 {
                return Err("Redis closed the connection".into());
            }
            self.filled += read;
            let mut used = 0;
            while let Some((answer, size)) = answer(&self.input[used..self.filled])? {
                answers.push(answer);
                used += size;
            }
            self.input.copy_within(used..self.filled, 0);
            self.filled -= used;
        }
        Ok(answers)
    }
}

/// The name of a session on the list, as long as one of ours.
fn key(session: u64) -> String {
    format!("revoked:{session:026}")
}

/// The first answer, and how many bytes it has; `None` if it has not come whole.
fn answer(bytes: &[u8]) -> Result<Option<(bool, usize)>, Trouble> {
    let Some(end) = memchr::memmem::find(bytes, b"\r\n") else { return Ok(None) };
    let line = std::str::from_utf8(&bytes[..end])?;
    match line.split_at(1.min(line.len())) {
        ("$", "-1") => Ok(Some((false, end + 2))),
        ("$", size) => {
            let whole = end + 2 + size.parse::<usize>()? + 2;
            Ok((bytes.len() >= whole).then_some((true, whole)))
        }
        ("+", _) => Ok(Some((true, end + 2))),
        _ => Err(format!("Redis says {line}").into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_taken_one_by_one_and_only_whole() {
        let read = |text: &str| answer(text.as_bytes()).unwrap();
        assert_eq!(read("$-1\r\n$1\r\n1\r\n"), Some((false, 5)));
        assert_eq!(read("$1\r\n1\r\n"), Some((true, 7)));
        assert_eq!((read("$1\r\n1\r"), read("$-1\r"), read("")), (None, None, None));
        assert_eq!(read("+OK\r\n"), Some((true, 5)));
        assert!(answer(b"-ERR no\r\n").is_err());
    }
}
