//! Bounds on the times that a contestant may claim.
//!
//! A contestant times itself, so its claim is checked against independent evidence: the waits and
//! the work in the inputs, its declared concurrency, the time from request to answer, and the CPU
//! time of its processes observed from outside. A false accusation is as bad as a false win, so
//! each bound leaves room for what honest contestants were seen to do, also on a busy machine.

use std::time::Duration;

use super::forecast::Needs;
use super::outside::Span;
use super::runner::Fault;

/// Less work than this is not compared with CPU time: starting threads costs as much.
const LEAST_WORK: Duration = Duration::from_millis(1);

/// A contestant this many times faster than the referee is wrong. Vector instructions of another
/// language reach a factor of 8.
const MUCH_FASTER: u32 = 10;

/// A claim of at least this part of the referee's time needs no further evidence.
const CREDIBLE: f64 = 0.7;

/// Less work than this may cost less than the untimed parts of a sample.
const TELLING_WORK: Duration = Duration::from_millis(5);

/// The most CPU time that output to standard error excuses: it is not timed, but is a contestant's
/// choice.
const MOST_PRINTING: Duration = Duration::from_millis(5);

/// Threads that do this much work live long enough to be observed.
const SEEN_WORKING: Duration = Duration::from_millis(10);

/// The claim of a sample, and the evidence about it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen {
    /// The time that the contestant claims.
    pub(super) wall: Duration,
    /// The time from request to answer.
    pub(super) elapsed: Duration,
    /// CPU time during the sample, if the system shows it.
    pub(super) cpu: Option<Span>,
    /// CPU time between the previous answer, or `loaded`, and the request.
    pub(super) idle: Option<Span>,
    /// Bytes written to standard error during the sample; writing them is not part of the work.
    pub(super) complained: u64,
}

/// How well a claim agrees with the time that its answer took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Agreement {
    /// The difference is the digest and the reply.
    Good,
    /// The machine may have been busy; repeating the sample tells.
    Doubtful,
    /// The difference is too large to occur repeatedly.
    Absurd,
}

/// Refuses a time that is impossible, however busy the machine was.
///
/// # Errors
///
/// [`Fault::Wrong`], with the arithmetic.
pub(super) fn check(seen: &Seen, needs: &Needs, at_once: usize, cpus: usize) -> Result<(), Fault> {
    check_claim(seen.wall, seen.elapsed)?;
    check_waits(seen.wall, needs, at_once)?;
    check_work(seen.wall, needs.cpu, at_once.min(cpus))
}

/// The processors that this process and its children can use at once. A quota of a control group
/// bounds CPU time per period, and within a period more threads can run at once than it allows on
/// average, so this is the affinity mask and not [`num_cpus::get`].
pub(super) fn processors() -> usize {
    #[cfg(target_os = "linux")]
    if let Ok(mask) = rustix::thread::sched_getaffinity(None) {
        let count = usize::try_from(mask.count()).unwrap_or(usize::MAX);
        return count.max(1);
    }
    num_cpus::get()
}

/// A time that needs no further evidence: about what the work takes the referee, shared out
/// ideally. A better runner may take less, but then its answer comes early as well.
pub(super) fn credible(needs: &Needs, at_once: usize, cpus: usize) -> Duration {
    needs.lower_bound(at_once, cpus).mul_f64(CREDIBLE)
}

/// Compares a claim with the number of threads observed, if the answer came so late that the claim
/// is in doubt: one thread cannot do the work faster than the referee did.
///
/// # Errors
///
/// [`Fault::Wrong`], with the arithmetic.
pub(super) fn check_threads(
    seen: &Seen,
    needs: &Needs,
    outputs: usize,
    threads: u64,
    cpus: usize,
) -> Result<(), Fault> {
    let threads = usize::try_from(threads).unwrap_or(usize::MAX);
    let parallel = threads.clamp(1, cpus.max(1));
    let alone = needs.cpu / u32::try_from(parallel).unwrap_or(u32::MAX);
    if needs.cpu < SEEN_WORKING
        || seen.wall >= alone.mul_f64(CREDIBLE)
        || seen.agreement(outputs) != Agreement::Absurd
    {
        return Ok(());
    }
    wrong(format!(
        "it claims {:.3} ms, but its answer came after {:.3} ms, and on {threads} threads, which is all that were seen of it, \
         the work takes {:.3} ms",
        ms(seen.wall),
        ms(seen.elapsed),
        ms(alone)
    ))
}

