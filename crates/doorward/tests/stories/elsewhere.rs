//! People who bring a password from another system: they sign in as always, and are kept our way from then on.

use doorward::flows::import::{self, Outcome};
use doorward::import::Row;
use doorward_core::audit::{Actor, Kind};
use doorward_core::change::{AddUser, DirectoryChange, Rehash};
use doorward_core::id::UserId;
use doorward_core::password::foreign::{Digest, Foreign, Place, Weak};
use doorward_core::password::{Chosen, decoy, is_current, scheme};
use doorward_core::user::{Email, User};
use doorward_store::{Committed, Credential};
use serde_json::json;

use super::house::{ADA, Answer, Ask, CHEAP, Ground, House, PASSWORD};

const GRACE: &str = "grace@example.test";
/// Of [`PASSWORD`], by Django's bcrypt.
const BCRYPT: &str = "$2b$05$abcdefghijklmnopqrstuuOquOvu562XMHss3NY6Bs13izcytCffW";

/// An account whose password rests as this text.
async fn bring(house: &House, email: &str, phc: String) -> UserId {
    let id = UserId::from_bytes(house.door.draw().expect("dice"));
    let user = User::new(id, Email::parse(email).expect("an address"), None, house.door.now());
    let event = house.door.event(Kind::UserCreated, Actor::Operator, &Default::default()).expect("an event");
    let change = DirectoryChange::AddUser(Box::new(AddUser { user, phc }));
    let committed = house.door.cached().commit_durable(change, event).await.expect("a commit");
    assert!(matches!(committed, Committed::Done(_)), "{committed:?}");
    id
}

async fn kept(house: &House, user: UserId) -> Credential {
    house.door.directory().credential(user).await.expect("an answer").expect("a password")
}

async fn try_in(house: &House, email: &str, password: &str) -> Answer {
    let body = json!({ "email": email, "password": password, "client_id": "demo-session", "transport": "body" });
    house.send(Ask::post("/v1/sessions").json(&body)).await
}

#[tokio::test]
async fn a_password_from_elsewhere_is_kept_our_way_from_the_first_sign_in_on() {
    for ground in [Ground::Memory, Ground::Sqlite] {
        let house = House::on(ground).await;
        let grace = bring(&house, GRACE, BCRYPT.to_owned()).await;
        try_in(&house, GRACE, "violet-anchor-77").await.expect(401, "invalid_credentials");
        assert_eq!(kept(&house, grace).await.phc, BCRYPT, "a wrong password changes nothing");
        let first = try_in(&house, GRACE, PASSWORD).await.ok().text("session_token");
        let anew = kept(&house, grace).await;
        assert!(is_current(&anew.phc, CHEAP) && anew.version == 2, "{}", anew.phc);
        let second = try_in(&house, GRACE, PASSWORD).await.ok().text("session_token");
        assert_eq!(kept(&house, grace).await, anew, "once");
        try_in(&house, GRACE, "violet-anchor-77").await.expect(401, "invalid_credentials");
        for session in [first, second] {
            house.send(Ask::get("/v1/session").bearer(&session)).await.ok();
        }
        let log = house.door.directory().audit_after(0, 100).await.expect("a log");
        let told = log.iter().filter(|link| link.event.kind == Kind::PasswordRehashed);
        assert_eq!(told.map(|link| link.event.who).collect::<Vec<_>>(), [Some(grace)]);
    }
}

/// Asks for a password change, and keeps another text meanwhile: after the one so far was read, and before it is weighed.
async fn change_while_kept_anew(house: &House, meanwhile: &str) -> Answer {
    let secret = house.sign_in("demo-session", "body").await.text("session_token");
    let hashing = house.door.hashing();
    let chosen = Chosen::accept(meanwhile, &[]).expect("a password");
    let phc = hashing.hash(chosen, [9; 16]).await.expect("a hash");
    let (mut held, mut workers) = (Vec::new(), Vec::new());
    for _ in 0..2 {
        let (release, released) = std::sync::mpsc::channel::<()>();
        let (place, pool) = (hashing.place().expect("a place"), hashing.clone());
        workers.push(tokio::spawn(async move { pool.work(place, move || released.recv().is_err()).await }));
        held.push(release);
    }
    while hashing.meter().running() < 2 {
        tokio::task::yield_now().await;
    }
    let body = json!({ "current_password": PASSWORD, "new_password": "violet-anchor-77" });
    let change = house.send(Ask::put("/v1/user/password").bearer(&secret).json(&body));
    let keep_anew = async {
        while hashing.meter().waiting() == 0 {
            tokio::task::yield_now().await;
        }
        let from = kept(house, house.ada).await.version;
        let event = house.door.event(Kind::PasswordRehashed, Actor::Doorward, &Default::default()).expect("an event");
        let rehash = DirectoryChange::Rehash(Rehash { user: house.ada, from, phc });
        house.door.cached().commit_durable(rehash, event).await.expect("a commit");
        drop(held);
    };
    let (answer, ()) = tokio::join!(change, keep_anew);
    for worker in workers {
        worker.await.expect("no panic").expect("worked");
    }
    answer
}

#[tokio::test]
async fn a_sign_in_that_keeps_a_password_anew_does_not_make_it_wrong_for_a_change_under_way() {
    for ground in [Ground::Memory, Ground::Sqlite] {
        let house = House::on(ground).await;
        change_while_kept_anew(&house, PASSWORD).await.ok();
        try_in(&house, ADA, PASSWORD).await.expect(401, "invalid_credentials");
        try_in(&house, ADA, "violet-anchor-77").await.ok();
        // Only what is right by what is kept now goes on.
        let house = House::on(ground).await;
        change_while_kept_anew(&house, "amber-window-12").await.expect(401, "invalid_credentials");
        try_in(&house, ADA, "amber-window-12").await.ok();
    }
}

