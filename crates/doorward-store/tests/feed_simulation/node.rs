//! One running copy of a verifier: the real replica, with what the network and its machine do to it.

use doorward_core::Timestamp;
use doorward_core::barrier::Who;
use doorward_core::id::VerifierId;
use doorward_verify::feed::{Broken, Cutter, Event, Instance, Ping, Place, Snapshot, StreamKey};
use doorward_verify::kept::{Kept, Verdict};
use doorward_verify::{Cut, Freshness, Judgement, KeySet, Lifetime, Marks, Moment, Policy, Replica, Todo};

use super::chance::Clock;
use super::{Fault, ISSUER, Parcel};

/// The hash of everybody's secret.
pub(crate) const SECRET: [u8; 32] = [9; 32];

/// A stream as its listener sees it.
#[derive(Debug)]
pub(crate) struct Listening {
    pub(crate) conn: u64,
    due: Place,
    cutter: Cutter,
}

/// See the head of this file.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) who: Who,
    pub(crate) replica: Replica,
    pub(crate) lease: Lifetime,
    pub(crate) grace: Lifetime,
    pub(crate) clock: Clock,
    pub(crate) stream: Option<Listening>,
    /// It has asked for a stream, and heard nothing yet.
    pub(crate) calls: Option<u64>,
    pub(crate) fetches: bool,
    /// When something came by the stream last, by true time.
    pub(crate) heard: i64,
    /// When each ping was sent, by true time.
    pub(crate) sent: Vec<i64>,
    /// Records of sessions, by number.
    pub(crate) kept: Vec<(usize, Kept)>,
    pub(crate) has_left: bool,
    key: StreamKey,
    /// When a heartbeat came last, whatever it echoes: for the mistake that times leases by that.
    heartbeat: Option<Moment>,
}

impl Node {
    pub(crate) fn new(verifier: u8, instance: u64, terms: (Lifetime, Lifetime), clock: Clock, now: i64) -> Self {
        let mut bytes = [verifier; 16];
        bytes[8..].copy_from_slice(&instance.to_be_bytes());
        let instance = Instance(bytes);
        Self {
            who: Who { verifier: VerifierId::from_bytes([verifier; 16]), instance },
            replica: Replica::new(instance, terms.0, terms.1),
            lease: terms.0,
            grace: terms.1,
            clock,
            stream: None,
            calls: None,
            fetches: false,
            heard: now,
            sent: Vec::new(),
            kept: Vec::new(),
            has_left: false,
            key: StreamKey::new(&SECRET, &instance),
            heartbeat: None,
        }
    }

    pub(crate) const fn key(&self) -> &StreamKey {
        &self.key
    }

    /// The ping to send now.
    pub(crate) fn ping(&mut self, leaving: bool, now: i64) -> Ping {
        let ping = self.replica.ping(self.clock.moment(now), Vec::new(), leaving);
        self.sent.push(now);
        self.has_left |= leaving;
        ping
    }

    /// A stream is there.
    pub(crate) fn open(&mut self, conn: u64, now: i64) {
        self.calls = None;
        self.heard = now;
        self.stream = Some(Listening { conn, due: Place::Stream(0), cutter: Cutter::new() });
    }

    pub(crate) fn close(&mut self) {
        self.stream = None;
        self.replica.close();
    }

    /// What came by the stream: the event of a number.
    pub(crate) fn hear(&mut self, number: u64, parcel: Parcel, now: i64) -> Todo {
        self.heard = now;
        let Some(stream) = &mut self.stream else { return Todo::default() };
        let opened = match parcel {
            // The tag would be of another place.
            Parcel::Event(_) if stream.due != Place::Stream(number) => Err(Broken::Forged),
            Parcel::Event(event) => Ok(vec![event]),
            Parcel::Bytes(bytes) => {
                stream.cutter.push(&bytes);
                opened(&mut stream.cutter, &self.key, stream.due)
            }
        };
        match opened {
            Ok(events) => {
                for _ in &events {
                    stream.due = stream.due.next();
                }
                self.take(&events, now)
            }
            Err(_) => Todo { reconnect: true, ..Todo::default() },
        }
    }

