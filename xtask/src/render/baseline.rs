//! This comparison against an earlier one.

use super::grid::Grid;
use super::number::{duration, plural, ratio};
use super::text::{list, remark, wrap};
use super::view::{self, Names};
use crate::results::{Cell, Results, Workload};
use crate::stats::{counted, ratio_of_medians};

/// Per cell that both have: how long it takes now, divided by how long it took then.
///
/// The two share no rounds, so the interval is that of two independent sets of samples: see
/// [`ratio_of_medians`].
pub fn baseline(results: &Results, baseline: &Results) -> String {
    let mut out = "Against the earlier comparison: time now, divided by time then\n".to_owned();
    out.push_str(&wrap("then      ", &then(baseline)));
    for doubt in baseline.doubts() {
        out.push_str(&wrap("warning: ", &format!("{doubt}.")));
    }
    out.push_str(&differences(results, baseline));
    let names = Names::new(results);
    let mut compared = 0;
    for workload in &results.workloads {
        let title = view::title(results, workload, " ");
        let before = baseline
            .workloads
            .iter()
            .find(|other| other.name == workload.name && other.tasks == workload.tasks);
        let rows = match before {
            Some(before) if before.digest != workload.digest => {
                out.push_str(&wrap(
                    "warning: ",
                    &format!(
                        "{title} had other inputs then (its digest differs), and is left out; \
                         repeat the earlier --seed and --iterations-per-us to compare it."
                    ),
                ));
                continue;
            }
            Some(_) => rows(results, baseline, workload, &names),
            None => continue,
        };
        if rows.is_empty() {
            continue;
        }
        compared += rows.len();
        let mut grid = Grid::default();
        let head = [title.as_str(), "then", "now", "ratio", "interval", ""];
        grid.row(head.map(str::to_owned).into());
        for row in rows {
            grid.row(row);
        }
        out.push('\n');
        out.push_str(&grid.render());
    }
    if compared == 0 {
        out.push_str("No cell has figures in both.\n");
    } else {
        let all = results.cells.len();
        out.push('\n');
        out.push_str(&wrap(
            "",
            &format!(
                "{compared} of {} compared. The interval holds the ratio of the medians with 95 % \
                 confidence; where it spans 1, there is no difference to be seen. It allows for \
                 the spread of either run, not for what changed on the machine between them.",
                plural(all, "cell")
            ),
        ));
    }
    out
}

fn then(baseline: &Results) -> String {
    let mut then = vec![
        remark(&baseline.environment.started),
        remark(&baseline.settings.command),
    ];
    then.retain(|part| !part.is_empty());
    if !baseline.complete {
        then.push("INCOMPLETE".to_owned());
    }
    if then.is_empty() {
        "undated".to_owned()
    } else {
        then.join(", ")
    }
}

/// One line for all that differs between the two machines and calls, if anything does.
fn differences(results: &Results, baseline: &Results) -> String {
    let (now, then) = (&results.environment, &baseline.environment);
    let mut differ = Vec::new();
    let mut check = |what: &str, now: &str, then: &str| {
        if now != then {
            differ.push(format!(
                "{} ({}, now {})",
                remark(what),
                remark(then),
                remark(now)
            ));
        }
    };
    check("cpu", &now.cpu, &then.cpu);
    check("processors", &now.cpus.to_string(), &then.cpus.to_string());
    check(
        "memory",
        &now.memory_bytes.to_string(),
        &then.memory_bytes.to_string(),
    );
    check("system", &now.os, &then.os);
    check("compiler", &now.rustc, &then.rustc);
    for (model, version) in &now.versions {
        if let Some(before) = then.versions.get(model) {
            check(model, version, before);
        }
    }
    if differ.is_empty() {
        String::new()
    } else {
        let what = format!("not all else was equal: {}.", list(&differ));
        wrap("warning: ", &what)
    }
}

fn rows(
    results: &Results,
    baseline: &Results,
    workload: &Workload,
    names: &Names,
) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    for now in view::cells(results, workload) {
        let then = baseline.cells.iter().find(|then| {
            then.workload == now.workload
                && then.tasks == now.tasks
                && then.model == now.model
                && then.variant == now.variant
                && then.workers == now.workers
        });
        let Some(then) = then.filter(|then| view::measured(then) && view::measured(now)) else {
            continue;
        };
        let Some(quotient) = ratio_of_medians(&times(now), &times(then)) else {
            continue;
        };
        let (interval, word) = match view::bounds(&quotient) {
            None => ("-".to_owned(), "too few samples"),
            Some((low, high)) => (
                format!("{}–{}", ratio(low), ratio(high)),
                match (low, high) {
                    (_, high) if high < 1.0 => "faster",
                    (low, _) if low > 1.0 => "slower",
                    _ => "no difference",
                },
            ),
        };
        let time = |cell: &Cell| {
            cell.judged()
                .map_or("-".to_owned(), |wall| duration(wall.median))
        };
        let ratio = ratio(quotient.median);
        rows.push(vec![
            names.cell(now),
            time(then),
            time(now),
            ratio,
            interval,
            word.into(),
        ]);
    }
    rows
}

fn times(cell: &Cell) -> Vec<f64> {
    counted(cell)
        .into_iter()
        .map(|sample| sample.judged_ns(cell.response_ns.is_some()))
        .collect()
}
