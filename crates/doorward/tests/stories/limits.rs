//! Limits over real sockets: the last that is let through, and the next, which is told why and let go.

use std::time::Duration;

use doorward::listener::bounds::Bounds;
use doorward::listener::framing::{FIELDS_MOST, HEAD_LARGEST, LINE_LARGEST};
use serde_json::json;

use super::house::{ADA, Ask, House, PASSWORD};
use super::wire::{Caller, PATIENCE, Street};

const SHORT: Duration = Duration::from_millis(200);
const HEAD: &str = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n";

/// Says a whole request, and expects an answer and whether the connection stays.
async fn check(street: &Street, request: &str, status: u16, code: &str) {
    let mut caller = street.say(request).await;
    caller.told().await.expect("an answer").expect(status, code);
    if code.is_empty() {
        caller.say(format!("{HEAD}\r\n")).await;
        assert_eq!(caller.told().await.expect("another answer").status, 200);
    } else {
        caller.is_closed().await;
    }
}

#[tokio::test]
async fn heads_are_let_through_at_each_limit_and_refused_one_past_it() {
    let street = Street::open().await;
    let target = |line: usize| {
        let query = "a".repeat(line - "GET /healthz? HTTP/1.1".len());
        format!("GET /healthz?{query} HTTP/1.1\r\nHost: localhost\r\n\r\n")
    };
    check(&street, &target(LINE_LARGEST), 200, "").await;
    check(&street, &target(LINE_LARGEST + 1), 414, "target_too_long").await;
    let cookie = |line: usize| format!("{HEAD}Cookie: {}\r\n\r\n", "a".repeat(line - "Cookie: ".len()));
    check(&street, &cookie(LINE_LARGEST), 200, "").await;
    check(&street, &cookie(LINE_LARGEST + 1), 431, "head_too_large").await;
    let fields = |many: usize| format!("{HEAD}{}\r\n", "x: y\r\n".repeat(many - 1));
    check(&street, &fields(FIELDS_MOST), 200, "").await;
    check(&street, &fields(FIELDS_MOST + 1), 431, "head_too_large").await;
    let head = |bytes: usize| {
        let rest = bytes - HEAD.len() - "x: \r\ny: \r\n\r\n".len();
        let one = rest.min(LINE_LARGEST - 3);
        format!("{HEAD}x: {}\r\ny: {}\r\n\r\n", "a".repeat(one), "a".repeat(rest - one))
    };
    check(&street, &head(HEAD_LARGEST), 200, "").await;
    check(&street, &head(HEAD_LARGEST + 1), 431, "head_too_large").await;
}

#[tokio::test]
async fn a_body_is_let_through_at_its_limit_and_refused_unread_one_past_it() {
    let street = Street::open().await;
    let post = |path: &str, kind: &str, length: usize| {
        format!("POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n")
    };
    let padded = |length: usize| {
        let bare = json!({ "email": "a@b.test", "password": "x" }).to_string();
        format!("{bare}{}", " ".repeat(length - bare.len()))
    };
    let most = 16 * 1024;
    let request = format!("{}{}", post("/v1/sessions", "application/json", most), padded(most));
    let mut caller = street.say(request).await;
    caller.told().await.expect("an answer").expect(401, "invalid_credentials");
    // Nothing of the body was sent yet, nor is it waited for.
    for (path, kind) in [("/v1/sessions", "application/json"), ("/login", "application/x-www-form-urlencoded")] {
        for length in [most + 1, 1_000_000_000] {
            let mut caller = street.say(post(path, kind, length)).await;
            let told = caller.told().await.expect("an answer");
            assert_eq!(told.status, 413, "{told:?}");
            caller.is_closed().await;
        }
    }
    // The answer is not lost to a reset if the body is sent all the same.
    let mut caller =
        street.say(format!("{}{}", post("/v1/sessions", "application/json", 400_000), " ".repeat(200_000))).await;
    caller.told().await.expect("an answer").expect(413, "too_large");
    // Chunks say no length; they are counted.
    let chunked = "POST /v1/sessions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";
    let whole = format!("{chunked}{most:x}\r\n{}\r\n0\r\n\r\n", padded(most));
    street.say(whole).await.told().await.expect("an answer").expect(401, "invalid_credentials");
    let more = format!("{chunked}{:x}\r\n{}\r\n0\r\n\r\n", most + 1, padded(most + 1));
    street.say(more).await.told().await.expect("an answer").expect(413, "too_large");
}

