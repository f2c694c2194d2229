//! Fills the statistics of all cells from their raw samples, table by table.

use super::rules::Rules;
use super::table::judge_table;
use crate::results::{Cell, Results, Workload};

/// Computes time, ratio to the best, rank, verdict and speed-up of every cell anew.
///
/// Cells of one workload, number of tasks and rate are compared with each other, whatever their
/// number of workers. A cell that failed, or was not verified, loses all its statistics and takes
/// part in no comparison. Where no round is shared, or one side has a single sample, a ratio is
/// that of the medians and has no upper bound.
pub fn summarise(results: &mut Results) {
    let mut tables: Vec<(String, usize, Option<u64>)> = Vec::new();
    for cell in &mut results.cells {
        clear(cell);
        let table = key(cell);
        if !tables.contains(&table) {
            tables.push(table);
        }
    }
    for table in tables {
        let described = results.workloads.iter().find(|w| w.name == table.0);
        let rules = Rules {
            served: described.is_some_and(Workload::is_served),
            margin: results.settings.margin(),
            floor: results.settings.floor(),
        };
        let cells = results.cells.iter_mut();
        let mut cells: Vec<&mut Cell> = cells.filter(|cell| key(cell) == table).collect();
        judge_table(&mut cells, rules);
    }
}

/// The key of a table: rates by their bits, since they are compared and not computed with.
fn key(cell: &Cell) -> (String, usize, Option<u64>) {
    (
        cell.workload.clone(),
        cell.tasks,
        cell.rate.map(f64::to_bits),
    )
}