/// Refuses a claim that is longer than the wait for the answer.
///
/// # Errors
///
/// [`Fault::Wrong`].
pub(super) fn check_claim(claim: Duration, elapsed: Duration) -> Result<(), Fault> {
    // The two clocks run alike but are read at slightly different moments.
    if claim <= elapsed + Duration::from_millis(1) {
        return Ok(());
    }
    wrong(format!(
        "it claims {:.3} ms, but its answer came after {:.3} ms",
        ms(claim),
        ms(elapsed)
    ))
}

fn check_waits(wall: Duration, needs: &Needs, at_once: usize) -> Result<(), Fault> {
    if wall.is_zero() {
        return wrong("it claims 0 ns, which no work takes".to_owned());
    }
    if wall < needs.longest / 100 * 99 {
        return wrong(format!(
            "it claims {:.3} ms, but one task alone waits for {:.3} ms",
            ms(wall),
            ms(needs.longest)
        ));
    }
    let shared = needs.waiting / u32::try_from(at_once.max(1)).unwrap_or(u32::MAX);
    if wall < shared / 100 * 99 {
        return wrong(format!(
            "it claims {:.3} ms, but its tasks wait for {:.3} ms in all, and {at_once} at once, which it \
             declares, take {:.3} ms at least",
            ms(wall),
            ms(needs.waiting),
            ms(shared)
        ));
    }
    Ok(())
}

/// Refuses work done much faster than the referee did it, with `parallel` tasks on processors at
/// once.
fn check_work(wall: Duration, cpu: Duration, parallel: usize) -> Result<(), Fault> {
    let parallel = u32::try_from(parallel.max(1)).unwrap_or(u32::MAX);
    let most = wall.saturating_mul(MUCH_FASTER).saturating_mul(parallel);
    if cpu < LEAST_WORK || most >= cpu {
        return Ok(());
    }
    wrong(format!(
        "it claims {:.3} ms for work that took the referee {:.3} ms of CPU time, with {parallel} tasks on a processor \
         at once",
        ms(wall),
        ms(cpu)
    ))
}

/// Refuses work for which too little CPU time was used during the sample.
///
/// # Errors
///
/// The arithmetic, in words.
pub(super) fn check_cpu(seen: &Seen, cpu: Duration) -> Result<(), String> {
    let Some(used) = seen.cpu else { return Ok(()) };
    if cpu < LEAST_WORK {
        return Ok(());
    }
    if used.at_most * MUCH_FASTER < cpu {
        return Err(format!(
            "its processes used {:.3} ms of CPU time during the sample, for work that took the referee {:.3} ms: it was \
             done before, or elsewhere",
            ms(used.at_most),
            ms(cpu)
        ));
    }
    let before = seen.idle.map_or(Duration::ZERO, |idle| idle.at_least);
    if used.at_most < cpu / 2 && before > cpu / 2 {
        return Err(format!(
            "its processes used {:.3} ms of CPU time before the sample was asked for and {:.3} ms during it, for work \
             that took the referee {:.3} ms: part of it was done before",
            ms(before),
            ms(used.at_most),
            ms(cpu)
        ));
    }
    Ok(())
}

impl Seen {
    /// The arithmetic, in words, if more CPU time was used than all processors have within the
    /// claimed time. The digest, the reply and output to standard error are not timed; with little
    /// work they may be most of it.
    pub(super) fn worked_longer(
        &self,
        needs: &Needs,
        outputs: usize,
        cpus: usize,
    ) -> Option<String> {
        let used = self.cpu.filter(|_| needs.cpu >= TELLING_WORK)?.at_least;
        let printing = Duration::from_nanos(self.complained.saturating_mul(10));
        let untimed = untimed(10, 4, outputs) + printing.min(MOST_PRINTING);
        let cpus = u32::try_from(cpus.max(1)).unwrap_or(u32::MAX);
        let possible = (self.wall + self.wall / 4)
            .saturating_mul(cpus)
            .saturating_add(untimed);
        (used > possible).then(|| {
            format!(
                "it claims {:.3} ms, but its processes used at least {:.3} ms of CPU time, and {cpus} processors have \
                 {:.3} ms in that time, what is not timed included",
                ms(self.wall),
                ms(used),
                ms(possible)
            )
        })
    }

