//! A client: OAuth's word for an application. It carries the strategy.

use doorward_verify::{Algorithm, Position, Timestamp};

use crate::id::{ClientId, OrgId};
use crate::policy::{ACCESS_LONGEST, Lifetimes, Profile};
use crate::secret::SecretHash;

/// What an application's users hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Strategy {
    /// A session secret, looked up (S0-01).
    Session,
    /// An access token only (S0-03).
    Jwt,
    /// A short access token and a rotating refresh token (S0-25).
    Hybrid,
}

impl Strategy {
    /// All three.
    pub const ALL: [Self; 3] = [Self::Session, Self::Jwt, Self::Hybrid];

    /// The word on the wire and in configuration.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::Jwt => "jwt",
            Self::Hybrid => "hybrid",
        }
    }

    /// Reads the word.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|strategy| strategy.name() == name)
    }

    /// How a credential of this strategy travels unless the sign-in says otherwise.
    pub const fn default_transport(self) -> Transport {
        match self {
            Self::Session | Self::Hybrid => Transport::Cookie,
            Self::Jwt => Transport::Body,
        }
    }
}

/// How the long-lived credential travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Transport {
    /// In an HttpOnly cookie: browsers.
    Cookie,
    /// In the body: native applications.
    Body,
}

impl Transport {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Cookie, Self::Body];

    /// The word on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cookie => "cookie",
            Self::Body => "body",
        }
    }

    /// Reads the word.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|transport| transport.name() == name)
    }
}

/// Can the application keep a secret of its own? (RFC 6749 section 2.1)
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientKind {
    /// It cannot: a page, a phone.
    Public,
    /// It can, and authenticates with it.
    Confidential,
}

impl ClientKind {
    /// The word in configuration.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Confidential => "confidential",
        }
    }

    /// Reads the word.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Public, Self::Confidential].into_iter().find(|kind| kind.name() == name)
    }
}

/// Does the application send attempt keys with its refreshes?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttemptKey {
    /// Yes: a retired token without its key is a stolen one.
    Required,
    /// Perhaps not (plain OAuth libraries): sessions that never carried one are treated leniently.
    Optional,
}

impl AttemptKey {
    /// The word in configuration.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Required => "required",
            Self::Optional => "optional",
        }
    }

    /// Reads the word.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Required, Self::Optional].into_iter().find(|rule| rule.name() == name)
    }
}

/// An application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// Its name in requests and in tokens (`client_id`).
    pub id: ClientId,
    /// Public or confidential.
    pub kind: ClientKind,
    /// Only first-party clients may hand us a person's password.
    pub first_party: bool,
    /// What its users hold.
    pub strategy: Strategy,
    /// Since when; an access token from before may be exchanged.
    pub strategy_since: Timestamp,
    /// How credentials may travel.
    pub transports: Vec<Transport>,
    /// Exact origins of its pages: the CORS allow-list.
    pub origins: Vec<String>,
    /// Exact redirect URIs.
    pub redirect_uris: Vec<String>,
    /// Who its access tokens are for; empty means the issuer.
    pub audiences: Vec<String>,
    /// Scopes its tokens may carry.
    pub scopes: Vec<String>,
    /// What its tokens are signed with.
    pub algorithm: Algorithm,
    /// How long its things live.
    pub lifetimes: Lifetimes,
    /// Whether attempt keys are expected.
    pub attempt_key: AttemptKey,
    /// Up to two secrets, so that one can be replaced while the other works.
    pub secrets: Vec<SecretHash>,
    /// The organization it belongs to.
    pub org: Option<OrgId>,
    /// When it was switched off.
    pub disabled_at: Option<Timestamp>,
    /// Sessions born before are dead.
    pub terminal_epoch: Position,
    /// Records and tokens read or minted before have to be read or minted again.
    pub refresh_epoch: Position,
    /// When it was added.
    pub created_at: Timestamp,
    /// Counts its changes; a change states the one it starts from.
    pub version: u64,
}

/// Why a client cannot be as described.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// Access tokens of more than 60 minutes, or of none.
    AccessLifetime,
    /// An idle lifetime of nothing, or longer than the absolute one.
    IdleLifetime,
    /// No way for credentials to travel.
    NoTransport,
    /// More than two secrets, or a public client with one, or a confidential one without.
    Secrets,
    /// An origin that is not `scheme://host[:port]`.
    Origin,
}

