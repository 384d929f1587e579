//! What Doorward takes: of the disk, of memory, of time to start, and of every request's bytes.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rusqlite::{Connection, OpenFlags};

use super::tell;
use crate::child::Started;
use crate::options::Options;
use crate::report::{Row, Verdict};
use crate::seed::{DATABASE, PASSWORD};
use crate::servers::{MASTER_TEXT, Ready};
use crate::{Trouble, process};

/// Sessions in the databases that are weighed.
const WEIGHED: u64 = 100_000;
/// Bytes on the disk of a session that has just begun, its indexes included.
const ON_DISK: f64 = 300.0;
/// The same of a hybrid one.
const HYBRID_ON_DISK: f64 = 450.0;
/// Seconds to start with everything in place, and in an empty folder.
const START: [f64; 2] = [0.2, 1.0];
/// MiB of memory while nobody asks, without what the password hashes take.
const IDLE: f64 = 40.0;
/// Bytes of the program.
const PROGRAM: f64 = 30.0 * 1048576.0;
/// Bytes of an access token with ES256 and with RS256, of a refresh token, and of a session cookie's value.
const TEXTS: [f64; 4] = [720.0, 1150.0, 96.0, 56.0];

/// Measures.
pub(super) fn measure(options: &Options, folder: &Path) -> Result<Row, Trouble> {
    let count = if options.quick { WEIGHED / 10 } else { WEIGHED };
    let mut row = Row {
        title: String::from("What it takes"),
        notes: vec![format!("on the disk: the pages of the sessions and of all their indexes, {count} of each kind")],
        ..Row::default()
    };
    for (name, more, goal) in [
        ("a session on the disk, bytes", &[][..], Some(ON_DISK)),
        ("a hybrid session on the disk, bytes", &["--hybrid", "--fresh"], Some(HYBRID_ON_DISK)),
        ("a hybrid session on the disk after 16 turns, bytes", &["--hybrid"], None),
    ] {
        tell(&format!("size: {name}"));
        let (each, whole) = weigh(&folder.join(format!("size{}", row.notes.len())), count, more)?;
        match goal {
            Some(goal) => row.verdicts.push(Verdict::at_most(name, each, goal)),
            None => row.notes.push(format!("{name}: {each:.0}")),
        }
        row.notes.push(format!("{name}, with its event in the audit log and a quarter of a user: {whole:.0}"));
    }
    let program = std::env::current_exe()?.with_file_name("doorward");
    if program.exists() {
        of_the_program(options, folder, &program, &mut row)?;
    } else {
        row.notes.push(String::from("the program itself was not built: no times to start, no sizes of texts"));
    }
    Ok(row)
}

