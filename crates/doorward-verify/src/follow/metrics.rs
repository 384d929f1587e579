//! What a follower counts, and how it is shown.

use core::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use super::Refused;
use super::stream::Halt;
use crate::feed::Broken;
use crate::{Lifetime, Position, Rejection};

/// Counters, all of them monotone but the round trip.
#[derive(Default)]
pub(super) struct Counters {
    pub(super) entries: AtomicU64,
    pub(super) pings: AtomicU64,
    pub(super) pings_failed: AtomicU64,
    pub(super) reconnects: AtomicU64,
    pub(super) snapshots: AtomicU64,
    pub(super) snapshots_failed: AtomicU64,
    pub(super) keys_fetched: AtomicU64,
    pub(super) keys_failed: AtomicU64,
    /// Of the last ping, in milliseconds.
    pub(super) round_trip: AtomicU64,
    pub(super) broken: [AtomicU64; Broken::ALL.len()],
    pub(super) refused: AtomicU64,
    pub(super) accepted: AtomicU64,
    pub(super) introspected: AtomicU64,
    rejected: [AtomicU64; Rejection::ALL.len()],
    unknown: AtomicU64,
    /// What went wrong last between us and the servers.
    trouble: Mutex<Option<Halt>>,
    sessions: [AtomicU64; 3],
}

impl Counters {
    /// A stream or an answer has ended badly.
    pub(super) fn record(&self, halt: Halt) {
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = Some(halt);
        match halt {
            Halt::Broken(broken) => self.broken[broken as usize].fetch_add(1, Ordering::Relaxed),
            Halt::Refused(_) => self.refused.fetch_add(1, Ordering::Relaxed),
            Halt::Call(_) => 0,
        };
    }

