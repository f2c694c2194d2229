//! The loop over all tables: inputs, the right answer, samples, verdicts.

use std::cell::RefCell;
use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use workload::definition::{Definition, Pattern};
use workload::inputs::{self, Inputs};
use workload::job::About;
use workload::protocol::Sources;

use super::budget;
use super::conditions::Conditions;
use super::contestant::{Contestant, SEQUENTIAL};
use super::description;
use super::entries::{self, Counts, Entry};
use super::forecast::{Needs, Shape, at_once};
use super::interrupt::Interrupt;
use super::live::Work;
use super::outlook::Outlook;
use super::output::Output;
use super::pilot::{self, Pilots};
use super::progress::{Progress, print_err};
use super::referee::{Referee, Reference, Rehearsal};
use super::runner::Fault;
use super::schedule::{self, Stop};
use super::sealed::Seal;
use super::servers::Servers;
use super::shares::Shares;
use super::sizing::Asked;
use super::spoils::{Watch, two_kinds};
use super::table::{self, Table};
use super::table_files::TableFiles;
use super::warnings::Warning;
use super::workshop::Workshop;
use crate::cli::CompareArgs;
use crate::error::Error;
use crate::results::{self, Results, Workload};
use crate::stats::Rules;
use crate::trace_events::TraceFile;
use crate::{render, stats};

/// A running comparison.
pub(super) struct Comparison<'a> {
    pub(super) args: &'a CompareArgs,
    pub(super) interrupt: &'a Interrupt,
    servers: &'a RefCell<Servers>,
    pub(super) progress: Progress,
    pub(super) results: Results,
    pub(super) results_path: PathBuf,
    /// The job whose function the tasks call, if they do.
    pub(super) job: Option<About>,
    /// The rehearsal of that job.
    pub(super) rehearsal: Option<Rehearsal>,
    /// How long the right answer of a job may take.
    pub(super) reference_limit: Duration,
    /// Whether a part of the comparison itself failed.
    pub(super) failed: bool,
    /// Whether the last attempt to write the results failed.
    pub(super) unwritten: bool,
}

/// A table that can be measured.
struct Prepared<'a> {
    work: Work,
    pilots: Pilots,
    files: TableFiles<'a>,
}

/// The contestants, and which of them take part.
struct Field<'a, 'c> {
    contestants: &'c [Contestant],
    models: &'a [(&'a str, Option<&'a str>)],
}

