//! Pages, as a browser without scripts sees them: forms, cookies, redirects, headers.

use doorward::http::routes::{Audience, ROUTES};
use serde_json::json;

use super::house::{ADA, Answer, Ask, House, Jar, PASSWORD};

const SESSION: &str = "__Host-Http-dw_session";
const FORM: &str = "__Host-Http-dw_form";

/// A browser: keeps cookies, says where its requests come from, and sends forms with the token that stood in them.
pub(super) struct Browser<'a> {
    house: &'a House,
    pub(crate) jar: Jar,
    agent: &'static str,
}

const CHROME: &str =
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36";
const FIREFOX: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0";

impl<'a> Browser<'a> {
    pub(super) fn new(house: &'a House) -> Self {
        Self { house, jar: Jar::default(), agent: CHROME }
    }

    async fn send(&mut self, ask: Ask, site: &str) -> Answer {
        let ask = ask
            .jar(&self.jar)
            .header("user-agent", self.agent)
            .header("sec-fetch-site", site)
            .header("sec-fetch-mode", "navigate")
            .header("sec-fetch-dest", "document");
        let answer = self.house.send(ask).await;
        self.jar.keep(&answer);
        answer
    }

    pub(super) async fn open(&mut self, path: &str) -> Answer {
        self.send(Ask::get(path), "none").await
    }

    /// Opens a page that must be there, and gives its text.
    pub(super) async fn read(&mut self, path: &str) -> String {
        let answer = self.open(path).await;
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        html(&answer)
    }

    /// Opens a page, fills in its form and sends it.
    pub(crate) async fn fill(&mut self, page: &str, fields: &[(&str, &str)]) -> Answer {
        let token = token(&self.read(page).await);
        let (path, _) = page.split_once('?').unwrap_or((page, ""));
        self.submit(path, &token, fields).await
    }

    async fn submit(&mut self, path: &str, token: &str, fields: &[(&str, &str)]) -> Answer {
        let fields = [&[("form_token", token)], fields].concat();
        self.send(Ask::post(path).form(&fields).header("origin", "null"), "same-origin").await
    }

    pub(super) async fn sign_in(&mut self) {
        let answer = self.fill("/login", &[("email", ADA), ("password", PASSWORD)]).await;
        assert_eq!(goes_to(&answer), "/account");
    }
}

/// The text of a page; slashes, which are escaped too, as people write them.
pub(super) fn html(answer: &Answer) -> String {
    String::from_utf8(answer.bytes.clone()).expect("text").replace("&#x2f;", "/")
}

#[track_caller]
fn token(page: &str) -> String {
    let (_, rest) = page.split_once("name=\"form_token\" value=\"").expect("a form");
    rest.split('"').next().expect("a token").to_owned()
}

#[track_caller]
fn goes_to(answer: &Answer) -> &str {
    assert_eq!(answer.status, 303, "{answer:?}");
    answer.headers["location"].to_str().expect("text")
}

#[tokio::test]
async fn a_person_signs_up_is_signed_in_and_signs_out() {
    let house = House::memory().await;
    let mut browser = Browser::new(&house);
    let fields = [("name", "Grace"), ("email", " grace@example.test "), ("password", "violet-anchor-77")];
    let answer = browser.fill("/signup", &fields).await;
    assert_eq!(goes_to(&answer), "/account?notice=welcome");
    let account = browser.read("/account?notice=welcome").await;
    for part in ["Grace", "grace@example.test", "21 September 2026, 14:13 UTC", "Welcome."] {
        assert!(account.contains(part), "{part}: {account}");
    }
    assert_eq!(goes_to(&browser.open("/signup").await), "/account");

    let secret = browser.jar.0[SESSION].clone();
    let answer = browser.fill("/logout", &[]).await;
    assert_eq!(goes_to(&answer), "/login?notice=signed_out");
    assert!(!browser.jar.0.contains_key(SESSION));
    assert!(browser.read("/login?notice=signed_out").await.contains("You are signed out."));
    house.send(Ask::get("/v1/session").bearer(&secret)).await.expect(401, "session_ended");
}

