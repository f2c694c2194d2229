//! `cargo xtask compare`: every model on the same inputs, on this machine.
//!
//! The order of things: what the user asked for is checked before anything is built; everything is
//! built before anything is measured; each table is measured, printed and written on its own, so
//! that an interrupted comparison keeps what it has.

mod answer;
mod beside;
mod closing;
mod conditions;
pub(crate) mod contestant;
mod description;
mod entries;
pub(crate) mod environment;
mod evidence;
mod forecast;
mod guard;
mod heard;
pub(crate) mod interrupt;
pub(crate) mod job;
mod job_size;
mod left_out;
pub(crate) mod list;
mod live;
pub(crate) mod lock;
mod origin;
mod outlook;
mod output;
mod outside;
mod pilot;
mod possible;
pub(crate) mod programs;
pub(crate) mod progress;
pub(crate) mod referee;
mod requests;
pub(crate) mod runner;
mod schedule;
mod sealed;
mod selection;
mod servers;
mod shares;
mod sizing;
mod spoils;
mod table;
mod table_files;
mod tables;
mod trace;
mod variants;
mod warnings;
pub(crate) mod workshop;

pub use guard::guard;
pub(crate) use selection::{TRACE, load};

use std::cell::RefCell;
use std::time::{Duration, SystemTime};

use workload::definition::Definition;

use crate::baseline;
use crate::calibration::{self, Calibration, Lack, Machine};
use crate::cli::{CompareArgs, DEFAULT_OUTPUT, workers};
use crate::error::Error;
use crate::packages::{self, Declared};
use crate::results::{self, Environment, Results, SCHEMA, Settings};
use crate::trace_events::TraceFile;
use contestant::Contestant;
use entries::Counts;
use interrupt::Interrupt;
use job::JobCrate;
use lock::Lock;
use programs::Programs;
use progress::{Progress, print_err, print_out};
use servers::Servers;
use tables::Comparison;
use warnings::Warning;
use workshop::Workshop;

/// The time for the samples after each cell's first, unless the user says otherwise.
const BUDGET: Duration = Duration::from_secs(52);

/// A smoke run shows that everything works; its figures are not for quoting.
const SMOKE_BUDGET: Duration = Duration::from_secs(2);

/// The most workers that tasks which wait bring to a `--runner`.
const MOST_UNKNOWN_WORKERS: usize = 32;

/// Runs a comparison and returns the exit status.
///
/// # Errors
///
/// [`Error::Usage`] before anything is measured, [`Error::Failed`] when nothing can be, and
/// [`Error::Interrupted`] after Ctrl-C, with what was measured so far written and marked as
/// incomplete.
pub fn compare(args: &CompareArgs) -> Result<u8, Error> {
    compare_with(args, None)
}

/// The same for a command that makes several comparisons, and holds the lock over all of them.
pub(crate) fn compare_with(args: &CompareArgs, held: Option<&Lock>) -> Result<u8, Error> {
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
    let job = args.job.as_deref().map(JobCrate::find).transpose()?;
    let args = &job_size::as_in(baseline.as_ref(), job.as_ref(), args);
    let definitions = selection::tables(args, job.as_ref().map(JobCrate::definition))?;
    let mut builtin = list::models()?;
    if let Some(job) = &job {
        builtin.retain(|model| job.links(model));
    }
    let names: Vec<String> = builtin.iter().map(|model| model.name.clone()).collect();
    let models = selection::models(args, &names)?;
    selection::check_workers(args, &names)?;
    selection::check_shown_models(args, &definitions, &names)?;
    variants::check_declared(&builtin, &models, &definitions)?;
    let taking_part: Vec<&list::Model> = builtin
        .iter()
        .filter(|model| entries::takes_part(&model.name, &model.declared, &models, &definitions))
        .filter(|model| left_out::is_wanted(model, args.is_self_contained, &models))
        .collect();
    let taking_part = left_out::without(taking_part, &models)?;
    let counts = Counts::of(args);
    let added = args.runners.iter().map(|(name, _)| name.as_str());
    let own = taking_part.iter().map(|model| model.name.as_str());
    counts.check_part(&own.chain(added).collect::<Vec<_>>())?;
    // Before the build, which is a load of its own.
    let environment = environment::environment();
    let doubts = check_baseline(args, baseline.as_ref(), &environment, &definitions)?;
    let _lock = held.is_none().then(Lock::take).transpose()?;
    for doubt in doubts {
        print_err(&format!("warning: --baseline: {doubt}\n"));
    }
    let interrupt = Interrupt::install()
        .map_err(|error| Error::Failed(format!("no signal handler: {error}")))?;
    let mut workshop = Workshop::open(&args.output, args.inputs.as_deref(), &interrupt)?;
    let trace = args.trace.as_deref().map(TraceFile::begin).transpose();
    let trace = trace.map_err(Error::Usage)?;

    let programs = match &job {
        Some(job) => Programs::of_job(job, &taking_part, &interrupt)?,
        None => Programs::build(&taking_part, workshop.folder(), &interrupt)?,
    };
    let adoption = runner::Adoption::begin();
    let contestants = meet(args, &taking_part, &programs, &interrupt)?;
    variants::check_said(&contestants, &models, &definitions)?;
    counts.check_use(&contestants)?;

    let servers = RefCell::new(Servers::new(&programs, workshop.folder()));
    let calibration = calibration_for(args, &environment);
    let mut results = empty_results(args, environment, &contestants);
    results.settings.floor = calibration.as_ref().map(|found| found.floor);
    results.settings.calibrated = calibration.map(|found| found.started);
    let progress = Progress::new(definitions.len());
    let mut comparison = Comparison::new(args, &interrupt, &servers, progress, results);
    let outcome = comparison.run(&definitions, &contestants, &models, &mut workshop);
    comparison.finish_progress();
    drop(adoption);
    if outcome.is_ok()
        && let Err(error) = workshop.hand_over_inputs()
    {
        comparison.fail(&error.to_string());
    }
    drop(workshop);
    match outcome {
        Ok(()) => Ok(comparison.close(baseline.as_ref(), trace)),
        Err(error) => {
            comparison.keep(&error, trace);
            Err(error)
        }
    }
}

