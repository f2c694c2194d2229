//! This comparison against an earlier one: whether they can be compared, what changed, and whether
//! that is more than a user allows.

mod change;
mod gate;
mod refusal;

pub use change::{Change, Changes, Finding, Missing, common, compared};
pub use gate::Gate;
pub use refusal::{Asked, Table, doubts, refusal};
