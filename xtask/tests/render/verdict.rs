//! The sentences about the winner, its lead, and whether one thread would do.

use xtask::render;
use xtask::results::Cell;
use xtask::stats::summarise;

use crate::assert_fits;
use crate::fixture::results;

#[test]
fn verdicts_follow_the_figures() {
    let verdict = |change: &dyn Fn(&mut Cell)| {
        let mut results = results();
        results.cells.retain(|cell| cell.workload == "gcd");
        results.workloads.remove(0);
        results.cells.iter_mut().for_each(change);
        summarise(&mut results);
        let text = render::table(&results, 0);
        assert_fits(&text);
        text.split_once("\n- gcd: ").unwrap().1.replace("\n ", "")
    };
    let scale = |cell: &mut Cell, factor: f64| {
        for sample in &mut cell.samples {
            sample.wall_ns = (sample.wall_ns as f64 * factor) as u64;
        }
    };
    let baseline = |cell: &mut Cell| cell.model == "sequential";

    let text = verdict(&|cell| {
        if baseline(cell) {
            scale(cell, 0.1);
        }
    });
    assert!(
        text.starts_with("sequential") && text.contains("One thread is enough."),
        "{text}"
    );
    let text = verdict(&|cell| {
        if baseline(cell) {
            scale(cell, 0.53);
        }
    });
    assert!(
        text.contains("Sequential is good enough: as fast, within 10 %."),
        "{text}"
    );
    let text = verdict(&|cell| {
        if baseline(cell) {
            scale(cell, 104.3 / 207.0);
        }
    });
    assert!(
        text.contains("Sequential is good enough: as fast, within 5 %."),
        "{text}"
    );
    // A tie by so wide an interval shows nothing.
    let text = verdict(&|cell| {
        if baseline(cell) {
            cell.samples.truncate(7);
            for (sample, factor) in cell.samples.iter_mut().zip([0.45, 0.6].into_iter().cycle()) {
                sample.wall_ns = (sample.wall_ns as f64 * factor) as u64;
            }
        }
    });
    assert!(
        text.contains("Whether sequential is good enough is open."),
        "{text}"
    );
    let text = verdict(&|cell| {
        if baseline(cell) {
            scale(cell, 0.1);
        } else {
            cell.samples.truncate(1);
        }
    });
    assert!(text.contains("One thread is enough."), "{text}");
    let text = verdict(&|cell| {
        if baseline(cell) {
            scale(cell, 0.5);
        } else {
            cell.samples.truncate(1);
        }
    });
    assert!(
        text.contains("Whether one thread is enough is open."),
        "{text}"
    );
    let text = verdict(&|cell| {
        if baseline(cell) {
            cell.error = Some("crashed".into());
        }
    });
    assert!(text.contains("Without a figure for sequential"), "{text}");
    let text = verdict(&|cell| {
        if !baseline(cell) {
            cell.error = Some("crashed".into());
        }
    });
    assert!(
        text.contains("with nothing to compare it with. Only 1 of 7"),
        "{text}"
    );
    let text = verdict(&|cell| cell.error = Some("crashed".into()));
    assert!(text.contains("none of 7 cells gave a figure."), "{text}");
    let text = verdict(&|cell| cell.samples.truncate(1));
    let text = text.split("\n- ").next().unwrap();
    assert!(text.contains(", by 1 sample only. Open: "), "{text}");
    assert!(
        text.contains("Whether sequential is good enough is open."),
        "{text}"
    );
    for finding in [" won ", "times as long", "As fast", "One thread is enough"] {
        assert!(!text.contains(finding), "{text}");
    }
}

/// The times of two cells of one table, round by round, and what is said of them.
fn duel(one: &[u64], other: &[u64]) -> (String, String) {
    let mut results = results();
    results.workloads.truncate(1);
    results.skipped.clear();
    results
        .cells
        .retain(|cell| cell.workload == "waits" && cell.workers == 2 && cell.variant.is_empty());
    results.cells.truncate(2);
    for (cell, times) in results.cells.iter_mut().zip([one, other]) {
        cell.samples.truncate(times.len());
        for ((sample, time), round) in cell.samples.iter_mut().zip(times).zip(0..) {
            (sample.wall_ns, sample.round, sample.warm_up) = (*time, round, false);
        }
    }
    summarise(&mut results);
    let table = render::table(&results, 0);
    assert_fits(&table);
    let sentences = table.replace("\n ", "");
    (table, sentences)
}

