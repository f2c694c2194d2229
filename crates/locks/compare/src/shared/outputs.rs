//! The list of outputs.

use workload::model::Outputs;
use workload::task::{Failure, Output};

/// An empty slot for each output.
pub(super) fn slots(tasks: usize) -> Vec<Option<Output>> {
    vec![None; tasks]
}

/// The outputs, once all workers have ended.
pub(super) fn in_order(slots: Vec<Option<Output>>) -> Outputs {
    slots
        .into_iter()
        .map(|slot| slot.unwrap_or_else(|| Err(Failure::new("no worker claimed this task"))))
        .collect()
}
