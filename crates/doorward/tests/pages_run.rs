//! Every command in README.md and docs/ is run here, and what a page shows is compared with what comes. `pages/shell.rs`
//! says in what a reader's machine differs from this place. A block that cannot be run has a name and a reason below.

#![expect(clippy::disallowed_methods, reason = "pages are run with an environment of their own, and by the clock")]
#![expect(dead_code, reason = "of what tests share, this uses what fetches parts")]

mod pages;
mod parts;

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Once;

use pages::blocks::{Block, Step, blocks, console, steps, untagged};
use pages::shell::Place;

/// Blocks with commands, or in languages, that are not run here: the page, how the block begins, and why.
const NOT_RUN: &[(&str, &str, &str)] = &[
    ("docs/operations.md", "useradd ", "makes a user of the machine, and a unit of its systemd"),
    ("docs/recipes/import-users.md", "firebase ", "asks somebody's project at Google"),
    ("docs/recipes/import-users.md", "import json", "runs inside somebody's Django"),
    ("docs/recipes/import-users.md", "SELECT json_build_object", "runs inside better-auth's PostgreSQL"),
];

/// Words that a command begins with: they may not hide in a block that nothing runs.
const COMMANDS: [&str; 17] = [
    "doorward ",
    "curl ",
    "cargo ",
    "sudo ",
    "systemctl ",
    "apt-get ",
    "npm ",
    "node ",
    "python3 ",
    "ruby ",
    "puma ",
    "php ",
    "useradd ",
    "firebase ",
    "jq ",
    "sqlite3 ",
    "$ ",
];

/// Pages with a test of their own below, so that it is seen which one fails. All others are run together.
const PAGES: [&str; 21] = [
    "README.md",
    "docs/concepts.md",
    "docs/start.md",
    "docs/operations.md",
    "docs/security.md",
    "docs/flows/audit.md",
    "docs/flows/devices.md",
    "docs/flows/guest.md",
    "docs/flows/password-change.md",
    "docs/flows/refresh.md",
    "docs/flows/roles.md",
    "docs/flows/sign-in.md",
    "docs/flows/sign-out.md",
    "docs/flows/switching-strategy.md",
    "docs/recipes/import-users.md",
    "docs/recipes/laravel.md",
    "docs/recipes/mobile.md",
    "docs/recipes/rails.md",
    "docs/recipes/server-rendered-app.md",
    "docs/recipes/service.md",
    "docs/recipes/spa.md",
];

/// The page that tells what a shell must know before the others.
const FIRST: &str = "docs/start.md";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the workspace")
}

/// README.md and every page of docs/ but the decisions, which tell of their day.
fn all_pages() -> Vec<(String, String)> {
    let root = root();
    let (mut found, mut folders) = (vec![String::from("README.md")], vec![String::from("docs")]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(root.join(&folder)).expect("a folder") {
            let entry = entry.expect("an entry");
            let path = format!("{folder}/{}", entry.file_name().to_string_lossy());
            if entry.path().is_dir() {
                folders.extend((path != "docs/decisions").then_some(path));
            } else if path.ends_with(".md") {
                found.push(path);
            }
        }
    }
    found.sort();
    found.into_iter().map(|path| (path.clone(), fs::read_to_string(root.join(path)).expect("a page"))).collect()
}

fn page(path: &str) -> String {
    fs::read_to_string(root().join(path)).expect("a page")
}

/// The commands of a page.
fn commands(text: &str) -> Vec<Step> {
    let of = |block: &Block| match block.tag.as_str() {
        "sh" => steps(block),
        "console" => console(block),
        _ => Vec::new(),
    };
    blocks(text).iter().flat_map(of).collect()
}

/// Languages whose blocks are files: the first line names it, as in `// app.mjs: …`, `# app.py` or `<?php // app.php`.
const FILES: [&str; 4] = ["js", "python", "ruby", "php"];

