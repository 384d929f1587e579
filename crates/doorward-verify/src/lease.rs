//! How long an index may be trusted: until a lease has passed since a ping was *sent* whose echo has come back.
//!
//! The server writes an echo behind everything up to its head, and reads that head after the ping has come. So whatever
//! was committed before the ping was sent is in the index once the echo counts. When the echo *arrives* proves nothing:
//! a proxy that holds old events back could keep a lease that is timed on arrival alive for ever.

use core::fmt;
use std::collections::VecDeque;

use crate::feed::StreamId;
use crate::{Lifetime, Position, Timestamp};

/// A moment by two clocks of one machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment {
    /// Milliseconds since the machine was started, its sleep included (CLOCK_BOOTTIME).
    pub running: Lifetime,
    /// The wall clock.
    pub wall: Timestamp,
}

impl Moment {
    /// What has passed since an earlier moment: the larger span of both clocks. A wall clock that is set back, or a
    /// machine whose running clock stands still, cannot make it shorter.
    pub fn since(self, earlier: Self) -> Lifetime {
        self.running_since(earlier).max(self.wall - earlier.wall)
    }

    /// The same by the running clock alone, which nobody sets.
    pub fn running_since(self, earlier: Self) -> Lifetime {
        let millis = self.running.millis().saturating_sub(earlier.running.millis());
        Lifetime::from_millis(millis.max(0))
    }
}

/// How many pings may be without an echo at a time; of more, the oldest is given up.
const MOST_OUTSTANDING: usize = 64;

/// A ping that was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Sent {
    n: u64,
    stream: Option<StreamId>,
    at: Moment,
    /// The head of its echo, if that has come; it counts once everything up to there is applied.
    head: Option<Position>,
}

/// The lease of one index.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Lease {
    length: Lifetime,
    last: u64,
    outstanding: VecDeque<Sent>,
    /// The latest ping whose echo counted: the index was whole when it was sent.
    proven: Option<(u64, Moment)>,
    /// Was the lease given up since?
    is_void: bool,
}

impl Lease {
    /// No lease yet; once there is one, of this length.
    pub const fn new(length: Lifetime) -> Self {
        Self { length, last: 0, outstanding: VecDeque::new(), proven: None, is_void: true }
    }

    /// Changes the length, for what is proven already too.
    pub const fn set_length(&mut self, length: Lifetime) {
        self.length = length;
    }

    /// What was agreed.
    pub const fn length(&self) -> Lifetime {
        self.length
    }

    /// Sends a ping: gives its number, which is never used again.
    pub fn ping(&mut self, stream: Option<StreamId>, now: Moment) -> u64 {
        let used = usable(self.length);
        // What was sent a lease ago can renew nothing any more.
        self.outstanding.retain(|sent| now.since(sent.at) < used);
        if self.outstanding.len() == MOST_OUTSTANDING {
            self.outstanding.pop_front();
        }
        self.last += 1;
        self.outstanding.push_back(Sent { n: self.last, stream, at: now, head: None });
        self.last
    }

    /// An echo has come. It is kept if its ping is outstanding and named the same stream, and counts as soon as
    /// [`Self::applied`] has reached its head.
    pub fn echo(&mut self, n: u64, stream: Option<StreamId>, head: Position) {
        let sent = self.outstanding.iter_mut().find(|sent| sent.n == n && sent.stream == stream);
        if let Some(sent) = sent {
            // Of two echoes of one ping the lower head will do: both were read after the ping had come.
            sent.head = Some(sent.head.map_or(head, |known| known.min(head)));
        }
    }

    /// The index holds everything up to `applied`; says whether that proves a later ping than before.
    pub fn applied(&mut self, applied: Position) -> bool {
        let counts =
            |sent: &&Sent| sent.head.is_some_and(|head| head.generation == applied.generation && head <= applied);
        let Some(&Sent { n, at, .. }) = self.outstanding.iter().rev().find(counts) else { return false };
        self.outstanding.retain(|sent| sent.n > n);
        self.proven = Some((n, at));
        self.is_void = false;
        true
    }

    /// Gives the lease up: the index may lack something. What was heard for older pings counts no more.
    pub fn drop_it(&mut self) {
        self.is_void = true;
        for sent in &mut self.outstanding {
            sent.head = None;
        }
    }

    /// Is the index whole as of less than a lease ago?
    pub fn is_fresh(&self, now: Moment) -> bool {
        !self.is_void && self.margin(now, Lifetime::ZERO) > Lifetime::ZERO
    }

    /// The same with some time added, also where the lease was given up since: what was whole then is still known.
    pub fn is_fresh_with(&self, grace: Lifetime, now: Moment) -> bool {
        self.margin(now, grace) > Lifetime::ZERO
    }

    /// How much longer it is fresh, with some time added; negative if it no longer is, or never was.
    pub fn margin(&self, now: Moment, grace: Lifetime) -> Lifetime {
        match self.proven {
            Some((_, at)) => {
                let left = usable(self.length + grace);
                Lifetime::from_millis(left.millis().saturating_sub(now.since(at).millis()))
            }
            None => Lifetime::from_millis(i64::MIN),
        }
    }

    /// The number of the latest ping whose echo counted; 0 before any did.
    pub fn proven(&self) -> u64 {
        self.proven.map_or(0, |(n, _)| n)
    }

    /// Was it given up, or never there?
    pub const fn is_void(&self) -> bool {
        self.is_void
    }

