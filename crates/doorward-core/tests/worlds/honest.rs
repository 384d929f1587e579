//! Honest clients in two transports, and clients that break one rule of theirs.
//!
//! *Body*: workers share one record of token and pending key; a key is drawn by compare-and-set into the record, and a
//! reply is stored only if the record still holds the token it was asked with. *Cookie*: tabs share a jar; a Web Lock is
//! held from drawing the key until the reply is handled or the tab dies; a reply may set the cookie though its script is
//! gone, and then the pending key meets the next token. Any number of requests and replies may be lost, or arrive late.

use super::search::{Step, World};
use super::server::{Answer, Due, KEYLESS, RowId, STRANGE, Server, Settings, Why};

/// At most so many requests are under way at once.
pub(crate) const SLOTS: usize = 5;
/// Stands for "tried without a key" where a key would be pending.
pub(crate) const WITHOUT: u8 = 28;
/// What a step of time is called.
pub(crate) const TICK: &str = "a tick after";
/// The terminal epoch of a suspension.
const SUSPENDED: u8 = 5;

/// What a client sends with its token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keys {
    /// A key drawn once for each token and kept until the token is replaced.
    Drawn,
    /// A key drawn anew for each try, which breaks the rule.
    Forgotten,
    /// None.
    Without,
    /// For each token either a key or none, whichever; kept until the token is replaced.
    Mixed,
    /// None at first, and a key for each token since an update that came before the token was tried.
    Updated,
    /// The same, but the update may come between a try and its reply.
    UpdatedMidway,
}

/// Into which steps a server's work falls; anything may happen between two of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Work {
    /// All at once.
    Whole,
    /// Load and decide, commit.
    Two,
    /// Read the clock, load and decide, commit: as the flow does it.
    ClockFirst,
    /// Load, read the clock and decide, commit.
    LoadFirst,
}

/// How late a request may come to the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Delay {
    /// As late as it likes.
    Any,
    /// One that its sender gave up on comes at most W after its token was retired, or never.
    StraysWithinW,
    /// Every one does, and nobody asks with a token retired longer ago.
    RequestsWithinW,
    /// And every reply comes within W of the retirement, too.
    RepliesWithinW,
}

/// How a client behaves, and in which world.
#[derive(Clone, Copy)]
pub(crate) struct Manners {
    pub(crate) keys: Keys,
    /// One try at a time, from drawing the key until the reply is handled or the tab is dead.
    pub(crate) lock: bool,
    /// A reply is stored only if the token it was asked with is still there.
    pub(crate) compare: bool,
    /// A tab may die with the cookie set and the pending key still there.
    pub(crate) scripts_die: bool,
    /// A request that its sender gave up on may still arrive.
    pub(crate) strays: bool,
    /// The reply to such a request may still set the cookie.
    pub(crate) late_cookie: bool,
    pub(crate) delay: Delay,
    /// A lost reply is asked for again before a keyless token may no longer displace.
    pub(crate) in_time: bool,
    /// The user may be suspended at any moment.
    pub(crate) suspension: bool,
    pub(crate) work: Work,
    /// At most so many requests are under way.
    pub(crate) requests: usize,
    /// The client rests once it holds this generation.
    pub(crate) generations: u8,
    /// Nobody asks once the row is beyond this generation.
    pub(crate) turns: u8,
    /// After so many ticks an idle client is still accepted.
    pub(crate) rest: u8,
}

impl Manners {
    /// Body transport as design section 4 rule 1 has it.
    pub(crate) const BODY: Self = Self {
        keys: Keys::Drawn,
        lock: false,
        compare: true,
        scripts_die: true,
        strays: true,
        late_cookie: false,
        delay: Delay::Any,
        in_time: false,
        suspension: false,
        work: Work::Two,
        requests: 2,
        generations: 3,
        turns: 4,
        rest: 3,
    };
    /// Cookie transport as design section 4 rule 1 has it.
    pub(crate) const COOKIE: Self = Self { lock: true, compare: false, ..Self::BODY };
    /// A plain OAuth library: no keys, one request at a time, and its retries come in time.
    pub(crate) const PLAIN: Self = Self {
        keys: Keys::Without,
        strays: false,
        in_time: true,
        delay: Delay::StraysWithinW,
        requests: 1,
        ..Self::COOKIE
    };
}

