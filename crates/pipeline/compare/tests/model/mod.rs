//! The model that `tests/stages.rs` tests.

pub(crate) use pipeline_compare::PipelineModel as Tested;
