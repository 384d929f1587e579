//! How the feed goes on when a server starts that keeps it in a file.
//!
//! A start cannot vouch for the order of before, so it opens a new generation. The numbers go on: a place is never used
//! twice, whatever a verifier makes of generations. Beside the file lies a mark of how far the feed had got; if that is
//! ahead of the file, an old copy of it was put back, and with it sessions that were ended since.

use doorward_verify::{Position, Timestamp};

/// How a feed goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Begun {
    /// Its head from now on.
    pub head: Position,
    /// How far it had got, if that is further than the file knows.
    pub lost: Option<Position>,
}

/// Of a file that ends at `stored`, beside a mark at `marked`.
pub fn begin(stored: Position, marked: Position, now: Timestamp) -> Begun {
    let clock = u64::try_from(now.secs()).unwrap_or(0);
    let generation = clock.max(stored.generation.max(marked.generation) + 1);
    Begun { head: Position { generation, seq: stored.seq }, lost: (marked > stored).then_some(marked) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_start_is_ahead_of_everything_before_it_and_knows_an_old_copy() {
        for generation in 0..4 {
            for seq in 0..3 {
                for (marked_generation, marked_seq) in
                    (0..4).flat_map(|first| (0..3).map(move |second| (first, second)))
                {
                    for secs in [-5, 0, 2, 9] {
                        let stored = Position { generation, seq };
                        let marked = Position { generation: marked_generation, seq: marked_seq };
                        let begun = begin(stored, marked, Timestamp::from_secs(secs));
                        let newest = begun.head.generation;
                        assert!(newest > generation && newest > marked_generation, "{stored} {marked} {secs}");
                        assert!(i128::from(newest) >= i128::from(secs));
                        assert_eq!(begun.head.seq, seq, "the numbers go on");
                        assert_eq!(begun.lost.is_some(), (marked_generation, marked_seq) > (generation, seq));
                    }
                }
            }
        }
    }
}
