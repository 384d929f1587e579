//! What goes wrong: how each fault begins, how it ends, and whom it leaves in the dark.

use std::thread::sleep;
use std::time::Duration;

use rustix::process::Signal;

use super::oracle::At;
use super::relay::Way;
use super::world::{Runs, Target, World};

/// Much longer than the shortest lease, and shorter than a question to the server may take: an answer that was given
/// before something was ended still comes when the lease has run out and the receipt is there.
const HELD: Duration = Duration::from_millis(1900);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    Nothing,
    ServerKilled,
    ServerKilledForAMoment,
    ServerKilledAgainAndAgain,
    ServerStopped,
    VerifiersStopped,
    VerifierKilled,
    BlackHole,
    NothingDown,
    NothingUp,
    HeldBack,
    Flapping,
    BrokenOff,
    Dripping,
    WirePulled,
    WireLosesDown,
    WireLosesUp,
    WireDisturbed,
}

impl Fault {
    pub(crate) const ALL: [Self; 18] = [
        Self::Nothing,
        Self::ServerKilled,
        Self::ServerKilledForAMoment,
        Self::ServerKilledAgainAndAgain,
        Self::ServerStopped,
        Self::VerifiersStopped,
        Self::VerifierKilled,
        Self::BlackHole,
        Self::NothingDown,
        Self::NothingUp,
        Self::HeldBack,
        Self::Flapping,
        Self::BrokenOff,
        Self::Dripping,
        Self::WirePulled,
        Self::WireLosesDown,
        Self::WireLosesUp,
        Self::WireDisturbed,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Nothing => "nothing is wrong",
            Self::ServerKilled => "server: kill -9, away, back",
            Self::ServerKilledForAMoment => "server: kill -9, back at once",
            Self::ServerKilledAgainAndAgain => "server: kill -9, back, again and again",
            Self::ServerStopped => "server: SIGSTOP",
            Self::VerifiersStopped => "verifiers: SIGSTOP",
            Self::VerifierKilled => "verifier: kill -9, back at once",
            Self::BlackHole => "network: nothing comes through",
            Self::NothingDown => "network: nothing from the server",
            Self::NothingUp => "network: nothing to the server",
            Self::HeldBack => "proxy: holds answers back, in gulps",
            Self::Flapping => "network: half a second on and off",
            Self::BrokenOff => "network: connections are broken off",
            Self::Dripping => "network: 3 kB/s",
            Self::WirePulled => "namespace: wire pulled",
            Self::WireLosesDown => "namespace: packets in are lost",
            Self::WireLosesUp => "namespace: packets out are lost",
            Self::WireDisturbed => "namespace: a bad wire",
        }
    }

    pub(crate) const fn needs_wire(self) -> bool {
        matches!(self, Self::WirePulled | Self::WireLosesDown | Self::WireLosesUp | Self::WireDisturbed)
    }

    /// Must it be that this one cannot say, at some time?
    pub(crate) fn leaves_in_the_dark(self, target: &Target) -> bool {
        match self {
            Self::ServerKilled | Self::ServerStopped => true,
            Self::BlackHole | Self::NothingDown | Self::NothingUp | Self::BrokenOff => is_behind_weather(target),
            Self::HeldBack => is_quick(target),
            Self::WirePulled | Self::WireLosesDown | Self::WireLosesUp => target.wires.is_some(),
            Self::Nothing
            | Self::ServerKilledForAMoment
            | Self::ServerKilledAgainAndAgain
            | Self::VerifiersStopped
            | Self::VerifierKilled
            | Self::Flapping
            | Self::Dripping
            | Self::WireDisturbed => false,
        }
    }

    /// How many times as long as others it lasts.
    pub(crate) const fn times(self) -> u32 {
        if matches!(self, Self::HeldBack) { 2 } else { 1 }
    }

    pub(crate) fn begin(self, world: &mut World, span: Duration) {
        let flap = Duration::from_millis(500);
        match self {
            Self::Nothing => {}
            Self::ServerKilled => world.kill_server(),
            // Leases run that it knows nothing of, and somebody asks for a receipt as soon as it is there.
            Self::ServerKilledForAMoment => {
                world.kill_server();
                world.start_server();
            }
            Self::ServerKilledAgainAndAgain => {
                let begun = At::now();
                while At::now().since(begun) < span {
                    world.kill_server();
                    world.start_server();
                    sleep(world.chance.span(Duration::from_millis(400)));
                }
            }
            Self::ServerStopped => world.signal_server(Signal::STOP),
            Self::VerifiersStopped => stopped(world, Signal::STOP),
            Self::VerifierKilled => {
                world.targets[0].process().kill();
                world.targets[0].start_again();
            }
            Self::BlackHole => weather(world, Way::Held, Way::Held),
            Self::NothingDown => weather(world, Way::Open, Way::Held),
            Self::NothingUp => weather(world, Way::Held, Way::Open),
            // (The others hear at once, so that nobody who ends something waits longer than for this one.)
            Self::HeldBack => {
                let pulse = Way::Pulse { held: HELD, open: Duration::from_millis(100) };
                clouds(world).filter(|target| is_quick(target)).for_each(|target| target.relay.be(Way::Open, pulse));
            }
            Self::Flapping => {
                let pulse = Way::Pulse { held: flap, open: flap };
                weather(world, pulse, pulse);
            }
            Self::BrokenOff => clouds(world).for_each(|target| target.relay.break_off()),
            Self::Dripping => weather(world, Way::Open, Way::Drip),
            Self::WirePulled => wire(world, |target| target.wires.as_ref().map(|wires| wires[0].pull())),
            Self::WireLosesDown => wire(world, |target| target.wires.as_ref().map(|wires| wires[0].lose_down())),
            Self::WireLosesUp => wire(world, |target| target.wires.as_ref().map(|wires| wires[0].lose_up())),
            Self::WireDisturbed => wire(world, |target| {
                let how = target.wires.as_ref().map(|wires| wires[0].disturb())?;
                Some(how.map(|how| println!("the bad wire: {how}")))
            }),
        }
    }

    pub(crate) fn end(self, world: &mut World) {
        match self {
            Self::ServerKilled => world.start_server(),
            Self::ServerStopped => world.signal_server(Signal::CONT),
            Self::VerifiersStopped => stopped(world, Signal::CONT),
            Self::WirePulled | Self::WireLosesDown | Self::WireLosesUp | Self::WireDisturbed => {
                wire(world, |target| target.wires.as_ref().map(|wires| wires[0].mend()));
            }
            Self::Nothing | Self::ServerKilledForAMoment | Self::ServerKilledAgainAndAgain | Self::VerifierKilled => {
            }
            Self::BlackHole
            | Self::NothingDown
            | Self::NothingUp
            | Self::HeldBack
            | Self::Flapping
            | Self::BrokenOff
            | Self::Dripping => clouds(world).for_each(|target| target.relay.clear_up()),
        }
    }
}

/// The second service is spared, so that somebody always hears at once. One in a namespace has weather of its own.
fn is_behind_weather(target: &Target) -> bool {
    target.name != "spared" && target.wires.is_none()
}

/// The service with the shortest lease.
fn is_quick(target: &Target) -> bool {
    target.name == "quick"
}

const fn is_fleet(target: &Target) -> bool {
    matches!(target.runs, Runs::Fleet(_))
}

fn clouds(world: &World) -> impl Iterator<Item = &Target> {
    world.targets.iter().filter(|target| is_behind_weather(target))
}

fn weather(world: &World, up: Way, down: Way) {
    clouds(world).for_each(|target| target.relay.be(up, down));
}

/// A service and the fleets.
fn stopped(world: &mut World, signal: Signal) {
    world.targets[0].process().send(signal);
    let fleets = world.targets.iter_mut().filter(|target| is_fleet(target));
    fleets.for_each(|target| target.process().send(signal));
}

fn wire(world: &World, change: impl Fn(&Target) -> Option<Result<(), String>>) {
    for done in world.targets.iter().filter_map(change) {
        done.expect("the wire obeys");
    }
}
