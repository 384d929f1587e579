//! A disk that fails: at every write call of every core flow, with every fault, under the real program.
//!
//! What was acknowledged is there afterwards and what was ended is dead: on the running server once the disk is well, after
//! a kill, and after a power cut that takes what was not synced. What was refused has happened whole or not at all, and
//! asking again settles it. `/readyz` says no from the refusal until a change has been committed again.

#![cfg(target_os = "linux")]

#[path = "disk/flows.rs"]
mod flows;
mod outside;
#[path = "disk/power.rs"]
mod power;
#[path = "disk/shim.rs"]
mod shim;
#[path = "disk/world.rs"]
mod world;

use std::sync::atomic::{AtomicUsize, Ordering};

use flows::{FLOWS, Flow};
use outside::Server;
use power::Cut;
use serde_json::json;
use shim::{Disk, Fault, Files};
use world::{Stage, World};

pub(crate) struct Chance(u64);

impl Chance {
    fn below(&mut self, most: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % most
    }
}

/// One flow, one fault at one call, one end of the machine.
#[derive(Clone, Copy)]
struct Trial {
    flow: &'static Flow,
    fault: Fault,
    first: u64,
    /// Does the disk become well while the server runs?
    heals: bool,
    cut: Cut,
    seed: u64,
}

impl Trial {
    fn name(&self) -> String {
        let Self { flow, fault, first, heals, cut, seed } = self;
        format!(
            "{}, {fault:?} at call {first}, {}, {cut:?}, seed {seed}",
            flow.name,
            if *heals { "healed" } else { "not healed" }
        )
    }
}

/// What the trials added up to.
#[derive(Debug, Default)]
struct Seen {
    faults: AtomicUsize,
    refused: AtomicUsize,
    acknowledged: AtomicUsize,
    happened_all_the_same: AtomicUsize,
}

/// Goes through one trial, and tells whether its fault met a call.
fn go_through(stage: &Stage, trial: &Trial, seen: &Seen) -> bool {
    let name = trial.name();
    let flow = trial.flow;
    let place = tempfile::tempdir().expect("a place");
    stage.copy_to(place.path());
    let disk = Disk::under(place.path());
    let mut world = stage.world(&disk);
    (flow.prepare)(&mut world);
    disk.arm(trial.fault, flow.files, trial.first);
    let reply = (flow.ask)(&mut world);
    let is_acknowledged = (200..300).contains(&reply.status);
    if !is_acknowledged {
        assert_eq!((reply.status, &reply.body["code"]), (503, &json!("store_unavailable")), "{name}: {reply:?}");
        // A fault that passes may be followed by a commit that nobody has asked for, and then it is ready.
        let is_ready = world.is_ready();
        let may_be = trial.fault.passes() && power::has_committed_since(&disk.log());
        assert!(!is_ready || may_be, "{name}: ready, and just refused a change");
    }
    let met = disk.made() > 0;
    if met {
        seen.faults.fetch_add(1, Ordering::Relaxed);
        assert!(trial.fault != Fault::Short || is_acknowledged, "{name}: a short write is gone on with: {reply:?}");
    }
    seen.refused.fetch_add(usize::from(!is_acknowledged), Ordering::Relaxed);
    seen.acknowledged.fetch_add(usize::from(is_acknowledged), Ordering::Relaxed);
    let acknowledged = is_acknowledged.then_some(&reply);
    let mut said = None;
    if trial.heals {
        disk.heal();
        said = Some(recover(&mut world, flow, acknowledged, &name));
    }
    world.server.kill();
    let successor = world.successor.take();
    power::fail(trial.cut, &stage.folder(), &disk.folder, &disk.log(), &mut Chance(trial.seed));

    let mut world = stage.again(&disk.folder);
    world.successor = successor;
    world.others_are_as_before(&name);
    let happened = (flow.happened)(&mut world, acknowledged);
    assert!(happened || !is_acknowledged, "{name}: acknowledged, and lost");
    assert!(
        said.is_none_or(|said| said == happened),
        "{name}: happened: {said:?} before the restart, {happened} after"
    );
    if happened && !is_acknowledged {
        seen.happened_all_the_same.fetch_add(1, Ordering::Relaxed);
    }
    (flow.finish)(&mut world, happened);
    world.the_resting_session_refreshes(&name);
    met
}

/// The disk is well again: the next change is committed, the server is ready, and what it says of the flow it goes on
/// saying.
fn recover(world: &mut World, flow: &Flow, acknowledged: Option<&outside::Reply>, name: &str) -> bool {
    let keeper = world.cast.keeper.clone();
    let reply = world.put("probe", &keeper, &json!(1));
    assert_eq!(reply.status, 201, "{name}: the disk is well, and a change is refused: {reply:?}");
    assert!(world.is_ready(), "{name}: a change was committed, and it is not ready");
    let happened = (flow.happened)(world, acknowledged);
    assert!(happened || acknowledged.is_none(), "{name}: acknowledged, and lost");
    world.others_are_as_before(name);
    happened
}

/// How many calls a flow makes that such a fault can meet.
fn calls(stage: &Stage, flow: &Flow, fault: Fault) -> u64 {
    let place = tempfile::tempdir().expect("a place");
    stage.copy_to(place.path());
    let disk = Disk::under(place.path());
    let mut world = stage.world(&disk);
    (flow.prepare)(&mut world);
    disk.arm(fault, flow.files, 0);
    let reply = (flow.ask)(&mut world);
    assert!((200..300).contains(&reply.status), "{}: {reply:?}", flow.name);
    (flow.happened)(&mut world, Some(&reply)).then_some(()).expect("it happened");
    disk.seen()
}

