//! Roles of a person by the program's own verbs: whole, within limits, and written down.

use super::*;

fn told(data: &Path, words: &[&str]) -> Value {
    let words: Vec<&str> = words.iter().copied().chain(["--format", "json"]).collect();
    verb(data, &words).expect(0).json()
}

/// How many roles somebody has.
fn roles_of(data: &Path, email: &str) -> usize {
    let all = told(data, &["users", "list"]);
    let user =
        all["data"].as_array().and_then(|all| all.iter().find(|user| user["email"] == email)).expect("an account");
    user["roles"].as_array().expect("a list").len()
}

#[test]
fn an_operator_gives_and_takes_roles_and_the_log_says_so() {
    let (_place, data) = place();
    let server = Server::dev(&data, &[]);
    let added =
        told(&data, &["users", "add", "bea@example.test", "--generate", "--role", "writer", "--role", "admin"]);
    assert_eq!(added["user"]["roles"], serde_json::json!(["admin", "writer"]));
    let signed_in = server.sign_in("bea@example.test", added["password"].as_str().expect("one"), "demo-jwt").json();
    assert_eq!(signed_in["user"]["roles"], added["user"]["roles"], "from the first sign-in on");
    assert_eq!(told(&data, &["users", "roles", "bea@example.test", "zoo"])["user"]["roles"][0], "zoo");
    assert!(verb(&data, &["users", "list"]).expect(0).stdout.contains(" zoo "));
    assert_eq!(roles_of(&data, "bea@example.test"), 1);
    let taken = verb(&data, &["users", "roles", "bea@example.test", "--none"]).expect(0).stdout;
    assert!(taken.contains("nobody is signed out"), "{taken}");
    assert_eq!(roles_of(&data, "bea@example.test"), 0);
    verb(&data, &["users", "roles", "bea@example.test"]).expect(2);
    verb(&data, &["users", "roles", "bea@example.test", "zoo", "--none"]).expect(2);
    verb(&data, &["users", "roles", "nobody@example.test", "zoo"]).expect(1);
    let log = verb(&data, &["audit", "list", "--limit", "100"]).expect(0).stdout;
    assert_eq!(log.matches("user.roles_set").count(), 2, "{log}");
    verb(&data, &["audit", "verify"]).expect(0);
}

/// Sixteen roles of sixty-four letters; one more, or a letter more, changes nothing.
#[test]
fn more_or_longer_roles_than_there_may_be_are_refused() {
    let (_place, data) = place();
    let _server = Server::dev(&data, &[]);
    let all: Vec<String> = (0..17).map(|number| format!("{number:0>64}")).collect();
    let set = |roles: &[String]| {
        let words: Vec<&str> = ["users", "roles", ADA].into_iter().chain(roles.iter().map(String::as_str)).collect();
        verb(&data, &words)
    };
    set(&all[..16]).expect(0);
    set(&all).expect(2).told("roles");
    for bad in ["a b", "a,b", "\u{e9}", &format!("{}x", all[0])] {
        set(&[bad.to_owned()]).expect(2).told("roles");
    }
    assert_eq!(roles_of(&data, ADA), 16);
}
