//! What handlers are given: the caller, the application, where the request came from. HTTP text is parsed here, once.

use std::convert::Infallible;
use std::net::SocketAddr;

use axum::extract::{FromRef, FromRequestParts, Path, Query};
use doorward_core::id::ClientId;
use doorward_core::refresh::Attempt;
use doorward_core::secret::{Secret, SecretHash, SecretKind};
use http::request::Parts;
use http::{HeaderMap, HeaderName, Method, header};
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use super::problem::{Code, Problem};
use super::{address, cookie, cors};
use crate::agent::Agent;
use crate::config::settled::is_loopback;
use crate::door::{Door, Origin};
use crate::flows::authenticate::Application;
use crate::flows::check::{self, Caller, Credentials};

/// The peer of a connection, put into every request by the listener.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub SocketAddr);

/// The name of a request, put into every request by the router.
#[derive(Clone, Debug)]
pub struct RequestId(pub String);

/// Credentials and application, as the headers show them.
#[derive(Debug, Default)]
pub struct Shown {
    /// The text of a session secret.
    pub secret: Option<Zeroizing<String>>,
    /// Did it come as a cookie?
    pub secret_from_cookie: bool,
    /// An access token.
    pub access: Option<String>,
    /// Refresh tokens from the jar, by the ids of their clients.
    pub jar: Vec<(ClientId, String)>,
    /// Client id and secret.
    pub basic: Option<(ClientId, SecretHash)>,
}

impl Shown {
    /// Reads the headers.
    ///
    /// # Errors
    /// [`Code::AmbiguousCredentials`] for two session cookies, two `Authorization` headers, or two secrets that differ;
    /// [`Code::InvalidCredentials`] for an `Authorization` that is neither Bearer nor Basic.
    pub fn read(headers: &HeaderMap) -> Result<Self, Problem> {
        let mut shown = Self::default();
        let mut cookies = cookie::values(headers, cookie::SESSION);
        if let Some(secret) = cookies.next() {
            if cookies.next().is_some() {
                return Err(Code::AmbiguousCredentials.into());
            }
            shown.secret = Some(Zeroizing::new(secret.to_owned()));
            shown.secret_from_cookie = true;
        }
        for (client, token) in cookie::refresh_values(headers) {
            if let Some(client) = ClientId::parse(client) {
                shown.jar.push((client, token.to_owned()));
            }
        }
        let mut authorizations = headers.get_all(header::AUTHORIZATION).iter();
        if let Some(value) = authorizations.next() {
            if authorizations.next().is_some() {
                return Err(Code::AmbiguousCredentials.into());
            }
            shown.authorization(value.to_str().map_err(|_| Code::InvalidCredentials)?)?;
        }
        Ok(shown)
    }

    fn authorization(&mut self, value: &str) -> Result<(), Problem> {
        let (scheme, rest) = value.split_once(' ').ok_or(Code::InvalidCredentials)?;
        let rest = rest.trim_matches(' ');
        if scheme.eq_ignore_ascii_case("Bearer") {
            if !rest.starts_with(SecretKind::Session.prefix()) {
                self.access = Some(rest.to_owned());
            } else if self.secret.as_ref().is_some_and(|cookie| cookie.as_str() != rest) {
                return Err(Code::AmbiguousCredentials.into());
            } else {
                self.secret_from_cookie = false;
                self.secret = Some(Zeroizing::new(rest.to_owned()));
            }
            return Ok(());
        }
        if scheme.eq_ignore_ascii_case("Basic") {
            self.basic = Some(basic(rest).ok_or(Code::InvalidCredentials)?);
            return Ok(());
        }
        Err(Code::InvalidCredentials.into())
    }

    /// The hash of the session secret; an unreadable one is one that nobody knows.
    pub fn credentials(&self) -> Credentials {
        let unreadable = SecretHash([0; 32]);
        let hash =
            |text: &Zeroizing<String>| SecretKind::Session.parse(text).as_ref().map_or(unreadable, Secret::hash);
        Credentials { secret: self.secret.as_ref().map(hash), access: self.access.clone() }
    }

    /// Who asks, given the name in the body.
    pub fn application(&self, named: Option<ClientId>) -> Application {
        Application { named, basic: self.basic.clone() }
    }

    /// Does the browser add any of this by itself? Then other sites can make it.
    pub fn is_ambient(&self) -> bool {
        self.secret_from_cookie || !self.jar.is_empty()
    }
}

/// Client id and secret of HTTP Basic. Ours need no percent-encoding (RFC 6749 section 2.3.1).
fn basic(text: &str) -> Option<(ClientId, SecretHash)> {
    let plain = Zeroizing::new(base64_standard(text)?);
    let (id, secret) = std::str::from_utf8(&plain).ok()?.split_once(':')?;
    Some((ClientId::parse(id)?, SecretKind::Client.parse(secret)?.hash()))
}

fn base64_standard(text: &str) -> Option<Vec<u8>> {
    let url_safe: String = text.trim_end_matches('=').replace('+', "-").replace('/', "_");
    doorward_core::base64url::decode(&url_safe)
}

impl<S: Sync> FromRequestParts<S> for Shown {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Self::read(&parts.headers)
    }
}

/// A caller whose credential is good.
#[derive(Debug)]
pub struct Authenticated {
    /// Who.
    pub caller: Caller,
    /// What they showed.
    pub shown: Shown,
}

impl FromRequestParts<Door> for Authenticated {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, door: &Door) -> Result<Self, Problem> {
        let shown = Shown::read(&parts.headers)?;
        same_site(door, &parts.method, &parts.headers, shown.is_ambient())?;
        let caller = check::check(door, &shown.credentials()).await?;
        Ok(Self { caller, shown })
    }
}

