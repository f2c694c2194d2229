//! The outcome of a claim: it holds, it does not, or that is open.

use workload_stats::Interval;

use super::super::number::{at_least, bytes, clear_ratio, duration, plural};
use super::super::view;
use super::{Claim, Figure, Form};
use crate::results::{Cell, Settings, Verdict, Workload};
use crate::stats::{between, counted};

/// Whether a claim holds here, and the figures that say so.
pub(super) struct Outcome {
    holds: Holds,
    figures: Figures,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Holds {
    Yes,
    No,
    Open,
}

/// How much the one took, and the other.
enum Figures {
    /// The ratio of their times, with its interval.
    Times(Interval),
    /// A lower bound of that ratio.
    AtLeast(f64),
    /// A ratio that says nothing, by that many samples.
    Few(Interval, usize),
    /// One figure each, of the untimed sample.
    Single {
        more: String,
        less: String,
        what: String,
    },
}

/// Two figures of a single sample each are told apart from here on: half as much again is more than
/// pages and timers vary.
const TELLING: f64 = 1.5;

impl Outcome {
    /// `None` where the cells do not have that figure.
    pub(super) fn of(
        claim: &Claim,
        workload: &Workload,
        more: &Cell,
        less: &Cell,
        settings: &Settings,
    ) -> Option<Outcome> {
        let memory = |cell: &Cell| cell.rss_peak_bytes.map(|bytes| bytes as f64);
        match claim.figure {
            Figure::Time => times(claim.form, more, less, settings),
            Figure::Memory => single(memory(more)?, memory(less)?, shown_bytes, "of memory"),
            Figure::MemoryOfSession => {
                let sessions = workload.sessions.filter(|sessions| *sessions > 0)?;
                let each = |cell: &Cell| Some(memory(cell)? / sessions as f64);
                let what = format!("for each of {}", plural(sessions, "session"));
                single(each(more)?, each(less)?, shown_bytes, &what)
            }
            Figure::LoopLag => {
                let lag = |cell: &Cell| view::metric(cell, "loop_lag_max_ns");
                single(lag(more)?, lag(less)?, duration, "of lag")
            }
        }
    }

