//! Tabs of a plain OAuth library: no keys, no lock, one jar, and a burst of refreshes whenever the access token runs out.
//!
//! In a burst every tab refreshes once, and tries again until it has had its answer; the next burst comes later than W.

use super::honest::{Delay, Honest, Manners, Phase, Reply, Request, SLOTS};
use super::search::{Step, World};
use super::server::{Answer, KEYLESS, RowId, Settings};

/// One tab.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Tab {
    Closed,
    Due,
    Asking(Request),
    Done,
}

/// The world of some tabs.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct State {
    row: RowId,
    jar: u8,
    tabs: [Tab; SLOTS],
}

/// See the module.
pub(crate) struct Tabs {
    honest: Honest,
    tabs: usize,
}

impl Tabs {
    pub(crate) fn new(settings: Settings, tabs: usize, turns: u8) -> Self {
        let manners = Manners { turns, delay: Delay::RepliesWithinW, ..Manners::COOKIE };
        Self { honest: Honest::new(settings, manners), tabs }
    }

    fn tab_steps(&mut self, state: &State, place: usize, out: &mut Vec<Step<State>>) {
        let mut to = |verb, generation, tab, row, jar| {
            let mut next = State { row, jar, tabs: state.tabs };
            next.tabs[place] = tab;
            next.tabs.sort_unstable();
            out.push(Step { verb, what: (generation, KEYLESS), next, fault: None });
        };
        let State { row, jar, .. } = *state;
        match state.tabs[place] {
            Tab::Closed | Tab::Done => {}
            Tab::Due if self.honest.server.row(row).generation >= self.honest.manners.turns => {}
            Tab::Due => {
                let request = Request { generation: jar, key: KEYLESS, stray: false, phase: Phase::Sent };
                to("send", jar, Tab::Asking(request), row, jar);
            }
            Tab::Asking(request) => {
                let asked = request.generation;
                to("lose", asked, Tab::Due, row, jar);
                match request.phase {
                    Phase::Answered(Reply::Token(current)) => {
                        to("receive for", asked, Tab::Done, row, current);
                        to("cookie kept and tab gone,", asked, Tab::Done, row, current);
                    }
                    Phase::Answered(Reply::No(_)) => to("receive refusal for", asked, Tab::Due, row, jar),
                    _ => {
                        let (row, phase, verb, _) = self.honest.advance(row, request);
                        to(verb, asked, Tab::Asking(Request { phase, ..request }), row, jar);
                    }
                }
            }
        }
    }

    fn time(&mut self, state: &State, out: &mut Vec<Step<State>>) {
        let late = |tab: &Tab| matches!(tab, Tab::Asking(request) if self.honest.is_overdue(state.row, *request));
        if self.honest.is_to_ask_now(state.row, state.jar) || state.tabs.iter().any(late) {
            return;
        }
        let mut next = State { row: self.honest.server.later(state.row), ..state.clone() };
        for tab in &mut next.tabs {
            if let Tab::Asking(request) = tab {
                *request = self.honest.request_later(*request);
            }
        }
        next.tabs.sort_unstable();
        if next != *state {
            out.push(Step { verb: "a tick after", what: (state.jar, KEYLESS), next, fault: None });
        }
    }

    fn is_quiet(state: &State) -> bool {
        !state.tabs.iter().any(|tab| matches!(tab, Tab::Asking(_)))
    }
}

impl World for Tabs {
    type State = State;

    fn start(&mut self) -> State {
        let mut tabs = [Tab::Closed; SLOTS];
        tabs[..self.tabs].fill(Tab::Due);
        tabs.sort_unstable();
        State { row: self.honest.start().row, jar: 0, tabs }
    }

    fn steps(&mut self, state: &State, out: &mut Vec<Step<State>>) {
        self.time(state, out);
        for place in 0..SLOTS {
            if place == 0 || state.tabs[place - 1] != state.tabs[place] {
                self.tab_steps(state, place, out);
            }
        }
        if Self::is_quiet(state) && state.tabs.contains(&Tab::Done) && !state.tabs.contains(&Tab::Due) {
            let beyond = self.honest.server.beyond_w();
            let row = self.honest.server.later_by(state.row, beyond);
            let tabs = state.tabs.map(|tab| if tab == Tab::Closed { tab } else { Tab::Due });
            let next = State { row, jar: state.jar, tabs };
            if !self.honest.is_past_displacing(row, state.jar) {
                out.push(Step { verb: "the next burst with", what: (state.jar, KEYLESS), next, fault: None });
            }
        }
    }

    fn fault(&mut self, state: &State) -> Option<&'static str> {
        if self.honest.server.row(state.row).ended {
            return Some("RT2: an honest client's session was ended");
        }
        let beyond = self.honest.server.beyond_w();
        for wait in [0, beyond].into_iter().filter(|_| Self::is_quiet(state)) {
            let row = self.honest.server.later_by(state.row, wait);
            if self.honest.is_past_displacing(row, state.jar) {
                break;
            }
            if !matches!(self.honest.server.ask(row, state.jar, KEYLESS), Answer::Turned(_) | Answer::Same(_)) {
                return Some("RT2: what an honest client holds is not accepted");
            }
        }
        self.honest.server.examine(state.row)
    }
}
