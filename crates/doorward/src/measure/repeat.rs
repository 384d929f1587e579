//! Doing a thing again and again, by the stopwatch: batches long enough to be timed, and as many as there is time for.

use std::time::Duration;

use super::Trouble;
use crate::door::Stopwatch;

/// A batch takes so long at least: a thousand times what reading the clock costs.
const BATCH: Duration = Duration::from_micros(500);
/// So many batches at least, whatever they take.
const LEAST: usize = 5;
/// A batch is long enough if it was so often in a row, or has so many in it.
const CERTAIN: u32 = 3;
const MOST: u32 = 1 << 20;

/// Does a thing for as long as there is time; gives the microseconds that one took, by batches.
///
/// # Errors
/// Where the thing has trouble.
pub async fn timed(time: Duration, mut thing: impl AsyncFnMut() -> Result<(), Trouble>) -> Result<Vec<f64>, Trouble> {
    let whole = Stopwatch::start();
    // The first ones fill caches; they also tell how many make a batch. Once is not enough: other work on the machine may
    // have been in the way.
    let (mut batch, mut long) = (1_u32, 0);
    while long < CERTAIN && batch < MOST {
        let began = Stopwatch::start();
        for _ in 0..batch {
            thing().await?;
        }
        if began.elapsed() >= BATCH {
            long += 1;
        } else {
            (batch, long) = (batch * 2, 0);
        }
    }
    let mut repeats = Vec::new();
    while repeats.len() < LEAST || whole.elapsed() < time {
        let began = Stopwatch::start();
        for _ in 0..batch {
            thing().await?;
        }
        repeats.push(began.elapsed().as_secs_f64() * 1e6 / f64::from(batch));
    }
    Ok(repeats)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_thing_is_done_in_batches_and_its_trouble_ends_it() {
        let mut done = 0_u32;
        let repeats = timed(Duration::ZERO, async || {
            done += 1;
            Ok(())
        });
        let repeats = repeats.await.expect("repeats");
        assert_eq!(repeats.len(), LEAST);
        assert!(done >= CERTAIN + LEAST as u32, "{done}");
        assert!(repeats.iter().all(|micros| *micros >= 0.0), "{repeats:?}");
        let refused = timed(Duration::ZERO, async || Err(Trouble::Wrong("nothing"))).await;
        assert!(matches!(refused, Err(Trouble::Wrong("nothing"))));
    }
}
