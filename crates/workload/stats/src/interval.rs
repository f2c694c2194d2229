//! An estimate with its confidence interval.

/// A median, or another estimate of a centre, with the bounds of its confidence interval (95 %
/// unless documented otherwise); no bounds where there are too few samples.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Interval {
    /// The median.
    pub median: f64,
    /// The lower bound.
    pub low: Option<f64>,
    /// The upper bound.
    pub high: Option<f64>,
}
