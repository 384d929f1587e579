//! A cache that remembers verified tokens never changes a verdict.

use doorward_verify::{
    Algorithm, Cache, Entry, Key, KeySet, Lifetime, Rejection, Revocations, Scope, Scratch, Strength, Timestamp,
    TokenType, Verifier,
};

use crate::signer::{AUDIENCE, ED, ES, ISSUER, NOW, World, payload, sign_with};

/// SplitMix64 (Steele, Lea and Flood): small, seeded, and good enough to pick.
struct Dice(u64);

impl Dice {
    fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        &from[(mixed ^ (mixed >> 31)) as usize % from.len()]
    }
}

/// Tokens of every algorithm: good ones, ones that fail at each check, and near copies of the good ones.
fn tokens(world: &World) -> Vec<String> {
    let bodies = [
        payload("", ""),
        payload("usr_", "adm_"),
        payload("api.example", "other.example"),
        payload("id.example", "evil.example"),
        payload("1800000600", "1800000100"),
        payload("1800000600", "1800009999"),
        payload("\"jti\"", "\"nbf\":1800000300,\"jti\""),
        payload("\"web\"", "\"app\""),
        payload("3:100", "3:90"),
        payload("\"sub\"", "\"x\""),
    ];
    let mut tokens = Vec::new();
    for algorithm in Algorithm::ALL {
        let (pair, kid) = world.pair(algorithm);
        let header = format!(r#"{{"alg":"{}","kid":"{kid}","typ":"at+jwt"}}"#, algorithm.name());
        for body in &bodies {
            let [head, body] = [&header, body].map(|text| doorward_verify::base64url::encode(text.as_bytes()));
            tokens.push(sign_with(pair, &head, &body));
        }
        let good = tokens[tokens.len() - bodies.len()].clone();
        let spaced = doorward_verify::base64url::encode(header.replace(',', ", ").as_bytes());
        let body = good.split('.').nth(1).unwrap();
        tokens.push(sign_with(pair, &spaced, body));
        tokens.push(format!("{spaced}.{body}.{}", good.rsplit('.').next().unwrap()));
        let mut changed = good.clone();
        changed.replace_range(
            good.len() - 9..good.len() - 8,
            if good.as_bytes()[good.len() - 9] == b'A' { "B" } else { "A" },
        );
        tokens.push(changed);
        tokens.push(good[..good.len() - 4].to_owned());
        tokens.push(format!("{good}AAAA"));
    }
    tokens
}

/// The world's keys; other keys under the same ids; a few; none.
fn key_sets(world: &World) -> Vec<KeySet> {
    let others = World::new();
    let swapped = KeySet::new(vec![world.es.verifying(ED), world.ed.verifying(ES)]);
    vec![
        world.keys.clone(),
        world.keys.clone(),
        others.keys,
        swapped,
        KeySet::new(vec![world.ed.verifying(ED)]),
        KeySet::default(),
    ]
}

fn policies() -> Vec<Verifier> {
    let of = |issuer, audience| Verifier::new(issuer, audience, TokenType::AccessToken);
    vec![
        of(ISSUER, AUDIENCE),
        of(ISSUER, AUDIENCE).with_leeway(Lifetime::ZERO),
        of(ISSUER, AUDIENCE).with_longest_life(Lifetime::from_mins(5)),
        of(ISSUER, AUDIENCE).with_longest_life(Lifetime::from_hours(24)),
        of(ISSUER, "https://other.example"),
        of("https://evil.example", AUDIENCE).with_audience("https://other.example"),
    ]
}

fn revocations() -> Vec<Revocations> {
    let entry = |scope, key, strength, min_rv: Option<&str>| {
        let mut index = Revocations::new();
        let min_rv = min_rv.map(|at| at.parse().unwrap());
        index.apply(&Entry { scope, key, strength, min_rv, ttl: Lifetime::from_mins(62) }, NOW);
        index
    };
    vec![
        Revocations::new(),
        Revocations::new(),
        entry(Scope::Client, Key::of("app"), Strength::Terminal, None),
        entry(Scope::Realm, Key::REALM, Strength::RefreshRequired, Some("3:95")),
        entry(Scope::SigningKey, Key::of(ES), Strength::Terminal, None),
        entry(Scope::Session, Key::of("ses_00000000000000000000000005"), Strength::Terminal, None),
    ]
}

#[test]
fn threads_share_one_cache() {
    let world = World::new();
    let tokens = tokens(&world);
    let cache = Cache::new([3; 16], 16);
    std::thread::scope(|scope| {
        for start in 0..4 {
            let (world, tokens, cache) = (&world, &tokens, &cache);
            scope.spawn(move || {
                let mut room = Scratch::new();
                for round in 0..2000 {
                    let token = &tokens[(start * 17 + round * 7) % tokens.len()];
                    let cached =
                        world.verifier.verify_with(cache, token, &world.keys, &world.revocations, NOW, &mut room);
                    let cached = cached.map(drop);
                    assert_eq!(cached, world.verdict(token), "{token}");
                }
            });
        }
    });
}

mod slow {
    //! Proofs that take their time.

    use super::*;

    #[test]
    fn a_hundred_thousand_times_the_cached_verdict_is_the_plain_one() {
        let world = World::new();
        let (tokens, sets, policies, revoked) = (tokens(&world), key_sets(&world), policies(), revocations());
        let times = [-31, -30, 0, 99, 130, 270, 629, 630, 9000].map(|secs| NOW + Lifetime::from_secs(secs));
        // One that keeps everything, and one that must forget all the time.
        let caches = [Cache::new([1; 16], 4096), Cache::new([2; 16], 8)];
        let mut dice = Dice(0x646f_6f72_7761_7264);
        let (mut plain_room, mut cached_room) = (Scratch::new(), Scratch::new());
        let mut accepted = 0;
        for round in 0..100_000 {
            let (token, keys, policy) = (dice.pick(&tokens), dice.pick(&sets), dice.pick(&policies));
            let (revoked, now): (_, Timestamp) = (dice.pick(&revoked), *dice.pick(&times));
            let cache = dice.pick(&caches);
            let said =
                |verified: doorward_verify::Verified<'_>| (verified.claims.subject.to_owned(), verified.marks());
            let plain = policy.verify(token, keys, revoked, now, &mut plain_room);
            let cached = policy.verify_with(cache, token, keys, revoked, now, &mut cached_room);
            let claims = |verdict: &Result<doorward_verify::Verified<'_>, Rejection>| verdict.map(said);
            assert_eq!(
                claims(&plain),
                claims(&cached),
                "round {round}: {token} at {now:?} with {policy:?} and {keys:?}"
            );
            if let (Ok(plain), Ok(cached)) = (plain, cached) {
                assert_eq!(plain.claims, cached.claims);
                accepted += 1;
            }
        }
        println!("{accepted} of 100000 accepted; {} and {} remembered", caches[0].len(), caches[1].len());
        assert!(accepted > 4_000, "{accepted}");
        assert!(caches[0].len() > 30 && caches[1].len() == 8);
    }
}
