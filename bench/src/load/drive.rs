//! Drives the connections of one errand: waits for readiness, reads answers, writes the next requests.

use std::io::{ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

use super::{Errand, Outcome, Window};
use crate::Trouble;

/// What is asked, and what is made of the answers.
pub(super) trait Script {
    /// Writes a connection's next request; `false` if there is nothing more to ask.
    fn request(&mut self, connection: usize, out: &mut Vec<u8>) -> bool;

    /// The status of a good answer.
    fn good(&self) -> u16 {
        200
    }

    /// Takes a good answer.
    fn answer(&mut self, connection: usize, body: &[u8]) -> Result<(), Trouble>;

    /// Is there an end to it, so that every request counts?
    fn ends(&self) -> bool {
        false
    }
}

/// Before measuring, connections and caches get this long to settle.
const WARM_UP: Duration = Duration::from_millis(300);
const BUFFER: usize = 16 * 1024;

struct Connection {
    stream: TcpStream,
    input: Vec<u8>,
    filled: usize,
    asked: Instant,
    waits: bool,
}

/// Runs an errand.
pub(super) fn drive(errand: Errand, script: &mut impl Script) -> Result<Outcome, Trouble> {
    let mut poll = Poll::new()?;
    let mut events = Events::with_capacity(errand.connections.max(64));
    let address = SocketAddr::from(([127, 0, 0, 1], errand.port));
    let mut connections = Vec::with_capacity(errand.connections);
    for number in 0..errand.connections {
        // Connected before it becomes non-blocking, so that there is nothing to wait for later.
        let stream = std::net::TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        let mut stream = TcpStream::from_std(stream);
        poll.registry().register(&mut stream, Token(number), Interest::READABLE)?;
        let input = vec![0; BUFFER];
        connections.push(Connection { stream, input, filled: 0, asked: Instant::now(), waits: false });
    }
    let mut tally = Tally::new(errand)?;
    if script.ends() {
        tally.begin()?;
    }
    let mut out = Vec::with_capacity(1024);
    for (number, connection) in connections.iter_mut().enumerate() {
        ask(number, connection, script, &mut out)?;
    }
    while connections.iter().any(|connection| connection.waits) {
        poll.poll(&mut events, Some(Duration::from_secs(10)))?;
        if events.is_empty() {
            return Err("no answer for ten seconds".into());
        }
        tally.look_at_the_clock()?;
        for event in &events {
            let number = event.token().0;
            let connection = &mut connections[number];
            if receive(connection, script, number, &mut tally)? {
                connection.filled = 0;
                connection.waits = false;
                if !tally.over {
                    ask(number, connection, script, &mut out)?;
                }
            }
        }
    }
    tally.end()
}

fn ask(
    number: usize,
    connection: &mut Connection,
    script: &mut impl Script,
    out: &mut Vec<u8>,
) -> Result<(), Trouble> {
    out.clear();
    if script.request(number, out) {
        connection.asked = Instant::now();
        connection.waits = true;
        // An idle connection's buffer takes a request of a kilobyte at once.
        if connection.stream.write(out)? != out.len() {
            return Err("a request did not fit into the socket's buffer".into());
        }
    }
    Ok(())
}

/// Reads what has come; is the answer whole? Nothing can come behind it, because nothing more was asked.
fn receive(
    connection: &mut Connection,
    script: &mut impl Script,
    number: usize,
    tally: &mut Tally,
) -> Result<bool, Trouble> {
    loop {
        let room = &mut connection.input[connection.filled..];
        if room.is_empty() {
            return Err("an answer is larger than expected".into());
        }
        let wanted = room.len();
        let read = match connection.stream.read(room) {
            Ok(0) => return Err("the server closed a connection".into()),
            Ok(read) => read,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
            Err(error) => return Err(error.into()),
        };
        connection.filled += read;
        if let Some(answer) = Answer::read(&connection.input[..connection.filled])? {
            let good = answer.status == script.good();
            tally.count(&answer, good, connection.asked);
            if good {
                script.answer(number, answer.body)?;
            }
            if answer.size != connection.filled {
                return Err("more came than was asked for".into());
            }
            return Ok(true);
        }
        // Less than was asked for: there is no more to read until the next event.
        if read < wanted {
            return Ok(false);
        }
    }
}

/// An answer of HTTP/1.1, with a length or in chunks.
pub(crate) struct Answer<'a> {
    pub(crate) status: u16,
    pub(crate) body: &'a [u8],
    pub(crate) size: usize,
}