#[tokio::test]
async fn a_guest_signs_out_by_a_form_of_their_own_and_the_session_is_over() {
    let house = House::memory().await;
    let mut browser = Browser::new(&house);
    let for_anybody = token(&browser.read("/login").await);
    let guest = json!({ "guest": true, "client_id": "demo-session" });
    browser.jar.keep(&house.send(Ask::post("/v1/sessions").json(&guest)).await.ok());
    let secret = browser.jar.0[SESSION].clone();
    for token in ["", &for_anybody] {
        let refused = browser.submit("/logout", token, &[]).await;
        assert_eq!(refused.status, 403, "a form for anybody");
        assert_eq!(browser.jar.0.get(SESSION), Some(&secret), "the cookie stays");
        house.send(Ask::get("/v1/session").bearer(&secret)).await.ok();
    }
    assert_eq!(goes_to(&browser.fill("/logout", &[]).await), "/login?notice=signed_out");
    assert!(!browser.jar.0.contains_key(SESSION));
    house.send(Ask::get("/v1/session").bearer(&secret)).await.expect(401, "session_ended");
    assert_eq!(goes_to(&browser.open("/logout").await), "/login?return_to=/logout", "nothing is left to end");
}

#[tokio::test]
async fn a_sign_up_that_is_refused_says_why_and_keeps_what_was_typed() {
    let house = House::memory().await;
    for (email, password, status, words) in [
        (ADA, "violet-anchor-77", 409, "There is an account with this address."),
        ("grace@example.test", "short", 422, "Choose another password"),
        ("grace", "violet-anchor-77", 400, "This is not an e-mail address."),
    ] {
        let mut browser = Browser::new(&house);
        let fields = [("name", "Grace"), ("email", email), ("password", password)];
        let answer = browser.fill("/signup", &fields).await;
        let page = html(&answer);
        assert_eq!(answer.status, status, "{page}");
        for part in [words, "value=\"Grace\"", &format!("value=\"{email}\""), "role=\"alert\"", "<title>Error: "] {
            assert!(page.contains(part), "{part}: {page}");
        }
        assert!(!page.contains(password), "a password is never sent back");
        assert!(!browser.jar.0.contains_key(SESSION));
    }
}

#[tokio::test]
async fn a_wrong_password_an_unknown_address_and_nonsense_read_the_same_and_keep_the_address() {
    let house = House::memory().await;
    let mut seen = Vec::new();
    for (email, password) in [(ADA, "wrong"), ("nobody@example.test", PASSWORD), ("nonsense", ""), ("", PASSWORD)] {
        let mut browser = Browser::new(&house);
        let answer =
            browser.fill("/login?return_to=/account/devices", &[("email", email), ("password", password)]).await;
        let page = html(&answer);
        assert_eq!(answer.status, 401, "{page}");
        assert!(page.contains(&format!("value=\"{email}\"")), "{page}");
        for part in ["aria-invalid=\"true\"", "aria-describedby=\"faults\"", "href=\"#password\"", "autofocus"] {
            assert!(page.contains(part), "{part}: {page}");
        }
        let plain = page.replace(&token(&page), "").replace(&format!("type=\"email\" value=\"{email}\""), "");
        let nonce = plain.split(" nonce=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a nonce");
        seen.push(plain.replace(nonce, ""));
    }
    assert!(seen.windows(2).all(|pair| pair[0] == pair[1]), "{seen:#?}");
}

#[tokio::test]
async fn a_page_that_wants_a_sign_in_comes_back_after_it() {
    let house = House::memory().await;
    let mut browser = Browser::new(&house);
    let away = browser.open("/account/devices?notice=ended").await;
    let login = goes_to(&away).to_owned();
    assert_eq!(login, "/login?return_to=/account/devices%3Fnotice%3Dended");
    let page = browser.read(&login).await;
    assert!(page.contains("name=\"return_to\" value=\"/account/devices?notice=ended\""), "{page}");
    let fields = [("email", ADA), ("password", PASSWORD), ("return_to", "/account/devices?notice=ended")];
    let answer = browser.submit("/login", &token(&page), &fields).await;
    assert_eq!(goes_to(&answer), "/account/devices?notice=ended");
    assert_eq!(goes_to(&browser.open("/login?return_to=/account/security").await), "/account/security");
}

