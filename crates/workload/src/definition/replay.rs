//! Recorded tasks, and the steps that replay them.

use std::fmt;
use std::sync::Arc;

use workload_kernels::rng::Rng;

/// The most waits of a replayed task: enough to interleave, and few enough that a task that waited
/// a thousand times does not become a thousand steps.
const MOST_WAITS: u64 = 16;

/// Waits are not split below this. A sleeping thread wakes up some 50 µs late, and the timers of
/// async runtimes count in milliseconds: many short waits would add that up.
const SHORTEST_WAIT_NS: u64 = 1_000_000;

/// Computing in all tasks together that a sample has by default, as in the project's own
/// workloads.
const COMPUTE_NS: u64 = 300_000_000;

/// The same for waiting.
const WAIT_NS: u64 = 1_000_000_000;

/// Fewer tasks than this are not run by default because of [`COMPUTE_NS`] or [`WAIT_NS`].
const FEWEST_TASKS: u64 = 16;

/// One recorded task. Waiting and computing stay together, so that their correlation is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recorded {
    /// CPU time in nanoseconds.
    pub compute_ns: u64,
    /// Time without using or needing a processor, in nanoseconds.
    pub wait_ns: u64,
    /// How often it waited: 0 exactly if `wait_ns` is 0.
    pub waits: u64,
}

/// A part of a replayed task, in nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Compute(u64),
    Wait(u64),
}

impl Recorded {
    /// Its parts, alternately computing and waiting; parts of no length are left out.
    pub(crate) fn parts(&self) -> impl Iterator<Item = Part> + use<> {
        let waits = self.replayed_waits();
        let (compute_ns, wait_ns) = (self.compute_ns, self.wait_ns);
        (0..=waits).flat_map(move |index| {
            let computing = share(compute_ns, index, waits + 1);
            let waiting = if index < waits {
                share(wait_ns, index, waits)
            } else {
                0
            };
            let computing = (computing > 0).then_some(Part::Compute(computing));
            let waiting = (waiting > 0).then_some(Part::Wait(waiting));
            computing.into_iter().chain(waiting)
        })
    }

    fn replayed_waits(&self) -> u64 {
        let most = (self.wait_ns / SHORTEST_WAIT_NS).clamp(1, MOST_WAITS);
        self.waits.min(most)
    }

    /// The most steps that it becomes.
    fn steps(&self) -> u64 {
        2 * self.replayed_waits() + 1
    }
}

/// The part `index` of `whole` in `parts` almost equal ones, which add up to it.
fn share(whole: u64, index: u64, parts: u64) -> u64 {
    whole / parts + u64::from(index < whole % parts)
}

/// The recorded tasks of a trace: at least one.
#[derive(Clone, PartialEq)]
pub struct Replay {
    tasks: Arc<[Recorded]>,
}

impl Replay {
    /// The tasks to draw from; `None` if there are none.
    pub fn new(tasks: Vec<Recorded>) -> Option<Replay> {
        (!tasks.is_empty()).then(|| Replay {
            tasks: tasks.into(),
        })
    }

    /// The recorded tasks.
    pub fn tasks(&self) -> &[Recorded] {
        &self.tasks
    }

    /// One of the tasks, each as likely as any other.
    pub(crate) fn draw(&self, rng: &mut Rng) -> &Recorded {
        let index = rng.below(self.tasks.len() as u64) as usize;
        &self.tasks[index]
    }