/// A request on its way, at the server, or answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Request {
    pub(crate) generation: u8,
    pub(crate) key: u8,
    /// Its sender gave up on it.
    pub(crate) stray: bool,
    pub(crate) phase: Phase,
}

/// Where a request is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Phase {
    Sent,
    /// The server read its clock that many ticks ago; at most one.
    Clocked(u8),
    Loaded(RowId),
    Decided(Due),
    Answered(Reply),
}

/// What the server answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Reply {
    Token(u8),
    No(Why),
}

/// The world of one honest client.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct State {
    pub(crate) row: RowId,
    /// The generation of the token in the record or in the jar.
    pub(crate) held: u8,
    /// The key drawn and not yet done with.
    pub(crate) pending: u8,
    /// The client was updated to one that sends keys.
    pub(crate) updated: bool,
    pub(crate) requests: [Option<Request>; SLOTS],
}

/// What the rule was asked, and what came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) generation: u8,
    pub(crate) key: u8,
    /// The session ever carried a key, as the rule saw it.
    pub(crate) keyed: bool,
    pub(crate) reply: Reply,
}

/// See the module.
pub(crate) struct Honest {
    pub(crate) server: Server,
    pub(crate) manners: Manners,
    /// Keys that others know of, as a set: not to be drawn.
    pub(crate) taken: u32,
}

/// One step of an honest client, the network or the server.
pub(crate) struct Moved {
    pub(crate) verb: &'static str,
    pub(crate) what: (u8, u8),
    pub(crate) next: State,
    pub(crate) verdict: Option<Verdict>,
}

impl Honest {
    pub(crate) fn new(settings: Settings, manners: Manners) -> Self {
        Self { server: Server::new(settings), manners, taken: 0 }
    }

    /// Everything that can happen next.
    pub(crate) fn moves(&mut self, state: &State, out: &mut Vec<Moved>) {
        self.time(state, out);
        self.send(state, out);
        for slot in 0..SLOTS {
            let Some(request) = state.requests[slot] else { continue };
            if slot > 0 && state.requests[slot - 1] == Some(request) {
                continue; // Alike requests have alike fates.
            }
            match request.phase {
                Phase::Answered(reply) => self.receive(state, slot, request, reply, out),
                _ => self.serve(state, slot, request, out),
            }
            self.lose(state, slot, request, out);
        }
        if self.manners.suspension && !self.server.is_over(state.row) {
            let row = self.server.suspend(state.row, SUSPENDED);
            out.push(Moved {
                verb: "SUSPEND at",
                what: (SUSPENDED, 0),
                next: State { row, ..state.clone() },
                verdict: None,
            });
        }
    }

    fn time(&mut self, state: &State, out: &mut Vec<Moved>) {
        let too_late = self.manners.in_time && self.is_to_ask_now(state.row, state.held);
        if too_late || state.requests.iter().flatten().any(|request| self.is_overdue(state.row, *request)) {
            return;
        }
        let next = self.later(state);
        if next != *state {
            out.push(Moved { verb: TICK, what: (state.held, 0), next, verdict: None });
        }
    }

    /// A keyless client that lost a reply has to ask again before the next tick.
    pub(crate) fn is_to_ask_now(&self, row: RowId, held: u8) -> bool {
        i64::from(self.server.age(row, held)) >= self.server.settings.displace
    }

    /// A keyless client that lost a reply and asks now asks too late.
    pub(crate) fn is_past_displacing(&self, row: RowId, held: u8) -> bool {
        i64::from(self.server.age(row, held)) > self.server.settings.displace
    }

    /// Would a tick make this request later than the world allows?
    pub(crate) fn is_overdue(&self, row: RowId, request: Request) -> bool {
        let late = |row| i64::from(self.server.age(row, request.generation)) >= self.server.settings.leeway;
        match (self.manners.delay, request.phase) {
            (_, Phase::Clocked(1)) => true,
            (Delay::Any, _) => false,
            (Delay::RepliesWithinW, Phase::Answered(_)) => late(row),
            (_, Phase::Answered(_)) => false,
            // A decided turn counts from its decision.
            (_, Phase::Decided(due)) if late(due.after) => true,
            (Delay::StraysWithinW, _) => request.stray && late(row),
            (Delay::RequestsWithinW | Delay::RepliesWithinW, _) => late(row),
        }
    }