#[tokio::test]
async fn nobody_is_led_to_another_site() {
    let house = House::memory().await;
    for address in [
        "//other.test",
        "/\\other.test",
        "https://other.test",
        "/\t/other.test",
        "\\\\other.test",
        "javascript:1",
        " //x",
    ] {
        let mut browser = Browser::new(&house);
        let fields = [("email", ADA), ("password", PASSWORD), ("return_to", address)];
        assert_eq!(goes_to(&browser.fill("/login", &fields).await), "/account", "{address:?}");
        let query: String = address.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let signed_in = browser.open(&format!("/login?return_to={query}")).await;
        assert_eq!(goes_to(&signed_in), "/account", "{address:?}");
        let page = Browser::new(&house).read(&format!("/login?return_to={query}")).await;
        assert!(page.contains("name=\"return_to\" value=\"\""), "{address:?}");
    }
}

#[tokio::test]
async fn a_form_without_its_token_its_cookie_or_its_session_does_nothing() {
    let house = House::memory().await;
    let mut browser = Browser::new(&house);
    let good = token(&browser.read("/login").await);
    let fields = [("email", ADA), ("password", PASSWORD)];
    let other = token(&Browser::new(&house).read("/login").await);
    for token in ["", "AAAA", &other, &good[1..]] {
        let answer = browser.submit("/login", token, &fields).await;
        assert_eq!(answer.status, 403, "{answer:?}");
        assert!(html(&answer).contains("Please send it again."));
        assert!(html(&answer).contains(ADA), "what was typed is kept");
    }
    let mut robbed = Browser::new(&house);
    assert_eq!(robbed.submit("/login", &good, &fields).await.status, 403, "another browser's cookie");
    assert!(robbed.jar.0.contains_key(FORM), "and the way to send it again is open");
    assert_eq!(goes_to(&browser.submit("/login", &good, &fields).await), "/account");

    let asked = [("current_password", PASSWORD), ("new_password", "violet-anchor-77")];
    for token in ["", &good] {
        assert_eq!(browser.submit("/account/security", token, &asked).await.status, 403, "a form for anybody");
        assert_eq!(browser.submit("/account/devices", token, &[("end", "others")]).await.status, 403);
        assert_eq!(browser.submit("/logout", token, &[]).await.status, 403);
    }
    let of_first = token(&browser.read("/account/security").await);
    browser.jar.0.remove(SESSION);
    browser.sign_in().await;
    let answer = browser.submit("/account/security", &of_first, &asked).await;
    assert_eq!(answer.status, 403, "a form of another sign-in");
    browser.read("/account").await;
}

#[tokio::test]
async fn a_mistyped_address_is_answered_with_a_page_to_people_and_as_ever_to_programs() {
    let house = House::memory().await;
    let people = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
    for (path, accept, is_page) in [
        ("/acount", people, true),
        ("/acount", "*/*", false),
        ("/acount", "application/json", false),
        ("/v1/sesion", people, false),
        ("/assets/nothing.css", people, false),
    ] {
        let answer = house.send(Ask::get(path).header("accept", accept)).await;
        assert_eq!(answer.status, 404, "{path}");
        let kind = answer.headers.get("content-type").and_then(|kind| kind.to_str().ok()).expect("a kind");
        assert_eq!(kind.starts_with("text/html"), is_page, "{path} {accept}: {kind}");
        assert!(html(&answer).contains("not_found"), "{path}");
    }
    let posted = house.send(Ask::post("/acount").header("accept", people)).await;
    assert_eq!(posted.status, 404);
    assert!(html(&posted).starts_with('{'), "a form that leads nowhere is a program's");
}