pub(super) fn clear(cell: &mut Cell) {
    cell.wall_ns = None;
    cell.response_ns = None;
    cell.ratio_to_best = None;
    cell.rank = None;
    cell.tied_with_best = None;
    cell.verdict = None;
    cell.judged_by = None;
    cell.price = None;
    cell.speedup = None;
    if !cell.counts() {
        cell.threads_peak = None;
        cell.processes_peak = None;
        cell.rss_peak_bytes = None;
        cell.metrics.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::{SCHEMA, Sample, Verdict};
    use workload_stats::Interval;

    fn cell(model: &str, times: &[u64]) -> Cell {
        let samples = times.iter().zip(0..).map(|(&wall_ns, round)| Sample {
            wall_ns,
            round,
            ..Sample::default()
        });
        Cell {
            workload: "waits".into(),
            model: model.into(),
            workers: 2,
            sized: false,
            tasks: 10,
            verified: true,
            samples: samples.collect(),
            threads_peak: Some(3),
            processes_peak: Some(1),
            rss_peak_bytes: Some(4096),
            metrics: [("lag".to_owned(), 1.0)].into(),
            ..Cell::default()
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

    /// Ratios come back from logarithms, so they are equal but for the rounding.
    fn near(interval: Option<Interval>, median: f64, low: f64, high: f64) {
        let (m, l, h) = triple(interval);
        for (value, expected) in [(m, median), (l.unwrap(), low), (h.unwrap(), high)] {
            assert!((value / expected - 1.0).abs() < 1e-12, "{interval:?}");
        }
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
        near(cells[0].ratio_to_best, 4.0, 4.0, 4.0);
        near(cells[1].ratio_to_best, 2.0, 20.0 / 11.0, 2.0);
        near(cells[2].ratio_to_best, 1.0, 1.0, 1.0);
        near(cells[0].speedup, 1.0, 1.0, 1.0);
        near(cells[1].speedup, 2.0, 2.0, 2.2);
        near(cells[2].speedup, 4.0, 4.0, 4.0);
        let tied: Vec<bool> = cells.iter().map(|c| c.tied_with_best.unwrap()).collect();
        assert_eq!(tied, [false, false, true]);
    }

    #[test]
    fn interval_that_spans_or_touches_one_is_a_tie() {
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
    fn failed_or_unverified_cell_is_never_the_best() {
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
    fn first_samples_of_lives_count_where_they_do_not_differ() {
        let with_first = |model: &str, times: &[u64]| {
            let mut cell = cell(model, times);
            cell.samples[0].warm_up = true;
            cell
        };
        let cells = summarised(vec![
            with_first("threads", &[1_000, 10, 12]),
            with_first("sequential", &[500]),
            with_first("thread-pool", &[1_000, 1_005, 1_001]),
        ]);
        let medians: Vec<f64> = cells.iter().map(|c| c.wall_ns.unwrap().median).collect();
        assert_eq!(medians, [11.0, 500.0, 1_001.0]);
    }

    #[test]
    fn few_samples_give_medians_without_bounds_and_no_verdict() {
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
        // Seven samples of one cell are too few to say how far a sample may lie off.
        assert_eq!(cells[0].verdict, Some(Verdict::Open));
        assert_eq!(cells[0].price.unwrap().rounds, 5);
        assert_eq!(cells[1].verdict, Some(Verdict::Best));
        assert_eq!(cells[2].tied_with_best, None);
        let alone = summarised(vec![cell("threads", &[5])]);
        assert_eq!(triple(alone[0].ratio_to_best), (1.0, None, None));
        assert_eq!(alone[0].tied_with_best, Some(true));
        assert_eq!(
            alone[0].verdict,
            Some(Verdict::Open),
            "one sample shows nothing"
        );
    }

    #[test]
    fn first_sample_far_off_is_a_lower_bound() {
        let steady: Vec<u64> = (0..24).map(|n| 100 + n % 3).collect();
        let cells = summarised(vec![
            cell("sequential", &[500]),
            cell("threads", &steady),
            cell("thread-pool", &[110]),
        ]);
        assert_eq!(cells[0].verdict, Some(Verdict::SlowerByOneSample));
        let ratio = cells[0].ratio_to_best.unwrap();
        // All were steady, so a tenth is allowed for, and the best one may take 102.
        assert_eq!((ratio.low, ratio.high), (Some(500.0 / 1.1 / 102.0), None));
        assert_eq!(cells[0].tied_with_best, Some(false));
        assert_eq!(cells[1].speedup.unwrap().low, ratio.low);
        assert_eq!(cells[2].verdict, Some(Verdict::Open));
    }

    #[test]
    fn best_is_the_one_that_no_other_beats_round_by_round() {
        // `b` has the lower median, as it was sampled in quiet rounds only; in the same rounds `a`
        // was faster each time.
        let mut a = cell(
            "a",
            &[10, 10, 10, 10, 10, 10, 10, 20, 20, 20, 20, 20, 20, 20, 20],
        );
        a.confidence = Some(0.984);
        let b = cell("b", &[12, 12, 12, 12, 12, 12, 12]);
        let cells = summarised(vec![a, b]);
        assert_eq!((cells[0].rank, cells[1].rank), (Some(1), Some(2)));
        assert_eq!(cells[1].verdict, Some(Verdict::Slower));
    }

    #[test]
    fn tables_of_other_rates_are_apart() {
        let at = |model: &str, rate: f64, times| Cell {
            rate: Some(rate),
            ..cell(model, times)
        };
        let cells = summarised(vec![
            at("a", 100.0, &[10; 6]),
            at("b", 100.0, &[20; 6]),
            at("a", 300.0, &[5; 6]),
        ]);
        let ranks: Vec<usize> = cells.iter().map(|cell| cell.rank.unwrap()).collect();
        assert_eq!(ranks, [1, 2, 1]);
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
        near(cells[1].ratio_to_best, 2.0, 2.0, 2.0);
        near(cells[2].speedup, 6.0, 6.0, 6.0);
        assert_eq!(cells[3].rank, Some(1));
        assert_eq!(cells[3].speedup, None, "no baseline in its table");
    }

    #[test]
    fn the_baseline_of_the_same_number_of_workers_goes_first() {
        let mut four = cell("threads", &[5; 6]);
        let mut baseline = cell("sequential", &[30; 6]);
        (four.workers, baseline.workers) = (4, 4);
        let cells = summarised(vec![cell("sequential", &[20; 6]), baseline, four]);
        near(cells[2].speedup, 6.0, 6.0, 6.0);
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
