//! One table: all its cells, measured by real processes.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use workload::protocol::{Load, Place, Reply, Request};
use workload::{tree, usage};

use super::contestant::{introduce, mismatch};
use super::forecast::{Needs, at_once};
use super::interrupt::Interrupt;
use super::progress::Progress;
use super::runner::{Asking, Fault, Runner, short};
use super::schedule::{Bench, Moment, Stop};
use super::selection::Entry;
use super::trace;
use crate::results::{Cell, Sample, Skipped, Workload};
use crate::stats::{counted, median};

/// A runner that computes for more than this share of the time in which nothing was asked of it disturbs
/// the others.
const IDLE_SHARE: f64 = 0.02;

/// Less work than this may cost the referee several times what it costs once all is warm.
const LEAST_WORK: Duration = Duration::from_millis(10);

/// So many times faster than the referee is not fast any more, but wrong.
const MUCH_FASTER: u32 = 10;

/// Less CPU time than this between samples is the end of the last reply.
const IDLE_LEAST: Duration = Duration::from_millis(20);

/// What all cells of a table share.
#[derive(Debug)]
pub(super) struct Conditions<'a> {
    /// As it will stand in the results.
    pub(super) workload: &'a Workload,
    /// Where the inputs are.
    pub(super) place: &'a Place,
    /// The right digest.
    pub(super) digest: u64,
    /// What the tasks need.
    pub(super) needs: Needs,
    /// How long to wait beyond what is predicted.
    pub(super) patience: Duration,
    /// Ctrl-C.
    pub(super) interrupt: &'a Interrupt,
    /// Where to say how far it is.
    pub(super) progress: &'a Progress,
}

/// The cells of a table while they are measured.
#[derive(Debug)]
pub(super) struct Table<'a> {
    conditions: Conditions<'a>,
    cells: Vec<Live<'a>>,
    start: Instant,
}

#[derive(Debug)]
struct Live<'a> {
    entry: Entry<'a>,
    runner: Option<Runner<'a>>,
    setups: Vec<u64>,
    row: Cell,
    skipped: Option<String>,
    /// When the last answer came, and the CPU time of the runner's tree by then.
    idle_since: Option<(Instant, u64)>,
    idle: Duration,
    idle_cpu: Duration,
}

