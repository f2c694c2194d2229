//! The texts of a comparison.

mod advice;
mod against;
mod files;
mod fixture;
mod full;
mod hostile;
mod items;
mod pages;
mod served;
mod verdict;

use std::fs;
use std::path::Path;

use against::later;
use fixture::results;
use workload_stats::Interval;

use xtask::cli::report::ReportArgs;
use xtask::render;
use xtask::report::report;
use xtask::results::{Cell, Results, Skipped, Workload};
use xtask::stats::summarise;

/// The arguments of a report of this file.
fn args(results: &Path, into: Option<&Path>, details: bool) -> ReportArgs {
    ReportArgs {
        results: results.to_owned(),
        into: into.map(Path::to_owned),
        details,
        ..ReportArgs::default()
    }
}

#[track_caller]
fn assert_fits(text: &str) {
    for line in text.lines() {
        let columns = unicode_width::UnicodeWidthStr::width(line);
        assert!(columns <= 80, "{columns} columns: {line}");
        assert_eq!(line, line.trim_end(), "spaces at the end");
    }
    let hidden = |c: char| {
        c.is_control() && c != '\n'
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
    };
    assert!(!text.contains(hidden), "hidden characters: {text:?}");
    assert!(text.is_empty() || text.ends_with('\n'));
}

#[test]
fn tables_show_ties_errors_single_samples_and_what_was_skipped() {
    let results = results();
    insta::assert_snapshot!("waits", render::table(&results, 0));
    insta::assert_snapshot!("gcd", render::table(&results, 1));
    assert_eq!(render::table(&results, 2), "");
}

#[test]
fn metrics_of_some_cells_are_below_the_table() {
    let mut results = results();
    for cell in results
        .cells
        .iter_mut()
        .filter(|cell| cell.workload == "gcd")
    {
        let (lag, stalls) = if cell.model == "tokio-tasks" {
            (98.4e6, 12.0)
        } else {
            continue;
        };
        cell.metrics = [
            ("loop_lag_max_ns".to_owned(), lag),
            ("stalls_caught".to_owned(), stalls),
        ]
        .into();
    }
    let text = render::table(&results, 1);
    assert_fits(&text);
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        text.contains("loop lag how late the event loop came to a timer at worst: tokio-tasks"),
        "{text}"
    );
    assert!(text.contains("98.4 ms"), "{text}");
    assert!(
        text.contains("stalls caught by the watch: tokio-tasks"),
        "{text}"
    );
    assert!(!render::table(&results, 0).contains("loop lag"));
}

#[test]
fn the_matrix_comes_from_the_figures() {
    insta::assert_snapshot!("matrix", render::matrix(&results()));
}

#[test]
fn a_number_of_workers_of_its_own_stands_in_the_row_only() {
    let mut own = results();
    own.settings.workers = vec![2];
    own.cells[3].workers = 64;
    own.cells[3].sized = true;
    let table = render::table(&own, 0);
    assert!(table.contains("thread-pool ×64"), "{table}");
    assert!(
        table.contains("threads/limited ×8"),
        "its own limit: {table}"
    );
    assert!(
        !table.contains("×2") && !table.contains("sequential ×"),
        "{table}"
    );
    let matrix = render::matrix(&own);
    assert!(!matrix.contains('×'), "{matrix}");
    own.cells.push(Cell {
        sized: false,
        workers: 2,
        ..own.cells[3].clone()
    });
    let sweeps = render::sweeps(&own);
    assert!(!sweeps.contains("waits: time by"), "{sweeps}");
}

