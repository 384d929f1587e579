//! A connection as the HTTP library sees it: only whole heads that [`Framing`] found good, and no waiting without end.
//!
//! Where something is wrong, the library is given a plain request in place of the bad one, so that its turn comes after
//! those before it; the listener knows its number and answers it with the fault. The caller chooses none of that.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

use super::bounds::Bounds;
use super::framing::{Fault, Framing};

/// What the library reads in place of a bad request.
const STAND_IN: &[u8] = b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
/// A quiet connection is looked at so often before it is closed.
const LOOKS: u32 = 4;
/// How much is read at a time where a head comes in pieces.
const PIECE: usize = 2048;
/// Before a connection closes that its caller still writes to, so much is read over, that they see the answer.
pub const LINGER_BYTES: usize = 256 * 1024;

/// Which request of a connection was refused, and why. Set once.
#[derive(Clone, Debug, Default)]
pub struct Refused(Arc<OnceLock<(u64, Fault)>>);

impl Refused {
    /// Is it this one? They count from 1.
    pub fn is(&self, number: u64) -> Option<Fault> {
        self.0.get().filter(|(refused, _)| *refused == number).map(|(_, fault)| *fault)
    }
}

/// A guarded stream.
#[derive(Debug)]
pub struct Gate<S> {
    stream: S,
    framing: Framing,
    /// Bytes that were read and not given on: a head that is not whole yet, or what follows from one.
    held: Vec<u8>,
    /// So many of them may go on.
    ready: usize,
    refused: Refused,
    /// Nothing more is read.
    is_over: bool,
    /// What is being read, a body, breaks off.
    is_broken: bool,
    waits: Waits,
    timer: Pin<Box<Sleep>>,
    /// Did anything come or go since the timer was set?
    stirred: bool,
    stall: Option<Pin<Box<Sleep>>>,
    /// Is it a write that the stall is about?
    write_waits: bool,
    linger: Option<(Pin<Box<Sleep>>, usize)>,
    head_within: Duration,
    idle_look: Duration,
    write_within: Duration,
    linger_within: Duration,
}

/// What the timer is set for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Waits {
    /// For the end of the head of this number.
    Head(u64),
    /// For anything at all, so many looks more.
    Quiet(u32),
}

impl<S> Gate<S> {
    /// Guards a stream. From now on the first head has its time.
    pub fn new(stream: S, bounds: &Bounds) -> Self {
        Self {
            stream,
            framing: Framing::default(),
            held: Vec::new(),
            ready: 0,
            refused: Refused::default(),
            is_over: false,
            is_broken: false,
            waits: Waits::Head(0),
            timer: Box::pin(sleep(bounds.head_within)),
            stirred: false,
            stall: None,
            write_waits: false,
            linger: None,
            head_within: bounds.head_within,
            idle_look: bounds.idle_within / LOOKS,
            write_within: bounds.write_within,
            linger_within: bounds.linger_within,
        }
    }

    /// Where it is told what was refused.
    pub fn refused(&self) -> Refused {
        self.refused.clone()
    }

    /// The stand-in goes where the bad request began; nothing behind it is ever read.
    fn refuse(&mut self, fault: Fault) {
        let _ = self.refused.0.set((self.framing.heads() + 1, fault));
        self.held.truncate(self.ready);
        self.held.extend_from_slice(STAND_IN);
        self.ready = self.held.len();
        self.is_over = true;
    }

    fn give(&mut self, buffer: &mut ReadBuf<'_>) {
        let some = self.ready.min(buffer.remaining());
        buffer.put_slice(&self.held[..some]);
        self.held.drain(..some);
        self.ready -= some;
        if self.held.is_empty() {
            // A quiet connection holds no memory.
            self.held = Vec::new();
        }
    }

    /// Nothing came. Is it time to stop waiting?
    fn poll_patience(&mut self, context: &mut Context<'_>) -> Poll<Patience> {
        let number = self.framing.heads();
        if !self.framing.is_between() {
            // Whoever reads the body has a limit of its own.
            return Poll::Pending;
        }
        let wants_head = number == 0 || !self.held.is_empty();
        match (self.waits, wants_head) {
            (Waits::Head(of), true) if of == number => {}
            (_, true) => {
                self.waits = Waits::Head(number);
                self.timer.set(sleep(self.head_within));
            }
            (Waits::Quiet(_), false) => {}
            (Waits::Head(_), false) => {
                self.waits = Waits::Quiet(LOOKS);
                self.timer.set(sleep(self.idle_look));
            }
        }
        loop {
            ready!(self.timer.as_mut().poll(context));
            match self.waits {
                Waits::Head(_) if self.held.is_empty() => return Poll::Ready(Patience::Leave),
                Waits::Head(_) => return Poll::Ready(Patience::Refuse),
                Waits::Quiet(left) => {
                    // Setting a timer for every request would cost more than looking now and then whether one came.
                    let left = if std::mem::take(&mut self.stirred) { LOOKS - 1 } else { left - 1 };
                    if left == 0 {
                        return Poll::Ready(Patience::Leave);
                    }
                    self.waits = Waits::Quiet(left);
                    self.timer.set(sleep(self.idle_look));
                }
            }
        }
    }

