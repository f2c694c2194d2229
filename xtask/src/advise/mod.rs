//! `cargo xtask advise`: which model to take for a job, with how many workers, and what would
//! change the answer.
//!
//! Three comparisons, each by the machinery of `compare`: all models once, to find the contenders;
//! the contenders with several numbers of workers, which decides; and their twins with smaller and
//! larger tasks.

mod bounds;
mod contenders;
mod decide;
mod flips;
mod job;
mod report;
mod text;

pub use bounds::Bounds;
pub use decide::{Decision, Outcome, Taken, Workers};
pub use flips::Flip;
pub use report::{Advice, NAME, SCHEMA};

use std::path::Path;
use std::time::Duration;

use crate::cli::{AdviseArgs, CompareArgs};
use crate::compare;
use crate::compare::lock::Lock;
use crate::compare::progress::{print_err, print_out};
use crate::error::Error;
use crate::results::{self, Results};
use bounds::Work;
use job::Job;

/// The time for all samples but the first ones, unless the user says otherwise.
const BUDGET: Duration = Duration::from_secs(60);

/// The parts of the budget: to find the contenders, to decide between them, and for the twins.
const PARTS: [f64; 3] = [0.25, 0.5, 0.25];

/// Runs the comparisons, prints the advice and returns the exit status: that of the comparisons.
///
/// # Errors
///
/// [`Error::Usage`] for a JOB that is none, else as [`compare::compare`].
pub fn advise(args: &AdviseArgs) -> Result<u8, Error> {
    let job = Job::find(&args.job)?;
    let budget = args.budget.unwrap_or(BUDGET);
    let [scouting, deciding, flipping] = PARTS.map(|part| budget.mul_f64(part));
    let base = CompareArgs {
        margin: args.margin,
        tasks: args.tasks.into_iter().collect(),
        seed: args.seed,
        iterations_per_us: args.iterations_per_us,
        models: args.models.clone(),
        is_quiet: true,
        is_self_contained: true,
        ..job.comparison()?
    };
    // Another comparison between two of these would make all of them wrong.
    let lock = Lock::take()?;

    print_err("1 of 3: all models, to find the contenders\n");
    let scout = CompareArgs {
        budget: Some(scouting),
        output: args.output.join("scout"),
        ..base.clone()
    };
    let (scouted, scout_status) = run(&scout, &lock)?;
    let contenders = contenders::of(&scouted);

    print_err("2 of 3: the contenders, with several numbers of workers\n");
    let same = CompareArgs {
        // The same inputs in all three.
        iterations_per_us: Some(scouted.environment.iterations_per_us).filter(|known| *known > 0),
        tasks: scouted.workloads.iter().map(|table| table.tasks).collect(),
        ..base
    };
    let decider = CompareArgs {
        budget: Some(deciding),
        output: args.output.clone(),
        models: contenders.iter().map(|one| one.label.clone()).collect(),
        workers: contenders::workers(&contenders),
        ..same.clone()
    };
    let (measured, status) = run(&decider, &lock)?;
    let work = Work::of(job.definition(&measured).as_ref(), &measured);
    let bounds = work.map(|work| work.bounds(measured.environment.cpus));
    let decision = decide::decide(&measured, work.as_ref());

    print_err("3 of 3: twins with other tasks\n");
    let twins = flips::twins(&job, &work);
    let labels = flips::contestants(&decision, &measured);
    let twin = CompareArgs {
        budget: Some(flipping),
        output: args.output.join("twins"),
        models: labels,
        ..flips::arguments(&twins, same)
    };
    let (twinned, twin_status) = run(&twin, &lock)?;
    let flips = flips::judge(&twins, &twinned, &decision);

    let advice = Advice::new(&job, &measured, decision, bounds, work, flips);
    print_out(&text::screen(&advice, &measured));
    advice
        .write(&args.output)
        .map_err(|error| Error::io(args.output.join(NAME).display(), &error))?;
    print_err(&format!(
        "advice: {}\nresults: {}\n",
        args.output.join(NAME).display(),
        args.output.join("results.json").display()
    ));
    Ok(scout_status.max(status).max(twin_status))
}

/// Runs a comparison, and returns its results and its exit status.
fn run(args: &CompareArgs, lock: &Lock) -> Result<(Results, u8), Error> {
    let status = compare::compare_with(args, Some(lock))?;
    let results = read(&args.output)?;
    Ok((results, status))
}

fn read(folder: &Path) -> Result<Results, Error> {
    results::read(&folder.join("results.json")).map_err(Error::Failed)
}
