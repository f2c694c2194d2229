//! The conformance tests of `cluster`, each with a server of its own.
//!
//! Most of the common checks call functions of the test program through an address, which means
//! nothing in another process. Those checks are repeated here with steps that every process knows.

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use cluster_compare::{ClusterModel, Engine};
use support::{alone, batch, inputs};
use workload::inputs::{Inputs, Step, file_sizes};
use workload::model::{Batch, Completions, Model, Outputs};
use workload::sequential::Sequential;
use workload::task::{Failure, Surroundings};

const MOST: usize = 100_000;
const WORKERS: usize = 3;
const VARIANTS: [&str; 2] = ["", "one-by-one"];

/// The model, whose workers run the runner's program. Without a server, says that the test is
/// skipped.
fn model() -> Option<ClusterModel> {
    match Engine::find() {
        Ok(engine) => Some(with_engine(engine)),
        Err(failure) => {
            eprintln!("skipped: {failure}");
            None
        }
    }
}

fn with_engine(engine: Engine) -> ClusterModel {
    ClusterModel::new(env!("CARGO_BIN_EXE_cluster-compare").into(), Ok(engine))
}

fn outputs(model: &ClusterModel, variant: &str, inputs: Inputs) -> Outputs {
    let mut ready = model
        .prepare(variant, &inputs, WORKERS)
        .expect("it gets ready");
    model.run(&mut ready, &batch(inputs))
}

fn agrees(model: &ClusterModel, inputs: &Inputs) {
    let right = Sequential.run(&mut (), &batch(inputs.clone()));
    assert!(right.iter().all(Result::is_ok));
    for variant in VARIANTS {
        assert_eq!(
            outputs(model, variant, inputs.clone()),
            right,
            "variant `{variant}`"
        );
    }
}

#[test]
fn builtin_workloads_match_sequential() {
    let Some(model) = model() else {
        return;
    };
    let _turn = alone();
    workload_conformance::builtin_workloads_match_sequential(&model, MOST);
}

#[test]
fn timeline_shows_a_lane_for_each_process() {
    let Some(model) = model() else {
        return;
    };
    let _turn = alone();
    workload_conformance::timeline_has_every_task(&model, MOST);
    workload_conformance::timeline_shows_the_declared_concurrency(&model, MOST);
    let inputs = inputs(12, "map", "wait = \"200ms\"");
    for variant in VARIANTS {
        let nowhere = Surroundings::default();
        let found = workload_conformance::timeline(&model, variant, &inputs, &nowhere);
        let found = found.expect("it waits");
        let threads = workload_conformance::threads_of(&found);
        // Not the runner itself, which runs none.
        let processes: Vec<u32> = threads.iter().map(|(process, _)| *process).collect();
        assert_eq!(processes, [1, 2, 3], "{found:?}");
    }
}

#[test]
fn manifest_lists_the_variants() {
    let none = Err(Failure::new("no server"));
    let model = ClusterModel::new("none".into(), none);
    workload_conformance::manifest_lists_the_variants(&model, env!("CARGO_MANIFEST_DIR"));
}

#[test]
fn every_kind_of_step_matches_sequential() {
    let Some(model) = model() else {
        return;
    };
    let _turn = alone();
    workload_conformance::every_kind_of_step_matches_sequential(&model, MOST);
    for pattern in ["map", "rounds", "fold", "pipeline"] {
        let steps = [
            "wait = \"1ms\"",
            "compute = \"10us\"",
            "kernel = \"gcd\"",
            "kernel = \"mandelbrot\"",
            "exec = [\"cat\"]",
        ];
        for step in steps {
            agrees(&model, &inputs(7, pattern, step));
        }
    }
}

