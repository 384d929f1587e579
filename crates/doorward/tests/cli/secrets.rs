//! Whatever is done, no secret stands where it does not belong: in logs at trace level, metrics, answers that do not hand
//! it out, what verbs tell, the database and everything else in the data folder.

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;

use doorward::config::settled::master_key;
use doorward::door::{Dice, SystemDice};
use doorward_core::key::Masters;
use doorward_core::secret::Secret;
use doorward_core::{Timestamp, base64url};
use doorward_store::sqlite::Sqlite;
use doorward_store::{Directory, Opening, Origin};
use rustix::process::Signal;
use serde_json::{Value, json};

use super::spellings::Wanted;
use super::support::{Ran, Server, program, run};
use super::{metrics_of, place};

/// Something that was told, and the secrets that it was there to tell.
struct Told {
    what: String,
    text: String,
    hands_out: BTreeSet<usize>,
}

/// A story in the telling.
struct Story<'a> {
    server: &'a Server,
    data: &'a Path,
    wanted: Wanted,
    told: Vec<Told>,
}

impl Story<'_> {
    /// A secret that we bring along, such as a password: nobody has any reason to tell it.
    fn bring(&mut self, name: &str, before: &str) -> String {
        let mut drawn = [0; 16];
        assert!(SystemDice.fill(&mut drawn));
        let secret = format!("{}{before}", base64url::encode(&drawn));
        self.wanted.add(name, secret.as_bytes());
        secret
    }

    /// The last answer hands out a secret.
    fn handed(&mut self, name: &str, text: &str) {
        // The first 22 bytes of a refresh token name key, session and generation, and are no secret.
        let secret = if text.starts_with("dwr_") { &text[4 + 30..] } else { text };
        let mut numbers = vec![self.wanted.add(name, secret.as_bytes())];
        // `dws_`, `dwr_` and their like are base64url between a prefix and a checksum; the end of what is in there is
        // secret for sure.
        let body = text.get(4..text.len().saturating_sub(6)).filter(|_| text.starts_with("dw"));
        if let Some(bytes) = body.and_then(base64url::decode) {
            numbers.push(self.wanted.add(&format!("{name}, in bytes"), &bytes[bytes.len() - 32..]));
        }
        self.told.last_mut().expect("an answer").hands_out.extend(numbers);
    }

    /// The last answer hands out an access token; only its signature is secret.
    fn handed_token(&mut self, text: &str) {
        let signature = text.rsplit('.').next().expect("a signature").to_owned();
        self.handed("signature of an access token", &signature);
        let bytes = base64url::decode(&signature).expect("base64url");
        let number = self.wanted.add("signature, in bytes", &bytes);
        self.told.last_mut().expect("an answer").hands_out.insert(number);
    }

    /// Asks, and notes down the whole answer.
    fn ask(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let head = talk(&self.server.address, method, path, headers, body);
        self.told.push(Told { what: format!("{method} {path}"), text: head.clone(), hands_out: BTreeSet::new() });
        let answer = Answer(head);
        for (name, value) in answer.cookies() {
            self.handed(&format!("cookie {name}"), &value);
        }
        if let Some((_, rest)) = answer.0.split_once("name=\"form_token\" value=\"") {
            let token = rest.split('"').next().expect("a token").to_owned();
            self.handed("form token", &token);
        }
        for member in ["session_token", "refresh_token"] {
            if let Some(secret) = answer.json()[member].as_str() {
                self.handed(member, secret);
            }
        }
        if let Some(token) = answer.json()["access_token"].as_str() {
            self.handed_token(token);
        }
        answer
    }

    fn post(&mut self, path: &str, headers: &[(&str, &str)], body: &Value) -> Answer {
        let headers = [headers, &[("content-type", "application/json")]].concat();
        self.ask("POST", path, &headers, &body.to_string())
    }

    fn form(&mut self, path: &str, cookies: &str, fields: &[(&str, &str)]) -> Answer {
        let escape = |text: &str| text.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>();
        let body =
            fields.iter().map(|(name, value)| format!("{name}={}", escape(value))).collect::<Vec<_>>().join("&");
        self.ask("POST", path, &[("content-type", "application/x-www-form-urlencoded"), ("cookie", cookies)], &body)
    }

    /// Runs a verb, and notes down what it tells.
    fn verb(&mut self, words: &[&str], stdin: &str) -> Ran {
        let mut command = program();
        command.args(words).arg("--data").arg(self.data);
        let ran = run(command, stdin);
        let text = format!("{}{}", ran.stdout, ran.stderr);
        self.told.push(Told { what: words.join(" "), text, hands_out: BTreeSet::new() });
        ran
    }
}

