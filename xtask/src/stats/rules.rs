//! The rules by which the cells of a table are judged.

/// The model whose default variant every speed-up refers to.
pub const BASELINE: &str = "sequential";

/// The figure that counts, and the differences that matter.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// Whether requests are served, and response times count instead of the time of a sample.
    pub served: bool,
    /// The difference that matters, as a part of 1.
    pub margin: f64,
    /// The smallest difference that the machine can tell apart, as a part of 1.
    pub floor: f64,
}
