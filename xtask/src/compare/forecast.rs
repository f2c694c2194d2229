//! The least time of a cell, from its inputs alone.

use std::collections::BTreeSet;
use std::time::Duration;

use workload::definition::Pattern;
use workload::inputs::{Inputs, Task};
use workload::protocol::Concurrency;

/// A sample that is predicted to take longer is not begun.
pub(super) const LONGEST_SAMPLE: Duration = Duration::from_secs(30);

/// The needs of a table's tasks, under any model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Needs {
    /// Tasks, counted once per generation.
    pub(super) tasks: usize,
    /// All waits added up.
    pub(super) waiting: Duration,
    /// Time in which tasks waited for programs that used no processor, as the referee saw it. No
    /// bound follows from it.
    pub(super) programs: Duration,
    /// The waits of the task that waits longest; with generations, of all of them.
    pub(super) longest: Duration,
    /// CPU time of all tasks, as the referee measured it.
    pub(super) cpu: Duration,
}

impl Needs {
    /// The needs of the inputs; `cpu` comes from the referee, who did them once.
    pub(super) fn of(inputs: &Inputs, cpu: Duration) -> Needs {
        let generations = match inputs.header.pattern {
            Pattern::Rounds { generations } => generations,
            _ => 1,
        };
        // As durations before they are added up: millions of hours are more nanoseconds than a
        // number holds.
        let waits = || {
            let waits = inputs.tasks.iter().map(Task::waiting_ns);
            waits.map(Duration::from_nanos)
        };
        Needs {
            tasks: inputs.tasks.len() * generations as usize,
            waiting: waits().sum::<Duration>() * generations,
            programs: Duration::ZERO,
            longest: waits().max().unwrap_or_default() * generations,
            cpu,
        }
    }

    /// The same with the time for programs, or for whatever a job waits for, as waiting.
    pub(super) fn with_programs(self) -> Needs {
        Needs {
            waiting: self.waiting.saturating_add(self.programs),
            ..self
        }
    }

    /// The needs of `scale` times the tasks.
    pub(super) fn times(self, scale: u32) -> Needs {
        Needs {
            tasks: self.tasks.saturating_mul(scale as usize),
            waiting: self.waiting.saturating_mul(scale),
            programs: self.programs.saturating_mul(scale),
            longest: self.longest,
            cpu: self.cpu.saturating_mul(scale),
        }
    }

    /// The least time a sample can take with that many tasks at once on that many processors.
    pub(super) fn lower_bound(&self, at_once: usize, cpus: usize) -> Duration {
        let at_once = u32::try_from(at_once.max(1)).unwrap_or(u32::MAX);
        let cpus = u32::try_from(cpus.max(1)).unwrap_or(u32::MAX);
        let shared = (self.waiting + self.cpu) / at_once;
        shared.max(self.cpu / at_once.min(cpus)).max(self.longest)
    }

    /// The reason to skip a cell that cannot end in time, with the arithmetic; `None` where it can.
    pub(super) fn too_long(&self, at_once: usize, cpus: usize) -> Option<String> {
        let bound = self.lower_bound(at_once, cpus);
        (bound > LONGEST_SAMPLE).then(|| {
            format!(
                "would take at least {:.1} s a sample, over the limit of {} s: {} tasks wait {:.1} s and compute \
                 {:.1} s in all, {at_once} at once on {cpus} processors",
                bound.as_secs_f64(),
                LONGEST_SAMPLE.as_secs(),
                self.tasks,
                self.waiting.as_secs_f64(),
                self.cpu.as_secs_f64(),
            )
        })
    }
}

/// The number of tasks in flight. A pipeline may have the declared number in each of its stages.
pub(super) fn at_once(concurrency: Concurrency, workers: usize, shape: &Shape) -> usize {
    let tasks = shape.tasks;
    let limited = |limit: usize| limit.saturating_mul(shape.stages).min(tasks);
    match concurrency {
        Concurrency::One => 1,
        Concurrency::Workers => limited(workers),
        Concurrency::Tasks => tasks,
        Concurrency::Limited(limit) => limited(limit),
    }
    .max(1)
}

