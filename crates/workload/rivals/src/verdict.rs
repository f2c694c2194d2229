//! The verdict on a target, from the interval of the median of the paired ratios and the noise.

use std::fmt;

/// A ratio with its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Ratio {
    pub(crate) median: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
}

impl Ratio {
    /// The median of the paired ratios. With fewer than six rounds there is no interval, and the
    /// range takes its place.
    pub(crate) fn paired(ours: &[f64], theirs: &[f64]) -> Self {
        let ratios: Vec<f64> = ours
            .iter()
            .zip(theirs)
            .map(|(ours, theirs)| ours / theirs)
            .collect();
        let least = ratios.iter().copied().fold(f64::INFINITY, f64::min);
        let most = ratios.iter().copied().fold(0.0, f64::max);
        match workload_stats::median_interval(&ratios) {
            Some(interval) => Self {
                median: interval.median,
                low: interval.low.unwrap_or(least),
                high: interval.high.unwrap_or(most),
            },
            None => Self {
                median: f64::NAN,
                low: f64::NAN,
                high: f64::NAN,
            },
        }
    }

    /// How far an A/A run is from 1.
    fn spread(self) -> f64 {
        (1.0 - self.low).max(self.high - 1.0).max(0.0)
    }
}

impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.2} [{:.2}–{:.2}]", self.median, self.low, self.high)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Met,
    NotMet,
    NotResolvable,
}

impl Verdict {
    /// The target is met if the whole interval is below it. If two runs of ours differ by more than
    /// the distance between the ratio and the target, there is no verdict.
    pub(crate) fn judge(ratio: Ratio, target: f64, same: Ratio) -> Self {
        let margin = (ratio.median - target).abs() / target;
        if same.spread() > margin {
            Self::NotResolvable
        } else if ratio.high <= target {
            Self::Met
        } else if ratio.low > target {
            Self::NotMet
        } else {
            Self::NotResolvable
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Met => "met",
            Self::NotMet => "NOT met",
            Self::NotResolvable => "not resolvable",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ratio(median: f64, low: f64, high: f64) -> Ratio {
        Ratio { median, low, high }
    }

    #[test]
    fn ratios_are_taken_within_a_round() {
        let ours: Vec<f64> = (1..=31).map(f64::from).collect();
        let theirs: Vec<f64> = ours.iter().map(|ours| ours * 2.0).collect();
        assert_eq!(Ratio::paired(&ours, &theirs), ratio(0.5, 0.5, 0.5));
        assert_eq!(
            Ratio::paired(&[1.0, 3.0], &[2.0, 2.0]),
            ratio(1.0, 0.5, 1.5)
        );
    }

    #[test]
    fn target_is_met_when_interval_is_below_and_noise_small() {
        let calm = ratio(1.0, 0.99, 1.01);
        assert_eq!(
            Verdict::judge(ratio(0.7, 0.68, 0.72), 0.8, calm),
            Verdict::Met
        );
        assert_eq!(
            Verdict::judge(ratio(0.9, 0.88, 0.92), 0.8, calm),
            Verdict::NotMet
        );
        assert_eq!(
            Verdict::judge(ratio(0.75, 0.7, 0.85), 0.8, calm),
            Verdict::NotResolvable
        );
        let wild = ratio(1.0, 0.7, 1.3);
        assert_eq!(
            Verdict::judge(ratio(0.7, 0.68, 0.72), 0.8, wild),
            Verdict::NotResolvable
        );
    }
}