#[test]
fn the_closing_says_loudly_that_it_is_incomplete() {
    insta::assert_snapshot!("warnings", render::warnings(&results()));
    insta::assert_snapshot!("environment", render::environment(&results()));
    insta::assert_snapshot!("legend", render::legend(&results()));
    let mut smoke = results();
    smoke.settings.smoke = true;
    assert!(render::warnings(&smoke).contains("\nSMOKE: "));
    assert!(render::environment(&smoke).contains("smoke, incomplete"));
    smoke.complete = true;
    smoke.settings.smoke = false;
    smoke.warnings.clear();
    assert_eq!(render::warnings(&smoke), "");
    assert!(
        !render::everything(&smoke, None)
            .to_lowercase()
            .contains("incomplete")
    );
}

#[test]
fn smoke_or_incomplete_baseline_prints_a_warning() {
    let whole = Results {
        complete: true,
        ..results()
    };
    let warned = |earlier: &Results| {
        let text = render::baseline(&results(), earlier);
        assert_fits(&text);
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let warning =
            |what: &str| text.contains(&format!("warning: the earlier comparison {what}"));
        (warning("was a smoke run"), warning("was interrupted"))
    };
    assert_eq!(warned(&whole), (false, false));
    let mut smoke = whole.clone();
    smoke.settings.smoke = true;
    assert_eq!(warned(&smoke), (true, false));
    assert_eq!(warned(&results()), (false, true));
}

#[test]
fn other_inputs_are_not_compared() {
    let mut earlier = results();
    earlier.workloads[0].digest = "ffffffffffffffff".into();
    earlier.workloads.remove(1);
    let text = render::baseline(&results(), &earlier);
    assert!(
        text.contains("warning: waits had other inputs then"),
        "{text}"
    );
    assert!(text.ends_with("No cell has figures in both.\n"), "{text}");
}

#[test]
fn everything_is_the_tables_and_the_closing() {
    let (results, later) = (results(), later());
    let all = render::everything(&later, Some(&results));
    let parts = [render::table(&later, 0), render::table(&later, 1)];
    let closing = render::closing(&later, Some(&results));
    assert_eq!(all, format!("{}\n{}\n{closing}", parts[0], parts[1]));
    assert_fits(&all);
}

#[test]
fn missing_figures_are_not_zero() {
    let mut results = results();
    for sample in &mut results.cells[4].samples {
        (sample.voluntary_switches, sample.involuntary_switches) = (0, 0);
    }
    let table = render::table(&results, 0);
    let row = table.lines().find(|line| line.starts_with("tokio-tasks "));
    assert!(row.is_some_and(|row| row.ends_with(" -")), "{table}");
}

#[test]
fn a_number_of_workers_that_was_skipped_has_a_row_of_its_own() {
    let mut results = results();
    results.workloads.remove(0);
    results
        .cells
        .retain(|cell| cell.workload == "gcd" && cell.workers < 8);
    results.skipped[0].model = "thread-pool".into();
    results.skipped[0].workers = 1;
    let table = render::table(&results, 0);
    assert!(table.contains("\nthread-pool ×2 "), "{table}");
    assert!(table.contains("\nthread-pool ×1  skipped: "), "{table}");
}

#[test]
fn several_numbers_of_tasks_are_told_apart() {
    let mut results = results();
    let mut more = results.workloads[1].clone();
    more.tasks = 128;
    results.workloads.push(more);
    let mut cells = results.cells.clone();
    cells.retain(|cell| cell.workload == "gcd");
    cells.iter_mut().for_each(|cell| cell.tasks = 128);
    results.cells.extend(cells);
    summarise(&mut results);
    let matrix = render::matrix(&results);
    for (table, tasks) in [(1, 64), (results.workloads.len() - 1, 128)] {
        let table = render::table(&results, table);
        assert!(
            table.contains(&format!("\n- gcd with {tasks} tasks: ")),
            "{table}"
        );
    }
    assert_fits(&matrix);
}