#[test]
fn certain_difference_within_the_margin_is_as_fast() {
    let slower = [100_080; 9].map(|time| time * 1_000);
    let (table, text) = duel(&[100_000_000; 9], &slower);
    assert!(table.contains(" 1.00= "), "{table}");
    assert!(text.contains("As fast, within 5 %: "), "{text}");
    assert!(!text.contains(" won "), "{text}");
}

#[test]
fn the_margin_of_the_run_decides() {
    let mut results = results();
    results.workloads.remove(0);
    // thread-pool ×8 took 1.03 times as long, and tokio-tasks 1.05.
    for (margin, mark, words) in [
        (0.05, " 1.05≈ ", "As fast, within 10 %: tokio-tasks"),
        (0.10, " 1.05= ", "As fast, within 10 %: thread-pool"),
        (0.01, " 1.05 ", "took 1.05 times as long"),
    ] {
        results.settings.margin = Some(margin);
        summarise(&mut results);
        let table = render::table(&results, 0);
        assert!(table.contains(mark), "{margin}: {table}");
        let text = table.replace("\n  ", " ");
        assert!(text.contains(words), "{margin}: {text}");
    }
}

#[test]
fn a_best_by_luck_of_one_round_did_not_win() {
    let drifting: Vec<u64> = (1..=9).map(|at| at * 1_000_000).collect();
    let mut quicker: Vec<u64> = drifting.iter().map(|time| time - 10_000).collect();
    quicker[0] = 100_000_000;
    let (_, text) = duel(&drifting, &quicker);
    assert!(
        !text.contains(" won ") && !text.contains("came first"),
        "{text}"
    );
    assert!(text.contains(" is ahead so far with "), "{text}");
    assert!(text.contains("Open: "), "{text}");
}

#[test]
fn a_wide_interval_around_one_is_open_and_not_a_tie() {
    let even = [100_000_000; 9];
    let wide = [60, 300, 70, 280, 101, 90, 250, 102, 330].map(|time| time * 1_000_000);
    let (table, text) = duel(&even, &wide);
    assert!(text.contains("Open: "), "{text}");
    assert!(!text.contains("As fast") && !table.contains("= "), "{text}");
    let close = [101, 99, 102, 98, 100, 101, 99, 100, 101].map(|time| time * 1_000_000);
    let (table, text) = duel(&even, &close);
    assert!(text.contains("As fast, within 5 %: "), "{text}");
    assert!(table.contains(" 1.00= "), "{table}");
}

#[test]
fn one_sample_is_open_and_has_a_price() {
    let (table, text) = duel(&[100_000_000; 9], &[100_200_000]);
    assert!(text.contains("(about 5 more rounds, 1.00 s)"), "{text}");
    for finding in [" won ", "times as long", "As fast"] {
        assert!(!text.contains(finding), "{text}");
    }
    assert!(table.contains("1.00?"), "{table}");
}

#[test]
fn sequential_that_was_skipped_is_slower_by_the_arithmetic() {
    let mut results = results();
    results.workloads.truncate(1);
    let is_baseline = |cell: &Cell| cell.model == "sequential";
    results
        .cells
        .retain(|cell| cell.workload == "waits" && !is_baseline(cell));
    results.skipped.truncate(1);
    let skipped = &mut results.skipped[0];
    (skipped.workload, skipped.model) = ("waits".into(), "sequential".into());
    skipped.tasks = 0;
    summarise(&mut results);
    let text = render::table(&results, 0).replace("\n ", "");
    assert!(text.contains("whether concurrency pays is open"), "{text}");
    results.skipped[0].at_least_ns = Some(64_000_000_000);
    let text = render::table(&results, 0).replace("\n ", "");
    assert!(
        text.contains("Sequential is slower by a factor of at least "),
        "{text}"
    );
    assert!(text.contains("it would take 64.0 s or more."), "{text}");
}

#[test]
fn a_model_with_a_watch_says_what_it_is() {
    let mut results = results();
    for cell in results
        .cells
        .iter_mut()
        .filter(|cell| cell.model == "tokio-tasks")
    {
        cell.model = "stall-watch".into();
    }
    let text = render::table(&results, 0).replace("\n ", "");
    assert!(
        text.contains("stall-watch ×2 (tokio-tasks with a watch, ")
            || text.contains("stall-watch (tokio-tasks with a watch, "),
        "{text}"
    );
}
