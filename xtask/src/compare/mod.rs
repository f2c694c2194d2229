//! `cargo xtask compare`: every model on the same inputs, on this machine.
//!
//! The order of things: what the user asked for is checked before anything is built; everything is built
//! before anything is measured; each table is measured, printed and written on its own, so that an
//! interrupted comparison keeps what it has.

mod contestant;
mod environment;
mod forecast;
mod helper;
mod interrupt;
mod list;
mod lock;
mod programs;
mod progress;
mod referee;
mod runner;
mod schedule;
mod selection;
mod table;
mod trace;
mod workshop;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use workload::definition::{Definition, Pattern};
use workload::inputs::{self, Inputs};
use workload::protocol::Place;

use crate::cli::CompareArgs;
use crate::error::Error;
use crate::results::{self, Environment, Results, SCHEMA, Settings, Workload};
use crate::{render, stats};
use contestant::{Contestant, SEQUENTIAL};
use helper::Helper;
use interrupt::Interrupt;
use programs::Programs;
use progress::{Progress, print_err, print_out};
use referee::{Referee, Reference};
use runner::Fault;
use schedule::Stop;
use selection::Entry;
use table::{Conditions, Table};
use workshop::Workshop;

/// The time for the samples after each cell's first, unless the user says otherwise.
const BUDGET: Duration = Duration::from_secs(30);

/// A smoke run shows that everything works; its figures are not for quoting.
const SMOKE_BUDGET: Duration = Duration::from_secs(2);

/// Runs a comparison and returns the exit status.
///
/// # Errors
///
/// [`Error::Usage`] before anything is measured, [`Error::Failed`] when nothing can be, and
/// [`Error::Interrupted`] after Ctrl-C, with what was measured so far written and marked as incomplete.
pub fn compare(args: &CompareArgs) -> Result<u8, Error> {
    if args.list {
        print_out(&list::list()?);
        return Ok(0);
    }
    let baseline = args
        .baseline
        .as_deref()
        .map(results::read_baseline)
        .transpose()
        .map_err(Error::Usage)?;
    let args = &as_in(baseline.as_ref(), args);
    let doubts = baseline.iter().flat_map(Results::doubts);
    let definitions = selection::tables(args)?;
    let builtin = list::models()?;
    let names: Vec<String> = builtin.iter().map(|model| model.name.clone()).collect();
    let models = selection::models(args, &names)?;
    selection::check_shown_models(args, &definitions, &names)?;
    // Before the build, which is a load of its own.
    let environment = environment::environment();
    let _lock = lock::Lock::take()?;
    for doubt in doubts {
        print_err(&format!("warning: --baseline: {doubt}\n"));
    }
    let interrupt = Interrupt::install()
        .map_err(|error| Error::Failed(format!("no signal handler: {error}")))?;
    let mut workshop = Workshop::open(&args.output, args.inputs.as_deref(), &interrupt)?;

    let taking_part: Vec<&list::Model> = builtin
        .iter()
        .filter(|model| selection::takes_part(&model.name, &models))
        .collect();
    let programs = Programs::build(&taking_part, &interrupt)?;
    let adoption = runner::Adoption::begin();
    let contestants = meet(args, &taking_part, &programs, &interrupt)?;
    selection::check_variants(&contestants, &models, &definitions)?;

    let mut comparison = Comparison {
        args,
        interrupt: &interrupt,
        progress: Progress::new(definitions.len()),
        results: empty_results(args, environment, &contestants),
        results_path: args.output.join("results.json"),
    };
    let outcome = comparison.run(
        &definitions,
        &contestants,
        &models,
        &programs,
        &mut workshop,
    );
    comparison.progress.finish();
    drop(adoption);
    if outcome.is_ok() {
        workshop.hand_over_inputs()?;
    }
    drop(workshop);
    match outcome {
        Ok(()) => comparison.close(baseline.as_ref()),
        Err(Error::Interrupted) => {
            comparison.write()?;
            print_err(&format!(
                "interrupted: what was measured so far is in {}\n",
                comparison.results_path.display()
            ));
            Err(Error::Interrupted)
        }
        Err(error) => Err(error),
    }
}

fn meet(
    args: &CompareArgs,
    models: &[&list::Model],
    programs: &Programs,
    interrupt: &Interrupt,
) -> Result<Vec<Contestant>, Error> {
    let built_in = models.iter().filter_map(|model| {
        Some((
            model.name.clone(),
            vec![programs.runners.get(&model.name)?.display().to_string()],
        ))
    });
    built_in
        .chain(args.runners.iter().cloned())
        .map(|(name, command)| Contestant::meet(&name, command, args.patience, interrupt))
        .collect()
}

