//! One event, one line.
//!
//! What others send may end up in a field. It must not end the line and begin another one, nor speak to the terminal of
//! whoever reads: control characters, and those that turn the direction of text, are written as escapes.
//!
//! A warning or an error that repeats itself is rationed by its cause, which is the place in the program that writes it.
//! What was left out is counted, and told on the next line of that cause, or by a line of its own when the minute is over.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use doorward_core::{Lifetime, Timestamp};
use tracing::callsite::Identifier;
use tracing::{Level, Metadata};
use tracing_subscriber::fmt::MakeWriter;

use crate::door::Clock;

/// So many lines of one cause a minute.
const MOST: u32 = 10;
const MINUTE: Lifetime = Lifetime::from_mins(1);
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// The form of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// For people.
    Text,
    /// One object.
    Json,
}

/// Where lines go.
pub(super) struct Lines<W> {
    out: fn() -> W,
    form: Form,
    clock: Arc<dyn Clock>,
    causes: Mutex<HashMap<Identifier, Cause>>,
}

/// How a cause has fared in its present minute.
struct Cause {
    since: Timestamp,
    written: u32,
    left_out: u64,
}

impl<W> Lines<W> {
    /// Lines of a form into whatever `out` gives.
    pub(super) fn new(out: fn() -> W, form: Form, clock: Arc<dyn Clock>) -> Self {
        Self { out, form, clock, causes: Mutex::default() }
    }

    /// May a line of this cause be written? Gives how many were left out before it.
    fn ration(&self, cause: Identifier) -> Option<u64> {
        let now = self.clock.now();
        let mut causes = self.causes();
        let cause = causes.entry(cause).or_insert(Cause { since: now, written: 0, left_out: 0 });
        if is_over(cause.since, now) {
            let left_out = cause.left_out;
            *cause = Cause { since: now, written: 1, left_out: 0 };
            return Some(left_out);
        }
        if cause.written < MOST {
            cause.written += 1;
            return Some(0);
        }
        cause.left_out += 1;
        None
    }

    /// Causes whose minute is over, with how many of their lines were left out; never more than may be told in a minute.
    fn take_left_out(&self) -> Vec<(Identifier, u64)> {
        let now = self.clock.now();
        let mut causes = self.causes();
        let over = causes.iter_mut().filter(|(_, cause)| cause.left_out > 0 && is_over(cause.since, now));
        over.take(MOST as usize).map(|(id, cause)| (id.clone(), std::mem::take(&mut cause.left_out))).collect()
    }

    fn causes(&self) -> MutexGuard<'_, HashMap<Identifier, Cause>> {
        self.causes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Is the minute that began then over? Also if the clock went back by one.
fn is_over(since: Timestamp, now: Timestamp) -> bool {
    now - since >= MINUTE || since - now >= MINUTE
}

/// Tells, once a minute, what no later line has told.
pub(super) async fn tell_what_was_left_out<W>(lines: Arc<Lines<W>>) {
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        for (cause, count) in lines.take_left_out() {
            let place = cause.0.metadata();
            let (file, line) = (place.file().unwrap_or_default(), place.line().unwrap_or_default());
            tracing::warn!(suppressed = count, file, line, "more lines of this place were left out");
        }
    }
}

/// Lines, shared with whoever tells what was left out.
pub(super) struct Shared<W>(pub(super) Arc<Lines<W>>);

impl<'a, W: Write + 'a> MakeWriter<'a> for Shared<W> {
    type Writer = Line<W>;

    fn make_writer(&'a self) -> Line<W> {
        Line { out: Some((self.0.out)()), form: self.0.form, left_out: 0 }
    }

    fn make_writer_for(&'a self, metadata: &Metadata<'_>) -> Line<W> {
        if *metadata.level() > Level::WARN {
            return self.make_writer();
        }
        match self.0.ration(metadata.callsite()) {
            Some(left_out) => Line { left_out, ..self.make_writer() },
            None => Line { out: None, form: self.0.form, left_out: 0 },
        }
    }
}

/// One line: it is given whole, with its end.
pub(super) struct Line<W> {
    /// Nowhere, if it is left out.
    out: Option<W>,
    form: Form,
    left_out: u64,
}

impl<W: Write> Write for Line<W> {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        if let Some(out) = &mut self.out {
            // At once, so that lines of several threads do not mix.
            out.write_all(whole(event, self.form, self.left_out).as_bytes())?;
        }
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.as_mut().map_or(Ok(()), Write::flush)
    }
}

/// An event as one line, with how many before it were left out.
fn whole(event: &[u8], form: Form, left_out: u64) -> String {
    let event = String::from_utf8_lossy(event);
    let event = event.strip_suffix('\n').unwrap_or(&event);
    let mut line = String::with_capacity(event.len() + 32);
    for character in event.chars() {
        match speaks_to_terminals(character) {
            true => {
                // Writing to a text cannot fail.
                let _ = write!(line, "\\u{:04x}", u32::from(character));
            }
            false => line.push(character),
        }
    }
    match (left_out, form) {
        (0, _) => {}
        (_, Form::Text) => {
            let _ = write!(line, " suppressed={left_out}");
        }
        (_, Form::Json) => {
            if line.ends_with('}') {
                line.pop();
                let _ = write!(line, ",\"suppressed\":{left_out}}}");
            }
        }
    }
    line.push('\n');
    line
}

