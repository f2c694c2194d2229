//! Paired rounds over the versions of a job, in shuffled order, each verified.

use std::collections::BTreeMap;
use std::io;
use std::time::{Duration, Instant};

use workload_stats::median;

use crate::by_hand::{Model, Run, Version, prepare};
use crate::job::Real;

/// Versions that take longer than this many times the best one after the first round are not
/// measured again.
const CLEARLY_SLOWER: f64 = 1.5;

/// The rounds after which versions leave that are still far from the best one.
const FIRST_ROUNDS: usize = 5;

/// Far from the best one, by the medians of the first rounds.
const STILL_SLOWER: f64 = 1.1;

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
/// slower, the sequential one, and those of `always`. After a few rounds, those leave that are
/// still slower.
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
    let mut order: Vec<Version> = versions.iter().chain(always).copied().collect();
    order.sort_unstable();
    order.dedup();
    let first = once(job, &order, &expected)?;
    let best = first.values().min().copied().unwrap_or_default();
    let limit = best.mul_f64(CLEARLY_SLOWER);
    let is_sequential = |version: &Version| version.model == Model::Sequential;
    order.retain(|one| always.contains(one) || is_sequential(one) || first[one] <= limit);
    let mut times = Times::new();
    let mut random = 0x9E37_79B9_7F4A_7C15_u64;
    for round in 0..rounds {
        if round == FIRST_ROUNDS {
            let near = near(&times);
            order.retain(|version| always.contains(version) || near.contains(version));
        }
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

/// The time of each version in one run.
fn once(
    job: &Real,
    versions: &[Version],
    expected: &[u64],
) -> io::Result<BTreeMap<Version, Duration>> {
    let mut times = BTreeMap::new();
    for (number, &version) in versions.iter().enumerate() {
        eprint!(
            "\r{}: version {} of {} ",
            job.name,
            number + 1,
            versions.len()
        );
        times.insert(version, timed(job, version, expected)?);
    }
    Ok(times)
}

/// The versions that are not far from the best one.
fn near(times: &Times) -> Vec<Version> {
    let medians = times
        .iter()
        .filter_map(|(version, times)| Some((*version, median(times)?)));
    let medians: Vec<(Version, f64)> = medians.collect();
    let best = medians.iter().map(|(_, time)| *time);
    let limit = best.fold(f64::INFINITY, f64::min) * STILL_SLOWER;
    let near = medians.into_iter().filter(|(_, time)| *time <= limit);
    near.map(|(version, _)| version).collect()
}

/// A version has threads only while it is measured, so that versions do not disturb each other.
/// Its first run pays for threads and connections that are made on demand, and does not count.
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
