//! The outcome of a claim: borne out, open, or refuted.

use super::super::number::{bytes, clear_ratio, duration, plural, ratio};
use super::super::view;
use super::Figure;
use crate::results::{Cell, Interval};
use crate::stats::{between, counted};

/// How much more the one took than the other.
pub(super) enum Outcome {
    /// A ratio of times, with its interval or without.
    Times {
        ratio: Interval,
        /// The fewest samples that either has.
        samples: usize,
    },
    /// One figure each, of the untimed sample.
    Single { more: f64, less: f64 },
}

/// Two figures of a single sample each are told apart from here on: half as much again is more than pages and timers vary.
const TELLING: f64 = 1.5;

impl Outcome {
    /// `None` where the cells do not have that figure.
    pub(super) fn of(figure: Figure, more: &Cell, less: &Cell) -> Option<Outcome> {
        let single = |of: &dyn Fn(&Cell) -> Option<f64>| {
            let (more, less) = (of(more)?, of(less)?);
            (more > 0.0 && less > 0.0).then_some(Outcome::Single { more, less })
        };
        match figure {
            Figure::Time => Some(Outcome::Times {
                ratio: between(more, less)?.interval,
                samples: counted(more).len().min(counted(less).len()),
            }),
            Figure::Memory => single(&|cell| cell.rss_peak_bytes.map(|bytes| bytes as f64)),
            Figure::LoopLag => single(&|cell| view::metric(cell, "loop_lag_max_ns")),
        }
    }

    /// The rest of the sentence.
    pub(super) fn told(&self, figure: Figure, more: &str, less: &str) -> String {
        match self {
            Outcome::Times { ratio, samples } => told_times(ratio, *samples, more, less),
            Outcome::Single {
                more: most,
                less: least,
            } => {
                let shown = |value: f64| match figure {
                    Figure::Memory => bytes(value as u64),
                    _ => duration(value),
                };
                let (most, least) = (*most, *least);
                let word = if most >= least * TELLING {
                    "borne out"
                } else if least >= most * TELLING {
                    "not here"
                } else {
                    "not to be seen here"
                };
                let what = match figure {
                    Figure::Memory => "of memory",
                    _ => "of lag",
                };
                format!(
                    "{word}, {} {what} in {more}, {} in {less}.",
                    shown(most),
                    shown(least)
                )
            }
        }
    }
}

fn told_times(taken: &Interval, samples: usize, more: &str, less: &str) -> String {
    let longer = |ratio: f64, slow: &str, quick: &str| {
        format!(
            "{slow} took {} times as long as {quick}",
            clear_ratio(ratio)
        )
    };
    match view::bounds(taken) {
        Some((low, high)) if low > 1.0 => format!(
            "borne out, {} [{} to {}].",
            longer(taken.median, more, less),
            clear_ratio(low),
            clear_ratio(high)
        ),
        Some((low, high)) if high < 1.0 => format!(
            "not here, {} [{} to {}].",
            longer(1.0 / taken.median, less, more),
            clear_ratio(1.0 / high),
            clear_ratio(1.0 / low)
        ),
        Some((low, high)) => format!(
            "open here, {more} took {} to {} times as long as {less}.",
            ratio(low),
            ratio(high)
        ),
        None => {
            // Too few samples for a finding in either direction.
            let by = format!("by {} only", plural(samples, "sample"));
            let said = if taken.median >= 1.0 {
                longer(taken.median, more, less)
            } else {
                longer(1.0 / taken.median, less, more)
            };
            format!("{said}, {by}.")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interval(median: f64, low: f64, high: f64) -> Interval {
        Interval {
            median,
            low: Some(low),
            high: Some(high),
        }
    }

    #[test]
    fn what_the_interval_says_decides() {
        let told = |median, low, high| told_times(&interval(median, low, high), 9, "a", "b");
        assert_eq!(
            told(2.0, 1.9, 2.1),
            "borne out, a took 2.00 times as long as b [1.90 to 2.10]."
        );
        assert_eq!(
            told(0.5, 0.4, 0.8),
            "not here, b took 2.00 times as long as a [1.25 to 2.50]."
        );
        assert_eq!(
            told(1.1, 0.9, 1.3),
            "open here, a took 0.90 to 1.30 times as long as b."
        );
        let few = Interval {
            median: 3.0,
            low: None,
            high: None,
        };
        assert_eq!(
            told_times(&few, 1, "a", "b"),
            "a took 3.00 times as long as b, by 1 sample only."
        );
    }

    #[test]
    fn one_sample_is_no_finding_in_either_direction() {
        for median in [0.5, 2.0] {
            let few = Interval {
                median,
                low: None,
                high: None,
            };
            let told = told_times(&few, 1, "a", "b");
            assert!(told.ends_with("by 1 sample only."), "{told}");
            for finding in ["not here", "borne out", "open here"] {
                assert!(!told.contains(finding), "{told}");
            }
        }
    }

    #[test]
    fn a_figure_of_one_sample_each_has_to_differ_clearly() {
        let told = |more, less| Outcome::Single { more, less }.told(Figure::Memory, "a", "b");
        let mib = |n: f64| n * f64::from(1 << 20);
        assert_eq!(
            told(mib(13.0), mib(2.2)),
            "borne out, 13 MiB of memory in a, 2.2 MiB in b."
        );
        assert!(told(mib(2.0), mib(9.0)).starts_with("not here, "));
        assert!(told(mib(2.0), mib(2.2)).starts_with("not to be seen here, "));
        let lag = Outcome::Single {
            more: 98.4e6,
            less: 2.1e6,
        };
        assert_eq!(
            lag.told(Figure::LoopLag, "a", "b"),
            "borne out, 98.4 ms of lag in a, 2.10 ms in b."
        );
    }
}
