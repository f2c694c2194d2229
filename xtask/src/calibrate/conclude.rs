//! The conclusions of a calibration's trials: rates, power, and the floor of the machine.
//!
//! Nothing here knows a clock or a process: the tests bring trials of their own.

use workload_stats::Interval;

use crate::calibration::{Kind, Planted, Trials};

/// The part of the trials in which a difference must be found for the machine to resolve it.
const POWER: f64 = 0.9;

/// The part of the trials of equal contestants whose difference the floor covers.
const COVERED: f64 = 0.95;

/// The difference that must be found on CPU work.
const MUST_BE_FOUND: f64 = 0.03;

/// The log-ratio of two contestants with its bounds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Seen {
    pub(super) centre: f64,
    pub(super) low: f64,
    pub(super) high: f64,
}

impl Seen {
    /// `None` without bounds: nothing was seen then.
    pub(super) fn of(ratio: Interval) -> Option<Seen> {
        let seen = Seen {
            centre: ratio.median.ln(),
            low: ratio.low?.ln(),
            high: ratio.high?.ln(),
        };
        let all = [seen.centre, seen.low, seen.high];
        all.iter().all(|log| log.is_finite()).then_some(seen)
    }

    fn excludes(self, difference: f64) -> bool {
        self.low > difference.ln_1p() || self.high < -difference.ln_1p()
    }
}

/// The result of one trial at each look; `None` where its samples had no bounds yet.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Trial {
    pub(super) looks: Vec<Option<Seen>>,
}

impl Trial {
    fn last(&self) -> Option<Seen> {
        self.looks.last().copied().flatten()
    }
}

/// The trials of one kind of work.
#[derive(Debug, Default)]
pub(super) struct KindTrials {
    pub(super) name: &'static str,
    /// The same program entered twice.
    pub(super) same: Vec<Trial>,
    /// By the difference that was planted.
    pub(super) planted: Vec<(f64, Vec<Trial>)>,
}

/// All trials.
#[derive(Debug, Default)]
pub(super) struct AllTrials {
    /// CPU work comes first.
    pub(super) kinds: Vec<KindTrials>,
    /// The same program linked twice, on the kernels of CPU work.
    pub(super) relinked: Vec<Trial>,
}

/// The conclusions.
#[derive(Debug, PartialEq)]
pub(super) struct Conclusion {
    pub(super) floor: f64,
    pub(super) same: Trials,
    pub(super) relinked: Trials,
    pub(super) kinds: Vec<Kind>,
    /// The number of the first look at which 3 % on CPU work were found often enough.
    pub(super) look_for_3_percent: Option<usize>,
}

/// Draws the conclusion. Without a single trial everything is 0.
pub(super) fn conclude(all: &AllTrials) -> Conclusion {
    let kinds: Vec<Kind> = all.kinds.iter().map(kind).collect();
    let halves = [Half::Even, Half::Odd];
    let [by_even, by_odd] = halves.map(|half| floor(all, |at| half.has(at)));
    let judged = |trials: &[Trial], at: usize| {
        // A floor that was made from a trial says nothing about it.
        let other = if Half::Even.has(at) { by_odd } else { by_even };
        let mut looks = trials[at].looks.iter().flatten();
        looks.any(|seen| seen.excludes(other))
    };
    let summary = |groups: &[&[Trial]]| Trials {
        trials: groups.iter().map(|trials| count(trials, |_| true)).sum(),
        excluded_one: groups
            .iter()
            .map(|trials| count(trials, |seen| seen.excludes(0.0)))
            .sum(),
        different: groups
            .iter()
            .flat_map(|trials| (0..trials.len()).map(move |at| u32::from(judged(trials, at))))
            .sum(),
        spread: groups
            .iter()
            .map(|trials| spread(trials, |_| true))
            .fold(0.0, f64::max),
    };
    let same: Vec<&[Trial]> = all.kinds.iter().map(|kind| &kind.same[..]).collect();
    Conclusion {
        floor: floor(all, |_| true),
        same: summary(&same),
        relinked: summary(&[&all.relinked]),
        look_for_3_percent: kinds.first().and_then(look_for_3_percent),
        kinds,
    }
}

/// The smallest difference that the machine can tell apart, from the trials at some places.
///
/// That is at least what the luck of the linker makes in 95 % of the trials, which no interval
/// contains; what the intervals of equal contestants stay below in 95 % of the trials, of every
/// kind of work; and what is found on CPU work in 90 % of the trials. The noise of other kinds of
/// work is in the intervals of their own verdicts.
fn floor(all: &AllTrials, takes_part: impl Fn(usize) -> bool + Copy) -> f64 {
    let same = all
        .kinds
        .iter()
        .map(|kind| excess(&kind.same, takes_part))
        .fold(0.0, f64::max);
    let found = all
        .kinds
        .first()
        .map_or(0.0, |cpu| resolves(&cpu.same, takes_part));
    same.max(spread(&all.relinked, takes_part)).max(found)
}