#[tokio::test]
async fn what_can_be_nobodys_password_opens_nothing_even_where_nothing_does() {
    let house = House::memory().await;
    // PBKDF2 of the empty text, as Django writes it.
    let of_nothing = "pbkdf2_sha256$1000$a-salt-of-16-byt$9MPLpejNFywhFG3FZe2Z2i5F0N5L4ajaHGQOva16yAU=";
    bring(&house, GRACE, Foreign::read(of_nothing).expect("a hash").text()).await;
    for text in ["a\0b", &"x".repeat(257)] {
        try_in(&house, GRACE, text).await.expect(401, "invalid_credentials");
    }
    try_in(&house, GRACE, "").await.ok();
}

#[tokio::test]
async fn many_first_sign_ins_at_once_all_succeed_and_one_of_them_rehashes() {
    let house = House::on(Ground::Sqlite).await;
    let grace = bring(&house, GRACE, BCRYPT.to_owned()).await;
    let (one, two, three, four) = tokio::join!(
        try_in(&house, GRACE, PASSWORD),
        try_in(&house, GRACE, PASSWORD),
        try_in(&house, GRACE, PASSWORD),
        try_in(&house, GRACE, PASSWORD)
    );
    for answer in [one, two, three, four] {
        answer.ok();
    }
    assert_eq!(kept(&house, grace).await.version, 2);
}

#[tokio::test]
async fn an_md5_from_elsewhere_signs_in_and_is_never_in_the_files() {
    let house = House::on(Ground::Sqlite).await;
    let hex = "208b13a628df4115f642df1557595142";
    let weak = Weak::read(Digest::Md5, hex, "sea", Place::Prefix).expect("a digest");
    let wrapped = house.door.hashing().wrap(weak, [7; 16]).await.expect("a hash");
    let grace = bring(&house, GRACE, wrapped).await;
    let all: Vec<u8> = house.files().into_iter().flatten().collect();
    let holds = |needle: &[u8]| all.windows(needle.len()).any(|window| window == needle);
    let bytes: Vec<u8> = (0..16).map(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).expect("hex")).collect();
    assert!(holds(GRACE.as_bytes()) && !holds(hex.as_bytes()) && !holds(&bytes));
    try_in(&house, GRACE, "violet-anchor-77").await.expect(401, "invalid_credentials");
    try_in(&house, GRACE, PASSWORD).await.ok();
    assert!(is_current(&kept(&house, grace).await.phc, CHEAP));
}

#[tokio::test]
async fn a_change_of_password_takes_one_from_elsewhere_as_the_current_one() {
    let house = House::memory().await;
    let grace = bring(&house, GRACE, BCRYPT.to_owned()).await;
    let token = try_in(&house, GRACE, PASSWORD).await.ok().text("session_token");
    let body = json!({ "current_password": PASSWORD, "new_password": "violet-anchor-77" });
    house.send(Ask::put("/v1/user/password").bearer(&token).json(&body)).await.ok();
    assert!(is_current(&kept(&house, grace).await.phc, CHEAP));
    try_in(&house, GRACE, PASSWORD).await.expect(401, "invalid_credentials");
    try_in(&house, GRACE, "violet-anchor-77").await.ok();
}

#[tokio::test]
async fn an_account_without_a_password_lets_nobody_in_and_guesses_are_slowed_as_always() {
    let house = House::memory().await;
    bring(&house, GRACE, decoy(CHEAP)).await;
    bring(&house, "lin@example.test", BCRYPT.to_owned()).await;
    for email in [GRACE, "lin@example.test", "nobody@example.test", ADA] {
        for password in ["", "violet-anchor-77", "a", "b", "c"] {
            try_in(&house, email, password).await.expect(401, "invalid_credentials");
        }
        try_in(&house, email, PASSWORD).await.expect(429, "too_many_attempts");
    }
}

#[tokio::test]
async fn answers_about_nobody_become_like_those_about_the_newcomers() {
    for ground in [Ground::Memory, Ground::Sqlite] {
        let house = House::on(ground).await;
        let schemes = || {
            let nobody = |number: u8| Email::parse(&format!("nobody{number}@example.test")).expect("an address");
            let lot = |number| house.door.keys().whose(&nobody(number), None);
            (0..64).map(|number| scheme(&house.door.hashing().decoy_of(lot(number)))).collect::<Vec<_>>()
        };
        let ours = scheme(&decoy(CHEAP));
        assert!(schemes().iter().all(|one| *one == ours));
        let row = |number| Row {
            email: Some(format!("person{number}@example.test")),
            password_hash: Some(BCRYPT.to_owned()),
            ..Row::default()
        };
        let rows: Vec<_> = (0..3).map(row).collect();
        let outcomes = import::import(&house.door, &rows, false, &Default::default()).await.expect("an import");
        assert!(outcomes.iter().all(|outcome| matches!(outcome, Outcome::Imported(_, "bcrypt"))), "{outcomes:?}");
        import::finish(&house.door).await;
        let now = schemes();
        assert_eq!(now, schemes(), "an address has one answer");
        let bcrypt = now.iter().filter(|one| *one == "$2b$05$").count();
        let rest = now.iter().filter(|one| **one == ours).count();
        assert!(bcrypt > 32 && rest > 0 && bcrypt + rest == 64, "three of four: {bcrypt} and {rest}");
    }
}