    /// A tick later.
    pub(crate) fn later(&mut self, state: &State) -> State {
        let mut next = State { row: self.server.later(state.row), ..state.clone() };
        for request in next.requests.iter_mut().flatten() {
            *request = self.request_later(*request);
        }
        tidy(next)
    }

    /// A request a tick later.
    pub(crate) fn request_later(&mut self, request: Request) -> Request {
        let phase = match request.phase {
            Phase::Clocked(behind) => Phase::Clocked(behind + 1),
            Phase::Loaded(row) => Phase::Loaded(self.server.later(row)),
            Phase::Decided(due) => Phase::Decided(Due { after: self.server.later(due.after), ..due }),
            phase => phase,
        };
        Request { phase, ..request }
    }

    fn send(&mut self, state: &State, out: &mut Vec<Moved>) {
        let under_way = state.requests.iter().flatten().count();
        let locked = self.manners.lock && state.requests.iter().flatten().any(|request| !request.stray);
        let newest = self.server.row(state.row).generation;
        let resting = state.held >= self.manners.generations || newest >= self.manners.turns;
        let late = self.manners.delay == Delay::RequestsWithinW
            && i64::from(self.server.age(state.row, state.held)) > self.server.settings.leeway;
        if locked || under_way == self.manners.requests || resting || late || self.server.is_over(state.row) {
            return;
        }
        let drawn = self.draw(state);
        let kept = if state.pending == KEYLESS { drawn } else { state.pending };
        let mut choices = vec![];
        match self.manners.keys {
            Keys::Drawn => choices.push((kept, false)),
            Keys::Forgotten => choices.push((drawn, false)),
            Keys::Without => choices.push((WITHOUT, false)),
            Keys::Mixed if state.pending == KEYLESS => choices.extend([(drawn, false), (WITHOUT, false)]),
            Keys::Mixed => choices.push((state.pending, false)),
            Keys::Updated | Keys::UpdatedMidway => {
                let untried = state.pending == KEYLESS;
                let midway = self.manners.keys == Keys::UpdatedMidway && state.pending == WITHOUT;
                if state.updated || untried || midway {
                    choices.push((if state.pending == WITHOUT { drawn } else { kept }, true));
                }
                if !state.updated {
                    choices.push((WITHOUT, false));
                }
            }
        }
        for (pending, updated) in choices {
            let key = if pending == WITHOUT { KEYLESS } else { pending };
            let request = Request { generation: state.held, key, stray: false, phase: Phase::Sent };
            let next = State { pending, updated, ..with(state, request) };
            out.push(Moved { verb: "send", what: (state.held, key), next, verdict: None });
        }
    }

    /// A key that occurs nowhere. Which symbol it is does not matter, so it is the smallest free one.
    fn draw(&self, state: &State) -> u8 {
        let mut used = self.taken | 1 << state.pending;
        let mut rows = vec![state.row];
        for request in state.requests.iter().flatten() {
            used |= 1 << request.key;
            match request.phase {
                Phase::Loaded(row) => rows.push(row),
                Phase::Decided(due) => rows.push(due.after),
                Phase::Sent | Phase::Clocked(_) | Phase::Answered(_) => {}
            }
        }
        for past in rows.into_iter().flat_map(|row| &self.server.row(row).ring) {
            used |= 1 << past.key;
        }
        (1..WITHOUT).find(|key| used & 1 << key == 0).expect("fewer keys than symbols")
    }

    fn serve(&mut self, state: &State, slot: usize, request: Request, out: &mut Vec<Moved>) {
        let (row, phase, verb, verdict) = self.advance(state.row, request);
        let mut next = State { row, ..state.clone() };
        next.requests[slot] = Some(Request { phase, ..request });
        let next = self.forget_idle_replies(next);
        out.push(Moved { verb, what: (request.generation, request.key), next, verdict });
    }

