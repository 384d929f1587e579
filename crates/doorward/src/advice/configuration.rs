//! A configuration that is ready to be used: the file for `doorward serve`, and behind it, as comments, the clients and
//! services to add.

use doorward_core::advice::{Advice, Answers, Topic};
use doorward_core::client::{AttemptKey, Strategy};
use doorward_core::policy::{ACCESS_DEFAULT, Profile};

use crate::config::client::ClientWords;
use crate::config::settled::is_loopback;

/// The issuer of somebody who has not said theirs.
pub const ISSUER: &str = "https://id.example.com";
/// The origin of a page whose own is not known.
const ORIGIN: &str = "https://app.example.com";
/// More than the floor, on a machine that has room.
const MEMORY_KIB: u32 = 65_536;
/// What a service is called whose name is not known.
const SERVICE: &str = "api";

/// The file. Whoever has it has the commands too.
pub fn file(advice: &Advice, answers: &Answers, issuer: &str) -> String {
    let mut text = format!("# doorward.toml, by `doorward advise`. {}\n", advice.ground.headline());
    text += "# Put your own names in, make the master key, and have it looked at before it serves:\n";
    text += "#   (umask 077; doorward generate secret > /etc/doorward/master.key)\n";
    text += "#   doorward check --config doorward.toml\n\n";
    text += &format!("issuer = {}\n", quoted(issuer));
    text += "listen = \"127.0.0.1:8420\"\n";
    let behind_proxy = issuer.split_once("://").is_some_and(|(_, authority)| !is_loopback(authority));
    if behind_proxy {
        text += "trusted_proxies = [\"127.0.0.1\"]   # the proxy on this machine, which speaks https\n";
    }
    text += "data = \"/var/lib/doorward\"\nmaster_key_file = \"/etc/doorward/master.key\"\n";
    let asked: Vec<String> = yes(answers).map(|topic| quoted(topic.key())).collect();
    if !asked.is_empty() {
        text += "# What was answered with yes; `doorward check` holds this file and the clients to it.\n";
        text += &format!("asked = [{}]\n", asked.join(", "));
    }
    text += &format!("\n[session]\nprofile = \"{}\"\n", advice.profile.name());
    if advice.has_verifiers {
        text += "\n# What was ended is refused at every service that follows the feed within milliseconds, and never later\n";
        text += "# than both of these together.\n[feed]\nlease_most_ms = 3000\ngrace_most_ms = 0\n";
    }
    text += &format!("\n[hashing]\nmemory_kib = {MEMORY_KIB}\n\n# Once the server runs:\n#\n");
    for command in commands(advice) {
        text += &format!("#   {command}\n");
    }
    text
}

/// What is added by hand, a command each.
pub fn commands(advice: &Advice) -> Vec<String> {
    let mut commands = Vec::new();
    for words in clients(advice) {
        commands.push(command("clients add", &words));
    }
    if advice.profile != Profile::Relaxed {
        // The pages of Doorward itself sign people in by this one.
        commands.push(format!("doorward clients set account --profile {}", advice.profile.name()));
    }
    if advice.has_verifiers {
        commands.push(format!("doorward verifiers add {SERVICE}"));
    }
    commands
}

/// The clients to add, in the words of the command line, the admin API and seed files.
pub fn clients(advice: &Advice) -> Vec<ClientWords> {
    let words = |client: &doorward_core::advice::Proposed| ClientWords {
        id: Some(client.id.to_owned()),
        strategy: Some(client.strategy.name().to_owned()),
        transports: Some(vec![client.transport.name().to_owned()]),
        origins: client.has_origin.then(|| vec![ORIGIN.to_owned()]),
        access_minutes: (client.strategy != Strategy::Session && advice.access != ACCESS_DEFAULT)
            .then(|| advice.access.secs() / 60),
        profile: Some(advice.profile.name().to_owned()),
        attempt_key: (client.strategy == Strategy::Hybrid).then(|| AttemptKey::Required.name().to_owned()),
        ..ClientWords::default()
    };
    advice.clients.iter().map(words).collect()
}

