//! `cargo xtask prices`: what each model costs per task on this machine, and from what size of a
//! task it pays.
//!
//! A program of its own measures, since this one links no model; what it prints is judged here.

mod break_even;
mod judge;
mod line;
mod list;
mod program;
mod text;

pub use list::{Cold, Hot, NAME, Price, PriceList, Quartiles, SCHEMA, Tried};

use std::time::{Duration, Instant};

use crate::calibration::Machine;
use crate::cli::PricesArgs;
use crate::compare::environment::environment;
use crate::compare::interrupt::Interrupt;
use crate::compare::lock::Lock;
use crate::compare::progress::{print_err, print_out};
use crate::error::Error;
use crate::report::Document;
use program::Program;

/// The time for all readings, unless the user says otherwise.
const BUDGET: Duration = Duration::from_secs(20);

/// About as long as all readings of memory take; they have no budget.
const MEMORY: Duration = Duration::from_secs(3);

/// One part of these of the time is for trying the sizes from which it pays.
const SHARE_OF_TRIALS: u32 = 3;

/// The marker in a document between whose lines the list is put.
const MARKER: &str = "prices";

/// Measures the prices and returns the exit status: 1 if one of them could not be measured.
///
/// # Errors
///
/// [`Error::Usage`] before anything is measured, [`Error::Failed`] if the program does not build or
/// fails or the file cannot be written, and [`Error::Interrupted`].
pub fn prices(args: &PricesArgs) -> Result<u8, Error> {
    let document = args
        .into
        .as_deref()
        .map(|path| Document::read(path, MARKER))
        .transpose()
        .map_err(Error::Usage)?;
    // Before the build, which is a load of its own.
    let environment = environment();
    let _lock = Lock::take()?;
    let interrupt = Interrupt::install()
        .map_err(|error| Error::Failed(format!("no signal handler: {error}")))?;
    let program = Program::build(&interrupt)?;
    let begin = Instant::now();
    let left = args.budget.unwrap_or(BUDGET);
    let left = left.saturating_sub(MEMORY).max(left / 2);
    let trials = left / SHARE_OF_TRIALS;
    let mut lines = program.times(left - trials)?;
    lines.extend(program.memory()?);
    let machine = Machine::of(&environment);
    let mut list = judge::judge(&lines, machine, environment.started.clone());
    let lines = program.trials(trials, &judge::sizes_to_try(&list))?;
    judge::add_trials(&mut list, &lines);
    list.measured_ns = u64::try_from(begin.elapsed().as_nanos()).unwrap_or(u64::MAX);

    let text = text::screen(&list);
    print_out(&text);
    if environment.load_average >= environment.cpus as f64 {
        print_err(&format!(
            "warning: other programs kept this machine busy (load {:.1} on {} processors): end them and \
             measure the prices again\n",
            environment.load_average, environment.cpus
        ));
    }
    list.write(&args.output)
        .map_err(|error| Error::io(args.output.join(NAME).display(), &error))?;
    print_err(&format!("prices: {}\n", args.output.join(NAME).display()));
    if let Some(document) = document {
        document
            .put(&format!("```text\n{text}```\n"))
            .map_err(Error::Failed)?;
    }
    Ok(u8::from(
        list.prices.iter().any(|price| price.error.is_some()),
    ))
}
