//! The clock and the dice of a follower: the one place of this crate where either is read.

use crate::{Lifetime, Moment, Timestamp};

/// Now, by both clocks.
pub(super) fn now() -> Moment {
    #[expect(clippy::disallowed_methods, reason = "this is a follower's home of the clock")]
    let wall = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Moment { running: running(), wall: Timestamp::from_millis(i64::try_from(wall.as_millis()).unwrap_or(i64::MAX)) }
}

/// The clock that runs while the machine sleeps. Elsewhere than on Linux the monotonic one does that, or the wall clock
/// beside it tells.
fn running() -> Lifetime {
    #[cfg(target_os = "linux")]
    let clock = rustix::time::ClockId::Boottime;
    #[cfg(not(target_os = "linux"))]
    let clock = rustix::time::ClockId::Monotonic;
    let time = rustix::time::clock_gettime(clock);
    Lifetime::from_millis(time.tv_sec.saturating_mul(1000).saturating_add(time.tv_nsec / 1_000_000))
}

/// Random bytes; `None` if the system has none to give.
pub(super) fn drawn<const N: usize>() -> Option<[u8; N]> {
    let mut bytes = [0; N];
    #[expect(clippy::disallowed_methods, reason = "this is a follower's home of the dice")]
    aws_lc_rs::rand::fill(&mut bytes).ok()?;
    Some(bytes)
}

/// A number below `limit`, for spreading things; how well it is drawn does not matter.
pub(super) fn below(limit: u64) -> u64 {
    let bytes = drawn::<8>().unwrap_or_default();
    if limit == 0 { 0 } else { u64::from_le_bytes(bytes) % limit }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_clocks_run_and_each_is_its_own() {
        let before = now();
        std::thread::sleep(std::time::Duration::from_millis(5));
        let after = now();
        assert!(after.running >= before.running + Lifetime::from_millis(5), "{before:?} {after:?}");
        assert!(before.running > Lifetime::ZERO);
        assert!(before.wall > Timestamp::from_secs(1_700_000_000), "the wall shows a date");
    }

    #[test]
    fn what_is_drawn_is_never_drawn_again() {
        let drawn: Vec<[u8; 16]> = (0..100).filter_map(|_| drawn()).collect();
        assert_eq!(drawn.len(), 100);
        for (place, one) in drawn.iter().enumerate() {
            assert!(!drawn[..place].contains(one));
        }
    }

    #[test]
    fn a_number_below_a_limit_may_be_any_of_them() {
        let mut seen = [false; 5];
        for _ in 0..500 {
            seen[below(5) as usize] = true;
        }
        assert_eq!(seen, [true; 5]);
        assert_eq!((below(0), below(1)), (0, 0));
    }
}