impl<'a> Answer<'a> {
    pub(crate) fn read(bytes: &'a [u8]) -> Result<Option<Self>, Trouble> {
        let Some(end) = memchr::memmem::find(bytes, b"\r\n\r\n") else { return Ok(None) };
        let head = &bytes[..end + 2];
        let status = std::str::from_utf8(head.get(9..12).unwrap_or_default())?.parse()?;
        let Some(at) = value(head, [b"content-length: ", b"Content-Length: "]) else {
            value(head, [b"transfer-encoding: chunked", b"Transfer-Encoding: chunked"]).ok_or("no length")?;
            // Frames of chunks stay in the body: whoever looks into it looks for a word.
            let last = memchr::memmem::find(&bytes[end + 2..], b"\r\n0\r\n\r\n");
            return Ok(last.map(|last| {
                let size = end + 2 + last + b"\r\n0\r\n\r\n".len();
                Self { status, body: &bytes[end + 4..size], size }
            }));
        };
        let length = head[at..].iter().take_while(|digit| digit.is_ascii_digit());
        let length = length.fold(0, |length, digit| length * 10 + usize::from(digit - b'0'));
        let size = end + 4 + length;
        Ok(bytes.get(end + 4..size).map(|body| Self { status, body, size }))
    }
}

/// Where a header's value begins, in one of the two spellings that servers have for it.
fn value<const N: usize>(head: &[u8], spellings: [&[u8; N]; 2]) -> Option<usize> {
    spellings.iter().find_map(|name| memchr::memmem::find(head, *name)).map(|at| at + N)
}

/// Counts while the measured time runs.
struct Tally {
    errand: Errand,
    started: Instant,
    measured: Option<Window>,
    over: bool,
    latencies: Vec<f32>,
    failures: u64,
    failure: Option<String>,
}

impl Tally {
    fn new(errand: Errand) -> Result<Self, Trouble> {
        Ok(Self {
            errand,
            started: Instant::now(),
            measured: None,
            over: false,
            latencies: Vec::with_capacity(1 << 20),
            failures: 0,
            failure: None,
        })
    }

    fn begin(&mut self) -> Result<(), Trouble> {
        self.measured = Some(Window::open(&self.errand)?);
        Ok(())
    }

    fn look_at_the_clock(&mut self) -> Result<(), Trouble> {
        match &self.measured {
            None if self.started.elapsed() >= WARM_UP => self.begin(),
            Some(window) if window.is_over(&self.errand) => {
                self.over = true;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn count(&mut self, answer: &Answer<'_>, good: bool, asked: Instant) {
        if !good {
            self.failures += 1;
            self.failure.get_or_insert_with(|| format!("{} {}", answer.status, String::from_utf8_lossy(answer.body)));
        } else if self.measured.is_some() {
            self.latencies.push(asked.elapsed().as_secs_f32() * 1e6);
        }
    }

    fn end(self) -> Result<Outcome, Trouble> {
        let window = self.measured.ok_or("the errand ended before it was measured")?;
        let outcome = window.close()?;
        let latencies: Vec<f64> = self.latencies.iter().map(|micros| f64::from(*micros)).collect();
        Ok(Outcome { failures: self.failures, failure: self.failure, ..outcome.with(&latencies) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_when_it_is_whole_with_a_length_or_in_chunks() {
        let read = |text: &str| {
            let answer = Answer::read(text.as_bytes()).expect("an answer");
            answer.map(|answer| (answer.status, String::from_utf8_lossy(answer.body).into_owned(), answer.size))
        };
        let is = |status, body: &str, size| Some((status, body.to_owned(), size));
        assert_eq!(read("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"), is(200, "ok", 40));
        assert_eq!(read("HTTP/1.1 401 No\r\nContent-Length: 2\r\n\r\no"), None);
        let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n";
        assert_eq!(read(chunked), is(200, "2\r\nok\r\n0\r\n\r\n", chunked.len()));
        assert_eq!(read(&chunked[..chunked.len() - 1]), None);
        assert!(Answer::read(b"HTTP/1.1 200 OK\r\n\r\n").is_err());
    }
}