impl<'a> Table<'a> {
    /// A table of these cells.
    pub(super) fn new(conditions: Conditions<'a>, entries: Vec<Entry<'a>>) -> Table<'a> {
        let cells = entries
            .into_iter()
            .map(|entry| Live::new(entry, conditions.workload))
            .collect();
        Table {
            conditions,
            cells,
            start: Instant::now(),
        }
    }

    /// How many cells there are.
    pub(super) fn len(&self) -> usize {
        self.cells.len()
    }

    /// One untimed sample of each cell that has a timed one, in a freshly started runner with nobody beside
    /// it: memory, threads, processes and what else the model has to say.
    ///
    /// # Errors
    ///
    /// [`Stop::Interrupted`].
    pub(super) fn trace(&mut self) -> Result<(), Stop> {
        for cell in 0..self.cells.len() {
            let live = &self.cells[cell];
            if live.row.error.is_some() || live.row.samples.is_empty() {
                continue;
            }
            self.conditions
                .progress
                .say(&format!("{}: memory and threads", live.row.contestant()));
            let traced = self.start(cell).and_then(|()| self.trace_cell(cell));
            self.end(cell);
            match traced {
                Ok(()) => {}
                Err(Stop::Interrupted) => return Err(Stop::Interrupted),
                Err(Stop::Cell(why)) => self.failed(cell, why),
            }
        }
        Ok(())
    }

    fn trace_cell(&mut self, cell: usize) -> Result<(), Stop> {
        let patience = self.patience(cell);
        let live = &mut self.cells[cell];
        let Some(runner) = &mut live.runner else {
            return Ok(());
        };
        let own_threads = live
            .entry
            .contestant
            .hello
            .as_ref()
            .map_or(0, |hello| hello.own_threads);
        let mut peaks = trace::Peaks::before(runner.id(), own_threads);
        let mut look = || peaks.look();
        let asking = Asking {
            patience,
            watch: Some((trace::EVERY, &mut look)),
        };
        let (digest, metrics) = match runner.ask(&Request::Trace, asking).map_err(stop)? {
            Reply::Trace { digest, metrics } => (digest, metrics),
            other => return Err(stop(mismatch("trace", &other))),
        };
        check_digest(digest, self.conditions.digest).map_err(stop)?;
        peaks.finish();
        live.row.threads_peak = peaks.threads();
        live.row.processes_peak = peaks.processes();
        live.row.rss_peak_bytes = peaks.memory_bytes();
        live.row.metrics = metrics;
        Ok(())
    }

    /// The rows, what was skipped, and what to warn of.
    pub(super) fn finish(mut self) -> (Vec<Cell>, Vec<Skipped>, Vec<String>) {
        let (mut rows, mut skipped, mut warnings) = (Vec::new(), Vec::new(), Vec::new());
        for live in &mut self.cells {
            live.runner = None;
            if let Some(reason) = live.skipped.take() {
                skipped.push(skip(&live.entry, self.conditions.workload, reason));
                continue;
            }
            if live.row.error.is_none() && live.row.samples.is_empty() {
                // The user's Ctrl-C came first: there is nothing to say of it.
                continue;
            }
            let share = live.idle_cpu.as_secs_f64() / live.idle.as_secs_f64().max(1e-9);
            if live.idle_cpu > IDLE_LEAST && share > IDLE_SHARE {
                warnings.push(format!(
                    "{} on {}: used the CPU for {:.0} % of the time between its samples, while others were measured",
                    live.row.contestant(),
                    live.row.workload,
                    share * 100.0
                ));
            }
            let setups: Vec<f64> = live.setups.iter().map(|ns| *ns as f64).collect();
            live.row.setup_ns = median(&setups).unwrap_or(0.0) as u64;
            of_the_timed_samples(&mut live.row);
            live.row.verified = live.row.error.is_none();
            rows.push(live.row.clone());
        }
        (rows, skipped, warnings)
    }

    fn patience(&self, cell: usize) -> Duration {
        let Conditions {
            needs,
            patience,
            workload,
            ..
        } = &self.conditions;
        let entry = &self.cells[cell].entry;
        let at_once = at_once(entry.variant.concurrency, entry.workers, workload.tasks);
        *patience + needs.lower_bound(at_once, num_cpus::get()) * 4
    }

    fn try_start(&mut self, cell: usize) -> Result<(), Fault> {
        let live = &mut self.cells[cell];
        if let Some(runner) = live.runner.take() {
            runner.quit()?;
        }
        live.idle_since = None;
        let contestant = live.entry.contestant;
        if let Err(why) = &contestant.hello {
            return Err(Fault::Unmet(why.clone()));
        }
        let (_, mut runner) = introduce(
            &contestant.command,
            self.conditions.patience,
            self.conditions.interrupt,
        )?;
        let load = Load {
            place: self.conditions.place.clone(),
            variant: live.entry.variant.name.clone(),
            workers: live.entry.workers.max(1),
        };
        let asked = Instant::now();
        match runner.ask(
            &Request::Load(load),
            Asking::within(self.conditions.patience),
        )? {
            Reply::Loaded { setup_ns } => {
                check_claim(Duration::from_nanos(setup_ns), asked.elapsed())?;
                live.setups.push(setup_ns);
                live.runner = Some(runner);
                Ok(())
            }
            // Whoever did it once cannot say that it is not for it.
            Reply::Unsupported { reason } if live.row.samples.is_empty() => {
                live.skipped = Some(short(&reason));
                Err(Fault::Failed("unsupported".to_owned()))
            }
            other => Err(mismatch("load", &other)),
        }
    }

    fn try_sample(&mut self, cell: usize, at: Moment) -> Result<Duration, Fault> {
        let patience = self.patience(cell);
        let live = &mut self.cells[cell];
        let runner = live
            .runner
            .as_mut()
            .ok_or_else(|| Fault::Failed("it was not started".to_owned()))?;
        let cpu_before = tree_cpu_ns(runner.id());
        if let Some((since, cpu)) = live.idle_since {
            live.idle += since.elapsed();
            live.idle_cpu += Duration::from_nanos(cpu_before.saturating_sub(cpu));
        }
        let asked = Instant::now();
        let reply = runner.ask(&Request::Sample, Asking::within(patience))?;
        let elapsed = asked.elapsed();
        let cpu_after = tree_cpu_ns(runner.id());
        live.idle_since = Some((Instant::now(), cpu_after));
        let Reply::Sample(sample) = reply else {
            return Err(mismatch("sample", &reply));
        };
        check_digest(sample.digest, self.conditions.digest)?;
        let wall = Duration::from_nanos(sample.wall_ns);
        check_time(wall, elapsed, self.conditions.needs.longest)?;
        check_work(wall, self.conditions.needs.cpu, num_cpus::get())?;
        let used = sample.usage.unwrap_or_else(|| usage::Usage {
            cpu_ns: cpu_after.saturating_sub(cpu_before),
            ..usage::Usage::default()
        });
        live.row.samples.push(Sample {
            wall_ns: sample.wall_ns,
            cpu_ns: used.cpu_ns,
            user_ns: used.user_ns,
            system_ns: used.system_ns,
            voluntary_switches: used.voluntary_switches,
            involuntary_switches: used.involuntary_switches,
            life: at.life,
            round: at.round,
            warm_up: at.warm_up,
            metrics: sample.metrics,
        });
        Ok(wall)
    }
}

