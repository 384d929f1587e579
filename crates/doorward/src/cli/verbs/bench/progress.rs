//! A bar on the last line of a terminal, and nothing anywhere else.

use std::io::IsTerminal;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::task::JoinHandle;

use crate::cli::out;
use crate::door::Stopwatch;

/// As wide.
const WIDTH: usize = 24;
/// Drawn so often: rarely enough that it costs nothing of what is measured.
const EVERY: Duration = Duration::from_millis(200);

/// Drawn until it is dropped.
pub(super) struct Progress {
    step: Arc<Mutex<&'static str>>,
    drawing: Option<JoinHandle<()>>,
}

impl Progress {
    /// Begins something that will take about so long.
    pub(super) fn begin(whole: Duration) -> Self {
        let step = Arc::new(Mutex::new(""));
        let drawing = std::io::stderr().is_terminal().then(|| {
            let step = Arc::clone(&step);
            tokio::spawn(async move {
                let began = Stopwatch::start();
                loop {
                    out::same_line(&bar(
                        began.elapsed(),
                        whole,
                        *step.lock().unwrap_or_else(PoisonError::into_inner),
                    ));
                    tokio::time::sleep(EVERY).await;
                }
            })
        });
        Self { step, drawing }
    }

    /// Now comes this.
    pub(super) fn at(&self, step: &'static str) {
        *self.step.lock().unwrap_or_else(PoisonError::into_inner) = step;
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(drawing) = &self.drawing {
            drawing.abort();
            out::same_line("");
        }
    }
}

/// Never full: what is full is gone.
fn bar(elapsed: Duration, whole: Duration, step: &str) -> String {
    let share = (elapsed.as_secs_f64() / whole.as_secs_f64().max(0.001)).min(0.99);
    let full = (share * WIDTH as f64) as usize;
    format!("[{}{}] {:>2.0} %  {step}", "#".repeat(full), ".".repeat(WIDTH - full), share * 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_fills_and_is_never_full() {
        let at = |tenths| bar(Duration::from_secs(tenths), Duration::from_secs(10), "sign-ins");
        assert_eq!(at(0), "[........................]  0 %  sign-ins");
        assert_eq!(at(5), "[############............] 50 %  sign-ins");
        assert_eq!(at(60), "[#######################.] 99 %  sign-ins");
    }
}
