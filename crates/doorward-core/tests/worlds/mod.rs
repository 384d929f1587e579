//! Small worlds, explored in full: a server whose only rule is the real [`doorward_core::refresh::decide`], honest
//! clients in every order of steps, losses and delays, and thieves.
//!
//! Time is counted in ticks and only ages are kept, so that a world has no last day. Attempt keys are symbols drawn
//! fresh, never computed from a token. Of several alike workers or tabs only their requests are kept, sorted: who is
//! who makes no difference to the server, and leaving it out is what makes the worlds small enough.

pub(crate) mod broken;
pub(crate) mod epochs;
pub(crate) mod honest;
pub(crate) mod restored;
pub(crate) mod search;
pub(crate) mod server;
pub(crate) mod tabs;
pub(crate) mod thief;
