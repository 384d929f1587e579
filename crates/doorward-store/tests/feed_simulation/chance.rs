//! The dice and the clocks of a history: the same seed, the same world.

use doorward_core::{Lifetime, Timestamp};
use doorward_store::suite::cast::NOON;
use doorward_verify::Moment;

/// A small generator (splitmix64).
#[derive(Clone, Debug)]
pub(crate) struct Chance(pub(crate) u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }

    pub(crate) fn below(&mut self, most: u64) -> u64 {
        self.next() % most
    }

    pub(crate) fn between(&mut self, least: i64, most: i64) -> i64 {
        least + self.below((most - least + 1) as u64) as i64
    }

    pub(crate) fn percent(&mut self, chance: u64) -> bool {
        self.below(100) < chance
    }

    pub(crate) fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len() as u64) as usize]
    }

    /// How long a message is under way: mostly milliseconds, now and then longer than a lease.
    pub(crate) fn delay(&mut self) -> i64 {
        match self.below(100) {
            0..80 => self.between(1, 30),
            80..97 => self.between(30, 900),
            _ => self.between(900, 9_000),
        }
    }
}

/// The clocks of one machine: they drift, and the one on the wall is set.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    /// When it was switched on, by true time in milliseconds.
    on: i64,
    /// What its running clock showed then.
    base: i64,
    /// By how many millionths it runs fast.
    ppm: i64,
    /// By how much the clock on the wall is off.
    pub(crate) wall_off: i64,
}

impl Clock {
    /// As good as clocks are: half a second a thousand.
    pub(crate) fn drawn(chance: &mut Chance, now: i64) -> Self {
        Self { on: now, base: chance.between(0, 5_000), ppm: chance.between(-450, 450), wall_off: 0 }
    }

    /// Anew, after the machine was switched off.
    pub(crate) const fn rebooted(self, now: i64) -> Self {
        Self { on: now, base: 0, ..self }
    }

    pub(crate) const fn up(self, now: i64) -> Lifetime {
        let passed = now - self.on;
        Lifetime::from_millis(self.base + passed + passed * self.ppm / 1_000_000)
    }

    /// (The wall is set right by somebody often enough not to drift far.)
    pub(crate) fn wall(self, now: i64) -> Timestamp {
        NOON + Lifetime::from_millis(now + (now - self.on) * self.ppm / 1_000_000 + self.wall_off)
    }

    pub(crate) fn moment(self, now: i64) -> Moment {
        Moment { running: self.up(now), wall: self.wall(now) }
    }
}
