//! The number of tasks of a job: what its author says, but no more than fit into a sample.

use std::time::Duration;

use workload::definition::Definition;
use workload::protocol::Sources;

use super::description::calls_job;
use super::job::JobCrate;
use super::referee::{Referee, Rehearsal};
use super::runner::Fault;
use super::tables::Comparison;
use super::workshop::Workshop;
use crate::cli::CompareArgs;
use crate::error::Error;
use crate::results::Results;

/// This number of tasks lets every model show what it does, unless there are more than half as many
/// processors.
const ENOUGH: usize = 16;

/// Fewer tasks than [`ENOUGH`] may take this long, one after another.
const LONGEST: Duration = Duration::from_secs(15);

/// The right answer takes two passes. This many times the predicted time of one may pass.
const PASSES: u32 = 8;

/// The most tasks with `--smoke`.
const SMOKE: usize = 40;

/// As many tasks as in the earlier comparison of this job, unless the user wants another number:
/// a number that is found by measuring could be another one each time.
pub(super) fn as_in(
    baseline: Option<&Results>,
    job: Option<&JobCrate>,
    args: &CompareArgs,
) -> CompareArgs {
    let mut args = args.clone();
    if let (Some(baseline), Some(job), true) = (baseline, job, args.tasks.is_empty()) {
        let same = baseline.workloads.iter();
        let same = same.filter(|workload| workload.job && workload.name == job.name());
        args.tasks = same.map(|workload| workload.tasks).collect();
    }
    args
}

impl Comparison<'_> {
    /// These tables, with the number of tasks of a job.
    ///
    /// # Errors
    ///
    /// If its function fails or does not end, and [`Error::Interrupted`].
    pub(super) fn rehearsed(
        &mut self,
        definitions: &[Definition],
        referee: &mut Referee<'_>,
        workshop: &Workshop<'_>,
    ) -> Result<Vec<Definition>, Error> {
        let mut sized = Vec::with_capacity(definitions.len());
        for definition in definitions {
            let mut definition = definition.clone();
            if calls_job(&definition) {
                self.rehearse(&mut definition, referee, workshop)?;
            }
            sized.push(definition);
        }
        Ok(sized)
    }

    fn rehearse(
        &mut self,
        definition: &mut Definition,
        referee: &mut Referee<'_>,
        workshop: &Workshop<'_>,
    ) -> Result<(), Error> {
        let failed = |why: String| Error::Failed(format!("the job `{}`: {why}", definition.name));
        let job = self.job.ok_or_else(|| {
            failed("its program has no job: is its `main` that of `new job`?".to_owned())
        })?;
        let is_given = !self.args.tasks.is_empty();
        let wanted = match (is_given, self.args.smoke) {
            (true, _) => definition.tasks,
            (false, true) => job.tasks.min(SMOKE),
            (false, false) => job.tasks,
        };
        if !(1..=Definition::MAX_TASKS).contains(&wanted) {
            return Err(failed(format!(
                "its `.tasks({wanted})` is out of range: say 1 to {}",
                Definition::MAX_TASKS
            )));
        }
        definition.tasks = wanted;
        let inputs = self.make(definition, 1)?;
        self.progress.say("a rehearsal");
        let sources = Sources {
            inputs: workshop.write_pilot(&inputs)?,
            files: None,
            origin: None,
            requests: None,
        };
        let done = referee
            .rehearse(sources, self.args.patience)
            .map_err(|fault| match fault {
                Fault::Interrupted => Error::Interrupted,
                Fault::Silent { patience, .. } => failed(format!(
                    "`inputs` or a call of its function did not end within {:.0} s; if it is only slow, wait longer with `--patience`",
                    patience.as_secs_f64()
                )),
                fault => failed(fault.to_string()),
            })?;
        if !is_given {
            let fitting = fitting(wanted, &done, num_cpus::get());
            if fitting < wanted {
                self.progress.note(&format!(
                    "{}: {wanted} tasks would take about {:.0} s one after another, so {fitting} are compared; \
                     `--tasks N` takes another number",
                    definition.name,
                    done.each().as_secs_f64() * wanted as f64
                ));
            }
            definition.tasks = fitting;
        }
        self.rehearsal = Some(done);
        let predicted =
            Duration::try_from_secs_f64(done.each().as_secs_f64() * definition.tasks as f64);
        let limit = predicted.unwrap_or(Duration::MAX).saturating_mul(PASSES);
        let limit = limit.saturating_add(self.args.patience);
        self.reference_limit = match self.reference_limit {
            Duration::MAX => limit,
            other => other.max(limit),
        };
        Ok(())
    }
}

/// All tasks if they took about a second; else about as many as fit into one, or a few more.
fn fitting(wanted: usize, done: &Rehearsal, cpus: usize) -> usize {
    if done.tasks >= wanted {
        return wanted;
    }
    // Two for each processor, so that the end of the last one does not decide alone.
    let enough = ENOUGH.max(2 * cpus);
    if done.tasks >= enough {
        return round_down(done.tasks).max(enough).min(wanted);
    }
    let fit = (LONGEST.as_secs_f64() / done.each().as_secs_f64().max(1e-9)) as usize;
    let few = [enough, 2 * cpus, cpus, ENOUGH];
    let few = few.into_iter().find(|few| *few <= fit);
    few.unwrap_or(done.tasks).max(done.tasks).min(wanted)
}

/// To 1, 2 or 5 times a power of ten, so that two comparisons arrive at the same number.
fn round_down(tasks: usize) -> usize {
    let unit = 10_usize.pow(tasks.max(1).ilog10());
    [5, 2, 1]
        .map(|times| times * unit)
        .into_iter()
        .find(|round| *round <= tasks)
        .unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn done(tasks: usize, ms: u64) -> Rehearsal {
        Rehearsal {
            tasks,
            wall: Duration::from_millis(ms),
            inputs: Duration::ZERO,
        }
    }

    #[test]
    fn tasks_that_fit_are_all_compared() {
        assert_eq!(fitting(200, &done(200, 900), 2), 200);
        assert_eq!(fitting(1, &done(1, 20_000), 2), 1);
    }

    #[test]
    fn tasks_beyond_a_second_are_left_out() {
        assert_eq!(fitting(200, &done(123, 1_005), 2), 100);
        assert_eq!(fitting(1_000_000, &done(65_000, 1_000), 2), 50_000);
    }

    #[test]
    fn long_tasks_are_as_few_as_show_something() {
        assert_eq!(fitting(200, &done(4, 1_100), 2), 16, "4.4 s");
        assert_eq!(fitting(200, &done(1, 3_000), 2), 4);
        assert_eq!(fitting(200, &done(1, 6_000), 2), 2);
        assert_eq!(fitting(200, &done(1, 60_000), 2), 1);
        assert_eq!(fitting(3, &done(1, 1_100), 2), 3);
    }

    #[test]
    fn many_processors_get_two_tasks_each_if_they_fit() {
        assert_eq!(fitting(1_000, &done(20, 1_000), 64), 128, "6.4 s");
        assert_eq!(fitting(1_000, &done(140, 1_000), 64), 128);
        assert_eq!(fitting(1_000, &done(6, 1_000), 64), 64, "10.7 s");
        assert_eq!(fitting(1_000, &done(2, 1_000), 64), 16, "8 s");
        assert_eq!(fitting(100, &done(20, 1_000), 64), 100);
    }

    #[test]
    fn numbers_are_rounded_down() {
        let rounded = [1, 3, 9, 10, 16, 49, 50, 999].map(round_down);
        assert_eq!(rounded, [1, 2, 5, 10, 10, 20, 50, 500]);
    }
}