/// Writes what a page shows as a file.
fn write_files(path: &str, place: &mut Place) {
    for block in blocks(&page(path)) {
        if let Some(name) = names_a_file(&block) {
            let text = place.translated(&block.text);
            let file = place.here().join(name);
            fs::create_dir_all(file.parent().expect("a parent")).expect("a folder");
            fs::write(file, text).expect("a file");
        }
    }
}

fn names_a_file(block: &Block) -> Option<String> {
    let first = block.text.lines().next().filter(|_| FILES.contains(&block.tag.as_str()))?;
    let first = first.strip_prefix("<?php ").unwrap_or(first);
    let name = first.strip_prefix("// ").or_else(|| first.strip_prefix("# "))?.split([' ', ':']).next()?;
    name.contains('.').then(|| name.to_owned())
}

/// Does it stand, word for word, in a file that is built?
fn is_built(rust: &str) -> bool {
    let examples = root().join("examples/api/src");
    let files = [examples.join("main.rs"), examples.join("bin/ten_lines.rs")];
    files.iter().any(|file| fs::read_to_string(file).expect("an example").contains(rust))
}

/// The services of `examples/api` are built with all other tests; where this crate is tested alone, we see to it.
fn build_examples() {
    static BUILT: Once = Once::new();
    BUILT.call_once(|| {
        let written = |path: &Path| fs::metadata(path).and_then(|file| file.modified()).ok();
        let sources = root().join("examples/api/src");
        let pairs = [("example-api", "main.rs"), ("ten-lines", "bin/ten_lines.rs")];
        let is_new = |(program, source): (&str, &str)| {
            written(&Path::new(env!("CARGO_BIN_EXE_doorward")).with_file_name(program))
                > written(&sources.join(source))
        };
        if !pairs.into_iter().all(is_new) {
            let mut cargo = Command::new(env!("CARGO"));
            let status = cargo.args(["build", "-q", "-p", "example-api"]).current_dir(root()).status();
            assert!(status.expect("cargo starts").success(), "the examples are built");
        }
    });
}

/// Runs a page whose commands need programs that may not be here.
fn run_with(path: &str, programs: &[&str]) {
    for program in programs {
        if let Err(why) = Command::new(program).arg("--version").output() {
            return parts::skip(program, path, &why.to_string());
        }
    }
    run(path);
}

/// Runs a page. One that starts no server by itself is read beside a fresh one, after the first lines of `FIRST`.
fn run(path: &str) {
    let mut all = Vec::new();
    let own = commands(&page(path));
    if !serves_itself(&own) {
        let first = blocks(&page(FIRST)).into_iter().filter(|block| block.tag == "sh").take(3);
        all.extend(first.flat_map(|block| steps(&block)).filter(|step| !step.command.starts_with("cargo ")));
    }
    all.extend(own);
    build_examples();
    let mut place = Place::new(&root());
    write_files(path, &mut place);
    if let Err(why) = place.run(&all) {
        panic!("{path}, {why}");
    }
}

fn serves(step: &Step) -> bool {
    ["doorward dev", "doorward serve", "-- dev"].iter().any(|verb| step.command.contains(verb))
}

/// Does a page start its server before it asks it for anything? Else it is read beside the one of `FIRST`.
fn serves_itself(steps: &[Step]) -> bool {
    steps.iter().take_while(|step| !step.command.contains("$door")).any(serves)
}

