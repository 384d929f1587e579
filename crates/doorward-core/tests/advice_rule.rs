//! The rule behind `doorward advise`, on all combinations of the six questions, and what else was asked for of it.

use doorward_core::advice::{Advice, Answer, Answers, Caution, Ground, Topic, advise};
use doorward_core::client::{Strategy, Transport};
use doorward_core::policy::Profile;

use Topic::{
    ApiFirst, Complexity, Compliance, Control, CrossDomain, Edge, Framework, ManyServers, Mobile, Monolith,
    OneDomain, OutsideDevelopers, Revocation, ServerRendered, Services, SessionData, ShortLived, SinglePage,
    SmallRequests, SmallTeam, StaySignedIn,
};

fn to(topics: &[Topic]) -> Advice {
    advise(&Answers::yes_to(topics))
}

#[track_caller]
fn check(topics: &[Topic], expect: Strategy) {
    let advice = to(topics);
    assert_eq!(advice.strategy(), expect, "{topics:?}: {:?}", advice.ground);
}

/// Every combination of yes, no and unsure to the six questions.
fn six() -> impl Iterator<Item = Answers> {
    (0..3usize.pow(6)).map(|number| {
        (0..6).fold(Answers::default(), |answers, place| {
            answers.with(Topic::ALL[place], Answer::ALL[number / 3usize.pow(place as u32) % 3])
        })
    })
}

/// The same, each with every pair of further facts.
fn worlds() -> impl Iterator<Item = Answers> {
    let facts = &Topic::ALL[Topic::QUESTIONS..];
    six().flat_map(move |answers| {
        facts.iter().flat_map(move |one| {
            facts.iter().map(move |other| answers.with(*one, Answer::Yes).with(*other, Answer::Yes))
        })
    })
}

#[test]
fn each_of_the_six_questions_pulls_where_it_should() {
    for (topic, towards) in [
        (Services, Strategy::Jwt),
        (Revocation, Strategy::Session),
        (Edge, Strategy::Jwt),
        (Monolith, Strategy::Session),
        (Mobile, Strategy::Jwt),
        (Compliance, Strategy::Session),
    ] {
        assert_eq!(topic.pull(Answer::Yes).and_then(|pull| pull.towards), Some(towards), "{}", topic.key());
        assert_eq!(topic.pull(Answer::No).and_then(|pull| pull.towards), None, "{}", topic.key());
        assert_eq!(topic.pull(Answer::Unsure), None, "{}", topic.key());
    }
    check(&[Services], Strategy::Jwt);
    check(&[Edge], Strategy::Jwt);
    check(&[Revocation], Strategy::Session);
    check(&[Monolith], Strategy::Session);
    check(&[Compliance], Strategy::Session);
}

#[test]
fn a_mobile_app_gets_a_token_in_a_header_and_a_refresh_token_unless_nobody_stays() {
    let advice = to(&[Mobile]);
    assert_eq!((advice.strategy(), advice.ground), (Strategy::Hybrid, Ground::TokensThatLast));
    assert_eq!(advice.tokens, [Mobile]);
    assert_eq!((advice.clients[0].id, advice.clients[0].transport), ("mobile", Transport::Body));
    let passing = advise(&Answers::yes_to(&[Mobile]).with(StaySignedIn, Answer::No));
    assert_eq!((passing.strategy(), passing.ground), (Strategy::Jwt, Ground::Tokens));
    assert!(passing.cautions.contains(&Caution::RunsOut));
    check(&[Services, StaySignedIn], Strategy::Hybrid);
}

#[test]
fn contradictory_answers_give_the_hybrid_and_name_both_sides() {
    let advice = to(&[Services, Revocation, Compliance]);
    assert_eq!((advice.strategy(), advice.ground), (Strategy::Hybrid, Ground::BothWays));
    assert_eq!(advice.tokens, [Services]);
    assert_eq!(advice.sessions, [Revocation, Compliance]);
    assert!(advice.cautions.contains(&Caution::FollowTheFeed) && advice.has_verifiers);
    check(&[Revocation, Edge], Strategy::Hybrid);
    check(&[Mobile, ServerRendered], Strategy::Hybrid);
}

#[test]
fn a_simple_application_is_told_to_just_use_sessions() {
    for topics in [
        &[Monolith][..],
        &[ServerRendered, SmallTeam],
        &[Monolith, Revocation, SessionData, Framework, OneDomain, SmallRequests],
        &[Compliance, Revocation],
    ] {
        let advice = to(topics);
        assert_eq!((advice.strategy(), advice.ground), (Strategy::Session, Ground::JustSessions), "{topics:?}");
        assert_eq!(advice.ground.headline(), "Just use sessions.");
        assert!(advice.ground.sentence().contains("weeks on logging out"));
        assert_eq!(advice.clients.len(), 1);
        assert!(!advice.has_verifiers);
    }
    let nothing = advise(&Answers::default());
    assert_eq!((nothing.strategy(), nothing.ground), (Strategy::Session, Ground::NothingSaid));
    check(&[StaySignedIn, Complexity], Strategy::Session);
}

