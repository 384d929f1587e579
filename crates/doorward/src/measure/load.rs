//! What takes its time: sign-ins at the cost that is configured, revocations on the disk and how long until a service that
//! follows the feed refuses, and what a session weighs in memory.

use std::sync::Arc;
use std::time::Duration;

use doorward_core::audit::Actor;
use doorward_core::password::Cost;
use doorward_core::secret::SecretKind;
use doorward_verify::follow::{Follower, Refused, Settings};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::Trouble;
use super::figures::{Figure, Reading};
use super::machine::resident;
use super::quick::CHEAP;
use super::trial::{Terms, Trial, shown};
use crate::door::{Origin, Stopwatch};
use crate::flows::check::{Credentials, check};
use crate::flows::{revoke, verifiers};
use crate::http::routes;
use crate::hub::FeedSettings;
use crate::listener;

/// Who signs in at once for each thread that hashes: enough that none of them waits.
const AT_ONCE: usize = 2;
/// So many people take turns: enough for all the sessions that are opened meanwhile.
const PEOPLE: usize = 64;
/// Rates are told as the median of so many parts of the time.
const PARTS: u32 = 5;
/// So many revocations are on their way at once.
pub const REVOKERS: usize = 32;
/// So many of them are opened at once.
const OPENERS: usize = 64;
/// A follower that is not ready by then never will be.
const PATIENCE: Duration = Duration::from_secs(10);

/// How many sign-ins a second, with everything that belongs to them, at this cost.
///
/// # Errors
/// [`Trouble`].
pub async fn sign_ins(time: Duration, cost: Cost, threads: usize, issuer: &str) -> Result<Reading, Trouble> {
    let trial = Trial::open(Terms { cost, threads, records: 100_000 }, issuer).await?;
    let trial = Arc::new(trial.invite(PEOPLE).await?);
    let rates = rates(time, threads * AT_ONCE, || {
        let trial = Arc::clone(&trial);
        async move { trial.sign_in("trial-session").await.map(drop) }
    });
    Ok(Reading::of(Figure::SignIns, rates.await?))
}

/// How often a thing is done a second where so many do it again and again.
async fn rates<F>(time: Duration, at_once: usize, thing: impl Fn() -> F) -> Result<Vec<f64>, Trouble>
where
    F: Future<Output = Result<(), Trouble>> + Send + 'static,
{
    let mut running = JoinSet::new();
    let mut rates = Vec::new();
    for _ in 0..at_once {
        running.spawn(thing());
    }
    for _ in 0..PARTS {
        let began = Stopwatch::start();
        let mut done = 0_u32;
        while done == 0 || began.elapsed() < time / PARTS {
            finished(&mut running).await?;
            running.spawn(thing());
            done += 1;
        }
        rates.push(f64::from(done) / began.elapsed().as_secs_f64());
    }
    while !running.is_empty() {
        finished(&mut running).await?;
    }
    Ok(rates)
}

async fn finished(running: &mut JoinSet<Result<(), Trouble>>) -> Result<(), Trouble> {
    match running.join_next().await {
        Some(Ok(done)) => done,
        Some(Err(_)) => Err(Trouble::Wrong("a task did not end well")),
        None => Err(Trouble::Wrong("nothing is running")),
    }
}

/// How many revocations a second are on the disk, and how long it takes from a revocation's answer until a service beside us
/// refuses the token.
///
/// # Errors
/// [`Trouble`].
pub async fn revocations(time: Duration, issuer: &str) -> Result<Vec<Reading>, Trouble> {
    let trial = Arc::new(Trial::open(Terms { cost: CHEAP, threads: 2, records: 100_000 }, issuer).await?);
    let windows = windows(&trial, time / 2, issuer).await?;
    let rates = rates(time / 2, REVOKERS, || {
        let trial = Arc::clone(&trial);
        async move {
            let opened = trial.guest().await?;
            revoke::end_by_operator(&trial.door, opened.session.id, &Origin::default()).await?;
            Ok(())
        }
    });
    let mut readings = windows;
    readings.push(Reading::of(Figure::Revocations, rates.await?));
    Ok(readings)
}

