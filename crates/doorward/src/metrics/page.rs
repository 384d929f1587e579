//! The page of all counts, in the text format of Prometheus (version 0.0.4).

use std::fmt::Write;

use doorward_core::audit::Kind;

use super::cells::{Family, Histogram};
use super::words::{CheckEnd, Credential, Found, Label, Port};
use super::{MEASURED, Metrics};
use crate::door::Door;
use crate::throttle::By;

/// What the page is, for `Content-Type`.
pub const MEDIA_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Writes the page.
pub fn page(door: &Door) -> String {
    let mut page = Page(String::with_capacity(64 * 1024));
    let metrics = door.metrics();
    process(&mut page, door);
    signing_in(&mut page, metrics);
    checking(&mut page, metrics);
    sessions(&mut page, door);
    abuse(&mut page, door);
    hashing(&mut page, door);
    store(&mut page, door);
    web(&mut page, metrics);
    page.0
}

fn process(page: &mut Page, door: &Door) {
    page.head("doorward_build_info", "gauge", "Which program this is; always 1.");
    page.line("doorward_build_info", &[("version", env!("CARGO_PKG_VERSION"))], 1);
    page.head("doorward_start_time_seconds", "gauge", "When the process began, in seconds since 1970.");
    page.line("doorward_start_time_seconds", &[], door.metrics().began.secs());
    page.gauge("doorward_ready", "1 if requests can be served.", u64::from(door.is_ready()));
}

fn signing_in(page: &mut Page, metrics: &Metrics) {
    page.family("doorward_sign_ins_total", "Sign-ins, by how they ended.", &metrics.sign_ins);
    let name = "doorward_session_creation_seconds";
    page.histogram(name, "How long sign-ins took, with the hash of the password.", &metrics.sign_in_time);
    page.family("doorward_refreshes_total", "Refreshes, by how they ended.", &metrics.refreshes);
    page.histogram("doorward_refresh_seconds", "How long refreshes took.", &metrics.refresh_time);
    page.family("doorward_tokens_minted_total", "Access tokens that were minted.", &metrics.minted);
    let name = "doorward_token_creation_seconds";
    page.histogram(name, "How long minting an access token took.", &metrics.mint_time);
}

fn checking(page: &mut Page, metrics: &Metrics) {
    let short = metrics.short.read();
    let name = "doorward_checks_total";
    page.head(name, "counter", "Credentials that were checked at our own door, by how that ended.");
    for (credential, end) in pairs::<Credential, CheckEnd>() {
        let front = if (credential, end) == (Credential::Secret, CheckEnd::Good) { short } else { 0 };
        let labels = [(Credential::KEY, credential.word()), (CheckEnd::KEY, end.word())];
        page.line(name, &labels, metrics.checks.read(credential, end) + front);
    }
    let name = "doorward_validation_seconds";
    let sentence = format!(
        "How long checks took. Of those by a secret that is at hand, one in {MEASURED} is measured, so that measuring \
         does not cost more than checking."
    );
    page.head(name, "histogram", &sentence);
    for credential in Credential::ALL {
        page.times(name, &[(Credential::KEY, credential.word())], metrics.check_time(*credential));
    }
    let name = "doorward_session_lookups_total";
    page.head(name, "counter", "Sessions that were looked for by their secret: at hand, or read from the store.");
    for found in Found::ALL {
        let front = if *found == Found::Hit { short } else { 0 };
        page.line(name, &[(Found::KEY, found.word())], metrics.records.read(*found, ()) + front);
    }
}