#[tokio::test]
async fn a_packed_body_is_not_unpacked() {
    let house = House::memory().await;
    let body = json!({ "email": "a@b.test", "password": "x" });
    house
        .send(Ask::post("/v1/sessions").header("content-encoding", "gzip").json(&body))
        .await
        .expect(415, "unsupported_media_type");
    let form = Ask::post("/login").header("content-encoding", "gzip").form(&[("email", "a@b.test")]);
    assert_eq!(house.send(form).await.status, 415);
}

#[tokio::test]
async fn a_value_is_nested_so_deep_and_no_deeper() {
    let house = House::memory().await;
    let token = house.sign_in("demo-session", "body").await.text("session_token");
    let put =
        |deep: usize| Ask::put("/v1/session/data/deep").bearer(&token).raw("[".repeat(deep) + &"]".repeat(deep));
    house.send(put(64)).await.ok();
    house.send(put(65)).await.expect(400, "invalid_json");
    house.send(put(8_000)).await.expect(400, "invalid_json");
}

#[tokio::test]
async fn a_half_sent_head_is_cut_in_time_wherever_it_stops() {
    let street = Street::bounded(|bounds| bounds.head_within = SHORT).await;
    for part in ["G", "GET /healthz", "GET /healthz HTTP/1.1\r\n", "GET /healthz HTTP/1.1\r\nHost: loc", "\r\n", HEAD]
    {
        let mut caller = street.say(part).await;
        caller.told().await.expect("an answer").expect(408, "too_slow");
        caller.is_closed().await;
    }
    street.call().await.is_closed().await;
    // One that drips is no better than one that stops.
    let mut caller = street.call().await;
    for byte in HEAD.as_bytes().chunks(1) {
        caller.say(byte).await;
        tokio::time::sleep(SHORT / 20).await;
    }
    caller.told().await.expect("an answer").expect(408, "too_slow");
    // On a connection that was good before, too.
    let mut caller = street.say(format!("{HEAD}\r\n")).await;
    assert_eq!(caller.told().await.expect("an answer").status, 200);
    caller.say("GET /hea").await;
    caller.told().await.expect("an answer").expect(408, "too_slow");
    caller.is_closed().await;
}

#[tokio::test]
async fn a_trickling_body_is_cut_in_time() {
    let street = Street::bounded(|bounds| bounds.body_within = SHORT).await;
    let heads = [
        "Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{",
        "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1",
    ];
    for head in heads {
        let mut caller = street.say(format!("POST /v1/sessions HTTP/1.1\r\nHost: localhost\r\n{head}")).await;
        caller.told().await.expect("an answer").expect(408, "too_slow");
        caller.is_closed().await;
    }
    let mut caller = street.say(format!("POST /v1/sessions HTTP/1.1\r\nHost: localhost\r\n{}", heads[0])).await;
    for _ in 0..20 {
        caller.say(" ").await;
        tokio::time::sleep(SHORT / 10).await;
    }
    caller.told().await.expect("an answer").expect(408, "too_slow");
}

#[tokio::test]
async fn a_quiet_connection_is_closed_and_a_busy_one_is_not() {
    let street = Street::bounded(|bounds| bounds.idle_within = SHORT * 4).await;
    let mut caller = street.call().await;
    for _ in 0..10 {
        caller.say(format!("{HEAD}\r\n")).await;
        assert_eq!(caller.told().await.expect("an answer").status, 200);
        tokio::time::sleep(SHORT).await;
    }
    caller.is_closed().await;
}

#[tokio::test]
async fn a_caller_who_reads_no_answers_is_let_go() {
    let street = Street::bounded(|bounds| bounds.write_within = SHORT).await;
    let mut caller = street.call().await;
    // Thousands of answers fill every buffer on the way; then nobody can write on, until one of them lets go.
    let requests = "GET /login HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(200);
    let mut asked = 0;
    let go_on = async {
        while caller.goes_on(&requests).await {
            asked += 200;
        }
    };
    tokio::time::timeout(PATIENCE, go_on).await.expect("let go in time");
    let mut answers = 0;
    while caller.told().await.is_some() {
        answers += 1;
    }
    assert!((1..asked).contains(&answers), "{answers} of {asked}: some were answered, and not all");
}

#[tokio::test]
async fn an_answer_that_does_not_begin_in_time_is_given_up() {
    let street = Street::bounded(|bounds| bounds.answer_within = SHORT).await;
    // The body is waited for longer than an answer may take.
    let head = "POST /v1/sessions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n";
    let mut caller = street.say(head).await;
    caller.told().await.expect("an answer").expect(503, "overloaded");
    caller.is_closed().await;
}

