//! The number of workers that tasks ask for which wait.
//!
//! While a task waits, its worker uses no processor, so with one worker per processor the machine
//! stands idle for the share of a task that is waiting. With *w* of waiting to *c* of computing,
//! `processors × (1 + w ÷ c)` workers keep all processors busy; more of them gain nothing.
//!
//! - With `rounds` all tasks of one generation are at hand at once, and no more.
//! - With `pipeline` each stage of `queue` and `pipeline` gets that number. No stage waits longer
//!   than all of them together, so it is enough for each.
//! - With `serve` the requests set the pace. By Little's law `rate × (w + c)` requests are under
//!   way on average; twice that leaves room for when they bunch.

use std::time::Duration;

use workload::definition::{Pattern, Talk};
use workload::serve::guesses_per_round;

use super::forecast::Needs;

/// No model is given more workers than this, unless `--workers` says so.
pub(super) const MOST: usize = 256;

/// Fewer than this many workers per processor are not worth a row of their own.
const WORTH: f64 = 1.5;

/// Less CPU time than this per task cannot be told from none.
const LEAST_CPU: Duration = Duration::from_nanos(100);

/// The demand of a table's tasks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Asked {
    workers: usize,
    is_worth_it: bool,
}

impl Asked {
    /// The number for these tasks. `tasks` is how many the inputs hold, one generation of them.
    ///
    /// Rounded up to a power of two, since the CPU time behind it is measured, and two comparisons
    /// should arrive at the same number; but never more than there are tasks.
    pub(super) fn by(needs: &Needs, pattern: Pattern, tasks: usize, cpus: usize) -> Asked {
        let waiting = (needs.waiting + needs.programs).as_secs_f64();
        let cpu = needs
            .cpu
            .max(LEAST_CPU * u32::try_from(needs.tasks).unwrap_or(u32::MAX));
        let mut workers = cpus as f64 * (1.0 + waiting / cpu.as_secs_f64().max(1e-9));
        if let Pattern::Serve { rate, talk, .. } = pattern {
            let times = match talk {
                Talk::Tasks => 1.0,
                Talk::Guess => guesses_per_round(),
            };
            let each = times * (waiting + needs.cpu.as_secs_f64()) / needs.tasks.max(1) as f64;
            workers = workers.min(2.0 * rate * each);
        }
        let workers = workers.min(MOST as f64).min(tasks as f64);
        let rounded = (workers.ceil() as usize).next_power_of_two();
        Asked {
            workers: rounded.min(MOST).min(tasks),
            is_worth_it: workers >= WORTH * cpus as f64,
        }
    }

    /// The number of workers for a model that takes at most `most`, on that many processors; `None`
    /// where it is hardly more than one each.
    pub(super) fn at_most(self, most: usize, cpus: usize) -> Option<usize> {
        let workers = self.workers.min(most);
        (self.is_worth_it && workers as f64 >= WORTH * cpus as f64).then_some(workers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn needs(tasks: usize, waiting_ms: u64, cpu_ms: u64) -> Needs {
        Needs {
            tasks,
            waiting: Duration::from_millis(waiting_ms),
            programs: Duration::ZERO,
            longest: Duration::ZERO,
            cpu: Duration::from_millis(cpu_ms),
        }
    }

    fn asked(needs: Needs, tasks: usize) -> Option<usize> {
        Asked::by(&needs, Pattern::Map, tasks, 2).at_most(MOST, 2)
    }

    #[test]
    fn workers_grow_with_the_waits_and_not_beyond_the_tasks() {
        assert_eq!(asked(needs(64, 0, 100), 64), None, "nothing waits");
        assert_eq!(asked(needs(64, 20, 100), 64), None, "2.4");
        assert_eq!(asked(needs(64, 100, 100), 64), Some(4));
        assert_eq!(asked(needs(100, 1_000, 100), 100), Some(32), "22");
        assert_eq!(asked(needs(200, 500, 0), 200), Some(200), "one per task");
        assert_eq!(asked(needs(5_000, 50_000, 0), 5_000), Some(MOST));
        assert_eq!(asked(needs(2, 500, 0), 2), None, "as many as processors");
    }

    #[test]
    fn the_ceiling_of_a_model_bounds_its_workers() {
        let asked = Asked::by(&needs(200, 500, 0), Pattern::Map, 200, 2);
        assert_eq!(asked.at_most(32, 2), Some(32));
        assert_eq!(asked.at_most(2, 2), None);
    }

    #[test]
    fn programs_are_waited_for_as_well() {
        let needs = Needs {
            programs: Duration::from_millis(300),
            ..needs(40, 0, 100)
        };
        assert_eq!(asked(needs, 40), Some(8));
    }

    #[test]
    fn a_server_gets_twice_the_workers_that_its_requests_keep_busy() {
        let at = |rate, talk| {
            let serve = Pattern::Serve {
                sessions: 1_000,
                rate,
                seconds: 1.0,
                talk,
            };
            Asked::by(&needs(100, 200, 0), serve, 100, 2).at_most(MOST, 2)
        };
        assert_eq!(at(200.0, Talk::Tasks), None, "0.4 at a time");
        assert_eq!(at(200.0, Talk::Guess), Some(4), "five times as many");
        assert_eq!(at(1_000.0, Talk::Tasks), Some(4));
        assert_eq!(at(5_000.0, Talk::Tasks), Some(32), "10 at a time");
    }

    #[test]
    fn waits_beyond_all_reason_ask_for_the_ceiling() {
        let endless = Needs {
            waiting: Duration::MAX / 4,
            ..needs(1_000_000, 0, 0)
        };
        assert_eq!(asked(endless, 1_000_000), Some(MOST));
    }
}
