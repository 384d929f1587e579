//! Epochs: what is dead, or must be renewed, if it was minted before a position.

use super::slices::{SliceId, Slices};
use super::{Key, Position, Strength};

/// How far an epoch reaches; the order makes a union the maximum.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Reach {
    Before(Position),
    Everything,
}

impl Reach {
    fn hits(self, at: Option<Position>) -> bool {
        match self {
            Self::Before(min_rv) => at.is_none_or(|at| at < min_rv),
            Self::Everything => true,
        }
    }
}

/// The epochs of one key, one for each strength, and the slice they leave by.
#[derive(Clone, Copy, Debug)]
pub(super) struct Epoch {
    terminal: Option<Reach>,
    refresh: Option<Reach>,
    slice: SliceId,
}

impl Epoch {
    /// The slice it leaves by.
    pub(super) const fn slice(&self) -> SliceId {
        self.slice
    }

    /// Makes it reach at least so far.
    pub(super) fn raise(epoch: &mut Option<Self>, strength: Strength, reach: Reach, slice: SliceId) {
        let epoch = epoch.get_or_insert(Self { terminal: None, refresh: None, slice });
        let known = match strength {
            Strength::Terminal => &mut epoch.terminal,
            Strength::RefreshRequired => &mut epoch.refresh,
        };
        *known = Some(reach).max(*known);
        epoch.slice = slice;
    }

    /// How hard it hits what was minted there.
    pub(super) fn check(&self, at: Option<Position>) -> Option<Strength> {
        let hit = |reach: Option<Reach>| reach.is_some_and(|reach| reach.hits(at));
        if hit(self.terminal) {
            Some(Strength::Terminal)
        } else {
            hit(self.refresh).then_some(Strength::RefreshRequired)
        }
    }
}

/// Epochs of signing keys: so few that a sorted list is quicker than a hash.
#[derive(Clone, Debug, Default)]
pub(super) struct FewEpochs(Vec<(Key, Option<Epoch>)>);

impl FewEpochs {
    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn find(&self, key: Key) -> Option<&Epoch> {
        let place = self.0.binary_search_by_key(&key, |(known, _)| *known).ok()?;
        self.0[place].1.as_ref()
    }

    pub(super) fn change<T>(&mut self, key: Key, change: impl FnOnce(&mut Option<Epoch>) -> T) -> T {
        let place = match self.0.binary_search_by_key(&key, |(known, _)| *known) {
            Ok(place) => place,
            Err(place) => {
                self.0.insert(place, (key, None));
                place
            }
        };
        change(&mut self.0[place].1)
    }

    /// Drops what is due; gives how many.
    pub(super) fn sweep(&mut self, slices: &Slices) -> usize {
        let before = self.0.len();
        self.0.retain(|(_, epoch)| epoch.as_ref().is_some_and(|epoch| !slices.is_due(epoch.slice())));
        before - self.0.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Timestamp;

    #[test]
    fn signing_keys_that_leave_are_counted_and_the_others_found() {
        let mut slices = Slices::default();
        let place = |seq| Position { generation: 1, seq };
        // So many that what stays is in another slice.
        let early = (0..1024).map(|_| slices.enter(None, place(1), Timestamp::MIN, 0)).last();
        let late = slices.enter(None, place(9), Timestamp::MIN, 0);
        let mut epochs = FewEpochs::default();
        assert!(epochs.is_empty());
        for (number, slice) in [(3, early), (1, Some(late)), (2, early)] {
            let slice = slice.unwrap();
            epochs
                .change(Key([number; 16]), |epoch| Epoch::raise(epoch, Strength::Terminal, Reach::Everything, slice));
        }
        slices.pass(place(5));
        assert!(slices.mark());
        assert_eq!((epochs.sweep(&slices), epochs.is_empty()), (2, false));
        assert!(epochs.find(Key([1; 16])).is_some() && epochs.find(Key([2; 16])).is_none());
    }
}
