//! Tests of the schedule, without a clock or a process.

use super::*;

/// A machine on which every sample takes exactly the given time.
#[derive(Default)]
struct Mock {
    costs_ms: Vec<u64>,
    start_ms: u64,
    most_running: usize,
    now: Duration,
    /// The figure that each sample is judged by; the time that it takes, unless given.
    judged: Vec<f64>,
    /// The least time that each cell can take, by the inputs.
    at_least_ms: Vec<u64>,
    /// After that many looks a cell is decided; at the first unless given.
    decided_at: Vec<usize>,
    /// How many more rounds an open cell would take.
    price: Option<u32>,
    /// The cells in play and the confidence of each look.
    looks: Vec<(Vec<usize>, f64)>,
    /// In the order taken.
    taken: Vec<(usize, Moment)>,
    starts: Vec<u32>,
    running: Vec<bool>,
    failed: Vec<(usize, String)>,
    single: Vec<usize>,
    /// A cell, and the time that its samples take from the second on.
    lucky_second: Option<(usize, u64)>,
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
            price: Some(1),
            ..Mock::default()
        }
    }

    fn samples_of(&self, cell: usize) -> usize {
        let of = self.taken.iter().filter(|(taken, _)| *taken == cell);
        of.count()
    }

    fn run(&mut self, budget_ms: u64) {
        let cells = (0..self.costs_ms.len()).collect();
        run(self, cells, |_| Duration::from_millis(budget_ms), 1).unwrap();
        assert!(!self.running.contains(&true), "all are ended");
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

    fn sample(&mut self, cell: usize, at: Moment) -> Result<Taken, Stop> {
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
        let lucky = self
            .lucky_second
            .filter(|(lucky, _)| *lucky == cell && before > 0);
        let took = Duration::from_millis(lucky.map_or(self.costs_ms[cell], |(_, ms)| ms));
        self.now += took;
        self.taken.push((cell, at));
        let judged_ns = self.judged.get(cell).copied();
        Ok(Taken {
            judged_ns: judged_ns.unwrap_or(took.as_nanos() as f64),
            wall: took,
        })
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

    fn at_least(&self, cell: usize) -> Duration {
        Duration::from_millis(self.at_least_ms.get(cell).copied().unwrap_or(0))
    }

    fn look(&mut self, in_play: &[usize], confidence: f64) -> Standing {
        let mut sorted = in_play.to_vec();
        sorted.sort_unstable();
        self.looks.push((sorted, confidence));
        let open = |cell: &usize| {
            self.decided_at
                .get(*cell)
                .is_some_and(|at| self.looks.len() < *at)
        };
        let cells = (0..self.costs_ms.len()).filter(|cell| self.samples_of(*cell) > 0);
        Standing {
            best: Some(0),
            open: cells.filter(open).map(|cell| (cell, self.price)).collect(),
        }
    }

    fn now(&self) -> Duration {
        self.now
    }
}

#[test]
fn cells_are_sampled_every_round_and_start_afresh_every_life() {
    let mut mock = Mock::new(&[10, 15, 12]);
    mock.decided_at = vec![9; 3];
    mock.run(4_000);
    assert_eq!(mock.looks.len(), 3);
    let lives = mock.taken.iter().map(|(_, at)| at.life).max().unwrap() + 1;
    assert_eq!(mock.starts, [lives; 3]);
    assert!(lives >= 12, "{lives}");
    let rounds = mock.taken.iter().map(|(_, at)| at.round).max().unwrap() + 1;
    assert_eq!(rounds, lives * ROUNDS_A_LIFE);
    for round in 0..rounds {
        let of = mock.taken.iter().filter(|(_, at)| at.round == round);
        let mut cells: Vec<usize> = of.map(|(cell, _)| *cell).collect();
        cells.sort_unstable();
        assert_eq!(cells, [0, 1, 2], "round {round}");
    }
    for (_, at) in &mock.taken {
        assert_eq!(at.first, at.round % ROUNDS_A_LIFE == 0, "{at:?}");
        assert_eq!(at.life, at.round / ROUNDS_A_LIFE, "{at:?}");
    }
}

#[test]
fn order_changes_from_round_to_round() {
    let mut mock = Mock::new(&[10; 5]);
    mock.decided_at = vec![9; 5];
    mock.run(3_000);
    let order = |round: u32| -> Vec<usize> {
        let of = mock.taken.iter().filter(|(_, at)| at.round == round);
        of.map(|(cell, _)| *cell).collect()
    };
    let different = (1..20).filter(|round| order(*round) != order(0)).count();
    assert!(
        different > 15,
        "{different} of 19 rounds have another order than the first"
    );
}

#[test]
fn first_samples_go_by_their_predicted_time() {
    let mut mock = Mock::new(&[10; 4]);
    mock.at_least_ms = vec![30, 10, 40, 20];
    mock.run(0);
    let order: Vec<usize> = mock.taken.iter().map(|(cell, _)| *cell).collect();
    assert_eq!(order, [1, 3, 0, 2]);
}

#[test]
fn cells_too_far_off_keep_their_first_sample() {
    let mut mock = Mock::new(&[10, 500, 17, 31]);
    mock.run(2_000);
    assert_eq!(mock.samples_of(1), 1);
    assert_eq!(mock.samples_of(3), 1, "more than three times as long");
    assert_eq!(mock.samples_of(2), 12);
    assert!(mock.single.is_empty(), "it is no matter of the budget");
    assert_eq!(mock.looks, [(vec![0, 2], 0.984)]);
}

#[test]
fn cells_far_off_are_sampled_where_that_costs_little() {
    let mut mock = Mock::new(&[1, 11, 31]);
    mock.run(1_000);
    assert_eq!([0, 1, 2].map(|cell| mock.samples_of(cell)), [12, 12, 1]);
}

#[test]
fn cells_are_far_off_by_what_they_are_judged_by() {
    let mut mock = Mock::new(&[100, 100, 100]);
    mock.judged = vec![5.0, 7.0, 30.0];
    mock.run(5_000);
    assert_eq!([0, 1, 2].map(|cell| mock.samples_of(cell)), [12, 12, 1]);
}

#[test]
fn decided_cells_leave_and_open_ones_go_on_with_the_best() {
    let mut mock = Mock::new(&[10; 4]);
    mock.decided_at = vec![1, 1, 2, 3];
    mock.run(5_000);
    let play: Vec<&[usize]> = mock.looks.iter().map(|(play, _)| &play[..]).collect();
    assert_eq!(play, [&[0, 1, 2, 3][..], &[0, 2, 3], &[0, 3]]);
    let confidence: Vec<f64> = mock
        .looks
        .iter()
        .map(|(_, confidence)| *confidence)
        .collect();
    assert_eq!(confidence, crate::stats::confidences(3));
    assert_eq!([1, 2].map(|cell| mock.samples_of(cell)), [12, 21]);
    assert_eq!(mock.samples_of(0), mock.samples_of(3));
}

#[test]
fn time_that_is_not_needed_is_left() {
    let mut mock = Mock::new(&[10; 3]);
    mock.run(60_000);
    assert_eq!(mock.looks.len(), 1);
    assert!(
        mock.now <= Duration::from_millis(3 * 12 * 10),
        "{:?}",
        mock.now
    );
}

#[test]
fn far_off_cell_that_the_noise_does_not_exclude_joins() {
    let mut mock = Mock::new(&[10, 30]);
    mock.decided_at = vec![1, 9];
    mock.run(5_000);
    assert!(mock.samples_of(1) > 12, "{}", mock.samples_of(1));
    assert_eq!(mock.looks[0].0, [0]);
    assert_eq!(mock.looks[1].0, [0, 1]);
}

#[test]
fn far_off_cell_that_would_not_fit_does_not_join() {
    let mut mock = Mock::new(&[10, 700]);
    mock.decided_at = vec![1, 9];
    mock.run(1_500);
    assert_eq!(mock.samples_of(1), 1);
    assert!(
        mock.now <= Duration::from_millis(710 + 1_500),
        "{:?}",
        mock.now
    );
}

#[test]
fn cell_with_bad_luck_gets_a_second_sample() {
    let mut mock = Mock::new(&[20, 50, 41]);
    mock.lucky_second = Some((1, 21));
    mock.run(5_000);
    assert_eq!(mock.samples_of(1), 13, "it may win");
    assert_eq!(mock.samples_of(2), 2, "slow again");
    assert_eq!(mock.looks[0].0, [0, 1]);
}

#[test]
fn hopeless_cells_stay_open() {
    for price in [None, Some(100_000)] {
        let mut mock = Mock::new(&[10; 2]);
        mock.decided_at = vec![1, 9];
        mock.price = price;
        mock.run(2_000);
        assert_eq!(mock.looks.len(), 1, "{price:?}");
    }
}

#[test]
fn budget_bounds_the_sampling_after_the_first_samples() {
    let mut mock = Mock::new(&[100, 60, 60]);
    mock.decided_at = vec![9; 3];
    mock.run(4_000);
    let first = Duration::from_millis(220);
    assert!(mock.now <= first + Duration::from_secs(4), "{:?}", mock.now);
    assert!(
        mock.now > first + Duration::from_secs(3),
        "{:?} leaves a quarter unused",
        mock.now
    );
}

#[test]
fn contender_that_does_not_fit_keeps_its_one_sample() {
    let mut mock = Mock::new(&[1_000, 1_500, 1_200]);
    mock.decided_at = vec![1, 9, 9];
    mock.run(10_000);
    assert_eq!(mock.single, [1, 2]);
    assert_eq!([0, 1, 2].map(|cell| mock.samples_of(cell)), [9, 1, 1]);
    assert_eq!(
        mock.looks,
        [(vec![0], 0.95)],
        "one look has all of the error"
    );
}

#[test]
fn without_a_budget_each_cell_keeps_its_first_sample() {
    let mut mock = Mock::new(&[10, 14]);
    mock.run(0);
    assert_eq!(mock.taken.len(), 2);
    assert_eq!(mock.single.len(), 2);
}

#[test]
fn quick_contestants_stop_at_the_limit_of_lives() {
    let mut mock = Mock::new(&[1, 1]);
    mock.decided_at = vec![9; 2];
    mock.run(3_600_000);
    assert_eq!(mock.starts, [40, 40]);
}

#[test]
fn cell_that_fails_leaves_the_others_alone() {
    for sample in 0..4 {
        let mut mock = Mock::new(&[10, 10, 10]);
        mock.fails_at = Some((1, sample));
        mock.run(1_000);
        assert_eq!(mock.failed, [(1, "wrong".to_owned())]);
        assert_eq!(mock.samples_of(1), sample);
        assert_eq!([0, 2].map(|cell| mock.samples_of(cell)), [12, 12]);
    }
}

#[test]
fn interrupt_ends_it_at_once() {
    let mut mock = Mock::new(&[10, 10]);
    mock.interrupted_after = Some(7);
    assert_eq!(
        run(&mut mock, (0..2).collect(), |_| Duration::from_secs(1), 1).unwrap_err(),
        Stop::Interrupted
    );
    assert_eq!(mock.taken.len(), 7);
}

#[test]
fn slow_starts_are_part_of_the_price() {
    let mut mock = Mock::new(&[10, 10]);
    mock.start_ms = 300;
    mock.decided_at = vec![9; 2];
    mock.run(2_000);
    assert!(mock.single.is_empty(), "{:?}", mock.single);
    assert_eq!(mock.looks.len(), 1);
    assert!(
        mock.now <= Duration::from_millis(620 + 2_000),
        "{:?}",
        mock.now
    );
}

#[test]
fn crowd_takes_turns_and_shares_its_rounds() {
    let cells = 3 * MOST_ALIVE - 5;
    let mut mock = Mock::new(&vec![1; cells]);
    mock.decided_at = vec![9; cells];
    mock.run(60_000);
    assert!(mock.most_running <= MOST_ALIVE, "{}", mock.most_running);
    let rounds = |cell: usize| -> Vec<u32> {
        let of = mock.taken.iter().filter(|(taken, _)| *taken == cell);
        of.map(|(_, at)| at.round).collect()
    };
    let first = rounds(0);
    assert!(first.len() > 12 && first.is_sorted());
    assert!((0..cells).all(|cell| rounds(cell) == first));
}

#[test]
fn own_failure_ends_the_table_and_blames_no_cell() {
    let mut mock = Mock::new(&[10, 10]);
    mock.breaks_after = Some(3);
    let all = (0..2).collect();
    let stop = run(&mut mock, all, |_| Duration::from_secs(1), 1).unwrap_err();
    assert_eq!(stop, Stop::Own("the server died".to_owned()));
    assert!(mock.failed.is_empty());
}

#[test]
fn budget_is_asked_for_what_the_contenders_need() {
    let mut mock = Mock::new(&[10, 500, 12]);
    mock.start_ms = 20;
    let mut asked = Duration::ZERO;
    let all = (0..3).collect();
    let budget = |need| {
        asked = need;
        Duration::ZERO
    };
    run(&mut mock, all, budget, 1).unwrap();
    // A life of the two takes 2 x 20 + 3 x 22 ms; four, and half of three more.
    assert_eq!(asked, Duration::from_millis(106 * 11 / 2));
}

#[test]
fn no_cells_no_samples() {
    run(
        &mut Mock::new(&[]),
        Vec::new(),
        |_| Duration::from_secs(1),
        1,
    )
    .unwrap();
}
