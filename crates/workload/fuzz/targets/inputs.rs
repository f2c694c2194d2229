//! Any bytes as inputs: refused, or they can be written, read back, and done if they only compute.

#![no_main]

use std::io::BufReader;
use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use workload::definition::Pattern;
use workload::inputs::{Inputs, Step, Task, read_from, write};
use workload::model::{Batch, Model};
use workload::sequential::Sequential;
use workload::task::Surroundings;

fuzz_target!(|bytes: &[u8]| {
    let Ok(inputs) = read_from(BufReader::new(bytes), "fuzzed.jsonl".as_ref()) else {
        return;
    };
    let waits = inputs.tasks.iter().map(Task::waiting_ns).max();
    let mut file = Vec::new();
    write(&inputs, &mut file).expect("memory takes it");
    let read = read_from(BufReader::new(&file[..]), "fuzzed.jsonl".as_ref());
    let read = read.expect("what was written can be read");
    assert_eq!(read, inputs);
    assert_eq!(read.tasks.iter().map(Task::waiting_ns).max(), waits);
    if is_quick(&inputs) {
        let batch = Arc::new(Batch::new(Arc::new(inputs), Surroundings::default()));
        let _ = Sequential.run(&mut (), &batch);
    }
});

/// Whether doing the tasks takes no time and does no I/O.
fn is_quick(inputs: &Inputs) -> bool {
    let few = match inputs.header.pattern {
        Pattern::Rounds { generations } => generations <= 4,
        Pattern::Histogram { keys } => keys <= 1000,
        _ => true,
    };
    let quick = |step: &Step| match step {
        Step::Wait { ns } => *ns == 0,
        Step::Compute { iterations } => *iterations < 1000,
        Step::Kernel(kernel) => kernel.name == "life",
        _ => false,
    };
    few && inputs.tasks.len() < 100 && inputs.tasks.iter().flat_map(|task| &task.steps).all(quick)
}
