//! The seed file of `doorward dev`: people and clients that shall be there at every start.

use doorward_core::client::ClientKind;
use doorward_core::password::{Chosen, LONGEST, SHORTEST};
use doorward_core::role::Roles;
use doorward_core::secret::{Secret, SecretKind};
use doorward_core::user::{Email, parse_name};
use zeroize::Zeroizing;

use super::client::{ClientWords, NewClient};
use super::document::{Document, Section};
use super::problem::{Problem, Problems};

/// What a seed file asks for.
#[derive(Debug, Default)]
pub struct Seed {
    /// People.
    pub users: Vec<SeedUser>,
    /// Clients.
    pub clients: Vec<SeedClient>,
}

/// A person.
#[derive(Clone, Debug)]
pub struct SeedUser {
    /// The address.
    pub email: Email,
    /// The password, as written.
    pub password: Zeroizing<String>,
    /// What they want to be called.
    pub name: Option<String>,
    /// What they are to the applications.
    pub roles: Roles,
}

/// A client.
#[derive(Debug)]
pub struct SeedClient {
    /// What it shall be.
    pub new: NewClient,
    /// The secret of a confidential one; without it, one is drawn and told once.
    pub secret: Option<Secret>,
}

impl Seed {
    /// Reads a seed file.
    ///
    /// # Errors
    /// All problems at once.
    pub fn read(document: &Document) -> Result<Self, Problems> {
        let mut problems = Vec::new();
        let table = document.parse(&mut problems);
        for key in table.keys() {
            let name: &str = key.get_ref();
            if !["users", "clients"].contains(&name) {
                let place = document.place(key.span());
                problems.push(Problem::unknown("a table of a seed file", name, ["users", "clients"], place));
            }
        }
        let mut seed = Self::default();
        for mut section in Section::all_of(document, &table, "users", &mut problems) {
            seed.users.extend(user(&mut section));
            problems.append(&mut section.finish());
        }
        for mut section in Section::all_of(document, &table, "clients", &mut problems) {
            seed.clients.extend(client(&mut section));
            problems.append(&mut section.finish());
        }
        if problems.is_empty() { Ok(seed) } else { Err(Problems(problems)) }
    }
}

fn user(section: &mut Section<'_>) -> Option<SeedUser> {
    section.knows_only(&["email", "password", "name", "roles"]);
    let typed = section.text("email");
    let email = typed.as_deref().and_then(Email::parse);
    if email.is_none() {
        section.wrong("email", "is needed, and must be an e-mail address");
    }
    let name = section.text("name");
    let parsed = name.as_deref().and_then(parse_name);
    if name.is_some() && parsed.is_none() {
        section.wrong("name", "must be 1 to 128 characters");
    }
    let roles = Roles::of(section.texts("roles").iter().flatten().map(String::as_str));
    if roles.is_none() {
        section.wrong("roles", "must be at most 16 words of 1 to 64 of A-Z a-z 0-9 . _ : / -");
    }
    let password = section.text("password").map(Zeroizing::new);
    let typed = typed.unwrap_or_default();
    let local = typed.split('@').next().unwrap_or_default();
    let words = [typed.as_str(), local, parsed.as_deref().unwrap_or_default()];
    let fine = password.as_ref().is_some_and(|password| Chosen::accept(password, &words).is_ok());
    if !fine {
        let why = format!("is needed: {SHORTEST} to {LONGEST} characters that are not the address or the name");
        section.wrong("password", &why);
    }
    Some(SeedUser { email: email?, password: password?, name: parsed, roles: roles? })
}