#[tokio::test]
async fn a_browser_that_keeps_no_cookie_is_told_so_and_what_to_do() {
    let house = House::memory().await;
    for path in ["/login", "/signup"] {
        let mut browser = Browser::new(&house);
        let good = token(&browser.read(path).await);
        let fields = [("email", "eve@example.test"), ("password", PASSWORD)];
        for _ in 0..2 {
            browser.jar.0.clear();
            let told = html(&browser.submit(path, &good, &fields).await);
            assert!(told.contains("sent no cookie") && told.contains("doorward dev --tls"), "{path}: {told}");
            assert!(!told.contains("open for too long"), "{path}: it would be so for ever");
        }
        let told = html(&browser.submit(path, "x", &fields).await);
        assert!(told.contains("open for too long") && !told.contains("sent no cookie"), "{path}: {told}");
    }
}

#[tokio::test]
async fn another_site_cannot_send_our_forms_even_one_that_may_call() {
    let house = House::memory().await;
    let mut browser = Browser::new(&house);
    browser.sign_in().await;
    let token = token(&browser.read("/logout").await);
    for site in ["cross-site", "same-site"] {
        for path in ["/login", "/signup", "/logout", "/account/security", "/account/devices"] {
            let form = Ask::post(path).form(&[("form_token", token.as_str())]).header("origin", "https://other.test");
            let answer = browser.send(form, site).await;
            assert_eq!(answer.status, 403, "{path}");
            assert!(answer.headers.get("set-cookie").is_none(), "{path}");
        }
    }
    // A browser that says nothing of the site says the origin.
    for (origin, through) in [("https://other.test", false), ("http://localhost:8420", true)] {
        let form = Ask::post("/logout").form(&[("form_token", token.as_str())]).jar(&browser.jar);
        let answer = house.send(form.header("origin", origin)).await;
        assert_eq!(answer.status == 303, through, "{origin}: {answer:?}");
    }
}

#[tokio::test]
async fn a_form_in_another_media_type_is_refused() {
    let house = House::memory().await;
    let mut browser = Browser::new(&house);
    let token = token(&browser.read("/login").await);
    let body = format!("form_token={token}&email=ada%40example.test&password={PASSWORD}");
    let text = Ask::post("/login").raw(body).jar(&browser.jar);
    assert_eq!(house.send(text).await.status, 415);
    let long = "x".repeat(20_000);
    assert_eq!(browser.submit("/login", &token, &[("email", &long)]).await.status, 413);
}

#[tokio::test]
async fn devices_are_shown_and_ended_one_by_one_and_together() {
    let house = House::memory().await;
    let (mut here, mut there) = (Browser::new(&house), Browser::new(&house));
    there.agent = FIREFOX;
    here.sign_in().await;
    there.sign_in().await;
    let native = house.sign_in("demo-hybrid", "body").await;
    let page = here.read("/account/devices").await;
    for part in
        ["Chrome on Linux", "This device", "Firefox on Windows 10", "<code>demo-hybrid</code>", "<code>hybrid</code>"]
    {
        assert!(page.contains(part), "{part}: {page}");
    }
    assert_eq!(page.matches("name=\"end\" value=\"ses_").count(), 3);
    assert_eq!(page.matches("This device").count(), 1);

    let answer = here.fill("/account/devices", &[("end", &native.session_id())]).await;
    assert_eq!(goes_to(&answer), "/account/devices?notice=ended");
    let again = here.fill("/account/devices", &[("end", &native.session_id())]).await;
    assert_eq!(goes_to(&again), "/account/devices?notice=gone");
    house.send(Ask::get("/v1/session").bearer(&native.text("access_token"))).await.expect(401, "token_revoked");

    let answer = here.fill("/account/devices", &[("end", "others")]).await;
    assert_eq!(goes_to(&answer), "/account/devices?notice=others_ended");
    assert!(goes_to(&there.open("/account").await).starts_with("/login"));
    let page = here.read("/account/devices?notice=others_ended").await;
    assert!(page.contains("All other devices are signed out.") && !page.contains("value=\"others\""), "{page}");

    let (_, rest) = page.split_once("name=\"end\" value=\"").expect("this device");
    let own = rest.split('"').next().expect("its id").to_owned();
    assert_eq!(goes_to(&here.fill("/account/devices", &[("end", &own)]).await), "/login?notice=signed_out");
    assert!(!here.jar.0.contains_key(SESSION));
}