/// Bytes a session, and those of the whole file.
fn weigh(folder: &Path, count: u64, more: &[&str]) -> Result<(f64, f64), Trouble> {
    fs::create_dir(folder)?;
    let sessions = count.to_string();
    let mut args = vec!["serve-doorward", text(folder)?, "--only-fill", "--sessions", &sessions];
    args.extend(more);
    let mut filler = Started::start(&args)?;
    let _: Ready = filler.hear()?;
    filler.end()?;
    let file = Connection::open_with_flags(folder.join(DATABASE), OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    file.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
    let of = |which: &str| {
        let sum = format!("SELECT sum(pgsize) FROM dbstat WHERE {which}");
        file.query_row(&sum, [], |row| row.get::<_, i64>(0)).map(|bytes| bytes as f64 / count as f64)
    };
    Ok((of("name IN (SELECT name FROM sqlite_schema WHERE tbl_name = 'sessions')")?, of("true")?))
}

/// What can be asked of the program alone.
fn of_the_program(options: &Options, folder: &Path, program: &Path, row: &mut Row) -> Result<(), Trouble> {
    tell("size: the program, in an empty folder and among all sessions");
    row.verdicts.push(Verdict::at_most("the program, bytes", fs::metadata(program)?.len() as f64, PROGRAM));
    let empty = folder.join("empty");
    let mut words = vec!["dev", "--listen", ":0", "--data", text(&empty)?];
    let running = Running::start(program, &words)?;
    row.verdicts.push(Verdict::at_most("start in an empty folder, s", running.seconds, START[1]));
    let [es256, refresh, cookie] = running.texts()?;
    // All but the signature is the same: 64 bytes become 384, which base64url writes in 86 and in 512.
    let rs256 = es256 - 86.0 + 512.0;
    let named =
        ["access token with ES256, bytes", "the same with RS256 of 3072 bits", "refresh token", "cookie's value"];
    for ((name, measured), goal) in named.into_iter().zip([es256, rs256, refresh, cookie]).zip(TEXTS) {
        row.verdicts.push(Verdict::at_most(name, measured, goal));
    }
    drop(running);
    let full = filled(options, folder)?;
    words = vec!["serve", "--listen", "127.0.0.1:0", "--issuer", "http://localhost:8080", "--data", text(&full)?];
    // The first start reads what the last one left; the second finds everything in place.
    drop(Running::start(program, &words)?);
    let running = Running::start(program, &words)?;
    let start = format!("start with {} sessions, s", options.sessions());
    row.verdicts.push(Verdict::at_most(&start, running.seconds, START[0]));
    let idle = process::resident(running.child.id())? as f64 / 1048576.0;
    row.verdicts.push(Verdict::at_most("memory while nobody asks, MiB", idle, IDLE));
    row.notes.push(String::from(
        "to start: from the program's call to its word that it is ready, checks and keys included",
    ));
    Ok(())
}

/// The database of the session check, or another one like it.
fn filled(options: &Options, folder: &Path) -> Result<PathBuf, Trouble> {
    let full = folder.join("check");
    if !full.join(DATABASE).exists() {
        fs::create_dir_all(&full)?;
        let sessions = options.sessions().to_string();
        let mut filler = Started::start(&["serve-doorward", text(&full)?, "--only-fill", "--sessions", &sessions])?;
        let _: Ready = filler.hear()?;
        filler.end()?;
    }
    Ok(full)
}

fn text(path: &Path) -> Result<&str, Trouble> {
    Ok(path.to_str().ok_or("a strange folder")?)
}

/// The program, ready.
struct Running {
    child: Child,
    address: String,
    /// From its call until it was ready.
    seconds: f64,
}

impl Running {
    fn start(program: &Path, words: &[&str]) -> Result<Self, Trouble> {
        let since = Instant::now();
        let mut command = Command::new(program);
        command.args(words).env("DOORWARD_MASTER_KEY", MASTER_TEXT).env("DOORWARD_MANAGEMENT_LISTEN", "127.0.0.1:0");
        if words.contains(&"dev") {
            command.env_remove("DOORWARD_MASTER_KEY");
        }
        let mut child = command.stdin(Stdio::null()).stderr(Stdio::null()).stdout(Stdio::piped()).spawn()?;
        let mut first = String::new();
        let mut output = BufReader::new(child.stdout.take().ok_or("no output")?);
        output.read_line(&mut first)?;
        let seconds = since.elapsed().as_secs_f64();
        let address = first.trim().strip_prefix("ready http://").map(str::to_owned);
        // Whatever else it says is read, so that it never waits for a reader.
        std::thread::spawn(move || drop(std::io::copy(&mut output, &mut std::io::sink())));
        let Some(address) = address else {
            drop(child.kill());
            return Err(format!("doorward {} did not start: {first:?}", words.join(" ")).into());
        };
        Ok(Self { child, address, seconds })
    }

    /// Lengths of an access token, a refresh token and a session secret.
    fn texts(&self) -> Result<[f64; 3], Trouble> {
        let hybrid = self.sign_in("demo-hybrid")?;
        let session = self.sign_in("demo-session")?;
        let length = |answer: &serde_json::Value, name: &str| answer[name].as_str().map(|text| text.len() as f64);
        let all =
            [length(&hybrid, "access_token"), length(&hybrid, "refresh_token"), length(&session, "session_token")];
        let [Some(access), Some(refresh), Some(secret)] = all else { return Err("a sign-in without tokens".into()) };
        Ok([access, refresh, secret])
    }

    fn sign_in(&self, client: &str) -> Result<serde_json::Value, Trouble> {
        let body = serde_json::json!({
            "email": "ada@example.test", "password": PASSWORD, "client_id": client, "transport": "body",
        });
        let body = body.to_string();
        let mut stream = TcpStream::connect(&self.address)?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        write!(
            stream,
            "POST /v1/sessions HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: \
             application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        )?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let (_, body) = answer.split_once("\r\n\r\n").ok_or("no answer")?;
        Ok(serde_json::from_str(body)?)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // As a service manager does it, so that the next start finds a file that was closed.
        if let Some(id) = rustix::process::Pid::from_raw(self.child.id() as i32) {
            let _ = rustix::process::kill_process(id, rustix::process::Signal::TERM);
        }
        drop(self.child.wait());
    }
}
