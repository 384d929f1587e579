//! The history of a refresh token as one blob.
//!
//! First byte 1, then 29 bytes for each retired generation, oldest first: generation (4, big-endian), flags, the hash of
//! the attempt key (16, zeroes if there was none), time in milliseconds (8, big-endian). At most 465 bytes.

use doorward_core::Timestamp;
use doorward_core::session::{AttemptHash, Generation, Retired, Ring};

const FORM: u8 = 1;
const ENTRY: usize = 4 + 1 + 16 + 8;
const WITH_ATTEMPT: u8 = 1;
const DISPLACED: u8 = 2;

/// The blob of a ring.
pub(super) fn ringed(ring: &Ring) -> Vec<u8> {
    let mut blob = Vec::with_capacity(1 + ring.rows().len() * ENTRY);
    blob.push(FORM);
    for retired in ring.rows() {
        let attempted = if retired.attempt.is_some() { WITH_ATTEMPT } else { 0 };
        let displaced = if retired.displaced { DISPLACED } else { 0 };
        blob.extend_from_slice(&retired.generation.0.to_be_bytes());
        blob.push(attempted | displaced);
        blob.extend_from_slice(&retired.attempt.map_or([0; 16], |attempt| attempt.0));
        blob.extend_from_slice(&retired.at.millis().to_be_bytes());
    }
    blob
}

/// The ring in a blob; `None` if it is not one of ours.
pub(super) fn read(blob: &[u8]) -> Option<Ring> {
    let (&FORM, entries) = blob.split_first()? else { return None };
    let (entries, []) = entries.as_chunks::<ENTRY>() else { return None };
    if entries.len() > Ring::SIZE {
        return None;
    }
    entries.iter().map(read_entry).collect::<Option<Vec<_>>>().map(Ring::from_rows)
}

fn read_entry(entry: &[u8; ENTRY]) -> Option<Retired> {
    let (generation, rest) = entry.split_first_chunk::<4>()?;
    let (&flags, rest) = rest.split_first()?;
    let (attempt, at) = rest.split_first_chunk::<16>()?;
    if flags & !(WITH_ATTEMPT | DISPLACED) != 0 {
        return None;
    }
    Some(Retired {
        generation: Generation(u32::from_be_bytes(*generation)),
        attempt: (flags & WITH_ATTEMPT != 0).then_some(AttemptHash(*attempt)),
        at: Timestamp::from_millis(i64::from_be_bytes(at.try_into().ok()?)),
        displaced: flags & DISPLACED != 0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn some_ring() -> impl Strategy<Value = Ring> {
        let retired = any::<(u32, Option<[u8; 16]>, i64, bool)>().prop_map(|(generation, attempt, at, displaced)| {
            let attempt = attempt.map(AttemptHash);
            Retired { generation: Generation(generation), attempt, at: Timestamp::from_millis(at), displaced }
        });
        proptest::collection::vec(retired, 0..=Ring::SIZE).prop_map(Ring::from_rows)
    }

    proptest! {
        #[test]
        fn every_ring_survives_its_blob(ring in some_ring()) {
            prop_assert_eq!(read(&ringed(&ring)), Some(ring));
        }

        #[test]
        fn no_blob_is_a_panic(blob: Vec<u8>) {
            let _ = read(&blob);
        }
    }

    #[test]
    fn what_is_no_ring_is_not_read() {
        let whole = ringed(&Ring::from_rows(vec![Retired {
            generation: Generation(7),
            attempt: None,
            at: Timestamp::from_millis(1),
            displaced: true,
        }]));
        assert!(read(&whole).is_some());
        assert!(read(&[]).is_none());
        assert!(read(&whole[..whole.len() - 1]).is_none(), "cut");
        assert!(read(&[&[2], &whole[1..]].concat()).is_none(), "of another form");
        assert!(read(&[&[FORM], whole[1..].repeat(17).as_slice()].concat()).is_none(), "one entry too many");
        let mut flagged = whole;
        flagged[5] |= 128;
        assert!(read(&flagged).is_none(), "an unknown flag");
    }
}