#[test]
fn no_block_of_any_page_hides_from_these_tests() {
    let mut excused = NOT_RUN.to_vec();
    let telephone = page("crates/doorward/tests/pages/mobile.mjs");
    for (path, text) in all_pages() {
        assert_eq!(untagged(&text), [0; 0], "{path}: code by indentation has no tag, and would not be run");
        for block in blocks(&text) {
            let at = format!("{path}, line {}", block.line);
            let excuse = excused.iter().position(|(page, begin, _)| *page == path && block.text.starts_with(begin));
            if let Some(excuse) = excuse {
                assert!(!["sh", "console"].contains(&block.tag.as_str()), "{at}: it is run after all");
                excused.remove(excuse);
                continue;
            }
            match block.tag.as_str() {
                // Run, by the tests below.
                "sh" | "console" => {}
                // Run beside the commands of their page, and in `browser.rs`.
                tag if FILES.contains(&tag) => {
                    let name = names_a_file(&block).unwrap_or_else(|| panic!("{at}: the first line names the file"));
                    let stem = Path::new(&name).file_stem().and_then(OsStr::to_str).expect("a name");
                    let uses = |other: &Block| other.line != block.line && other.text.contains(stem);
                    let is_used = telephone.contains(&name) || blocks(&text).iter().any(uses);
                    assert!(is_used, "{at}: nothing runs or loads {name}");
                }
                "html" => assert!(block.text.starts_with("<script type=\"module\">"), "{at}: run in `browser.rs`"),
                "rust" => assert!(is_built(&block.text), "{at}: this stands in no example, and is not built"),
                "toml" => assert!(toml::from_str::<toml::Table>(&block.text).is_ok(), "{at}: no TOML"),
                "json" => drop(
                    serde_json::from_str::<serde_json::Value>(&block.text)
                        .unwrap_or_else(|why| panic!("{at}: {why}")),
                ),
                "ini" => assert!(block.text.starts_with("# /etc/systemd/system/"), "{at}: only units are checked"),
                "text" => {
                    let command = block.text.lines().find(|line| COMMANDS.iter().any(|word| line.starts_with(word)));
                    assert_eq!(
                        command, None,
                        "{at}: a command that nothing runs: make it `sh`, or name it in NOT_RUN"
                    );
                }
                other => panic!("{at}: nobody knows how to prove a block of `{other}`"),
            }
        }
    }
    assert_eq!(excused, [], "these are gone: take them out of NOT_RUN");
}

/// Behind a proxy that tells by path, whatever a page of ours leads to, or a service asks, comes to us.
#[test]
fn the_paths_that_a_proxy_sends_to_doorward_are_all_that_it_serves() {
    let recipe = page("docs/recipes/server-rendered-app.md");
    let line =
        recipe.lines().find_map(|line| line.trim().strip_prefix("@doorward path ")).expect("the list of paths");
    let takes = |path: &str| {
        line.split(' ').any(|one| one.strip_suffix('*').map_or(one == path, |prefix| path.starts_with(prefix)))
    };
    let routes = doorward::http::routes::print();
    // The application has a first page of its own, and a proxy asks for health at the address behind it.
    let ours = routes.lines().filter_map(|line| line.split_whitespace().nth(1));
    let left: Vec<&str> = ours.filter(|path| !takes(path)).collect();
    assert_eq!(left, ["/", "/healthz", "/readyz"]);
    assert!(!takes("/orders"));
}

#[test]
fn pages_without_a_test_of_their_own() {
    let here = page("crates/doorward/tests/pages_run.rs");
    for (path, text) in all_pages() {
        let own = [format!("run(\"{path}\")"), format!("run_with(\"{path}\"")].iter().any(|call| here.contains(call));
        assert_eq!(PAGES.contains(&path.as_str()), own, "{path}: listed, and without a test, or the other way round");
        if !own && !commands(&text).is_empty() {
            run(&path);
        }
    }
}

