//! The rules against guessing, over all small worlds: each test here fails if its rule is taken away.

use std::net::IpAddr;

use doorward_core::secret::Secret;
use doorward_core::throttle::{Delays, Network, Rate, Stop, Tally, Whose};
use doorward_core::user::Email;
use doorward_core::{Lifetime, Timestamp};

const NOON: Timestamp = Timestamp::from_secs(1_790_000_000);
const MILLI: Lifetime = Lifetime::from_millis(1);

fn secs(secs: i64) -> Lifetime {
    Lifetime::from_secs(secs)
}

/// Fails `count` times, each as early as it may, and gives the tally and the time.
fn guessed(count: u32, delays: &Delays) -> (Tally, Timestamp) {
    let (mut tally, mut now) = (Tally::BLANK, NOON);
    for _ in 0..count {
        if let Err(Stop::Wait(left)) = tally.admit(delays, now) {
            now = now + left;
        }
        tally = tally.admit(delays, now).expect("the wait is over").failed(now);
    }
    (tally, now)
}

#[test]
fn five_failures_are_free_and_from_there_the_wait_doubles_to_a_quarter_of_an_hour() {
    let delays = Delays::default();
    let waits: Vec<_> = (0..20).map(|failures| delays.after(failures).millis() / 1000).collect();
    assert_eq!(waits[..8], [0, 0, 0, 0, 0, 1, 2, 4]);
    assert_eq!(waits[8..16], [8, 16, 32, 64, 128, 256, 512, 900]);
    assert!(waits[16..].iter().all(|wait| *wait == 900));
    assert!((0..u32::MAX).step_by(65_537).all(|failures| delays.after(failures) <= delays.forgets));
}

#[test]
fn a_try_is_let_in_at_the_moment_its_wait_is_over_and_not_before() {
    let delays = Delays::default();
    for failures in 5..100 {
        let (tally, now) = guessed(failures, &delays);
        let wait = delays.after(failures);
        assert_eq!(tally.admit(&delays, now), Err(Stop::Wait(wait)), "{failures}");
        let just_before = Timestamp::from_millis((now + wait).millis() - 1);
        assert_eq!(tally.admit(&delays, just_before), Err(Stop::Wait(MILLI)), "{failures}");
        assert!(tally.admit(&delays, now + wait).is_ok(), "{failures}");
    }
}

#[test]
fn after_a_hundred_failures_nothing_is_tried_until_they_are_forgotten() {
    let delays = Delays::default();
    let (tally, now) = guessed(100, &delays);
    assert_eq!(tally.failures, 100);
    for hours in 0..24 {
        let left = Lifetime::from_hours(24 - hours);
        assert_eq!(tally.admit(&delays, now + Lifetime::from_hours(hours)), Err(Stop::Wait(left)));
    }
    let fresh = tally.admit(&delays, now + Lifetime::from_hours(24)).expect("forgotten");
    assert_eq!((fresh.failures, fresh.under_way), (0, 1));
}

#[test]
fn failures_are_forgotten_a_day_after_the_last_and_not_a_moment_before() {
    let delays = Delays::default();
    let (tally, now) = guessed(7, &delays);
    let day = now + Lifetime::from_hours(24);
    assert_eq!(tally.at(&delays, Timestamp::from_millis(day.millis() - 1)).failures, 7);
    assert_eq!(tally.at(&delays, day).failures, 0);
}

#[test]
fn a_success_forgives_and_a_try_that_came_to_nothing_counts_for_nothing() {
    let delays = Delays::default();
    let (tally, now) = guessed(6, &delays);
    let under_way = tally.admit(&delays, now + secs(2)).expect("the wait is over");
    assert!(under_way.succeeded().is_blank());
    assert_eq!(under_way.withdrawn(), tally);
}

#[test]
fn of_a_volley_only_as_many_are_let_in_as_could_all_fail_for_free() {
    let delays = Delays::default();
    for already in 0..12 {
        let (tally, now) = guessed(already, &delays);
        let now = now + delays.after(already);
        let (mut volley, mut let_in) = (tally, 0);
        for _ in 0..100 {
            match volley.admit(&delays, now) {
                Ok(next) => (volley, let_in) = (next, let_in + 1),
                Err(stop) => assert_eq!(stop, Stop::Pending),
            }
        }
        assert_eq!(let_in, 5_u32.saturating_sub(already).max(1), "{already}");
        for _ in 0..let_in {
            volley = volley.failed(now);
        }
        assert_eq!(volley.failures, already + let_in);
        assert!(matches!(volley.admit(&delays, now), Err(Stop::Wait(_))));
    }
}

