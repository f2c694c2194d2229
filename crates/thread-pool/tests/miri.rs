//! The paths through unsafe code, small enough for Miri.
//!
//! They are ordinary tests too. To run them under Miri, with a toolchain that has it:
//!
//! ```text
//! MIRIFLAGS="-Zmiri-tree-borrows -Zmiri-permissive-provenance -Zmiri-ignore-leaks" \
//!     cargo +nightly miri test -p effective-thread-pool --test miri
//! ```
//! crossbeam-epoch, below the queues, needs these flags: it tags pointers, leaks at exit, and does
//! not pass Stacked Borrows. With `-Zmiri-many-seeds=0..8`, Miri tries more interleavings.

mod support;

use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use effective_thread_pool::{JobError, ThreadPool};
use support::within_deadline;

/// Miri takes about a thousand times as long for a round, and checks more.
const ROUNDS: usize = if cfg!(miri) { 100 } else { 2_000 };
/// For costly rounds: maps, pools, and panics, which are printed as well.
const FEW_ROUNDS: usize = if cfg!(miri) { 6 } else { 50 };

/// The owner of a scope may free what a job borrowed as soon as the loan is repaid. A reference
/// that is still an argument of a running function at that moment is undefined behaviour, used or
/// not.
#[test]
fn value_dropped_after_scope_is_no_live_argument() {
    within_deadline(|| {
        let pool = ThreadPool::new(1).unwrap();
        for _ in 0..ROUNDS {
            let mut value = Box::new(0);
            // Without its handle, only the loan keeps the scope open.
            pool.scope(|scope| mem::forget(scope.submit(|| *value += 1).unwrap()))
                .unwrap();
            drop(value);
        }
    });
}

#[test]
fn value_read_after_scope_is_no_live_argument() {
    within_deadline(|| {
        let pool = ThreadPool::new(2).unwrap();
        for round in 0..ROUNDS {
            let (mut first, mut second) = (round, [0; 3]);
            pool.scope(|scope| {
                mem::forget(scope.submit(|| first += 1).unwrap());
                mem::forget(scope.submit(|| second[1] = 7).unwrap());
            })
            .unwrap();
            first += 1;
            second[0] += second[1];
            assert_eq!((first, second), (round + 2, [7, 7, 0]));
        }
    });
}

#[test]
fn value_dropped_after_panicked_job_is_no_live_argument() {
    /// Makes the job panic after it used its borrow.
    struct Bomb<'a>(&'a mut usize);

    impl Drop for Bomb<'_> {
        fn drop(&mut self) {
            *self.0 += 1;
            panic!("dropped");
        }
    }

    within_deadline(|| {
        let pool = ThreadPool::new(1).unwrap();
        for _ in 0..FEW_ROUNDS {
            let mut value = Box::new(0);
            pool.scope(|scope| {
                let bomb = Bomb(&mut value);
                mem::forget(scope.submit(move || drop(bomb)).unwrap());
            })
            .unwrap();
            assert_eq!(*value, 1);
            drop(value);
        }
    });
}

#[test]
fn value_dropped_after_cancelled_job_is_no_live_argument() {
    within_deadline(|| {
        let pool = ThreadPool::new(1).unwrap();
        for _ in 0..ROUNDS {
            let mut value = Box::new(0);
            let changed = &mut value;
            pool.scope(|scope| {
                let job = scope.submit(move || **changed += 1).unwrap();
                // The job may also run first. A cancelled job repays its loan on this thread.
                job.cancel();
                mem::forget(job);
            })
            .unwrap();
            assert!(*value <= 1);
            drop(value);
        }
    });
}

#[test]
fn result_of_forgotten_job_is_dropped_inside_scope() {
    /// Changes the borrowed value when it is dropped.
    struct Last<'a>(&'a mut usize);

    impl Drop for Last<'_> {
        fn drop(&mut self) {
            *self.0 += 1;
        }
    }

    within_deadline(|| {
        let pool = ThreadPool::new(1).unwrap();
        for _ in 0..ROUNDS {
            let mut value = Box::new(0);
            pool.scope(|scope| {
                let last = Last(&mut value);
                drop(scope.submit(move || last).unwrap());
            })
            .unwrap();
            assert_eq!(*value, 1);
            drop(value);
        }
    });
}

