//! `cargo xtask calibrate`: what this machine and this instrument can tell apart.
//!
//! The order of things: a program is linked again and again; the kinds of work are made, each with
//! differences planted; trials are sampled and judged as a comparison does it; the conclusion is
//! printed, and kept for the comparisons to come.

mod conclude;
mod linker;
mod measure;
mod relink;
mod text;
mod work;

pub use linker::link;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use workload::protocol::Sources;
use workload::value::Rng;

use crate::calibration::{self, Calibration, Machine, SCHEMA};
use crate::cli::CalibrateArgs;
use crate::compare::contestant::{Contestant, SEQUENTIAL};
use crate::compare::environment::environment;
use crate::compare::interrupt::Interrupt;
use crate::compare::list::{self, Model};
use crate::compare::lock::Lock;
use crate::compare::programs::Programs;
use crate::compare::progress::{print_err, print_out};
use crate::compare::referee::Referee;
use crate::compare::runner::Adoption;
use crate::compare::workshop::Workshop;
use crate::error::Error;
use crate::packages::Declared;
use crate::report::Document;
use crate::results::Environment;
use conclude::{AllTrials, KindTrials, conclude};
use measure::{PATIENCE, Subject, rounds, trials};
use work::{PLANTED, POOL, RELINKED, WORKS, Work};

/// The time for linking and for the trials, unless the user says otherwise: with the build of two
/// runners and the right answers, three minutes are enough.
const BUDGET: Duration = Duration::from_secs(150);

/// At most one part of these of the budget is for linking.
const LINKING: u32 = 6;

/// One part of these of what is left is for the trials of what was linked.
const SHARE_OF_RELINKED: u32 = 4;

/// The marker in a document between whose lines the answer is put.
const MARKER: &str = "calibrated";

/// The seed of the orders within rounds.
const SEED: u64 = 12;

/// Runs a calibration and returns the exit status.
///
/// # Errors
///
/// [`Error::Usage`] before anything is measured, [`Error::Failed`] if a runner does anything but
/// answer rightly or the file cannot be written, and [`Error::Interrupted`].
pub fn calibrate(args: &CalibrateArgs) -> Result<u8, Error> {
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
    let workshop = Workshop::open(&args.output, None, &interrupt)?;
    let models = list::models()?;
    let budget = args.budget.unwrap_or(BUDGET);
    let instrument = Instrument {
        interrupt: &interrupt,
        workshop: &workshop,
        budget,
    };
    let programs = instrument.build(&models)?;
    let begin = Instant::now();
    let relinked = instrument.link(&models)?;
    let linking = begin.elapsed();
    let adoption = Adoption::begin();
    let (works, kernels) = instrument.prepare(&programs)?;
    let relinked = relinked.map(|programs| kernels.of(programs));
    let begin = Instant::now();
    let all = instrument.measure(&works, relinked.as_deref().unwrap_or(&[]), linking);
    let measured = begin.elapsed();
    drop(adoption);
    let calibration = calibration(&environment, &all?, relinked.err(), measured);
    let answer = text::answer(&calibration);
    print_out(&answer);
    if environment.load_average >= environment.cpus as f64 {
        print_err(&format!(
            "warning: other programs kept this machine busy (load {:.1} on {} processors), and their \
             noise is in the floor: end them and calibrate again\n",
            environment.load_average, environment.cpus
        ));
    }
    calibration::write(&args.output, &calibration)
        .map_err(|error| Error::io(args.output.join(calibration::NAME).display(), &error))?;
    print_err(&format!(
        "calibration: {}\n",
        args.output.join(calibration::NAME).display()
    ));
    if let Some(document) = document {
        document
            .put(&format!("```text\n{answer}```\n"))
            .map_err(Error::Failed)?;
    }
    Ok(0)
}

/// One kind of work, ready to be sampled.
struct Ready {
    name: &'static str,
    /// The base, the same again, and one for each planted difference.
    subjects: Vec<Subject>,
}

struct Instrument<'a> {
    interrupt: &'a Interrupt,
    workshop: &'a Workshop<'a>,
    budget: Duration,
}

