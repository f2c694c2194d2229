//! Checks of each model, for each of its variants.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use workload::definition::{Definition, Pattern, builtins, parse};
use workload::inputs::{Header, Inputs, Step, Task, make};
use workload::kernels::{Call, Kernel};
use workload::model::{Batch, Model, Outputs};
use workload::protocol::{Concurrency, Variant};
use workload::sequential::Sequential;
use workload::task::Surroundings;
use workload::value::task_seed;

pub(super) const WORKERS: usize = 3;

/// Lets one check run at a time, since those of one process share gauges and thread counts.
pub(super) fn alone() -> impl Drop {
    static TURN: std::sync::Mutex<()> = std::sync::Mutex::new(());
    // A failed check has poisoned it, which must not fail the others.
    TURN.lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

pub(super) fn variants(model: &impl Model) -> Vec<Variant> {
    model.describe().variants
}

/// A workload for a check whose tasks call one kernel.
pub(super) fn calling(run: fn(Call<'_>) -> u64, tasks: usize, pattern: Pattern) -> Inputs {
    let step = kernel(run);
    let tasks: Vec<Task> = (0..tasks)
        .map(|index| Task {
            index,
            seed: task_seed(1, index as u64),
            steps: vec![step.clone()],
            stages: Vec::new(),
        })
        .collect();
    let header = Header {
        workload: "conformance".to_owned(),
        pattern,
        tasks: tasks.len(),
        seed: 1,
        iterations_per_us: 1,
        actions: vec!["kernel".to_owned()],
    };
    Inputs { header, tasks }
}

fn kernel(run: fn(Call<'_>) -> u64) -> Step {
    Step::Kernel(Kernel {
        name: "conformance",
        run,
    })
}

/// The model's outputs for the inputs, or `None` if it does not support them.
fn outputs<M: Model>(
    model: &M,
    variant: &Variant,
    inputs: Inputs,
    surroundings: &Surroundings,
) -> Option<Outputs> {
    model.supports(&variant.name, &inputs.header).ok()?;
    let mut ready = model
        .prepare(&variant.name, &inputs, WORKERS)
        .expect("the model gets ready");
    let batch = Arc::new(Batch::new(Arc::new(inputs), surroundings.clone()));
    Some(model.run(&mut ready, &batch))
}

fn expected(inputs: Inputs, surroundings: &Surroundings) -> Outputs {
    Sequential.run(
        &mut (),
        &Arc::new(Batch::new(Arc::new(inputs), surroundings.clone())),
    )
}

#[track_caller]
fn agrees(model: &impl Model, inputs: &Inputs) {
    let nowhere = Surroundings::default();
    let right = expected(inputs.clone(), &nowhere);
    for variant in variants(model) {
        if let Some(got) = outputs(model, &variant, inputs.clone(), &nowhere) {
            assert_eq!(got, right, "variant `{}`", variant.name);
        }
    }
}

/// Each workload of the project, cut to a few tasks, has the outputs of `sequential`. The check
/// makes the servers and files that it needs.
pub fn builtin_workloads_match_sequential(model: &impl Model, _: usize) {
    let _turn = alone();
    let folder = crate::files::Folder::new();
    let origin = crate::origin::Origin::start();
    let surroundings = Surroundings {
        files: folder.path().to_owned(),
        origin: Some(origin.address()),
        logs: std::env::temp_dir(),
        ..Surroundings::default()
    };
    for definition in builtins() {
        let inputs = make(
            &Definition {
                tasks: definition.tasks.min(20),
                ..definition.clone()
            },
            10,
        );
        folder.fill(&inputs);
        let right = expected(inputs.clone(), &surroundings);
        assert!(
            right.iter().all(Result::is_ok),
            "{}: {right:?}",
            definition.name
        );
        for variant in variants(model) {
            if let Some(got) = outputs(model, &variant, inputs.clone(), &surroundings) {
                assert_eq!(
                    got, right,
                    "{} by variant `{}`",
                    definition.name, variant.name
                );
            }
        }
    }
}

/// A body that never ends, and a log path that names an unrelated file, are errors of their tasks.
/// The body is not read for long, and the file is neither removed nor changed.
pub fn lying_server_is_an_error_and_costs_little(model: &impl Model, _: usize) {
    // Socket buffers, for each task and variant.
    const MOST: u64 = 256 * 1024 * 1024;
    let _turn = alone();
    let folder = crate::files::Folder::new();
    let elsewhere = crate::files::Folder::new();
    // A file beside the logs with the length of the requested log, and a file in another folder.
    for home in [&folder, &elsewhere] {
        let victim = home.path().join("victim");
        std::fs::write(&victim, [b'x'; 32]).expect("a file");
        let liar = crate::origin::Origin::start_lying(&victim);
        let surroundings = Surroundings {
            files: folder.path().to_owned(),
            origin: Some(liar.address()),
            logs: folder.path().to_owned(),
            ..Surroundings::default()
        };
        let text = "name = \"lies\"\npattern = \"map\"\ntasks = 2\n[[step]]\n";
        for step in ["fetch = \"5B\"", "tail = \"32B\""] {
            let definition = parse(&format!("{text}{step}"), "lies");
            let inputs = make(&definition.expect("the definition is right"), 1);
            for variant in variants(model) {
                let got = outputs(model, &variant, inputs.clone(), &surroundings);
                assert!(
                    got.iter().flatten().all(Result::is_err),
                    "{step} by variant `{}`: {got:?}",
                    variant.name
                );
            }
        }
        // `stop` returns after all connections have ended.
        let sent = liar.stop();
        assert!(sent < MOST, "{sent} bytes were taken in the place of 5");
        let left = std::fs::read(&victim).expect("the file is still there");
        assert_eq!(left, [b'x'; 32]);
    }
}

/// A task with all kinds of step, also with sizes and times of 0, has the output of `sequential`
/// with every pattern.
pub fn every_kind_of_step_matches_sequential(model: &impl Model, _: usize) {
    const STEPS: &str = r#"
        [[step]]
        compute = "0ns"
        [[step]]
        exec = ["cat"]
        [[step]]
        fetch = { choice = [["0B", 0.5], ["70000B", 0.5]] }
        delay = "1ms"
        [[step]]
        tail = { choice = [["0B", 0.5], ["5000B", 0.5]] }
        over = "5ms"
        [[step]]
        exec = ["sh", "-c", "cat; exit 3"]
        timeout = "60s"
        [[step]]
        kernel = "gcd"
        [[step]]
        read = { choice = [["0B", 0.5], ["1000B", 0.5]] }
        [[step]]
        exec = ["cat"]
        [[step]]
        wait = "0s"
    "#;
    let _turn = alone();
    let folder = crate::files::Folder::new();
    let origin = crate::origin::Origin::start();
    let surroundings = Surroundings {
        files: folder.path().to_owned(),
        origin: Some(origin.address()),
        logs: std::env::temp_dir(),
        ..Surroundings::default()
    };
    for pattern in ["map", "fold", "rounds", "pipeline", "merge"] {
        let generations = if pattern == "rounds" {
            "[rounds]\ngenerations = 2\n"
        } else {
            ""
        };
        let text =
            format!("name = \"all\"\npattern = \"{pattern}\"\ntasks = 4\n{generations}{STEPS}");
        let inputs = make(&parse(&text, "all").expect("the definition is right"), 1);
        folder.fill(&inputs);
        let right = expected(inputs.clone(), &surroundings);
        assert!(right.iter().all(Result::is_ok), "{pattern}: {right:?}");
        for variant in variants(model) {
            if let Some(got) = outputs(model, &variant, inputs.clone(), &surroundings) {
                assert_eq!(got, right, "{pattern} by variant `{}`", variant.name);
            }
        }
    }
}

/// The outputs of tasks that end in reverse order are in input order.
pub fn outputs_are_in_input_order(model: &impl Model, _: usize) {
    fn later_is_quicker(call: Call<'_>) -> u64 {
        thread::sleep(Duration::from_micros(
            ((call.tasks - call.index) * 200) as u64,
        ));
        call.index as u64
    }
    let _turn = alone();
    agrees(model, &calling(later_is_quicker, 24, Pattern::Map));
}

/// The number of tasks in flight reaches the declared concurrency of the variant, and never exceeds
/// it.
pub fn declared_concurrency_is_reached_and_kept(model: &impl Model, _: usize) {
    static LIVE: AtomicUsize = AtomicUsize::new(0);
    static PEAK: AtomicUsize = AtomicUsize::new(0);
    fn begin(_: Call<'_>) -> u64 {
        PEAK.fetch_max(LIVE.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        0
    }
    fn end(_: Call<'_>) -> u64 {
        LIVE.fetch_sub(1, Ordering::SeqCst);
        0
    }
    const TASKS: usize = 40;
    let _turn = alone();
    for variant in variants(model) {
        let announced = match variant.concurrency {
            Concurrency::One => 1,
            Concurrency::Workers => WORKERS,
            Concurrency::Tasks => TASKS,
            Concurrency::Limited(limit) => limit.min(TASKS),
        };
        // On a busy machine the first tasks may end before the last begin. Then it tries longer
        // ones.
        for wait_ms in [5, 50, 500] {
            PEAK.store(0, Ordering::SeqCst);
            let mut inputs = calling(begin, TASKS, Pattern::Map);
            for task in &mut inputs.tasks {
                task.steps.push(Step::Wait {
                    ns: wait_ms * 1_000_000,
                });
                task.steps.push(kernel(end));
            }
            inputs.header.actions.push("wait".to_owned());
            if outputs(model, &variant, inputs, &Surroundings::default()).is_none() {
                break;
            }
            let peak = PEAK.load(Ordering::SeqCst);
            assert!(
                peak <= announced && (peak == announced || wait_ms < 500),
                "variant `{}` had {peak} at once, not {announced}",
                variant.name
            );
            if peak == announced {
                break;
            }
        }
    }
}

/// Every third task panics, with different kinds of payload; each is an error in its own place.
pub fn panicking_task_affects_no_other(model: &impl Model, _: usize) {
    fn every_third(call: Call<'_>) -> u64 {
        match call.index % 9 {
            0 => panic!("a text"),
            3 => panic!("a text with {}", call.index),
            6 => std::panic::panic_any(call.index),
            _ => call.value,
        }
    }
    let _turn = alone();
    for variant in variants(model) {
        let inputs = calling(every_third, 90, Pattern::Map);
        if model.supports(&variant.name, &inputs.header).is_err() {
            continue;
        }
        let mut ready = model
            .prepare(&variant.name, &inputs, WORKERS)
            .expect("the model gets ready");
        let batch = Arc::new(Batch::new(Arc::new(inputs), Surroundings::default()));
        // Panics are silenced only while they are expected, so that a failed check prints its own.
        let quiet = crate::quiet::Panics::quiet();
        let right = Sequential.run(&mut (), &batch);
        // Twice, to check that the pool or runtime survives.
        let twice = [(); 2].map(|()| model.run(&mut ready, &batch));
        drop(quiet);
        for got in twice {
            assert_eq!(got.len(), right.len());
            for (index, (got, right)) in got.iter().zip(&right).enumerate() {
                match right {
                    Ok(value) => assert_eq!(
                        got.as_ref(),
                        Ok(value),
                        "task {index}, variant `{}`",
                        variant.name
                    ),
                    Err(_) => assert!(
                        got.is_err(),
                        "task {index} panicked, variant `{}`",
                        variant.name
                    ),
                }
            }
        }
    }
}

/// A task that reads a file that does not exist is an error in its own place.
pub fn failing_task_affects_no_other(model: &impl Model, _: usize) {
    let _turn = alone();
    let mut inputs = calling(|call| call.index as u64, 20, Pattern::Map);
    inputs.tasks[7].steps = vec![Step::Read {
        file: "no such file".to_owned(),
        bytes: 1,
    }];
    for variant in variants(model) {
        if let Some(got) = outputs(model, &variant, inputs.clone(), &Surroundings::default()) {
            let failed: Vec<usize> = (0..20).filter(|index| got[*index].is_err()).collect();
            assert_eq!(failed, [7], "variant `{}`", variant.name);
        }
    }
}

/// No task, one, and the most that the model should support.
pub fn any_number_of_tasks_is_done(model: &impl Model, most: usize) {
    let _turn = alone();
    for tasks in [0, 1, 2, most] {
        agrees(
            model,
            &calling(|call| call.value.rotate_left(7), tasks, Pattern::Map),
        );
    }
}

/// A cell sees the values of its neighbours after the previous generation, never newer ones.
pub fn rounds_read_the_previous_generation(model: &impl Model, _: usize) {
    fn sum_of_neighbours(call: Call<'_>) -> u64 {
        let cells = call.snapshot;
        let (left, right) = (
            (call.index + cells.len() - 1) % cells.len(),
            (call.index + 1) % cells.len(),
        );
        cells[left].wrapping_add(cells[right])
    }
    let _turn = alone();
    agrees(
        model,
        &calling(sum_of_neighbours, 40, Pattern::Rounds { generations: 5 }),
    );
}

/// A fold has one output, whatever the order of the tasks.
pub fn fold_adds_up(model: &impl Model, _: usize) {
    let _turn = alone();
    agrees(model, &calling(|call| call.value, 1_000, Pattern::Fold));
}

/// A histogram counts each key, whatever the order of the tasks; a task that fails is its error.
pub fn histogram_counts_keys(model: &impl Model, _: usize) {
    let _turn = alone();
    for keys in [1, 7, 1_000] {
        agrees(
            model,
            &calling(|call| call.value, 1_000, Pattern::Histogram { keys }),
        );
    }
    let mut inputs = calling(|call| call.value, 20, Pattern::Histogram { keys: 3 });
    inputs.tasks[7].steps = vec![Step::Read {
        file: "no such file".to_owned(),
        bytes: 1,
    }];
    agrees(model, &inputs);
}

/// Dropping the model's pool or runtime releases its threads and descriptors.
pub fn no_thread_or_descriptor_is_leaked(model: &impl Model, _: usize) {
    /// The number of repetitions, and so of what would be leaked.
    const TIMES: usize = 40;
    /// The tolerance for threads of other tests in the process, which wait for their turn.
    const OTHERS: usize = TIMES / 2;
    let _turn = alone();
    for variant in variants(model) {
        let use_once = || {
            outputs(
                model,
                &variant,
                calling(|call| call.value, 50, Pattern::Map),
                &Surroundings::default(),
            )
        };
        // Threads that a library starts once per process are not a leak.
        if use_once().is_none() {
            continue;
        }
        let (threads, descriptors) = (count("task"), count("fd"));
        for _ in 0..TIMES {
            use_once();
        }
        // A joined thread may be visible a moment longer.
        let deadline = Instant::now() + Duration::from_secs(5);
        loop {
            let (threads_now, descriptors_now) = (count("task"), count("fd"));
            if threads_now < threads + OTHERS && descriptors_now <= descriptors {
                break;
            }
            assert!(
                Instant::now() < deadline,
                "variant `{}` began with {threads} threads and {descriptors} descriptors, and has {threads_now} \
                 and {descriptors_now} now",
                variant.name
            );
            thread::sleep(Duration::from_millis(5));
        }
    }
}

/// The number of entries in a folder of `/proc/self`; 0 if there is none.
fn count(what: &str) -> usize {
    std::fs::read_dir(format!("/proc/self/{what}")).map_or(0, Iterator::count)
}
