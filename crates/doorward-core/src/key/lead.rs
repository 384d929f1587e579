//! Whether a new key may sign before its lead is over.
//!
//! The lead is for key sets that somebody keeps: the libraries of strangers, proxies on the way. Where everybody who checks
//! the tokens of an audience follows the feed, the server knows what they hold, because they say so in their pings. Such
//! an audience is declared `feed_only`; a library that fetches key sets by itself has no business there.

use doorward_verify::Timestamp;

use super::{KeyRecord, LEAD, Purpose, Stage};
use crate::client::{Client, Strategy};

/// Is there a standby that nothing but its lead keeps from signing?
pub fn is_waiting(keys: &[KeyRecord], purpose: Purpose, now: Timestamp) -> bool {
    let of = |stage| move |key: &&KeyRecord| key.purpose == purpose && key.stage == stage;
    let is_young = |key: &KeyRecord| now - key.since < LEAD;
    keys.iter().find(of(Stage::Active)).is_some() && keys.iter().find(of(Stage::Published)).is_some_and(is_young)
}

/// Is every audience of the tokens that keys of a purpose sign declared `feed_only`? Not if there is none. Who holds opaque
/// sessions alone has no tokens.
pub fn all_follow<'c>(
    clients: impl IntoIterator<Item = &'c Client>,
    purpose: Purpose,
    issuer: &str,
    feed_only: &[String],
) -> bool {
    let signs =
        |client: &&Client| client.strategy != Strategy::Session && purpose.algorithm() == Some(client.algorithm);
    let mut some = false;
    clients.into_iter().filter(signs).all(|client| {
        some = true;
        client.audiences_or(issuer).all(|audience| feed_only.iter().any(|declared| declared == audience))
    }) && some
}

#[cfg(test)]
mod tests {
    use doorward_verify::{Algorithm, Lifetime};

    use super::*;
    use crate::id::{ClientId, KeyId};

    const NOON: Timestamp = Timestamp::from_secs(1_790_000_000);
    const ISSUER: &str = "https://id.example";

    fn client(strategy: Strategy, algorithm: Algorithm, audiences: &[&str]) -> Client {
        let id = ClientId::parse("shop").expect("a name");
        let audiences = audiences.iter().map(|audience| (*audience).to_owned()).collect();
        Client { algorithm, audiences, ..Client::first_party(id, strategy, NOON) }
    }

    #[test]
    fn the_lead_is_kept_if_a_single_audience_may_be_checked_by_somebody_who_does_not_follow() {
        use Strategy::{Hybrid, Jwt, Session};
        let (es, ed) = (Algorithm::Es256, Algorithm::EdDsa);
        let (a, b) = ("https://a.example", "https://b.example");
        let follow = |clients: &[Client], feed_only: &[&str]| {
            let declared: Vec<_> = feed_only.iter().map(|audience| (*audience).to_owned()).collect();
            all_follow(clients, Purpose::SignEs256, ISSUER, &declared)
        };
        assert!(follow(&[client(Jwt, es, &[a])], &[a]));
        assert!(follow(&[client(Jwt, es, &[a, b]), client(Hybrid, es, &[b])], &[b, a, "https://c.example"]));
        assert!(!follow(&[client(Jwt, es, &[a, b])], &[a]), "one of two");
        assert!(!follow(&[client(Jwt, es, &[a]), client(Hybrid, es, &[b])], &[a]), "of another application");
        assert!(!follow(&[client(Jwt, es, &[])], &[a]), "no audience is the issuer");
        assert!(follow(&[client(Jwt, es, &[])], &[ISSUER]));
        assert!(follow(&[client(Jwt, es, &[a]), client(Jwt, ed, &[b])], &[a]), "of another algorithm");
        assert!(follow(&[client(Jwt, es, &[a]), client(Session, es, &[])], &[a]), "opaque sessions have no tokens");
        assert!(!follow(&[client(Session, es, &[a])], &[a]) && !follow(&[], &[a]), "no tokens, no reason");
        assert!(!follow(&[client(Jwt, es, &[a])], &[]));
        let all = [client(Jwt, es, &[a])];
        assert!(!all_follow(&all, Purpose::Refresh, ISSUER, &[a.to_owned()]), "it signs nothing");
    }

    #[test]
    fn only_a_standby_that_is_younger_than_its_lead_waits() {
        let key = |purpose, stage, secs| KeyRecord {
            id: KeyId::from_bytes([1; 16]),
            purpose,
            number: 1,
            stage,
            sealed: Vec::new(),
            created_at: NOON,
            since: NOON + Lifetime::from_secs(secs),
            version: 1,
        };
        let active = key(Purpose::SignEs256, Stage::Active, -9_999);
        let waits = |keys: &[KeyRecord], now| is_waiting(keys, Purpose::SignEs256, now);
        for (since, expect) in [(0, true), (-599, true), (-600, false)] {
            assert_eq!(
                waits(&[active.clone(), key(Purpose::SignEs256, Stage::Published, since)], NOON),
                expect,
                "{since}"
            );
        }
        assert!(!waits(core::slice::from_ref(&active), NOON), "there is none");
        assert!(!waits(&[active, key(Purpose::SignEdDsa, Stage::Published, 0)], NOON), "of another algorithm");
        assert!(!waits(&[key(Purpose::SignEs256, Stage::Published, 0)], NOON), "nothing is in use");
    }
}
