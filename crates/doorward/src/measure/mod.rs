//! Measuring on the machine of whoever asks: a door of its own in a folder that is gone afterwards, no network beyond this
//! machine, and figures with their spread. `doorward bench` shows all of it, `doorward advise` what takes a
//! moment.

pub mod figures;
pub mod load;
pub mod look_ups;
pub mod machine;
pub mod quick;
pub mod repeat;
pub mod trial;

use doorward_store::sqlite::OpenError;

use crate::flows::Stopped;
use crate::wiring::WireError;

/// Why nothing could be measured.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// There is no room for a folder, or there are no threads.
    #[error("the system does not give what a measurement needs: {0}")]
    System(#[from] std::io::Error),
    /// The store does not open.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The door does not open.
    #[error(transparent)]
    Wire(#[from] WireError),
    /// A step of what is measured was refused.
    #[error("a step of the measurement did not go through: {0:?}")]
    Stopped(Stopped),
    /// A step went through and did not do what it is for.
    #[error("a step of the measurement did not do what it should: {0}")]
    Wrong(&'static str),
}

impl From<Stopped> for Trouble {
    fn from(stopped: Stopped) -> Self {
        Self::Stopped(stopped)
    }
}
