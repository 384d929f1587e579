//! Everything that can go wrong between a server and its verifiers, with real processes: no credential is let in later
//! than commit + L + G, nor after a `verifiers` receipt; who lives is never told 401; and all come round again.
//!
//! `docs/flows/feed.md` tells how to run it and what it prints. An oracle (`cuts/oracle.rs`) knows when each session was
//! ended and judges every answer.

#![expect(clippy::disallowed_methods, reason = "processes are told in their environment what they are to be")]
#![expect(dead_code, reason = "the program's support has more than these tests use")]

mod outside;
mod support;

#[path = "../../../examples/api/src/main.rs"]
mod api;
#[path = "cuts/faults.rs"]
mod faults;
#[path = "cuts/oracle.rs"]
mod oracle;
#[path = "cuts/probe.rs"]
mod probe;
#[path = "cuts/relay.rs"]
mod relay;
#[path = "cuts/table.rs"]
mod table;
#[path = "cuts/verifiers.rs"]
mod verifiers;
#[path = "cuts/wire.rs"]
mod wire;
#[path = "cuts/world.rs"]
mod world;

use std::time::Duration;

use verifiers::{Fleet, Terms, start_api};

/// What the processes of the proofs below are started as, too (see `cuts/verifiers.rs`).
#[test]
fn a_process_of_verifiers_ends_with_whoever_started_it() {
    if verifiers::was_one() {
        return;
    }
    let nowhere = "http://127.0.0.1:9".to_owned();
    let secret = format!("dwv_{}abcdef", "A".repeat(43));
    let (lease, grace) = (Duration::from_secs(1), Duration::ZERO);
    let terms = Terms { issuer: nowhere.clone(), server: nowhere, secret, lease, grace };
    let mut fleet = Fleet::start(&terms, 2, Duration::from_millis(5));
    // A token of ours as far as its form goes: whether its key is known cannot be said yet.
    fleet.add(1, "eyJhbGciOiJFUzI1NiIsImtpZCI6ImtleV94IiwidHlwIjoiYXQrand0In0.e30.AAAA");
    let report = loop {
        std::thread::sleep(Duration::from_millis(20));
        let report = fleet.tell();
        if report.told.iter().map(|told| told.seen.checks()).sum::<u64>() >= 20 {
            break report;
        }
    };
    assert!(report.told.iter().all(|told| told.seen.let_in + told.seen.turned_away == 0), "{:?}", report.told);
    assert_eq!(report.fresh, 0);
    assert!(fleet.process.let_go());
    let (service, _) = start_api(&[], &terms, "127.0.0.1:0");
    assert!(service.let_go());
}

mod slow {
    use std::sync::Mutex;
    use std::thread::sleep;
    use std::time::Duration;

    use super::faults::Fault;
    use super::oracle::At;
    use super::outside::is_long;
    use super::table::{Row, conclude};
    use super::world::{GRACE, Runs, Scale, Target, World};

    /// These measure one machine: one after the other.
    static ALONE: Mutex<()> = Mutex::new(());

    fn scale() -> Scale {
        let millis = Duration::from_millis;
        if is_long() {
            let (tick, lease) = (millis(1), millis(1000));
            Scale { followers: 100, tick, http_tick: tick, span: millis(10_000), lease, ends: 20, crowd: 1000 }
        } else {
            let (tick, lease) = (millis(5), millis(1000));
            Scale { followers: 100, tick, http_tick: tick, span: millis(2000), lease, ends: 5, crowd: 0 }
        }
    }

    fn everybody(scale: Scale, seed: u64) -> World {
        let mut world = World::begin(seed);
        world.add_service("service", scale.lease, scale.http_tick);
        world.add_service("spared", scale.lease, scale.http_tick);
        world.add_service("quick", scale.lease / 2, scale.http_tick);
        if let Err(why) = world.add_apart("apart", scale.lease, scale.http_tick) {
            println!("not applicable here: namespaces ({why}); the relay stands in for them");
            world.add_service("fourth", scale.lease, scale.http_tick);
        }
        world.add_fleet("fleet", scale.followers, scale.tick, scale.lease, GRACE);
        if scale.crowd > 0 {
            let (tick, lease) = (Duration::from_millis(10), Duration::from_secs(3));
            world.add_fleet("crowd", scale.crowd, tick, lease, Duration::ZERO);
        }
        world
    }

