//! Who is sampled when.
//!
//! All contestants of a table are sampled in rounds, each round in a new shuffled order, so that whatever
//! drifts on the machine hits all alike; figures are compared within a round. Each contestant is started
//! afresh several times, since a process keeps its luck of memory layout for life. Nothing here knows a
//! clock or a process: both are behind [`Bench`], and the tests bring their own.

use std::time::Duration;

use workload::value::Rng;

/// How often each contestant is started at least.
pub(super) const LIVES: u32 = 3;

/// Samples of a cell without which there is no 95 % interval of a median, warm-ups not counted.
pub(super) const FEWEST_ROUNDS: u32 = 6;

/// More rounds in a life say little more: the rest of the budget is left to the tables to come.
const MOST_ROUNDS_A_LIFE: u32 = 20;

/// Why a cell's sample did not come about.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// It is the contestant's fault: its row says so, and the others go on.
    Cell(String),
    /// The user wants to end.
    Interrupted,
}

/// What the schedule needs of the world.
pub(super) trait Bench {
    /// Starts a contestant afresh; one that still runs is ended first.
    ///
    /// # Errors
    ///
    /// See [`Stop`].
    fn start(&mut self, cell: usize) -> Result<(), Stop>;

    /// Takes a sample and keeps it; returns how long it took. `warm_up`: the first of its life.
    ///
    /// # Errors
    ///
    /// See [`Stop`].
    fn sample(&mut self, cell: usize, at: Moment) -> Result<Duration, Stop>;

    /// Ends a contestant for good.
    fn end(&mut self, cell: usize);

    /// Notes why a cell has failed.
    fn failed(&mut self, cell: usize, why: String);

    /// Notes that a cell keeps its one sample, since more would not fit.
    fn single(&mut self, cell: usize);

    /// The time since any fixed moment.
    fn now(&self) -> Duration;
}

/// Where in the schedule a sample stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Moment {
    /// The start it belongs to, from 0.
    pub(super) life: u32,
    /// The round, counted through all lives; warm-ups have rounds of their own.
    pub(super) round: u32,
    /// Whether it is the first of its life.
    pub(super) warm_up: bool,
}

/// Samples all cells: the first sample of each, which verifies it, then as many rounds as the budget bears.
/// Returns what the first samples took, which is not of the budget.
///
/// # Errors
///
/// [`Stop::Interrupted`]; whatever is a cell's own fault is noted and the others go on.
pub(super) fn run(
    bench: &mut impl Bench,
    cells: usize,
    budget: Duration,
    seed: u64,
) -> Result<Duration, Stop> {
    let begin = bench.now();
    let mut schedule = Schedule {
        bench,
        rng: Rng::new(seed),
        alive: (0..cells).collect(),
        round: 0,
    };
    let firsts = schedule.warm_up(0)?;
    schedule.leave_out_what_does_not_fit(&firsts, budget);
    let start = schedule.bench.now();
    for life in 0..LIVES {
        if schedule.alive.is_empty() {
            break;
        }
        if life > 0 {
            schedule.warm_up(life)?;
        }
        let end = start + budget * (life + 1) / LIVES;
        schedule.rounds(life, end)?;
    }
    for cell in std::mem::take(&mut schedule.alive) {
        schedule.bench.end(cell);
    }
    Ok(start - begin)
}

struct Schedule<'b, B> {
    bench: &'b mut B,
    rng: Rng,
    /// The cells that are still sampled.
    alive: Vec<usize>,
    round: u32,
}

impl<B: Bench> Schedule<'_, B> {
    /// Starts everyone afresh and takes the first sample of that life.
    fn warm_up(&mut self, life: u32) -> Result<Vec<(usize, Duration)>, Stop> {
        self.one_round(life, true)
    }

    /// Rounds until the time is over; never fewer than the interval needs.
    fn rounds(&mut self, life: u32, end: Duration) -> Result<(), Stop> {
        let mut longest = Duration::ZERO;
        for done in 0..MOST_ROUNDS_A_LIFE {
            let begin = self.bench.now();
            let enough = done * LIVES >= FEWEST_ROUNDS;
            if self.alive.is_empty() || (enough && begin + longest > end) {
                break;
            }
            self.one_round(life, false)?;
            longest = longest.max(self.bench.now() - begin);
        }
        Ok(())
    }

    fn one_round(&mut self, life: u32, warm_up: bool) -> Result<Vec<(usize, Duration)>, Stop> {
        let at = Moment {
            life,
            round: self.round,
            warm_up,
        };
        self.round += 1;
        let mut order = self.alive.clone();
        shuffle(&mut order, &mut self.rng);
        let mut took = Vec::with_capacity(order.len());
        for cell in order {
            let begin = self.bench.now();
            let outcome = if warm_up {
                self.bench.start(cell)
            } else {
                Ok(())
            };
            match outcome.and_then(|()| self.bench.sample(cell, at)) {
                // What a round costs is more than what its samples say.
                Ok(sample) => took.push((cell, sample.max(self.bench.now() - begin))),
                Err(Stop::Interrupted) => return Err(Stop::Interrupted),
                Err(Stop::Cell(why)) => {
                    self.alive.retain(|alive| *alive != cell);
                    self.bench.end(cell);
                    self.bench.failed(cell, why);
                }
            }
        }
        Ok(took)
    }

    /// The slowest cells keep their one sample until the others can have enough.
    fn leave_out_what_does_not_fit(&mut self, firsts: &[(usize, Duration)], budget: Duration) {
        // The first warm-up is done.
        let samples = FEWEST_ROUNDS + LIVES - 1;
        let mut by_cost = firsts.to_vec();
        by_cost.sort_by_key(|(_, took)| *took);
        while let Some((slowest, _)) = by_cost.last().copied() {
            let needed: Duration = by_cost.iter().map(|(_, took)| *took * samples).sum();
            if needed <= budget {
                break;
            }
            by_cost.pop();
            self.alive.retain(|cell| *cell != slowest);
            self.bench.end(slowest);
            self.bench.single(slowest);
        }
    }
}

