//! Tests of the schedule, without a clock or a process.

use super::*;

/// A machine on which every sample takes exactly the given time.
#[derive(Default)]
struct Mock {
    costs_ms: Vec<u64>,
    start_ms: u64,
    most_running: usize,
    now: Duration,
    /// (cell, life, round, warm-up) in the order taken.
    taken: Vec<(usize, Moment)>,
    starts: Vec<u32>,
    running: Vec<bool>,
    failed: Vec<(usize, String)>,
    single: Vec<usize>,
    /// A cell, and the number of its sample that fails.
    fails_at: Option<(usize, usize)>,
    interrupted_after: Option<usize>,
    breaks_after: Option<usize>,
}

impl Mock {
    fn new(costs_ms: &[u64]) -> Mock {
        Mock {
            costs_ms: costs_ms.to_vec(),
            starts: vec![0; costs_ms.len()],
            running: vec![false; costs_ms.len()],
            ..Mock::default()
        }
    }

    fn rounds_of(&self, cell: usize) -> usize {
        self.taken
            .iter()
            .filter(|(taken, at)| *taken == cell && !at.warm_up)
            .count()
    }
}

impl Bench for Mock {
    fn start(&mut self, cell: usize) -> Result<(), Stop> {
        self.starts[cell] += 1;
        self.running[cell] = true;
        self.now += Duration::from_millis(self.start_ms);
        let running = self.running.iter().filter(|running| **running).count();
        self.most_running = self.most_running.max(running);
        Ok(())
    }

    fn sample(&mut self, cell: usize, at: Moment) -> Result<Duration, Stop> {
        assert!(self.running[cell], "sampled before it was started");
        if self.interrupted_after == Some(self.taken.len()) {
            return Err(Stop::Interrupted);
        }
        if self.breaks_after == Some(self.taken.len()) {
            return Err(Stop::Own("the server died".to_owned()));
        }
        let before = self
            .taken
            .iter()
            .filter(|(taken, _)| *taken == cell)
            .count();
        if self.fails_at == Some((cell, before)) {
            return Err(Stop::Cell("wrong".to_owned()));
        }
        let took = Duration::from_millis(self.costs_ms[cell]);
        self.now += took;
        self.taken.push((cell, at));
        Ok(took)
    }

    fn end(&mut self, cell: usize) {
        self.running[cell] = false;
    }

    fn failed(&mut self, cell: usize, why: String) {
        self.failed.push((cell, why));
    }

    fn single(&mut self, cell: usize) {
        self.single.push(cell);
    }

    fn now(&self) -> Duration {
        self.now
    }
}

#[test]
fn cells_start_three_times_and_are_sampled_every_round() {
    let mut mock = Mock::new(&[10, 20, 30]);
    run(&mut mock, (0..3).collect(), Duration::from_secs(2), 1).unwrap();
    assert_eq!(mock.starts, [3, 3, 3]);
    assert_eq!(mock.running, [false; 3], "all are ended");
    let rounds = mock.taken.iter().map(|(_, at)| at.round).max().unwrap() + 1;
    for round in 0..rounds {
        let mut cells: Vec<usize> = mock
            .taken
            .iter()
            .filter(|(_, at)| at.round == round)
            .map(|(cell, _)| *cell)
            .collect();
        cells.sort_unstable();
        assert_eq!(cells, [0, 1, 2], "round {round}");
    }
    let warm_ups: Vec<u32> = mock
        .taken
        .iter()
        .filter(|(cell, at)| *cell == 0 && at.warm_up)
        .map(|(_, at)| at.life)
        .collect();
    assert_eq!(warm_ups, [0, 1, 2]);
}

#[test]
fn the_order_changes_from_round_to_round() {
    let mut mock = Mock::new(&[10; 5]);
    run(&mut mock, (0..5).collect(), Duration::from_secs(3), 1).unwrap();
    let order = |round: u32| -> Vec<usize> {
        mock.taken
            .iter()
            .filter(|(_, at)| at.round == round)
            .map(|(cell, _)| *cell)
            .collect()
    };
    let different = (1..20).filter(|round| order(*round) != order(0)).count();
    assert!(
        different > 15,
        "{different} of 19 rounds have another order than the first"
    );
}

#[test]
fn the_budget_bounds_the_sampling_after_the_first_sample() {
    let mut mock = Mock::new(&[100, 50, 50]);
    run(&mut mock, (0..3).collect(), Duration::from_secs(4), 1).unwrap();
    let first = Duration::from_millis(200);
    assert!(mock.now <= first + Duration::from_secs(4), "{:?}", mock.now);
    assert!(
        mock.now > first + Duration::from_secs(3),
        "{:?} leaves a quarter unused",
        mock.now
    );
    assert!(mock.rounds_of(0) >= FEWEST_ROUNDS as usize);
}

