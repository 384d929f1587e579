//! What counting costs on the hottest path: nanoseconds for one check in front of the router, on one thread and on all.

use std::thread;
use std::time::Instant;

use doorward::metrics::Metrics;
use doorward_core::Timestamp;

/// As many checks on each thread.
const CHECKS: u32 = 20_000_000;

fn main() {
    let metrics = Metrics::new(Timestamp::from_secs(0));
    let all = thread::available_parallelism().map_or(1, usize::from);
    for threads in [1, all] {
        println!("{threads} threads: {:.1} ns a check", nanoseconds(&metrics, threads));
    }
}

#[expect(clippy::disallowed_methods, reason = "this measures")]
fn nanoseconds(metrics: &Metrics, threads: usize) -> f64 {
    let began = Instant::now();
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                for _ in 0..CHECKS {
                    metrics.end_short(std::hint::black_box(metrics.begin_short()));
                }
            });
        }
    });
    began.elapsed().as_secs_f64() * 1e9 / f64::from(CHECKS)
}
