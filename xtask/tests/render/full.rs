//! A comparison of everything: 15 workloads, 15 models and some variants.

use xtask::render::{self, Page};
use xtask::results::{Cell, Results, SCHEMA, Sample, Settings, Skipped, Verdict, Workload};
use xtask::stats::summarise;

use crate::assert_fits;
use crate::fixture::results;

const WORKLOADS: [(&str, &str, &[u8]); 15] = [
    ("children", "map", &[52]),
    ("counter", "fold", &[54]),
    ("fan-out", "map", &[57, 59]),
    ("fetch", "map", &[53, 60]),
    ("files", "map", &[53, 60]),
    ("gcd", "map", &[53, 64]),
    ("guess", "serve", &[61]),
    ("histogram", "fold", &[54]),
    ("life", "rounds", &[56, 57, 58, 59, 60]),
    ("life-io", "rounds", &[56, 57, 58, 59, 60]),
    ("mandelbrot", "map", &[64]),
    ("merge-logs", "merge", &[62]),
    ("mixed", "map", &[62, 63]),
    ("pipeline", "pipeline", &[55, 58]),
    ("waits", "map", &[53, 60]),
];

/// The model, its number of workers, and its time in milliseconds where tasks wait and where they
/// compute.
const CONTESTANTS: [(&str, usize, f64, f64); 17] = [
    ("sequential", 0, 760.0, 207.0),
    ("threads", 0, 27.0, 118.0),
    ("thread-pool", 2, 381.0, 104.3),
    ("thread-pool", 64, 13.0, 109.0),
    ("queue", 2, 382.0, 104.8),
    ("data-parallel", 2, 383.0, 104.1),
    ("coroutines", 0, 8.15, 207.2),
    ("tokio-tasks", 2, 8.2, 112.0),
    ("tokio-tasks/current-thread", 2, 8.9, 208.0),
    ("async-std-tasks", 0, 8.5, 104.9),
    ("process-pool", 2, 384.0, 110.9),
    ("child-process", 2, 410.0, 230.0),
    ("cluster", 2, 384.5, 112.0),
    ("pipeline", 2, 382.0, 104.6),
    ("locks", 2, 381.5, 104.2),
    ("bridge", 0, 15.0, 109.5),
    ("stall-watch", 2, 8.1, 113.0),
];

/// The models that take part only where a workload is about one of these Items, unless they are
/// named.
const PURPOSES: [(&str, &[u8]); 4] = [
    ("pipeline", &[55, 58]),
    ("locks", &[54]),
    ("bridge", &[62]),
    ("stall-watch", &[63]),
];

/// Every combination without a server, with times that wobble by the round; `wobble` in
/// thousandths.
pub(crate) fn full(wobble: u64) -> Results {
    comparison(wobble, |name, _| name != "cluster")
}

/// A comparison in which no model is named, where there is a server.
fn unnamed(wobble: u64) -> Results {
    comparison(wobble, |name, items| {
        let mut purposes = PURPOSES.iter().filter(|(model, _)| *model == name);
        purposes.all(|(_, purpose)| purpose.iter().any(|item| items.contains(item)))
    })
}

fn comparison(wobble: u64, takes_part: impl Fn(&str, &[u8]) -> bool) -> Results {
    let workloads = WORKLOADS.map(|(name, pattern, items)| Workload {
        name: name.into(),
        pattern: pattern.into(),
        tasks: 64,
        digest: "0123456789abcdef".into(),
        about: String::new(),
        items: items.into(),
        seed: 0,
        rate: (pattern == "serve").then_some(200.0),
        sessions: (pattern == "serve").then_some(1_000),
        job: false,
        unrepeatable: false,
    });
    let mut cells = Vec::new();
    for (workload, seed) in workloads.iter().zip(1..) {
        let waits = matches!(
            workload.name.as_str(),
            "fetch" | "guess" | "life-io" | "waits"
        );
        for (name, workers, waiting_ms, computing_ms) in CONTESTANTS {
            if !takes_part(name, &workload.items) {
                continue;
            }
            let ms = if waits { waiting_ms } else { computing_ms };
            let cpu = if waits { 0.01 } else { 1.0 };
            cells.push(cell(workload, name, workers, ms, cpu, seed * wobble));
        }
    }
    let mut full = Results {
        schema: SCHEMA,
        complete: true,
        settings: Settings {
            command: "cargo xtask compare".into(),
            budget_ns: 30_000_000_000,
            workers: vec![2],
            ..Settings::default()
        },
        workloads: workloads.into(),
        cells,
        ..results()
    };
    summarise(&mut full);
    full
}

