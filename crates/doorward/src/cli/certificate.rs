//! The certificate's files are looked at now and then, so that whoever renews them need tell nobody.

use std::time::Duration;

use tokio::sync::watch;

use crate::listener::tls::{Tls, TlsError};

/// So often.
const EVERY: Duration = Duration::from_secs(10);

/// Looks until `stop` says so. A pair that does not fit is told of once: certificate and key are two files, and between
/// writing one and the other they never fit.
pub(super) async fn watch(tls: Tls, mut stop: watch::Receiver<bool>) {
    let mut told: Option<TlsError> = None;
    loop {
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
        let wrong = look(&tls).err();
        if wrong != told {
            wrong.iter().for_each(tell);
        }
        told = wrong;
    }
}

/// An operator asks to look now.
pub(super) fn look_and_tell(tls: Option<&Tls>) {
    match tls.map(look) {
        Some(Ok(())) => {}
        Some(Err(error)) => tell(&error),
        None => tracing::info!("asked to read the certificate again, and there is none"),
    }
}

fn look(tls: &Tls) -> Result<(), TlsError> {
    if tls.reload()? {
        tracing::info!("new connections are shown another certificate");
    }
    Ok(())
}

fn tell(error: &TlsError) {
    tracing::error!(%error, "the certificate stays the one before");
}
