//! The feed on the wire: what a verifier is told, when, and what it is refused.

use std::sync::Arc;

use doorward::door::Origin;
use doorward::flows::clients::{self, Edit};
use doorward::flows::{roles, verifiers};
use doorward::hub::FeedSettings;
use doorward::jobs::{sweep, touch};
use doorward_core::audit::{Actor, Kind};
use doorward_core::budget::SESSIONS_OF_ONE;
use doorward_core::change::{DirectoryChange, TurnKeys};
use doorward_core::feed::Draft;
use doorward_core::id::{ClientId, SessionId};
use doorward_core::policy::RETENTION;
use doorward_core::role::Roles;
use doorward_core::secret::SecretKind;
use doorward_core::{Key, Lifetime, Marks, Position, Scope, Strength, base64url};
use doorward_store::{Directory as _, Stores};
use doorward_verify::feed::{Bump, Event, Need};
use serde_json::json;

use super::house::{Ask, CHEAP, Ground, House};
use super::listening::{Listener, is_silent};

/// Signs Ada in with `demo-hybrid`; gives her session and her access token.
async fn session(house: &House) -> (SessionId, String) {
    let answer = house.sign_in("demo-hybrid", "body").await;
    (SessionId::parse(&answer.session_id()).expect("an id"), answer.text("access_token"))
}

async fn sign_out(house: &House, token: &str) -> Position {
    let answer = house.send(Ask::delete("/v1/session").bearer(token)).await.ok();
    answer.body["receipt"]["position"].as_str().expect("a place").parse().expect("a place")
}

fn marks(session: SessionId) -> Marks {
    Marks { session: Some(session.key()), at: Some(Position::START), ..Marks::default() }
}

/// A thousand sessions at once are over, of a person or of guests; `round` tells them from others.
async fn end_a_thousand(house: &House, round: u64, of: Option<Key>) {
    let drafts = (0..1000).map(|number| {
        let mut id = [7; 16];
        id[..8].copy_from_slice(&(round * 1000 + number).to_be_bytes());
        Draft::session(SessionId::from_bytes(id)).of(of)
    });
    let turn = TurnKeys { keys: Vec::new(), drafts: drafts.collect() };
    let event = house.door.event(Kind::KeysTurned, Actor::Operator, &Default::default()).expect("an event");
    house.door.cached().commit_durable(DirectoryChange::TurnKeys(turn), event).await.expect("a commit");
}

async fn listening(house: &House) -> Listener {
    Listener::new(&house.add_verifier("shop").await, 1)
}

#[tokio::test]
async fn what_ends_arrives_in_a_range_and_an_echo_comes_behind_it() {
    let house = House::memory().await;
    let (id, token) = session(&house).await;
    let mut shop = listening(&house).await;
    let mut open = shop.begin(&house).await;
    assert!(!shop.refuses(&marks(id)));
    let place = sign_out(&house, &token).await;
    let range = open.range().await;
    assert_eq!((range.from, range.end()), (open.head.seq, place));
    assert_eq!((range.entries[0].scope, range.entries[0].key), (Scope::Session, id.key()));
    shop.take(&range);
    assert!(shop.refuses(&marks(id)) && shop.applied == place);
    let echo = shop.ping(&house).await;
    assert_eq!((echo.n, echo.stream, echo.head), (1, shop.stream, place));
    assert_eq!(open.next().await, Event::Echo(echo), "the same in the stream, behind everything up to its head");
    let counts = house.door.feed_counts();
    assert_eq!((counts.streams, counts.instances, counts.live, counts.pings), (1, 1, 1, 1));
    drop(open);
    assert_eq!(house.door.feed_counts().streams, 0);
}

