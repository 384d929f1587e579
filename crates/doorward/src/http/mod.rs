//! The mouth: HTTP in, HTTP out, nothing decided.

pub mod address;
pub mod admin;
pub mod body;
pub mod cookie;
pub mod cors;
pub mod extract;
pub mod feed;
pub mod front;
pub mod headers;
pub mod management;
pub mod measured;
pub mod oauth;
pub mod pages;
pub mod problem;
pub mod public;
pub mod receipt;
pub mod reply;
pub mod rfc3339;
pub mod routes;
pub mod timed;
pub mod wellknown;