/// The doubts about the earlier comparison, if there is one.
///
/// # Errors
///
/// A usage error if this comparison cannot be held against it.
fn check_baseline(
    args: &CompareArgs,
    then: Option<&Results>,
    environment: &Environment,
    definitions: &[Definition],
) -> Result<Vec<String>, Error> {
    let Some((then, path)) = then.zip(args.baseline.as_deref()) else {
        return Ok(Vec::new());
    };
    let workers = workers(args);
    let asked = baseline::Asked {
        environment,
        smoke: args.smoke,
        iterations_per_us: args.iterations_per_us,
        workers: &workers,
        tables: definitions.iter().map(table_of).collect(),
    };
    match baseline::refusal(&asked, then) {
        Some(why) => Err(Error::Usage(format!(
            "{}: cannot be compared with: {why}",
            path.display()
        ))),
        None => Ok(baseline::doubts(&asked, then)),
    }
}

fn table_of(definition: &Definition) -> baseline::Table {
    let described = description::of(definition, None, None);
    baseline::Table {
        name: described.name,
        tasks: described.tasks,
        seed: described.seed,
        rate: described.rate,
    }
}

/// The calibration of this machine, quoted on standard error; without one, what would make it. It
/// is looked for in the output folder, then in the usual one.
fn calibration_for(args: &CompareArgs, environment: &Environment) -> Option<Calibration> {
    let (machine, now) = (Machine::of(environment), SystemTime::now());
    let here = calibration::read(&args.output, &machine, now);
    let found = here.or_else(|lack| {
        let usual = packages::workspace().map(|found| found.root.join(DEFAULT_OUTPUT));
        let usual = usual.ok().filter(|_| lack == Lack::Missing).ok_or(lack)?;
        calibration::read(&usual, &machine, now)
    });
    match &found {
        Ok(found) => print_err(&format!("{}\n", found.quoted())),
        Err(_) if args.smoke => {}
        Err(lack) => print_err(&format!("{lack}\n")),
    }
    found.ok()
}

fn meet(
    args: &CompareArgs,
    models: &[&list::Model],
    programs: &Programs,
    interrupt: &Interrupt,
) -> Result<Vec<Contestant>, Error> {
    let built_in = models.iter().filter_map(|model| {
        let command = programs.command(&model.name)?;
        Some((model.name.clone(), command, model.declared.clone()))
    });
    let added = args.runners.iter().cloned();
    built_in
        .chain(added.map(|(name, command)| (name, command, unknown_runner())))
        .map(|(name, command, declared)| {
            Contestant::meet(&name, command, declared, args.patience, interrupt)
        })
        .collect()
}

/// The declarations of a runner without a manifest: its workers may be processes.
fn unknown_runner() -> Declared {
    Declared {
        most_workers: Some(MOST_UNKNOWN_WORKERS),
        ..Declared::default()
    }
}

/// The same inputs as in the earlier comparison, unless the user wants others: cells with other
/// inputs cannot be compared.
fn as_in(baseline: Option<&Results>, args: &CompareArgs) -> CompareArgs {
    let mut args = args.clone();
    if let Some(baseline) = baseline {
        let calibrated = Some(baseline.environment.iterations_per_us).filter(|known| *known > 0);
        args.iterations_per_us = args.iterations_per_us.or(calibrated);
        args.seed = args.seed.or(baseline.settings.seed);
    }
    args
}

/// Other users of the processors affect all figures.
fn busy(environment: &Environment) -> Option<Warning> {
    let (load, cpus) = (environment.load_average, environment.cpus);
    (load >= cpus as f64).then_some(Warning::BusyBefore { load, cpus })
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
    // A path need not be UTF-8, but JSON must be, so such an argument is recorded lossily.
    let arguments = std::env::args_os().skip(1);
    let command: Vec<String> = arguments
        .map(|argument| argument.to_string_lossy().into_owned())
        .collect();
    let warnings = busy(&environment).into_iter();
    let warnings = warnings.map(|warning| warning.to_string()).collect();
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
            margin: Some(args.margin),
            floor: None,
            calibrated: None,
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

/// The numbers of workers of every model that has none of its own; those for tasks that wait come
/// in addition.
fn workers(args: &CompareArgs) -> Vec<usize> {
    let given = workers::numbers(&args.workers, None);
    if given.is_empty() {
        vec![num_cpus::get()]
    } else {
        given
    }
}
