//! `doorward import`: people from another system, read from a file and handed over batch by batch.

mod report;

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::hash::{BuildHasher, RandomState};
use std::io::{self, BufRead, BufReader, BufWriter, IsTerminal, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use doorward_core::user::Email;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use self::report::Report;
use crate::cli::args::{ImportUsersArgs, ImportVerb, Reaching, Source};
use crate::cli::ask::Office;
use crate::cli::out;
use crate::cli::stop::{Exit, Stop};
use crate::import::{Broken, Form, Line, Project, Row, Unfit, read};

/// As many rows at a time; they share a transaction.
const BATCH: usize = 100;
/// As many bytes of rows at a time: less than a batch may have.
const BATCH_BYTES: usize = 512 * 1024;
/// So many rows may be read ahead.
const AHEAD: usize = 256;

/// Runs the verb.
pub(in crate::cli) async fn run(reaching: &Reaching, verb: ImportVerb) -> Result<Exit, Stop> {
    let ImportVerb::Users(args) = verb;
    let form = form(&args)?;
    let mut reading = Reading::begin(&args.file, form)?;
    let office = Office::reach(reaching).await?;
    let map = match &args.map {
        Some(path) => Some(Map::create(path)?),
        None => None,
    };
    let progress = Progress { shown: io::stderr().is_terminal(), read: Arc::clone(&reading.read), of: reading.of };
    let mut hand = Hand {
        office,
        dry_run: args.dry_run,
        report: Report::of(args.dry_run),
        batch: Vec::new(),
        bytes: 0,
        seen: HashMap::new(),
        state: RandomState::new(),
        map,
        progress,
    };
    let went = hand.take(&mut reading).await;
    hand.progress.clear();
    let Hand { report, map, .. } = hand;
    went.map_err(|stop| stop.advise(report.so_far()))?;
    if let Some(map) = map {
        map.finish()?;
    }
    report.tell(reaching.format);
    Ok(if report.is_whole() { Exit::Well } else { Exit::Negative })
}

fn form(args: &ImportUsersArgs) -> Result<Form, Stop> {
    let by_name = || match args.file.extension().and_then(|extension| extension.to_str()) {
        Some("csv") => Source::Csv,
        _ => Source::Jsonl,
    };
    let source = args.from.unwrap_or_else(by_name);
    if source != Source::Firebase {
        if args.signer_key_file.is_some() {
            return Err(
                Stop::new(Exit::Usage, "only an export of Firebase has a signer key").advise("say --from firebase")
            );
        }
        return Ok(if source == Source::Csv { Form::Csv } else { Form::Lines });
    }
    let Some(path) = &args.signer_key_file else {
        return Err(Stop::new(Exit::Usage, "the passwords of a Firebase export need the project's signer key")
            .advise(
                "put base64_signer_key of the project's password hash parameters into a file: --signer-key-file",
            ));
    };
    let signer_key = fs::read_to_string(path).map_err(|error| unreadable(path, &error))?.trim().to_owned();
    let (rounds, mem_cost) = (args.rounds, args.mem_cost);
    Ok(Form::Firebase(Project { signer_key, salt_separator: args.salt_separator.clone(), rounds, mem_cost }))
}

fn unreadable(path: &Path, error: &io::Error) -> Stop {
    Stop::new(Exit::Configuration, format!("{} cannot be read: {error}", path.display()))
}

/// A file that is read in a thread of its own.
struct Reading {
    lines: mpsc::Receiver<Line>,
    thread: JoinHandle<Result<(), Broken>>,
    read: Arc<AtomicU64>,
    of: u64,
    name: String,
}

impl Reading {
    fn begin(path: &Path, form: Form) -> Result<Self, Stop> {
        let (file, of): (Box<dyn Read + Send>, u64) = if path == Path::new("-") {
            (Box::new(io::stdin()), 0)
        } else {
            let file = File::open(path).map_err(|error| unreadable(path, &error))?;
            let of = file.metadata().map_or(0, |about| about.len());
            (Box::new(file), of)
        };
        let read_so_far = Arc::new(AtomicU64::new(0));
        let counted = Counted { file, read: Arc::clone(&read_so_far) };
        let (sender, lines) = mpsc::channel(AHEAD);
        let mut file: Box<dyn BufRead + Send> = Box::new(BufReader::new(counted));
        let thread = tokio::task::spawn_blocking(move || {
            read(&mut file, &form, &mut |line| sender.blocking_send(line).is_ok())
        });
        Ok(Self { lines, thread, read: read_so_far, of, name: path.display().to_string() })
    }

    /// How the reading ended.
    async fn end(&mut self) -> Result<(), Stop> {
        let ended = (&mut self.thread).await;
        let broken = match ended {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(broken)) => broken,
            Err(error) => Broken::Io(io::Error::other(error)),
        };
        Err(Stop::new(Exit::Configuration, format!("{}: {broken}", self.name)))
    }
}

