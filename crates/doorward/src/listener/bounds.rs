//! How many connections, and how long anybody waits for anything on one.

use std::time::Duration;

/// The bounds of a port. Tests make them small.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// The most connections at a time.
    pub connections: usize,
    /// The most of them from one network, an IPv4 address or a /64 of IPv6. Loopback and trusted proxies have no such
    /// bound: behind a proxy stands everybody.
    pub per_network: usize,
    /// So many more are let in to be told that there are too many.
    pub turned_away: usize,
    /// How long a TLS handshake may take.
    pub handshake_within: Duration,
    /// How long the head of a request may take: from the connection's beginning, later from its first byte.
    pub head_within: Duration,
    /// How long a body may take, from when somebody reads it.
    pub body_within: Duration,
    /// How long an answer may take to begin, the reading of the body included.
    pub answer_within: Duration,
    /// How long a caller may read nothing of an answer.
    pub write_within: Duration,
    /// How long nothing may come or go between requests; it may be a quarter less.
    pub idle_within: Duration,
    /// How long a caller who still writes is read over before the connection closes.
    pub linger_within: Duration,
    /// How long requests may take to finish once the process is asked to stop.
    pub drain_within: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            connections: 10_000,
            per_network: 2_500,
            turned_away: 64,
            handshake_within: Duration::from_secs(10),
            head_within: Duration::from_secs(10),
            body_within: Duration::from_secs(30),
            answer_within: Duration::from_secs(50),
            write_within: Duration::from_secs(30),
            idle_within: Duration::from_secs(75),
            linger_within: Duration::from_secs(1),
            drain_within: Duration::from_secs(10),
        }
    }
}
