//! Who revokes: calls at fixed times, whether or not earlier ones were answered, each on the next of several connections
//! that stay open. What a call took counts from the time at which it was due.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::Trouble;
use crate::fleet::ticks;
use crate::load::Answer;

/// So many calls may be under way before one has to wait for another.
const CONNECTIONS: usize = 8;
/// An answer that takes longer does not come. (A wait for all verifiers may take a lease.)
const PATIENCE: Duration = Duration::from_secs(30);

/// A connection that stays open.
#[derive(Debug)]
pub(crate) struct Line {
    stream: TcpStream,
    port: u16,
    input: Vec<u8>,
}

/// A call that was answered.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    /// When it was due and when it was answered, in nanoseconds of the shared clock.
    pub(crate) due: u64,
    pub(crate) answered: u64,
    /// What the answer said.
    pub(crate) receipt: Value,
}

impl Line {
    /// Connects.
    pub(crate) fn open(port: u16) -> Result<Self, Trouble> {
        let stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self { stream, port, input: vec![0; 64 * 1024] })
    }

    /// Sends a request and waits for the answer, which must be a good one.
    pub(crate) fn ask(
        &mut self,
        verb: &str,
        path: &str,
        bearer: &str,
        body: &[(&str, &str)],
    ) -> Result<Value, Trouble> {
        let content: String = body.iter().map(|(name, text)| format!("{name}: {text}\r\n")).collect();
        let (content, text) = match body {
            [(kind, text)] => (format!("content-type: {kind}\r\ncontent-length: {}\r\n", text.len()), *text),
            _ => (content, ""),
        };
        let bearer = if bearer.is_empty() { String::new() } else { format!("authorization: Bearer {bearer}\r\n") };
        let head = format!(
            "{verb} {path} HTTP/1.1\r\nhost: 127.0.0.1:{}\r\nuser-agent: doorward-bench\r\n{bearer}{content}\r\n{text}",
            self.port
        );
        self.stream.write_all(head.as_bytes())?;
        let mut filled = 0;
        loop {
            let read = self.stream.read(&mut self.input[filled..])?;
            if read == 0 {
                return Err("the server closed a connection".into());
            }
            filled += read;
            if let Some(answer) = Answer::read(&self.input[..filled])? {
                let said = String::from_utf8_lossy(answer.body);
                if answer.status != 200 {
                    return Err(format!("{verb} {path}: {} {said}", answer.status).into());
                }
                return Ok(serde_json::from_str(&said)?);
            }
        }
    }

    /// Ends the session of an access token.
    pub(crate) fn revoke(&mut self, token: &str, acknowledgement: &str, due: u64) -> Result<Call, Trouble> {
        let answer = self.ask("DELETE", &format!("/v1/session?ack={acknowledgement}"), token, &[])?;
        Ok(Call { due, answered: ticks(), receipt: answer["receipt"].clone() })
    }
}

/// Revokes one token after the other, each at its time. `first` of them is due a moment from now.
pub(crate) fn revoke(
    port: u16,
    tokens: &[String],
    every: Duration,
    acknowledgement: &str,
) -> Result<Vec<Call>, Trouble> {
    let first = ticks() + 20_000_000;
    let every = u64::try_from(every.as_nanos())?;
    let mut lines = (0..CONNECTIONS).map(|_| Line::open(port)).collect::<Result<Vec<_>, _>>()?;
    let calls = thread::scope(|threads| {
        let ask = |(number, line): (usize, &mut Line)| {
            let mine: Vec<_> = tokens.iter().enumerate().skip(number).step_by(CONNECTIONS).collect();
            mine.into_iter()
                .map(|(place, token)| {
                    let due = first + every * place as u64;
                    thread::sleep(Duration::from_nanos(due.saturating_sub(ticks())));
                    Ok((place, line.revoke(token, acknowledgement, due)?))
                })
                .collect::<Result<Vec<_>, Trouble>>()
        };
        let started: Vec<_> = lines.iter_mut().enumerate().map(|line| threads.spawn(move || ask(line))).collect();
        let joined = started.into_iter().map(|thread| thread.join().map_err(|_| "a thread panicked")?);
        joined.collect::<Result<Vec<_>, Trouble>>()
    })?;
    let mut calls: Vec<_> = calls.into_iter().flatten().collect();
    calls.sort_by_key(|(place, _)| *place);
    Ok(calls.into_iter().map(|(_, call)| call).collect())
}
