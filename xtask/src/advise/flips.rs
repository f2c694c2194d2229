//! Twins of the job, and whether another model would win with their tasks.

use serde::{Deserialize, Serialize};
use workload::definition::Scale;

use super::bounds::Work;
use super::decide::{Decision, Outcome, Taken, decide_table};
use super::job::Job;
use crate::cli::{CompareArgs, Twin};
use crate::render::race::Race;
use crate::results::{Results, Verdict};
use crate::stats::BASELINE;

/// Where tasks wait, or compute, for less than this part of their time, it does not count.
const NOTHING: f64 = 0.02;

/// The most contestants in a twin, besides `sequential`.
const MOST: usize = 3;

/// Another model would win, or not, with other tasks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Flip {
    /// The other tasks, such as `tasks half as long`.
    pub what: String,
    /// Its answer.
    pub verdict: Outcome,
    /// The contestant that is taken then.
    pub takes: Option<String>,
    /// Whether the advised one is shown to be slower then; null where that is open.
    pub flips: Option<bool>,
    /// The time of the advised one ÷ that of the best, then.
    pub ratio: Option<f64>,
}

/// The job with other tasks.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Case {
    what: &'static str,
    change: Change,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Change {
    Times(Twin),
    /// That many times the tasks.
    Tasks(f64),
}

const fn times(what: &'static str, suffix: &'static str, work: f64, wait: f64) -> Case {
    Case {
        what,
        change: Change::Times(Twin {
            suffix,
            scale: Scale { work, wait },
        }),
    }
}

const fn tasks(what: &'static str, factor: f64) -> Case {
    Case {
        what,
        change: Change::Tasks(factor),
    }
}

const SIZES: [Case; 2] = [
    times("tasks half as long", "half-size", 0.5, 0.5),
    times("tasks twice as long", "double-size", 2.0, 2.0),
];

const WAITS: [Case; 2] = [
    times("half the waiting", "half-wait", 1.0, 0.5),
    times("twice the waiting", "double-wait", 1.0, 2.0),
];

const NUMBERS: [Case; 2] = [tasks("half the tasks", 0.5), tasks("twice the tasks", 2.0)];

/// The twins that can be made of this job. A function cannot be scaled, but the number of its tasks
/// can; a job whose requests set the pace has none.
pub(super) fn twins(job: &Job, work: &Option<Work>) -> Vec<Case> {
    let Some(work) = work else {
        return Vec::new();
    };
    if !job.is_file() || !work.is_scalable {
        return NUMBERS.to_vec();
    }
    let all = work.cpu_ns + work.waiting_ns;
    let counts = |part: f64| part > NOTHING * all;
    let mut cases = SIZES.to_vec();
    if counts(work.waiting_ns) && counts(work.cpu_ns) {
        cases.extend(WAITS);
    }
    cases
}

/// The contestants of the twins: the advised one, and the best others.
pub(super) fn contestants(decision: &Decision, measured: &Results) -> Vec<String> {
    let mut labels: Vec<String> = decision.taken.iter().map(Taken::label).collect();
    if let Some(table) = measured.workloads.first() {
        for row in Race::of(measured, table).rows {
            let label = row.cell.contestant();
            if row.is_rival && !labels.contains(&label) {
                labels.push(label);
            }
        }
    }
    labels.retain(|label| label != BASELINE);
    labels.truncate(MOST);
    labels
}

/// The arguments of the comparison of these twins.
pub(super) fn arguments(twins: &[Case], same: CompareArgs) -> CompareArgs {
    let scales = twins.iter().filter_map(|case| match case.change {
        Change::Times(twin) => Some(twin),
        Change::Tasks(_) => None,
    });
    let numbers = twins.iter().filter_map(|case| match case.change {
        Change::Times(_) => None,
        Change::Tasks(factor) => same.tasks.first().map(|tasks| number(*tasks, factor)),
    });
    let numbers: Vec<usize> = numbers.collect();
    CompareArgs {
        twins: scales.collect(),
        tasks: if numbers.is_empty() {
            same.tasks.clone()
        } else {
            numbers
        },
        ..same
    }
}

fn number(tasks: usize, factor: f64) -> usize {
    ((tasks as f64 * factor).ceil() as usize).max(1)
}

/// The answers of the twins, in the order of their tables.
pub(super) fn judge(twins: &[Case], twinned: &Results, decision: &Decision) -> Vec<Flip> {
    let tables = twins.iter().zip(&twinned.workloads);
    let judged = tables.map(|(case, table)| {
        let answer = decide_table(twinned, table, None);
        let race = Race::of(twinned, table);
        let advised = decision.taken.as_ref();
        let row = advised.and_then(|taken| race.row(&taken.model, &taken.variant));
        let flips = match row.map(|row| row.verdict) {
            Some(Verdict::Best | Verdict::Fast) => Some(false),
            Some(Verdict::Slower | Verdict::SlowerByOneSample) => Some(true),
            _ => None,
        };
        Flip {
            what: case.what.to_owned(),
            verdict: answer.verdict,
            takes: answer.taken.map(|taken| taken.label()),
            flips,
            ratio: row.and_then(|row| row.ratio).map(|ratio| ratio.median),
        }
    });
    judged.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn work(cpu_ns: f64, waiting_ns: f64, is_scalable: bool) -> Option<Work> {
        Some(Work {
            cpu_ns,
            waiting_ns,
            is_scalable,
            ..Work::default()
        })
    }

    #[test]
    fn twins_follow_from_what_can_be_scaled() {
        let file = Job::File("w.toml".into());
        let folder = Job::Folder("job".into());
        let of = |job: &Job, work| {
            let cases = twins(job, &work);
            cases.iter().map(|case| case.what).collect::<Vec<_>>()
        };
        assert_eq!(of(&file, work(1.0, 1.0, true)).len(), 4);
        assert_eq!(
            of(&file, work(1.0, 0.0, true)),
            ["tasks half as long", "tasks twice as long"]
        );
        let numbers = ["half the tasks", "twice the tasks"];
        assert_eq!(of(&file, work(1.0, 1.0, false)), numbers);
        assert_eq!(of(&folder, work(1.0, 1.0, false)), numbers);
        assert!(of(&folder, None).is_empty());
    }

    #[test]
    fn numbers_of_tasks_are_never_zero() {
        assert_eq!(number(1, 0.5), 1);
        assert_eq!(number(5, 0.5), 3);
        assert_eq!(number(5, 2.0), 10);
    }
}
