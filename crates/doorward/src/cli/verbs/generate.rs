//! `doorward generate`: what is drawn or hashed here asks no server, and is told to nobody but the caller. A secret is never
//! an argument: others on the machine can read those.

use doorward_core::base64url;
use doorward_core::id::{EventId, KeyId, OrgId, SessionId, TokenId, UserId, VerifierId};
use doorward_core::password::{Chosen, Cost, Memory, Refusal, hash};
use doorward_core::secret::{Secret, SecretKind};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::cli::args::{Format, GenerateVerb, IdKind, PasswordArgs};
use crate::cli::out;
use crate::cli::password::{self, ALPHABET};
use crate::cli::stop::{Exit, Stop};
use crate::door::{Dice, SystemDice};

/// Runs the verb.
pub(in crate::cli) fn run(verb: GenerateVerb) -> Result<Exit, Stop> {
    match verb {
        GenerateVerb::Secret { bytes, hex, format } => {
            let drawn = draw(usize::from(bytes))?;
            let text = Zeroizing::new(if hex { self::hex(&drawn) } else { base64url::encode(&drawn) });
            tell("secret", &text, Some(u32::from(bytes) * 8), format);
        }
        GenerateVerb::Password { words: Some(words), format, .. } => {
            let drawn = draw(2 * usize::from(words))?;
            tell("password", &spoken(&drawn), Some(u32::from(words) * 16), format);
        }
        GenerateVerb::Password { characters, format, .. } => {
            let drawn = draw(usize::from(characters))?;
            tell("password", &typed(&drawn), Some(u32::from(characters) * 5), format);
        }
        GenerateVerb::Id { of, count, format } => {
            let ids = (0..count).map(|_| id(of)).collect::<Result<Vec<_>, _>>()?;
            match format {
                Format::Json => out::json(&json!({ "ids": ids })),
                Format::Table => ids.iter().for_each(|id| out::line(id)),
            }
        }
        GenerateVerb::Hash { secret: true, stdin, format, .. } => {
            let text = obtain(stdin)?;
            tell("sha256", &hash_of_secret(&text)?, None, format);
        }
        GenerateVerb::Hash { memory_kib, passes, stdin, format, .. } => {
            let text = obtain(stdin)?;
            let cost = Cost { memory_kib, passes, lanes: Cost::FLOOR.lanes };
            tell("phc", &hash_of_password(&text, cost)?, None, format);
        }
    }
    Ok(Exit::Well)
}

/// What is asked for goes to stdout alone, so that it can be piped; what is to be known about it goes to stderr.
fn tell(name: &str, text: &str, bits: Option<u32>, format: Format) {
    match (format, bits) {
        (Format::Json, Some(bits)) => out::json(&json!({ name: text, "bits": bits })),
        (Format::Json, None) => out::json(&json!({ name: Value::from(text) })),
        (Format::Table, bits) => {
            out::line(text);
            if let Some(bits) = bits {
                out::error(&format!("note: {bits} bits were drawn"));
            }
        }
    }
}

/// Reads what is to be hashed, from stdin or twice from the terminal without echo.
fn obtain(stdin: bool) -> Result<Zeroizing<String>, Stop> {
    let from = PasswordArgs { password_stdin: stdin, generate: false };
    let obtained = password::obtain(from).map_err(|stop| stop.advise("pipe it in with --stdin"))?;
    Ok(obtained.password)
}