#[tokio::test]
async fn a_ping_alone_brings_what_was_missed_and_needs_no_stream() {
    let house = House::memory().await;
    let mut shop = listening(&house).await;
    let events = shop.ask(&house, |_| {}).await.expect("an answer");
    let head = house.door.cached().head();
    assert_eq!(events[0], Event::Need(Need::Snapshot { head }), "it knows nothing yet");
    shop.fetch(&house).await;
    let (one, token) = session(&house).await;
    let (two, other) = session(&house).await;
    sign_out(&house, &token).await;
    let place = sign_out(&house, &other).await;
    let echo = shop.ping(&house).await;
    assert_eq!((echo.head, echo.stream, shop.applied), (place, None, place));
    assert!(shop.refuses(&marks(one)) && shop.refuses(&marks(two)));
    let events = shop.ask(&house, |_| {}).await.expect("an answer");
    let Event::Range(range) = &events[0] else { panic!("{events:?}") };
    assert!(range.entries.is_empty() && range.end() == place, "nothing new is said too, with the watermark");
}

#[tokio::test]
async fn a_stream_goes_on_from_where_it_was_and_a_gap_is_filled() {
    let house = House::memory().await;
    let mut shop = listening(&house).await;
    let open = shop.begin(&house).await;
    let before = open.head;
    drop(open);
    let mut ended = Vec::new();
    for _ in 0..5 {
        let (id, token) = session(&house).await;
        sign_out(&house, &token).await;
        ended.push(id);
    }
    let mut open = shop.open(&house, Some(before)).await;
    let mut entries = 0;
    while shop.applied < open.head {
        let range = open.range().await;
        assert!(range.from <= shop.applied.seq, "without a gap");
        entries += range.entries.len();
        shop.take(&range);
    }
    assert_eq!(entries, 5);
    assert!(ended.iter().all(|id| shop.refuses(&marks(*id))));
    let mut late = shop.open(&house, Some(Position { seq: before.seq + 3, ..before })).await;
    assert!(late.range().await.end() > Position { seq: before.seq + 3, ..before });
}

#[tokio::test]
async fn a_cursor_older_than_the_watermark_is_sent_for_the_snapshot() {
    let house = House::memory().await;
    let mut shop = listening(&house).await;
    let start = house.door.cached().head();
    let (old, token) = session(&house).await;
    sign_out(&house, &token).await;
    sweep::sweep(&house.door).await;
    house.advance(Lifetime::from_millis(RETENTION.millis() + 2_000));
    sweep::sweep(&house.door).await;
    let (new, token) = session(&house).await;
    let place = sign_out(&house, &token).await;
    let mut open = shop.open(&house, Some(start)).await;
    assert_eq!(open.next().await, Event::Need(Need::Snapshot { head: place }));
    let snapshot = shop.fetch(&house).await;
    assert_eq!((snapshot.statement.to, snapshot.statement.count), (place, 1));
    assert!(shop.refuses(&marks(new)) && !shop.refuses(&marks(old)), "the old one's tokens are long over");
    let (third, token) = session(&house).await;
    sign_out(&house, &token).await;
    let range = open.range().await;
    assert_eq!(range.from, place.seq, "it goes on from the head that was named");
    assert_eq!(range.gc_through, house.door.watermark());
    shop.take(&range);
    assert!(shop.refuses(&marks(third)));
}

#[tokio::test]
async fn another_generation_is_told_by_a_bump_and_a_file_that_went_backwards_is_noticed() {
    let house = House::memory().await;
    let mut shop = listening(&house).await;
    let head = house.door.cached().head();
    let older = Position { generation: head.generation - 1, seq: 900 };
    let mut open = shop.open(&house, Some(older)).await;
    assert_eq!(open.next().await, Event::Bump(Bump { head, reason: String::from("restart") }));
    assert_eq!(open.next().await, Event::Need(Need::Snapshot { head }));
    for ahead in [Position { generation: head.generation + 1, seq: 0 }, Position { seq: head.seq + 1, ..head }] {
        let mut open = shop.open(&house, Some(ahead)).await;
        assert_eq!(open.next().await, Event::Bump(Bump { head, reason: String::from("behind") }), "{ahead}");
    }
    shop.applied = Position { generation: head.generation + 1, seq: 5 };
    let events = shop.ask(&house, |_| {}).await.expect("an answer");
    assert!(matches!(&events[0], Event::Bump(bump) if bump.reason == "behind"), "{events:?}");
    let links = house.door.directory().audit_after(0, 1000).await.expect("links");
    let told = links.iter().filter(|link| link.event.kind == Kind::VerifierAhead).count();
    assert_eq!(told, 1, "once a minute, however often it is said");
    assert_eq!(house.door.feed_counts().ahead, 3);
}

