//! When a thread counts as held up: no clocks, no threads, only times that are handed in.

use super::lateness::Usage;
use crate::stall::Phase;

/// Follows one thread from look to look. `T` is what was told about its stall, kept until it is over.
#[derive(Debug)]
pub(crate) struct Track<T> {
    spell: Option<Spell<T>>,
}

/// What the thread is at, from its beginning. A new turn is a new spell.
#[derive(Debug)]
struct Spell<T> {
    turn: u64,
    since: u64,
    /// For so long nobody ran at all.
    forgiven: u64,
    lasted: u64,
    report_at: u64,
    began: bool,
    /// A report is due that the limit has not let through yet.
    owed: bool,
    /// For so long all threads were stopped.
    overslept: u64,
    /// The thread's use of the CPU at the first look and at the last, where it matters.
    usage: Option<(Usage, Usage)>,
    told: Option<T>,
}

/// The times of one look.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Glance {
    pub(crate) now: u64,
    /// How much later than planned this look came: the process, or the machine, stood still meanwhile.
    pub(crate) overslept: u64,
    /// The time since the look before.
    pub(crate) interval: u64,
    pub(crate) threshold: u64,
    /// Whether the process has a CPU quota, which stops threads one by one.
    pub(crate) has_quota: bool,
}

/// What a look found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Nothing,
    Began(u64),
    Continues(u64),
    /// The report that was due at an earlier look still is.
    Owed(u64),
}

/// A report that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Due {
    pub(crate) phase: Phase,
    /// It was due at an earlier look already, but the limit held it back.
    pub(crate) is_owed: bool,
    pub(crate) lasted: u64,
}

/// A stall that was found before and is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Over<T> {
    pub(crate) turn: u64,
    pub(crate) forgiven: u64,
    /// As long as it was at the last look.
    pub(crate) at_least: u64,
    /// What somebody was told of it.
    pub(crate) told: Option<T>,
}

impl<T> Default for Track<T> {
    fn default() -> Self {
        Self { spell: None }
    }
}

impl<T> Track<T> {
    /// Looks at the thread: `current` is its turn and since when, if it is at something. `usage`
    /// is its use of the CPU, where that is known and a quota makes it matter.
    pub(crate) fn observe(
        &mut self,
        glance: Glance,
        current: Option<(u64, u64)>,
        usage: Option<Usage>,
    ) -> (Option<Over<T>>, Step) {
        let same =
            matches!((&self.spell, current), (Some(spell), Some((turn, _))) if spell.turn == turn);
        let over = if same { None } else { self.end() };
        let Some((turn, since)) = current else {
            return (over, Step::Nothing);
        };
        let spell = self.spell.get_or_insert(Spell {
            turn,
            since,
            forgiven: 0,
            lasted: 0,
            report_at: glance.threshold,
            began: false,
            owed: false,
            overslept: 0,
            usage: usage.map(|usage| (usage, usage)),
            told: None,
        });
        let elapsed = glance.now.saturating_sub(spell.since);
        spell.overslept = (spell.overslept + glance.overslept).min(elapsed);
        let waited = match (&mut spell.usage, usage) {
            (Some((first, last)), Some(usage)) => {
                let waited = usage.waited_since(*first, *last, glance.interval);
                *last = usage;
                waited
            }
            (first, usage) => {
                *first = usage.map(|usage| (usage, usage));
                0
            }
        };
        // Where a quota stops all threads, both figures speak of the same time.
        spell.forgiven = spell.overslept.max(waited).min(elapsed);
        spell.lasted = elapsed - spell.forgiven;
        if spell.lasted < spell.report_at {
            let step = match spell.owed {
                true => Step::Owed(spell.lasted),
                false => Step::Nothing,
            };
            return (over, step);
        }
        // Until `tell` says otherwise.
        let owed = std::mem::replace(&mut spell.owed, true);
        while spell.report_at <= spell.lasted {
            spell.report_at = spell.report_at.saturating_mul(10);
        }
        let step = if owed {
            Step::Owed(spell.lasted)
        } else if spell.began {
            Step::Continues(spell.lasted)
        } else {
            spell.began = true;
            Step::Began(spell.lasted)
        };
        (over, step)
    }

    /// The thread is at nothing any more, or is gone.
    pub(crate) fn end(&mut self) -> Option<Over<T>> {
        let spell = self.spell.take()?;
        spell.began.then_some(Over {
            turn: spell.turn,
            forgiven: spell.forgiven,
            at_least: spell.lasted,
            told: spell.told,
        })
    }

    /// Whether it is held up as far as is known.
    pub(crate) fn is_held_up(&self) -> bool {
        self.spell.as_ref().is_some_and(|spell| spell.began)
    }

    /// Somebody was told this.
    pub(crate) fn tell(&mut self, told: T) {
        if let Some(spell) = &mut self.spell {
            spell.owed = false;
            spell.told = Some(told);
        }
    }