/// The same inputs as in the earlier comparison, unless the user wants others: cells with other inputs cannot
/// be compared.
fn as_in(baseline: Option<&Results>, args: &CompareArgs) -> CompareArgs {
    let mut args = args.clone();
    if let Some(baseline) = baseline {
        let calibrated = Some(baseline.environment.iterations_per_us).filter(|known| *known > 0);
        args.iterations_per_us = args.iterations_per_us.or(calibrated);
        args.seed = args.seed.or(baseline.settings.seed);
    }
    args
}

/// Whoever else uses the processors is in all the figures.
fn busy(environment: &Environment) -> Option<String> {
    (environment.load_average >= environment.cpus as f64).then(|| {
        format!(
            "other programs kept this machine busy when the comparison began (load {:.1} on {} processors): the \
             figures say less than on a quiet machine",
            environment.load_average, environment.cpus
        )
    })
}

fn empty_results(
    args: &CompareArgs,
    mut environment: Environment,
    contestants: &[Contestant],
) -> Results {
    environment.versions = contestants
        .iter()
        .filter_map(|contestant| Some((contestant.name.clone(), contestant.version()?.to_owned())))
        .collect();
    // A path need not be UTF-8, and JSON must be: what is shown of it is then not what was typed.
    let arguments = std::env::args_os().skip(1);
    let command: Vec<String> = arguments
        .map(|argument| argument.to_string_lossy().into_owned())
        .collect();
    let warnings = busy(&environment).into_iter().collect();
    Results {
        schema: SCHEMA,
        complete: false,
        environment,
        settings: Settings {
            command: format!("cargo xtask {}", shell_words::join(command)),
            budget_ns: u64::try_from(budget(args).as_nanos()).unwrap_or(u64::MAX),
            smoke: args.smoke,
            seed: args.seed,
            workers: workers(args),
        },
        workloads: Vec::new(),
        cells: Vec::new(),
        skipped: Vec::new(),
        warnings,
    }
}

fn budget(args: &CompareArgs) -> Duration {
    let usual = if args.smoke { SMOKE_BUDGET } else { BUDGET };
    args.budget.unwrap_or(usual)
}

fn workers(args: &CompareArgs) -> Vec<usize> {
    if args.workers.is_empty() {
        vec![num_cpus::get()]
    } else {
        args.workers.clone()
    }
}

/// A comparison under way.
struct Comparison<'a> {
    args: &'a CompareArgs,
    interrupt: &'a Interrupt,
    progress: Progress,
    results: Results,
    results_path: PathBuf,
}

