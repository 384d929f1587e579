//! Log lines go to stderr, as text or JSON. Ours from the level that was asked for; other people's only if they warn.

use tracing::Level;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::prelude::*;

use crate::config::settled::Log;

/// Starts logging. A second call changes nothing.
pub(super) fn start(log: Log) {
    let ours = Targets::new().with_target("doorward", log.level).with_default(log.level.min(Level::WARN));
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).log_internal_errors(false);
    let registry = tracing_subscriber::registry();
    let started = if log.json {
        registry.with(lines.json().with_filter(ours)).try_init()
    } else {
        registry.with(lines.with_ansi(false).with_target(false).with_filter(ours)).try_init()
    };
    drop(started);
}
