//! The schedule of the samples of a table: a race in which samples go where a verdict is open.
//!
//! Every cell is verified by a first sample. Cells that are too far off to win keep that sample.
//! The others are sampled in rounds, each round in a new shuffled order, so that whatever drifts on
//! the machine hits all alike; figures are compared within a round. All are started afresh every
//! few rounds, since a process keeps its luck of memory layout for life. After a planned number of
//! lives the verdicts are looked at, and only cells that are still open go on, with the best one.
//! Nothing here knows a clock, a process or a statistic: they are behind [`Bench`], and the tests
//! bring their own.

mod plan;

use std::time::Duration;

use workload::value::Rng;

pub(super) use plan::ROUNDS_A_LIFE;
use plan::{Look, need, plan};

/// The most contestants that are alive at once. In larger tables, groups of cells take turns.
pub(super) const MOST_ALIVE: usize = 48;

/// A first sample this many times as long as the quickest one is too far off to win, unless the
/// noise of the table turns out to be that large.
pub(super) const FAR: f64 = 1.75;

/// A first sample up to this many times as long as the quickest one may have had bad luck, such as
/// one processor instead of two: it is taken again, and the quicker one counts.
const BAD_LUCK: f64 = 3.0;

/// A cell whose samples are shorter than this is sampled even if it is far off: that costs little,
/// and shows how far.
const CHEAP: Duration = Duration::from_millis(12);

/// A cell whose samples turn out to be this many times as long as its first one is planned with
/// that: it must not use up the time of the tables to come.
const SLOWER: u32 = 4;

/// A cell that would take more than this many times the rounds that are left stays open. Prices
/// are rough: a few samples out of the ordinary make an interval wide until there are more rounds.
const HOPELESS: u32 = 25;

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

/// The interface between the schedule and real runners.
pub(super) trait Bench {
    /// Starts a contestant afresh; one that still runs is ended first.
    ///
    /// # Errors
    ///
    /// See [`Stop`].
    fn start(&mut self, cell: usize) -> Result<(), Stop>;

    /// Takes a sample and keeps it.
    ///
    /// # Errors
    ///
    /// See [`Stop`].
    fn sample(&mut self, cell: usize, at: Moment) -> Result<Taken, Stop>;

    /// Ends a contestant for good.
    fn end(&mut self, cell: usize);

    /// Notes why a cell has failed.
    fn failed(&mut self, cell: usize, why: String);

    /// Notes that a cell keeps its one sample, since more would not fit.
    fn single(&mut self, cell: usize);

    /// The least time that a sample of this cell can take, by its inputs.
    fn at_least(&self, cell: usize) -> Duration;

    /// Judges all cells by their samples so far, those in play at this confidence.
    fn look(&mut self, in_play: &[usize], confidence: f64) -> Standing;

    /// The time since any fixed moment.
    fn now(&self) -> Duration;
}

/// Where in the schedule a sample stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Moment {
    /// The start it belongs to, from 0.
    pub(super) life: u32,
    /// The round, counted through all lives.
    pub(super) round: u32,
    /// Whether it is the first of its life.
    pub(super) first: bool,
}

/// The time of a sample.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Taken {
    /// The figure that the cell is judged by, in nanoseconds.
    pub(super) judged_ns: f64,
    /// The time of the sample.
    pub(super) wall: Duration,
}

/// The result of a look at the verdicts.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Standing {
    /// The best cell.
    pub(super) best: Option<usize>,
    /// The cells whose verdict is open, with about how many more rounds they would take, if that
    /// can be told.
    pub(super) open: Vec<(usize, Option<u32>)>,
}

/// The first sample of a cell.
#[derive(Debug, Clone, Copy)]
struct First {
    cell: usize,
    start: Duration,
    sample: Duration,
    judged_ns: f64,
}

impl First {
    /// The time of a life of this cell.
    fn life(&self) -> Duration {
        self.start + self.sample * ROUNDS_A_LIFE
    }
}

/// Samples these cells: the first sample of each, which verifies it, then lives within the budget,
/// which is given once it is known what the contenders need. Returns the time of the first samples,
/// which the budget does not cover.
///
/// Rounds of the same number are compared with each other, even if groups ran them one after
/// another.
///
/// # Errors
///
/// [`Stop::Interrupted`] and [`Stop::Own`]. A cell's own fault is noted, and the others go on.
pub(super) fn run(
    bench: &mut impl Bench,
    cells: Vec<usize>,
    budget: impl FnOnce(Duration) -> Duration,
    seed: u64,
) -> Result<Duration, Stop> {
    let begin = bench.now();
    let crowded = cells.len() > MOST_ALIVE;
    let mut schedule = Schedule {
        bench,
        rng: Rng::new(seed),
        alive: cells,
        play: Vec::new(),
        left_out: Vec::new(),
        round: 0,
    };
    let mut firsts = schedule.firsts(crowded)?;
    if !crowded {
        schedule.second_chances(&mut firsts)?;
    }
    schedule.play = schedule.contenders(&firsts);
    let budget = budget(need(life_of(&firsts, &schedule.play)));
    schedule.leave_out_what_does_not_fit(&firsts, budget);
    let start = schedule.bench.now();
    schedule.race(&mut firsts, start + budget, crowded)?;
    for cell in std::mem::take(&mut schedule.alive) {
        schedule.bench.end(cell);
    }
    Ok(start - begin)
}

