//! The one task that writes events, while anybody listens.

use std::time::Duration;

use doorward_core::Position;
use tokio::sync::watch;

use super::{Hub, frames, lock};
use crate::door::Door;

/// What comes within so long goes into one event; timers run up to a millisecond late …
const COALESCE: Duration = Duration::from_millis(1);
/// … unless it is so much already.
const ENOUGH: u64 = 64;
/// How often it is asked whether anybody listens still.
const LOOK: Duration = Duration::from_secs(1);

impl Hub {
    /// Starts the task if it does not run. To be called when a stream is there.
    pub(super) fn pump(&self, door: &Door) {
        let mut streams = lock(&self.streams);
        if streams.pumped {
            return;
        }
        streams.pumped = true;
        drop(streams);
        // What is there already is for each stream to fetch from its own cursor.
        let head = door.cached().head();
        lock(&self.frames).clear();
        self.written.send_replace(head);
        tokio::spawn(run(door.clone(), door.cached().feed().heads()));
    }

    /// Is there nobody left to write for? Then the task ends, and the next stream starts another.
    fn is_deserted(&self) -> bool {
        let mut streams = lock(&self.streams);
        let deserted = streams.open.is_empty();
        streams.pumped &= !deserted;
        deserted
    }

    fn write(&self, door: &Door) {
        let from = *self.written.borrow();
        match door.cached().feed().recent(from) {
            Some(lines) if lines.to > from => {
                let frame = frames::write(door, from, &lines);
                let to = frame.to;
                lock(&self.frames).push(frame);
                self.written.send_replace(to);
            }
            Some(_) => {}
            None => {
                // More than is at hand in a moment: each stream fetches it, or is asked to get the snapshot.
                lock(&self.frames).clear();
                self.written.send_replace(door.cached().head());
            }
        }
    }
}

async fn run(door: Door, mut heads: watch::Receiver<Position>) {
    let hub = door.hub();
    let mut closing = hub.closing.subscribe();
    loop {
        tokio::select! {
            moved = heads.changed() => if moved.is_err() { return },
            _ = closing.wait_for(|closing| *closing) => return,
            () = tokio::time::sleep(LOOK) => if hub.is_deserted() { return } else { continue },
        }
        hub.write(&door);
        let written = *hub.written.borrow();
        let much = |head: &Position| head.seq.saturating_sub(written.seq) >= ENOUGH;
        // Another pair of eyes: what these see must not count as seen, because the next round is about it.
        let mut eyes = heads.clone();
        tokio::select! {
            () = tokio::time::sleep(COALESCE) => {}
            _ = eyes.wait_for(much) => {}
        }
    }
}
