//! What configuration takes and refuses, stage by stage.

use std::ffi::OsString;
use std::path::Path;

use super::document::Document;
use super::{Mode, Problems, Raw, Settled, settle};

const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

/// Settles a file, an environment and flags.
fn settled(
    file: &str,
    environment: &[(&str, &str)],
    flags: &[(&'static str, &str)],
    mode: Mode,
) -> Result<Settled, Problems> {
    let document = Document::new(Path::new("doorward.toml"), file.to_owned());
    let environment = environment.iter().map(|(name, value)| (OsString::from(name), OsString::from(value))).collect();
    let flags: Vec<_> = flags.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    settle(Raw::gather_from(Some(Ok(document)), environment, &flags, mode), mode)
}

/// Everything that is wrong, as it is told.
fn told(file: &str, environment: &[(&str, &str)], flags: &[(&'static str, &str)], mode: Mode) -> String {
    settled(file, environment, flags, mode).map(|_| ()).expect_err("problems").to_string()
}

#[test]
fn a_later_word_counts_more_than_an_earlier_one() {
    let file = "signup = true\n[hashing]\npasses = 3\n";
    let by_file = settled(file, &[], &[], Mode::Verb).expect("settled");
    assert_eq!((by_file.listen.port(), by_file.hash_cost.passes, by_file.signup_open), (8420, 3, true));
    let environment = [("DOORWARD_HASHING_PASSES", "4"), ("DOORWARD_LISTEN", ":1"), ("HOME", "/")];
    let by_environment = settled(file, &environment, &[], Mode::Verb).expect("settled");
    assert_eq!((by_environment.listen.port(), by_environment.hash_cost.passes), (1, 4));
    let by_flag = settled(file, &environment, &[("listen", "[::1]:2")], Mode::Verb).expect("settled");
    assert_eq!(by_flag.listen.to_string(), "[::1]:2");
}

#[test]
fn all_problems_are_told_at_once_each_with_its_place() {
    let file =
        "isuer = \"https://id.example.com\"\nsignup = \"yes\"\n[hashing]\npasses = 1\nmemory_kb = 1\n[hashig]\n";
    let environment = [("DOORWARD_LISTN", "x"), ("DOORWARD_CACHE_RECORDS", "many")];
    let told = told(file, &environment, &[("listen", "nowhere")], Mode::Serve);
    for part in [
        "`isuer` is not a known key\n  --> doorward.toml:1:1\n  help: did you mean `issuer`?",
        "`signup` takes true or false, and this is of type string\n  --> doorward.toml:2:1",
        "1 is not from 2 to 16\n  --> doorward.toml:4:1",
        "`hashing.memory_kb` is not a known key\n  --> doorward.toml:5:1\n  help: did you mean `hashing.memory_kib`?",
        "`hashig` is not a known key\n  --> doorward.toml:6:2\n  help: did you mean `hashing`?",
        "`DOORWARD_LISTN` is not a variable of Doorward",
        "did you mean `DOORWARD_LISTEN`?",
        "`cache.records` takes a whole number, and this is `many`\n  --> environment variable DOORWARD_CACHE_RECORDS",
        "it is HOST:PORT or :PORT\n  --> flag --listen",
        "`issuer` is needed and missing",
        "`master_key` is needed and missing",
    ] {
        assert!(told.contains(part), "{part}\n--- in ---\n{told}");
    }
}

#[test]
fn a_broken_file_is_told_with_its_line() {
    let told = told("listen = \n", &[], &[], Mode::Verb);
    assert!(told.contains("this is no TOML") && told.contains("doorward.toml:1:"), "{told}");
}

#[test]
fn the_master_key_is_given_once_and_never_in_the_file() {
    let given = [("DOORWARD_MASTER_KEY", KEY)];
    let master = settled("", &given, &[], Mode::Verb).expect("settled").master.expect("a master key");
    assert_eq!(master.expose()[..3], [0, 1, 2]);
    let twice = [("DOORWARD_MASTER_KEY", KEY), ("DOORWARD_MASTER_KEY_FILE", "/nowhere")];
    let text = told("", &twice, &[], Mode::Verb);
    assert!(text.contains("by DOORWARD_MASTER_KEY and by DOORWARD_MASTER_KEY_FILE"), "{text}");
    let text = told(&format!("master_key = \"{KEY}\""), &[], &[], Mode::Verb);
    assert!(text.contains("has no place in this file") && !text.contains(KEY), "{text}");
    for wrong in [&KEY[1..], &format!("{KEY}="), &format!("{KEY}\n\n"), ""] {
        let text = told("", &[("DOORWARD_MASTER_KEY", wrong)], &[], Mode::Verb);
        assert!(text.contains("43 characters") && (wrong.is_empty() || !text.contains(wrong)), "{text}");
    }
    assert!(settled("", &[("DOORWARD_MASTER_KEY", &format!("{KEY}\n"))], &[], Mode::Verb).is_ok());
}

#[test]
fn an_issuer_is_an_origin_and_plain_http_stays_at_home() {
    for (issuer, fine) in [
        ("https://id.example.com", true),
        ("https://id.example.com:8443", true),
        ("http://localhost:8420", true),
        ("http://127.0.0.1", true),
        ("http://[::1]:1", true),
        ("http://id.example.com", false),
        ("http://localhost.example.com", false),
        ("https://id.example.com/", false),
        ("https://id.example.com/realm", false),
        ("https://user@id.example.com", false),
        ("https://ID.example.com", false),
        ("https://", false),
        ("id.example.com", false),
        ("ftp://id.example.com", false),
    ] {
        assert_eq!(settled("", &[], &[("issuer", issuer)], Mode::Verb).is_ok(), fine, "{issuer}");
    }
}

#[test]
fn proxies_are_listed_in_the_file_or_with_commas_and_every_wrong_one_is_told() {
    let listed = |settled: Settled| settled.trusted_proxies.iter().map(ToString::to_string).collect::<Vec<_>>();
    let file = "trusted_proxies = [\"10.0.0.0/8\", \"::1\"]";
    assert_eq!(listed(settled(file, &[], &[], Mode::Verb).expect("settled")), ["10.0.0.0/8", "::1/128"]);
    let environment = [("DOORWARD_TRUSTED_PROXIES", "192.0.2.1, 2001:db8::/32")];
    let by_environment = settled(file, &environment, &[], Mode::Verb).expect("settled");
    assert_eq!(listed(by_environment), ["192.0.2.1/32", "2001:db8::/32"]);
    assert!(listed(settled("", &[], &[], Mode::Verb).expect("settled")).is_empty(), "nobody by default");
    let told = told("trusted_proxies = [\"10.0.0.1/8\", \"all\"]", &[], &[], Mode::Verb);
    assert!(told.contains("`10.0.0.1/8` has bits behind") && told.contains("`all` is no address"), "{told}");
    for wrong in ["trusted_proxies = \"10.0.0.0/8\"", "trusted_proxies = [1]"] {
        assert!(settled(wrong, &[], &[], Mode::Verb).is_err(), "{wrong}");
    }
}

#[test]
fn dev_binds_loopback_and_nothing_else() {
    for (listen, fine) in [
        ("127.0.0.1:0", true),
        (":0", true),
        ("localhost:8420", true),
        ("[::1]:8420", true),
        ("127.8.9.1:1", true),
        ("0.0.0.0:8420", false),
        ("[::]:8420", false),
        ("192.0.2.7:8420", false),
        ("127.0.0.1", false),
        ("127.0.0.1:65536", false),
        ("host.example:1", false),
    ] {
        assert_eq!(settled("", &[], &[("listen", listen)], Mode::Dev).is_ok(), fine, "{listen}");
    }
    assert!(settled("", &[], &[("listen", "0.0.0.0:8420")], Mode::Verb).is_ok());
}

#[test]
fn limits_hold_at_the_edge_and_one_past_it() {
    for (name, value, fine) in [
        ("DOORWARD_HASHING_MEMORY_KIB", "19456", true),
        ("DOORWARD_HASHING_MEMORY_KIB", "19455", false),
        ("DOORWARD_HASHING_MEMORY_KIB", "1048576", true),
        ("DOORWARD_HASHING_MEMORY_KIB", "1048577", false),
        ("DOORWARD_HASHING_PASSES", "2", true),
        ("DOORWARD_HASHING_PASSES", "1", false),
        ("DOORWARD_HASHING_THREADS", "0", false),
        ("DOORWARD_REFRESH_LEEWAY_SECONDS", "0", true),
        ("DOORWARD_REFRESH_LEEWAY_SECONDS", "60", true),
        ("DOORWARD_REFRESH_LEEWAY_SECONDS", "61", false),
        ("DOORWARD_REFRESH_LEEWAY_SECONDS", "-1", false),
        ("DOORWARD_SESSION_PROFILE", "strict", true),
        ("DOORWARD_SESSION_PROFILE", "stricter", false),
        ("DOORWARD_THROTTLE_BURST", "0", false),
        ("DOORWARD_THROTTLE_BURST", "1", true),
        ("DOORWARD_THROTTLE_BURST", "100000", true),
        ("DOORWARD_THROTTLE_BURST", "100001", false),
        ("DOORWARD_THROTTLE_PER_MINUTE", "0", false),
        ("DOORWARD_THROTTLE_PER_MINUTE", "60000", true),
        ("DOORWARD_THROTTLE_PER_MINUTE", "60001", false),
        ("DOORWARD_FEED_BUDGET", "9999", false),
        ("DOORWARD_FEED_BUDGET", "10000", true),
        ("DOORWARD_FEED_LEASE_MOST_MS", "499", false),
        ("DOORWARD_FEED_LEASE_MOST_MS", "500", true),
        ("DOORWARD_FEED_LEASE_MOST_MS", "60000", true),
        ("DOORWARD_FEED_LEASE_MOST_MS", "60001", false),
        ("DOORWARD_FEED_GRACE_MOST_MS", "0", true),
        ("DOORWARD_FEED_GRACE_MOST_MS", "3600001", false),
        ("DOORWARD_FEED_CONNECTIONS", "0", false),
        ("DOORWARD_FEED_CONNECTIONS", "1", true),
        ("DOORWARD_LOG_LEVEL", "debug", true),
        ("DOORWARD_LOG_LEVEL", "3", false),
    ] {
        assert_eq!(settled("", &[(name, value)], &[], Mode::Verb).is_ok(), fine, "{name}={value}");
    }
}
