//! What goes on beside the requests.

pub mod keys;
pub mod spread;
pub mod sweep;
pub mod touch;
