//! `doorward advise` as somebody meets it who has not decided, and `doorward check` as it holds them to it.

use std::fs;
use std::path::Path;

use rustix::process::Signal;
use serde_json::Value;

use super::support::{Ran, Server, doorward, program, run};
use super::{KEY, place};

/// Runs it over a file of answers.
fn advise(place: &Path, answers: &str, words: &[&str]) -> Ran {
    let file = place.join("answers.toml");
    fs::write(&file, answers).expect("a file");
    let mut command = program();
    command.args(["advise", "--answers"]).arg(file).args(words);
    run(command, "")
}

/// Runs it with answers on stdin.
fn piped(lines: &str, words: &[&str]) -> Ran {
    let mut command = program();
    command.arg("advise").args(words);
    run(command, lines)
}

fn ids(ran: &Ran) -> Vec<String> {
    let found = ran.json()["data"].as_array().expect("a list").clone();
    found.iter().map(|finding| finding["id"].as_str().expect("an id").to_owned()).collect()
}

#[test]
fn what_it_prints_serves_and_passes_the_check_and_later_changes_are_held_to_it() {
    let (place, data) = place();
    let file = place.path().join("doorward.toml");
    let words = ["--format", "json", "--write", file.to_str().expect("text")];
    let told =
        advise(place.path(), "services = true\nrevocation = true\ncompliance = true\nmonolith = false", &words);
    let told = told.expect(0).told("note: wrote");
    let report = told.json();
    assert_eq!((report["strategy"].as_str(), report["ground"].as_str()), (Some("hybrid"), Some("both_ways")));
    let towards = |topic: &str| {
        let pulls = report["pulls"].as_array().expect("pulls").iter();
        let pull = pulls.clone().find(|pull| pull["topic"] == topic).expect("a pull");
        assert!(pull["why"].as_str().is_some_and(|why| why.len() > 20), "{pull}");
        pull["towards"].clone()
    };
    assert_eq!((towards("services"), towards("revocation")), (Value::from("jwt"), Value::from("session")));
    assert_eq!((towards("compliance"), towards("monolith")), (Value::from("session"), Value::Null));
    // The key and the folder are the only things that are not as printed.
    let key = place.path().join("key");
    fs::write(&key, KEY).expect("a key");
    std::process::Command::new("chmod").args(["600"]).arg(&key).status().expect("a mode");
    let text = fs::read_to_string(&file).expect("the configuration");
    assert_eq!(report["configuration"].as_str(), Some(text.as_str()));
    let text = text.replace("\"/etc/doorward/master.key\"", &format!("{key:?}"));
    fs::write(&file, text.replace("\"/var/lib/doorward\"", &format!("{data:?}"))).expect("a file");
    let doorward = |words: &[&str]| {
        let mut command = program();
        command.args(words).arg("--config").arg(&file);
        run(command, "")
    };
    let check = || ids(&doorward(&["check", "--format", "json"]).expect(0));
    assert_eq!(check(), Vec::<String>::new(), "before there is a database");
    let mut command = program();
    command.args(["serve", "--listen", "127.0.0.1:0", "--config"]).arg(&file);
    let server = Server::start(command, &data);
    for command in report["commands"].as_array().expect("commands") {
        let words: Vec<&str> = command.as_str().expect("text").split(' ').collect();
        assert_eq!(words[0], "doorward");
        doorward(&words[1..]).expect(0);
    }
    assert_eq!(check(), Vec::<String>::new(), "after everything is added that was printed");

    let audience = ["--audiences", "https://orders.example.com"];
    doorward(&[&["clients", "add", "late", "--strategy", "jwt", "--profile", "strict"][..], &audience].concat())
        .expect(0);
    assert_eq!(check(), ["DW503"], "nobody follows the feed for that audience");
    doorward(&["verifiers", "add", "orders", "--audience", "https://orders.example.com"]).expect(0);
    assert_eq!(check(), Vec::<String>::new());
    doorward(&["clients", "set", "late", "--profile", "relaxed"]).expect(0);
    assert_eq!(check(), ["DW504"]);
    assert_eq!(server.stop(Signal::TERM).code(), Some(0));
    assert_eq!(check(), ["DW504"], "without a server the same");
    let loosened = fs::read_to_string(&file).expect("it").replace("grace_most_ms = 0", "grace_most_ms = 9000");
    fs::write(&file, loosened.replace("profile = \"strict\"", "profile = \"relaxed\"")).expect("a file");
    assert_eq!(check(), ["DW501", "DW502", "DW504"]);
}

