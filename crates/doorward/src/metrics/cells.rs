//! What counts are kept in: families of counters, counters spread over the threads, histograms. All are atomics that are
//! made once; nothing here locks, waits or allocates while it counts.

use std::fmt;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use super::words::Label;

/// A counter for each word, or each pair of words.
pub(crate) struct Family<A: Label, B: Label = ()> {
    cells: Box<[AtomicU64]>,
    labels: PhantomData<fn(A, B)>,
}

impl<A: Label, B: Label> Default for Family<A, B> {
    fn default() -> Self {
        Self { cells: zeroes(A::ALL.len() * B::ALL.len()), labels: PhantomData }
    }
}

impl<A: Label, B: Label> fmt::Debug for Family<A, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Family({}, {})", A::KEY, B::KEY)
    }
}

impl<A: Label, B: Label> Family<A, B> {
    /// One more of this pair.
    pub(crate) fn add(&self, one: A, other: B) {
        self.cells[Self::place(one, other)].fetch_add(1, Ordering::Relaxed);
    }

    /// How many of this pair.
    pub(crate) fn read(&self, one: A, other: B) -> u64 {
        self.cells[Self::place(one, other)].load(Ordering::Relaxed)
    }

    fn place(one: A, other: B) -> usize {
        one.place() * B::ALL.len() + other.place()
    }
}

/// So many cells of zero.
pub(crate) fn zeroes(count: usize) -> Box<[AtomicU64]> {
    (0..count).map(|_| AtomicU64::new(0)).collect()
}

/// As many parts; more threads than that share some.
const PARTS: usize = 16;

/// A counter that threads hardly ever touch together. For what happens millions of times a second.
pub(crate) struct Sharded(Box<[Part; PARTS]>);

/// On cache lines of its own.
#[derive(Default)]
#[repr(align(128))]
struct Part(AtomicU64);

impl Default for Sharded {
    fn default() -> Self {
        Self(Box::new(std::array::from_fn(|_| Part::default())))
    }
}

impl fmt::Debug for Sharded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sharded({})", self.read())
    }
}

static NEXT: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    /// Which part is this thread's.
    static OWN: usize = NEXT.fetch_add(1, Ordering::Relaxed) % PARTS;
}

impl Sharded {
    /// One more.
    pub(crate) fn add(&self) {
        self.own().fetch_add(1, Ordering::Relaxed);
    }

    /// Is the next one of this thread one in `every`?
    pub(crate) fn is_turn(&self, every: u64) -> bool {
        self.own().load(Ordering::Relaxed).is_multiple_of(every)
    }

    /// How many.
    pub(crate) fn read(&self) -> u64 {
        self.0.iter().map(|part| part.0.load(Ordering::Relaxed)).sum()
    }

    fn own(&self) -> &AtomicU64 {
        // A thread that is being torn down has none any more.
        &self.0[OWN.try_with(|own| *own).unwrap_or_default()].0
    }
}

const MICROSECOND: u64 = 1_000;
const MILLISECOND: u64 = 1_000 * MICROSECOND;
const SECOND: u64 = 1_000 * MILLISECOND;

/// Upper edges, in nanoseconds, for what takes microseconds.
pub(crate) const QUICK: &[u64] = &[
    MICROSECOND,
    2 * MICROSECOND,
    5 * MICROSECOND,
    10 * MICROSECOND,
    25 * MICROSECOND,
    50 * MICROSECOND,
    100 * MICROSECOND,
    250 * MICROSECOND,
    MILLISECOND,
    5 * MILLISECOND,
    25 * MILLISECOND,
    100 * MILLISECOND,
    SECOND,
];

/// Upper edges, in nanoseconds, for what waits for a disk or a hash.
pub(crate) const SLOW: &[u64] = &[
    100 * MICROSECOND,
    500 * MICROSECOND,
    MILLISECOND,
    5 * MILLISECOND,
    10 * MILLISECOND,
    25 * MILLISECOND,
    50 * MILLISECOND,
    100 * MILLISECOND,
    250 * MILLISECOND,
    500 * MILLISECOND,
    SECOND,
    2 * SECOND + 500 * MILLISECOND,
    10 * SECOND,
];

/// How long things took.
pub(crate) struct Histogram {
    edges: &'static [u64],
    /// One for each edge, and one for what took longer.
    cells: Box<[AtomicU64]>,
    nanoseconds: AtomicU64,
}

impl fmt::Debug for Histogram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Histogram({} edges)", self.edges.len())
    }
}

impl Histogram {
    /// An empty one with these upper edges, in nanoseconds and in order.
    pub(crate) fn new(edges: &'static [u64]) -> Self {
        Self { edges, cells: zeroes(edges.len() + 1), nanoseconds: AtomicU64::new(0) }
    }

    /// One that took so long.
    pub(crate) fn record(&self, took: Duration) {
        let took = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        let place = self.edges.iter().position(|edge| took <= *edge).unwrap_or(self.edges.len());
        self.cells[place].fetch_add(1, Ordering::Relaxed);
        self.nanoseconds.fetch_add(took, Ordering::Relaxed);
    }

    /// Each upper edge in seconds, with how many took no longer; then the number of all, and how long they took in
    /// seconds.
    pub(crate) fn read(&self) -> (Vec<(f64, u64)>, u64, f64) {
        let mut all = 0;
        let mut counts = self.cells.iter().map(|cell| {
            all += cell.load(Ordering::Relaxed);
            all
        });
        let edges = self.edges.iter().map(|edge| seconds(*edge));
        let up_to: Vec<_> = edges.zip(counts.by_ref()).collect();
        counts.for_each(drop);
        (up_to, all, seconds(self.nanoseconds.load(Ordering::Relaxed)))
    }
}

fn seconds(nanoseconds: u64) -> f64 {
    Duration::from_nanos(nanoseconds).as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::words::{CheckEnd, Credential};

    #[test]
    fn each_pair_of_words_has_a_cell_of_its_own() {
        let family = Family::<Credential, CheckEnd>::default();
        let pairs = || Credential::ALL.iter().flat_map(|one| CheckEnd::ALL.iter().map(move |other| (*one, *other)));
        for (number, (one, other)) in pairs().enumerate() {
            (0..=number).for_each(|_| family.add(one, other));
        }
        for (number, (one, other)) in pairs().enumerate() {
            assert_eq!(family.read(one, other), number as u64 + 1);
        }
    }

    #[test]
    fn nothing_is_lost_between_threads() {
        let sharded = Sharded::default();
        std::thread::scope(|threads| {
            for _ in 0..40 {
                threads.spawn(|| (0..1000).for_each(|_| sharded.add()));
            }
        });
        assert_eq!(sharded.read(), 40_000);
    }

    #[test]
    fn one_in_so_many_is_measured_on_each_thread() {
        let sharded = Sharded::default();
        let measured = (0..160).filter(|_| {
            let turn = sharded.is_turn(16);
            sharded.add();
            turn
        });
        assert_eq!(measured.count(), 10);
    }

    #[test]
    fn a_duration_falls_at_or_under_its_edge_and_is_counted_once() {
        let histogram = Histogram::new(&[MILLISECOND, SECOND]);
        for took in [0, MILLISECOND, MILLISECOND + 1, SECOND, SECOND + 1, u64::MAX / 4] {
            histogram.record(Duration::from_nanos(took));
        }
        let (edges, all, _) = histogram.read();
        assert_eq!((edges, all), (vec![(0.001, 2), (1.0, 4)], 6));
    }
}