#[test]
fn what_does_not_fit_keeps_its_one_sample() {
    let mut mock = Mock::new(&[10, 5_000, 20]);
    run(&mut mock, (0..3).collect(), Duration::from_secs(1), 1).unwrap();
    assert_eq!(mock.single, [1]);
    assert_eq!(mock.taken.iter().filter(|(cell, _)| *cell == 1).count(), 1);
    assert!(mock.rounds_of(0) >= FEWEST_ROUNDS as usize);
    assert!(mock.now <= Duration::from_millis(5_030 + 1_000));
}

#[test]
fn without_a_budget_each_cell_keeps_its_first_sample() {
    let mut mock = Mock::new(&[1, 2]);
    run(&mut mock, (0..2).collect(), Duration::ZERO, 1).unwrap();
    assert_eq!(mock.taken.len(), 2);
    assert_eq!(mock.single.len(), 2);
}

#[test]
fn quick_contestants_stop_at_the_round_limit() {
    let mut mock = Mock::new(&[1]);
    run(&mut mock, (0..1).collect(), Duration::from_secs(3600), 1).unwrap();
    assert_eq!(mock.rounds_of(0), (LIVES * MOST_ROUNDS_A_LIFE) as usize);
}

#[test]
fn a_cell_that_fails_leaves_the_others_alone() {
    for sample in 0..4 {
        let mut mock = Mock::new(&[10, 10, 10]);
        mock.fails_at = Some((1, sample));
        run(&mut mock, (0..3).collect(), Duration::from_secs(1), 1).unwrap();
        assert_eq!(mock.failed, [(1, "wrong".to_owned())]);
        assert_eq!(
            mock.taken.iter().filter(|(cell, _)| *cell == 1).count(),
            sample
        );
        assert!(
            mock.rounds_of(0) >= FEWEST_ROUNDS as usize && mock.rounds_of(2) == mock.rounds_of(0)
        );
        assert_eq!(mock.running, [false; 3]);
    }
}

#[test]
fn an_interrupt_ends_it_at_once() {
    let mut mock = Mock::new(&[10, 10]);
    mock.interrupted_after = Some(7);
    assert_eq!(
        run(&mut mock, (0..2).collect(), Duration::from_secs(1), 1).unwrap_err(),
        Stop::Interrupted
    );
    assert_eq!(mock.taken.len(), 7);
}

#[test]
fn a_slow_starter_pays_for_each_start_once() {
    let mut mock = Mock::new(&[10, 10]);
    mock.start_ms = 300;
    // Eight samples and two starts of each: 1.36 s. With eight starts it would be 4.96 s.
    run(&mut mock, (0..2).collect(), Duration::from_secs(2), 1).unwrap();
    assert!(mock.single.is_empty(), "{:?}", mock.single);
    assert!(mock.rounds_of(0) >= FEWEST_ROUNDS as usize);
    assert!(
        mock.now <= Duration::from_millis(620 + 2_000),
        "{:?}",
        mock.now
    );
}

#[test]
fn a_crowd_takes_turns_and_shares_its_rounds() {
    let cells = 3 * MOST_ALIVE - 5;
    let mut mock = Mock::new(&vec![1; cells]);
    run(&mut mock, (0..cells).collect(), Duration::from_secs(60), 1).unwrap();
    assert!(mock.most_running <= MOST_ALIVE, "{}", mock.most_running);
    assert!(!mock.running.contains(&true));
    let rounds = |cell: usize| -> Vec<u32> {
        let of = mock.taken.iter().filter(|(taken, _)| *taken == cell);
        of.map(|(_, at)| at.round).collect()
    };
    let first = rounds(0);
    assert!(first.len() > FEWEST_ROUNDS as usize && first.is_sorted());
    assert!((0..cells).all(|cell| rounds(cell) == first));
}

#[test]
fn own_failure_ends_the_table_and_blames_no_cell() {
    let mut mock = Mock::new(&[10, 10]);
    mock.breaks_after = Some(3);
    let all = (0..2).collect();
    let stop = run(&mut mock, all, Duration::from_secs(1), 1).unwrap_err();
    assert_eq!(stop, Stop::Own("the server died".to_owned()));
    assert!(mock.failed.is_empty());
}

#[test]
fn no_cells_no_samples() {
    run(&mut Mock::new(&[]), Vec::new(), Duration::from_secs(1), 1).unwrap();
}
