//! The path of a request asks for no memory.

use allocation_counter::measure;
use doorward_verify::{
    Algorithm, Cache, Entry, Few, Key, Lifetime, Rejection, Revocations, Scope, Scratch, Strength,
};

use crate::signer::{ES, NOW, World, claims, payload};

#[test]
fn verifying_allocates_nothing() {
    let mut world = World::new();
    let mut full = claims();
    full.audience = Few::of(&["https://api.example", "b", "c", "d", "e", "f", "g", "h"]);
    full.amr = Few::of(&["pwd", "otp", "mfa", "hwk"]);
    let minted = Algorithm::ALL.map(|algorithm| (world.mint(algorithm, &full), Ok(())));
    let others = [
        (
            world.sign(&format!(r#"{{"typ":"at+jwt","kid":"{ES}","alg":"ES256"}}"#), &payload("usr", r"\u0075sr")),
            Ok(()),
        ),
        (world.mint_text(&payload("\"iss\"", r#""act":{"a":[{"b":"\n"}]},"iss""#)), Ok(())),
        (world.mint_text(&payload("web", "dead")), Err(Rejection::TokenRevoked)),
        (world.mint_text("{"), Err(Rejection::ClaimsInvalid)),
        (world.sign("{}", "{}"), Err(Rejection::HeaderInvalid)),
        (".".repeat(8192), Err(Rejection::TokenMalformed)),
    ];
    let entry =
        |scope, key| Entry { scope, key, strength: Strength::Terminal, min_rv: None, ttl: Lifetime::from_mins(62) };
    world.revocations.apply(&entry(Scope::Client, Key::of("dead")), NOW);
    world.revocations.apply(&entry(Scope::Session, Key([1; 16])), NOW);
    let mut scratch = Scratch::new();
    for (token, expect) in minted.iter().chain(&others) {
        // Once before, so that the library under us has initialised itself.
        let mut verdict = world.verdict(token);
        let spent = measure(|| {
            verdict = world.verifier.verify(token, &world.keys, &world.revocations, NOW, &mut scratch).map(drop);
        });
        assert_eq!(verdict, *expect);
        assert_eq!(spent.count_total, 0, "{expect:?} asked for {} bytes", spent.bytes_total);
    }
}

#[test]
fn a_hit_in_the_cache_allocates_nothing() {
    let world = World::new();
    let cache = Cache::new([5; 16], 1000);
    let mut scratch = Scratch::new();
    for algorithm in Algorithm::ALL {
        let token = world.mint(algorithm, &claims());
        // A miss that is kept, then a hit.
        for _ in 0..2 {
            let spent = measure(|| {
                let said =
                    world.verifier.verify_with(&cache, &token, &world.keys, &world.revocations, NOW, &mut scratch);
                assert_eq!(said.map(drop), Ok(()));
            });
            assert_eq!(spent.count_total, 0, "{} asked for {} bytes", algorithm.name(), spent.bytes_total);
        }
    }
    assert_eq!(cache.len(), 4, "all but the one with HS256");
}

#[test]
fn a_million_dots_cost_nothing() {
    let world = World::new();
    let token = ".".repeat(1_000_000);
    let mut scratch = Scratch::new();
    let spent = measure(|| {
        let verdict = world.verifier.verify(&token, &world.keys, &world.revocations, NOW, &mut scratch);
        assert_eq!(verdict.map(drop), Err(Rejection::TokenTooLarge));
    });
    assert_eq!(spent.count_total, 0);
}

#[test]
fn the_index_takes_the_memory_that_its_documentation_says() {
    let mut index = Revocations::new();
    let count = 200_000_u64;
    let spent = measure(|| {
        for number in 0..count {
            let mut key = [0; 16];
            key[..8].copy_from_slice(&number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes());
            let entry = Entry {
                scope: Scope::Session,
                key: Key(key),
                strength: Strength::Terminal,
                min_rv: None,
                ttl: Lifetime::from_mins(62),
            };
            index.apply(&entry, NOW);
        }
    });
    assert_eq!(index.len() as u64, count);
    let bytes_each = spent.bytes_current / count as i64;
    assert!((25..=60).contains(&bytes_each), "{bytes_each} bytes an entry");
    let freed = measure(|| assert_eq!(index.expire(NOW + Lifetime::from_hours(2)) as u64, count));
    assert!(freed.bytes_current < -9 * spent.bytes_current / 10, "memory comes back after a flood");
}
