//! The work of a calibration: three kinds, each with a little more of it planted.

use workload::definition::Pattern;
use workload::inputs::{Header, Inputs, Step, Task};
use workload::kernels;
use workload::value::task_seed;

use crate::compare::contestant::SEQUENTIAL;

/// The model whose pool hands work over and waits.
pub(super) const POOL: &str = "thread-pool";

/// The differences that are planted, as parts of 1.
pub(super) const PLANTED: [f64; 3] = [0.01, 0.03, 0.10];

/// The seed of all inputs.
const SEED: u64 = 12;

/// One kind of work. A sample of each takes about two milliseconds: long beside the time to wake a
/// thread, and short enough for many trials.
#[derive(Debug, Clone, Copy)]
pub(super) struct Work {
    /// Its name in the answer.
    pub(super) name: &'static str,
    /// Its name in files.
    file: &'static str,
    /// The model that does it.
    pub(super) model: &'static str,
    kind: Kind,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Cpu,
    Kernels,
    HandOver,
    Waits,
}

/// CPU work comes first.
pub(super) const WORKS: [Work; 3] = [
    Work {
        name: "CPU work",
        file: "cpu",
        model: SEQUENTIAL,
        kind: Kind::Cpu,
    },
    Work {
        name: "hand-over",
        file: "hand-over",
        model: POOL,
        kind: Kind::HandOver,
    },
    Work {
        name: "waits",
        file: "waits",
        model: POOL,
        kind: Kind::Waits,
    },
];

/// The work of relinked programs: the loops of all kernels that the project's own CPU work consists
/// of, so that the place of each of them counts.
pub(super) const RELINKED: Work = Work {
    name: "kernels",
    file: "kernels",
    model: SEQUENTIAL,
    kind: Kind::Kernels,
};

/// The kernels, each with the tasks that make it a good part of a sample.
const KERNELS: [(&str, u64); 2] = [("gcd", 1), ("mandelbrot", 2)];

impl Work {
    /// The inputs with this difference planted: longer computations, more tasks, or longer waits.
    pub(super) fn inputs(self, planted: f64, iterations_per_us: u64) -> Inputs {
        let more = |count: u64| (count as f64 * (1.0 + planted)).round() as u64;
        let (tasks, step) = match self.kind {
            Kind::Cpu => {
                let iterations = more(50 * iterations_per_us);
                (40, Step::Compute { iterations })
            }
            Kind::Kernels => {
                let iterations = more(50 * iterations_per_us);
                (10, Step::Compute { iterations })
            }
            Kind::HandOver => (more(2_000), Step::Compute { iterations: 10 }),
            Kind::Waits => {
                let ns = more(1_000_000);
                (4, Step::Wait { ns })
            }
        };
        let steps = std::iter::repeat_n(step, tasks as usize).chain(self.kernels());
        let task = |(index, step): (u64, Step)| Task {
            index: index as usize,
            seed: task_seed(SEED, index),
            steps: vec![step],
            stages: Vec::new(),
        };
        let tasks: Vec<Task> = (0..).zip(steps).map(task).collect();
        let mut actions: Vec<String> = Vec::new();
        for step in tasks.iter().flat_map(|task| &task.steps) {
            if !actions.iter().any(|known| known == step.name()) {
                actions.push(step.name().to_owned());
            }
        }
        Inputs {
            header: Header {
                workload: format!("calibration-{}-{}", self.file, more(1_000)),
                pattern: Pattern::Map,
                tasks: tasks.len(),
                seed: SEED,
                iterations_per_us,
                actions,
            },
            tasks,
        }
    }

    /// The calls of kernels that go with the other steps. No more of them is planted.
    fn kernels(self) -> impl Iterator<Item = Step> {
        let all = KERNELS
            .iter()
            .filter(move |_| matches!(self.kind, Kind::Kernels));
        all.filter_map(|(name, tasks)| Some((kernels::find(name)?, *tasks)))
            .flat_map(|(kernel, tasks)| (0..tasks).map(move |_| Step::Kernel(kernel)))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn total(inputs: &Inputs) -> u64 {
        let steps = inputs.tasks.iter().flat_map(|task| &task.steps);
        steps
            .map(|step| match step {
                Step::Compute { iterations } => *iterations,
                Step::Wait { ns } => *ns,
                other => panic!("{other:?}"),
            })
            .sum()
    }

    #[test]
    fn planted_inputs_have_that_much_more_work() {
        for work in WORKS {
            let base = total(&work.inputs(0.0, 1_000)) as f64;
            for planted in PLANTED {
                let more = total(&work.inputs(planted, 1_000)) as f64 / base;
                assert!((more - 1.0 - planted).abs() < 1e-9, "{}: {more}", work.name);
            }
        }
    }

    #[test]
    fn relinked_programs_call_each_kernel() {
        let inputs = RELINKED.inputs(0.0, 1_000);
        assert_eq!(inputs.header.actions, ["compute", "kernel"]);
        assert_eq!(inputs.tasks.len(), 13, "a kernel has another name");
    }

    #[test]
    fn each_inputs_file_has_a_name_of_its_own() {
        let works = WORKS.into_iter().chain([RELINKED]);
        let names = works.flat_map(|work| {
            let planted = [0.0].into_iter().chain(PLANTED);
            planted.map(move |planted| work.inputs(planted, 1).header.workload)
        });
        assert_eq!(names.collect::<BTreeSet<String>>().len(), 16);
    }
}