fn sessions(page: &mut Page, door: &Door) {
    let tally = door.cached().tally();
    let name = "doorward_sessions_opened_total";
    page.head(name, "counter", "Sessions that were opened.");
    for (strategy, who) in pairs::<doorward_core::client::Strategy, super::words::Who>() {
        let count = tally.opened(strategy, who == super::words::Who::Guest);
        page.line(name, &[("strategy", strategy.word()), ("who", who.word())], count);
    }
    let sentence = "Sessions that were ended, one by one or all of a user. A password change and a suspension end all by \
                    one line of the feed, and are counted there.";
    page.words("doorward_sessions_ended_total", sentence, |why| tally.ended(why));
    let sentence = "Lines that this process wrote into the revocation feed, by what they revoke.";
    page.words("doorward_revocations_total", sentence, |scope| tally.lines(scope));
    let head = door.cached().head();
    page.gauge("doorward_feed_generation", "The generation of the feed's published head.", head.generation);
    page.gauge("doorward_feed_sequence", "The sequence number of the feed's published head.", head.seq);
    let entries = door.cached().with_index(|index| index.len() as u64);
    page.gauge("doorward_revocation_index_entries", "Entries of the revocation index.", entries);
    let kept = door.cached().kept() as u64;
    page.gauge("doorward_cached_sessions", "Sessions whose records are at hand.", kept);
    page.words("doorward_audit_events_total", "Links that this process wrote into the audit log.", |kind| {
        tally.events(kind)
    });
}

fn abuse(page: &mut Page, door: &Door) {
    let counts = door.watch().counts();
    page.words("doorward_throttled_total", "Attempts that a limit refused.", |by| match by {
        By::Account => counts.refused_by_account,
        By::Address => counts.refused_by_address,
    });
    let name = "doorward_anomalies_total";
    page.head(name, "counter", "What should make somebody look.");
    let events = |kind| door.cached().tally().events(kind);
    for (kind, count) in [
        ("failed_sign_ins_spike", counts.spikes),
        ("new_device", counts.new_devices),
        ("refresh_reused", events(Kind::RefreshReused)),
        ("store_regressed", events(Kind::StoreRegressed)),
        ("verifier_ahead", events(Kind::VerifierAhead)),
    ] {
        page.line(name, &[("kind", kind)], count);
    }
}

fn hashing(page: &mut Page, door: &Door) {
    let meter = door.hashing().meter();
    page.gauge(
        "doorward_hash_pool_queue",
        "Jobs that wait for the hash pool: passwords, RSA signatures.",
        meter.waiting(),
    );
    page.gauge("doorward_hash_pool_running", "Jobs that the hash pool works on.", meter.running());
    page.counter(
        "doorward_hash_pool_refused_total",
        "Jobs that found the queue of the hash pool full.",
        meter.refused(),
    );
    page.histogram("doorward_hash_pool_wait_seconds", "How long jobs waited for the hash pool.", &meter.wait);
    page.histogram("doorward_hash_pool_work_seconds", "How long the hash pool worked on a job.", &meter.work);
}

fn store(page: &mut Page, door: &Door) {
    let (tally, figures) = (door.cached().tally(), door.directory().figures());
    page.words("doorward_store_changes_total", "Changes that were handed to the store, by how they ended.", |end| {
        tally.changes(end)
    });
    let sentence = "Transactions that became durable; many changes may share one.";
    page.counter("doorward_store_commits_total", sentence, figures.commits);
    page.counter("doorward_store_reads_total", "Reads, those that failed too.", figures.reads);
    page.counter("doorward_store_failed_reads_total", "Reads that failed.", figures.failed_reads);
    page.gauge("doorward_store_queue", "Changes that wait for the writer.", figures.queued);
    let writable = u64::from(door.directory().is_writable());
    page.gauge("doorward_store_writable", "1 if the last commit succeeded.", writable);
    page.gauge("doorward_store_file_bytes", "The size of the database.", figures.file);
    page.gauge("doorward_store_log_bytes", "The size of the write-ahead log.", figures.log);
}

