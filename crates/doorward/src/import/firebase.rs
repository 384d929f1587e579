//! What `firebase auth:export users.json` writes: one document, `{"users": [...]}`, read account by account.

use std::fmt;
use std::io::BufRead;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::{Broken, Line, Row};

/// The password hash parameters of a project, as its console shows them.
#[derive(Clone)]
pub struct Project {
    /// `base64_signer_key`.
    pub signer_key: String,
    /// `base64_salt_separator`.
    pub salt_separator: String,
    /// `rounds`.
    pub rounds: u32,
    /// `mem_cost`.
    pub mem_cost: u32,
}

impl fmt::Debug for Project {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Project(..)")
    }
}

/// An account as Firebase tells of it; what is not read here is passed over.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Account {
    local_id: Option<String>,
    email: Option<String>,
    #[serde(default)]
    email_verified: bool,
    display_name: Option<String>,
    password_hash: Option<String>,
    salt: Option<String>,
    created_at: Option<String>,
    #[serde(default)]
    disabled: bool,
}

impl Account {
    fn row(self, project: &Project) -> Row {
        let Project { signer_key, salt_separator, rounds, mem_cost } = project;
        let hash = self.password_hash.filter(|hash| !hash.is_empty()).map(|hash| {
            let salt = self.salt.unwrap_or_default();
            format!("$fbscrypt$v=1,n={mem_cost},r={rounds},p=1,ss={salt_separator},sk={signer_key}${salt}${hash}")
        });
        let since = self.created_at.and_then(|text| jiff::Timestamp::from_millisecond(text.parse().ok()?).ok());
        Row {
            email: self.email,
            name: self.display_name.filter(|name| !name.trim().is_empty()),
            password_hash: hash,
            email_verified: Some(self.email_verified),
            created_at: since.map(|since| since.to_string()),
            suspended: Some(self.disabled),
            external_id: self.local_id,
            ..Row::default()
        }
    }
}

/// Reads an export.
pub(super) fn read(file: impl BufRead, project: &Project, each: &mut dyn FnMut(Line) -> bool) -> Result<(), Broken> {
    let mut reading = Reading { project, each, number: 0, enough: false };
    let mut json = serde_json::Deserializer::from_reader(file);
    match json.deserialize_map(&mut reading) {
        Ok(true) => json.end().map_err(|error| Broken::Export(place(&error))),
        Ok(false) => Err(Broken::Export(String::from("it has no `users`"))),
        Err(_) if reading.enough => Ok(()),
        Err(error) if error.is_io() => Err(Broken::Io(error.into())),
        Err(error) => Err(Broken::Export(place(&error))),
    }
}

/// Where it went wrong, without what stood there.
fn place(error: &serde_json::Error) -> String {
    let what = if error.is_data() { "something of another type" } else { "no JSON" };
    format!("{what} at line {}, column {}", error.line(), error.column())
}

struct Reading<'a> {
    project: &'a Project,
    each: &'a mut dyn FnMut(Line) -> bool,
    number: u64,
    enough: bool,
}

impl<'de> Visitor<'de> for &mut Reading<'_> {
    /// Were there users?
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an export of Firebase")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<bool, A::Error> {
        let mut found = false;
        while let Some(name) = members.next_key::<String>()? {
            if name == "users" {
                found = true;
                members.next_value_seed(&mut *self)?;
            } else {
                members.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut accounts: A) -> Result<bool, A::Error> {
        while let Some(account) = accounts.next_element::<Account>()? {
            self.number += 1;
            let line = Line { number: self.number, row: Ok(account.row(self.project)) };
            if !(self.each)(line) {
                self.enough = true;
                return Err(A::Error::custom("enough"));
            }
        }
        Ok(true)
    }
}

impl<'de> DeserializeSeed<'de> for &mut Reading<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, list: D) -> Result<bool, D::Error> {
        list.deserialize_seq(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn project() -> Project {
        Project {
            signer_key: String::from("c2lnbmVy"),
            salt_separator: String::from("Bw=="),
            rounds: 8,
            mem_cost: 14,
        }
    }

    #[test]
    fn accounts_are_read_with_the_hash_in_one_spelling() {
        let text = r#"{"users":[
            {"localId":"abc","email":"a@x.test","emailVerified":true,"passwordHash":"aGFzaA==","salt":"c2FsdA==",
             "createdAt":"1500000000000","displayName":"Ada","disabled":true,"providerUserInfo":[{"providerId":"x"}]},
            {"localId":"def","phoneNumber":"+4912345"}],"kind":"x"}"#;
        let mut found = Vec::new();
        let mut each = |line: Line| {
            found.push((line.number, line.row.expect("a row")));
            true
        };
        read(text.as_bytes(), &project(), &mut each).expect("an export");
        let ada = Row {
            email: Some(String::from("a@x.test")),
            name: Some(String::from("Ada")),
            password_hash: Some(String::from("$fbscrypt$v=1,n=14,r=8,p=1,ss=Bw==,sk=c2lnbmVy$c2FsdA==$aGFzaA==")),
            email_verified: Some(true),
            created_at: Some(String::from("2017-07-14T02:40:00Z")),
            suspended: Some(true),
            external_id: Some(String::from("abc")),
            ..Row::default()
        };
        assert_eq!(found[0], (1, ada));
        assert_eq!((found[1].1.email.as_ref(), found[1].1.password_hash.as_ref()), (None, None));
    }

    #[test]
    fn what_is_no_export_says_where_and_never_what() {
        for (text, why) in [
            ("{}", "it has no `users`"),
            ("{\"users\":[{\"email\":\"a@x.test\"},", "no JSON at line 1"),
            ("{\"users\":[{\"email\":17}]}", "something of another type at line 1"),
            ("[]", "something of another type"),
        ] {
            let refused = read(text.as_bytes(), &project(), &mut |_| true).expect_err(text).to_string();
            assert!(refused.contains(why) && !refused.contains("17"), "{refused}");
        }
    }

    #[test]
    fn a_reader_that_has_enough_is_left_alone() {
        let mut count = 0;
        let text = "{\"users\":[{},{},{}]}";
        let mut each = |_| {
            count += 1;
            false
        };
        read(text.as_bytes(), &project(), &mut each).expect("no mistake");
        assert_eq!(count, 1);
    }
}
