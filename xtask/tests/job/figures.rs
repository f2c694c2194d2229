//! Jobs that work: their rows, and the lines that say how they were run.

use crate::built::comparison;
use crate::support::Finished;

#[track_caller]
fn succeeded(finished: &Finished) {
    assert_eq!(
        finished.code(),
        0,
        "{}\n{}",
        finished.stdout,
        finished.stderr
    );
    finished.nothing_left();
}

#[test]
fn every_model_computes_the_same() {
    let finished = comparison("", &[]).run();
    succeeded(&finished);
    let results = finished.results();
    let workload = &results.workloads[0];
    assert_eq!(
        (workload.name.as_str(), workload.tasks),
        ("strange-function", 20)
    );
    assert!(workload.job && !workload.unrepeatable);
    for model in [
        "sequential",
        "async-std-tasks",
        "bridge",
        "child-process",
        "coroutines",
        "data-parallel",
        "locks",
        "pipeline",
        "process-pool",
        "queue",
        "stall-watch",
        "thread-pool",
        "threads",
        "tokio-tasks",
    ] {
        let cell = results.cells.iter().find(|cell| cell.model == model);
        let cell = cell.unwrap_or_else(|| panic!("no {model}"));
        assert_eq!(cell.error, None, "{model}");
        assert!(
            cell.verified && cell.counts() && cell.rank.is_some(),
            "{cell:#?}"
        );
        let pool = Some("`run`, on its blocking pool");
        match model {
            "tokio-tasks" | "stall-watch" | "coroutines" | "async-std-tasks" => {
                assert_eq!(cell.function.as_deref(), pool, "{model}");
            }
            "threads" | "data-parallel" => assert_eq!(cell.function, None, "{model}"),
            _ => {}
        }
    }
    assert!(
        finished
            .stdout
            .contains("calls     `run`, on its blocking pool: "),
        "{}",
        finished.stdout
    );
}

#[test]
fn inputs_and_function_may_print() {
    let models = ["threads", "child-process", "process-pool"];
    let finished = comparison("prints", &models).run();
    succeeded(&finished);
    let results = finished.results();
    assert_eq!(results.cells.len(), models.len() + 1, "{results:#?}");
    for cell in &results.cells {
        assert!(cell.verified && cell.error.is_none(), "{cell:#?}");
    }
}

#[test]
fn future_is_awaited_on_tokio_alone() {
    let finished = comparison("async", &["tokio-tasks", "coroutines", "bridge/portal"]).run();
    succeeded(&finished);
    let results = finished.results();
    for (model, form) in [
        ("tokio-tasks", "`run_async`"),
        ("bridge", "`run_async`"),
        ("coroutines", "`run`, on its blocking pool"),
    ] {
        let cell = results.cells.iter().find(|cell| cell.model == model);
        let cell = cell.unwrap_or_else(|| panic!("no {model}"));
        assert!(cell.verified, "{cell:#?}");
        assert_eq!(cell.function.as_deref(), Some(form), "{model}");
    }
}

#[test]
fn outputs_that_cannot_repeat_are_marked_unverified() {
    let finished = comparison("declared", &["threads"]).run();
    succeeded(&finished);
    let results = finished.results();
    assert!(results.workloads[0].unrepeatable);
    for cell in &results.cells {
        assert!(
            !cell.verified && cell.unrepeatable && cell.error.is_none(),
            "{cell:#?}"
        );
        assert!(cell.rank.is_some() && cell.wall_ns.is_some(), "{cell:#?}");
    }
    assert!(
        finished.stdout.contains("unverified: "),
        "{}",
        finished.stdout
    );
}

#[test]
fn waits_of_the_function_bring_more_workers() {
    let finished = comparison("waits", &["thread-pool"]).run();
    succeeded(&finished);
    let results = finished.results();
    let sized = results.cells.iter().find(|cell| cell.sized);
    assert!(
        sized.is_some_and(|cell| cell.workers > 2 && cell.verified),
        "{results:#?}"
    );
}

#[test]
fn tasks_that_do_not_fit_are_left_out_unless_asked_for() {
    let finished = comparison("slow", &["sequential"]).args(["--smoke"]).run();
    succeeded(&finished);
    // At more than a second each, 14 take longer than they may, on any machine.
    let tasks = finished.results().workloads[0].tasks;
    assert!((1..14).contains(&tasks), "{tasks}");
    assert!(
        finished.stderr.contains("20 tasks would take about"),
        "{}",
        finished.stderr
    );
    let finished = comparison("", &["sequential"])
        .args(["--tasks", "3,4", "--seed", "9"])
        .run();
    succeeded(&finished);
    let results = finished.results();
    let tables: Vec<_> = results
        .workloads
        .iter()
        .map(|one| (one.tasks, one.seed))
        .collect();
    assert_eq!(tables, [(3, 9), (4, 9)]);
}
