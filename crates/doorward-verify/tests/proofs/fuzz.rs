//! Arbitrary input: never a panic, never an acceptance, and the same verdict whichever way the header is read.

use std::sync::LazyLock;

use doorward_verify::token::decode_unverified;
use doorward_verify::{Algorithm, base64url};
use proptest::prelude::*;

use crate::signer::{World, claims, header, sign_with};

static WORLD: LazyLock<World> = LazyLock::new(World::new);
static TOKEN: LazyLock<String> = LazyLock::new(|| WORLD.mint(Algorithm::EdDsa, &claims()));

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn no_text_is_accepted(text: String) {
        prop_assert!(WORLD.verdict(&text).is_err());
        drop(decode_unverified(&text));
    }

    #[test]
    fn nothing_that_looks_like_a_token_is_accepted(text in "[A-Za-z0-9_-]{0,40}\\.[A-Za-z0-9_-]{0,40}\\.[A-Za-z0-9_-]{0,90}") {
        prop_assert!(WORLD.verdict(&text).is_err());
        drop(decode_unverified(&text));
    }

    #[test]
    fn no_splice_of_a_token_is_accepted(from: prop::sample::Index, to: prop::sample::Index, text in "[A-Za-z0-9_.-]{0,9}") {
        let (from, to) = (from.index(TOKEN.len()), to.index(TOKEN.len()));
        let mut spliced = TOKEN.clone();
        spliced.replace_range(from.min(to)..from.max(to), &text);
        prop_assert!(spliced == *TOKEN || WORLD.verdict(&spliced).is_err());
    }

    #[test]
    fn a_header_known_by_heart_means_what_the_same_header_read_means(body in prop_oneof![
        "[{}:,\"a-z0-9]{1,60}",
        Just(crate::signer::payload("", "")),
        Just(crate::signer::payload("1800000600", "1")),
        Just(crate::signer::payload("api", "evil")),
    ]) {
        let body = base64url::encode(body.as_bytes());
        let known = header(crate::signer::ES);
        let by_heart = sign_with(&WORLD.es, &base64url::encode(known.as_bytes()), &body);
        let read = sign_with(&WORLD.es, &base64url::encode(known.replace(',', ", ").as_bytes()), &body);
        prop_assert_eq!(WORLD.verdict(&by_heart), WORLD.verdict(&read));
    }
}
