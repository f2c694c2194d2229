//! The sentences about Items below a table.

use xtask::render;
use xtask::results::Results;
use xtask::stats::summarise;

use crate::fixture::results;

/// The sentences of the table at this place, each on one line.
fn sentences(results: &Results, table: usize) -> String {
    render::table(results, table).replace("\n  ", " ")
}

#[test]
fn an_item_holds_or_does_not_by_the_figures_of_the_table() {
    let mut results = results();
    let text = sentences(&results, 0);
    assert!(
        text.contains(
            "\n- Item 60, coroutines carry many waits for less than threads do: holds here, threads"
        ),
        "{text}"
    );
    // The same table, had the threads been quicker.
    for cell in &mut results.cells {
        if cell.workload == "waits" && cell.contestant() == "threads/limited" {
            for sample in &mut cell.samples {
                sample.wall_ns /= 100;
            }
        }
    }
    summarise(&mut results);
    let text = sentences(&results, 0);
    assert!(
        text.contains(
            "\n- Item 60, coroutines carry many waits for less than threads do: does not hold here, \
             tokio-tasks took"
        ),
        "{text}"
    );
}

#[test]
fn item_without_measured_contestants_is_not_mentioned() {
    let mut results = results();
    results
        .cells
        .retain(|cell| cell.model != "tokio-tasks" || cell.workload != "waits");
    summarise(&mut results);
    let text = sentences(&results, 0);
    assert!(
        !text.contains("Item 60,") && text.contains("Item 53,"),
        "{text}"
    );
    // Nor one that is not the workload's.
    results.workloads[0].items = vec![57];
    assert!(!sentences(&results, 0).contains("- Item "), "{text}");
}

#[test]
fn lag_and_memory_speak_for_the_items_on_loops_and_queues() {
    let mut results = results();
    results.workloads[0].items = vec![55, 63];
    results.workloads[0].pattern = "pipeline".into();
    for cell in results
        .cells
        .iter_mut()
        .filter(|cell| cell.workload == "waits")
    {
        match cell.contestant().as_str() {
            "tokio-tasks/blocking-in-loop" => {
                cell.metrics.insert("loop_lag_max_ns".into(), 98.4e6);
            }
            "tokio-tasks/current-thread" => {
                cell.variant = "offloaded".into();
                cell.metrics.insert("loop_lag_max_ns".into(), 2.1e6);
            }
            "threads" => cell.model = "queue".into(),
            "threads/limited" => {
                (cell.model, cell.variant) = ("queue".into(), "unbounded".into());
                cell.rss_peak_bytes = Some(9 << 20);
            }
            _ => {}
        }
    }
    let text = sentences(&results, 0);
    assert!(
        text.contains(
            "Item 63, blocking calls in the event loop hold up all the rest: holds here, 98.4 ms of \
             lag"
        ),
        "{text}"
    );
    assert!(
        text.contains("Item 55, a bound on the queue saves memory: holds here, 9.0 MiB"),
        "{text}"
    );
}

#[test]
fn an_item_is_silent_where_the_work_is_not_what_it_is_about() {
    let mut results = results();
    // Item 60 is about waits, and `gcd` computes; a queue of Item 55 needs a pipeline.
    results.workloads[1].items = vec![55, 60, 61];
    assert!(!sentences(&results, 1).contains("- Item "));
    results.workloads[1].items = vec![53];
    let text = sentences(&results, 1);
    assert!(!text.contains("waits overlap"), "{text}");
}

#[test]
fn a_pool_too_small_for_its_waits_shows_nothing_of_pools() {
    let mut results = results();
    results.workloads[0].items = vec![57];
    assert!(!sentences(&results, 0).contains("- Item 57"));
    // Sized for the waits it does.
    for cell in &mut results.cells {
        if cell.workload == "waits" && cell.model == "thread-pool" {
            cell.workers = 64;
        }
    }
    let text = sentences(&results, 0);
    assert!(
        text.contains("Item 57, a new thread for each task costs more than threads that are reused: does not hold"),
        "{text}"
    );
}

#[test]
fn no_more_is_shown_by_a_tie_and_not_by_an_open_one() {
    let mut results = results();
    results.workloads[1].items = vec![59];
    for cell in &mut results.cells {
        if cell.workload == "gcd" && cell.model == "data-parallel" {
            cell.model = "queue".into();
        }
    }
    summarise(&mut results);
    let text = sentences(&results, 1);
    let claim = "Item 59, a thread pool costs no more than a queue with workers: ";
    assert!(text.contains(&format!("{claim}holds here, ")), "{text}");
    for cell in &mut results.cells {
        if cell.workload == "gcd" && cell.model == "thread-pool" {
            cell.samples.truncate(1);
        }
    }
    summarise(&mut results);
    let text = sentences(&results, 1);
    assert!(text.contains(&format!("{claim}open here, ")), "{text}");
}