#[test]
fn the_lists_of_the_sources_pull_where_they_say() {
    let towards = |strategy, topics: &[Topic]| {
        for topic in topics {
            let pull = topic.pull(Answer::Yes).and_then(|pull| pull.towards);
            assert_eq!(pull, Some(strategy), "{}", topic.key());
        }
    };
    // S0-34, S1-20 to S1-23, S2-11 to S2-13.
    let sessions = [
        ServerRendered,
        SmallTeam,
        Revocation,
        SessionData,
        Framework,
        Monolith,
        OneDomain,
        SmallRequests,
        Compliance,
    ];
    towards(Strategy::Session, &sessions);
    // S0-35, S1-24 to S1-27, S2-14 to S2-16.
    let tokens =
        [Mobile, Services, SinglePage, ManyServers, OutsideDevelopers, ApiFirst, CrossDomain, ShortLived, Edge];
    towards(Strategy::Jwt, &tokens);
    // S0-36.
    towards(Strategy::Hybrid, &[Control, Complexity]);
    check(&[Control], Strategy::Hybrid);
    check(&[Control, Monolith], Strategy::Hybrid);
    check(&[Services, Complexity], Strategy::Hybrid);
    for topic in [ManyServers, OutsideDevelopers, ApiFirst, CrossDomain, ShortLived] {
        check(&[topic], Strategy::Jwt);
    }
    assert_eq!(sessions.len() + tokens.len() + 2 + 1, Topic::ALL.len(), "and whether people stay");
}

#[test]
fn a_single_page_application_gets_the_hybrid_and_a_cookie_where_that_reaches() {
    let advice = to(&[SinglePage]);
    assert_eq!(advice.strategy(), Strategy::Hybrid);
    let spa = advice.clients[0];
    assert_eq!((spa.id, spa.transport, spa.has_origin), ("spa", Transport::Cookie, true));
    let passing = advise(&Answers::yes_to(&[SinglePage]).with(StaySignedIn, Answer::No));
    assert_eq!(passing.strategy(), Strategy::Hybrid, "a page that is loaded again has lost its token");
    let advice = to(&[SinglePage, OneDomain, SmallTeam]);
    assert_eq!((advice.strategy(), advice.ground), (Strategy::Session, Ground::CookieReaches));
    check(&[SinglePage, OneDomain, Services], Strategy::Hybrid);
}

#[test]
fn each_kind_of_client_gets_what_suits_it() {
    let advice = to(&[Mobile, ServerRendered, SinglePage, Revocation]);
    let clients: Vec<_> = advice.clients.iter().map(|client| (client.id, client.strategy)).collect();
    let expected = [("web", Strategy::Session), ("spa", Strategy::Hybrid), ("mobile", Strategy::Hybrid)];
    assert_eq!(clients, expected);
    let clients = to(&[Services]).clients;
    assert_eq!((clients[0].id, clients[0].strategy, clients[0].transport), ("app", Strategy::Jwt, Transport::Body));
}

#[test]
fn strict_rules_shorten_sessions_and_sleeping_functions_shorten_tokens() {
    assert_eq!(to(&[Compliance]).profile, Profile::Strict);
    assert_eq!(to(&[Revocation, Services]).profile, Profile::Relaxed);
    for topic in [Compliance, Revocation] {
        let advice = to(&[Edge, topic]);
        assert_eq!(advice.access.secs(), 300, "{}", topic.key());
        assert!(advice.cautions.contains(&Caution::SleepersFollowNothing));
    }
    assert_eq!(to(&[Edge, Services]).access.secs(), 900);
}

#[test]
fn on_every_combination_the_recommendation_follows_from_what_is_named() {
    let mut seen = [0_u32; Ground::ALL.len()];
    for answers in six().chain(worlds()) {
        let advice = advise(&answers);
        let place = Ground::ALL.iter().position(|ground| *ground == advice.ground).expect("a ground");
        seen[place] += 1;
        let lists = [&advice.sessions, &advice.tokens, &advice.both];
        let named: Vec<Topic> = lists.into_iter().flatten().copied().collect();
        for (topic, answer, pull) in answers.pulls() {
            assert_ne!(answer, Answer::Unsure);
            assert_eq!(named.contains(&topic), pull.towards.is_some(), "{answers:?}: {}", topic.key());
            assert!(pull.why.ends_with('.'), "{}", topic.key());
        }
        let cookie_does = advice.ground == Ground::CookieReaches;
        let expected = match (advice.sessions.is_empty(), advice.tokens.is_empty() || cookie_does) {
            _ if answers.says(Control) => vec![Strategy::Hybrid],
            (_, true) => vec![Strategy::Session],
            (false, false) => vec![Strategy::Hybrid],
            (true, false) => vec![Strategy::Jwt, Strategy::Hybrid],
        };
        assert!(expected.contains(&advice.strategy()), "{answers:?}: {:?}", advice.ground);
        let strategies: Vec<Strategy> = advice.clients.iter().map(|client| client.strategy).collect();
        assert!(strategies.contains(&advice.strategy()), "{answers:?}: somebody gets what is recommended");
        let fits = |one: &Strategy| *one == advice.strategy() || *one == Strategy::Session;
        assert!(strategies.iter().all(fits), "{answers:?}: {strategies:?}");
        // Whoever answers one question more with yes to a token is never sent back to sessions by that.
        let more = advise(&answers.with(Services, Answer::Yes));
        assert_ne!(more.strategy(), Strategy::Session, "{answers:?}");
    }
    assert!(seen.iter().all(|count| *count > 0), "every ground is somebody's: {seen:?}");
}

#[test]
fn every_topic_has_one_name_and_its_words() {
    for (place, topic) in Topic::ALL.into_iter().enumerate() {
        assert_eq!(topic as usize, place, "an answer is found by its place");
        assert_eq!(Topic::from_key(topic.key()), Some(topic));
        assert!(Topic::ALL[..place].iter().all(|other| other.key() != topic.key()));
        assert!(!topic.asks().is_empty() && topic.explains().ends_with(['.', '?']), "{}", topic.key());
        let is_question = topic.asks().ends_with('?');
        assert_eq!(is_question, place < Topic::QUESTIONS, "{}", topic.key());
    }
    assert_eq!(Topic::from_key("tokens"), None);
}