impl<'a> Comparison<'a> {
    /// A comparison that has measured nothing yet.
    pub(super) fn new(
        args: &'a CompareArgs,
        interrupt: &'a Interrupt,
        servers: &'a RefCell<Servers>,
        progress: Progress,
        results: Results,
    ) -> Comparison<'a> {
        Comparison {
            args,
            interrupt,
            servers,
            progress,
            results,
            results_path: args.output.join("results.json"),
            job: None,
            rehearsal: None,
            reference_limit: Duration::MAX,
            failed: false,
            unwritten: false,
        }
    }

    /// Measures all tables, and prints and writes each when it is done.
    ///
    /// # Errors
    ///
    /// [`Error::Interrupted`], and [`Error::Failed`] if nothing can be measured any more.
    pub(super) fn run(
        &mut self,
        definitions: &[Definition],
        contestants: &[Contestant],
        models: &[(&str, Option<&str>)],
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
        let field = Field {
            contestants,
            models,
        };
        self.job = sequential.job();
        let definitions = &self.rehearsed(definitions, &mut referee, workshop)?;
        self.announce(definitions, &field, iterations_per_us);
        let counts = Counts::of(self.args);
        let watch = Watch::begin();
        let mut shares = Shares::of(budget(self.args), definitions.len());
        for definition in definitions {
            let inputs = self.make(definition, iterations_per_us)?;
            self.progress.prepare(&definition.name);
            let prepared = self.prepare(&inputs, &mut referee, sequential, workshop)?;
            let asked = prepared.as_ref().ok().map(|(work, ..)| {
                Asked::by(&work.needs, work.pattern, work.tasks, num_cpus::get())
            });
            let entries = entries::entries(contestants, models, definition, &counts, asked);
            self.progress
                .table(&definition.name, entries.len(), shares.equal());
            // Millions of tasks use memory that the contestants may need.
            drop(inputs);
            let shop: &Workshop<'_> = workshop;
            let prepared = prepared.map(|(work, pilots, seal)| Prepared {
                work,
                pilots,
                files: TableFiles::new(shop, definition, iterations_per_us, seal),
            });
            let spent = self.table(definition, prepared, entries, &mut shares)?;
            shares.spent(spent);
            stats::summarise(&mut self.results);
            self.print_table();
            self.write();
        }
        referee.quit();
        if self.job.is_some_and(|job| !job.repeatable) {
            self.warn([Warning::Unverified]);
        }
        self.warn(watch.end());
        self.warn(two_kinds(&self.results.cells));
        Ok(())
    }

    /// Prints the table that was measured last, or a line for it.
    fn print_table(&self) {
        let last = self.results.workloads.len() - 1;
        self.progress.print(|| match Output::of(self.args) {
            Output::Tables => render::table(&self.results, last) + "\n",
            Output::Answer => render::line(&self.results, last),
            Output::Smoke | Output::Silent => String::new(),
        });
    }

    /// Prints the least time that the comparison will take.
    fn announce(&self, definitions: &[Definition], field: &Field<'_, '_>, iterations_per_us: u64) {
        let counts = Counts::of(self.args);
        let entries = |definition, asked| {
            let Field {
                contestants,
                models,
            } = field;
            entries::entries(contestants, models, definition, &counts, Some(asked))
        };
        let outlook = Outlook::of(definitions, entries, iterations_per_us);
        self.progress.note(&outlook.told(budget(self.args)));
    }

    /// Makes the inputs on another thread, so that Ctrl-C need not wait for millions of tasks.
    pub(super) fn make(
        &self,
        definition: &Definition,
        iterations_per_us: u64,
    ) -> Result<Inputs, Error> {
        let definition = definition.clone();
        self.interrupt
            .during(move || inputs::make(&definition, iterations_per_us))
            .ok_or(Error::Interrupted)
    }

    /// Prepares the table and its pilots. The inner error is the reason why the table cannot be
    /// measured.
    fn prepare(
        &mut self,
        inputs: &Inputs,
        referee: &mut Referee<'a>,
        sequential: &Contestant,
        workshop: &mut Workshop<'_>,
    ) -> Result<Result<(Work, Pilots, Seal), String>, Error> {
        self.progress.say("the right answer");
        let written = workshop
            .write_table(inputs)
            .and_then(|written| workshop.keep_inputs(inputs).map(|()| written));
        let written = match written {
            Ok(written) => written,
            Err(Error::Interrupted) => return Err(Error::Interrupted),
            Err(error) => return Ok(Err(error.to_string())),
        };
        let pattern = inputs.header.pattern;
        let fetches = fetches(inputs);
        let mut servers = self.servers.borrow_mut();
        if let Err(why) = servers.provide(fetches, matches!(pattern, Pattern::Serve { .. })) {
            return Ok(Err(why));
        }
        let sources = Sources {
            inputs: written.inputs,
            files: written.files,
            origin: servers.origin().filter(|_| fetches),
            requests: None,
        };
        drop(servers);
        let work = match self.answer(inputs, sources.clone(), referee, sequential)? {
            Ok(work) => work,
            Err(why) => return Ok(Err(why)),
        };
        let mut pilots = Vec::new();
        for size in Pilots::sizes(pattern, inputs.tasks.len()) {
            let part = pilot::first(inputs, size);
            let inputs = match workshop.write_pilot(&part) {
                Ok(inputs) => inputs,
                Err(Error::Interrupted) => return Err(Error::Interrupted),
                // The table can be measured without pilots.
                Err(_) => break,
            };
            let sources = Sources {
                inputs,
                ..sources.clone()
            };
            match self.answer(&part, sources, referee, sequential)? {
                Ok(work) => pilots.push(work),
                Err(_) => break,
            }
        }
        Ok(Ok((work, Pilots::of(pilots), written.seal)))
    }

    /// Asks the referee for the right answer, and retries once if the comparison's own server
    /// failed.
    fn answer(
        &mut self,
        inputs: &Inputs,
        mut sources: Sources,
        referee: &mut Referee<'a>,
        sequential: &Contestant,
    ) -> Result<Result<Work, String>, Error> {
        let mut tries = 0;
        loop {
            tries += 1;
            let fault = match referee.reference_within(sources.clone(), self.reference_limit) {
                Ok(Reference {
                    digest,
                    cpu,
                    waited,
                }) => {
                    return Ok(Ok(Work {
                        sources,
                        pattern: inputs.header.pattern,
                        tasks: inputs.tasks.len(),
                        digest,
                        needs: Needs {
                            programs: waited,
                            ..Needs::of(inputs, cpu)
                        },
                        shape: Shape::of(inputs),
                    }));
                }
                Err(Fault::Interrupted) => return Err(Error::Interrupted),
                Err(fault) => fault,
            };
            // A runner is unusable after a fault.
            let again = Referee::start(sequential, self.args.patience, self.interrupt)?;
            std::mem::replace(referee, again).quit();
            let trouble = self
                .servers
                .borrow_mut()
                .trouble(sources.origin.is_some(), false);
            let Some(trouble) = trouble.filter(|_| tries == 1) else {
                let why = format!("the right answer could not be found: {fault}");
                return Ok(Err(why));
            };
            self.progress.note(&format!("{trouble}; restarting it"));
            let mut servers = self.servers.borrow_mut();
            if let Err(why) = servers.provide(sources.origin.is_some(), false) {
                return Ok(Err(why));
            }
            sources.origin = sources.origin.and(servers.origin());
        }
    }

    /// Measures one table, and returns how much of the budget it used.
    fn table(
        &mut self,
        definition: &Definition,
        prepared: Result<Prepared<'_>, String>,
        entries: Vec<Entry<'_>>,
        shares: &mut Shares,
    ) -> Result<Duration, Error> {
        let digest = prepared.as_ref().ok().map(|ready| ready.work.digest);
        let workload = description::of(definition, digest, self.job);
        self.results.workloads.push(workload.clone());
        let Prepared {
            work,
            pilots,
            files,
        } = match prepared {
            Ok(prepared) => prepared,
            Err(why) => {
                self.warn([Warning::NotMeasured {
                    workload: workload.name.clone(),
                    why: why.clone(),
                }]);
                self.failed = true;
                let skipped = entries
                    .iter()
                    .map(|entry| table::skip(entry, &workload, why.clone()));
                self.results.skipped.extend(skipped);
                return Ok(Duration::ZERO);
            }
        };
        let fitting = self.fitting(entries, &workload, &work);
        let settings = &self.results.settings;
        let conditions = Conditions {
            workload: &workload,
            rules: Rules {
                served: workload.is_served(),
                margin: settings.margin(),
                floor: settings.floor(),
            },
            patience: self.args.patience,
            interrupt: self.interrupt,
            servers: self.servers,
            progress: &self.progress,
        };
        let mut table = Table::new(conditions, work, files, fitting);
        let seed = workload::value::task_seed(definition.seed, self.results.workloads.len() as u64);
        let measured = table.try_out(&pilots).and_then(|()| {
            let begin = Instant::now();
            let contenders = table.contenders();
            let first = schedule::run(&mut table, contenders, |need| shares.next(need), seed)?;
            let spent = begin.elapsed().saturating_sub(first);
            table.trace(self.args.trace.is_some()).map(|()| spent)
        });
        let own_failure = match &measured {
            Err(Stop::Own(why)) => Some(why.as_str()),
            _ => None,
        };
        let (rows, skipped, warnings) = table.finish(own_failure);
        self.results.cells.extend(rows);
        self.results.skipped.extend(table::told_once(skipped));
        self.warn(warnings);
        match measured {
            Ok(spent) => Ok(spent),
            Err(Stop::Interrupted) => {
                stats::summarise(&mut self.results);
                Err(Error::Interrupted)
            }
            Err(Stop::Own(why)) => {
                let workload = workload.name.clone();
                let warning = Warning::CutShort { workload, why };
                self.fail(&warning.to_string());
                self.warn([warning]);
                Ok(shares.equal())
            }
            Err(Stop::Cell(why)) => Err(Error::Failed(why)),
        }
    }

    /// The cells that can end in time by their inputs. The others are skipped with the arithmetic.
    fn fitting<'e>(
        &mut self,
        entries: Vec<Entry<'e>>,
        workload: &Workload,
        work: &Work,
    ) -> Vec<Entry<'e>> {
        let (mut fitting, mut left_out) = (Vec::new(), Vec::new());
        for entry in entries {
            let remakes = |job| entry.remakes_inputs(job, work.tasks);
            let reason = entry.too_many(work.needs.tasks);
            if let Some(reason) = reason.or_else(|| self.rehearsal.as_ref().and_then(remakes)) {
                left_out.push(table::skip(&entry, workload, reason));
                continue;
            }
            let at_once = at_once(entry.variant.concurrency, entry.workers, &work.shape);
            let cpus = num_cpus::get();
            // The waits of a job are measured, so they are no bound, but they do take their time.
            let needs = match workload.job {
                true => work.needs.with_programs(),
                false => work.needs,
            };
            let too_long = needs.too_long(at_once, cpus);
            // A contestant without a hello gets a row with the error, and nothing can be predicted
            // for it.
            let Some(reason) = too_long.filter(|_| entry.contestant.hello.is_ok()) else {
                fitting.push(entry);
                continue;
            };
            let mut skipped = table::skip(&entry, workload, reason);
            let least = needs.lower_bound(at_once, cpus).as_nanos();
            skipped.at_least_ns = u64::try_from(least).ok();
            self.progress.note(&format!(
                "{}: skipping {}: {}",
                workload.name, skipped.model, skipped.reason
            ));
            left_out.push(skipped);
        }
        self.results.skipped.extend(table::told_once(left_out));
        fitting
    }

    /// Keeps these for the reader of the results.
    fn warn(&mut self, warnings: impl IntoIterator<Item = Warning>) {
        let texts = warnings.into_iter().map(|warning| warning.to_string());
        self.results.warnings.extend(texts);
    }

    /// Notes that a part of the comparison itself failed: it goes on, but its exit status is 1.
    pub(super) fn fail(&mut self, why: &str) {
        self.failed = true;
        self.progress.note(&format!("error: {why}"));
    }

    /// Writes the timelines of what was measured, where the user wants them.
    pub(super) fn write_trace(&mut self, file: Option<TraceFile>) {
        match file.map(|file| file.finish(&self.results)) {
            None => {}
            Some(Ok(line)) => print_err(&format!("trace: {line}\n")),
            Some(Err(error)) => self.fail(&error),
        }
    }

    /// Clears the progress line.
    pub(super) fn finish_progress(&self) {
        self.progress.finish();
    }

    /// Writes the results so far. If that fails, the figures are still printed, and writing is
    /// retried after the next table.
    pub(super) fn write(&mut self) {
        let written = fs::create_dir_all(&self.args.output)
            .and_then(|()| results::write(&self.results_path, &self.results));
        let first = !self.unwritten;
        self.unwritten = written.is_err();
        if let Err(error) = written
            && first
        {
            self.progress.note(&format!(
                "error: {}: cannot be written: {error}; the figures are still printed, and writing is retried after each \
                 table: make room for it, or name another folder with `--output DIR`",
                self.results_path.display()
            ));
        }
    }
}

/// Whether the tasks need the origin server.
fn fetches(inputs: &Inputs) -> bool {
    let mut actions = inputs.header.actions.iter();
    actions.any(|action| action == "fetch" || action == "tail")
}
