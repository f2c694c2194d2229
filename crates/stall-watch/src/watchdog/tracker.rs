//! The rules that say when a thread counts as blocked. They read no clock: every time is passed in.

use super::lateness::Usage;
use crate::stall::Phase;

/// Follows one thread from check to check. `T` is the report of its stall, kept until the stall
/// ends.
#[derive(Debug)]
pub(crate) struct StallTracker<T> {
    activity: Option<Activity<T>>,
    /// The thread's CPU use at the previous check, under a quota.
    previous: Option<Usage>,
}

/// One activity of the thread: a poll, or a time in which a worker made no progress. A new `seq` is
/// a new activity.
#[derive(Debug)]
struct Activity<T> {
    seq: u64,
    since: u64,
    /// The part of the time that does not count.
    forgiven: u64,
    lasted: u64,
    report_at: u64,
    began: bool,
    /// A report is due that the rate limit has not allowed yet.
    delayed: bool,
    /// The time for which all threads were stopped.
    overslept: u64,
    /// The time for which the thread waited for a CPU, under a quota. It lags by up to a timer
    /// tick, in either direction.
    waited: i64,
    reported: Option<T>,
}

/// The times of one check.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Check {
    pub(crate) now: u64,
    /// How late this check is because the process or the machine was stopped.
    pub(crate) overslept: u64,
    /// The time since the previous check.
    pub(crate) interval: u64,
    pub(crate) threshold: u64,
    /// Whether the process has a CPU quota, which stops threads one by one.
    pub(crate) has_quota: bool,
}

/// The result of one check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Nothing,
    Began(u64),
    Continues(u64),
    /// The report that was due at an earlier check still is.
    Delayed(u64),
}

/// A report that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Due {
    pub(crate) phase: Phase,
    /// It was due at an earlier check, but the rate limit delayed it.
    pub(crate) is_delayed: bool,
    pub(crate) lasted: u64,
}

/// A stall that has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct EndedStall<T> {
    pub(crate) seq: u64,
    pub(crate) forgiven: u64,
    /// Its duration at the last check.
    pub(crate) at_least: u64,
    /// Its last report, if there was one.
    pub(crate) reported: Option<T>,
}

impl<T> Default for StallTracker<T> {
    fn default() -> Self {
        Self {
            activity: None,
            previous: None,
        }
    }
}

impl<T> StallTracker<T> {
    /// Checks the thread. `current` is the sequence number and the beginning of its activity, if
    /// there is one; `usage` is its CPU use, under a quota and where it is known, also while there
    /// is no activity.
    pub(crate) fn observe(
        &mut self,
        check: Check,
        current: Option<(u64, u64)>,
        usage: Option<Usage>,
    ) -> (Option<EndedStall<T>>, Step) {
        let previous = std::mem::replace(&mut self.previous, usage);
        let known = self.activity.as_ref().map(|activity| activity.seq);
        let is_same = known.is_some() && known == current.map(|(seq, _)| seq);
        let ended = if is_same { None } else { self.end() };
        let Some((seq, since)) = current else {
            return (ended, Step::Nothing);
        };
        let activity = self.activity.get_or_insert(Activity {
            seq,
            since,
            forgiven: 0,
            lasted: 0,
            report_at: check.threshold,
            began: false,
            delayed: false,
            overslept: 0,
            waited: 0,
            reported: None,
        });
        let elapsed = check.now.saturating_sub(activity.since);
        activity.overslept = (activity.overslept + check.overslept).min(elapsed);
        // A wait before the activity began, since the previous check, is forgiven as well: it
        // delays a report by less than the time between two checks.
        if let (Some(last), Some(usage)) = (previous, usage) {
            activity.waited += usage.waited_since(last, check.interval);
        }
        // If a quota stops all threads, both values cover the same time.
        let waited = activity.waited.max(0).cast_unsigned();
        activity.forgiven = activity.overslept.max(waited).min(elapsed);
        activity.lasted = elapsed - activity.forgiven;
        if activity.lasted < activity.report_at {
            let step = match activity.delayed {
                true => Step::Delayed(activity.lasted),
                false => Step::Nothing,
            };
            return (ended, step);
        }
        // Until `set_reported` is called.
        let delayed = std::mem::replace(&mut activity.delayed, true);
        while activity.report_at <= activity.lasted {
            activity.report_at = activity.report_at.saturating_mul(10);
        }
        let step = if delayed {
            Step::Delayed(activity.lasted)
        } else if activity.began {
            Step::Continues(activity.lasted)
        } else {
            activity.began = true;
            Step::Began(activity.lasted)
        };
        (ended, step)
    }

