//! Paired rounds over the versions of a job, in shuffled order, each verified.

use std::collections::BTreeMap;
use std::io;
use std::time::{Duration, Instant};

use crate::by_hand::{Model, Run, Version, prepare};
use crate::job::Real;

/// Versions that take longer than this many times the best one after the first round are not
/// measured again.
const CLEARLY_SLOWER: f64 = 1.5;

/// The times of the versions of one job, in seconds: one for each round.
pub type Times = BTreeMap<Version, Vec<f64>>;

/// The versions that a person might write on a machine with this many processors.
pub fn sensible(job: &Real, cpus: usize) -> Vec<Version> {
    let pooled = [
        Model::Threads,
        Model::ThreadPerTask,
        Model::Queue,
        Model::ThreadPool,
        Model::DataParallel,
        Model::TokioBlocking,
        Model::Smol,
        Model::AsyncStd,
    ];
    let sizes = [cpus, 2 * cpus, 4 * cpus, 8 * cpus, 16 * cpus, 32 * cpus];
    let version = |model, workers| Version { model, workers };
    let mut versions = vec![version(Model::Sequential, 0)];
    versions.extend(
        pooled
            .into_iter()
            .flat_map(|model| sizes.map(|workers| version(model, workers))),
    );
    versions.extend([cpus, 2 * cpus, 4 * cpus].map(|workers| version(Model::Processes, workers)));
    if job.call_async.is_some() {
        versions.extend([Model::Tokio, Model::TokioCurrentThread].map(|model| version(model, 0)));
    }
    versions
}

/// Measures the versions: all of them once, then for `rounds` rounds those that are not clearly
/// slower, and those of `always`.
///
/// # Errors
///
/// If a version cannot be prepared, or computes something else than the sequential one.
pub fn measure(
    job: &Real,
    versions: &[Version],
    always: &[Version],
    rounds: usize,
) -> io::Result<Times> {
    let expected: Vec<u64> = (0..job.tasks).map(|task| (job.call)(task)).collect();
    let mut first = Vec::new();
    for (number, &version) in versions.iter().chain(always).enumerate() {
        eprint!(
            "\r{}: version {} of {} ",
            job.name,
            number + 1,
            versions.len() + always.len()
        );
        let mut run = prepare(job, version)?;
        // The first run of a version pays for threads that are made on demand.
        checked(&mut run, version, &expected)?;
        first.push((version, checked(&mut run, version, &expected)?));
    }
    let best = first
        .iter()
        .map(|(_, time)| *time)
        .min()
        .unwrap_or_default();
    let contenders: Vec<Version> = versions
        .iter()
        .chain(always)
        .copied()
        .filter(|version| {
            let fast = |(other, time): &(Version, Duration)| {
                other == version && time.as_secs_f64() <= best.as_secs_f64() * CLEARLY_SLOWER
            };
            always.contains(version) || first.iter().any(fast)
        })
        .collect();
    let mut times = Times::new();
    let mut order: Vec<Version> = contenders;
    order.sort_unstable();
    order.dedup();
    let mut random = 0x9E37_79B9_7F4A_7C15_u64;
    for round in 0..rounds {
        eprint!(
            "\r{}: round {} of {rounds}, {} versions ",
            job.name,
            round + 1,
            order.len()
        );
        shuffle(&mut order, &mut random);
        for &version in &order {
            let time = timed(job, version, &expected)?;
            times.entry(version).or_default().push(time.as_secs_f64());
        }
    }
    eprintln!();
    Ok(times)
}

/// A version has threads only while it is measured, so that versions do not disturb each other.
fn timed(job: &Real, version: Version, expected: &[u64]) -> io::Result<Duration> {
    let mut run = prepare(job, version)?;
    checked(&mut run, version, expected)?;
    checked(&mut run, version, expected)
}

fn checked(run: &mut Run, version: Version, expected: &[u64]) -> io::Result<Duration> {
    let start = Instant::now();
    let outputs = run();
    let time = start.elapsed();
    if outputs == expected {
        Ok(time)
    } else {
        Err(io::Error::other(format!(
            "{version} computed something else"
        )))
    }
}

fn shuffle(order: &mut [Version], random: &mut u64) {
    for left in (1..order.len()).rev() {
        *random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        let other = (*random >> 33) as usize % (left + 1);
        order.swap(left, other);
    }
}
