//! Pages for people: plain forms over the same flows that `/v1` uses. They work without scripts, hold their session in
//! a cookie through the built-in client `account`, and decide nothing.

pub mod account;
pub mod advise;
pub mod assets;
pub mod devices;
pub mod form;
pub mod jwt;
pub mod login;
pub mod logout;
pub mod look;
pub mod overrides;
pub mod return_to;
mod samples;
pub mod security;
pub mod signup;
pub mod tools;
pub mod visit;
pub mod when;
