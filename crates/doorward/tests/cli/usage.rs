//! What the program says to who has mistyped, and to who asks for help.

use super::support::{Ran, program, run};

fn said(words: &[&str], code: i32) -> Ran {
    let mut command = program();
    command.args(words);
    run(command, "").expect(code)
}

#[test]
fn a_word_that_is_none_is_answered_with_those_that_are() {
    let add = ["clients", "add", "shop"];
    for (flag, word, known) in [
        ("--strategy", "foo", &["session", "jwt", "hybrid"][..]),
        ("--transports", "cookie,pigeon", &["`pigeon`", "cookie and body"]),
        ("--algorithm", "none", &["ES256", "EdDSA", "RS256", "PS256", "HS256"]),
        ("--profile", "lax", &["relaxed", "standard", "strict"]),
        ("--attempt-key", "never", &["required", "optional"]),
        ("--kind", "secret", &["public", "confidential"]),
    ] {
        let ran = said(&[&add[..], &[flag, word]].concat(), 2);
        for known in known {
            assert!(ran.stderr.contains(known), "{flag} {word}: {known} is not in {}", ran.stderr);
        }
    }
    said(&["keys", "rotate", "--purpose", "foo"], 2).told("sign-es256").told("handle");
}

#[test]
fn the_usage_names_every_way_to_say_whom() {
    said(&["sessions", "end"], 2).told("--user").told("--all");
    said(&["sessions", "end", "ses_1", "--all"], 2).told("--all");
    let roles = ["users", "roles", "ada@example.test"];
    said(&roles, 2).told("<USER> <ROLE>...").told("<USER> --none");
    said(&[&roles[..], &["admin", "--none"]].concat(), 2).told("cannot be used with");
}

#[test]
fn help_keeps_a_verbs_own_options_apart_and_tells_what_is_usual() {
    let help = said(&["clients", "add", "--help"], 0).stdout;
    let (own, common) = help.split_once("Which server, and how it is told:").expect("a heading");
    for flag in ["--data", "--config", "--master-key-file", "--format"] {
        assert!(!own.contains(flag) && common.contains(flag), "{flag} in {help}");
    }
    for usual in ["a new client: session", "a new client: cookie", "a new client: ES256", "a new client: as"] {
        assert!(own.contains(usual), "{usual} is not in {help}");
    }
    let all = said(&["--help"], 0).stdout;
    assert!(all.contains("set roles") && all.contains("find what is weak"), "{all}");
    let advise = said(&["advise", "--help"], 0).stdout;
    for topic in doorward_core::advice::Topic::ALL {
        assert!(advise.contains(&format!("  {} ", topic.key())), "{} is not in {advise}", topic.key());
    }
}