/// All histories of eight steps: no clever order of tries, ends and waits wins a guess more than the table of waits gives.
#[test]
fn no_history_wins_a_guess() {
    let delays = Delays { free: 2, first: secs(1), longest: secs(4), most: 5, forgets: secs(20) };
    let steps = 6_u32.pow(8);
    for number in 0..steps {
        let (mut tally, mut now, mut code) = (Tally::BLANK, NOON, number);
        // When each failure since the last success was weighed, and what was let in since and is not weighed.
        let mut failed: Vec<Timestamp> = Vec::new();
        let mut open = 0;
        for _ in 0..8 {
            match code % 6 {
                0 => {
                    if let Ok(next) = tally.admit(&delays, now) {
                        if failed.last().is_some_and(|last| now - *last >= delays.forgets) {
                            failed.clear();
                        }
                        let worst = failed.len() as u32 + open;
                        assert!(worst < delays.most, "{number}: one guess too many");
                        assert!(open == 0 || worst < delays.free, "{number}: a volley");
                        let waited =
                            failed.last().is_none_or(|last| now - *last >= delays.after(failed.len() as u32));
                        assert!(waited, "{number}: too early");
                        (tally, open) = (next, open + 1);
                    }
                }
                1 if open > 0 => {
                    tally = tally.failed(now);
                    open -= 1;
                    failed.push(now);
                }
                2 if open > 0 => {
                    tally = tally.withdrawn();
                    open -= 1;
                }
                3 if open > 0 => {
                    tally = tally.succeeded();
                    open -= 1;
                    failed.clear();
                }
                4 => now = now + secs(1),
                _ => now = now + secs(10),
            }
            code /= 6;
        }
        assert_eq!(tally.under_way, open, "{number}");
    }
}

#[test]
fn a_clock_that_goes_back_makes_no_wait_longer() {
    let delays = Delays::default();
    let (tally, _) = guessed(6, &delays);
    assert_eq!(tally.admit(&delays, Timestamp::from_secs(0)), Err(Stop::Wait(secs(2))));
    let rate = Rate { burst: 3, every: secs(2) };
    let whole_at = rate.ask(None, NOON).expect("room");
    assert_eq!(rate.ask(Some(whole_at), Timestamp::from_secs(0)), Err(secs(2)));
}

#[test]
fn an_account_has_one_tally_however_it_is_typed_and_each_known_device_one_of_its_own() {
    let key = Secret::from_bytes([1; 32]);
    let ada = Email::parse("ada@example.test").expect("an address");
    let shouted = Email::parse("ADA@Example.Test").expect("an address");
    let bea = Email::parse("bea@example.test").expect("an address");
    let of = |email: &Email, device| Whose::of(&key, email, device);
    assert_eq!(of(&ada, None), of(&shouted, None));
    assert_ne!(of(&ada, None), of(&bea, None));
    assert_ne!(of(&ada, None), of(&ada, Some([0; 16])));
    assert_ne!(of(&ada, Some([1; 16])), of(&ada, Some([0; 16])));
    assert_ne!(of(&bea, Some([0; 16])), of(&ada, Some([0; 16])));
    assert_ne!(Whose::of(&Secret::from_bytes([2; 32]), &ada, None), of(&ada, None), "only the key tells whose it is");
}

#[test]
fn a_network_is_an_address_of_ipv4_or_a_64_of_ipv6() {
    let of = |text: &str| Network::of(text.parse::<IpAddr>().expect("an address"));
    assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
    assert_eq!(of("192.0.2.1"), of("::ffff:192.0.2.1"));
    assert_eq!(of("2001:db8:1:2::1"), of("2001:db8:1:2:ffff:ffff:ffff:ffff"));
    assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
}

/// Compares the one time stamp with a bucket that is counted by hand, over every pattern of sixteen steps.
#[test]
fn an_allowance_is_a_bucket_that_fills_one_by_one() {
    let every = 3;
    for burst in 1..4_i64 {
        let rate = Rate { burst: burst as u32, every: Lifetime::from_millis(every) };
        for pattern in 0..1_u32 << 16 {
            let (mut whole_at, mut missing) = (None, 0_i64);
            for step in 0..16 {
                let now = NOON + Lifetime::from_millis(step);
                if pattern >> step & 1 == 1 {
                    let room = missing + every <= burst * every;
                    match rate.ask(whole_at, now) {
                        Ok(next) => {
                            assert!(room, "burst {burst}, pattern {pattern:b}, step {step}");
                            (whole_at, missing) = (Some(next), missing + every);
                        }
                        Err(wait) => {
                            assert!(!room, "burst {burst}, pattern {pattern:b}, step {step}");
                            assert_eq!(wait.millis(), missing + every - burst * every);
                        }
                    }
                }
                missing = (missing - 1).max(0);
            }
        }
    }
}

#[test]
fn sixty_in_a_row_and_then_one_every_two_seconds() {
    let rate = Rate::default();
    assert_eq!(rate.window(), secs(120));
    let mut whole_at = None;
    for asked in 0..60 {
        whole_at = Some(rate.ask(whole_at, NOON).unwrap_or_else(|_| panic!("no room for {asked}")));
    }
    assert_eq!(rate.ask(whole_at, NOON), Err(secs(2)));
    assert_eq!(rate.ask(whole_at, NOON + secs(1)), Err(secs(1)));
    whole_at = rate.ask(whole_at, NOON + secs(2)).ok();
    assert_eq!(rate.ask(whole_at, NOON + secs(2)), Err(secs(2)));
}
