//! When to look at the verdicts of a table: planned before the first of its rounds.
//!
//! Stopping whenever an interval happens to clear the margin would make wrong verdicts more
//! frequent. So there are at most three looks, after numbers of lives that depend on the time that
//! there is and not on what the samples show, and the error is split between them.

use std::time::Duration;

use crate::stats::confidences;

/// The rounds of a life: few, so that there are many lives, and enough that starting is a small
/// part of the time.
pub(in crate::compare) const ROUNDS_A_LIFE: u32 = 3;

/// Three lives have six rounds, the fewest that have an interval, even if the first of each life
/// does not count.
const FEWEST_LIVES: u32 = 3;

/// Lives by the first look: eight rounds, even if the first of each life does not count.
const EARLY: u32 = 4;

/// Lives by the second look: the fewest that bear its error if lives are what counts.
const MIDDLE: u32 = 7;

/// More lives say little more: the rest of the budget is left to the tables to come.
const MOST_LIVES: u32 = 40;

/// The part of the contenders that is expected to be open after the first look.
const STILL_OPEN: f64 = 0.5;

/// A look at the verdicts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Look {
    /// After that many lives.
    pub(super) lives: u32,
    /// The confidence of the intervals that it uses.
    pub(super) confidence: f64,
}

/// The looks that fit, if a life of all contenders takes `life`. Empty if too few lives fit for
/// any.
pub(super) fn plan(life: Duration, budget: Duration) -> Vec<Look> {
    let lives = affordable(life, budget);
    let at: &[u32] = match lives {
        0..FEWEST_LIVES => &[],
        FEWEST_LIVES..6 => &[lives],
        6..10 => &[EARLY, lives],
        _ => &[EARLY, MIDDLE, lives],
    };
    let looks = at.iter().zip(confidences(at.len()));
    looks
        .map(|(lives, confidence)| Look {
            lives: *lives,
            confidence: *confidence,
        })
        .collect()
}

/// The time that a table needs for two looks, if a life of all contenders takes `life`.
pub(super) fn need(life: Duration) -> Duration {
    life * EARLY + (life * (MIDDLE - EARLY)).mul_f64(STILL_OPEN)
}

fn affordable(life: Duration, budget: Duration) -> u32 {
    let life = life.as_secs_f64().max(1e-9);
    let all = budget.as_secs_f64() / life;
    let early = f64::from(EARLY);
    let lives = if all <= early {
        all
    } else {
        early + (all - early) / STILL_OPEN
    };
    // A hair more, since three lives of 0.1 s fit into 0.3 s.
    ((lives + 1e-6) as u32).min(MOST_LIVES)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lives(budget_ms: u64) -> Vec<u32> {
        let looks = plan(Duration::from_millis(100), Duration::from_millis(budget_ms));
        looks.iter().map(|look| look.lives).collect()
    }

    #[test]
    fn looks_follow_from_the_time_there_is() {
        assert!(lives(0).is_empty());
        assert!(lives(299).is_empty());
        assert_eq!(lives(300), [3]);
        assert_eq!(lives(400), [4]);
        assert_eq!(lives(500), [4, 6]);
        assert_eq!(lives(650), [4, 9]);
        assert_eq!(lives(800), [4, 7, 12]);
        assert_eq!(lives(3_600_000), [4, 7, MOST_LIVES]);
        let free = plan(Duration::ZERO, Duration::from_secs(1));
        assert_eq!(free.len(), 3);
    }

    #[test]
    fn each_look_has_rounds_enough_for_its_confidence() {
        for budget in [300, 400, 500, 650, 800, 5_000] {
            for look in plan(Duration::from_millis(100), Duration::from_millis(budget)) {
                let fewest = crate::stats::fewest(look.confidence);
                assert!((look.lives * ROUNDS_A_LIFE) as usize >= fewest, "{look:?}");
            }
        }
    }
}
