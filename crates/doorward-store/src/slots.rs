//! Room for pieces of bytes of many lengths, without an allocation for each.
//!
//! Lengths are rounded up to one of 64 sizes, and slots of one size lie sixteen to a block. A piece is found by its place,
//! which takes four bytes. A block in which nothing lies any more gives its memory back.

use std::sync::atomic::{AtomicU16, Ordering};

/// Slots of a block: as many as the bits that speak of them.
const BLOCK: usize = u16::BITS as usize;
/// Sizes up to here go up in small steps, and the others in larger ones.
const FINE: usize = 512;
const FINE_STEP: usize = 16;
const COARSE_STEP: usize = 96;
const FINE_SIZES: usize = FINE / FINE_STEP;
/// How many sizes there are.
const SIZES: usize = 64;
/// What is longer does not belong here.
pub(crate) const LONGEST: usize = FINE + (SIZES - FINE_SIZES) * COARSE_STEP;
/// Bits of a place that say which slot of its size it is; the others say the size.
const SLOT_BITS: u32 = 26;

/// Where a piece lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place(u32);

/// The pieces.
#[derive(Default)]
pub(crate) struct Slots {
    sizes: Vec<Size>,
    /// Where the search for a piece that may leave goes on.
    hand: (usize, usize),
}

/// All slots of one size.
#[derive(Default)]
struct Size {
    blocks: Vec<Block>,
    /// Those with a free slot, each once.
    open: Vec<u32>,
}

#[derive(Default)]
struct Block {
    bytes: Box<[u8]>,
    /// In which slots something lies.
    taken: u16,
    /// Which were asked for since they were last considered for leaving.
    used: AtomicU16,
}

impl Slots {
    /// Puts a piece somewhere. `None` if it is longer than anything that belongs here.
    pub(crate) fn put(&mut self, piece: &[u8]) -> Option<Place> {
        let size = size_of(piece.len())?;
        if self.sizes.len() <= size {
            self.sizes.resize_with(size + 1, Size::default);
        }
        let place = Place::of(size, self.sizes[size].take(length_of(size))?);
        self.write(place, piece);
        Some(place)
    }

    /// Puts a piece in the place of another, if it is of its size.
    pub(crate) fn put_over(&mut self, place: Place, piece: &[u8]) -> bool {
        let fits = size_of(piece.len()) == Some(place.size());
        if fits {
            self.write(place, piece);
        }
        fits
    }

    /// What lies there; behind it zeroes, as far as its slot goes.
    pub(crate) fn at(&self, place: Place) -> &[u8] {
        let length = length_of(place.size());
        &self.block(place).bytes[place.slot() * length..][..length]
    }

    /// Takes away what lies there.
    pub(crate) fn remove(&mut self, place: Place) {
        let size = &mut self.sizes[place.size()];
        let block = &mut size.blocks[place.block()];
        if block.taken == u16::MAX {
            size.open.push(place.block() as u32);
        }
        block.taken &= !place.bit();
        *block.used.get_mut() &= !place.bit();
        if block.taken == 0 {
            block.bytes = Box::default();
        }
    }

    /// It was asked for. Written once and not at every use: the line stays shared between the cores.
    pub(crate) fn note_use(&self, place: Place) {
        let used = &self.block(place).used;
        if used.load(Ordering::Relaxed) & place.bit() == 0 {
            used.fetch_or(place.bit(), Ordering::Relaxed);
        }
    }

    /// The next piece that was not asked for since it was last considered; `None` if there is none at all.
    pub(crate) fn next_unused(&mut self) -> Option<Place> {
        let slots = self.sizes.iter().map(|size| size.blocks.len() * BLOCK).sum::<usize>();
        // Twice around at most: after the first time, none counts as asked for.
        for _ in 0..2 * slots {
            let place = self.turn();
            let block = &mut self.sizes[place.size()].blocks[place.block()];
            let used = block.used.get_mut();
            if block.taken & place.bit() != 0 && *used & place.bit() == 0 {
                return Some(place);
            }
            *used &= !place.bit();
        }
        None
    }

    /// Moves the hand on by one slot; there is one.
    fn turn(&mut self) -> Place {
        let (mut size, mut slot) = self.hand;
        while slot >= self.sizes[size].blocks.len() * BLOCK {
            (size, slot) = ((size + 1) % self.sizes.len(), 0);
        }
        self.hand = (size, slot + 1);
        Place::of(size, slot)
    }

    fn write(&mut self, place: Place, piece: &[u8]) {
        let length = length_of(place.size());
        let slot = &mut self.sizes[place.size()].blocks[place.block()].bytes[place.slot() * length..][..length];
        slot[..piece.len()].copy_from_slice(piece);
        slot[piece.len()..].fill(0);
    }

