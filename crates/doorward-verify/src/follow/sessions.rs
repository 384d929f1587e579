//! Opaque sessions: the record of a cookie is fetched once, kept for a while, and looked up in the index on every use.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Semaphore;

use super::Refused;
use super::access::Access;
use super::client::Call;
use super::clock;
use super::flight::{Breaker, Flights};
use super::record::Record;
use super::shared::Shared;
use crate::feed::{MOST_SEEN, sha256};
use crate::json::Malformed;
use crate::{Judgement, Lifetime, Moment, Policy, Rejection, Timestamp, base64url};

const SHARDS: usize = 16;
/// How many records may be under way.
const MOST_FETCHES: usize = 64;
const WITHIN: Duration = Duration::from_secs(2);
const LONGEST: usize = 64 * 1024;
/// A session's use is reported so often at most.
const REPORT: Lifetime = Lifetime::from_secs(60);
/// How many uses may wait to be reported.
const MOST_WAITING: usize = 20_000;
/// Characters of a secret's text behind its prefix.
const SECRET_TEXT: usize = 43 + 6;

#[derive(Clone)]
enum Fetched {
    Record(Arc<Record>),
    /// The server knows no such session.
    Unknown,
    /// The server does not say.
    Nothing,
}

#[derive(Default)]
struct Shard {
    records: HashMap<[u8; 32], Arc<Record>>,
    /// In the order they came.
    order: VecDeque<[u8; 32]>,
}

/// The records.
pub(super) struct Sessions {
    shards: [Mutex<Shard>; SHARDS],
    /// How many a shard may hold.
    most: usize,
    flights: Flights<Fetched>,
    permits: Semaphore,
    breaker: Breaker,
    seen: Mutex<Vec<(String, Timestamp)>>,
}

impl Sessions {
    pub(super) fn new(most: usize) -> Self {
        Self {
            shards: Default::default(),
            most: most.div_ceil(SHARDS).max(1),
            flights: Flights::default(),
            permits: Semaphore::new(MOST_FETCHES),
            breaker: Breaker::default(),
            seen: Mutex::default(),
        }
    }

    fn shard(&self, hash: &[u8; 32]) -> MutexGuard<'_, Shard> {
        self.shards[usize::from(hash[0]) % SHARDS].lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn find(&self, hash: &[u8; 32]) -> Option<Arc<Record>> {
        self.shard(hash).records.get(hash).cloned()
    }

    fn forget(&self, hash: &[u8; 32]) {
        // Its place in the order stays, and is worth nothing.
        self.shard(hash).records.remove(hash);
    }

    fn keep(&self, hash: [u8; 32], record: Arc<Record>) {
        let mut shard = self.shard(&hash);
        if shard.records.insert(hash, record).is_none() {
            shard.order.push_back(hash);
        }
        while shard.records.len() > self.most || shard.order.len() > self.most * 2 {
            let Some(oldest) = shard.order.pop_front() else { break };
            shard.records.remove(&oldest);
        }
    }

    /// How many are kept.
    pub(super) fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock().unwrap_or_else(PoisonError::into_inner).records.len()).sum()
    }

    /// Notes a use, at most once a minute for a session.
    fn note(&self, record: &Record, now: Moment, time: Timestamp) {
        let (running, last) = (now.running.millis(), record.reported.load(Ordering::Relaxed));
        let Some(session) = record.access.session_id.as_ref() else { return };
        if running.saturating_sub(last) < REPORT.millis()
            || record.reported.compare_exchange(last, running, Ordering::Relaxed, Ordering::Relaxed).is_err()
        {
            return;
        }
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.len() < MOST_WAITING {
            seen.push((session.clone(), time));
        }
    }

    /// What the next ping reports.
    pub(super) fn seen(&self) -> Vec<(String, Timestamp)> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let count = seen.len().min(MOST_SEEN);
        let rest = seen.split_off(count);
        std::mem::replace(&mut *seen, rest)
    }
}