/// A disk or a machine that is set back as a whole brings its mark along; of that only verifiers know.
#[tokio::test]
async fn a_verifier_that_knows_what_came_after_the_copy_is_told_and_noticed() {
    let house = House::memory().await;
    let mut shop = listening(&house).await;
    let copy = house.store().copied().expect("a copy");
    let (_, token) = session(&house).await;
    let ended = sign_out(&house, &token).await;
    house.advance(Lifetime::from_secs(5));
    let old = copy.head().await.expect("a head");
    let now = house.door.now();
    let set_back = house
        .beside(|_| {
            let memory = Arc::new(copy.reopened(now, old).expect("a store"));
            Stores { sessions: memory.clone(), directory: memory }
        })
        .await;
    let head = set_back.door.cached().head();
    assert!(old < ended && ended < head, "its number alone says nothing");
    let mut open = shop.open(&set_back, Some(old)).await;
    assert_eq!(open.next().await, Event::Bump(Bump { head, reason: String::from("restart") }));
    assert_eq!(set_back.door.feed_counts().ahead, 0, "it knows what the copy knows");
    for known in [ended, Position { generation: old.generation + 1, seq: 0 }] {
        let mut open = shop.open(&set_back, Some(known)).await;
        assert_eq!(open.next().await, Event::Bump(Bump { head, reason: String::from("behind") }), "{known}");
        assert_eq!(open.next().await, Event::Need(Need::Snapshot { head }));
    }
    assert_eq!(set_back.door.feed_counts().ahead, 2);
    let links = set_back.door.directory().audit_after(0, 1000).await.expect("links");
    let told = links.iter().find(|link| link.event.kind == Kind::VerifierAhead).expect("an event");
    assert!(told.event.detail.as_deref().is_some_and(|told| told.contains(&ended.to_string())), "{told:?}");
}

#[tokio::test]
async fn to_acknowledge_what_was_never_sent_ends_the_stream() {
    let house = House::memory().await;
    let mut shop = listening(&house).await;
    let mut other = Listener::new(&house.add_verifier("other").await, 1);
    let (mut open, mut theirs) = (shop.begin(&house).await, other.begin(&house).await);
    let ahead = Position { seq: shop.applied.seq + 1, ..shop.applied };
    let refused = shop.ask(&house, |ping| ping.applied = ahead).await.expect_err("a no");
    refused.expect(409, "applied_ahead");
    assert_eq!(open.try_next().await, None);
    assert!(is_silent(&mut theirs).await, "a namesake of another verifier goes on");
    assert_eq!(house.door.feed_counts().ahead, 1);
    shop.ping(&house).await;
}

