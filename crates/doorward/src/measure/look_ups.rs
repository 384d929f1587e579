//! How often the store is read for a request of each kind: counted, not timed, and the same on every machine.

use doorward_core::Scratch;
use zeroize::Zeroizing;

use super::Trouble;
use super::figures::{Figure, Reading};
use super::quick::{CHEAP, more_than_are_kept};
use super::trial::{Terms, Trial, access, shown};
use crate::door::{Door, Origin};
use crate::flows::check::{Credentials, check, check_kept};
use crate::flows::issue::Issued;
use crate::flows::refresh::{Request, refresh};

/// So many requests of each kind; their reads are told as a median, with the least and the most.
const ROUNDS: usize = 16;

/// Counts the reads of each kind of request.
///
/// # Errors
/// [`Trouble`].
pub async fn readings(issuer: &str) -> Result<Vec<Reading>, Trouble> {
    let trial = Trial::open(Terms { cost: CHEAP, threads: 1, records: 1024 }, issuer).await?;
    let mut readings = vec![sign_in(&trial).await?, kept(&trial).await?];
    let forgetful = Trial::open(Terms { cost: CHEAP, threads: 1, records: 1 }, issuer).await?;
    readings.push(stored(&forgetful).await?);
    drop(forgetful);
    readings.extend(tokens(&trial).await?);
    readings.extend(turns(&trial).await?);
    Ok(readings)
}

/// How often the store was read for something.
async fn reads<T>(door: &Door, thing: impl Future<Output = Result<T, Trouble>>) -> Result<(f64, T), Trouble> {
    let before = door.directory().figures().reads;
    let done = thing.await?;
    Ok(((door.directory().figures().reads - before) as f64, done))
}

/// The same thing, again and again.
async fn again<T>(
    door: &Door,
    figure: Figure,
    thing: impl AsyncFn() -> Result<T, Trouble>,
) -> Result<Reading, Trouble> {
    let mut counts = Vec::new();
    for _ in 0..ROUNDS {
        counts.push(reads(door, thing()).await?.0);
    }
    Ok(Reading::of(figure, counts))
}

async fn sign_in(trial: &Trial) -> Result<Reading, Trouble> {
    again(&trial.door, Figure::ReadsSignIn, async || trial.sign_in("trial-session").await).await
}

async fn kept(trial: &Trial) -> Result<Reading, Trouble> {
    let own = shown(&trial.sign_in("trial-session").await?)?;
    let ask = async || Ok(check(&trial.door, &Credentials { secret: Some(own), access: None }).await?);
    ask().await?;
    again(&trial.door, Figure::ReadsCheckKept, ask).await
}

async fn stored(trial: &Trial) -> Result<Reading, Trouble> {
    let door = &trial.door;
    let mut counts = Vec::new();
    for hash in more_than_are_kept(trial).await? {
        if check_kept(door, &hash, door.now()).is_none() {
            let credentials = Credentials { secret: Some(hash), access: None };
            let ask = async { Ok(check(door, &credentials).await.map(drop)?) };
            counts.push(reads(door, ask).await?.0);
        }
    }
    Ok(Reading::of(Figure::ReadsCheckStored, counts))
}

/// A token at the door, and at a service that has the keys and the revocations and no store.
async fn tokens(trial: &Trial) -> Result<[Reading; 2], Trouble> {
    let door = &trial.door;
    let (keys, mut scratch) = (door.keys(), Scratch::new());
    let (mut here, mut there) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let token = access(trial.sign_in("trial-hybrid").await?)?;
        let verified = async {
            let mut look =
                |index: &_| door.verifier().verify(&token, keys.verifying(), index, door.now(), &mut scratch).is_ok();
            if door.cached().with_index(&mut look) { Ok(()) } else { Err(Trouble::Wrong("the token is refused")) }
        };
        there.push(reads(door, verified).await?.0);
        let credentials = Credentials { secret: None, access: Some(token.to_string()) };
        let asked = async { Ok(check(door, &credentials).await.map(drop)?) };
        here.push(reads(door, asked).await?.0);
    }
    Ok([Reading::of(Figure::ReadsVerify, there), Reading::of(Figure::ReadsToken, here)])
}

/// The first refresh of a session, and those that follow it soon.
async fn turns(trial: &Trial) -> Result<[Reading; 2], Trouble> {
    let (mut first, mut later) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let begun = renewed(&trial.sign_in("trial-hybrid").await?)?;
        let (count, next) = reads(&trial.door, turn(&trial.door, begun)).await?;
        first.push(count);
        later.push(reads(&trial.door, turn(&trial.door, next)).await?.0);
    }
    Ok([Reading::of(Figure::ReadsRefreshFirst, first), Reading::of(Figure::ReadsRefresh, later)])
}

async fn turn(door: &Door, token: Zeroizing<String>) -> Result<Zeroizing<String>, Trouble> {
    let request = Request { token: Some(token.to_string()), ..Request::default() };
    renewed(&refresh(door, request, &Origin::default()).await?)
}

fn renewed(issued: &Issued) -> Result<Zeroizing<String>, Trouble> {
    let token = issued.handed.refresh.as_ref();
    token.map(|(token, _)| token.to_string().into()).ok_or(Trouble::Wrong("no refresh token was handed out"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// S0-40: what the page about choosing says. No time is in it: a read more is a change of the code.
    #[tokio::test]
    async fn the_store_is_read_as_often_as_the_page_about_choosing_says() {
        let readings = readings("https://id.example.com").await.expect("counts");
        let page = include_str!("../../../../docs/choosing.md");
        let differ: Vec<_> = readings.iter().filter(|reading| reading.least < reading.most).collect();
        assert!(differ.is_empty(), "not always as often: {differ:?}");
        let row = |reading: &Reading| {
            format!("| {} | {} |", reading.about.trim_start_matches("reads of the store: "), reading.median)
        };
        let lacking: Vec<_> = readings.iter().map(row).filter(|row| !page.contains(row.as_str())).collect();
        assert!(lacking.is_empty(), "docs/choosing.md lacks {lacking:#?}");
    }
}