    /// The names of the steps that occur.
    pub(crate) fn actions(&self) -> impl Iterator<Item = &'static str> {
        let computes = self.tasks.iter().any(|task| task.compute_ns > 0);
        let waits = self.tasks.iter().any(|task| task.wait_ns > 0);
        [("compute", computes), ("wait", waits)]
            .into_iter()
            .filter_map(|(name, occurs)| occurs.then_some(name))
    }

    /// The most steps of a task.
    pub(crate) fn most_steps(&self) -> u64 {
        self.tasks.iter().map(Recorded::steps).max().unwrap_or(1)
    }

    /// The number of tasks if the definition does not say: as many as were recorded, or fewer if
    /// one after another they would take longer than the project's own workloads may.
    pub(crate) fn usual_tasks(&self) -> u64 {
        let recorded = self.tasks.len() as u64;
        let fitting = |most_ns: u64, of_task: fn(&Recorded) -> u64| -> u64 {
            let sum: u128 = self
                .tasks
                .iter()
                .map(|task| u128::from(of_task(task)))
                .sum();
            let fitting = u128::from(most_ns) * u128::from(recorded) / sum.max(1);
            u64::try_from(fitting).unwrap_or(u64::MAX)
        };
        let fitting =
            fitting(COMPUTE_NS, |task| task.compute_ns).min(fitting(WAIT_NS, |task| task.wait_ns));
        recorded.min(fitting.max(FEWEST_TASKS))
    }
}

impl fmt::Debug for Replay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Replay of {} tasks", self.tasks.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recorded(compute_ns: u64, wait_ns: u64, waits: u64) -> Recorded {
        Recorded {
            compute_ns,
            wait_ns,
            waits,
        }
    }

    #[test]
    fn parts_alternate_and_add_up() {
        use Part::{Compute, Wait};
        let parts = |task: Recorded| task.parts().collect::<Vec<_>>();
        assert_eq!(parts(recorded(7, 0, 0)), [Compute(7)]);
        assert_eq!(parts(recorded(0, 9, 3)), [Wait(9)], "too short to be split");
        assert_eq!(parts(recorded(7, 9, 1)), [Compute(4), Wait(9), Compute(3)]);
        assert_eq!(parts(recorded(0, 0, 0)), []);
        let two = parts(recorded(300, 3_000_001, 2));
        assert_eq!(
            two,
            [
                Compute(100),
                Wait(1_500_001),
                Compute(100),
                Wait(1_500_000),
                Compute(100)
            ]
        );
        let many = parts(recorded(1_000, 1_000_000_000, 5_000));
        assert_eq!(many.len(), 33);
        let waits = many
            .iter()
            .map(|part| if let Wait(ns) = part { *ns } else { 0 });
        assert_eq!(waits.sum::<u64>(), 1_000_000_000);
        for task in [
            recorded(0, 0, 0),
            recorded(5, u64::MAX, u64::MAX),
            recorded(1, 4_000_000, 9),
        ] {
            assert!(task.parts().count() as u64 <= task.steps(), "{task:?}");
        }
    }

    #[test]
    fn usual_number_of_tasks_fits_a_sample() {
        let usual = |task, tasks| Replay::new(vec![task; tasks]).unwrap().usual_tasks();
        assert_eq!(usual(recorded(1_000, 0, 0), 500), 500);
        assert_eq!(usual(recorded(1_000_000, 0, 0), 5_000), 300);
        assert_eq!(usual(recorded(1_000, 10_000_000, 1), 5_000), 100);
        assert_eq!(usual(recorded(50_000_000, 0, 0), 100), 16);
        assert_eq!(usual(recorded(50_000_000, 0, 0), 10), 10);
        assert_eq!(usual(recorded(0, 0, 0), 10), 10);
    }

    #[test]
    fn draws_keep_waiting_and_computing_together() {
        let tasks = vec![
            recorded(10, 1_000, 1),
            recorded(20, 0, 0),
            recorded(30, 3_000, 1),
        ];
        let replay = Replay::new(tasks.clone()).unwrap();
        let mut rng = Rng::new(4);
        let mut seen = [0; 3];
        for _ in 0..3_000 {
            let drawn = replay.draw(&mut rng);
            seen[tasks.iter().position(|task| task == drawn).unwrap()] += 1;
        }
        assert!(
            seen.iter().all(|seen| (900..1_100).contains(seen)),
            "{seen:?}"
        );
    }
}