    /// Notes that the activity has ended, or that the thread has exited.
    pub(crate) fn end(&mut self) -> Option<EndedStall<T>> {
        let activity = self.activity.take()?;
        activity.began.then_some(EndedStall {
            seq: activity.seq,
            forgiven: activity.forgiven,
            at_least: activity.lasted,
            reported: activity.reported,
        })
    }

    /// Whether the thread was blocked at the last check.
    pub(crate) fn is_blocked(&self) -> bool {
        self.activity
            .as_ref()
            .is_some_and(|activity| activity.began)
    }

    pub(crate) fn set_reported(&mut self, reported: T) {
        if let Some(activity) = &mut self.activity {
            activity.delayed = false;
            activity.reported = Some(reported);
        }
    }

    /// The report that a step calls for. A first report that was delayed until the next was due
    /// still comes first.
    pub(crate) fn due(&self, step: Step) -> Option<Due> {
        let was_told = self
            .activity
            .as_ref()
            .is_some_and(|activity| activity.reported.is_some());
        let (phase, lasted) = match step {
            Step::Nothing => return None,
            Step::Began(lasted) => (Phase::Began, lasted),
            Step::Continues(lasted) => (Phase::Continues, lasted),
            Step::Delayed(lasted) if was_told => (Phase::Continues, lasted),
            Step::Delayed(lasted) => (Phase::Began, lasted),
        };
        Some(Due {
            phase,
            is_delayed: matches!(step, Step::Delayed(_)),
            lasted,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(now: u64) -> Check {
        Check {
            now,
            overslept: 0,
            interval: 1_000_000,
            threshold: 100,
            has_quota: false,
        }
    }

    #[test]
    fn activity_is_reported_at_threshold_and_at_ten_times_it() {
        let mut tracker = StallTracker::default();
        let poll = Some((1, 50));
        assert_eq!(tracker.observe(at(149), poll, None), (None, Step::Nothing));
        assert!(!tracker.is_blocked());
        assert_eq!(
            tracker.observe(at(150), poll, None),
            (None, Step::Began(100))
        );
        tracker.set_reported("report");
        assert_eq!(
            tracker.observe(at(1_049), poll, None),
            (None, Step::Nothing)
        );
        assert_eq!(
            tracker.observe(at(1_050), poll, None),
            (None, Step::Continues(1_000))
        );
        assert!(tracker.is_blocked());
        let over = EndedStall {
            seq: 1,
            forgiven: 0,
            at_least: 1_000,
            reported: Some("report"),
        };
        assert_eq!(
            tracker.observe(at(1_060), None, None),
            (Some(over), Step::Nothing)
        );
        assert_eq!(
            tracker.observe(at(9_999), None, None),
            (None, Step::Nothing)
        );
    }

    #[test]
    fn delayed_report_stays_due() {
        let mut tracker = StallTracker::default();
        let poll = Some((1, 0));
        let delayed = |phase, lasted| {
            let is_delayed = true;
            Some(Due {
                phase,
                is_delayed,
                lasted,
            })
        };
        assert_eq!(tracker.observe(at(100), poll, None).1, Step::Began(100));
        for lasted in [120, 140, 1_000, 1_020] {
            let step = tracker.observe(at(lasted), poll, None).1;
            assert_eq!(tracker.due(step), delayed(Phase::Began, lasted));
        }
        tracker.set_reported("report");
        assert_eq!(tracker.observe(at(1_040), poll, None).1, Step::Nothing);
        assert_eq!(
            tracker.observe(at(10_000), poll, None).1,
            Step::Continues(10_000)
        );
        let step = tracker.observe(at(10_020), poll, None).1;
        assert_eq!(tracker.due(step), delayed(Phase::Continues, 10_020));
    }

    #[test]
    fn wait_for_the_quota_is_forgiven_once() {
        let mut tracker = StallTracker::<()>::default();
        let slept = |now, interval, overslept| Check {
            overslept,
            interval,
            ..at(now)
        };
        let mut check = |check, ran, waited| {
            let usage = Usage {
                ran,
                waited,
                is_runnable: true,
                slept: 0,
            };
            tracker.observe(check, Some((1, 0)), Some(usage)).1
        };
        // The thread has waited before.
        assert_eq!(check(slept(20, 20, 0), 5_000, 70_000), Step::Nothing);
        // All threads were stopped for 80, this one for 90.
        assert_eq!(check(slept(120, 100, 80), 5_010, 70_090), Step::Nothing);
        // This thread is stopped, the watchdog is not.
        assert_eq!(check(slept(180, 60, 0), 5_010, 70_090), Step::Nothing);
        assert_eq!(check(slept(200, 20, 0), 5_010, 70_160), Step::Nothing);
        assert_eq!(check(slept(269, 69, 0), 5_079, 70_160), Step::Nothing);
        assert_eq!(check(slept(270, 1, 0), 5_080, 70_160), Step::Began(100));
    }

    #[test]
    fn wait_before_the_first_check_is_forgiven() {
        let mut tracker = StallTracker::<()>::default();
        let usage = |ran, waited| {
            Some(Usage {
                ran,
                waited,
                is_runnable: true,
                slept: 0,
            })
        };
        let late = |now, interval| Check {
            interval,
            ..at(now)
        };
        tracker.observe(late(0, 20), None, usage(5_000, 70_000));
        // It began at 10, ran for 50 and waited for 140, and the watchdog waited as long.
        let first = tracker.observe(late(200, 200), Some((1, 10)), usage(5_060, 70_140));
        assert_eq!(first, (None, Step::Nothing));
        let later = tracker.observe(late(260, 60), Some((1, 10)), usage(5_120, 70_140));
        assert_eq!(later, (None, Step::Began(110)));
    }

    #[test]
    fn spinning_thread_is_forgiven_one_tick_at_most() {
        const TICK: u64 = 4;
        for offset in 0..TICK {
            let mut tracker = StallTracker::<()>::default();
            // The kernel updates `ran` once in a tick, and the checks are more frequent.
            let steps = (offset..200).map(|now| {
                let usage = Usage {
                    ran: 5_000 + now / TICK * TICK,
                    waited: 0,
                    is_runnable: true,
                    slept: 0,
                };
                let check = Check {
                    interval: 1,
                    ..at(now)
                };
                tracker.observe(check, Some((1, offset)), Some(usage)).1
            });
            let steps: Vec<_> = steps.collect();
            let began = steps.iter().position(|step| *step != Step::Nothing);
            let latest = usize::try_from(100 + TICK).unwrap();
            assert!(began.is_some_and(|began| began <= latest), "{began:?}");
        }
    }

    #[test]
    fn many_short_activities_are_no_stall() {
        let mut tracker = StallTracker::<()>::default();
        for seq in 0..1_000 {
            let found = tracker.observe(at(seq * 99 + 99), Some((seq, seq * 99)), None);
            assert_eq!(found, (None, Step::Nothing));
        }
    }

    #[test]
    fn stall_after_another_is_a_new_one() {
        let mut tracker = StallTracker::<()>::default();
        assert_eq!(
            tracker.observe(at(100), Some((1, 0)), None).1,
            Step::Began(100)
        );
        let (over, step) = tracker.observe(at(230), Some((3, 120)), None);
        assert_eq!((over.unwrap().seq, step), (1, Step::Began(110)));
    }

    #[test]
    fn time_in_which_no_thread_ran_is_forgiven() {
        let mut tracker = StallTracker::<()>::default();
        let slept = |now, overslept| Check {
            overslept,
            ..at(now)
        };
        assert_eq!(tracker.observe(at(20), Some((1, 0)), None).1, Step::Nothing);
        assert_eq!(
            tracker.observe(slept(5_040, 5_000), Some((1, 0)), None).1,
            Step::Nothing,
            "40 of its own"
        );
        assert_eq!(
            tracker.observe(at(5_099), Some((1, 0)), None).1,
            Step::Nothing
        );
        assert_eq!(
            tracker.observe(at(5_100), Some((1, 0)), None).1,
            Step::Began(100)
        );
        assert_eq!(tracker.end().unwrap().forgiven, 5_000);
        // An activity that began in that time is forgiven no more than it lasted.
        assert_eq!(
            tracker
                .observe(slept(9_000, 4_000), Some((3, 8_950)), None)
                .1,
            Step::Nothing
        );
        assert_eq!(
            tracker.observe(at(9_099), Some((3, 8_950)), None).1,
            Step::Nothing
        );
        assert_eq!(
            tracker.observe(at(9_100), Some((3, 8_950)), None).1,
            Step::Began(100)
        );
    }
}
