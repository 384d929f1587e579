//! What a row says, judged: a newcomer, or the reason why not. Nothing is computed here that a hostile row could make
//! dear.

use doorward_core::password::foreign::{Digest, Foreign, Place, Refusal, Weak};
use doorward_core::user::{Email, parse_name};
use doorward_core::{Lifetime, Timestamp, base64url};

use super::{Row, Unfit};

/// Somebody who may move in.
#[derive(Debug)]
pub struct Newcomer {
    /// The address.
    pub email: Email,
    /// What the person wants to be called.
    pub name: Option<String>,
    /// What the other system kept of the password.
    pub password: Kept,
    /// Was the address proven?
    pub email_verified: bool,
    /// When the account was made.
    pub created_at: Option<Timestamp>,
    /// May the person not sign in?
    pub suspended: bool,
}

/// What another system kept of a password.
#[derive(Debug)]
pub enum Kept {
    /// Nothing that anybody could sign in with.
    Nothing,
    /// A password hash.
    Hash(Foreign),
    /// A digest that is stored inside a password hash only.
    Digest(Weak),
}

impl Kept {
    /// The name of its scheme, for reports.
    pub fn family(&self) -> &'static str {
        match self {
            Self::Nothing => "none",
            Self::Hash(foreign) => foreign.family(),
            Self::Digest(weak) => weak.family(),
        }
    }
}

/// How far ahead of ours the other system's clock may have been.
const AHEAD: Lifetime = Lifetime::from_hours(24);

/// Judges a row.
///
/// # Errors
/// [`Unfit`], with the first reason there is.
pub fn judge(row: &Row, now: Timestamp) -> Result<Newcomer, Unfit> {
    let email = row.email.as_deref().filter(|email| !email.is_empty()).ok_or(Unfit::because("email_missing"))?;
    let email = Email::parse(email).ok_or(Unfit::because("email_invalid"))?;
    let name = match row.name.as_deref().filter(|name| !name.is_empty()) {
        Some(name) => Some(parse_name(name).ok_or(Unfit::because("name_invalid"))?),
        None => None,
    };
    let created_at = match row.created_at.as_deref() {
        Some(text) => Some(time(text, now).ok_or(Unfit::because("created_at_invalid"))?),
        None => None,
    };
    Ok(Newcomer {
        email,
        name,
        password: password(row)?,
        email_verified: row.email_verified.unwrap_or(false),
        created_at,
        suspended: row.suspended.unwrap_or(false),
    })
}

fn time(text: &str, now: Timestamp) -> Option<Timestamp> {
    let told: jiff::Timestamp = text.parse().ok()?;
    let told = Timestamp::from_millis(told.as_millisecond());
    (told >= Timestamp::from_millis(0) && told <= now + AHEAD).then_some(told)
}

fn password(row: &Row) -> Result<Kept, Unfit> {
    let option = |detail: &str| Unfit { reason: "hash_option_invalid", detail: Some(detail.to_owned()) };
    let place = match row.password_salt_position.as_deref() {
        Some(word) => Place::from_name(word).ok_or_else(|| option("password_salt_position"))?,
        None => Place::Prefix,
    };
    let salted = row.password_salt.is_some() || row.password_salt_position.is_some();
    let Some(text) = row.password_hash.as_deref() else {
        let lonely = salted || row.password_scheme.is_some();
        return if lonely { Err(option("there is no password_hash")) } else { Ok(Kept::Nothing) };
    };
    let read = match row.password_scheme.as_deref() {
        Some(word) => match Digest::from_name(word) {
            Some(digest) => {
                let salt = row.password_salt.as_deref().unwrap_or_default();
                Weak::read(digest, text, salt, place).map(Kept::Digest)
            }
            None if word == "better-auth" && !salted => better_auth(text).map(Kept::Hash),
            None => return Err(option("password_scheme")),
        },
        None if salted => return Err(option("a salt without password_scheme")),
        // Django marks accounts that have no password so.
        None if text.starts_with('!') => Ok(Kept::Nothing),
        None => match Foreign::read(text) {
            Err(Refusal::Bare) => match Weak::read_django(text) {
                Err(Refusal::Scheme) => Err(Refusal::Bare),
                read => read.map(Kept::Digest),
            },
            read => read.map(Kept::Hash),
        },
    };
    read.map_err(|refusal| Unfit::because(refusal.name()))
}