#[tokio::test]
async fn longer_terms_than_the_realm_grants_are_refused() {
    let set = |settings: &mut doorward::door::Settings| {
        settings.feed.lease_most = Lifetime::from_millis(5_000);
        settings.feed.grace_most = Lifetime::from_millis(1_000);
    };
    let house = House::set_up(Ground::Memory, CHEAP, set).await;
    let mut shop = listening(&house).await;
    for (lease, grace, fine) in [
        (500, 0, true),
        (499, 0, false),
        (5_000, 1_000, true),
        (5_001, 0, false),
        (3_000, 1_001, false),
        (3_000, -1, false),
        (-1, 0, false),
    ] {
        (shop.lease, shop.grace) = (lease, grace);
        if lease >= 0 && grace >= 0 {
            let pinged = shop.ask(&house, |_| {}).await;
            assert_eq!(pinged.is_ok(), fine, "{lease} {grace}");
        }
        match shop.try_open(&house, None).await {
            Ok(_) => assert!(fine, "{lease} {grace}"),
            Err(answer) => drop(answer.expect(400, "lease_too_long")),
        }
    }
    for query in ["", "?instance=x&lease=3000", "?lease=3000", "?instance=AQEBAQEBAQEBAQEBAQEBAQ&lease=3000&more=1"] {
        let ask = shop.asking(Ask::get(&format!("/v1/feed{query}")));
        house.send(ask).await.expect(400, "invalid_field");
    }
    for body in ["", "{}", "[]", "{\"instance\":\"x\"}"] {
        house.send(shop.asking(Ask::post("/v1/feed/ping")).raw(body)).await.expect(400, "invalid_json");
    }
    let large = "x".repeat(doorward_verify::feed::LONGEST_PING + 1);
    house.send(shop.asking(Ask::post("/v1/feed/ping")).raw(large)).await.expect(413, "too_large");
}

#[tokio::test]
async fn one_stream_too_many_is_asked_to_come_later_and_a_drained_server_ends_all() {
    let set = |settings: &mut doorward::door::Settings| {
        settings.feed = FeedSettings { connections: 2, ..FeedSettings::default() };
    };
    let house = House::set_up(Ground::Memory, CHEAP, set).await;
    let secret = house.add_verifier("shop").await;
    let mut copies: Vec<_> = (1..=3).map(|number| Listener::new(&secret, number)).collect();
    let mut one = copies[0].begin(&house).await;
    let two = copies[1].begin(&house).await;
    let refused = copies[2].try_open(&house, None).await.err().expect("a no").expect(503, "overloaded");
    assert_eq!(refused.headers["retry-after"], "1");
    drop(two);
    let mut three = copies[2].begin(&house).await;
    house.door.drain();
    assert_eq!((one.try_next().await, three.try_next().await), (None, None));
}

/// Whoever has the secret of one leaves some to the others.
#[tokio::test]
async fn the_copies_of_one_verifier_have_three_quarters_of_the_streams_and_others_the_rest() {
    let set = |settings: &mut doorward::door::Settings| {
        settings.feed = FeedSettings { connections: 4, ..FeedSettings::default() };
    };
    let house = House::set_up(Ground::Memory, CHEAP, set).await;
    let (secret, other) = (house.add_verifier("shop").await, house.add_verifier("other").await);
    let mut copies: Vec<_> = (1..=4).map(|number| Listener::new(&secret, number)).collect();
    let mut open = Vec::new();
    for copy in &mut copies[..3] {
        open.push(copy.begin(&house).await);
    }
    let refused = copies[3].try_open(&house, None).await.err().expect("a no").expect(503, "overloaded");
    assert_eq!(refused.headers["retry-after"], "1");
    let rest = Listener::new(&other, 5).begin(&house).await;
    open.pop();
    open.push(copies[3].begin(&house).await);
    drop(rest);
}