/// Every trial there is.
fn trials(stage: &Stage, chance: &mut Chance) -> Vec<Trial> {
    let mut trials = Vec::new();
    for flow in &FLOWS {
        // On a busy machine the writer may pass over a checkpoint; then it is asked again.
        let count = |fault| (0..5).map(|_| calls(stage, flow, fault)).find(|calls| *calls > 0).unwrap_or(0);
        let (writes, syncs) = (count(Fault::WriteError), count(Fault::SyncError));
        println!("{}: {writes} writes, {syncs} syncs", flow.name);
        assert!(writes > 0 && syncs > 0, "{} writes nothing", flow.name);
        for fault in Fault::ALL {
            let calls = if fault.is_of_syncs() { syncs } else { writes };
            for first in 1..=calls {
                for cut in Cut::ALL {
                    for heals in [true, false] {
                        trials.push(Trial { flow, fault, first, heals, cut, seed: chance.below(u64::MAX - 1) + 1 });
                    }
                }
            }
        }
    }
    trials
}

mod slow {
    use super::*;

    const SEED: u64 = 0x5eed_d15c;
    /// So many trials in a run of ordinary length, of all that there are.
    const ORDINARY: usize = 44;
    const THREADS: usize = 2;

    #[test]
    fn a_disk_that_fails_loses_nothing_acknowledged_and_revives_nothing_ended() {
        let mut chance = Chance(SEED);
        println!("seed {SEED:#x}");
        let stage = Stage::build();
        let all = trials(&stage, &mut chance);
        let total = all.len();
        let chosen = if outside::is_long() { all } else { sample(all, &mut chance) };
        let (seen, next) = (Seen::default(), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| {
                    while let Some(trial) = chosen.get(next.fetch_add(1, Ordering::Relaxed)) {
                        // How many calls a flow makes is told by the machine too (a checkpoint that is passed over, a
                        // transaction that is shared), so a fault may come too late for all of them: then an earlier one.
                        let mut trial = *trial;
                        while !go_through(&stage, &trial, &seen) && trial.first > 1 {
                            trial.first = trial.first.div_ceil(2);
                        }
                    }
                });
            }
        });
        println!("assure: trials = {} of {total}", chosen.len());
        println!("assure: flows = {}", FLOWS.len());
        println!("assure: faults met = {}", seen.faults.load(Ordering::Relaxed));
        println!("assure: acknowledged all the same = {}", seen.acknowledged.load(Ordering::Relaxed));
        println!("assure: refused = {}", seen.refused.load(Ordering::Relaxed));
        println!(
            "assure: refused, and happened all the same = {}",
            seen.happened_all_the_same.load(Ordering::Relaxed)
        );
        println!("assure: lost or revived = 0");
        let met = seen.faults.load(Ordering::Relaxed);
        assert!(met * 10 >= chosen.len() * 8, "too many faults met nothing: {seen:?}");
        assert!(seen.refused.load(Ordering::Relaxed) > 0, "{seen:?}");
    }

    /// A few of each flow, drawn by the seed.
    fn sample(mut all: Vec<Trial>, chance: &mut Chance) -> Vec<Trial> {
        let mut chosen = Vec::new();
        for round in 0.. {
            let flow = &FLOWS[round % FLOWS.len()];
            let of_flow = |trial: &Trial| std::ptr::eq(trial.flow, flow);
            let places: Vec<usize> = (0..all.len()).filter(|place| of_flow(&all[*place])).collect();
            chosen.push(all.swap_remove(places[chance.below(places.len() as u64) as usize]));
            if chosen.len() == ORDINARY {
                break;
            }
        }
        chosen
    }

    /// At every write of a start, every fault: it starts, or says no and leaves everything as it was.
    #[test]
    fn a_disk_that_fails_at_the_start_is_told_and_harms_nothing() {
        let stage = Stage::build();
        let mut chance = Chance(SEED);
        let (mut starts, mut refusals) = (0, 0);
        for fault in Fault::ALL {
            let step = if outside::is_long() { 1 } else { 5 };
            for first in (1 + chance.below(step)..).step_by(step as usize) {
                let place = tempfile::tempdir().expect("a place");
                stage.copy_to(place.path());
                let disk = Disk::under(place.path());
                disk.arm(fault, Files::All, first);
                let mut command = Server::command(&disk.folder);
                disk.put_under(&mut command);
                command.stderr(std::process::Stdio::null());
                let started = Server::run(command);
                let met = disk.made() > 0;
                match started {
                    Ok(mut server) => server.kill(),
                    Err(code) => {
                        assert!(met, "{fault:?} at call {first} met nothing, and it did not start");
                        assert_eq!(code, Some(3), "{fault:?} at call {first}: it ended otherwise than by saying no");
                        refusals += 1;
                    }
                }
                starts += usize::from(met);
                let cut = Cut::ALL[chance.below(3) as usize];
                let seed = chance.below(1 << 60) + 1;
                power::fail(cut, &stage.folder(), &disk.folder, &disk.log(), &mut Chance(seed));
                let name = format!("start, {fault:?} at call {first}, {cut:?}, seed {seed}");
                let mut world = stage.again(&disk.folder);
                world.others_are_as_before(&name);
                world.the_resting_session_refreshes(&name);
                if !met {
                    break;
                }
            }
        }
        println!("assure: starts on a failing disk = {starts}");
        println!("assure: refused with a reason = {refusals}");
        assert!(refusals > 0, "no start was refused");
    }
}
