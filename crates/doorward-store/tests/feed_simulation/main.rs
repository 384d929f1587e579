//! The feed, from the commit to the refusal, in a hundred thousand histories: a server, eight verifiers, and a network that
//! delays, loses, repeats, holds back and cuts. Clocks drift and jump by an hour, servers and verifiers start anew at any
//! step, an old copy of the database is put back, and nights pass in which lines are forgotten.
//!
//! Everything that decides is real: the store with its caches, the barrier, the watermark, the cursors, what is kept for
//! listeners and what is said to them, and at the other end the replica with its lease, the records of sessions, and (in
//! one history of sixteen) every byte on the wire. After each step four things must be so. No bounded route accepts what
//! was revoked later than commit, lease and grace, by true time (the bound). After a receipt for `verifiers` nobody does at
//! all (the barrier). Nobody who lives is sent away. And what was minted after an epoch passes it.
//!
//! Four mistakes are kept beside it, and each must be found.
#![expect(
    clippy::disallowed_methods,
    reason = "a slow proof hears from the environment whether it may take its time"
)]

use doorward_verify::feed::Event;

mod chance;
mod node;
mod server;
mod signer;
mod truth;
mod world;

/// Whose feed it is.
const ISSUER: &str = "https://id.example";

/// What goes wrong in the code itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    None,
    /// A verifier trusts its index for a lease from when a heartbeat has come.
    HeartbeatsTimedOnArrival,
    /// A start of the server counts as nobody's ping.
    StartKnowsNobody,
    /// Lines are forgotten after a minute.
    ForgetsEarly,
    /// A token is minted at a head that was read after its session.
    HeadAfterSession,
    /// A start does not know which time was told before it.
    StartForgetsTheTime,
}

/// An event under way.
#[derive(Clone, Debug)]
enum Parcel {
    Event(Event),
    Bytes(Vec<u8>),
}

mod slow {
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::thread;

    use super::Fault;
    use super::truth::Tally;
    use super::world::{World, base};

    const HISTORIES: u64 = 100_000;

    /// Plays histories on all cores; gives what was seen, or the first one in which something must not be.
    fn play(fault: Fault, seeds: std::ops::Range<u64>) -> (Tally, Option<(u64, String)>) {
        let (next, found, tally) = (AtomicU64::new(seeds.start), Mutex::new(None), Mutex::new(Tally::default()));
        let work = || {
            let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
            let (mut sum, base) = (Tally::default(), runtime.block_on(base()));
            loop {
                let seed = next.fetch_add(1, Ordering::Relaxed);
                let first = found.lock().expect("nobody panics").as_ref().map(|(seed, _)| *seed);
                if seed >= first.unwrap_or(seeds.end) {
                    break;
                }
                let (seen, end) = runtime.block_on(async {
                    let mut world = World::new(seed, fault, &base).await;
                    let end = world.run().await;
                    (world.truth.tally, end)
                });
                sum.add(seen);
                if let Err(what) = end {
                    let mut found = found.lock().expect("nobody panics");
                    if found.as_ref().is_none_or(|(first, _)| seed < *first) {
                        *found = Some((seed, what));
                    }
                }
            }
            tally.lock().expect("nobody panics").add(sum);
        };
        let cores = thread::available_parallelism().map_or(2, usize::from).min(8);
        thread::scope(|scope| {
            for _ in 0..cores {
                scope.spawn(work);
            }
        });
        (tally.into_inner().expect("nobody panics"), found.into_inner().expect("nobody panics"))
    }

    #[test]
    fn bound_and_barrier_hold_and_nobody_who_lives_is_sent_away_in_any_history() {
        let long = std::env::var_os("DOORWARD_LONG").is_some_and(|word| word == "1");
        let (tally, found) = play(Fault::None, 0..if long { 30 * HISTORIES } else { HISTORIES });
        println!("{tally:#?}");
        if let Some((seed, what)) = found {
            panic!("seed {seed}: {what}");
        }
        assert!(tally.is_full(), "something never happened: {tally:#?}");
    }

    #[track_caller]
    fn is_found(fault: Fault, expect: &str) {
        let (tally, found) = play(fault, 0..HISTORIES);
        let (seed, what) = found.unwrap_or_else(|| panic!("{fault:?} is not found in {} histories", tally.histories));
        println!("{fault:?}: after {seed} histories, {what}");
        assert!(what.starts_with(expect), "seed {seed}: {what}");
    }

    #[test]
    fn heartbeats_that_are_timed_on_arrival_are_found() {
        is_found(Fault::HeartbeatsTimedOnArrival, "the b");
    }

    #[test]
    fn a_start_that_counts_as_nobodys_ping_is_found() {
        is_found(Fault::StartKnowsNobody, "the barrier lied");
    }

    #[test]
    fn an_entry_that_is_dropped_before_its_tokens_expire_is_found() {
        is_found(Fault::ForgetsEarly, "the b");
    }

    #[test]
    fn a_start_that_does_not_know_which_time_was_told_before_is_found() {
        is_found(Fault::StartForgetsTheTime, "the ");
    }

    #[test]
    fn a_head_that_is_read_after_the_session_is_found() {
        is_found(Fault::HeadAfterSession, "the");
    }
}