#[test]
fn a_sweep_shows_how_time_grows_and_names_the_knee() {
    let mut results = results();
    assert_eq!(
        render::sweeps(&results).lines().next(),
        Some("gcd: time by the number of workers")
    );
    for tasks in [640, 6_400, 64_000, 640_000, 6_400_000] {
        let mut more = results.workloads[1].clone();
        more.tasks = tasks;
        results.workloads.push(more);
        let mut cells = results.cells.clone();
        cells.retain(|cell| cell.workload == "gcd" && cell.tasks == 64);
        for cell in &mut cells {
            cell.tasks = tasks;
            // Ten times as many tasks take 1.02 times as long at first, then ten times.
            let factor = if tasks == 640 {
                1.02
            } else {
                tasks as f64 / 640.0
            };
            cell.samples
                .iter_mut()
                .for_each(|sample| sample.wall_ns = (sample.wall_ns as f64 * factor) as u64);
        }
        results.cells.extend(cells);
    }
    summarise(&mut results);
    let text = render::sweeps(&results);
    assert_fits(&text);
    insta::assert_snapshot!("sweeps", text);
    assert!(render::closing(&results, None).contains(&text));
}

#[test]
fn a_time_by_one_sample_leaves_the_flat_region_open() {
    let mut results = results();
    for cell in &mut results.cells {
        if cell.workload == "gcd" && cell.workers == 8 {
            cell.samples.truncate(1);
        }
    }
    summarise(&mut results);
    let text = render::sweeps(&results);
    let row = text.lines().find(|line| line.starts_with("thread-pool "));
    let row: Vec<&str> = row.expect("a row").split_whitespace().collect();
    assert_eq!(row[3..], ["143", "ms?", "≤2?"], "{text}");
    assert!(text.contains("; ?: by one sample, so open"), "{text}");
}

#[test]
fn a_pool_that_is_sized_for_its_work_makes_no_sweep() {
    let mut results = results();
    results.settings.workers = vec![2];
    assert_eq!(render::sweeps(&results), "");
}

#[test]
fn many_models_are_split_into_blocks_that_fit() {
    for length in [1, 5, 6, 20, 64] {
        let mut results = results();
        let cells = results.cells.clone();
        for letter in b'a'..=b'z' {
            let own = cells.iter().filter(|cell| cell.model == "tokio-tasks");
            results.cells.extend(own.cloned().map(|cell| Cell {
                model: char::from(letter).to_string().repeat(length),
                ..cell
            }));
        }
        summarise(&mut results);
        let matrix = render::matrix(&results);
        assert_fits(&matrix);
        let heads = matrix.lines().filter(|line| line.starts_with("workload "));
        assert!((2..=5).contains(&heads.count()), "{matrix}");
        let z = "z".repeat(length.min(6));
        assert!(matrix.contains(&format!(" {z}")), "{matrix}");
    }
}

#[test]
fn cells_skipped_for_all_tasks_are_in_every_table() {
    let mut results = results();
    results.skipped[0].tasks = 0;
    assert!(render::table(&results, 1).contains("process-pool  skipped: "));
    results.skipped[0].tasks = 65;
    assert!(!render::table(&results, 1).contains("skipped: "));
}

