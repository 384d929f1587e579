//! The pages in a real Chromium: mouse, keyboard, no scripts, axe-core, screenshots. The scenarios are in
//! `browser/pages.mjs`; this starts the server, and gets the parts that are missing.

#![expect(clippy::disallowed_methods, reason = "the environment of the tests is kept from the program")]
#![expect(dead_code, reason = "what tests share has more than this one uses")]

mod parts;
mod support;

mod slow {
    use std::fs;
    use std::path::{Path, PathBuf};
    use std::process::{Command, Stdio};

    use super::parts;
    use super::support::Server;

    const ADA: &str = "ada@example.test";
    const PASSWORD: &str = "copper-lantern-41";

    #[test]
    fn the_pages_work_in_a_real_browser() {
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("the target folder").to_owned();
        let parts = parts::place("browser");
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser");
        let modules = |found| parts::node_modules(&from, &parts, "playwright-core").map(|()| found);
        let chromium = match chromium().and_then(modules) {
            Ok(found) => found,
            Err(why) => return parts::skip("chromium", "the pages in a real browser", &why),
        };
        let place = tempfile::tempdir().expect("a place");
        // A page of this origin may call, one of any other may not.
        let listed = format!("http://localhost:{}", free_port());
        let seed = place.path().join("seed.toml");
        let client = format!("[[clients]]\nid = \"spa\"\nstrategy = \"session\"\norigins = [\"{listed}\"]\n");
        fs::write(&seed, client).expect("a seed");
        let server = Server::dev(&place.path().join("data"), &["--seed", seed.to_str().expect("text")]);
        let token = server.sign_in(ADA, PASSWORD, "demo-jwt").word("access_token");
        let mut node = Command::new("node");
        node.arg(from.join("pages.mjs"))
            .arg(server.issuer())
            .arg(target.join("screenshots"))
            .arg(token)
            .arg(chromium)
            .arg(listed);
        let output = node.current_dir(&parts).stdin(Stdio::null()).output().expect("node starts");
        let said = String::from_utf8_lossy(&output.stdout);
        println!("{said}");
        assert!(output.status.success(), "{said}\n{}\n{}", String::from_utf8_lossy(&output.stderr), server.log());
    }

    /// A port that nobody has at this moment.
    fn free_port() -> u16 {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.local_addr().expect("an address").port()
    }

    /// Where Chromium is; installed if it is not there and that can be done.
    fn chromium() -> Result<PathBuf, String> {
        let program = Path::new("/usr/bin/chromium");
        if !program.exists() {
            parts::run("apt-get", &["update", "-q"], Path::new("/"))?;
            let install = ["install", "-q", "-y", "--no-install-recommends", "chromium", "fonts-dejavu-core"];
            parts::run("apt-get", &install, Path::new("/"))?;
        }
        if program.exists() {
            Ok(program.to_owned())
        } else {
            Err(String::from("no chromium after its installation"))
        }
    }
}
