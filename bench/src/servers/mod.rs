//! What is measured: the bare limits and Doorward, each in a process with two worker threads.

mod bare;
mod door;
mod floor;
mod hash;
mod stock;
mod tokens;
mod update;

use serde::{Deserialize, Serialize};

use crate::Trouble;

pub(crate) use bare::{serve_axum, serve_hyper};
pub(crate) use door::serve_doorward;
pub(crate) use floor::serve_floor;
pub(crate) use hash::bare_hash;
pub(crate) use tokens::{Again, Verified, verify_tokens};
pub(crate) use update::{Spell, Turned, bare_update};

/// What Doorward calls itself, wherever it listens.
pub(crate) const ISSUER: &str = "http://localhost:8080";
/// Worker threads of every server.
pub(crate) const WORKERS: usize = 2;

/// The key that the keys of all databases here are sealed under, as the configuration takes it: 32 times 7, for nothing
/// here is secret.
pub(crate) const MASTER_TEXT: &str = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc";

/// What a server says once it listens.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Ready {
    /// The port on loopback; 0 if it only made something.
    pub(crate) port: u16,
    /// How long filling took, in seconds, if anything was filled.
    pub(crate) filling: Option<f64>,
}

/// A reply to be given again and again: what Doorward itself answered.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Canned {
    /// Names and values, without `date` and `content-length`, which every server writes itself.
    pub(crate) headers: Vec<(String, String)>,
    /// The body.
    pub(crate) body: String,
}

impl Canned {
    /// What a server answered on a connection that it then closed.
    pub(crate) fn of(answer: &str) -> Result<Self, Trouble> {
        let (head, body) = answer.split_once("\r\n\r\n").ok_or("no answer")?;
        let mut lines = head.lines();
        if !lines.next().is_some_and(|status| status.contains(" 200 ")) {
            return Err(format!("Doorward refuses its own session: {answer}").into());
        }
        let written_by_all = |name: &str| ["date", "content-length", "connection"].contains(&name);
        let headers = lines.filter_map(|line| line.split_once(": ")).filter(|(name, _)| !written_by_all(name));
        let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Ok(Self { headers, body: body.to_owned() })
    }
}

fn runtime() -> Result<tokio::runtime::Runtime, Trouble> {
    Ok(tokio::runtime::Builder::new_multi_thread().worker_threads(WORKERS).enable_all().build()?)
}
