//! The batches of a stream under loom, in every interleaving of up to three preemptions.
//!
//! In a separate target folder: `RUSTFLAGS="--cfg model_check" cargo test --release -p
//! effective-data-parallel --test model_check`.
#![cfg(model_check)]

use std::sync::Arc;

use effective_data_parallel::internals::{Batch, Waited};
use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::thread;

/// Runs all interleavings of `model`. loom reports one that hangs as a deadlock.
fn check(model: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(model);
}

fn results(waited: Waited<u32>) -> Vec<u32> {
    match waited {
        Waited::Results(results) => results.into_iter().map(Result::unwrap).collect(),
        _ => panic!("the batch has results"),
    }
}

#[test]
fn batch_runs_once_if_consumer_and_worker_both_run_it() {
    check(|| {
        let runs = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&runs);
        let f = Arc::new(move |n: u32| {
            count.fetch_add(1, Ordering::SeqCst);
            n + 1
        });
        let batch = Arc::new(Batch::new(vec![1, 2], f));
        let worker = {
            let batch = Arc::clone(&batch);
            thread::spawn(move || batch.run(|| {}))
        };
        batch.run(|| {});
        assert_eq!(results(batch.wait(None)), [2, 3]);
        assert_eq!(runs.load(Ordering::SeqCst), 2);
        worker.join().unwrap();
    });
}

#[test]
fn waiting_consumer_misses_no_result() {
    check(|| {
        let batch = Arc::new(Batch::new(vec![1], Arc::new(|n: u32| n + 1)));
        let worker = {
            let batch = Arc::clone(&batch);
            thread::spawn(move || batch.run(|| {}))
        };
        assert_eq!(results(batch.wait(None)), [2]);
        worker.join().unwrap();
    });
}

#[test]
fn batch_is_either_cancelled_or_waited_for() {
    check(|| {
        let ended = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&ended);
        let f = Arc::new(move |n: u32| {
            count.fetch_add(1, Ordering::SeqCst);
            n
        });
        let held = Arc::downgrade(&f);
        let batch = Arc::new(Batch::new(vec![7], f));
        let worker = {
            let batch = Arc::clone(&batch);
            thread::spawn(move || batch.run(|| {}))
        };
        let cancelled = batch.cancel().map(|(inputs, _)| inputs);
        let waited = results(batch.wait(None));
        // The function is released by now, whatever the worker does next.
        assert_eq!(held.strong_count(), 0);
        match cancelled {
            Some(inputs) => {
                assert_eq!((inputs, waited), (vec![7], vec![]));
                assert_eq!(ended.load(Ordering::SeqCst), 0);
            }
            None => {
                assert_eq!(waited, [7]);
                assert_eq!(ended.load(Ordering::SeqCst), 1);
            }
        }
        worker.join().unwrap();
    });
}
