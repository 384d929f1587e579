//! `doorward dev`: a demo on this machine, from nothing, with one command.

use std::net::SocketAddr;
use std::path::Path;

use doorward_core::secret::Secret;
use doorward_store::{Directory, Origin};

use super::args::DevArgs;
use super::demo::{self, Planted};
use super::running::{self, HangUp, Ports, Public, Server};
use super::stop::{Exit, Stop};
use super::{folder, logging, out, own_certificate};
use crate::config::document::Document;
use crate::config::seed::Seed;
use crate::config::{Mode, Problems, Raw, Settled, settle};

/// Serves a demo until it is asked to stop.
pub(super) async fn dev(args: DevArgs) -> Result<Exit, Stop> {
    let (mut settled, seed) = configuration(&args)?;
    logging::start(settled.log);
    let store = folder::open_to_serve(&settled.data, Origin::Dev, args.serving.restored_on_purpose)?;
    let is_new = store.keys().await.map_err(|error| Stop::new(Exit::Configuration, error))?.is_empty();
    let master = match settled.master.take() {
        Some(master) => master,
        None => master(&settled.data, is_new)?,
    };
    let files = match (settled.tls.take(), args.tls) {
        (None, true) => Some(own_certificate::of(&settled.data)?),
        (files, _) => files,
    };
    let tls = running::tls(files)?;
    let (port, address) = running::listen(settled.listen).await?;
    let management = running::manage(settled.management, settled.listen, Mode::Dev).await?;
    let metrics = management.as_ref().map(|(_, address)| *address);
    let scheme = if tls.is_some() { "https" } else { "http" };
    let issuer = settled.issuer.take().unwrap_or_else(|| format!("{scheme}://localhost:{}", address.port()));
    if tls.is_some() && issuer.starts_with("http://") {
        let what = format!("the port speaks https, and {issuer} is the issuer");
        return Err(Stop::new(Exit::Configuration, what).advise("begin it with https://, or leave it out"));
    }
    let desk = folder::desk(store, &mut settled, issuer.clone(), master).await?;
    let planted = demo::plant(desk.door(), &seed).await?;
    let ready = running::ready_line(address, tls.as_ref());
    let ports = Ports { public: Public { port, bounds: settled.bounds, tls }, management };
    let server = Server::prepare(desk, &settled.data, ports, HangUp::Stops)?;
    let data = settled.data;
    server.run(move || out::line(&welcome((ready, metrics), &issuer, &data, &planted))).await;
    Ok(Exit::Well)
}

/// Settings and seed, or everything that is wrong with either.
fn configuration(args: &DevArgs) -> Result<(Settled, Seed), Problems> {
    let settled = settle(Raw::gather(&args.serving.said(), Mode::Dev), Mode::Dev);
    let seed = match &args.seed {
        None => Ok(Seed::default()),
        Some(path) => {
            Document::read(path).map_err(|problem| Problems(vec![problem])).and_then(|file| Seed::read(&file))
        }
    };
    match (settled, seed) {
        (Ok(settled), Ok(seed)) => Ok((settled, seed)),
        (Err(one), Err(other)) => Err(Problems([one.0, other.0].concat())),
        (Err(problems), Ok(_)) | (Ok(_), Err(problems)) => Err(problems),
    }
}

/// The demo's master key. One is made only for a database that has no keys yet.
fn master(data: &Path, is_new: bool) -> Result<Secret, Stop> {
    match folder::read_master_key(data)? {
        Some(master) => Ok(master),
        None if is_new => folder::make_master_key(data),
        None => Err(folder::lost_master_key(data)),
    }
}

/// The first line is for scripts, the rest for people.
fn welcome((ready, metrics): (String, Option<SocketAddr>), issuer: &str, data: &Path, planted: &Planted) -> String {
    let mut lines = vec![
        ready,
        String::new(),
        format!("Doorward {}  dev mode  (loopback only, data in {})", env!("CARGO_PKG_VERSION"), data.display()),
        format!("  Issuer        {issuer}"),
        format!("  Pages         {issuer}/login  {issuer}/account  {issuer}/tools"),
        format!("  Who am I      {issuer}/v1/session"),
        format!("  Public keys   {issuer}/.well-known/jwks.json"),
        format!("  Health        {issuer}/healthz  {issuer}/readyz"),
    ];
    if let Some(metrics) = metrics {
        lines.push(format!("  Metrics       http://{metrics}/metrics  http://{metrics}/readyz?verbose"));
    }
    if planted.has_ada {
        lines.push(format!("  Demo account  {} / {}", demo::EMAIL, demo::PASSWORD));
    }
    if !planted.demo_clients.is_empty() {
        lines.push(format!("  Demo clients  {}", planted.demo_clients.join("  ")));
    }
    for (client, secret) in &planted.secrets {
        lines.push(format!("  New secret    {client} / {} (told once)", secret.as_str()));
    }
    let flag = if data == Path::new(folder::OF_DEV) { String::new() } else { format!(" --data {}", data.display()) };
    lines.push(format!("  Operate       doorward users list{flag}   (also sessions, clients, verifiers, keys)"));
    lines.push(String::from("Ctrl-C stops."));
    lines.join("\n")
}