    /// The ratio of the time from request to answer to the claim.
    pub(super) fn lost(&self) -> f64 {
        self.elapsed.as_secs_f64() / self.wall.as_secs_f64().max(1e-9)
    }

    /// How well the claim matches the time from request to answer. The digest and the reply are not
    /// timed: a few milliseconds, plus a few microseconds per output in a slow language.
    pub(super) fn agreement(&self, outputs: usize) -> Agreement {
        if self.elapsed
            <= self
                .wall
                .saturating_add(self.wall / 4)
                .saturating_add(untimed(3, 2, outputs))
        {
            Agreement::Good
        } else if self.elapsed <= self.latest(outputs) {
            Agreement::Doubtful
        } else {
            Agreement::Absurd
        }
    }

    /// The part of the time from request to answer that the claim accounts for.
    pub(super) fn accounted_for(&self, outputs: usize) -> Duration {
        self.elapsed.min(self.latest(outputs))
    }

    /// The longest time to the answer that the claim might still agree with.
    fn latest(&self, outputs: usize) -> Duration {
        let late = self.wall.saturating_add(self.wall / 2);
        late.saturating_add(untimed(5, 4, outputs))
    }
}

fn untimed(fixed_ms: u64, each_us: u64, outputs: usize) -> Duration {
    let outputs = u32::try_from(outputs).unwrap_or(u32::MAX);
    Duration::from_millis(fixed_ms) + Duration::from_micros(each_us).saturating_mul(outputs)
}

fn wrong(what: String) -> Result<(), Fault> {
    Err(Fault::Wrong(what))
}