/// An answer, head and body.
struct Answer(String);

impl Answer {
    fn status(&self) -> &str {
        self.0.split(' ').nth(1).expect("a status")
    }

    fn json(&self) -> Value {
        let body = self.0.split_once("\r\n\r\n").map_or("", |(_, body)| body);
        serde_json::from_str(body).unwrap_or_default()
    }

    fn word(&self, name: &str) -> String {
        self.json()[name].as_str().unwrap_or_else(|| panic!("no {name} in {}", self.0)).to_owned()
    }

    /// The cookies that are set, and not cleared.
    fn cookies(&self) -> Vec<(String, String)> {
        let lines = self.0.lines().filter_map(|line| line.strip_prefix("set-cookie: "));
        let pairs = lines.filter_map(|line| line.split(';').next()?.split_once('='));
        pairs
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect()
    }

    /// As a `Cookie` header.
    fn jar(&self) -> String {
        self.cookies().iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
    }

    fn form_token(&self) -> String {
        let (_, rest) = self.0.split_once("name=\"form_token\" value=\"").expect("a form");
        rest.split('"').next().expect("a token").to_owned()
    }
}

fn talk(address: &str, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("a connection");
    stream.set_read_timeout(Some(std::time::Duration::from_secs(30))).expect("a timeout");
    let more: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let head = format!("{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n{more}");
    write!(stream, "{head}content-length: {}\r\n\r\n{body}", body.len()).expect("a request");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("an answer");
    String::from_utf8_lossy(&answer).into_owned()
}

const BEA: &str = "bea@example.test";