    /// The rest of the sentence.
    pub(super) fn told(&self, more: &str, less: &str) -> String {
        let word = match self.holds {
            Holds::Yes => "holds here",
            Holds::No => "does not hold here",
            Holds::Open => "open here",
        };
        let figures = match &self.figures {
            Figures::Times(ratio) => longer(ratio, more, less),
            Figures::AtLeast(least) => {
                format!(
                    "{more} took at least {} times as long as {less}",
                    at_least(*least)
                )
            }
            Figures::Few(ratio, samples) => {
                let by = plural(*samples, "sample");
                format!("{}, by {by} only", longer(ratio, more, less))
            }
            Figures::Single {
                more: most,
                less: least,
                what,
            } => format!("{most} {what} in {more}, {least} in {less}"),
        };
        format!("{word}, {figures}.")
    }
}

fn shown_bytes(value: f64) -> String {
    bytes(value as u64)
}

fn times(form: Form, more: &Cell, less: &Cell, settings: &Settings) -> Option<Outcome> {
    let ratio = between(more, less)?.interval;
    let margin = settings.margin();
    if let Some(bounds) = view::bounds(&ratio) {
        return Some(Outcome {
            holds: holds(form, bounds, margin, settings.floor()),
            figures: Figures::Times(ratio),
        });
    }
    // One sample far above the best is far above what is close to the best.
    let least = (more.verdict == Some(Verdict::SlowerByOneSample))
        .then(|| Some(more.ratio_to_best?.low? / less.ratio_to_best?.high?))
        .flatten();
    if let Some(least) = least.filter(|least| *least > 1.0 + margin.max(settings.floor())) {
        return Some(Outcome {
            holds: Holds::Yes,
            figures: Figures::AtLeast(least),
        });
    }
    let samples = counted(more).len().min(counted(less).len());
    Some(Outcome {
        holds: Holds::Open,
        figures: Figures::Few(ratio, samples),
    })
}

/// By the whole interval of `more ÷ less`.
fn holds(form: Form, (low, high): (f64, f64), margin: f64, floor: f64) -> Holds {
    let beyond = 1.0 + margin.max(floor);
    let (yes, no) = match form {
        Form::Less => (low > beyond, high <= 1.0 + margin),
        Form::NoMore => (low >= 1.0 / (1.0 + margin), high < 1.0 / beyond),
    };
    match (yes, no) {
        (true, _) => Holds::Yes,
        (_, true) => Holds::No,
        _ => Holds::Open,
    }
}

fn single(more: f64, less: f64, shown: fn(f64) -> String, what: &str) -> Option<Outcome> {
    if !(more > 0.0 && less > 0.0) {
        return None;
    }
    // Nothing here claims that two single figures are alike.
    let holds = if more >= less * TELLING {
        Holds::Yes
    } else if less >= more * TELLING {
        Holds::No
    } else {
        Holds::Open
    };
    Some(Outcome {
        holds,
        figures: Figures::Single {
            more: shown(more),
            less: shown(less),
            what: what.to_owned(),
        },
    })
}

/// The slower of the two, and by how much, with bounds where there are any.
fn longer(taken: &Interval, more: &str, less: &str) -> String {
    let told = |slow: &str, quick: &str, ratio: f64, bounds: Option<(f64, f64)>| {
        let bounds = bounds.map_or_else(String::new, |(low, high)| {
            format!(" [{} to {}]", clear_ratio(low), clear_ratio(high))
        });
        let ratio = clear_ratio(ratio);
        format!("{slow} took {ratio} times as long as {quick}{bounds}")
    };
    let bounds = view::bounds(taken);
    if taken.median >= 1.0 {
        told(more, less, taken.median, bounds)
    } else {
        let inverse = bounds.map(|(low, high)| (1.0 / high, 1.0 / low));
        told(less, more, 1.0 / taken.median, inverse)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(form: Form, median: f64, low: f64, high: f64) -> String {
        let ratio = Interval {
            median,
            low: Some(low),
            high: Some(high),
        };
        let outcome = Outcome {
            holds: holds(form, (low, high), 0.05, 0.0),
            figures: Figures::Times(ratio),
        };
        outcome.told("a", "b")
    }

    #[test]
    fn the_whole_interval_decides_whether_a_claim_holds() {
        let less = |median, low, high| told(Form::Less, median, low, high);
        assert_eq!(
            less(2.0, 1.9, 2.1),
            "holds here, a took 2.00 times as long as b [1.90 to 2.10]."
        );
        assert_eq!(
            less(0.5, 0.4, 0.8),
            "does not hold here, b took 2.00 times as long as a [1.25 to 2.50]."
        );
        assert_eq!(
            less(1.01, 0.99, 1.03),
            "does not hold here, a took 1.01 times as long as b [0.99 to 1.03]."
        );
        assert!(less(1.1, 0.9, 1.3).starts_with("open here, "));
        assert!(less(1.06, 1.01, 1.09).starts_with("open here, "));
    }

    #[test]
    fn no_more_allows_for_the_margin() {
        let no_more = |low, high| told(Form::NoMore, (low + high) / 2.0, low, high);
        assert!(no_more(1.2, 1.4).starts_with("holds here, "));
        assert!(no_more(0.96, 1.01).starts_with("holds here, "));
        assert!(no_more(0.93, 1.01).starts_with("open here, "));
        assert!(no_more(0.80, 0.90).starts_with("does not hold here, "));
    }

    #[test]
    fn one_sample_is_no_finding_in_either_direction() {
        for median in [0.5, 2.0] {
            let few = Interval {
                median,
                low: None,
                high: None,
            };
            let outcome = Outcome {
                holds: Holds::Open,
                figures: Figures::Few(few, 1),
            };
            let told = outcome.told("a", "b");
            assert!(told.starts_with("open here, "), "{told}");
            assert!(told.ends_with("by 1 sample only."), "{told}");
        }
    }

    #[test]
    fn a_figure_of_one_sample_each_has_to_differ_clearly() {
        let mib = |n: f64| n * f64::from(1 << 20);
        let told = |more, less| {
            let outcome = single(mib(more), mib(less), shown_bytes, "of memory");
            outcome.expect("figures").told("a", "b")
        };
        assert_eq!(
            told(13.0, 2.2),
            "holds here, 13 MiB of memory in a, 2.2 MiB in b."
        );
        assert!(told(2.0, 9.0).starts_with("does not hold here, "));
        assert!(told(2.0, 2.2).starts_with("open here, "));
        assert!(single(0.0, 1.0, shown_bytes, "").is_none());
    }
}
