//! What takes a moment: sizes, which are exact, and what one check costs.

use std::time::Duration;

use doorward_core::Scratch;
use doorward_core::password::Cost;
use doorward_core::secret::SecretHash;

use super::Trouble;
use super::figures::{Figure, Figures, Reading};
use super::machine::Machine;
use super::repeat::timed;
use super::trial::{Terms, Trial, access, shown};
use crate::door::{Clock, SystemClock};
use crate::flows::Stopped;
use crate::flows::check::{Credentials, check, check_kept};

/// As little as a hash can cost: how long a sign-in takes is not asked here.
pub const CHEAP: Cost = Cost { memory_kib: 8, passes: 1, lanes: 1 };
/// So many sessions that some have to make room for one another where one of each part of the cache is kept.
const STORED: usize = 48;

/// Measures each for so long.
///
/// # Errors
/// [`Trouble`].
pub async fn measure(each: Duration, issuer: &str) -> Result<Figures, Trouble> {
    let readings = readings(each, issuer).await?;
    let note = "sizes are exact; times are medians of batches on one core, without a network";
    Ok(Figures::of(SystemClock.now(), Machine::look(), readings, vec![note.to_owned()]))
}

/// The readings alone.
///
/// # Errors
/// [`Trouble`].
pub async fn readings(each: Duration, issuer: &str) -> Result<Vec<Reading>, Trouble> {
    let trial = Trial::open(Terms { cost: CHEAP, threads: 1, records: 1024 }, issuer).await?;
    let mut readings = sizes(&trial).await?;
    readings.extend(kept(&trial, each).await?);
    let forgetful = Trial::open(Terms { cost: CHEAP, threads: 1, records: 1 }, issuer).await?;
    readings.extend(stored(&forgetful, each).await?);
    drop(forgetful);
    for (figure, client) in [(Figure::VerifyEs256, "trial-hybrid"), (Figure::VerifyEdDsa, "trial-eddsa")] {
        readings.push(verification(&trial, figure, client, each).await?);
    }
    Ok(readings)
}

/// How many bytes travel.
///
/// # Errors
/// [`Trouble`].
pub async fn sizes(trial: &Trial) -> Result<Vec<Reading>, Trouble> {
    let session = trial.sign_in("trial-session").await?.handed.session_secret;
    let hybrid = trial.sign_in("trial-hybrid").await?.handed;
    let none = Trouble::Wrong("a credential was not handed out");
    let (Some(secret), Some((access, _)), Some((refresh, _))) = (session, hybrid.access, hybrid.refresh) else {
        return Err(none);
    };
    let bytes = |figure, text: &str| Reading::of(figure, vec![text.len() as f64]);
    Ok(vec![
        bytes(Figure::CookieBytes, &secret),
        bytes(Figure::AccessBytes, &access),
        bytes(Figure::RefreshBytes, &refresh),
    ])
}

/// What finding and checking a session costs that is at hand.
async fn kept(trial: &Trial, each: Duration) -> Result<[Reading; 2], Trouble> {
    let door = &trial.door;
    let own = shown(&trial.sign_in("trial-session").await?)?;
    let credentials = || Credentials { secret: Some(own), access: None };
    check(door, &credentials()).await?;
    let found = timed(each, async || match check_kept(door, &own, door.now()) {
        Some(Ok(_)) => Ok(()),
        _ => Err(Trouble::Wrong("the session is not at hand")),
    });
    let found = Reading::of(Figure::LookUpKept, found.await?);
    let whole = timed(each, async || Ok(check(door, &credentials()).await.map(drop)?));
    Ok([found, Reading::of(Figure::CheckKept, whole.await?)])
}

/// Opens more sessions than a door keeps that keeps one of each part of the cache.
///
/// # Errors
/// What stops a sign-in.
pub(super) async fn more_than_are_kept(trial: &Trial) -> Result<Vec<SecretHash>, Trouble> {
    let mut hashes = Vec::new();
    for _ in 0..STORED {
        hashes.push(shown(&trial.sign_in("trial-session").await?)?);
    }
    Ok(hashes)
}

/// The same for sessions that have to be read: more of them than are kept, one after the other.
async fn stored(trial: &Trial, each: Duration) -> Result<[Reading; 2], Trouble> {
    let door = &trial.door;
    let hashes = more_than_are_kept(trial).await?;
    let mut turn = 0;
    let mut next = || {
        for _ in 0..STORED {
            turn += 1;
            let hash = hashes[turn % STORED];
            // Some have a part of the cache to themselves and never leave it.
            if check_kept(door, &hash, door.now()).is_none() {
                return Ok(hash);
            }
        }
        Err(Trouble::Wrong("every session is at hand"))
    };
    let found = timed(each, async || match door.sessions().session_by_secret(&next()?).await {
        Ok(Some(_)) => Ok(()),
        Ok(None) => Err(Trouble::Wrong("the session is not in the store")),
        Err(error) => Err(Stopped::from(error).into()),
    });
    let found = Reading::of(Figure::LookUpStored, found.await?);
    let whole = timed(each, async || {
        let credentials = Credentials { secret: Some(next()?), access: None };
        Ok(check(door, &credentials).await.map(drop)?)
    });
    Ok([found, Reading::of(Figure::CheckStored, whole.await?)])
}

async fn verification(trial: &Trial, figure: Figure, client: &str, each: Duration) -> Result<Reading, Trouble> {
    let door = &trial.door;
    let token = access(trial.sign_in(client).await?)?;
    let keys = door.keys();
    let mut scratch = Scratch::new();
    let repeats = timed(each, async || {
        let now = door.now();
        let verdict = door
            .cached()
            .with_index(|index| door.verifier().verify(&token, keys.verifying(), index, now, &mut scratch).is_ok());
        if verdict { Ok(()) } else { Err(Trouble::Wrong("the token is refused")) }
    });
    Ok(Reading::of(figure, repeats.await?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn sizes_are_those_of_what_is_handed_out_and_times_are_there() {
        let figures = measure(Duration::ZERO, "https://id.example.com").await.expect("figures");
        let names: Vec<&str> = figures.figures.iter().map(|reading| reading.name.as_str()).collect();
        let expected = &Figure::ALL[..9];
        let is_there = |figure: &Figure| names.contains(&figure.name());
        assert!(names.len() == expected.len() && expected.iter().all(is_there), "{names:?}");
        let of = |figure| figures.reading(figure).expect("a reading").median;
        assert_eq!(of(Figure::CookieBytes), 53.0, "dws_, 43 characters, a checksum of 6");
        assert!((80.0..130.0).contains(&of(Figure::RefreshBytes)), "{}", of(Figure::RefreshBytes));
        assert!((500.0..700.0).contains(&of(Figure::AccessBytes)), "{}", of(Figure::AccessBytes));
        assert!(
            of(Figure::CheckStored) > of(Figure::CheckKept),
            "one is read from a file and one is not: {figures:?}"
        );
        assert!(figures.figures.iter().all(|reading| reading.median > 0.0 && reading.least <= reading.most));
    }
}
