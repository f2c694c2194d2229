//! The watchdog's loop: sleep, check all threads, report.

use std::cmp::Reverse;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, SystemTime};

use super::finding::{Finding, Source, TrackedThread};
use super::lateness::{Lateness, Usage};
use super::quota::Quota;
use super::rate_limit::RateLimit;
use super::sink::Sink;
use super::tracker::{Check, StallTracker};
use crate::panic::drop_quietly;
use crate::shared::Shared;
use crate::stall::{Phase, Stall};

/// Checks per threshold. A stall is found when it has passed the threshold, one period later at
/// most. The beginning of an unwrapped one is unknown, which costs another period: 1.4 times the
/// threshold.
const CHECKS: u32 = 5;

/// After this many checks without activity the watchdog dozes, and is woken by the next poll.
const QUIET_CHECKS: u32 = 10;

/// The longest doze, see [`Watchdog::nap`].
const DOZE: Duration = Duration::from_secs(1);

pub(crate) struct Watchdog {
    shared: Arc<Shared>,
    period: Duration,
    threads: Vec<TrackedThread>,
    #[cfg(feature = "tokio")]
    workers: crate::runtime::workers::Workers,
    sink: Sink,
    limit: RateLimit,
    /// The file in which backtraces end, if they are taken.
    #[cfg(all(feature = "backtrace", target_os = "linux"))]
    backtraces: Option<&'static str>,
}

impl Watchdog {
    pub(crate) fn new(shared: Arc<Shared>, sink: Sink, limit: RateLimit) -> Self {
        let period = Duration::from_nanos(shared.threshold) / CHECKS;
        Self {
            shared,
            period,
            threads: Vec::new(),
            #[cfg(feature = "tokio")]
            workers: crate::runtime::workers::Workers::default(),
            sink,
            limit,
            #[cfg(all(feature = "backtrace", target_os = "linux"))]
            backtraces: None,
        }
    }

    /// Takes backtraces that end at the first frame in `poll_file`, if there is one.
    #[cfg(all(feature = "backtrace", target_os = "linux"))]
    pub(crate) fn with_backtraces(self, poll_file: Option<&'static str>) -> Self {
        let backtraces = poll_file;
        Self { backtraces, ..self }
    }

    /// Watches until stopped.
    pub(crate) fn run(mut self) {
        #[cfg(all(feature = "backtrace", target_os = "linux"))]
        if self.backtraces.is_some() {
            crate::backtrace::warm_up();
        }
        // No thread polls yet.
        let mut quiet = QUIET_CHECKS;
        let mut slept_from = self.shared.now();
        let mut checked_at = slept_from;
        let mut lateness = Lateness::new();
        let mut quota = Quota::default();
        while !self.shared.is_stopped() {
            let was_dozing = self.shared.is_dozing();
            let planned = self.nap(quiet, was_dozing);
            thread::park_timeout(planned);
            let now = self.shared.now();
            let asleep = now - slept_from;
            let woken_from_doze = was_dozing && !self.shared.is_dozing();
            let late = asleep.saturating_sub(planned.as_nanos() as u64);
            let split = lateness.split(late);
            let is_very_late = late > self.shared.threshold / 2 && !woken_from_doze;
            let has_quota = quota.in_force(now);
            let overslept = match () {
                // The poll that woke the watchdog has just begun.
                () if woken_from_doze => asleep,
                () if is_very_late || has_quota => late,
                // On a busy machine the watchdog sometimes waits for a CPU, while the watched
                // threads run: such time counts.
                () => split.stopped,
            };
            if is_very_late {
                self.shared.counts.overslept.fetch_add(1, Ordering::Relaxed);
            }
            let (findings, active) = self.check(Check {
                now,
                overslept,
                interval: now - checked_at,
                threshold: self.shared.threshold,
                has_quota,
            });
            checked_at = now;
            slept_from = now;
            let (blocked, watched) = self.counts();
            let ongoing = &self.shared.counts.ongoing;
            ongoing.store(blocked as u64, Ordering::Relaxed);
            if !findings.is_empty() {
                self.report(findings, blocked, watched);
                // The time of a callback is not sleep.
                slept_from = self.shared.now();
                lateness.mark();
            }
            quiet = if active || woken_from_doze {
                self.shared.set_dozing(false);
                0
            } else {
                quiet.saturating_add(1)
            };
        }
        self.shared.counts.ongoing.store(0, Ordering::Relaxed);
        drop_quietly(self.sink);
    }

    /// How long to sleep until the next check.
    ///
    /// After a quiet time the watchdog sets the dozing flag, so that the next poll wakes it. The
    /// polling thread reads the flag without a fence and may still see an old value; but then its
    /// poll began before the flag was visible everywhere, which takes far less than a period, and
    /// the one check that still follows sees the poll. Only then does the watchdog doze. The
    /// longest doze bounds the harm if a machine should ever behave differently.
    fn nap(&self, quiet: u32, dozing: bool) -> Duration {
        if quiet < QUIET_CHECKS {
            return self.period;
        }
        if !dozing {
            self.shared.set_dozing(true);
            return self.period;
        }
        DOZE
    }