fn cell(workload: &Workload, name: &str, workers: usize, ms: f64, cpu: f64, wobble: u64) -> Cell {
    let (model, variant) = name.split_once('/').unwrap_or((name, ""));
    // Far off by its first sample, as sequential is where tasks wait.
    let rounds = if ms > 500.0 { 1 } else { 9 };
    let sample = |round: u64| {
        let noise = 1.0 + (round * 37 % 11 * wobble * (1 + ms as u64 % 7)) as f64 / 1e5;
        let wall = ms * 1e6 * noise;
        let served = workload.pattern == "serve";
        let p99 = served.then(|| ("response_p99_ns".to_owned(), wall));
        Sample {
            wall_ns: wall as u64,
            cpu_ns: (wall * cpu) as u64,
            voluntary_switches: if cpu < 0.5 { 64 } else { 2 },
            round: round as u32,
            life: round as u32 / 3,
            metrics: p99.into_iter().collect(),
            ..Sample::default()
        }
    };
    Cell {
        workload: workload.name.clone(),
        model: model.into(),
        variant: variant.into(),
        workers,
        tasks: workload.tasks,
        rate: workload.rate,
        verified: true,
        samples: (0..rounds).map(sample).collect(),
        threads_peak: Some(workers as u64 + 1),
        rss_peak_bytes: Some(384 << 10),
        ..Cell::default()
    }
}

fn lines(results: &Results) -> Vec<String> {
    let lines = 0..results.workloads.len();
    lines.map(|at| render::line(results, at)).collect()
}

#[test]
fn a_full_comparison_fits_on_one_screen() {
    for mut full in [0, 1, 5, 40]
        .map(|wobble| [full(wobble), unnamed(wobble)])
        .into_iter()
        .flatten()
    {
        for spoilt in [false, true] {
            if spoilt {
                let long =
                    "a warning that goes on and on, with advice at the end of it; ".repeat(3);
                full.warnings = vec![long; 9];
                full.complete = false;
                full.environment.load_average = 12.5;
                for place in [3, 40, 77, 120, 150] {
                    full.cells[place].error = Some("wrong answer: digest 0 instead of 1".into());
                }
                let of_one = |workload: &Workload| Skipped {
                    workload: workload.name.clone(),
                    tasks: 0,
                    model: "bridge".into(),
                    ..full.skipped[0].clone()
                };
                full.skipped = full.workloads.iter().map(of_one).collect();
                summarise(&mut full);
            }
            let lines = lines(&full);
            assert!(lines.iter().all(|line| line.lines().count() == 1));
            let text = format!("{}\n{}", lines.concat(), render::answer(&full, None));
            assert_fits(&text);
            let count = text.lines().count();
            assert!(count <= 60, "{count} lines:\n{text}");
        }
    }
}

#[test]
fn the_answer_of_a_full_comparison_is_as_written() {
    let full = full(5);
    insta::assert_snapshot!("lines", lines(&full).concat());
    insta::assert_snapshot!("answer", render::answer(&full, None));
}

#[test]
fn a_line_names_the_winner_its_cost_and_its_equals() {
    let full = full(1);
    let place = |name: &str| full.workloads.iter().position(|w| w.name == name).unwrap();
    let waits = render::line(&full, place("waits"));
    assert!(waits.starts_with("waits      coroutines 8.1"), "{waits}");
    assert!(waits.contains(" ms (1 thread, 384 KiB); seq >"), "{waits}");
    assert!(waits.contains("; = tok"), "{waits}");
    assert!(!waits.contains("stal"), "no rival: {waits}");
    assert_eq!(render::line(&full, 99), "");
    let mut none = full.clone();
    none.cells
        .iter_mut()
        .for_each(|cell| cell.error = Some("gone".into()));
    summarise(&mut none);
    assert_eq!(
        render::line(&none, place("gcd")),
        "gcd        none of 17 cells gave a figure\n"
    );
}

#[test]
fn models_that_never_meet_share_a_column_if_all_do_not_fit() {
    let unnamed = unnamed(5);
    let text = render::answer(&unnamed, None);
    assert_fits(&text);
    insta::assert_snapshot!("answer_with_15_models", text);
    let page = Page {
        columns: 100,
        ..Page::PLAIN
    };
    let wide = render::on_page(page, || render::answer(&unnamed, None));
    let heads = row(&wide, "counter").into_iter().map(|(head, _)| head);
    let heads: Vec<&str> = heads.skip(10).collect();
    assert_eq!(heads, ["clus", "pipe", "lock", "brdg", "stal"], "{wide}");
    // Named, they meet.
    let all = comparison(5, |_, _| true);
    let matrix = render::matrix(&all);
    assert_fits(&matrix);
    assert_eq!(matrix.matches("\nworkload ").count(), 2, "{matrix}");
}

/// The row of a workload in the matrix, and its heads.
fn row<'a>(matrix: &'a str, workload: &str) -> Vec<(&'a str, &'a str)> {
    let find = |start: &str| {
        let mut lines = matrix.lines();
        let line = lines.find(|line| line.split(' ').next() == Some(start));
        line.unwrap_or_else(|| panic!("{start}: {matrix}"))
            .split_whitespace()
    };
    find("workload").zip(find(workload)).skip(1).collect()
}

