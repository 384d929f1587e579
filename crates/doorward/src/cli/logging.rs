//! Log lines go to stderr, as text or JSON. Ours from the level that was asked for; other people's only if they warn.
//!
//! An event is one line, whatever is in it, and a warning that repeats itself is written a few times a minute and counted
//! beyond that: see [`lines`].

mod lines;

use std::sync::Arc;

use tracing::Level;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::prelude::*;

use self::lines::{Form, Lines, Shared};
use crate::config::settled::Log;
use crate::door::SystemClock;

/// Starts logging. A second call changes nothing.
pub(super) fn start(log: Log) {
    let form = if log.json { Form::Json } else { Form::Text };
    let lines = Arc::new(Lines::new(std::io::stderr, form, Arc::new(SystemClock)));
    let writer = Shared(Arc::clone(&lines));
    let ours = Targets::new().with_target("doorward", log.level).with_default(log.level.min(Level::WARN));
    let layer = tracing_subscriber::fmt::layer().with_writer(writer).log_internal_errors(false).with_ansi(false);
    let registry = tracing_subscriber::registry();
    let started = match form {
        Form::Json => registry.with(layer.json().with_span_list(false).with_filter(ours)).try_init(),
        Form::Text => registry.with(layer.with_target(false).with_filter(ours)).try_init(),
    };
    if started.is_ok() {
        tokio::spawn(lines::tell_what_was_left_out(lines));
    }
}
