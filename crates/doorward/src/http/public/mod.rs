//! `/v1`: one file is one operation or one thing.

pub mod data;
pub mod password;
pub mod refresh;
pub mod session;
pub mod sessions;
pub mod users;

use doorward_core::client::Transport;
use doorward_core::id::ClientId;

use super::problem::{Code, Problem};

/// Reads `client_id` of a body. A text that cannot be one is a client nobody knows.
fn client_id(text: Option<&str>) -> Result<Option<ClientId>, Problem> {
    text.map(|text| ClientId::parse(text).ok_or(Code::ClientUnknown.into())).transpose()
}

/// Reads `transport` of a body.
fn transport(text: Option<&str>) -> Result<Option<Transport>, Problem> {
    let read = |text| Transport::from_name(text).ok_or_else(|| Problem::about(Code::InvalidField, "transport"));
    text.map(read).transpose()
}
