//! The same three jobs, once per guard: every output in its place, the sum of all, and how many fall on each key.
//!
//! In each, a thread claims the next task, does it outside of any lock, and puts its output where all put theirs.

pub(crate) mod atomic;
pub(crate) mod merged;
pub(crate) mod mutex;
pub(crate) mod rwlock;
pub(crate) mod sharded;

use workload::model::Outputs;
use workload::task::{Failure, Output};

/// A place for each output.
fn places(tasks: usize) -> Vec<Option<Output>> {
    vec![None; tasks]
}

/// The outputs, when all threads have ended.
fn in_order(places: Vec<Option<Output>>) -> Outputs {
    places
        .into_iter()
        .map(|place| place.unwrap_or_else(|| Err(Failure::new("no thread claimed this task"))))
        .collect()
}
