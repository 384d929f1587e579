//! Rule 0: what is not a token of ours, of this very session and client, never reaches the rule. And what a token owes to
//! the refresh secret and to the row.

mod sample;

use doorward_core::base64url;
use doorward_core::client::AttemptKey;
use doorward_core::id::{ClientId, SessionId};
use doorward_core::policy::RefreshPolicy;
use doorward_core::refresh::{Circumstances, Credential, Decision, PREFIX, Presented, decide, session_secret, token};
use doorward_core::secret::Secret;
use doorward_core::session::{Epochs, Generation, Salt, Session};
use sample::{NOW, REFRESH_KEY, attempt, authentic, client, secret, session};

const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Format 1, key number 1, session 16, generation 4, MAC 32.
const BYTES: usize = 54;

fn text() -> String {
    token(&secret(), REFRESH_KEY, &session(), Generation(0))
}

fn bytes_of(text: &str) -> [u8; BYTES] {
    let mut bytes = [0; BYTES];
    let body = &text.as_bytes()[PREFIX.len()..text.len() - 6];
    assert_eq!(base64url::decode_into(body, &mut bytes).expect("base64url").len(), BYTES);
    bytes
}

/// A text with a right checksum over any bytes, as anybody can make it.
fn forged(prefix: &str, bytes: &[u8]) -> String {
    let mut text = prefix.as_bytes().to_vec();
    base64url::encode_to(bytes, &mut text);
    let mut rest = crc32fast::hash(&text);
    let mut sum = [0; 6];
    for slot in sum.iter_mut().rev() {
        *slot = BASE62[(rest % 62) as usize];
        rest /= 62;
    }
    text.extend_from_slice(&sum);
    String::from_utf8(text).expect("ASCII")
}

fn is_ours(text: &str, session: &Session, secret: &Secret) -> bool {
    Presented::parse(text).is_some_and(|presented| presented.authenticate(session, secret).is_some())
}

#[test]
fn a_token_says_its_key_session_and_generation_and_is_ours() {
    let text = token(&secret(), 7, &session(), Generation(0x0102_0304));
    let presented = Presented::parse(&text).expect("a token");
    assert_eq!((presented.key, presented.session), (7, session().id));
    assert_eq!(presented.generation, Generation(0x0102_0304));
    assert!(is_ours(&text, &session(), &secret()));
    assert_eq!(forged(PREFIX, &bytes_of(&text)), text, "the form is what this test takes it for");
    assert_eq!(text.len(), 82);
}

#[test]
fn no_character_of_a_token_can_be_changed_left_out_or_added() {
    let text = text();
    for place in 0..text.len() {
        for other in b"A0_-z. \0" {
            let mut changed = text.clone().into_bytes();
            if changed[place] != *other {
                changed[place] = *other;
                let changed = String::from_utf8(changed).expect("ASCII");
                assert!(Presented::parse(&changed).is_none(), "{place}");
            }
        }
        assert!(Presented::parse(&text[..place]).is_none(), "cut at {place}");
        assert!(Presented::parse(&text[place + 1..]).is_none(), "begun after {place}");
        let mut longer = text.clone();
        longer.insert(place, 'A');
        assert!(Presented::parse(&longer).is_none(), "lengthened at {place}");
        let mut shorter = text.clone();
        shorter.remove(place);
        assert!(Presented::parse(&shorter).is_none(), "without {place}");
    }
    assert!(Presented::parse(&format!("{text}=")).is_none());
    assert!(Presented::parse(&format!(" {text}")).is_none());
}

#[test]
fn no_byte_of_a_token_can_be_changed_even_with_its_checksum_made_right() {
    let bytes = bytes_of(&text());
    for place in 0..BYTES {
        for bit in 0..8 {
            let mut changed = bytes;
            changed[place] ^= 1 << bit;
            let changed = forged(PREFIX, &changed);
            assert!(!is_ours(&changed, &session(), &secret()), "byte {place}, bit {bit}");
        }
    }
}

#[test]
fn another_form_is_no_token_whatever_its_checksum() {
    let bytes = bytes_of(&text());
    assert!(Presented::parse(&forged(PREFIX, &bytes[1..])).is_none(), "a byte short");
    assert!(Presented::parse(&forged(PREFIX, &[&bytes[..], &[0]].concat())).is_none(), "a byte long");
    for prefix in ["dws_", "dwc_", "DWR_", ""] {
        assert!(Presented::parse(&forged(prefix, &bytes)).is_none(), "{prefix}");
    }
    for format in (0..=255).filter(|format| *format != 1) {
        let mut other = bytes;
        other[0] = format;
        assert!(Presented::parse(&forged(PREFIX, &other)).is_none(), "format {format}");
    }
}

