//! What a follower is told at its start.

use core::fmt;

use super::address::Address;
use crate::feed::Instance;
use crate::{Lifetime, Policy, base64url};

/// What is behind `dwv_`: 43 characters of base64url, and 6 that guard against typing errors.
const SECRET_TEXT: usize = 43 + 6;

/// How a service follows a server. Issuer, audience and secret have no default; the rest has.
#[derive(Clone)]
pub struct Settings {
    /// `iss` of the tokens to take, byte for byte.
    pub issuer: String,
    /// `aud` of the tokens to take: this service.
    pub audience: String,
    /// The verifier's secret, `dwv_…`, as `doorward verifiers add` printed it.
    pub secret: String,
    /// Where the servers are, `http://…` or `https://…`, if not at the issuer; tried in this order.
    pub servers: Vec<String>,
    /// How long the index may be trusted after it was known to be whole: 3 seconds.
    pub lease: Lifetime,
    /// The most that any route adds to that by [`Cut::Grace`](crate::Cut::Grace): nothing.
    pub grace: Lifetime,
    /// By how much the clocks may differ: 30 seconds.
    pub leeway: Lifetime,
    /// What routes ask for that ask for nothing else.
    pub policy: Policy,
    /// How many records of opaque sessions are kept: 10,000.
    pub most_sessions: usize,
    /// How many verified signatures are remembered, at 16 bytes each: 65,536.
    pub most_tokens: usize,
    /// Certificates (PEM) of the authorities that may vouch for the servers, instead of the system's.
    pub authorities: Option<Vec<u8>>,
}

impl Settings {
    /// The settings of a service that has nothing special to say.
    pub fn new(issuer: &str, audience: &str, secret: &str) -> Self {
        Self {
            issuer: issuer.to_owned(),
            audience: audience.to_owned(),
            secret: secret.to_owned(),
            servers: Vec::new(),
            lease: Lifetime::from_secs(3),
            grace: Lifetime::ZERO,
            leeway: Lifetime::from_secs(30),
            policy: Policy::default(),
            most_sessions: 10_000,
            most_tokens: 1 << 16,
            authorities: None,
        }
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Settings(issuer {:?}, audience {:?}, secret ..)", self.issuer, self.audience)
    }
}

/// Why a follower cannot even begin. Everything that time may heal is no error but a reason not to be ready.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub enum StartError {
    /// The secret is not `dwv_` and 49 characters.
    SecretInvalid,
    /// An address is not `http://host[:port]` or `https://host[:port]`.
    AddressInvalid,
    /// The lease is not 500 ms to 60 s, or the grace negative.
    LeaseInvalid,
    /// No authority to check the servers' certificates by could be read.
    AuthoritiesUnreadable,
    /// The system gives no random bytes.
    NoRandomness,
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SecretInvalid => "the verifier's secret is not one: it begins with dwv_",
            Self::AddressInvalid => "a server's address is not http://host[:port] or https://host[:port]",
            Self::LeaseInvalid => "a lease is 500 ms to 60 s, and a grace is not negative",
            Self::AuthoritiesUnreadable => "no certificate authority could be read",
            Self::NoRandomness => "the system gives no random bytes",
        })
    }
}

/// In words as well: a `main` that ends with an error prints it so.
impl fmt::Debug for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl core::error::Error for StartError {}

/// Settings that have been understood.
pub(super) struct Settled {
    pub(super) settings: Settings,
    pub(super) addresses: Vec<Address>,
    pub(super) secret_hash: [u8; 32],
    pub(super) instance: Instance,
}

impl Settled {
    pub(super) fn of(settings: Settings) -> Result<Self, StartError> {
        let body = settings.secret.strip_prefix("dwv_").filter(|body| body.len() == SECRET_TEXT && body.is_ascii());
        let mut secret = [0; 32];
        let read = body.and_then(|body| base64url::decode_into(&body.as_bytes()[..43], &mut secret).map(|s| s.len()));
        if read != Some(32) {
            return Err(StartError::SecretInvalid);
        }
        let most = Lifetime::from_secs(60);
        let allowed = Lifetime::from_millis(500)..=most;
        if !allowed.contains(&settings.lease) || settings.grace < Lifetime::ZERO {
            return Err(StartError::LeaseInvalid);
        }
        let servers = if settings.servers.is_empty() { &vec![settings.issuer.clone()] } else { &settings.servers };
        let addresses: Option<Vec<Address>> = servers.iter().map(|server| Address::parse(server)).collect();
        let addresses = addresses.ok_or(StartError::AddressInvalid)?;
        let instance = Instance(super::clock::drawn().ok_or(StartError::NoRandomness)?);
        Ok(Self { addresses, secret_hash: crate::feed::sha256(&secret), instance, settings })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret() -> String {
        format!("dwv_{}abcdef", base64url::encode(&[7; 32]))
    }

    fn check(change: impl FnOnce(&mut Settings), expect: Option<StartError>) {
        let mut settings = Settings::new("https://id.example", "api", &secret());
        change(&mut settings);
        assert_eq!(Settled::of(settings).err(), expect);
    }

    #[test]
    fn what_cannot_work_is_said_at_the_start() {
        check(|_| {}, None);
        check(|s| s.secret = s.secret.replace("dwv_", "dws_"), Some(StartError::SecretInvalid));
        check(|s| s.secret.truncate(52), Some(StartError::SecretInvalid));
        check(|s| s.secret = s.secret.replacen('B', "é", 1), Some(StartError::SecretInvalid));
        check(|s| s.lease = Lifetime::from_millis(499), Some(StartError::LeaseInvalid));
        check(|s| s.lease = Lifetime::from_secs(61), Some(StartError::LeaseInvalid));
        check(|s| s.grace = Lifetime::from_millis(-1), Some(StartError::LeaseInvalid));
        check(|s| s.servers = vec!["ftp://id.example".to_owned()], Some(StartError::AddressInvalid));
    }

    #[test]
    fn a_secret_is_not_printed() {
        let settings = Settings::new("https://id.example", "api", &secret());
        assert_eq!(format!("{settings:?}"), r#"Settings(issuer "https://id.example", audience "api", secret ..)"#);
    }

    #[test]
    fn why_it_cannot_begin_is_said_in_words_also_where_a_program_ends_with_it() {
        let all = [
            StartError::SecretInvalid,
            StartError::AddressInvalid,
            StartError::LeaseInvalid,
            StartError::AuthoritiesUnreadable,
            StartError::NoRandomness,
        ];
        for (place, one) in all.iter().enumerate() {
            assert!(one.to_string().contains(' ') && format!("{one:?}") == one.to_string());
            assert!(all[..place].iter().all(|other| other.to_string() != one.to_string()));
        }
    }
}
