//! What is so, whoever knows it: which sessions live, which are dead and since when, and what must have been renewed.
//! Against it, what a verifier says is held.

use doorward_core::feed::Line;
use doorward_core::policy::SKEW;
use doorward_core::{Lifetime, Marks, Position, Rejection, Scope, Strength, Timestamp};
use doorward_verify::Judgement;
use doorward_verify::kept::Verdict;

use super::Fault;
use super::node::Node;

/// A session that is dead.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dead {
    /// Since when, by true time.
    pub(crate) at: i64,
    /// Whoever holds everything up to here refuses it.
    pub(crate) place: Position,
    /// A receipt has said that nobody accepts it any more.
    pub(crate) sealed: bool,
}

/// A session.
#[derive(Clone, Debug)]
pub(crate) struct Life {
    pub(crate) number: u8,
    pub(crate) user: u8,
    pub(crate) dead: Option<Dead>,
    /// A copy of the database was put back that does not know it; nothing is said of it.
    pub(crate) lost: bool,
}

/// A token that was minted.
#[derive(Clone, Debug)]
pub(crate) struct Token {
    pub(crate) life: usize,
    pub(crate) marks: Marks,
    pub(crate) expires: Timestamp,
}

/// How often what was seen: a simulation in which nothing happens proves nothing.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) histories: u64,
    pub(crate) steps: u64,
    pub(crate) accepted: u64,
    pub(crate) refused: u64,
    pub(crate) unknown: u64,
    pub(crate) within_the_bound: u64,
    pub(crate) records: u64,
    pub(crate) receipts: u64,
    pub(crate) expired: u64,
    pub(crate) restarts: u64,
    pub(crate) put_back: u64,
    pub(crate) snapshots: u64,
    pub(crate) broken: u64,
    pub(crate) conflated: u64,
    pub(crate) forgotten: u64,
    pub(crate) jumps: u64,
    pub(crate) healed: u64,
    pub(crate) unminted: u64,
}

impl Tally {
    fn numbers(&mut self) -> [&mut u64; 18] {
        let Self { histories, steps, accepted, refused, unknown, within_the_bound, records, .. } = self;
        let Self { receipts, expired, restarts, put_back, snapshots, broken, conflated, forgotten, .. } = self;
        let Self { jumps, healed, unminted, .. } = self;
        [
            histories,
            steps,
            accepted,
            refused,
            unknown,
            within_the_bound,
            records,
            receipts,
            expired,
            restarts,
            put_back,
            snapshots,
            broken,
            conflated,
            forgotten,
            jumps,
            healed,
            unminted,
        ]
    }

    pub(crate) fn add(&mut self, mut other: Self) {
        for (sum, number) in self.numbers().into_iter().zip(other.numbers()) {
            *sum += *number;
        }
    }

    /// Did everything happen that the invariants are about?
    pub(crate) fn is_full(mut self) -> bool {
        self.numbers().into_iter().all(|number| *number > 0)
    }
}

/// See the head of this file.
#[derive(Debug, Default)]
pub(crate) struct Truth {
    pub(crate) lives: Vec<Life>,
    pub(crate) tokens: Vec<Token>,
    /// Tokens of a user (by number), and of anybody, from before may have to be renewed.
    renewed: [Position; 8],
    renewed_all: Position,
    /// What was minted for a user before one of these is dead, whether or not its session lives: a changed password.
    cuts: [Vec<Dead>; 8],
    pub(crate) tally: Tally,
    /// Counts the checks: the living are looked at every few times.
    turn: u64,
}

impl Truth {
    /// Lines were committed: what they say of everything of a user, or of everybody, counts from there.
    pub(crate) fn learn(&mut self, lines: &[Line], user_of: impl Fn(&Line) -> Option<u8>, now: i64) {
        for line in lines {
            let user = user_of(line).filter(|_| line.entry.scope == Scope::Subject).map(usize::from);
            match (line.entry.strength, user) {
                (Strength::RefreshRequired, Some(user)) => self.renewed[user] = line.place,
                (Strength::RefreshRequired, None) => self.renewed_all = line.place,
                (Strength::Terminal, Some(user)) => {
                    self.cuts[user].push(Dead { at: now, place: line.place, sealed: false });
                }
                (Strength::Terminal, None) if line.entry.scope == Scope::Realm => {
                    for cuts in &mut self.cuts {
                        cuts.push(Dead { at: now, place: line.place, sealed: false });
                    }
                }
                // Of one session: that it is dead is seen in its row.
                (Strength::Terminal, None) => {}
            }
        }
    }

