//! When a thread counts as held up: no clocks, no threads, only times that are handed in.

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
    told: Option<T>,
}

/// The times of one look.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Glance {
    pub(crate) now: u64,
    /// How much later than planned this look came: the process, or the machine, stood still meanwhile.
    pub(crate) overslept: u64,
    pub(crate) threshold: u64,
}

/// What a look found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Nothing,
    Began(u64),
    Continues(u64),
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
    /// Looks at the thread: `current` is its turn and since when, if it is at something.
    pub(crate) fn observe(
        &mut self,
        glance: Glance,
        current: Option<(u64, u64)>,
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
            told: None,
        });
        let elapsed = glance.now.saturating_sub(spell.since);
        spell.forgiven = (spell.forgiven + glance.overslept).min(elapsed);
        spell.lasted = elapsed - spell.forgiven;
        if spell.lasted < spell.report_at {
            return (over, Step::Nothing);
        }
        while spell.report_at <= spell.lasted {
            spell.report_at = spell.report_at.saturating_mul(10);
        }
        let step = if spell.began {
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
            spell.told = Some(told);
        }
    }

    pub(crate) fn was_told(&self) -> bool {
        self.spell
            .as_ref()
            .is_some_and(|spell| spell.told.is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(now: u64) -> Glance {
        Glance {
            now,
            overslept: 0,
            threshold: 100,
        }
    }

    #[test]
    fn one_turn_is_reported_at_the_threshold_and_at_ten_times_as_much() {
        let mut track = Track::default();
        let poll = Some((1, 50));
        assert_eq!(track.observe(at(149), poll), (None, Step::Nothing));
        assert!(!track.is_held_up());
        assert_eq!(track.observe(at(150), poll), (None, Step::Began(100)));
        track.tell("told");
        assert_eq!(track.observe(at(1_049), poll), (None, Step::Nothing));
        assert_eq!(
            track.observe(at(1_050), poll),
            (None, Step::Continues(1_000))
        );
        assert!(track.is_held_up());
        let over = Over {
            turn: 1,
            forgiven: 0,
            at_least: 1_000,
            told: Some("told"),
        };
        assert_eq!(track.observe(at(1_060), None), (Some(over), Step::Nothing));
        assert_eq!(track.observe(at(9_999), None), (None, Step::Nothing));
    }

    #[test]
    fn many_short_turns_are_no_stall() {
        let mut track = Track::<()>::default();
        for turn in 0..1_000 {
            let found = track.observe(at(turn * 99 + 99), Some((turn, turn * 99)));
            assert_eq!(found, (None, Step::Nothing));
        }
    }

    #[test]
    fn a_stall_that_follows_another_is_a_new_one() {
        let mut track = Track::<()>::default();
        assert_eq!(track.observe(at(100), Some((1, 0))).1, Step::Began(100));
        let (over, step) = track.observe(at(230), Some((3, 120)));
        assert_eq!((over.unwrap().turn, step), (1, Step::Began(110)));
    }

    #[test]
    fn time_in_which_nobody_ran_is_forgiven() {
        let mut track = Track::<()>::default();
        let slept = |now, overslept| Glance {
            overslept,
            ..at(now)
        };
        assert_eq!(track.observe(at(20), Some((1, 0))).1, Step::Nothing);
        assert_eq!(
            track.observe(slept(5_040, 5_000), Some((1, 0))).1,
            Step::Nothing,
            "40 of its own"
        );
        assert_eq!(track.observe(at(5_099), Some((1, 0))).1, Step::Nothing);
        assert_eq!(track.observe(at(5_100), Some((1, 0))).1, Step::Began(100));
        assert_eq!(track.end().unwrap().forgiven, 5_000);
        // One that began meanwhile is forgiven no more than it lasted.
        assert_eq!(
            track.observe(slept(9_000, 4_000), Some((3, 8_950))).1,
            Step::Nothing
        );
        assert_eq!(track.observe(at(9_099), Some((3, 8_950))).1, Step::Nothing);
        assert_eq!(
            track.observe(at(9_100), Some((3, 8_950))).1,
            Step::Began(100)
        );
    }
}