impl Comparison<'_> {
    fn run(
        &mut self,
        definitions: &[Definition],
        contestants: &[Contestant],
        models: &[(&str, Option<&str>)],
        programs: &Programs,
        workshop: &mut Workshop<'_>,
    ) -> Result<(), Error> {
        let sequential = contestants
            .iter()
            .find(|contestant| contestant.name == SEQUENTIAL)
            .ok_or_else(|| Error::Failed("the runner of `sequential` is missing".to_owned()))?;
        let mut referee = Referee::start(sequential, self.args.patience, self.interrupt)?;
        let iterations_per_us = match self.args.iterations_per_us {
            Some(given) => given,
            None => referee.calibrate(self.args.patience)?,
        };
        self.results.environment.iterations_per_us = iterations_per_us;
        let origin = if definitions.iter().any(Definition::fetches) {
            Some(Helper::start(&programs.origin, Some(workshop.folder()))?)
        } else {
            None
        };
        let serves = |definition: &Definition| matches!(definition.pattern, Pattern::Serve { .. });
        let load = if definitions.iter().any(serves) {
            Some(Helper::start(&programs.load, None)?)
        } else {
            None
        };
        let mut left = budget(self.args);
        for (place, definition) in definitions.iter().enumerate() {
            let entries = selection::entries(contestants, models, definition, &workers(self.args));
            let share = left / u32::try_from(definitions.len() - place).unwrap_or(1);
            let inputs = self.make(definition, iterations_per_us)?;
            let at = Place {
                inputs: workshop.write_inputs(&inputs)?,
                files: workshop.write_files(&inputs)?,
                origin: origin.as_ref().map(Helper::address),
                load: load.as_ref().map(Helper::address),
            };
            self.progress.table(&definition.name, entries.len(), share);
            self.progress.say("the right answer");
            let reference = match referee.reference(at.clone()) {
                Ok(reference) => Ok(reference),
                Err(Fault::Interrupted) => return Err(Error::Interrupted),
                Err(fault) => {
                    let why = format!("the right answer could not be found: {fault}");
                    self.results
                        .warnings
                        .push(format!("{}: {why}", definition.name));
                    // The runner is of no use after a fault.
                    referee.quit();
                    referee = Referee::start(sequential, self.args.patience, self.interrupt)?;
                    Err(why)
                }
            };
            let spent = self.table(definition, &inputs, &at, reference, entries, share)?;
            left = left.saturating_sub(spent);
            drop(inputs);
            stats::summarise(&mut self.results);
            self.write()?;
            self.progress.print(&format!(
                "{}\n",
                render::table(&self.results, self.results.workloads.len() - 1)
            ));
        }
        referee.quit();
        Ok(())
    }

    /// Makes the inputs, on a thread that Ctrl-C does not wait for: millions of tasks take a while.
    fn make(&self, definition: &Definition, iterations_per_us: u64) -> Result<Inputs, Error> {
        let definition = definition.clone();
        self.interrupt
            .during(move || inputs::make(&definition, iterations_per_us))
            .ok_or(Error::Interrupted)
    }

    /// Measures one table and returns what it took of the budget.
    fn table(
        &mut self,
        definition: &Definition,
        inputs: &Inputs,
        place: &Place,
        reference: Result<Reference, String>,
        entries: Vec<Entry<'_>>,
        share: Duration,
    ) -> Result<Duration, Error> {
        let workload = Workload {
            name: definition.name.clone(),
            pattern: definition.pattern.name().to_owned(),
            tasks: definition.tasks,
            digest: reference.as_ref().map_or(String::new(), |reference| {
                format!("{:016x}", reference.digest)
            }),
            about: definition.about.clone(),
            items: definition.items.clone(),
            seed: definition.seed,
            rate: match definition.pattern {
                Pattern::Serve { rate, .. } => Some(rate),
                _ => None,
            },
            sessions: match definition.pattern {
                Pattern::Serve { sessions, .. } => Some(sessions),
                _ => None,
            },
        };
        self.results.workloads.push(workload.clone());
        let reference = match reference {
            Ok(reference) => reference,
            Err(why) => {
                let skipped = entries
                    .iter()
                    .map(|entry| table::skip(entry, &workload, why.clone()));
                self.results.skipped.extend(skipped);
                return Ok(Duration::ZERO);
            }
        };
        let needs = forecast::Needs::of(inputs, reference.cpu);
        let mut fitting = Vec::new();
        for entry in entries {
            let at_once =
                forecast::at_once(entry.variant.concurrency, entry.workers, definition.tasks);
            // A contestant that has not said who it is has a row that says so, and nothing to predict.
            match needs
                .too_long(at_once, num_cpus::get())
                .filter(|_| entry.contestant.hello.is_ok())
            {
                Some(reason) => {
                    let skipped = table::skip(&entry, &workload, reason);
                    self.progress.note(&format!(
                        "{}: skipping {}: {}",
                        workload.name, skipped.model, skipped.reason
                    ));
                    self.results.skipped.push(skipped);
                }
                None => fitting.push(entry),
            }
        }
        let conditions = Conditions {
            workload: &workload,
            place,
            digest: reference.digest,
            needs,
            patience: self.args.patience,
            interrupt: self.interrupt,
            progress: &self.progress,
        };
        let mut table = Table::new(conditions, fitting);
        let cells = table.len();
        let begin = Instant::now();
        let seed = workload::value::task_seed(definition.seed, self.results.workloads.len() as u64);
        let measured = schedule::run(&mut table, cells, share, seed).and_then(|first| {
            let spent = begin.elapsed().saturating_sub(first);
            table.trace().map(|()| spent)
        });
        let (rows, skipped, warnings) = table.finish();
        self.results.cells.extend(rows);
        self.results.skipped.extend(skipped);
        self.results.warnings.extend(warnings);
        match measured {
            Ok(spent) => Ok(spent),
            Err(Stop::Interrupted) => {
                stats::summarise(&mut self.results);
                Err(Error::Interrupted)
            }
            Err(Stop::Cell(why)) => Err(Error::Failed(why)),
        }
    }

    fn write(&self) -> Result<(), Error> {
        results::write(&self.results_path, &self.results).map_err(|error| {
            Error::Failed(format!(
                "{}: cannot be written: {error}",
                self.results_path.display()
            ))
        })
    }

    /// Prints what follows from all tables, and says whether all went well.
    fn close(mut self, baseline: Option<&Results>) -> Result<u8, Error> {
        self.results.complete = true;
        self.write()?;
        print_out(&render::closing(&self.results, baseline));
        print_err(&format!("results: {}\n", self.results_path.display()));
        let failed = self.results.cells.iter().any(|cell| cell.error.is_some())
            || self
                .results
                .workloads
                .iter()
                .any(|workload| workload.digest.is_empty());
        Ok(u8::from(failed))
    }
}
