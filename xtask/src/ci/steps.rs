//! A scheduler with two lanes: one builds, the other runs what was built. Each lane keeps its
//! order.
//!
//! A build keeps all cores busy and tests mostly wait, so together the two take little more than
//! the longer of them.

use std::sync::{Condvar, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::log::Log;
use super::table::{self, Row, State};
use crate::error::Error;
use crate::test::{Counts, print, seconds};

/// The lane that a step runs in. The steps of a lane run one after another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lane {
    /// Compiling.
    Build,
    /// Running what was compiled.
    Run,
}

/// A handle to a step of the plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Id(usize);

type Action<'a> = Box<dyn FnOnce(&mut Log) -> Result<(), Error> + Send + 'a>;

struct Step<'a> {
    title: String,
    lane: Lane,
    after: Vec<Id>,
    action: Option<Action<'a>>,
}

/// The steps to run.
#[derive(Default)]
pub(super) struct Steps<'a> {
    steps: Vec<Step<'a>>,
}

struct Progress {
    rows: Vec<Row>,
    counts: Counts,
    /// The first failure, with the number of its step. No step begins after it.
    failed: Option<(usize, Error)>,
}

struct Shared<'p> {
    print: &'p (dyn Fn(&[u8]) + Sync),
    progress: Mutex<Progress>,
    changed: Condvar,
}

impl<'a> Steps<'a> {
    /// Adds a step. It begins when the previous steps of its lane and all steps in `after` have
    /// passed.
    pub(super) fn add(
        &mut self,
        lane: Lane,
        title: impl Into<String>,
        after: &[Id],
        action: impl FnOnce(&mut Log) -> Result<(), Error> + Send + 'a,
    ) -> Id {
        self.steps.push(Step {
            title: title.into(),
            lane,
            after: after.to_vec(),
            action: Some(Box::new(action)),
        });
        Id(self.steps.len() - 1)
    }

    /// Runs all steps, prints the output of each in one piece, and a table at the end. After the
    /// first failure no step begins; a step that is running in the other lane is waited for.
    pub(super) fn run(self) -> Result<(), Error> {
        self.run_to(&print)
    }

    fn run_to(mut self, print: &(dyn Fn(&[u8]) + Sync)) -> Result<(), Error> {
        let since = Instant::now();
        let rows = self.steps.iter().map(|step| Row {
            title: step.title.clone(),
            state: State::Waiting,
            wall: Duration::ZERO,
            cpu: Duration::ZERO,
        });
        let shared = Shared {
            print,
            progress: Mutex::new(Progress {
                rows: rows.collect(),
                counts: Counts::default(),
                failed: None,
            }),
            changed: Condvar::new(),
        };
        let mut lanes = [Vec::new(), Vec::new()];
        for (number, step) in self.steps.drain(..).enumerate() {
            lanes[step.lane as usize].push((number, step));
        }
        thread::scope(|scope| {
            for lane in lanes {
                scope.spawn(|| shared.lane(lane));
            }
        });
        let progress = shared
            .progress
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        let all = since.elapsed();
        print(table::text(&progress.rows, progress.counts, all).as_bytes());
        match progress.failed {
            None => Ok(()),
            Some((_, Error::Interrupted)) => Err(Error::Interrupted),
            Some((number, error)) => Err(Error::Failed(format!(
                "ci: step {} ({}) failed: {error}",
                number + 1,
                progress.rows[number].title
            ))),
        }
    }
}

