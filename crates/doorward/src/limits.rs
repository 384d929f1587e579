//! Every limit of the server in one table, with what happens one past it. `docs/limits.md` is its print; the numbers
//! are the constants that the code obeys.

use std::time::Duration;

use doorward_core::budget::{SESSIONS_OF_ONE, SESSIONS_OF_ONE_IF_TIGHT};
use doorward_core::password::foreign;
use doorward_core::throttle::Delays;
use doorward_core::{Lifetime, MOST_ROLES, client, data, login, password, policy, role, user, verifier};
use doorward_store::sqlite::WRITER_QUEUE;
use doorward_verify::feed::{LONGEST_PING, MOST_SEEN};
use doorward_verify::{json, token};

use crate::cli::PATIENCE;
use crate::flows::feed::AT_ONCE;
use crate::flows::patience::LONGEST;
use crate::hashing::WAITING_PER_THREAD;
use crate::http::pages::{overrides, return_to};
use crate::http::{admin, body};
use crate::hub::{COPIES, FeedSettings};
use crate::import;
use crate::listener::bounds::Bounds;
use crate::listener::framing::{EXTENSION_LARGEST, FIELDS_MOST, HEAD_LARGEST, LINE_LARGEST};
use crate::listener::gate::LINGER_BYTES;
use crate::throttle::{ACCOUNTS, NETWORKS, PENDING};
use crate::uses;

/// A limit.
#[derive(Debug)]
pub struct Limit {
    /// Of what.
    pub what: &'static str,
    /// The last that is let through.
    pub bound: String,
    /// What happens to the next.
    pub past: &'static str,
}

/// Limits that belong together.
#[derive(Debug)]
pub struct Group {
    /// Their heading.
    pub title: &'static str,
    /// The limits.
    pub limits: Vec<Limit>,
}

fn limit(what: &'static str, bound: impl Into<String>, past: &'static str) -> Limit {
    Limit { what, bound: bound.into(), past }
}

/// Every limit there is.
pub fn groups() -> Vec<Group> {
    vec![
        Group { title: "Connections", limits: connections() },
        Group { title: "Time", limits: time() },
        Group { title: "Requests on the wire", limits: wire() },
        Group { title: "Bodies and their members", limits: bodies() },
        Group { title: "Credentials", limits: credentials() },
        Group { title: "Session data", limits: session_data() },
        Group { title: "Guessing", limits: guessing() },
        Group { title: "Queues and memory", limits: queues() },
        Group { title: "The revocation feed", limits: feed() },
        Group { title: "Lists", limits: lists() },
        Group { title: "What operators bring", limits: brought() },
    ]
}

fn connections() -> Vec<Limit> {
    let bounds = Bounds::default();
    vec![
        limit("connections at a time (`connections.most`)", count(bounds.connections), "503 `overloaded`, and close"),
        limit(
            "of these from one IPv4 address or /64 of IPv6 (`connections.per_network`; not loopback, not trusted proxies)",
            count(bounds.per_network),
            "503 `overloaded`, and close",
        ),
        limit("connections that are being told so", count(bounds.turned_away), "close without a word"),
    ]
}

fn time() -> Vec<Limit> {
    let bounds = Bounds::default();
    vec![
        limit("a TLS handshake", seconds(bounds.handshake_within), "close"),
        limit(
            "the head of a request, from its first byte, the first one from the connection's beginning",
            seconds(bounds.head_within),
            "408 `too_slow`, and close; without a byte, close",
        ),
        limit("a body, from when it is read", seconds(bounds.body_within), "408 `too_slow`, and close"),
        limit("an answer until it begins", seconds(bounds.answer_within), "503 `overloaded`"),
        limit("nothing of an answer is read", seconds(bounds.write_within), "close"),
        limit(
            "nothing comes or goes between requests",
            format!("{}, at least three quarters of it", seconds(bounds.idle_within)),
            "close",
        ),
        limit(
            "what is still sent after a refusal is read over",
            format!("{}, {} KiB", seconds(bounds.linger_within), LINGER_BYTES / 1024),
            "close",
        ),
        limit(
            "requests and verbs under way once the server is asked to stop",
            seconds(bounds.drain_within),
            "close; a change is cut off, and logged",
        ),
        limit(
            "a verb's wait for the server",
            seconds(PATIENCE),
            "code 4; a change is carried on by the server, and logged",
        ),
    ]
}

fn wire() -> Vec<Limit> {
    vec![
        limit("the request line", bytes(LINE_LARGEST), "414 `target_too_long`, and close"),
        limit("a field of the head, such as `Cookie`", bytes(LINE_LARGEST), "431 `head_too_large`, and close"),
        limit("fields of a head", count(FIELDS_MOST), "431 `head_too_large`, and close"),
        limit("a head", bytes(HEAD_LARGEST), "431 `head_too_large`, and close"),
        limit("extensions of a chunk", bytes(EXTENSION_LARGEST), "400 `malformed_request`, and close"),
        limit("trailers", "none", "400 `malformed_request`, and close"),
        limit("content codings of a body", "none", "415 `unsupported_media_type`"),
    ]
}