/// The difference, as a part of 1, that the near ends of intervals stay below in 95 % of the
/// trials; 0 where nearly all intervals contain 1, as they should.
fn excess(trials: &[Trial], takes_part: impl Fn(usize) -> bool) -> f64 {
    let beyond = seen(trials, takes_part).map(|seen| seen.low.max(-seen.high).max(0.0));
    quantile(beyond.collect(), COVERED).exp_m1()
}

/// The difference, as a part of 1, that estimates stay below in 95 % of the trials.
fn spread(trials: &[Trial], takes_part: impl Fn(usize) -> bool) -> f64 {
    let sizes = seen(trials, takes_part).map(|seen| seen.centre.abs());
    quantile(sizes.collect(), COVERED).exp_m1()
}

/// The smallest difference whose interval would exclude 1 in 90 % of the trials: added to the
/// log-ratios of equal contestants, in both directions.
fn resolves(trials: &[Trial], takes_part: impl Fn(usize) -> bool) -> f64 {
    let needed = seen(trials, takes_part).flat_map(|seen| [-seen.low, seen.high]);
    quantile(needed.collect(), POWER).exp_m1().max(0.0)
}

fn seen(trials: &[Trial], takes_part: impl Fn(usize) -> bool) -> impl Iterator<Item = Seen> {
    let places = trials.iter().enumerate();
    places.filter_map(move |(at, trial)| trial.last().filter(|_| takes_part(at)))
}

/// The smallest of the values that at least this part of them does not exceed; 0 without values.
fn quantile(mut values: Vec<f64>, part: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let rank = (part * values.len() as f64).ceil().max(1.0) as usize;
    values.get(rank - 1).copied().unwrap_or(0.0)
}

fn kind(trials: &KindTrials) -> Kind {
    let planted = trials.planted.iter().map(|(difference, trials)| Planted {
        difference: *difference,
        trials: count(trials, |_| true),
        found: (0..looks(trials))
            .map(|look| {
                let found = |trial: &&Trial| {
                    let seen = trial.looks.get(look).copied().flatten();
                    // In the direction in which it was planted.
                    seen.is_some_and(|seen| seen.low > 0.0)
                };
                u32::try_from(trials.iter().filter(found).count()).unwrap_or(u32::MAX)
            })
            .collect(),
    });
    Kind {
        name: trials.name.to_owned(),
        resolves: resolves(&trials.same, |_| true),
        planted: planted.collect(),
    }
}

fn looks(trials: &[Trial]) -> usize {
    let looks = trials.iter().map(|trial| trial.looks.len());
    looks.max().unwrap_or(0)
}

fn look_for_3_percent(cpu: &Kind) -> Option<usize> {
    let planted = cpu.planted.iter();
    let mut three = planted.filter(|planted| planted.difference == MUST_BE_FOUND);
    let three = three.next()?;
    let enough = |found: &u32| f64::from(*found) >= POWER * f64::from(three.trials.max(1));
    three.found.iter().position(enough)
}

