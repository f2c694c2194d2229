//! The protocol of a stream's pieces, every interleaving of it up to three preemptions:
//! `RUSTFLAGS="--cfg model_check" cargo test --release -p data-parallel --test model_check`, in a target folder of its
//! own.
#![cfg(model_check)]
#![allow(dead_code, reason = "a model uses its part of the files it includes")]

#[path = "../src/contain.rs"]
mod contain;
#[path = "../src/stream/piece.rs"]
mod piece;
#[path = "../src/sync.rs"]
mod sync;
#[path = "../src/task_panic.rs"]
mod task_panic;

use std::sync::Arc;

use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::thread;
use piece::{Piece, Waited};
use task_panic::TaskPanic;

/// A model that hangs in some interleaving fails: loom reports a deadlock.
fn check(model: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(model);
}

fn results(waited: Waited<u32>) -> Vec<u32> {
    match waited {
        Waited::Results(results) => results.into_iter().map(Result::unwrap).collect(),
        _ => panic!("results are awaited"),
    }
}

#[test]
fn a_consumer_that_is_a_worker_and_another_worker_do_a_piece_once() {
    check(|| {
        let runs = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&runs);
        let f = Arc::new(move |n: u32| {
            count.fetch_add(1, Ordering::SeqCst);
            n + 1
        });
        let piece = Arc::new(Piece::new(vec![1, 2], f));
        let worker = {
            let piece = Arc::clone(&piece);
            thread::spawn(move || piece.run(|| {}))
        };
        piece.run(|| {});
        assert_eq!(results(piece.wait(None)), [2, 3]);
        assert_eq!(runs.load(Ordering::SeqCst), 2);
        worker.join().unwrap();
    });
}

#[test]
fn a_consumer_that_only_waits_misses_no_result() {
    check(|| {
        let piece = Arc::new(Piece::new(vec![1], Arc::new(|n: u32| n + 1)));
        let worker = {
            let piece = Arc::clone(&piece);
            thread::spawn(move || piece.run(|| {}))
        };
        assert_eq!(results(piece.wait(None)), [2]);
        worker.join().unwrap();
    });
}

#[test]
fn a_cancelled_piece_never_runs_and_one_that_runs_is_waited_for() {
    check(|| {
        let ended = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&ended);
        let f = Arc::new(move |n: u32| {
            count.fetch_add(1, Ordering::SeqCst);
            n
        });
        let held = Arc::downgrade(&f);
        let piece = Arc::new(Piece::new(vec![7], f));
        let worker = {
            let piece = Arc::clone(&piece);
            thread::spawn(move || piece.run(|| {}))
        };
        let cancelled = piece.cancel().map(|(inputs, _)| inputs);
        let waited = results(piece.wait(None));
        // Nothing of the user's is held from here on, whatever the worker still does.
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