    /// Checks all threads once. Also returns whether any of them was active.
    fn check(&mut self, check: Check) -> (Vec<Finding>, bool) {
        let mut findings = Vec::new();
        let mut active = false;
        self.update_threads(&mut findings);
        for (index, tracked) in self.threads.iter_mut().enumerate() {
            let record = &tracked.record;
            let seq = record.slot.seq();
            let poll = record.slot.current();
            active |= poll.is_some() || seq != tracked.seq;
            tracked.seq = seq;
            // A quota stops threads one by one, so each thread's own wait matters.
            let usage = check
                .has_quota
                .then(|| Usage::of(record.thread.os_id))
                .flatten();
            let current = poll.map(|poll| (poll.seq, poll.since));
            let (ended, step) = tracked.tracker.observe(check, current, usage);
            findings.extend(ended.and_then(|ended| {
                let took = record.slot.long_poll(ended.seq);
                Finding::ended(ended, took)
            }));
            findings.extend(tracked.tracker.due(step).map(|due| Finding {
                poll,
                record: Some(Arc::clone(record)),
                ..Finding::blocked(due, Some(Arc::clone(&record.thread)), Source::Thread(index))
            }));
        }
        #[cfg(feature = "tokio")]
        {
            let (shared, threads) = (&self.shared, &self.threads);
            active |= self.workers.check(check, shared, threads, &mut findings);
        }
        (findings, active)
    }

    /// Adds new threads and forgets those that have exited.
    fn update_threads(&mut self, findings: &mut Vec<Finding>) {
        let records = self.shared.records();
        self.threads.retain_mut(|tracked| {
            let mut records = records.iter();
            let stays = records.any(|record| Arc::ptr_eq(record, &tracked.record));
            if !stays && let Some(ended) = tracked.tracker.end() {
                let took = tracked.record.slot.long_poll(ended.seq);
                findings.extend(Finding::ended(ended, took));
            }
            stays
        });
        for record in records {
            let mut threads = self.threads.iter();
            if !threads.any(|tracked| Arc::ptr_eq(&tracked.record, &record)) {
                self.threads.push(TrackedThread {
                    seq: 0,
                    tracker: StallTracker::default(),
                    record,
                });
            }
        }
    }

    /// The number of blocked threads, and of watched ones.
    fn counts(&self) -> (usize, usize) {
        let threads = self.threads.iter();
        let blocked = threads.filter(|tracked| tracked.tracker.is_blocked());
        let counts = (blocked.count(), self.threads.len());
        #[cfg(feature = "tokio")]
        let counts = {
            let (blocked, watched) = self.workers.counts(&self.threads);
            (counts.0 + blocked, counts.1 + watched)
        };
        counts
    }

    fn tracker(&mut self, source: &Source) -> Option<&mut StallTracker<Box<Stall>>> {
        match *source {
            Source::Thread(index) => Some(&mut self.threads[index].tracker),
            #[cfg(feature = "tokio")]
            Source::Worker(runtime, worker) => self.workers.tracker(runtime, worker),
            Source::Ended(_) => None,
        }
    }

    fn report(&mut self, mut findings: Vec<Finding>, blocked: usize, watched: usize) {
        self.limit.set_watched(watched);
        // Ended stalls first, then delayed reports, then the longest stalls: short stalls of other
        // threads must not use up the limit again and again.
        findings.sort_by_key(|finding| {
            let has_ended = matches!(finding.source, Source::Ended(_));
            Reverse((has_ended, finding.is_delayed, finding.lasted))
        });
        for finding in findings {
            let Some(stall) = self.stall(finding, blocked, watched) else {
                continue;
            };
            if !self.sink.report(&stall) {
                let panics = &self.shared.counts.callback_panics;
                panics.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// The report of a finding, if the rate limit allows it. Counts a new stall in either case.
    fn stall(&mut self, finding: Finding, blocked: usize, watched: usize) -> Option<Stall> {
        let shared = Arc::clone(&self.shared);
        let lasted = Duration::from_nanos(finding.lasted);
        if let Source::Ended(reported) = finding.source {
            return Some(Stall {
                phase: Phase::Ended,
                lasted,
                blocked,
                watched,
                suppressed: 0,
                #[cfg(all(feature = "backtrace", target_os = "linux"))]
                backtrace: None,
                ..*reported
            });
        }
        let allowed = if finding.is_delayed {
            Some(self.limit.take_again(shared.now())?)
        } else {
            self.limit.take(shared.now())
        };
        let task = |id| shared.sites.find(id).map(|site| site.task.clone());
        let poll = finding.poll;
        let stall = Stall {
            phase: finding.phase,
            thread: finding.thread.clone(),
            task: poll.and_then(|poll| task(poll.site)),
            within: poll
                .filter(|poll| poll.inner != poll.site)
                .and_then(|poll| task(poll.inner)),
            worker: finding.worker,
            since: SystemTime::now()
                .checked_sub(lasted)
                .unwrap_or(SystemTime::UNIX_EPOCH),
            lasted,
            blocked,
            watched,
            suppressed: allowed.unwrap_or(0),
            #[cfg(all(feature = "backtrace", target_os = "linux"))]
            backtrace: match self.backtraces {
                Some(poll_file) if allowed.is_some() => capture(&finding, self.period, poll_file),
                _ => None,
            },
        };
        if finding.phase == Phase::Began && !finding.is_delayed {
            shared.keep(&stall);
            shared.counts.stalls.fetch_add(1, Ordering::Release);
        }
        if allowed.is_none() {
            shared.counts.suppressed.fetch_add(1, Ordering::Relaxed);
            return None;
        }
        if let Some(tracker) = self.tracker(&finding.source) {
            tracker.set_reported(Box::new(stall.clone()));
        }
        Some(stall)
    }
}

/// The backtrace of the thread, unless it has made progress in the meantime.
#[cfg(all(feature = "backtrace", target_os = "linux"))]
fn capture(
    finding: &Finding,
    timeout: Duration,
    poll_file: &'static str,
) -> Option<crate::backtrace::Backtrace> {
    let seq = || finding.record.as_ref().map(|record| record.slot.seq());
    let before = seq();
    if finding.poll.is_some_and(|poll| before != Some(poll.seq)) {
        return None;
    }
    let thread = finding.thread.as_ref()?.os_id?;
    crate::backtrace::of_thread(thread, timeout, poll_file, || before == seq())
}
