//! Protects the routes of an axum service: one line a route, and the claims as an extractor.
//!
//! ```no_run
//! use axum::{Router, routing::get};
//! use doorward_verify::follow::{Access, Follower, Settings};
//! use doorward_verify::{Lifetime, layer::Guard};
//!
//! async fn hello(access: Access) -> String {
//!     format!("hello, {}\n", access.subject.unwrap_or_default())
//! }
//!
//! # fn build(follower: Follower) -> Router {
//! Router::new()
//!     .route("/hello", get(hello).layer(Guard::new(&follower)))
//!     .route("/transfer", get(hello).layer(Guard::new(&follower).strict().scope("pay")))
//!     .route("/password", get(hello).layer(Guard::new(&follower).recent(Lifetime::from_mins(5))))
//! # }
//! ```
//!
//! A handler that takes an [`Access`] on a route without a guard answers 401: forgetting the guard protects.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::Body;
use axum::extract::{FromRequestParts, Request};
use axum::http::request::Parts;
use axum::response::Response;
use tower::{Layer, Service};

use crate::follow::{Access, Follower, Refused};
use crate::{Cut, Freshness, Lifetime, Policy};

mod credential;
mod problem;

use credential::Credential;
pub use problem::{CODES, Denied, Row};

/// What a route asks for. Without more: an access token that is not revoked, as the follower's settings say.
#[derive(Clone, Debug)]
pub struct Guard(Arc<Asks>);

#[derive(Clone, Debug)]
struct Asks {
    follower: Follower,
    policy: Policy,
    /// Takes session cookies; from pages of these origins, and of the service's own.
    cookies: Option<Vec<String>>,
    scopes: Vec<String>,
    roles: Vec<String>,
    recent: Option<Lifetime>,
    acr: Vec<String>,
}

impl Guard {
    /// A guard for access tokens.
    pub fn new(follower: &Follower) -> Self {
        Self(Arc::new(Asks {
            policy: follower.policy(),
            follower: follower.clone(),
            cookies: None,
            scopes: Vec::new(),
            roles: Vec::new(),
            recent: None,
            acr: Vec::new(),
        }))
    }

    /// The index counts however old it is: for what may be shown a little longer.
    #[must_use]
    pub fn eventual(self) -> Self {
        self.change(|asks| asks.policy.freshness = Freshness::Eventual)
    }

    /// The index counts while its lease lasts.
    #[must_use]
    pub fn bounded(self) -> Self {
        self.change(|asks| asks.policy.freshness = Freshness::Bounded)
    }

    /// Each request waits for an echo: nothing that was revoked before it is missed.
    #[must_use]
    pub fn strict(self) -> Self {
        self.change(|asks| asks.policy.freshness = Freshness::Strict)
    }

    /// What happens while the index is not fresh enough.
    #[must_use]
    pub fn cut(self, cut: Cut) -> Self {
        self.change(|asks| asks.policy.cut = cut)
    }

    /// Takes opaque sessions too: the cookie of Doorward, or their secret as a bearer token. Requests that change
    /// something are taken with a cookie only from pages of the service's own origin.
    #[must_use]
    pub fn sessions(self) -> Self {
        self.change(|asks| asks.cookies = Some(asks.cookies.take().unwrap_or_default()))
    }

    /// The same, and from pages of this origin too, as `https://app.example`.
    #[must_use]
    pub fn sessions_from(self, origin: &str) -> Self {
        self.change(|asks| asks.cookies.get_or_insert_default().push(origin.to_owned()))
    }

    /// The token must allow this; sessions, which are the person, allow everything.
    #[must_use]
    pub fn scope(self, scope: &str) -> Self {
        self.change(|asks| asks.scopes.push(scope.to_owned()))
    }

    /// The person must have this role, whatever they show. What changes in a person's roles is seen within the bound of
    /// the route, as a revocation is.
    #[must_use]
    pub fn role(self, role: &str) -> Self {
        self.change(|asks| asks.roles.push(role.to_owned()))
    }

    /// The person must have proved who they are so lately; else the answer asks for that (RFC 9470).
    #[must_use]
    pub fn recent(self, most: Lifetime) -> Self {
        self.change(|asks| asks.recent = Some(most))
    }

    /// The person must have proved it as well as one of these; say it once for each.
    #[must_use]
    pub fn acr(self, acr: &str) -> Self {
        self.change(|asks| asks.acr.push(acr.to_owned()))
    }

    fn change(self, change: impl FnOnce(&mut Asks)) -> Self {
        let mut asks = Arc::unwrap_or_clone(self.0);
        change(&mut asks);
        Self(Arc::new(asks))
    }
}

impl Asks {
    /// Lets a request in, or says no.
    async fn admit(&self, parts: &Parts) -> Result<Access, Denied> {
        let access = match credential::of(&parts.headers)? {
            Credential::Token(token) => self.follower.verify_with(&token, self.policy).await?,
            Credential::Session { .. } if self.cookies.is_none() => return Err(Denied::NoCredentials),
            Credential::Session { secret, is_cookie } => {
                let origins = self.cookies.as_deref().unwrap_or_default();
                if is_cookie && !credential::is_same_site(parts, origins) {
                    return Err(Denied::CrossSite);
                }
                self.follower.session_with(&secret, self.policy).await?
            }
        };
        self.check(&access)?;
        Ok(access)
    }

    fn check(&self, access: &Access) -> Result<(), Denied> {
        let is_token = access.token_id.is_some();
        if is_token && !self.scopes.iter().all(|scope| access.has_scope(scope)) {
            return Err(Denied::InsufficientScope(self.scopes.join(" ")));
        }
        if !self.roles.iter().all(|role| access.has_role(role)) {
            return Err(Denied::Forbidden);
        }
        let now = self.follower.now();
        let is_recent = |most: Lifetime| access.auth_time.is_some_and(|at| now - at <= most);
        let is_known = access.acr.as_ref().is_some_and(|acr| self.acr.contains(acr));
        if self.recent.is_some_and(|most| !is_recent(most)) || (!self.acr.is_empty() && !is_known) {
            return Err(Denied::StepUp { recent: self.recent, acr: self.acr.join(" ") });
        }
        Ok(())
    }
}

impl<S> Layer<S> for Guard {
    type Service = Guarded<S>;

    fn layer(&self, inner: S) -> Guarded<S> {
        Guarded { asks: Arc::clone(&self.0), inner }
    }
}

/// A service behind a [`Guard`].
#[derive(Clone, Debug)]
pub struct Guarded<S> {
    asks: Arc<Asks>,
    inner: S,
}

impl<S> Service<Request> for Guarded<S>
where
    S: Service<Request, Response = Response, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        // The one that was made ready goes along, and a fresh one stays.
        let fresh = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, fresh);
        let asks = Arc::clone(&self.asks);
        Box::pin(async move {
            let (mut parts, body): (Parts, Body) = request.into_parts();
            match asks.admit(&parts).await {
                Ok(access) => {
                    parts.extensions.insert(access);
                    inner.call(Request::from_parts(parts, body)).await
                }
                Err(denied) => Ok(denied.respond()),
            }
        })
    }
}

impl<S: Sync> FromRequestParts<S> for Access {
    type Rejection = Denied;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Denied> {
        // Without a guard there is none, and nobody comes in.
        parts.extensions.get::<Self>().cloned().ok_or(Denied::NoCredentials)
    }
}

impl From<Refused> for Denied {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused)
    }
}
