//! `doorward serve`: nothing is guessed, and what is not right is told before anything is opened.

use doorward_store::Origin;

use super::args::ServeArgs;
use super::running::{self, HangUp, Ports, Public, Server};
use super::stop::{Exit, Stop};
use super::{folder, logging, out};
use crate::config::{Mode, Raw, settle};

/// Serves until it is asked to stop.
pub(super) async fn serve(args: ServeArgs) -> Result<Exit, Stop> {
    let mut settled = settle(Raw::gather(&args.serving.said(), Mode::Serve), Mode::Serve)?;
    logging::start(settled.log);
    // Both were asked for by `settle`.
    let (Some(issuer), Some(master)) = (settled.issuer.take(), settled.master.take()) else {
        return Err(Stop::new(Exit::Configuration, "issuer and master key are needed"));
    };
    let tls = running::tls(settled.tls.take())?;
    let store = folder::open_to_serve(&settled.data, Origin::Serve, args.serving.restored_on_purpose)?;
    let (port, address) = running::listen(settled.listen).await?;
    let management = running::manage(settled.management, settled.listen, Mode::Serve).await?;
    let desk = folder::desk(store, &mut settled, issuer, master).await?;
    let ready = running::ready_line(address, tls.as_ref());
    let ports = Ports { public: Public { port, bounds: settled.bounds, tls }, management };
    let server = Server::prepare(desk, &settled.data, ports, HangUp::Reloads)?;
    server.run(move || out::line(&ready)).await;
    Ok(Exit::Well)
}
