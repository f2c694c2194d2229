//! The model that `tests/stages.rs` tests.

pub(crate) use queue_compare::QueueModel as Tested;
