//! The results that the pages are made from: a full run, and what runs and files can be beside it.

use std::collections::BTreeSet;
use std::io::Read as _;

use flate2::read::GzDecoder;
use xtask::results::{Cell, Results, Sample, parse};
use xtask::stats::summarise;

/// The results of `cargo xtask compare` with all models and workloads on two cores. Their timelines
/// are of a second run with `--budget 0s`, rounded to keep the file small.
const FULL: &[u8] = include_bytes!("full.json.gz");

/// The samples of the huge results.
const HUGE: usize = 100_000;

/// A kind of results.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Full,
    /// With an earlier run beside it.
    Baseline,
    /// One workload only, so that the answer is another.
    Single,
    /// Over numbers of workers, of tasks, and rates of requests.
    Sweep,
    Interrupted,
    Hostile,
    Huge,
    Empty,
}

impl Kind {
    pub(crate) const ALL: [Kind; 8] = [
        Kind::Full,
        Kind::Baseline,
        Kind::Single,
        Kind::Sweep,
        Kind::Interrupted,
        Kind::Hostile,
        Kind::Huge,
        Kind::Empty,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Kind::Full => "full",
            Kind::Baseline => "baseline",
            Kind::Single => "single",
            Kind::Sweep => "sweep",
            Kind::Interrupted => "interrupted",
            Kind::Hostile => "hostile",
            Kind::Huge => "huge",
            Kind::Empty => "empty",
        }
    }

    pub(crate) fn results(self) -> Result<Results, String> {
        let mut results = full()?;
        if self == Kind::Huge {
            // Judged before: the statistics of 100,000 samples take a minute without optimisation.
            huge(&mut results);
            return Ok(results);
        }
        match self {
            Kind::Full | Kind::Huge => {}
            Kind::Baseline => only(&mut results, &["waits", "gcd", "guess"]),
            Kind::Single => only(&mut results, &["gcd"]),
            Kind::Sweep => sweep(&mut results),
            Kind::Interrupted => interrupted(&mut results),
            Kind::Hostile => hostile(&mut results),
            Kind::Empty => {
                results.workloads.clear();
                results.cells.clear();
                results.skipped.clear();
                results.warnings.clear();
            }
        }
        summarise(&mut results);
        Ok(results)
    }

    /// The earlier run, whose models were up to a third faster or slower.
    pub(crate) fn earlier(self) -> Result<Option<Results>, String> {
        if self != Kind::Baseline {
            return Ok(None);
        }
        let mut earlier = full()?;
        for (place, cell) in earlier.cells.iter_mut().enumerate() {
            scale(cell, [1.0, 1.3, 0.75][place % 3]);
        }
        summarise(&mut earlier);
        Ok(Some(earlier))
    }
}

fn full() -> Result<Results, String> {
    let mut text = Vec::new();
    GzDecoder::new(FULL)
        .read_to_end(&mut text)
        .map_err(|error| format!("full.json.gz: {error}"))?;
    parse(&text)
}

fn only(results: &mut Results, names: &[&str]) {
    let wanted = |name: &str| names.contains(&name);
    results.workloads.retain(|workload| wanted(&workload.name));
    results.cells.retain(|cell| wanted(&cell.workload));
    results.skipped.retain(|skipped| wanted(&skipped.workload));
}

/// Makes all times of a cell longer, or shorter.
fn scale(cell: &mut Cell, by: f64) {
    for sample in &mut cell.samples {
        let times = [&mut sample.wall_ns, &mut sample.cpu_ns, &mut sample.user_ns];
        for ns in times {
            *ns = (*ns as f64 * by) as u64;
        }
        for ns in sample.metrics.values_mut() {
            *ns *= by;
        }
    }
}

fn sweep(results: &mut Results) {
    only(results, &["gcd", "fan-out", "guess"]);
    results.skipped.clear();
    let cells = std::mem::take(&mut results.cells);
    results.settings.workers = vec![1, 2, 4, 8, 16];
    let (tables, mut others) = (results.workloads.clone(), Vec::new());
    for cell in cells {
        match cell.workload.as_str() {
            "gcd" if cell.model != "sequential" => {
                for (workers, by) in [(1, 1.9), (2, 1.0), (4, 0.99), (8, 1.0), (16, 1.1)] {
                    let mut cell = Cell {
                        workers,
                        ..cell.clone()
                    };
                    scale(&mut cell, by);
                    results.cells.push(cell);
                }
            }
            "fan-out" => {
                for (tasks, by) in [(10, 0.01), (100, 0.1), (1_000, 1.0), (10_000, 12.0)] {
                    let mut cell = Cell {
                        tasks,
                        ..cell.clone()
                    };
                    scale(&mut cell, by);
                    results.cells.push(cell);
                    others.push(("fan-out", tasks, None));
                }
            }
            "guess" => {
                for (rate, by) in [(100.0, 0.7), (1_000.0, 1.0), (5_000.0, 9.0)] {
                    let mut cell = Cell {
                        rate: Some(rate),
                        ..cell.clone()
                    };
                    scale(&mut cell, by);
                    results.cells.push(cell);
                    others.push(("guess", cell_tasks(&tables, "guess"), Some(rate)));
                }
            }
            _ => results.cells.push(cell),
        }
    }
    results.workloads.retain(|workload| workload.name == "gcd");
    others.sort_by(|one, other| one.partial_cmp(other).unwrap_or(std::cmp::Ordering::Equal));
    others.dedup();
    for (name, tasks, rate) in others {
        let table = tables.iter().find(|table| table.name == name).cloned();
        results.workloads.extend(table.map(|mut table| {
            table.tasks = tasks;
            table.rate = rate;
            table
        }));
    }
}