#[test]
fn scopes_and_maps_inside_jobs_borrow_from_the_jobs() {
    within_deadline(|| {
        let pool = Arc::new(ThreadPool::new(2).unwrap());
        for _ in 0..FEW_ROUNDS {
            let mut sums = vec![0; 3];
            pool.scope(|scope| {
                for sum in &mut sums {
                    let pool = &pool;
                    mem::forget(scope.submit(move || {
                        let words = [String::from("one"), String::from("three")];
                        let lengths = pool.scope(|inner| inner.map(&words, String::len));
                        *sum = lengths.unwrap().into_iter().flatten().sum();
                        drop(words);
                    }));
                }
            })
            .unwrap();
            assert_eq!(sums, [8, 8, 8]);
        }
    });
}

#[test]
fn over_aligned_and_zero_sized_values_keep_their_places() {
    #[derive(Clone, Copy, Debug, PartialEq)]
    #[repr(align(256))]
    struct Aligned(u8);

    within_deadline(|| {
        let pool = ThreadPool::new(2).unwrap();
        for _ in 0..FEW_ROUNDS {
            let (small, large) = (7, Aligned(9));
            let handles = [
                pool.submit(move || Aligned(small)).unwrap(),
                pool.submit(move || large).unwrap(),
            ];
            let [small, large] = handles.map(|handle| handle.wait().unwrap());
            assert_eq!((small, large), (Aligned(7), Aligned(9)));
            assert_eq!((&raw const large).addr() % 256, 0);
            pool.submit(|| ()).unwrap().wait().unwrap();
            let units = pool.map([(); 5], |()| ());
            assert_eq!(units.into_iter().flatten().count(), 5);
        }
    });
}

/// Counts its drops, and panics if it is a bomb.
struct Counted {
    drops: Arc<AtomicUsize>,
    bomb: bool,
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.drops.fetch_add(1, Ordering::Relaxed);
        assert!(!self.bomb, "dropped");
    }
}

#[test]
fn values_of_jobs_are_dropped_once_wherever_they_end() {
    within_deadline(|| {
        let rounds = FEW_ROUNDS;
        let drops = Arc::new(AtomicUsize::new(0));
        let counted = |bomb| Counted {
            drops: Arc::clone(&drops),
            bomb,
        };
        let pool = ThreadPool::new(2).unwrap();
        for round in 0..rounds {
            let bomb = round % 2 == 0;
            // A captured value of a job that is cancelled or runs, a result that is never taken,
            // and a result that is passed to a callback.
            let captured = counted(bomb);
            let job = pool.submit(move || drop(captured)).unwrap();
            job.cancel();
            drop(job.wait());
            let unwanted = counted(bomb);
            let handle = pool.submit(move || unwanted).unwrap();
            // A finished job leaves its result to the handle, so a panic of the destructor reaches
            // this thread.
            drop(catch_unwind(AssertUnwindSafe(|| drop(handle))));
            let shown = counted(false);
            let mut job = pool.submit(move || shown).unwrap();
            let by_callback = counted(bomb);
            job.on_complete(move |result| {
                assert!(result.is_ok());
                drop(by_callback);
            });
            drop(job);
        }
        drop(pool);
        assert_eq!(drops.load(Ordering::Relaxed), 4 * rounds);
    });
}

#[test]
fn inputs_and_results_of_maps_are_dropped_once() {
    within_deadline(|| {
        let drops = Arc::new(AtomicUsize::new(0));
        let counted = |bomb| Counted {
            drops: Arc::clone(&drops),
            bomb,
        };
        let pool = ThreadPool::new(2).unwrap();
        let inputs: Vec<Counted> = (0..6).map(|n| counted(n == 3)).collect();
        // Input 3 panics when it is dropped inside the call; input 4 is returned.
        let results = pool.map(inputs.into_iter().enumerate(), |(number, input)| {
            (number == 4).then_some(input)
        });
        assert!(matches!(results[3], Err(JobError::Panicked(_))));
        assert_eq!(results.iter().flatten().flatten().count(), 1);
        drop(results);
        assert_eq!(drops.load(Ordering::Relaxed), 6);

        let inputs: Vec<Counted> = (0..6).map(|_| counted(false)).collect();
        drop(pool.mapping().start(inputs, |input| input));
        let inputs = (0..6).map(|_| counted(false));
        let mut stream = pool
            .mapping()
            .stream(inputs.collect::<Vec<_>>(), |input| input);
        let first = catch_unwind(AssertUnwindSafe(|| stream.next()));
        assert!(matches!(first, Ok(Some(Ok(_)))));
        drop((first, stream));
        drop(pool);
        assert_eq!(drops.load(Ordering::Relaxed), 18);
    });
}
