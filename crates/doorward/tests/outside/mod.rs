//! The real binary from outside: started, called over TCP, killed.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;

/// Is this a long run?
#[expect(clippy::disallowed_methods, reason = "a test may be told to run longer")]
pub(crate) fn is_long() -> bool {
    std::env::var_os("DOORWARD_LONG").is_some()
}

/// A running `doorward dev`.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: String,
}

impl Server {
    /// Starts over a folder, on a port of the system's choice; the issuer stays the same.
    pub(crate) fn start(folder: &Path) -> Self {
        Self::run(Self::command(folder)).expect("`ready http://…` first")
    }

    /// The command that starts it.
    pub(crate) fn command(folder: &Path) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_doorward"));
        command.args(["dev", "--listen", "127.0.0.1:0", "--issuer", "http://localhost:8420", "--data"]).arg(folder);
        for name in ["DOORWARD_REQUIRE", "DOORWARD_SKIPS", "DOORWARD_LONG", "DOORWARD_BLESS"] {
            command.env_remove(name);
        }
        command.stderr(Stdio::inherit());
        command
    }

    /// Runs the command; gives its exit code if it ends before it is ready.
    pub(crate) fn run(mut command: Command) -> Result<Self, Option<i32>> {
        let mut child = command.stdout(Stdio::piped()).spawn().expect("the binary");
        let mut lines = BufReader::new(child.stdout.take().expect("its output")).lines();
        let Some(Ok(ready)) = lines.next() else {
            return Err(child.wait().expect("it ended").code());
        };
        let address = ready.strip_prefix("ready http://").expect("`ready http://…` first").to_owned();
        // The rest of the output is read, so that the server never waits for us.
        std::thread::spawn(move || lines.for_each(drop));
        Ok(Self { child, address })
    }

    /// `kill -9`.
    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("killed");
        self.child.wait().expect("gone");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) body: Value,
}

/// One connection, kept alive. Every call gives `None` once it is broken.
pub(crate) struct Line {
    stream: BufReader<Box<dyn Stream>>,
}

trait Stream: Read + Write + Send {}

impl<S: Read + Write + Send> Stream for S {}

/// How long an answer may take, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

impl Line {
    pub(crate) fn open(address: &str) -> Option<Self> {
        let stream = TcpStream::connect(address).ok()?;
        stream.set_nodelay(true).ok()?;
        stream.set_read_timeout(Some(PATIENCE)).ok()?;
        Some(Self { stream: BufReader::new(Box::new(stream)) })
    }

    /// The same through the socket in a data folder, as an operator.
    pub(crate) fn desk(folder: &Path) -> Option<Self> {
        let stream = UnixStream::connect(folder.join("doorward.sock")).ok()?;
        stream.set_read_timeout(Some(PATIENCE)).ok()?;
        Some(Self { stream: BufReader::new(Box::new(stream)) })
    }

    pub(crate) fn call(
        &mut self,
        method: &str,
        path: &str,
        bearer: Option<&str>,
        body: Option<&Value>,
    ) -> Option<Reply> {
        let body = body.map(Value::to_string).unwrap_or_default();
        let bearer = bearer.map(|token| format!("Authorization: Bearer {token}\r\n")).unwrap_or_default();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\n{bearer}Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        self.stream.get_mut().write_all(format!("{head}{body}").as_bytes()).ok()?;
        let mut line = String::new();
        self.stream.read_line(&mut line).ok()?;
        let status = line.split(' ').nth(1)?.parse().ok()?;
        let mut length = 0;
        loop {
            line.clear();
            if self.stream.read_line(&mut line).ok()? == 0 {
                return None;
            }
            let header = line.trim_end().to_ascii_lowercase();
            if header.is_empty() {
                break;
            }
            if let Some(value) = header.strip_prefix("content-length:") {
                length = value.trim().parse().ok()?;
            }
        }
        let mut bytes = vec![0; length];
        self.stream.read_exact(&mut bytes).ok()?;
        Some(Reply { status, body: serde_json::from_slice(&bytes).unwrap_or(Value::Null) })
    }
}