fn command(verb: &str, words: &ClientWords) -> String {
    let mut text = format!("doorward {verb} {}", words.id.as_deref().unwrap_or_default());
    let minutes = words.access_minutes.map(|minutes| minutes.to_string());
    for (flag, value) in [
        ("strategy", words.strategy.clone()),
        ("transports", words.transports.as_ref().map(|list| list.join(","))),
        ("origins", words.origins.as_ref().map(|list| list.join(","))),
        ("access-minutes", minutes),
        ("profile", words.profile.clone()),
        ("attempt-key", words.attempt_key.clone()),
    ] {
        if let Some(value) = value {
            text += &format!(" --{flag} {value}");
        }
    }
    text
}

/// Topics that were answered with yes.
pub fn yes(answers: &Answers) -> impl Iterator<Item = Topic> + '_ {
    Topic::ALL.into_iter().filter(|topic| answers.says(*topic))
}

/// A text as TOML has it. None of ours has a quote inside.
fn quoted(text: &str) -> String {
    format!("\"{text}\"")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use doorward_core::Timestamp;
    use doorward_core::advice::{Answer, advise};
    use doorward_core::client::Client;

    use super::*;
    use crate::checks::{asked, clients as of_clients, settings};
    use crate::config::document::Document;
    use crate::config::{Mode, Raw, settle};

    /// Every combination of the six questions, each with one more fact or none.
    fn worlds() -> impl Iterator<Item = Answers> {
        let of_three = |number: usize| {
            (0..Topic::QUESTIONS).fold(Answers::default(), |answers, place| {
                let answer = Answer::ALL[number / 3usize.pow(place as u32) % 3];
                answers.with(Topic::ALL[place], answer)
            })
        };
        let more = |answers: Answers| {
            let facts = Topic::ALL[Topic::QUESTIONS..].iter();
            [answers].into_iter().chain(facts.map(move |topic| answers.with(*topic, Answer::Yes)))
        };
        (0..3usize.pow(Topic::QUESTIONS as u32)).map(of_three).flat_map(more)
    }

    #[test]
    fn every_configuration_it_can_print_is_settled_and_has_nothing_to_be_found() {
        let place = tempfile::tempdir().expect("a place");
        let key = place.path().join("master.key");
        std::fs::write(&key, "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8").expect("a key");
        let mut seen = BTreeSet::new();
        for answers in worlds() {
            let advice = advise(&answers);
            let text = file(&advice, &answers, ISSUER);
            let text = text.replace("\"/etc/doorward/master.key\"", &format!("{key:?}"));
            if !seen.insert(text.clone()) {
                continue;
            }
            let document = Document::new(Path::new("doorward.toml"), text.clone());
            let raw = Raw::gather_from(Some(Ok(document)), Vec::new(), &[], Mode::Serve);
            let settled = settle(raw, Mode::Serve).unwrap_or_else(|problems| panic!("{problems}\n{text}"));
            let mut found = settings::look(&settled, Mode::Serve);
            found.extend(asked::settings(&settled));
            let now = Timestamp::from_secs(0);
            let mut added: Vec<Client> = clients(&advice)
                .into_iter()
                .map(|words| words.read_new().expect("a client").client(settled.profile, now))
                .collect();
            added.iter().for_each(|client| client.check().expect("it can be so"));
            let mut account = Client::first_party(doorward_core::id::ClientId::account(), Strategy::Session, now);
            account.lifetimes = advice.profile.lifetimes();
            added.push(account);
            found.extend(of_clients::look(&added, ISSUER));
            let followed = if advice.has_verifiers { vec![ISSUER] } else { Vec::new() };
            found.extend(asked::clients(&settled.asked, &added, &followed, ISSUER));
            assert!(found.is_empty(), "{found:?}\n{text}");
        }
        assert!(seen.len() > 100, "{}", seen.len());
    }
}
