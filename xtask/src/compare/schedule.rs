//! The schedule of the samples of a table.
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

/// The most contestants that are alive at once. In larger tables, groups of cells take turns.
pub(super) const MOST_ALIVE: usize = 48;

/// More rounds in a life say little more: the rest of the budget is left to the tables to come.
const MOST_ROUNDS_A_LIFE: u32 = 20;

/// Why a cell's sample did not come about.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// It is the contestant's fault: its row says so, and the others go on.
    Cell(String),
    /// A part of the comparison itself failed: this table ends, and no contestant is to blame.
    Own(String),
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

/// The time that the first sample of a cell took.
#[derive(Debug, Clone, Copy)]
struct First {
    cell: usize,
    start: Duration,
    sample: Duration,
}

/// Samples these cells: the first sample of each, which verifies it, then as many rounds as fit the
/// budget. Returns the time of the first samples, which the budget does not cover.
///
/// Rounds of the same life and number are compared with each other, even if groups ran them one
/// after another.
///
/// # Errors
///
/// [`Stop::Interrupted`] and [`Stop::Own`]. A cell's own fault is noted, and the others go on.
pub(super) fn run(
    bench: &mut impl Bench,
    cells: Vec<usize>,
    budget: Duration,
    seed: u64,
) -> Result<Duration, Stop> {
    let begin = bench.now();
    let crowded = cells.len() > MOST_ALIVE;
    let mut schedule = Schedule {
        bench,
        rng: Rng::new(seed),
        alive: cells,
        round: 0,
    };
    let firsts = schedule.firsts(crowded)?;
    schedule.leave_out_what_does_not_fit(&firsts, budget, crowded);
    let start = schedule.bench.now();
    for life in 0..LIVES {
        // With more cells than can be alive, the processes of the first samples have ended.
        let afresh = life > 0 || crowded;
        let numbered = life + u32::from(crowded);
        schedule.life(
            numbered,
            afresh,
            (start + budget * life / LIVES, budget / LIVES),
        )?;
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
    /// The cells that are alive at once.
    fn groups(&self) -> Vec<Vec<usize>> {
        self.alive.chunks(MOST_ALIVE).map(<[_]>::to_vec).collect()
    }

    /// Starts every cell and takes its first sample. If there are more than can be alive, each is
    /// ended again.
    fn firsts(&mut self, crowded: bool) -> Result<Vec<First>, Stop> {
        let mut firsts = Vec::new();
        let mut round = self.round;
        for group in self.groups() {
            self.round = 0;
            firsts.extend(self.one_round(&group, 0, true)?);
            round = round.max(self.round);
            if crowded {
                group.into_iter().for_each(|cell| self.bench.end(cell));
            }
        }
        self.round = round;
        Ok(firsts)
    }

    /// One life of every cell, group by group. `time` is its start and its length.
    fn life(&mut self, life: u32, afresh: bool, time: (Duration, Duration)) -> Result<(), Stop> {
        let (begin, share) = time;
        let (first, mut last) = (self.round, self.round);
        let groups = self.groups();
        let many = u32::try_from(groups.len()).unwrap_or(u32::MAX);
        for (number, group) in (1..).zip(&groups) {
            self.round = first;
            if afresh {
                self.one_round(group, life, true)?;
            }
            self.rounds(group, life, begin + share * number / many)?;
            last = last.max(self.round);
            if many > 1 {
                group.iter().for_each(|cell| self.bench.end(*cell));
            }
        }
        self.round = last;
        Ok(())
    }

    /// Rounds until the time is over; never fewer than the interval needs.
    fn rounds(&mut self, group: &[usize], life: u32, end: Duration) -> Result<(), Stop> {
        let mut longest = Duration::ZERO;
        for done in 0..MOST_ROUNDS_A_LIFE {
            let begin = self.bench.now();
            let enough = done * LIVES >= FEWEST_ROUNDS;
            let none_left = !group.iter().any(|cell| self.alive.contains(cell));
            if none_left || (enough && begin + longest > end) {
                break;
            }
            self.one_round(group, life, false)?;
            longest = longest.max(self.bench.now() - begin);
        }
        Ok(())
    }

    fn one_round(&mut self, group: &[usize], life: u32, warm_up: bool) -> Result<Vec<First>, Stop> {
        let at = Moment {
            life,
            round: self.round,
            warm_up,
        };
        self.round += 1;
        let in_play = group.iter().filter(|cell| self.alive.contains(cell));
        let mut order: Vec<usize> = in_play.copied().collect();
        shuffle(&mut order, &mut self.rng);
        let mut took = Vec::with_capacity(order.len());
        for cell in order {
            let begin = self.bench.now();
            let outcome = if warm_up {
                self.bench.start(cell)
            } else {
                Ok(())
            };
            let started = self.bench.now();
            match outcome.and_then(|()| self.bench.sample(cell, at)) {
                Ok(sample) => took.push(First {
                    cell,
                    start: started - begin,
                    // A round costs more than the times that its samples claim.
                    sample: sample.max(self.bench.now() - started),
                }),
                Err(Stop::Cell(why)) => {
                    self.alive.retain(|alive| *alive != cell);
                    self.bench.end(cell);
                    self.bench.failed(cell, why);
                }
                Err(other) => return Err(other),
            }
        }
        Ok(took)
    }

    /// The slowest cells keep their one sample until the others can have enough.
    fn leave_out_what_does_not_fit(&mut self, firsts: &[First], budget: Duration, crowded: bool) {
        // Each cell has had its first start and its first warm-up, unless it was ended again.
        let starts = LIVES - 1 + u32::from(crowded);
        let cost = |first: &First| first.start * starts + first.sample * (FEWEST_ROUNDS + starts);
        let mut by_cost = firsts.to_vec();
        by_cost.sort_by_key(cost);
        while let Some(slowest) = by_cost.last().map(|first| first.cell) {
            let needed: Duration = by_cost.iter().map(cost).sum();
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
mod tests;
