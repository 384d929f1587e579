//! Checks at fixed times. Latency counts from the time at which a check was due, so that a server which stands still is
//! not asked less, and is not let off what would have waited.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use super::drive::Answer;
use super::{Errand, Outcome, Window};
use crate::Trouble;
use crate::seed::{Choice, secret_text};

/// Each takes its share of the times.
struct Asker {
    stream: TcpStream,
    port: u16,
    sessions: u64,
    choice: Choice,
}

/// Runs an errand: one thread a connection.
pub(super) fn run(errand: Errand, sessions: u64, per_second: u32) -> Result<Outcome, Trouble> {
    let mut askers = Vec::with_capacity(errand.connections);
    for number in 0..errand.connections {
        let stream = TcpStream::connect(("127.0.0.1", errand.port))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        askers.push(Asker { stream, port: errand.port, sessions, choice: Choice::seeded(number as u64 + 1) });
    }
    let window = Window::open(&errand)?;
    let since = window.since;
    let step = Duration::from_secs_f64(errand.connections as f64 / f64::from(per_second));
    let asked = thread::scope(|threads| {
        let ask = |(number, mut asker): (usize, Asker)| {
            let first = since + step.mul_f64(number as f64 / errand.connections as f64);
            threads.spawn(move || asker.ask(first, step, since + Duration::from_secs_f64(errand.seconds)))
        };
        let started: Vec<_> = askers.into_iter().enumerate().map(ask).collect();
        started
            .into_iter()
            .map(|thread| thread.join().map_err(|_| "a thread panicked")?)
            .collect::<Result<Vec<_>, _>>()
    })?;
    let outcome = window.close()?;
    Ok(outcome.with(&asked.concat()))
}

impl Asker {
    fn ask(&mut self, first: Instant, step: Duration, until: Instant) -> Result<Vec<f64>, Trouble> {
        let (mut latencies, mut due) = (Vec::new(), first);
        let mut input = vec![0; 16 * 1024];
        while due < until {
            thread::sleep(due.saturating_duration_since(Instant::now()));
            let request = format!(
                "GET /v1/session HTTP/1.1\r\nhost: 127.0.0.1:{}\r\nuser-agent: doorward-bench\r\naccept: */*\r\ncookie: \
                 __Host-Http-dw_session={}\r\n\r\n",
                self.port,
                secret_text(self.choice.below(self.sessions))
            );
            self.stream.write_all(request.as_bytes())?;
            let mut filled = 0;
            let status = loop {
                let read = self.stream.read(&mut input[filled..])?;
                if read == 0 {
                    return Err("the server closed a connection".into());
                }
                filled += read;
                if let Some(answer) = Answer::read(&input[..filled])? {
                    break answer.status;
                }
            };
            if status != 200 {
                return Err(format!("a check was answered with {status}").into());
            }
            latencies.push(due.elapsed().as_secs_f64() * 1e6);
            due += step;
        }
        Ok(latencies)
    }
}