#[tokio::test]
async fn one_connection_too_many_is_told_so_and_gets_in_when_there_is_room() {
    let street = Street::bounded(|bounds| {
        bounds.connections = 2;
        bounds.turned_away = 1;
        bounds.linger_within = SHORT;
    })
    .await;
    let request = format!("{HEAD}\r\n");
    let mut inside: Vec<Caller> = Vec::new();
    for _ in 0..2 {
        let mut caller = street.say(&request).await;
        assert_eq!(caller.told().await.expect("an answer").status, 200);
        inside.push(caller);
    }
    let mut third = street.say(&request).await;
    let told = third.told().await.expect("an answer").expect(503, "overloaded");
    assert!(told.head.contains("retry-after: 1"), "{told:?}");
    third.is_closed().await;
    // One who says nothing holds the place of those who are turned away no longer than a moment.
    let mut silent = street.call().await;
    tokio::time::sleep(SHORT / 4).await;
    street.say(&request).await.is_closed().await;
    silent.is_closed().await;
    inside.pop();
    let mut patience = 100;
    while street.say(&request).await.told().await.is_none_or(|told| told.status != 200) {
        patience -= 1;
        assert!(patience > 0, "there is room again");
        tokio::time::sleep(SHORT / 10).await;
    }
}

#[tokio::test]
async fn requests_under_way_may_finish_when_the_server_stops_and_quiet_connections_end() {
    let street = Street::bounded(|bounds| bounds.drain_within = SHORT).await;
    let mut quiet = street.say(format!("{HEAD}\r\n")).await;
    assert_eq!(quiet.told().await.expect("an answer").status, 200);
    let body = json!({ "email": "a@b.test", "password": "x" }).to_string();
    let head = "POST /v1/sessions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";
    let head = format!("{head}Content-Length: {}\r\n\r\n", body.len());
    let mut busy = street.say(&head).await;
    let mut stuck = street.say(&head).await;
    tokio::time::sleep(SHORT).await;
    street.stop();
    quiet.is_closed().await;
    busy.say(&body).await;
    busy.told().await.expect("an answer").expect(401, "invalid_credentials");
    busy.is_closed().await;
    stuck.is_closed().await;
}

#[test]
fn the_bounds_that_are_promised_are_those_that_are_used() {
    let bounds = Bounds::default();
    assert!(bounds.body_within < bounds.answer_within, "who is slow is told so, and not that we are");
    assert!(bounds.answer_within < bounds.idle_within * 3 / 4, "nobody is idle who waits for an answer");
}

#[tokio::test]
async fn members_are_let_through_at_each_limit_and_refused_one_past_it() {
    let house = House::memory().await;
    let sign_up = |email: &str, password: &str, name: &str| {
        Ask::post("/v1/users").json(&json!({ "email": email, "password": password, "name": name }))
    };
    let address = |local: &str| format!("{local}@{}.test", ["b"; 124].join("."));
    let good = "violet-anchor-77";
    let answer = house.send(sign_up(&address("a"), good, "a")).await;
    assert_eq!((address("a").len(), answer.status.as_u16()), (254, 201), "{answer:?}");
    house.send(sign_up(&address("ab"), good, "a")).await.expect(400, "invalid_field");
    house.send(sign_up("b@b.test", good, &"\u{e4}".repeat(128))).await.ok();
    house.send(sign_up("c@b.test", good, &"\u{e4}".repeat(129))).await.expect(400, "invalid_field");
    let words = |characters: usize| "violet anchor ".chars().cycle().take(characters).collect::<String>();
    for (characters, fits) in [(7, false), (8, true), (256, true), (257, false)] {
        let answer = house.send(sign_up(&format!("p{characters}@b.test"), &words(characters), "a")).await;
        assert_eq!(
            (answer.status == 201, answer.code() == "password_weak"),
            (fits, !fits),
            "{characters}: {answer:?}"
        );
    }
    let token = house.sign_in("demo-session", "body").await.text("session_token");
    let put = |key: usize| Ask::put(&format!("/v1/session/data/{}", "k".repeat(key))).bearer(&token).raw("1");
    house.send(put(64)).await.ok();
    house.send(put(65)).await.expect(400, "invalid_field");
    let client = |id: usize| json!({ "email": ADA, "password": PASSWORD, "client_id": "c".repeat(id) });
    for id in [2, 65] {
        house.send(Ask::post("/v1/sessions").json(&client(id))).await.expect(403, "client_unknown");
    }
    let long = |bytes: usize| format!("/{}", "a".repeat(bytes - 1));
    for (bytes, followed) in [(2048, true), (2049, false)] {
        let page = house.send(Ask::get(&format!("/login?return_to={}", long(bytes)))).await;
        let page = String::from_utf8(page.bytes).expect("text");
        assert_eq!(page.contains(&long(bytes)[1..]), followed, "{bytes}");
    }
}
