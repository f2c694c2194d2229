//! Starting workers: deaths at the start, refusals by the system, and when to give up.

use std::io;
use std::time::{Duration, Instant};

use rustix::io::Errno;

use super::lane::{Harvest, Lane};
use super::state::State;
use crate::transport::layout::SLOTS;
use crate::{Broken, Crash, JobError};

/// How many workers in a row may end before they are of any use, if there are few of them.
const TRIES: u32 = 5;
/// How long not to start workers after that many of them, where others live.
const PAUSE: Duration = Duration::from_secs(1);
/// How soon to try again to start a worker that the system refused, at first and at the most.
const RETRY: Duration = Duration::from_millis(20);
const RETRY_MOST: Duration = Duration::from_millis(500);
/// How long a pool that has been closed, and has no worker left, tries to start one for the jobs it has accepted.
const LAST_TRIES: Duration = Duration::from_secs(5);

/// What has become of the latest attempts to start workers.
#[derive(Default)]
pub(crate) struct Starts {
    /// How many workers in a row were of no use.
    failures: u32,
    /// How many times in a row the system refused what a worker needs.
    refusals: u32,
    /// Before which no worker is started.
    pub(crate) rest_until: Option<Instant>,
    /// Since when a closed pool has been without a worker because the system refused one.
    refused_at_end: Option<Instant>,
}

impl Starts {
    /// A worker has been of use.
    pub(crate) fn succeeded(&mut self) {
        self.failures = 0;
    }

    /// The system has granted what a worker needs.
    pub(crate) fn granted(&mut self) {
        self.refusals = 0;
        self.refused_at_end = None;
    }
}

impl State {
    /// A worker has died. What it had comes to its end or to another worker.
    pub(crate) fn bury(&mut self, place: usize, crash: &Crash) {
        let Some(lane) = self.lanes[place].take() else {
            return;
        };
        let last_words = lane.last_words(&mut self.rejected);
        let expected = self.closed && self.live() == 0;
        let exceeded = lane.exceeded_memory_limit(crash);
        lane.wake_sleeper();
        let mut harvest = Harvest::default();
        let fate = lane.bury(crash, &mut harvest);
        self.reap_harvest(harvest);
        if fate.condemned || fate.retired || (fate.was_ready && fate.has_served) {
            self.starts.failures = 0;
        } else if !expected {
            let exit = crash.exit;
            let why = match (last_words, exceeded) {
                (Some(words), _) => words,
                (None, Some(limit)) => {
                    format!(
                        "needed more memory than its limit of {limit} bytes before its first job"
                    )
                }
                (None, None) if fate.was_ready => format!("{exit} before its first job"),
                (None, None) => format!(
                    "{exit} before it was ready: is `process_pool::register!` the first thing that `main`, or the test, does?"
                ),
            };
            self.start_failed(why);
        }
        self.settle();
    }

    /// The system refused what a worker needs. If that may pass, it is tried again for as long as the pool is open, and
    /// the jobs wait.
    pub(crate) fn start_refused(&mut self, error: &io::Error) {
        let now = Instant::now();
        let why = format!("was refused by the system: {error}");
        let pause = RETRY
            .saturating_mul(1 << self.starts.refusals.min(8))
            .min(RETRY_MOST);
        self.starts.rest_until = Some(now + pause);
        if !is_shortage(error) {
            return self.start_failed(why);
        }
        self.starts.refusals += 1;
        if !self.closed || self.lanes.iter().any(Option::is_some) {
            self.starts.refused_at_end = None;
            return;
        }
        let since = *self.starts.refused_at_end.get_or_insert(now);
        if now.saturating_duration_since(since) >= LAST_TRIES {
            self.give_up(self.starts.refusals, why);
        }
    }

    /// A worker could not be started, or ended before it was of any use.
    fn start_failed(&mut self, why: String) {
        self.starts.failures += 1;
        let tries = TRIES.max(2 * self.lanes.len() as u32);
        if self.starts.failures < tries {
            return;
        }
        if self.lanes.iter().flatten().any(Lane::is_ready) {
            // There are workers, so nothing is lost by trying at leisure.
            self.starts.rest_until = Instant::now().checked_add(PAUSE);
            return;
        }
        self.give_up(self.starts.failures, why);
    }

    /// Breaks the pool.
    fn give_up(&mut self, tries: u32, why: String) {
        let broken = Broken::new(tries, why);
        self.broken = Some(broken.clone());
        self.closed = true;
        let mut pending = self.take_queue();
        for lane in self.lanes.iter_mut().flatten() {
            pending.extend(lane.withdraw(SLOTS));
        }
        for unit in pending {
            for place in 0..unit.count as usize {
                self.deliver(&unit.sink, place, Err(JobError::Broken(broken.clone())));
            }
        }
    }
}

/// Whether the system lacked something that others may give back: descriptors, processes, memory.
fn is_shortage(error: &io::Error) -> bool {
    let shortages = [
        Errno::MFILE,
        Errno::NFILE,
        Errno::AGAIN,
        Errno::NOMEM,
        Errno::NOSPC,
        Errno::NOBUFS,
        Errno::TOOMANYREFS,
    ];
    let number = error.raw_os_error();
    shortages
        .iter()
        .any(|errno| Some(errno.raw_os_error()) == number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shortages_pass_and_other_refusals_do_not() {
        for errno in [Errno::MFILE, Errno::NFILE, Errno::AGAIN, Errno::NOMEM] {
            assert!(is_shortage(&errno.into()), "{errno}");
        }
        for errno in [Errno::NOENT, Errno::ACCESS, Errno::PERM] {
            assert!(!is_shortage(&errno.into()), "{errno}");
        }
        assert!(!is_shortage(&io::Error::other("no number")));
    }
}