impl Instrument<'_> {
    /// Builds the runners that take part.
    fn build(&self, models: &[Model]) -> Result<Programs, Error> {
        let takes_part = |model: &&Model| model.name == SEQUENTIAL || model.name == POOL;
        let taking_part: Vec<&Model> = models.iter().filter(takes_part).collect();
        Programs::build(&taking_part, self.workshop.folder(), self.interrupt)
    }

    /// Links the built runner of `sequential` again and again. The inner error is the reason why
    /// that is unavailable.
    fn link(&self, models: &[Model]) -> Result<Result<Vec<PathBuf>, String>, Error> {
        let Some(sequential) = models.iter().find(|model| model.name == SEQUENTIAL) else {
            return Ok(Err("there is no sequential runner".to_owned()));
        };
        print_err("linking the runner of `sequential` again and again\n");
        let folder = self.workshop.folder().join("relinked");
        let time = self.budget / LINKING;
        relink::programs(sequential, &folder, time, self.interrupt)
    }

    /// Writes the inputs of all kinds of work and finds the right answers.
    fn prepare(&self, programs: &Programs) -> Result<(Vec<Ready>, Subject), Error> {
        let program = |model: &str| {
            let missing = || Error::Failed(format!("the runner of `{model}` is missing"));
            programs.runners.get(model).cloned().ok_or_else(missing)
        };
        let command = vec![program(SEQUENTIAL)?.display().to_string()];
        let sequential = Contestant::meet(
            SEQUENTIAL,
            command,
            Declared::default(),
            PATIENCE,
            self.interrupt,
        )?;
        let mut referee = Referee::start(&sequential, PATIENCE, self.interrupt)?;
        let iterations_per_us = referee.calibrate(PATIENCE)?;
        let mut works = Vec::new();
        let mut subject = |work: Work, planted: f64| {
            let inputs = work.inputs(planted, iterations_per_us);
            let inputs = self.workshop.write_table(&inputs)?.inputs;
            let sources = Sources {
                inputs: inputs.clone(),
                files: None,
                origin: None,
                requests: None,
            };
            let answer = referee.reference(sources);
            let answer = answer.map_err(|fault| {
                Error::Failed(format!("the right answer could not be found: {fault}"))
            })?;
            Ok::<Subject, Error>(Subject {
                program: program(work.model)?,
                inputs,
                digest: answer.digest,
                workers: num_cpus::get(),
            })
        };
        for work in WORKS {
            let planted = [0.0, 0.0].into_iter().chain(PLANTED);
            let subjects = planted.map(|planted| subject(work, planted));
            works.push(Ready {
                name: work.name,
                subjects: subjects.collect::<Result<Vec<Subject>, Error>>()?,
            });
        }
        let relinked = subject(RELINKED, 0.0)?;
        referee.quit();
        Ok((works, relinked))
    }

    /// Trials of all kinds in turn, at least one of each, then those of relinked programs.
    fn measure(
        &self,
        works: &[Ready],
        relinked: &[Subject],
        linking: Duration,
    ) -> Result<AllTrials, Error> {
        let mut rng = Rng::new(SEED);
        let mut all = AllTrials::default();
        for work in works {
            let planted = PLANTED.iter().map(|planted| (*planted, Vec::new()));
            all.kinds.push(KindTrials {
                name: work.name,
                same: Vec::new(),
                planted: planted.collect(),
            });
        }
        let left = self.budget.saturating_sub(linking);
        let part = left / SHARE_OF_RELINKED;
        let kinds = if relinked.is_empty() {
            left
        } else {
            left - part
        };
        let mut clock = Clock::new(kinds, "equal contestants and planted differences");
        while clock.has_time() {
            for (work, kind) in works.iter().zip(&mut all.kinds) {
                let mut seen = trials(&work.subjects, self.interrupt, &mut rng)?.into_iter();
                kind.same.extend(seen.next());
                for ((_, planted), trial) in kind.planted.iter_mut().zip(seen) {
                    planted.push(trial);
                }
            }
        }
        clock.finish();
        let mut clock = Clock::new(part, "linked in another order");
        for pair in relinked.chunks_exact(2) {
            if !clock.has_time() {
                break;
            }
            all.relinked.extend(trials(pair, self.interrupt, &mut rng)?);
        }
        clock.finish();
        Ok(all)
    }
}

fn calibration(
    environment: &Environment,
    all: &AllTrials,
    not_relinked: Option<String>,
    measured: Duration,
) -> Calibration {
    let concluded = conclude(all);
    let rounds = rounds();
    Calibration {
        schema: SCHEMA,
        started: environment.started.clone(),
        machine: Machine::of(environment),
        floor: concluded.floor,
        rounds_for_3_percent: concluded
            .look_for_3_percent
            .and_then(|look| rounds.get(look).copied()),
        rounds,
        same: concluded.same,
        relinked: not_relinked.is_none().then_some(concluded.relinked),
        not_relinked,
        kinds: concluded.kinds,
        measured_ns: u64::try_from(measured.as_nanos()).unwrap_or(u64::MAX),
    }
}

/// The time of a phase, with a bar on a terminal and a line elsewhere.
struct Clock {
    begin: Instant,
    time: Duration,
    turn: Instant,
    turns: u32,
    longest: Duration,
    bar: ProgressBar,
}

impl Clock {
    fn new(time: Duration, what: &'static str) -> Clock {
        let bar = ProgressBar::new(1000);
        if let Ok(style) = ProgressStyle::with_template("{bar:20} {elapsed:>4} {wide_msg}") {
            bar.set_style(style);
        }
        bar.set_message(what);
        if bar.is_hidden() {
            print_err(&format!("{what}: about {:.0} s\n", time.as_secs_f64()));
        }
        let begin = Instant::now();
        Clock {
            begin,
            time,
            turn: begin,
            turns: 0,
            longest: Duration::ZERO,
            bar,
        }
    }

    /// Whether one more turn fits. The first one always does.
    fn has_time(&mut self) -> bool {
        let now = Instant::now();
        self.turns += 1;
        self.longest = self.longest.max(now - self.turn);
        self.turn = now;
        let spent = now - self.begin;
        let part = spent.as_secs_f64() / self.time.as_secs_f64().max(1e-3);
        self.bar.set_position((part.min(1.0) * 1000.0) as u64);
        self.turns == 1 || spent + self.longest <= self.time
    }

    fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
