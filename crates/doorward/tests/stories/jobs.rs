//! What goes on beside the requests.

use doorward::door::Origin;
use doorward::flows::revoke;
use doorward::jobs::{sweep, touch};
use doorward_core::Lifetime;
use doorward_core::id::SessionId;
use doorward_core::policy::{RETENTION, TOUCH_EVERY};
use std::time::Duration;
use tokio::sync::watch;

use super::house::{Ask, House};

/// Lets the paused clock of the runtime run, so that the jobs come to their rounds.
async fn rounds() {
    for _ in 0..3 {
        tokio::time::sleep(Duration::from_secs(61)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn sessions_that_are_over_and_old_lines_are_forgotten_by_themselves() {
    let house = House::memory().await;
    let signed_in = house.sign_in("demo-session", "body").await;
    let id = SessionId::parse(&signed_in.session_id()).expect("an id");
    house.send(Ask::delete("/v1/session").bearer(&signed_in.text("session_token"))).await.ok();
    let (stop, stopped) = watch::channel(false);
    let job = tokio::spawn(sweep::run(house.door.clone(), stopped));
    rounds().await;
    assert!(house.door.sessions().session(id).await.expect("a store").is_some(), "kept for a day to say `ended`");
    house.advance(Lifetime::from_hours(25));
    rounds().await;
    assert!(house.door.sessions().session(id).await.expect("a store").is_none());
    let start = doorward_core::Position::START;
    assert!(house.door.directory().feed_after(start, 10).await.expect("a store").is_empty());
    stop.send(true).expect("a job");
    job.await.expect("it ends when told to");
}

/// A clock on the wall that jumps must not make anybody forget what was revoked.
#[tokio::test]
async fn the_feed_is_forgotten_by_the_time_that_passed_and_not_by_the_clock_on_the_wall() {
    let house = House::memory().await;
    let signed_in = house.sign_in("demo-session", "body").await;
    house.send(Ask::delete("/v1/session").bearer(&signed_in.text("session_token"))).await.ok();
    let head = house.door.cached().head();
    let live =
        || (house.door.cached().feed().live(), house.door.cached().with_index(doorward_core::Revocations::len));
    assert_eq!(live(), (1, 1));
    sweep::sweep(&house.door).await;
    house.clock.set_wall(Lifetime::from_hours(100));
    sweep::sweep(&house.door).await;
    assert_eq!(sweep::trim(&house.door).await, 0);
    assert_eq!((live(), house.door.watermark()), ((1, 1), doorward_core::Position::START));
    house.clock.set_wall(Lifetime::from_hours(-100));
    house.advance(Lifetime::from_millis(RETENTION.millis() - 1));
    sweep::sweep(&house.door).await;
    assert_eq!(live(), (1, 1), "not a moment before its time");
    house.advance(Lifetime::from_hours(200));
    sweep::sweep(&house.door).await;
    assert_eq!((live().0, house.door.watermark()), (0, head));
    assert_eq!(sweep::trim(&house.door).await, 1);
}

/// Tokens were minted before the clock was set back. What ends them after a start must outlive them by that clock.
#[tokio::test]
async fn a_start_with_a_clock_that_was_set_back_forgets_nothing_that_tokens_of_before_could_outlive() {
    let house = House::memory().await;
    let signed_in = house.sign_in("demo-jwt", "body").await;
    sweep::sweep(&house.door).await;
    house.clock.set_wall(Lifetime::from_hours(-1));
    let house = house.restarted_with(|_| {}).await;
    let id = SessionId::parse(&signed_in.session_id()).expect("an id");
    revoke::end_by_operator(&house.door, id, &Origin::default()).await.expect("ended");
    sweep::sweep(&house.door).await;
    house.advance(RETENTION);
    sweep::sweep(&house.door).await;
    assert_eq!(house.door.watermark(), doorward_core::Position::START, "by this clock the token is good for a while");
    let again = house.send(Ask::get("/v1/session").bearer(&signed_in.text("access_token"))).await;
    again.expect(401, "token_revoked");
    // The hour that it was set back by, and what a sweep may be late.
    house.advance(Lifetime::from_hours(1) + Lifetime::from_mins(1));
    sweep::sweep(&house.door).await;
    assert_eq!(house.door.watermark(), house.door.cached().head());
}

#[tokio::test(start_paused = true)]
async fn the_use_of_a_session_is_written_down_once_a_minute() {
    let house = House::memory().await;
    let signed_in = house.sign_in("demo-session", "body").await;
    let id = SessionId::parse(&signed_in.session_id()).expect("an id");
    let token = signed_in.text("session_token");
    let (stop, stopped) = watch::channel(false);
    let job = tokio::spawn(touch::run(house.door.clone(), stopped));
    let begin = house.door.now();
    let mut written = std::collections::BTreeSet::new();
    for _ in 0..60 {
        house.advance(Lifetime::from_secs(5));
        house.send(Ask::get("/v1/session").bearer(&token)).await.ok();
        tokio::time::sleep(Duration::from_secs(5)).await;
        written.insert(house.door.sessions().session(id).await.expect("a store").expect("a session").last_seen_at);
    }
    assert!(*written.last().expect("some") >= begin + Lifetime::from_mins(4));
    let steps: Vec<_> = written.iter().zip(written.iter().skip(1)).map(|(one, next)| *next - *one).collect();
    assert!(steps.iter().all(|step| *step >= TOUCH_EVERY), "{steps:?}");
    stop.send(true).expect("a job");
    job.await.expect("it ends when told to");
}
