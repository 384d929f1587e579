//! What is rightly minted is accepted, exactly as long and as widely as it should be.

use doorward_verify::token::decode_unverified;
use doorward_verify::{
    Algorithm, Claims, Entry, Few, Key, Lifetime, Marks, Position, Rejection, Revocations, Scope, Scratch, Strength,
    Timestamp, TokenType, Verifier,
};

use crate::signer::{AUDIENCE, ED, ES, ISSUER, NOW, World, claims, payload};

#[test]
fn a_token_of_ours_says_what_was_minted() {
    let world = World::new();
    let mut scratch = Scratch::new();
    for algorithm in Algorithm::ALL {
        let (_, kid) = world.pair(algorithm);
        let token = world.mint(algorithm, &claims());
        let verified = world.verifier.verify(&token, &world.keys, &world.revocations, NOW, &mut scratch).unwrap();
        assert_eq!(verified.claims, claims());
        assert_eq!(verified.kid(), kid);
        let expect = Marks {
            session: Some(Key::of("ses_00000000000000000000000005")),
            token: Some(Key::of("tok_00000000000000000000000004")),
            subject: Some(Key([6; 16])),
            client: Some(Key::of("web")),
            device: None,
            organization: None,
            signing_key: Some(Key::of(kid)),
            at: Some(Position { generation: 3, seq: 100 }),
        };
        assert_eq!(verified.marks(), expect);
    }
}

#[test]
fn a_token_ends_at_its_exp_and_the_leeway() {
    let mut world = World::new();
    let token = world.mint(Algorithm::EdDsa, &claims());
    let end = claims().expires_at;
    let moment = Lifetime::from_millis(1);
    for (set, leeway) in [(0, 0), (30, 30), (120, 120), (3600, 120), (-5, 0)] {
        world.verifier = world.verifier.with_leeway(Lifetime::from_secs(set));
        let end = end + Lifetime::from_secs(leeway);
        assert_eq!(world.verdict_at(&token, end - moment), Ok(()), "{set}");
        assert_eq!(world.verdict_at(&token, end), Err(Rejection::TokenExpired), "{set}");
        let start = NOW - Lifetime::from_secs(leeway);
        assert_eq!(world.verdict_at(&token, start), Ok(()), "{set}");
        assert_eq!(world.verdict_at(&token, start - moment), Err(Rejection::TokenPremature), "{set}");
    }
    let default = World::new();
    let token = default.mint(Algorithm::EdDsa, &claims());
    assert_eq!(default.verdict_at(&token, end + Lifetime::from_secs(30)), Err(Rejection::TokenExpired));
    for extreme in [Timestamp::MIN, Timestamp::MAX] {
        assert!(default.verdict_at(&token, extreme).is_err(), "no overflow");
    }
}

#[test]
fn nbf_counts_only_if_it_is_there() {
    let world = World::new();
    let soon = claims().issued_at + Lifetime::from_secs(90);
    let token = world.mint(Algorithm::Es256, &Claims { not_before: Some(soon), ..claims() });
    assert_eq!(world.verdict(&token), Err(Rejection::TokenPremature));
    assert_eq!(world.verdict_at(&token, NOW + Lifetime::from_secs(60)), Ok(()), "at the leeway");
}

#[test]
fn a_token_may_not_live_longer_than_the_index_remembers() {
    let mut world = World::new();
    let hour = Claims { expires_at: NOW + Lifetime::from_mins(60), ..claims() };
    let more = Claims { expires_at: NOW + Lifetime::from_secs(3601), ..claims() };
    let never = Claims { expires_at: Timestamp::MAX, ..claims() };
    let always = Claims { issued_at: Timestamp::MIN, expires_at: Timestamp::MAX, ..claims() };
    assert_eq!(world.verdict(&world.mint(Algorithm::EdDsa, &hour)), Ok(()));
    for long in [more, never, always] {
        assert_eq!(world.verdict(&world.mint(Algorithm::EdDsa, &long)), Err(Rejection::LifetimeTooLong));
    }
    world.verifier = world.verifier.with_longest_life(Lifetime::from_mins(10));
    assert_eq!(world.verdict(&world.mint(Algorithm::EdDsa, &claims())), Ok(()));
    assert_eq!(world.verdict(&world.mint(Algorithm::EdDsa, &hour)), Err(Rejection::LifetimeTooLong));
}

#[test]
fn any_expected_audience_is_enough() {
    let mut world = World::new();
    let one = world.mint(Algorithm::EdDsa, &Claims { audience: Few::of(&["https://b.example"]), ..claims() });
    let two =
        world.mint(Algorithm::EdDsa, &Claims { audience: Few::of(&["https://b.example", AUDIENCE]), ..claims() });
    assert_eq!(world.verdict(&one), Err(Rejection::AudienceUnexpected));
    assert_eq!(world.verdict(&two), Ok(()));
    world.verifier = world.verifier.with_audience("https://b.example");
    assert_eq!(world.verdict(&one), Ok(()));
}

