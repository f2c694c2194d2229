//! Bounds on how fast a job can be, whatever model is chosen.
//!
//! No model is faster than all CPU time shared by all processors, and none ends before the task
//! that takes longest. With *n* tasks at once, all time that tasks take is shared by *n*.

use serde::{Deserialize, Serialize};
use workload::definition::{Definition, Pattern};
use workload::inputs::{self, Step};

use crate::results::{Cell, Results};
use crate::stats::BASELINE;

/// The doubt about a bound whose waits and computing are in the inputs: the pace of a processor
/// differs by as much from one process to another.
const OF_INPUTS: f64 = 0.1;

/// The doubt about a bound from samples of `sequential`, of which there may be only one.
const OF_SAMPLES: f64 = 0.25;

/// The work of a job, added up over its tasks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Work {
    /// The time of `sequential`.
    pub sequential_ns: f64,
    /// CPU time of all tasks.
    pub cpu_ns: f64,
    /// Time in which tasks wait, one after another.
    pub waiting_ns: f64,
    /// The time of the task that takes longest; 0 if unknown.
    pub longest_ns: f64,
    /// Whether all of it follows from waits and computing that the inputs know.
    pub is_scalable: bool,
}

/// Lower bounds on the time, and what follows from them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Bounds {
    /// The processors that share the CPU time.
    pub cpus: usize,
    /// All CPU time ÷ processors.
    pub shared_cpu_ns: f64,
    /// The longest task.
    pub longest_ns: f64,
    /// The least time, whatever is chosen: the larger of the two.
    pub least_ns: f64,
    /// The time of `sequential` ÷ the least time.
    pub most_speedup: f64,
    /// The same with twice the processors.
    pub most_speedup_with_twice_the_cpus: f64,
}

impl Work {
    /// The work by the inputs, where there is a definition, and by the samples of `sequential`.
    /// `None` where it was not measured, and where requests set the pace.
    pub(super) fn of(definition: Option<&Definition>, results: &Results) -> Option<Work> {
        let table = results
            .workloads
            .first()
            .filter(|table| !table.is_served())?;
        let mut cells = results.cells.iter();
        let sequential = cells.find(|cell| {
            cell.model == BASELINE && cell.workload == table.name && cell.error.is_none()
        })?;
        let wall = sequential.wall_ns?.median;
        let samples = || sequential.samples.iter().filter(|sample| sample.cpu_ns > 0);
        // The least that was seen: other programs and cold caches only add to both.
        let cpu = samples().map(|sample| sample.cpu_ns).min()? as f64;
        let waiting = samples().map(|sample| sample.wall_ns.saturating_sub(sample.cpu_ns));
        let waiting = waiting.min()? as f64;
        let from_inputs =
            definition.map(|one| known(one, results.environment.iterations_per_us, cpu));
        Some(match from_inputs {
            Some(known) => Work {
                sequential_ns: wall,
                cpu_ns: if known.is_scalable { known.cpu_ns } else { cpu },
                ..known
            },
            None => Work {
                sequential_ns: wall,
                cpu_ns: cpu,
                waiting_ns: waiting,
                longest_ns: longest_span(sequential),
                is_scalable: false,
            },
        })
    }

    /// The bounds on this many processors.
    pub(super) fn bounds(&self, cpus: usize) -> Bounds {
        let cpus = cpus.max(1);
        let least = |cpus: usize| (self.cpu_ns / cpus as f64).max(self.longest_ns);
        let speedup = |cpus: usize| match least(cpus) {
            time if time > 0.0 => (self.sequential_ns / time).max(1.0),
            _ => f64::INFINITY,
        };
        Bounds {
            cpus,
            shared_cpu_ns: self.cpu_ns / cpus as f64,
            longest_ns: self.longest_ns,
            least_ns: least(cpus),
            most_speedup: speedup(cpus),
            most_speedup_with_twice_the_cpus: speedup(2 * cpus),
        }
    }

    /// The least time with that many tasks at once: waiting and computing shared by all of them.
    pub(super) fn least_ns_with(&self, at_once: usize, cpus: usize) -> f64 {
        let shared = (self.waiting_ns + self.cpu_ns) / at_once.max(1) as f64;
        shared.max(self.bounds(cpus).least_ns)
    }

    /// The most speedup with that many tasks at once.
    pub(super) fn most_speedup_with(&self, at_once: usize, cpus: usize) -> f64 {
        match self.least_ns_with(at_once, cpus) {
            time if time > 0.0 => (self.sequential_ns / time).max(1.0),
            _ => f64::INFINITY,
        }
    }