/// Where the request came from.
impl<S: Sync> FromRequestParts<S> for Origin
where
    Door: FromRef<S>,
{
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        let door = Door::from_ref(state);
        let trusted = &door.settings().trusted_proxies;
        let peer = parts.extensions.get::<Peer>();
        Ok(Self {
            address: peer.map(|peer| address::of_caller(peer.0.ip(), &parts.headers, trusted)),
            request: parts.extensions.get::<RequestId>().map(|id| id.0.clone()),
            agent: Agent::of(&parts.headers),
        })
    }
}

/// Refuses what another site's page made the browser send (Fetch Metadata, then Origin).
///
/// # Errors
/// [`Code::CrossSite`].
pub fn same_site(door: &Door, method: &Method, headers: &HeaderMap, ambient: bool) -> Result<(), Problem> {
    let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or("invalid"));
    let origin = text(header::ORIGIN);
    if origin.is_some_and(|origin| is_ours(door, headers, origin)) {
        return Ok(());
    }
    let site = text(SITE);
    if method.is_safe() {
        // A person may follow a link here from anywhere. A page of another site may not show or load what is ours.
        let opens = text(MODE) == Some("navigate") && matches!(text(DEST), None | Some("document"));
        return match (site, origin) {
            (None | Some("same-origin" | "none"), None) => Ok(()),
            (Some("same-origin"), Some(_)) => Ok(()),
            _ if !ambient || opens => Ok(()),
            _ => Err(Code::CrossSite.into()),
        };
    }
    match (site, origin) {
        (Some("same-origin" | "none"), _) | (None, None) => Ok(()),
        // Without a cookie nothing is borrowed from the browser; who holds a bearer token may call from anywhere.
        (_, Some(_)) | (Some(_), None) if !ambient && headers.contains_key(header::AUTHORIZATION) => Ok(()),
        _ => Err(Code::CrossSite.into()),
    }
}

/// Fetch Metadata: where the page stands that asks, how it asks, and for what.
const SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");
const DEST: HeaderName = HeaderName::from_static("sec-fetch-dest");

/// Refuses a form that was not sent from one of our own pages: those of clients may call, and not fill in our forms.
///
/// Our pages send no referrer, and then `Origin` is `null` even between them: that says nothing, the form's token does.
///
/// # Errors
/// [`Code::CrossSite`].
pub fn same_origin(door: &Door, headers: &HeaderMap) -> Result<(), Problem> {
    let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or("invalid"));
    match (text(SITE), text(header::ORIGIN)) {
        (Some("same-origin" | "none"), _) | (None, None | Some("null")) => Ok(()),
        (None, Some(origin)) if is_own(door, headers, origin) => Ok(()),
        _ => Err(Code::CrossSite.into()),
    }
}

/// Is this an origin of our own, or of one of the clients?
fn is_ours(door: &Door, headers: &HeaderMap, origin: &str) -> bool {
    is_own(door, headers, origin) || cors::is_listed(door, origin)
}

/// Is this the issuer's own origin? On loopback, where one machine has several names, the very host that was called
/// counts too; elsewhere `Host` is the caller's word, and says nothing.
fn is_own(door: &Door, headers: &HeaderMap, origin: &str) -> bool {
    let issuer = &door.settings().issuer;
    let (Some((scheme, authority)), Some((own, at))) = (origin.split_once("://"), issuer.split_once("://")) else {
        return false;
    };
    let host = headers.get(header::HOST).and_then(|value| value.to_str().ok());
    let nearby = scheme == own && host == Some(authority) && is_loopback(authority) && is_loopback(at);
    origin == issuer || nearby
}

/// The attempt key, from `Idempotency-Key` or the body.
///
/// # Errors
/// [`Code::AttemptMismatch`] if both are there and differ; [`Code::InvalidField`] if it is no attempt key.
pub fn attempt(headers: &HeaderMap, body: Option<&str>) -> Result<Option<Attempt>, Problem> {
    let name = http::HeaderName::from_static("idempotency-key");
    let invalid = || Problem::about(Code::InvalidField, "attempt");
    let header = match headers.get(&name) {
        Some(value) => Some(value.to_str().map_err(|_| invalid())?.trim_matches('"')),
        None => None,
    };
    let text = match (header, body) {
        (Some(one), Some(other)) if one != other => return Err(Code::AttemptMismatch.into()),
        (one, other) => one.or(other),
    };
    text.map(|text| Attempt::parse(text).ok_or_else(invalid)).transpose()
}

/// The one parameter of a path, as text.
#[derive(Debug)]
pub struct Segment(String);

impl<S: Send + Sync> FromRequestParts<S> for Segment {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        // What is not even text names nothing.
        let segment = Path::<String>::from_request_parts(parts, state).await.map_err(|_| Code::NotFound)?;
        Ok(Self(segment.0))
    }
}

impl Segment {
    /// Parses it by `read`.
    ///
    /// # Errors
    /// `otherwise` if it cannot be one.
    pub fn parse<T>(&self, read: impl Fn(&str) -> Option<T>, otherwise: Problem) -> Result<T, Problem> {
        read(&self.0).ok_or(otherwise)
    }
}

/// The query, as a `T`.
#[derive(Debug)]
pub struct Queried<T>(pub T);

impl<S: Sync, T: DeserializeOwned> FromRequestParts<S> for Queried<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let query = Query::<T>::try_from_uri(&parts.uri).map_err(|_| Problem::about(Code::InvalidField, "query"))?;
        Ok(Self(query.0))
    }
}
