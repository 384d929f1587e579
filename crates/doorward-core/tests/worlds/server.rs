//! The server of the small worlds: one session row, the real rule, and the store's conditional write.
//!
//! Rows are interned and the rule's answers remembered, because millions of states share a few thousand rows. Every row
//! is examined once, at every age it can have, for what must hold of it whoever asks (RT1, RT4, RT5).

use std::collections::HashMap;
use std::hash::BuildHasherDefault;

use doorward_core::client::{AttemptKey, Client};
use doorward_core::policy::RefreshPolicy;
use doorward_core::refresh::{Attempt, Authentic, Circumstances, Credential, Decision, Refusal, Turn, decide};
use doorward_core::session::{AttemptHash, EndReason, Ended, Epochs, Generation, Retired, Ring, Session};
use doorward_core::{Lifetime, Position};

use super::search::Mixer;
use crate::sample;

/// The rule, or a broken one.
pub(crate) type Rule = fn(&Session, Credential, Option<Attempt>, Circumstances<'_>) -> Decision;

/// The name of a row; equal names are equal rows.
pub(crate) type RowId = u32;

/// No attempt key.
pub(crate) const KEYLESS: u8 = 0;
/// The thief's own attempt key.
pub(crate) const THIEF: u8 = 29;
/// A key that nobody in the world has drawn.
pub(crate) const STRANGE: u8 = 30;
const KEYS: u8 = 31;
const GENERATIONS: u32 = 64;
/// Where the session was born; a later terminal epoch kills it.
pub(crate) const BORN: u8 = 1;
const NEXT_REFRESH_KEY: u8 = 2;

/// What a session row comes to in a small world.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Row {
    pub(crate) generation: u8,
    pub(crate) keyed: bool,
    pub(crate) ended: bool,
    /// The terminal epoch that applies.
    pub(crate) terminal: u8,
    pub(crate) ring: Vec<Past>,
}

/// One retired generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Past {
    pub(crate) generation: u8,
    pub(crate) key: u8,
    /// In ticks; what is older than [`Settings::oldest`] is only old.
    pub(crate) age: u8,
    pub(crate) displaced: bool,
}

/// What the rule says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Answer {
    Refused(Why),
    /// The current generation again.
    Same(u8),
    /// A turn, still to be committed.
    Turned(Due),
    Reuse,
}

/// [`Refusal`], in an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Why {
    Invalid,
    Over,
    Superseded,
    Busy,
    Reused,
}

/// A turn with its preconditions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Due {
    pub(crate) from: u8,
    pub(crate) from_epoch: u8,
    pub(crate) after: RowId,
}

/// How a world's server is set.
#[derive(Clone, Copy)]
pub(crate) struct Settings {
    pub(crate) rule: Rule,
    pub(crate) attempt_key: AttemptKey,
    /// W, in ticks.
    pub(crate) leeway: i64,
    /// How long a keyless client's token may displace, in ticks.
    pub(crate) displace: i64,
    /// Ages from this on are not told apart: beyond W and `displace` even for a clock that is a tick behind.
    pub(crate) oldest: u8,
    /// Does the store look at `from` before it writes?
    pub(crate) honour_from: bool,
    /// Does the store look at `from_epoch` before it writes?
    pub(crate) honour_epoch: bool,
    /// Is every row examined, whoever asks?
    pub(crate) examine: bool,
}

impl Settings {
    /// The real rule with W of one tick, for clients that send keys.
    pub(crate) const KEYED: Self = Self {
        rule: decide,
        attempt_key: AttemptKey::Required,
        leeway: 1,
        displace: 3,
        oldest: 3,
        honour_from: true,
        honour_epoch: true,
        examine: true,
    };
    /// The same for plain OAuth libraries; a displacing retry has three ticks.
    pub(crate) const KEYLESS: Self = Self { attempt_key: AttemptKey::Optional, oldest: 5, ..Self::KEYED };
}

type Map<K, V> = HashMap<K, V, BuildHasherDefault<Mixer>>;

/// See the module.
pub(crate) struct Server {
    pub(crate) settings: Settings,
    client: Client,
    template: Session,
    tokens: Vec<Authentic>,
    attempts: Vec<Attempt>,
    hashes: Vec<AttemptHash>,
    rows: Vec<Row>,
    names: Map<Row, RowId>,
    answers: Map<(RowId, u8, u8, u8), Answer>,
    aged: Map<RowId, RowId>,
    examined: Map<RowId, Option<&'static str>>,
}

const TICK: Lifetime = Lifetime::from_secs(1);

