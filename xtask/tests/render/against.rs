//! A comparison against an earlier one: changes, the gate, refusals.

use xtask::baseline::{Asked, Finding, Gate, Table, common, compared, doubts, refusal};
use xtask::render;
use xtask::results::{Cell, Results, Skipped};
use xtask::stats::summarise;

use crate::assert_fits;
use crate::fixture::results;

/// The comparison with a life for every three rounds, as a comparison makes them.
pub(crate) fn earlier() -> Results {
    let mut earlier = results();
    for cell in &mut earlier.cells {
        for sample in &mut cell.samples {
            sample.life = sample.round / 3;
        }
    }
    summarise(&mut earlier);
    earlier
}

/// The comparison after a change: `tokio-tasks` slower, `thread-pool` faster.
pub(crate) fn later() -> Results {
    let mut later = earlier();
    later.environment.rustc = "rustc 1.96.0".into();
    for cell in &mut later.cells {
        let factor = match cell.model.as_str() {
            "tokio-tasks" => 1.2,
            "thread-pool" => 0.9,
            _ => 1.001,
        };
        for sample in &mut cell.samples {
            sample.wall_ns = (sample.wall_ns as f64 * factor) as u64;
        }
    }
    summarise(&mut later);
    later
}

/// The finding on this cell of `gcd`.
fn finding(now: &Results, then: &Results, model: &str) -> Finding {
    let changes = compared(now, then);
    let rows = changes.iter().flat_map(|table| &table.rows);
    let mut rows = rows.filter(|row| row.now.workload == "gcd" && row.now.model == model);
    rows.next().expect("a row").finding
}

#[test]
fn an_earlier_comparison_gives_faster_slower_and_no_difference() {
    insta::assert_snapshot!("baseline", render::baseline(&later(), &earlier()));
}

#[test]
fn changes_are_data_for_every_renderer() {
    let (now, then) = (later(), earlier());
    assert_eq!(finding(&now, &then, "tokio-tasks"), Finding::Slower);
    assert_eq!(finding(&now, &then, "thread-pool"), Finding::Faster);
    assert_eq!(finding(&now, &then, "sequential"), Finding::Same);
    let changes = compared(&now, &then);
    assert_eq!(common(&changes, &now.settings), None);
    let wrong = changes.iter().flat_map(|table| &table.rows);
    let wrong = wrong.filter(|row| row.now.error.is_some());
    assert_eq!(wrong.count(), 0, "a cell that failed has no change");
}

#[test]
fn a_change_of_all_cells_is_laid_to_the_machine() {
    let (mut now, then) = (earlier(), earlier());
    for sample in now.cells.iter_mut().flat_map(|cell| &mut cell.samples) {
        sample.wall_ns = sample.wall_ns * 5 / 4;
    }
    summarise(&mut now);
    let factor = common(&compared(&now, &then), &now.settings);
    assert!(
        factor.is_some_and(|factor| (factor - 1.25).abs() < 0.01),
        "{factor:?}"
    );
    let text = render::baseline(&now, &then);
    assert!(
        text.contains("warning: the typical cell takes 1.25 times"),
        "{text}"
    );
    assert_fits(&text);
}

#[test]
fn the_gate_names_cells_that_are_slower_than_allowed() {
    let (now, then) = (later(), earlier());
    let changes = compared(&now, &then);
    let strict = Gate::of(&changes, 0.1, 0.0);
    assert!(strict.fails());
    let lines = render::gate(&strict);
    let slower: Vec<&String> = lines
        .iter()
        .filter(|line| line.starts_with("error: "))
        .collect();
    assert_eq!(slower.len(), strict.slower.len());
    assert!(
        slower
            .iter()
            .all(|line| line.starts_with("error: slower than 10 %: ")
                && line.contains(" tokio-tasks")
                && line.contains(": 1.20 times as long [1.")),
        "{lines:#?}"
    );
    for (allowed, floor) in [(0.25, 0.0), (0.1, 0.25)] {
        let generous = Gate::of(&changes, allowed, floor);
        assert!(!generous.fails(), "{generous:#?}");
        let lines = render::gate(&generous);
        assert_eq!(lines.len(), 1);
        let limit = if floor > allowed {
            "; this machine cannot tell 10 % apart"
        } else {
            ""
        };
        assert!(
            lines[0].starts_with("slower than 25 %: 0 of ") && lines[0].contains(limit),
            "{lines:#?}"
        );
    }
}

#[test]
fn the_gate_says_what_it_could_not_resolve() {
    let (mut now, then) = (later(), earlier());
    for cell in &mut now.cells {
        cell.samples.retain(|sample| sample.life < 1);
    }
    summarise(&mut now);
    let changes = compared(&now, &then);
    let gate = Gate::of(&changes, 0.05, 0.0);
    assert!(!gate.fails(), "{gate:#?}");
    let lines = render::gate(&gate);
    assert!(
        lines[0].contains("; not resolved: ") && lines[0].contains("a longer --budget"),
        "{lines:#?}"
    );
}

