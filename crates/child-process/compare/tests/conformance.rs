//! The conformance checks of a model, for `child-process`.
//!
//! Most of the common checks call functions of the test program, which cannot be passed to a child.
//! This file repeats those checks with steps that can.

mod support;

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use child_process_compare::ChildProcessModel;
use support::{alone, batch, inputs};
use workload::inputs::{Inputs, Step};
use workload::kernels;
use workload::model::{Batch, Completions, Model, Outputs};
use workload::sequential::Sequential;
use workload::task::Surroundings;

const MOST: usize = 1_000;
const WORKERS: usize = 3;

fn model() -> ChildProcessModel {
    ChildProcessModel::new(PathBuf::from(env!("CARGO_BIN_EXE_child-process-compare")))
}

fn outputs(inputs: Inputs) -> Outputs {
    let model = model();
    let mut ready = model.prepare("", &inputs, WORKERS).expect("it gets ready");
    model.run(&mut ready, &batch(inputs))
}

fn agrees(inputs: Inputs) {
    let right = Sequential.run(&mut (), &batch(inputs.clone()));
    assert!(right.iter().all(Result::is_ok));
    assert_eq!(outputs(inputs), right);
}

#[test]
fn builtin_workloads_match_sequential() {
    let _turn = alone();
    workload_conformance::builtin_workloads_match_sequential(&model(), MOST);
}

#[test]
fn every_kind_of_step_matches_sequential() {
    let _turn = alone();
    workload_conformance::every_kind_of_step_matches_sequential(&model(), MOST);
    for pattern in ["map", "rounds", "fold"] {
        for step in [
            "wait = \"1ms\"",
            "compute = \"10us\"",
            "kernel = \"gcd\"",
            "kernel = \"mandelbrot\"",
            "exec = [\"cat\"]",
        ] {
            agrees(inputs(5, pattern, step));
        }
    }
}

/// A merge would have to pass its lines between processes. Running it anyway is an error, not a
/// result.
#[test]
fn merge_is_refused_with_a_reason() {
    let _alone = alone();
    let model = model();
    let mut inputs = inputs(3, "merge", "tail = \"1KiB\"");
    let reason = model.supports("", &inputs.header).expect_err("no merge");
    assert!(reason.0.contains("Item 62"), "{}", reason.0);
    for task in &mut inputs.tasks {
        task.steps = vec![Step::Wait { ns: 1 }];
    }
    let mut ready = model.prepare("", &inputs, WORKERS).expect("it gets ready");
    let batch = batch(inputs);
    let outputs = model.run(&mut ready, &batch);
    let failures: Vec<_> = outputs
        .iter()
        .filter_map(|output| output.as_ref().err())
        .collect();
    assert!(outputs.len() == 4 && failures.len() == 1, "{outputs:?}");
    assert!(
        failures[0].to_string().contains("the log of task 0"),
        "{outputs:?}"
    );
}

#[test]
fn outputs_are_in_input_order() {
    let _alone = alone();
    let mut inputs = inputs(12, "map", "wait = \"1ms\"");
    for (index, task) in inputs.tasks.iter_mut().enumerate() {
        let ns = (12 - index as u64) * 5_000_000;
        task.steps = vec![Step::Wait { ns }];
    }
    agrees(inputs);
}

#[test]
fn any_number_of_tasks_is_done() {
    let _turn = alone();
    for tasks in [0, 1, 2, MOST] {
        agrees(inputs(tasks, "map", "compute = \"1us\""));
    }
}

#[test]
fn declared_concurrency_is_reached_and_kept() {
    let _turn = alone();
    let mut most = 0;
    // On a busy machine the tasks must take longer to overlap.
    for wait in ["200ms", "2s", "8s"] {
        let inputs = inputs(9, "map", &format!("wait = \"{wait}\""));
        let work = thread::spawn(move || outputs(inputs));
        while !work.is_finished() {
            most = most.max(count_children());
            thread::sleep(Duration::from_millis(1));
        }
        assert!(
            work.join()
                .is_ok_and(|outputs| outputs.iter().all(Result::is_ok))
        );
        if most >= WORKERS {
            break;
        }
    }
    assert_eq!(most, WORKERS);
}