fn client(section: &mut Section<'_>) -> Option<SeedClient> {
    let known: Vec<&str> = ClientWords::KEYS.into_iter().chain(["secret"]).collect();
    section.knows_only(&known);
    let words = ClientWords {
        id: section.text("id"),
        kind: section.text("kind"),
        first_party: section.flag("first_party"),
        strategy: section.text("strategy"),
        transports: section.texts("transports"),
        origins: section.texts("origins"),
        audiences: section.texts("audiences"),
        scopes: section.texts("scopes"),
        algorithm: section.text("algorithm"),
        access_minutes: section.number("access_minutes"),
        profile: section.text("profile"),
        attempt_key: section.text("attempt_key"),
        disabled: None,
    };
    if words.strategy.is_none() {
        section.wrong("strategy", "is needed: session, jwt or hybrid");
    }
    let secret = secret(section, words.kind.as_deref());
    match words.read_new() {
        Ok(new) => {
            if let Err(unfit) = fit(&new, secret.as_ref()) {
                section.wrong("id", &format!("names a client that cannot be: {unfit}"));
            }
            Some(SeedClient { new, secret })
        }
        Err(all) => {
            for wrong in all {
                section.wrong(wrong.key, wrong.why);
            }
            None
        }
    }
}

fn secret(section: &mut Section<'_>, kind: Option<&str>) -> Option<Secret> {
    let text = Zeroizing::new(section.text("secret")?);
    let read = SecretKind::Client.parse(&text).filter(|_| kind == Some(ClientKind::Confidential.name()));
    if read.is_none() {
        section.wrong(
            "secret",
            "must be dwc_… as `doorward clients add` makes it, and only a confidential client has one",
        );
    }
    read
}

/// Would such a client be taken?
fn fit(new: &NewClient, secret: Option<&Secret>) -> Result<(), &'static str> {
    let mut client = new.client(doorward_core::policy::Profile::Relaxed, doorward_core::Timestamp::from_secs(0));
    if new.kind == ClientKind::Confidential {
        // One is drawn where none is given.
        let stand_in = secret.map_or(doorward_core::secret::SecretHash([0; 32]), Secret::hash);
        client.secrets.push(stand_in);
    }
    client.check().map_err(doorward_core::client::Unfit::sentence)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use doorward_core::client::{Strategy, Transport};

    use super::*;

    fn seed(text: &str) -> Result<Seed, Problems> {
        Seed::read(&Document::new(Path::new("seed.toml"), text.to_owned()))
    }

    #[test]
    fn people_and_clients_are_read() {
        let text = "[[users]]\nemail = \"bea@example.test\"\npassword = \"quiet-harbour-7\"\nname = \"Bea\"\n\
             [[clients]]\nid = \"shop\"\nstrategy = \"hybrid\"\ntransports = [\"cookie\", \"body\"]\n\
             origins = [\"http://localhost:3000\"]\naccess_minutes = 5\nalgorithm = \"EdDSA\"\nprofile = \"strict\"\n";
        let seed = seed(text).expect("a seed");
        assert_eq!(seed.users.len(), 1);
        let client =
            seed.clients[0].new.client(doorward_core::policy::Profile::Relaxed, doorward_core::Timestamp::MIN);
        assert_eq!((client.strategy, client.transports), (Strategy::Hybrid, Transport::ALL.to_vec()));
        assert_eq!((client.lifetimes.access.secs(), client.lifetimes.idle.secs()), (300, 900));
    }

    #[test]
    fn all_problems_of_a_seed_are_told_at_once() {
        let text = "[[user]]\n[[users]]\nemail = \"bea\"\npasword = \"x\"\n[[clients]]\nid = \"a\"\nstrategy = \"jwts\"\n\
             transports = [\"pigeon\"]\naccess_minutes = \"5\"\norigin = []\n\
             [[clients]]\nid = \"late\"\nstrategy = \"jwt\"\naccess_minutes = 61\n";
        let told = seed(text).expect_err("problems").to_string();
        for part in [
            "`user` is not a table of a seed file\n  --> seed.toml:1:",
            "did you mean `users`?",
            "`users[0].email` is needed, and must be an e-mail address\n  --> seed.toml:3:9",
            "`pasword` is not a known key of `users[0]`",
            "did you mean `password`?",
            "`users[0].password` is needed",
            "`clients[0].id` is needed",
            "`clients[0].strategy` is session, jwt or hybrid",
            "`clients[0].transports` are cookie and body",
            "`clients[0].access_minutes` takes a whole number",
            "did you mean `origins`?",
            "`clients[1].id` names a client that cannot be: access tokens live from 1 second to 60 minutes",
        ] {
            assert!(told.contains(part), "{part}\n--- in ---\n{told}");
        }
    }
}
