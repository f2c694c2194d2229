//! Workloads whose steps every process knows, for the models that pass their tasks to one.
//!
//! Several crates link this file.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use workload::definition::parse;
use workload::inputs::{Inputs, make};
use workload::model::Batch;
use workload::task::Surroundings;

/// The tests run one at a time, since they count children and descriptors of this program.
pub(crate) fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(crate) fn inputs(tasks: usize, pattern: &str, step: &str) -> Inputs {
    let generations = if pattern == "rounds" {
        "[rounds]\ngenerations = 3\n"
    } else {
        ""
    };
    let count = tasks.max(1);
    let text = format!(
        "name = \"check\"\npattern = \"{pattern}\"\ntasks = {count}\n{generations}[[step]]\n{step}"
    );
    let mut inputs = make(&parse(&text, "check").expect("the definition is right"), 1);
    inputs.tasks.truncate(tasks);
    inputs.header.tasks = tasks;
    inputs
}

pub(crate) fn batch(inputs: Inputs) -> Arc<Batch> {
    Arc::new(Batch::new(Arc::new(inputs), Surroundings::default()))
}