/// Control characters, separators of lines, and marks that turn the direction of text.
fn speaks_to_terminals(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use tracing_subscriber::prelude::*;

    use super::*;
    use crate::door::ManualClock;

    const NOON: Timestamp = Timestamp::from_secs(1_790_000_000);

    /// What was written, by the thread that wrote it.
    #[derive(Default)]
    struct Paper;

    thread_local! {
        static PAPER: std::cell::RefCell<String> = const { std::cell::RefCell::new(String::new()) };
    }

    impl Write for Paper {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            PAPER.with_borrow_mut(|paper| paper.push_str(std::str::from_utf8(bytes).expect("text")));
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// Writes by `write`, with a clock that stands still unless it is moved; gives the lines.
    fn written(form: Form, write: impl FnOnce(&ManualClock, &Lines<Paper>)) -> Vec<String> {
        PAPER.take();
        let clock = Arc::new(ManualClock::starting_at(NOON));
        let lines = Arc::new(Lines::new(|| Paper, form, Arc::<ManualClock>::clone(&clock)));
        let layer = tracing_subscriber::fmt::layer().with_writer(Shared(Arc::clone(&lines))).with_ansi(false);
        let write = || write(&clock, &lines);
        match form {
            Form::Json => {
                let layer = layer.json().with_span_list(false);
                tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), write);
            }
            Form::Text => tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), write),
        }
        PAPER.take().lines().map(str::to_owned).collect()
    }

    const HOSTILE: [&str; 8] = [
        "a\nERROR forged",
        "a\r\nERROR forged\r\n",
        "\u{1b}[2J\u{1b}[31mred",
        "\u{9b}31m\u{85}next",
        "\u{2028}ERROR\u{2029}",
        "\u{202e}desrever\u{2066}",
        "\u{7f}\u{8}\u{0}",
        "\"},\"level\":\"ERROR\",\"x\":{\"",
    ];

    #[test]
    fn whatever_is_in_a_field_an_event_is_one_line_without_orders_to_terminals() {
        for form in [Form::Text, Form::Json] {
            for hostile in HOSTILE {
                let lines = written(form, |_, _| {
                    let _span = tracing::error_span!("request", id = %hostile).entered();
                    tracing::info!(shown = %hostile, quoted = ?hostile, plain = hostile, "{hostile}");
                });
                assert_eq!(lines.len(), 1, "{hostile:?}: {lines:?}");
                assert!(!lines[0].contains(speaks_to_terminals), "{lines:?}");
                if form == Form::Json {
                    let read: serde_json::Value = serde_json::from_str(&lines[0]).expect("JSON");
                    assert_eq!((&read["level"], &read["fields"]["plain"]), (&"INFO".into(), &hostile.into()));
                }
            }
        }
    }

    #[test]
    fn a_warning_that_repeats_itself_is_written_ten_times_a_minute_and_counted_beyond() {
        for form in [Form::Text, Form::Json] {
            let lines = written(form, |clock, _| {
                for round in 0..3 {
                    for number in 0..1_000 {
                        tracing::warn!(round, number, "again");
                    }
                    clock.advance(MINUTE);
                }
                tracing::error!("another cause");
            });
            assert_eq!(lines.len(), 31);
            let told: Vec<usize> =
                (0..31).filter(|line| lines[*line].contains("suppressed") && lines[*line].contains("990")).collect();
            assert_eq!(told, [10, 20], "{lines:#?}");
            if form == Form::Json {
                let read: serde_json::Value = serde_json::from_str(&lines[10]).expect("JSON");
                assert_eq!((&read["suppressed"], &read["fields"]["round"]), (&990.into(), &1.into()));
            }
        }
    }

    #[test]
    fn what_no_later_line_tells_is_told_when_the_minute_is_over() {
        let lines = written(Form::Text, |clock, lines| {
            for _ in 0..25 {
                tracing::warn!("again");
            }
            assert!(lines.take_left_out().is_empty(), "its minute is not over");
            clock.advance(MINUTE);
            let left_out: Vec<u64> = lines.take_left_out().into_iter().map(|(_, count)| count).collect();
            assert_eq!(left_out, [15]);
            assert!(lines.take_left_out().is_empty(), "and only once");
            tracing::warn!("not this one again");
        });
        assert!(lines.iter().all(|line| !line.contains("suppressed")), "{lines:#?}");
    }

    #[test]
    fn what_only_informs_is_never_left_out() {
        let lines = written(Form::Text, |_, _| (0..100).for_each(|number| tracing::info!(number, "again")));
        assert_eq!(lines.len(), 100);
    }
}
