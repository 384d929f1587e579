//! `doorward bench`: figures of this machine, and nothing left behind.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::place;
use super::support::{program, run};

/// `doorward bench` with its folders inside this one.
fn bench(place: &Path, words: &[&str]) -> Command {
    let mut command = program();
    command.env("TMPDIR", place).arg("bench").args(words);
    command
}

fn is_empty(place: &Path) -> bool {
    fs::read_dir(place).expect("a folder").next().is_none()
}

#[test]
fn everything_is_measured_with_its_spread_and_what_is_saved_is_advised_by() {
    let (place, _) = place();
    let config = place.path().join("doorward.toml");
    fs::write(&config, "[hashing]\nmemory_kib = 32768\nthreads = 1\n").expect("a file");
    let folders = place.path().join("folders");
    fs::create_dir(&folders).expect("a folder");
    let words = ["--seconds", "2", "--format", "json", "--config", config.to_str().expect("text")];
    let ran = run(bench(&folders, &words), "").expect(0);
    assert_eq!(ran.stderr, "", "a bar is for terminals");
    assert!(is_empty(&folders), "the folder of the measurement is gone");
    let told = ran.json();
    let of = |name: &str| {
        let figures = told["figures"].as_array().expect("figures");
        let reading = figures.iter().find(|reading| reading["name"] == name).unwrap_or_else(|| panic!("{name}"));
        let number = |member: &str| reading[member].as_f64().expect("a number");
        assert!(number("least") <= number("median") && number("median") <= number("most"), "{reading}");
        number("median")
    };
    for name in [
        "look_up_kept_us",
        "look_up_stored_us",
        "check_kept_us",
        "check_stored_us",
        "verify_es256_us",
        "verify_eddsa_us",
        "sign_ins_per_second",
        "revocations_per_second",
        "revocation_window_p50_ms",
    ] {
        assert!(of(name) > 0.0, "{name}: {told}");
    }
    assert_eq!(of("cookie_bytes"), 53.0);
    assert!(of("revocation_window_p50_ms") <= of("revocation_window_p99_ms"));
    assert!(of("revocation_window_p99_ms") <= of("revocation_window_bound_ms"), "the promise is kept");
    assert_eq!(of("revocation_window_bound_ms"), 3000.0);
    let notes = told["notes"].to_string();
    assert!(notes.contains("Argon2id with 32768 KiB and 2 passes, 1 at a time"), "{notes}");
    assert!(told["machine"]["kernel"].as_str().is_some_and(|kernel| kernel.len() > 3));

    let saved = place.path().join("figures.json");
    fs::write(&saved, &ran.stdout).expect("a file");
    let answers = place.path().join("answers.toml");
    fs::write(&answers, "monolith = true").expect("a file");
    let mut command = program();
    command.args(["advise", "--format", "json", "--answers"]).arg(&answers).arg("--bench").arg(&saved);
    let advised: Value = run(command, "").expect(0).json();
    assert_eq!(advised["figures"], told, "the numbers of `bench` and no others");
}

#[test]
fn who_interrupts_it_finds_nothing_left_behind() {
    let (place, _) = place();
    let mut command = bench(place.path(), &["--seconds", "60"]);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts");
    for _ in 0..1000 {
        if !is_empty(place.path()) {
            break;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(!is_empty(place.path()), "it is at work");
    kill_process(Pid::from_child(&child), Signal::INT).expect("a signal");
    assert_eq!(child.wait().expect("an end").code(), Some(1));
    assert!(is_empty(place.path()));
    run(bench(place.path(), &["--seconds", "1"]), "").expect(2);
    run(bench(place.path(), &["--config", "/nowhere.toml"]), "").expect(3).told("cannot be read");
}