#[test]
fn odd_results_neither_panic_nor_break_the_lines() {
    let mut empty = results();
    empty.workloads.clear();
    empty.cells.clear();
    empty.skipped.clear();
    empty.environment = Default::default();
    empty.settings = Default::default();
    summarise(&mut empty);
    let text = render::everything(&empty, Some(&empty));
    assert!(text.starts_with("Nothing was measured.\n"), "{text}");
    assert_fits(&text);

    let mut odd = results();
    odd.workloads.push(Workload {
        name: "none".into(),
        items: vec![1],
        ..odd.workloads[0].clone()
    });
    odd.workloads[0].about = "x".repeat(300);
    odd.cells[1].samples.clear();
    odd.cells[2]
        .samples
        .iter_mut()
        .for_each(|sample| sample.wall_ns = 0);
    odd.cells[3].samples.iter_mut().for_each(|sample| {
        sample.wall_ns = u64::MAX;
        sample.cpu_ns = u64::MAX;
        sample.voluntary_switches = u64::MAX;
    });
    odd.cells[3].threads_peak = Some(u64::MAX);
    odd.cells[3].rss_peak_bytes = Some(u64::MAX);
    odd.cells[4].model = "m".repeat(100);
    odd.cells[5].error = Some(format!("\u{1b}[31m{}\n{}\0", "é".repeat(200), "two\tlines"));
    odd.cells[6].samples[1].wall_ns = u64::MAX;
    odd.skipped.push(Skipped {
        reason: String::new(),
        workers: 7,
        sized: false,
        ..odd.skipped[0].clone()
    });
    odd.environment.load_average = f64::NAN;
    odd.warnings.push("a\n\nb".into());
    summarise(&mut odd);
    let nothing = Some(Interval {
        median: f64::NAN,
        low: Some(f64::NAN),
        high: Some(f64::INFINITY),
    });
    assert_fits(&render::everything(&odd, Some(&results())));
    for cell in &mut odd.cells {
        cell.wall_ns = nothing;
        cell.ratio_to_best = nothing;
        cell.speedup = nothing;
        cell.rank = None;
    }
    assert_fits(&render::everything(&odd, Some(&odd)));
}

#[test]
fn a_report_prints_the_same_again_and_goes_into_a_document() {
    let dir = tempfile::tempdir().unwrap();
    let (json, readme) = (
        dir.path().join("results.json"),
        dir.path().join("README.md"),
    );
    xtask::results::write(&json, &results()).unwrap();
    assert_eq!(
        report(&args(&json, None, true)).unwrap(),
        render::everything(&results(), None)
    );
    let lines = [0, 1].map(|at| render::line(&results(), at)).concat();
    assert_eq!(
        report(&args(&json, None, false)).unwrap(),
        format!("{lines}\n{}", render::answer(&results(), None))
    );

    fs::write(
        &readme,
        "# Title\n<!-- begin: measured -->\n<!-- end: measured -->\nrest\n",
    )
    .unwrap();
    for _ in 0..2 {
        let said = report(&args(&json, Some(&readme), false)).unwrap();
        assert!(
            said.ends_with("results.json put in\n") && said.lines().count() == 1,
            "{said}"
        );
        let document = fs::read_to_string(&readme).unwrap();
        let head = "# Title\n<!-- begin: measured -->\n```text\n\
                    command   cargo xtask compare waits gcd --workers 2,8\nmachine   ";
        assert!(document.starts_with(head), "{document}");
        assert!(
            document.ends_with("\n```\n<!-- end: measured -->\nrest\n"),
            "{document}"
        );
        assert!(document.contains(&render::answer(&results(), None)));
        assert!(document.contains(&render::table(&results(), 0)));
        assert!(
            !document.contains(&render::table(&results(), 1)),
            "one is enough"
        );
        assert_eq!(document.matches("machine   ").count(), 1);
    }
    assert_eq!(
        fs::read_dir(dir.path()).unwrap().count(),
        2,
        "nothing left beside them"
    );
}

#[test]
fn failing_report_prints_one_line_and_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (json, readme) = (
        dir.path().join("results.json"),
        dir.path().join("README.md"),
    );
    let missing = report(&args(&json, None, false)).unwrap_err();
    assert!(
        missing.contains("results.json: there is no such file"),
        "{missing}"
    );
    xtask::results::write(&json, &results()).unwrap();
    let missing = report(&args(&json, Some(&readme), false)).unwrap_err();
    assert!(missing.contains("README.md: cannot be read"), "{missing}");
    fs::write(&readme, "no markers\n").unwrap();
    let unmarked = report(&args(&json, Some(&readme), false)).unwrap_err();
    assert!(
        unmarked.contains("README.md: the line `<!-- begin: measured -->`"),
        "{unmarked}"
    );
    assert_eq!(unmarked.lines().count(), 1);
    assert_eq!(fs::read_to_string(&readme).unwrap(), "no markers\n");
}
