//! What the Items say of a table, and what the table says of the Items.

use xtask::render;
use xtask::results::Results;
use xtask::stats::summarise;

use crate::fixture::results;

/// The sentences of the table at this place, each on one line.
fn sentences(results: &Results, table: usize) -> String {
    render::table(results, table).replace("\n  ", " ")
}

#[test]
fn an_item_is_borne_out_or_not_by_the_figures_of_the_table() {
    let mut results = results();
    let text = sentences(&results, 0);
    assert!(
        text.contains("\n- Item 60, coroutines are for what mostly waits: borne out, thread-pool"),
        "{text}"
    );
    // The same table, had the pool been quicker.
    for cell in &mut results.cells {
        if cell.workload == "waits" && cell.model == "thread-pool" {
            for sample in &mut cell.samples {
                sample.wall_ns /= 100;
            }
        }
    }
    summarise(&mut results);
    let text = sentences(&results, 0);
    assert!(
        text.contains("\n- Item 60, coroutines are for what mostly waits: not here, tokio-tasks"),
        "{text}"
    );
}

#[test]
fn an_item_whose_contestants_were_not_measured_is_not_spoken_of() {
    let mut results = results();
    results
        .cells
        .retain(|cell| cell.model != "thread-pool" || cell.workload != "waits");
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
        text.contains("Item 63, what blocks belongs off the event loop: borne out, 98.4 ms of lag"),
        "{text}"
    );
    assert!(
        text.contains("Item 55, a bound keeps what waits from piling up: borne out, 9.0 MiB"),
        "{text}"
    );
}
