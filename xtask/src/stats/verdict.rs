//! The verdict on a ratio, and the price of one that is still open.

use workload_stats::Interval;

use super::rules::Rules;
use crate::results::{Price, Verdict};

/// An open verdict that would take more rounds than this has no price: the ratio lies on the
/// margin.
const MOST_ROUNDS: f64 = 10_000.0;

/// The verdict by the bounds of a ratio to the best.
///
/// `margin` is the difference that matters, and `floor` the smallest difference that the machine
/// can tell apart, both as parts of 1: nothing below either of them is called slower. "As fast" is
/// shown only if the whole interval lies within the margin, on both sides.
pub fn judge(ratio: Interval, margin: f64, floor: f64) -> Verdict {
    let Some((low, high)) = ratio.low.zip(ratio.high) else {
        return Verdict::Open;
    };
    let within = |margin: f64| low >= 1.0 / (1.0 + margin) && high <= 1.0 + margin;
    if low > 1.0 + margin.max(floor) {
        Verdict::Slower
    } else if within(margin) {
        Verdict::Fast
    } else if within(2.0 * margin) {
        Verdict::FastWithin10
    } else {
        Verdict::Open
    }
}

/// The price of deciding an open ratio: about how many more values (rounds, or lives) like
/// the `values` it has. `None` where that cannot be told, or would take thousands.
///
/// The width of an interval shrinks with the root of the number of values, and the verdict falls
/// when half of it is less than the distance from the estimate to the margin.
pub(super) fn more_values(
    ratio: Interval,
    rules: Rules,
    values: usize,
    fewest: usize,
) -> Option<u32> {
    let Some((low, high)) = ratio.low.zip(ratio.high) else {
        return u32::try_from(fewest.saturating_sub(values).max(1)).ok();
    };
    let half = (high.ln() - low.ln()) / 2.0;
    let (slower, fast) = (rules.margin.max(rules.floor).ln_1p(), rules.margin.ln_1p());
    let distance = match ratio.median.ln() {
        log if log > slower => log - slower,
        log if log.abs() < fast => fast - log.abs(),
        // No verdict is reached there, however many values there are.
        _ => return None,
    };
    let needed = values as f64 * (half / distance).powi(2);
    let more = (needed - values as f64).ceil().max(1.0);
    (more <= MOST_ROUNDS).then_some(more as u32)
}

/// The price of that many more rounds of both, each as long as the two together take.
pub(super) fn price(rounds: u32, ns_per_round: f64) -> Price {
    Price {
        rounds,
        ns: (f64::from(rounds) * ns_per_round) as u64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: Rules = Rules {
        served: false,
        margin: 0.05,
        floor: 0.0,
    };

    fn ratio(low: f64, high: f64) -> Interval {
        Interval {
            median: (low * high).sqrt(),
            low: Some(low),
            high: Some(high),
        }
    }

    #[test]
    fn the_whole_interval_decides() {
        for (low, high, expected) in [
            (1.06, 1.20, Verdict::Slower),
            (1.04, 1.20, Verdict::Open),
            (0.97, 1.04, Verdict::Fast),
            (1.01, 1.04, Verdict::Fast),
            (1.01, 1.08, Verdict::FastWithin10),
            (0.92, 1.04, Verdict::FastWithin10),
            (0.90, 1.04, Verdict::Open),
            (1.01, 1.12, Verdict::Open),
        ] {
            let verdict = judge(ratio(low, high), 0.05, 0.0);
            assert_eq!(verdict, expected, "{low} to {high}");
        }
        let none = Interval {
            median: 9.0,
            low: None,
            high: None,
        };
        assert_eq!(judge(none, 0.05, 0.0), Verdict::Open);
    }

    #[test]
    fn nothing_below_the_floor_of_the_machine_is_slower() {
        assert_eq!(judge(ratio(1.06, 1.09), 0.05, 0.08), Verdict::FastWithin10);
        assert_eq!(judge(ratio(1.02, 1.04), 0.01, 0.03), Verdict::Open);
        assert_eq!(judge(ratio(1.02, 1.04), 0.01, 0.0), Verdict::Slower);
    }

    #[test]
    fn the_price_follows_from_the_width() {
        // Half as wide at four times the values: from ±4 % around 1.03 to the 2 % that are left.
        let open = ratio(1.03 / 1.04, 1.03 * 1.04);
        let more = more_values(open, RULES, 10, 7).unwrap();
        assert!((28..=34).contains(&more), "{more}");
        let on_the_margin = ratio(1.05 / 1.04, 1.05 * 1.04);
        assert_eq!(more_values(on_the_margin, RULES, 10, 7), None);
        let coarse = Rules {
            floor: 0.15,
            ..RULES
        };
        let below_the_floor = more_values(ratio(1.11, 1.13), coarse, 10, 7);
        assert_eq!(below_the_floor, None, "it can be neither");
        let single = Interval {
            median: 1.4,
            low: None,
            high: None,
        };
        assert_eq!(more_values(single, RULES, 1, 7), Some(6));
        assert_eq!(price(6, 2e6).ns, 12_000_000);
    }
}
