//! Breadth first through every reachable state of a world; the first fault found has a shortest path.

use std::fmt;
use std::hash::{BuildHasher, BuildHasherDefault, Hash, Hasher};

/// One thing that can happen.
#[derive(Debug)]
pub(crate) struct Step<S> {
    /// What happens.
    pub(crate) verb: &'static str,
    /// To which generation, with which key (0: none).
    pub(crate) what: (u8, u8),
    /// The world after it.
    pub(crate) next: S,
    /// What must never happen, if this is it.
    pub(crate) fault: Option<&'static str>,
}

/// A world: where it begins, what can happen, and what must hold.
pub(crate) trait World {
    /// Everything that matters of it.
    type State: Clone + Eq + Hash;
    /// How it begins.
    fn start(&mut self) -> Self::State;
    /// Everything that can happen next.
    fn steps(&mut self, state: &Self::State, out: &mut Vec<Step<Self::State>>);
    /// What is wrong with a state, if anything.
    fn fault(&mut self, state: &Self::State) -> Option<&'static str>;
}

/// A world without a fault.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Explored {
    /// How many different states can be reached.
    pub(crate) states: usize,
    /// How many steps lead from one to another.
    pub(crate) steps: usize,
}

/// A shortest way to a fault.
pub(crate) struct Counterexample {
    /// What is wrong.
    pub(crate) fault: &'static str,
    /// What happened.
    pub(crate) path: Vec<String>,
    /// How many states were seen before it was found.
    pub(crate) states: usize,
}

impl fmt::Debug for Counterexample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({} states): {}", self.fault, self.states, self.path.join("; "))
    }
}

/// Explores a world to its end, or to its first fault.
pub(crate) fn explore<W: World>(world: &mut W) -> Result<Explored, Counterexample> {
    let mut seen = Seen::new();
    let start = world.start();
    if let Some(fault) = world.fault(&start) {
        return Err(Counterexample { fault, path: Vec::new(), states: 1 });
    }
    seen.insert(start, 0);
    let (mut steps, mut taken) = (Vec::new(), 0);
    let mut place = 0;
    while place < seen.states.len() {
        let state = seen.states[place].clone();
        world.steps(&state, &mut steps);
        for step in steps.drain(..) {
            taken += 1;
            if let Some(fault) = step.fault {
                let mut path = seen.path_to(place, world);
                path.push(words(&step));
                return Err(Counterexample { fault, path, states: seen.states.len() });
            }
            let Some(found) = seen.insert(step.next, place) else { continue };
            let state = seen.states[found].clone();
            if let Some(fault) = world.fault(&state) {
                let path = seen.path_to(found, world);
                return Err(Counterexample { fault, path, states: seen.states.len() });
            }
        }
        place += 1;
    }
    Ok(Explored { states: seen.states.len(), steps: taken })
}

fn words<S>(step: &Step<S>) -> String {
    match step.what {
        (generation, 0) => format!("{} {generation}", step.verb),
        (generation, key) => format!("{} {generation}/k{key}", step.verb),
    }
}

/// The states met so far, each once, with the one it was met from.
struct Seen<S> {
    states: Vec<S>,
    parents: Vec<u32>,
    /// Open addressing over places in `states`, plus one; a state is kept once, not again as a key.
    slots: Vec<u32>,
}

impl<S: Clone + Eq + Hash> Seen<S> {
    fn new() -> Self {
        Self { states: Vec::new(), parents: Vec::new(), slots: vec![0; 1 << 12] }
    }

    /// The place of a state not met before.
    fn insert(&mut self, state: S, parent: usize) -> Option<usize> {
        if self.states.len() * 2 >= self.slots.len() {
            self.grow();
        }
        let slot = self.slot_of(&state);
        if self.slots[slot] != 0 {
            return None;
        }
        self.states.push(state);
        self.parents.push(parent as u32);
        self.slots[slot] = self.states.len() as u32;
        Some(self.states.len() - 1)
    }

    fn slot_of(&self, state: &S) -> usize {
        let mask = self.slots.len() - 1;
        let mut slot = BuildHasherDefault::<Mixer>::default().hash_one(state) as usize & mask;
        while self.slots[slot] != 0 && self.states[self.slots[slot] as usize - 1] != *state {
            slot = (slot + 1) & mask;
        }
        slot
    }

    fn grow(&mut self) {
        let bigger = self.slots.len() * 4;
        self.slots.clear();
        self.slots.resize(bigger, 0);
        for place in 0..self.states.len() {
            let slot = self.slot_of(&self.states[place]);
            self.slots[slot] = place as u32 + 1;
        }
    }

    /// What happened on the way to a state: its ancestors, and the steps between them found again.
    fn path_to<W: World<State = S>>(&self, place: usize, world: &mut W) -> Vec<String> {
        let mut path = Vec::new();
        let (mut child, mut steps) = (place, Vec::new());
        while child != 0 {
            let parent = self.parents[child] as usize;
            steps.clear();
            world.steps(&self.states[parent], &mut steps);
            path.extend(steps.iter().find(|step| step.next == self.states[child]).map(words));
            child = parent;
        }
        path.reverse();
        path
    }
}

/// A fast hash for small keys of our own making; nobody hostile chooses them.
#[derive(Default)]
pub(crate) struct Mixer(u64);

impl Hasher for Mixer {
    fn finish(&self) -> u64 {
        self.0 ^ (self.0 >> 32)
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.write_u64(u64::from(byte));
        }
    }

    fn write_u8(&mut self, number: u8) {
        self.write_u64(u64::from(number));
    }

    fn write_u32(&mut self, number: u32) {
        self.write_u64(u64::from(number));
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = (self.0.rotate_left(23) ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    fn write_usize(&mut self, number: usize) {
        self.write_u64(number as u64);
    }

    fn write_isize(&mut self, number: isize) {
        self.write_u64(number as u64);
    }
}
