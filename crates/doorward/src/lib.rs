//! The room that serves: flows, HTTP, configuration, the command line, and the only clock and dice of the house.

pub mod advice;
pub mod agent;
pub mod checks;
pub mod cli;
pub mod config;
pub mod door;
pub mod flows;
pub mod hashing;
pub mod http;
pub mod hub;
pub mod import;
pub mod jobs;
pub mod keys;
pub mod limits;
pub mod listener;
pub mod measure;
pub mod metrics;
pub mod requests;
mod ring;
pub mod throttle;
pub mod uses;
pub mod watch;
pub mod wiring;
