//! The built program as a person would run it, and as much of an HTTP client as that takes.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Resource, Rlimit, Signal, getrlimit, kill_process, setrlimit};
use serde_json::Value;

/// Generous, for busy machines.
const PATIENCE: Duration = Duration::from_secs(30);

/// The program, without any configuration that the tests' own environment may hold.
pub(crate) fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_doorward"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("DOORWARD_") {
            command.env_remove(name);
        }
    }
    command
}

/// What a run of the program left behind.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    /// Its output as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    #[track_caller]
    pub(crate) fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self:?}");
        self
    }

    #[track_caller]
    pub(crate) fn told(self, part: &str) -> Self {
        assert!(self.stderr.contains(part), "{part:?} is not in {self:?}");
        self
    }
}

/// Runs a command to its end, with a text on its stdin.
pub(crate) fn run(mut command: Command, stdin: &str) -> Ran {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the program starts");
    // It may end without reading.
    let _ = child.stdin.take().expect("a pipe").write_all(stdin.as_bytes());
    let output = child.wait_with_output().expect("the program ends");
    Ran {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).expect("text"),
        stderr: String::from_utf8(output.stderr).expect("text"),
    }
}

/// Runs `doorward` with words, in an environment of its own.
pub(crate) fn doorward(words: &[&str]) -> Ran {
    let mut command = program();
    command.args(words);
    run(command, "")
}

/// Allows this process, and those that it starts, so many open files.
pub(crate) fn allow_files(many: u64) {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current.is_some_and(|current| current < many) {
        setrlimit(Resource::Nofile, Rlimit { current: Some(many), maximum }).expect("enough open files");
    }
}

/// A server in a process of its own.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: String,
    /// Does it speak https?
    pub(crate) is_secure: bool,
    lines: Receiver<String>,
    log: PathBuf,
}

impl Server {
    /// `doorward dev` on a free port.
    pub(crate) fn dev(data: &Path, more: &[&str]) -> Self {
        let mut command = program();
        command.args(["dev", "--listen", ":0", "--data"]).arg(data).args(more);
        Self::start(command, data)
    }

    /// Starts a command that serves, and waits until it is ready.
    pub(crate) fn start(mut command: Command, beside: &Path) -> Self {
        let log = beside.with_extension("log");
        let stderr = File::options().append(true).create(true).open(&log).expect("a log file");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(stderr);
        let mut child = command.spawn().expect("the program starts");
        let stdout = child.stdout.take().expect("a pipe");
        let (sender, lines) = channel();
        thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                drop(sender.send(line));
            }
        });
        let mut server = Self { child, address: String::new(), is_secure: false, lines, log };
        let first = server.lines.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("no line; {}", server.log()));
        let ready = first.strip_prefix("ready ").and_then(|rest| rest.split_once("://"));
        let (scheme, address) = ready.unwrap_or_else(|| panic!("the first line is {first:?}"));
        server.is_secure = scheme == "https";
        address.clone_into(&mut server.address);
        server
    }

    /// Everything it said on stdout behind the first line, until a line that begins like this.
    pub(crate) fn said_until(&self, end: &str) -> String {
        let mut text = String::new();
        loop {
            let line = self.lines.recv_timeout(PATIENCE).expect("another line");
            text += &line;
            text.push('\n');
            if line.starts_with(end) {
                return text;
            }
        }
    }

    /// Everything it logged.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    pub(crate) fn process(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn issuer(&self) -> String {
        format!("http://localhost:{}", self.address.rsplit(':').next().expect("a port"))
    }

    /// Asks it to stop and waits.
    pub(crate) fn stop(mut self, how: Signal) -> ExitStatus {
        let process = Pid::from_child(&self.child);
        kill_process(process, how).expect("it runs");
        self.child.wait().expect("it ends")
    }

    pub(crate) fn call(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        call(&self.address, method, path, headers, body)
    }

    /// Signs in with the credential in the body.
    pub(crate) fn sign_in(&self, email: &str, password: &str, client: &str) -> Answer {
        let body = serde_json::json!({
            "email": email, "password": password, "client_id": client, "transport": "body",
        });
        self.call("POST", "/v1/sessions", &[], &body.to_string())
    }

    /// Asks who a bearer is.
    pub(crate) fn who(&self, bearer: &str) -> Answer {
        self.call("GET", "/v1/session", &[("authorization", &format!("Bearer {bearer}"))], "")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// An answer over HTTP.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// A member that is a text.
    #[track_caller]
    pub(crate) fn word(&self, name: &str) -> String {
        self.json()[name].as_str().unwrap_or_else(|| panic!("no {name} in {self:?}")).to_owned()
    }
}

/// One request on a connection of its own.
pub(crate) fn call(address: &str, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let mut stream = TcpStream::connect(address).expect("a connection");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    let more: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let head = format!("{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n{more}");
    let kind = if body.is_empty() { "" } else { "content-type: application/json\r\n" };
    write!(stream, "{head}{kind}content-length: {}\r\n\r\n{body}", body.len()).expect("a request");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    let (head, text) = answer.split_once("\r\n\r\n").expect("a head");
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    Answer { status, text: text.to_owned() }
}
