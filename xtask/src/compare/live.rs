//! One cell of a table while it is measured: the contestant's process and its samples.

use std::time::{Duration, Instant};

use workload::definition::Pattern;
use workload::protocol::{Load, Reply, Request, Sample as Said, Sources};
use workload::serve::Report;

use super::answer::{check_digest, judged_by_requests};
use super::conditions::Conditions;
use super::contestant::{introduce, mismatch};
use super::entries::Entry;
use super::evidence::{self, Bounds, Judgement, Next, Tries};
use super::forecast::{LONGEST_SAMPLE, Needs, Shape, at_most_at_once, at_once};
use super::outside::{self, Span, Used};
use super::possible::{self, Seen, check_claim, processors};
use super::requests::OrderAddress;
use super::runner::{Asking, Fault, Runner, short};
use super::schedule::{self, Moment};
use super::warnings::Warning;
use super::{heard, trace};
use crate::results::{Cell, Sample, Workload};

/// A runner that uses more CPU than this share of the time between its samples disturbs the others.
const IDLE_SHARE: f64 = 0.02;

/// Less CPU time than this between samples is the end of the last reply.
const IDLE_LEAST: Duration = Duration::from_millis(20);

/// No answer is expected to take longer than this, so the time limit of one is bounded too. Cells
/// that are predicted to take longer than [`LONGEST_SAMPLE`] are skipped.
const MOST_EXPECTED: Duration = LONGEST_SAMPLE.saturating_mul(2);

/// The inputs of a table, the right answer, and what the tasks need.
#[derive(Debug)]
pub(super) struct Work {
    /// Where the inputs are.
    pub(super) sources: Sources,
    /// Their pattern.
    pub(super) pattern: Pattern,
    /// How many tasks there are.
    pub(super) tasks: usize,
    /// The right digest.
    pub(super) digest: u64,
    /// The needs of the tasks.
    pub(super) needs: Needs,
    /// The settings that decide how many tasks can be in flight.
    pub(super) shape: Shape,
}

/// A cell that is being measured.
#[derive(Debug)]
pub(super) struct Live<'a> {
    pub(super) entry: Entry<'a>,
    runner: Option<Runner<'a>>,
    /// The address at which the current process orders its requests.
    orders_to: Option<OrderAddress>,
    setups: Vec<u64>,
    /// The cell's row in the results.
    pub(super) row: Cell,
    /// Why the cell is not measured.
    pub(super) skipped: Option<String>,
    /// Whether it is skipped for what the pilots predict.
    pub(super) is_too_slow: bool,
    /// When the last answer came, and the CPU time of the runner's tree by then.
    answered: Option<(Instant, Option<Used>)>,
    idle: Duration,
    idle_cpu: Duration,
    /// The longest time that an answer is expected to take: by a prediction, or by the claims of
    /// samples that are kept. Time that a contestant lets pass beyond its claim does not count.
    longest: Duration,
    /// From when on a sample is looked at from outside, since it is too long to be timed.
    watched_after: Option<Duration>,
    /// The sample whose claim agrees best with the time that its answer took.
    best_agreeing: Option<Seen>,
    /// Why the timeline that it reported was left out.
    odd_timeline: Option<String>,
}

/// A sample: what the contestant reported and what was observed.
struct Taken {
    said: Said,
    seen: Seen,
}

fn own_threads(entry: &Entry<'_>) -> u64 {
    let hello = entry.contestant.hello.as_ref();
    hello.map_or(0, |hello| hello.own_threads)
}

