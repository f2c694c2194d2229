//! This comparison against an earlier one.

use workload_stats::{Interval, ratio_of_medians};

use super::grid::Grid;
use super::number::{duration, percent, plural, ratio};
use super::text::{list, remark, wrap};
use super::view::{self, Names};
use crate::results::{Cell, Results, Settings, Verdict, Workload};
use crate::stats::{counted, judge};
use crate::text;

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
            Some(_) => changes(results, baseline, workload),
            None => continue,
        };
        let names = Names::of(results, workload);
        let rows: Vec<Vec<String>> = rows
            .iter()
            .map(|change| row(change, &names, results.settings.margin()))
            .collect();
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
                 confidence; the whole of it has to lie beyond {} for slower or faster. It allows \
                 for the spread of either run, not for what changed on the machine between them.",
                plural(all, "cell"),
                percent(results.settings.margin())
            ),
        ));
    }
    out
}

/// When and by which command the earlier comparison was made.
pub(crate) fn then(baseline: &Results) -> String {
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

/// A cell that both have.
pub(crate) struct Change<'a> {
    pub(crate) now: &'a Cell,
    pub(crate) then: &'a Cell,
    pub(crate) quotient: Interval,
    pub(crate) verdict: Finding,
}

/// The change that the interval of the quotient shows.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Finding {
    Faster,
    Slower,
    Same,
    Nearly,
    Open,
    TooFew,
}

impl Finding {
    fn of(quotient: Interval, settings: &Settings) -> Finding {
        let Some((low, high)) = view::bounds(&quotient) else {
            return Finding::TooFew;
        };
        let judged = |ratio: Interval| judge(ratio, settings.margin(), settings.floor());
        let inverse = Interval {
            median: 1.0 / quotient.median,
            low: Some(1.0 / high),
            high: Some(1.0 / low),
        };
        match (judged(quotient), judged(inverse)) {
            (Verdict::Slower, _) => Finding::Slower,
            (_, Verdict::Slower) => Finding::Faster,
            (Verdict::Fast, _) => Finding::Same,
            (Verdict::FastWithin10, _) => Finding::Nearly,
            _ => Finding::Open,
        }
    }

    pub(crate) fn word(self, margin: f64) -> String {
        match self {
            Finding::Faster => "faster".to_owned(),
            Finding::Slower => "slower".to_owned(),
            Finding::Same => format!("same within {}", percent(margin)),
            Finding::Nearly => format!("same within {}", percent(2.0 * margin)),
            Finding::Open => "open".to_owned(),
            Finding::TooFew => "open: too few samples".to_owned(),
        }
    }
}

/// The cells of a table that both have, as they stand now.
pub(crate) fn changes<'a>(
    results: &'a Results,
    baseline: &'a Results,
    workload: &Workload,
) -> Vec<Change<'a>> {
    let cells = view::cells(results, workload).into_iter();
    cells
        .filter_map(|now| {
            let then = baseline.cells.iter().find(|then| {
                then.workload == now.workload
                    && then.tasks == now.tasks
                    && then.model == now.model
                    && then.variant == now.variant
                    && then.workers == now.workers
            });
            let then = then.filter(|then| view::measured(then) && view::measured(now))?;
            let quotient = ratio_of_medians(&times(now), &times(then))?;
            Some(Change {
                now,
                then,
                quotient,
                verdict: Finding::of(quotient, &results.settings),
            })
        })
        .collect()
}

/// A row of the table of changes: name, time then and now, quotient, interval, finding.
pub(crate) fn row(change: &Change<'_>, names: &Names<'_>, margin: f64) -> Vec<String> {
    let time = |cell: &Cell| {
        cell.judged()
            .map_or("-".to_owned(), |wall| duration(wall.median))
    };
    let interval = view::bounds(&change.quotient);
    vec![
        names.cell(change.now),
        time(change.then),
        time(change.now),
        ratio(change.quotient.median),
        interval.map_or("-".to_owned(), |(low, high)| {
            format!("{}–{}", ratio(low), ratio(high))
        }),
        change.verdict.word(margin),
    ]
}

/// How many cells are slower, faster, the same, or open: for the answer.
pub(crate) fn briefly(results: &Results, baseline: &Results) -> String {
    let same_inputs = |workload: &&Workload| {
        let mut others = baseline.workloads.iter();
        others.any(|other| {
            other.name == workload.name
                && other.tasks == workload.tasks
                && other.digest == workload.digest
        })
    };
    let tables: Vec<&Workload> = results.workloads.iter().filter(same_inputs).collect();
    let changes: Vec<Change<'_>> = tables
        .iter()
        .flat_map(|workload| changes(results, baseline, workload))
        .collect();
    let count = |of: &[Finding]| {
        let of_these = changes.iter().filter(|change| of.contains(&change.verdict));
        of_these.count()
    };
    let said = format!(
        "Against the earlier comparison ({}): {} compared, {} slower, {} faster, {} the same, {} open",
        then(baseline),
        plural(changes.len(), "cell"),
        count(&[Finding::Slower]),
        count(&[Finding::Faster]),
        count(&[Finding::Same, Finding::Nearly]),
        count(&[Finding::Open, Finding::TooFew]),
    );
    let mut out = wrap("", &said);
    for change in changes
        .iter()
        .filter(|it| it.verdict == Finding::Slower)
        .take(3)
    {
        let names = text::name(&change.now.workload);
        let contestant = text::name(&change.now.contestant());
        let ratio = ratio(change.quotient.median);
        out.push_str(&wrap(
            "slower    ",
            &format!("{names} {contestant}: {ratio} times as long"),
        ));
    }
    for doubt in baseline.doubts() {
        out.push_str(&wrap("warning: ", &format!("{doubt}.")));
    }
    out.push_str(&differences(results, baseline));
    out
}

fn times(cell: &Cell) -> Vec<f64> {
    counted(cell)
        .into_iter()
        .map(|sample| sample.judged_ns(cell.response_ns.is_some()))
        .collect()
}
