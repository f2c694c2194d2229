//! Deaths of workers, failed starts, and when the pool gives up.

use std::io;
use std::time::{Duration, Instant};

use super::start_failures::is_shortage;
use super::state::State;
use super::worker_link::collect::Harvest;
use super::worker_link::link::WorkerLink;
use crate::error::{Broken, Crash, JobError};
use crate::transport::layout::SLOTS;

/// The minimum number of workers in a row that must fail before the pool gives up.
const MIN_ATTEMPTS: u32 = 5;
/// The pause in starting workers after that many failures, if other workers live.
const PAUSE: Duration = Duration::from_secs(1);
/// How long a closed pool without workers tries to start one for its accepted jobs.
const LAST_ATTEMPTS: Duration = Duration::from_secs(5);

impl State {
    /// Handles the death of a worker: its jobs end, or go to another worker.
    pub(crate) fn worker_died(&mut self, worker: usize, crash: &Crash) {
        let Some(link) = self.workers[worker].take() else {
            return;
        };
        let last_words = link.last_words(&mut self.rejected);
        let expected = self.closed && self.unfinished() == 0;
        let exceeded = link.exceeded_memory_limit(crash);
        link.wake_sleeper();
        let mut harvest = Harvest::default();
        let end = link.into_end(crash, &mut harvest);
        self.deliver_all(harvest);
        if end.killed || end.retired || (end.was_ready && end.has_finished_job) {
            self.start_failures.failures = 0;
        } else if !expected {
            let exit = crash.exit;
            let why = match (last_words, exceeded) {
                (Some(words), _) => words,
                (None, Some(limit)) => {
                    format!(
                        "needed more memory than its limit of {limit} bytes before its first job"
                    )
                }
                (None, None) if end.was_ready => format!("{exit} before its first job"),
                (None, None) => format!(
                    "{exit} before it was ready: is `effective_process_pool::register!` the first \
                     thing that `main`, or the test, does?"
                ),
            };
            self.start_failed(why);
        }
        self.dispatch();
    }

    /// Handles the system's refusal of a resource for a worker. A shortage may pass, so jobs wait
    /// and the start is retried while the pool is open.
    pub(crate) fn start_refused(&mut self, error: &io::Error) {
        let now = Instant::now();
        let why = format!("was refused by the system: {error}");
        self.start_failures.refused(now);
        if !is_shortage(error) {
            return self.start_failed(why);
        }
        self.start_failures.refusals += 1;
        if !self.closed || self.workers.iter().any(Option::is_some) {
            self.start_failures.refused_at_end = None;
            return;
        }
        let since = *self.start_failures.refused_at_end.get_or_insert(now);
        if now.saturating_duration_since(since) >= LAST_ATTEMPTS {
            self.give_up(self.start_failures.refusals, why);
        }
    }

    /// A worker could not be started, or exited before it finished a job.
    fn start_failed(&mut self, why: String) {
        self.start_failures.failures += 1;
        let attempts = MIN_ATTEMPTS.max(2 * self.workers.len() as u32);
        if self.start_failures.failures < attempts {
            return;
        }
        if self.workers.iter().flatten().any(WorkerLink::is_ready) {
            // Other workers serve the jobs, so retries can be slow.
            self.start_failures.pause_until = Instant::now().checked_add(PAUSE);
            return;
        }
        self.give_up(self.start_failures.failures, why);
    }

    /// Breaks the pool.
    fn give_up(&mut self, attempts: u32, why: String) {
        let broken = Broken::new(attempts, why);
        self.broken = Some(broken.clone());
        self.closed = true;
        let mut pending = self.take_queue();
        for link in self.workers.iter_mut().flatten() {
            pending.extend(link.withdraw(SLOTS));
        }
        for batch in pending {
            for index in 0..batch.count as usize {
                self.deliver(&batch.sink, index, Err(JobError::Broken(broken.clone())));
            }
        }
    }
}
