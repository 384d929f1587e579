//! An honest client and a thief, who steals the text of a token, or token and key in flight, and then uses them in any
//! order with the honest requests.
//!
//! Who came first with which key is remembered apart from the server's ring, so that a rule which forgets is found out.

use super::honest::{Honest, Manners, Moved, Phase, Reply, Request, State as Victim, TICK, Verdict, WITHOUT};
use super::search::{Step, World};
use super::server::{KEYLESS, Settings, THIEF, Why};

/// More than any world's client gets to.
const GENERATIONS: usize = 8;
const UNKNOWN: u8 = 31;

/// What a thief works with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tools {
    /// The text of a token, shown without a key.
    Text,
    /// The text of a token, shown with a key of the thief's own.
    OwnKey,
    /// Any of these, and the key that was stolen with the token.
    Everything,
}

/// How a theft goes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Theft {
    pub(crate) tools: Tools,
    /// How often the thief gets to look.
    pub(crate) looks: u8,
}

/// The world of a client and a thief.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct State {
    victim: Victim,
    /// The generations whose tokens the thief holds, as a set.
    holds: u16,
    /// The victim's key, if the thief saw one.
    knows: u8,
    looks: u8,
    request: Option<Request>,
    /// Under which key each generation was first answered with a token; [`UNKNOWN`] if it was not.
    first: [u8; GENERATIONS],
    /// Generations whose tokens brought the victim a token, and the thief, as sets.
    served: [u16; 2],
}

/// See the module.
pub(crate) struct Robbed {
    honest: Honest,
    theft: Theft,
    /// On how many generations both were served, at most, while the session lived.
    pub(crate) shared: u32,
    /// How often both were served since the thief first was: the lesser of the two, at most, while the session lived.
    pub(crate) together: u32,
}

const VICTIM: usize = 0;
const ROBBER: usize = 1;

impl Robbed {
    pub(crate) fn new(settings: Settings, manners: Manners, theft: Theft) -> Self {
        Self { honest: Honest::new(settings, manners), theft, shared: 0, together: 0 }
    }

    fn victim_moves(&mut self, state: &State, out: &mut Vec<Step<State>>) {
        let mut moves = Vec::new();
        self.honest.taken = 1 << state.knows | 1 << THIEF | state.request.map_or(0, |request| 1 << request.key);
        self.honest.moves(&state.victim, &mut moves);
        for Moved { verb, what, next, verdict } in moves {
            let mut after = State { victim: next, ..state.clone() };
            if verb == TICK {
                after.request = state.request.map(|request| self.honest.request_later(request));
            }
            self.record(state, after, (verb, what), verdict, VICTIM, out);
        }
    }

    fn look(&self, state: &State, out: &mut Vec<Step<State>>) {
        if state.looks == self.theft.looks {
            return;
        }
        let mut sights = vec![(state.victim.held, state.victim.pending)];
        for request in state.victim.requests.iter().flatten() {
            sights.push((request.generation, request.key));
            if let Phase::Answered(Reply::Token(generation)) = request.phase {
                sights.push((generation, KEYLESS));
            }
        }
        for (generation, key) in sights {
            let knows = if self.theft.tools == Tools::Everything && key < WITHOUT { key } else { KEYLESS };
            let next = State { holds: state.holds | 1 << generation, looks: state.looks + 1, knows, ..state.clone() };
            out.push(Step { verb: "STEAL", what: (generation, knows), next, fault: None });
        }
    }

    fn use_loot(&mut self, state: &State, out: &mut Vec<Step<State>>) {
        let newest = self.honest.server.row(state.victim.row).generation;
        if newest >= self.honest.manners.turns || self.honest.server.is_over(state.victim.row) {
            return;
        }
        let keys = match self.theft.tools {
            Tools::Text => vec![KEYLESS],
            Tools::OwnKey => vec![THIEF],
            Tools::Everything if state.knows == KEYLESS => vec![KEYLESS, THIEF],
            Tools::Everything => vec![KEYLESS, THIEF, state.knows],
        };
        for generation in (0..=newest).filter(|held| state.holds & 1 << held != 0) {
            for &key in &keys {
                let request = Some(Request { generation, key, stray: false, phase: Phase::Sent });
                let next = State { request, ..state.clone() };
                out.push(Step { verb: "thief sends", what: (generation, key), next, fault: None });
            }
        }
    }

    fn serve_thief(&mut self, state: &State, request: Request, out: &mut Vec<Step<State>>) {
        let what = (request.generation, request.key);
        let mut after = state.clone();
        if let Phase::Answered(reply) = request.phase {
            after.request = None;
            if let Reply::Token(generation) = reply {
                after.holds |= 1 << generation;
            }
            out.push(Step { verb: "thief receives for", what, next: after, fault: None });
            return;
        }
        let (row, phase, verb, verdict) = self.honest.advance(state.victim.row, request);
        after.victim.row = row;
        after.request = Some(Request { phase, ..request });
        self.record(state, after, (verb, what), verdict, ROBBER, out);
    }

    /// RT3, by what was seen to happen and not by what the row remembers; RT5.
    fn record(
        &mut self,
        before: &State,
        mut after: State,
        (verb, what): (&'static str, (u8, u8)),
        verdict: Option<Verdict>,
        who: usize,
        out: &mut Vec<Step<State>>,
    ) {
        let mut fault = self.honest.resurrection(&before.victim, &after.victim);
        if let Some(Verdict { generation, key, keyed, reply }) = verdict {
            let first = &mut after.first[usize::from(generation)];
            let other = *first != UNKNOWN && (*first != key || keyed && key == KEYLESS);
            if other && !matches!(reply, Reply::No(Why::Reused | Why::Over)) {
                fault = fault.or(Some("RT3: two attempts on one token and the session lives"));
            }
            if let Reply::Token(_) = reply {
                if *first == UNKNOWN {
                    *first = key;
                }
                after.served[who] |= 1 << generation;
            }
        }
        out.push(Step { verb, what, next: after, fault });
    }

    fn measure(&mut self, state: &State) {
        if self.honest.server.is_over(state.victim.row) {
            return;
        }
        let [victim, thief] = state.served;
        self.shared = self.shared.max((victim & thief).count_ones());
        let since = victim >> thief.trailing_zeros().min(15);
        self.together = self.together.max(since.count_ones().min(thief.count_ones()));
    }
}

impl World for Robbed {
    type State = State;

    fn start(&mut self) -> State {
        let victim = self.honest.start();
        let first = [UNKNOWN; GENERATIONS];
        State { victim, holds: 0, knows: KEYLESS, looks: 0, request: None, first, served: [0; 2] }
    }

    fn steps(&mut self, state: &State, out: &mut Vec<Step<State>>) {
        self.victim_moves(state, out);
        self.look(state, out);
        match state.request {
            Some(request) => self.serve_thief(state, request, out),
            None => self.use_loot(state, out),
        }
    }

    fn fault(&mut self, state: &State) -> Option<&'static str> {
        self.measure(state);
        self.honest.server.examine(state.victim.row)
    }
}