#[test]
fn one_scratch_serves_many_tokens_without_mixing_them() {
    let world = World::new();
    let mut scratch = Scratch::new();
    let long = "l".repeat(3000);
    let tokens = [
        (world.mint(Algorithm::EdDsa, &Claims { subject: &long, ..claims() }), long.as_str()),
        (world.mint(Algorithm::Es256, &Claims { subject: "short", ..claims() }), "short"),
        (world.mint_text(&payload("usr_", r"\u0061")), "a00000000000000000000000003"),
    ];
    for (token, subject) in tokens.iter().cycle().take(9) {
        let verified = world.verifier.verify(token, &world.keys, &world.revocations, NOW, &mut scratch).unwrap();
        assert_eq!(verified.claims.subject, *subject);
    }
}

#[test]
fn members_that_we_do_not_know_change_nothing() {
    let world = World::new();
    let more = payload("\"iss\"", r#""act":{"sub":"x","deep":[{"a":[1.5e3]}]},"cnf":null,"ISS":"other","iss""#);
    assert_eq!(world.verdict(&world.mint_text(&more)), Ok(()));
    let spaced = payload("{\"iss\"", " {\r\n\t\"iss\"");
    assert_eq!(world.verdict(&world.mint_text(&spaced)), Ok(()));
}

#[test]
fn a_revoked_token_is_dead_and_a_stale_one_must_be_refreshed() {
    let world = World::new();
    let token = world.mint(Algorithm::EdDsa, &claims());
    let at = |seq| Some(Position { generation: 3, seq });
    let session = Key::of("ses_00000000000000000000000005");
    let cases = [
        (Scope::Session, session, Strength::Terminal, None, Err(Rejection::TokenRevoked)),
        (Scope::Session, Key([9; 16]), Strength::Terminal, None, Ok(())),
        (
            Scope::Token,
            Key::of("tok_00000000000000000000000004"),
            Strength::Terminal,
            None,
            Err(Rejection::TokenRevoked),
        ),
        (Scope::SigningKey, Key::of(ED), Strength::Terminal, None, Err(Rejection::TokenRevoked)),
        (Scope::SigningKey, Key::of(ES), Strength::Terminal, None, Ok(())),
        (Scope::Subject, Key([6; 16]), Strength::Terminal, at(101), Err(Rejection::TokenRevoked)),
        (Scope::Subject, Key([6; 16]), Strength::Terminal, at(100), Ok(())),
        (Scope::Client, Key::of("web"), Strength::RefreshRequired, at(101), Err(Rejection::TokenStale)),
        (Scope::Realm, Key::REALM, Strength::RefreshRequired, at(101), Err(Rejection::TokenStale)),
        (Scope::Realm, Key::REALM, Strength::RefreshRequired, at(1), Ok(())),
        (Scope::Bucket, Key::bucket_of(session), Strength::RefreshRequired, None, Err(Rejection::TokenStale)),
    ];
    for (scope, key, strength, min_rv, expect) in cases {
        let mut revoked = Revocations::new();
        revoked.apply(&Entry { scope, key, strength, min_rv, ttl: Lifetime::from_mins(62) }, NOW);
        let verdict = world.verifier.verify(&token, &world.keys, &revoked, NOW, &mut Scratch::new()).map(drop);
        assert_eq!(verdict, expect, "{scope:?} {strength:?} {min_rv:?}");
    }
}

#[test]
fn the_type_may_be_spelled_as_a_media_type() {
    for good in ["at+jwt", "AT+JWT", "application/at+jwt", "Application/At+JWT"] {
        assert!(TokenType::AccessToken.is_named(good), "{good}");
    }
    for bad in [
        "",
        "jwt",
        "JWT",
        "at+jwt ",
        "at-jwt",
        "application/",
        "application/jwt",
        "text/at+jwt",
        "applicatio\u{f6}at+jwt",
        "application/application/at+jwt",
    ] {
        assert!(!TokenType::AccessToken.is_named(bad), "{bad}");
    }
}

#[test]
fn a_decoded_token_is_shown_as_it_is() {
    let world = World::new();
    let token = world.sign("not json", "{\"a\":1}");
    assert_eq!(decode_unverified(&token), Ok((b"not json".to_vec(), b"{\"a\":1}".to_vec())));
    for bad in ["", "a.b", "AA.AA.AA.AA", "AA.AA.A", "AA.A=.AA", "A.AA.AA", "AA..AA"] {
        assert_eq!(decode_unverified(bad), Err(Rejection::TokenMalformed), "{bad}");
    }
    assert_eq!(decode_unverified(&"A".repeat(8193)), Err(Rejection::TokenTooLarge));
}

#[test]
fn a_verifier_takes_only_what_it_was_built_for() {
    let world = World::new();
    let token = world.mint(Algorithm::Es256, &claims());
    for (issuer, audience, expect) in [
        (ISSUER, AUDIENCE, Ok(())),
        ("https://id.example/", AUDIENCE, Err(Rejection::IssuerUnexpected)),
        ("https://ID.example", AUDIENCE, Err(Rejection::IssuerUnexpected)),
        ("", AUDIENCE, Err(Rejection::IssuerUnexpected)),
        (ISSUER, "https://api.example/", Err(Rejection::AudienceUnexpected)),
        (ISSUER, "", Err(Rejection::AudienceUnexpected)),
    ] {
        let verifier = Verifier::new(issuer, audience, TokenType::AccessToken);
        let verdict = verifier.verify(&token, &world.keys, &world.revocations, NOW, &mut Scratch::new()).map(drop);
        assert_eq!(verdict, expect, "{issuer} {audience}");
    }
}
