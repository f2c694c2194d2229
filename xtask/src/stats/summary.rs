//! Fills the statistics of all cells from their raw samples, table by table.

use super::median::{median, median_interval};
use super::paired::paired_ratio;
use crate::results::{Cell, Interval, Results, Sample, Workload};

/// The model whose default variant every speed-up refers to.
pub const BASELINE: &str = "sequential";

/// The samples that count: all but the warm-ups, or all where there are only those.
pub fn counted(cell: &Cell) -> Vec<&Sample> {
    let warm: Vec<&Sample> = cell.samples.iter().filter(|s| !s.warm_up).collect();
    if warm.is_empty() {
        cell.samples.iter().collect()
    } else {
        warm
    }
}

/// Computes time, ratio to the best, rank, tie and speed-up of every cell anew.
///
/// Cells of one workload and number of tasks are compared with each other, whatever their number
/// of workers. A cell that failed, or was not verified, loses all its statistics and takes part in
/// no comparison. Where no round is shared, or one side has a single sample, a ratio is that of the
/// medians and has no bounds.
pub fn summarise(results: &mut Results) {
    let mut tables: Vec<(String, usize)> = Vec::new();
    for cell in &mut results.cells {
        clear(cell);
        let table = (cell.workload.clone(), cell.tasks);
        if !tables.contains(&table) {
            tables.push(table);
        }
    }
    for (workload, tasks) in tables {
        let described = results.workloads.iter().find(|w| w.name == workload);
        let served = described.is_some_and(Workload::is_served);
        let mut table: Vec<Entry<'_>> = results
            .cells
            .iter_mut()
            .filter(|c| c.workload == workload && c.tasks == tasks)
            .filter_map(|cell| Entry::new(cell, served))
            .collect();
        // Stable, so that equal medians keep the order of the file.
        table.sort_by(|a, b| a.time.median.total_cmp(&b.time.median));
        compare(&mut table, served);
    }
}

fn clear(cell: &mut Cell) {
    cell.wall_ns = None;
    cell.response_ns = None;
    cell.ratio_to_best = None;
    cell.rank = None;
    cell.tied_with_best = None;
    cell.speedup = None;
    if cell.error.is_some() || !cell.verified {
        cell.threads_peak = None;
        cell.processes_peak = None;
        cell.rss_peak_bytes = None;
        cell.metrics.clear();
    }
}

/// A cell that takes part, with its times by round.
struct Entry<'a> {
    cell: &'a mut Cell,
    rounds: Vec<(u32, f64)>,
    time: Interval,
}

impl<'a> Entry<'a> {
    fn new(cell: &'a mut Cell, served: bool) -> Option<Self> {
        if cell.error.is_some() || !cell.verified {
            return None;
        }
        let rounds: Vec<(u32, f64)> = counted(cell)
            .iter()
            .map(|s| (s.round, s.judged_ns(served)))
            .collect();
        let times: Vec<f64> = rounds.iter().map(|&(_, time)| time).collect();
        let time = median_interval(&times)?;
        Some(Self { cell, rounds, time })
    }

    fn is_baseline(&self) -> bool {
        self.cell.model == BASELINE && self.cell.variant.is_empty()
    }

    /// Exactly 1, with bounds where the time has them: a cell compared with itself.
    fn unity(&self) -> Interval {
        let bound = self.time.low.map(|_| 1.0);
        Interval {
            median: 1.0,
            low: bound,
            high: bound,
        }
    }

    /// This one's time divided by the other's.
    fn over(&self, other: &Self) -> Option<Interval> {
        let paired = if self.rounds.len() > 1 && other.rounds.len() > 1 {
            paired_ratio(&self.rounds, &other.rounds)
        } else {
            None
        };
        paired.or_else(|| {
            let ratio = median(&[self.time.median / other.time.median])?;
            Some(Interval {
                median: ratio,
                low: None,
                high: None,
            })
        })
    }
}

