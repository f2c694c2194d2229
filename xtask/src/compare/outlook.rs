//! The least time that a comparison takes, announced before it begins.

use std::time::Duration;

use workload::definition::Definition;
use workload::inputs::{self, Inputs, Step};

use super::entries::Entry;
use super::forecast::{LONGEST_SAMPLE, Needs, Shape, at_once};
use super::pilot::{self, Pilots};
use super::sizing::Asked;

/// A sample of this many tasks is enough to estimate what all of them need.
const ENOUGH: usize = 1_000;

/// How often a cell is started and sampled outside the budget: for its first sample and for the
/// untimed one.
const OUTSIDE: u32 = 2;

/// The time of all tables together before the budget begins.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Outlook {
    tables: usize,
    cells: usize,
    least: Duration,
}

impl Outlook {
    /// Estimates these tables from the waits and `compute` steps in their inputs and from how long
    /// the contestants took to start. The cost of kernels, files and programs is not known yet; so
    /// the number of workers that the tasks ask for is a guess as well.
    pub(super) fn of<'a, 'c>(
        tables: impl IntoIterator<Item = &'a Definition>,
        entries: impl Fn(&'a Definition, Asked) -> Vec<Entry<'c>>,
        iterations_per_us: u64,
    ) -> Outlook {
        let mut outlook = Outlook::default();
        for definition in tables {
            outlook.tables += 1;
            let mut part = definition.clone();
            part.tasks = part.tasks.min(ENOUGH);
            let inputs = inputs::make(&part, iterations_per_us);
            let scale = u32::try_from(definition.tasks / part.tasks.max(1)).unwrap_or(u32::MAX);
            let needs = Needs::of(&inputs, computing(&inputs, iterations_per_us)).times(scale);
            let shape = Shape::of(&inputs).with(definition.tasks);
            let pilot = Pilots::sizes(definition.pattern, definition.tasks)
                .first()
                .map(|size| {
                    let first = pilot::first(&inputs, *size);
                    let needs = Needs::of(&first, computing(&first, iterations_per_us));
                    (needs, Shape::of(&first))
                });
            let asked = Asked::by(
                &needs,
                definition.pattern,
                definition.tasks,
                num_cpus::get(),
            );
            for entry in entries(definition, asked) {
                if entry.too_many(needs.tasks).is_some() {
                    continue;
                }
                let least_of = |needs: &Needs, shape: &Shape| {
                    let at_once = at_once(entry.variant.concurrency, entry.workers, shape);
                    needs.lower_bound(at_once, num_cpus::get())
                };
                let started_in = entry.contestant.started_in;
                let least = least_of(&needs, &shape);
                if least > LONGEST_SAMPLE {
                    continue;
                }
                outlook.cells += 1;
                outlook.least += (least + started_in) * OUTSIDE;
                if let Some((needs, shape)) = &pilot {
                    outlook.least += started_in + least_of(needs, shape) * pilot::SAMPLES;
                }
            }
        }
        outlook
    }

    /// The line that is shown to the user.
    pub(super) fn told(&self, budget: Duration) -> String {
        let many = |number: usize, what: &str| {
            let plural = if number == 1 { "" } else { "s" };
            format!("{number} {what}{plural}")
        };
        format!(
            "about {} in {}: at least {:.0} s for a first and an untimed sample of each, and for pilots where there are many \
             tasks, which `--budget` does not bound, then at most {:.0} s for more samples",
            many(self.cells, "cell"),
            many(self.tables, "table"),
            self.least.as_secs_f64().ceil(),
            budget.as_secs_f64().ceil(),
        )
    }
}

/// The CPU time of all `compute` steps.
fn computing(inputs: &Inputs, iterations_per_us: u64) -> Duration {
    let steps = inputs.tasks.iter().flat_map(|task| &task.steps);
    let iterations = steps.map(|step| match step {
        Step::Compute { iterations } => u128::from(*iterations),
        _ => 0,
    });
    let us = iterations.sum::<u128>() / u128::from(iterations_per_us.max(1));
    Duration::from_micros(u64::try_from(us).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use workload::protocol::{Concurrency, Variant};

    use super::*;
    use crate::compare::contestant::Contestant;

    #[test]
    fn the_least_time_is_predicted_from_the_inputs() {
        let contestant = Contestant {
            name: "one".to_owned(),
            command: Vec::new(),
            hello: Err(String::new()),
            started_in: Duration::from_secs(1),
            declared: Default::default(),
        };
        let text = |tasks: usize| {
            format!("name = \"w\"\npattern = \"map\"\ntasks = {tasks}\n[[step]]\nwait = \"1ms\"\n")
        };
        let of = |tasks: usize| {
            let definition = workload::definition::parse(&text(tasks), "w").unwrap();
            let entry = Entry {
                contestant: &contestant,
                variant: Variant {
                    name: String::new(),
                    about: String::new(),
                    concurrency: Concurrency::One,
                    ignores_workers: false,
                },
                workers: 2,
                sized: false,
                named: false,
            };
            Outlook::of([&definition], |_, _| vec![entry.clone()], 100)
        };
        let least = |tasks| of(tasks).least;
        assert_eq!(least(10), Duration::from_millis(2_020));
        assert_eq!(
            least(20_000),
            // The pilot: a start, and 256 tasks twice.
            Duration::from_millis(42_000 + 1_000 + 2 * 256),
            "only some are drawn"
        );
        assert_eq!(least(40_000), Duration::ZERO, "it will be skipped");
        let told = of(20_000).told(Duration::from_secs(2));
        for part in [
            "1 cell in 1 table",
            "at least 44 s",
            "`--budget`",
            "at most 2 s",
        ] {
            assert!(told.contains(part), "no {part:?} in {told}");
        }
    }
}
