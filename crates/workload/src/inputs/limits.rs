//! The limits of an inputs file. The file comes from outside, so values that no definition can lead
//! to are refused while it is read, before the runner allocates, waits or adds anything up for
//! them.

use std::ops::RangeInclusive;

use super::types::{Header, Step, Task};
use crate::definition::limits::{
    LARGEST_BUFFER, LARGEST_BYTES, LAST_STAGE, LONGEST_NS, LONGEST_SECONDS, MOST_ARGUMENT_BYTES,
    MOST_GENERATIONS, MOST_KEYS, MOST_SESSIONS, MOST_STEPS,
};
use crate::definition::types::{Definition, Pattern, argument_bytes};
use crate::task::log::request::LINE;

/// The longest line of an inputs file, in bytes: a definition has at most 1 MiB, and JSON adds
/// escapes.
pub(super) const LONGEST_LINE: u64 = 16 * 1024 * 1024;

/// The totals over all tasks so far.
#[derive(Debug, Default)]
pub(super) struct Totals {
    steps: u64,
    argument_bytes: u64,
}

/// Checks the header. The error says what is wrong.
pub(super) fn header(header: &Header) -> Result<(), String> {
    within(
        "tasks",
        header.tasks as u64,
        0..=Definition::MAX_TASKS as u64,
    )?;
    match header.pattern {
        Pattern::Map | Pattern::Fold | Pattern::Merge => Ok(()),
        Pattern::Rounds { generations } => {
            within("generations", u64::from(generations), 1..=MOST_GENERATIONS)
        }
        Pattern::Pipeline { buffer } => within("buffer", buffer as u64, 1..=LARGEST_BUFFER),
        Pattern::Histogram { keys } => within("keys", keys as u64, 1..=MOST_KEYS),
        Pattern::Serve {
            sessions,
            rate,
            seconds,
            ..
        } => {
            within("sessions", sessions as u64, 1..=MOST_SESSIONS)?;
            let most = Definition::MAX_TASKS as f64;
            if !(rate > 0.0 && rate <= most) {
                return Err(format!("`rate` is {rate}: above 0 and up to {most}"));
            }
            if !(seconds > 0.0 && seconds <= LONGEST_SECONDS) {
                return Err(format!(
                    "`seconds` is {seconds}: above 0 and up to {LONGEST_SECONDS}"
                ));
            }
            let requests = rate * seconds;
            if !(0.5..=most).contains(&requests) {
                return Err(format!(
                    "{rate} × {seconds} are {requests} requests: 1 to {most}"
                ));
            }
            Ok(())
        }
    }
}

/// Checks a task. The error says what is wrong.
pub(super) fn task(task: &Task, pattern: Pattern, totals: &mut Totals) -> Result<(), String> {
    for step in &task.steps {
        check(step)?;
        if let Step::Exec { command, .. } = step {
            totals.argument_bytes = totals
                .argument_bytes
                .saturating_add(argument_bytes(command));
        }
    }
    stages(task, pattern)?;
    let logs = task
        .steps
        .iter()
        .filter(|step| matches!(step, Step::Tail { .. }));
    if pattern == Pattern::Merge && logs.count() != 1 {
        return Err("a merge takes one `tail` step of each task".to_owned());
    }
    totals.steps = totals.steps.saturating_add(task.steps.len() as u64);
    within("steps of all tasks", totals.steps, 0..=MOST_STEPS)?;
    within(
        "bytes of all commands",
        totals.argument_bytes,
        0..=MOST_ARGUMENT_BYTES,
    )
}

fn check(step: &Step) -> Result<(), String> {
    match step {
        Step::Wait { ns } => within("ns", *ns, 0..=LONGEST_NS),
        Step::Fetch { bytes, delay_ns } => {
            within("bytes", *bytes, 0..=LARGEST_BYTES)?;
            within("delay_ns", *delay_ns, 0..=LONGEST_NS)
        }
        Step::Read { bytes, .. } => within("bytes", *bytes, 0..=LARGEST_BYTES),
        Step::Tail { bytes, over_ns } => {
            within("bytes", *bytes, LINE as u64..=LARGEST_BYTES)?;
            within("over_ns", *over_ns, 0..=LONGEST_NS)?;
            if !bytes.is_multiple_of(LINE as u64) {
                return Err(format!(
                    "a log of {bytes} bytes is not a whole number of lines of {LINE} bytes"
                ));
            }
            Ok(())
        }
        Step::Exec { command, .. } if command.is_empty() => {
            Err("an `exec` step without a program".to_owned())
        }
        Step::Exec { timeout_ns, .. } => {
            within("timeout_ns", timeout_ns.unwrap_or(0), 0..=LONGEST_NS)
        }
        // Iterations need no limit: they only take time.
        Step::Compute { .. } | Step::Kernel(_) | Step::Job {} => Ok(()),
    }
}

/// Checks the stages: in a pipeline each step has one, from 0 and never decreasing; elsewhere none
/// has.
fn stages(task: &Task, pattern: Pattern) -> Result<(), String> {
    let is_pipeline = matches!(pattern, Pattern::Pipeline { .. });
    let expected = if is_pipeline { task.steps.len() } else { 0 };
    if task.stages.len() != expected {
        return Err(format!(
            "{} stages for {} steps, where {expected} belong",
            task.stages.len(),
            task.steps.len()
        ));
    }
    if !task.stages.is_sorted() {
        return Err("the stages of a task never fall".to_owned());
    }
    match task.stages.last() {
        Some(last) => within("stages", *last as u64, 0..=LAST_STAGE),
        None => Ok(()),
    }
}

fn within(name: &str, number: u64, limits: RangeInclusive<u64>) -> Result<(), String> {
    if limits.contains(&number) {
        return Ok(());
    }
    let (least, most) = (limits.start(), limits.end());
    Err(format!("`{name}` is {number}: {least} to {most}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_tasks_together_have_limits() {
        let with = |steps: Vec<Step>| Task {
            index: 0,
            seed: 0,
            steps,
            stages: Vec::new(),
        };
        let many = with(vec![Step::Wait { ns: 1 }; 50_000]);
        let mut totals = Totals::default();
        for _ in 0..1_000 {
            assert_eq!(task(&many, Pattern::Map, &mut totals), Ok(()));
        }
        let error = task(&many, Pattern::Map, &mut totals).unwrap_err();
        assert_eq!(error, "`steps of all tasks` is 50050000: 0 to 50000000");

        let large = with(vec![Step::Exec {
            command: vec!["x".repeat(1 << 20)],
            timeout_ns: None,
        }]);
        let mut totals = Totals::default();
        let accepted = (0..2_000).take_while(|_| task(&large, Pattern::Map, &mut totals).is_ok());
        assert_eq!(accepted.count(), 1_023);
    }
}