impl<'a> Live<'a> {
    fn new(entry: Entry<'a>, workload: &Workload) -> Live<'a> {
        let row = Cell {
            workload: workload.name.clone(),
            model: entry.contestant.name.clone(),
            variant: entry.variant.name.clone(),
            workers: entry.workers,
            tasks: workload.tasks,
            verified: false,
            error: None,
            setup_ns: 0,
            samples: Vec::new(),
            wall_ns: None,
            response_ns: None,
            ratio_to_best: None,
            rank: None,
            tied_with_best: None,
            speedup: None,
            threads_peak: None,
            processes_peak: None,
            rss_peak_bytes: None,
            metrics: Default::default(),
            note: None,
        };
        Live {
            entry,
            runner: None,
            setups: Vec::new(),
            row,
            skipped: None,
            idle_since: None,
            idle: Duration::ZERO,
            idle_cpu: Duration::ZERO,
        }
    }
}

impl Bench for Table<'_> {
    fn start(&mut self, cell: usize) -> Result<(), Stop> {
        self.try_start(cell).map_err(stop)
    }

    fn sample(&mut self, cell: usize, at: Moment) -> Result<Duration, Stop> {
        self.conditions
            .progress
            .sampling(&self.cells[cell].row.contestant(), at, self.now());
        self.try_sample(cell, at).map_err(stop)
    }

    fn end(&mut self, cell: usize) {
        if let Some(runner) = self.cells[cell].runner.take()
            && let Err(fault) = runner.quit()
        {
            self.failed(cell, fault.to_string());
        }
    }

    fn failed(&mut self, cell: usize, why: String) {
        let live = &mut self.cells[cell];
        if live.skipped.is_none() {
            live.row.error = Some(why);
        }
    }

    fn single(&mut self, cell: usize) {
        self.cells[cell].row.note =
            Some("more do not fit the budget's share of this table".to_owned());
    }

    fn now(&self) -> Duration {
        self.start.elapsed()
    }
}

/// The entry of a cell that is not measured.
pub(super) fn skip(entry: &Entry<'_>, workload: &Workload, reason: String) -> Skipped {
    Skipped {
        workload: workload.name.clone(),
        model: entry.contestant.name.clone(),
        variant: entry.variant.name.clone(),
        reason,
        workers: entry.workers,
        tasks: workload.tasks,
    }
}