    fn block(&self, place: Place) -> &Block {
        &self.sizes[place.size()].blocks[place.block()]
    }
}

impl Size {
    /// Takes a free slot; `None` if no place could name one more.
    fn take(&mut self, length: usize) -> Option<usize> {
        let number = match self.open.last() {
            Some(number) => *number as usize,
            None if (self.blocks.len() + 1) * BLOCK > 1 << SLOT_BITS => return None,
            None => {
                self.open.push(self.blocks.len() as u32);
                self.blocks.push(Block::default());
                self.blocks.len() - 1
            }
        };
        let block = &mut self.blocks[number];
        if block.taken == 0 {
            block.bytes = vec![0; BLOCK * length].into_boxed_slice();
        }
        let slot = block.taken.trailing_ones();
        block.taken |= 1 << slot;
        if block.taken == u16::MAX {
            self.open.pop();
        }
        Some(number * BLOCK + slot as usize)
    }
}

impl Place {
    const fn of(size: usize, slot: usize) -> Self {
        Self((size as u32) << SLOT_BITS | slot as u32)
    }

    const fn size(self) -> usize {
        (self.0 >> SLOT_BITS) as usize
    }

    const fn block(self) -> usize {
        (self.0 & ((1 << SLOT_BITS) - 1)) as usize / BLOCK
    }

    const fn slot(self) -> usize {
        self.0 as usize % BLOCK
    }

    const fn bit(self) -> u16 {
        1 << self.slot()
    }
}

/// The size for a piece of so many bytes.
const fn size_of(length: usize) -> Option<usize> {
    match length {
        0 => Some(0),
        1..=FINE => Some((length - 1) / FINE_STEP),
        _ if length <= LONGEST => Some(FINE_SIZES + (length - FINE - 1) / COARSE_STEP),
        _ => None,
    }
}

/// How long a slot of a size is.
const fn length_of(size: usize) -> usize {
    if size < FINE_SIZES { (size + 1) * FINE_STEP } else { FINE + (size - FINE_SIZES + 1) * COARSE_STEP }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_length_has_a_size_that_holds_it_and_wastes_little() {
        for length in 0..=LONGEST {
            let room = length_of(size_of(length).expect("a size"));
            assert!(
                room >= length && room < length + if length <= FINE { FINE_STEP + 1 } else { COARSE_STEP },
                "{length} in {room}"
            );
        }
        assert_eq!(size_of(LONGEST + 1), None);
    }

    proptest! {
        #[test]
        fn whatever_is_put_lies_there_until_it_is_taken_away(
            steps in prop::collection::vec((any::<u8>(), 0..700_usize, any::<prop::sample::Index>()), 1..400),
        ) {
            let mut slots = Slots::default();
            let mut pieces: Vec<(Place, Vec<u8>)> = Vec::new();
            for (byte, length, which) in steps {
                let piece = vec![byte; length];
                match byte % 4 {
                    0 if !pieces.is_empty() => slots.remove(pieces.swap_remove(which.index(pieces.len())).0),
                    1 if !pieces.is_empty() => {
                        let number = which.index(pieces.len());
                        let (place, old) = &mut pieces[number];
                        if slots.put_over(*place, &piece) {
                            *old = piece;
                        }
                    }
                    _ => pieces.push((slots.put(&piece).expect("a slot"), piece)),
                }
                for (place, piece) in &pieces {
                    let (found, behind) = slots.at(*place).split_at(piece.len());
                    prop_assert_eq!(found, piece);
                    prop_assert!(behind.iter().all(|byte| *byte == 0));
                }
            }
            for (place, _) in pieces {
                slots.remove(place);
            }
            prop_assert!(slots.sizes.iter().flat_map(|size| &size.blocks).all(|block| block.bytes.is_empty()));
            prop_assert_eq!(slots.next_unused(), None);
        }
    }

    #[test]
    fn what_was_asked_for_stays_and_everything_has_its_turn() {
        let mut slots = Slots::default();
        let places: Vec<Place> = (0..100).map(|number| slots.put(&vec![1; 5 * number]).expect("a slot")).collect();
        let asked: Vec<Place> = places.iter().copied().step_by(2).collect();
        asked.iter().for_each(|place| slots.note_use(*place));
        for _ in 0..places.len() - asked.len() {
            let place = slots.next_unused().expect("one that was not asked for");
            assert!(!asked.contains(&place));
            slots.remove(place);
        }
        for _ in &asked {
            let place = slots.next_unused().expect("one that was");
            assert!(asked.contains(&place));
            slots.remove(place);
        }
        assert_eq!(slots.next_unused(), None);
    }
}