impl Server {
    pub(crate) fn new(settings: Settings) -> Self {
        let template = sample::session();
        let attempts: Vec<Attempt> = (0..KEYS).map(sample::attempt).collect();
        let mut server = Self {
            settings,
            client: sample::client(settings.attempt_key),
            tokens: (0..GENERATIONS).map(|generation| sample::authentic(&template, generation)).collect(),
            hashes: Vec::new(),
            attempts,
            template,
            rows: Vec::new(),
            names: Map::default(),
            answers: Map::default(),
            aged: Map::default(),
            examined: Map::default(),
        };
        server.hashes = (0..KEYS).map(|key| server.hash_of(key)).collect();
        server
    }

    /// A row as it was opened.
    pub(crate) fn opened(&mut self) -> RowId {
        self.name(Row { generation: 0, keyed: false, ended: false, terminal: 0, ring: Vec::new() })
    }

    /// The row of this name.
    pub(crate) fn row(&self, row: RowId) -> &Row {
        &self.rows[row as usize]
    }

    /// The name of a row.
    pub(crate) fn name(&mut self, row: Row) -> RowId {
        if let Some(&name) = self.names.get(&row) {
            return name;
        }
        let name = self.rows.len() as RowId;
        self.rows.push(row.clone());
        self.names.insert(row, name);
        name
    }

    /// The row a tick later.
    pub(crate) fn later(&mut self, row: RowId) -> RowId {
        if let Some(&aged) = self.aged.get(&row) {
            return aged;
        }
        let mut older = self.row(row).clone();
        for past in &mut older.ring {
            past.age = (past.age + 1).min(self.settings.oldest);
        }
        let aged = self.name(older);
        self.aged.insert(row, aged);
        aged
    }

    /// The row that many ticks later.
    pub(crate) fn later_by(&mut self, row: RowId, ticks: u8) -> RowId {
        (0..ticks).fold(row, |row, _| self.later(row))
    }

    /// How long ago a generation was retired; 0 if it was not.
    pub(crate) fn age(&self, row: RowId, generation: u8) -> u8 {
        self.row(row).ring.iter().find(|past| past.generation == generation).map_or(0, |past| past.age)
    }

    /// So many ticks are more than W.
    pub(crate) const fn beyond_w(&self) -> u8 {
        (self.settings.leeway + 1) as u8
    }

    /// Is it dead?
    pub(crate) fn is_over(&self, row: RowId) -> bool {
        let row = self.row(row);
        row.ended || row.terminal > BORN
    }

    /// What the rule says to this token under this key.
    pub(crate) fn ask(&mut self, row: RowId, generation: u8, key: u8) -> Answer {
        self.ask_behind(row, generation, key, 0)
    }

    /// The same for a server that read its clock that many ticks ago.
    pub(crate) fn ask_behind(&mut self, row: RowId, generation: u8, key: u8, behind: u8) -> Answer {
        if let Some(&answer) = self.answers.get(&(row, generation, key, behind)) {
            return answer;
        }
        let answer = match self.decision(row, (generation, key), sample::REFRESH_KEY, behind) {
            Decision::Refuse(why) => Answer::Refused(why.into()),
            Decision::Repeat => Answer::Same(self.row(row).generation),
            Decision::Rotate(turn) => Answer::Turned(self.due(row, &turn)),
            Decision::End => Answer::Reuse,
        };
        self.answers.insert((row, generation, key, behind), answer);
        answer
    }

    /// The store's conditional write. `None` is a conflict.
    pub(crate) fn commit(&mut self, row: RowId, due: Due) -> Option<RowId> {
        let (now, after) = (self.row(row), self.row(due.after));
        let moved_on = self.settings.honour_from && now.generation != due.from;
        let suspended = self.settings.honour_epoch && now.terminal > due.from_epoch;
        if now.ended || moved_on || suspended {
            return None;
        }
        let written = Row { terminal: now.terminal, ended: now.ended, ..after.clone() };
        Some(self.name(written))
    }

    /// The row once it is ended: never a conflict.
    pub(crate) fn end(&mut self, row: RowId) -> RowId {
        let ended = Row { ended: true, ..self.row(row).clone() };
        self.name(ended)
    }

    /// The row once its user is suspended.
    pub(crate) fn suspend(&mut self, row: RowId, terminal: u8) -> RowId {
        let suspended = Row { terminal, ..self.row(row).clone() };
        self.name(suspended)
    }

