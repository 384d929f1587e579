//! What things say of themselves: every error something else, and nothing that is secret.

use doorward_verify::feed::{Broken, Instance, NameError, SnapshotError, StreamId, StreamKey};
use doorward_verify::json::Malformed;
use doorward_verify::{
    Algorithm, Claims, Few, Key, KeyError, Lease, Lifetime, Moment, Position, PositionError, Rejection, Scratch,
    VerifyingKey,
};

#[test]
fn every_error_says_something_of_its_own() {
    let mut said: Vec<String> = Rejection::ALL.iter().map(ToString::to_string).collect();
    said.extend(KeyError::ALL.iter().map(ToString::to_string));
    said.extend(Broken::ALL.iter().map(ToString::to_string));
    said.extend([NameError.to_string(), Malformed.to_string(), PositionError.to_string()]);
    let refused = SnapshotError::Statement(Rejection::KeyUnknown);
    for error in [
        SnapshotError::TooLarge,
        SnapshotError::Malformed,
        refused,
        SnapshotError::DigestWrong,
        SnapshotError::CountWrong,
    ] {
        said.push(error.to_string());
    }
    for (place, one) in said.iter().enumerate() {
        assert!(one.contains(' ') && !one.ends_with('.'), "{one:?} is no sentence");
        assert!(!said[..place].contains(one), "{one:?} is said twice");
    }
    assert!(refused.to_string().ends_with(&Rejection::KeyUnknown.to_string()), "it says why");
    assert_eq!(Broken::ALL.map(Broken::code), ["event_too_large", "event_malformed", "event_forged"]);
}

#[test]
fn what_is_secret_is_not_printed_and_the_rest_is() {
    let secret = *b"\x8f\x13 a secret that is long enough!";
    let key = VerifyingKey::hs256("k1", &secret).unwrap();
    assert_eq!(format!("{key:?}"), "VerifyingKey(HS256 k1)");
    assert_eq!(key.algorithm(), Algorithm::Hs256);
    assert_eq!(format!("{:?}", StreamKey::new(&[7; 32], &Instance([1; 16]))), "StreamKey(..)");
    assert_eq!(format!("{:?}", Scratch::new()), "Scratch(..)", "it holds the claims of whoever came last");
    assert_eq!(format!("{:?}", Key([0xab; 16])), format!("Key({})", "ab".repeat(16)));
    assert_eq!(format!("{:?}", StreamId([0; 16])), format!("StreamId({})", "A".repeat(22)));
    assert_eq!(format!("{:?}", Few::<4>::of(&["a", "b"])), r#"["a", "b"]"#);
    let mut lease = Lease::new(Lifetime::from_secs(3));
    assert_eq!(format!("{lease:?}"), "Lease(3000 ms, ping 0, proven None, void true)");
    lease.ping(None, Moment::default());
    lease.echo(1, None, Position::START);
    assert!(lease.applied(Position::START));
    let said = format!("{lease:?}");
    assert!(said.starts_with("Lease(3000 ms, ping 1, proven Some((1, ") && said.ends_with("void false)"), "{said}");
}

#[test]
fn a_claim_that_is_not_there_is_not_written() {
    let mut json = br#"{"iss":"i","sub":"s","aud":"a","client_id":"c","exp":2,"iat":1,"jti":"j"}"#.to_vec();
    let before = json.clone();
    let claims = Claims::parse(&mut json).unwrap();
    let mut out = Vec::new();
    claims.write(&mut out);
    assert_eq!(out, before);
}
