//! The `rh` claim: handles by which verifiers know people and things without knowing who they are.
//!
//! Text: `1.` and base64url of one byte, the epoch of the key that made the handles, and records of a tag byte and 16
//! bytes, tags ascending. A version or tag that we do not know is refused: a handle that is not understood would be a
//! revocation that is not seen.

use crate::{Key, base64url};

const VERSION: &str = "1.";
const SUBJECT: u8 = 1;
const DEVICE: u8 = 2;
const ORGANIZATION: u8 = 3;
/// Bytes of the longest value: epoch and three records.
const LONGEST: usize = 1 + 3 * 17;

/// The handles in a token. The default is "none", which is not written at all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Handles {
    /// Which handle key made them.
    pub epoch: u8,
    /// The person.
    pub subject: Option<Key>,
    /// The device.
    pub device: Option<Key>,
    /// The organization.
    pub organization: Option<Key>,
}

impl Handles {
    /// Reads the text of `rh`; `None` if it is not exactly what [`Self::text`] writes.
    pub fn parse(text: &str) -> Option<Self> {
        let mut room = [0; LONGEST];
        let bytes = base64url::decode_into(text.strip_prefix(VERSION)?.as_bytes(), &mut room)?;
        let (&mut epoch, records) = bytes.split_first_mut()?;
        let (records, rest) = records.as_chunks::<17>();
        let mut handles = Self { epoch, ..Self::default() };
        let mut last = 0;
        for [tag, key @ ..] in records {
            let slot = match *tag {
                SUBJECT => &mut handles.subject,
                DEVICE => &mut handles.device,
                ORGANIZATION => &mut handles.organization,
                _ => return None,
            };
            // Ascending, so also no tag twice.
            if *tag <= last {
                return None;
            }
            last = *tag;
            *slot = Some(Key(*key));
        }
        rest.is_empty().then_some(handles)
    }

    /// Writes the text of `rh`.
    pub fn text(&self) -> String {
        let mut bytes = Vec::with_capacity(LONGEST);
        bytes.push(self.epoch);
        for (tag, key) in [(SUBJECT, self.subject), (DEVICE, self.device), (ORGANIZATION, self.organization)] {
            if let Some(Key(key)) = key {
                bytes.push(tag);
                bytes.extend_from_slice(&key);
            }
        }
        format!("{VERSION}{}", base64url::encode(&bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(bytes: &[u8], expect: Option<Handles>) {
        assert_eq!(Handles::parse(&format!("1.{}", base64url::encode(bytes))), expect, "{bytes:?}");
    }

    #[test]
    fn only_known_tags_in_ascending_order_are_read() {
        let record = |tag: u8| [&[tag][..], &[tag; 16]].concat();
        let of = |tags: &[u8]| [vec![7], tags.iter().flat_map(|tag| record(*tag)).collect()].concat();
        check(&of(&[]), Some(Handles { epoch: 7, ..Handles::default() }));
        check(&of(&[2]), Some(Handles { epoch: 7, device: Some(Key([2; 16])), ..Handles::default() }));
        check(
            &of(&[1, 3]),
            Some(Handles { subject: Some(Key([1; 16])), device: None, organization: Some(Key([3; 16])), epoch: 7 }),
        );
        for tags in [&[1, 1][..], &[2, 1], &[0], &[4], &[1, 2, 3, 3], &[1, 2, 3, 4]] {
            check(&of(tags), None);
        }
        check(&[], None);
        check(&of(&[1])[..17], None);
        check(&[of(&[1]), vec![0]].concat(), None);
    }

    #[test]
    fn another_version_is_refused() {
        for text in ["", "1", "2.BQ", "01.BQ", "1.BQ=", "1. BQ", "1.BR", "BQ", "1.", "1.BQ.BQ"] {
            assert_eq!(Handles::parse(text), None, "{text:?}");
        }
        assert!(Handles::parse("1.BQ").is_some());
    }

    proptest! {
        #[test]
        fn handles_survive_their_text(epoch: u8, people: [Option<[u8; 16]>; 3]) {
            let [subject, device, organization] = people.map(|key| key.map(Key));
            let handles = Handles { epoch, subject, device, organization };
            prop_assert_eq!(Handles::parse(&handles.text()), Some(handles));
        }
    }
}