#[test]
fn a_token_is_nobodys_under_another_secret_key_number_session_client_salt_or_generation() {
    let (ours, text) = (session(), text());
    assert!(!is_ours(&text, &ours, &Secret::from_bytes([8; 32])), "another refresh secret");
    let other_client = ClientId::parse("wea").expect("a client id");
    for (what, other) in [
        ("session", Session { id: SessionId::from_bytes([4; 16]), ..ours.clone() }),
        ("client", Session { client: other_client, ..ours.clone() }),
        ("salt", Session { salt: Salt([6; 16]), ..ours.clone() }),
    ] {
        assert!(!is_ours(&text, &other, &secret()), "another {what}");
        assert!(!is_ours(&token(&secret(), REFRESH_KEY, &other, Generation(0)), &ours, &secret()), "another {what}");
    }
    let mut renumbered = bytes_of(&text);
    renumbered[1] += 1;
    assert!(!is_ours(&forged(PREFIX, &renumbered), &ours, &secret()), "another key number, the same secret");
    let mut older = bytes_of(&token(&secret(), REFRESH_KEY, &ours, Generation(3)));
    older[21] = 2;
    assert!(!is_ours(&forged(PREFIX, &older), &ours, &secret()), "another generation");
}

#[test]
fn a_token_outlives_everything_about_its_row_but_what_it_was_made_of() {
    let client = client(AttemptKey::Required);
    let later = Session { generation: Generation(9), refresh_key: 4, keyed: true, user: None, ..session() };
    let later = Session { idle: client.lifetimes.access, shelf: 3, expires_at: NOW, ..later };
    assert!(is_ours(&text(), &later, &secret()));
}

#[test]
fn a_replay_is_the_same_text_across_a_roll_of_the_refresh_secret() {
    let client = client(AttemptKey::Required);
    let rolled = Secret::from_bytes([10; 32]);
    let around = |refresh_key| Circumstances {
        client: &client,
        epochs: Epochs::default(),
        refresh_key,
        policy: RefreshPolicy::default(),
        now: NOW,
    };
    let credential = Credential::Token(authentic(&session(), 0));
    let Decision::Rotate(turn) = decide(&session(), credential, Some(attempt(1)), around(2)) else {
        panic!("the current token turns")
    };
    assert_eq!(turn.refresh_key, 2, "the secret in use at the turn");
    // The commit is done, the reply is lost, and the secret rolls once more.
    let turned = turn.applied_to(&session(), None);
    assert_eq!(turned.refresh_key, 2, "the row knows which");
    let lost = token(&rolled, turned.refresh_key, &turned, turned.generation);
    let credential = Credential::Token(authentic(&turned, 0));
    for refresh_key in [1, 2, 3] {
        let replay = decide(&turned, credential, Some(attempt(1)), around(refresh_key));
        assert_eq!(replay, Decision::Repeat, "nothing is written");
    }
    assert_eq!(token(&rolled, turned.refresh_key, &turned, turned.generation), lost);
    assert!(is_ours(&lost, &turned, &rolled));
    assert!(!is_ours(&lost, &turned, &secret()), "the old secret makes no token of the new generation");
}

#[test]
fn a_session_secret_depends_on_everything_that_a_token_depends_on() {
    let derived = |secret: &Secret, session: &Session, generation| {
        session_secret(secret, session, Generation(generation)).hash()
    };
    let ours = derived(&secret(), &session(), 1);
    assert!(derived(&secret(), &session(), 1).matches(&ours), "a repeated request gets the same one");
    let other_client = ClientId::parse("wea").expect("a client id");
    for other in [
        derived(&Secret::from_bytes([8; 32]), &session(), 1),
        derived(&secret(), &session(), 2),
        derived(&secret(), &Session { id: SessionId::from_bytes([4; 16]), ..session() }, 1),
        derived(&secret(), &Session { client: other_client, ..session() }, 1),
        derived(&secret(), &Session { salt: Salt([6; 16]), ..session() }, 1),
    ] {
        assert!(!other.matches(&ours));
    }
}