#[tokio::test]
async fn nobody_ends_the_devices_of_somebody_else() {
    let house = House::memory().await;
    let ada = house.sign_in("demo-session", "body").await;
    let mut grace = Browser::new(&house);
    let fields = [("email", "grace@example.test"), ("password", "violet-anchor-77")];
    grace.fill("/signup", &fields).await;
    let answer = grace.fill("/account/devices", &[("end", &ada.session_id())]).await;
    assert_eq!(goes_to(&answer), "/account/devices?notice=gone");
    assert_eq!(grace.fill("/account/devices", &[("end", "nonsense")]).await.status, 404);
    assert_eq!(house.send(Ask::get("/v1/session").bearer(&ada.text("session_token"))).await.status, 200);
}

#[tokio::test]
async fn a_password_change_keeps_this_browser_and_ends_the_others() {
    let house = House::memory().await;
    let (mut here, mut there) = (Browser::new(&house), Browser::new(&house));
    here.sign_in().await;
    there.sign_in().await;
    let page = here.read("/account/security").await;
    for part in ["autocomplete=\"username\"", "autocomplete=\"current-password\"", "autocomplete=\"new-password\""] {
        assert!(page.contains(part), "{part}: {page}");
    }
    let before = here.jar.0[SESSION].clone();
    for (current, new, status, words) in [
        ("wrong", "violet-anchor-77", 401, "The current password is not right."),
        (PASSWORD, "short", 422, "Choose another password"),
    ] {
        let answer = here.fill("/account/security", &[("current_password", current), ("new_password", new)]).await;
        assert_eq!(answer.status, status, "{answer:?}");
        assert!(html(&answer).contains(words));
    }
    let fields = [("current_password", PASSWORD), ("new_password", "violet-anchor-77")];
    let answer = here.fill("/account/security", &fields).await;
    assert_eq!(goes_to(&answer), "/account/security?notice=password_changed");
    assert_ne!(here.jar.0[SESSION], before);
    assert!(here.read("/account/security?notice=password_changed").await.contains("Your password is changed."));
    assert!(goes_to(&there.open("/account").await).starts_with("/login"));
    let new = Browser::new(&house).fill("/login", &[("email", ADA), ("password", "violet-anchor-77")]).await;
    assert_eq!(goes_to(&new), "/account");
}

#[tokio::test]
async fn a_dead_cookie_goes_only_when_a_person_comes_to_sign_in() {
    let house = House::memory().await;
    let mut browser = Browser::new(&house);
    browser.sign_in().await;
    let secret = browser.jar.0[SESSION].clone();
    house.send(Ask::delete("/v1/session").bearer(&secret)).await.ok();
    let clears = |answer: &Answer| {
        let cookies = answer.headers.get_all("set-cookie").iter();
        cookies.filter(|cookie| cookie.to_str().is_ok_and(|text| text.starts_with(SESSION))).count()
    };
    for path in ["/account", "/account/devices", "/tools", "/tools/jwt", "/tools/secrets", "/signup"] {
        assert_eq!(clears(&browser.open(path).await), 0, "{path}");
    }
    let fetched =
        Ask::get("/login").jar(&browser.jar).header("sec-fetch-mode", "cors").header("sec-fetch-dest", "empty");
    assert_eq!(clears(&house.send(fetched).await), 0, "a fetch");
    assert_eq!(clears(&house.send(Ask::get("/login").jar(&browser.jar)).await), 0, "who knows what");
    let page = browser.open("/login").await;
    assert_eq!(clears(&page), 1);
    assert!(html(&page).contains("Your session has ended."));
    assert!(!browser.jar.0.contains_key(SESSION));
    browser.sign_in().await;
}