    /// How far below a bound a time may be, as a part of it, before one of both is wrong.
    pub(super) fn doubt(&self) -> f64 {
        match self.is_scalable {
            true => OF_INPUTS,
            false => OF_SAMPLES,
        }
    }
}

/// The work that the inputs know. Kernels, reads, programs and jobs have no time in them.
///
/// `measured_cpu_ns` is that of `sequential`. Waiting costs CPU time as well, which other models
/// may save, and the calibration may be a given one: the smaller of the two counts.
fn known(definition: &Definition, iterations_per_us: u64, measured_cpu_ns: f64) -> Work {
    let inputs = inputs::make(definition, iterations_per_us);
    let steps = inputs.tasks.iter().flat_map(|task| &task.steps);
    let all = steps.map(|step| match step {
        Step::Compute { iterations } => *iterations as f64,
        _ => 0.0,
    });
    let calibrated = 1e3 / iterations_per_us.max(1) as f64;
    let times = match inputs.header.pattern {
        Pattern::Rounds { generations } => f64::from(generations),
        _ => 1.0,
    };
    let per_iteration = calibrated.min(measured_cpu_ns / (all.sum::<f64>() * times).max(1.0));
    let mut work = Work {
        is_scalable: true,
        ..Work::default()
    };
    for task in &inputs.tasks {
        let mut cpu = 0.0;
        for step in &task.steps {
            match step {
                Step::Compute { iterations } => cpu += *iterations as f64 * per_iteration,
                Step::Wait { .. } => {}
                _ => work.is_scalable = false,
            }
        }
        let waiting = task.waiting_ns() as f64;
        work.cpu_ns += cpu * times;
        work.waiting_ns += waiting * times;
        // Tasks of a merge or a pipeline overlap with themselves no more than others do.
        work.longest_ns = work.longest_ns.max((cpu + waiting) * times);
    }
    work
}

/// The longest span of a single task in the timeline of `sequential`.
fn longest_span(sequential: &Cell) -> f64 {
    let lanes = sequential
        .timeline
        .iter()
        .flat_map(|timeline| &timeline.lanes);
    let single = lanes
        .flat_map(|lane| &lane.spans)
        .filter(|span| span.2 == 1);
    let longest = single
        .map(|(begin, end, _)| end.saturating_sub(*begin))
        .max();
    longest.unwrap_or(0) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: f64 = 1e6;

    const WORK: Work = Work {
        sequential_ns: 1_000.0 * MS,
        cpu_ns: 200.0 * MS,
        waiting_ns: 800.0 * MS,
        longest_ns: 20.0 * MS,
        is_scalable: true,
    };

    #[test]
    fn cpu_time_is_shared_and_the_longest_task_is_not() {
        let two = WORK.bounds(2);
        assert_eq!(two.shared_cpu_ns, 100.0 * MS);
        assert_eq!((two.least_ns, two.most_speedup), (100.0 * MS, 10.0));
        assert_eq!(two.most_speedup_with_twice_the_cpus, 20.0);
        let many = WORK.bounds(64);
        assert_eq!((many.least_ns, many.most_speedup), (20.0 * MS, 50.0));
        assert_eq!(many.most_speedup_with_twice_the_cpus, 50.0);
        assert_eq!(WORK.bounds(0), WORK.bounds(1));
    }

    #[test]
    fn few_workers_share_the_waiting() {
        // 1,000 ms shared by 4.
        assert_eq!(WORK.most_speedup_with(4, 2), 4.0);
        // With 64 of them the processors are the bound.
        assert_eq!(WORK.most_speedup_with(64, 2), 10.0);
        assert_eq!(WORK.most_speedup_with(0, 2), 1.0);
        assert_eq!(WORK.least_ns_with(4, 2), 250.0 * MS);
        assert_eq!(WORK.least_ns_with(64, 2), 100.0 * MS);
    }

    #[test]
    fn work_follows_from_the_inputs() {
        let definition = workload::definition::parse(
            "name = \"w\"\npattern = \"map\"\ntasks = 10\n[[step]]\nwait = \"2ms\"\n\
             [[step]]\ncompute = \"1ms\"\n",
            "w",
        );
        let definition = definition.unwrap();
        let work = known(&definition, 500, 1e12);
        assert!(work.is_scalable);
        assert_eq!(work.waiting_ns, 20.0 * MS);
        assert_eq!(work.cpu_ns, 10.0 * MS);
        assert_eq!(work.longest_ns, 3.0 * MS);
        // The iterations took half of what the calibration says.
        let faster = known(&definition, 500, 5.0 * MS);
        assert_eq!((faster.cpu_ns, faster.longest_ns), (5.0 * MS, 2.5 * MS));
        assert_eq!(faster.waiting_ns, 20.0 * MS);
    }
}
