//! Optional abilities of a runner.

/// Abilities that only the runner `sequential` has.
#[derive(Debug, Clone, Copy, Default)]
pub struct Extras {
    /// Whether it answers `calibrate` and `reference`.
    pub referee: bool,
}
