//! The referee of a job: how long its function takes, whether its inputs and outputs repeat, and
//! the right answer.

use std::fs;
use std::time::{Duration, Instant};

use crate::batch::{Batch, catch_panic};
use crate::job;
use crate::protocol::{Reply, Usage};
use crate::task::failure::{Failure, Output};
use crate::usage;
use crate::value::digest_outputs;

/// A rehearsal begins no task after this time.
const ENOUGH: Duration = Duration::from_secs(1);

/// The second pass begins no task after this time: outputs that do not repeat show early.
const SECOND_PASS: Duration = Duration::from_secs(2);

/// The time of some tasks in a row, and where it went.
struct Spent {
    wall: Duration,
    used: Usage,
    /// How long the thread was ready and had no processor.
    delayed: Duration,
}

impl Spent {
    /// Does `work` and measures it.
    fn on<T>(work: impl FnOnce() -> T) -> (T, Spent) {
        let (before, delay) = (usage::at_begin(), run_delay());
        let begin = Instant::now();
        let done = work();
        let spent = Spent {
            wall: begin.elapsed(),
            delayed: run_delay().saturating_sub(delay),
            used: usage::between(before, usage::at_end()),
        };
        (done, spent)
    }

    /// The time without a processor, other than for want of one.
    fn waited_ns(&self) -> u64 {
        nanoseconds(self.wall.saturating_sub(self.delayed)).saturating_sub(self.used.cpu_ns)
    }
}

/// Does one task after another for at most about a second.
pub(super) fn rehearse(batch: &Batch) -> Result<Reply, Failure> {
    let (outputs, spent) = Spent::on(|| some(batch, ENOUGH));
    let tasks = values(outputs)?.len();
    let made_in = batch.surroundings().job.needed()?.made_in();
    Ok(Reply::Rehearsed {
        inputs_ns: nanoseconds(made_in),
        tasks,
        wall_ns: nanoseconds(spent.wall),
        cpu_ns: spent.used.cpu_ns,
        waited_ns: spent.waited_ns(),
    })
}

/// Does all tasks one after another, and some of them again.
pub(super) fn reference(batch: &Batch) -> Result<Reply, Failure> {
    let header = &batch.inputs().header;
    let job = job::of_this_program()?;
    let calls = batch.surroundings().job.needed()?;
    job.check_inputs(header.tasks, header.seed, calls.as_ref())?;
    let (outputs, mut spent) = Spent::on(|| some(batch, Duration::MAX));
    let right = values(outputs)?;
    let (outputs, second) = Spent::on(|| some(batch, SECOND_PASS));
    let again = values(outputs)?;
    if let Some(task) = right.iter().zip(&again).position(|(one, two)| one != two) {
        return Err(Failure::new(format_args!(
            "task {task}: calling the function twice with one input gave two outputs. The order of a HashMap, clocks and \
             random numbers do not repeat: leave them out of the output, or add `.unrepeatable()` in `main`"
        )));
    }
    // The first pass also pays for what is done once.
    if again.len() == right.len() && second.used.cpu_ns < spent.used.cpu_ns {
        spent = second;
    }
    Ok(Reply::Reference {
        digest: digest_outputs(right),
        cpu_ns: spent.used.cpu_ns,
        waited_ns: spent.waited_ns(),
    })
}

/// The outputs of the first tasks, those that begin within this time; at least one.
fn some(batch: &Batch, enough: Duration) -> Vec<Output> {
    let begin = Instant::now();
    let mut outputs = Vec::new();
    while outputs.len() < batch.len() && (outputs.is_empty() || begin.elapsed() < enough) {
        outputs.push(catch_panic(batch, outputs.len()));
    }
    outputs
}

fn values(outputs: Vec<Output>) -> Result<Vec<u64>, Failure> {
    let mut values = Vec::with_capacity(outputs.len());
    for (task, output) in outputs.into_iter().enumerate() {
        values.push(output.map_err(|error| Failure::new(format_args!("task {task}: {error}")))?);
    }
    Ok(values)
}

/// How long this thread has been ready to run without a processor; 0 where the kernel does not say.
fn run_delay() -> Duration {
    let text = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let delay_ns = text.split_whitespace().nth(1);
    Duration::from_nanos(delay_ns.and_then(|ns| ns.parse().ok()).unwrap_or(0))
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_is_the_time_without_want_of_a_processor() {
        let ms = Duration::from_millis;
        let spent = |wall, cpu, delayed| Spent {
            wall: ms(wall),
            used: Usage {
                cpu_ns: nanoseconds(ms(cpu)),
                ..Usage::default()
            },
            delayed: ms(delayed),
        };
        assert_eq!(spent(100, 30, 20).waited_ns(), 50_000_000);
        // A function with threads of its own, and one that was hardly let run.
        assert_eq!(spent(100, 180, 0).waited_ns(), 0);
        assert_eq!(spent(100, 10, 110).waited_ns(), 0);
    }
}