fn bodies() -> Vec<Limit> {
    vec![
        limit("a body of JSON or of a form", bytes(body::LARGEST), "413 `too_large`, and close if it was not read"),
        limit(
            "an e-mail address",
            bytes(user::EMAIL_LONGEST),
            "400 `invalid_field`; signing in: 401 `invalid_credentials`",
        ),
        limit("a name", format!("{} characters", user::NAME_LONGEST), "400 `invalid_field`"),
        limit("a person's roles", count(MOST_ROLES), "400 `invalid_field`"),
        limit("a role", bytes(role::ROLE_LONGEST), "400 `invalid_field`"),
        limit("an attempt key", "16 to 64 characters", "400 `invalid_field`"),
        limit("a client's id", "3 to 64 characters", "403 `client_unknown`"),
        limit("a client's lists (origins, audiences …)", count(client::LIST_MOST), "400 `invalid_field`"),
        limit("an audience of a client", bytes(verifier::AUDIENCE_LONGEST), "422 `client_unfit`"),
        limit("a scope of a client", bytes(client::SCOPE_LONGEST), "422 `client_unfit`"),
        limit("`return_to` of a page", bytes(return_to::LONGEST), "it is not followed"),
    ]
}

fn credentials() -> Vec<Limit> {
    vec![
        limit(
            "a password",
            format!("{} to {} characters", password::SHORTEST, password::LONGEST),
            "422 `password_weak`; signing in: 401 `invalid_credentials`",
        ),
        limit("an access token", bytes(token::LONGEST), "401 `token_invalid`"),
        limit("its header", bytes(token::LONGEST_HEADER), "401 `token_invalid`"),
        limit("its claims, nested", format!("{} deep", json::DEEPEST), "401 `token_invalid`"),
        limit("its claims, members of an object", count(json::MOST_MEMBERS), "401 `token_invalid`"),
        limit("the life of an access token", minutes(policy::ACCESS_LONGEST), "422 `client_unfit`"),
        limit("session cookies of a request", count(1), "400 `ambiguous_credentials`"),
        limit(
            "sessions of one person that are alive",
            count(login::MOST_SESSIONS),
            "the one used longest ago ends: `crowded_out`",
        ),
        limit("secrets of a client", count(2), "422 `client_unfit`"),
    ]
}

fn session_data() -> Vec<Limit> {
    vec![
        limit("a value", bytes(data::VALUE_LARGEST), "413 `too_large`"),
        limit("a value, nested", format!("{} deep", data::VALUE_DEEPEST), "400 `invalid_json`"),
        limit("a key", "1 to 64 characters", "400 `invalid_field`"),
        limit("keys of a session", count(data::KEYS_MOST), "507 `quota_exceeded`"),
        limit("values of a session together", bytes(data::TOTAL_LARGEST), "507 `quota_exceeded`"),
    ]
}

fn guessing() -> Vec<Limit> {
    let delays = Delays::default();
    vec![
        limit(
            "wrong passwords of one account in a row that cost no wait",
            count(delays.free as usize),
            "429 `too_many_attempts` until the wait is over, which doubles each time",
        ),
        limit(
            "tries of one network (`throttle.burst`, `throttle.per_minute`)",
            "60, then 30 a minute",
            "429 `too_many_attempts`",
        ),
        limit(
            "guests' sessions that one network opens (the same keys)",
            "60, then 30 a minute",
            "429 `too_many_attempts`",
        ),
        limit(
            "tries that wait for the outcome of others at the same account",
            count(PENDING),
            "429 `too_many_attempts`",
        ),
    ]
}

fn queues() -> Vec<Limit> {
    vec![
        limit(
            "passwords that wait to be hashed, for each hashing thread",
            count(WAITING_PER_THREAD),
            "503 `overloaded`",
        ),
        limit(
            "changes that wait to be written (SQLite)",
            count(WRITER_QUEUE),
            "the next waits, as long as an answer may take",
        ),
        limit("sessions in memory (`cache.records`)", "100,000", "the one unused longest is read again when needed"),
        limit("accounts with wrong passwords that are remembered", count(ACCOUNTS), "the least is forgotten"),
        limit(
            "networks whose tries are remembered",
            count(NETWORKS),
            "the one that is whole again first is forgotten",
        ),
        limit(
            "uses of sessions that wait to be written down; as many more by the word of each verifier",
            count(uses::MOST),
            "left to the next use",
        ),
    ]
}