#[test]
fn commands_in_the_middle_of_a_sentence_have_verbs_and_flags_that_are_there() {
    let security = (String::from("SECURITY.md"), page("SECURITY.md"));
    let mut helps: BTreeMap<Vec<String>, String> = BTreeMap::new();
    let mut count = 0;
    for (path, text) in all_pages().into_iter().chain([security]) {
        for span in text.split('`').filter(|span| span.starts_with("doorward ") && *span != NO_COMMAND) {
            let (verbs, flags): (Vec<&str>, Vec<&str>) =
                span.split_whitespace().skip(1).partition(|word| !word.starts_with('-'));
            // What stands in capitals or has a sign in it is somebody's own, and ends the verbs.
            let plain = |word: &&&str| word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'|');
            let verbs: Vec<&str> = verbs.iter().take_while(plain).copied().collect();
            for choice in verbs.last().unwrap_or(&"").split('|') {
                let mut words: Vec<String> = verbs.iter().map(|word| (*word).to_owned()).collect();
                words.pop();
                words.push(choice.to_owned());
                words.truncate(2);
                let help = helps.entry(words.clone()).or_insert_with(|| help_of(&words));
                assert!(!help.is_empty(), "{path}: there is no `doorward {}`", words.join(" "));
                for flag in &flags {
                    let flag = flag.split('=').next().unwrap_or_default();
                    assert!(help.contains(flag), "{path}: `doorward {}` takes no {flag}", words.join(" "));
                }
                count += 1;
            }
        }
    }
    assert!(count > 30, "{count}: the pages have more than that");
}

/// Words for a key that begin like a command.
const NO_COMMAND: &str = "doorward feed 1 NUL instance";

/// What `--help` says of a verb; nothing if there is no such verb.
fn help_of(verbs: &[String]) -> String {
    let mut program = Command::new(env!("CARGO_BIN_EXE_doorward"));
    let output = program.args(verbs).arg("--help").output().expect("the program");
    if output.status.success() { String::from_utf8_lossy(&output.stdout).into_owned() } else { String::new() }
}

#[test]
fn a_code_stands_behind_the_status_that_it_has() {
    let mut statuses: BTreeMap<String, String> = BTreeMap::new();
    for entry in page("docs/errors.md").split("\n### `").skip(1) {
        let (code, rest) = entry.split_once('`').expect("a code");
        statuses.insert(code.to_owned(), rest.trim().chars().take(3).collect());
    }
    let mut count = 0;
    for (path, text) in all_pages() {
        for line in text.lines() {
            // `404 `not_found`` gives a status, and `, `too_large`` behind it has the same.
            let (mut status, mut parts) = (String::new(), line.split('`'));
            while let (Some(before), Some(code)) = (parts.next(), parts.next()) {
                let word = before.trim_end().rsplit([' ', '|', '(']).next().unwrap_or_default();
                if word.len() == 3 && word.bytes().all(|byte| byte.is_ascii_digit()) {
                    word.clone_into(&mut status);
                } else if before != ", " {
                    status.clear();
                }
                if !status.is_empty() && code.contains('_') {
                    assert_eq!(statuses.get(code), Some(&status), "{path}: {status} `{code}`");
                    count += 1;
                }
            }
        }
    }
    assert!(count > 60, "{count}: the pages name more than that");
}

#[test]
fn the_unit_of_systemd_is_one() {
    let place = tempfile::tempdir().expect("a place");
    let found = blocks(&page("docs/operations.md"));
    let unit = found.iter().find(|block| block.tag == "ini").expect("a unit");
    // Its program need not be there, and neither must its user: any that are will do.
    let text = unit.text.replace("/usr/local/bin/doorward", env!("CARGO_BIN_EXE_doorward"));
    let file = place.path().join("doorward.service");
    fs::write(&file, text).expect("a file");
    match Command::new("systemd-analyze").args(["verify", "--man=no"]).arg(&file).output() {
        Err(why) => parts::skip("systemd", "the unit in docs/operations.md", &why.to_string()),
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stderr);
            let about: Vec<&str> = said.lines().filter(|line| line.contains("doorward.service")).collect();
            assert!(output.status.success() && about.is_empty(), "{said}");
        }
    }
}