/// Its lines would have to come back from another process. A forced attempt must be an error, not a
/// figure.
#[test]
fn merge_is_refused_with_reason() {
    let Some(model) = model() else {
        return;
    };
    let _turn = alone();
    let inputs = inputs(3, "merge", "tail = \"1KiB\"");
    let reason = model.supports("", &inputs.header).expect_err("no merge");
    assert!(reason.0.contains("Item 62"), "{}", reason.0);
    let mut ready = model.prepare("", &inputs, WORKERS).expect("it gets ready");
    let batch = batch(inputs);
    let outputs = model.run(&mut ready, &batch);
    // Three tasks without a server that makes their logs, and the merge.
    assert!(
        outputs.len() == 4 && outputs.iter().all(Result::is_err),
        "{outputs:?}"
    );
    let merged = outputs[3].as_ref().expect_err("no logs").to_string();
    assert!(merged.contains("the log of task 0"), "{outputs:?}");
}

#[test]
fn outputs_are_in_input_order() {
    let Some(model) = model() else {
        return;
    };
    let _turn = alone();
    let mut inputs = inputs(24, "map", "wait = \"1ms\"");
    for (index, task) in inputs.tasks.iter_mut().enumerate() {
        task.steps = vec![Step::Wait {
            ns: (24 - index as u64) * 2_000_000,
        }];
    }
    agrees(&model, &inputs);
}

#[test]
fn any_number_of_tasks_is_done() {
    let Some(model) = model() else {
        return;
    };
    let _turn = alone();
    for tasks in [0, 1, 2, MOST] {
        agrees(&model, &inputs(tasks, "map", "compute = \"1us\""));
    }
}

