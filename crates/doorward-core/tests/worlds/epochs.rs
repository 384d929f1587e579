//! RT8: the head of the feed, the session and its epochs are read one after the other, and an end may come between any
//! two steps. What is minted afterwards is either not minted, or dead for every verifier that knows the end.

use super::search::{Step, World};
use super::server::{Answer, BORN, Due, KEYLESS, RowId, Server, Settings};

/// In which order a server reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// The head before session and epochs, as design section 4 has it.
    HeadFirst,
    /// The head after them.
    HeadLast,
}

/// How far one refresh has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Refresh {
    Asked { key: u8 },
    Read { key: u8, head: Option<u8>, row: Option<RowId>, terminal: Option<u8> },
    Decided { key: u8, head: u8, due: Due },
    Minted { rv: u8 },
    Refused,
}

/// The world of one row, one feed and two refreshes of one token.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct State {
    row: RowId,
    head: u8,
    /// The feed names the session as ended.
    named: bool,
    refreshes: [Refresh; 2],
}

/// See the module.
pub(crate) struct Epochs {
    server: Server,
    order: Order,
    keys: [u8; 2],
}

/// The feed goes no further.
const LAST: u8 = 5;

impl Epochs {
    pub(crate) fn new(settings: Settings, order: Order, keys: [u8; 2]) -> Self {
        Self { server: Server::new(settings), order, keys }
    }

    fn refresh(&mut self, state: &State, place: usize) -> Option<(State, &'static str)> {
        let mut next = state.clone();
        let (verb, refresh) = match state.refreshes[place] {
            Refresh::Asked { key } => ("begin", Refresh::Read { key, head: None, row: None, terminal: None }),
            Refresh::Read { key, head, row, terminal } => self.read(state, key, (head, row, terminal)),
            Refresh::Decided { key, head, due } => match self.server.commit(state.row, due) {
                Some(row) => {
                    next.row = row;
                    ("commit", Refresh::Minted { rv: head })
                }
                None => ("conflict", Refresh::Asked { key }),
            },
            Refresh::Minted { .. } | Refresh::Refused => return None,
        };
        if verb == "end" {
            // The feed names the session in the same step.
            (next.row, next.head) = (self.server.end(next.row), next.head + 1);
            next.named = true;
        }
        next.refreshes[place] = refresh;
        next.refreshes.sort_unstable();
        Some((next, verb))
    }

    fn read(
        &mut self,
        state: &State,
        key: u8,
        seen: (Option<u8>, Option<RowId>, Option<u8>),
    ) -> (&'static str, Refresh) {
        let (head, row, terminal) = seen;
        let now = (state.head, state.row, self.server.row(state.row).terminal);
        let again = |head, row, terminal| Refresh::Read { key, head, row, terminal };
        match (self.order, head, row, terminal) {
            (Order::HeadFirst, None, _, _) => ("read the head", again(Some(now.0), row, terminal)),
            (_, _, None, _) => ("read the session", again(head, Some(now.1), terminal)),
            (_, _, _, None) => ("read the epochs", again(head, row, Some(now.2))),
            (_, None, _, _) => ("read the head", again(Some(now.0), row, terminal)),
            (_, Some(head), Some(row), Some(terminal)) => {
                let loaded = self.server.suspend(row, terminal);
                match self.server.ask(loaded, 0, key) {
                    Answer::Turned(due) => ("decide", Refresh::Decided { key, head, due }),
                    Answer::Same(_) => ("repeat", Refresh::Minted { rv: head }),
                    Answer::Reuse => ("end", Refresh::Refused),
                    Answer::Refused(_) => ("refuse", Refresh::Refused),
                }
            }
        }
    }

    /// Is what was minted at `rv` worth nothing to a verifier that knows the end?
    fn is_dead(&self, state: &State, rv: u8) -> bool {
        // A sign-out or a reuse names the session itself; an epoch kills what was minted before it.
        state.named || rv < self.server.row(state.row).terminal
    }
}

impl World for Epochs {
    type State = State;

    fn start(&mut self) -> State {
        let refreshes = self.keys.map(|key| Refresh::Asked { key });
        State { row: self.server.opened(), head: BORN, named: false, refreshes }
    }

    fn steps(&mut self, state: &State, out: &mut Vec<Step<State>>) {
        for place in 0..2 {
            let Some((next, verb)) = self.refresh(state, place) else { continue };
            let turned = self.server.row(next.row).generation != self.server.row(state.row).generation;
            let fault = (turned && self.server.is_over(state.row)).then_some("RT5: a turn after the end");
            out.push(Step { verb, what: (0, KEYLESS), next, fault });
        }
        if state.head >= LAST {
            return;
        }
        let head = state.head + 1;
        let mut tell = |verb, next| out.push(Step { verb, what: (head, KEYLESS), next, fault: None });
        tell("another entry at", State { head, ..state.clone() });
        if !self.server.is_over(state.row) {
            tell("SUSPEND at", State { head, row: self.server.suspend(state.row, head), ..state.clone() });
            let row = self.server.end(state.row);
            tell("SIGN OUT at", State { head, row, named: true, ..state.clone() });
        }
    }

    fn fault(&mut self, state: &State) -> Option<&'static str> {
        let outlives = |refresh: &Refresh| matches!(refresh, Refresh::Minted { rv } if !self.is_dead(state, *rv));
        if self.server.is_over(state.row) && state.refreshes.iter().any(outlives) {
            return Some("RT8: a token minted across the end outlives it");
        }
        self.server.examine(state.row)
    }
}