struct Counted {
    file: Box<dyn Read + Send>,
    read: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(buffer)?;
        self.read.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

/// What is carried from row to row.
struct Hand {
    office: Office,
    dry_run: bool,
    report: Report,
    batch: Vec<(u64, Row)>,
    bytes: usize,
    /// The line of every address, by a hash of it: some bytes a row, however many rows there are.
    seen: HashMap<u64, u64>,
    state: RandomState,
    map: Option<Map>,
    progress: Progress,
}

impl Hand {
    async fn take(&mut self, reading: &mut Reading) -> Result<(), Stop> {
        while let Some(Line { number, row }) = reading.lines.recv().await {
            match row.and_then(|row| self.once(number, row)) {
                Ok(row) => {
                    self.bytes += weight(&row);
                    self.batch.push((number, row));
                }
                Err(unfit) => self.report.refused(number, unfit.reason, unfit.detail),
            }
            if self.batch.len() >= BATCH || self.bytes >= BATCH_BYTES {
                self.hand_over(false).await?;
            }
        }
        let read = reading.end().await;
        // What was read before a file broke off is good.
        self.hand_over(true).await?;
        read
    }

    /// An address that was there before is told with both lines.
    fn once(&mut self, number: u64, row: Row) -> Result<Row, Unfit> {
        if let Some(email) = row.email.as_deref().and_then(Email::parse) {
            let before = self.seen.entry(self.state.hash_one(email.key())).or_insert(number);
            if *before != number {
                return Err(Unfit { reason: "duplicate", detail: Some(format!("as in line {before}")) });
            }
        }
        Ok(row)
    }

    async fn hand_over(&mut self, last: bool) -> Result<(), Stop> {
        let rows: Vec<&Row> = self.batch.iter().map(|(_, row)| row).collect();
        let body = json!({ "dry_run": self.dry_run, "last": last, "rows": rows });
        let answer = self.office.ask("POST", "/admin/v1/users/import", Some(&body)).await?;
        let told = answer["rows"].as_array().cloned().unwrap_or_default();
        for ((number, row), told) in self.batch.drain(..).zip(&told) {
            self.report.add(number, told);
            if let Some(map) = &mut self.map {
                map.note(&row, told)?;
            }
        }
        self.bytes = 0;
        self.progress.show(&self.report);
        Ok(())
    }
}

fn weight(row: &Row) -> usize {
    let texts = [&row.email, &row.name, &row.password_hash, &row.password_salt, &row.created_at, &row.external_id];
    // Escapes may make a text longer, at most six times.
    texts.into_iter().flatten().map(|text| 6 * text.len()).sum::<usize>() + 200
}

/// The ids there were and the ids there are.
struct Map {
    file: BufWriter<File>,
    name: String,
}

impl Map {
    fn create(path: &Path) -> Result<Self, Stop> {
        let name = path.display().to_string();
        let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path);
        let file =
            file.map_err(|error| Stop::new(Exit::Configuration, format!("{name} cannot be written: {error}")))?;
        let mut map = Self { file: BufWriter::new(file), name };
        map.write("external_id,email,user_id\n")?;
        Ok(map)
    }

    fn note(&mut self, row: &Row, told: &Value) -> Result<(), Stop> {
        let Some(id) = told["user_id"].as_str() else { return Ok(()) };
        let quoted = |text: &Option<String>| text.as_deref().unwrap_or_default().replace('"', "\"\"");
        self.write(&format!("\"{}\",\"{}\",{id}\n", quoted(&row.external_id), quoted(&row.email)))
    }

    fn write(&mut self, text: &str) -> Result<(), Stop> {
        self.file.write_all(text.as_bytes()).map_err(|error| self.lost(&error))
    }

    fn finish(mut self) -> Result<(), Stop> {
        let written = self.file.flush().and_then(|()| self.file.get_ref().sync_all());
        written.map_err(|error| self.lost(&error))
    }

    fn lost(&self, error: &io::Error) -> Stop {
        Stop::new(Exit::Configuration, format!("{} cannot be written: {error}", self.name))
    }
}

/// A line on a terminal that says how far it is.
struct Progress {
    shown: bool,
    read: Arc<AtomicU64>,
    of: u64,
}

impl Progress {
    fn show(&self, report: &Report) {
        if !self.shown {
            return;
        }
        let read = self.read.load(Ordering::Relaxed);
        let part = match (read * 100).checked_div(self.of) {
            Some(part) => {
                let full = usize::try_from(part / 5).unwrap_or(0).min(20);
                format!("[{}{}] {:>3} %  ", "=".repeat(full), " ".repeat(20 - full), part.min(100))
            }
            None => String::new(),
        };
        out::same_line(&format!("{part}{}", report.in_a_line()));
    }

    fn clear(&self) {
        if self.shown {
            out::same_line("");
        }
    }
}