fn draw(bytes: usize) -> Result<Zeroizing<Vec<u8>>, Stop> {
    let mut drawn = Zeroizing::new(vec![0; bytes]);
    if SystemDice.fill(&mut drawn) {
        return Ok(drawn);
    }
    Err(Stop::new(Exit::Unreachable, "the machine gives no random bytes, so nothing can be drawn"))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Characters that are not taken for one another, in groups of five: five bits of each byte.
fn typed(drawn: &[u8]) -> Zeroizing<String> {
    let mut password = Zeroizing::new(String::with_capacity(2 * drawn.len()));
    for (place, byte) in drawn.iter().enumerate() {
        if place > 0 && place.is_multiple_of(5) {
            password.push('-');
        }
        password.push(char::from(ALPHABET[usize::from(byte & 31)]));
    }
    password
}

/// Sixteen consonants and four vowels: a word of five letters has sixteen bits, whatever language it is spoken in.
const CONSONANTS: &[u8; 16] = b"bdfghjklmnprstvz";
const VOWELS: &[u8; 4] = b"aiou";

/// Words of consonants and vowels by turns, two bytes each.
fn spoken(drawn: &[u8]) -> Zeroizing<String> {
    let mut password = Zeroizing::new(String::with_capacity(3 * drawn.len()));
    for pair in drawn.chunks_exact(2) {
        let bits = usize::from(pair[0]) << 8 | usize::from(pair[1]);
        if !password.is_empty() {
            password.push('-');
        }
        let (consonant, vowel) = (|at: usize| CONSONANTS[bits >> at & 15], |at: usize| VOWELS[bits >> at & 3]);
        for letter in [consonant(12), vowel(10), consonant(6), vowel(4), consonant(0)] {
            password.push(char::from(letter));
        }
    }
    password
}

fn id(of: IdKind) -> Result<String, Stop> {
    let mut drawn = [0; 16];
    drawn.copy_from_slice(&draw(16)?);
    Ok(match of {
        IdKind::User => UserId::from_bytes(drawn).to_string(),
        IdKind::Session => SessionId::from_bytes(drawn).to_string(),
        // A client's own words do as well; drawn, it has the form of all others.
        IdKind::Client => UserId::from_bytes(drawn).to_string().replace(UserId::PREFIX, "cli_"),
        IdKind::Key => KeyId::from_bytes(drawn).to_string(),
        IdKind::Organization => OrgId::from_bytes(drawn).to_string(),
        IdKind::Event => EventId::from_bytes(drawn).to_string(),
        IdKind::Token => TokenId::from_bytes(drawn).to_string(),
        IdKind::Verifier => VerifierId::from_bytes(drawn).to_string(),
    })
}

fn hash_of_secret(text: &str) -> Result<String, Stop> {
    let kinds = [SecretKind::Session, SecretKind::Client, SecretKind::Verifier];
    let secret = kinds.iter().find_map(|kind| kind.parse(text));
    let hash = secret.as_ref().map(Secret::hash).ok_or_else(|| {
        Stop::new(Exit::Negative, "this is no secret of Doorward, or a character of it is wrong")
            .advise("it is dws_, dwc_ or dwv_, 43 characters of base64url, and 6 of a checksum")
    })?;
    Ok(hex(&hash.0))
}

fn hash_of_password(text: &str, cost: Cost) -> Result<String, Stop> {
    let chosen = Chosen::accept(text, &[]).map_err(|refusal| {
        Stop::new(
            Exit::Negative,
            match refusal {
                Refusal::Length | Refusal::Guessable => "the password is too short or too long: 8 to 256 characters",
                Refusal::Known => "the password is one that everybody tries",
            },
        )
    })?;
    let mut salt = [0; 16];
    salt.copy_from_slice(&draw(16)?);
    hash(&chosen, salt, cost, &mut Memory::default())
        .ok_or_else(|| Stop::new(Exit::Usage, "no hash can have this cost"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_pair_of_bytes_is_another_word_and_has_another_spelling() {
        let all: BTreeSet<String> = (0..=u16::MAX).map(|pair| spoken(&pair.to_be_bytes()).to_string()).collect();
        assert_eq!(all.len(), 1 << 16, "sixteen bits a word");
        assert!(all.iter().all(|word| word.len() == 5));
        assert_eq!(*spoken(&[0; 4]), "babab-babab");
    }

    #[test]
    fn every_character_is_as_likely_as_every_other() {
        let all: Vec<u8> = (0..=255).collect();
        let text = typed(&all).replace('-', "");
        for character in ALPHABET {
            assert_eq!(text.bytes().filter(|byte| byte == character).count(), 8, "{character}");
        }
        assert_eq!(typed(&[0; 12]).split('-').map(str::len).collect::<Vec<_>>(), [5, 5, 2]);
    }

    #[test]
    fn a_hash_of_a_secret_is_the_one_in_the_database_and_a_slip_is_noticed() {
        let secret = Secret::from_bytes([7; 32]);
        for kind in [SecretKind::Session, SecretKind::Client, SecretKind::Verifier] {
            let text = kind.text(&secret);
            assert_eq!(hash_of_secret(&text).ok(), Some(hex(&secret.hash().0)));
            let slip = text.replacen('B', "C", 1);
            let stop = hash_of_secret(&slip).expect_err("a slip").to_string();
            assert!(!stop.contains(&slip[4..20]), "{stop}: it is not told back");
        }
        assert!(hash_of_secret("").is_err() && hash_of_secret("copper-lantern-41").is_err());
    }
}
