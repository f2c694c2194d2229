//! Predictions from a part of the tasks, for tables with many of them.
//!
//! The inputs do not show what a task costs beyond its waits and its work, such as a thread or a
//! child process of its own, but a few hundred tasks do. A cell that would take too long with all
//! tasks is skipped with that arithmetic instead of being called hung.

use std::time::Duration;

use workload::definition::Pattern;
use workload::inputs::Inputs;

use super::conditions::Conditions;
use super::forecast::LONGEST_SAMPLE;
use super::live::{Live, Work};
use super::runner::Fault;

/// With fewer tasks than this, a sample ends in time whatever each task costs.
pub(super) const MANY: usize = 5_000;

/// The pilot sizes, tried in order. With few tasks, the cost of a task cannot be told from a late
/// reply, so larger pilots follow where that matters.
const SIZES: [usize; 3] = [256, 2_048, 16_384];

/// The samples of each pilot.
pub(super) const SAMPLES: u32 = 2;

/// The least time beyond the inputs' own needs from which a pilot counts as evidence.
const TELLING: Duration = Duration::from_millis(50);

/// The first tasks of these inputs, as inputs of their own.
pub(super) fn first(inputs: &Inputs, tasks: usize) -> Inputs {
    let mut header = inputs.header.clone();
    header.tasks = tasks.min(inputs.tasks.len());
    let tasks = inputs.tasks[..header.tasks].to_vec();
    Inputs { header, tasks }
}

/// The pilots of a table.
#[derive(Debug)]
pub(super) struct Pilots(Vec<Work>);

impl Pilots {
    /// The pilot sizes for a table with this number of tasks. Servers have no pilots: requests set
    /// their pace.
    pub(super) fn sizes(pattern: Pattern, tasks: usize) -> Vec<usize> {
        if matches!(pattern, Pattern::Serve { .. }) {
            return Vec::new();
        }
        let suits = |size: &usize| tasks >= MANY && size * 4 <= tasks;
        SIZES.into_iter().filter(suits).collect()
    }

    /// Pilots with this work.
    pub(super) fn of(works: Vec<Work>) -> Pilots {
        Pilots(works)
    }

    /// The reason to skip the cell, or `None`.
    ///
    /// # Errors
    ///
    /// Faults of the contestant, as with any sample.
    pub(super) fn predict<'a>(
        &self,
        live: &mut Live<'a>,
        conditions: &Conditions<'a>,
        work: &Work,
    ) -> Result<Option<String>, Fault> {
        let mut predicted = None;
        for pilot in &self.0 {
            live.start(conditions, pilot)?;
            // Twice ([`SAMPLES`]): the first sample also pays for one-time costs.
            let first = live.try_out(conditions, pilot)?;
            let took = first.min(live.try_out(conditions, pilot)?);
            let seen = Prediction {
                tasks: pilot.tasks,
                took,
                least: live.lower_bound(pilot),
                of: work.tasks,
                least_of_all: live.lower_bound(work),
            };
            predicted = Some(seen);
            if seen.is_clear() {
                break;
            }
        }
        let Some(seen) = predicted else {
            return Ok(None);
        };
        live.expect(seen.all());
        Ok(seen.too_long())
    }
}

/// The prediction of a pilot for all tasks.
#[derive(Debug, Clone, Copy)]
struct Prediction {
    tasks: usize,
    took: Duration,
    /// The least time of the pilot's tasks, by their inputs.
    least: Duration,
    of: usize,
    least_of_all: Duration,
}

impl Prediction {
    /// The time beyond what the inputs need.
    fn beyond(&self) -> Duration {
        self.took.saturating_sub(self.least)
    }

    /// The predicted time of all tasks.
    fn all(&self) -> Duration {
        let scale = self.of as f64 / self.tasks.max(1) as f64;
        let beyond = self.beyond().as_secs_f64() * scale;
        self.least_of_all + Duration::try_from_secs_f64(beyond).unwrap_or(Duration::MAX / 2)
    }

    /// Whether a larger pilot could not change the outcome.
    fn is_clear(&self) -> bool {
        let all = self.all();
        all <= LONGEST_SAMPLE / 2 || (all > LONGEST_SAMPLE * 2 && self.beyond() >= TELLING)
    }

    fn too_long(&self) -> Option<String> {
        (self.all() > LONGEST_SAMPLE && self.beyond() >= TELLING).then(|| {
            format!(
                "would take about {:.0} s a sample, over the limit of {} s: {} of its {} tasks took {:.0} ms, {:.3} ms \
                 each beyond what they wait and compute",
                self.all().as_secs_f64(),
                LONGEST_SAMPLE.as_secs(),
                self.tasks,
                self.of,
                self.took.as_secs_f64() * 1e3,
                self.beyond().as_secs_f64() * 1e3 / self.tasks.max(1) as f64,
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(tasks: usize, took_ms: u64, of: usize) -> Prediction {
        Prediction {
            tasks,
            took: Duration::from_millis(took_ms),
            least: Duration::ZERO,
            of,
            least_of_all: Duration::ZERO,
        }
    }

    #[test]
    fn the_cost_per_task_is_scaled_and_shown() {
        let child = seen(256, 256, 100_000);
        assert_eq!(child.all(), Duration::from_secs(100));
        let reason = child.too_long().unwrap();
        for part in ["about 100 s", "30 s", "256 of its 100000", "1.000 ms each"] {
            assert!(reason.contains(part), "{part} is not in {reason}");
        }
        assert!(seen(256, 4, 100_000).too_long().is_none());
    }

    #[test]
    fn a_late_reply_does_not_count_as_task_cost() {
        let late = seen(256, 12, 1_000_000);
        assert!(late.all() > LONGEST_SAMPLE && !late.is_clear());
        assert!(late.too_long().is_none());
    }

    #[test]
    fn waits_are_not_scaled() {
        let waits = Prediction {
            least: Duration::from_millis(1_000),
            least_of_all: Duration::from_millis(1_000),
            ..seen(256, 1_010, 100_000)
        };
        assert!(waits.all() < Duration::from_secs(5), "{:?}", waits.all());
    }

    #[test]
    fn few_tasks_have_no_pilots() {
        assert!(Pilots::sizes(Pattern::Map, 4_999).is_empty());
        assert_eq!(Pilots::sizes(Pattern::Map, 5_000), [256]);
        assert_eq!(Pilots::sizes(Pattern::Map, 100_000), [256, 2_048, 16_384]);
    }
}
