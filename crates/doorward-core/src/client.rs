//! A client: OAuth's word for an application. It carries the strategy.

use std::collections::BTreeSet;

use doorward_verify::{Algorithm, Position, Timestamp};

use crate::id::{ClientId, OrgId};
use crate::policy::{ABSOLUTE_LONGEST, ACCESS_LONGEST, Lifetimes, Profile};
use crate::secret::SecretHash;
use crate::verifier;

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
    /// Sessions of more than 90 days: refresh secrets are not kept for longer.
    AbsoluteLifetime,
    /// No way for credentials to travel.
    NoTransport,
    /// More than two secrets, or a public client with one, or a confidential one without.
    Secrets,
    /// An origin that is not `scheme://host[:port]`.
    Origin,
    /// Too many audiences, or one that no token can carry.
    Audiences,
    /// Too many scopes, or one that is no scope of OAuth.
    Scopes,
}

impl Unfit {
    /// What is wrong, in a sentence.
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::AccessLifetime => "access tokens live from 1 second to 60 minutes",
            Self::IdleLifetime => "the idle lifetime is positive and not longer than the absolute one",
            Self::AbsoluteLifetime => "a session lives at most 90 days",
            Self::NoTransport => "at least one transport (cookie, body) is needed",
            Self::Secrets => "a confidential client has one or two secrets, a public one has none",
            Self::Origin => "an origin is scheme://host[:port] in lower case, without a path",
            Self::Audiences => "there are at most 8 audiences, of 256 bytes at most, without spaces",
            Self::Scopes => {
                "there are at most 8 scopes, of 64 characters at most, without spaces, quotes and backslashes"
            }
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

    /// Do tokens of before say something that is no longer so, now that the client is like this? Then they are to be
    /// renewed. Another strategy is no reason: a holder of the old form keeps it until its own end.
    pub fn outdates_tokens_of(&self, before: &Self) -> bool {
        self.audiences != before.audiences
            || self.scopes != before.scopes
            || self.lifetimes.access < before.lifetimes.access
    }

    /// May a credential travel so?
    pub fn allows(&self, transport: Transport) -> bool {
        self.transports.contains(&transport)
    }

    /// Is this one of its secrets? Compared in constant time, all of them.
    pub fn knows(&self, shown: &SecretHash) -> bool {
        self.secrets.iter().fold(false, |known, secret| known | secret.matches(shown))
    }

    /// Who its access tokens are for.
    pub fn audiences_or<'a>(&'a self, issuer: &'a str) -> impl Iterator<Item = &'a str> {
        let usual = self.audiences.is_empty().then_some(issuer);
        self.audiences.iter().map(String::as_str).chain(usual)
    }

    /// Does it hand out tokens that are signed with a shared secret?
    fn shares_secret(&self) -> bool {
        self.algorithm.is_shared() && self.disabled_at.is_none()
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
        if times.absolute.max(times.absolute_native) > ABSOLUTE_LONGEST {
            return Err(Unfit::AbsoluteLifetime);
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
        if !verifier::are_audiences(&self.audiences) {
            return Err(Unfit::Audiences);
        }
        if self.scopes.len() > LIST_MOST || !self.scopes.iter().all(|scope| is_scope(scope)) {
            return Err(Unfit::Scopes);
        }
        Ok(())
    }
}

/// The most scopes of a client, and as many audiences: with all roles and the longest signature its tokens are still read.
pub const LIST_MOST: usize = 8;
/// The longest scope, in bytes.
pub const SCOPE_LONGEST: usize = 64;

/// A scope-token of RFC 6749, section 3.3.
fn is_scope(scope: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\';
    (1..=SCOPE_LONGEST).contains(&scope.len()) && scope.bytes().all(plain)
}

/// What is allowed about clients, and dangerous.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Warning {
    /// Its tokens are signed with a shared secret (HS256): whoever verifies them can also make them.
    SharedSecret,
    /// The shared secret is for more than one audience: each of them can make tokens for the others.
    SecondVerifier,
    /// The first keys of its algorithm were made for it, so nobody can have them yet.
    NewKeys,
}