#[test]
fn crashing_task_affects_only_its_own_output() {
    let _alone = alone();
    let mut inputs = inputs(12, "map", "kernel = \"gcd\"");
    let kill = |signal: &str| Step::Exec {
        command: ["sh", "-c", &format!("kill -{signal} $PPID; sleep 10")]
            .map(str::to_owned)
            .to_vec(),
        timeout_ns: None,
    };
    inputs.tasks[2].steps = vec![kill("KILL")];
    inputs.tasks[5].steps = vec![kill("ABRT")];
    inputs.tasks[7].steps = vec![Step::Read {
        file: "no such file".to_owned(),
        bytes: 1,
    }];
    let outputs = outputs(inputs);
    let failed: Vec<usize> = (0..12).filter(|index| outputs[*index].is_err()).collect();
    assert_eq!(failed, [2, 5, 7]);
    let said = outputs[2].as_ref().unwrap_err().to_string();
    assert!(said.contains("signal: 9"), "{said}");
    let said = outputs[7].as_ref().unwrap_err().to_string();
    assert!(said.contains("no such file"), "{said}");
}

#[test]
fn unknown_kernel_is_an_error_of_its_own_task() {
    let _alone = alone();
    let mut inputs = inputs(3, "map", "kernel = \"gcd\"");
    // The child does not know this kernel.
    inputs.tasks[1].steps = vec![Step::Kernel(kernels::Kernel {
        name: "not there",
        run: |_| 0,
    })];
    let outputs = outputs(inputs);
    assert!(outputs[0].is_ok() && outputs[2].is_ok());
    let said = outputs[1].as_ref().unwrap_err().to_string();
    assert!(said.contains("no kernel"), "{said}");
}

#[test]
fn no_thread_or_descriptor_is_leaked() {
    let _turn = alone();
    let before = (count("fd"), count_children());
    for _ in 0..20 {
        outputs(inputs(20, "map", "compute = \"1us\""));
    }
    let patience = Instant::now() + Duration::from_secs(30);
    while (count("fd"), count_children()) != before {
        assert!(
            Instant::now() < patience,
            "descriptors or children are left"
        );
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn trace_records_when_each_task_was_done() {
    let _alone = alone();
    let mut inputs = inputs(2, "map", "wait = \"1ms\"");
    inputs.tasks[1].steps = vec![Step::Wait { ns: 400_000_000 }];
    let model = model();
    let mut ready = model.prepare("", &inputs, 1).expect("it gets ready");
    let completions = Arc::new(Completions::start(2));
    let traced = batch(inputs).traced(Arc::clone(&completions));
    let outputs = model.run(&mut ready, &Arc::new(traced));
    assert!(outputs.iter().all(Result::is_ok));
    let at = |share| completions.quantile_ns(share).expect("there are tasks");
    assert!(at(0.5) > 0);
    // The tasks run in sequence. Half of the wait is a margin for a busy machine.
    assert!(at(1.0) >= at(0.5) + 200_000_000);
}

#[cfg(unix)]
#[test]
fn directory_name_that_is_not_utf8_is_an_error() {
    use std::ffi::OsString;
    use std::os::unix::ffi::OsStringExt as _;
    let inputs = inputs(2, "map", "wait = \"1ms\"");
    let model = model();
    let mut ready = model.prepare("", &inputs, 1).expect("it gets ready");
    let files = PathBuf::from(OsString::from_vec(vec![b'/', 0xff]));
    let surroundings = Surroundings {
        files,
        origin: None,
        ..Surroundings::default()
    };
    let outputs = model.run(
        &mut ready,
        &Arc::new(Batch::new(Arc::new(inputs), surroundings)),
    );
    let said = outputs[1].as_ref().unwrap_err().to_string();
    assert!(said.contains("is not UTF-8"), "{said}");
}

#[test]
fn timeline_shows_a_lane_for_each_process() {
    let _turn = alone();
    let model = model();
    workload_conformance::timeline_has_every_task(&model, MOST);
    workload_conformance::timeline_shows_the_declared_concurrency(&model, MOST);
    let inputs = inputs(12, "map", "wait = \"200ms\"");
    let nowhere = Surroundings::default();
    let found = workload_conformance::timeline(&model, "", &inputs, &nowhere);
    let found = found.expect("it waits");
    let threads = workload_conformance::threads_of(&found);
    // Not the runner itself, which runs none.
    let processes: Vec<u32> = threads.iter().map(|(process, _)| *process).collect();
    assert_eq!(processes, [1, 2, 3], "{found:?}");
}

#[test]
fn manifest_lists_the_variants() {
    let folder = env!("CARGO_MANIFEST_DIR");
    workload_conformance::manifest_lists_the_variants(&model(), folder);
}

fn count(what: &str) -> usize {
    fs::read_dir(format!("/proc/self/{what}"))
        .expect("/proc")
        .count()
}

fn count_children() -> usize {
    let tasks = fs::read_dir("/proc/self/task").expect("/proc").flatten();
    tasks
        .filter_map(|task| fs::read_to_string(task.path().join("children")).ok())
        .map(|children| children.split_ascii_whitespace().count())
        .sum()
}