#[test]
fn a_cell_that_fell_far_behind_fails_the_gate_by_one_sample() {
    let (mut now, then) = (earlier(), earlier());
    let cells = now.cells.iter_mut();
    let queue = |cell: &&mut Cell| cell.workload == "gcd" && cell.model == "tokio-tasks";
    let cell = cells.into_iter().find(queue).expect("a cell");
    cell.samples.truncate(1);
    cell.samples[0].wall_ns *= 10;
    summarise(&mut now);
    let changes = compared(&now, &then);
    let gate = Gate::of(&changes, 0.5, 0.0);
    assert_eq!(gate.slower.len(), 1, "{gate:#?}");
    assert_eq!(gate.slower[0].now.model, "tokio-tasks");
    assert!(gate.slower[0].two.by_samples);
}

#[test]
fn a_cell_too_slow_to_be_measured_fails_the_gate() {
    let (mut now, then) = (earlier(), earlier());
    let is_lost = |cell: &Cell| cell.workload == "gcd" && cell.model == "tokio-tasks";
    let cell = now.cells.iter().find(|cell| is_lost(cell)).expect("a cell");
    let skipped = Skipped {
        model: cell.model.clone(),
        variant: cell.variant.clone(),
        workers: cell.workers,
        tasks: cell.tasks,
        reason: "would take about 90 s a sample".into(),
        ..now.skipped[0].clone()
    };
    now.cells.retain(|cell| !is_lost(cell));
    for too_slow in [false, true] {
        now.skipped.push(Skipped {
            too_slow,
            ..skipped.clone()
        });
        let changes = compared(&now, &then);
        let gate = Gate::of(&changes, 0.5, 0.0);
        assert_eq!(gate.fails(), too_slow, "{gate:#?}");
        let lines = render::gate(&gate);
        let named = "error: slower than 50 %: gcd tokio-tasks: too slow to be measured now: would \
                     take about 90 s a sample";
        assert_eq!(lines[0] == named, too_slow, "{lines:#?}");
        let counted = render::answer(&now, Some(&then)).contains("1 now too slow");
        assert_eq!(counted, too_slow);
    }
}

#[test]
fn a_gate_that_sees_nothing_fails() {
    let (now, mut then) = (earlier(), earlier());
    then.cells.clear();
    let changes = compared(&now, &then);
    let gate = Gate::of(&changes, 0.5, 0.0);
    assert!(gate.fails());
    assert!(render::gate(&gate)[0].ends_with("so nothing was checked"));
}

fn asked<'a>(results: &'a Results) -> Asked<'a> {
    let tables = results.workloads.iter().map(|workload| Table {
        name: workload.name.clone(),
        tasks: workload.tasks,
        seed: workload.seed,
        rate: workload.rate,
    });
    Asked {
        environment: &results.environment,
        smoke: false,
        iterations_per_us: Some(412),
        workers: &[2],
        tables: tables.collect(),
    }
}

#[test]
fn another_machine_or_other_work_is_refused_with_the_reason() {
    let now = earlier();
    let refused = |change: &dyn Fn(&mut Results)| {
        let mut then = earlier();
        change(&mut then);
        refusal(&asked(&now), &then).unwrap_or_default()
    };
    assert_eq!(refused(&|_| {}), "");
    for (change, why) in [
        (
            &(|then: &mut Results| then.environment.cpu = "Z80".into()) as &dyn Fn(&mut Results),
            "another processor (Z80, here AMD EPYC",
        ),
        (
            &|then| then.environment.cpus = 8,
            "number of processors (8, here 2)",
        ),
        (&|then| then.settings.smoke = true, "it was a smoke run"),
        (
            &|then| then.environment.iterations_per_us = 300,
            "300 iterations a microsecond, these would have 412",
        ),
        (
            &|then| then.settings.workers = vec![3, 4],
            "numbers of workers (3,4, here 2)",
        ),
        (
            &|then| then.workloads[1].seed = 9,
            "its inputs of gcd had the seed 9",
        ),
        (
            &|then| then.workloads.iter_mut().for_each(|it| it.tasks += 1),
            "with another number of tasks",
        ),
        (
            &|then| then.workloads.clear(),
            "it has none of these workloads",
        ),
    ] {
        let told = refused(change);
        assert!(
            told.contains(why) && !told.contains('\n'),
            "{told:?} lacks {why:?}"
        );
        assert!(told.contains("; "), "without a remedy: {told}");
    }
}

#[test]
fn an_old_file_that_does_not_say_is_not_refused() {
    let (now, mut then) = (earlier(), earlier());
    then.environment = Default::default();
    then.settings = Default::default();
    assert_eq!(refusal(&asked(&now), &then), None);
}

#[test]
fn differences_that_one_may_want_to_compare_are_doubts() {
    let now = earlier();
    let mut then = Results {
        complete: true,
        ..earlier()
    };
    assert_eq!(doubts(&asked(&now), &then), [""; 0]);
    then.complete = false;
    then.workloads.remove(0);
    then.settings.workers = vec![2];
    then.environment.rustc = "rustc 1.90.0".into();
    let mut asked = asked(&now);
    asked.workers = &[2, 8];
    assert_eq!(refusal(&asked, &then), None);
    let told = doubts(&asked, &then).join("; ");
    for what in [
        "was interrupted",
        "does not have waits with 200 tasks",
        "no cells with 8 workers",
    ] {
        assert!(told.contains(what), "{told}");
    }
}
