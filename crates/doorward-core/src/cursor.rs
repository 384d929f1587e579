//! Where a verifier stands in the feed, and what it is to be told.

use doorward_verify::Position;
use doorward_verify::feed::{Bump, Event, Need};

/// How a verifier stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It lacks what stands behind its cursor.
    Behind,
    /// It knows nothing yet, or what it lacks may be forgotten: it needs all there is.
    Lost,
    /// It knows an earlier generation: it needs all there is, too.
    Older,
    /// It knows more of this generation than there is.
    Ahead,
    /// It knows a later generation, or what came after our file was copied: the file went backwards.
    Newer,
}

/// The places between which a feed moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// How far it had got when its store was opened, before the generation that began then.
    pub resumed_from: Position,
    /// Up to here it is forgotten.
    pub watermark: Position,
    /// Up to here it goes.
    pub head: Position,
}

/// How a verifier stands that holds everything up to `cursor`.
///
/// No place was ever given between where the store resumed and the generation that began then: who knows one has it from
/// before an old copy of the store was put back.
pub fn standing(cursor: Option<Position>, bounds: Bounds) -> Standing {
    let Bounds { resumed_from, watermark, head } = bounds;
    let Some(cursor) = cursor.filter(|cursor| *cursor != Position::START) else { return Standing::Lost };
    if cursor.generation < head.generation {
        if cursor > resumed_from { Standing::Newer } else { Standing::Older }
    } else if cursor.generation > head.generation {
        Standing::Newer
    } else if cursor > head {
        Standing::Ahead
    } else if cursor < watermark {
        Standing::Lost
    } else {
        Standing::Behind
    }
}

/// What one is told that cannot go on from where it stands.
pub fn lost(standing: Standing, head: Position) -> Vec<Event> {
    let bump = |reason: &str| Event::Bump(Bump { head, reason: reason.to_owned() });
    let bump = match standing {
        Standing::Older => Some(bump("restart")),
        Standing::Ahead | Standing::Newer => Some(bump("behind")),
        Standing::Behind | Standing::Lost => None,
    };
    bump.into_iter().chain([Event::Need(Need::Snapshot { head })]).collect()
}

/// What is acknowledged of this generation by who holds everything up to `applied`: who knows another generation
/// acknowledges nothing of this one.
pub fn acknowledged(applied: Position, head: Position) -> Position {
    if applied.generation == head.generation { applied } else { Position::START }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cursor_of_a_small_world_is_told_what_it_lacks() {
        let place = |generation, seq| Position { generation, seq };
        let bounds = Bounds { resumed_from: place(3, 2), watermark: place(5, 2), head: place(5, 4) };
        for generation in 0..8 {
            for seq in 0..8 {
                let cursor = place(generation, seq);
                let expected = match (generation, seq) {
                    (0, 0) | (5, 0..=1) => Standing::Lost,
                    (0..3, _) | (3, 0..=2) => Standing::Older,
                    (3..5, _) => Standing::Newer,
                    (5, 2..=4) => Standing::Behind,
                    (5, _) => Standing::Ahead,
                    _ => Standing::Newer,
                };
                assert_eq!(standing(Some(cursor), bounds), expected, "{cursor}");
            }
        }
        assert_eq!(standing(None, bounds), Standing::Lost);
        let nothing_forgotten = Bounds { watermark: Position::START, ..bounds };
        assert_eq!(standing(Some(bounds.head), nothing_forgotten), Standing::Behind);
    }
}