#[tokio::test]
async fn a_verifier_that_is_struck_off_hears_nothing_more() {
    let house = House::memory().await;
    let mut shop = listening(&house).await;
    let mut open = shop.begin(&house).await;
    house.remove_verifier("shop").await;
    assert_eq!(open.try_next().await, None);
    shop.ask(&house, |_| {}).await.expect_err("a no").expect(401, "invalid_credentials");
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_no_ping_names_is_ended_and_one_that_is_named_goes_on() {
    let house = House::memory().await;
    let secret = house.add_verifier("shop").await;
    let (mut silent, mut shop) = (Listener::new(&secret, 1), Listener::new(&secret, 2));
    let (mut one, mut two) = (silent.begin(&house).await, shop.begin(&house).await);
    for _ in 0..3 {
        house.advance(Lifetime::from_secs(20));
        let echo = shop.ping(&house).await;
        assert_eq!(two.next().await, Event::Echo(echo));
    }
    assert_eq!(one.try_next().await, None);
    assert!(is_silent(&mut two).await);
}

/// Who does not read has no queue that could grow: it has its cursor, and gets one range when it reads again.
#[tokio::test]
async fn a_slow_reader_gets_one_range_over_all_it_missed_and_a_slower_one_the_snapshot() {
    let house = House::memory().await;
    let mut shop = listening(&house).await;
    let mut open = shop.begin(&house).await;
    let mut first = None;
    for round in 0..6 {
        end_a_thousand(&house, round, None).await;
        if round == 0 {
            let range = open.range().await;
            shop.take(&range);
            first = Some(range.end());
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    let first = first.expect("a place");
    let mut ranges = Vec::new();
    while shop.applied < house.door.cached().head() {
        let range = open.range().await;
        shop.take(&range);
        ranges.push(range.entries.len());
    }
    assert_eq!(ranges.iter().sum::<usize>(), 5000);
    assert_eq!(ranges[0], 5000, "one range over what is no longer kept: {ranges:?}");
    assert_eq!(house.door.feed_counts().conflated, 1);
    assert_eq!(shop.index.len(), 6000);
    for round in 6..10 {
        end_a_thousand(&house, round, None).await;
    }
    let mut late = shop.open(&house, Some(first)).await;
    let head = house.door.cached().head();
    assert_eq!(late.next().await, Event::Need(Need::Snapshot { head }), "9,000 are more than one range may have");
    assert_eq!(shop.fetch(&house).await.entries.len(), 10_000);
}

#[tokio::test]
async fn a_snapshot_that_anybody_touched_is_none() {
    use doorward_verify::feed::Snapshot;
    let house = House::memory().await;
    let shop = listening(&house).await;
    let (_, token) = session(&house).await;
    sign_out(&house, &token).await;
    let answer = house.send(shop.asking(Ask::get("/v1/feed/snapshot"))).await.ok();
    assert_eq!(answer.headers["content-type"], "application/vnd.doorward.snapshot");
    let keys = house.door.keys();
    let read = |bytes: &[u8], issuer: &str| {
        Snapshot::read(&mut bytes.to_vec(), keys.verifying(), issuer, house.door.now()).is_ok()
    };
    assert!(read(&answer.bytes, super::house::ISSUER));
    assert!(!read(&answer.bytes, "http://localhost:8421"));
    for place in (0..answer.bytes.len()).step_by(7) {
        let mut bytes = answer.bytes.clone();
        bytes[place] ^= 1;
        assert!(!read(&bytes, super::house::ISSUER), "byte {place}");
    }
    assert!(!read(&answer.bytes[..answer.bytes.len() - 1], super::house::ISSUER));
}

#[tokio::test]
async fn a_change_of_what_tokens_say_has_them_renewed_at_every_door() {
    let house = House::memory().await;
    let answer = house.sign_in("demo-hybrid", "body").await;
    let token = answer.text("access_token");
    let mut shop = listening(&house).await;
    let mut open = shop.begin(&house).await;
    let edit = doorward::flows::clients::Edit { scopes: Some(vec![String::from("read")]), ..Default::default() };
    let id = doorward_core::id::ClientId::parse("demo-hybrid").expect("an id");
    doorward::flows::clients::set(&house.door, &id, &edit, Actor::Operator, &Default::default()).await.expect("set");
    let range = open.range().await;
    assert_eq!((range.entries[0].scope, range.entries[0].strength), (Scope::Client, Strength::RefreshRequired));
    house.send(Ask::get("/v1/session").bearer(&token)).await.expect(401, "token_stale");
    let body = json!({
        "refresh_token": answer.text("refresh_token"), "client_id": "demo-hybrid", "attempt": "attempt-key-number-1",
    });
    let renewed = house.send(Ask::post("/v1/session/refresh").json(&body)).await.ok().text("access_token");
    house.send(Ask::get("/v1/session").bearer(&renewed)).await.ok();
}

#[tokio::test]
async fn the_record_of_a_cookie_is_given_to_whom_it_concerns() {
    let house = House::memory().await;
    let signed_in = house.sign_in("demo-session", "body").await;
    let secret = signed_in.text("session_token");
    let hash = doorward_core::secret::SecretKind::Session.parse(&secret).expect("a secret").hash();
    let path = format!("/v1/feed/sessions/{}", base64url::encode(&hash.0));
    let shop = listening(&house).await;
    let record = house.send(shop.asking(Ask::get(&path))).await.ok().body;
    assert_eq!(record["sid"], signed_in.session_id());
    assert_eq!(
        (&record["client_id"], &record["user"]["email"]),
        (&json!("demo-session"), &json!("ada@example.test"))
    );
    assert_eq!(record["keep_ms"], 3_600_000);
    assert_eq!(record["rv"], house.door.cached().head().to_string());
    assert!(doorward_core::Handles::parse(record["rh"].as_str().expect("handles")).is_some());
    assert!(record["idle_expires_at"].as_i64() < record["expires_at"].as_i64());
    // Where the next turn may replace the secret, a service asks again within the minute for which our door knows the old one.
    house.set_strategy("demo-session", doorward_core::client::Strategy::Hybrid).await;
    assert_eq!(house.send(shop.asking(Ask::get(&path))).await.ok().body["keep_ms"], 60_000);
    let foreign = vec![String::from("https://other.example")];
    let from = Default::default();
    let other =
        doorward::flows::verifiers::add(&house.door, String::from("other"), foreign, Actor::Operator, &from).await;
    let other = doorward_core::secret::SecretKind::Verifier.text(&other.expect("a verifier").1);
    house.send(Ask::get(&path).bearer(&other)).await.expect(404, "not_found");
    for nobody in ["AAAA", "x", &base64url::encode(&[3; 32])] {
        let ask = shop.asking(Ask::get(&format!("/v1/feed/sessions/{nobody}")));
        house.send(ask).await.expect(404, "not_found");
    }
    house.send(Ask::delete("/v1/session").bearer(&secret)).await.ok();
    house.send(shop.asking(Ask::get(&path))).await.expect(404, "not_found");
}

/// Another server has written a line; then one of ours is committed, and the feed cannot be read: what is over is refused all
/// the same, or nothing is said, and no verifier gets a lease.
#[tokio::test]
async fn an_end_that_is_durable_and_not_known_yet_grants_no_lease() {
    let house = House::memory().await;
    let (_, token) = session(&house).await;
    let cookie = house.sign_in("demo-session", "body").await.text("session_token");
    let mut shop = listening(&house).await;
    let open = shop.begin(&house).await;
    let beside = house.beside(|stores| stores).await;
    beside.send(Ask::delete("/v1/session").bearer(&token)).await.ok();
    house.send(Ask::get("/v1/session").bearer(&cookie)).await.ok();
    house.store().fail_reads(Some(0)).expect("a store");
    house.send(Ask::delete("/v1/session").bearer(&cookie)).await.expect(503, "store_unavailable");
    house.send(Ask::get("/v1/session").bearer(&cookie)).await.expect(503, "store_unavailable");
    house.send(Ask::get("/readyz")).await.expect(503, "store_unavailable");
    shop.ask(&house, |_| {}).await.expect_err("no lease").expect(503, "store_unavailable");
    assert!(shop.try_open(&house, None).await.is_err(), "nor a stream");
    house.store().fail_reads(None).expect("a store");
    house.send(Ask::get("/v1/session").bearer(&cookie)).await.expect(401, "session_ended");
    house.send(Ask::get("/readyz")).await.ok();
    assert!(shop.ask(&house, |_| {}).await.is_ok());
    drop(open);
}

/// Another server has set somebody's roles; then a line of ours is committed, and the feed cannot be read: a token with the roles
/// of before is told to be good to nobody.
#[tokio::test]
async fn what_is_stale_and_not_known_to_be_is_not_told_to_be_good() {
    let house = House::memory().await;
    let (_, token) = session(&house).await;
    let cookie = house.sign_in("demo-session", "body").await.text("session_token");
    let shop = listening(&house).await;
    let introspect = || shop.asking(Ask::post("/oauth2/introspect").form(&[("token", token.as_str())]));
    let beside = house.beside(|stores| stores).await;
    let admin = Roles::of(["admin"]).expect("roles");
    roles::set(&beside.door, house.ada, admin, &Default::default()).await.expect("set");
    house.send(Ask::get("/v1/session").bearer(&cookie)).await.ok();
    assert_eq!(house.send(introspect()).await.ok().body["active"], true, "nobody has told this server");
    house.store().fail_reads(Some(0)).expect("a store");
    house.send(Ask::delete("/v1/session").bearer(&cookie)).await.expect(503, "store_unavailable");
    house.send(introspect()).await.expect(503, "store_unavailable");
    house.store().fail_reads(None).expect("a store");
    assert_eq!(house.send(introspect()).await.ok().body, json!({ "active": false }));
}

/// Our own door lets it look on for a minute; a service would let it act.
#[tokio::test]
async fn a_secret_that_was_replaced_is_worth_nothing_at_services() {
    let house = House::memory().await;
    let old = house.sign_in("demo-session", "body").await.text("session_token");
    let shop = listening(&house).await;
    let change = json!({ "current_password": super::house::PASSWORD, "new_password": "violet-anchor-77" });
    let new = house.send(Ask::put("/v1/user/password").bearer(&old).json(&change)).await.ok().text("session_token");
    house.send(Ask::get("/v1/session").bearer(&old)).await.ok();
    let record = |secret: &str| {
        let hash = doorward_core::secret::SecretKind::Session.parse(secret).expect("a secret").hash();
        shop.asking(Ask::get(&format!("/v1/feed/sessions/{}", base64url::encode(&hash.0))))
    };
    let introspect = |secret: &str| shop.asking(Ask::post("/oauth2/introspect").form(&[("token", secret)]));
    house.send(record(&old)).await.expect(404, "not_found");
    assert_eq!(house.send(introspect(&old)).await.ok().body, json!({ "active": false }));
    house.send(Ask::get("/v1/session").bearer(&old)).await.ok();
    assert_eq!(house.send(introspect(&new)).await.ok().body["active"], true);
    house.send(record(&new)).await.ok();
}

#[tokio::test]
async fn introspection_says_what_is_good_and_nothing_of_what_is_not() {
    let house = House::memory().await;
    let (id, token) = session(&house).await;
    let secret = house.sign_in("demo-session", "body").await.text("session_token");
    let shop = listening(&house).await;
    let ask = |text: &str| shop.asking(Ask::post("/oauth2/introspect").form(&[("token", text)]));
    let told = house.send(ask(&token)).await.ok().body;
    assert_eq!((&told["active"], &told["token_type"]), (&json!(true), &json!("Bearer")));
    assert_eq!((&told["sid"], &told["client_id"]), (&json!(id.to_string()), &json!("demo-hybrid")));
    assert_eq!((&told["aud"], &told["sub"]), (&json!([super::house::ISSUER]), &json!(house.ada.to_string())));
    let told = house.send(ask(&secret)).await.ok().body;
    assert_eq!((&told["active"], &told["token_type"]), (&json!(true), &json!("session")));
    house.send(Ask::delete("/v1/session").bearer(&token)).await.ok();
    house.send(Ask::delete("/v1/session").bearer(&secret)).await.ok();
    for nothing in [token.as_str(), &secret, "dws_x", "a.b.c", ""] {
        assert_eq!(house.send(ask(nothing)).await.ok().body, json!({ "active": false }));
    }
    let unnamed = shop.asking(Ask::post("/oauth2/introspect").form(&[("tokens", "x")]));
    let refused = house.send(unnamed).await.expect(400, "invalid_field");
    assert_eq!(refused.body["error"], "invalid_request");
    let refused = house.send(Ask::post("/oauth2/introspect").form(&[("token", "x")])).await;
    assert_eq!((refused.status.as_u16(), &refused.body["error"]), (401, &json!("invalid_client")));
}

#[tokio::test]
async fn use_at_a_service_keeps_a_session_from_lying_idle() {
    let house = House::memory().await;
    let (id, _) = session(&house).await;
    let mut shop = listening(&house).await;
    shop.fetch(&house).await;
    house.advance(Lifetime::from_hours(2));
    let (now, ahead) = (house.door.now(), house.door.now() + Lifetime::from_hours(1));
    let nobody = String::from("ses_nothing");
    let seen = vec![(nobody, now), (id.to_string(), ahead), (id.to_string(), super::listening::LONG_AGO)];
    shop.ask(&house, |ping| ping.seen = seen).await.expect("an answer");
    touch::flush(&house.door).await;
    let session = house.door.sessions().session(id).await.expect("a store").expect("a session");
    assert_eq!(session.last_seen_at, now, "not in the future, whatever a verifier's clock says");
}

/// Nor does one who is struck off, of anybody's.
#[tokio::test]
async fn a_verifier_has_no_say_about_the_sessions_of_other_applications() {
    const API: &str = "https://api.example.test";
    for ground in [Ground::Memory, Ground::Sqlite] {
        let house = House::on(ground).await;
        let edit = Edit { audiences: Some(vec![API.to_owned()]), ..Edit::default() };
        let client = ClientId::parse("demo-jwt").expect("an id");
        let from = Origin::default();
        clients::set(&house.door, &client, &edit, Actor::Operator, &from).await.expect("set");
        let id = |answer: super::house::Answer| SessionId::parse(&answer.session_id()).expect("an id");
        let ours = id(house.sign_in("demo-hybrid", "body").await);
        let theirs = id(house.sign_in("demo-jwt", "body").await);
        let api =
            verifiers::add(&house.door, String::from("api"), vec![API.to_owned()], Actor::Operator, &from).await;
        let api = SecretKind::Verifier.text(&api.expect("a verifier").1);
        let [mut shop, mut gone] = [house.add_verifier("shop").await, house.add_verifier("gone").await]
            .map(|secret| Listener::new(&secret, 1));
        let mut api = Listener::new(&api, 2);
        let began = house.door.now();
        for (listener, name, expected) in
            [(&mut gone, "gone", [0, 0]), (&mut shop, "", [2, 0]), (&mut api, "", [2, 3])]
        {
            listener.fetch(&house).await;
            house.advance(Lifetime::from_hours(1));
            let now = house.door.now();
            let seen = [ours, theirs].map(|session| (session.to_string(), now)).to_vec();
            listener.ask(&house, |ping| ping.seen = seen).await.expect("an answer");
            if !name.is_empty() {
                house.remove_verifier(name).await;
            }
            touch::flush(&house.door).await;
            for (session, hours) in [ours, theirs].into_iter().zip(expected) {
                let session = house.door.sessions().session(session).await.expect("a store").expect("a session");
                let seen = (session.last_seen_at - began).secs() / 3600;
                assert_eq!(seen, hours, "{name}: {:?}", session.client);
            }
        }
    }
}

#[tokio::test]
async fn a_million_revocations_of_one_person_stay_small() {
    let house = House::memory().await;
    let mut shop = listening(&house).await;
    shop.fetch(&house).await;
    let handle = house.door.keys().handle_of(house.ada);
    for round in 0..1000 {
        end_a_thousand(&house, round, Some(handle)).await;
    }
    let few = u64::from(SESSIONS_OF_ONE) + 1;
    assert_eq!(house.door.feed_counts().live, few);
    let head = house.door.cached().head();
    assert_eq!(shop.ping(&house).await.head, head);
    assert_eq!((shop.applied, shop.index.len() as u64), (head, few));
    let stale = Marks { subject: Some(handle), at: Some(Position::START), ..Marks::default() };
    assert!(shop.refuses(&stale));
    assert_eq!(shop.fetch(&house).await.entries.len() as u64, few);
}