    /// Since when what was minted for a session at a place is dead.
    pub(crate) fn death(&self, life: &Life, at: Option<Position>) -> Option<Dead> {
        let cut = self.cuts[usize::from(life.user)].iter().find(|cut| at.is_none_or(|at| at < cut.place));
        // The earlier one counts, and a receipt for either is one.
        match (life.dead, cut) {
            (Some(dead), Some(cut)) => {
                Some(Dead { sealed: dead.sealed || cut.sealed, ..if cut.at < dead.at { *cut } else { dead } })
            }
            (dead, cut) => dead.or(cut.copied()),
        }
    }

    /// A receipt has said that everything up to a place is refused everywhere.
    pub(crate) fn seal(&mut self, place: Position) {
        self.tally.receipts += 1;
        let deaths = self.lives.iter_mut().filter_map(|life| life.dead.as_mut());
        for dead in deaths.chain(self.cuts.iter_mut().flatten()) {
            dead.sealed |= dead.place <= place;
        }
    }

    /// Must what was minted there not be renewed?
    fn is_current(&self, life: &Life, at: Option<Position>) -> bool {
        at.is_some_and(|at| at >= self.renewed[usize::from(life.user)] && at >= self.renewed_all)
    }

    /// Holds everything that a verifier says now against what is so.
    pub(crate) fn check(&mut self, node: &Node, fault: Fault, now: i64) -> Result<(), String> {
        self.turn += 1;
        if node.has_left {
            return Ok(());
        }
        let time = node.time(now);
        // The longest first.
        let graces = Some(node.grace).filter(|grace| *grace > Lifetime::ZERO).into_iter().chain([Lifetime::ZERO]);
        let mut tally = self.tally;
        for token in self.tokens.iter().filter(|token| time < token.expires + SKEW) {
            let (life, at) = (&self.lives[token.life], token.marks.at);
            let death = self.death(life, at);
            if death.is_none() && (!self.turn.is_multiple_of(8) || life.lost) {
                continue;
            }
            let told = |what: String| format!("{what}: a token of session {}, minted at {at:?}", life.number);
            for grace in graces.clone() {
                let judgement = node.judge(&token.marks, grace, fault, now);
                self.settle(&mut tally, life, (at, death), judgement, node.lease + grace, now).map_err(told)?;
                if judgement != Judgement::Accept {
                    // With less grace it is no other.
                    break;
                }
            }
            if let Some(death) = death.filter(|_| fault == Fault::None)
                && let (Judgement::Accept, Some(sent)) = node.judge_strictly(&token.marks, now)
                && death.at < sent
            {
                return Err(told(String::from("a strict route accepts what was dead when it asked")));
            }
        }
        for (life, kept) in node.kept.iter().filter(|(life, _)| !self.lives[*life].lost) {
            let (life, at) = (&self.lives[*life], kept.marks.at);
            let death = self.death(life, at);
            for grace in graces.clone() {
                let Verdict::Judged(judgement) = node.judge_kept(kept, grace, now) else { break };
                tally.records += u64::from(judgement == Judgement::Accept);
                self.settle(&mut tally, life, (at, death), judgement, node.lease + grace, now)
                    .map_err(|what| format!("{what}: a record of session {}, read at {at:?}", life.number))?;
            }
        }
        self.tally = tally;
        Ok(())
    }

    fn settle(
        &self,
        tally: &mut Tally,
        life: &Life,
        (at, death): (Option<Position>, Option<Dead>),
        judgement: Judgement,
        bound: Lifetime,
        now: i64,
    ) -> Result<(), String> {
        let wrong = match (judgement, death) {
            (Judgement::Accept, None) => {
                tally.accepted += 1;
                return Ok(());
            }
            (Judgement::Accept, Some(dead)) if dead.sealed => "the barrier lied",
            (Judgement::Accept, Some(dead)) if now >= dead.at + bound.millis() => "the bound was broken",
            (Judgement::Accept, Some(_)) => {
                tally.within_the_bound += 1;
                return Ok(());
            }
            (Judgement::Reject(Rejection::TokenRevoked), None) => "the living were sent away",
            (Judgement::Reject(_), None) if self.is_current(life, at) => {
                "what was minted after an epoch did not pass it"
            }
            (Judgement::Reject(_), _) => {
                tally.refused += 1;
                return Ok(());
            }
            (Judgement::Unknown | Judgement::Wait | Judgement::Introspect, _) => {
                tally.unknown += 1;
                return Ok(());
            }
        };
        Err(format!("{wrong} ({death:?}, now {now})"))
    }
}
