//! Making inputs: the random draws for a definition.

use std::collections::BTreeMap;

use workload_kernels::rng::{Rng, mix};

use super::exact::exact;
use super::types::{Header, Inputs, Step, Task};
use crate::definition::distribution::Distribution;
use crate::definition::replay::{Part, Recorded, Replay};
use crate::definition::scale::Scale;
use crate::definition::types::{Action, Definition, Pattern};
use crate::definition::{limits, types};
use crate::task::log::request::whole_lines;
use crate::value::task_seed;

/// The number of files that the `read` steps of a workload share: task `i` reads file
/// `i % FILE_POOL`. So a hundred thousand tasks do not need a hundred thousand files.
pub const FILE_POOL: usize = 64;

/// Makes the inputs, which are the same for equal definitions and calibrations on every machine.
///
/// `iterations_per_us` turns the durations of `compute` steps into iterations.
///
/// # Panics
///
/// If the definition names a kernel that does not exist, which a parsed one never does.
pub fn make(definition: &Definition, iterations_per_us: u64) -> Inputs {
    let kinds = Kinds::of(definition);
    let tasks = (0..definition.tasks)
        .map(|index| task(definition, &kinds, iterations_per_us, index))
        .collect();
    let mut actions: Vec<String> = Vec::new();
    let written = definition
        .steps
        .iter()
        .map(|step| action_name(&step.action));
    let replayed = definition.replay.iter().flat_map(Replay::actions);
    for name in written.chain(replayed) {
        if !actions.iter().any(|known| known == name) {
            actions.push(name.to_owned());
        }
    }
    let header = Header {
        workload: definition.name.clone(),
        pattern: definition.pattern,
        tasks: definition.tasks,
        seed: definition.seed,
        iterations_per_us,
        actions,
    };
    Inputs { header, tasks }
}

fn task(definition: &Definition, kinds: &Kinds<'_>, iterations_per_us: u64, index: usize) -> Task {
    let seed = task_seed(definition.seed, index as u64);
    // Each task draws from its own stream, so that its number of draws cannot affect another task.
    let mut rng = Rng::new(mix(seed ^ 0x6472_6177));
    let kind = kinds.draw(&mut rng);
    let of_this_kind = || {
        definition
            .steps
            .iter()
            .filter(|step| step.kind.is_none() || step.kind.as_deref() == kind)
    };
    let mut steps: Vec<Step> = match &definition.replay {
        Some(replay) => replayed(replay.draw(&mut rng), iterations_per_us),
        None => of_this_kind()
            .map(|step| draw(step, index, iterations_per_us, &mut rng))
            .collect(),
    };
    for step in &mut steps {
        scale(step, definition.scale);
    }
    let stages = match definition.pattern {
        Pattern::Pipeline { .. } => of_this_kind().map(|step| step.stage.unwrap_or(0)).collect(),
        _ => Vec::new(),
    };
    Task {
        index,
        seed,
        steps: exact(steps),
        stages: exact(stages),
    }
}

fn draw(step: &types::Step, index: usize, iterations_per_us: u64, rng: &mut Rng) -> Step {
    match &step.action {
        Action::Wait(duration) => Step::Wait {
            ns: time(duration, rng),
        },
        Action::Compute(duration) => compute(time(duration, rng), iterations_per_us),
        Action::Fetch { bytes, delay } => Step::Fetch {
            bytes: size(bytes, rng),
            delay_ns: delay.as_ref().map_or(0, |delay| time(delay, rng)),
        },
        Action::Read(bytes) => Step::Read {
            file: (index % FILE_POOL).to_string(),
            bytes: size(bytes, rng),
        },
        Action::Tail { bytes, over } => Step::Tail {
            bytes: whole_lines(size(bytes, rng)),
            over_ns: over.as_ref().map_or(0, |over| time(over, rng)),
        },
        Action::Exec { command, timeout } => Step::Exec {
            command: command.clone(),
            timeout_ns: timeout.as_ref().map(|timeout| time(timeout, rng)),
        },
        Action::Job => Step::Job {},
        Action::Kernel(name) => Step::Kernel(
            workload_kernels::find(name).expect("the parser accepts only kernels that exist"),
        ),
    }
}

fn compute(ns: u64, iterations_per_us: u64) -> Step {
    let iterations = u128::from(ns) * u128::from(iterations_per_us) / 1000;
    Step::Compute {
        iterations: u64::try_from(iterations).unwrap_or(u64::MAX),
    }
}

/// The steps of a recorded task.
fn replayed(recorded: &Recorded, iterations_per_us: u64) -> Vec<Step> {
    let parts = recorded.parts().map(|part| match part {
        Part::Compute(ns) => compute(ns, iterations_per_us),
        Part::Wait(ns) => Step::Wait { ns },
    });
    parts.collect()
}

/// Multiplies the times of the step, within the limits of a definition.
fn scale(step: &mut Step, by: Scale) {
    let wait = |ns: u64| Scale::times(by.wait, ns).min(limits::LONGEST_NS);
    match step {
        Step::Wait { ns } => *ns = wait(*ns),
        Step::Compute { iterations } => *iterations = Scale::times(by.work, *iterations),
        Step::Fetch { delay_ns, .. } => *delay_ns = wait(*delay_ns),
        Step::Tail { over_ns, .. } => *over_ns = wait(*over_ns),
        _ => {}
    }
}

/// Limits a draw to what a definition may contain, since log-normal and exponential distributions
/// are unbounded.
fn time(duration: &Distribution, rng: &mut Rng) -> u64 {
    duration.draw(rng).min(limits::LONGEST_NS)
}

fn size(bytes: &Distribution, rng: &mut Rng) -> u64 {
    bytes.draw(rng).min(limits::LARGEST_BYTES)
}

fn action_name(action: &Action) -> &'static str {
    match action {
        Action::Wait(_) => "wait",
        Action::Compute(_) => "compute",
        Action::Fetch { .. } => "fetch",
        Action::Read(_) => "read",
        Action::Tail { .. } => "tail",
        Action::Exec { .. } => "exec",
        Action::Kernel(_) => "kernel",
        Action::Job => "job",
    }
}

/// The kinds of task and their shares.
struct Kinds<'a> {
    shares: Vec<(&'a str, f64)>,
    total: f64,
}

impl<'a> Kinds<'a> {
    fn of(definition: &'a Definition) -> Kinds<'a> {
        let mut shares: Vec<(&str, f64)> = Vec::new();
        for step in &definition.steps {
            if let Some(kind) = step.kind.as_deref()
                && !shares.iter().any(|(known, _)| *known == kind)
            {
                shares.push((kind, step.weight));
            }
        }
        let total = shares.iter().map(|(_, weight)| weight).sum();
        Kinds { shares, total }
    }

    fn draw(&self, rng: &mut Rng) -> Option<&'a str> {
        let mut left = if self.shares.is_empty() {
            return None;
        } else {
            rng.unit() * self.total
        };
        for (kind, weight) in &self.shares {
            if left < *weight {
                return Some(kind);
            }
            left -= weight;
        }
        self.shares.last().map(|(kind, _)| *kind)
    }
}

/// The files that the inputs read, by name, each as long as the longest read of it.
pub fn file_sizes(inputs: &Inputs) -> BTreeMap<&str, u64> {
    let mut sizes = BTreeMap::new();
    for step in inputs.tasks.iter().flat_map(|task| &task.steps) {
        if let Step::Read { file, bytes } = step {
            let size = sizes.entry(file.as_str()).or_insert(0);
            *size = (*size).max(*bytes);
        }
    }
    sizes
}