#[tokio::test]
async fn what_people_type_is_never_markup() {
    let house = House::memory().await;
    let mut browser = Browser::new(&house);
    browser.agent = "<script>alert(1)</script>/1.0";
    let name = "<script>alert('name')</script>\"' onfocus=x";
    let fields = [("name", name), ("email", "a'b&amp{{7*7}}=x@example.test"), ("password", "violet-anchor-77")];
    let answer = browser.fill("/signup", &fields).await;
    assert_eq!(goes_to(&answer), "/account?notice=welcome", "{answer:?}");
    let mut pages = vec![browser.read("/account").await, browser.read("/account/devices").await];
    pages.push(browser.read("/account/security").await);
    assert!(pages[0].contains("&lt;script&gt;"), "{}", pages[0]);
    for (page, email) in [("/login", "\"><script>alert(2)</script>"), ("/signup", "'\"><img src=x onerror=alert(3)>")]
    {
        let mut other = Browser::new(&house);
        pages.push(html(&other.fill(page, &[("email", email), ("name", email), ("password", "x")]).await));
    }
    pages.push(html(&browser.open("/login?return_to=/%22%3E%3Cscript%3Ealert(4)%3C/script%3E").await));
    for page in pages {
        for part in ["<script>", "<img src=x", "value=\"\"><s", "value=\"'\"", "' onfocus", "49=x"] {
            assert!(!page.contains(part), "{part}: {page}");
        }
    }
}

#[tokio::test]
async fn every_page_and_every_redirect_bears_the_security_headers() {
    let house = House::memory().await;
    let (mut somebody, mut nobody) = (Browser::new(&house), Browser::new(&house));
    somebody.sign_in().await;
    let pages = ROUTES.iter().filter(|route| route.purpose.starts_with("page:") || route.audience == Audience::Page);
    for route in pages {
        let ask = || Ask::new(route.method.parse().expect("a method"), route.path).form(&[]);
        for answer in [nobody.send(ask(), "same-origin").await, somebody.send(ask(), "same-origin").await] {
            let header = |name: &str| answer.headers.get(name).map(|value| value.to_str().expect("text").to_owned());
            let has =
                |name: &str, value: &str| assert_eq!(header(name).as_deref(), Some(value), "{} {name}", route.path);
            has("cache-control", "no-store");
            has("referrer-policy", "no-referrer");
            has("x-content-type-options", "nosniff");
            has("cross-origin-opener-policy", "same-origin");
            let policy = header("content-security-policy").expect("a policy");
            for part in ["default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'"] {
                assert!(policy.contains(part), "{part} in {policy}");
            }
            assert!(!policy.contains("unsafe") && !policy.contains("http"), "{policy}");
        }
    }
    let cookie = nobody.open("/login").await;
    assert!(cookie.headers.get("set-cookie").is_none(), "the form cookie is set once");
    let first = Browser::new(&house).open("/login").await;
    let attributes = first.headers["set-cookie"].to_str().expect("text").to_owned();
    assert!(attributes.ends_with("; Path=/; Secure; HttpOnly; SameSite=Lax"), "{attributes}");
}

