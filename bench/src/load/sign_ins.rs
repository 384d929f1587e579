//! `POST /v1/sessions`: a flood of right passwords, and wrong ones with a watch in hand.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Instant;

use serde::{Deserialize, Serialize};

use super::Errand;
use super::drive::{Answer, Script};
use crate::Trouble;
use crate::seed::{Choice, PASSWORD, email};

/// A sign-in as text.
fn request(port: u16, email: &str, password: &str) -> String {
    let body = format!(r#"{{"email":"{email}","password":"{password}"}}"#);
    format!(
        "POST /v1/sessions HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\nuser-agent: doorward-bench\r\naccept: \
         */*\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// Right passwords, each connection in turn over people of its own: no two try one account at once.
pub(super) struct SignIns {
    port: u16,
    connections: u64,
    people: u64,
    next: Vec<u64>,
}

impl SignIns {
    /// Of so many people.
    pub(super) fn new(errand: Errand, people: u64) -> Self {
        let connections = errand.connections as u64;
        Self { port: errand.port, connections, people, next: (0..connections).collect() }
    }
}

impl Script for SignIns {
    fn good(&self) -> u16 {
        201
    }

    fn request(&mut self, connection: usize, out: &mut Vec<u8>) -> bool {
        let person = self.next[connection];
        let next = person + self.connections;
        self.next[connection] = if next < self.people { next } else { connection as u64 };
        out.extend_from_slice(request(self.port, &email(person), PASSWORD).as_bytes());
        true
    }

    fn answer(&mut self, _: usize, _: &[u8]) -> Result<(), Trouble> {
        Ok(())
    }
}

/// How long wrong passwords took, in microseconds.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Guessed {
    /// Of people who have an account.
    pub(crate) known: Vec<f64>,
    /// Of people who have none.
    pub(crate) unknown: Vec<f64>,
    /// Did all answers have the same status and, but for the request's name, the same bytes?
    pub(crate) alike: bool,
}

/// Guesses, one after the other, at known and unknown people in an order that says nothing.
pub(super) fn guess(port: u16, each: u64) -> Result<Guessed, Trouble> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_nodelay(true)?;
    let mut guessed = Guessed { known: Vec::new(), unknown: Vec::new(), alike: true };
    let mut first: Option<String> = None;
    // The first ones warm the way up and are not counted.
    for warm_up in 0..5 {
        ask(&mut stream, &request(port, &format!("warm-{warm_up}@example.test"), "not-the-password-9"))?;
    }
    let mut choice = Choice::seeded(each);
    let (mut known, mut unknown) = (0, 0);
    while known < each || unknown < each {
        let left = (each - known, each - unknown);
        let is_known = choice.below(left.0 + left.1) < left.0;
        // As long as the known ones' addresses: they differ in nothing but in being there.
        let whose = if is_known { email(known) } else { email(known_length(unknown, each)) };
        let since = Instant::now();
        let answer = ask(&mut stream, &request(port, &whose, "not-the-password-9"))?;
        let micros = since.elapsed().as_secs_f64() * 1e6;
        let first = first.get_or_insert_with(|| answer.clone());
        guessed.alike &= *first == answer;
        if is_known {
            guessed.known.push(micros);
            known += 1;
        } else {
            guessed.unknown.push(micros);
            unknown += 1;
        }
    }
    Ok(guessed)
}

/// A number that nobody has, close to those that somebody has.
const fn known_length(number: u64, each: u64) -> u64 {
    1_000_000 + each + number
}

/// The answer's status and body, without the name of the request.
fn ask(stream: &mut TcpStream, request: &str) -> Result<String, Trouble> {
    stream.write_all(request.as_bytes())?;
    let (mut input, mut filled) = (vec![0; 16 * 1024], 0);
    loop {
        let read = stream.read(&mut input[filled..])?;
        if read == 0 {
            return Err("the server closed a connection".into());
        }
        filled += read;
        if let Some(answer) = Answer::read(&input[..filled])? {
            let body = String::from_utf8_lossy(answer.body);
            let named = body.split_once("req_").map_or((&*body, ""), |(before, after)| {
                (before, after.trim_start_matches(|letter: char| letter.is_ascii_hexdigit()))
            });
            return Ok(format!("{} {}{}", answer.status, named.0, named.1));
        }
    }
}
