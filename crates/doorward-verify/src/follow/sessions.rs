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
use crate::kept::Verdict;
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
    /// It was asked for after we came.
    Record(Arc<Record>),
    /// Somebody had asked before us; it is as good as any that is kept.
    Kept(Arc<Record>),
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

    /// Puts back what [`Self::seen`] gave and nobody heard.
    pub(super) fn report_again(&self, mut unheard: Vec<(String, Timestamp)>) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        unheard.append(&mut seen);
        unheard.truncate(MOST_WAITING);
        *seen = unheard;
    }
}

/// So often a record is fetched for one request, if each was overtaken by a renewal on its way.
const FETCHES: usize = 3;

/// Judges the secret of a session.
pub(super) async fn judge(shared: &Arc<Shared>, secret: &str, policy: Policy) -> Result<Access, Refused> {
    let hash = hash_of(secret).ok_or(Refused::SessionUnknown)?;
    let sessions = &shared.sessions;
    if let Some(record) = sessions.find(&hash) {
        match judge_record(shared, &record, policy).await {
            // Renewed, or too old, or there is nobody but the server to ask: its record says.
            Verdict::FetchAgain => sessions.forget(&hash),
            verdict => return settled(verdict, &record),
        }
    }
    for _ in 0..FETCHES {
        let (record, is_new) = match fetch_once(shared, hash).await {
            Fetched::Record(record) => (record, true),
            Fetched::Kept(record) => (record, false),
            Fetched::Unknown => return Err(Refused::SessionUnknown),
            Fetched::Nothing => return Err(Refused::Unknown),
        };
        match judge_record(shared, &record, policy).await {
            Verdict::FetchAgain if is_new => {}
            Verdict::FetchAgain => {
                sessions.forget(&hash);
                continue;
            }
            verdict => return settled(verdict, &record),
        }
        let now = clock::now();
        let (checked, time) = {
            let replica = shared.read();
            (replica.index().check(&record.access.marks), replica.time(now))
        };
        match checked {
            // The server has only just said that it is alive, and no entry speaks against it.
            Ok(()) if !record.kept().is_over(now, time) => return Ok(record.access.clone()),
            Ok(()) => return Err(Refused::SessionExpired),
            // Something was renewed after the server had read the record: no reason to send anybody away.
            Err(Rejection::TokenStale) => sessions.forget(&hash),
            Err(rejection) => return Err(ended(rejection)),
        }
    }
    Err(Refused::Unknown)
}

/// What a verdict means to whoever shows the secret.
fn settled(verdict: Verdict, record: &Record) -> Result<Access, Refused> {
    match verdict {
        Verdict::Judged(Judgement::Accept) => Ok(record.access.clone()),
        Verdict::Judged(Judgement::Reject(rejection)) => Err(ended(rejection)),
        Verdict::Expired => Err(Refused::SessionExpired),
        Verdict::FetchAgain | Verdict::Judged(Judgement::Unknown | Judgement::Wait | Judgement::Introspect) => {
            Err(Refused::Unknown)
        }
    }
}

async fn judge_record(shared: &Arc<Shared>, record: &Record, policy: Policy) -> Verdict {
    let now = clock::now();
    let (kept, marks) = (record.kept(), &record.access.marks);
    let (mut verdict, is_ahead, generation, time) = {
        let replica = shared.read();
        let verdict = kept.judge(&replica, policy, None, now);
        (verdict, replica.lags(marks.at), replica.generation(), replica.time(now))
    };
    let Verdict::Judged(judgement) = verdict else { return verdict };
    if let Some(at) = marks.at.filter(|_| is_ahead) {
        shared.notice(at, generation);
    }
    if judgement == Judgement::Wait {
        let asked = super::strictly(shared).await;
        verdict = kept.judge(&shared.read(), policy, Some(asked), clock::now());
    }
    if verdict == Verdict::Judged(Judgement::Accept) {
        shared.sessions.note(record, now, time);
    }
    verdict
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
        if let Some(record) = sessions.find(&hash) {
            return Fetched::Kept(record);
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> Arc<Record> {
        let json = r#"{"sid":"ses_a","client_id":"web","rv":"7:9","expires_at":5,"idle_expires_at":4,"keep_ms":3}"#;
        let record = Record::parse(&mut json.as_bytes().to_vec(), Moment::default());
        Arc::new(record.unwrap_or_else(|_| panic!("readable")))
    }

    /// A hash of the first shard.
    fn hash(number: u8) -> [u8; 32] {
        let mut hash = [0; 32];
        hash[1] = number;
        hash
    }

    #[test]
    fn of_more_records_than_there_is_room_for_the_newest_stay() {
        let sessions = Sessions::new(2 * SHARDS);
        for number in 1..=9 {
            sessions.keep(hash(number), record());
            assert_eq!(sessions.len(), usize::from(number.min(2)));
            assert!(sessions.find(&hash(number)).is_some());
            assert_eq!(sessions.find(&hash(number - 1)).is_some(), number > 1);
        }
    }

    #[test]
    fn what_is_renewed_again_and_again_fills_no_memory() {
        let sessions = Sessions::new(4 * SHARDS);
        for turn in 1..=100 {
            sessions.keep(hash(1), record());
            let held = sessions.shard(&hash(1)).order.len();
            assert!(held <= 8, "{held} places for one record");
            if turn <= 8 {
                assert_eq!((held, sessions.len()), (turn, 1), "twice as many places as records may be held");
            }
            sessions.forget(&hash(1));
            assert_eq!(sessions.len(), 0);
        }
    }

    #[test]
    fn a_use_is_noted_once_a_minute_and_only_so_many_wait() {
        let sessions = Sessions::new(16);
        let (record, time) = (record(), Timestamp::from_secs(9));
        let at = |millis: i64| Moment { running: Lifetime::from_millis(millis), wall: time };
        for (millis, noted) in [(0, 1), (59_999, 0), (60_000, 1), (60_001, 0), (119_999, 0), (120_000, 1)] {
            sessions.note(&record, at(millis), time);
            assert_eq!(sessions.seen(), vec![("ses_a".to_owned(), time); noted], "after {millis} ms");
        }
        for turn in 0..MOST_WAITING + 5 {
            sessions.note(&record, at(60_000 * (turn as i64 + 10)), time);
        }
        let mut waiting = 0;
        loop {
            match sessions.seen().len() {
                0 => break,
                count => {
                    assert!(count <= MOST_SEEN);
                    waiting += count;
                }
            }
        }
        assert_eq!(waiting, MOST_WAITING);
    }
}