    /// The answer to a ping; `None` is 409.
    pub(crate) fn answer(&mut self, n: u64, parcels: Option<Vec<Parcel>>, now: i64) -> Todo {
        let Some(parcels) = parcels else {
            return self.replica.give_up_place().and(Todo { reconnect: true, ..Todo::default() });
        };
        let mut cutter = Cutter::new();
        let mut events = Vec::new();
        for parcel in parcels {
            match parcel {
                Parcel::Event(event) => events.push(event),
                Parcel::Bytes(bytes) => cutter.push(&bytes),
            }
        }
        match opened(&mut cutter, &self.key, Place::Ping { ping: n, number: 0 }) {
            Ok(opened) => events.extend(opened),
            Err(broken) => panic!("an answer of ours cannot be opened: {broken}"),
        }
        self.take(&events, now)
    }

    fn take(&mut self, events: &[Event], now: i64) -> Todo {
        let moment = self.clock.moment(now);
        let mut todo = Todo::default();
        for event in events {
            if matches!(event, Event::Echo(_) | Event::Hello(_)) {
                self.heartbeat = Some(moment);
            }
            todo = todo.and(self.replica.receive(event, moment));
            while matches!(event, Event::Range(_)) && self.replica.sweep() {}
        }
        todo
    }

    /// A snapshot came.
    pub(crate) fn restore(
        &mut self,
        bytes: Option<(Vec<u8>, &KeySet)>,
        snapshot: Option<Snapshot>,
        now: i64,
    ) -> Todo {
        let time = self.replica.time(self.clock.moment(now));
        let read = bytes.map(|(mut bytes, keys)| Snapshot::read(&mut bytes, keys, ISSUER, time));
        let Some(snapshot) = read.and_then(Result::ok).or(snapshot) else { return Todo::default() };
        let todo = self.replica.restore(&snapshot);
        while self.replica.sweep() {}
        todo
    }

    /// The time it judges expiry by.
    pub(crate) fn time(&self, now: i64) -> Timestamp {
        self.replica.time(self.clock.moment(now))
    }

    /// What it says of a token on a bounded route with this grace.
    pub(crate) fn judge(&self, marks: &Marks, grace: Lifetime, fault: Fault, now: i64) -> Judgement {
        let moment = self.clock.moment(now);
        if fault == Fault::HeartbeatsTimedOnArrival {
            let fresh = self.replica.was_whole()
                && self.heartbeat.is_some_and(|at| moment.since(at) < self.lease + grace)
                && self.replica.applied().generation == self.replica.generation();
            return match self.replica.index().check(marks) {
                Err(rejection) => Judgement::Reject(rejection),
                Ok(()) if fresh => Judgement::Accept,
                Ok(()) => Judgement::Unknown,
            };
        }
        self.replica.judge(marks, bounded(grace), None, moment)
    }

    /// What a strict route says that has had its echo: that of the last ping which was proven.
    pub(crate) fn judge_strictly(&self, marks: &Marks, now: i64) -> (Judgement, Option<i64>) {
        let (n, policy) = (self.replica.lease().proven(), Policy { freshness: Freshness::Strict, cut: Cut::Deny });
        let judgement = self.replica.judge(marks, policy, Some(n), self.clock.moment(now));
        (judgement, n.checked_sub(1).map(|n| self.sent[n as usize]))
    }

    /// What it says of a session whose record it keeps.
    pub(crate) fn judge_kept(&self, kept: &Kept, grace: Lifetime, now: i64) -> Verdict {
        kept.judge(&self.replica, bounded(grace), None, self.clock.moment(now))
    }
}

fn bounded(grace: Lifetime) -> Policy {
    let cut = if grace == Lifetime::ZERO { Cut::Deny } else { Cut::Grace(grace) };
    Policy { freshness: Freshness::Bounded, cut }
}

fn opened(cutter: &mut Cutter, key: &StreamKey, mut due: Place) -> Result<Vec<Event>, Broken> {
    let mut events = Vec::new();
    while let Some(sealed) = cutter.next()? {
        events.push(sealed.open(key, due)?);
        due = due.next();
    }
    Ok(events)
}
