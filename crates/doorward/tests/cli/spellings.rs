//! The spellings in which a secret could leak, and a search for all of them at once.

use std::collections::{BTreeSet, HashMap};

/// The shortest piece that is looked for.
const PIECE: usize = 12;

/// Everything a secret could be written as.
pub(crate) fn spellings(secret: &[u8]) -> Vec<Vec<u8>> {
    let reversed: Vec<u8> = secret.iter().rev().copied().collect();
    let piece = &secret[..PIECE.min(secret.len())];
    let each = |spell: &dyn Fn(&u8) -> String| secret.iter().map(spell).collect::<String>().into_bytes();
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~".contains(byte);
    let mut all = vec![
        secret.to_vec(),
        piece.to_vec(),
        piece.iter().rev().copied().collect(),
        reversed,
        each(&|byte| format!("{byte:02x}")),
        each(&|byte| format!("{byte:02X}")),
        each(&|byte| format!("%{byte:02X}")),
        each(&|byte| format!("%{byte:02x}")),
        each(&|byte| if plain(byte) { char::from(*byte).to_string() } else { format!("%{byte:02X}") }),
        each(&|byte| format!("\\u{byte:04x}")),
    ];
    if let Ok(text) = std::str::from_utf8(secret) {
        let quoted = serde_json::to_string(text).expect("JSON");
        all.push(quoted.trim_matches('"').as_bytes().to_vec());
        all.push(format!("{text:?}").trim_matches('"').as_bytes().to_vec());
    }
    // Inside a longer text, base64 has three faces.
    for shift in 0..3 {
        let standard = base64(secret, shift);
        all.push(standard.replace('+', "-").replace('/', "_").into_bytes());
        all.push(standard.into_bytes());
    }
    all.sort();
    all.dedup();
    all
}

/// The characters of base64 that depend on these bytes alone, with `shift` unknown bytes before them.
fn base64(bytes: &[u8], shift: usize) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let shifted: Vec<u8> = std::iter::repeat_n(0, shift).chain(bytes.iter().copied()).collect();
    let bit = |at: usize| shifted[at / 8] >> (7 - at % 8) & 1;
    let whole = (shift * 8).div_ceil(6)..shifted.len() * 8 / 6;
    whole
        .map(|place| char::from(ALPHABET[(0..6).fold(0, |sum, at| sum << 1 | usize::from(bit(place * 6 + at)))]))
        .collect()
}

/// Secrets, by name, and where their spellings begin.
#[derive(Default)]
pub(crate) struct Wanted {
    names: Vec<String>,
    secrets: Vec<Vec<u8>>,
    /// By their first eight bytes.
    starts: HashMap<[u8; 8], Vec<(usize, Vec<u8>)>>,
}

impl Wanted {
    /// One more secret; gives its number. The same again has the number it had.
    pub(crate) fn add(&mut self, name: &str, secret: &[u8]) -> usize {
        assert!(secret.len() >= PIECE, "{name} is too short to be looked for");
        if let Some(number) = self.secrets.iter().position(|known| known == secret) {
            return number;
        }
        let number = self.secrets.len();
        for spelling in spellings(secret) {
            let start = *spelling.first_chunk().expect("eight bytes");
            self.starts.entry(start).or_default().push((number, spelling));
        }
        self.names.push(name.to_owned());
        self.secrets.push(secret.to_vec());
        number
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.secrets.len()
    }

    /// Which of them stand in there, in whatever spelling.
    pub(crate) fn found_in(&self, place: &[u8]) -> BTreeSet<usize> {
        let mut found = BTreeSet::new();
        for (at, start) in place.windows(8).enumerate() {
            let Some(spellings) = self.starts.get(start) else { continue };
            let here = spellings.iter().filter(|(_, spelling)| place[at..].starts_with(spelling));
            found.extend(here.map(|(number, _)| *number));
        }
        found
    }

    /// Their names.
    pub(crate) fn names_of(&self, numbers: &BTreeSet<usize>) -> Vec<&str> {
        numbers.iter().map(|number| self.names[*number].as_str()).collect()
    }

    /// Each secret, in each of its spellings, in the midst of something else.
    pub(crate) fn planted(&self) -> impl Iterator<Item = (usize, Vec<u8>)> {
        self.secrets.iter().enumerate().flat_map(|(number, secret)| {
            spellings(secret).into_iter().map(move |spelling| (number, [b"line ", &*spelling, b" line\n"].concat()))
        })
    }
}

#[test]
fn a_secret_is_found_in_every_spelling_and_nothing_else_is() {
    let mut wanted = Wanted::default();
    let secret = "Kq3/\"ä-7Zw0+v".as_bytes();
    wanted.add("secret", secret);
    let other = b"Kq3/\"a-7Zw0+v, and a text that is as long as others are";
    assert!(wanted.found_in(other).is_empty());
    for (number, place) in wanted.planted() {
        assert_eq!(wanted.found_in(&place), BTreeSet::from([number]), "{}", String::from_utf8_lossy(&place));
    }
    for before in ["", "a", "ab", "abc"] {
        let inside = [before.as_bytes(), secret, b"z"].concat();
        let text = base64(&inside, 0);
        assert!(!wanted.found_in(text.as_bytes()).is_empty(), "{text}");
    }
}