    /// What went wrong last, in words.
    pub(super) fn trouble(&self) -> Option<String> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).map(|halt| halt.to_string())
    }

    /// A credential was judged.
    pub(super) fn decide<T>(&self, verdict: &Result<T, Refused>) {
        let counter = match verdict {
            Ok(_) => &self.accepted,
            Err(Refused::Rejected(rejection)) => &self.rejected[*rejection as usize],
            Err(Refused::Unknown) => &self.unknown,
            Err(Refused::SessionUnknown) => &self.sessions[0],
            Err(Refused::SessionExpired) => &self.sessions[1],
            Err(Refused::SessionEnded) => &self.sessions[2],
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

/// How a follower is, at one moment.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Metrics {
    /// May its index be trusted?
    pub is_ready: bool,
    /// Up to where it has everything.
    pub applied: Position,
    /// How many places it is behind the server; `None` while it has not caught up with a new generation.
    pub behind: Option<u64>,
    /// How much longer the lease lasts; negative if it has run out, `None` if there never was one.
    pub lease_margin: Option<Lifetime>,
    /// How many entries the index holds.
    pub entries: usize,
    /// How many records of sessions are kept.
    pub sessions: usize,
    /// How long the last ping took.
    pub round_trip: Lifetime,
    /// What went wrong last with the servers, also if it is long over.
    pub trouble: Option<String>,
    /// Everything that is counted: name, label if there is one, number.
    pub counts: Vec<(&'static str, Option<&'static str>, u64)>,
}

impl Metrics {
    /// What is counted by now.
    pub(super) fn counts(counters: &Counters) -> Vec<(&'static str, Option<&'static str>, u64)> {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let mut counts = vec![
            ("feed_entries", None, read(&counters.entries)),
            ("pings", None, read(&counters.pings)),
            ("pings_failed", None, read(&counters.pings_failed)),
            ("reconnects", None, read(&counters.reconnects)),
            ("refused_by_server", None, read(&counters.refused)),
            ("snapshots", None, read(&counters.snapshots)),
            ("snapshots_failed", None, read(&counters.snapshots_failed)),
            ("key_fetches", None, read(&counters.keys_fetched)),
            ("key_fetches_failed", None, read(&counters.keys_failed)),
            ("introspections", None, read(&counters.introspected)),
            ("decisions", Some("accepted"), read(&counters.accepted)),
            ("decisions", Some("revocation_unknown"), read(&counters.unknown)),
            ("decisions", Some("session_unknown"), read(&counters.sessions[0])),
            ("decisions", Some("session_expired"), read(&counters.sessions[1])),
            ("decisions", Some("session_ended"), read(&counters.sessions[2])),
        ];
        let broken = Broken::ALL.iter().zip(&counters.broken);
        counts.extend(broken.map(|(why, count)| ("broken_events", Some(why.code()), read(count))));
        let rejected = Rejection::ALL.iter().zip(&counters.rejected);
        counts.extend(rejected.map(|(why, count)| ("decisions", Some(why.code()), read(count))));
        counts
    }

    /// The number of a count.
    pub fn count(&self, name: &str, label: Option<&str>) -> u64 {
        self.counts.iter().find(|(known, of, _)| *known == name && *of == label).map_or(0, |(_, _, number)| *number)
    }

    /// As text for Prometheus (exposition format 0.0.4).
    pub fn prometheus(&self) -> String {
        let mut text = String::with_capacity(4096);
        let margin = self.lease_margin.map_or(f64::NAN, |margin| margin.millis() as f64 / 1000.0);
        let gauges = [
            ("ready", f64::from(u8::from(self.is_ready))),
            ("lease_margin_seconds", margin),
            ("behind", self.behind.map_or(f64::NAN, |behind| behind as f64)),
            ("index_entries", self.entries as f64),
            ("session_records", self.sessions as f64),
            ("ping_seconds", self.round_trip.millis() as f64 / 1000.0),
            ("generation", self.applied.generation as f64),
            ("applied", self.applied.seq as f64),
        ];
        // Writing into a string cannot fail.
        for (name, value) in gauges {
            let value = if value.is_nan() { "NaN".to_owned() } else { value.to_string() };
            let _ = writeln!(text, "# TYPE doorward_verifier_{name} gauge\ndoorward_verifier_{name} {value}");
        }
        for (name, label, number) in &self.counts {
            if !text.contains(&format!("# TYPE doorward_verifier_{name}_total ")) {
                let _ = writeln!(text, "# TYPE doorward_verifier_{name}_total counter");
            }
            let _ = match label {
                Some(label) => writeln!(text, "doorward_verifier_{name}_total{{reason=\"{label}\"}} {number}"),
                None => writeln!(text, "doorward_verifier_{name}_total {number}"),
            };
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_went_wrong_last_is_told() {
        let counters = Counters::default();
        assert_eq!(counters.trouble(), None);
        counters.record(Halt::Refused(401));
        assert_eq!(counters.trouble().as_deref(), Some("the server refuses with 401: it does not know this secret"));
        counters.record(Halt::Broken(Broken::Forged));
        assert_eq!(counters.trouble(), Some(Broken::Forged.to_string()));
        assert_eq!(
            (counters.refused.into_inner(), counters.broken[Broken::Forged as usize].load(Ordering::Relaxed)),
            (1, 1)
        );
    }

    #[test]
    fn prometheus_is_told_every_number_and_each_kind_once() {
        let metrics = Metrics {
            is_ready: true,
            applied: Position { generation: 7, seq: 9 },
            behind: None,
            lease_margin: Some(Lifetime::from_millis(1500)),
            entries: 3,
            sessions: 2,
            round_trip: Lifetime::from_millis(250),
            trouble: None,
            counts: vec![
                ("pings", None, 5),
                ("decisions", Some("accepted"), 6),
                ("broken_events", Some("event_forged"), 1),
                ("decisions", Some("token_expired"), 4),
            ],
        };
        let gauge = |name: &str, value: &str| {
            format!("# TYPE doorward_verifier_{name} gauge\ndoorward_verifier_{name} {value}\n")
        };
        let expected = [
            gauge("ready", "1"),
            gauge("lease_margin_seconds", "1.5"),
            gauge("behind", "NaN"),
            gauge("index_entries", "3"),
            gauge("session_records", "2"),
            gauge("ping_seconds", "0.25"),
            gauge("generation", "7"),
            gauge("applied", "9"),
            "# TYPE doorward_verifier_pings_total counter\ndoorward_verifier_pings_total 5\n".to_owned(),
            "# TYPE doorward_verifier_decisions_total counter\n".to_owned(),
            "doorward_verifier_decisions_total{reason=\"accepted\"} 6\n".to_owned(),
            "# TYPE doorward_verifier_broken_events_total counter\n".to_owned(),
            "doorward_verifier_broken_events_total{reason=\"event_forged\"} 1\n".to_owned(),
            "doorward_verifier_decisions_total{reason=\"token_expired\"} 4\n".to_owned(),
        ];
        assert_eq!(metrics.prometheus(), expected.concat());
    }
}
