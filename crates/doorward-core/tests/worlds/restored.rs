//! An honest client whose server's store goes back to an older copy, once.

use super::honest::{Honest, Manners, Moved, State as Client, TICK};
use super::search::{Step, World};
use super::server::{RowId, Settings};

/// What became of the copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Copy {
    None,
    Made(RowId),
    PutBack,
}

/// The world of one client and one copy.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct State {
    client: Client,
    copy: Copy,
}

/// See the module.
pub(crate) struct Restored {
    honest: Honest,
}

impl Restored {
    pub(crate) fn new(settings: Settings, manners: Manners) -> Self {
        Self { honest: Honest::new(settings, manners) }
    }
}

impl World for Restored {
    type State = State;

    fn start(&mut self) -> State {
        State { client: self.honest.start(), copy: Copy::None }
    }

    fn steps(&mut self, state: &State, out: &mut Vec<Step<State>>) {
        let mut moves = Vec::new();
        self.honest.moves(&state.client, &mut moves);
        for Moved { verb, what, next, verdict: _ } in moves {
            let copy = match state.copy {
                Copy::Made(row) if verb == TICK => Copy::Made(self.honest.server.later(row)),
                copy => copy,
            };
            out.push(Step { verb, what, next: State { client: next, copy }, fault: None });
        }
        let row = state.client.row;
        let what = (self.honest.server.row(row).generation, 0);
        match state.copy {
            Copy::None => {
                let next = State { copy: Copy::Made(row), ..state.clone() };
                out.push(Step { verb: "COPY at", what, next, fault: None });
            }
            Copy::Made(copy) => {
                // The store's processes start anew with it: nothing is between load and commit.
                let client = self.honest.interrupted(Client { row: copy, ..state.client.clone() });
                let next = State { client, copy: Copy::PutBack };
                out.push(Step { verb: "STORE GOES BACK from", what, next, fault: None });
            }
            Copy::PutBack => {}
        }
    }

    fn fault(&mut self, state: &State) -> Option<&'static str> {
        self.honest.fault(&state.client)
    }
}
