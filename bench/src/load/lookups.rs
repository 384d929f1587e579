//! `GET` from Redis for every request: one connection that all requests share, so many of them under way at a time. What
//! comes together is read and written together; no client library does it for less.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::{Errand, Outcome, Window};
use crate::Trouble;
use crate::redis::Wire;
use crate::seed::Choice;

/// Before measuring, the connection gets this long to settle.
const WARM_UP: Duration = Duration::from_millis(300);

/// Runs an errand: asks for keys that are not there, as almost every request does.
pub(super) fn run(errand: Errand) -> Result<Outcome, Trouble> {
    let mut wire = Wire::open(errand.port)?;
    let (mut choice, mut waiting) = (Choice::seeded(7), VecDeque::new());
    let began = Instant::now();
    let mut window: Option<Window> = None;
    let mut latencies: Vec<f64> = Vec::with_capacity(1 << 20);
    for _ in 0..errand.connections {
        wire.get(choice.below(u64::MAX));
        waiting.push_back(Instant::now());
    }
    loop {
        wire.flush()?;
        let (answers, now) = (wire.receive()?, Instant::now());
        for found in answers {
            if found {
                return Err("what was not revoked is said to be".into());
            }
            let asked = waiting.pop_front().ok_or("more came than was asked for")?;
            if window.is_some() {
                latencies.push((now - asked).as_secs_f64() * 1e6);
            }
            wire.get(choice.below(u64::MAX));
            waiting.push_back(now);
        }
        match window.take() {
            None if began.elapsed() >= WARM_UP => window = Some(Window::open(&errand)?),
            Some(done) if done.is_over(&errand) => return Ok(done.close()?.with(&latencies)),
            other => window = other,
        }
    }
}
