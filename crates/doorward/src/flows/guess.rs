//! A password that is tried: let in or not before anything is hashed, weighed, and counted by how it ended.

use doorward_core::known_device::Device;
use doorward_core::user::Email;

use super::{Refusal, Stopped, notice};
use crate::door::{Door, Origin};
use crate::throttle::{Purpose, Throttled};

/// At whose account, from where.
#[derive(Debug)]
pub(super) struct Guess<'a> {
    /// The address; `None` if it can be nobody's: then only the network's limit applies.
    pub(super) email: Option<&'a Email>,
    /// The known device of that user that it is tried on.
    pub(super) device: Option<Device>,
    /// Where it comes from.
    pub(super) from: &'a Origin,
}

impl Guess<'_> {
    /// Weighs by `work`, if the limits of network and account let it. Right forgives what went before, wrong is counted,
    /// and what stopped for another reason was no try.
    pub(super) async fn weigh<T>(
        &self,
        door: &Door,
        work: impl Future<Output = Result<T, Stopped>>,
    ) -> Result<T, Stopped> {
        notice::ask(door, Purpose::SignIn, self.from).await?;
        let admitted = match self.email {
            Some(email) => {
                let whose = door.keys().whose(email, self.device.as_ref());
                match door.throttle().admit(whose, || door.now()).await {
                    Ok(admitted) => Some(admitted),
                    Err(throttled) => return Err(notice::refused(door, throttled, self.from).await),
                }
            }
            None => None,
        };
        let weighed = work.await;
        if let Some(admitted) = admitted {
            match &weighed {
                Ok(_) => admitted.succeeded(),
                Err(Stopped::Refused(Refusal::InvalidCredentials)) => admitted.failed(door.now()),
                Err(_) => admitted.withdrawn(),
            }
            // Kept before the answer, so that whoever learns of a failure cannot have it forgotten by a restart.
            notice::settle(door).await;
        }
        if matches!(weighed, Err(Stopped::Refused(Refusal::InvalidCredentials))) {
            notice::failed(door, self.from).await;
        }
        weighed
    }
}

impl From<Throttled> for Stopped {
    fn from(throttled: Throttled) -> Self {
        Self::Refused(Refusal::TooManyAttempts(throttled))
    }
}
