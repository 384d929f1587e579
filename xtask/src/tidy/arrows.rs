//! Who may depend on whom: each room looks only to its left, and the two inner rooms stay pure.

use super::Finding;
use crate::cargo::{cargo, printed};
use crate::workspace::Workspace;

/// A room and the rooms it may look at.
struct Room {
    name: &'static str,
    sees: &'static [&'static str],
    /// All its direct dependencies, where they are counted one by one.
    direct: Option<&'static [&'static str]>,
    /// Whether it must reach nothing that does IO or draws.
    pure: bool,
}

const ROOMS: [Room; 4] = [
    Room {
        name: "doorward-verify",
        sees: &[],
        direct: Some(&["aws-lc-rs", "base64-simd", "hashbrown", "zeroize", "subtle"]),
        pure: true,
    },
    Room {
        name: "doorward-core",
        sees: &["doorward-verify"],
        direct: Some(&[
            "doorward-verify",
            "argon2",
            "aws-lc-rs",
            "base64-simd",
            "bcrypt",
            "crc32fast",
            "hashbrown",
            "md-5",
            "scrypt",
            "subtle",
            "unicode-normalization",
            "zeroize",
        ]),
        pure: true,
    },
    Room { name: "doorward-store", sees: &["doorward-core", "doorward-verify"], direct: None, pure: false },
    Room {
        name: "doorward",
        sees: &["doorward-store", "doorward-core", "doorward-verify"],
        direct: None,
        pure: false,
    },
];

/// The most direct dependencies of the room that goes into other people's services…
const VERIFY_MOST: usize = 6;
/// …and of the same where it follows the feed by itself.
const FOLLOW_MOST: usize = 11;
/// What following takes beside what verifying takes.
const FOLLOW: [&str; 7] =
    ["http-body-util", "hyper", "hyper-util", "rustix", "rustls-native-certs", "tokio", "tokio-rustls"];

/// What a pure room must not reach, however far away.
const IMPURE: [&str; 7] = ["tokio", "mio", "hyper", "reqwest", "rusqlite", "rand", "getrandom"];

/// Asks cargo for the trees and judges them.
pub(crate) fn check(workspace: &Workspace, findings: &mut Vec<Finding>) {
    let manifest = "crates/doorward-verify/Cargo.toml";
    match tree(workspace, "doorward-verify", &["--features", "follow", "--depth", "1"]) {
        Ok(direct) => judge_follow(&direct, findings),
        Err(why) => findings.push(Finding::new(manifest, 1, why)),
    }
    for room in &ROOMS {
        let manifest = format!("crates/{}/Cargo.toml", room.name);
        match tree(workspace, room.name, &["--no-default-features", "--depth", "1"]) {
            Ok(direct) => judge_direct(room, &manifest, &direct, findings),
            Err(why) => findings.push(Finding::new(&manifest, 1, why)),
        }
        match tree(workspace, room.name, &["--all-features", "--depth", "1"]) {
            Ok(direct) => judge_arrows(room, &manifest, &direct, findings),
            Err(why) => findings.push(Finding::new(&manifest, 1, why)),
        }
        if room.pure {
            match tree(workspace, room.name, &["--no-default-features"]) {
                Ok(all) => judge_purity(room, &manifest, &all, findings),
                Err(why) => findings.push(Finding::new(&manifest, 1, why)),
            }
        }
    }
}

/// What the feature `follow` may bring along.
fn judge_follow(direct: &[String], findings: &mut Vec<Finding>) {
    let manifest = "crates/doorward-verify/Cargo.toml";
    let known = ROOMS[0].direct.unwrap_or_default();
    for name in direct.iter().filter(|name| !known.contains(&name.as_str()) && !FOLLOW.contains(&name.as_str())) {
        let message = format!("`{name}` is not on the list of what following takes: a new one needs a decision");
        findings.push(Finding::new(manifest, 1, message));
    }
    if direct.len() > FOLLOW_MOST {
        let message = format!("{} direct dependencies with `follow`, {FOLLOW_MOST} are allowed", direct.len());
        findings.push(Finding::new(manifest, 1, message));
    }
}

