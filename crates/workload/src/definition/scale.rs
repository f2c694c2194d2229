//! A workload with longer or shorter tasks than its definition says.

/// The factors by which the times of all steps are multiplied once they are drawn.
///
/// A definition file has none: they make the twins of a workload, which tell what would change if
/// its tasks were of another size.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scale {
    /// For `compute` steps.
    pub work: f64,
    /// For `wait` steps, and for the delays of `fetch` and the growth of `tail`.
    pub wait: f64,
}

impl Scale {
    /// As the definition says.
    pub const ONE: Scale = Scale {
        work: 1.0,
        wait: 1.0,
    };

    /// That part of a time or of iterations.
    pub(crate) fn times(factor: f64, amount: u64) -> u64 {
        if factor == 1.0 {
            return amount;
        }
        (amount as f64 * factor).round() as u64
    }
}