/// An application's life: accounts, sign-ins, refreshes, thefts, guests, mistakes.
fn applications(story: &mut Story<'_>) -> String {
    let password = story.bring("password", "\"ä\\ &=%+/");
    let wrong = story.bring("wrong password", "");
    let account = |password: &str| json!({ "email": BEA, "password": password });
    assert_eq!(story.post("/v1/users", &[], &account(&password)).status(), "201");
    assert_eq!(story.post("/v1/users", &[], &account(&password)).status(), "409");
    let sign_in = |password: &str, client: &str, transport: &str| json!({ "email": BEA, "password": password, "client_id": client, "transport": transport });
    assert_eq!(story.post("/v1/sessions", &[], &sign_in(&wrong, "demo-session", "body")).status(), "401");
    let secret = story.post("/v1/sessions", &[], &sign_in(&password, "demo-session", "body")).word("session_token");
    let jar = story.post("/v1/sessions", &[], &sign_in(&password, "demo-hybrid", "cookie")).jar();
    assert_eq!(story.post("/v1/session/refresh", &[("cookie", &jar)], &json!({})).status(), "200");
    let hybrid = story.post("/v1/sessions", &[], &sign_in(&password, "demo-hybrid", "body"));
    let (refresh, access) = (hybrid.word("refresh_token"), hybrid.word("access_token"));
    let attempt = story.bring("attempt key", "");
    let turn = json!({ "refresh_token": refresh, "attempt": attempt });
    for _ in 0..2 {
        assert_eq!(story.post("/v1/session/refresh", &[], &turn).status(), "200");
    }
    let another = story.bring("attempt key of a thief", "");
    let theft = json!({ "refresh_token": refresh, "attempt": another });
    assert_eq!(story.post("/v1/session/refresh", &[], &theft).word("code"), "refresh_reused");
    let bearer = |token: &str| format!("Bearer {token}");
    for token in [&access, &secret, &refresh, &access[..access.len() - 4], &format!("x{access}")] {
        story.ask("GET", "/v1/session", &[("authorization", &bearer(token))], "");
        story.ask("GET", &format!("/v1/session?access_token={token}"), &[], "");
        story.ask("DELETE", &format!("/v1/sessions/{token}"), &[("authorization", &bearer(&secret))], "");
        story.ask("GET", &format!("/{token}"), &[("authorization", &format!("Basic {token}"))], "");
        story.ask("GET", "/v1/session", &[("user-agent", token), ("x-forwarded-for", token)], "");
        story.post("/v1/session/refresh", &[], &json!({ "refresh_token": token, "attempt": attempt }));
        story.post("/v1/sessions", &[], &json!({ "email": token, "password": token, "client_id": token }));
    }
    let twice = format!("__Host-Http-dw_session={secret}; __Host-Http-dw_session={secret}x");
    story.ask("GET", "/v1/session", &[("cookie", &twice)], "");
    let kid = json!({ "alg": "ES256", "kid": "\u{1b}[31m\nERROR forged\r\nlevel=ERROR \u{9b}2J" }).to_string();
    let forged = format!("{}.e30.AAAA", base64url::encode(kid.as_bytes()));
    story.ask("GET", "/v1/session", &[("authorization", &bearer(&forged))], "");
    let guest = json!({ "guest": true, "client_id": "demo-session", "transport": "body" });
    let guest = story.post("/v1/sessions", &[], &guest).word("session_token");
    story.ask("PUT", "/v1/session/data/cart", &[("authorization", &bearer(&guest)), JSON], "[1]");
    let new = story.bring("new password", "");
    let change = |current: &str| json!({ "current_password": current, "new_password": new }).to_string();
    let headers = [("authorization", &*bearer(&secret)), JSON, ("idempotency-key", &*attempt)];
    assert_eq!(story.ask("PUT", "/v1/user/password", &headers, &change(&wrong)).status(), "401");
    assert_eq!(story.ask("PUT", "/v1/user/password", &headers, &change(&password)).status(), "200");
    new
}

const JSON: (&str, &str) = ("content-type", "application/json");

/// What a person does on pages.
fn pages(story: &mut Story<'_>, password: &str) {
    for page in ["/signup", "/tools/jwt", "/", "/nowhere", "/healthz", "/readyz", "/.well-known/jwks.json"] {
        story.ask("GET", page, &[], "");
    }
    let page = story.ask("GET", "/login", &[], "");
    let (jar, token) = (page.jar(), page.form_token());
    let wrong = story.bring("wrong password on a page", "");
    let fields = |password| [("form_token", &*token), ("email", BEA), ("password", password)];
    assert_eq!(story.form("/login", &jar, &fields(&wrong)).status(), "401");
    assert_eq!(story.form("/login", "", &fields(&wrong)).status(), "403", "without the cookie of the form");
    let entered = story.form("/login", &jar, &fields(password));
    assert_eq!(entered.status(), "303");
    let jar = format!("{jar}; {}", entered.jar());
    for page in ["/account", "/account/devices", "/account/security", "/logout"] {
        assert_eq!(story.ask("GET", page, &[("cookie", &jar)], "").status(), "200", "{page}");
    }
    let token = story.ask("GET", "/account/security", &[("cookie", &jar)], "").form_token();
    let new = story.bring("new password on a page", "");
    let fields = [("form_token", &*token), ("current_password", password), ("new_password", &*new)];
    let changed = story.form("/account/security", &jar, &fields);
    assert_eq!(changed.status(), "303");
    assert_eq!(
        story.form("/account/security", &jar, &fields).status(),
        "403",
        "the secret from before may only look"
    );
}

