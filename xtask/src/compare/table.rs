//! One table: all its cells, measured by real processes.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use workload::definition::Pattern;
use workload_stats::median;

use super::conditions::Conditions;
use super::entries::Entry;
use super::live::{Live, Work};
use super::pilot::Pilots;
use super::runner::Fault;
use super::schedule::{Bench, FAR, Moment, Standing, Stop, Taken};
use super::table_files::TableFiles;
use super::warnings::Warning;
use crate::results::{Cell, Skipped, Workload};
use crate::stats::{BASELINE, counted, judge_table};

/// The cells of a table while they are measured.
#[derive(Debug)]
pub(super) struct Table<'a> {
    conditions: Conditions<'a>,
    work: Work,
    files: TableFiles<'a>,
    cells: Vec<Live<'a>>,
    start: Instant,
    /// The shortest first sample.
    quickest: Option<Duration>,
}

/// A sample is looked at from outside only if it takes longer than this.
const LEAST_WATCHED: Duration = Duration::from_millis(20);

/// A cell with one sample that was looked at has no untimed one if its sample is longer than this.
const LONG: Duration = Duration::from_millis(50);

/// The limit on attempts at a cell whose inputs, or the files that its tasks read, are changed
/// meanwhile. Earlier failures are excused, but a contestant that changes the files each time gets
/// an error.
const TRIES: u32 = 3;

impl<'a> Table<'a> {
    /// A table of these cells.
    pub(super) fn new(
        conditions: Conditions<'a>,
        work: Work,
        files: TableFiles<'a>,
        entries: Vec<Entry<'a>>,
    ) -> Table<'a> {
        let cells = entries
            .into_iter()
            .map(|entry| Live::new(entry, conditions.workload, &work))
            .collect();
        Table {
            conditions,
            work,
            files,
            cells,
            start: Instant::now(),
            quickest: None,
        }
    }

    /// Runs the pilots of each cell, and skips the cells that would take too long with all tasks.
    /// Tables with few tasks have no pilots.
    ///
    /// # Errors
    ///
    /// [`Stop::Interrupted`] and [`Stop::Own`].
    pub(super) fn try_out(&mut self, pilots: &Pilots) -> Result<(), Stop> {
        for cell in 0..self.cells.len() {
            let live = &mut self.cells[cell];
            let tried = pilots.predict(live, &self.conditions, &self.work);
            let ended = live.end(&self.conditions);
            match tried.and_then(|reason| ended.map(|()| reason)) {
                Ok(None) => {}
                Ok(Some(reason)) => {
                    self.conditions.progress.note(&format!(
                        "{}: skipping {}: {reason}",
                        live.row.workload,
                        live.row.contestant()
                    ));
                    live.skipped = Some(reason);
                    live.is_too_slow = true;
                }
                Err(fault) => match self.stop(cell, fault) {
                    // The fault will recur with the real samples, and then becomes the row's error.
                    Stop::Cell(_) => {}
                    other => return Err(other),
                },
            }
        }
        Ok(())
    }

    /// The cells to sample.
    pub(super) fn contenders(&self) -> Vec<usize> {
        let all = 0..self.cells.len();
        all.filter(|cell| self.cells[*cell].skipped.is_none())
            .collect()
    }

    /// One untimed sample of each cell that has a timed one, in a freshly started runner with
    /// nobody beside it: memory, threads, processes, the model's own metrics and the timeline of
    /// its tasks. Cells that were too far off to win have been looked at during their only sample,
    /// if it is long; they have no timeline, except the baseline, to which all others are compared,
    /// and unless `all` are traced.
    ///
    /// # Errors
    ///
    /// [`Stop::Interrupted`] and [`Stop::Own`].
    pub(super) fn trace(&mut self, all: bool) -> Result<(), Stop> {
        for cell in 0..self.cells.len() {
            let live = &self.cells[cell];
            let all = all || live.row.model == BASELINE;
            let is_done = match live.row.samples.as_slice() {
                [] => true,
                [only] => !all && live.is_traced() && u128::from(only.wall_ns) > LONG.as_nanos(),
                _ => false,
            };
            if live.row.error.is_some() || is_done {
                continue;
            }
            self.conditions
                .progress
                .say(&format!("{}: memory and threads", live.row.contestant()));
            let traced = self
                .start(cell)
                .and_then(|()| self.attempt(cell, Live::trace));
            self.end(cell);
            match traced {
                Ok(()) => {}
                Err(Stop::Cell(why)) => self.failed(cell, why),
                Err(other) => return Err(other),
            }
        }
        Ok(())
    }

    /// The rows, the skipped cells and the warnings. If the comparison itself failed, cells without
    /// a sample are skipped for that reason.
    pub(super) fn finish(
        mut self,
        own_failure: Option<&str>,
    ) -> (Vec<Cell>, Vec<Skipped>, Vec<Warning>) {
        let (mut rows, mut skipped) = (Vec::new(), Vec::new());
        let mut warnings: Vec<Warning> = self.files.warning().into_iter().collect();
        for live in &mut self.cells {
            // Anything it prints now no longer matters.
            let _ = live.end(&self.conditions);
            if let Some(reason) = live.skipped.take() {
                skipped.push(Skipped {
                    too_slow: live.is_too_slow,
                    ..skip(&live.entry, self.conditions.workload, reason)
                });
                continue;
            }
            if live.row.error.is_none() && live.row.samples.is_empty() {
                // Ctrl-C came first, which needs no row, or the comparison itself failed.
                skipped.extend(
                    own_failure
                        .map(|why| skip(&live.entry, self.conditions.workload, why.to_owned())),
                );
                continue;
            }
            warnings.extend(live.warnings());
            live.row.setup_ns = median(&live.setups()).unwrap_or(0.0) as u64;
            of_the_timed_samples(&mut live.row);
            live.row.verified = live.row.error.is_none() && !live.row.unrepeatable;
            rows.push(live.row.clone());
        }
        (rows, skipped, warnings)
    }

    fn serves(&self) -> bool {
        matches!(self.work.pattern, Pattern::Serve { .. })
    }

    /// Ends a contestant after a fault, and decides whose fault it is: not the contestant's if a
    /// server that the table uses is broken. The contestant ends first, since it may be what keeps
    /// the server busy.
    fn stop(&mut self, cell: usize, fault: Fault) -> Stop {
        if matches!(fault, Fault::Interrupted) {
            return Stop::Interrupted;
        }
        // The fault counts, not what it still prints.
        let _ = self.cells[cell].end(&self.conditions);
        if let Fault::Own(why) = fault {
            return Stop::Own(why);
        }
        let fetches = self.work.sources.origin.is_some();
        let serves = self.serves();
        let mut servers = self.conditions.servers.borrow_mut();
        match servers.trouble(fetches, serves) {
            Some(why) => Stop::Own(why),
            None => Stop::Cell(fault.to_string()),
        }
    }

    /// Does something with a contestant that was started. If it fails and the table's files were
    /// changed, it is started and tried again.
    fn attempt<T>(
        &mut self,
        cell: usize,
        mut work: impl FnMut(&mut Live<'a>, &Conditions<'a>, &Work) -> Result<T, Fault>,
    ) -> Result<T, Stop> {
        let mut tries = 1;
        loop {
            let fault = match work(&mut self.cells[cell], &self.conditions, &self.work) {
                Ok(done) => return Ok(done),
                Err(fault) => fault,
            };
            match self.stop(cell, fault) {
                Stop::Cell(_) if tries < TRIES && self.files.changed() => {}
                other => return Err(other),
            }
            tries += 1;
            self.start(cell)?;
        }
    }

    /// Makes the table's files again if one was changed.
    fn restore(&mut self) -> Result<(), Stop> {
        if let Some(file) = self.files.restore(self.conditions.interrupt)? {
            self.conditions
                .progress
                .note(&format!("{file}: was changed or removed: made again"));
        }
        Ok(())
    }
}

