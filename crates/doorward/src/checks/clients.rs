//! Checks of the clients.

use doorward_core::client::{AttemptKey, Client, Strategy, Transport, Warning};
use doorward_core::policy::{ACCESS_DEFAULT, ACCESS_LONGEST};

use super::Finding;
use super::table::{self, Check};
use crate::config::settled::is_loopback;

/// Looks at every client that is switched on.
pub fn look(clients: &[Client], issuer: &str) -> Vec<Finding> {
    let on = clients.iter().filter(|client| client.disabled_at.is_none());
    on.flat_map(|client| look_at(client, clients, issuer)).collect()
}

fn look_at(client: &Client, all: &[Client], issuer: &str) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut note = |is_so: bool, check: &'static Check, about: &str| {
        if is_so {
            let about = if about.is_empty() { String::new() } else { format!(": {about}") };
            found.push(Finding::new(check, format!("client {}{about}", client.id)));
        }
    };
    note(["demo-session", "demo-jwt", "demo-hybrid"].contains(&client.id.as_str()), &table::DEMO_CLIENTS, "");
    // Who lists origins is called by pages, and what a page gets in the body its scripts must keep.
    let in_scripts = !client.origins.is_empty() && client.allows(Transport::Body);
    let is_long_lived = client.strategy != Strategy::Jwt;
    note(in_scripts && is_long_lived, &table::SECRETS_IN_SCRIPTS, "");
    note(in_scripts && !is_long_lived, &table::TOKENS_IN_SCRIPTS, "");
    let access = client.lifetimes.access;
    note(access > ACCESS_LONGEST, &table::ACCESS_TOO_LONG, "");
    let alone = client.strategy == Strategy::Jwt;
    note(alone && access > ACCESS_DEFAULT && access <= ACCESS_LONGEST, &table::ACCESS_LONG_ALONE, "");
    for word in client.scopes.iter().chain(&client.audiences) {
        note(tells_too_much(word), &table::CLAIMS_TELL, word);
    }
    for origin in &client.origins {
        note(origin.contains('*'), &table::ORIGIN_WILD, origin);
        let plain = origin.strip_prefix("http://").is_some_and(|authority| !is_loopback(authority));
        note(plain, &table::ORIGIN_HTTP, origin);
    }
    let warnings = Warning::of(client, all, issuer);
    let by_several = warnings.contains(&Warning::SecondVerifier);
    note(by_several, &table::SHARED_BY_SEVERAL, "");
    note(!by_several && warnings.contains(&Warning::SharedSecret), &table::SHARED_SECRET, "");
    let lenient = client.attempt_key == AttemptKey::Optional && client.strategy == Strategy::Hybrid;
    note(lenient, &table::ATTEMPTS_OPTIONAL, "");
    note(client.secrets.len() > 1, &table::TWO_SECRETS, "");
    found
}

/// Words that speak of people or of secrets.
pub(super) const TELLING: [&str; 14] = [
    "password",
    "passwd",
    "secret",
    "apikey",
    "api_key",
    "private_key",
    "ssn",
    "passport",
    "iban",
    "birth",
    "diagnos",
    "salary",
    "credit_card",
    "phone_number",
];
/// What secrets begin with that scanners look for.
pub(super) const BEGINNINGS: [&str; 8] = ["dws_", "dwr_", "dwc_", "dwv_", "sk_live", "ghp_", "akia", "eyj"];
/// So many digits in a row are a number of somebody: a telephone, a card, an account.
pub(super) const DIGITS: usize = 9;

/// Does a word of a token tell what is nobody's business?
pub(super) fn tells_too_much(word: &str) -> bool {
    has_long_number(word) || tells_beside_numbers(word)
}

/// Has it a number that may be somebody's? The digits of a UUID are nobody's.
fn has_long_number(word: &str) -> bool {
    let digits = word.split(|c: char| !c.is_ascii_digit()).map(str::len).max().unwrap_or_default();
    digits >= DIGITS && !is_uuid(word)
}

/// Is it a UUID as text (RFC 9562 section 4)?
fn is_uuid(word: &str) -> bool {
    let is_hex = |group: &str| group.bytes().all(|byte| byte.is_ascii_hexdigit());
    word.split('-').map(str::len).eq([8, 4, 4, 4, 12]) && word.split('-').all(is_hex)
}