#[test]
fn a_model_that_is_no_rival_is_not_named_as_the_winner() {
    let mut full = full(1);
    for cell in full
        .cells
        .iter_mut()
        .filter(|cell| cell.model == "stall-watch")
    {
        cell.samples
            .iter_mut()
            .for_each(|sample| sample.wall_ns /= 2);
    }
    summarise(&mut full);
    let place = |name: &str| full.workloads.iter().position(|w| w.name == name).unwrap();
    let matrix = render::matrix(&full);
    // `mixed` is about Item 63 and so about the watch; `waits` is not.
    assert!(
        row(&matrix, "mixed").contains(&("stal", "best")),
        "{matrix}"
    );
    let waits = row(&matrix, "waits");
    assert!(waits.contains(&("coro", "best")), "{matrix}");
    assert!(!waits.contains(&("stal", "best")), "{matrix}");
    let table = render::table(&full, place("waits")).replace("\n  ", " ");
    assert!(
        table.contains("\n- waits: coroutines (1 thread, "),
        "{table}"
    );
    assert!(
        table.contains("Beside it, no rival in this work: stall-watch (tokio-tasks with a watch, "),
        "{table}"
    );
    assert!(render::line(&full, place("waits")).contains(" coroutines "));
    assert!(render::line(&full, place("mixed")).contains(" stall-watch "));
}

#[test]
fn the_faster_number_of_workers_represents_a_pool() {
    let full = full(1);
    let place = |name: &str| full.workloads.iter().position(|w| w.name == name).unwrap();
    let matrix = render::matrix(&full);
    assert!(
        row(&matrix, "waits").contains(&("pool", "1.60")),
        "{matrix}"
    );
    assert!(row(&matrix, "gcd").contains(&("pool", "=")), "{matrix}");
    let table = render::table(&full, place("waits"));
    assert!(
        table.contains("\nthread-pool ×64 ") && table.contains("\nthread-pool ×2 "),
        "{table}"
    );
    // Only one number of workers, and the usual one: no need to say so.
    assert!(table.contains("\ntokio-tasks "), "{table}");
    let sentences = table.replace("\n  ", " ");
    assert!(
        !sentences
            .split_once("\n- ")
            .unwrap()
            .1
            .contains("thread-pool ×2"),
        "{sentences}"
    );
}

#[test]
fn among_equals_the_simplest_is_chosen() {
    let text = render::answer(&full(1), None);
    assert!(
        text.contains("\ntasks that compute  data-parallel (counter, fan-out, "),
        "{text}"
    );
    assert!(
        text.contains("\ntasks that wait     coroutines (fetch, life-io, waits)\n"),
        "{text}"
    );
}

#[test]
fn a_kind_of_work_without_bounds_is_open() {
    let mut full = full(1);
    for cell in &mut full.cells {
        cell.samples.truncate(1);
    }
    summarise(&mut full);
    let text = render::answer(&full, None);
    assert!(
        text.contains("\nstages in a row     open, data-parallel ahead so far (pipeline)\n"),
        "{text}"
    );
    assert!(!text.contains("at most"), "{text}");
    let matrix = render::matrix(&full);
    for workload in &full.workloads {
        let entries = row(&matrix, &workload.name);
        assert!(
            entries.iter().all(|(_, entry)| entry.ends_with('?')),
            "{matrix}"
        );
    }
}

#[test]
fn open_cells_are_counted_with_their_price() {
    let mut full = full(1);
    let open = |results: &Results| {
        let mut cells = results.cells.iter();
        cells.any(|cell| cell.verdict == Some(Verdict::Open))
    };
    assert!(!open(&full), "all is decided");
    assert!(!render::answer(&full, None).contains("\nopen "));
    let tokio = full
        .cells
        .iter_mut()
        .find(|cell| cell.model == "tokio-tasks" && cell.workload == "waits");
    tokio.unwrap().samples.truncate(1);
    summarise(&mut full);
    let text = render::answer(&full, None);
    assert!(text.contains("\nopen      1 cell, about "), "{text}");
    assert!(text.contains("; ? open"), "{text}");
}

#[test]
fn a_smoke_run_says_that_all_agree_and_gives_no_figure() {
    let mut smoke = full(1);
    smoke.settings.smoke = true;
    smoke.warnings.clear();
    let text = render::smoke(&smoke);
    assert_fits(&text);
    assert!(
        text.starts_with("smoke     14 models on 15 workloads: 240 cells and "),
        "{text}"
    );
    assert!(
        text.contains("; all ran, and\n          all answers agree.\n"),
        "{text}"
    );
    assert!(
        text.contains("\ngcd process-pool: skipped: its worker"),
        "{text}"
    );
    assert!(!text.contains(" ms"), "{text}");
    smoke.cells[7].error = Some("crashed: signal 9".into());
    let text = render::smoke(&smoke);
    assert!(text.contains("; 1 cell failed."), "{text}");
    assert!(text.contains(": ERROR crashed: signal 9\n"), "{text}");
    assert!(!text.contains("agree"), "{text}");
}