    /// The report that a step calls for. One that was held back for so long that the next is due
    /// is still the first, if there has been none.
    pub(crate) fn due(&self, step: Step) -> Option<Due> {
        let was_told = self
            .spell
            .as_ref()
            .is_some_and(|spell| spell.told.is_some());
        let (phase, lasted) = match step {
            Step::Nothing => return None,
            Step::Began(lasted) => (Phase::Began, lasted),
            Step::Continues(lasted) => (Phase::Continues, lasted),
            Step::Owed(lasted) if was_told => (Phase::Continues, lasted),
            Step::Owed(lasted) => (Phase::Began, lasted),
        };
        Some(Due {
            phase,
            is_owed: matches!(step, Step::Owed(_)),
            lasted,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(now: u64) -> Glance {
        Glance {
            now,
            overslept: 0,
            interval: 1_000_000,
            threshold: 100,
            has_quota: false,
        }
    }

    #[test]
    fn one_turn_is_reported_at_the_threshold_and_at_ten_times_as_much() {
        let mut track = Track::default();
        let poll = Some((1, 50));
        assert_eq!(track.observe(at(149), poll, None), (None, Step::Nothing));
        assert!(!track.is_held_up());
        assert_eq!(track.observe(at(150), poll, None), (None, Step::Began(100)));
        track.tell("told");
        assert_eq!(track.observe(at(1_049), poll, None), (None, Step::Nothing));
        assert_eq!(
            track.observe(at(1_050), poll, None),
            (None, Step::Continues(1_000))
        );
        assert!(track.is_held_up());
        let over = Over {
            turn: 1,
            forgiven: 0,
            at_least: 1_000,
            told: Some("told"),
        };
        assert_eq!(
            track.observe(at(1_060), None, None),
            (Some(over), Step::Nothing)
        );
        assert_eq!(track.observe(at(9_999), None, None), (None, Step::Nothing));
    }

    #[test]
    fn report_that_was_held_back_stays_due() {
        let mut track = Track::default();
        let poll = Some((1, 0));
        let owed = |phase, lasted| {
            let is_owed = true;
            Some(Due {
                phase,
                is_owed,
                lasted,
            })
        };
        assert_eq!(track.observe(at(100), poll, None).1, Step::Began(100));
        for lasted in [120, 140, 1_000, 1_020] {
            let step = track.observe(at(lasted), poll, None).1;
            assert_eq!(track.due(step), owed(Phase::Began, lasted));
        }
        track.tell("told");
        assert_eq!(track.observe(at(1_040), poll, None).1, Step::Nothing);
        assert_eq!(
            track.observe(at(10_000), poll, None).1,
            Step::Continues(10_000)
        );
        let step = track.observe(at(10_020), poll, None).1;
        assert_eq!(track.due(step), owed(Phase::Continues, 10_020));
    }

    #[test]
    fn wait_of_one_thread_for_its_quota_is_forgiven_once() {
        let mut track = Track::<()>::default();
        let slept = |now, interval, overslept| Glance {
            overslept,
            interval,
            ..at(now)
        };
        let mut look = |glance, ran, waited| {
            let usage = Usage {
                ran,
                waited,
                is_runnable: true,
            };
            track.observe(glance, Some((1, 0)), Some(usage)).1
        };
        // It has waited before.
        assert_eq!(look(slept(20, 20, 0), 5_000, 70_000), Step::Nothing);
        // All were stopped for 80, it for 90.
        assert_eq!(look(slept(120, 100, 80), 5_010, 70_090), Step::Nothing);
        // It is stopped, the watchdog is not.
        assert_eq!(look(slept(180, 60, 0), 5_010, 70_090), Step::Nothing);
        assert_eq!(look(slept(200, 20, 0), 5_010, 70_160), Step::Nothing);
        assert_eq!(look(slept(259, 59, 0), 5_069, 70_160), Step::Nothing);
        assert_eq!(look(slept(260, 1, 0), 5_070, 70_160), Step::Began(100));
    }

    #[test]
    fn many_short_turns_are_no_stall() {
        let mut track = Track::<()>::default();
        for turn in 0..1_000 {
            let found = track.observe(at(turn * 99 + 99), Some((turn, turn * 99)), None);
            assert_eq!(found, (None, Step::Nothing));
        }
    }

    #[test]
    fn a_stall_that_follows_another_is_a_new_one() {
        let mut track = Track::<()>::default();
        assert_eq!(
            track.observe(at(100), Some((1, 0)), None).1,
            Step::Began(100)
        );
        let (over, step) = track.observe(at(230), Some((3, 120)), None);
        assert_eq!((over.unwrap().turn, step), (1, Step::Began(110)));
    }

    #[test]
    fn time_in_which_nobody_ran_is_forgiven() {
        let mut track = Track::<()>::default();
        let slept = |now, overslept| Glance {
            overslept,
            ..at(now)
        };
        assert_eq!(track.observe(at(20), Some((1, 0)), None).1, Step::Nothing);
        assert_eq!(
            track.observe(slept(5_040, 5_000), Some((1, 0)), None).1,
            Step::Nothing,
            "40 of its own"
        );
        assert_eq!(
            track.observe(at(5_099), Some((1, 0)), None).1,
            Step::Nothing
        );
        assert_eq!(
            track.observe(at(5_100), Some((1, 0)), None).1,
            Step::Began(100)
        );
        assert_eq!(track.end().unwrap().forgiven, 5_000);
        // One that began meanwhile is forgiven no more than it lasted.
        assert_eq!(
            track.observe(slept(9_000, 4_000), Some((3, 8_950)), None).1,
            Step::Nothing
        );
        assert_eq!(
            track.observe(at(9_099), Some((3, 8_950)), None).1,
            Step::Nothing
        );
        assert_eq!(
            track.observe(at(9_100), Some((3, 8_950)), None).1,
            Step::Began(100)
        );
    }
}