struct Schedule<'b, B> {
    bench: &'b mut B,
    rng: Rng,
    /// The cells that have not failed.
    alive: Vec<usize>,
    /// Those of them that are sampled.
    play: Vec<usize>,
    /// Those that keep their one sample since more do not fit.
    left_out: Vec<usize>,
    round: u32,
}

impl<B: Bench> Schedule<'_, B> {
    /// Starts every cell and takes its first sample, those with the least predicted time first, so
    /// that a sample that takes far longer than another is known to do so while it runs. If there
    /// are more cells than can be alive, each is ended again.
    fn firsts(&mut self, crowded: bool) -> Result<Vec<First>, Stop> {
        let mut order = self.alive.clone();
        shuffle(&mut order, &mut self.rng);
        order.sort_by_key(|cell| self.bench.at_least(*cell));
        let mut firsts = Vec::new();
        for group in order.chunks(MOST_ALIVE) {
            self.round = 0;
            firsts.extend(self.samples(group, 0, true)?);
            if crowded {
                group.iter().for_each(|cell| self.bench.end(*cell));
            }
        }
        Ok(firsts)
    }

    /// Takes a second sample of cells that are too far off to win, but not by much.
    fn second_chances(&mut self, firsts: &mut [First]) -> Result<(), Stop> {
        let quickest = quickest(firsts);
        let at = Moment {
            life: 0,
            round: 0,
            first: false,
        };
        for first in firsts {
            let times = first.judged_ns / quickest;
            if first.sample < CHEAP || !(FAR..BAD_LUCK).contains(&times) {
                continue;
            }
            match self.bench.sample(first.cell, at) {
                Ok(sample) => {
                    first.judged_ns = first.judged_ns.min(sample.judged_ns);
                    first.sample = first.sample.min(sample.wall);
                }
                Err(Stop::Cell(why)) => self.fail(first.cell, why),
                Err(other) => return Err(other),
            }
        }
        Ok(())
    }

    /// The cells that may win, or that cost little. The others are ended.
    fn contenders(&mut self, firsts: &[First]) -> Vec<usize> {
        let quickest = quickest(firsts);
        let contends = |first: &&First| first.judged_ns <= quickest * FAR || first.sample < CHEAP;
        let alive = |cell: &usize| self.alive.contains(cell);
        let contenders = firsts.iter().filter(contends).map(|first| first.cell);
        let play: Vec<usize> = contenders.filter(alive).collect();
        for first in firsts.iter().filter(|first| !contends(first)) {
            self.bench.end(first.cell);
        }
        play
    }

    /// The slowest contenders keep their one sample until the others can have a verdict.
    fn leave_out_what_does_not_fit(&mut self, firsts: &[First], budget: Duration) {
        let fits = |life| !plan(life, budget).is_empty();
        for slowest in slowest_until(firsts, &self.play, fits) {
            self.play.retain(|cell| *cell != slowest);
            self.left_out.push(slowest);
            self.bench.end(slowest);
            self.bench.single(slowest);
        }
    }

    /// Samples lives and looks at the verdicts, until none is open or the time is over.
    fn race(&mut self, firsts: &mut [First], end: Duration, crowded: bool) -> Result<(), Stop> {
        let left = end.saturating_sub(self.bench.now());
        let looks = plan(life_of(firsts, &self.play), left);
        let most = looks.last().map_or(0, |look| look.lives);
        let mut lives = 0;
        for Look {
            lives: until,
            confidence,
        } in looks
        {
            let mut over = false;
            while lives < until && !over {
                // The first life began with the first samples, unless those processes have ended.
                let afresh = lives > 0 || crowded;
                self.life(lives + u32::from(crowded), afresh, firsts)?;
                lives += 1;
                over = self.bench.now() + life_of(firsts, &self.play) > end;
            }
            let left = most.saturating_sub(lives) * ROUNDS_A_LIFE;
            self.look(confidence, left);
            let time = end.saturating_sub(self.bench.now());
            for slowest in slowest_until(firsts, &self.play, |life| life <= time) {
                self.play.retain(|cell| *cell != slowest);
                self.bench.end(slowest);
            }
            // The best one alone has nobody to be compared with.
            if over || self.play.len() < 2 {
                break;
            }
        }
        Ok(())
    }

    /// Judges the cells, and keeps those in play that are open, and the best one beside them.
    fn look(&mut self, confidence: f64, rounds_left: u32) {
        let standing = self.bench.look(&self.play, confidence);
        let worth = |rounds: Option<u32>| {
            rounds.is_some_and(|rounds| rounds <= rounds_left.saturating_mul(HOPELESS))
        };
        let mut play: Vec<usize> = standing
            .open
            .into_iter()
            .filter(|(cell, rounds)| worth(*rounds) && self.alive.contains(cell))
            .filter(|(cell, _)| !self.left_out.contains(cell))
            .map(|(cell, _)| cell)
            .collect();
        let best = standing.best.filter(|best| self.alive.contains(best));
        if !play.is_empty()
            && let Some(best) = best
            && !play.contains(&best)
        {
            play.push(best);
        }
        for cell in std::mem::replace(&mut self.play, play) {
            if !self.play.contains(&cell) {
                self.bench.end(cell);
            }
        }
    }

    /// One life of every cell in play, group by group.
    fn life(&mut self, life: u32, afresh: bool, firsts: &mut [First]) -> Result<(), Stop> {
        let (first, mut last) = (self.round, self.round);
        let groups: Vec<Vec<usize>> = self.play.chunks(MOST_ALIVE).map(<[_]>::to_vec).collect();
        for group in &groups {
            self.round = first;
            // The first samples are the first round of the first life.
            for round in u32::from(!afresh)..ROUNDS_A_LIFE {
                for taken in self.samples(group, life, round == 0)? {
                    let known = firsts.iter_mut().find(|first| first.cell == taken.cell);
                    if let Some(known) = known.filter(|known| taken.sample > known.sample * SLOWER)
                    {
                        known.sample = taken.sample;
                    }
                }
            }
            last = last.max(self.round);
            if groups.len() > 1 {
                group.iter().for_each(|cell| self.bench.end(*cell));
            }
        }
        self.round = last;
        Ok(())
    }

    /// One round of these cells, in the order given if it is the very first, else shuffled.
    fn samples(&mut self, group: &[usize], life: u32, first: bool) -> Result<Vec<First>, Stop> {
        let at = Moment {
            life,
            round: self.round,
            first,
        };
        self.round += 1;
        let in_play = group.iter().filter(|cell| self.alive.contains(cell));
        let mut order: Vec<usize> = in_play.copied().collect();
        if at.round > 0 {
            shuffle(&mut order, &mut self.rng);
        }
        let mut taken = Vec::with_capacity(order.len());
        for cell in order {
            let begin = self.bench.now();
            let outcome = if first {
                self.bench.start(cell)
            } else {
                Ok(())
            };
            let started = self.bench.now();
            match outcome.and_then(|()| self.bench.sample(cell, at)) {
                Ok(sample) => taken.push(First {
                    cell,
                    start: started - begin,
                    // A round costs more than the times that its samples claim.
                    sample: sample.wall.max(self.bench.now() - started),
                    judged_ns: sample.judged_ns,
                }),
                Err(Stop::Cell(why)) => self.fail(cell, why),
                Err(other) => return Err(other),
            }
        }
        Ok(taken)
    }

    /// A cell has failed, and the others go on.
    fn fail(&mut self, cell: usize, why: String) {
        self.alive.retain(|alive| *alive != cell);
        self.play.retain(|play| *play != cell);
        self.bench.end(cell);
        self.bench.failed(cell, why);
    }
}