impl Bench for Table<'_> {
    fn start(&mut self, cell: usize) -> Result<(), Stop> {
        let mut tries = 1;
        loop {
            self.restore()?;
            let started = self.cells[cell].start(&self.conditions, &self.work);
            let stop = match started {
                Ok(()) if !self.files.changed() => return Ok(()),
                // It may have loaded something else.
                Ok(()) => Stop::Cell(format!(
                    "its inputs were changed while it loaded them, {TRIES} times in a row"
                )),
                Err(fault) => self.stop(cell, fault),
            };
            match stop {
                Stop::Cell(_) if tries < TRIES && self.files.changed() => tries += 1,
                other => return Err(other),
            }
        }
    }

    fn sample(&mut self, cell: usize, at: Moment) -> Result<Taken, Stop> {
        self.conditions
            .progress
            .sampling(&self.cells[cell].row.contestant(), at, self.now());
        // Beyond this the first sample is too far off to win, whatever else comes.
        let far = self.quickest.filter(|_| at.round == 0 && !self.serves());
        let far = far.map(|quickest| quickest.mul_f64(FAR).max(LEAST_WATCHED));
        self.cells[cell].watch_after(far);
        let taken = self.attempt(cell, |live, conditions, work| {
            live.sample(conditions, work, at)
        })?;
        if at.round == 0 {
            let quickest = self.quickest.map_or(taken.wall, |now| now.min(taken.wall));
            self.quickest = Some(quickest);
        }
        Ok(taken)
    }

    fn at_least(&self, cell: usize) -> Duration {
        self.cells[cell].lower_bound(&self.work)
    }

    fn look(&mut self, in_play: &[usize], confidence: f64) -> Standing {
        for cell in in_play {
            self.cells[*cell].row.confidence = Some(confidence);
        }
        let mut rows: Vec<Cell> = self.cells.iter().map(|live| live.row.clone()).collect();
        for row in &mut rows {
            row.verified = row.error.is_none() && !row.unrepeatable;
        }
        judge_table(
            &mut rows.iter_mut().collect::<Vec<_>>(),
            self.conditions.rules,
        );
        let open = rows.iter().enumerate().filter_map(|(cell, row)| {
            let undecided = row.verdict.is_some_and(|verdict| !verdict.is_decided());
            let is_best = row.rank == Some(1);
            (undecided && !is_best).then(|| (cell, row.price.map(|price| price.rounds)))
        });
        Standing {
            best: rows.iter().position(|row| row.rank == Some(1)),
            open: open.collect(),
        }
    }

    fn end(&mut self, cell: usize) {
        if let Err(fault) = self.cells[cell].end(&self.conditions) {
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
        sized: entry.sized,
        tasks: workload.tasks,
        rate: workload.rate,
        at_least_ns: None,
        too_slow: false,
    }
}

/// Without the cells with more workers that are skipped for the same reason as those with fewer.
pub(super) fn told_once(mut skipped: Vec<Skipped>) -> Vec<Skipped> {
    let all = skipped.clone();
    skipped.retain(|one| {
        let mut others = all.iter().filter(|other| !other.sized);
        let same = |other: &Skipped| {
            (&other.model, &other.variant, &other.reason) == (&one.model, &one.variant, &one.reason)
        };
        !one.sized || !others.any(same)
    });
    skipped
}

/// A metric that each timed sample reports is worth more than that of the untimed one: the median
/// of them.
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