    /// The number of the ping that was sent last.
    pub const fn last(&self) -> u64 {
        self.last
    }
}

/// A span by a clock that may run slow by one in a thousand.
const fn usable(span: Lifetime) -> Lifetime {
    let millis = span.millis();
    Lifetime::from_millis(millis.saturating_sub(millis.saturating_add(999) / 1000))
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (length, last) = (self.length.millis(), self.last);
        write!(f, "Lease({length} ms, ping {last}, proven {:?}, void {})", self.proven, self.is_void)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const L: Lifetime = Lifetime::from_millis(3000);
    const STREAM: Option<StreamId> = Some(StreamId([1; 16]));

    fn at(millis: i64) -> Moment {
        Moment { running: Lifetime::from_millis(millis), wall: Timestamp::from_millis(1_000_000 + millis) }
    }

    fn place(seq: u64) -> Position {
        Position { generation: 1, seq }
    }

    #[test]
    fn it_lasts_from_when_the_ping_was_sent_whenever_the_echo_comes() {
        let mut lease = Lease::new(L);
        assert!(!lease.is_fresh(at(0)) && !lease.is_fresh_with(Lifetime::from_days(9), at(0)), "never proven");
        let n = lease.ping(STREAM, at(0));
        lease.echo(n, STREAM, place(4));
        assert!(!lease.applied(place(3)) && !lease.is_fresh(at(1)), "the index lacks something");
        assert!(lease.applied(place(4)));
        assert!(lease.is_fresh(at(2996)) && !lease.is_fresh(at(2997)), "a thousandth less than three seconds");
        assert!(lease.is_fresh_with(Lifetime::from_millis(10), at(3005)));
        assert!(!lease.is_fresh_with(Lifetime::from_millis(10), at(3006)), "so of the grace");
        let late = lease.ping(STREAM, at(100));
        lease.echo(late, STREAM, place(4));
        assert!(lease.applied(place(4)));
        assert!(lease.is_fresh(at(3096)) && !lease.is_fresh(at(3097)));
    }

    #[test]
    fn the_larger_of_both_clocks_counts() {
        let mut lease = Lease::new(L);
        let n = lease.ping(None, at(0));
        lease.echo(n, None, place(0));
        lease.applied(place(0));
        let moment = |running: i64, wall: i64| Moment { wall: at(wall).wall, ..at(running) };
        assert!(lease.is_fresh(moment(100, 100)));
        assert!(!lease.is_fresh(moment(100, 4000)), "the machine slept, and its running clock with it");
        assert!(!lease.is_fresh(moment(4000, 100)), "the wall clock was set back");
        assert!(!lease.is_fresh(moment(4000, -3_600_000)));
        assert!(lease.is_fresh(moment(100, -3_600_000)), "set back, but little time has passed");
        assert!(
            lease.is_fresh(moment(-5, 0)),
            "a running clock that goes back is a broken one, and no reason to trust less"
        );
    }

    #[test]
    fn only_the_echo_of_an_outstanding_ping_counts() {
        let mut lease = Lease::new(L);
        let n = lease.ping(STREAM, at(0));
        for (other, stream) in [(n + 1, STREAM), (0, STREAM), (n, None), (n, Some(StreamId([2; 16])))] {
            lease.echo(other, stream, place(0));
            assert!(!lease.applied(place(9)), "{other} {stream:?}");
        }
        lease.echo(n, STREAM, Position { generation: 2, seq: 0 });
        assert!(!lease.applied(place(9)), "of another generation");
        let next = lease.ping(STREAM, at(10));
        lease.echo(next, STREAM, place(0));
        assert!(lease.applied(place(0)));
        lease.echo(n, STREAM, place(0));
        assert!(!lease.applied(place(0)), "an older ping proves nothing new");
        assert_eq!((lease.proven(), lease.last()), (2, 2));
    }

    #[test]
    fn what_was_given_up_comes_back_with_the_next_echo_alone() {
        let mut lease = Lease::new(L);
        let first = lease.ping(None, at(0));
        let second = lease.ping(None, at(5));
        lease.echo(first, None, place(0));
        assert!(lease.applied(place(0)));
        lease.echo(second, None, place(7));
        lease.drop_it();
        assert!(!lease.is_fresh(at(6)) && lease.is_void());
        assert!(lease.is_fresh_with(Lifetime::ZERO, at(6)), "what was whole is still known");
        assert!(!lease.applied(place(7)), "it was heard before");
        lease.echo(second, None, place(7));
        assert!(lease.applied(place(7)) && lease.is_fresh(at(6)));
    }

    #[test]
    fn a_ping_whose_lease_would_be_over_is_given_up() {
        for (later, renews) in [(2996, true), (2997, false)] {
            let mut lease = Lease::new(L);
            let n = lease.ping(STREAM, at(0));
            lease.ping(STREAM, at(later));
            lease.echo(n, STREAM, place(0));
            assert_eq!((lease.applied(place(0)), lease.is_void()), (renews, !renews), "{later}");
        }
    }

    #[test]
    fn pings_that_can_renew_nothing_are_given_up() {
        let mut lease = Lease::new(L);
        for millis in 0..10_000 {
            lease.ping(None, at(millis));
        }
        assert!(lease.outstanding.len() <= MOST_OUTSTANDING);
        lease.ping(None, at(20_000));
        assert_eq!(lease.outstanding.len(), 1);
    }
}