/// Judges the secret of a session.
pub(super) async fn judge(shared: &Arc<Shared>, secret: &str, policy: Policy) -> Result<Access, Refused> {
    let hash = hash_of(secret).ok_or(Refused::SessionUnknown)?;
    let sessions = &shared.sessions;
    if let Some(record) = sessions.find(&hash) {
        match judge_record(shared, &record, policy).await {
            // Renewed, or too old, or there is nobody but the server to ask: its record says.
            Verdict::FetchAgain => sessions.forget(&hash),
            Verdict::Accept => return Ok(record.access.clone()),
            Verdict::Refuse(refused) => return Err(refused),
        }
    }
    let record = match fetch_once(shared, hash).await {
        Fetched::Record(record) => record,
        Fetched::Unknown => return Err(Refused::SessionUnknown),
        Fetched::Nothing => return Err(Refused::Unknown),
    };
    match judge_record(shared, &record, policy).await {
        Verdict::Accept => Ok(record.access.clone()),
        Verdict::Refuse(refused) => Err(refused),
        Verdict::FetchAgain => {
            let now = clock::now();
            let marks = &record.access.marks;
            match shared.read().index().check(marks) {
                // The server has only just said that it is alive, and no entry speaks against it.
                Ok(()) if !is_over(&record, now, shared.read().time(now)) => Ok(record.access.clone()),
                Ok(()) => Err(Refused::SessionExpired),
                Err(rejection) => Err(ended(rejection)),
            }
        }
    }
}

enum Verdict {
    Accept,
    Refuse(Refused),
    FetchAgain,
}

/// Has it run out, or is it too old to go by?
fn is_over(record: &Record, now: Moment, time: Timestamp) -> bool {
    time >= record.idle_expires_at || now.since(record.read) >= record.keep
}

async fn judge_record(shared: &Arc<Shared>, record: &Record, policy: Policy) -> Verdict {
    let now = clock::now();
    let time = shared.read().time(now);
    if time >= record.access.expires_at {
        return Verdict::Refuse(Refused::SessionExpired);
    }
    if is_over(record, now, time) {
        return Verdict::FetchAgain;
    }
    let marks = &record.access.marks;
    let (mut judgement, is_ahead, generation) = {
        let replica = shared.read();
        (replica.judge(marks, policy, None, now), replica.lags(marks.at), replica.generation())
    };
    if let Some(at) = marks.at.filter(|_| is_ahead) {
        shared.notice(at, generation);
    }
    if judgement == Judgement::Wait {
        judgement = super::strictly(shared, marks, policy).await;
    }
    match judgement {
        Judgement::Accept => {
            shared.sessions.note(record, now, time);
            Verdict::Accept
        }
        Judgement::Reject(Rejection::TokenStale) | Judgement::Introspect => Verdict::FetchAgain,
        Judgement::Reject(rejection) => Verdict::Refuse(ended(rejection)),
        Judgement::Unknown | Judgement::Wait => Verdict::Refuse(Refused::Unknown),
    }
}

const fn ended(rejection: Rejection) -> Refused {
    match rejection {
        Rejection::TokenRevoked => Refused::SessionEnded,
        other => Refused::Rejected(other),
    }
}

/// The hash that names the record of a secret's text.
fn hash_of(secret: &str) -> Option<[u8; 32]> {
    let body = secret.strip_prefix("dws_").filter(|body| body.len() == SECRET_TEXT && body.is_ascii())?;
    let mut bytes = [0; 32];
    let read = base64url::decode_into(&body.as_bytes()[..43], &mut bytes)?.len();
    (read == 32).then(|| sha256(&bytes))
}

async fn fetch_once(shared: &Arc<Shared>, hash: [u8; 32]) -> Fetched {
    let sessions = &shared.sessions;
    let work = || async {
        let Ok(_permit) = sessions.permits.acquire().await else { return Fetched::Nothing };
        if !sessions.breaker.lets_through(clock::now()) {
            return Fetched::Nothing;
        }
        let fetched = fetch(shared, hash).await;
        sessions.breaker.record(!matches!(fetched, Fetched::Nothing), clock::now());
        if let Fetched::Record(record) = &fetched {
            sessions.keep(hash, Arc::clone(record));
        }
        fetched
    };
    sessions.flights.once(hash, work).await
}

async fn fetch(shared: &Shared, hash: [u8; 32]) -> Fetched {
    // As of before the question was asked.
    let read = clock::now();
    let call = Call::get(format!("/v1/feed/sessions/{}", base64url::encode(&hash)), "application/json");
    let Ok(mut answer) = shared.client.call(&call, LONGEST, WITHIN).await else { return Fetched::Nothing };
    match answer.head.status.as_u16() {
        200 => match Record::parse(&mut answer.body, read) {
            Ok(record) => Fetched::Record(Arc::new(record)),
            Err(Malformed) => Fetched::Nothing,
        },
        404 => Fetched::Unknown,
        _ => Fetched::Nothing,
    }
}
