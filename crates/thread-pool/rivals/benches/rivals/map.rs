//! `map` over many tiny inputs.

use std::hint::black_box;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use rayon::prelude::*;
use workload_rivals::{Contest, Settings, timed};

use crate::runtimes;

const INPUTS: u64 = 200_000;

fn f(n: u64) -> u64 {
    black_box(n) ^ 1
}

/// Times `map` on prepared inputs, and checks its outputs.
fn on_inputs(map: impl FnOnce(Vec<u64>) -> Vec<u64>) -> Duration {
    let inputs: Vec<u64> = (0..INPUTS).collect();
    let mut outputs = Vec::new();
    let time = timed(|| outputs = map(inputs));
    assert!(outputs.into_iter().eq((0..INPUTS).map(|n| n ^ 1)));
    time
}

fn ours(pool: &effective_thread_pool::ThreadPool, chunk: Option<usize>) -> Duration {
    let inputs: Vec<u64> = (0..INPUTS).collect();
    let mut mapping = pool.mapping();
    if let Some(chunk) = chunk.and_then(NonZeroUsize::new) {
        mapping = mapping.chunk_size(chunk);
    }
    let mut outputs = Vec::new();
    let time = timed(|| outputs = mapping.run(inputs, f));
    assert!(
        outputs
            .into_iter()
            .map(|output| output.expect("no panic"))
            .eq((0..INPUTS).map(|n| n ^ 1))
    );
    time
}

pub(crate) fn contests(settings: &Settings) {
    let pool = runtimes::ours();
    let rayon = runtimes::rayon();
    let threadpool = threadpool::ThreadPool::new(runtimes::workers());
    let claims = threadpool::ThreadPool::new(runtimes::workers());

    Contest::new("map 200,000 tiny inputs, one by one", "input", INPUTS)
        .ours("thread-pool map, chunks of 1", || ours(&pool, Some(1)))
        .rival("rayon, at most 1 at a time", || {
            on_inputs(|inputs| {
                rayon.install(|| inputs.into_par_iter().with_max_len(1).map(f).collect())
            })
        })
        .rival("threadpool, a job each", || {
            on_inputs(|inputs| a_job_each(&threadpool, inputs))
        })
        .limit("an atomic claim each", || {
            on_inputs(|inputs| claim_each(&claims, inputs))
        })
        .reach(1.2, "an atomic claim each")
        .run(settings);

    Contest::new("map 200,000 tiny inputs, adaptive chunks", "input", INPUTS)
        .ours("thread-pool map", || ours(&pool, None))
        .rival("rayon", || {
            on_inputs(|inputs| rayon.install(|| inputs.into_par_iter().map(f).collect()))
        })
        .limit("a loop on one thread", || {
            on_inputs(|inputs| inputs.into_iter().map(f).collect())
        })
        .reach(3.0, "rayon")
        .reach(1.0, "rayon")
        .run(settings);
}

fn a_job_each(pool: &threadpool::ThreadPool, inputs: Vec<u64>) -> Vec<u64> {
    let mut outputs = vec![0; inputs.len()];
    let (sender, results) = mpsc::channel();
    for (place, input) in inputs.into_iter().enumerate() {
        let sender = sender.clone();
        pool.execute(move || sender.send((place, f(input))).expect("received"));
    }
    drop(sender);
    for (place, output) in results {
        outputs[place] = output;
    }
    outputs
}

/// Existing threads claim one input at a time by an atomic step, and write into its slot.
fn claim_each(pool: &threadpool::ThreadPool, inputs: Vec<u64>) -> Vec<u64> {
    let next = Arc::new(AtomicUsize::new(0));
    let outputs: Arc<Vec<AtomicU64>> = Arc::new(inputs.iter().map(|_| AtomicU64::new(0)).collect());
    let inputs = Arc::new(inputs);
    for _ in 0..runtimes::workers() {
        let (next, inputs, outputs) =
            (Arc::clone(&next), Arc::clone(&inputs), Arc::clone(&outputs));
        pool.execute(move || {
            while let Some((input, output)) = {
                let place = next.fetch_add(1, Ordering::Relaxed);
                inputs.get(place).zip(outputs.get(place))
            } {
                output.store(f(*input), Ordering::Relaxed);
            }
        });
    }
    pool.join();
    outputs
        .iter()
        .map(|output| output.load(Ordering::Relaxed))
        .collect()
}
