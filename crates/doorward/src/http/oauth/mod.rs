//! `/oauth2`: the endpoints of OAuth 2.0.

pub mod introspect;