/// Fisher and Yates.
fn shuffle(order: &mut [usize], rng: &mut Rng) {
    for last in (1..order.len()).rev() {
        order.swap(last, rng.below(last as u64 + 1) as usize);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A machine on which every contestant takes exactly as long as it says.
    #[derive(Default)]
    struct Mock {
        costs_ms: Vec<u64>,
        now: Duration,
        /// (cell, life, round, warm-up) in the order taken.
        taken: Vec<(usize, Moment)>,
        starts: Vec<u32>,
        running: Vec<bool>,
        failed: Vec<(usize, String)>,
        single: Vec<usize>,
        /// A cell that fails at that sample of its.
        fails_at: Option<(usize, usize)>,
        interrupted_after: Option<usize>,
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
            Ok(())
        }

        fn sample(&mut self, cell: usize, at: Moment) -> Result<Duration, Stop> {
            assert!(self.running[cell], "sampled before it was started");
            if self.interrupted_after == Some(self.taken.len()) {
                return Err(Stop::Interrupted);
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
    fn everyone_is_started_afresh_three_times_and_sampled_in_every_round() {
        let mut mock = Mock::new(&[10, 20, 30]);
        run(&mut mock, 3, Duration::from_secs(2), 1).unwrap();
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
        run(&mut mock, 5, Duration::from_secs(3), 1).unwrap();
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
        run(&mut mock, 3, Duration::from_secs(4), 1).unwrap();
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
        run(&mut mock, 3, Duration::from_secs(1), 1).unwrap();
        assert_eq!(mock.single, [1]);
        assert_eq!(mock.taken.iter().filter(|(cell, _)| *cell == 1).count(), 1);
        assert!(mock.rounds_of(0) >= FEWEST_ROUNDS as usize);
        assert!(mock.now <= Duration::from_millis(5_030 + 1_000));
    }

    #[test]
    fn without_a_budget_everyone_keeps_the_first_sample() {
        let mut mock = Mock::new(&[1, 2]);
        run(&mut mock, 2, Duration::ZERO, 1).unwrap();
        assert_eq!(mock.taken.len(), 2);
        assert_eq!(mock.single.len(), 2);
    }

    #[test]
    fn quick_contestants_do_not_go_on_for_ever() {
        let mut mock = Mock::new(&[1]);
        run(&mut mock, 1, Duration::from_secs(3600), 1).unwrap();
        assert_eq!(mock.rounds_of(0), (LIVES * MOST_ROUNDS_A_LIFE) as usize);
    }

    #[test]
    fn a_cell_that_fails_leaves_the_others_alone() {
        for sample in 0..4 {
            let mut mock = Mock::new(&[10, 10, 10]);
            mock.fails_at = Some((1, sample));
            run(&mut mock, 3, Duration::from_secs(1), 1).unwrap();
            assert_eq!(mock.failed, [(1, "wrong".to_owned())]);
            assert_eq!(
                mock.taken.iter().filter(|(cell, _)| *cell == 1).count(),
                sample
            );
            assert!(
                mock.rounds_of(0) >= FEWEST_ROUNDS as usize
                    && mock.rounds_of(2) == mock.rounds_of(0)
            );
            assert_eq!(mock.running, [false; 3]);
        }
    }

    #[test]
    fn an_interrupt_ends_it_at_once() {
        let mut mock = Mock::new(&[10, 10]);
        mock.interrupted_after = Some(7);
        assert_eq!(
            run(&mut mock, 2, Duration::from_secs(1), 1).unwrap_err(),
            Stop::Interrupted
        );
        assert_eq!(mock.taken.len(), 7);
    }

    #[test]
    fn no_cells_no_samples() {
        run(&mut Mock::new(&[]), 0, Duration::from_secs(1), 1).unwrap();
    }
}