    fn poll_stall(&mut self, context: &mut Context<'_>, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        self.write_waits = written.is_pending();
        if written.is_pending() {
            return self.poll_stalled(context);
        }
        self.stirred = true;
        self.stall = None;
        written
    }

    /// That nothing is left to flush or to close says nothing about a write that waits, and stirs nothing.
    fn poll_settled(&mut self, context: &mut Context<'_>, settled: Poll<io::Result<()>>) -> Poll<io::Result<()>> {
        if settled.is_pending() {
            return self.poll_stalled(context);
        }
        if !self.write_waits {
            self.stall = None;
        }
        settled
    }

    fn poll_stalled<T>(&mut self, context: &mut Context<'_>) -> Poll<io::Result<T>> {
        let stall = self.stall.get_or_insert_with(|| Box::pin(sleep(self.write_within)));
        ready!(stall.as_mut().poll(context));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the caller does not read its answer")))
    }
}

enum Patience {
    Leave,
    Refuse,
}

impl<S: AsyncRead + Unpin> Gate<S> {
    /// The usual way: what comes is whole, and is judged where the library wants it.
    fn poll_straight(&mut self, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        let came = &buffer.filled()[before..];
        if came.is_empty() {
            return Poll::Ready(Ok(()));
        }
        let taken = self.framing.take(came);
        if taken.fault.is_none() && taken.good < came.len() {
            self.held.extend_from_slice(&came[taken.good..]);
        }
        buffer.set_filled(before + taken.good);
        self.settle(taken.fault);
        Poll::Ready(Ok(()))
    }

    /// The slow way: a head comes in pieces.
    fn poll_piece(&mut self, context: &mut Context<'_>) -> Poll<io::Result<bool>> {
        let mut space = [0; PIECE];
        let mut piece = ReadBuf::new(&mut space);
        ready!(Pin::new(&mut self.stream).poll_read(context, &mut piece))?;
        if piece.filled().is_empty() {
            return Poll::Ready(Ok(true));
        }
        self.held.extend_from_slice(piece.filled());
        let taken = self.framing.take(&self.held);
        self.ready = taken.good;
        self.settle(taken.fault);
        Poll::Ready(Ok(false))
    }

    /// A fault in a head gets an answer of its own; one in a body breaks off what is being read.
    fn settle(&mut self, fault: Option<Fault>) {
        self.stirred = true;
        match fault {
            None => {}
            Some(fault) if self.framing.is_between() => self.refuse(fault),
            Some(_) => {
                (self.is_over, self.is_broken) = (true, true);
                self.held.truncate(self.ready);
            }
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Gate<S> {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let gate = self.get_mut();
        let before = buffer.filled().len();
        loop {
            if gate.ready > 0 {
                gate.give(buffer);
            }
            if buffer.filled().len() > before {
                return Poll::Ready(Ok(()));
            }
            if gate.is_broken {
                return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, "the body is no body")));
            }
            if gate.is_over {
                // The answer to the stand-in ends the connection; until then there is nothing to read.
                return Poll::Pending;
            }
            let polled = if gate.held.is_empty() {
                gate.poll_straight(context, buffer)
                    .map_ok(|()| gate.held.is_empty() && buffer.filled().len() == before)
            } else {
                gate.poll_piece(context)
            };
            match polled {
                Poll::Ready(Ok(true)) => return Poll::Ready(Ok(())),
                Poll::Ready(Ok(false)) => {}
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => match ready!(gate.poll_patience(context)) {
                    Patience::Leave => return Poll::Ready(Ok(())),
                    Patience::Refuse => gate.refuse(Fault::TooSlow),
                },
            }
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Gate<S> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let gate = self.get_mut();
        let written = Pin::new(&mut gate.stream).poll_write(context, bytes);
        gate.poll_stall(context, written)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let gate = self.get_mut();
        let written = Pin::new(&mut gate.stream).poll_write_vectored(context, parts);
        gate.poll_stall(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let gate = self.get_mut();
        let flushed = Pin::new(&mut gate.stream).poll_flush(context);
        gate.poll_settled(context, flushed)
    }

    /// Closes. While the caller still writes, a connection that is simply closed is reset, and the reset overtakes the
    /// answer; so what comes is read over for a moment.
    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let gate = self.get_mut();
        if gate.linger.is_none() {
            let shut = Pin::new(&mut gate.stream).poll_shutdown(context);
            ready!(gate.poll_settled(context, shut))?;
            if gate.framing.is_between() && !gate.is_over && gate.held.is_empty() {
                return Poll::Ready(Ok(()));
            }
        }
        let (timer, left) = gate.linger.get_or_insert_with(|| (Box::pin(sleep(gate.linger_within)), LINGER_BYTES));
        let mut space = [0; PIECE];
        loop {
            let mut piece = ReadBuf::new(&mut space);
            match Pin::new(&mut gate.stream).poll_read(context, &mut piece) {
                Poll::Ready(Ok(())) if !piece.filled().is_empty() && *left > 0 => {
                    *left = left.saturating_sub(piece.filled().len());
                }
                Poll::Ready(_) => return Poll::Ready(Ok(())),
                Poll::Pending => return timer.as_mut().poll(context).map(Ok),
            }
        }
    }
}
