//! The kind of work of a workload, by its pattern and by what `sequential` spent on it.

use super::view;
use crate::results::{Cell, Results, Workload};

/// A task that takes less than this is tiny: handing it over costs as much.
const TINY_NS: f64 = 5_000.0;

/// Tasks that give up the processor less often than this, each, do not wait.
const SWITCHES: f64 = 0.5;

/// Tasks that wait and compute for more than this share of their time do both.
const WAITS: f64 = 0.25;

/// Kinds of work, in the order in which they are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Computes,
    Tiny,
    Waits,
    Both,
    Stages,
    Streams,
    Requests,
    Programs,
    Unknown,
}

impl Kind {
    pub(crate) fn of(results: &Results, workload: &Workload) -> Kind {
        match workload.pattern.as_str() {
            "serve" => return Kind::Requests,
            "pipeline" => return Kind::Stages,
            "merge" => return Kind::Streams,
            _ if workload.items.contains(&52) => return Kind::Programs,
            _ => {}
        }
        let cells = view::cells(results, workload);
        let baseline = cells
            .into_iter()
            .find(|cell| view::is_baseline(&cell.model, &cell.variant) && view::measured(cell));
        baseline.map_or(Kind::Unknown, |cell| by_time(cell, workload.tasks))
    }

    /// At most 18 columns.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Kind::Computes => "tasks that compute",
            Kind::Tiny => "tiny tasks",
            Kind::Waits => "tasks that wait",
            Kind::Both => "tasks that do both",
            Kind::Stages => "stages in a row",
            Kind::Streams => "merged streams",
            Kind::Requests => "serving requests",
            Kind::Programs => "other programs",
            Kind::Unknown => "other work",
        }
    }
}

fn by_time(sequential: &Cell, tasks: usize) -> Kind {
    let wall = sequential.wall_ns.map_or(0.0, |wall| wall.median);
    let cpu = view::typical(sequential, |sample| sample.cpu_ns).unwrap_or(0.0);
    // Nothing runs without CPU time: it was not reported.
    if !(wall.is_finite() && wall > 0.0 && cpu > 0.0) {
        return Kind::Unknown;
    }
    if wall / (tasks.max(1) as f64) < TINY_NS {
        return Kind::Tiny;
    }
    // On a busy machine the share of CPU time falls; the times that a task waits do not change.
    let switches = view::typical(sequential, |sample| sample.voluntary_switches);
    match switches.unwrap_or(0.0) / tasks.max(1) as f64 {
        each if each < SWITCHES => Kind::Computes,
        _ if cpu / wall <= WAITS => Kind::Waits,
        _ => Kind::Both,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::Sample;
    use workload_stats::Interval;

    #[test]
    fn waits_and_the_share_of_cpu_time_decide() {
        let cell = |wall_ns: u64, cpu_ns: u64, voluntary_switches: u64| Cell {
            wall_ns: Some(Interval {
                median: wall_ns as f64,
                low: None,
                high: None,
            }),
            samples: vec![Sample {
                wall_ns,
                cpu_ns,
                voluntary_switches,
                ..Sample::default()
            }],
            ..Cell::default()
        };
        for (cpu, switches, tasks, kind) in [
            (90_000_000, 2, 10, Kind::Computes),
            (20_000_000, 2, 10, Kind::Computes),
            (5_000_000, 10, 10, Kind::Waits),
            (40_000_000, 20, 10, Kind::Both),
            (90_000_000, 2, 1_000_000, Kind::Tiny),
            (0, 10, 10, Kind::Unknown),
        ] {
            let cell = cell(100_000_000, cpu, switches);
            assert_eq!(by_time(&cell, tasks), kind, "{cpu} {switches}");
        }
    }
}