/// An upper bound on [`at_once`], to avoid false accusations: a merge may follow all its logs at
/// once with any number of workers.
pub(super) fn at_most_at_once(concurrency: Concurrency, workers: usize, shape: &Shape) -> usize {
    if shape.merges {
        return shape.tasks.max(1);
    }
    at_once(concurrency, workers, shape)
}

/// The properties of the inputs that decide how many tasks can be in flight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shape {
    tasks: usize,
    stages: usize,
    merges: bool,
}

impl Shape {
    /// The same shape with another number of tasks.
    pub(super) fn with(self, tasks: usize) -> Shape {
        Shape { tasks, ..self }
    }

    /// The shape of these inputs.
    pub(super) fn of(inputs: &Inputs) -> Shape {
        let stages = inputs.tasks.iter().flat_map(|task| &task.stages);
        Shape {
            tasks: inputs.tasks.len(),
            stages: stages.collect::<BTreeSet<_>>().len().max(1),
            merges: inputs.header.pattern == Pattern::Merge,
        }
    }
}

#[cfg(test)]
mod tests {
    use workload::inputs::{Header, Step};

    use super::*;

    const NEEDS: Needs = Needs {
        tasks: 1000,
        waiting: Duration::from_secs(100),
        programs: Duration::ZERO,
        longest: Duration::from_millis(200),
        cpu: Duration::from_secs(4),
    };

    #[test]
    fn bounds_follow_from_waits_work_and_the_longest_task() {
        assert_eq!(NEEDS.lower_bound(1, 2), Duration::from_secs(104));
        assert_eq!(NEEDS.lower_bound(2, 2), Duration::from_secs(52));
        assert_eq!(
            NEEDS.lower_bound(100, 2),
            Duration::from_secs(2),
            "the work on two processors"
        );
        assert_eq!(
            NEEDS.lower_bound(1000, 64),
            Duration::from_millis(200),
            "the longest wait"
        );
    }

    #[test]
    fn waits_of_millions_of_hours_add_up() {
        let long = Task {
            index: 0,
            seed: 0,
            steps: vec![Step::Wait { ns: u64::MAX }],
            stages: Vec::new(),
        };
        let inputs = Inputs {
            header: Header {
                workload: "long".to_owned(),
                pattern: Pattern::Rounds {
                    generations: 1_000_000,
                },
                tasks: 3,
                seed: 0,
                iterations_per_us: 1,
                actions: Vec::new(),
            },
            tasks: vec![long; 3],
        };
        let needs = Needs::of(&inputs, Duration::ZERO);
        assert_eq!(needs.waiting, needs.longest * 3);
        assert!(needs.too_long(1, 2).is_some());
    }

    #[test]
    fn the_reason_shows_the_arithmetic() {
        let reason = NEEDS.too_long(2, 2).unwrap();
        for part in [
            "52.0 s",
            "100.0 s",
            "4.0 s",
            "1000 tasks",
            "2 at once",
            "30 s",
        ] {
            assert!(reason.contains(part), "{part} is not in: {reason}");
        }
        assert_eq!(NEEDS.too_long(100, 2), None);
    }

    #[test]
    fn concurrency_is_never_none() {
        let shape = |tasks| Shape {
            tasks,
            stages: 1,
            merges: false,
        };
        assert_eq!(at_once(Concurrency::Workers, 4, &shape(100)), 4);
        assert_eq!(at_once(Concurrency::Limited(32), 4, &shape(10)), 10);
        assert_eq!(at_once(Concurrency::Tasks, 4, &shape(0)), 1);
        let staged = Shape {
            stages: 3,
            ..shape(100)
        };
        assert_eq!(at_once(Concurrency::Workers, 4, &staged), 12);
        assert_eq!(at_once(Concurrency::One, 4, &staged), 1);
        let merged = Shape {
            merges: true,
            ..shape(100)
        };
        assert_eq!(at_once(Concurrency::Workers, 4, &merged), 4);
        assert_eq!(at_most_at_once(Concurrency::Workers, 4, &merged), 100);
    }
}