/// `table` is sorted by median, so its first entry is the best.
fn compare(table: &mut [Entry<'_>], served: bool) {
    for i in 0..table.len() {
        let this = &table[i];
        let ratio = if i == 0 {
            Some(this.unity())
        } else {
            this.over(&table[0])
        };
        // With several numbers of workers the baseline of the same number, else the one there is.
        let baseline = table
            .iter()
            .enumerate()
            .filter(|(_, entry)| entry.is_baseline())
            .min_by_key(|(_, entry)| entry.cell.workers != this.cell.workers);
        let speedup = match baseline {
            Some((at, _)) if at == i => Some(this.unity()),
            Some((_, baseline)) => baseline.over(this),
            None => None,
        };
        let time = this.time;
        let cell = &mut *table[i].cell;
        if served {
            let walls: Vec<f64> = counted(cell).iter().map(|s| s.wall_ns as f64).collect();
            cell.wall_ns = median_interval(&walls);
            cell.response_ns = Some(time);
        } else {
            cell.wall_ns = Some(time);
        }
        cell.rank = Some(i + 1);
        cell.ratio_to_best = ratio;
        cell.tied_with_best = if i == 0 {
            Some(true)
        } else {
            ratio.and_then(spans_one)
        };
        cell.speedup = speedup;
    }
}

/// `None` without bounds, as nothing was judged.
fn spans_one(ratio: Interval) -> Option<bool> {
    let (low, high) = ratio.low.zip(ratio.high)?;
    Some(low <= 1.0 && 1.0 <= high)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::SCHEMA;

    fn cell(model: &str, times: &[u64]) -> Cell {
        let samples = times.iter().zip(0..).map(|(&wall_ns, round)| Sample {
            wall_ns,
            round,
            ..Sample::default()
        });
        Cell {
            workload: "waits".into(),
            model: model.into(),
            variant: String::new(),
            workers: 2,
            tasks: 10,
            verified: true,
            error: None,
            setup_ns: 0,
            samples: samples.collect(),
            wall_ns: None,
            response_ns: None,
            ratio_to_best: None,
            rank: None,
            tied_with_best: None,
            speedup: None,
            threads_peak: Some(3),
            processes_peak: Some(1),
            rss_peak_bytes: Some(4096),
            metrics: [("lag".to_owned(), 1.0)].into(),
            note: None,
        }
    }

    fn summarised(cells: Vec<Cell>) -> Vec<Cell> {
        summarised_of(Vec::new(), cells)
    }

    fn summarised_of(workloads: Vec<Workload>, cells: Vec<Cell>) -> Vec<Cell> {
        let mut results = Results {
            schema: SCHEMA,
            complete: true,
            environment: Default::default(),
            settings: Default::default(),
            workloads,
            cells,
            skipped: Vec::new(),
            warnings: Vec::new(),
        };
        summarise(&mut results);
        results.cells
    }

    fn triple(interval: Option<Interval>) -> (f64, Option<f64>, Option<f64>) {
        let interval = interval.expect("an interval");
        (interval.median, interval.low, interval.high)
    }

    #[test]
    fn ranks_ratios_and_speedups_agree_with_a_count_by_hand() {
        let cells = summarised(vec![
            cell("sequential", &[40, 44, 40, 40, 40, 40]),
            cell("threads", &[20, 20, 20, 20, 20, 20]),
            cell("thread-pool", &[10, 11, 10, 10, 10, 10]),
        ]);
        assert_eq!(
            cells.iter().map(|c| c.rank.unwrap()).collect::<Vec<_>>(),
            [3, 2, 1]
        );
        assert_eq!(triple(cells[0].wall_ns), (40.0, Some(40.0), Some(44.0)));
        assert_eq!(triple(cells[0].ratio_to_best), (4.0, Some(4.0), Some(4.0)));
        assert_eq!(
            triple(cells[1].ratio_to_best),
            (2.0, Some(20.0 / 11.0), Some(2.0))
        );
        assert_eq!(triple(cells[2].ratio_to_best), (1.0, Some(1.0), Some(1.0)));
        assert_eq!(triple(cells[0].speedup), (1.0, Some(1.0), Some(1.0)));
        assert_eq!(triple(cells[1].speedup), (2.0, Some(2.0), Some(2.2)));
        assert_eq!(triple(cells[2].speedup), (4.0, Some(4.0), Some(4.0)));
        let tied: Vec<bool> = cells.iter().map(|c| c.tied_with_best.unwrap()).collect();
        assert_eq!(tied, [false, false, true]);
    }

    #[test]
    fn an_interval_that_spans_one_is_a_tie_and_one_that_ends_at_one_too() {
        let cells = summarised(vec![
            cell("a", &[10, 10, 10, 10, 10, 10]),
            cell("b", &[9, 12, 11, 11, 11, 11]),
            cell("c", &[10, 11, 11, 11, 11, 11]),
            cell("d", &[11, 11, 11, 11, 11, 11]),
        ]);
        let tied: Vec<bool> = cells.iter().map(|c| c.tied_with_best.unwrap()).collect();
        assert_eq!(tied, [true, true, true, false]);
    }

    #[test]
    fn a_failed_or_unverified_cell_has_no_statistics_and_is_never_the_best() {
        let mut failed = cell("fast-but-wrong", &[1; 6]);
        failed.error = Some("wrong answer".into());
        failed.wall_ns = Some(Interval {
            median: 1.0,
            low: None,
            high: None,
        });
        failed.rank = Some(1);
        let mut unverified = cell("unverified", &[1; 6]);
        unverified.verified = false;
        let cells = summarised(vec![failed, unverified, cell("threads", &[20; 6])]);
        for cell in &cells[..2] {
            assert_eq!(
                (cell.wall_ns, cell.ratio_to_best, cell.speedup),
                (None, None, None)
            );
            assert_eq!((cell.rank, cell.tied_with_best), (None, None));
            assert_eq!((cell.threads_peak, cell.processes_peak), (None, None));
            assert_eq!(cell.rss_peak_bytes, None);
            assert!(cell.metrics.is_empty());
            assert_eq!(cell.samples.len(), 6, "raw samples are always kept");
        }
        assert_eq!(cells[2].rank, Some(1));
    }

    #[test]
    fn warm_ups_count_only_where_there_is_nothing_else() {
        let mut warmed = cell("threads", &[1_000, 10, 12]);
        warmed.samples[0].warm_up = true;
        let mut only = cell("sequential", &[500]);
        only.samples[0].warm_up = true;
        let cells = summarised(vec![warmed, only]);
        assert_eq!(cells[0].wall_ns.unwrap().median, 11.0);
        assert_eq!(cells[1].wall_ns.unwrap().median, 500.0);
    }

    #[test]
    fn one_sample_gives_medians_without_bounds_and_no_verdict() {
        let cells = summarised(vec![
            cell("sequential", &[100]),
            cell("threads", &[11, 10, 10, 10, 10, 10, 10]),
            cell("thread-pool", &[10]),
        ]);
        // Round 0 alone would say 100 / 11.
        assert_eq!(triple(cells[0].ratio_to_best), (10.0, None, None));
        assert_eq!(triple(cells[1].speedup), (10.0, None, None));
        assert_eq!(cells[0].tied_with_best, None);
        assert_eq!(cells[1].tied_with_best, Some(true));
        assert_eq!(cells[2].tied_with_best, None);
        let alone = summarised(vec![cell("threads", &[5])]);
        assert_eq!(triple(alone[0].ratio_to_best), (1.0, None, None));
        assert_eq!(alone[0].tied_with_best, Some(true));
    }

    #[test]
    fn tables_are_apart_and_workers_share_one() {
        let mut other = cell("threads", &[1; 6]);
        other.tasks = 20;
        let mut four = cell("threads", &[5; 6]);
        four.workers = 4;
        let mut baseline = cell("sequential", &[30; 6]);
        baseline.workers = 1;
        let cells = summarised(vec![baseline, cell("threads", &[10; 6]), four, other]);
        assert_eq!(cells[1].ratio_to_best.unwrap().median, 2.0);
        assert_eq!(cells[2].speedup.unwrap().median, 6.0);
        assert_eq!(cells[3].rank, Some(1));
        assert_eq!(cells[3].speedup, None, "no baseline in its table");
    }

    #[test]
    fn the_baseline_of_the_same_number_of_workers_goes_first() {
        let mut four = cell("threads", &[5; 6]);
        let mut baseline = cell("sequential", &[30; 6]);
        (four.workers, baseline.workers) = (4, 4);
        let cells = summarised(vec![cell("sequential", &[20; 6]), baseline, four]);
        assert_eq!(cells[2].speedup.unwrap().median, 6.0);
    }

    #[test]
    fn a_foreign_metric_never_changes_the_judged_time() {
        let mut liar = cell("liar", &[900; 6]);
        for sample in &mut liar.samples {
            sample.metrics.insert("response_p99_ns".to_owned(), 1.0);
        }
        let cells = summarised(vec![liar, cell("threads", &[10; 6])]);
        assert_eq!(cells[0].rank, Some(2));
        assert_eq!(cells[0].wall_ns.unwrap().median, 900.0);
        assert_eq!(cells[0].response_ns, None);
    }

    #[test]
    fn a_server_without_a_response_time_takes_part_in_nothing() {
        let serving = |model: &str, response: Option<f64>| {
            let mut cell = cell(model, &[900; 6]);
            for sample in &mut cell.samples {
                let said = response.map(|ns| ("response_p99_ns".to_owned(), ns));
                sample.metrics.extend(said);
            }
            cell
        };
        let cells = vec![
            serving("honest", Some(5.0)),
            serving("silent", None),
            serving("negative", Some(-7.0)),
        ];
        let workload = serde_json::json!(
            { "name": "waits", "pattern": "serve", "tasks": 10, "digest": "" }
        );
        let workload = serde_json::from_value(workload).unwrap();
        let cells = summarised_of(vec![workload], cells);
        assert_eq!(cells[0].rank, Some(1));
        assert_eq!(cells[0].response_ns.unwrap().median, 5.0);
        assert_eq!((cells[1].rank, cells[2].rank), (None, None));
    }

    #[test]
    fn a_variant_of_sequential_is_not_the_baseline() {
        let mut variant = cell("sequential", &[10; 6]);
        variant.variant = "other".into();
        let cells = summarised(vec![variant, cell("threads", &[5; 6])]);
        assert_eq!(cells[1].speedup, None);
    }

    #[test]
    fn times_of_zero_and_cells_without_samples_do_no_harm() {
        let cells = summarised(vec![
            cell("sequential", &[0; 6]),
            cell("threads", &[10; 6]),
            cell("thread-pool", &[]),
        ]);
        assert_eq!(triple(cells[0].ratio_to_best), (1.0, Some(1.0), Some(1.0)));
        assert_eq!(cells[1].ratio_to_best, None);
        assert_eq!(cells[1].tied_with_best, None);
        assert_eq!((cells[2].rank, cells[2].wall_ns), (None, None));
        assert!(summarised(Vec::new()).is_empty());
    }
}