impl Shared<'_> {
    fn lane(&self, steps: Vec<(usize, Step<'_>)>) {
        for (number, mut step) in steps {
            if !self.may_begin(number, &step.after) {
                return;
            }
            let since = Instant::now();
            let mut log = Log::default();
            let action = step.action.take();
            // Caught, since a panic would leave the other lane waiting.
            let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                action.map_or(Ok(()), |action| action(&mut log))
            }));
            let result = result
                .unwrap_or_else(|_| Err(Error::Failed("the step panicked, see above".to_string())));
            self.ended(number, log, since.elapsed(), result);
        }
    }

    /// Waits for the steps in `after`; false if a step failed.
    fn may_begin(&self, number: usize, after: &[Id]) -> bool {
        let mut progress = self.lock();
        loop {
            if progress.failed.is_some() {
                return false;
            }
            if after
                .iter()
                .all(|id| progress.rows[id.0].state == State::Passed)
            {
                break;
            }
            progress = self
                .changed
                .wait(progress)
                .unwrap_or_else(PoisonError::into_inner);
        }
        progress.rows[number].state = State::Running;
        (self.print)(format!("── {}. {}\n", number + 1, progress.rows[number].title).as_bytes());
        true
    }

    fn ended(&self, number: usize, log: Log, wall: Duration, result: Result<(), Error>) {
        let mut progress = self.lock();
        let row = &mut progress.rows[number];
        let (state, word) = match result {
            Ok(()) => (State::Passed, "passed"),
            Err(_) => (State::Failed, "FAILED"),
        };
        (row.state, row.wall, row.cpu) = (state, wall, log.cpu);
        let title = format!("{}. {}", number + 1, row.title);
        let time = seconds(wall);
        let cpu = seconds(log.cpu);
        // Printed under the lock, so that no other line comes in between.
        let mut text = Vec::new();
        if !log.text.is_empty() {
            text.extend(format!("\n── {title}: the output\n").into_bytes());
            text.extend(log.text);
        }
        text.extend(format!("── {title}: {word} in {time}, {cpu} of CPU\n").into_bytes());
        (self.print)(&text);
        progress.counts += log.counts;
        if let Err(error) = result {
            // Ctrl-C also ends the other lane's program, which then looks like a failure.
            let replaces = matches!(error, Error::Interrupted);
            if progress.failed.is_none() || replaces {
                progress.failed = Some((number, error));
            }
        }
        drop(progress);
        self.changed.notify_all();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    /// The result, and what was printed.
    fn run(steps: Steps<'_>) -> (Result<(), Error>, String) {
        let printed = Mutex::new(Vec::new());
        let result = steps.run_to(&|bytes| printed.lock().unwrap().extend_from_slice(bytes));
        let printed = String::from_utf8(printed.into_inner().unwrap()).unwrap();
        (result, printed)
    }

    #[test]
    fn a_failed_step_is_named_and_those_behind_it_do_not_run() {
        let mut steps = Steps::default();
        let one = steps.add(Lane::Build, "one", &[], |_| Ok(()));
        steps.add(Lane::Build, "two", &[one], |_| {
            Err(Error::Usage("it broke".to_string()))
        });
        steps.add(Lane::Build, "three", &[], |_| panic!("three ran"));
        let failed = run(steps).0;
        let expected = "ci: step 2 (two) failed: it broke".to_string();
        assert_eq!(failed, Err(Error::Failed(expected)));
    }

    #[test]
    fn a_step_does_not_run_after_the_other_lane_failed() {
        let mut steps = Steps::default();
        let broken = steps.add(Lane::Build, "broken", &[], |_| {
            Err(Error::Failed("no".to_string()))
        });
        steps.add(Lane::Run, "behind it", &[broken], |_| panic!("it ran"));
        assert!(run(steps).0.is_err());
    }

    #[test]
    fn the_lanes_run_beside_each_other_and_each_in_order() {
        let (send, receive) = mpsc::channel();
        let (other, order) = mpsc::channel();
        let mut steps = Steps::default();
        let deadline = Duration::from_secs(60);
        let met = steps.add(Lane::Run, "waits for the build lane", &[], move |_| {
            let met = receive.recv_timeout(deadline);
            met.map_err(|_| Error::Failed("alone".to_string()))
        });
        steps.add(Lane::Build, "meets it", &[], move |_| {
            send.send(()).unwrap();
            Ok(())
        });
        for (lane, after, name) in [(Lane::Build, &[met][..], 1), (Lane::Build, &[][..], 2)] {
            let other = other.clone();
            steps.add(lane, "numbered", after, move |_| {
                other.send(name).unwrap();
                Ok(())
            });
        }
        drop(other);
        assert_eq!(run(steps).0, Ok(()));
        assert_eq!(order.iter().collect::<Vec<_>>(), [1, 2]);
    }

    #[test]
    fn output_comes_in_one_piece_and_a_table_after_a_failure() {
        let mut steps = Steps::default();
        steps.add(Lane::Build, "tells", &[], |log| {
            log.say("one line");
            log.say("another");
            Err(Error::Failed("no".to_string()))
        });
        steps.add(Lane::Build, "never", &[], |_| Ok(()));
        let (result, printed) = run(steps);
        assert!(result.is_err());
        let piece = "── 1. tells: the output\none line\nanother\n── 1. tells: FAILED in ";
        assert!(printed.contains(piece), "{printed}");
        assert!(printed.contains("1 tells  FAILED"), "{printed}");
        assert!(printed.contains("2 never  not run"), "{printed}");
        assert!(!printed.contains("── 2."), "{printed}");
    }

    #[test]
    fn an_interruption_is_kept_and_a_panic_is_a_failure() {
        let mut steps = Steps::default();
        steps.add(Lane::Build, "stopped", &[], |_| Err(Error::Interrupted));
        assert_eq!(run(steps).0, Err(Error::Interrupted));
        let mut steps = Steps::default();
        steps.add(Lane::Run, "breaks", &[], |_| panic!("on purpose"));
        let error = run(steps).0.unwrap_err().to_string();
        assert!(error.contains("step 1 (breaks) failed"), "{error}");
    }
}