    /// What is wrong with a row, whoever asks.
    pub(crate) fn examine(&mut self, row: RowId) -> Option<&'static str> {
        if !self.settings.examine {
            return None;
        }
        if let Some(&fault) = self.examined.get(&row) {
            return fault;
        }
        let fault = if self.is_over(row) { self.examine_over(row) } else { self.examine_live(row) };
        self.examined.insert(row, fault);
        fault
    }

    /// RT5: after the end nothing refreshes.
    fn examine_over(&mut self, row: RowId) -> Option<&'static str> {
        let newest = self.row(row).generation + 2;
        let dead = (0..=newest)
            .all(|generation| (0..KEYS).all(|key| self.ask(row, generation, key) == Answer::Refused(Why::Over)));
        (!dead).then_some("RT5: something refreshes after the end")
    }

    fn examine_live(&mut self, row: RowId) -> Option<&'static str> {
        let Row { generation: current, keyed, ring, .. } = self.row(row).clone();
        for generation in 0..=current {
            let turns = matches!(self.ask(row, generation, STRANGE), Answer::Turned(_));
            let busy = self.ask(row, generation, STRANGE) == Answer::Refused(Why::Busy);
            if turns && generation != current || !turns && generation == current && !busy {
                return Some("RT1: not exactly the current token turns");
            }
            if keyed && generation != current && matches!(self.ask(row, generation, KEYLESS), Answer::Turned(_)) {
                return Some("RT1: a retired token of a keyed session turns without a key");
            }
        }
        for past in ring.iter().filter(|past| past.key != KEYLESS) {
            let first = self.decision(row, (past.generation, past.key), sample::REFRESH_KEY, 0);
            let rolled = self.decision(row, (past.generation, past.key), NEXT_REFRESH_KEY, 0);
            if first != rolled || !matches!(first, Decision::Repeat | Decision::Refuse(Refusal::Superseded)) {
                return Some("RT4: the same attempt again is not a pure replay");
            }
        }
        None
    }

    fn decision(&self, row: RowId, (generation, key): (u8, u8), refresh_key: u8, behind: u8) -> Decision {
        let terminal = self.row(row).terminal;
        let around = Circumstances {
            client: &self.client,
            epochs: Epochs { terminal: Position { generation: 1, seq: terminal.into() }, ..Epochs::default() },
            refresh_key,
            policy: RefreshPolicy { leeway: ticks(self.settings.leeway), displace: ticks(self.settings.displace) },
            now: sample::NOW - ticks(behind.into()),
        };
        let token = Credential::Token(self.tokens[usize::from(generation)]);
        let attempt = (key != KEYLESS).then(|| self.attempts[usize::from(key)]);
        (self.settings.rule)(&self.session_of(row), token, attempt, around)
    }

    fn session_of(&self, row: RowId) -> Session {
        let row = self.row(row);
        let retired = |past: &Past| Retired {
            generation: Generation(past.generation.into()),
            attempt: (past.key != KEYLESS).then(|| self.hashes[usize::from(past.key)]),
            at: sample::NOW - ticks(past.age.into()),
            displaced: past.displaced,
        };
        Session {
            generation: Generation(row.generation.into()),
            keyed: row.keyed,
            ring: Ring::from_rows(row.ring.iter().map(retired).collect()),
            ended: row.ended.then_some(Ended { at: sample::NOW, why: EndReason::RefreshReused }),
            ..self.template.clone()
        }
    }

    fn due(&mut self, row: RowId, turn: &Turn) -> Due {
        let session = self.session_of(row);
        assert_eq!(turn.session, session.id, "a turn of another session");
        let turned = turn.applied_to(&session, None);
        let past = |retired: &Retired| Past {
            generation: retired.generation.0 as u8,
            key: retired.attempt.map_or(KEYLESS, |hash| self.key_of(hash)),
            age: ((sample::NOW - retired.at).millis() / TICK.millis()) as u8,
            displaced: retired.displaced,
        };
        let after = Row {
            generation: turned.generation.0 as u8,
            keyed: turned.keyed,
            ended: turned.ended.is_some(),
            terminal: self.row(row).terminal,
            ring: turned.ring.rows().iter().map(past).collect(),
        };
        Due { from: turn.from.0 as u8, from_epoch: turn.from_epoch.seq as u8, after: self.name(after) }
    }

    fn key_of(&self, hash: AttemptHash) -> u8 {
        self.hashes.iter().position(|&known| known == hash).expect("a key of this world") as u8
    }

    /// What the rule keeps of an attempt key, learned the only way there is: by turning once.
    fn hash_of(&self, key: u8) -> AttemptHash {
        let around = Circumstances {
            client: &self.client,
            epochs: Epochs::default(),
            refresh_key: sample::REFRESH_KEY,
            policy: RefreshPolicy::default(),
            now: sample::NOW,
        };
        let attempt = Some(self.attempts[usize::from(key)]);
        match decide(&self.template, Credential::Token(self.tokens[0]), attempt, around) {
            Decision::Rotate(turn) => turn.ring.rows()[0].attempt.expect("the key it was turned with"),
            other => panic!("a new session does not turn: {other:?}"),
        }
    }
}

impl From<Refusal> for Why {
    fn from(why: Refusal) -> Self {
        match why {
            Refusal::Invalid => Self::Invalid,
            Refusal::Ended | Refusal::Expired => Self::Over,
            Refusal::Superseded => Self::Superseded,
            Refusal::Busy => Self::Busy,
            Refusal::Reused => Self::Reused,
        }
    }
}

fn ticks(count: i64) -> Lifetime {
    Lifetime::from_millis(count * TICK.millis())
}