#[test]
fn declared_concurrency_is_reached_and_kept() {
    let Some(model) = model() else {
        return;
    };
    let _turn = alone();
    for variant in VARIANTS {
        // Each task is visible as a sleeping grandchild. On a busy machine they must sleep longer
        // to be seen at the same time.
        let mut most = 0;
        for seconds in ["0.25", "2", "8"] {
            let inputs = inputs(12, "map", &format!("exec = [\"sleep\", \"{seconds}\"]"));
            let model = model.clone();
            let work = thread::spawn(move || outputs(&model, variant, inputs));
            while !work.is_finished() {
                most = most.max(grandchildren());
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
        assert_eq!(most, WORKERS, "variant `{variant}`");
    }
}

/// The worst that a task can do is to kill its process.
#[test]
fn crashing_task_harms_no_other() {
    let Some(model) = model() else {
        return;
    };
    let _turn = alone();
    // The note that the task began leaves the process first: see the limits in the README.
    let kill = |signal: &str| Step::Exec {
        command: [
            "sh",
            "-c",
            &format!("sleep 0.2; kill -{signal} $PPID; sleep 10"),
        ]
        .map(str::to_owned)
        .to_vec(),
        timeout_ns: None,
    };
    for variant in VARIANTS {
        let mut inputs = inputs(40, "map", "compute = \"10us\"");
        inputs.tasks[2].steps = vec![kill("KILL")];
        inputs.tasks[25].steps = vec![kill("ABRT")];
        inputs.tasks[37].steps = vec![Step::Read {
            file: "no such file".to_owned(),
            bytes: 1,
        }];
        let outputs = outputs(&model, variant, inputs);
        let failed: Vec<usize> = (0..40).filter(|index| outputs[*index].is_err()).collect();
        assert_eq!(failed, [2, 25, 37], "variant `{variant}`");
        let said = outputs[2].as_ref().unwrap_err().to_string();
        assert!(said.contains("worker"), "{said}");
    }
}

#[test]
fn trace_records_when_each_task_ended() {
    let Some(model) = model() else {
        return;
    };
    let _turn = alone();
    for variant in VARIANTS {
        let mut inputs = inputs(2, "map", "wait = \"1ms\"");
        inputs.tasks[1].steps = vec![Step::Wait { ns: 100_000_000 }];
        let mut ready = model.prepare(variant, &inputs, 1).expect("it gets ready");
        let batch = batch(inputs);
        // An untraced sample before and after, as in a comparison.
        let plain = model.run(&mut ready, &batch);
        for _ in 0..2 {
            let completions = Arc::new(Completions::start(2));
            let traced = Arc::new(batch.traced(Arc::clone(&completions)));
            assert_eq!(model.run(&mut ready, &traced), plain);
            let at = |share| completions.quantile_ns(share).expect("there are tasks");
            assert!(at(0.5) > 0, "variant `{variant}`");
            // With one worker, the second starts when the first is done.
            assert!(at(1.0) >= at(0.5) + 100_000_000, "variant `{variant}`");
        }
        assert_eq!(model.run(&mut ready, &batch), plain);
    }
}

/// A pool outlives a batch: the context of one must not apply to the next.
#[test]
fn workers_receive_surroundings_of_next_batch() {
    let Some(model) = model() else {
        return;
    };
    let _turn = alone();
    let inputs = Arc::new(inputs(6, "map", "read = \"8B\""));
    let mut ready = model.prepare("", &inputs, WORKERS).expect("it gets ready");
    let mut seen = Vec::new();
    for content in ["12345678", "abcdefgh"] {
        let folder = tempfile::tempdir().expect("the temporary folder takes a folder");
        for (file, _) in file_sizes(&inputs) {
            fs::write(folder.path().join(file), content).expect("the folder takes a file");
        }
        let surroundings = Surroundings {
            files: folder.path().to_owned(),
            origin: None,
            ..Surroundings::default()
        };
        let batch = Arc::new(Batch::new(Arc::clone(&inputs), surroundings));
        let right = Sequential.run(&mut (), &batch);
        assert!(right.iter().all(Result::is_ok));
        assert_eq!(model.run(&mut ready, &batch), right);
        seen.push(right);
    }
    assert_ne!(seen[0], seen[1]);
}

#[test]
fn no_thread_or_descriptor_is_leaked() {
    let Some(model) = model() else {
        return;
    };
    let _turn = alone();
    let use_once = || {
        drop(outputs(&model, "", inputs(50, "map", "compute = \"1us\"")));
    };
    use_once();
    let (descriptors, children) = (count("fd"), children().len());
    // Each time with a server and three processes, so fewer times than elsewhere.
    for _ in 0..12 {
        use_once();
    }
    let until = Instant::now() + Duration::from_secs(10);
    while (count("fd"), self::children().len()) != (descriptors, children) {
        assert!(
            Instant::now() < until,
            "descriptors or children are left behind"
        );
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn server_ends_with_its_cell_and_leaves_nothing() {
    let Some(_) = model() else {
        return;
    };
    let _turn = alone();
    let folder = tempfile::tempdir().expect("a folder");
    let engine = Engine::find().expect("there is a server");
    let model = with_engine(engine.within(folder.path().to_owned()));
    let inputs = inputs(3, "map", "wait = \"1ms\"");
    let ready = model.prepare("", &inputs, WORKERS).expect("it gets ready");
    let names = || {
        let found = processes().into_iter();
        let own = found.filter(|(_, parent, _)| *parent == std::process::id());
        own.map(|(.., name)| name).collect::<Vec<_>>()
    };
    assert_eq!(names().len(), WORKERS + 1, "{:?}", names());
    let entries = fs::read_dir(folder.path()).expect("a folder");
    let mut private = 0;
    for entry in entries {
        let entry = entry.expect("an entry").metadata().expect("metadata");
        assert_eq!(entry.permissions().mode() & 0o077, 0);
        private += 1;
    }
    assert!(private > 0);
    drop(ready);
    assert_eq!(names(), [""; 0]);
    assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 0);
}

fn count(what: &str) -> usize {
    fs::read_dir(format!("/proc/self/{what}")).map_or(0, Iterator::count)
}

/// The number, parent and name of every process.
fn processes() -> Vec<(u32, u32, String)> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter_map(|pid: u32| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let (head, rest) = stat.rsplit_once(')')?;
        let name = head.split_once('(')?.1.to_owned();
        Some((pid, rest.split_whitespace().nth(1)?.parse().ok()?, name))
    })
    .collect()
}

fn children() -> Vec<u32> {
    let me = std::process::id();
    processes()
        .into_iter()
        .filter(|(_, parent, _)| *parent == me)
        .map(|(pid, ..)| pid)
        .collect()
}

fn grandchildren() -> usize {
    let workers = children();
    processes()
        .into_iter()
        .filter(|(_, parent, name)| workers.contains(parent) && name == "sleep")
        .count()
}
