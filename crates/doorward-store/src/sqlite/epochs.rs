//! The epochs that apply to a session.

use doorward_core::Position;
use doorward_core::id::{ClientId, UserId};
use doorward_core::session::Epochs;
use rusqlite::{Connection, Row, params};

use super::cells::Cells;
use super::fault::Fault;

/// Nothing is born after it.
const END_OF_TIME: Position = Position { generation: u64::MAX, seq: u64::MAX };

/// The latest epochs of a user, a client and the realm. One statement, so that they are of one moment.
pub(super) fn latest(file: &Connection, user: Option<UserId>, client: &ClientId) -> Result<Epochs, Fault> {
    let mut statement = file.prepare_cached(
        "SELECT meta.terminal_epoch, meta.refresh_epoch, \
         clients.id IS NOT NULL AND clients.disabled_at IS NULL, clients.terminal_epoch, clients.refresh_epoch, \
         users.id IS NOT NULL AND users.deleted_at IS NULL, users.terminal_epoch, users.refresh_epoch \
         FROM meta LEFT JOIN clients ON clients.id = ?1 LEFT JOIN users ON users.id = ?2",
    )?;
    statement.query_row(params![client.as_str(), user.map(UserId::bytes)], |row| Ok(read_epochs(row, user)))?
}

fn read_epochs(row: &Row<'_>, user: Option<UserId>) -> Result<Epochs, Fault> {
    let mut cells = Cells::of(row);
    let realm =
        Epochs { terminal: cells.position("meta.terminal_epoch")?, refresh: cells.position("meta.refresh_epoch")? };
    let mut of_row = |terminal: &'static str, refresh: &'static str| {
        let lives: bool = cells.take(terminal)?;
        let epochs = Epochs {
            terminal: cells.position_if_any(terminal)?.unwrap_or_default(),
            refresh: cells.position_if_any(refresh)?.unwrap_or_default(),
        };
        // Of one that is gone or switched off nothing lives.
        Ok::<_, Fault>(if lives { epochs } else { Epochs { terminal: END_OF_TIME, ..epochs } })
    };
    let of_client = of_row("clients.terminal_epoch", "clients.refresh_epoch")?;
    let of_user = match user {
        Some(_) => of_row("users.terminal_epoch", "users.refresh_epoch")?,
        None => Epochs::default(),
    };
    Ok(realm.latest(of_client).latest(of_user))
}