fn quickest(firsts: &[First]) -> f64 {
    let judged = firsts.iter().map(|first| first.judged_ns);
    judged.fold(f64::INFINITY, f64::min)
}

/// The time of a life of these cells.
fn life_of(firsts: &[First], play: &[usize]) -> Duration {
    let in_play = firsts.iter().filter(|first| play.contains(&first.cell));
    in_play.map(First::life).sum()
}

/// The slowest of these cells, as many as have to go until a life of the others fits.
fn slowest_until(firsts: &[First], play: &[usize], fits: impl Fn(Duration) -> bool) -> Vec<usize> {
    let mut by_cost: Vec<First> = firsts.to_vec();
    by_cost.retain(|first| play.contains(&first.cell));
    by_cost.sort_by_key(First::life);
    let mut gone = Vec::new();
    while let Some(slowest) = by_cost.last().map(|first| first.cell) {
        if fits(by_cost.iter().map(First::life).sum()) {
            break;
        }
        by_cost.pop();
        gone.push(slowest);
    }
    gone
}

/// Fisher and Yates.
fn shuffle(order: &mut [usize], rng: &mut Rng) {
    for last in (1..order.len()).rev() {
        order.swap(last, rng.below(last as u64 + 1) as usize);
    }
}

#[cfg(test)]
mod tests;