/// One session after the other is opened, known at the follower, ended, and refused there.
async fn windows(trial: &Trial, time: Duration, issuer: &str) -> Result<Vec<Reading>, Trouble> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let server = format!("http://{}", listener.local_addr()?);
    let (stop, stopped) = watch::channel(false);
    let serving =
        tokio::spawn(listener::serve(trial.door.clone(), routes::router(trial.door.clone()), listener, stopped));
    let operator = (Actor::Operator, &Origin::default());
    let (_, secret) = verifiers::add(&trial.door, String::from("trial"), Vec::new(), operator.0, operator.1).await?;
    let mut settings = Settings::new(issuer, issuer, &SecretKind::Verifier.text(&secret));
    settings.servers = vec![server];
    let bound = FeedSettings::default().terms();
    let follower = Follower::start(settings).map_err(|_| Trouble::Wrong("the follower does not start"))?;
    if !follower.ready(PATIENCE).await {
        return Err(Trouble::Wrong("the follower does not become ready"));
    }
    let mut micros = Vec::new();
    let whole = Stopwatch::start();
    while micros.len() < 10 || whole.elapsed() < time {
        micros.push(window(trial, &follower).await?);
    }
    follower.leave().await;
    trial.door.drain();
    stop.send_replace(true);
    drop(serving.await);
    micros.sort_by(f64::total_cmp);
    let at = |share: usize| micros[(micros.len() * share / 100).min(micros.len() - 1)] / 1000.0;
    Ok(vec![
        Reading::of(Figure::WindowMedian, vec![at(50)]).out_of(micros.len()),
        Reading::of(Figure::WindowP99, vec![at(99)]).out_of(micros.len()),
        Reading::of(Figure::WindowBound, vec![bound.millis() as f64]),
    ])
}

/// Microseconds from the answer to a revocation until the follower refuses.
async fn window(trial: &Trial, follower: &Follower) -> Result<f64, Trouble> {
    let opened = trial.sign_in("trial-hybrid").await?;
    let (token, _) = opened.handed.access.ok_or(Trouble::Wrong("no access token was handed out"))?;
    let began = Stopwatch::start();
    loop {
        match follower.verify(&token).await {
            Ok(_) => break,
            // A machine that is busy may have kept it from renewing its lease.
            Err(Refused::Unknown) if began.elapsed() < PATIENCE => tokio::task::yield_now().await,
            Err(_) => return Err(Trouble::Wrong("the follower refuses a good token")),
        }
    }
    revoke::end_by_operator(&trial.door, opened.session.id, &Origin::default()).await?;
    let answered = Stopwatch::start();
    loop {
        match follower.verify(&token).await {
            Err(Refused::Rejected(_) | Refused::Unknown) => return Ok(answered.elapsed().as_secs_f64() * 1e6),
            Ok(_) if answered.elapsed() < PATIENCE => tokio::task::yield_now().await,
            Ok(_) | Err(_) => return Err(Trouble::Wrong("the follower does not refuse what was ended")),
        }
    }
}

/// What a session at hand weighs, in bytes, over so many of them; `None` where the system does not say what a process holds.
///
/// # Errors
/// [`Trouble`].
pub async fn weight(sessions: usize, issuer: &str) -> Result<Option<Reading>, Trouble> {
    let records = sessions * 4;
    let trial = Arc::new(Trial::open(Terms { cost: CHEAP, threads: 1, records }, issuer).await?);
    let Some(before) = resident(std::process::id()) else { return Ok(None) };
    let mut running = JoinSet::new();
    for number in 0..sessions {
        if number >= OPENERS {
            finished(&mut running).await?;
        }
        let trial = Arc::clone(&trial);
        running.spawn(async move {
            let secret = Some(shown(&trial.guest().await?)?);
            check(&trial.door, &Credentials { secret, access: None }).await?;
            Ok(())
        });
    }
    while !running.is_empty() {
        finished(&mut running).await?;
    }
    let grown = resident(std::process::id()).unwrap_or(before).saturating_sub(before);
    Ok(Some(Reading::of(Figure::SessionWeight, vec![grown as f64 / sessions as f64]).out_of(sessions)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ISSUER: &str = "https://id.example.com";

    #[tokio::test]
    async fn sign_ins_cost_what_their_hash_costs() {
        let dear = Cost { memory_kib: 65_536, passes: 3, lanes: 1 };
        let [cheap, dear] = [CHEAP, dear].map(|cost| sign_ins(Duration::from_millis(200), cost, 1, ISSUER));
        let (cheap, dear) = (cheap.await.expect("a rate"), dear.await.expect("a rate"));
        assert!(cheap.median > dear.median && dear.median > 0.0, "{cheap:?} {dear:?}");
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn what_is_ended_is_refused_beside_us_and_the_time_until_then_is_told() {
        let readings = revocations(Duration::ZERO, ISSUER).await.expect("readings");
        let of = |figure: Figure| readings.iter().find(|reading| reading.name == figure.name()).expect("a reading");
        let (median, p99, bound) = (of(Figure::WindowMedian), of(Figure::WindowP99), of(Figure::WindowBound));
        assert!(median.median > 0.0 && median.median <= p99.median, "{median:?} {p99:?}");
        assert_eq!((median.repeats, bound.median), (10, 3000.0));
        assert!(of(Figure::Revocations).median > 0.0);
    }
}
