//! Simulated samples: how often verdicts err, and how often they are reached, under drift, bursts,
//! heavy tails and luck that lasts for a life.
//!
//! Two cells are sampled in rounds as a table is, three rounds a life, and judged at up to three
//! looks. Effects on both in a round (drift, bursts) are common; noise, outliers and the luck of a
//! life are each cell's own.

use std::f64::consts::TAU;

use workload::value::Rng;
use workload_stats::Interval;

use super::looks::confidences;
use super::paired::{Timed, paired_ratio};
use super::verdict::judge;
use crate::results::{MARGIN, Verdict};

/// Draws from the exponential distribution with mean 1, whose median is ln 2.
pub(super) fn exponential(seed: u64) -> impl FnMut() -> f64 {
    let mut rng = Rng::new(seed);
    move || -(1.0 - rng.unit()).ln()
}

/// Rounds in a life.
const ROUNDS: u32 = 3;

/// The lives at each look.
const LOOKS: [u32; 3] = [4, 7, 12];

/// A machine and the two cells on it. All effects are parts of 1.
#[derive(Debug, Clone, Copy)]
struct Scene {
    /// The true ratio of the cell to the best.
    ratio: f64,
    /// The standard deviation of a sample's own noise.
    noise: f64,
    /// The standard deviation of the luck of a life.
    life: f64,
    /// The probability that a sample takes 1.5 to 3 times as long.
    outliers: f64,
    /// How much slower the machine is in the last round than in the first.
    drift: f64,
    /// The probability that a burst of other programs begins in a round. It lasts for about three
    /// rounds and makes all samples in them up to twice as long, each by its own part.
    bursts: f64,
}

/// Noise of 2 %, and everything else that goes wrong.
const ROUGH: Scene = Scene {
    ratio: 1.0,
    noise: 0.02,
    life: 0.01,
    outliers: 0.05,
    drift: 0.3,
    bursts: 0.03,
};

/// How many of the trials ended how.
#[derive(Debug, Default, Clone, Copy)]
struct Ends {
    trials: u32,
    slower: u32,
    fast: u32,
    fast_within_10: u32,
    open: u32,
    /// Trials whose printed interval covers the true ratio.
    covered: u32,
    /// Trials that have an interval at all.
    bounded: u32,
    /// Rounds sampled, in all trials together.
    rounds: u64,
}

impl Ends {
    fn rate(self, count: u32) -> f64 {
        f64::from(count) / f64::from(self.trials)
    }

    fn coverage(self) -> f64 {
        f64::from(self.covered) / f64::from(self.bounded.max(1))
    }
}

fn normal(rng: &mut Rng) -> f64 {
    let radius = (-2.0 * (1.0 - rng.unit()).ln()).sqrt();
    radius * (TAU * rng.unit()).cos()
}

/// The samples of both cells, each a whole table's worth.
fn sampled(scene: Scene, rng: &mut Rng) -> [Vec<Timed>; 2] {
    let lives = LOOKS[LOOKS.len() - 1];
    let all = f64::from(lives * ROUNDS);
    let mut cells = [Vec::new(), Vec::new()];
    let mut burst = 0.0;
    let mut luck = [0.0; 2];
    for round in 0..lives * ROUNDS {
        if round % ROUNDS == 0 {
            luck = [normal(rng), normal(rng)].map(|x| x * scene.life);
        }
        if rng.unit() < scene.bursts {
            burst = rng.unit();
        } else if rng.unit() < 1.0 / f64::from(ROUNDS) {
            burst = 0.0;
        }
        let machine = 1.0 + scene.drift * f64::from(round) / all;
        for (cell, times) in cells.iter_mut().enumerate() {
            let truth = if cell == 0 { scene.ratio } else { 1.0 };
            let outlier = if rng.unit() < scene.outliers {
                1.5 + 1.5 * rng.unit()
            } else {
                1.0
            };
            let noise = (luck[cell] + scene.noise * normal(rng)).exp();
            let ns = 1e6 * truth * machine * outlier * noise * (1.0 + burst * rng.unit());
            let life = round / ROUNDS;
            times.push(Timed { life, round, ns });
        }
    }
    cells
}