fn cell_tasks(tables: &[xtask::results::Workload], name: &str) -> usize {
    let mut tables = tables.iter().filter(|table| table.name == name);
    tables.next().map_or(1, |table| table.tasks)
}

/// Ended in the middle: two tables are missing, one is half there, and some cells failed.
fn interrupted(results: &mut Results) {
    only(results, &["waits", "fetch", "gcd", "pipeline", "guess"]);
    results.complete = false;
    results.settings.smoke = true;
    let left = results.workloads.len() - 2;
    for gone in results.workloads.split_off(left) {
        results.cells.retain(|cell| cell.workload != gone.name);
    }
    let last = results.workloads.last().map(|table| table.name.clone());
    let mut kept = 0;
    results.cells.retain(|cell| {
        let is_last = Some(&cell.workload) == last.as_ref();
        kept += usize::from(is_last);
        !is_last || kept <= 4
    });
    for (place, cell) in results.cells.iter_mut().enumerate() {
        if place % 11 == 4 {
            cell.verified = false;
            cell.error = Some(
                "wrong answer: digest 00000000deadbeef instead of fedcba9876543210 in the sample \
                 of round 4, first at task 17"
                    .to_owned(),
            );
        }
        if place % 7 == 3 {
            cell.samples.truncate(1);
            cell.note = Some("the comparison was interrupted".to_owned());
        }
    }
}

/// Markup, control characters and endless names, wherever a name can be.
fn hostile(results: &mut Results) {
    let evil = [
        "<script>document.title='broken'</script>".to_owned(),
        "\" onload=\"document.title='broken'\" x='".to_owned(),
        "</style></svg></table><img src=x onerror=document.title='broken'>".to_owned(),
        "\u{1b}[2J\u{202e}evil\u{0}\u{7f}\u{9b}5A\u{200b}\u{feff}".to_owned(),
        "並行並行👩\u{200d}👩\u{200d}👧 العربية e\u{301}".to_owned(),
        "]]><!-- &lt;b&gt; {{x}} ${y} `|*_ -->".to_owned(),
        "n".repeat(10_000),
        "two words ".repeat(1_000),
    ];
    only(results, &["waits", "gcd", "pipeline", "guess"]);
    let mut names: Vec<(String, String)> = Vec::new();
    for (place, table) in results.workloads.iter_mut().enumerate() {
        let name = format!("{}{place}", evil[(place * 2) % evil.len()]);
        names.push((table.name.clone(), name.clone()));
        table.name = name;
        table.about.clone_from(&evil[(place * 2 + 1) % evil.len()]);
    }
    let renamed = |name: &mut String| {
        if let Some((_, new)) = names.iter().find(|(old, _)| old == name) {
            name.clone_from(new);
        }
    };
    let models: BTreeSet<String> = results
        .cells
        .iter()
        .map(|cell| cell.model.clone())
        .collect();
    let models: Vec<String> = models.into_iter().collect();
    for (place, cell) in results.cells.iter_mut().enumerate() {
        renamed(&mut cell.workload);
        let model = models.iter().position(|model| *model == cell.model);
        if let Some(model) = model.filter(|_| cell.model != "sequential") {
            cell.model = format!("{}{}", evil[model % evil.len()], cell.model);
        }
        cell.note = (place % 5 == 0).then(|| evil[place % evil.len()].clone());
        if place % 9 == 7 {
            cell.error = Some(evil[(place / 9) % evil.len()].clone());
        }
    }
    for (place, skipped) in results.skipped.iter_mut().enumerate() {
        renamed(&mut skipped.workload);
        skipped.reason.clone_from(&evil[place % evil.len()]);
    }
    results.warnings = evil.to_vec();
    results.environment.cpu.clone_from(&evil[0]);
    results.environment.os.clone_from(&evil[6]);
    results.environment.rustc.clone_from(&evil[3]);
    results.settings.command.clone_from(&evil[2]);
}

fn huge(results: &mut Results) {
    let cells = results.cells.len();
    for cell in &mut results.cells {
        let given = std::mem::take(&mut cell.samples);
        let sample = |place: usize| -> Option<Sample> {
            let sample = given.get(place % given.len().max(1))?;
            Some(Sample {
                wall_ns: sample.wall_ns + sample.wall_ns * (place as u64 % 97) / 1_000,
                round: place as u32,
                life: (place / 50) as u32,
                warm_up: place.is_multiple_of(50),
                ..sample.clone()
            })
        };
        cell.samples = (0..HUGE.div_ceil(cells)).map_while(sample).collect();
    }
}
