//! How long an answer is held back for others.

use std::time::Duration;

use doorward_core::Lifetime;

/// One wait takes no longer, whatever leases a realm grants.
pub const LONGEST: Lifetime = Lifetime::from_secs(45);

/// All waits of one request together: whoever asks has to be as patient. A key that is killed waits until everybody holds
/// the next one (`lead`), and then until everybody refuses it (`acknowledge`).
pub const ALTOGETHER: Lifetime = Lifetime::from_millis(2 * LONGEST.millis());

/// How long to sleep from `now` on, if the next moment that is worth a look is `next`: a wait that began at `began` is over
/// in time, however late that moment is.
pub(super) fn rest(next: Option<Lifetime>, began: Lifetime, now: Lifetime) -> Duration {
    let end = Lifetime::from_millis(began.millis() + LONGEST.millis());
    let until = next.unwrap_or(now).min(end);
    Duration::from_millis(u64::try_from(until.millis() - now.millis()).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_rests_until_the_next_moment_and_never_past_its_own_end() {
        let at = Lifetime::from_secs;
        for (next, now, secs) in [
            (Some(at(103)), 100, 3),
            (Some(at(160)), 100, 45),
            (Some(at(160)), 120, 25),
            (Some(at(190)), 144, 1),
            (Some(at(190)), 146, 0),
            (Some(at(99)), 100, 0),
            (None, 100, 0),
        ] {
            assert_eq!(rest(next, at(100), at(now)), Duration::from_secs(secs), "{next:?} at {now}");
        }
    }
}