    fn suffer(world: &mut World, fault: Fault, scale: Scale) -> Row {
        let wave = world.gather(scale.ends);
        world.settle(&wave);
        let span = scale.span * fault.times();
        let ends = world.end(&wave, Duration::from_millis(150), span * 6 / 10);
        sleep(Duration::from_millis(100));
        let begun = At::now();
        fault.begin(world, span);
        sleep(span.saturating_sub(At::now().since(begun)));
        fault.end(world);
        for end in ends {
            end.join().expect("it was ended");
        }
        let healed = world.settle(&wave);
        let row = Row::judge(world, &wave, fault, healed);
        world.targets.iter_mut().for_each(Target::clear);
        row
    }

    #[test]
    fn nothing_is_let_in_after_the_bound_or_a_receipt_whatever_is_cut_stopped_or_killed() {
        let _alone = ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let (scale, seed) = (scale(), 0x5eed_0004);
        let mut world = everybody(scale, seed);
        let has_wire = world.targets.iter().any(|target| target.wires.is_some());
        let mut rows = Vec::new();
        for fault in Fault::ALL.into_iter().filter(|fault| has_wire || !fault.needs_wire()) {
            rows.push(suffer(&mut world, fault, scale));
        }
        let bare = world.targets.iter().map(|target| match &target.runs {
            Runs::Service { prober, .. } => prober.bare(),
            Runs::Fleet(_) => 0,
        });
        conclude(&rows, seed, if is_long() { 1_000_000 } else { 100_000 }, bare.sum());
    }
    const CROWD: usize = 200;

    #[test]
    fn two_hundred_verifiers_come_back_to_a_server_that_was_killed_and_not_all_at_once() {
        let _alone = ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let mut world = World::begin(0x5eed_0005);
        world.add_fleet("crowd", CROWD, Duration::from_millis(20), Duration::from_secs(3), Duration::ZERO);
        let wave = world.gather(2);
        world.settle(&wave);
        let relay = world.targets[0].relay.clone();
        let (connections, bytes, snapshots) = (relay.came().len(), relay.bytes(), snapshots(&mut world));
        println!("{CROWD} verifiers began: {connections} connections, {} KiB, {snapshots} snapshots", bytes >> 10);
        let killed = At::now();
        world.kill_server();
        sleep(Duration::from_secs(3));
        let (started, back) = (At::now(), relay.bytes());
        world.start_server();
        world.settle(&wave);
        let healed = At::now();
        // Long enough for every stream that waits to be opened again.
        sleep(Duration::from_secs(3));
        let came = relay.came();
        let away = came.iter().filter(|at| **at < started).count();
        let most = |span: Duration| {
            let within = |from: &At| came.iter().filter(|at| *at >= from && at.since(*from) < span).count();
            came.iter().map(within).max().unwrap_or(0)
        };
        let (second, moment) = (most(Duration::from_secs(1)), most(Duration::from_millis(50)));
        let fetched = self::snapshots(&mut world) - snapshots;
        println!(
            "away {:?}: {away} tries; back after {:?}; at most {second} connections a second, {moment} in 50 ms; \
             {fetched} snapshots, {} KiB",
            started.since(killed),
            healed.since(started),
            (relay.bytes() - back) >> 10
        );
        assert!(away >= CROWD, "they do try");
        assert!(second < 6 * CROWD, "{second} connections in one second are a storm");
        assert!(moment < CROWD * 3 / 2, "{moment} connections in 50 ms: they come all at once");
        assert!((CROWD as u64..=2 * CROWD as u64).contains(&fetched), "{fetched} snapshots");
    }

    fn snapshots(world: &mut World) -> u64 {
        match &mut world.targets[0].runs {
            Runs::Fleet(fleet) => fleet.tell().snapshots,
            Runs::Service { .. } => panic!("a fleet is asked"),
        }
    }
}