#[test]
fn a_simple_application_is_told_to_just_use_sessions_in_words() {
    let (place, _) = place();
    let told = advise(place.path(), "monolith = true\nsmall_team = \"yes\"\nmobile = \"no\"", &[]).expect(0).stdout;
    for part in [
        "Just use sessions.\n",
        "weeks on logging out",
        "Speaks for sessions\n  - monolith = yes: The look-up is at home",
        "  - small_team = yes: ",
        "Leaves the choice open\n  - mobile = no: ",
        "web: strategy session, by cookie",
        "53 bytes  session: the secret in the cookie",
        "µs  verification of an access token, ES256",
        "The three beside one another",
        "never more than 3 seconds",
        "  issuer = \"https://id.example.com\"",
        "  asked = [\"monolith\", \"small_team\"]",
        "doorward clients add web --strategy session --transports cookie --profile relaxed",
    ] {
        assert!(told.contains(part), "{part:?} is not in\n{told}");
    }
    assert!(!told.contains("verifiers add") && !told.contains("[feed]"), "{told}");
    assert!(told.lines().all(|line| line.chars().count() <= 140 && !line.ends_with(' ')), "{told}");
}

#[test]
fn answers_are_read_from_a_pipe_and_the_questions_stay_out_of_what_it_prints() {
    let ran = piped("y\nYES\n\nno\nn\nunsure\n2, 9\n", &["--format", "toml", "--issuer", "https://id.acme.test"]);
    let ran = ran
        .expect(0)
        .told("1/6  Do several services")
        .told("yes: speaks for tokens. Each service")
        .told("15  Willing");
    assert!(ran.stdout.starts_with("# doorward.toml, by `doorward advise`. Use the hybrid"), "{}", ran.stdout);
    assert!(ran.stdout.contains("asked = [\"services\", \"revocation\", \"server_rendered\", \"many_servers\"]"));
    assert!(ran.stdout.contains("issuer = \"https://id.acme.test\""));
    assert!(!ran.stdout.contains("1/6"));
}

#[test]
fn no_to_the_list_is_none_of_it() {
    for none in ["n", "NO", "none", ""] {
        let ran = piped(&format!("n\nn\nn\ny\nn\nn\n{none}\n"), &["--format", "toml"]).expect(0);
        assert!(ran.stdout.contains("asked = [\"monolith\"]"), "{none}: {}", ran.stdout);
    }
}

#[test]
fn all_that_is_wrong_with_answers_is_told_at_once() {
    let ran = piped("y\nperhaps\n\nn\nn\nmaybe\n1,99\n", &[]).expect(2);
    let ran = ran.told("question 2 takes yes, no or nothing, and `perhaps` is none").told("question 6 takes");
    let ran = ran.told("the list takes numbers from 1 to 15, and `99` is none");
    assert!(ran.stdout.is_empty());
    piped("y\ny\n", &[]).expect(2).told("question 3 was not answered").told("the list was not answered");
    piped("", &["--issuer", "http://id.acme.test"]).expect(2).told("plain http is for loopback alone");
    let (place, _) = place();
    let wrong = advise(place.path(), "servces = true\nedge = 3\n", &[]).expect(3);
    wrong.told("did you mean `services`?").told("`edge` takes true, false");
    doorward(&["advise", "--answers", "/nowhere/answers.toml"]).expect(3).told("cannot be read");
}

#[test]
fn a_file_that_is_there_is_not_written_over() {
    let (place, _) = place();
    let file = place.path().join("doorward.toml");
    fs::write(&file, "mine").expect("a file");
    let words = ["--format", "toml", "--write", file.to_str().expect("text")];
    advise(place.path(), "", &words).expect(2).told("cannot be written");
    assert_eq!(fs::read_to_string(&file).expect("it"), "mine");
}

#[test]
fn saved_figures_are_told_instead_of_fresh_ones() {
    let (place, _) = place();
    let fresh = advise(place.path(), "", &["--format", "json"]).expect(0).json()["figures"].clone();
    assert!(fresh["figures"].as_array().expect("figures").len() >= 8, "{fresh}");
    assert!(fresh["machine"]["cores"].as_u64().is_some_and(|cores| cores > 0));
    let mut saved = fresh.clone();
    let figures = saved["figures"].as_array_mut().expect("figures");
    let stored = figures.iter_mut().find(|reading| reading["name"] == "look_up_stored_us").expect("a reading");
    stored["median"] = Value::from(4321.0);
    let file = place.path().join("figures.json");
    let with = |figures: &Value| {
        fs::write(&file, figures.to_string()).expect("a file");
        advise(place.path(), "", &["--bench", file.to_str().expect("text")])
    };
    assert!(with(&saved).expect(0).stdout.contains("4321 µs  look-up of a session in SQLite"));
    saved["version"] = Value::from(99);
    with(&saved).expect(3).told("of form 99");
    with(&Value::from(1)).expect(3).told("holds no figures").told("doorward bench --format json");
}