/// What an operator does.
fn operators(story: &mut Story<'_>) {
    let made =
        story.verb(&["users", "add", "cy@example.test", "--generate", "--format", "json"], "").expect(0).json();
    story.handed("generated password", made["password"].as_str().expect("a password"));
    let password = story.bring("password from an operator", "");
    story.verb(&["users", "password", "cy@example.test", "--password-stdin"], &password).expect(0);
    let add = ["clients", "add", "backend", "--kind", "confidential", "--transports", "body", "--format", "json"];
    let added = story.verb(&add, "").expect(0).json();
    let secret = added["client_secret"].as_str().expect("a secret").to_owned();
    story.handed("client secret", &secret);
    let basic = format!("Basic {}", standard(&format!("backend:{secret}")));
    let sign_in = json!({ "email": "cy@example.test", "password": password, "transport": "body" });
    assert_eq!(story.post("/v1/sessions", &[("authorization", &basic)], &sign_in).status(), "201");
    let wrong = format!("Basic {}", standard(&format!("backend:{secret}x")));
    assert_eq!(story.post("/v1/sessions", &[("authorization", &wrong)], &sign_in).status(), "401");
    for words in [&["users", "list"][..], &["sessions", "list"], &["clients", "list"], &["keys", "list"]] {
        story.verb(words, "").expect(0);
        story.verb(&[words, &["--format", "json"]].concat(), "").expect(0);
    }
    story.verb(&["keys", "rotate", "--hurry"], "").expect(0);
    for algorithm in ["HS256", "RS256"] {
        story.verb(&["clients", "set", "demo-jwt", "--algorithm", algorithm], "").expect(0);
        let sign_in =
            json!({ "email": "ada@example.test", "password": "copper-lantern-41", "client_id": "demo-jwt" });
        let token = story.post("/v1/sessions", &[], &sign_in).word("access_token");
        assert_eq!(
            story.ask("GET", "/v1/session", &[("authorization", &format!("Bearer {token}"))], "").status(),
            "200"
        );
    }
    let shared = story.data.with_extension("jwks").display().to_string();
    story.verb(&["keys", "share", "--out", &shared], "").expect(0);
    let added = story.verb(&["verifiers", "add", "orders", "--format", "json"], "").expect(0).json();
    story.handed("verifier secret", added["secret"].as_str().unwrap_or_else(|| panic!("a secret in {added}")));
    story.verb(&["keys", "rotate", "--purpose", "refresh"], "").expect(0);
    story.verb(&["users", "suspend", "cy@example.test"], "").expect(0);
    story.verb(&["sessions", "end", "--user", BEA], "").expect(0);
}

/// Standard base64, as HTTP Basic wants it.
fn standard(text: &str) -> String {
    let text = base64url::encode(text.as_bytes()).replace('-', "+").replace('_', "/");
    let missing = (4 - text.len() % 4) % 4;
    text + &"=".repeat(missing)
}

/// Every file of a folder, by name; but the one that is there to hold the master key.
fn files(data: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(data).expect("a folder").map(|entry| entry.expect("an entry").path());
    let plain = entries.filter(|path| path.is_file() && !path.ends_with("master.key"));
    plain.map(|path| (path.display().to_string(), fs::read(&path).expect("a file"))).collect()
}

/// The keys that the database holds sealed, and the one they are sealed under.
fn add_keys(wanted: &mut Wanted, data: &Path) {
    let text = fs::read_to_string(data.join("master.key")).expect("a master key");
    wanted.add("master key", text.trim().as_bytes());
    let master = master_key(&text).expect("a master key");
    wanted.add("master key, in bytes", &master.expose()[..]);
    let masters = Masters::only(Secret::from_bytes(*master.expose()));
    let opening = Opening { now: Timestamp::from_secs(0), database: [0; 16], origin: Origin::Dev };
    let store = Sqlite::open(data, opening).expect("a database");
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    for record in runtime.block_on(store.keys()).expect("keys") {
        let secret = masters.open(&record).expect("its key");
        wanted.add(&format!("key {}", record.id), secret.expose());
        // What an RSA key begins with is the same for all.
        let middle = secret.expose().len() / 2;
        wanted.add(&format!("middle of key {}", record.id), &secret.expose()[middle..middle + 16]);
    }
}