fn stop(fault: Fault) -> Stop {
    match fault {
        Fault::Interrupted => Stop::Interrupted,
        fault => Stop::Cell(fault.to_string()),
    }
}

fn check_digest(got: u64, right: u64) -> Result<(), Fault> {
    if got == right {
        return Ok(());
    }
    Err(Fault::Wrong(format!(
        "its outputs have the digest {got:016x}, the right ones {right:016x}"
    )))
}

/// A time that cannot be is a wrong answer too.
fn check_time(wall: Duration, elapsed: Duration, longest_wait: Duration) -> Result<(), Fault> {
    check_claim(wall, elapsed)?;
    if wall.is_zero() {
        return Err(Fault::Wrong(
            "it claims 0 ns, and nothing is done in no time".to_owned(),
        ));
    }
    if wall < longest_wait * 99 / 100 {
        return Err(Fault::Wrong(format!(
            "it claims {:.3} ms, but one task alone waits for {:.3} ms",
            ms(wall),
            ms(longest_wait)
        )));
    }
    Ok(())
}

/// Nor can work be done much faster than the referee did it, on all processors.
fn check_work(wall: Duration, cpu: Duration, cpus: usize) -> Result<(), Fault> {
    let cpus = u32::try_from(cpus.max(1)).unwrap_or(u32::MAX);
    if cpu < LEAST_WORK || wall * MUCH_FASTER * cpus >= cpu {
        return Ok(());
    }
    Err(Fault::Wrong(format!(
        "it claims {:.3} ms for work that took the referee {:.3} ms of CPU time, with {cpus} processors here",
        ms(wall),
        ms(cpu)
    )))
}

/// What each timed sample says for itself is worth more than what the untimed one says: the median of them.
fn of_the_timed_samples(row: &mut Cell) {
    let names: BTreeSet<String> = counted(row)
        .iter()
        .flat_map(|sample| sample.metrics.keys().cloned())
        .collect();
    for name in names {
        let values: Vec<f64> = counted(row)
            .iter()
            .filter_map(|sample| sample.metrics.get(&name).copied())
            .collect();
        if let Some(value) = median(&values) {
            row.metrics.insert(name, value);
        }
    }
}

/// Nothing takes longer than the wait for its answer.
fn check_claim(claim: Duration, elapsed: Duration) -> Result<(), Fault> {
    // Two clocks that tick alike may still be read in another order.
    if claim <= elapsed + Duration::from_millis(1) {
        return Ok(());
    }
    Err(Fault::Wrong(format!(
        "it claims {:.3} ms, but its answer came after {:.3} ms",
        ms(claim),
        ms(elapsed)
    )))
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn tree_cpu_ns(pid: u32) -> u64 {
    let below = tree::descendants(pid);
    std::iter::once(pid)
        .chain(below)
        .filter_map(usage::process_cpu_ns)
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_done_in_next_to_no_time_was_not_done() {
        let ms = Duration::from_millis;
        assert!(check_work(ms(50), ms(100), 2).is_ok());
        assert!(check_work(ms(5), ms(100), 2).is_ok());
        let error = check_work(ms(4), ms(100), 2).unwrap_err().to_string();
        assert!(error.contains("4.000 ms") && error.contains("100.000 ms"));
        assert!(check_work(ms(0), ms(9), 2).is_ok(), "too little to tell");
    }

    #[test]
    fn impossible_times_are_wrong_answers() {
        let ms = Duration::from_millis;
        assert!(check_time(ms(10), ms(11), ms(10)).is_ok());
        assert!(
            check_time(ms(10), ms(5), ms(0))
                .unwrap_err()
                .to_string()
                .contains("came after 5.000 ms")
        );
        assert!(
            check_time(ms(10), ms(11), ms(20))
                .unwrap_err()
                .to_string()
                .contains("waits for 20.000 ms")
        );
        assert!(
            check_time(ms(0), ms(11), ms(0))
                .unwrap_err()
                .to_string()
                .contains("0 ns")
        );
    }
}