fn web(page: &mut Page, metrics: &Metrics) {
    let opened = |port: Port| metrics.opened.read(port, ());
    page.family("doorward_connections_opened_total", "Connections that were let in.", &metrics.opened);
    let name = "doorward_connections";
    page.head(name, "gauge", "Connections that are open.");
    for port in Port::ALL {
        // Read first what can only be less.
        let closed = metrics.closed.read(*port, ());
        page.line(name, &[(Port::KEY, port.word())], opened(*port).saturating_sub(closed));
    }
    let name = "doorward_http_requests_total";
    page.head(name, "counter", "Requests on the public port, by the row of the route table.");
    let short = metrics.short.read();
    for (method, route, status, count) in metrics.answers.counts() {
        let front = if (method, route, &*status) == ("GET", "/v1/session", "200") { short } else { 0 };
        page.line(name, &[("route", route), ("method", method), ("status", &status)], count + front);
    }
    let name = "doorward_http_request_seconds";
    page.head(name, "histogram", "How long requests took that went through the router.");
    for (method, route, times) in metrics.answers.times() {
        page.times(name, &[("route", route), ("method", method)], times);
    }
    let name = "doorward_problems_total";
    page.head(name, "counter", "Answers that said no, by their code.");
    for (code, count) in metrics.answers.codes() {
        page.line(name, &[("code", code)], count);
    }
}

/// All pairs of two labels.
fn pairs<A: Label, B: Label>() -> impl Iterator<Item = (A, B)> {
    A::ALL.iter().flat_map(|one| B::ALL.iter().map(move |other| (*one, *other)))
}

/// The page in the making. Labels are words of ours: none needs escaping.
struct Page(String);

impl Page {
    fn head(&mut self, name: &str, kind: &str, sentence: &str) {
        self.write(format_args!("# HELP {name} {sentence}\n# TYPE {name} {kind}\n"));
    }

    fn line(&mut self, name: &str, labels: &[(&str, &str)], value: impl std::fmt::Display) {
        self.0.push_str(name);
        self.labels(labels, None);
        self.write(format_args!(" {value}\n"));
    }

    fn labels(&mut self, labels: &[(&str, &str)], edge: Option<&str>) {
        let labels = labels.iter().copied().chain(edge.map(|edge| ("le", edge)));
        let mut before = '{';
        for (key, word) in labels.filter(|(key, _)| !key.is_empty()) {
            self.write(format_args!("{before}{key}=\"{word}\""));
            before = ',';
        }
        if before == ',' {
            self.0.push('}');
        }
    }

    fn gauge(&mut self, name: &str, sentence: &str, value: u64) {
        self.head(name, "gauge", sentence);
        self.line(name, &[], value);
    }

    fn counter(&mut self, name: &str, sentence: &str, value: u64) {
        self.head(name, "counter", sentence);
        self.line(name, &[], value);
    }

    /// A counter for each word of a label.
    fn words<L: Label>(&mut self, name: &str, sentence: &str, count: impl Fn(L) -> u64) {
        self.head(name, "counter", sentence);
        for label in L::ALL {
            self.line(name, &[(L::KEY, label.word())], count(*label));
        }
    }

    fn family<A: Label, B: Label>(&mut self, name: &str, sentence: &str, family: &Family<A, B>) {
        self.head(name, "counter", sentence);
        for (one, other) in pairs::<A, B>() {
            self.line(name, &[(A::KEY, one.word()), (B::KEY, other.word())], family.read(one, other));
        }
    }

    fn histogram(&mut self, name: &str, sentence: &str, histogram: &Histogram) {
        self.head(name, "histogram", sentence);
        self.times(name, &[], histogram);
    }

    fn times(&mut self, name: &str, labels: &[(&str, &str)], histogram: &Histogram) {
        let (edges, all, sum) = histogram.read();
        let edges = edges.into_iter().map(|(edge, count)| (edge.to_string(), count));
        for (edge, count) in edges.chain([(String::from("+Inf"), all)]) {
            self.write(format_args!("{name}_bucket"));
            self.labels(labels, Some(&edge));
            self.write(format_args!(" {count}\n"));
        }
        self.line(&format!("{name}_sum"), labels, sum);
        self.line(&format!("{name}_count"), labels, all);
    }

    fn write(&mut self, text: std::fmt::Arguments<'_>) {
        // Writing to a text cannot fail.
        let _ = self.0.write_fmt(text);
    }
}
