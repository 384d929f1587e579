//! The pages in a real Chromium: mouse, keyboard, no scripts, axe-core, screenshots. The scenarios are in
//! `browser/pages.mjs`; this starts the server, and gets the parts that are missing.

#![expect(clippy::disallowed_methods, reason = "the environment of the tests is kept from the program")]
#![expect(dead_code, reason = "the program's support has more than this test uses")]

mod support;

mod slow {
    use std::fs::{self, File};
    use std::io::Write;
    use std::path::{Path, PathBuf};
    use std::process::{Command, Stdio};

    use super::support::Server;

    const ADA: &str = "ada@example.test";
    const PASSWORD: &str = "copper-lantern-41";
    const FILES: [&str; 2] = ["package.json", "package-lock.json"];

    #[test]
    fn the_pages_work_in_a_real_browser() {
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("the target folder").to_owned();
        let parts = target.join("parts/browser");
        let chromium = match chromium().and_then(|found| modules(&parts).map(|()| found)) {
            Ok(found) => found,
            Err(why) => return skip(&why),
        };
        let place = tempfile::tempdir().expect("a place");
        let server = Server::dev(&place.path().join("data"), &[]);
        let token = server.sign_in(ADA, PASSWORD, "demo-jwt").word("access_token");
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser/pages.mjs");
        let mut node = Command::new("node");
        node.arg(script).arg(server.issuer()).arg(target.join("screenshots")).arg(token).arg(chromium);
        let output = node.current_dir(&parts).stdin(Stdio::null()).output().expect("node starts");
        let said = String::from_utf8_lossy(&output.stdout);
        println!("{said}");
        assert!(output.status.success(), "{said}\n{}\n{}", String::from_utf8_lossy(&output.stderr), server.log());
    }

    /// Where Chromium is; installed if it is not there and that can be done.
    fn chromium() -> Result<PathBuf, String> {
        let program = Path::new("/usr/bin/chromium");
        if !program.exists() {
            run("apt-get", &["update", "-q"], Path::new("/"))?;
            let install = ["install", "-q", "-y", "--no-install-recommends", "chromium", "fonts-dejavu-core"];
            run("apt-get", &install, Path::new("/"))?;
        }
        if program.exists() {
            Ok(program.to_owned())
        } else {
            Err(String::from("no chromium after its installation"))
        }
    }

    /// The modules of the scenarios, exactly as the lock file says, once.
    fn modules(parts: &Path) -> Result<(), String> {
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser");
        let version = Command::new("node").arg("--version").output().map_err(|error| format!("no node: {error}"))?;
        let version = String::from_utf8_lossy(&version.stdout).trim().to_owned();
        let major = version.trim_start_matches('v').split('.').next().and_then(|major| major.parse::<u32>().ok());
        if major.is_none_or(|major| major < 20) {
            return Err(format!("node 20 or newer is needed, this is {version}"));
        }
        let read = |folder: &Path, name| fs::read(folder.join(name)).ok();
        let is_current = FILES.iter().all(|name| read(&from, name) == read(parts, name));
        if is_current && parts.join("node_modules/playwright-core/package.json").exists() {
            return Ok(());
        }
        fs::create_dir_all(parts).map_err(|error| error.to_string())?;
        // The lock file comes last: it says that the rest is there.
        fs::copy(from.join(FILES[0]), parts.join(FILES[0])).map_err(|error| error.to_string())?;
        fs::copy(from.join(FILES[1]), parts.join(FILES[1])).map_err(|error| error.to_string())?;
        run("npm", &["ci", "--ignore-scripts", "--no-audit", "--no-fund"], parts)
    }

    fn run(program: &str, words: &[&str], place: &Path) -> Result<(), String> {
        let mut last = String::new();
        // A mirror may have a bad moment.
        for _ in 0..3 {
            let mut command = Command::new(program);
            command.args(words).current_dir(place).env("DEBIAN_FRONTEND", "noninteractive").stdin(Stdio::null());
            match command.output() {
                Ok(output) if output.status.success() => return Ok(()),
                Ok(output) => last = String::from_utf8_lossy(&output.stderr).trim().replace('\n', " "),
                Err(error) => last = error.to_string(),
            }
        }
        Err(format!("`{program} {}`: {last}", words.join(" ")))
    }

    fn skip(why: &str) {
        let line = format!("chromium: the pages in a real browser ({why})\n");
        match std::env::var_os("DOORWARD_SKIPS") {
            Some(file) => {
                let mut file = File::options().append(true).create(true).open(file).expect("the file of skips");
                file.write_all(line.as_bytes()).expect("a line");
            }
            None => eprint!("{line}"),
        }
    }
}
