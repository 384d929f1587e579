//! Throttling: who guesses waits, longer each time, and who calls too often waits for room.
//!
//! Two rules. A [`Tally`] counts the wrong passwords of one account in a row and says when the next may be tried; what
//! is under way counts as if it had failed, so that guessing in parallel gains nothing. A [`Rate`] says how often one
//! network may ask at all (GCRA, the generic cell rate algorithm): one time stamp for each network and no timer.

use core::net::IpAddr;

use doorward_verify::{Lifetime, Timestamp};

use crate::secret::{Secret, mac};
use crate::user::Email;

/// How long wrong passwords keep the next one waiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delays {
    /// So many failures in a row cost no time.
    pub free: u32,
    /// The wait after the last free failure; it doubles with every failure from there.
    pub first: Lifetime,
    /// The longest wait.
    pub longest: Lifetime,
    /// The most failures in a row (NIST SP 800-63B section 5.2.2). After them nothing is tried until they are forgotten.
    pub most: u32,
    /// Failures are forgotten so long after the last of them.
    pub forgets: Lifetime,
}

impl Default for Delays {
    fn default() -> Self {
        Self {
            free: 5,
            first: Lifetime::from_secs(1),
            longest: Lifetime::from_mins(15),
            most: 100,
            forgets: Lifetime::from_hours(24),
        }
    }
}

impl Delays {
    /// How long after its last failure an account with so many in a row may be tried again.
    pub fn after(&self, failures: u32) -> Lifetime {
        if failures >= self.most {
            return self.forgets;
        }
        match failures.checked_sub(self.free) {
            None => Lifetime::ZERO,
            Some(beyond) => {
                let doubled = self.first.millis().saturating_mul(1_i64 << beyond.min(40));
                Lifetime::from_millis(doubled).min(self.longest)
            }
        }
    }
}

/// The wrong passwords of one account in a row. A greater one is a greater loss if it has to be forgotten.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tally {
    /// Tries that were let in and are not weighed yet.
    pub under_way: u32,
    /// Those that were weighed.
    pub failures: u32,
    /// When the last one failed.
    pub last: Timestamp,
}

/// What is kept of a tally, so that a restart forgives nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failures {
    /// Those that were weighed, in a row.
    pub count: u32,
    /// When the last one failed.
    pub last: Timestamp,
}

/// Why a try is not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// It depends on how those under way end: ask again in a moment.
    Pending,
    /// Not before so long.
    Wait(Lifetime),
}

impl Tally {
    /// Of an account without failures.
    pub const BLANK: Self = Self { under_way: 0, failures: 0, last: Timestamp::MIN };

    /// The tally that was kept so.
    pub const fn restored(failures: Failures) -> Self {
        Self { under_way: 0, failures: failures.count, last: failures.last }
    }

    /// What is to be kept of it; `None` if it is nothing.
    pub const fn failures(&self) -> Option<Failures> {
        match self.failures {
            0 => None,
            count => Some(Failures { count, last: self.last }),
        }
    }

    /// The tally as it counts now: failures that are old enough are forgotten.
    #[must_use]
    pub fn at(self, delays: &Delays, now: Timestamp) -> Self {
        if now - self.last >= delays.forgets { Self { failures: 0, ..self } } else { self }
    }

    /// Lets a try in, and counts it as under way.
    ///
    /// # Errors
    /// [`Stop`]: nothing is hashed then, and nothing is counted.
    pub fn admit(self, delays: &Delays, now: Timestamp) -> Result<Self, Stop> {
        let tally = self.at(delays, now);
        let delay = delays.after(tally.failures);
        // A clock that went back must not make the wait longer than it ever was.
        let left = ((tally.last + delay) - now).min(delay);
        if left > Lifetime::ZERO {
            return Err(Stop::Wait(left));
        }
        let if_all_fail = tally.failures.saturating_add(tally.under_way);
        if tally.under_way > 0 && delays.after(if_all_fail) > Lifetime::ZERO {
            return Err(Stop::Pending);
        }
        Ok(Self { under_way: tally.under_way + 1, ..tally })
    }

    /// A try that was let in was wrong.
    #[must_use]
    pub fn failed(self, now: Timestamp) -> Self {
        Self {
            failures: self.failures.saturating_add(1),
            under_way: self.under_way.saturating_sub(1),
            last: self.last.max(now),
        }
    }

    /// A try that was let in was right: what went before is forgiven.
    #[must_use]
    pub const fn succeeded(self) -> Self {
        Self { failures: 0, under_way: self.under_way.saturating_sub(1), last: self.last }
    }

    /// A try that was let in came to nothing: it was never weighed.
    #[must_use]
    pub const fn withdrawn(self) -> Self {
        Self { under_way: self.under_way.saturating_sub(1), ..self }
    }

    /// Does it say the same as no tally at all?
    pub const fn is_blank(&self) -> bool {
        self.failures == 0 && self.under_way == 0
    }
}

/// Under which name failures are counted. Nobody without the handle key can tell whose it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Whose(pub [u8; 16]);

impl Whose {
    /// Of an address, whether or not there is an account behind it. A known device has a tally of its own: strangers'
    /// failures do not slow it, and its failures are counted all the same.
    pub fn of(handle: &Secret, email: &Email, device: Option<[u8; 16]>) -> Self {
        let device = device.as_ref().map_or(&[][..], |device| &device[..]);
        let mut name = [0; 16];
        name.copy_from_slice(&mac(handle, &[b"throttle 1", email.key().as_bytes(), device])[..16]);
        Self(name)
    }
}

/// Who shares an allowance: an IPv4 address, or the /64 that one household or machine gets of IPv6.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Network {
    /// An address.
    V4([u8; 4]),
    /// A /64.
    V6([u8; 8]),
}

impl Network {
    /// Of an address; an IPv4 address in IPv6 clothes is one of IPv4.
    pub fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self::V4(address.octets()),
            IpAddr::V6(address) => {
                let mut prefix = [0; 8];
                prefix.copy_from_slice(&address.octets()[..8]);
                Self::V6(prefix)
            }
        }
    }
}

/// How often one network may ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// So often in a row.
    pub burst: u32,
    /// And once more after each of these.
    pub every: Lifetime,
}

impl Default for Rate {
    /// 60 in a row, 30 a minute in the long run.
    fn default() -> Self {
        Self { burst: 60, every: Lifetime::from_secs(2) }
    }
}

impl Rate {
    /// How long an allowance that is used up takes to be whole again.
    pub const fn window(&self) -> Lifetime {
        Lifetime::from_millis(self.every.millis().saturating_mul(self.burst as i64))
    }

    /// Asks once more. `whole_at` is when the allowance is whole again; `None` if it is. Gives when it will be whole.
    ///
    /// # Errors
    /// How long until there is room. Nothing is used up then.
    pub fn ask(&self, whole_at: Option<Timestamp>, now: Timestamp) -> Result<Timestamp, Lifetime> {
        // A clock that went back must not take more than the whole allowance.
        let whole_at = whole_at.map_or(now, |at| at.max(now).min(now + self.window()));
        let next = whole_at + self.every;
        let over = next - (now + self.window());
        if over > Lifetime::ZERO { Err(over) } else { Ok(next) }
    }
}
