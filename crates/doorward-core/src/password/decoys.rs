//! What is verified where there is no account, so that the answer takes as long as one about somebody.
//!
//! Accounts from elsewhere take another time than ours, until their owners sign in. So an address without an account
//! gets a decoy by lot, each scheme as likely as it is among the accounts. The lot is the address's own, drawn under a
//! key: asking again gives the same, and what one measures says nothing about whether the account exists.

use std::collections::BTreeMap;

use super::foreign::Foreign;
use super::{Cost, decoy, decoy_of, scheme};

/// How many stored texts are of each scheme, in order of the schemes' names.
pub fn tally(stored: impl Iterator<Item = impl AsRef<str>>) -> Vec<(String, u64)> {
    let mut counts = BTreeMap::new();
    for text in stored {
        *counts.entry(scheme(text.as_ref())).or_default() += 1;
    }
    counts.into_iter().collect()
}

/// The decoys, each with its share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decoys {
    /// Decoys with the sum of their shares and of those before them; never empty.
    upto: Vec<(u64, String)>,
}

impl Decoys {
    /// For a house that has no accounts.
    pub fn ours(cost: Cost) -> Self {
        Self { upto: vec![(1, decoy(cost))] }
    }

    /// For a house that has so many passwords of each scheme.
    pub fn like(counts: &[(String, u64)], cost: Cost) -> Self {
        let mut upto = Vec::new();
        let mut sum = 0_u64;
        for (scheme, count) in counts.iter().filter(|(_, count)| *count > 0) {
            if let Some(decoy) = decoy_of(scheme).or_else(|| Foreign::decoy(scheme)) {
                sum = sum.saturating_add(*count);
                upto.push((sum, decoy));
            }
        }
        if upto.is_empty() { Self::ours(cost) } else { Self { upto } }
    }

    /// The decoy of a lot.
    pub fn of(&self, lot: [u8; 16]) -> &str {
        let sum = self.upto.last().map_or(0, |(sum, _)| *sum);
        let mut first = [0; 8];
        first.copy_from_slice(&lot[..8]);
        let place = (u128::from(u64::from_be_bytes(first)) * u128::from(sum)) >> 64;
        let found = self.upto.iter().find(|(upto, _)| place < u128::from(*upto)).or(self.upto.last());
        found.map_or("", |(_, decoy)| decoy)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::sha256;

    #[test]
    fn decoys_are_as_frequent_as_what_they_stand_for() {
        let bcrypt = String::from("$2b$12$");
        let ours = scheme(&decoy(Cost::FLOOR));
        let counts =
            [(bcrypt.clone(), 250), (String::from("nonsense"), 9000), (ours.clone(), 750), (String::new(), 0)];
        let decoys = Decoys::like(&counts, Cost::FLOOR);
        let mut found = [0, 0];
        for number in 0..4_000_u32 {
            let mut lot = [0; 16];
            lot.copy_from_slice(&sha256(&[&number.to_be_bytes()])[..16]);
            let drawn = scheme(decoys.of(lot));
            assert!(drawn == bcrypt || drawn == ours, "{drawn}");
            found[usize::from(drawn == ours)] += 1;
            assert_eq!(decoys.of(lot), decoys.of(lot), "always the same for one address");
        }
        assert!((800..1200).contains(&found[0]), "{found:?}");
        assert_eq!(scheme(decoys.of([0; 16])), bcrypt);
        assert_eq!(scheme(decoys.of([255; 16])), ours);
    }

    #[test]
    fn an_empty_house_has_our_own() {
        for counts in [&[][..], &[(String::from("nonsense"), 3)], &[(String::from("$2b$12$"), 0)]] {
            assert_eq!(Decoys::like(counts, Cost::FLOOR), Decoys::ours(Cost::FLOOR));
        }
    }

    /// Our own may be dearer than what is taken from elsewhere, and still has a decoy.
    #[test]
    fn a_dear_hash_of_our_own_has_a_decoy() {
        let dear = Cost { memory_kib: 512 * 1024, passes: 12, lanes: 1 };
        let counts = [(scheme(&decoy(dear)), 5)];
        assert_eq!(Decoys::like(&counts, Cost::FLOOR).of([9; 16]), decoy(dear));
    }
}