/// `salt:key`, both in hexadecimal; the digits of the salt are themselves the salt (scrypt, N 16384, r 16).
fn better_auth(text: &str) -> Result<Foreign, Refusal> {
    let (salt, key) = text.split_once(':').ok_or(Refusal::Malformed)?;
    let digits: Option<Vec<u8>> = key.chars().map(|digit| digit.to_digit(16).map(|value| value as u8)).collect();
    let digits = digits.filter(|digits| digits.len() == 128).ok_or(Refusal::Malformed)?;
    let key: Vec<u8> = digits.as_chunks::<2>().0.iter().map(|[high, low]| high << 4 | low).collect();
    Foreign::read(&format!(
        "$scrypt$ln=14,r=16,p=1${}${}",
        base64url::encode(salt.as_bytes()),
        base64url::encode(&key)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_790_000_000);

    fn row(email: &str) -> Row {
        Row { email: Some(email.to_owned()), ..Row::default() }
    }

    fn text(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    #[test]
    fn a_row_that_is_right_says_everything() {
        let told = Row {
            name: text(" Ada "),
            password_hash: text("$2b$05$abcdefghijklmnopqrstuuOquOvu562XMHss3NY6Bs13izcytCffW"),
            email_verified: Some(true),
            created_at: text("2020-02-29T12:00:00+01:00"),
            suspended: Some(true),
            ..row("Ada@Example.test")
        };
        let judged = judge(&told, NOW).expect("fit");
        assert_eq!((judged.email.key(), judged.name.as_deref()), ("ada@example.test", Some("Ada")));
        assert_eq!(judged.created_at, Some(Timestamp::from_secs(1_582_974_000)));
        assert!(judged.email_verified && judged.suspended);
        assert_eq!(judged.password.family(), "bcrypt");
        assert_eq!(judge(&row("a@x.test"), NOW).expect("fit").password.family(), "none");
    }

    #[test]
    fn passwords_come_in_the_spellings_that_are_promised() {
        let md5 = "0c1c33cf94c36b35e7e7ef52870c7a94";
        let better = format!("00112233445566778899aabbccddeeff:{}", "ab".repeat(64));
        for (hash, scheme, salt, place, family) in [
            (md5, Some("md5"), None, None, Ok("md5")),
            (md5, Some("md5"), Some("sea"), Some("suffix"), Ok("md5")),
            (md5, Some("sha1"), None, None, Err("hash_malformed")),
            (md5, None, None, None, Err("hash_needs_scheme")),
            (md5, Some("md4"), None, None, Err("hash_option_invalid")),
            (md5, Some("md5"), Some("sea"), Some("middle"), Err("hash_option_invalid")),
            (md5, None, Some("sea"), None, Err("hash_option_invalid")),
            ("md5$seasalt$bcd54b72be11fb7828760641dfe8f56c", None, None, None, Ok("md5")),
            (&better, Some("better-auth"), None, None, Ok("scrypt")),
            ("abc", Some("better-auth"), None, None, Err("hash_malformed")),
            ("!unusable", None, None, None, Ok("none")),
            ("$1$salt$hash", None, None, None, Err("hash_scheme_unknown")),
            (
                "$2b$31$abcdefghijklmnopqrstuuOquOvu562XMHss3NY6Bs13izcytCffW",
                None,
                None,
                None,
                Err("hash_too_costly"),
            ),
            ("", None, None, None, Err("hash_malformed")),
        ] {
            let told = Row {
                password_hash: text(hash),
                password_scheme: scheme.map(str::to_owned),
                password_salt: salt.map(str::to_owned),
                password_salt_position: place.map(str::to_owned),
                ..row("a@x.test")
            };
            let judged = judge(&told, NOW).map(|judged| judged.password.family()).map_err(|unfit| unfit.reason);
            assert_eq!(judged, family, "{hash} {scheme:?}");
        }
    }

    #[test]
    fn what_cannot_be_somebody_is_told_in_a_word() {
        let long = "x".repeat(200);
        for (told, reason) in [
            (Row::default(), "email_missing"),
            (row(""), "email_missing"),
            (row("nobody"), "email_invalid"),
            (Row { name: text(&long), ..row("a@x.test") }, "name_invalid"),
            (Row { created_at: text("yesterday"), ..row("a@x.test") }, "created_at_invalid"),
            (Row { created_at: text("2999-01-01T00:00:00Z"), ..row("a@x.test") }, "created_at_invalid"),
            (Row { created_at: text("1200-01-01T00:00:00Z"), ..row("a@x.test") }, "created_at_invalid"),
            (Row { password_scheme: text("md5"), ..row("a@x.test") }, "hash_option_invalid"),
        ] {
            assert_eq!(judge(&told, NOW).expect_err(reason).reason, reason);
        }
    }
}
