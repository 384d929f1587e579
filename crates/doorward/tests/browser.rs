//! The pages in a real Chromium: mouse, keyboard, no scripts, axe-core, screenshots; and beside a hostile sibling host. The
//! scenarios are in `browser/pages.mjs` and `browser/siblings.mjs`. The code of a recipe too: `browser/spa.mjs`. This starts
//! the servers, and gets the parts that are missing.

#![expect(clippy::disallowed_methods, reason = "the environment of the tests is kept from the program")]
#![expect(dead_code, reason = "what tests share has more than this one uses")]

#[path = "pages/blocks.rs"]
mod blocks;
mod parts;
mod support;

mod slow {
    use std::fs;
    use std::path::{Path, PathBuf};
    use std::process::{Command, Stdio};
    use std::sync::Mutex;

    use doorward_core::secret::{Secret, SecretKind};

    use super::blocks::blocks;
    use super::parts;
    use super::support::{Server, program};

    const ADA: &str = "ada@example.test";
    const PASSWORD: &str = "copper-lantern-41";

    #[test]
    fn the_pages_work_in_a_real_browser() {
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("the target folder").to_owned();
        let Some(browser) = Browser::at_hand("the pages in a real browser") else { return };
        let place = tempfile::tempdir().expect("a place");
        // A page of this origin may call, one of any other may not.
        let listed = format!("http://localhost:{}", free_port());
        let seed = place.path().join("seed.toml");
        let client = format!("[[clients]]\nid = \"spa\"\nstrategy = \"session\"\norigins = [\"{listed}\"]\n");
        fs::write(&seed, client).expect("a seed");
        let server = Server::dev(&place.path().join("data"), &["--seed", seed.to_str().expect("text")]);
        let token = server.sign_in(ADA, PASSWORD, "demo-jwt").word("access_token");
        let shots = target.join("screenshots").display().to_string();
        let program = browser.program.display().to_string();
        let held = [7, 255].map(|byte| Secret::from_bytes([byte; 32]));
        let kinds = [SecretKind::Session, SecretKind::Client, SecretKind::Verifier];
        let held = kinds.iter().flat_map(|kind| held.each_ref().map(|secret| kind.text(secret)));
        let words = [server.issuer(), shots, token, program, listed, env!("CARGO_BIN_EXE_doorward").to_owned()];
        let words: Vec<String> = words.into_iter().chain(held).collect();
        browser.run("pages.mjs", &words.iter().map(String::as_str).collect::<Vec<_>>(), &server);
    }

    #[test]
    fn a_sibling_host_can_toss_cookies_and_gains_nothing() {
        let Some(browser) = Browser::at_hand("a sibling host in a real browser") else { return };
        let place = tempfile::tempdir().expect("a place");
        let port = free_port();
        let (origin, sibling) =
            (format!("https://id.door.test:{port}"), format!("https://evil.door.test:{}", free_port()));
        let seed = place.path().join("seed.toml");
        let client = format!("[[clients]]\nid = \"spa\"\nstrategy = \"hybrid\"\norigins = [\"{origin}\"]\n");
        fs::write(&seed, client).expect("a seed");
        let names = vec![String::from("evil.door.test")];
        let key = rcgen::KeyPair::generate().expect("a key");
        let certificate =
            rcgen::CertificateParams::new(names).expect("names").self_signed(&key).expect("a certificate");
        let (cert_file, key_file) = (place.path().join("cert.pem"), place.path().join("key.pem"));
        fs::write(&cert_file, certificate.pem()).expect("a file");
        fs::write(&key_file, key.serialize_pem()).expect("a file");
        let data = place.path().join("data");
        let mut command = program();
        command.args(["dev", "--tls", "--issuer", &origin, "--listen", &format!("127.0.0.1:{port}")]);
        command.arg("--data").arg(&data).arg("--seed").arg(&seed);
        let server = Server::start(command, &data);
        let words = [&cert_file, &key_file, &browser.program].map(|path| path.display().to_string());
        browser.run("siblings.mjs", &[&origin, &sibling, &words[0], &words[1], &words[2]], &server);
    }

    #[test]
    fn the_recipe_for_pages_signs_nobody_out_in_eight_tabs_and_after_lost_replies() {
        let Some(browser) = Browser::at_hand("the recipe for single-page applications in a real browser") else {
            return;
        };
        let place = tempfile::tempdir().expect("a place");
        let shop = format!("http://localhost:{}", free_port());
        let seed = place.path().join("seed.toml");
        let client = format!(
            "[[clients]]\nid = \"shop\"\nstrategy = \"hybrid\"\ntransports = [\"cookie\"]\norigins = [\"{shop}\"]\n"
        );
        fs::write(&seed, client).expect("a seed");
        let recipe = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/recipes/spa.md");
        for block in blocks(&fs::read_to_string(recipe).expect("a page")) {
            match block.tag.as_str() {
                "js" => fs::write(place.path().join("session.js"), block.text).expect("a file"),
                "html" => fs::write(place.path().join("page.html"), block.text).expect("a file"),
                _ => {}
            }
        }
        let server = Server::dev(&place.path().join("data"), &["--seed", seed.to_str().expect("text")]);
        let words = [place.path(), &browser.program].map(|path| path.display().to_string());
        browser.run("spa.mjs", &[&format!("http://{}", server.address), &shop, &words[0], &words[1]], &server);
    }

    /// Chromium, and what drives it.
    struct Browser {
        program: PathBuf,
        parts: PathBuf,
    }

    impl Browser {
        /// Gets what is missing; where that cannot be had, says what is left out.
        fn at_hand(purpose: &str) -> Option<Self> {
            static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
            let _guard = ONE_AT_A_TIME.lock();
            let parts = parts::place("browser");
            let modules = |program| parts::node_modules(&scripts(), &parts, "playwright-core").map(|()| program);
            match chromium().and_then(modules) {
                Ok(program) => Some(Self { program, parts }),
                Err(why) => {
                    parts::skip("chromium", purpose, &why);
                    None
                }
            }
        }

        /// Runs scenarios to their end.
        #[track_caller]
        fn run(&self, script: &str, words: &[&str], server: &Server) {
            let mut node = Command::new("node");
            node.arg(scripts().join(script)).args(words);
            let output = node.current_dir(&self.parts).stdin(Stdio::null()).output().expect("node starts");
            let said = String::from_utf8_lossy(&output.stdout);
            println!("{said}");
            assert!(output.status.success(), "{said}\n{}\n{}", String::from_utf8_lossy(&output.stderr), server.log());
        }
    }

    fn scripts() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser")
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