    /// One step of the server for a request: load, decide, commit.
    pub(crate) fn advance(&mut self, row: RowId, request: Request) -> (RowId, Phase, &'static str, Option<Verdict>) {
        match request.phase {
            Phase::Sent if self.manners.work == Work::LoadFirst => (row, Phase::Loaded(row), "load for", None),
            Phase::Sent if self.manners.work == Work::ClockFirst => {
                (row, Phase::Clocked(0), "read the clock for", None)
            }
            Phase::Sent => self.decide(row, row, request, 0),
            Phase::Clocked(behind) => self.decide(row, row, request, behind),
            Phase::Loaded(loaded) => self.decide(row, loaded, request, 0),
            Phase::Decided(due) => self.commit(row, due, request),
            Phase::Answered(_) => (row, request.phase, "nothing for", None),
        }
    }

    fn decide(
        &mut self,
        row: RowId,
        loaded: RowId,
        request: Request,
        behind: u8,
    ) -> (RowId, Phase, &'static str, Option<Verdict>) {
        let Request { generation, key, .. } = request;
        let keyed = self.server.row(loaded).keyed;
        let verdict = |reply| Some(Verdict { generation, key, keyed, reply });
        match self.server.ask_behind(loaded, generation, key, behind) {
            Answer::Turned(due) if self.manners.work == Work::Whole => self.commit(row, due, request),
            Answer::Turned(due) => (row, Phase::Decided(due), "decide to turn", None),
            Answer::Same(current) => {
                let reply = Reply::Token(current);
                (row, Phase::Answered(reply), "repeat for", verdict(reply))
            }
            Answer::Reuse => {
                let reply = Reply::No(Why::Reused);
                (self.server.end(row), Phase::Answered(reply), "END by", verdict(reply))
            }
            Answer::Refused(why) => {
                let reply = Reply::No(why);
                (row, Phase::Answered(reply), "refuse", verdict(reply))
            }
        }
    }

    fn commit(&mut self, row: RowId, due: Due, request: Request) -> (RowId, Phase, &'static str, Option<Verdict>) {
        let Request { generation, key, .. } = request;
        let Some(written) = self.server.commit(row, due) else {
            return (row, Phase::Sent, "conflict of", None);
        };
        let reply = Reply::Token(self.server.row(written).generation);
        let keyed = self.server.row(written).keyed;
        (written, Phase::Answered(reply), "turn", Some(Verdict { generation, key, keyed, reply }))
    }

    fn receive(&mut self, state: &State, slot: usize, request: Request, reply: Reply, out: &mut Vec<Moved>) {
        let mut next = state.clone();
        next.requests[slot] = None;
        match reply {
            Reply::Token(generation) if self.manners.compare => {
                if state.held == request.generation {
                    (next.held, next.pending) = (generation, KEYLESS);
                }
            }
            Reply::Token(generation) => {
                next.held = generation;
                if !request.stray && state.pending == marked(request.key) {
                    next.pending = KEYLESS;
                }
            }
            // "Read your store again": a new try, and in a jar a new key.
            Reply::No(Why::Superseded) if !self.manners.compare && state.pending == marked(request.key) => {
                next.pending = KEYLESS;
            }
            Reply::No(_) => {}
        }
        let next = self.forget_idle_replies(next);
        out.push(Moved { verb: "receive for", what: (request.generation, request.key), next, verdict: None });
    }

    /// The request does not arrive, the server dies over it, or nobody is there for the reply. A crash between commit
    /// and reply is one of these (RT7).
    fn lose(&mut self, state: &State, slot: usize, request: Request, out: &mut Vec<Moved>) {
        let what = (request.generation, request.key);
        let mut gone = state.clone();
        gone.requests[slot] = None;
        out.push(Moved { verb: "lose", what, next: self.forget_idle_replies(gone.clone()), verdict: None });
        if self.manners.compare || request.stray {
            return; // A worker that waits for ever does no less than one that gave up.
        }
        match request.phase {
            Phase::Answered(Reply::Token(generation)) if self.manners.scripts_die => {
                gone.held = generation;
                let next = self.forget_idle_replies(gone);
                out.push(Moved { verb: "cookie kept and script gone,", what, next, verdict: None });
            }
            Phase::Sent | Phase::Clocked(_) | Phase::Loaded(_) | Phase::Decided(_) if self.manners.strays => {
                gone.requests[slot] = Some(Request { stray: true, ..request });
                out.push(Moved { verb: "tab dies over", what, next: tidy(gone), verdict: None });
            }
            _ => {}
        }
    }

