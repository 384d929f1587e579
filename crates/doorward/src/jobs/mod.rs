//! What goes on beside the requests.

pub mod sweep;
pub mod touch;