/// What somebody smuggles into a page has no nonce, and so does what an old page had.
#[tokio::test]
async fn scripts_run_by_a_nonce_that_each_page_draws_anew() {
    let house = House::memory().await;
    let browser = &mut Browser::new(&house);
    let mut seen = std::collections::BTreeSet::new();
    for path in ["/login", "/login", "/signup", "/tools/jwt", "/tools/secrets"] {
        let page = browser.open(path).await;
        let policy = page.headers["content-security-policy"].to_str().expect("text").to_owned();
        let scripts =
            policy.split("; ").find_map(|part| part.strip_prefix("script-src ")).expect("a rule for scripts");
        let nonce = scripts.strip_prefix("'nonce-").and_then(|rest| rest.strip_suffix('\'')).expect("a nonce alone");
        assert_eq!(nonce.len(), 22, "128 bits");
        let page = html(&page);
        assert_eq!(
            page.matches("<script").count(),
            page.matches(&format!(" nonce=\"{nonce}\" src=\"/assets/")).count()
        );
        assert!(page.contains("<script"), "{path} has one");
        assert!(seen.insert(nonce.to_owned()), "{nonce} was used before");
    }
    let away = browser.open("/account").await;
    let policy = away.headers["content-security-policy"].to_str().expect("text");
    assert!(!policy.contains("script-src"), "what has no scripts runs none: {policy}");
}

#[tokio::test]
async fn every_page_has_a_language_a_title_one_heading_and_a_way_past_the_navigation() {
    let house = House::memory().await;
    let (mut somebody, mut nobody) = (Browser::new(&house), Browser::new(&house));
    somebody.sign_in().await;
    for route in ROUTES.iter().filter(|route| route.purpose.starts_with("page:")) {
        let browser = if route.audience == Audience::Page { &mut somebody } else { &mut nobody };
        let page = browser.read(route.path).await;
        for part in
            ["<html lang=\"en\">", "<title>", "<h1>", "href=\"#main\"", "<main id=\"main\"", "name=\"viewport\""]
        {
            assert_eq!(page.matches(part).count(), 1, "{part} in {}: {page}", route.path);
        }
        let here = format!("href=\"{}\" aria-current=\"page\"", route.path);
        let is_in_navigation = ["/account", "/account/security", "/account/devices"].contains(&route.path);
        assert_eq!(page.contains(&here), is_in_navigation, "{}", route.path);
    }
}

#[tokio::test]
async fn assets_are_named_by_what_they_hold_and_kept_for_ever() {
    let house = House::memory().await;
    let page = Browser::new(&house).read("/tools/jwt").await;
    let addresses: Vec<_> = page.split('"').filter(|part| part.starts_with("/assets/")).collect();
    assert!(addresses.len() >= 3, "{addresses:?}");
    for address in addresses {
        let asset = house.send(Ask::get(address)).await;
        assert_eq!(asset.status, 200, "{address}");
        assert_eq!(asset.headers["cache-control"], "public, max-age=31536000, immutable");
        assert_eq!(asset.headers["x-content-type-options"], "nosniff");
    }
    house.send(Ask::get("/assets/doorward.css")).await.expect(404, "not_found");
}

#[tokio::test]
async fn a_closed_sign_up_is_not_offered() {
    let house = House::closed().await;
    let mut browser = Browser::new(&house);
    assert!(!browser.read("/login").await.contains("/signup"));
    let page = browser.open("/signup").await;
    assert_eq!(page.status, 403);
    assert!(html(&page).contains("Nobody can sign up here by themselves."));
}

#[tokio::test]
async fn short_ways_lead_where_they_should() {
    let house = House::memory().await;
    for (path, place) in [("/", "/account"), ("/.well-known/change-password", "/account/security")] {
        assert_eq!(goes_to(&Browser::new(&house).open(path).await), place);
    }
}

#[tokio::test]
async fn an_account_client_of_another_strategy_signs_nobody_in_by_page() {
    let house = House::memory().await;
    house.set_strategy("account", doorward_core::client::Strategy::Jwt).await;
    let mut browser = Browser::new(&house);
    let answer = browser.fill("/login", &[("email", ADA), ("password", PASSWORD)]).await;
    assert_eq!(answer.status, 403);
    let body = json!({ "email": ADA, "password": PASSWORD, "client_id": "demo-session", "transport": "body" });
    let token = house.send(Ask::post("/v1/sessions").json(&body)).await.ok().text("session_token");
    let list = house.send(Ask::get("/v1/sessions").bearer(&token)).await.ok();
    assert_eq!(list.body["data"].as_array().map(Vec::len), Some(1), "and leaves no session behind");
}
