//! One stream: a cursor into the feed, a number for each event, and what is said to it alone.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use doorward_core::barrier::Who;
use doorward_core::relay::{Frame, Note, Notes};
use doorward_core::{Lifetime, Position};
use doorward_verify::feed::{Event, Need, Place, StreamId, StreamKey, Written};
use tokio::sync::watch;

use super::frames::{self, Sent};
use super::{Mailbox, lock};
use crate::door::Door;
use crate::flows::Stopped;
use crate::flows::feed::AT_ONCE;

/// A stream that no ping has named for so long leads nowhere. (With the longest lease there is one every 20 s; and the
/// listener cuts what is silent for longer.)
const SILENT: Lifetime = Lifetime::from_secs(45);
/// How often that is looked at.
const LOOK: Duration = Duration::from_secs(15);
/// Up to this size an event and its tag go out as one piece.
const SMALL: usize = 4096;

/// A stream that is open. Dropping it takes it off the list.
#[derive(Debug)]
pub struct Stream {
    door: Door,
    id: StreamId,
    key: StreamKey,
    mailbox: Arc<Mailbox>,
    cursor: Position,
    place: Place,
    pieces: VecDeque<Bytes>,
    written: watch::Receiver<Position>,
    closing: watch::Receiver<bool>,
}

impl Stream {
    /// Puts a stream on the list; `None` if there are as many as may be, of all or of its verifier.
    pub(crate) fn open(door: &Door, id: StreamId, who: Who, key: StreamKey) -> Option<Self> {
        let hub = door.hub();
        let notes = Notes::since(door.up());
        let mailbox = Arc::new(Mailbox { who, notes: notes.into(), bell: Default::default() });
        let mut streams = lock(&hub.streams);
        let of_one = streams.open.values().filter(|other| other.who.verifier == who.verifier).count();
        let most = &door.settings().feed;
        if streams.open.len() >= most.connections || of_one >= most.of_one() {
            hub.counters.refused.one();
            return None;
        }
        streams.open.insert(id, Arc::clone(&mailbox));
        drop(streams);
        hub.pump(door);
        Some(Self {
            door: door.clone(),
            id,
            key,
            mailbox,
            cursor: door.cached().head(),
            place: Place::Stream(0),
            pieces: VecDeque::new(),
            written: hub.written.subscribe(),
            closing: hub.closing.subscribe(),
        })
    }

    /// Where it stands.
    pub(crate) const fn cursor(&self) -> Position {
        self.cursor
    }

    /// Goes on from somewhere else.
    pub(crate) fn resume(&mut self, cursor: Position) {
        self.cursor = cursor;
    }

    /// Says something.
    pub(crate) fn say(&mut self, event: &Event) {
        let written = Written::of(event);
        self.send(&written, &Bytes::copy_from_slice(written.shared()));
    }

    /// The next piece of the body; `None` if it is over.
    pub(crate) async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(piece) = self.pieces.pop_front() {
                return Some(piece);
            }
            if *self.closing.borrow() || !self.go_on().await {
                return None;
            }
        }
    }

    /// One step: data first, then what must stand behind it. `false` if the stream is over.
    async fn go_on(&mut self) -> bool {
        let written = *self.written.borrow_and_update();
        if self.cursor < written {
            return self.catch_up().await.is_ok();
        }
        let (due, over, pinged) = self.notes();
        if over || self.door.up().millis() - pinged.millis() > SILENT.millis() {
            return false;
        }
        if due.is_empty() {
            tokio::select! {
                _ = self.written.changed() => {}
                () = self.mailbox.bell.notified() => {}
                _ = self.closing.changed() => {}
                () = tokio::time::sleep(LOOK) => {}
            }
        }
        for note in due {
            self.say(&note.event);
        }
        true
    }

    /// What may be said by now; whether somebody hung up; when there was a ping.
    fn notes(&self) -> (VecDeque<Note>, bool, Lifetime) {
        let mut notes = lock(&self.mailbox.notes);
        (notes.due(self.cursor), notes.over, notes.pinged)
    }

    async fn catch_up(&mut self) -> Result<(), Stopped> {
        let door = self.door.clone();
        let hub = door.hub();
        let kept = lock(&hub.frames).next(self.cursor);
        if let Some(frame) = kept {
            self.take(&frame);
            return Ok(());
        }
        hub.counters.conflated.one();
        match door.cached().lines(self.cursor, AT_ONCE).await? {
            Some(lines) => self.take(&frames::write(&door, self.cursor, &lines)),
            None => {
                let head = door.cached().head();
                self.say(&Event::Need(Need::Snapshot { head }));
                self.cursor = head;
            }
        }
        Ok(())
    }

    fn take(&mut self, frame: &Frame<Sent>) {
        self.door.hub().counters.entries.more(frame.entries);
        self.send(&frame.written.written, &frame.written.shared);
        self.cursor = self.cursor.max(frame.to);
    }

    fn send(&mut self, written: &Written, shared: &Bytes) {
        self.door.hub().counters.events.one();
        let small = shared.len() <= SMALL;
        let mut end = Vec::with_capacity(if small { shared.len() + 64 } else { 64 });
        if small {
            end.extend_from_slice(shared);
        } else {
            self.pieces.push_back(shared.clone());
        }
        written.seal(&self.key, self.place, &mut end);
        self.place = self.place.next();
        self.pieces.push_back(end.into());
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        lock(&self.door.hub().streams).open.remove(&self.id);
    }
}
