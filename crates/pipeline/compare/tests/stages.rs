//! A workload with stages, run in real stages: the outputs are those of `sequential`, and the
//! buffers bound the tasks in flight.
//!
//! Both `pipeline` and `queue` run this file.

mod model;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use model::Tested;
use workload::definition::parse;
use workload::inputs::{Inputs, Step, make};
use workload::kernels::{Call, Kernel};
use workload::model::{Batch, Model, Outputs};
use workload::sequential::Sequential;
use workload::task::Surroundings;

const PIPELINE: &str = r#"
name = "orders"
pattern = "pipeline"
tasks = 200
seed = 11
[pipeline]
buffer = 2
[[step]]
kernel = "mandelbrot"
stage = 0
[[step]]
wait = { uniform = ["0us", "300us"] }
stage = 1
[[step]]
compute = "5us"
kind = "long"
stage = 1
[[step]]
compute = "20us"
kind = "short"
stage = 2
[[step]]
compute = "1us"
stage = 3
"#;

fn done_by<M: Model>(model: &M, inputs: &Inputs, workers: usize) -> Outputs {
    let mut ready = model.prepare("", inputs, workers).unwrap();
    let batch = Batch::new(Arc::new(inputs.clone()), Surroundings::default());
    model.run(&mut ready, &Arc::new(batch))
}

fn inputs() -> Inputs {
    make(&parse(PIPELINE, "orders").unwrap(), 10)
}

#[test]
fn outputs_are_those_of_sequential() {
    let inputs = inputs();
    let right = done_by(&Sequential, &inputs, 1);
    assert!(right.iter().all(Result::is_ok));
    for workers in [1, 2, 5] {
        assert_eq!(done_by(&Tested, &inputs, workers), right);
    }
}

#[test]
fn buffers_bound_the_tasks_in_flight() {
    static BEGUN: AtomicUsize = AtomicUsize::new(0);
    static ENDED: AtomicUsize = AtomicUsize::new(0);
    static MOST: AtomicUsize = AtomicUsize::new(0);
    fn begin(_: Call<'_>) -> u64 {
        let begun = BEGUN.fetch_add(1, Ordering::SeqCst) + 1;
        MOST.fetch_max(
            begun - ENDED.load(Ordering::SeqCst).min(begun),
            Ordering::SeqCst,
        );
        0
    }
    fn end(_: Call<'_>) -> u64 {
        ENDED.fetch_add(1, Ordering::SeqCst);
        0
    }
    let kernel = |run| Step::Kernel(Kernel { name: "test", run });
    let mut inputs = inputs();
    for task in &mut inputs.tasks {
        task.steps = vec![kernel(begin), Step::Wait { ns: 100_000 }, kernel(end)];
        task.stages = vec![0, 1, 2];
    }
    let outputs = done_by(&Tested, &inputs, 1);
    assert_eq!(outputs, done_by(&Sequential, &inputs, 1));
    // Two buffers of 2, and three workers with one task each. A single stage would have 1.
    let most = MOST.load(Ordering::SeqCst);
    assert!((2..=7).contains(&most), "{most}");
}

#[test]
fn task_failing_in_a_stage_is_an_error_in_its_place() {
    fn panics(call: Call<'_>) -> u64 {
        assert!(!call.index.is_multiple_of(7), "expected");
        1
    }
    let mut inputs = inputs();
    for task in &mut inputs.tasks {
        let second = if task.index % 5 == 1 {
            Step::Read {
                file: "no such file".to_owned(),
                bytes: 1,
            }
        } else {
            Step::Wait { ns: 0 }
        };
        let first = Step::Kernel(Kernel {
            name: "panics",
            run: panics,
        });
        task.steps = vec![first, second, Step::Compute { iterations: 3 }];
        task.stages = vec![0, 1, 2];
    }
    let right = done_by(&Sequential, &inputs, 1);
    let got = done_by(&Tested, &inputs, 3);
    assert_eq!(got.len(), right.len());
    for (index, (got, right)) in got.iter().zip(&right).enumerate() {
        if index.is_multiple_of(7) {
            assert!(got.is_err() && right.is_err(), "{index}");
        } else {
            // With the same text, too.
            assert_eq!(got, right, "{index}");
        }
    }
}