/// Judges at each look, as a comparison does, and ends at the first that decides.
fn verdict(cells: &[Vec<Timed>; 2]) -> (Verdict, Option<Interval>, u32) {
    let mut last = (Verdict::Open, None, 0);
    for (lives, confidence) in LOOKS.into_iter().zip(confidences(LOOKS.len())) {
        let until = |times: &[Timed]| -> Vec<Timed> {
            times.iter().copied().filter(|t| t.life < lives).collect()
        };
        let ratio = paired_ratio(&until(&cells[0]), &until(&cells[1]), *confidence);
        let interval = ratio.map(|ratio| ratio.interval);
        let verdict = interval.map_or(Verdict::Open, |interval| judge(interval, MARGIN, 0.0));
        last = (verdict, interval, lives * ROUNDS);
        if verdict.is_decided() {
            break;
        }
    }
    last
}

fn simulate(scene: Scene, trials: u32, seed: u64) -> Ends {
    let mut ends = Ends {
        trials,
        ..Ends::default()
    };
    let mut rng = Rng::new(seed);
    for _ in 0..trials {
        let (verdict, interval, rounds) = verdict(&sampled(scene, &mut rng));
        ends.rounds += u64::from(rounds);
        match verdict {
            Verdict::Slower => ends.slower += 1,
            Verdict::Fast => ends.fast += 1,
            Verdict::FastWithin10 => ends.fast_within_10 += 1,
            _ => ends.open += 1,
        }
        if let Some((low, high)) = interval.and_then(|i| i.low.zip(i.high)) {
            ends.bounded += 1;
            ends.covered += u32::from((low..=high).contains(&scene.ratio));
        }
    }
    ends
}

/// The scenes of the table in `docs/measuring.md`.
fn scenes() -> impl Iterator<Item = (&'static str, Scene)> {
    let quiet = Scene {
        outliers: 0.0,
        drift: 0.0,
        bursts: 0.0,
        ..ROUGH
    };
    let of = move |life: f64| {
        let noisy = |scene: Scene| Scene { life, ..scene };
        [("quiet", noisy(quiet)), ("rough", noisy(ROUGH))]
    };
    [0.0, 0.005, 0.01, 0.02, 0.035].into_iter().flat_map(of)
}

#[test]
#[ignore = "prints the table of docs/measuring.md"]
fn rates_over_many_scenes() {
    for (name, scene) in scenes() {
        for ratio in [1.0, 1.07, 1.1, 1.2] {
            let ends = simulate(Scene { ratio, ..scene }, 2_000, 1);
            let [slower, fast, within, open] =
                [ends.slower, ends.fast, ends.fast_within_10, ends.open].map(|n| ends.rate(n));
            println!(
                "{name}, lives {:.1} %, ratio {ratio:.2}: slower {slower:.3}, fast {fast:.3}, \
                 within 10 % {within:.3}, open {open:.3}, coverage {:.3}, rounds {:.0}",
                scene.life * 100.0,
                ends.coverage(),
                ends.rounds as f64 / f64::from(ends.trials)
            );
        }
    }
}

const TRIALS: u32 = 250;

#[test]
fn equal_cells_are_not_called_slower() {
    for (name, scene) in scenes() {
        let ends = simulate(scene, TRIALS / 5, 2);
        assert!(ends.slower <= 1, "{name} {}: {ends:?}", scene.life);
    }
    let ends = simulate(ROUGH, TRIALS, 3);
    assert!(ends.rate(ends.slower) <= 0.01, "{ends:?}");
    assert!(ends.rate(ends.fast) >= 0.75, "{ends:?}");
}

#[test]
fn a_cell_ten_percent_slower_is_not_called_fast() {
    for life in [0.005, 0.035] {
        let scene = Scene {
            ratio: 1.1,
            life,
            ..ROUGH
        };
        let ends = simulate(scene, TRIALS, 4);
        assert!(ends.rate(ends.fast) <= 0.01, "{life}: {ends:?}");
    }
}

#[test]
fn differences_well_above_the_margin_are_found() {
    for (ratio, power) in [(1.1, 0.85), (1.2, 0.92)] {
        let ends = simulate(Scene { ratio, ..ROUGH }, TRIALS, 5);
        assert!(ends.rate(ends.slower) >= power, "{ratio}: {ends:?}");
    }
}

#[test]
fn printed_intervals_cover_the_truth_whatever_lives_do() {
    // Three standard errors of this many trials below 95 %.
    let least = 0.95 - 3.0 * (0.95 * 0.05 / f64::from(TRIALS)).sqrt();
    for (noise, life) in [(0.02, 0.0), (0.02, 0.035), (0.005, 0.01)] {
        for outliers in [0.0, 0.05] {
            let scene = Scene {
                ratio: 1.2,
                noise,
                life,
                outliers,
                ..ROUGH
            };
            let ends = simulate(scene, TRIALS, 6);
            assert!(ends.coverage() >= least, "{noise} {life}: {ends:?}");
        }
    }
}