/// The same for names that are given to things and people, which are numbers as often as not.
pub(super) fn tells_beside_numbers(word: &str) -> bool {
    let word = word.to_ascii_lowercase();
    // An audience may be an address of the web, which has `@` and `?` for what does not belong there either.
    let is_personal = word.contains('@') || word.contains("://") && word.contains('?');
    is_personal
        || TELLING.iter().any(|telling| word.contains(telling))
        || BEGINNINGS.iter().any(|beginning| word.starts_with(beginning))
}

#[cfg(test)]
mod tests {
    use doorward_core::id::ClientId;
    use doorward_core::secret::SecretHash;
    use doorward_core::{Algorithm, Lifetime, Timestamp};

    use super::*;

    const ISSUER: &str = "https://id.example.com";

    fn client(strategy: Strategy) -> Client {
        Client::first_party(ClientId::parse("app").expect("an id"), strategy, Timestamp::from_secs(0))
    }

    fn found(client: Client) -> Vec<&'static str> {
        look(&[client], ISSUER).iter().map(|finding| finding.check.id).collect()
    }

    #[test]
    fn a_client_with_defaults_has_nothing_to_be_found() {
        for strategy in Strategy::ALL {
            assert_eq!(found(client(strategy)), Vec::<&str>::new(), "{}", strategy.name());
        }
    }

    /// Changes a client, and expects a check to find it.
    fn check(strategy: Strategy, id: &'static str, change: impl Fn(&mut Client)) {
        let mut changed = client(strategy);
        change(&mut changed);
        assert_eq!(found(changed.clone()), [id]);
        changed.disabled_at = Some(Timestamp::from_secs(1));
        assert_eq!(found(changed), Vec::<&str>::new(), "{id}: one that is switched off harms nobody");
    }

    #[test]
    fn each_weakness_is_found_by_itself() {
        let page = |client: &mut Client| client.origins = vec![String::from("https://app.example.com")];
        for strategy in [Strategy::Session, Strategy::Hybrid] {
            check(strategy, "DW401", |client| {
                page(client);
                client.transports = Transport::ALL.to_vec();
            });
        }
        check(Strategy::Jwt, "DW402", page);
        check(Strategy::Session, "DW403", |client| client.lifetimes.access = Lifetime::from_millis(3_600_001));
        check(Strategy::Jwt, "DW404", |client| client.lifetimes.access = Lifetime::from_mins(60));
        check(Strategy::Session, "DW406", |client| client.origins = vec![String::from("https://*.example.com")]);
        check(Strategy::Session, "DW407", |client| client.origins = vec![String::from("http://app.example.com")]);
        check(Strategy::Jwt, "DW408", |client| {
            client.algorithm = Algorithm::Hs256;
            client.audiences = vec![String::from("https://api.example.com")];
        });
        check(Strategy::Jwt, "DW409", |client| {
            client.algorithm = Algorithm::Hs256;
            client.audiences = vec![String::from("https://one.example.com"), String::from("https://two.example.com")];
        });
        check(Strategy::Hybrid, "DW410", |client| client.attempt_key = AttemptKey::Optional);
        check(Strategy::Session, "DW411", |client| client.secrets = vec![SecretHash([0; 32]); 2]);
        check(Strategy::Session, "DW303", |client| client.id = ClientId::parse("demo-hybrid").expect("an id"));
    }

    #[test]
    fn an_application_of_ones_own_machine_may_be_plain_http() {
        let mut local = client(Strategy::Session);
        local.origins = vec![String::from("http://localhost:3000"), String::from("http://[::1]:1")];
        assert_eq!(found(local), Vec::<&str>::new());
    }

    #[test]
    fn words_in_tokens_that_tell_too_much_are_found() {
        for word in [
            "ada@example.org",
            "https://user:pw@api.example.com",
            "https://api.example.com/?key=1",
            "patient:diagnosis:f32",
            "ssn",
            "user_password",
            "tel:+4930123456789",
            "4111111111111111",
            "dws_abc",
            "sk_live_abc",
        ] {
            check(Strategy::Session, "DW405", |client| client.scopes = vec![word.to_owned()]);
            check(Strategy::Session, "DW405", |client| client.audiences = vec![word.to_owned()]);
        }
        for word in
            ["orders:read", "profile", "https://api.example.com", "urn:example:2026", "order-12345678", "openid"]
        {
            let mut plain = client(Strategy::Session);
            plain.scopes = vec![word.to_owned()];
            assert_eq!(found(plain), Vec::<&str>::new(), "{word}");
        }
    }
}
