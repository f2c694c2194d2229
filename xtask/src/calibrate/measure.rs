//! One trial: contestants sampled in rounds and lives as a comparison samples them.

use std::path::PathBuf;
use std::time::Duration;

use workload::protocol::{Load, Reply, Request, Sources};
use workload::value::Rng;

use super::conclude::{Seen, Trial};
use crate::compare::contestant::{introduce, mismatch};
use crate::compare::interrupt::Interrupt;
use crate::compare::runner::{Asking, Fault, Runner};
use crate::error::Error;
use crate::results::{Cell, Sample};
use crate::stats;

/// Rounds in a life, as in a comparison.
const ROUNDS: u32 = 3;

/// The lives at each look: the planned looks of a comparison in whose time twelve lives fit.
const LOOKS: [u32; 3] = [4, 7, 12];

/// How long a runner may take to answer.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// A program with its inputs.
#[derive(Debug, Clone)]
pub(super) struct Subject {
    pub(super) program: PathBuf,
    pub(super) inputs: PathBuf,
    /// The right digest.
    pub(super) digest: u64,
    pub(super) workers: usize,
}

impl Subject {
    /// The same with each of these programs.
    pub(super) fn of(&self, programs: Vec<PathBuf>) -> Vec<Subject> {
        let with = |program| Subject {
            program,
            ..self.clone()
        };
        programs.into_iter().map(with).collect()
    }
}

/// The rounds at each look.
pub(super) fn rounds() -> Vec<u32> {
    LOOKS.iter().map(|lives| lives * ROUNDS).collect()
}

/// Samples all subjects side by side, and returns the trial of each one against the first.
///
/// # Errors
///
/// [`Error::Interrupted`], and [`Error::Failed`] if a runner does anything but answer rightly.
pub(super) fn trials(
    subjects: &[Subject],
    interrupt: &Interrupt,
    rng: &mut Rng,
) -> Result<Vec<Trial>, Error> {
    let mut cells: Vec<Cell> = subjects.iter().map(|_| verified()).collect();
    for life in 0..LOOKS[LOOKS.len() - 1] {
        let started = subjects.iter().map(|subject| start(subject, interrupt));
        let mut runners = started.collect::<Result<Vec<Runner<'_>>, Error>>()?;
        for round in 0..ROUNDS {
            for at in shuffled(subjects.len(), rng) {
                let wall_ns = sample(&mut runners[at], &subjects[at])?;
                cells[at].samples.push(Sample {
                    wall_ns,
                    life,
                    round: life * ROUNDS + round,
                    warm_up: round == 0,
                    ..Sample::default()
                });
            }
        }
        for runner in runners {
            runner.quit().map_err(failed)?;
        }
    }
    let Some((first, others)) = cells.split_first() else {
        return Ok(Vec::new());
    };
    Ok(others.iter().map(|other| trial(other, first)).collect())
}

/// A cell whose samples count.
fn verified() -> Cell {
    Cell {
        verified: true,
        ..Cell::default()
    }
}

/// The ratio `more ÷ less` that a comparison would see at each look.
fn trial(more: &Cell, less: &Cell) -> Trial {
    let looks = LOOKS.iter().zip(stats::confidences(LOOKS.len()));
    let seen = looks.map(|(lives, confidence)| {
        let until = |cell: &Cell| {
            let mut cell = cell.clone();
            cell.samples.retain(|sample| sample.life < *lives);
            cell.confidence = Some(*confidence);
            cell
        };
        Seen::of(stats::between(&until(more), &until(less))?.interval)
    });
    Trial {
        looks: seen.collect(),
    }
}

fn start<'i>(subject: &Subject, interrupt: &'i Interrupt) -> Result<Runner<'i>, Error> {
    let command = [subject.program.display().to_string()];
    let (_, mut runner) = introduce(&command, PATIENCE, interrupt).map_err(failed)?;
    let load = Load {
        sources: Sources {
            inputs: subject.inputs.clone(),
            files: None,
            origin: None,
            requests: None,
        },
        variant: String::new(),
        workers: subject.workers,
    };
    match runner
        .ask(&Request::Load(load), Asking::within(PATIENCE))
        .map_err(failed)?
    {
        Reply::Loaded { .. } => Ok(runner),
        other => Err(failed(mismatch("load", &other))),
    }
}

fn sample(runner: &mut Runner<'_>, subject: &Subject) -> Result<u64, Error> {
    match runner
        .ask(&Request::Sample, Asking::within(PATIENCE))
        .map_err(failed)?
    {
        Reply::Sample(said) if said.digest == subject.digest => Ok(said.wall_ns),
        Reply::Sample(said) => Err(failed(Fault::Wrong(format!(
            "its outputs have the digest {:016x}, the right ones {:016x}",
            said.digest, subject.digest
        )))),
        other => Err(failed(mismatch("sample", &other))),
    }
}

fn failed(fault: Fault) -> Error {
    match fault {
        Fault::Interrupted => Error::Interrupted,
        fault => Error::Failed(format!("a runner of the calibration {fault}")),
    }
}

fn shuffled(count: usize, rng: &mut Rng) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    for last in (1..count).rev() {
        order.swap(last, rng.below(last as u64 + 1) as usize);
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(ratio: f64) -> Cell {
        let mut cell = verified();
        cell.samples = (0..36)
            .map(|round| Sample {
                wall_ns: (ratio * 1e6 * (1.0 + f64::from(round % 5) / 1e3)) as u64,
                life: round / ROUNDS,
                round,
                warm_up: round % ROUNDS == 0,
                ..Sample::default()
            })
            .collect();
        cell
    }

    #[test]
    fn a_trial_has_bounds_at_each_look() {
        let trial = trial(&cell(1.03), &cell(1.0));
        assert_eq!(trial.looks.len(), LOOKS.len());
        for seen in trial.looks {
            let seen = seen.expect("bounds");
            assert!((seen.centre - 1.03_f64.ln()).abs() < 1e-4, "{seen:?}");
            assert!(seen.low > 0.029 && seen.high < 0.031, "{seen:?}");
        }
    }

    #[test]
    fn each_round_has_all_subjects_in_some_order() {
        let mut rng = Rng::new(1);
        for _ in 0..20 {
            let mut order = shuffled(5, &mut rng);
            order.sort_unstable();
            assert_eq!(order, [0, 1, 2, 3, 4]);
        }
    }
}