#[test]
fn a_page_that_shows_what_does_not_come_is_found() {
    let tried = |page: &str| Place::new(&root()).run(&commands(&format!("```sh\n{page}\n```\n")));
    assert_eq!(tried("echo one two\n# → one …"), Ok(()));
    assert_eq!(tried("a=1\necho $a localhost:8420   # → 1 localhost:8420"), Ok(()), "one shell, and one port");
    assert_eq!(tried("ls /var/lib/doorward/nothing   # → exit 2:"), Ok(()), "below the place");
    for wrong in [
        "echo one\n# → two",
        "false",
        "true   # → exit 1:",
        "echo one   # → 200 one",
        "nobody-knows-this",
        "false | true",
    ] {
        assert!(tried(wrong).is_err(), "{wrong}");
    }
}

/// A reader goes from the README through the book with one server, one folder and one shell.
#[test]
fn the_book_is_read_in_its_order_beside_one_server() {
    for program in ["node", "python3", "jq", "puma", "php"] {
        if let Err(why) = Command::new(program).arg("--version").output() {
            return parts::skip(program, "the book in its order", &why.to_string());
        }
    }
    build_examples();
    // What was granted to a service that was struck off runs out meanwhile: nobody turns a page faster than that.
    let turn_the_page = || commands("```sh\nsleep 3.2\n```\n");
    let mut place = Place::new(&root());
    let (mut all, mut pages) = (commands(&page("README.md")), Vec::new());
    let has = |steps: &[Step], word: &str| steps.iter().any(|step| step.command.contains(word));
    let mut struck_off = has(&all, "verifiers remove");
    let summary = page("docs/SUMMARY.md");
    let chapters = summary.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    for chapter in chapters.filter(|chapter| !chapter.starts_with("decisions/")) {
        let path = format!("docs/{chapter}");
        let mut own = commands(&page(&path));
        if path == FIRST {
            // The README's server goes on.
            own.retain(|step| !serves(step));
        } else if own.is_empty() || serves_itself(&own) {
            continue;
        }
        if struck_off && has(&own, "ack=verifiers") {
            all.extend(turn_the_page());
            struck_off = false;
        }
        struck_off |= has(&own, "verifiers remove");
        write_files(&path, &mut place);
        all.extend(own);
        pages.push(path);
    }
    assert!(pages.len() > 15, "{pages:?}: the book has more pages than that");
    if let Err(why) = place.run(&all) {
        panic!("one of {pages:?}, {why}");
    }
}

#[test]
fn readme() {
    run("README.md");
}

#[test]
fn start() {
    run("docs/start.md");
}

#[test]
fn sign_in() {
    run("docs/flows/sign-in.md");
}

#[test]
fn refresh() {
    run("docs/flows/refresh.md");
}

#[test]
fn sign_out() {
    run("docs/flows/sign-out.md");
}

#[test]
fn password_change() {
    run("docs/flows/password-change.md");
}

#[test]
fn roles() {
    run("docs/flows/roles.md");
}

#[test]
fn devices() {
    run("docs/flows/devices.md");
}

#[test]
fn guests() {
    run("docs/flows/guest.md");
}

#[test]
fn switching_strategy() {
    run("docs/flows/switching-strategy.md");
}

#[test]
fn audit() {
    run("docs/flows/audit.md");
}

#[test]
fn a_service() {
    run("docs/recipes/service.md");
}

#[test]
fn a_single_page_application() {
    run("docs/recipes/spa.md");
}

#[test]
fn a_mobile_application() {
    run_with("docs/recipes/mobile.md", &["node"]);
}

#[test]
fn a_server_rendered_application() {
    run_with("docs/recipes/server-rendered-app.md", &["node", "python3"]);
}

#[test]
fn a_rails_application() {
    run_with("docs/recipes/rails.md", &["puma", "ruby"]);
}

#[test]
fn a_laravel_application() {
    run_with("docs/recipes/laravel.md", &["php"]);
}

#[test]
fn operations() {
    run_with("docs/operations.md", &["sqlite3"]);
}

#[test]
fn security() {
    run("docs/security.md");
}

#[test]
fn import_users() {
    run_with("docs/recipes/import-users.md", &["jq"]);
}

#[test]
fn concepts() {
    run("docs/concepts.md");
}