impl Warning {
    /// What is dangerous, in a sentence.
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::SharedSecret => {
                "HS256 signs with a shared secret: whoever can verify these tokens can also make them; ES256 needs none"
            }
            Self::SecondVerifier => {
                "HS256 is used for more than one audience: each of them can make tokens that the others accept"
            }
            Self::NewKeys => {
                "the keys of this algorithm were made just now: a verifier that fetched the key set before may refuse \
                 tokens until it fetches it again"
            }
        }
    }

    /// What is dangerous about a client among all clients of a realm (itself may be one of them).
    pub fn of<'a>(client: &'a Client, all: impl IntoIterator<Item = &'a Client>, issuer: &str) -> Vec<Self> {
        if !client.shares_secret() {
            return Vec::new();
        }
        let others = all.into_iter().filter(|other| other.id != client.id && other.shares_secret());
        let audiences: BTreeSet<&str> =
            others.chain([client]).flat_map(|client| client.audiences_or(issuer)).collect();
        let mut warnings = vec![Self::SharedSecret];
        if audiences.len() > 1 {
            warnings.push(Self::SecondVerifier);
        }
        warnings
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
        let with = |audiences: &[&str], scopes: &[&str]| {
            let [audiences, scopes] =
                [audiences, scopes].map(|words| words.iter().map(ToString::to_string).collect());
            Client { audiences, scopes, ..web() }.check()
        };
        let (audience, scope) = ("a".repeat(256), "s".repeat(SCOPE_LONGEST));
        assert_eq!(with(&[audience.as_str(); 8], &[scope.as_str(); LIST_MOST]), Ok(()));
        for wrong in [&["a"; 9][..], &[&format!("{audience}a")], &[""], &["a b"]] {
            assert_eq!(with(wrong, &[]), Err(Unfit::Audiences), "{wrong:?}");
        }
        for wrong in
            [&["s"; LIST_MOST + 1][..], &[&format!("{scope}s")], &[""], &["a b"], &["a\"b"], &["a\\b"], &["\u{e9}"]]
        {
            assert_eq!(with(&[], wrong), Err(Unfit::Scopes), "{wrong:?}");
        }
    }

    #[test]
    fn no_session_outlives_the_refresh_secrets() {
        for native in [false, true] {
            let mut client = web();
            let lifetime =
                if native { &mut client.lifetimes.absolute_native } else { &mut client.lifetimes.absolute };
            *lifetime = ABSOLUTE_LONGEST + Lifetime::from_millis(1);
            assert_eq!(client.check(), Err(Unfit::AbsoluteLifetime));
        }
    }

    #[test]
    fn a_shared_secret_is_warned_about_and_a_second_verifier_of_it_more() {
        const ISSUER: &str = "https://id.example";
        let of = |id: &str, algorithm, audiences: &[&str]| Client {
            id: ClientId::parse(id).expect("an id"),
            algorithm,
            audiences: audiences.iter().map(ToString::to_string).collect(),
            ..web()
        };
        let safe = of("safe", Algorithm::Es256, &["https://one.example", "https://two.example"]);
        let one = of("one", Algorithm::Hs256, &["https://one.example"]);
        let two = of("two", Algorithm::Hs256, &["https://two.example"]);
        let both = of("both", Algorithm::Hs256, &["https://one.example", "https://two.example"]);
        let ours = of("ours", Algorithm::Hs256, &[]);
        let off = Client { disabled_at: Some(Timestamp::from_secs(1)), ..two.clone() };
        let alone = vec![Warning::SharedSecret];
        let shared = vec![Warning::SharedSecret, Warning::SecondVerifier];
        let clients = [safe.clone(), one.clone()];
        assert_eq!(Warning::of(&safe, &clients, ISSUER), []);
        assert_eq!(Warning::of(&one, &clients, ISSUER), alone);
        assert_eq!(Warning::of(&both, &clients, ISSUER), shared, "two audiences of one client");
        assert_eq!(Warning::of(&two, &clients, ISSUER), shared, "one each of two clients");
        assert_eq!(Warning::of(&ours, &clients, ISSUER), shared, "we are a verifier too");
        assert_eq!(Warning::of(&ours, [&ours], ISSUER), alone);
        assert_eq!(Warning::of(&one, [&one, &off], ISSUER), alone, "one that is switched off hands out nothing");
    }

    #[test]
    fn only_what_tokens_say_and_shorter_lives_outdate_them() {
        let before = web();
        let with = |change: fn(&mut Client)| {
            let mut client = web();
            change(&mut client);
            client.outdates_tokens_of(&before)
        };
        assert!(with(|client| client.audiences.push(String::from("https://api.example"))));
        assert!(with(|client| client.scopes.push(String::from("read"))));
        assert!(with(|client| client.lifetimes.access = Lifetime::from_mins(1)));
        assert!(!with(|client| client.lifetimes.access = ACCESS_LONGEST));
        assert!(!with(|client| client.strategy = Strategy::Hybrid));
        assert!(!with(|client| client.origins.push(String::from("https://app.example"))));
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