fn feed() -> Vec<Limit> {
    let granted = FeedSettings::default();
    vec![
        limit("entries that are live (`feed.budget`)", count(granted.budget), "they become coarser; none is dropped"),
        limit(
            "ended sessions of one person that are named one by one",
            format!(
                "{}, and {} once the feed is half full",
                count(SESSIONS_OF_ONE as usize),
                count(SESSIONS_OF_ONE_IF_TIGHT as usize)
            ),
            "all tokens of that person renew; a JWT that cannot ends early",
        ),
        limit("streams at a time (`feed.connections`)", count(granted.connections), "503 `overloaded`"),
        limit("of these from one verifier: three quarters", count(granted.of_one()), "503 `overloaded`"),
        limit("running copies of one verifier", count(COPIES), "503 `overloaded`"),
        limit(
            "a lease, a grace (`feed.lease_most_ms`, `feed.grace_most_ms`)",
            format!("{} ms, {} ms", granted.lease_most.millis(), granted.grace_most.millis()),
            "400 `lease_too_long`",
        ),
        limit("a ping", bytes(LONGEST_PING), "413 `too_large`"),
        limit("sessions whose use a ping reports", count(MOST_SEEN), "400 `invalid_json`"),
        limit("entries of one range", count(AT_ONCE), "`need` snapshot"),
        limit(
            "a wait for all verifiers",
            format!("the longest lease and grace, {} s", LONGEST.secs()),
            "the receipt says `nodes`",
        ),
        limit(
            "a wait until all verifiers hold a new key (`keys.feed_only`)",
            format!("the longest lease, {} s", LONGEST.secs()),
            "409 `keys_not_ready`, unless `--hurry`",
        ),
        limit("a stream that no ping names", "45 s, at most 60", "it ends"),
    ]
}

fn lists() -> Vec<Limit> {
    vec![
        limit("entries of an operator's list, unless told", count(admin::USUAL as usize), "`next_cursor` leads on"),
        limit("entries of an operator's list", count(admin::MOST as usize), "as many as may be"),
    ]
}

fn brought() -> Vec<Limit> {
    let argon2 = foreign::ARGON2_DEAREST;
    vec![
        limit("a row of a file of people", bytes(import::LONGEST_ROW), "`row_malformed` in the report"),
        limit("rows of a batch together", bytes(body::LARGEST_BATCH), "413 `too_large`"),
        limit("a password hash from elsewhere", bytes(foreign::LONGEST), "`hash_malformed` in the report"),
        limit(
            "its cost, as Argon2",
            format!("{} MiB, {} passes, {} lanes", argon2.memory_kib / 1024, argon2.passes, argon2.lanes),
            "`hash_too_costly` in the report",
        ),
        limit("its cost, as bcrypt", foreign::BCRYPT_DEAREST.to_string(), "`hash_too_costly` in the report"),
        limit(
            "its cost, as scrypt",
            format!("{} MiB, N·r·p of {}", foreign::SCRYPT_MEMORY / 1024 / 1024, foreign::SCRYPT_WORK),
            "`hash_too_costly` in the report",
        ),
        limit(
            "its cost, as PBKDF2",
            format!("{} rounds over all blocks", count(foreign::PBKDF2_ROUNDS as usize)),
            "`hash_too_costly` in the report",
        ),
        limit("a template of one's own", bytes(overrides::LARGEST as usize), "the door does not open"),
    ]
}

fn count(number: usize) -> String {
    let digits = number.to_string();
    let groups: Vec<_> = digits.as_bytes().rchunks(3).rev().map(String::from_utf8_lossy).collect();
    groups.join(",")
}

fn bytes(number: usize) -> String {
    if number >= 2048 && number.is_multiple_of(1024) {
        format!("{} KiB", number / 1024)
    } else {
        format!("{} bytes", count(number))
    }
}

fn seconds(span: Duration) -> String {
    format!("{} s", span.as_secs())
}

fn minutes(span: Lifetime) -> String {
    format!("{} min", span.secs() / 60)
}

/// The text of `docs/limits.md`.
pub fn document() -> String {
    let mut text = String::from(HEAD);
    for group in groups() {
        text.push_str(&format!("\n## {}\n\n| limit | at most | the next |\n|---|---|---|\n", group.title));
        for Limit { what, bound, past } in group.limits {
            text.push_str(&format!("| {what} | {bound} | {past} |\n"));
        }
    }
    text
}

const HEAD: &str = "# Limits

<!-- Written by `cargo xtask docs` from the table of limits; change it there. -->

Sizes, counts, queues and waits are bounded, and this is all of them. What is kept for good grows only as fast as these
limits let it: people, and the audit log, which forgets nothing. Where a key of the configuration stands behind a limit, the
number is its default. Who meets a limit is told by a status and a code (`docs/errors.md`), or the connection is closed.
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_for_people() {
        assert_eq!([count(7), count(1000), count(1_234_567)], ["7", "1,000", "1,234,567"]);
        assert_eq!([bytes(254), bytes(1024), bytes(8192)], ["254 bytes", "1,024 bytes", "8 KiB"]);
    }

    #[test]
    fn no_limit_stands_twice_and_none_is_without_consequence() {
        let all: Vec<_> = groups().into_iter().flat_map(|group| group.limits).collect();
        for (place, limit) in all.iter().enumerate() {
            assert!(!limit.bound.is_empty() && !limit.past.is_empty(), "{limit:?}");
            assert!(all[..place].iter().all(|other| other.what != limit.what), "{} stands twice", limit.what);
        }
    }
}
