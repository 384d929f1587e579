//! `doorward check` as an operator meets it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use rustix::process::Signal;

use super::support::{Ran, Server, program, run};
use super::{KEY, place, verb};

/// A configuration file with these lines, and a master key in a file of its own beside it.
fn configured(place: &Path, lines: &str) -> std::path::PathBuf {
    let key = place.join("key");
    fs::write(&key, KEY).expect("a key");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).expect("a mode");
    let file = place.join("doorward.toml");
    let data = place.join("data");
    let text = format!("data = {data:?}\nmaster_key_file = {key:?}\nissuer = \"https://id.example.com\"\n{lines}\n");
    fs::write(&file, text).expect("a file");
    file
}

fn check(file: &Path, words: &[&str]) -> Ran {
    let mut command = program();
    command.args(["check", "--config"]).arg(file).args(words);
    run(command, "")
}

fn ids(ran: &Ran) -> Vec<String> {
    let found = ran.json()["data"].as_array().expect("a list").clone();
    found.iter().map(|finding| finding["id"].as_str().expect("an id").to_owned()).collect()
}

#[test]
fn a_demo_is_told_as_one_and_what_was_loosened_in_it_too() {
    let (_place, data) = place();
    let server = Server::dev(&data, &[]);
    assert_eq!(ids(&verb(&data, &["check", "--format", "json"]).expect(1)), ["DW301", "DW103"]);
    verb(&data, &["clients", "set", "demo-hybrid", "--origins", "https://app.example.com"]).expect(0);
    fs::set_permissions(data.join("doorward.db"), fs::Permissions::from_mode(0o644)).expect("a mode");
    let running = ids(&verb(&data, &["check", "--format", "json"]).expect(1));
    assert_eq!(running, ["DW202", "DW301", "DW401", "DW103"]);
    assert_eq!(server.stop(Signal::TERM).code(), Some(0));
    assert_eq!(ids(&verb(&data, &["check", "--format", "json"]).expect(1)), running, "without a server the same");
    let told = verb(&data, &["check"]).expect(1).stdout;
    for part in ["error[DW401]", "--> client demo-hybrid", "help: ", "3 errors, 0 warnings, 1 hints"] {
        assert!(told.contains(part), "{part} is not in {told}");
    }
}

#[test]
fn a_server_that_is_set_up_well_passes_and_one_that_is_not_does_not() {
    let (place, data) = place();
    let well = "trusted_proxies = [\"127.0.0.1\"]\n[hashing]\nmemory_kib = 65536";
    let file = configured(place.path(), well);
    let ran = check(&file, &["--format", "json"]).expect(0).told("no database");
    assert_eq!(ids(&ran), Vec::<String>::new());
    let mut command = program();
    command.args(["serve", "--listen", "127.0.0.1:0", "--config"]).arg(&file);
    let server = Server::start(command, &data);
    assert_eq!(ids(&check(&file, &["--format", "json"]).expect(0)), Vec::<String>::new(), "with its database");
    assert_eq!(server.stop(Signal::TERM).code(), Some(0));
    let file = configured(place.path(), "trusted_proxies = [\"0.0.0.0/0\"]\nsignup = true");
    let key = place.path().join("key");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).expect("a mode");
    assert_eq!(ids(&check(&file, &["--format", "json"]).expect(1)), ["DW104", "DW201", "DW102", "DW103"]);
    let file = configured(place.path(), "signup = true\ntrusted_proxies = [\"127.0.0.1\"]");
    check(&file, &[]).expect(0);
    let file = configured(place.path(), "signup = \"perhaps\"");
    check(&file, &[]).expect(3).told("signup");
}

#[test]
fn everything_that_keeps_a_server_from_starting_is_told_at_once_as_the_server_tells_it() {
    let (place, data) = place();
    let file = place.path().join("doorward.toml");
    fs::write(
        &file,
        format!(
            "data = {data:?}
signup = true
nonsense = 1
[hashing]
passes = 1
"
        ),
    )
    .expect("a file");
    let told = |verb: &str| {
        let mut command = program();
        command.args([verb, "--config"]).arg(&file);
        run(command, "").expect(3).stderr
    };
    let checked = told("check");
    for part in ["`nonsense`", "`hashing.passes`", "`issuer` is needed", "`master_key` is needed"] {
        assert!(checked.contains(part), "{part} is not in {checked}");
    }
    assert_eq!(checked, told("serve"));
}

#[test]
fn the_account_and_the_clients_of_a_demo_are_found_in_a_real_database() {
    let (place, data) = place();
    let file = configured(place.path(), "trusted_proxies = [\"127.0.0.1\"]\n[hashing]\nmemory_kib = 65536");
    let mut command = program();
    command.args(["serve", "--listen", "127.0.0.1:0", "--config"]).arg(&file);
    let _server = Server::start(command, &data);
    let add = |words: &[&str]| {
        let mut command = program();
        command.args(words).arg("--config").arg(&file);
        run(command, "copper-lantern-41\n").expect(0)
    };
    add(&["users", "add", "ada@example.test", "--password-stdin"]);
    add(&["clients", "add", "demo-jwt", "--strategy", "jwt"]);
    assert_eq!(ids(&check(&file, &["--format", "json"]).expect(1)), ["DW302", "DW303"]);
    add(&["users", "suspend", "ada@example.test"]);
    add(&["clients", "set", "demo-jwt", "--disable"]);
    assert_eq!(ids(&check(&file, &["--format", "json"]).expect(0)), Vec::<String>::new());
    let mut command = program();
    command.env("DOORWARD_MASTER_KEY", KEY).args(["check", "--format", "json", "--config"]).arg(&file);
    let ran = run(command, "").expect(0);
    assert_eq!(ids(&ran), ["DW112"]);
    assert!(!ran.stdout.contains(KEY) && !ran.stderr.contains(KEY));
}
