//! A client in words: as a seed file, the command line and the admin API write it.

use doorward_core::client::{AttemptKey, Client, ClientKind, LIST_MOST, Strategy, Transport};
use doorward_core::id::ClientId;
use doorward_core::policy::Profile;
use doorward_core::{Algorithm, Lifetime, Timestamp};
use serde::{Deserialize, Serialize};

use crate::flows::clients::Edit;

/// What is said of a client; what is `None` stays as it is, or as is usual.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClientWords {
    /// Its id; only of a new one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// `public` or `confidential`; only of a new one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// May it take passwords? Only of a new one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_party: Option<bool>,
    /// `session`, `jwt` or `hybrid`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub strategy: Option<String>,
    /// `cookie`, `body`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transports: Option<Vec<String>>,
    /// Exact origins of its pages.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origins: Option<Vec<String>>,
    /// Who its access tokens are for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audiences: Option<Vec<String>>,
    /// Scopes its tokens may carry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scopes: Option<Vec<String>>,
    /// `ES256`, `EdDSA`, `RS256`, `PS256` or `HS256`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub algorithm: Option<String>,
    /// How many minutes an access token lives.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_minutes: Option<i64>,
    /// `relaxed`, `standard` or `strict`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// `required` or `optional`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempt_key: Option<String>,
    /// Whether it is switched off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disabled: Option<bool>,
}

/// A word that means nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// Its key.
    pub key: &'static str,
    /// What would mean something.
    pub why: &'static str,
}

impl ClientWords {
    /// The keys of what is said.
    pub const KEYS: [&'static str; 12] = [
        "id",
        "kind",
        "first_party",
        "strategy",
        "transports",
        "origins",
        "audiences",
        "scopes",
        "algorithm",
        "access_minutes",
        "profile",
        "attempt_key",
    ];

    /// Reads what is said of a new client.
    ///
    /// # Errors
    /// All words that mean nothing.
    pub fn read_new(self) -> Result<NewClient, Vec<Wrong>> {
        let mut wrong = Vec::new();
        let id = self.id.as_deref().and_then(ClientId::parse);
        let kind = self.kind.as_deref().map_or(Some(ClientKind::Public), ClientKind::from_name);
        if id.is_none() {
            wrong.push(Wrong { key: "id", why: "is needed: 3 to 64 of a-z, 0-9 and -" });
        }
        if kind.is_none() {
            wrong.push(Wrong { key: "kind", why: "is public or confidential" });
        }
        let first_party = self.first_party.unwrap_or(true);
        let edit = self.read_words(&mut wrong);
        match (id, kind) {
            (Some(id), Some(kind)) if wrong.is_empty() => Ok(NewClient { id, kind, first_party, edit }),
            _ => Err(wrong),
        }
    }

    /// Reads what shall be different about a client.
    ///
    /// # Errors
    /// All words that mean nothing, or that only a new client can be given.
    pub fn read_edit(self) -> Result<Edit, Vec<Wrong>> {
        let mut wrong = Vec::new();
        let fixed =
            [("id", self.id.is_some()), ("kind", self.kind.is_some()), ("first_party", self.first_party.is_some())];
        for (key, _) in fixed.into_iter().filter(|(_, said)| *said) {
            wrong.push(Wrong { key, why: "is for life" });
        }
        let edit = self.read_words(&mut wrong);
        if wrong.is_empty() { Ok(edit) } else { Err(wrong) }
    }

    fn read_words(self, wrong: &mut Vec<Wrong>) -> Edit {
        let mut note = |key, why| wrong.push(Wrong { key, why });
        Edit {
            strategy: word(self.strategy, Strategy::from_name, || note("strategy", "is session, jwt or hybrid")),
            transports: self.transports.and_then(|words| {
                let read: Option<Vec<_>> = words.iter().map(|word| Transport::from_name(word)).collect();
                if read.is_none() {
                    note("transports", "are cookie and body");
                }
                read
            }),
            origins: self.origins,
            audiences: self
                .audiences
                .filter(|words| fits(words, || note("audiences", "are at most 8 texts without spaces"))),
            scopes: self.scopes.filter(|words| fits(words, || note("scopes", "are at most 8 words without spaces"))),
            access: self.access_minutes.map(|minutes| Lifetime::from_secs(minutes.saturating_mul(60))),
            profile: word(self.profile, Profile::from_name, || note("profile", "is relaxed, standard or strict")),
            attempt_key: word(self.attempt_key, AttemptKey::from_name, || {
                note("attempt_key", "is required or optional");
            }),
            algorithm: word(self.algorithm, Algorithm::from_name, || {
                note("algorithm", "is ES256, EdDSA, RS256, PS256 or HS256");
            }),
            disabled: self.disabled,
        }
    }
}

fn word<T>(said: Option<String>, read: impl Fn(&str) -> Option<T>, wrong: impl FnOnce()) -> Option<T> {
    let said = said?;
    let read = read(&said);
    if read.is_none() {
        wrong();
    }
    read
}

fn fits(words: &[String], wrong: impl FnOnce()) -> bool {
    let plain = |word: &String| !word.is_empty() && word.chars().all(|c| c.is_ascii_graphic());
    let fits = words.len() <= LIST_MOST && words.iter().all(plain);
    if !fits {
        wrong();
    }
    fits
}

/// A client to be.
#[derive(Debug)]
pub struct NewClient {
    /// Its id.
    pub id: ClientId,
    /// Public or confidential.
    pub kind: ClientKind,
    /// May it take passwords?
    pub first_party: bool,
    /// What else was said of it.
    pub edit: Edit,
}

impl NewClient {
    /// The client, without secrets. Its transports follow from its strategy unless they were said.
    pub fn client(&self, profile: Profile, now: Timestamp) -> Client {
        let strategy = self.edit.strategy.unwrap_or(Strategy::Session);
        let mut usual = Client::first_party(self.id.clone(), strategy, now);
        usual.kind = self.kind;
        usual.first_party = self.first_party;
        usual.lifetimes = profile.lifetimes();
        self.edit.apply_to(&usual, now)
    }
}
