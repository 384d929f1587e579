//! Rows of clients.

use std::sync::LazyLock;

use doorward_core::client::{AttemptKey, Client, ClientKind, Strategy, Transport};
use doorward_core::id::{ClientId, OrgId};
use doorward_core::policy::Lifetimes;
use doorward_core::secret::SecretHash;
use doorward_core::{Algorithm, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::cells::{Cells, counted, listed, placed};
use super::fault::Fault;

/// In the order in which [`read`] and [`write`] have them.
const COLUMNS: &str = "id, kind, first_party, strategy, strategy_since, transports, origins, redirect_uris, audiences, \
                       scopes, algorithm, access_life, idle_life, absolute_life, native_life, attempt_key, secrets, \
                       org, disabled_at, terminal_epoch, refresh_epoch, created_at, version";
static BY_ID: LazyLock<String> = LazyLock::new(|| format!("SELECT {COLUMNS} FROM clients WHERE id = ?1"));
static ALL: LazyLock<String> = LazyLock::new(|| format!("SELECT {COLUMNS} FROM clients ORDER BY id"));
static WRITE: LazyLock<String> = LazyLock::new(|| {
    format!(
        "INSERT OR REPLACE INTO clients ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, \
         ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23)"
    )
});

/// The client of an id.
pub(super) fn find(file: &Connection, id: &ClientId) -> Result<Option<Client>, Fault> {
    file.prepare_cached(&BY_ID)?.query_row([id.as_str()], |row| Ok(read(row))).optional()?.transpose()
}

/// All clients, in order of ids.
pub(super) fn all(file: &Connection) -> Result<Vec<Client>, Fault> {
    let mut statement = file.prepare_cached(&ALL)?;
    let mut rows = statement.query([])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(read(row)?);
    }
    Ok(found)
}

/// Writes a client, in the place of its former self if there is one.
pub(super) fn write(file: &Connection, client: &Client) -> Result<(), Fault> {
    let Lifetimes { access, idle, absolute, absolute_native } = client.lifetimes;
    let list = |words: &[String]| listed(words.iter().map(String::as_str));
    file.prepare_cached(&WRITE)?.execute(params![
        client.id.as_str(),
        client.kind.name(),
        client.first_party,
        client.strategy.name(),
        client.strategy_since.millis(),
        listed(client.transports.iter().map(|transport| transport.name())),
        list(&client.origins),
        list(&client.redirect_uris),
        list(&client.audiences),
        list(&client.scopes),
        client.algorithm.name(),
        access.millis(),
        idle.millis(),
        absolute.millis(),
        absolute_native.millis(),
        client.attempt_key.name(),
        client.secrets.iter().flat_map(|hash| hash.0).collect::<Vec<u8>>(),
        client.org.map(OrgId::bytes),
        client.disabled_at.map(Timestamp::millis),
        placed(client.terminal_epoch),
        placed(client.refresh_epoch),
        client.created_at.millis(),
        counted(client.version),
    ])?;
    Ok(())
}

fn read(row: &Row<'_>) -> Result<Client, Fault> {
    let mut cells = Cells::of(row);
    Ok(Client {
        id: cells.word(ClientId::parse, "clients.id")?,
        kind: cells.word(ClientKind::from_name, "clients.kind")?,
        first_party: cells.take("clients.first_party")?,
        strategy: cells.word(Strategy::from_name, "clients.strategy")?,
        strategy_since: cells.time("clients.strategy_since")?,
        transports: read_transports(&cells.list("clients.transports")?)?,
        origins: cells.list("clients.origins")?,
        redirect_uris: cells.list("clients.redirect_uris")?,
        audiences: cells.list("clients.audiences")?,
        scopes: cells.list("clients.scopes")?,
        algorithm: cells.word(Algorithm::from_name, "clients.algorithm")?,
        lifetimes: Lifetimes {
            access: cells.lifetime("clients.access_life")?,
            idle: cells.lifetime("clients.idle_life")?,
            absolute: cells.lifetime("clients.absolute_life")?,
            absolute_native: cells.lifetime("clients.native_life")?,
        },
        attempt_key: cells.word(AttemptKey::from_name, "clients.attempt_key")?,
        secrets: cells.blob(read_secrets, "clients.secrets")?,
        org: cells.id_if_any(OrgId::from_bytes, "clients.org")?,
        disabled_at: cells.time_if_any("clients.disabled_at")?,
        terminal_epoch: cells.position("clients.terminal_epoch")?,
        refresh_epoch: cells.position("clients.refresh_epoch")?,
        created_at: cells.time("clients.created_at")?,
        version: cells.count("clients.version")?,
    })
}

fn read_transports(words: &[String]) -> Result<Vec<Transport>, Fault> {
    let read = |word: &String| Transport::from_name(word).ok_or(Fault::Unreadable("clients.transports"));
    words.iter().map(read).collect()
}

fn read_secrets(blob: &[u8]) -> Option<Vec<SecretHash>> {
    let (hashes, []) = blob.as_chunks::<32>() else { return None };
    Some(hashes.iter().copied().map(SecretHash).collect())
}
