//! The floor under a refresh over HTTP: a server that takes the request, signs once with ES256, turns a row by the store's
//! own UPDATE in one transaction with whatever else waits, and gives one canned answer.
//!
//! It reads no token, decides nothing and mints nothing. On the same cores, with the same load, no server that signs and
//! writes before it answers can be quicker; what Doorward does beyond it can be seen against it.

use std::path::Path;
use std::sync::Arc;
use std::thread;

use doorward_verify::Algorithm;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::sync::{mpsc, oneshot};

use super::bare::{Reply, serve, settings};
use super::update::Chains;
use crate::Trouble;
use crate::tokens::Token;

/// As many rows may wait as the store lets wait, and share a transaction.
const QUEUE: usize = 1024;
const BATCH: usize = 256;

/// Serves until the parent says no more.
pub(crate) fn serve_floor(folder: &Path, reply: &Path) -> Result<(), Trouble> {
    let reply = Reply::read(reply)?;
    let token = Arc::new(Token::mint(Algorithm::Es256).ok_or("no token")?);
    let mut chains = Chains::open(folder)?;
    let (rows, mut queue) = mpsc::channel::<oneshot::Sender<()>>(QUEUE);
    thread::spawn(move || {
        let mut batch = Vec::with_capacity(BATCH);
        while queue.blocking_recv_many(&mut batch, BATCH) > 0 {
            if chains.turn(batch.len() as u64).is_err() {
                // Whoever waits is answered with a broken connection, and the measurement fails.
                return;
            }
            for row in batch.drain(..) {
                let _ = row.send(());
            }
        }
    });
    serve(move |stream| {
        let (reply, token, rows) = (reply.clone(), Arc::clone(&token), rows.clone());
        let service = service_fn(move |request: hyper::Request<Incoming>| {
            let (reply, token, rows) = (reply.clone(), Arc::clone(&token), rows.clone());
            async move {
                drop(request.into_body().collect().await);
                let (row, turned) = oneshot::channel();
                drop(rows.send(row).await);
                token.sign_raw();
                turned.await.map(|()| reply.response())
            }
        });
        tokio::spawn(async move { drop(settings().serve_connection(TokioIo::new(stream), service).await) });
    })
}
