//! The system's limit on open files: a connection is one.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::listener::bounds::Bounds;

/// What is open besides connections: database, log, sockets, and some to spare.
const OURS: u64 = 128;

/// Raises the limit as far as it lets itself be; where that is not enough for the connections that were asked for, there
/// are fewer. Without this a flood of connections would leave no file for anything else.
pub(super) fn make_room(bounds: &mut Bounds) {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let wanted = bounds.connections as u64 + bounds.turned_away as u64 + OURS;
    // None is no limit.
    let Some(now) = current.filter(|now| *now < wanted) else { return };
    let reach = maximum.map_or(wanted, |maximum| maximum.min(wanted));
    let raised = setrlimit(Resource::Nofile, Rlimit { current: Some(reach), maximum });
    let have = if raised.is_ok() { reach } else { now };
    if have < wanted {
        let room = have.saturating_sub(bounds.turned_away as u64 + OURS).max(1);
        bounds.connections = usize::try_from(room).unwrap_or(usize::MAX);
        tracing::warn!(
            files = have,
            connections = bounds.connections,
            "the system allows fewer open files than asked for"
        );
    }
}