impl<'a> Live<'a> {
    /// A new cell of this table.
    pub(super) fn new(entry: Entry<'a>, workload: &Workload, work: &Work) -> Live<'a> {
        let row = Cell {
            workload: workload.name.clone(),
            model: entry.contestant.name.clone(),
            variant: entry.variant.name.clone(),
            workers: entry.workers,
            sized: entry.sized,
            at_once: Some(at_most_at_once(
                entry.variant.concurrency,
                entry.workers,
                &work.shape,
            )),
            tasks: workload.tasks,
            rate: workload.rate,
            unrepeatable: workload.unrepeatable,
            ..Cell::default()
        };
        let mut live = Live {
            entry,
            runner: None,
            orders_to: None,
            setups: Vec::new(),
            row,
            skipped: None,
            is_too_slow: false,
            answered: None,
            idle: Duration::ZERO,
            idle_cpu: Duration::ZERO,
            longest: Duration::ZERO,
            watched_after: None,
            best_agreeing: None,
            odd_timeline: None,
        };
        // Waits that were measured are no bound, but take their time all the same.
        let at_once = live.at_once(work);
        live.expect(
            work.needs
                .with_programs()
                .lower_bound(at_once, num_cpus::get()),
        );
        live
    }

    /// Notes that an answer may take `longest`.
    pub(super) fn expect(&mut self, longest: Duration) {
        self.longest = self.longest.max(longest.min(MOST_EXPECTED));
    }

    /// The least time that a sample of this work can take.
    pub(super) fn lower_bound(&self, work: &Work) -> Duration {
        work.needs.lower_bound(self.at_once(work), num_cpus::get())
    }

    fn at_once(&self, work: &Work) -> usize {
        let Entry {
            variant, workers, ..
        } = &self.entry;
        at_once(variant.concurrency, *workers, &work.shape)
    }

    /// Looks at memory, threads and processes during samples that take longer than this.
    pub(super) fn watch_after(&mut self, limit: Option<Duration>) {
        self.watched_after = limit;
    }

    /// Whether it was looked at.
    pub(super) fn is_traced(&self) -> bool {
        self.row.threads_peak.is_some()
    }

    fn patience(&self, conditions: &Conditions<'_>, work: &Work) -> Duration {
        conditions.patience + self.lower_bound(work).max(self.longest).saturating_mul(4)
    }

    /// Ends the process, if there is one.
    ///
    /// # Errors
    ///
    /// If the contestant printed more than its replies.
    pub(super) fn end(&mut self, conditions: &Conditions<'_>) -> Result<(), Fault> {
        self.answered = None;
        if let Some(orders_to) = self.orders_to.take() {
            conditions.servers.borrow_mut().close(orders_to);
        }
        self.runner.take().map_or(Ok(()), Runner::quit)
    }

    /// Starts the contestant afresh and makes it load this work.
    ///
    /// # Errors
    ///
    /// A [`Fault`] of the contestant or of the comparison's own program `requests`.
    pub(super) fn start(&mut self, conditions: &Conditions<'a>, work: &Work) -> Result<(), Fault> {
        self.end(conditions)?;
        let contestant = self.entry.contestant;
        if let Err(why) = &contestant.hello {
            return Err(Fault::Unmet(why.clone()));
        }
        let (_, mut runner) = introduce(
            &contestant.command,
            conditions.patience,
            conditions.interrupt,
        )?;
        let mut sources = work.sources.clone();
        if matches!(work.pattern, Pattern::Serve { .. }) {
            let mut servers = conditions.servers.borrow_mut();
            let orders_to = servers.with_requests(|requests| requests.open(&sources.inputs));
            let orders_to = orders_to.map_err(Fault::Own)?;
            sources.requests = Some(orders_to.address);
            self.orders_to = Some(orders_to);
        }
        let load = Load {
            sources,
            variant: self.entry.variant.name.clone(),
            workers: self.entry.workers.max(1),
        };
        let asked = Instant::now();
        match runner.ask(&Request::Load(load), Asking::within(conditions.patience))? {
            Reply::Loaded { setup_ns, calls } => {
                self.row.function = calls.map(|calls| short(&calls));
                check_claim(Duration::from_nanos(setup_ns), asked.elapsed())?;
                self.setups.push(setup_ns);
                self.answered = Some((Instant::now(), outside::look(&runner)));
                self.runner = Some(runner);
                Ok(())
            }
            // A contestant with samples cannot claim that it does not support the workload.
            Reply::Unsupported { reason } if self.row.samples.is_empty() => {
                self.skipped = Some(short(&reason));
                Err(Fault::Failed("unsupported".to_owned()))
            }
            other => Err(mismatch("load", &other)),
        }
    }

    /// Takes a sample and keeps it.
    ///
    /// # Errors
    ///
    /// If the contestant fails, or claims an impossible time.
    pub(super) fn sample(
        &mut self,
        conditions: &Conditions<'_>,
        work: &Work,
        at: Moment,
    ) -> Result<schedule::Taken, Fault> {
        let Taken { said, seen } = self.believable(conditions, work)?;
        self.expect(seen.accounted_for(work.tasks));
        let used = outside::corrected(said.usage, seen.cpu);
        self.row.samples.push(Sample {
            wall_ns: said.wall_ns,
            cpu_ns: used.cpu_ns,
            user_ns: used.user_ns,
            system_ns: used.system_ns,
            voluntary_switches: used.voluntary_switches,
            involuntary_switches: used.involuntary_switches,
            life: at.life,
            round: at.round,
            warm_up: at.first,
            metrics: said.metrics,
        });
        let served = self.orders_to.is_some();
        let judged_ns = self.row.samples.last().map(|last| last.judged_ns(served));
        Ok(schedule::Taken {
            judged_ns: judged_ns.unwrap_or(f64::NAN),
            wall: seen.wall,
        })
    }

    /// The time from request to answer of a sample that is not kept, for the pilots.
    ///
    /// # Errors
    ///
    /// As with [`sample`](Self::sample).
    pub(super) fn try_out(
        &mut self,
        conditions: &Conditions<'_>,
        work: &Work,
    ) -> Result<Duration, Fault> {
        let taken = self.take(conditions, work)?;
        self.expect(taken.seen.accounted_for(work.tasks));
        // They belong to other inputs.
        self.setups.clear();
        Ok(taken.seen.elapsed)
    }

    /// Repeats a sample until its time is credible for the work in it, or agrees with the time that
    /// its answer took. A reply may come late on a busy machine, so only a contestant whose samples
    /// are all absurd is refused.
    fn believable(&mut self, conditions: &Conditions<'_>, work: &Work) -> Result<Taken, Fault> {
        let bounds = self.bounds(work);
        let mut tries = Tries::until(Instant::now() + self.patience(conditions, work));
        let mut idle: Option<Span> = None;
        loop {
            let mut taken = self.take(conditions, work)?;
            // Tries follow each other at once, which leaves no time to work ahead, so the time
            // before the first one counts for all.
            idle = idle
                .into_iter()
                .chain(taken.seen.idle)
                .max_by_key(|span| span.at_least);
            taken.seen.idle = idle;
            let seen = taken.seen;
            let judgement = evidence::judge(&seen, &work.needs, bounds);
            // Served samples are timed by `requests`; otherwise nothing contradicts the claim so
            // far.
            if judgement == Judgement::Credible {
                self.best_agreeing = Some(match self.best_agreeing {
                    Some(best) if best.lost() < seen.lost() => best,
                    _ => seen,
                });
            }
            match tries.after(taken, judgement, Instant::now()) {
                Next::Keep(taken) => return Ok(taken),
                Next::Again => {}
                Next::Refuse(words) => return Err(Fault::Wrong(words)),
            }
        }
    }

    fn bounds(&self, work: &Work) -> Bounds {
        let Entry {
            variant, workers, ..
        } = &self.entry;
        Bounds {
            at_once: at_most_at_once(variant.concurrency, *workers, &work.shape),
            cpus: processors(),
            outputs: work.tasks,
            served: self.orders_to.is_some(),
        }
    }

    fn take(&mut self, conditions: &Conditions<'_>, work: &Work) -> Result<Taken, Fault> {
        let patience = self.patience(conditions, work);
        let runner = self.runner.as_mut().ok_or_else(not_started)?;
        let pid = runner.id();
        if let Some(orders_to) = self.orders_to {
            let mut servers = conditions.servers.borrow_mut();
            let begun = servers.with_requests(|requests| requests.begin(orders_to, pid));
            begun.map_err(Fault::Own)?;
        }
        let before = outside::look(runner);
        let mut idle = None;
        if let Some((since, used)) = self.answered {
            self.idle += since.elapsed();
            idle = before.zip(used).map(|(now, then)| now.since(&then));
            self.idle_cpu += idle.map_or(Duration::ZERO, |span| span.about);
        }
        let complained = runner.complained();
        let own_threads = own_threads(&self.entry);
        let mut watched = self
            .watched_after
            .map(|after| (after, trace::Peaks::before(pid, own_threads)));
        let asked = Instant::now();
        let reply = match &mut watched {
            None => runner.ask(&Request::Sample, Asking::within(patience)),
            Some((after, peaks)) => runner.ask(
                &Request::Sample,
                Asking::watched(patience, *after, &mut || peaks.look()),
            ),
        };
        let elapsed = asked.elapsed();
        let complained = runner.complained() - complained;
        let after = outside::look(runner);
        if let Some((_, mut peaks)) = watched.filter(|(_, peaks)| peaks.threads().is_some()) {
            peaks.finish();
            self.peaks(&peaks);
        }
        self.answered = Some((Instant::now(), after));
        let report = self.report(conditions, &reply)?;
        let said = match reply? {
            Reply::Sample(said) => said,
            other => return Err(mismatch("sample", &other)),
        };
        let metrics = heard::metrics(said.metrics, elapsed);
        let said = judged_by_requests(Said { metrics, ..said }, report, self.orders_to)?;
        check_digest(said.digest, work.digest)?;
        let seen = Seen {
            wall: Duration::from_nanos(said.wall_ns),
            elapsed,
            cpu: after
                .zip(before)
                .map(|(after, before)| after.since(&before)),
            idle,
            complained,
        };
        let bounds = self.bounds(work);
        if !bounds.served {
            possible::check(&seen, &work.needs, bounds.at_once, bounds.cpus)?;
        }
        Ok(Taken { said, seen })
    }

    /// The report on the requests of the sample that just ended.
    fn report(
        &mut self,
        conditions: &Conditions<'_>,
        reply: &Result<Reply, Fault>,
    ) -> Result<Option<Report>, Fault> {
        match self.orders_to {
            Some(orders_to) if !matches!(reply, Err(Fault::Interrupted)) => {
                let mut servers = conditions.servers.borrow_mut();
                servers
                    .with_requests(|requests| requests.end(orders_to))
                    .map_err(Fault::Own)
            }
            _ => Ok(None),
        }
    }

    /// One untimed sample, observed from outside: memory, threads, processes and the model's
    /// metrics.
    ///
    /// # Errors
    ///
    /// As with [`sample`](Self::sample).
    pub(super) fn trace(&mut self, conditions: &Conditions<'_>, work: &Work) -> Result<(), Fault> {
        let patience = self.patience(conditions, work);
        let own_threads = own_threads(&self.entry);
        let runner = self.runner.as_mut().ok_or_else(not_started)?;
        if let Some(orders_to) = self.orders_to {
            let pid = runner.id();
            let mut servers = conditions.servers.borrow_mut();
            let begun = servers.with_requests(|requests| requests.begin(orders_to, pid));
            begun.map_err(Fault::Own)?;
        }
        let mut peaks = trace::Peaks::before(runner.id(), own_threads);
        let mut look = || peaks.look();
        let asking = Asking::watched(patience, Duration::ZERO, &mut look);
        let asked = Instant::now();
        let reply = runner.ask(&Request::Trace, asking);
        let elapsed = asked.elapsed();
        let report = self.report(conditions, &reply)?;
        let (digest, metrics, timeline) = match reply? {
            Reply::Trace {
                digest,
                metrics,
                timeline,
            } => (digest, metrics, timeline),
            other => return Err(mismatch("trace", &other)),
        };
        let said = Said {
            digest,
            metrics: heard::metrics(metrics, elapsed),
            ..Said::default()
        };
        let said = judged_by_requests(said, report, self.orders_to)?;
        check_digest(said.digest, work.digest)?;
        peaks.finish();
        if let (None, Some(seen), Some(threads)) =
            (self.orders_to, self.best_agreeing, peaks.all_threads())
        {
            possible::check_threads(&seen, &work.needs, work.tasks, threads, processors())?;
        }
        self.peaks(&peaks);
        self.row.metrics = said.metrics;
        let timeline = timeline.map(|said| heard::timeline(said, elapsed));
        match timeline.transpose() {
            Ok(timeline) => self.row.timeline = timeline,
            Err(why) => self.odd_timeline = Some(why),
        }
        Ok(())
    }

    fn peaks(&mut self, peaks: &trace::Peaks) {
        self.row.threads_peak = peaks.threads();
        self.row.processes_peak = peaks.processes();
        self.row.rss_peak_bytes = peaks.memory_bytes();
    }

    /// A warning if the contestant used the CPU between its samples, and one if its timeline was
    /// left out.
    pub(super) fn warnings(&self) -> impl Iterator<Item = Warning> {
        let cell = format!("{} on {}", self.row.contestant(), self.row.workload);
        let share = self.idle_cpu.as_secs_f64() / self.idle.as_secs_f64().max(1e-9);
        let odd = self.odd_timeline.clone().map(|why| Warning::OddTimeline {
            cell: cell.clone(),
            why,
        });
        let used = self.idle_cpu > IDLE_LEAST && share > IDLE_SHARE;
        let used = used.then_some(Warning::UsedBetween { cell, share });
        used.into_iter().chain(odd)
    }

    /// The setup times of all starts, in nanoseconds.
    pub(super) fn setups(&self) -> Vec<f64> {
        self.setups.iter().map(|ns| *ns as f64).collect()
    }
}

fn not_started() -> Fault {
    Fault::Failed("it was not started".to_owned())
}
