//! Password hashes from elsewhere. None is computed here, whatever it asks for: judging a text must cost nothing.

use doorward_core::password::foreign::{Digest, Foreign, LONGEST, Place, Refusal, Weak};
use doorward_core::password::{Cost, is_current, scheme};

use super::text;

/// What is read is stored in one spelling, whose scheme holds nothing of it and has a decoy that costs the same.
pub(super) fn hash(data: &[u8]) {
    let Some(typed) = text(data) else { return };
    drop(Weak::read_django(typed));
    for digest in Digest::ALL {
        for (value, salt) in [(typed, ""), ("", typed)] {
            drop(Weak::read(digest, value, salt, Place::Suffix));
        }
    }
    let kept = match Foreign::read(typed) {
        Ok(kept) => kept,
        Err(refusal) => return assert!(Refusal::ALL.contains(&refusal)),
    };
    assert!(typed.is_ascii() && typed.len() <= LONGEST);
    let stored = kept.text();
    assert!(stored.is_ascii() && stored.len() <= 2 * LONGEST, "{stored}");
    let again = Foreign::read(&stored).expect("what is stored is read");
    assert!(again == kept && again.text() == stored, "{stored} is not one spelling");
    let cost = scheme(&stored);
    assert!(!cost.is_empty() && stored.starts_with(&cost), "{cost}");
    assert_eq!(cost, kept.scheme());
    let decoy = Foreign::decoy(&cost).expect("a decoy");
    assert_eq!(scheme(&decoy), cost);
    assert!(!is_current(&stored, Cost::FLOOR) || stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
}