/// How many trials ended with bounds for which this holds.
fn count(trials: &[Trial], holds: impl Fn(Seen) -> bool) -> u32 {
    let count = trials
        .iter()
        .filter(|trial| trial.last().is_some_and(&holds))
        .count();
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// Every other trial.
#[derive(Debug, Clone, Copy)]
enum Half {
    Even,
    Odd,
}

impl Half {
    fn has(self, at: usize) -> bool {
        match self {
            Half::Even => at.is_multiple_of(2),
            Half::Odd => !at.is_multiple_of(2),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A trial that saw this difference at its only look, give or take 1 %.
    fn trial(difference: f64) -> Trial {
        let centre = difference.ln_1p();
        let half = 0.01_f64.ln_1p();
        let seen = Seen {
            centre,
            low: centre - half,
            high: centre + half,
        };
        Trial {
            looks: vec![None, Some(seen)],
        }
    }

    fn trials(same: &[f64], relinked: &[f64]) -> AllTrials {
        let of = |seen: &[f64]| seen.iter().copied().map(trial).collect();
        AllTrials {
            kinds: vec![KindTrials {
                name: "CPU work",
                same: of(same),
                planted: vec![(0.03, of(&[0.03; 10])), (0.01, of(&[0.005; 10]))],
            }],
            relinked: of(relinked),
        }
    }

    fn near(value: f64, expected: f64) {
        assert!((value - expected).abs() < 1e-9, "{value} is not {expected}");
    }

    #[test]
    fn steady_contestants_resolve_the_width_of_their_interval() {
        let concluded = conclude(&trials(&[0.0; 40], &[]));
        near(concluded.floor, 0.01);
        near(concluded.kinds[0].resolves, 0.01);
        assert_eq!((concluded.same.trials, concluded.same.different), (40, 0));
        assert_eq!(concluded.relinked, Trials::default());
    }

    #[test]
    fn the_luck_of_the_linker_lifts_the_floor() {
        let concluded = conclude(&trials(&[0.0; 40], &[0.04; 40]));
        near(concluded.floor, 0.04);
        near(concluded.relinked.spread, 0.04);
        assert_eq!(concluded.relinked.excluded_one, 40);
        assert_eq!(concluded.relinked.different, 0, "within the floor");
    }

    #[test]
    fn noise_of_hand_over_is_in_its_intervals_and_not_in_the_floor() {
        let mut all = trials(&[0.0; 40], &[]);
        let noisy = |at: u32| {
            let centre = if at.is_multiple_of(2) { 0.1 } else { -0.1 };
            let (low, high) = (centre - 0.15, centre + 0.15);
            let seen = Seen { centre, low, high };
            Trial {
                looks: vec![Some(seen)],
            }
        };
        all.kinds.push(KindTrials {
            name: "hand-over",
            same: (0..40).map(noisy).collect(),
            planted: Vec::new(),
        });
        let concluded = conclude(&all);
        near(concluded.floor, 0.01);
        near(concluded.same.spread, 0.1_f64.exp_m1());
        assert!(concluded.kinds[1].resolves > 0.25);
        // Intervals that do not contain 1 are another matter.
        for trial in &mut all.kinds[1].same[..8] {
            trial.looks = vec![Some(Seen {
                centre: 0.1,
                low: 0.05,
                high: 0.15,
            })];
        }
        near(conclude(&all).floor, 0.05_f64.exp_m1());
    }

    #[test]
    fn one_of_twenty_may_lie_beyond_the_floor() {
        let mut relinked = vec![0.0; 40];
        relinked[7] = 0.2;
        let concluded = conclude(&trials(&[0.0; 40], &relinked));
        near(concluded.floor, 0.01);
        assert_eq!(concluded.relinked.different, 1);
        // Two of forty are the 5 % that the floor leaves out, three are not.
        relinked[9] = 0.2;
        relinked[11] = 0.2;
        near(conclude(&trials(&[0.0; 40], &relinked)).floor, 0.2);
    }

    #[test]
    fn no_trial_is_judged_by_a_floor_it_had_a_part_in() {
        // All large ones are at even places: the floor of the odd half does not know them.
        let relinked: Vec<f64> = (0..40)
            .map(|at| if at % 2 == 0 { 0.1 } else { 0.0 })
            .collect();
        let concluded = conclude(&trials(&[0.0; 40], &relinked));
        near(concluded.floor, 0.1);
        assert_eq!(concluded.relinked.different, 20);
    }

    #[test]
    fn a_difference_is_found_where_the_interval_lies_above_1() {
        let concluded = conclude(&trials(&[0.0; 4], &[]));
        let planted = &concluded.kinds[0].planted;
        assert_eq!(planted[0].found, [0, 10], "no bounds at the first look");
        assert_eq!(planted[1].found, [0, 0], "half a per cent is within 1 %");
        assert_eq!(concluded.look_for_3_percent, Some(1));
    }

    #[test]
    fn a_difference_in_the_wrong_direction_is_not_found() {
        let mut all = trials(&[0.0; 4], &[]);
        all.kinds[0].planted[0].1 = vec![trial(-0.05); 10];
        let concluded = conclude(&all);
        assert_eq!(concluded.kinds[0].planted[0].found, [0, 0]);
        assert_eq!(concluded.look_for_3_percent, None);
    }

    #[test]
    fn trials_without_bounds_count_for_nothing() {
        let mut all = trials(&[0.0; 2], &[]);
        all.kinds[0].same.push(Trial {
            looks: vec![None, None],
        });
        assert_eq!(conclude(&all).same.trials, 2);
        let none = conclude(&AllTrials::default());
        assert_eq!((none.floor, none.look_for_3_percent), (0.0, None));
    }

    #[test]
    fn bounds_that_are_no_numbers_are_not_seen() {
        let ratio = |low| Interval {
            median: 1.0,
            low,
            high: Some(1.1),
        };
        assert!(Seen::of(ratio(Some(0.9))).is_some());
        assert!(Seen::of(ratio(None)).is_none());
        assert!(Seen::of(ratio(Some(0.0))).is_none());
        assert!(Seen::of(ratio(Some(f64::NAN))).is_none());
    }
}