fn check(story: &Story<'_>, places: &[(String, Vec<u8>)]) {
    for (name, bytes) in places {
        let found = story.wanted.found_in(bytes);
        assert!(found.is_empty(), "{name} holds {:?}", story.wanted.names_of(&found));
    }
    for Told { what, text, hands_out } in &story.told {
        let found = story.wanted.found_in(text.as_bytes());
        let stray = found.difference(hands_out).copied().collect::<BTreeSet<_>>();
        assert!(stray.is_empty(), "{what} tells {:?}: {text}", story.wanted.names_of(&stray));
    }
}

/// Lives a whole life at trace level, and looks everywhere. Gives the log.
fn no_secret_is_found(form: &str) -> String {
    let (_place, data) = place();
    let server = Server::dev(&data, &["--log-level", "trace", "--log-format", form]);
    let metrics = metrics_of(&server);
    let mut story = Story { server: &server, data: &data, wanted: Wanted::default(), told: Vec::new() };
    let password = applications(&mut story);
    pages(&mut story, &password);
    operators(&mut story);
    let mut places = files(&data);
    assert!(
        places.iter().any(|(name, bytes)| name.ends_with("-wal") && !bytes.is_empty()),
        "the log of the database"
    );
    for path in ["/metrics", "/readyz?verbose", "/nowhere"] {
        places.push((path.to_owned(), talk(&metrics, "GET", path, &[], "").into_bytes()));
    }
    let Story { mut wanted, told, .. } = story;
    let log = data.with_extension("log");
    assert_eq!(server.stop(Signal::TERM).code(), Some(0));
    add_keys(&mut wanted, &data);
    let log = fs::read_to_string(log).expect("a log");
    places.extend(files(&data));
    places.push((String::from("the log"), log.clone().into_bytes()));
    assert!(wanted.len() > 40 && told.len() > 80, "{} secrets, {} answers", wanted.len(), told.len());
    let again = Server::dev(&data, &[]);
    let story = Story { server: &again, data: &data, wanted, told };
    check(&story, &places);
    // The search finds what is there: people's addresses are no secret, and every planted one is.
    assert!(places.iter().any(|(_, bytes)| bytes.windows(BEA.len()).any(|window| window == BEA.as_bytes())));
    for (number, planted) in story.wanted.planted() {
        assert!(story.wanted.found_in(&planted).contains(&number), "{:?}", String::from_utf8_lossy(&planted));
    }
    let handed: usize = story.told.iter().map(|told| told.hands_out.len()).sum();
    let seen: usize = story.told.iter().map(|told| story.wanted.found_in(told.text.as_bytes()).len()).sum();
    assert_eq!(handed, seen, "each secret that was handed out is seen where it was");
    log
}

#[test]
fn no_secret_is_found_where_it_does_not_belong_with_a_log_of_text() {
    let log = no_secret_is_found("text");
    let answered = log.lines().filter(|line| line.contains("DEBUG") && line.contains("answered")).count();
    assert!(answered > 80, "{log}");
    for line in log.lines() {
        let began = line.get(..4).is_some_and(|year| year.bytes().all(|byte| byte.is_ascii_digit()));
        assert!(began && !line.contains(|character: char| character.is_control()), "{line:?} is no line of ours");
        let of_process = LIFE.iter().any(|words| line.contains(words));
        assert!(of_process || line.contains("request{id=req_"), "{line:?} names no request");
    }
}

#[test]
fn no_secret_is_found_where_it_does_not_belong_with_a_log_of_json() {
    let log = no_secret_is_found("json");
    assert!(log.lines().count() > 80, "{log}");
    for line in log.lines() {
        let read: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line:?}"));
        let message = read["fields"]["message"].as_str().expect("a message");
        let of_process = LIFE.iter().any(|words| message.contains(words));
        let named = read["span"]["id"].as_str().is_some_and(|id| id.starts_with("req_"));
        assert!(of_process || named, "{line:?} names no request");
    }
}

/// Lines of the process, which belong to no request.
const LIFE: [&str; 6] =
    ["serving", "metrics and probes", "asked to stop", "stopped", "broke off", "more lines of this place"];
