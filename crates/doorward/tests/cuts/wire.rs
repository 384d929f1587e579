//! Wires into a network namespace: pairs of virtual interfaces that can be pulled, and that can lose what goes one way.
//! They take root, `ip`, `tc`, `unshare` and `nsenter`. Whoever has not got them is told so, and the relay stands in.

use std::process::Command;

/// How a process is started in a network of its own. It vanishes with the process, and with it the wires.
pub(crate) const APART: [&str; 3] = ["unshare", "--net", "--"];

/// One wire.
pub(crate) struct Wire {
    ours: String,
    theirs: String,
    net: String,
    inside: Option<u32>,
}

impl Wire {
    /// A wire whose other end does not lead anywhere yet. `number` tells those of one process apart.
    pub(crate) fn new(number: u32) -> Result<Self, String> {
        // 198.18.0.0/15 is for measurements between networks, and nobody's.
        let place = std::process::id().wrapping_mul(4).wrapping_add(number) % (1 << 14);
        let net = format!("198.18.{}.{}", place >> 6, (place & 63) * 4);
        let (ours, theirs) = (format!("dw{place}a"), format!("dw{place}b"));
        let wire = Self { ours, theirs, net, inside: None };
        run(&["ip", "link", "add", &wire.ours, "type", "veth", "peer", "name", &wire.theirs])?;
        run(&["ip", "address", "add", &format!("{}/30", wire.here()), "dev", &wire.ours])?;
        run(&["ip", "link", "set", &wire.ours, "up"])?;
        Ok(wire)
    }

    /// Our address.
    pub(crate) fn here(&self) -> String {
        self.address(1)
    }

    /// The address at the other end.
    pub(crate) fn there(&self) -> String {
        self.address(2)
    }

    fn address(&self, host: u32) -> String {
        let (net, last) = self.net.rsplit_once('.').expect("an address");
        format!("{net}.{}", last.parse::<u32>().expect("a number") + host)
    }

    /// Leads the other end into the network of a process.
    pub(crate) fn lead_into(&mut self, process: u32) -> Result<(), String> {
        run(&["ip", "link", "set", &self.theirs, "netns", &process.to_string()])?;
        self.inside = Some(process);
        self.run_inside(&["ip", "address", "add", &format!("{}/30", self.there()), "dev", &self.theirs])?;
        self.run_inside(&["ip", "link", "set", &self.theirs, "up"])
    }

    fn run_inside(&self, words: &[&str]) -> Result<(), String> {
        let process = self.inside.expect("it leads somewhere").to_string();
        run(&[&["nsenter", "--net", "--target", &process, "--"], words].concat())
    }

    pub(crate) fn pull(&self) -> Result<(), String> {
        run(&["ip", "link", "set", &self.ours, "down"])
    }

    /// What goes into the namespace is lost.
    pub(crate) fn lose_down(&self) -> Result<(), String> {
        // A queue with room for one byte has room for no packet.
        run(&["tc", "qdisc", "replace", "dev", &self.ours, "root", "bfifo", "limit", "1"])
    }

    /// What comes out of the namespace is lost.
    pub(crate) fn lose_up(&self) -> Result<(), String> {
        self.run_inside(&["tc", "qdisc", "replace", "dev", &self.theirs, "root", "bfifo", "limit", "1"])
    }

    /// Packets are late, lost, doubled and out of order, where this kernel can do that; else they are slow.
    pub(crate) fn disturb(&self) -> Result<&'static str, String> {
        let netem = "delay 200ms 150ms loss 20% duplicate 5% reorder 25%".split(' ');
        let mut words = vec!["tc", "qdisc", "replace", "dev", &self.ours, "root", "netem"];
        words.extend(netem);
        if run(&words).is_ok() {
            return Ok("late, lost, doubled, reordered");
        }
        let slow = "rate 8kbit burst 1600 latency 5s".split(' ');
        let mut words = vec!["tc", "qdisc", "replace", "dev", &self.ours, "root", "tbf"];
        words.extend(slow);
        run(&words).map(|()| "8 kbit/s")
    }

    /// As it was.
    pub(crate) fn mend(&self) -> Result<(), String> {
        // (Where there is no queue of ours, there is none to be removed.)
        drop(run(&["tc", "qdisc", "delete", "dev", &self.ours, "root"]));
        drop(self.run_inside(&["tc", "qdisc", "delete", "dev", &self.theirs, "root"]));
        run(&["ip", "link", "set", &self.ours, "up"])
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        // It may have vanished with the process.
        drop(run(&["ip", "link", "delete", &self.ours]));
    }
}

fn run(words: &[&str]) -> Result<(), String> {
    let told = || words.join(" ");
    let output = Command::new(words[0]).args(&words[1..]).output().map_err(|error| format!("{}: {error}", told()))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{}: {}", told(), String::from_utf8_lossy(&output.stderr).trim()))
}