/// The names in `cargo tree`, without the room itself.
fn tree(workspace: &Workspace, name: &str, more: &[&str]) -> Result<Vec<String>, String> {
    let mut command = cargo(workspace, &["tree", "-p", name, "-e", "normal", "--prefix", "none"]);
    command.args(more);
    printed(command).map(|text| listed(&text))
}

fn listed(text: &str) -> Vec<String> {
    let mut names: Vec<String> =
        text.lines().skip(1).filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect();
    names.sort();
    names.dedup();
    names
}

fn judge_direct(room: &Room, manifest: &str, direct: &[String], findings: &mut Vec<Finding>) {
    let Some(allowed) = room.direct else { return };
    for name in direct.iter().filter(|name| !allowed.contains(&name.as_str())) {
        let message =
            format!("`{name}` is not on the list of {}'s dependencies: a new one needs a decision", room.name);
        findings.push(Finding::new(manifest, 1, message));
    }
    if room.name == "doorward-verify" && direct.len() > VERIFY_MOST {
        let message = format!("{} direct dependencies, {VERIFY_MOST} are allowed", direct.len());
        findings.push(Finding::new(manifest, 1, message));
    }
}

fn judge_arrows(room: &Room, manifest: &str, direct: &[String], findings: &mut Vec<Finding>) {
    let ours = direct.iter().filter(|name| name.starts_with("doorward"));
    for name in ours.filter(|name| !room.sees.contains(&name.as_str())) {
        let message = format!("{} must not see `{name}`: rooms look only to their left", room.name);
        findings.push(Finding::new(manifest, 1, message));
    }
}

fn judge_purity(room: &Room, manifest: &str, all: &[String], findings: &mut Vec<Finding>) {
    for name in all.iter().filter(|name| IMPURE.contains(&name.as_str())) {
        let message = format!("{} is pure and must not reach `{name}` (see `cargo tree -i {name}`)", room.name);
        findings.push(Finding::new(manifest, 1, message));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VERIFY: &Room = &ROOMS[0];
    const CORE: &Room = &ROOMS[1];

    fn names(words: &str) -> Vec<String> {
        words.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn following_takes_what_is_listed_and_no_more() {
        let mut findings = Vec::new();
        judge_follow(&names("aws-lc-rs base64-simd hashbrown tokio hyper hyper-util http-body-util"), &mut findings);
        assert!(findings.is_empty(), "{findings:?}");
        judge_follow(&names("tokio reqwest"), &mut findings);
        assert_eq!(findings.len(), 1);
        judge_follow(&vec!["tokio".to_owned(); FOLLOW_MOST + 1], &mut findings);
        assert_eq!(findings.len(), 2);
    }

    fn check_room(judge: fn(&Room, &str, &[String], &mut Vec<Finding>), room: &Room, words: &str, expect: usize) {
        let mut findings = Vec::new();
        judge(room, "Cargo.toml", &names(words), &mut findings);
        assert_eq!(findings.len(), expect, "{findings:?}");
    }

    #[test]
    fn cargo_tree_is_read_by_its_first_words() {
        let text = "doorward-core v0.1.0 (somewhere)\nzeroize v1.9.1\nargon2 v0.6.0\nzeroize v1.9.1 (*)\n";
        assert_eq!(listed(text), ["argon2", "zeroize"]);
    }

    #[test]
    fn dependencies_off_the_list_are_found() {
        check_room(judge_direct, VERIFY, "aws-lc-rs hashbrown", 0);
        check_room(judge_direct, VERIFY, "aws-lc-rs serde", 1);
        check_room(judge_direct, VERIFY, "a b c d e f g", 8);
        check_room(judge_direct, CORE, "doorward-verify tracing", 1);
    }

    #[test]
    fn arrows_to_the_right_are_found() {
        check_room(judge_arrows, VERIFY, "doorward-core", 1);
        check_room(judge_arrows, CORE, "doorward-verify zeroize", 0);
        check_room(judge_arrows, CORE, "doorward-store", 1);
        check_room(judge_arrows, &ROOMS[2], "doorward doorward-core doorward-verify", 1);
    }

    #[test]
    fn impure_neighbours_are_found() {
        check_room(judge_purity, CORE, "argon2 getrandom mio", 2);
        check_room(judge_purity, CORE, "argon2 hyperbole", 0);
    }
}
