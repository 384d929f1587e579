//! Checks of what was asked of `doorward advise`: does what runs still keep it?

use doorward_core::Lifetime;
use doorward_core::advice::{ACCESS_UNTOLD, Answers, Topic, advise};
use doorward_core::client::{Client, Strategy};
use doorward_core::policy::Profile;

use super::{Finding, table};
use crate::config::Settled;

/// The longest time after which what was ended is refused everywhere, where that has to be at once.
const BOUND: Lifetime = Lifetime::from_secs(3);

/// Looks at the configuration.
pub fn settings(settled: &Settled) -> Vec<Finding> {
    let asked = settled.asked;
    let mut found = Vec::new();
    let bound = settled.feed.terms();
    if at_once(&asked) && bound > BOUND {
        let place = format!("feed.lease_most_ms and feed.grace_most_ms: {} ms", bound.millis());
        found.push(Finding::new(&table::ASKED_BOUND, place));
    }
    if asked.says(Topic::Compliance) && settled.profile != Profile::Strict {
        found.push(Finding::new(&table::ASKED_PROFILE, "session.profile"));
    }
    found
}

/// Looks at the clients that are switched on. `followed` are the audiences for which a service follows the feed.
pub fn clients(asked: &Answers, clients: &[Client], followed: &[&str], issuer: &str) -> Vec<Finding> {
    let just_sessions = *asked != Answers::default() && advise(asked).strategy() == Strategy::Session;
    let strict = Profile::Strict.lifetimes();
    let mut found = Vec::new();
    for client in clients.iter().filter(|client| client.disabled_at.is_none()) {
        let mut note = |is_so: bool, check, about: &str| {
            if is_so {
                found.push(Finding::new(check, format!("client {}{about}", client.id)));
            }
        };
        let holds_tokens = client.strategy != Strategy::Session;
        let own = [issuer.to_owned()];
        let audiences = if client.audiences.is_empty() { &own[..] } else { &client.audiences };
        for audience in audiences.iter().filter(|audience| !followed.contains(&audience.as_str())) {
            note(at_once(asked) && holds_tokens, &table::ASKED_AT_ONCE, &format!(": {audience}"));
        }
        let life = client.lifetimes;
        let lasts = life.idle > strict.idle || life.absolute.max(life.absolute_native) > strict.absolute;
        note(asked.says(Topic::Compliance) && lasts, &table::ASKED_STRICT, "");
        let untold = asked.says(Topic::Edge) && at_once(asked) && life.access > ACCESS_UNTOLD;
        note(untold && holds_tokens, &table::ASKED_UNTOLD, "");
        note(just_sessions && holds_tokens, &table::ASKED_SESSIONS, "");
    }
    found
}

const fn at_once(asked: &Answers) -> bool {
    asked.says(Topic::Revocation) || asked.says(Topic::Compliance)
}

#[cfg(test)]
mod tests {
    use doorward_core::Timestamp;
    use doorward_core::id::ClientId;

    use super::*;

    const ISSUER: &str = "https://id.example.com";
    const ORDERS: &str = "https://orders.example.com";

    fn client(strategy: Strategy, profile: Profile) -> Client {
        let id = ClientId::parse("app").expect("an id");
        Client { lifetimes: profile.lifetimes(), ..Client::first_party(id, strategy, Timestamp::from_secs(0)) }
    }

    fn found(asked: &[Topic], client: Client, followed: &[&str]) -> Vec<&'static str> {
        let found = clients(&Answers::yes_to(asked), &[client], followed, ISSUER);
        found.iter().map(|finding| finding.check.id).collect()
    }

    #[test]
    fn who_must_revoke_at_once_is_warned_of_tokens_that_nobody_is_told_of() {
        use Topic::{Compliance, Mobile, Revocation, Services};
        for strategy in [Strategy::Jwt, Strategy::Hybrid] {
            let token = || client(strategy, Profile::Strict);
            assert_eq!(found(&[Revocation, Services], token(), &[]), ["DW503"], "{}", strategy.name());
            assert_eq!(found(&[Compliance, Services], token(), &[]), ["DW503"]);
            assert_eq!(found(&[Revocation, Services], token(), &[ISSUER]), Vec::<&str>::new(), "it is told");
            assert_eq!(found(&[Services, Mobile], token(), &[]), Vec::<&str>::new(), "nobody asked for that");
            let mut elsewhere = token();
            elsewhere.audiences = vec![ORDERS.to_owned(), ISSUER.to_owned()];
            assert_eq!(found(&[Revocation, Services], elsewhere.clone(), &[ISSUER]), ["DW503"], "one is not told");
            assert_eq!(found(&[Revocation, Services], elsewhere, &[ISSUER, ORDERS]), Vec::<&str>::new());
            let mut off = token();
            off.disabled_at = Some(Timestamp::from_secs(1));
            assert_eq!(found(&[Revocation, Services], off, &[]), Vec::<&str>::new());
        }
        let session = client(Strategy::Session, Profile::Strict);
        assert_eq!(found(&[Revocation, Services], session, &[]), Vec::<&str>::new());
    }

    #[test]
    fn lifetimes_and_strategies_are_held_to_what_was_asked() {
        use Topic::{Compliance, Edge, Monolith, Revocation};
        for profile in [Profile::Relaxed, Profile::Standard] {
            assert_eq!(found(&[Compliance], client(Strategy::Session, profile), &[]), ["DW504"]);
            assert_eq!(found(&[Revocation], client(Strategy::Session, profile), &[]), Vec::<&str>::new());
        }
        let jwt = client(Strategy::Jwt, Profile::Relaxed);
        assert_eq!(found(&[Edge, Revocation], jwt.clone(), &[ISSUER]), ["DW505"]);
        assert_eq!(found(&[Edge], jwt.clone(), &[]), Vec::<&str>::new());
        let mut short = jwt.clone();
        short.lifetimes.access = ACCESS_UNTOLD;
        assert_eq!(found(&[Edge, Revocation], short, &[ISSUER]), Vec::<&str>::new());
        assert_eq!(found(&[Monolith], jwt.clone(), &[]), ["DW506"]);
        assert_eq!(found(&[], jwt, &[]), Vec::<&str>::new(), "nothing was asked for");
    }
}
