//! The service of the README is the one that is built here, and it lets nobody in before it knows what is revoked.
#![expect(clippy::disallowed_methods, reason = "a test starts a program, and waits for it by the clock")]

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

const README: &str = include_str!("../../../README.md");
const TEN_LINES: &str = include_str!("../src/bin/ten_lines.rs");

#[test]
fn the_readme_shows_the_ten_lines_as_they_are_built() {
    let from = TEN_LINES.find("use axum").unwrap();
    assert!(README.contains(&format!("```rust\n{}```\n", &TEN_LINES[from..])), "README.md shows another service");
    let body = TEN_LINES.split_once("async fn main()").unwrap().1;
    assert!(body.lines().filter(|line| line.ends_with([';', '?'])).count() <= 10, "more than ten");
    let (imports, rest): (Vec<&str>, Vec<&str>) =
        TEN_LINES[from..].lines().filter(|line| !line.is_empty()).partition(|line| line.starts_with("use "));
    assert_eq!((imports.len(), rest.len()), (3, 9), "README.md says how many lines it has");
}

/// The lines for a service's own `Cargo.toml` name what ours is built with, and no other version.
#[test]
fn the_dependencies_that_are_shown_are_those_that_it_is_built_with() {
    let ours: toml::Table = include_str!("../Cargo.toml").parse().unwrap();
    let workspace: toml::Table = include_str!("../../../Cargo.toml").parse().unwrap();
    for page in [README, include_str!("../../../docs/recipes/service.md")] {
        let block = page.split("```toml\n[dependencies]").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
        let shown: toml::Table = format!("[dependencies]{block}").parse().unwrap();
        let (shown, ours) = (shown["dependencies"].as_table().unwrap(), ours["dependencies"].as_table().unwrap());
        assert!(shown.keys().eq(ours.keys()), "{shown:?}");
        for (name, one) in shown {
            let shared = &workspace["workspace"]["dependencies"][name];
            let words = |of: &toml::Value| -> Vec<String> {
                let list = of.get("features").and_then(toml::Value::as_array);
                list.into_iter().flatten().filter_map(|word| word.as_str().map(str::to_owned)).collect()
            };
            let version = one.as_str().or_else(|| one.get("version")?.as_str());
            if let Some(version) = version {
                let used = shared["version"].as_str().unwrap();
                assert!(used.strip_prefix(version).is_some_and(|rest| rest.starts_with('.')), "{name}: {used}");
                let has = words(shared);
                assert!(words(one).iter().all(|word| has.contains(word)), "{name}: built with {has:?}");
            } else {
                let path = one["path"].as_str().unwrap().strip_prefix("../doorward/");
                assert_eq!(path, shared["path"].as_str(), "{name}");
                assert_eq!(words(one), words(&ours[name]), "{name}");
            }
        }
    }
}

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn ask(address: &str, more: &str) -> Option<String> {
    let mut stream = TcpStream::connect(address).ok()?;
    write!(stream, "GET /hello HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{more}\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    Some(answer)
}

#[test]
fn a_secret_that_is_none_is_told_in_words() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ten-lines"));
    let output = command.env("ISSUER", "http://127.0.0.1:9").env("SECRET", "").output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && told.contains("it begins with dwv_"), "{told}");
}

#[test]
fn a_service_whose_server_is_away_says_503_and_never_401() {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let secret = format!("dwv_{}abcdef", "A".repeat(43));
    let mut command = Command::new(env!("CARGO_BIN_EXE_ten-lines"));
    command.env("ISSUER", "http://127.0.0.1:9").env("SECRET", secret).env("LISTEN", &address);
    let _running = Running(command.spawn().unwrap());
    let start = Instant::now();
    let nobody = loop {
        match ask(&address, "") {
            Some(answer) => break answer,
            None => assert!(start.elapsed() < Duration::from_secs(30), "it does not listen"),
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    assert!(nobody.starts_with("HTTP/1.1 401") && nobody.contains("no_credentials"), "{nobody}");
    // A token of ours as far as its form goes: whether its key is known cannot be said yet.
    let token = "eyJhbGciOiJFUzI1NiIsImtpZCI6ImtleV94IiwidHlwIjoiYXQrand0In0.e30.AAAA";
    let somebody = ask(&address, &format!("authorization: Bearer {token}\r\n")).unwrap();
    assert!(somebody.starts_with("HTTP/1.1 503") && somebody.contains("revocation_unknown"), "{somebody}");
    assert!(somebody.to_ascii_lowercase().contains("retry-after: "), "{somebody}");
}