pub(super) fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOTHING: Needs = Needs {
        tasks: 10,
        waiting: Duration::ZERO,
        programs: Duration::ZERO,
        longest: Duration::ZERO,
        cpu: Duration::ZERO,
    };

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn seen(wall: u64, elapsed: u64) -> Seen {
        Seen {
            wall: ms(wall),
            elapsed: ms(elapsed),
            cpu: None,
            idle: None,
            complained: 0,
        }
    }

    fn span(ms: u64) -> Option<Span> {
        let time = Duration::from_millis(ms);
        Some(Span {
            at_least: time,
            at_most: time,
            about: time,
        })
    }

    #[track_caller]
    fn refused(outcome: Result<(), Fault>, words: &[&str]) {
        let error = outcome.unwrap_err().to_string();
        for word in words {
            assert!(error.contains(word), "no {word:?} in {error}");
        }
    }

    #[test]
    fn work_done_in_almost_no_time_is_wrong() {
        assert!(check_work(ms(50), ms(100), 2).is_ok());
        assert!(check_work(ms(5), ms(100), 2).is_ok());
        refused(check_work(ms(4), ms(100), 2), &["4.000 ms", "100.000 ms"]);
        refused(check_work(ms(9), ms(100), 1), &["1 tasks"]);
        let little = Duration::from_micros(900);
        assert!(check_work(ms(0), little, 2).is_ok(), "too little to tell");
    }

    #[test]
    fn impossible_times_are_wrong_answers() {
        let waits = Needs {
            longest: ms(10),
            ..NOTHING
        };
        assert!(check(&seen(10, 11), &waits, 2, 2).is_ok());
        refused(
            check(&seen(10, 5), &NOTHING, 2, 2),
            &["came after 5.000 ms"],
        );
        refused(check(&seen(5, 11), &waits, 2, 2), &["waits for 10.000 ms"]);
        refused(check(&seen(0, 11), &NOTHING, 2, 2), &["0 ns"]);
    }

    #[test]
    fn claim_below_the_declared_concurrency_is_wrong() {
        let waits = Needs {
            waiting: ms(536),
            longest: ms(5),
            ..NOTHING
        };
        refused(
            check(&seen(8, 8), &waits, 2, 2),
            &["536.000 ms", "268.000 ms"],
        );
        assert!(check(&seen(268, 270), &waits, 2, 2).is_ok());
        assert!(check(&seen(8, 8), &waits, 100, 2).is_ok());
    }

    #[test]
    fn work_without_cpu_time_in_the_sample_is_wrong() {
        let work = Needs {
            cpu: ms(100),
            ..NOTHING
        };
        let check_cpu = |seen: &Seen| check_cpu(seen, work.cpu).map_err(Fault::Wrong);
        let lazy = Seen {
            cpu: span(1),
            ..seen(50, 50)
        };
        refused(check_cpu(&lazy), &["1.000 ms", "before, or elsewhere"]);
        let quick = Seen {
            cpu: span(30),
            ..lazy
        };
        assert!(check_cpu(&quick).is_ok());
        let early = Seen {
            idle: span(80),
            ..quick
        };
        refused(check_cpu(&early), &["80.000 ms", "30.000 ms"]);
    }

    #[test]
    fn more_cpu_time_than_the_claim_can_hold_is_seen() {
        let fifth = Seen {
            cpu: span(30),
            ..seen(6, 30)
        };
        let work = Needs {
            cpu: ms(6),
            ..NOTHING
        };
        let excused = |seen: &Seen, needs: &Needs, outputs: usize, cpus: usize| {
            seen.worked_longer(needs, outputs, cpus).is_none()
        };
        assert!(!excused(&fifth, &work, 40, 2));
        assert!(excused(&fifth, &NOTHING, 40, 2), "there is no work");
        assert!(excused(&fifth, &work, 40, 4), "four processors could");
        assert!(excused(&fifth, &work, 5_000, 2), "a digest of many outputs");
        assert!(excused(&seen(6, 30), &work, 40, 2), "nothing is known");
        let uncertain = Seen {
            cpu: Some(Span {
                at_least: ms(25),
                ..fifth.cpu.unwrap()
            }),
            ..fifth
        };
        assert!(excused(&uncertain, &work, 40, 2), "it may have used less");
    }

    #[test]
    fn printing_excuses_a_few_milliseconds_only() {
        let work = Needs {
            cpu: ms(6),
            ..NOTHING
        };
        let loud = |used| Seen {
            cpu: span(used),
            complained: 1 << 40,
            ..seen(6, 60)
        };
        assert!(loud(30).worked_longer(&work, 40, 2).is_none());
        let words = loud(31).worked_longer(&work, 40, 2).unwrap();
        for word in ["6.000 ms", "31.000 ms", "2 processors", "30.160 ms"] {
            assert!(words.contains(word), "no {word:?} in {words}");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn processors_are_those_of_the_affinity_mask() {
        use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
        let mask = sched_getaffinity(None).unwrap();
        assert_eq!(processors(), mask.count() as usize);
        // The mask is of this thread alone.
        let confined = std::thread::spawn(move || {
            let first = (0..CpuSet::MAX_CPU).find(|cpu| mask.is_set(*cpu)).unwrap();
            let mut one = CpuSet::new();
            one.set(first);
            sched_setaffinity(None, &one).unwrap();
            processors()
        });
        assert_eq!(confined.join().unwrap(), 1);
    }

    #[test]
    fn time_beyond_a_claim_is_not_accounted_for() {
        assert_eq!(seen(100, 20_000).accounted_for(0), ms(155));
        assert_eq!(seen(100, 110).accounted_for(0), ms(110));
    }

    #[test]
    fn a_fifth_of_the_work_on_one_thread_is_wrong() {
        let work = Needs {
            cpu: ms(30),
            ..NOTHING
        };
        refused(
            check_threads(&seen(6, 31), &work, 40, 1, 2),
            &["6.000 ms", "30.000 ms"],
        );
        assert!(
            check_threads(&seen(30, 90), &work, 40, 1, 2).is_ok(),
            "a late reply"
        );
        assert!(
            check_threads(&seen(6, 7), &work, 40, 1, 2).is_ok(),
            "a better runner"
        );
    }

    #[test]
    fn a_fifth_of_the_time_is_absurd_and_a_late_reply_is_not() {
        assert_eq!(seen(6, 30).agreement(40), Agreement::Absurd);
        assert_eq!(seen(30, 31).agreement(40), Agreement::Good);
        assert_eq!(seen(1, 4).agreement(40), Agreement::Good);
        assert_eq!(seen(20, 33).agreement(40), Agreement::Doubtful);
        assert_eq!(seen(100, 190).agreement(50_000), Agreement::Good);
    }
}