    /// Drops replies that can no longer do anything, so that states which differ in nothing else are one.
    fn forget_idle_replies(&self, mut state: State) -> State {
        for slot in &mut state.requests {
            let Some(Request { generation, stray, phase: Phase::Answered(reply), .. }) = *slot else { continue };
            let stored = match reply {
                Reply::Token(_) => !self.manners.compare || generation == state.held,
                Reply::No(_) => !self.manners.compare,
            };
            if !stored || stray && !(self.manners.late_cookie && matches!(reply, Reply::Token(_))) {
                *slot = None;
            }
        }
        tidy(state)
    }

    /// Without the requests that a server was working on.
    pub(crate) fn interrupted(&self, mut state: State) -> State {
        for slot in &mut state.requests {
            if slot.is_some_and(|request| {
                matches!(request.phase, Phase::Clocked(_) | Phase::Loaded(_) | Phase::Decided(_))
            }) {
                *slot = None;
            }
        }
        tidy(state)
    }

    /// RT5: nothing turns after the end.
    pub(crate) fn resurrection(&self, before: &State, after: &State) -> Option<&'static str> {
        let turned = self.server.row(before.row).generation != self.server.row(after.row).generation;
        (turned && self.server.is_over(before.row)).then_some("RT5: a turn after the end")
    }

    /// RT2, for a client that asks now, just beyond W, and after a weekend.
    fn honest_fault(&mut self, state: &State) -> Option<&'static str> {
        if self.server.row(state.row).ended {
            return Some("RT2: an honest client's session was ended");
        }
        let key = match (state.pending, self.manners.keys) {
            (WITHOUT, _) | (_, Keys::Without) => KEYLESS,
            (KEYLESS, _) | (_, Keys::Forgotten) => STRANGE,
            (pending, _) => pending,
        };
        let beyond = self.server.beyond_w();
        for wait in [0, beyond, self.manners.rest] {
            let row = self.server.later_by(state.row, wait);
            if self.manners.in_time && self.is_past_displacing(row, state.held) {
                break;
            }
            let answer = self.server.ask(row, state.held, key);
            let busy = wait == 0 && answer == Answer::Refused(Why::Busy);
            if !busy && !matches!(answer, Answer::Turned(_) | Answer::Same(_)) {
                return Some("RT2: what an honest client holds is not accepted");
            }
        }
        None
    }
}

impl World for Honest {
    type State = State;

    fn start(&mut self) -> State {
        State { row: self.server.opened(), held: 0, pending: KEYLESS, updated: false, requests: [None; SLOTS] }
    }

    fn steps(&mut self, state: &State, out: &mut Vec<Step<State>>) {
        let mut moves = Vec::new();
        self.moves(state, &mut moves);
        for Moved { verb, what, next, verdict: _ } in moves {
            let fault = self.resurrection(state, &next);
            out.push(Step { verb, what, next, fault });
        }
    }

    fn fault(&mut self, state: &State) -> Option<&'static str> {
        let row = self.server.examine(state.row);
        if row.is_some() || self.server.row(state.row).terminal > 0 { row } else { self.honest_fault(state) }
    }
}

/// How a key stands in the client's store.
const fn marked(key: u8) -> u8 {
    if key == KEYLESS { WITHOUT } else { key }
}

/// The state with one more request under way.
fn with(state: &State, request: Request) -> State {
    let mut next = state.clone();
    if let Some(slot) = next.requests.iter_mut().find(|slot| slot.is_none()) {
        *slot = Some(request);
    }
    tidy(next)
}

/// Sorted, so that it makes no difference which worker or tab a request belongs to.
fn tidy(mut state: State) -> State {
    state.requests.sort_unstable();
    state
}
