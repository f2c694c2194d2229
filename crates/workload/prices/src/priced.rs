//! The trait of everything that has a price.

use std::hint::black_box;
use std::thread;
use std::time::Duration;

use workload::kernels::compute;

use crate::reading::Reading;

/// A way to have tasks done.
pub(crate) trait Priced {
    /// Reads `tasks` tasks of `iterations` each, handed over back to back: the hot price.
    ///
    /// # Errors
    /// One line, if the model refuses or loses a task.
    fn batch(&mut self, tasks: usize, iterations: u64) -> Result<Reading, String>;

    /// Reads one empty task that is handed over after a pause, in which workers park: the cold
    /// price.
    ///
    /// # Errors
    /// As [`batch`](Self::batch).
    fn alone(&mut self, pause: Duration) -> Result<Reading, String> {
        thread::sleep(pause);
        self.batch(1, 0)
    }

    /// The most tasks in a batch.
    fn most_tasks(&self) -> usize {
        1 << 20
    }

    /// Whether tasks can be given work, so that a size from which it pays can be tried.
    fn takes_work(&self) -> bool {
        true
    }
}

/// A task: that many iterations of the kernel of `compute` steps, and nothing else.
pub(crate) fn task(iterations: u64) -> u64 {
    compute(black_box(1), iterations)
}

/// A failure as one line.
pub(crate) fn failed(error: impl std::fmt::Display) -> String {
    error.to_string()
}