impl Unfit {
    /// What is wrong, in a sentence.
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::AccessLifetime => "access tokens live from 1 second to 60 minutes",
            Self::IdleLifetime => "the idle lifetime is positive and not longer than the absolute one",
            Self::NoTransport => "at least one transport (cookie, body) is needed",
            Self::Secrets => "a confidential client has one or two secrets, a public one has none",
            Self::Origin => "an origin is scheme://host[:port] in lower case, without a path",
        }
    }
}

impl Client {
    /// A public first-party client with defaults: both transports where `body` is wanted too, relaxed lifetimes.
    pub fn first_party(id: ClientId, strategy: Strategy, now: Timestamp) -> Self {
        Self {
            id,
            kind: ClientKind::Public,
            first_party: true,
            strategy,
            strategy_since: now,
            transports: vec![strategy.default_transport()],
            origins: Vec::new(),
            redirect_uris: Vec::new(),
            audiences: Vec::new(),
            scopes: Vec::new(),
            algorithm: Algorithm::Es256,
            lifetimes: Profile::Relaxed.lifetimes(),
            attempt_key: AttemptKey::Required,
            secrets: Vec::new(),
            org: None,
            disabled_at: None,
            terminal_epoch: Position::START,
            refresh_epoch: Position::START,
            created_at: now,
            version: 1,
        }
    }

    /// May a credential travel so?
    pub fn allows(&self, transport: Transport) -> bool {
        self.transports.contains(&transport)
    }

    /// Is this one of its secrets? Compared in constant time, all of them.
    pub fn knows(&self, shown: &SecretHash) -> bool {
        self.secrets.iter().fold(false, |known, secret| known | secret.matches(shown))
    }

    /// Checks what no client may be.
    ///
    /// # Errors
    /// The first [`Unfit`] found.
    pub fn check(&self) -> Result<(), Unfit> {
        let times = self.lifetimes;
        if times.access.secs() < 1 || times.access > ACCESS_LONGEST {
            return Err(Unfit::AccessLifetime);
        }
        if times.idle.secs() < 1 || times.idle > times.absolute || times.idle > times.absolute_native {
            return Err(Unfit::IdleLifetime);
        }
        if self.transports.is_empty() {
            return Err(Unfit::NoTransport);
        }
        let secrets = match self.kind {
            ClientKind::Public => 0..=0,
            ClientKind::Confidential => 1..=2,
        };
        if !secrets.contains(&self.secrets.len()) {
            return Err(Unfit::Secrets);
        }
        if !self.origins.iter().all(|origin| is_origin(origin)) {
            return Err(Unfit::Origin);
        }
        Ok(())
    }
}

/// Is this the serialisation of an origin (RFC 6454 section 6.2) of http or https?
fn is_origin(text: &str) -> bool {
    let Some(host) = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")) else { return false };
    !host.is_empty()
        && host.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b".-:[]".contains(&b))
        && !host.ends_with(':')
}

#[cfg(test)]
mod tests {
    use super::*;
    use doorward_verify::Lifetime;

    fn web() -> Client {
        let id = ClientId::parse("web").expect("a client id");
        Client::first_party(id, Strategy::Session, Timestamp::from_secs(0))
    }

    #[test]
    fn limits_of_a_client_hold_at_the_edge_and_one_past_it() {
        assert_eq!(web().check(), Ok(()));
        let mut client = web();
        client.lifetimes.access = ACCESS_LONGEST;
        assert_eq!(client.check(), Ok(()));
        client.lifetimes.access = ACCESS_LONGEST + Lifetime::from_millis(1);
        assert_eq!(client.check(), Err(Unfit::AccessLifetime));
        let mut client = web();
        client.lifetimes.idle = client.lifetimes.absolute + Lifetime::from_millis(1);
        assert_eq!(client.check(), Err(Unfit::IdleLifetime));
        let mut client = web();
        client.secrets.push(SecretHash([0; 32]));
        assert_eq!(client.check(), Err(Unfit::Secrets));
    }

    #[test]
    fn origins_are_exact() {
        for (origin, fine) in [
            ("https://app.example.test", true),
            ("http://localhost:3000", true),
            ("https://app.example.test/", false),
            ("https://", false),
            ("*", false),
            ("null", false),
            ("https://App.example.test", false),
        ] {
            let client = Client { origins: vec![origin.to_owned()], ..web() };
            assert_eq!(client.check().is_ok(), fine, "{origin}");
        }
    }
}
